# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume is created without one of its members, be it the first or the last; it is stopped and assembled (again), or a
# disk is added at once (added), or it is created beside another that is in use (beside). The data stay what they were,
# and a disk that is added is rebuilt.
# cases: again-first-5 again-last-5 added-first-5 added-last-5 added-first-1 added-last-1 added-first-6 added-last-10 beside-first-5 beside-last-5
# timeout: 120
# reference: fails@again-first-5@again-last-5@added-last-5@added-last-1@added-last-10@beside-first-5@beside-last-5 - does not find the last place; places shift
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# shellcheck disable=SC2153  # LEVEL comes from init
IFS=- read -r what place level <<<"$LEVEL"
kind "$level"
fast_sync
make_disks $((COUNT + 1))
new=${DISKS[-1]} have=("${DISKS[@]:0:COUNT-1}")
index=0
# without --force mdadm makes no container of one disk
must mdadm -CR /dev/md/c -e ddf --force -n ${#have[@]} "${have[@]}"
C=$(basename "$(readlink -f /dev/md/c)")
if [ "$what" = beside ]; then
	index=1
	must mdadm -CR /dev/md/first -l 1 -n 2 -z 4096 "${DISKS[@]:0:2}"
	find_volumes
	wait_settled "$V"
	hurry "$V"
	first=$V
fi
case $place in
first) order=(missing "${have[@]}") ;;
last) order=("${have[@]}" missing) ;;
esac
# the kernel starts no RAID6 that is degraded and not in sync; ram disks full of zeros are in sync
[ "$level" != 6 ] || ARGS+=(--assume-clean)
must mdadm -CR /dev/md/v "${ARGS[@]}" -n "$COUNT" -z 10240 "${order[@]}"
find_volumes
# from here on V is the one without a member
[ "$what" != beside ] || { V=$V1 V1=$first; }
wait_for 20 attr_is "$V" sync_action idle
learn "${have[@]}"
write_data
hurry "$V"
wait_metadata 10 "vd$index.state=$WEAK" "vd$index.dirty=0" -- "${have[@]}"
tests=()
for disk in "${have[@]}"; do
	tests+=("pd.${REF[$disk]}.state=0x01")
done
wait_metadata 10 "${tests[@]}" -- "${have[@]}"
before=$(for disk in "${have[@]}"; do slot_of "$disk"; done)
if [ "$what" != added ]; then
	pid=$(daemon_pid)
	stop_all
	wait_for 10 gone "$pid"
	assert_agreement "${have[@]}"
	assemble "${have[@]}"
	[ "$what" != beside ] || { first=$V V=$V1 V1=$first; }
	[ -n "$V" ] || fail "the volume does not start"
	assert_eq "missing members" 1 "$(get_attr "$V" degraded)"
	check_data
	assert_eq "slots" "$before" "$(for disk in "${have[@]}"; do slot_of "$disk"; done)"
	put_block
	hurry "$V"
fi
add_disk "$new"
wait_for 10 is_member "$V" "$new"
wait_settled "$V"
hurry "$V"
assert_optimal $index "${have[@]}" "$new"
check_data
stop_all
assert_agreement "${have[@]}" "$new"
assemble "${have[@]}" "$new"
[ "$what" != beside ] || { first=$V V=$V1 V1=$first; }
assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
check_data
fail_member "$V" "${have[0]}"
wait_for 10 no_member "$V" "${have[0]}"
check_data
