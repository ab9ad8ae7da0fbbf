# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The daemon: starting, killing, asking it. See ../lib.sh.

daemon_pid()
{
	local pid=''

	read -r pid 2>/dev/null <"/run/mdadm/$C.pid"
	echo "$pid"
}

start_daemon()
{
	say "starting the daemon"
	timeout 15 /sbin/mdmon "$C" || fail "the daemon did not start: exit status $?"
}

kill_daemon()
{
	local pid

	pid=$(daemon_pid)
	say "kill -9 of the daemon ($pid)"
	kill -KILL "$pid" || fail "the daemon was not there"
	wait_for 10 reaped "$pid"
}

ping_daemon()
{
	must timeout 20 sockcat ping "/run/mdadm/$C.sock"
}

# Which daemon /sbin/mdmon is from now on: ours or reference.
use_daemon()
{
	rm -f /sbin/mdmon
	ln "/sbin/mdmon.$1" /sbin/mdmon
}

# run_mdmon ARGUMENT...: sets STATUS, SAID (what came on stderr) and PRINTED (stdout). Files, not pipes: a daemon
# that kept them open would hold up a $(...) for ever.
run_mdmon()
{
	timeout 60 /sbin/mdmon "$@" >/tmp/printed 2>/tmp/said
	STATUS=$?
	PRINTED=$(</tmp/printed)
	SAID=$(</tmp/said)
	say "mdmon $*: exit $STATUS${PRINTED:+, prints: ${PRINTED%%$'\n'*}}${SAID:+, says: ${SAID%%$'\n'*}}"
}

# expect_status STATUS WHAT: of the last run_mdmon
expect_status()
{
	[ "$STATUS" = "$1" ] || fail "$2: exit status $STATUS instead of $1; says: $SAID"
}

# All processes that are a daemon, or the start of one, into DAEMONS.
list_daemons()
{
	local file name

	DAEMONS=()
	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		file=${file#/proc/}
		[[ $name = mdmon* || $name = memcheck* ]] && alive "${file%/comm}" && DAEMONS+=("${file%/comm}")
	done
}

is_only_daemon()
{
	list_daemons
	[ "${DAEMONS[*]}" = "$(daemon_pid)" ]
}

# Exactly one daemon is there, the pid file names it, and it answers.
assert_one_daemon()
{
	eventually "${1:-5}" is_only_daemon ||
		fail "there should be one daemon, $(daemon_pid), but there are ${#DAEMONS[@]}: ${DAEMONS[*]}"
	ping_daemon
}

# Volume V is idle: kernel and metadata agree that it is clean.
wait_clean()
{
	find_members
	if attr_is "$V" level raid0; then
		# Debian's may leave it dirty when it needs no daemon any more, which means nothing for this level
		# shellcheck disable=SC2153  # DAEMON comes from init
		[ "$DAEMON" = ours ] || return 0
	else
		set_attr "$V" safe_mode_delay 0.05
		wait_for 10 attr_is "$V" array_state '@(clean|read-auto)'
	fi
	wait_metadata 10 vol0.dirty=0 -- "${MEMBERS[@]}"
}

# The volume is clean at once when idle; a write to it succeeds, and the metadata said "dirty" before it ended.
assert_served()
{
	stay_dirty
	put_block 0
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 attr_is "$V" array_state clean
}
