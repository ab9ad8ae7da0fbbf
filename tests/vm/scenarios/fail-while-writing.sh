# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails under a writer, and there is no spare: the writer sees no error and goes on, the failure
# is recorded on all other disks, the member is taken out of the volume within 2 s. A disk that is added
# then is rebuilt, and the volume is normal again with all its data.
# levels: 1 5 10
# timeout: 90

EXTRA=1 set_up "$LEVEL"
write_data
note_place "${DISKS[1]}"
start_writer
generation=$(on_disk generation "${DISKS[1]}")
fail_member "$V" "${DISKS[1]}"
eventually 2 no_member "$V" "${DISKS[1]}" || fail "the failed member is still in the volume after 2 s"
all_but "${DISKS[1]}" "${MEMBERS[@]}"
wait_metadata 2 "disk$ENTRY.status=0x6" "disk$ENTRY.serial=${DISKS[1]}:0" vol0.map0.state=DEGRADED \
	"vol0.map0.failed=$SLOT" "vol0.map0.ords=*${ENTRY}R*" -- "${OTHERS[@]}"
writer_goes_on
[ "$(on_disk generation "${OTHERS[0]}")" -gt "$generation" ] || fail "the generation did not grow"
slow_sync
add_disk "${DISKS[-1]}"
wait_for 10 attr_is "$V" sync_action recover
wait_metadata 5 vol0.migr_state=1 vol0.migr_type=REBUILD vol0.map0.state=NORMAL vol0.map1.state=DEGRADED \
	'vol0.map1.ords=*R*' 'vol0.map0.ords!=*R*' -- "${OTHERS[@]}" "${DISKS[-1]}"
writer_goes_on
fast_sync
wait_settled "$V"
stop_writer
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 vol0.dirty=0 \
	"disk*.serial=${DISKS[-1]}" 'vol0.map0.ords!=*R*' -- "${OTHERS[@]}" "${DISKS[-1]}"
check_data
