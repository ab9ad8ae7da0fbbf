# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Power cuts: what is written to the metadata of one disk is delayed, what is read is not. What the disks hold meanwhile is
# copied, and the copies take the place of the disks. For the scenarios join-, record-, grow- and sequel-power-cut.
#
# There are three sets of ram disks, each as many as there are disks: those in use, a copy taken at the cut, and one of how
# everything was before.

SIZE_MIB=${SIZE_MIB:-24}
CUT_SIZE=$((SIZE_MIB * 2048))
CUT_TAIL=8192

# make_cut_disks N: sets DISKS
make_cut_disks()
{
	local i

	n=$1
	insmod /modules/dm-delay.ko 2>/dev/null
	insmod /modules/brd.ko rd_nr=$((3 * n)) rd_size=$((SIZE_MIB * 1024)) || fail "cannot make disks"
	for ((i = 0; i < n; i++)); do
		DISKS[i]=/dev/dm-$((20 + i))
	done
	disks_on 0
}

# disks_on RAM: the disks are those ram disks from now on
disks_on()
{
	local i ram

	for ((i = 0; i < n; i++)); do
		ram=/dev/ram$(($1 + i))
		must dmsetup create "t$i" -m $((40 + i)) -j "$(dm_major)" \
			--table "0 $CUT_TAIL linear $ram $((CUT_SIZE - CUT_TAIL))"
		must dmsetup create "d$i" -m $((20 + i)) -j "$(dm_major)" <<-END
			0 $((CUT_SIZE - CUT_TAIL)) linear $ram 0
			$((CUT_SIZE - CUT_TAIL)) $CUT_TAIL linear /dev/dm-$((40 + i)) 0
		END
	done
	udev_settled
}

# hold_writes I RAM metadata|record|copies|none: delays what is written to the tail of disk I, which is on ram disk RAM: all of
# it but the last sector; that sector alone (the record of a reshape); or where mdadm copies to what it is about to move.
hold_writes()
{
	local ram=/dev/ram$2 at=$((CUT_SIZE - CUT_TAIL)) copies=$((CUT_TAIL - 2209)) how=(linear linear linear linear)

	case $3 in
	metadata) how=(delay delay delay linear) ;;
	copies) how=(linear delay linear linear) ;;
	record) how=(linear linear linear delay) ;;
	esac
	{
		hold_target 0 $copies "${how[0]}"
		hold_target $copies 2048 "${how[1]}"
		hold_target $((copies + 2048)) 160 "${how[2]}"
		hold_target $((CUT_TAIL - 1)) 1 "${how[3]}"
	} >/tmp/table
	must dmsetup load "t$1" /tmp/table
	must dmsetup suspend --nolockfs "t$1"
	must dmsetup resume "t$1"
}

# hold_target START LENGTH HOW: a line of the table that hold_writes makes
hold_target()
{
	case $3 in
	delay) echo "$1 $2 delay $ram $((at + $1)) 0 $ram $((at + $1)) 600000" ;;
	linear) echo "$1 $2 linear $ram $((at + $1))" ;;
	esac
}

# Something has been written to disk I, and is held.
is_held()
{
	dmsetup status "t$1" | awk '$3 == "delay" && $5 > 0 { held = 1 } END { exit !held }'
}

# copy_disks FROM TO: all of them
copy_disks()
{
	local i

	for ((i = 0; i < n; i++)); do
		dd if="/dev/ram$(($1 + i))" of="/dev/ram$(($2 + i))" bs=1M iflag=direct oflag=direct 2>/dev/null ||
			fail "cannot copy the disks"
	done
}

keep_start()
{
	copy_disks 0 $((2 * n))
}

# start_with LEVEL N: the start is a volume with data on the first N disks, clean, and nothing runs
start_with()
{
	make_container "${DISKS[@]:0:$2}"
	make_volume "$1" "$2"
	write_data
	wait_settled "$V"
	wait_clean
	stop_all
	power_off
	keep_start
}

from_start()
{
	copy_disks $((2 * n)) 0
	disks_on 0
}

# cut_power I: the disks are what they hold now from now on; what is held of disk I is lost
cut_power()
{
	copy_disks 0 "$n"
	hold_writes "$1" "$1" none
	power_off
	disks_on "$n"
	say "left: generations $(imsm-peek -k generation "${DISKS[@]}" | paste -s -d ' ')," \
		"volumes $(imsm-peek -k num_volumes "${DISKS[@]}" | paste -s -d ' ')"
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

# quietly COMMAND...: what it says is in /tmp/quietly. A file, not a pipe: what stays in the background keeps it open.
quietly()
{
	timeout 60 "$@" >/tmp/quietly 2>&1 </dev/null
}

# boot_with DISK...: sets C, V and V1
boot_with()
{
	quietly mdadm -A /dev/md/c "$@"
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

# add_spares DISK...: mdadm -A takes no spares beside the members of volumes
add_spares()
{
	local disk

	for disk in "$@"; do
		in_container "$disk" || add_disk "$disk"
	done
	wait_metadata 10 num_volumes=0 -- "$@"
}
