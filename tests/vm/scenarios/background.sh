# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the daemon is as a process (mdmon.md 1, 3): in the background it has no terminal, no directory, no parent and
# nothing of its caller; in the foreground it stays what it was and its messages stay on stderr.
# cases: background foreground
# reference: fails@background@foreground - it says "ready" before it lets go of its caller's files, and turns stderr to /dev/null

parent_of()
{
	sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"
}

session_of()
{
	local stat

	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo "$4"
}

set_up 5
cd /tmp || fail "no /tmp"
case $LEVEL in
background)
	run_mdmon --takeover "$C"
	expect_status 0 start
	pid=$(daemon_pid)
	for fd in 0 1 2; do
		assert_eq "descriptor $fd" /dev/null "$(readlink "/proc/$pid/fd/$fd")"
	done
	for fd in "/proc/$pid/fd"/*; do
		case $(readlink "$fd") in
		/tmp/*) fail "it keeps a file of its caller open: $(readlink "$fd")" ;;
		"/dev/$C" | "/dev/$V") fail "it keeps $(readlink "$fd") open" ;;
		esac
	done
	assert_eq parent 1 "$(parent_of "$pid")"
	assert_eq session "$pid" "$(session_of "$pid")"
	;;
foreground)
	/sbin/mdmon --foreground --takeover "$C" >/tmp/printed 2>/tmp/said &
	pid=$!
	wait_for 10 eval "[ \"\$(daemon_pid)\" = $pid ]"
	ping_daemon
	assert_eq parent "$$" "$(parent_of "$pid")"
	assert_eq session "$(session_of $$)" "$(session_of "$pid")"
	assert_eq stderr /tmp/said "$(readlink "/proc/$pid/fd/2")"
	lines=$(wc -l </tmp/said)
	fail_member "$V" "${DISKS[0]}"
	wait_for 5 no_member "$V" "${DISKS[0]}"
	ping_daemon
	sed 's/^/  | /' /tmp/said
	[ "$(wc -l </tmp/said)" -gt "$lines" ] || fail "a failure of a disk is not reported on stderr"
	[ ! -s /tmp/printed ] || fail "it prints on stdout: $(cat /tmp/printed)"
	;;
esac
assert_eq "current directory" / "$(readlink "/proc/$pid/cwd")"
assert_one_daemon
wait_for 10 attr_is "$V" array_state clean
kill -TERM "$pid"
wait_for 5 gone "$pid"
if [ "$LEVEL" = foreground ]; then
	wait "$pid"
	assert_eq "exit status after SIGTERM" 0 $?
fi
