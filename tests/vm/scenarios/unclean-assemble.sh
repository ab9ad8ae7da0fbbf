# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume whose daemon was killed while it was dirty is resynced after the next assembly (REPAIR), and
# is normal and clean afterwards.
# levels: 1 5 10

set_up "$LEVEL"
write_data
stay_dirty
put_block
kill_daemon
set_attr "$V" array_state inactive
set_attr "$V" array_state clear
must mdadm --stop "/dev/$C"
assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
V=
slow_sync
assemble "${DISKS[@]}"
wait_for 5 attr_is "$V" sync_action resync
wait_metadata 5 vol0.migr_state=1 vol0.migr_type=REPAIR -- "${MEMBERS[@]}"
fast_sync
wait_settled "$V"
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${MEMBERS[@]}"
check_data
