# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A few sectors of one disk cannot be written any more. The write succeeds all the same, the disk stays in the array,
# and the metadata name the sectors before the write has ended, so that they are not read after the next assembly
# either. Written again with success, they are forgotten.
# (Both begin a chunk: of the stripes of a chunk that are written together RAID 5 of kernel 6.1 reports the first only.)
# levels: 1 5 10
# timeout: 120

DM=yes set_up "$LEVEL"
write_data
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
break_sectors 1 2048:8 2304:8
write_data
assert_metadata bad_count=2 "bad*=$entry:2048+8" "bad*=$entry:2304+8" -- "${RAM[@]}"
wait_for 10 bad_blocks_acknowledged "$bad"
assert_eq "bad blocks in the kernel" "2048 8, 2304 8" "$(bad_blocks "$bad")"
assert "the disk is in the array" member_is "$V" "$bad" 'in_sync*'
assert_eq "mdadm finds entries" 2 "$(mdadm -E "${RAM[0]}" | sed -n 's/.*Entry Count : //p')"
check_data
ticks=$(cpu_ticks "$(daemon_pid)")
nap 3
assert "the daemon sleeps" [ $(($(cpu_ticks "$(daemon_pid)") - ticks)) -lt 50 ]

say "assembled again"
set_attr "$V" safe_mode_delay 0.05
stop_all
assemble "${DISKS[@]}"
ping_daemon
assert_eq "bad blocks in the kernel" "2048 8, 2304 8" "$(bad_blocks "$bad")"
assert_metadata bad_count=2 "bad*=$entry:2048+8" "bad*=$entry:2304+8" -- "${RAM[@]}"
check_data

say "the disk is good again"
break_sectors 1
write_data
wait_for 10 bad_blocks_are "$bad" ""
wait_metadata 10 bad_count=0 bbm_log_size=0 -- "${RAM[@]}"
check_data
assert "nothing is blocked" member_is "$V" "$bad" 'in_sync*'
wait_settled "$V"
echo check >"/sys/block/$V/md/sync_action"
wait_for 40 attr_is "$V" sync_action idle
assert_eq "sectors that differ" 0 "$(get_attr "$V" mismatch_cnt)"
ping_daemon
stop_all
