# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The volume is stopped and the container right after it, while the processors are busy: mdadm never meets the
# daemon, which holds the container for a moment when it leaves (mdmon.md 6.3).
# levels: 1
# timeout: 120

set_up "$LEVEL"
for _ in {1..4}; do
	while :; do :; done &
	hogs+=($!)
done
for _ in {1..8}; do
	pid=$(daemon_pid)
	must mdadm --stop "/dev/$V"
	must mdadm --stop "/dev/$C"
	wait_for 5 gone "$pid"
	assemble "${DISKS[@]:0:2}"
done
kill "${hogs[@]}"
