# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What mdadm waits for is on disk when it returns: the end of a resync (--wait), clean volumes (--wait-clean, and with
# --scan as at shutdown).
# cases: wait clean scan

case $LEVEL in
wait)
	fast_sync
	make_disks 3
	make_container "${DISKS[@]}"
	slow_sync 4000
	make_volume 5 3
	wait_for 5 attr_is "$V" sync_action resync
	must timeout 60 mdadm --wait "/dev/$V"
	assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL -- "${DISKS[@]}"
	;;
clean)
	set_up 5
	for round in 1 2 3; do
		say "round $round"
		stay_dirty
		put_block
		assert_metadata vol0.dirty=1 -- "${DISKS[@]}"
		must timeout 20 mdadm --wait-clean "/dev/$V"
		assert_metadata vol0.dirty=0 -- "${DISKS[@]}"
		[[ $(get_attr "$V" safe_mode_delay) = 60.* ]] || fail "safe_mode_delay is $(get_attr "$V" safe_mode_delay) now"
	done
	;;
scan)
	set_up 1
	make_volume 1 2 second
	wait_settled "$V1"
	set_attr "$V1" safe_mode_delay 0.05
	wait_for 10 attr_is "$V1" array_state '@(clean|read-auto)'
	set_attr "$V1" safe_mode_delay 60
	stay_dirty
	put_block
	must stall once "/dev/$V1" 7 0
	assert_metadata vol0.dirty=1 vol1.dirty=1 -- "${DISKS[@]}"
	must timeout 20 mdadm --wait-clean --scan
	assert_metadata vol0.dirty=0 vol1.dirty=0 -- "${DISKS[@]}"
	# shutdown goes on: a daemon that is told to leave leaves
	pid=$(daemon_pid)
	kill -TERM "$pid"
	wait_for 5 gone "$pid"
	;;
esac
