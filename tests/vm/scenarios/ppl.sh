# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A RAID5 with a partial parity log. The metadata say so, and while it is dirty they say that the log counts; a spare that
# replaces a member has a log, too; after a crash it is assembled without a resync and its parity is right. The policy
# can be changed while the volume is not running.
# timeout: 150

# No member's share differs from what parity says.
check_parity()
{
	set_attr "$V" sync_action check
	wait_for 40 attr_is "$V" sync_action idle
	assert_eq "mismatches" 0 "$(get_attr "$V" mismatch_cnt)"
}

# log_record DISK OFFSET: sets RECORD to signature and generation of the record of the log there, in sectors from its begin
log_record()
{
	read -r -a RECORD < <(dd if="$1" bs=512 skip=$((20480 + $2 + 1)) count=1 iflag=direct 2>/dev/null |
		hexdump -n 16 -v -e '4/4 "%u " "\n"')
	[ ${#RECORD[@]} = 4 ] || fail "cannot read the log of $1"
}

# The newest record of a member's log fills it to the end. Its records are 8 sectors, and as many as partial parity has.
log_is_full()
{
	local disk offset first

	for disk in "${MEMBERS[@]}"; do
		log_record "$disk" 0
		first=("${RECORD[@]}")
		for offset in 2024 2032; do
			log_record "$disk" $offset
			[ "${RECORD[0]}" != "${first[0]}" ] || [ "${RECORD[2]}" -lt "${first[2]}" ] || return 0
		done
	done
	return 1
}

# crash: it is not stopped properly, and nobody said "clean". A log that is full to its end, where the next record would be
# the first one again, makes the kernel sync the volume (docs/kernel-md.md 5.2): then there is one more record in each log.
crash()
{
	local row

	kill -KILL "$WRITER"
	wait "$WRITER" 2>/dev/null
	for row in {0..8}; do
		[ $((row % 3)) != 0 ] || log_is_full || break
		put_block $((row % 3 * 262144))
	done
	kill_daemon
	assert_metadata vol0.dirty=3 -- "${MEMBERS[@]}"
	eventually 20 clear_arrays || fail "cannot clear the arrays"
	rm -rf /run/mdadm/* /dev/md
}

resyncs()
{
	dmesg | grep -c 'resync of RAID array'
}

fast_sync
make_disks 4
make_container "${DISKS[@]:0:3}"
must mdadm -CR /dev/md/v -l 5 -n 3 -z 10240 --consistency-policy=ppl /dev/md/c
find_volumes
wait_settled "$V"
assert_kernel consistency_policy=ppl
write_data
wait_clean
assert_metadata vol0.rwh_policy=3 vol0.dirty=0 -- "${MEMBERS[@]}"
record_metadata "clean" "${MEMBERS[@]}"
set_attr "$V" safe_mode_delay 60
start_writer
wait_metadata 5 vol0.dirty=3 -- "${MEMBERS[@]}"
writer_goes_on
before=$(resyncs)
crash
assemble "${DISKS[@]:0:3}"
assert_kernel consistency_policy=ppl
check_data
wait_for 20 attr_is "$V" sync_action idle
assert_eq "resyncs" "$before" "$(resyncs)"
check_parity
add_disk "${DISKS[3]}"
start_writer
fail_member "$V" "${DISKS[1]}"
wait_for 20 is_member "$V" "${DISKS[3]}"
wait_settled "$V"
writer_goes_on
find_members
size=$(cat "$(member_dir "$V" "${MEMBERS[0]}")/ppl_size")
for disk in "${MEMBERS[@]}"; do
	assert_eq "ppl_size of ${disk##*/}" "$size" "$(cat "$(member_dir "$V" "$disk")/ppl_size")"
	assert_eq "ppl_sector of ${disk##*/}" 20480 "$(cat "$(member_dir "$V" "$disk")/ppl_sector")"
done
# again, with the new member and its log
set_attr "$V" safe_mode_delay 60
wait_metadata 5 vol0.dirty=3 vol0.migr_state=0 -- "${MEMBERS[@]}"
before=$(resyncs)
crash
assemble "${MEMBERS[@]}"
check_data
wait_for 20 attr_is "$V" sync_action idle
assert_eq "resyncs" "$before" "$(resyncs)"
check_parity
wait_clean
# the policy of a volume that does not run, while the daemon serves another one
make_volume 1 2 other 2048
wait_settled "$V1"
stop_volume "$V"
must mdadm --update-subarray=0 --update=no-ppl /dev/md/c
assert_metadata 'vol0.rwh_policy=[05]' -- "${MEMBERS[@]}"
must mdadm --update-subarray=0 --update=ppl /dev/md/c
assert_metadata vol0.rwh_policy=3 -- "${MEMBERS[@]}"
must mdadm --update-subarray=0 --update=no-ppl /dev/md/c
must mdadm -IR /dev/md/c
find_volumes
assert_kernel consistency_policy=resync
check_data
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
