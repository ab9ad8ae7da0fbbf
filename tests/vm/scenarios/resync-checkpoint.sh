# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# An initial resync that is interrupted by a stop continues where it was after the next assembly.
# levels: 1 5 10
# timeout: 90

n=$(members "$LEVEL")
make_disks "$n"
slow_sync 2000
make_container "${DISKS[@]}"
make_volume "$LEVEL" "$n"
wait_for 10 attr_is "$V" sync_action resync
wait_metadata 30 vol0.migr_type=INIT 'vol0.curr_migr_unit>0' -- "${DISKS[@]}"
slow_sync 10
stop_all
assert_metadata vol0.migr_type=INIT 'vol0.curr_migr_unit>0' vol0.dirty=0 -- "${DISKS[@]}"
unit=$(on_disk vol0.curr_migr_unit "${DISKS[0]}")
assemble "${DISKS[@]}"
wait_for 10 attr_is "$V" sync_action resync
done_sectors=$(get_attr "$V" sync_completed)
say "checkpoint on disk: unit $unit; resync at $done_sectors, resync_start $(get_attr "$V" resync_start)"
[ "${done_sectors%% *}" -gt 0 ] || fail "the resync began at the start: sync_completed $done_sectors"
assert_metadata vol0.migr_type=INIT "vol0.curr_migr_unit>$((unit - 1))" -- "${DISKS[@]}"
fast_sync
wait_settled "$V"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${DISKS[@]}"
