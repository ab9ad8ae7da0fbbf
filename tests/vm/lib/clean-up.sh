# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Cleaning up: the init process calls clean_up after every scenario. See ../lib.sh.

# Is any process left beside init and ourselves? Kernel threads have no command line.
other_processes()
{
	local pid line

	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		[[ $pid != 1 && $pid != "$BASHPID" && $pid != "$$" ]] || continue
		line=''
		read -r -d '' line 2>/dev/null <"/proc/$pid/cmdline"
		[ -n "$line" ] && alive "$pid" && return 0
	done
	return 1
}

# What waits for a daemon's word. A rebuild of a broken array asks for it once for each stripe, hundreds of times: no process is
# started for it.
let_go()
{
	local file line

	for file in /sys/block/md*/md/dev-*/unacknowledged_bad_blocks; do
		while read -r line; do
			echo "$line" >"${file%/*}/bad_blocks"
		done <"$file"
	done 2>/dev/null
	for file in /sys/block/md*/md/dev-*/state; do
		read -r line <"$file" && [[ $line = *faulty* || $line = *blocked* ]] && echo -blocked >"$file"
	done 2>/dev/null
	for file in /sys/block/md*/md/array_state; do
		read -r line <"$file" && [[ $line = *write-pending* ]] && echo active >"$file"
	done 2>/dev/null
}

release_everything()
{
	let_go
	kill -KILL -1 2>/dev/null
	! other_processes
}

clear_arrays()
{
	local file left=1 helper

	# what is written below waits for a sync thread, which waits for a word that nobody else gives
	(while nap 0.01; do let_go; done) &
	helper=$!
	# members before containers: a container is busy as long as it has members
	for file in /sys/block/md*/md; do
		[ -e "$file" ] || continue
		left=0
		grep -qs write-pending "$file/array_state" && echo active >"$file/array_state"
		case $(cat "$file/metadata_version") in
		external:[/-]*)
			echo frozen >"$file/sync_action"
			echo active >"$file/array_state"
			echo clear >"$file/array_state"
			;;
		*) echo clear >"$file/array_state" ;;
		esac
	done 2>/dev/null
	kill -KILL $helper 2>/dev/null
	wait $helper 2>/dev/null
	[ $left = 1 ]
}

# in_time COMMAND: tries for 10 s, in a process of its own, since md may let a write to sysfs sleep for ever; says so.
in_time()
{
	local worker

	(eventually 10 "$1") &
	worker=$!
	eventually 20 gone $worker || {
		echo "$1 sleeps in the kernel"
		return 1
	}
	wait $worker || {
		echo "$1 has not succeeded"
		return 1
	}
}

# What is left when clean_up fails, and where in the kernel it is.
show_left()
{
	local pid

	for pid in /proc/[0-9]*; do
		[ "${pid#/proc/}" != "$$" ] || continue
		grep -qs '[^[:space:]]' "$pid/cmdline" || [[ $(cat "$pid/comm" 2>/dev/null) = *md12* ]] || continue
		echo "--- ${pid#/proc/} $(cat "$pid/comm" 2>/dev/null) $(tr '\0' ' ' <"$pid/cmdline" 2>/dev/null): $(sed -n 's/^State:[[:space:]]*//p' "$pid/status" 2>/dev/null)"
		cat "$pid/stack" 2>/dev/null
	done
	lsmod | head -n 20
}

clean_up()
{
	local device

	if compgen -G '/sys/block/dm-*' >/dev/null; then
		for device in $(dmsetup info -c --noheadings -o name,suspended | sed -n 's/:Suspended.*//p'); do
			dmsetup resume "$device"
		done
	fi
	fast_sync
	kill -CONT -1 2>/dev/null
	in_time release_everything || return 1
	grep -o ' /mnt[^ ]*\| /run/[^ ]*' /proc/mounts | while read -r device; do
		umount "$device"
	done
	in_time clear_arrays || return 1
	! compgen -G '/sys/block/dm-*' >/dev/null || dmsetup remove_all --force
	for device in /sys/block/loop*/loop; do
		[ ! -e "$device" ] || losetup -d "/dev/$(basename "${device%/loop}")"
	done
	for device in brd scsi_debug loop; do
		[ ! -e "/sys/module/$device" ] || rmmod "$device" || {
			echo "$device is still in use"
			return 1
		}
	done
	rm -rf /run/mdadm /run/udev /dev/md /dev/disk /tmp/*
	return 0
}
