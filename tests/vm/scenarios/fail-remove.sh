# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "mdadm --fail" and at once "mdadm --remove" of a disk that two busy volumes share: mdadm waits 2 s for the daemon to take
# it out of both. Added again, it is an ordinary spare, and both volumes are rebuilt on it.
# timeout: 90

set_up 1
make_volume 1 2 second
wait_settled "$V1"
write_data
must pattern write "/dev/$V1" 9 0 1048576
start_writer 2000
for round in 1 2 3; do
	disk=${DISKS[round % 2]}
	say "round $round: $disk"
	now_ms
	began=$NOW
	must mdadm --fail "/dev/$V" "$disk"
	must mdadm --remove "/dev/$C" "$disk"
	now_ms
	say "failed and removed within $((NOW - began)) ms"
	for array in "$V" "$V1" "$C"; do
		no_member "$array" "$disk" || fail "$disk is still in $array"
	done
	other=${DISKS[(round + 1) % 2]}
	assert_metadata vol0.map0.state=DEGRADED vol1.map0.state=DEGRADED -- "$other"
	writer_goes_on
	must mdadm --add "/dev/$C" "$disk"
	wait_for 10 is_member "$V" "$disk"
	wait_for 20 is_member "$V1" "$disk"
	wait_settled "$V"
	wait_settled "$V1"
	wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol1.migr_state=0 vol1.map0.state=NORMAL -- "${DISKS[@]}"
done
writer_goes_on
stop_writer
check_data
must pattern verify "/dev/$V1" 9 0 1048576
stop_all
