# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed while the volume is clean; a write waits for the new daemon, then everything works.
# levels: 1 5

set_up "$LEVEL" 1
write_data
stay_dirty
kill_daemon
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
start_daemon
wait_for 10 gone "$writer"
assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
check_data
