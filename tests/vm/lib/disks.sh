# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Disks of all kinds: plain, slow, failing, with serial numbers, large. See ../lib.sh.

# make_disks N [MIB]
make_disks()
{
	local i

	insmod /modules/brd.ko rd_nr="$1" rd_size=$((${2:-64} * 1024)) || fail "cannot make disks"
	DISKS=()
	for ((i = 0; i < $1; i++)); do
		DISKS+=("/dev/ram$i")
	done
	udev_settled
}

# make_dm_disks N [MIB]: disk i is /dev/dm-(20+i). Its last 4 MiB, where the metadata lie, pass
# through a second dm device "t<i>", which can be suspended or made to fail on its own. TAIL=SECTORS: more than 4 MiB.
# What is really stored is in RAM[i].
make_dm_disks()
{
	local i size tail=${TAIL:-8192}

	make_disks "$@"
	RAM=("${DISKS[@]}")
	size=$((${2:-64} * 2048))
	for ((i = 0; i < $1; i++)); do
		must dmsetup create "t$i" -m $((40 + i)) -j "$(dm_major)" \
			--table "0 $tail linear ${RAM[i]} $((size - tail))"
		must dmsetup create "d$i" -m $((20 + i)) -j "$(dm_major)" <<-END
			0 $((size - tail)) linear ${RAM[i]} 0
			$((size - tail)) $tail linear /dev/dm-$((40 + i)) 0
		END
		DISKS[i]=/dev/dm-$((20 + i))
	done
}

# make_scsi_disks N [MIB [SECTOR_SIZE]]: disks with a serial number and a SCSI address of their own
make_scsi_disks()
{
	insmod /modules/scsi_debug.ko add_host="$1" per_host_store=1 dev_size_mb="${2:-64}" \
		sector_size="${3:-512}" || fail "cannot make disks"
	wait_for 20 scsi_disks_ready "$1"
	DISKS=(/dev/sd*)
	udev_settled
}

scsi_disks_ready()
{
	local disks

	disks=$(compgen -G '/dev/sd*') && [ "$(wc -l <<<"$disks")" = "$1" ]
}

# make_sparse_disks N BYTES: they take as much memory as is written to them
make_sparse_disks()
{
	local i

	insmod /modules/loop.ko max_loop="$1" || fail "cannot make disks"
	DISKS=()
	for ((i = 0; i < $1; i++)); do
		truncate -s "$2" "/tmp/disk$i"
		must losetup "/dev/loop$i" "/tmp/disk$i"
		rm "/tmp/disk$i"
		DISKS+=("/dev/loop$i")
	done
}

dm_major()
{
	sed -n 's/ device-mapper$//p' /proc/devices | tr -d ' '
}

tail_becomes()
{
	must dmsetup load "t$1" --table "0 ${TAIL:-8192} $2"
	must dmsetup suspend --nolockfs --noflush "t$1"
	must dmsetup resume "t$1"
}

# metadata_area I suspend|resume|break|mend: the tail of disk I holds up all I/O, passes it; fails it, or does no more.
metadata_area()
{
	case $2 in
	break) tail_becomes "$1" error ;;
	mend) tail_becomes "$1" "linear ${RAM[$1]} $(($(cat "/sys/block/${RAM[$1]##*/}/size") - ${TAIL:-8192}))" ;;
	suspend) must dmsetup suspend --nolockfs --noflush "t$1" ;;
	resume) must dmsetup resume "t$1" ;;
	esac
}

# break_sectors I START:LENGTH...: these sectors of disk I (made by make_dm_disks, in ascending order) can neither be
# read nor written from now on; without any the disk is as good as new.
break_sectors()
{
	local i=$1 at=0 size range tail=${TAIL:-8192}

	size=$(cat "/sys/block/${RAM[i]##*/}/size")
	shift
	{
		for range; do
			echo "$at $((${range%:*} - at)) linear ${RAM[i]} $at"
			echo "${range%:*} ${range#*:} error"
			at=$((${range%:*} + ${range#*:}))
		done
		echo "$at $((size - tail - at)) linear ${RAM[i]} $at"
		echo "$((size - tail)) $tail linear /dev/dm-$((40 + i)) 0"
	} >/tmp/table
	must dmsetup load "d$i" /tmp/table
	must dmsetup suspend --nolockfs --noflush "d$i"
	must dmsetup resume "d$i"
}
