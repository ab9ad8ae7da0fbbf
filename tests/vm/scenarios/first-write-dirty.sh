# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The first write to a clean volume waits until the metadata of every disk say "dirty".
# The metadata area of one disk is held up while its data area stays usable: the write must not
# complete, no data may reach any disk, and the kernel must still be waiting for the daemon.
# levels: 1 5 10

DM=yes set_up "$LEVEL"
assert_metadata vol0.dirty=0 -- "${RAM[@]}"
stay_dirty
data_sums()
{
	local disk

	for disk in "${RAM[@]}"; do
		pattern sum "$disk" 0 $((32 << 20))
	done
}
before=$(data_sums)
metadata_area 1 suspend
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
nap 1
assert "the write waits while one disk's metadata cannot be written" alive "$writer"
assert_eq array_state write-pending "$(get_attr "$V" array_state)"
assert_eq "data on the disks" "$before" "$(data_sums)"
assert_metadata vol0.dirty=0 -- "${RAM[1]}"
metadata_area 1 resume
wait_for 10 gone "$writer"
assert_metadata 'vol0.dirty=1' -- "${RAM[@]}"
wait "$writer" || fail "the write failed"
assert_eq array_state active "$(get_attr "$V" array_state)"
pattern verify "/dev/$V" 7 0 4096 || fail "the data are wrong"
