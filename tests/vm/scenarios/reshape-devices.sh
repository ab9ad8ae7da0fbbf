# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume is spread over one more disk, and then over another one, under a writer: "mdadm --grow --raid-devices" on the
# container. Its data stay what they were, the new room can be used, kernel and metadata agree on the new shape, and it
# is as good as a new one: assembled again, written, and a failed member is replaced.
# levels: 0 5
# timeout: 180

# shape MEMBERS: what kernel and metadata must say
shape()
{
	assert_kernel "level=raid$LEVEL" "raid_disks=$1" reshape_position=none "size=$((10240 * ($1 - parity)))"
	find_members
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 \
		"vol0.map0.level=$LEVEL" "vol0.map0.members=$1" "vol0.size=$((20480 * ($1 - parity)))" "num_disks=$1" \
		'disk*.status!=0x1' -- "${MEMBERS[@]}"
	# the record of mdadm must not be taken for that of the next reshape
	assert_metadata 'migration.*!=*' -- "${MEMBERS[@]}"
}

parity=$((LEVEL == 5))
first=$((2 + parity))
fast_sync
make_disks $((first + 3))
make_container "${DISKS[@]:0:first}"
make_volume "$LEVEL" $first
if [ "$LEVEL" = 5 ]; then
	wait_settled "$V"
fi
write_data
fill_volume
add_disk "${DISKS[first]}"
for count in $((first + 1)) $((first + 2)); do
	start_writer 20000
	grow /dev/md/c --raid-devices=$count
	wait_for 60 attr_is "$V" sync_action reshape
	find_members
	wait_metadata 20 vol0.migr_state=1 vol0.migr_type=GEN_MIGR vol0.map0.members=$count \
		vol0.map1.members=$((count - 1)) vol0.map0.state=NORMAL -- "${MEMBERS[@]}"
	wait_grown
	shape "$count"
	writer_goes_on
	stop_writer
	check_data
	check_filled
	wait_clean
	record_metadata "with $count disks" "${DISKS[@]:0:count}"
	[ $count = $((first + 2)) ] || add_disk "${DISKS[count]}"
done
must pattern write "/dev/$V" 10 "$FILLED" $((20 << 20))
stop_all
assemble "${DISKS[@]:0:count}"
shape "$count"
check_data
check_filled
must pattern verify "/dev/$V" 10 "$FILLED" $((20 << 20))
put_block
if [ "$LEVEL" = 5 ]; then
	fail_member "$V" "${DISKS[1]}"
	wait_for 10 no_member "$V" "${DISKS[1]}"
	check_filled
	add_disk "${DISKS[-1]}"
	wait_for 20 is_member "$V" "${DISKS[-1]}"
	wait_settled "$V"
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 no_member "$V" "${DISKS[0]}"
	check_data
	check_filled
	must pattern verify "/dev/$V" 10 "$FILLED" $((20 << 20))
fi
