# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A RAID10 of six disks is more than mdadm 4.2 makes with this metadata: it refuses, and the volume that is there
# already works as before.

fast_sync
make_disks 6
make_container "${DISKS[@]}"
before=$(imsm-peek "${DISKS[@]}")
timeout 60 mdadm -CR /dev/md/six -l 10 -n 6 -z 10240 /dev/md/c >/tmp/said 2>&1 </dev/null && fail "mdadm made it: $(</tmp/said)"
say "mdadm: $(</tmp/said)"
[ "$before" = "$(imsm-peek "${DISKS[@]}")" ] || fail "the metadata have changed"
[ -z "$(volume_name 0)" ] || fail "there is a volume"
make_volume 10 4
wait_settled "$V"
write_data
timeout 60 mdadm -CR /dev/md/six -l 10 -n 6 -z 10240 /dev/md/c >/tmp/said 2>&1 </dev/null && fail "mdadm made it: $(</tmp/said)"
assert_metadata num_volumes=1 vol0.map0.members=4 -- "${DISKS[0]}"
find_members
assert_served
check_data
