# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails while a spare becomes a member. Each disk in turn is
# the one that takes no more metadata, what could be written beside it or before it is left. Whatever that is, unmodified
# mdadm assembles the container with all its members, the data are there, and the work goes on or can be asked for again.
#
# What is written to the metadata of one disk is delayed, what is read is not. What the disks hold meanwhile is copied, and
# the copies take the place of the disks.
# cases: spare-1 spare-5
# timeout: 300

SIZE_MIB=24
SIZE=$((SIZE_MIB * 2048))
TAIL=8192

# disks_on RAM: the disks are those ram disks from now on
disks_on()
{
	local i ram

	for ((i = 0; i < n; i++)); do
		ram=/dev/ram$(($1 + i))
		must dmsetup create "t$i" -m $((40 + i)) -j "$(dm_major)" \
			--table "0 $TAIL linear $ram $((SIZE - TAIL))"
		must dmsetup create "d$i" -m $((20 + i)) -j "$(dm_major)" <<-END
			0 $((SIZE - TAIL)) linear $ram 0
			$((SIZE - TAIL)) $TAIL linear /dev/dm-$((40 + i)) 0
		END
	done
}

# metadata_writes I delay|pass: for disk I, on the first ram disks. The last sector, which is zeroed before that, is left out.
metadata_writes()
{
	local ram=/dev/ram$1 at=$((SIZE - TAIL))

	case $2 in
	delay) echo "0 $((TAIL - 1)) delay $ram $at 0 $ram $at 600000" ;;
	pass) echo "0 $((TAIL - 1)) linear $ram $at" ;;
	esac >/tmp/table
	echo "$((TAIL - 1)) 1 linear $ram $((SIZE - 1))" >>/tmp/table
	must dmsetup load "t$1" /tmp/table
	must dmsetup suspend --nolockfs "t$1"
	must dmsetup resume "t$1"
}

# copy FROM TO: all disks
copy()
{
	local i

	for ((i = 0; i < n; i++)); do
		dd if="/dev/ram$(($1 + i))" of="/dev/ram$(($2 + i))" bs=1M iflag=direct oflag=direct 2>/dev/null ||
			fail "cannot copy the disks"
	done
}

# Nothing of what ran is left, no array and no disk.
power_off()
{
	eventually 20 release_everything || fail "processes are left"
	eventually 20 clear_arrays || fail "arrays are left"
	must dmsetup remove_all --force
	rm -rf /run/mdadm/* /dev/md
	# shellcheck disable=SC2034  # for the helpers
	V='' V1=''
}

quietly()
{
	timeout 60 "$@" >/tmp/quietly 2>&1 </dev/null
}

# The spares are there, but nothing has begun.
prepare()
{
	assemble "${DISKS[@]:0:members}"
	set_attr "$V" sync_action frozen
	for disk in "${DISKS[@]:members}"; do
		add_disk "$disk"
	done
	wait_metadata 10 num_volumes=0 -- "${DISKS[@]:members}"
	check_data
	set_attr "$V" safe_mode_delay 60
}

act()
{
	set_attr "$V" sync_action idle
	quietly sockcat ping "/run/mdadm/$C.sock" &
}

# Sets C and V. Files, not pipes: what stays in the background keeps them open.
boot()
{
	quietly mdadm -A /dev/md/c "${DISKS[@]}"
	say "mdadm -A: exit $?, says: $(</tmp/quietly)"
	[ -e /dev/md/c ] || fail "no container"
	C=$(basename "$(readlink -f /dev/md/c)")
	quietly mdadm -IR /dev/md/c
	say "mdadm -IR: exit $?, says: $(</tmp/quietly)"
	find_volumes
	[ -n "$V" ] || fail "no volume"
}

in_container()
{
	[ -e "/sys/block/$C/md/dev-${1##*/}" ]
}

goes_on()
{
	for disk in "${DISKS[@]:members}"; do
		# mdadm -A takes no spares beside the members of volumes
		in_container "$disk" || add_disk "$disk"
	done
	wait_settled "$V"
}

# shellcheck disable=SC2153  # LEVEL comes from init
level=${LEVEL#*-}
members=$(($(members "$level") - 1))
n=$((members + 1))
fast_sync
insmod /modules/dm-delay.ko 2>/dev/null
insmod /modules/brd.ko rd_nr=$((3 * n)) rd_size=$((SIZE_MIB * 1024)) || fail "cannot make disks"
for ((i = 0; i < n; i++)); do
	DISKS[i]=/dev/dm-$((20 + i))
done
disks_on 0
make_container "${DISKS[@]}"
make_volume "$level" "$n"
wait_settled "$V"
write_data
# the disk that is to come in its place is the same one, wiped
fail_member "$V" "${DISKS[members]}"
wait_for 10 no_member "$V" "${DISKS[members]}"
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
stop_all
power_off
dd if=/dev/zero "of=/dev/ram$members" bs=1M count=$SIZE_MIB oflag=direct 2>/dev/null || fail "cannot wipe a disk"
copy 0 $((2 * n))
for ((gated = 0; gated < n; gated++)); do
	say "disk $gated takes nothing"
	copy $((2 * n)) 0
	disks_on 0
	prepare
	metadata_writes $gated delay
	act
	nap 5
	copy 0 $n
	metadata_writes $gated pass
	power_off
	disks_on $n
	say "left: generations $(imsm-peek -k generation "${DISKS[@]}" | paste -s -d ' ')," \
		"volumes $(imsm-peek -k num_volumes "${DISKS[@]}" | paste -s -d ' ')"
	boot
	check_data
	goes_on
	check_data
	power_off
done
