# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A second volume is created while the first is in use. A failed disk fails in both, and both
# are rebuilt on the spare, one after the other.
# udev: yes
# timeout: 90

fast_sync
make_disks 5
make_container "${DISKS[@]:0:4}"
MEMBERS=("${DISKS[@]:0:4}")
make_volume 10 4 first 10240
wait_settled "$V"
write_data
start_writer
make_volume 5 4 second 10240
[ -n "$V1" ] || fail "there is no second volume"
wait_settled "$V1"
assert_metadata num_volumes=2 vol0.name=first vol1.name=second -- "${MEMBERS[@]}"
must pattern write "/dev/$V1" 9 0 "$DATA"
add_disk "${DISKS[4]}"
slow_sync
fail_member "$V" "${DISKS[2]}"
wait_for 3 no_member "$V" "${DISKS[2]}"
wait_for 3 no_member "$V1" "${DISKS[2]}"
wait_for 10 is_member "$V" "${DISKS[4]}"
wait_for 10 is_member "$V1" "${DISKS[4]}"
all_but "${DISKS[2]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_type=REBUILD vol1.migr_type=REBUILD "disk*.serial=${DISKS[4]}" -- "${OTHERS[@]}"
fast_sync
wait_settled "$V"
wait_settled "$V1"
writer_goes_on
stop_writer
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol1.migr_state=0 vol1.map0.state=NORMAL \
	vol0.dirty=0 vol1.dirty=0 -- "${OTHERS[@]}"
check_data
must pattern verify "/dev/$V1" 9 0 "$DATA"
stop_all
