# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed during a rebuild and the new one starts only after the rebuild has ended.
# It must notice by itself that the volume is whole.
# levels: 1 5
# timeout: 90
# reference: fails - it knows the end of a rebuild only as a change that it has watched; the metadata stay "rebuilding"

set_up "$LEVEL" 1
write_data
slow_sync
fail_member "$V" "${DISKS[0]}"
wait_for 10 attr_is "$V" sync_action recover
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_type=REBUILD -- "${OTHERS[@]}"
kill_daemon
fast_sync
wait_settled "$V"
start_daemon
ping_daemon
put_block
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 -- "${OTHERS[@]}"
check_data
