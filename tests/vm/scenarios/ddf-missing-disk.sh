# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume is started while one of its disks is absent. From then on that disk is out: its place is recorded as lost.
# When it turns up, with contents that are old by now, it is rebuilt as a new disk (back), and it is not taken as a
# member if it is there again at the next assembly (next).
# udev: yes
# cases: back-1 back-5 back-6 back-10 next-1 next-5
# timeout: 120
# reference: fails@back-10 - puts the disk into the wrong mirror
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# shellcheck disable=SC2153  # LEVEL comes from init
what=${LEVEL%-*}
ddf_set_up "${LEVEL#*-}"
absent=${MEMBERS[0]}
all_but "$absent" "${MEMBERS[@]}"
write_data
seq=$(on_disk seq "$absent") vdc_seq=$(on_disk vd0.vdc_seq "$absent")
stop_all
assemble "${OTHERS[@]}"
hurry "$V"
wait_metadata 5 "pd.${REF[$absent]}.state=0x42" "vd0.state=$WEAK" "vd0.vdc_seq!=0" -- "${OTHERS[@]}"
# its partner at least has the record with its place
assert_metadata "vd0.elements=*lost*" "vd0.vdc_seq>$vdc_seq" "seq>$seq" -- "${OTHERS[0]}"
mdadm -E "${OTHERS[0]}" | grep -q 'Raid Devices.*--' || fail "mdadm -E does not show the place as empty"
assert_agreement "${OTHERS[@]}"
must pattern write "/dev/$V" 7 0 "$DATA"
must pattern write "/dev/$V" 8 $((5 << 20)) 1048576
case $what in
back)
	# shellcheck disable=SC2153  # of lib.sh
	add_disk "$absent"
	wait_for 10 is_member "$V" "$absent"
	wait_settled "$V"
	hurry "$V"
	assert_optimal 0 "${MEMBERS[@]}"
	stop_all
	assert_closed "${MEMBERS[@]}"
	assemble "${MEMBERS[@]}"
	assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
	;;
next)
	stop_all
	assert_closed "${OTHERS[@]}"
	assemble "${MEMBERS[@]}"
	# at most it is being rebuilt
	if is_member "$V" "$absent"; then
		wait_settled "$V"
	else
		assert_eq "missing members" 1 "$(get_attr "$V" degraded)"
	fi
	;;
esac
check_data
must pattern verify "/dev/$V" 8 $((5 << 20)) 1048576
# with nothing but the disk that was absent, and what is needed beside it
if [ "$what" = back ]; then
	fail_member "$V" "${OTHERS[0]}"
	wait_for 10 no_member "$V" "${OTHERS[0]}"
	check_data
	must pattern verify "/dev/$V" 8 $((5 << 20)) 1048576
fi
put_block
stop_all
