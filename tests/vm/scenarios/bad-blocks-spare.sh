# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk serves one volume of a container and takes an empty slot in the other. What the metadata say of its bad blocks
# there, md is told before it uses the disk. The rebuild writes them with success: they are forgotten.
# timeout: 90
# reference: fails - it tells md of no bad blocks when it puts a disk in

fast_sync
make_disks 3
make_container "${DISKS[@]:0:2}"
make_volume 1 2 first
make_volume 1 2 second
wait_settled "$V"
wait_settled "$V1"
add_disk "${DISKS[2]}"
ping_daemon
echo frozen >"/sys/block/$V1/md/sync_action"
fail_member "$V" "${DISKS[1]}"
wait_for 10 is_member "$V" "${DISKS[2]}"
wait_settled "$V"
wait_for 10 no_member "$V1" "${DISKS[1]}"
assert "the second volume has not taken the spare" no_member "$V1" "${DISKS[2]}"
bad=${DISKS[2]}
start=$(($(on_disk vol1.map0.pba "$bad") + 20000))
echo $start 8 >"$(member_dir "$V" "$bad")/unacknowledged_bad_blocks"
ping_daemon
wait_for 10 bad_blocks_acknowledged "$bad"
assert_metadata bad_count=1 "bad0=$(entry_of "$bad" "$bad"):$start+8" -- "${DISKS[0]}" "$bad"
slow_sync
echo idle >"/sys/block/$V1/md/sync_action"
ping_daemon
wait_for 10 is_member "$V1" "$bad"
V=$V1
assert_eq "bad blocks in the kernel" "$start 8" "$(bad_blocks "$bad")"
wait_metadata 10 vol1.migr_type=REBUILD bad_count=1 -- "${DISKS[0]}" "$bad"
fast_sync
wait_settled "$V1"
wait_for 10 bad_blocks_are "$bad" ""
wait_metadata 10 vol1.migr_state=0 bad_count=0 -- "${DISKS[0]}" "$bad"
