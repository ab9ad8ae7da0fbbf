# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails in a volume that nobody has written to since it was assembled (auto), or that mdadm has made read-only
# (only): it is recorded, and a disk that is added is rebuilt, at the latest when the volume may be written to again.
# cases: auto-1 auto-5 auto-6 only-1 only-5
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

what=${LEVEL%-*}
EXTRA=1 ddf_set_up "${LEVEL#*-}"
write_data
lost=${MEMBERS[0]}
all_but "$lost" "${MEMBERS[@]}"
case $what in
auto)
	stop_all
	assemble "${MEMBERS[@]}"
	wait_for 5 attr_is "$V" array_state read-auto
	;;
only)
	must mdadm --readonly "/dev/$V"
	assert_eq array_state readonly "$(get_attr "$V" array_state)"
	;;
esac
before=$(metadata_sums "${OTHERS[@]}")
ping_daemon
assert_eq "metadata as they were" "$before" "$(metadata_sums "${OTHERS[@]}")"
fail_member "$V" "$lost"
[ "$what" = auto ] || must mdadm --readwrite "/dev/$V"
wait_for 10 no_member "$V" "$lost"
wait_metadata 10 "pd.${REF[$lost]}.state=0x03" "vd0.state=$WEAK" -- "${OTHERS[@]}"
check_data
remove_disk "$lost"
add_disk "${DISKS[-1]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
hurry "$V"
assert_optimal 0 "${OTHERS[@]}" "${DISKS[-1]}"
check_data
stop_all
assert_closed "${OTHERS[@]}" "${DISKS[-1]}"
assemble "${OTHERS[@]}" "${DISKS[-1]}"
assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
check_data
stop_all
