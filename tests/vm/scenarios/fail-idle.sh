# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails while nobody writes: recorded on all other disks, not on the failed one; taken out
# of the volume; writing works afterwards.
# levels: 1 5 10

set_up "$LEVEL"
write_data
wait_for 5 attr_is "$V" array_state clean
ping_daemon
note_place "${DISKS[0]}"
failed=$(on_disk generation "${DISKS[0]}")
fail_member "$V" "${DISKS[0]}"
wait_for 2 no_member "$V" "${DISKS[0]}"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 2 "disk$ENTRY.status=0x6" "disk$ENTRY.serial=${DISKS[0]}:0" vol0.map0.state=DEGRADED \
	"vol0.map0.failed=$SLOT" "vol0.map0.ords=*${ENTRY}R*" vol0.migr_state=0 -- "${OTHERS[@]}"
assert_metadata "disk$ENTRY.status=0x2" "generation=$failed" vol0.map0.state=NORMAL -- "${DISKS[0]}"
mdadm -E "${OTHERS[0]}" | grep -q 'Map State : degraded' || fail "mdadm -E does not say degraded"
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
check_data
