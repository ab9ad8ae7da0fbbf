# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Whatever a pid file says that is not a daemon of this container (mdmon.md 5): it is replaced without a word, and the
# process that happens to have that number is left alone. A directory in its place is not touched.
# cases: contents own bystanders directory
# reference: fails@contents@bystanders@directory - it refuses what is no number without a word, and ends whoever has "mdmon" in its command line

file=

# Starts the daemon over a pid file with this content; everything works, nothing is said about the file.
replaced()
{
	kill_daemon
	printf '%b' "$1" >"$file"
	run_mdmon "$C"
	expect_status 0 "pid file with '$1'"
	[[ $SAID != *pid* && $SAID != *already* && -z $PRINTED ]] || fail "it says: $SAID$PRINTED"
	assert_one_daemon
}

# bystander NAME WORD...: a process with these words in its command line survives
bystander()
{
	local pid

	[ -p /tmp/never ] || mkfifo /tmp/never
	(exec -a "$1" bash -c 'read -r </tmp/never' "${@:2}") &
	pid=$!
	wait_for 5 grep -q "^$1" "/proc/$pid/cmdline"
	say "bystander: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	replaced "$pid\n"
	nap 0.3
	alive "$pid" || fail "the daemon killed a bystander"
	kill -KILL "$pid"
}

set_up 1
file=/run/mdadm/$C.pid
case $LEVEL in
contents)
	for content in 'no number at all\n' '' '0\n' '\n' '-1\n' '99999999999999999999\n' '1\n' '4000000\n' '1 2\n' '\0\0\0'; do
		replaced "$content"
	done
	;;
own)
	kill_daemon
	bash -c "echo \$\$ >$file; exec /sbin/mdmon --foreground --takeover $C" 2>/tmp/said &
	own=$!
	wait_for 10 sockcat ping "/run/mdadm/$C.sock"
	assert_eq "pid in the file" "$own" "$(daemon_pid)"
	;;
bystanders)
	bystander sleep 100
	bystander mdmon md55
	bystander /sbin/mdmon --takeover md55
	bystander vi mdmon.c "$C"
	;;
directory)
	kill_daemon
	rm -f "$file"
	mkdir "$file"
	run_mdmon "$C"
	expect_status 3 "a directory in the place of the pid file"
	[[ $SAID = *"$C.pid"* ]] || fail "it says: $SAID"
	rmdir "$file" || fail "the directory has changed"
	run_mdmon "$C"
	expect_status 0 "afterwards"
	;;
esac
assert_one_daemon
assert_served
