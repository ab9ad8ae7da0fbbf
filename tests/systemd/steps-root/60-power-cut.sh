# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Power fails under writes: the volume was dirty, so it is resynced, and what was written is there.
# needs: 30-install
# boot: volume
# power: cut
# timeout: 240
check_start ours
resyncs_begun || fail "no resync after the power cut"
check_files
check_counter
wait_for 150 in_sync
say "resync ended"
echo check >"/sys/block/$V/md/sync_action"
wait_settled "$V" 120
assert_eq "sectors that differ" 0 "$(cat "/sys/block/$V/md/mismatch_cnt")"
check_files
