# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed under a writer. The writer goes on, at the latest with the new daemon; the volume becomes
# clean when idle, and a failure after that is handled as ever.
# levels: 1 5

set_up "$LEVEL" 1
write_data
start_writer
kill_daemon
nap 0.5
start_daemon
writer_goes_on
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
writer_goes_on
wait_settled "$V"
stop_writer
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
all_but "${DISKS[0]}" "${DISKS[@]}"
assert_metadata vol0.dirty=0 vol0.map0.state=NORMAL vol0.migr_state=0 -- "${OTHERS[@]}"
check_data
