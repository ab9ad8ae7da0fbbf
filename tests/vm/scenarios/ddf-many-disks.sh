# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume on sixteen disks: the first write after it was idle, a failure, the next assembly.
# levels: 5 10
# timeout: 120
# reference: fails@10 - does not find the members of the later mirrors
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

fast_sync
make_disks 16 40
make_container "${DISKS[@]}"
kind "$LEVEL"
COUNT=16
must mdadm -CR /dev/md/v "${ARGS[@]}" -n 16 -z 4096 "${DISKS[@]}"
find_volumes
wait_settled "$V"
hurry "$V"
find_members
learn "${DISKS[@]}"
stay_dirty
took=$(stall once "/dev/$V" 7 0)
assert_metadata vd0.dirty=1 vd0.records=1 -- "${DISKS[@]}"
wait_metadata 5 whole=yes -- "${DISKS[@]}" # the write does not wait for the second copies
say "the first write took $took us"
write_data
hurry "$V"
assert_agreement "${DISKS[@]}"
fail_member "$V" "${MEMBERS[13]}"
all_but "${MEMBERS[13]}" "${DISKS[@]}"
wait_for 10 no_member "$V" "${MEMBERS[13]}"
wait_metadata 10 vd0.state=DEGRADED "pd.${REF[${MEMBERS[13]}]}.state=0x03" -- "${OTHERS[@]}"
stop_all
assert_closed "${OTHERS[@]}"
assemble "${DISKS[@]}"
assert_eq "missing members" 1 "$(get_attr "$V" degraded)"
check_data
stop_all
