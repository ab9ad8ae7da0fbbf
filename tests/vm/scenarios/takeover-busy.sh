# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One daemon follows another, of either kind, while one of two volumes is written without a pause: no write fails, none
# waits 10 s, the data are right, and in the end there is one daemon. Prints how long it took.
# udev: yes
# cases: ours-ours ours-reference reference-ours
# timeout: 120
# ours-only: the cases name both

old=${LEVEL%-*} new=${LEVEL#*-}
set_up 1
make_volume 1 2 idle
wait_settled "$V1"
must pattern write "/dev/$V1" 9 0 1048576
write_data
start_writer 0
worst=0 slowest=0
rounds=2
[ "$LEVEL" != ours-ours ] || rounds=5
for ((round = 1; round <= rounds; round++)); do
	use_daemon "$old"
	must timeout 60 /sbin/mdmon --takeover "$C"
	assert_one_daemon 60
	before=$(daemon_pid)
	kill -USR1 "$WRITER"
	eventually 20 writer_passed $(($(writer_field 0) + 2)) || fail "the writer hangs"
	use_daemon "$new"
	now_ms
	began=$NOW
	must timeout 60 /sbin/mdmon --takeover "$C"
	now_ms
	ready=$((NOW - began))
	[ "$(daemon_pid)" != "$before" ] || fail "the old daemon is still in the pid file"
	eventually 60 gone "$before" || fail "the old daemon is still there"
	now_ms
	took=$((NOW - began))
	assert_one_daemon 10
	writer_goes_on
	stall=$(writer_field 2)
	say "round $round: $old to $new: ready after $ready ms, alone after $took ms, longest write $stall us"
	[ "$stall" -lt 10000000 ] || fail "a write took $stall us"
	[ "$stall" -le "$worst" ] || worst=$stall
	[ "$took" -le "$slowest" ] || slowest=$took
done
say "figures: $LEVEL: alone after at most $slowest ms, longest write $worst us"
stop_writer
check_data
must pattern verify "/dev/$V1" 9 0 1048576
for volume in "$V" "$V1"; do
	set_attr "$volume" safe_mode_delay 0.05
	wait_for 10 attr_is "$volume" array_state '@(clean|read-auto)'
done
ping_daemon
assert_metadata vol0.dirty=0 vol1.dirty=0 vol0.map0.state=NORMAL vol1.map0.state=NORMAL -- "${MEMBERS[@]}"
assert_one_daemon
stop_all
