# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whole life of a volume: created, synced, written, a member lost, rebuilt on a spare, stopped, assembled,
# another member lost and not replaced, stopped, assembled degraded. The data survive it all.
# udev: yes
# levels: 1 5 10
# timeout: 120

EXTRA=0 set_up "$LEVEL" 1
write_data
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
writer_goes_on
stop_writer
check_data
all_but "${DISKS[0]}" "${DISKS[@]}"
stop_all
assert_metadata vol0.map0.state=NORMAL vol0.migr_state=0 vol0.dirty=0 -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
check_data
start_writer
note_place "${DISKS[-1]}"
fail_member "$V" "${DISKS[-1]}"
all_but "${DISKS[-1]}" "${OTHERS[@]}"
wait_metadata 5 vol0.map0.state=DEGRADED "disk$ENTRY.status=0x6" -- "${OTHERS[@]}"
writer_goes_on
stop_writer
pid=$(daemon_pid)
stop_all
wait_for 5 gone "$pid"
assert_metadata vol0.map0.state=DEGRADED vol0.dirty=0 -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
check_data
put_block
stop_all
