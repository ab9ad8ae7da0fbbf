# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034  # STEP, WHAT and WRITER are for the scenarios
#
# Sweeps: the same thing is done again and again, and the daemon is meddled with at each of its system calls in turn
# (../meddle.c), or at each of its allocations (../starve.c). Sourced by the scenarios that do so.
#
# A scenario has "all-CASE" beside CASE: each call, where CASE takes one in STEP.

# begin_sweep kill|fail|starve STEP: sets HOW, STEP, and WHAT from LEVEL, which is [all-]FORMAT-WHAT, and FORMAT
begin_sweep()
{
	local what=${LEVEL#all-}

	HOW=$1
	STEP=$2
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

# starve N PID: its N-th allocation from now on fails. PID 0: that of what is started from now on.
starve()
{
	ORDERS=$((${ORDERS:-0} + 1))
	rm -f /tmp/meddled
	printf '%-63s\n' "$1 $ORDERS $2" 1<>/tmp/starve
}

# From now on each daemon that is started can be starved. (A wrapper: a link would go on with what it was.)
let_daemons_starve()
{
	starve 0 0
	printf '#!/bin/bash\nLD_PRELOAD=/t/starve.so exec /sbin/mdmon.ours "$@"\n' >/sbin/mdmon.new
	chmod 755 /sbin/mdmon.new
	mv /sbin/mdmon.new /sbin/mdmon
}

# meddle_at PID
# meddle_at -- COMMAND...: the N-th time
meddle_at()
{
	if [ "$HOW" != starve ]; then
		meddle_with "$HOW" "$N" "$@"
	elif [ "$1" = -- ]; then
		starve "$N" 0
		"${@:2}" >/dev/null 2>/tmp/started </dev/null &
		STARTER=$!
	else
		starve "$N" "$1"
	fi
}

# What was started is ready, or has ended.
has_started()
{
	[ "$HOW" != starve ] || gone "$STARTER"
}

# It has done what it is there for.
has_meddled()
{
	[ -e /tmp/meddled ] && grep -Eq '^(killed|failed) ' /tmp/meddled
}

# What it has done, or nothing
meddled()
{
	grep -E '^(killed|failed) ' /tmp/meddled
}

# Nothing is meddled with from now on.
meddle_no_more()
{
	if [ "$HOW" = starve ]; then
		starve 0 0
		return
	fi
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

## What is done, and when it is over: begin_WHAT, WHAT_is_over

begin_cycle()
{
	PID=$(daemon_pid)
	meddle_at "$PID"
	write_once
}

cycle_is_over()
{
	gone "$WRITER" && attr_is "$V" array_state clean
}

# LOST fails, HAVE are the others
begin_failure()
{
	PID=$(daemon_pid)
	find_members
	LOST=${MEMBERS[0]}
	all_but "$LOST" "${MEMBERS[@]}"
	HAVE=("${OTHERS[@]}")
	start_writer 2000
	meddle_at "$PID"
	fail_member "$V" "$LOST"
}

failure_is_over()
{
	no_member "$V" "$LOST" && settled "$V"
}

begin_creation()
{
	PID=$(daemon_pid)
	meddle_at "$PID"
	create "w$N" &
	ASKED=$!
}

create()
{
	timeout 60 mdadm -CR "/dev/md/$1" -l 1 -n 2 -z 4096 --assume-clean /dev/md/c >/tmp/said 2>&1
}

creation_is_over()
{
	gone "$ASKED"
}

# The volume of this container that is not V, into NEW
find_new()
{
	local file version

	NEW=''
	for file in /sys/block/md*/md/metadata_version; do
		read -r version 2>/dev/null <"$file" || continue
		file=${file#/sys/block/}
		[[ $version != external:[/-]"$C"/* || ${file%%/*} = "$V" ]] || NEW=${file%%/*}
	done
}

begin_takeover()
{
	start_writer 2000
	meddle_at "$(daemon_pid)"
	timeout 60 /sbin/mdmon --takeover "$C" >/tmp/said 2>&1 </dev/null &
	ASKED=$!
}

takeover_is_over()
{
	gone "$ASKED"
}

## After that

# Whoever was told that it is made has it; who was told that it is not may have it, or make it again. With DDF not by the same
# name if it was announced, and has no record: mdadm tells the daemon of both, one after the other, and has no word for the
# former alone.
assert_created()
{
	local made=yes version

	wait "$ASKED" || made=no
	find_new
	# mdadm is answered, but not told what has become of it: of what the daemon could not make it says that it is made.
	if [ "$HOW" != kill ] && [ -n "$NEW" ] && ! eventually 5 attr_is_not "$NEW" array_state readonly; then
		say "not made, and mdadm says it is"
		made=no
	fi
	ping_daemon
	be_quick
	find_new
	# What mdadm leaves when it gives up: an array that may have no disks, or no record.
	if [ $made = no ] && [ -n "$NEW" ]; then
		stop_volume "$NEW"
		rm -f /run/mdadm/creating-*
		find_new
	fi
	[ -n "$NEW" ] || say "mdadm -IR: $(mdadm -IR "/dev/$C" 2>&1)"
	find_new
	[[ $made = no || -n $NEW ]] || fail "$(meddled): the volume is forgotten, mdadm said: $(cat /tmp/said)"
	[ -n "$NEW" ] || create "w$N" || [ "$FORMAT" = ddf ] || fail "it cannot be made again: $(cat /tmp/said)"
	find_new
	[ -n "$NEW" ] || create "x$N" || fail "nothing can be made: $(cat /tmp/said)"
	find_new
	must pattern write "/dev/$NEW" 5 0 65536
	version=$(get_attr "$NEW" metadata_version)
	stop_volume "$NEW"
	must mdadm "--kill-subarray=${version##*/}" "/dev/$C"
	ping_daemon
	assert_tidy
	all_is_well
}


# One daemon in the end, and a writer goes on that was there all the time.
assert_taken_over()
{
	assert_one_daemon 10
	be_quick
	writer_goes_on
	stop_writer
	assert_tidy
	all_is_well
}

# The daemon that was there is there, and answers.
assert_goes_on()
{
	if [[ $(daemon_pid) != "$PID" ]] || gone "$PID"; then
		fail "$(meddled): the daemon has ended"
	fi
	ping_daemon
}

# Round after round, until there is nothing left that could fail.
sweep_failures()
{
	N=1
	while :; do
		"begin_$WHAT"
		eventually 40 "${WHAT}_is_over" || fail "$(meddled): $WHAT is not over after 40 s"
		has_meddled || break
		say "$N: $(meddled)"
		meddle_no_more
		"end_$WHAT"
		check_data
		N=$((N + STEP))
	done
	meddle_no_more
	"end_$WHAT"
	[ "$N" -gt 1 ] || fail "nothing has failed"
	say "$WHAT: fewer than $N, one in $STEP meddled with"
	check_data
	stop_all
}
