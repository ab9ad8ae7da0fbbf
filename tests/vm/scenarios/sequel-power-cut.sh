# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two volumes are spread over one more disk, and the power fails when the first one is, and the second has not begun: the
# daemon has recorded the one, and not yet the other. The next daemon records that the second volume is to be widened, too,
# and "mdadm --grow --continue" does it. Both have their data at all times.
# timeout: 300
# reference: fails - it zeroes the records of the first reshape before it records its end

# shellcheck source=tests/vm/lib/cut.sh
. /t/lib/cut.sh

check_both()
{
	check_data
	with_volume "$V1" check_data
}

# shellcheck disable=SC2034  # the helpers use it
DATA=$((2 << 20))
fast_sync
make_cut_disks 4
make_container "${DISKS[@]:0:3}"
make_volume 5 3 v 4096
wait_settled "$V"
make_volume 5 3 w 4096
wait_settled "$V1"
write_data
with_volume "$V1" write_data
for volume in "$V" "$V1"; do
	set_attr "$volume" safe_mode_delay 0.05
	wait_for 10 attr_is "$volume" array_state clean
done
ping_daemon
add_spares "${DISKS[3]}"
# the first volume must not be through before its record is held
slow_sync
grow /dev/md/c --raid-devices=4
wait_for 60 attr_is "$V" sync_action reshape
# mdadm has its record on two other disks
hold_writes 3 3 record
fast_sync
wait_for 120 is_held 3
assert_metadata vol0.migr_state=0 vol0.map0.members=4 vol1.migr_state=0 vol1.map0.members=3 -- "${DISKS[@]}"
cut_power 3
boot_with "${DISKS[@]}"
[ -n "$V1" ] || fail "the second volume is not there"
wait_metadata 20 vol0.migr_state=0 vol1.migr_type=GEN_MIGR vol1.map0.members=4 vol1.map1.members=3 -- "${DISKS[@]}"
check_both
with_volume "$V1" put_block # md does not change the shape of an array that is read-auto (docs/kernel-md.md 4.5)
grow --continue "/dev/$V1"
wait_grown 120
wait_metadata 20 vol0.migr_state=0 vol0.map0.members=4 vol1.migr_state=0 vol1.map0.members=4 vol1.map0.state=NORMAL -- \
	"${DISKS[@]}"
check_both
