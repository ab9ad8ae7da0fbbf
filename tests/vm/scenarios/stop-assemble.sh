# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# After a stop the volume is assembled without a resync, with its data.
# udev: yes
# levels: 1 5 10

set_up "$LEVEL"
write_data
stop_all
dmesg -c >/dev/null
assemble "${DISKS[@]}"
wait_for 5 attr_is "$V" array_state read-auto
assert_eq sync_action idle "$(get_attr "$V" sync_action)"
assert_eq degraded 0 "$(get_attr "$V" degraded)"
assert_eq resync_start none "$(get_attr "$V" resync_start)"
check_data
put_block
ping_daemon
! dmesg | grep -q 'resync of RAID' || fail "the kernel resynced"
check_data
