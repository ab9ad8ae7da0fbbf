# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume is stopped again and again, right after a write, and started again, under the daemon that has not left
# yet or under a new one: mdadm succeeds every time, soon, and the metadata are clean every time. (From 4.5 on mdadm may say
# that the volume is busy, which udev has looked at, when it has stopped it.)
# udev: yes
# levels: 1 5
# timeout: 90

set_up "$LEVEL"
for round in {1..10}; do
	say "round $round"
	udev_settled # mdadm --stop fails while udev has the volume open
	put_block
	pid=$(daemon_pid)
	now_ms
	began=$NOW
	stop_now "$V"
	now_ms
	[ $((NOW - began)) -lt 10000 ] || fail "round $round: mdadm --stop took $((NOW - began)) ms"
	assert_metadata vol0.dirty=0 vol0.migr_state=0 -- "${MEMBERS[@]}"
	[ $((round % 2)) = 0 ] || wait_for 5 gone "$pid"
	must mdadm -IR /dev/md/c
	find_volumes
done
stop_all
