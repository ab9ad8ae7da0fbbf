# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed during the initial resync; the new one records its end.
# levels: 1 5
# timeout: 90

n=$(members "$LEVEL")
make_disks "$n"
slow_sync
make_container "${DISKS[@]}"
make_volume "$LEVEL" "$n"
wait_for 10 attr_is "$V" sync_action resync
wait_metadata 10 vol0.migr_type=INIT -- "${DISKS[@]}"
start_writer
kill_daemon
start_daemon
writer_goes_on
fast_sync
wait_settled "$V"
writer_goes_on
stop_writer
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${DISKS[@]}"
