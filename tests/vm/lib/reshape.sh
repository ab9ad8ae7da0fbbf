# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Changing the shape of volumes. See ../lib.sh.

# Is mdadm at work, be it in the background?
no_mdadm()
{
	local file name

	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		file=${file#/proc/}
		[ "$name" != mdadm ] || gone "${file%/comm}" || return 1
	done
}

# grow ARGUMENT...: returns when mdadm does; what takes long goes on in the background.
grow()
{
	local status

	# a file, not a pipe: what stays in the background keeps it open
	timeout 120 mdadm --grow "$@" >/tmp/grow 2>&1 </dev/null
	status=$?
	say "mdadm --grow $*: exit $status, says: $(</tmp/grow)"
	[ $status = 0 ] || fail "mdadm --grow $*: exit status $status, says: $(</tmp/grow)"
}

# grow_refused ARGUMENT...: mdadm says no. Sets SAID.
grow_refused()
{
	local status

	SAID=$(timeout 120 mdadm --grow "$@" 2>&1 </dev/null)
	status=$?
	say "mdadm --grow $*: exit $status, says: $SAID"
	[[ $status != 0 && $status != 124 ]] || fail "mdadm --grow $* should be refused"
}

unblocked()
{
	attr_is "$1" metadata_version "external:/$C/*" && attr_is "$1" sync_action '@(idle|)'
}

# wait_grown [SECONDS]: mdadm has done its part and left, and nothing runs any more.
wait_grown()
{
	eventually "${1:-90}" no_mdadm || {
		# who waits for whom
		echo w >/proc/sysrq-trigger
		dmesg | tail -n 150
		fail "mdadm is still at work after ${1:-90} s"
	}
	wait_for 20 attr_is "$V" reshape_position none
	wait_for 20 unblocked "$V"
	[ -z "$V1" ] || wait_for 20 unblocked "$V1"
}

# The reshape of volume V has come further than SECTORS.
reshape_beyond()
{
	local position=''

	read -r position 2>/dev/null <"/sys/block/$V/md/reshape_position"
	[[ $position = +([0-9]) && $position -gt $1 ]]
}

# assert_kernel NAME=VALUE...: attributes of volume V; "size" is that of the block device, in KiB
assert_kernel()
{
	local test name found

	for test in "$@"; do
		name=${test%%=*}
		case $name in
		size) found=$(($(cat "/sys/block/$V/size") / 2)) ;;
		*) found=$(get_attr "$V" "$name") ;;
		esac
		[ "$found" = "${test#*=}" ] || fail "$name of $V: expected ${test#*=}, found $found"
	done
	say "kernel: $V has $*"
}
