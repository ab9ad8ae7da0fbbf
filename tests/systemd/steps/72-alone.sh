# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Nobody takes over from the daemon of the initramfs. It cannot see /run, /proc and /sys any more, but systemd, for which it
# is a service with a watchdog, must hear of it, and when mdadm's daemon tells it to go it must see why.
# needs: 70-boot-early
# only: dracut
# boot: early
# append: systemd.mask=mdmon@md127.service
# timeout: 180

# by_service NAME PROGRAM: a takeover that no unit of mdadm's is asked for. At the end of the rig's shell the daemon must go on.
by_service()
{
	local old

	old=$(daemon_pid)
	must systemd-run --quiet --unit="$1" -p DefaultDependencies=no -p KillMode=none -p IgnoreOnIsolate=yes -p Slice=system.slice \
		"$2" --foreground --offroot --takeover "$C"
	wait_for 20 gone "$old"
	wait_for 20 one_daemon
	assert "$2 runs" runs_as "$2"
	ping_daemon
}

wait_for 40 find_arrays
wait_for 60 mounted
read -r _ first _ < <(grep ^mdmon /run/rig.initramfs)
assert_eq "the daemon" "$first" "$(daemon_pid)"
nap 75 # longer than WatchdogSec
assert_eq "the daemon after more than a minute" "$first" "$(daemon_pid)"
one_daemon || fail "there are others: $(daemons)"
assert_eq "restarts" 0 "$(systemctl show -P NRestarts "mdmon@initrd-$C.service")"
ping_daemon
start_writer
mkdir -p "$STATE/reference"
must cp /sbin/mdmon.distrib* "$STATE/reference/mdmon" # processes are known by their name
by_service reference "$STATE/reference/mdmon"
logged "_PID=$first" --grep "another daemon has taken over" || fail "the daemon of the initramfs did not see who takes its place"
by_service ours /sbin/mdmon
finish_writer "while mdadm's daemon takes over from that of the initramfs, and ours from mdadm's"
check_files
