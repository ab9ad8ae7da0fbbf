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
serves_until 10 metadata_area 1 mend
