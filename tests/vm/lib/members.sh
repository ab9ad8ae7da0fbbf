# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The disks of a volume, as the kernel sees them. See ../lib.sh.

member_dir()
{
	echo "/sys/block/$1/md/dev-${2##*/}"
}

is_member()
{
	[ -e "/sys/block/$1/md/dev-${2##*/}" ]
}

no_member()
{
	! is_member "$1" "$2"
}

member_is()
{
	local state=''

	# shellcheck disable=SC2053  # the expectation may be a pattern
	read -r state 2>/dev/null <"$(member_dir "$1" "$2")/state" && [[ $state = $3 ]]
}

fail_member()
{
	say "failing ${2##*/} in $1"
	echo faulty >"$(member_dir "$1" "$2")/state"
}

# The slot of a disk in volume V.
slot_of()
{
	cat "$(member_dir "$V" "$1")/slot"
}

# all_but DISK DISK...: sets OTHERS
all_but()
{
	local out=$1 disk

	shift
	OTHERS=()
	for disk in "$@"; do
		[ "$disk" = "$out" ] || OTHERS+=("$disk")
	done
}

# What the kernel knows to be bad in a member of volume V, sorted, on one line: "2048 8, 4096 8"
bad_blocks()
{
	sort -n "$(member_dir "$V" "$1")/bad_blocks" | paste -s -d, - | sed 's/,/, /g'
}

bad_blocks_are()
{
	[ "$(bad_blocks "$1")" = "$2" ]
}

# Nothing waits for the daemon to record it.
bad_blocks_acknowledged()
{
	[ -z "$(cat "$(member_dir "$V" "$1")/unacknowledged_bad_blocks")" ] && member_is "$V" "$1" '!(*blocked*)'
}

# The members of volume V in the order of their slots: sets MEMBERS
# shellcheck disable=SC2034  # for the scenarios
find_members()
{
	local dir slot

	MEMBERS=()
	for dir in "/sys/block/$V/md"/dev-*; do
		read -r slot 2>/dev/null <"$dir/slot" || continue
		[ "$slot" = none ] || MEMBERS[slot]=/dev/${dir##*/dev-}
	done
}

# rebuild_interrupted DISK: DISK fails, and the rebuild of a spare is stopped part way; after the next assembly it must go
# on from there. Sets OTHERS, the disks that are left. Ends while the rebuild runs, slowly.
rebuild_interrupted()
{
	local sectors

	slow_sync 2000
	fail_member "$V" "$1"
	wait_for 10 attr_is "$V" sync_action recover
	all_but "$1" "${DISKS[@]}"
	wait_metadata 30 vol0.migr_type=REBUILD 'vol0.curr_migr_unit>0' -- "${OTHERS[@]}"
	slow_sync 10
	stop_all
	assert_metadata vol0.migr_type=REBUILD 'vol0.curr_migr_unit>0' vol0.dirty=0 -- "${OTHERS[@]}"
	assemble "${OTHERS[@]}"
	wait_for 10 attr_is "$V" sync_action recover
	sectors=$(get_attr "$V" sync_completed)
	say "rebuild at $sectors"
	[ "${sectors%% *}" -gt 0 ] || fail "the rebuild began at the start: sync_completed $sectors"
}
