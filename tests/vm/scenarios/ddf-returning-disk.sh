# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A failed disk is taken out of the container and comes back: it is another disk now, and is rebuilt. While it is in use
# it cannot be taken out. What was recorded of its former life goes.
# udev: yes
# levels: 1 5 6 10
# timeout: 120
# reference: fails@10 - puts the disk into the wrong mirror
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

ddf_set_up "$LEVEL"
write_data
start_writer
lost=${MEMBERS[0]} before=${REF[${MEMBERS[0]}]}
all_but "$lost" "${MEMBERS[@]}"
! mdadm "/dev/$C" --remove "$lost" 2>/dev/null || fail "a member could be taken out of the container"
must mdadm "/dev/$V" --fail "$lost"
must mdadm --wait-clean "/dev/$V"
wait_metadata 5 "pd.$before.state=0x03" "vd0.state=$WEAK" -- "${OTHERS[@]}"
remove_disk "$lost"
wait_metadata 5 "pd.$before.state=0x43" -- "${OTHERS[@]}"
add_disk "$lost"
[ "${REF[$lost]}" != "$before" ] || fail "the disk has its old number"
wait_for 10 is_member "$V" "$lost"
wait_settled "$V"
writer_goes_on
stop_writer
hurry "$V"
assert_optimal 0 "${MEMBERS[@]}"
assert_forgotten "$before" "$COUNT" "${MEMBERS[@]}"
stop_all
assert_closed "${MEMBERS[@]}"
assemble "${DISKS[@]}"
assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
check_data
stop_all
