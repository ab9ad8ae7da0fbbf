# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two volumes share their disks. When one disk fails in one of them it has failed in both. One spare with room for both
# serves both (spare); without any, a disk that only one of them uses serves the other (room), and the next disk that
# is added serves the first.
# cases: spare room
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

fast_sync
make_disks 4
case $LEVEL in
spare) make_container "${DISKS[@]}" ;;
room) make_container "${DISKS[@]:0:3}" ;;
esac
ddf_volume 1 m1 8192 "${DISKS[@]:0:2}"
ddf_volume 5 m5 8192 "${DISKS[@]:0:3}"
wait_settled "$V"
wait_settled "$V1"
hurry "$V"
hurry "$V1"
learn "${DISKS[@]:0:3}"
[ "$LEVEL" = room ] || learn "${DISKS[3]}"
assert_optimal 0 "${DISKS[@]:0:2}"
assert_optimal 1 "${DISKS[@]:0:3}"
write_data
with_volume "$V1" write_data
start_writer
lost=${DISKS[1]}
all_but "$lost" "${DISKS[@]:0:3}"
slow_sync
fail_member "$V" "$lost"
wait_for 5 no_member "$V1" "$lost"
wait_metadata 5 "pd.${REF[$lost]}.state=0x0[3b]" vd0.state=DEGRADED vd1.state=DEGRADED -- "${OTHERS[@]}"
case $LEVEL in
spare)
	wait_for 10 is_member "$V" "${DISKS[3]}"
	wait_for 10 is_member "$V1" "${DISKS[3]}"
	;;
room)
	wait_for 10 is_member "$V" "${DISKS[2]}"
	fast_sync
	wait_settled "$V"
	wait_metadata 10 vd0.state=OPTIMAL vd1.state=DEGRADED "pd.${REF[${DISKS[2]}]}.state=0x01" -- "${OTHERS[@]}"
	remove_disk "$lost"
	wait_metadata 5 "pd.${REF[$lost]}.state=0x[4]?" -- "${OTHERS[@]}"
	add_disk "${DISKS[3]}"
	wait_for 10 is_member "$V1" "${DISKS[3]}"
	;;
esac
fast_sync
wait_settled "$V"
wait_settled "$V1"
writer_goes_on
stop_writer
hurry "$V"
hurry "$V1"
assert_optimal 1 "${OTHERS[@]}" "${DISKS[3]}"
case $LEVEL in
spare) assert_optimal 0 "${DISKS[0]}" "${DISKS[3]}" ;;
room)
	assert_optimal 0 "${DISKS[0]}" "${DISKS[2]}"
	# nobody has the lost disk any more: it is forgotten
	assert_forgotten "${REF[$lost]}" 3 "${OTHERS[@]}" "${DISKS[3]}"
	;;
esac
stop_all
assert_closed "${OTHERS[@]}" "${DISKS[3]}"
assemble "${OTHERS[@]}" "${DISKS[3]}"
assert_eq "missing members" "0 0" "$(get_attr "$V" degraded) $(get_attr "$V1" degraded)"
check_data
with_volume "$V1" check_data
stop_all
