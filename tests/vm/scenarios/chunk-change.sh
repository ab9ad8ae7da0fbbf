# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "mdadm --grow --chunk" rewrites a volume with other strips, under a writer: the data stay what they were, kernel and
# metadata agree on the new strip, and a RAID5 still replaces a failed member.
# levels: 0 5
# timeout: 150

shape()
{
	assert_kernel "level=raid$LEVEL" raid_disks=3 chunk_size=262144 reshape_position=none "size=$size"
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 vol0.map0.strip=512 \
		"vol0.map0.level=$LEVEL" vol0.map0.members=3 "vol0.size=$((size * 2))" vol0.map0.stripes=40 'migration.*!=*' \
		num_disks=3 -- "${DISKS[@]:0:3}"
}

size=$((LEVEL == 5 ? 20480 : 30720))
fast_sync
make_disks 4
make_container "${DISKS[@]:0:3}"
must mdadm -CR /dev/md/v -l "$LEVEL" -n 3 -c 64 -z 10240 /dev/md/c
find_volumes
[ "$LEVEL" = 0 ] || wait_settled "$V"
write_data
fill_volume
assert_metadata vol0.map0.strip=128 -- "${DISKS[@]:0:3}"
start_writer 20000
grow "/dev/$V" --chunk=256
wait_for 60 attr_is "$V" sync_action reshape
assert_metadata vol0.migr_state=1 vol0.migr_type=GEN_MIGR vol0.map0.strip=512 vol0.map1.strip=128 -- "${DISKS[@]:0:3}"
wait_grown
shape
writer_goes_on
stop_writer
wait_clean
record_metadata "with the new strip" "${DISKS[@]:0:3}"
check_data
check_filled
stop_all
assemble "${DISKS[@]:0:3}"
shape
check_data
check_filled
put_block
if [ "$LEVEL" = 5 ]; then
	add_disk "${DISKS[3]}"
	fail_member "$V" "${DISKS[0]}"
	wait_for 20 is_member "$V" "${DISKS[3]}"
	wait_settled "$V"
	fail_member "$V" "${DISKS[1]}"
	wait_for 10 no_member "$V" "${DISKS[1]}"
	check_data
	check_filled
fi
