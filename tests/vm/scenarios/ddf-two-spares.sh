# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A RAID6 and a RAID10 over the same four disks, two spares. Two disks fail, the second while the first is being
# replaced: both spares end up in both volumes.
# cases: 2 0
# timeout: 200
# reference: fails@0 - puts the same spare into two places
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

fast_sync
make_disks 6
make_container "${DISKS[@]}"
ddf_volume 6 r6 8192 "${DISKS[@]:0:4}"
ddf_volume 10 r10 8192 "${DISKS[@]:0:4}"
wait_settled "$V"
wait_settled "$V1"
hurry "$V"
hurry "$V1"
learn "${DISKS[@]}"
write_data
with_volume "$V1" write_data
start_writer
# one disk of each mirror
with_volume "$V1" find_members
first=${MEMBERS[1]} second=${MEMBERS[2]}
left=("${MEMBERS[0]}" "${MEMBERS[3]}" "${DISKS[@]:4}")
fail_member "$V" "$first"
nap "$LEVEL"
fail_member "$V" "$second"
for disk in "$first" "$second"; do
	wait_for 10 no_member "$V" "$disk"
	wait_for 10 no_member "$V1" "$disk"
done
for disk in "${DISKS[@]:4}"; do
	wait_for 60 is_member "$V" "$disk"
	wait_for 60 is_member "$V1" "$disk"
done
wait_settled "$V" 60
wait_settled "$V1" 60
writer_goes_on
stop_writer
hurry "$V"
hurry "$V1"
assert_optimal 0 "${left[@]}"
assert_optimal 1 "${left[@]}"
assert_metadata "pd.${REF[$first]}.state=0x?[23ab]" "pd.${REF[$second]}.state=0x?[23ab]" -- "${left[@]}"
assert_eq "disks online" 4 "$(mdadm -E "${left[0]}" | grep -c ' active/Online$')"
stop_all
assert_closed "${left[@]}"
assemble "${DISKS[@]}"
assert_eq "missing members" "0 0" "$(get_attr "$V" degraded) $(get_attr "$V1" degraded)"
check_data
with_volume "$V1" check_data
stop_all
