# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two volumes on the same disks are spread over one more disk by a single "mdadm --grow" of their container, one after
# the other. Both keep their data, under a writer, and afterwards kernel and metadata agree about both.
# cases: 0-5 5-0
# timeout: 180

# shape VOLUME INDEX LEVEL: what kernel and metadata must say of it
shape()
{
	local data=$((4 - ($3 == 5)))

	with_volume "$1" assert_kernel "level=raid$3" raid_disks=4 reshape_position=none "size=$((10240 * data))"
	wait_metadata 20 "vol$2.migr_state=0" "vol$2.map0.state=NORMAL" "vol$2.map0.failed=255" \
		"vol$2.map0.level=$3" "vol$2.map0.members=4" "vol$2.size=$((20480 * data))" num_disks=4 -- "${DISKS[@]}"
}

check_all()
{
	with_volume "$1" check_data
	with_volume "$1" check_filled "$3"
	with_volume "$2" check_data
	with_volume "$2" check_filled "$4"
}

first=${LEVEL%-*}
second=${LEVEL#*-}
fast_sync
make_disks 4
make_container "${DISKS[@]:0:3}"
make_volume "$first" 3 v
[ "$first" = 0 ] || wait_settled "$V"
make_volume "$second" 3 w
[ "$second" = 0 ] || wait_settled "$V1"
with_volume "$V1" write_data
with_volume "$V1" fill_volume
filled1=$FILLED
write_data
fill_volume
filled0=$FILLED
add_disk "${DISKS[3]}"
start_writer 20000
grow /dev/md/c --raid-devices=4
wait_for 60 attr_is "$V" sync_action reshape
assert_metadata vol0.migr_type=GEN_MIGR vol0.map0.members=4 vol0.map1.members=3 \
	vol1.migr_state=0 vol1.map0.members=3 -- "${DISKS[@]}"
wait_for 90 attr_is "$V1" sync_action reshape
assert_metadata vol0.migr_state=0 vol0.map0.members=4 \
	vol1.migr_type=GEN_MIGR vol1.map0.members=4 vol1.map1.members=3 -- "${DISKS[@]}"
wait_grown
shape "$V" 0 "$first"
shape "$V1" 1 "$second"
assert_metadata 'migration.*!=*' -- "${DISKS[@]}"
writer_goes_on
check_all "$V" "$V1" "$filled0" "$filled1"
stop_writer
wait_clean
if [ "$second" = 5 ]; then
	set_attr "$V1" safe_mode_delay 0.05
	wait_metadata 20 vol1.dirty=0 -- "${DISKS[@]}"
fi
record_metadata "with four disks" "${DISKS[@]}"
stop_all
assemble "${DISKS[@]}"
shape "$V" 0 "$first"
shape "$V1" 1 "$second"
check_all "$V" "$V1" "$filled0" "$filled1"
put_block
with_volume "$V1" put_block
