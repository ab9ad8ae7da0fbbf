# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails when a grow is on record on all disks and mdadm has moved nothing yet: it is about to copy what it will
# move first. All data are where they were: with the metadata of before the grow they are read.
#
# mdadm 4.2 starts the volume with all its new disks and no reshape_position, so md reads it by the new layout (imsm.md 7.2),
# and then reshapes that. Nothing in the metadata can keep it from that, whichever daemon wrote them. What it makes of the
# data is said here, and not judged.
# cases: 3-4 3-5
# timeout: 200

# shellcheck source=tests/vm/lib/cut.sh
. /t/lib/cut.sh

# Disks I and on get the metadata that they had at the start.
restore_metadata()
{
	local i

	for ((i = 0; i < before; i++)); do
		dd if="/dev/ram$((2 * n + i))" of="/dev/ram$i" bs=512 skip=$((CUT_SIZE - 160)) seek=$((CUT_SIZE - 160)) \
			conv=notrunc 2>/dev/null || fail "cannot write the metadata"
	done
	sync
}

# shellcheck disable=SC2153  # LEVEL comes from init
before=${LEVEL%-*}
after=${LEVEL#*-}
fast_sync
make_cut_disks "$after"
start_with 5 "$before"
from_start
assemble "${DISKS[@]:0:before}"
add_spares "${DISKS[@]:before}"
find_members
first=${MEMBERS[0]#/dev/dm-}
first=$((first - 20))
hold_writes $first $first copies
quietly mdadm --grow /dev/md/c --raid-devices="$after" &
wait_for 60 is_held $first
cut_power $first
assert_metadata vol0.migr_type=GEN_MIGR "vol0.map0.members=$after" "vol0.map1.members=$before" vol0.curr_migr_unit=0 -- \
	"${DISKS[@]}"
say "mdadm's record (status, unit, units): $(on_disk 'migration.*' "/dev/dm-$((20 + first))" | tr '\n' ' ')"
must dmsetup remove_all --force
copy_disks "$n" 0
restore_metadata
disks_on 0
assemble "${DISKS[@]:0:before}"
check_data
power_off
disks_on "$n"
boot_with "${DISKS[@]}"
say "position $(get_attr "$V" reshape_position), $(get_attr "$V" raid_disks) disks, $(get_attr "$V" sync_action)"
if pattern verify "/dev/$V" 7 0 "$DATA" >/dev/null 2>&1; then
	say "mdadm: the data are right"
else
	say "mdadm: the data are wrong"
fi
