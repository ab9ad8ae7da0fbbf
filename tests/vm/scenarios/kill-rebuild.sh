# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed during a rebuild; the new one records its end.
# levels: 1 5
# timeout: 90

set_up "$LEVEL" 1
write_data
start_writer
slow_sync
fail_member "$V" "${DISKS[0]}"
wait_for 10 attr_is "$V" sync_action recover
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_type=REBUILD -- "${OTHERS[@]}"
kill_daemon
start_daemon
writer_goes_on
fast_sync
wait_settled "$V"
writer_goes_on
stop_writer
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 -- "${OTHERS[@]}"
check_data
