# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The running daemon hangs (it is stopped by a signal): a start with --takeover replaces it within some 10 s, one without
# waits 20 s for an answer to its ping and replaces it then (mdmon.md 6.1, 6.2). The old one does no harm when it wakes.
# cases: ours-takeover reference-takeover ours-ping
# timeout: 90
# ours-only: the cases name both

set_up 1
write_data
use_daemon "${LEVEL%-*}"
must timeout 60 /sbin/mdmon --takeover "$C"
assert_one_daemon 20
old=$(daemon_pid)
stay_dirty
kill -STOP "$old"
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
use_daemon ours
now_ms
began=$NOW
if [ "${LEVEL#*-}" = takeover ]; then
	run_mdmon --takeover "$C"
	limit=12000
else
	run_mdmon "$C"
	limit=32000
fi
now_ms
took=$((NOW - began))
say "figures: $LEVEL: $took ms"
expect_status 0 "a start over a daemon that hangs"
[ "$took" -lt $limit ] || fail "it took $took ms"
[ "${LEVEL#*-}" != ping ] || [ "$took" -gt 18000 ] || fail "it did not give the old one 20 s to answer, but $took ms"
wait_for 5 gone "$writer"
wait "$writer" || fail "the write failed"
kill -CONT "$old" 2>/dev/null
assert_one_daemon 10
[ "$(daemon_pid)" != "$old" ] || fail "the old daemon is still there"
check_data
assert_served
stop_all
