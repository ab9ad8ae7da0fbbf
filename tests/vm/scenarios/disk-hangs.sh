# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The metadata area of one disk holds up all writes, for a while, then for good. The first write of the array waits a second
# for it, the ones after that do not; when the disk answers it is brought up to date. One that does not answer for half a
# minute is failed. As long as two disks of a RAID5 hang, which could be started from what they hold, writes wait for one.
# cases: 1 5 10 two
# timeout: 120
# reference: fails - its writes wait for the disk

hang_and_answer()
{
	stay_dirty
	metadata_area 1 suspend
	first_write 2000
	assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
	assert_metadata vol0.dirty=0 -- "${RAM[1]}"
	timeout 10 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/dev/null || fail "no status"
	grep -q '"hangs_ms": *[0-9]' /tmp/status || fail "the status names no disk that hangs: $(</tmp/status)"
	for _ in 1 2 3; do
		stay_dirty
		first_write 500
		assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
	done
	assert_metadata vol0.dirty=0 -- "${RAM[1]}"
	metadata_area 1 resume
	wait_metadata 15 vol0.dirty=1 -- "${RAM[@]}"
	stay_dirty
	wait_metadata 5 vol0.dirty=0 -- "${RAM[@]}"
}

case $LEVEL in
two)
	DM=yes set_up 5
	all_but "${RAM[1]}" "${RAM[@]}"
	stay_dirty
	metadata_area 1 suspend
	metadata_area 2 suspend
	stall once "/dev/$V" 7 0 >/tmp/latency &
	writer=$!
	nap 3
	! gone "$writer" || fail "the write did not wait"
	assert_metadata vol0.dirty=1 -- "${RAM[0]}"
	metadata_area 2 resume
	wait_for 5 gone "$writer"
	assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
	metadata_area 1 resume
	wait_metadata 15 vol0.dirty=1 -- "${RAM[@]}"
	;;
*)
	DM=yes set_up "$LEVEL"
	write_data
	all_but "${RAM[1]}" "${RAM[@]}"
	note_place "${DISKS[1]}"
	hang_and_answer
	[ "$LEVEL" = 5 ] || exit 0 # half a minute; once is enough
	metadata_area 1 suspend
	first_write 2000
	start_writer 20000
	wait_for 50 no_member "$V" "${DISKS[1]}"
	writer_goes_on
	stop_writer
	set_attr "$V" safe_mode_delay 0.05
	wait_metadata 10 vol0.map0.state=DEGRADED "vol0.map0.failed=$SLOT" vol0.dirty=0 -- "${OTHERS[@]}"
	metadata_area 1 resume
	check_data
	stop_all
	;;
esac
