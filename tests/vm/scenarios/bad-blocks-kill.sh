# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk cannot write some sectors while the daemon is stopped, and the daemon is killed before it could record that.
# The new daemon records them, and the write ends well. The next daemon finds them on record and changes nothing.
# levels: 1 5
# timeout: 90

DM=yes set_up "$LEVEL"
write_data
bad=${DISKS[1]}
entry=$(entry_of "$bad" "$bad")
stay_dirty
put_block
kill -STOP "$(daemon_pid)"
break_sectors 1 2048:8
pattern write "/dev/$V" 7 0 "$DATA" >/tmp/written 2>&1 &
writer=$!
wait_for 10 member_is "$V" "$bad" '*blocked*'
assert_metadata bad_count=0 -- "${RAM[@]}"
assert "the write waits" alive "$writer"
kill_daemon
start_daemon
wait_for 20 gone "$writer"
wait "$writer" || fail "the write failed: $(cat /tmp/written)"
assert_metadata bad_count=1 "bad0=$entry:2048+8" -- "${RAM[@]}"
wait_for 10 bad_blocks_acknowledged "$bad"
assert_eq "bad blocks in the kernel" "2048 8" "$(bad_blocks "$bad")"
check_data

set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
sums=$(metadata_sums "${RAM[@]}")
kill_daemon
start_daemon
ping_daemon
assert_eq "metadata" "$sums" "$(metadata_sums "${RAM[@]}")"
assert_eq "bad blocks in the kernel" "2048 8" "$(bad_blocks "$bad")"
