# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk added to the container becomes a spare, on its own metadata too. A failed disk can be removed from the
# container, added again, is then an ordinary spare, and is used when the next member fails.
# levels: 1 5
# timeout: 90

EXTRA=1 set_up "$LEVEL"
write_data
spare=${DISKS[-1]}
add_disk "$spare"
wait_metadata 3 num_disks=1 num_volumes=0 disk0.status=0x1 "disk0.serial=$spare" generation=1 -- "$spare"
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "$spare"
wait_settled "$V"
must mdadm --remove "/dev/$C" "${DISKS[0]}"
no_member "$C" "${DISKS[0]}" || fail "${DISKS[0]} is still in the container"
add_disk "${DISKS[0]}"
wait_metadata 3 num_volumes=0 disk0.status=0x1 "disk0.serial=${DISKS[0]}" -- "${DISKS[0]}"
fail_member "$V" "${DISKS[1]}"
wait_for 10 is_member "$V" "${DISKS[0]}"
wait_settled "$V"
all_but "${DISKS[1]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=${DISKS[0]}" "disk*.serial!=${DISKS[1]}" -- "${OTHERS[@]}"
check_data
