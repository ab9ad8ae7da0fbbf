# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk has more and more bad blocks. As many as the metadata hold, 254, are recorded. With the next one the disk is
# failed: that is on record, and the spare takes its place. The array goes on all the time.
# levels: 1 5
# timeout: 120

# add_bad_blocks FROM TO: as if writes to these had failed
add_bad_blocks()
{
	local i

	for ((i = $1; i < $2; i++)); do
		echo $((64 + 12 * i)) 8 >"$(member_dir "$V" "$bad")/unacknowledged_bad_blocks"
	done
}

set_up "$LEVEL" 1
write_data
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
all_but "$bad" "${MEMBERS[@]}"
start_writer
add_bad_blocks 0 140
ping_daemon
wait_for 10 bad_blocks_acknowledged "$bad"
assert_metadata bad_count=140 "bad*=$entry:64+8" "bad*=$entry:1732+8" -- "${MEMBERS[@]}"
writer_goes_on
add_bad_blocks 140 254
ping_daemon
wait_for 10 bad_blocks_acknowledged "$bad"
assert_metadata bad_count=254 -- "${MEMBERS[@]}"
assert "the disk is in the array" member_is "$V" "$bad" 'in_sync*'
writer_goes_on
say "one too many"
add_bad_blocks 254 255
ping_daemon
writer_goes_on
wait_for 10 no_member "$V" "$bad"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
wait_metadata 10 bad_count=0 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial!=$bad" -- "${OTHERS[@]}"
check_data
