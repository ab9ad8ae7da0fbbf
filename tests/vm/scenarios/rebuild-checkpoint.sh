# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A rebuild that is interrupted by a stop continues where it was after the next assembly.
# levels: 1 5 10
# timeout: 90

set_up "$LEVEL" 1
write_data
slow_sync 2000
fail_member "$V" "${DISKS[0]}"
wait_for 10 is "$V" sync_action recover
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 30 vol0.migr_type=REBUILD 'vol0.curr_migr_unit>0' -- "${OTHERS[@]}"
slow_sync 10
stop_all
assert_metadata vol0.migr_type=REBUILD 'vol0.curr_migr_unit>0' vol0.dirty=0 -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
wait_for 10 is "$V" sync_action recover
done_sectors=$(attr "$V" sync_completed)
say "rebuild at $done_sectors"
[ "${done_sectors%% *}" -gt 0 ] || fail "the rebuild began at the start: sync_completed $done_sectors"
fast_sync
wait_settled "$V"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL -- "${OTHERS[@]}"
check_data
