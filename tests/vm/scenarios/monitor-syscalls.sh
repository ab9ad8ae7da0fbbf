# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# In the steady state (clean, dirty, a member failure without a spare) the thread in the write path makes only the
# system calls that cannot block behind memory or files: it waits, reads and writes descriptors that are
# open already, and does asynchronous disk I/O.
# ours-only: the reference's monitor opens, closes and allocates
# cases: imsm ddf

use_format "$LEVEL"
# write: to the sysfs descriptors, not to a log
allowed='write|ppoll|epoll_pwait|epoll_pwait2|pread64|pwrite64|pwritev2|lseek|io_submit|io_getevents|io_pgetevents|tgkill|gettid|getpid|clock_gettime|rt_sigreturn|restart_syscall'
set_up 5
pid=$(daemon_pid)
monitor=
for task in "/proc/$pid/task"/*; do
	[ "${task##*/}" = "$pid" ] || monitor=${task##*/}
done
[ -n "$monitor" ] || fail "the daemon has no second thread"
ping_daemon
strace -f -o /tmp/strace -p "$pid" &
wait_for 10 grep -q "TracerPid:[[:space:]]*[1-9]" "/proc/$pid/task/$monitor/status"
for round in 1 2 3; do
	say "round $round"
	put_block
	wait_for 10 attr_is "$V" array_state clean
done
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 no_member "$V" "${DISKS[0]}"
writer_goes_on
stop_writer
wait_for 10 attr_is "$V" array_state clean
sed -n "s/^$monitor *\(<\.\.\. \)\{0,1\}\([a-z][a-z0-9_]*\).*/\2/p" /tmp/strace | sort | uniq -c
! grep "^$monitor *write(2," /tmp/strace || fail "the monitor thread writes a log"
calls=$(sed -n "s/^$monitor *\(<\.\.\. \)\{0,1\}\([a-z][a-z0-9_]*\).*/\2/p" /tmp/strace | sort -u)
[ -n "$calls" ] || fail "nothing was traced"
bad=$(printf '%s\n' "$calls" | grep -vxE "$allowed" | tr '\n' ' ')
for call in $bad; do
	grep "^$monitor *$call" /tmp/strace | head -n 5
done
[ -z "$bad" ] || fail "the monitor thread calls: $bad"
