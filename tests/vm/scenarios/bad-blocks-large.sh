# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A bad range is larger than one entry of the metadata, and later it is reported a second time: it is on record, and
# that is all.
# timeout: 60
# reference: fails - the second time it takes 512 sectors that are on record for ones that cannot be recorded

set_up 1
write_data
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
for round in 1 2; do
	say "round $round"
	echo 4096 512 >"$(member_dir "$V" "$bad")/unacknowledged_bad_blocks"
	ping_daemon
	wait_for 10 bad_blocks_acknowledged "$bad"
	assert "the disk is in the array" member_is "$V" "$bad" 'in_sync*external_bbl*'
	assert_metadata bad_count=2 "bad*=$entry:4096+256" "bad*=$entry:4352+256" -- "${MEMBERS[@]}"
done
check_data
