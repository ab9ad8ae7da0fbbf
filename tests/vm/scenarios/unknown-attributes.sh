# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Metadata that ask for features that nobody here knows are neither served nor written: the daemon does not start, and
# says which attributes it is about. mdadm does not activate such volumes either. What mdadm activates is served.
# reference: fails - it does not look at the attributes

# word DISK OFFSET: 32 bits of the anchor
word()
{
	dd if="$1" bs=1 skip=$((64 * 1048576 - 1024 + $2)) count=4 2>/dev/null | od -An -tu4 | tr -d ' '
}

# set_word DISK OFFSET VALUE
set_word()
{
	local bytes

	bytes=$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($3 & 255)) $(($3 >> 8 & 255)) $(($3 >> 16 & 255)) $(($3 >> 24)))
	printf '%b' "$bytes" | dd of="$1" bs=1 seek=$((64 * 1048576 - 1024 + $2)) conv=notrunc 2>/dev/null
}

# add_attribute BIT: on all members; the checksum is a plain sum
add_attribute()
{
	local disk sum

	for disk in "${MEMBERS[@]}"; do
		sum=$(word "$disk" 32)
		set_word "$disk" 52 $(($(word "$disk" 52) + ($1)))
		set_word "$disk" 32 $(((sum + ($1)) & 0xffffffff))
	done
	sync
	assert_metadata checksum=ok -- "${MEMBERS[@]}"
}

set_up 5
write_data
stay_dirty
kill_daemon
# mdadm 4.4 and later say of a volume that it is RAID 5
known=$(printf '0x%x' $(($(on_disk attributes "${MEMBERS[0]}") + 0x40000040)))
add_attribute 0x10000100
before=$(metadata_sums "${MEMBERS[@]}")
run_mdmon "$C"
expect_status 3 "unknown attributes"
[[ $SAID = *attributes*0x10000100* ]] || fail "the message names no attributes: $SAID"
assert_eq "metadata after the refusal" "$before" "$(metadata_sums "${MEMBERS[@]}")"
stop_volume "$V"
must mdadm --stop "/dev/$C"
must mdadm -A /dev/md/c "${MEMBERS[@]}"
C=$(basename "$(readlink -f /dev/md/c)")
answer=$(mdadm -IR /dev/md/c 2>&1)
say "mdadm: $answer"
[[ $answer = *"Unsupported attributes"* ]] || fail "mdadm knows them"
must mdadm --stop "/dev/$C"
add_attribute $((0x40000000 - 0x10000100 + 0x40))
assemble "${MEMBERS[@]}"
check_data
stay_dirty
put_block
assert_metadata vol0.dirty=1 "attributes=$known" -- "${MEMBERS[@]}"
