# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks and volumes above 2 TiB: created, a member replaced by a spare, stopped while that is rebuilt, assembled. Places and
# sizes do not lose their upper halves.
# levels: 1 5
# timeout: 150

n=$(members "$LEVEL")
make_sparse_disks $((n + 1)) $((3 << 40))
disk_blocks=$(cat /sys/block/loop0/size)
make_container "${DISKS[@]:0:n}"
must mdadm -CR /dev/md/v -l "$LEVEL" -n "$n" --assume-clean /dev/md/c
find_volumes
ping_daemon
set_attr "$V" safe_mode_delay 0.05
size=$(cat "/sys/block/$V/size")
say "volume: $size sectors"
[ "$size" -gt $((1 << 32)) ] || fail "the volume is not above 2 TiB"
assert_metadata "vol0.size=$size" "disk*.blocks=$disk_blocks" 'attributes=0x[2a]4*' -- "${DISKS[@]:0:n}"
must pattern write "/dev/$V" 7 $(((size - 8192) * 512)) 4194304
must pattern write "/dev/$V" 7 0 4194304

slow_sync
fail_member "$V" "${DISKS[0]}"
wait_for 5 no_member "$V" "${DISKS[0]}"
add_disk "${DISKS[-1]}"

wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_for 10 attr_is "$V" sync_action recover
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 10 vol0.migr_type=REBUILD "vol0.size=$size" "disk*.blocks=$disk_blocks" -- "${OTHERS[@]}"
stop_all
assert_metadata vol0.migr_type=REBUILD vol0.dirty=0 "vol0.size=$size" -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
assert_eq "size" "$size" "$(cat "/sys/block/$V/size")"
wait_for 10 attr_is "$V" sync_action recover
must pattern verify "/dev/$V" 7 0 4194304
must pattern verify "/dev/$V" 7 $(((size - 8192) * 512)) 4194304
put_block
stop_all
