# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A RAID10 of six disks, which mdadm makes where no platform forbids it: three mirrors. Under a writer a disk of the first
# and one of the second mirror fail and are replaced by two spares; then their partners may fail. Assembled again, it is
# what it was.
# timeout: 120

fast_sync
make_disks 9
make_container "${DISKS[@]:0:6}"
make_volume 10 6
wait_settled "$V"
write_data
fill_volume
wait_clean
assert_kernel level=raid10 raid_disks=6 size=30720
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.level=10 vol0.map0.members=6 vol0.map0.domains=2 \
	-- "${MEMBERS[@]}"
record_metadata "new" "${MEMBERS[@]}"
add_disk "${DISKS[6]}"
add_disk "${DISKS[7]}"
before=("${MEMBERS[@]}")
start_writer
fail_member "$V" "${before[0]}"
fail_member "$V" "${before[2]}"
wait_for 10 no_member "$V" "${before[0]}"
wait_for 10 no_member "$V" "${before[2]}"
wait_for 60 is_member "$V" "${DISKS[6]}"
wait_for 60 is_member "$V" "${DISKS[7]}"
wait_settled "$V" 60
writer_goes_on
stop_writer
wait_clean
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 'vol0.map0.ords!=*R*' num_disks=6 \
	'disk*.status!=0x[14567]' -- "${MEMBERS[@]}"
record_metadata "when two have been replaced" "${MEMBERS[@]}"
fail_member "$V" "${before[1]}"
fail_member "$V" "${before[3]}"
wait_for 10 no_member "$V" "${before[1]}"
wait_for 10 no_member "$V" "${before[3]}"
check_data
check_filled
wait_metadata 10 vol0.map0.state=DEGRADED vol0.map0.failed=1 -- "${MEMBERS[0]}" "${MEMBERS[2]}" "${MEMBERS[4]}" "${MEMBERS[5]}"
stop_all
assemble "${MEMBERS[0]}" "${MEMBERS[2]}" "${MEMBERS[4]}" "${MEMBERS[5]}"
check_data
check_filled
put_block
add_disk "${DISKS[8]}"
wait_for 20 is_member "$V" "${DISKS[8]}"
wait_for 40 attr_is "$V" degraded 1
check_data
check_filled
