# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Things go away under the daemon: the container while it starts, the container's volume by force, the directory of its
# files. It ends, or goes on, and never hangs; files that are lost come back with the next takeover.
# cases: while-starting by-force directory
# timeout: 90
# reference: fails@directory - it does not find its predecessor without the files, and both stay

no_daemon()
{
	list_daemons
	[ ${#DAEMONS[@]} = 0 ]
}

cleared()
{
	[ ! -e "/sys/block/$1" ] || set_attr "$1" array_state clear 2>/dev/null
	[ ! -e "/sys/block/$1" ]
}

set_up 1
pid=$(daemon_pid)
case $LEVEL in
while-starting)
	for pause in 0 0.02 0.06 0.15; do
		kill_daemon
		timeout 60 /sbin/mdmon "$C" 2>/tmp/said &
		starter=$!
		nap "$pause"
		# what mdadm --stop does in the end, without its pings
		eventually 10 cleared "$V" || fail "pause $pause: the volume cannot be stopped"
		eventually 10 cleared "$C" || fail "pause $pause: the container cannot be stopped"
		eventually 30 gone "$starter" || fail "pause $pause: the start hangs"
		wait "$starter"
		say "pause $pause: exit $? of the start, says: $(tail -n 1 /tmp/said)"
		wait_for 10 no_daemon
		[ ! -e "/run/mdadm/$C.pid" ] || say "pid file left: $(daemon_pid)"
		# For mdadm a daemon runs if its pid exists, and that of one killed just now may; the next container can get this
		# one's name.
		rm -f /run/mdadm/md*.pid /run/mdadm/md*.sock
		assemble "${DISKS[@]}"
		set_attr "$V" safe_mode_delay 0.05
		assert_one_daemon
	done
	assert_served
	;;
by-force)
	# no mdadm, no pings: only the kernel's words
	set_attr "$V" array_state clear
	wait_for 5 gone "$pid"
	[ ! -e "/run/mdadm/$C.pid" ] || fail "the pid file is still there"
	set_attr "$C" array_state clear
	wait_for 5 test ! -e "/sys/block/$C"
	assert_metadata vol0.dirty=0 -- "${MEMBERS[@]}"
	# a daemon that is held by somebody's stop of the container
	assemble "${DISKS[@]}"
	pid=$(daemon_pid)
	kill -STOP "$pid"
	set_attr "$V" array_state clear
	eventually 5 eval "set_attr $C array_state clear && [ ! -e /sys/block/$C ]"
	kill -CONT "$pid"
	wait_for 5 gone "$pid"
	;;
directory)
	rm -rf /run/mdadm
	stay_dirty
	put_block
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
	alive "$pid" || fail "the daemon ended"
	run_mdmon --takeover "$C"
	expect_status 0 "takeover without files"
	wait_for 15 gone "$pid"
	assert_one_daemon 10
	assert_served
	;;
esac
[ ! -e "/sys/block/$C" ] || stop_all
