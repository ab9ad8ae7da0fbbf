# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What is stopped while udev runs stays stopped: udev's rules assemble a container of every DDF disk that is said to have
# changed, and the end of the daemon closes all disks. Disks of both formats that are said to be new are assembled by
# udev, daemon and all.
# udev: yes
# cases: imsm ddf
# timeout: 120

# For the moment in which the daemon leaves it holds the container, and mdadm may meet it there: mdadm tries five times in a
# row without a pause.
stop_everything()
{
	mdadm --stop --scan
}

use_format "$LEVEL"
unset IMSM_DEVNAME_AS_SERIAL
SCSI=512 set_up 1
udev_settled
for round in 1 2 3 4; do
	pid=$(daemon_pid)
	[ -n "$pid" ] || fail "no daemon in round $round"
	watch_events
	eventually 5 stop_everything || fail "mdadm --stop --scan"
	wait_for 10 gone "$pid"
	udev_settled
	nap 0.5
	udev_settled
	if grep -q '^md' /proc/mdstat; then
		cat /proc/mdstat /tmp/events
		fail "round $round: assembled again after mdadm --stop --scan"
	fi
	assert_eq "change events of the disks in round $round" 0 "$(change_events "${DISKS[@]}")"
	must udevadm trigger --action=add "${DISKS[@]}"
	udev_settled
	# shellcheck disable=SC2034  # for the helpers
	C=$(container_of "${DISKS[0]}") || fail "udev has assembled nothing in round $round"
	find_volumes
	[ -n "$V" ] || fail "udev has not started the volume in round $round"
	assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
	assert_one_daemon
	wait_for 10 attr_is "$V" array_state '@(clean|read-auto)'
	write_data
	wait_for 10 attr_is "$V" array_state '@(clean|active-idle|active)'
	udev_settled
done
check_data
