# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "mdadm --grow --size" gives a volume more room on its disks, under a writer, first some, then all there is. The new
# part is synchronised and that is recorded; the data stay what they were; kernel and metadata agree; a failed member
# is replaced over the whole new length.
# levels: 1 5 10
# timeout: 150

# shape SIZE: KiB of a member
shape()
{
	assert_kernel "component_size=$1" "size=$(($1 * data))" "raid_disks=${#MEMBERS[@]}"
	# map0.blocks: with the 1 MiB behind the data
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 "vol0.map0.level=$LEVEL" \
		"vol0.size=$(($1 * 2 * data))" "vol0.map0.blocks=$(($1 * 2 + 2048))" -- "${MEMBERS[@]}"
}

EXTRA=1 set_up "$LEVEL"
find_members
case $LEVEL in
1) data=1 ;;
*) data=2 ;;
esac
write_data
start_writer 20000
slow_sync
grow "/dev/$V" --size=20480
wait_for 20 attr_is "$V" sync_action resync
wait_metadata 20 vol0.migr_state=1 vol0.migr_type=REPAIR vol0.map0.state=NORMAL vol0.map1.state=NORMAL -- "${MEMBERS[@]}"
writer_goes_on
fast_sync
wait_settled "$V"
shape 20480
stop_writer
wait_clean
record_metadata "with 20 MiB" "${MEMBERS[@]}"
start_writer 20000
check_data
grow "/dev/$V" --size=max
wait_settled "$V" 60
largest=$(get_attr "$V" component_size)
[ "$largest" -gt 40960 ] || fail "only $largest KiB of each disk are used"
shape "$largest"
writer_goes_on
# the far end
must pattern write "/dev/$V" 10 $(((largest - 4096) * 1024 * data)) $((4 << 20))
stop_writer
wait_clean
record_metadata "with all there is" "${MEMBERS[@]}"
stop_all
all_but "${DISKS[-1]}" "${DISKS[@]}"
assemble "${OTHERS[@]}"
find_members
shape "$largest"
check_data
put_block
add_disk "${DISKS[-1]}"
fail_member "$V" "${MEMBERS[0]}"
wait_for 20 is_member "$V" "${DISKS[-1]}"
wait_settled "$V" 60
fail_member "$V" "${MEMBERS[1]}"
# of a RAID10 it is the partner of what has just been rebuilt
wait_for 10 no_member "$V" "${MEMBERS[1]}"
check_data
must pattern verify "/dev/$V" 10 $(((largest - 4096) * 1024 * data)) $((4 << 20))
