# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034  # STEP, WHAT and WRITER are for the scenarios
#
# Sweeps: the same thing is done again and again, and the daemon is meddled with at each of its system calls in turn
# (../meddle.c). Sourced by the scenarios that do so.
#
# A scenario has "all-CASE" beside CASE: each call, where CASE takes one in STEP.

# begin_sweep STEP: sets STEP and WHAT from LEVEL, which is [all-]FORMAT-WHAT, and FORMAT
begin_sweep()
{
	local what=${LEVEL#all-}

	STEP=$1
	[[ $LEVEL != all-* ]] || STEP=1
	use_format "${what%%-*}"
	WHAT=${what#*-}
}

# meddle_with kill|fail N PID
# meddle_with kill|fail N -- COMMAND...: what it says is in /tmp/meddled, of what is started in /tmp/started
meddle_with()
{
	rm -f /tmp/meddled
	if [ "$3" = -- ]; then
		meddle "$1" "$2" -- "${@:4}" >/tmp/meddled 2>/tmp/started </dev/null &
	else
		meddle "$1" "$2" "$3" >/tmp/meddled 2>&1 &
	fi
	MEDDLER=$!
	eventually 10 grep -q '^ready' /tmp/meddled || fail "meddle: $(cat /tmp/meddled)"
}

# It has done what it is there for.
has_meddled()
{
	grep -Eq '^(killed|failed) ' /tmp/meddled
}

# What it has done, or nothing
meddled()
{
	grep -E '^(killed|failed) ' /tmp/meddled
}

# Nothing is meddled with from now on.
meddle_no_more()
{
	kill -TERM "$MEDDLER" 2>/dev/null
	eventually 10 gone "$MEDDLER" || fail "meddle does not end"
	wait "$MEDDLER" || fail "meddle: $(cat /tmp/meddled)"
}

# Who starts a daemon where there may be one, or what one has left
a_daemon_runs()
{
	local pid

	pid=$(daemon_pid)
	[ -n "$pid" ] && alive "$pid"
}

# mdadm takes a daemon that is dead for one that runs, until its parent has looked.
no_corpse()
{
	local file name stat

	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		[[ $name = mdmon* ]] || continue
		read -r stat 2>/dev/null <"${file%comm}stat" || continue
		stat=${stat##*) }
		[ "${stat%% *}" != Z ] || return 1
	done
}

# Volumes are clean as soon as idle: a daemon that finds a shorter delay than 50 ms makes it five seconds (mdmon.md 10.5).
be_quick()
{
	set_attr "$V" safe_mode_delay 0.05
}

# One write in the background, which waits if there is no daemon
write_once()
{
	stall once "/dev/$V" 7 0 >/tmp/latency 2>&1 &
	WRITER=$!
}

# Five disks at most, one of them a spare; clean, with data
set_up_sweep()
{
	if [ "$FORMAT" = ddf ]; then
		ddf_set_up 5 1
	else
		set_up 5 1
	fi
	find_members
	write_data
}

# put_back DISK: it has failed, is taken out of the container, and added as a new spare
put_back()
{
	# Else udev may put it back before it is empty.
	udev_settled
	must udevadm control --stop-exec-queue
	eventually 10 mdadm "/dev/$C" --remove "$1" || fail "$1 cannot be removed: $(meddled)"
	add_disk "$1"
	must udevadm control --start-exec-queue
	udev_settled
}

# Nothing but what a daemon has there.
assert_tidy()
{
	local file

	for file in /run/mdadm/*; do
		case ${file##*/} in
		map | map.lock | "$C.pid" | "$C.sock" | '*') ;;
		*) fail "left over: $file" ;;
		esac
	done
}
