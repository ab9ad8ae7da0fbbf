# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails in a volume that nobody has written to since it was assembled (read-auto).
# levels: 1 5 10

set_up "$LEVEL"
write_data
stop_all
assemble "${DISKS[@]}"
wait_for 5 attr_is "$V" array_state read-auto
note_place "${DISKS[0]}"
fail_member "$V" "${DISKS[0]}"
wait_for 2 no_member "$V" "${DISKS[0]}"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 2 "disk$ENTRY.status=0x6" vol0.map0.state=DEGRADED -- "${OTHERS[@]}"
check_data
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
