# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Saying what happens, and judging it. See ../lib.sh.

say()
{
	printf '  %s\n' "$*"
}

# show_arrays DISK...: what the kernel says of all arrays, and what is on these disks
show_arrays()
{
	local disk array

	echo "--- /proc/mdstat"
	cat /proc/mdstat
	for array in /sys/block/md*/md; do
		[ -e "$array/array_state" ] || continue
		echo "--- $array: $(cat "$array"/{metadata_version,array_state,sync_action,sync_completed,resync_start,degraded} 2>/dev/null | tr '\n' ' ')"
		grep -s . "$array"/dev-*/state
	done
	for disk in "$@"; do
		[ -b "$disk" ] || continue
		echo "--- $disk: $(timeout 5 "$FORMAT-peek" "$disk" | grep -v -e size -e version -e pba -e strip -e blocks -e stored | tr '\n' ' ')"
	done
}

show_state()
{
	# dm disks are looked at from below
	show_arrays /dev/ram* /dev/sd* /dev/loop*
	echo "--- processes"
	# without kernel threads, but with what has died and not been waited for
	ps -o pid,stat,args | awk '$2 ~ /^Z/ || !/\[/'
	ls -la /run/mdadm 2>/dev/null
	dmesg | tail -n 40
}

fail()
{
	echo "FAIL: $*"
	echo "$*" >/tmp/reason
	show_state
	exit 1
}

succeed()
{
	exit 0
}

# must COMMAND...: it succeeds, or the scenario fails with what it said.
must()
{
	local said

	said=$("$@" 2>&1) || fail "$*: exit status $?, said: $said"
	[ -z "$said" ] || printf '  | %s\n' "$said"
}

assert_eq()
{
	[ "$2" = "$3" ] || fail "$1: expected $2, found $3"
	say "$1: $3"
}

# assert WHAT COMMAND...
assert()
{
	local what=$1

	shift
	"$@" || fail "$what: not so ($*)"
	say "$what: yes"
}
