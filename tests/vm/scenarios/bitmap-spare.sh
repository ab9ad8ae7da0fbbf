# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume with a write-intent bitmap: each spare that is put in has the bitmap before it is a member, with the same
# header as mdadm has given the others. The bitmap is still in use after the next assembly.
# levels: 1 5 10
# timeout: 120
# ours: fails@forky - mdadm 4.6 cannot make such a volume on Linux 7.2, which has no md/bitmap before the array runs
# reference: fails@forky - the same
# reference: fails@10 - of two spares that come together only one gets a bitmap

# header_sum DISK: of the header's block. The kernel counts the place in sectors, from the start of the data.
header_sum()
{
	pattern sum "$1" $((header * 512)) 4096
}

bits_of()
{
	dd if="$1" bs=4096 skip=$((header / 8 + 1)) count=253 iflag=direct 2>/dev/null | hexdump -v -e '1/4 "%08x\n"' | sort -u
}

n=$(members "$LEVEL")
lost=1
[ "$LEVEL" != 10 ] || lost=2
make_disks $((n + lost))
fast_sync
make_container "${DISKS[@]:0:n}"
must mdadm -CR /dev/md/v -l "$LEVEL" -n "$n" -z 10240 --bitmap=internal /dev/md/c
find_volumes
wait_settled "$V"
set_attr "$V" safe_mode_delay 0.05
assert_eq "consistency policy" bitmap "$(get_attr "$V" consistency_policy)"
location=$(get_attr "$V" bitmap/location)
header=$((location - 8))
assert_metadata vol0.rwh_policy=6 vol0.map0.pba=0 -- "${DISKS[@]:0:n}"
write_data
expected=$(header_sum "${DISKS[0]}")
assert_eq "header on the second disk" "$expected" "$(header_sum "${DISKS[1]}")"

# the spares come with rubbish where the bitmap is to be
spares=("${DISKS[@]:n}")
for spare in "${spares[@]}"; do
	must pattern write "$spare" 3 $(((header - 16) * 512)) 1048576
done
# the partners of slots 0 and 2 (RAID 10), or one disk
slow_sync
failed=()
for disk in "${DISKS[@]:0:n}"; do
	if [ $(($(slot_of "$disk") % 2)) = 1 ] && [ ${#failed[@]} -lt "$lost" ]; then
		failed+=("$disk")
	fi
done
for disk in "${failed[@]}"; do
	fail_member "$V" "$disk"
done
for disk in "${failed[@]}"; do
	wait_for 5 no_member "$V" "$disk"
done
# both at once: as long as it is frozen none is taken
set_attr "$V" sync_action frozen
set_attr "$V" metadata_version "external:-$C/0"
for spare in "${spares[@]}"; do
	add_disk "$spare"
done
set_attr "$V" metadata_version "external:/$C/0"
set_attr "$V" sync_action idle
ping_daemon
for spare in "${spares[@]}"; do
	wait_for 15 is_member "$V" "$spare"
done
wait_for 10 attr_is "$V" sync_action recover
for spare in "${spares[@]}"; do
	assert_eq "header on ${spare##*/}" "$expected" "$(header_sum "$spare")"
	assert_eq "bits on ${spare##*/}, before they are of use" ffffffff "$(bits_of "$spare")"
done
fast_sync
wait_settled "$V"
check_data
others=()
for disk in "${DISKS[@]}"; do
	is_member "$V" "$disk" && others+=("$disk")
done
stop_all
assemble "${others[@]}"
assert_eq "consistency policy" bitmap "$(get_attr "$V" consistency_policy)"
check_data
put_block
