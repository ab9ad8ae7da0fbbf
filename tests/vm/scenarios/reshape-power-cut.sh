# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails in the middle of a reshape, under a writer. Whatever the moment, the volume is assembled from what the
# disks hold at that moment, the reshape goes on from there, and the data are what they were.
#
# All disks are slices of one device. Several times during the reshape it is suspended and copied: every copy is what
# the disks would hold after a power cut. Then each copy takes the place of the original.
# cases: devices-5 devices-0 chunk-5
# timeout: 400

CUTS=3
SLICE=24

# slices RAM: (re)makes the disks on one ram disk
slices()
{
	local i

	must dmsetup create all -m 19 -j "$(dm_major)" --table "0 $((4 * SLICE * 2048)) linear $1 0"
	for i in 0 1 2 3; do
		must dmsetup create "d$i" -m $((20 + i)) -j "$(dm_major)" \
			--table "0 $((SLICE * 2048)) linear /dev/dm-19 $((i * SLICE * 2048))"
	done
}

# cut N: keeps what is on the disks now
cut()
{
	must dmsetup suspend --nolockfs --noflush all
	dd if=/dev/ram0 "of=/dev/ram$1" bs=1M count=$((4 * SLICE)) 2>/dev/null || fail "cannot copy the disks"
	say "cut $1 at $(get_attr "$V" reshape_position)"
	must dmsetup resume all
}

# Nothing of what ran is left, and no array.
power_off()
{
	eventually 20 release_everything || fail "processes are left"
	eventually 20 clear_arrays || fail "arrays are left"
	must dmsetup remove_all --force
	rm -rf /run/mdadm/* /dev/md
}

shape()
{
	assert_kernel "level=raid$level" "raid_disks=$after" "chunk_size=$chunk" reshape_position=none \
		"size=$((10240 * (after - (level == 5))))"
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 "vol0.map0.level=$level" \
		"vol0.map0.members=$after" "vol0.map0.strip=$((chunk / 512))" -- "${MEMBERS[@]}"
}

# shellcheck disable=SC2153  # LEVEL comes from init
what=${LEVEL%-*}
level=${LEVEL#*-}
before=$((level == 5 ? 3 : 2))
after=$before
chunk=131072
fast_sync
insmod /modules/brd.ko rd_nr=$((CUTS + 1)) rd_size=$((4 * SLICE * 1024)) || fail "cannot make disks"
DISKS=(/dev/dm-20 /dev/dm-21 /dev/dm-22 /dev/dm-23)
slices /dev/ram0
make_container "${DISKS[@]:0:before}"
make_volume "$level" $before
[ "$level" = 0 ] || wait_settled "$V"
write_data
fill_volume
start_writer 2000
# so that all that the writer writes is there already
wait_for 60 writer_passed 300
# slow enough not to be over before the last cut
slow_sync 500
if [ "$what" = chunk ]; then
	chunk=262144
	grow "/dev/$V" --chunk=256
else
	after=$((before + 1))
	add_disk "${DISKS[before]}"
	grow /dev/md/c --raid-devices=$after
fi
DISKS=("${DISKS[@]:0:after}")
for ((i = 1; i <= CUTS; i++)); do
	wait_for 60 reshape_beyond $(((i * 10 - 8) * 1500))
	nap "0.$((RANDOM % 10))$((RANDOM % 10))"
	cut $i
done
fast_sync
power_off
for ((i = 1; i <= CUTS; i++)); do
	slices "/dev/ram$i"
	say "cut $i has left: checkpoint $(on_disk vol0.curr_migr_unit "${DISKS[0]}")," \
		"mdadm's record (status, unit, units): $(on_disk 'migration.*' "${DISKS[0]}" | tr '\n' ' ')"
	assemble_reshaping "${DISKS[@]}"
	wait_grown 120
	wait_for 30 attr_is_not "$V" array_state readonly
	wait_for 40 attr_is "$V" sync_action '@(idle|)'
	find_members
	shape
	check_data
	check_filled
	must pattern verify "/dev/$V" 8 "$WRITER_AT" 1048576
	put_block
	if [ "$level" = 5 ]; then
		fail_member "$V" "${MEMBERS[1]}"
		wait_for 10 no_member "$V" "${MEMBERS[1]}"
		check_data
		check_filled
	fi
	power_off
done
