# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume without writes is marked clean on every disk, first in the kernel, then in the metadata;
# a write afterwards marks it dirty again.
# levels: 1 5 10

set_up "$LEVEL"
for round in 1 2 3; do
	say "round $round"
	stay_dirty
	put_block
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
	set_attr "$V" safe_mode_delay 0.05
	wait_for 5 attr_is "$V" array_state clean
	# a ping is answered after a complete pass of the monitor: it cannot be late any more
	ping_daemon
	assert_metadata vol0.dirty=0 vol0.migr_state=0 -- "${MEMBERS[@]}"
done
