# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed, and its successor cannot read the metadata of one member. It serves the array by what the others say,
# and has the disk as soon as that can be read.
# cases: 1 5
# reference: fails - it does not start if a disk cannot be read

DM=yes set_up "$LEVEL"
write_data
all_but "${RAM[1]}" "${RAM[@]}"
stay_dirty
kill_daemon
metadata_area 1 break
start_daemon
first_write 2000
assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
assert_metadata vol0.dirty=0 -- "${RAM[1]}"
must attr_is "$V" degraded 0
metadata_area 1 mend
wait_metadata 10 vol0.dirty=1 -- "${RAM[@]}"
set_attr "$V" safe_mode_delay 0.05
wait_metadata 5 vol0.dirty=0 vol0.map0.state=NORMAL -- "${RAM[@]}"
check_data
stop_all
