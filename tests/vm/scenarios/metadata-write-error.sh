# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The metadata of one disk can neither be read nor written any more: the others are still
# written, and writers do not hang.
# levels: 1 5 10

DM=yes set_up "$LEVEL"
metadata_area 1 break
all_but "${RAM[1]}" "${RAM[@]}"
for round in 1 2; do
	say "round $round"
	stay_dirty
	put_block
	assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
	set_attr "$V" safe_mode_delay 0.05
	wait_for 5 attr_is "$V" array_state clean
	ping_daemon
	assert_metadata vol0.dirty=0 -- "${OTHERS[@]}"
done
