# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails while its volume is being synchronised, rebuilt or reshaped, under a writer. What is left decides what
# is recorded (numbers: docs/imsm.md 6.4), the data stay right, and in the end a spare stands in for the failed one.
#
#   init         the first synchronisation (9, 10)
#   repair       the one after an unclean stop (13, 14)
#   spare        the spare that is being rebuilt; another one takes over (20)
#   other-pair   a RAID10 that is being rebuilt loses a disk of the other pair (21, 22)
#   second       a RAID5 that is being rebuilt loses another member: it has failed (23)
#   reshape      a member of a RAID5 that gets one more disk (25, 27)
#   new-member   the disk that is being added by a reshape (25, 27)
# cases: init repair spare other-pair second reshape new-member
# timeout: 180
# reference: fails@other-pair@second@new-member - it does not record the end of the first rebuild, the loss of the volume, the failure of the new member

# others_of DISK...: sets OTHERS to all disks but these
others_of()
{
	local disk

	OTHERS=()
	for disk in "${DISKS[@]}"; do
		[[ " $* " = *" $disk "* ]] || OTHERS+=("$disk")
	done
}

replaced()
{
	wait_settled "$V" 60
	writer_goes_on
	stop_writer
	find_members
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 'vol0.map0.ords!=*R*' \
		'disk*.status!=0x[14567]' -- "${MEMBERS[@]}"
	wait_clean
	record_metadata "when a spare has taken over" "${MEMBERS[@]}"
	check_data
	stop_all
	assemble "${MEMBERS[@]}"
	check_data
	stop_all
}

# A member fails while all are made equal: it is left out, and a new disk takes its place.
fail_in_resync()
{
	note_place "${DISKS[1]}"
	others_of "${DISKS[1]}" "${DISKS[3]}"
	fail_member "$V" "${DISKS[1]}"
	wait_for 10 no_member "$V" "${DISKS[1]}"
	writer_goes_on
	fast_sync
	wait_for 20 attr_is "$V" sync_action idle
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=DEGRADED "vol0.map0.failed=$SLOT" \
		"disk$ENTRY.status=0x6" "vol0.map0.ords=*${ENTRY}R*" -- "${OTHERS[@]}"
	add_disk "${DISKS[3]}"
	wait_for 20 is_member "$V" "${DISKS[3]}"
	replaced
}

# continue_reshape MEMBER: it has failed. That interrupts the reshape, and md begins it again at once. mdadm gives up if it looks
# in between, with either daemon, and so does each "--continue", which interrupts it, too: most of all as long as the kernel
# keeps the failed member, which it lets go of only in between. Until then the reshape waits where mdadm let it go last.
continue_reshape()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		eventually 60 no_mdadm || return 0
		! attr_is "$V" reshape_position none || return 0
		eventually 3 no_member "$V" "$1"
		say "mdadm has given up at $(get_attr "$V" reshape_position)"
		timeout 60 mdadm --grow --continue "/dev/$V" >/tmp/grow 2>&1 </dev/null
		say "mdadm --grow --continue: exit $?, says $(</tmp/grow)"
		nap 1
	done
}

case $LEVEL in
init)
	make_disks 4
	slow_sync
	make_container "${DISKS[@]:0:3}"
	make_volume 5 3
	write_data
	start_writer 20000
	wait_for 10 attr_is "$V" sync_action resync
	fail_in_resync
	;;
repair)
	# an array that was not stopped properly: nobody said "clean"
	EXTRA=1 set_up 5
	write_data
	stay_dirty
	put_block
	kill_daemon
	eventually 20 clear_arrays || fail "cannot clear the arrays"
	slow_sync
	assemble "${DISKS[@]:0:3}"
	start_writer 20000
	wait_for 10 attr_is "$V" sync_action resync
	wait_metadata 10 vol0.migr_state=1 vol0.migr_type=REPAIR vol0.map0.state=NORMAL vol0.map1.state=NORMAL -- \
		"${DISKS[@]:0:3}"
	fail_in_resync
	;;
spare)
	EXTRA=1 set_up 5 1
	write_data
	start_writer 20000
	slow_sync
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 attr_is "$V" sync_action recover
	wait_for 10 is_member "$V" "${DISKS[3]}"
	wait_metadata 10 vol0.migr_type=REBUILD vol0.map0.state=NORMAL vol0.map1.state=DEGRADED -- "${DISKS[1]}" "${DISKS[2]}"
	fail_member "$V" "${DISKS[3]}"
	wait_for 10 no_member "$V" "${DISKS[3]}"
	wait_metadata 10 vol0.migr_state=0 vol0.map0.state=DEGRADED vol0.map0.failed=0 'vol0.map0.ords=*R*' -- \
		"${DISKS[1]}" "${DISKS[2]}"
	writer_goes_on
	fast_sync
	add_disk "${DISKS[4]}"
	wait_for 20 is_member "$V" "${DISKS[4]}"
	replaced
	;;
other-pair)
	EXTRA=1 set_up 10 1
	find_members
	before=("${MEMBERS[@]}")
	write_data
	start_writer 20000
	slow_sync
	fail_member "$V" "${before[0]}"
	wait_for 10 attr_is "$V" sync_action recover
	others_of "${before[0]}" "${before[2]}" "${DISKS[5]}"
	wait_metadata 10 vol0.migr_type=REBUILD vol0.map1.state=DEGRADED -- "${OTHERS[@]}"
	fail_member "$V" "${before[2]}"
	wait_for 10 no_member "$V" "${before[2]}"
	wait_metadata 10 vol0.migr_type=REBUILD vol0.map0.state=DEGRADED vol0.map1.state=DEGRADED vol0.map0.failed=0 \
		-- "${OTHERS[@]}"
	writer_goes_on
	fast_sync
	wait_for 40 attr_is "$V" degraded 1
	wait_for 20 attr_is "$V" sync_action idle
	wait_metadata 10 vol0.migr_state=0 vol0.map0.state=DEGRADED vol0.map0.failed=2 -- "${OTHERS[@]}"
	add_disk "${DISKS[5]}"
	wait_for 20 is_member "$V" "${DISKS[5]}"
	replaced
	;;
second)
	set_up 5 1
	write_data
	slow_sync
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 attr_is "$V" sync_action recover
	wait_metadata 10 vol0.migr_type=REBUILD -- "${DISKS[1]}" "${DISKS[2]}" "${DISKS[3]}"
	fail_member "$V" "${DISKS[1]}"
	# two of three members are gone: that must not look like something that a rebuild can mend
	wait_metadata 10 vol0.map0.state=FAILED -- "${DISKS[2]}"
	record_metadata "when it has failed" "${DISKS[2]}"
	assert_one_daemon
	;;
reshape | new-member)
	EXTRA=1 set_up 5 1
	write_data
	fill_volume
	start_writer 20000
	grow /dev/md/c --raid-devices=4
	wait_for 60 reshape_beyond 15000
	slow_sync 2000
	case $LEVEL in
	reshape) victim=${DISKS[1]} ;;
	new-member) victim=${DISKS[3]} ;;
	esac
	note_place "$victim"
	others_of "$victim" "${DISKS[4]}"
	fail_member "$V" "$victim"
	wait_metadata 10 vol0.migr_type=GEN_MIGR vol0.map0.state=DEGRADED "vol0.map0.failed=$SLOT" "disk$ENTRY.status=0x6" \
		"vol0.map0.ords=*${ENTRY}R*" -- "${OTHERS[@]}"
	fast_sync
	continue_reshape "$victim"
	wait_for 30 no_member "$V" "$victim"
	wait_grown
	assert_kernel level=raid5 raid_disks=4 degraded=1 size=30720
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=DEGRADED "vol0.map0.failed=$SLOT" vol0.map0.members=4 -- "${OTHERS[@]}"
	writer_goes_on
	check_data
	check_filled
	add_disk "${DISKS[4]}"
	wait_for 20 is_member "$V" "${DISKS[4]}"
	replaced
	;;
esac
