# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sectors that are on record as bad are written again, in vain. The write succeeds, the disk stays, and the metadata name the
# sectors as before.
# levels: 1 5 10
# timeout: 120
# ours: fails@trixie - Linux 6.12 fails a disk whose known bad sectors cannot be written again, with native metadata, too
# reference: fails@trixie - the same

DM=yes set_up "$LEVEL"
write_data
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
break_sectors 1 2048:8 2304:8
for round in first second third; do
	say "the $round time"
	write_data
	wait_for 10 bad_blocks_acknowledged "$bad"
	assert_metadata bad_count=2 "bad*=$entry:2048+8" "bad*=$entry:2304+8" -- "${RAM[@]}"
	assert_eq "bad blocks in the kernel" "2048 8, 2304 8" "$(bad_blocks "$bad")"
	assert "the disk is in the array" member_is "$V" "$bad" 'in_sync*'
	check_data
	echo -write_error >"$(member_dir "$V" "$bad")/state"
done
stop_all
