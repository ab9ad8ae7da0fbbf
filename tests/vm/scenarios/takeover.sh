# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "mdadm --grow --level" where the data do not move. A mirror becomes a RAID0 of one half of its disks, and the others
# are spares; a RAID0 becomes a RAID10 whose missing half is built on two spares. The data stay what they were; kernel
# and metadata agree, also after the next assembly.
# cases: 10-to-0 1-to-0 0-to-10
# timeout: 120

# settled_as LEVEL MEMBERS NUM_DISKS
settled_as()
{
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 \
		"vol0.map0.level=$1" "vol0.map0.members=$2" "num_disks=$3" 'disk*.status!=0x[14567]' \
		'vol0.map0.ords!=*R*' "vol0.size=$size" -- "${MEMBERS[@]}"
}

fast_sync
case $LEVEL in
10-to-0) from=10 to=0 n=4 left=2 size=40960 ;;
1-to-0) from=1 to=0 n=2 left=1 size=20480 ;;
0-to-10) from=0 to=10 n=2 left=4 size=40960 ;;
esac
make_disks 5
make_container "${DISKS[@]:0:n}"
make_volume "$from" "$n"
[ "$from" = 0 ] || wait_settled "$V"
write_data
start_writer 20000
if [ "$to" = 10 ]; then
	add_disk "${DISKS[2]}"
	add_disk "${DISKS[3]}"
fi
slow_sync
grow "/dev/$V" "--level=$to"
wait_for 30 no_mdadm
writer_goes_on
if [ "$to" = 10 ]; then
	assert_kernel level=raid10 raid_disks=4 size=20480
	wait_for 30 attr_is "$V" sync_action recover
	wait_metadata 20 vol0.migr_type=REBUILD vol0.map0.level=10 vol0.map0.members=4 vol0.map1.state=DEGRADED \
		num_disks=4 -- "${DISKS[@]:0:4}"
	assert_one_daemon
	fast_sync
	wait_settled "$V"
	find_members
	settled_as 10 4 4
else
	assert_kernel level=raid0 "raid_disks=$left" "size=$((size / 2))"
	find_members
	settled_as 0 "$left" "$left"
	all_spares=()
	for disk in "${DISKS[@]:0:n}"; do
		is_member "$V" "$disk" || all_spares+=("$disk")
	done
	assert_eq "members that became spares" $((n - left)) ${#all_spares[@]}
	wait_for 10 unblocked "$V"
	assert_eq "members" "$left" ${#MEMBERS[@]}
fi
writer_goes_on
stop_writer
wait_clean
record_metadata "after the takeover" "${DISKS[@]:0:4}"
check_data
stop_all
if [ "$to" = 10 ]; then
	assemble "${DISKS[@]:0:4}"
else
	# what the others know is out of date and must not win
	assemble "${DISKS[@]:0:n}"
fi
assert_kernel "level=raid$to" "raid_disks=$left" "size=$((size / 2))"
find_members
settled_as "$to" "$left" "$left"
check_data
put_block
if [ "$to" = 10 ]; then
	for disk in "${MEMBERS[0]}" "${MEMBERS[2]}"; do
		fail_member "$V" "$disk"
		wait_for 10 no_member "$V" "$disk"
	done
	check_data
	add_disk "${DISKS[4]}"
	wait_for 20 is_member "$V" "${DISKS[4]}"
	wait_for 40 attr_is "$V" sync_action idle
	check_data
fi
