# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The thread in the write path never allocates or frees memory and never takes a lock: through clean/dirty cycles, a
# member failure, the rebuild on a spare, and the end of the array. (monitor-syscalls shows the same from outside.)
# ours-only: the reference's monitor allocates
# cases: imsm ddf

use_format "$LEVEL"
rm -f /tmp/alloc-trace.*
cat >/tmp/mdmon <<'END'
#!/bin/bash
LD_PRELOAD=/t/alloc-trace.so exec /sbin/mdmon.ours "$@"
END
chmod 755 /tmp/mdmon
mv /tmp/mdmon /sbin/mdmon.new
mv /sbin/mdmon.new /sbin/mdmon
set_up 5 1
for round in 1 2; do
	say "round $round"
	put_block
	wait_for 10 attr_is "$V" array_state clean
done
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
wait_for 10 attr_is "$V" array_state clean
[ -e "/proc/$(daemon_pid)/task" ] || fail "no daemon"
grep -q mdmon-monitor "/proc/$(daemon_pid)/task"/*/comm || fail "no thread is called mdmon-monitor"
stop_all
[ -s /tmp/alloc-trace.mdmon.ours ] || fail "nothing was traced: $(ls /tmp/alloc-trace.* 2>&1)"
say "manager: $(wc -l </tmp/alloc-trace.mdmon.ours) calls"
[ ! -e /tmp/alloc-trace.mdmon-monitor ] || fail "the monitor called: $(sort /tmp/alloc-trace.mdmon-monitor | uniq -c)"
