# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Assembled with one member missing, the volume works and is recorded as degraded; a disk that is added is rebuilt.
# udev: yes
# levels: 1 5 10
# timeout: 90

EXTRA=1 set_up "$LEVEL"
write_data
note_place "${DISKS[1]}"
stop_all
all_but "${DISKS[1]}" "${MEMBERS[@]}"
assemble "${OTHERS[@]}"
check_data
put_block
wait_metadata 3 vol0.map0.state=DEGRADED "vol0.map0.failed=$SLOT" "disk$ENTRY.serial=*ram1:0" \
	"disk$ENTRY.status=0x6" "disk$ENTRY.scsi_id=0xffffffff" \
	"vol0.map0.ords=*${ENTRY}R*" -- "${OTHERS[@]}"
slow_sync
add_disk "${DISKS[-1]}"
wait_for 10 attr_is "$V" sync_action recover
wait_metadata 5 vol0.migr_type=REBUILD -- "${OTHERS[@]}" "${DISKS[-1]}"
fast_sync
wait_settled "$V"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 -- "${OTHERS[@]}" "${DISKS[-1]}"
check_data
