# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A new volume is synced; while that runs the metadata say so on every disk (INIT,
# second map uninitialised), and afterwards say that the volume is normal and clean.
# levels: 1 5 10
# timeout: 60

n=$(members "$LEVEL")
make_disks "$n"
slow_sync
make_container "${DISKS[@]}"
make_volume "$LEVEL" "$n"
wait_for 10 attr_is "$V" sync_action resync
wait_metadata 10 vol0.migr_state=1 vol0.migr_type=INIT vol0.map0.state=NORMAL vol0.map1.state=UNINITIALIZED \
	vol0.map0.level="$LEVEL" vol0.map0.members="$n" num_disks="$n" -- "${DISKS[@]}"
fast_sync
wait_settled "$V"
wait_for 10 attr_is "$V" array_state clean
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 vol0.map0.failed=255 -- "${DISKS[@]}"
for disk in "${DISKS[@]}"; do
	mdadm -E "$disk" | grep -q 'Map State : normal' || fail "mdadm -E $disk does not say normal"
	mdadm -E "$disk" | grep -q 'Dirty State : clean' || fail "mdadm -E $disk does not say clean"
done
