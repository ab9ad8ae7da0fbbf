# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Whatever the daemon does to a disk, udev sees no change of it: while it records a first write, a failure and a rebuild,
# while it takes on a disk and lets one go, while it is replaced, and when it ends. No tool runs meanwhile that could
# change a disk itself; what is to happen is written to the kernel's files.
# udev: yes
# cases: imsm ddf
# timeout: 120

# quiet WHAT: since watch_events
quiet()
{
	local n

	n=$(change_events "${DISKS[@]}")
	[ "$n" = 0 ] || {
		cat /tmp/events
		fail "$n change events of the disks: $1"
	}
	say "quiet: $1"
	watch_events
}

# The daemon has so many disks open. Debian's daemon is not asked.
daemon_sees_disks()
{
	local file n=0

	[ "$DAEMON" = ours ] || return 0
	for file in /proc/"$(daemon_pid)"/fd/*; do
		[[ $(readlink "$file") != /dev/@(.mdmon.|sd)* ]] || n=$((n + 1))
	done
	[ $n = "$1" ]
}

no_daemon()
{
	list_daemons
	[ ${#DAEMONS[@]} = 0 ]
}

use_format "$LEVEL"
unset IMSM_DEVNAME_AS_SERIAL
SCSI=512 EXTRA=1 set_up 1
udev_settled
watch_events

stay_dirty
must timeout 20 stall once "/dev/$V" 7 0
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
quiet "a first write, then clean"

spare=${DISKS[2]}
cat "/sys/block/${spare##*/}/dev" >"/sys/block/$C/md/new_dev" || fail "the kernel does not take the new disk"
wait_for 10 daemon_sees_disks 3
quiet "a new disk"

fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "$spare"
wait_settled "$V"
ping_daemon
quiet "a failure and a rebuild"

echo remove >"/sys/block/$C/md/dev-${DISKS[0]##*/}/state" || fail "the kernel does not let the failed disk go"
wait_for 10 daemon_sees_disks 2
quiet "a disk that is let go"

pid=$(daemon_pid)
timeout 60 /sbin/mdmon --takeover "$C" || fail "takeover: exit status $?"
wait_for 10 gone "$pid"
quiet "a takeover"

kill_daemon
start_daemon
assert_one_daemon
quiet "kill -9, and the next daemon"

pid=$(daemon_pid)
set_attr "$V" array_state clear || fail "the kernel does not stop the volume"
wait_for 10 gone "$pid"
quiet "the end of the daemon"

run_mdmon "$C"
eventually 20 no_daemon || fail "a daemon stays without a volume"
quiet "a daemon that finds nothing to do"
set_attr "$C" array_state clear
