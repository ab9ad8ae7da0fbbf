# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The first write to a clean volume waits until the metadata say "dirty", on so many disks that the volume cannot be started
# from the others. The metadata areas of these are held up while their data areas stay usable: the write must not complete, no
# data may reach any disk, and the kernel must still be waiting for the daemon.
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
held=()
for ((i = LEVEL == 1 ? 0 : 1; i < ${#RAM[@]}; i++)); do
	held+=("$i")
	metadata_area "$i" suspend
done
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
nap 2
assert "the write waits while the metadata of too many disks cannot be written" alive "$writer"
assert_eq array_state write-pending "$(get_attr "$V" array_state)"
assert_eq "data on the disks" "$before" "$(data_sums)"
assert_metadata vol0.dirty=0 -- "${RAM[1]}"
for i in "${held[@]}"; do
	metadata_area "$i" resume
done
wait_for 10 gone "$writer"
assert_metadata 'vol0.dirty=1' -- "${RAM[@]}"
wait "$writer" || fail "the write failed"
assert_eq array_state active "$(get_attr "$V" array_state)"
pattern verify "/dev/$V" 7 0 4096 || fail "the data are wrong"
