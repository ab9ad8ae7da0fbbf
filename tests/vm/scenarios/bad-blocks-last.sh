# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The only disk that a RAID 1 has left has more bad blocks than the metadata hold. It is not failed, neither in md nor on
# record: there is nothing else. The array goes on, and is there after the next assembly.
# udev: yes
# timeout: 120
# reference: fails - the last disk reads as faulty, and the array is broken

add_bad_blocks()
{
	local i

	for ((i = $1; i < $2; i++)); do
		echo $((64 + 12 * i)) 8 >"$(member_dir "$V" "$last")/unacknowledged_bad_blocks"
	done
}

set_up 1
write_data
lost=${DISKS[0]} last=${DISKS[1]}
fail_member "$V" "$lost"
wait_for 10 no_member "$V" "$lost"
start_writer
add_bad_blocks 0 254
ping_daemon
wait_for 10 bad_blocks_acknowledged "$last"
assert_metadata bad_count=254 vol0.map0.state=DEGRADED -- "$last"
say "one too many"
add_bad_blocks 254 255
ping_daemon
wait_for 10 bad_blocks_acknowledged "$last"
writer_goes_on
member_is "$V" "$last" 'in_sync*' || fail "the last disk is $(cat "$(member_dir "$V" "$last")/state")"
assert_metadata bad_count=254 vol0.map0.state=DEGRADED -- "$last"
stop_writer
stop_all
assemble "$last"
put_block
