# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk cannot write some sectors, and the disks are slow to take the metadata. Until they have taken them the write
# does not end, and the sectors are not acknowledged: a power cut would make stale data of them.
# levels: 5
# timeout: 90
# reference: fails - it acknowledges to the kernel before it writes the metadata

DM=yes set_up "$LEVEL"
write_data
stay_dirty
put_block
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
unacknowledged=$(member_dir "$V" "$bad")/unacknowledged_bad_blocks
for ((i = 0; i < ${#DISKS[@]}; i++)); do
	metadata_area "$i" suspend
done
break_sectors 1 2048:8
pattern write "/dev/$V" 7 0 "$DATA" >/tmp/written 2>&1 &
writer=$!
wait_for 10 grep -q '^2048 8' "$unacknowledged"
nap 3
assert "the write waits" alive "$writer"
assert "nothing is acknowledged" grep -q '^2048 8' "$unacknowledged"
for ((i = 0; i < ${#DISKS[@]}; i++)); do
	metadata_area "$i" resume
done
wait_for 20 gone "$writer"
wait "$writer" || fail "the write failed: $(cat /tmp/written)"
assert_metadata bad_count=1 "bad0=$entry:2048+8" -- "${RAM[@]}"
wait_for 10 bad_blocks_acknowledged "$bad"
check_data
