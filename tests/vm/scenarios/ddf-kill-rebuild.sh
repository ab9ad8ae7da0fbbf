# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed during a rebuild, and another one records its end (restart); or all is lost but the disks, and the
# rebuild goes on after the next assembly, even if the disk that is rebuilt has no room for a second copy of its part
# (crash). With the disk being rebuilt a member of another volume, too (shared), it is never taken for more than it is:
# what is read from it afterwards is what was written.
# cases: restart-1 restart-5 restart-6 restart-10 crash-1 crash-5 crash-6 crash-10 shared
# timeout: 150
# reference: fails@restart-10@crash-1@crash-5@crash-6@crash-10@shared - wrong mirror; no rebuild when it was interrupted; half a disk taken as whole
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# crash: all is lost but the disks
crash()
{
	nap 0.5
	say "crash at $(get_attr "$V" sync_completed)"
	power_off
}

what=${LEVEL%-*}
if [ "$what" = shared ]; then
	fast_sync
	make_disks 3
	make_container "${DISKS[@]}"
	ddf_volume 1 m1 10240 "${DISKS[@]:0:2}"
	ddf_volume 5 m5 8192 "${DISKS[@]}"
	wait_settled "$V"
	wait_settled "$V1"
	hurry "$V"
	hurry "$V1"
	find_members
	learn "${DISKS[@]}"
	with_volume "$V1" write_data
	spare=${DISKS[2]}
	all_but "${MEMBERS[0]}" "${DISKS[@]:0:2}"
	rest=("$OTHERS" "$spare")
else
	# more than half of what a disk has
	SIZE=20480 ddf_set_up "${LEVEL#*-}" 1
	spare=${DISKS[-1]}
	all_but "${MEMBERS[0]}" "${MEMBERS[@]}"
	rest=("${OTHERS[@]}" "$spare")
fi
lost=${MEMBERS[0]}
write_data
fill_volume
hurry "$V"
slow_sync 400
fail_member "$V" "$lost"
wait_for 10 is_member "$V" "$spare"
wait_for 10 attr_is "$V" sync_action recover
wait_metadata 10 "pd.${REF[$lost]}.state=0x?[23ab]" "vd0.state=$WEAK" -- "${rest[@]}"
case $what in
restart)
	start_writer 20000
	kill_daemon
	start_daemon
	writer_goes_on
	fast_sync
	;;
crash | shared)
	crash
	assemble "${DISKS[@]}"
	# it is there and in sync only if it is rebuilt from the start, which takes its time
	! settled "$V" || fail "the disk is taken for one that is in sync"
	fast_sync
	check_data
	;;
esac
wait_for 20 is_member "$V" "$spare"
wait_settled "$V"
if [ "$what" = restart ]; then
	writer_goes_on
	stop_writer
fi
hurry "$V"
if [ "$what" = shared ]; then
	wait_metadata 10 vd0.state=OPTIMAL vd1.state=DEGRADED vd0.dirty=0 "pd.${REF[$spare]}.state=0x01" -- "${rest[@]}"
	with_volume "$V1" check_data
else
	assert_optimal 0 "${rest[@]}"
fi
# what is on the new member is right
fail_member "$V" "${rest[0]}"
wait_for 10 no_member "$V" "${rest[0]}"
check_data
[ "$what" = restart ] || check_filled
