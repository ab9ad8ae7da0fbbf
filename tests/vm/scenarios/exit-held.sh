# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# When the last array has gone the daemon removes its files and leaves, within a second (mdmon.md 6.3). Somebody who holds
# the container exclusively keeps it: it stays and answers, uses no processor to speak of, and leaves afterwards.

set_up 1
pid=$(daemon_pid)
stop_volume "$V"
now_ms
began=$NOW
eventually 1 gone "$pid" || fail "the daemon is still there 1 s after mdadm --stop"
now_ms
say "gone $((NOW - began)) ms after the end of mdadm --stop"
for file in "/run/mdadm/$C".{pid,sock}; do
	[ ! -e "$file" ] || fail "$file is still there"
done
must mdadm -IR /dev/md/c
find_volumes
pid=$(daemon_pid)
stall claim "/dev/$C" >/tmp/claimed &
holder=$!
wait_for 5 grep -q claimed /tmp/claimed
stop_volume "$V"
before=$(cpu_ticks "$pid")
nap 1.5
alive "$pid" || fail "the daemon left while somebody held the container"
say "CPU ticks in 1.5 s: $(($(cpu_ticks "$pid") - before))"
assert_one_daemon
for file in "/run/mdadm/$C".{pid,sock}; do
	[ -e "$file" ] || fail "$file is gone"
done
kill -KILL "$holder"
now_ms
began=$NOW
eventually 1 gone "$pid" || fail "the daemon is still there 1 s after the container was released"
now_ms
say "gone $((NOW - began)) ms after the container was released"
for file in "/run/mdadm/$C".{pid,sock}; do
	[ ! -e "$file" ] || fail "$file is still there"
done
must mdadm --stop "/dev/$C"
