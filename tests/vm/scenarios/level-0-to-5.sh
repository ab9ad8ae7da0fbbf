# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "mdadm --grow --level=5" makes a RAID0 redundant, under a writer, with a spare of the container as the additional
# member; the data stay what they were, and survive the loss of any one disk. Without a spare mdadm refuses and nothing
# changes.
# cases: spare no-spare
# timeout: 150

fast_sync
make_disks 5
make_container "${DISKS[@]:0:3}"
make_volume 0 3
find_members
write_data
fill_volume
start_writer 20000
if [ "$LEVEL" = no-spare ]; then
	before=$(imsm-peek "${DISKS[@]:0:3}")
	grow_refused "/dev/$V" --level=5 --layout=left-asymmetric
	[ "$before" = "$(imsm-peek "${DISKS[@]:0:3}")" ] || fail "the metadata have changed"
	assert_kernel level=raid0 raid_disks=3 "metadata_version=external:/$C/0"
	writer_goes_on
	stop_writer
	check_data
	check_filled
	stop_all
	exit 0
fi
add_disk "${DISKS[3]}"
grow "/dev/$V" --level=5 --layout=left-asymmetric
wait_for 60 attr_is "$V" sync_action reshape
assert_metadata vol0.migr_state=1 vol0.migr_type=GEN_MIGR vol0.map0.level=5 vol0.map0.members=4 \
	vol0.map1.level=0 vol0.map1.members=3 num_disks=4 -- "${DISKS[@]:0:4}"
wait_grown
assert_kernel level=raid5 raid_disks=4 degraded=0 reshape_position=none size=30720 layout=0
wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 vol0.map0.level=5 \
	vol0.map0.members=4 vol0.size=61440 'vol0.map0.ords=0,1,2,3' 'migration.*!=*' -- "${DISKS[@]:0:4}"
writer_goes_on
stop_writer
wait_clean
record_metadata "RAID5" "${DISKS[@]:0:4}"
check_data
check_filled
stop_all
assemble "${DISKS[@]:0:4}"
assert_kernel level=raid5 raid_disks=4 degraded=0 size=30720
check_data
check_filled
put_block
for disk in "${DISKS[0]}" "${DISKS[3]}"; do
	fail_member "$V" "$disk"
	wait_for 10 no_member "$V" "$disk"
	check_data
	check_filled
	[ "$disk" = "${DISKS[3]}" ] || {
		add_disk "${DISKS[4]}"
		wait_for 20 is_member "$V" "${DISKS[4]}"
		wait_settled "$V"
	}
done
