# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member array that names a volume which the metadata do not have: the daemon stays alive and serves the others.
# cases: 7 -1 x 4294967296

set_up 5
stay_dirty
echo md77 >/sys/module/md_mod/parameters/new_array
wait_for 5 test -e /sys/block/md77/md
set_attr md77 metadata_version "external:/$C/$LEVEL"
set_attr md77 level raid1
set_attr md77 raid_disks 2
ping_daemon
kill_daemon
start_daemon
ping_daemon
put_block
assert_metadata vol0.dirty=1 num_volumes=1 -- "${DISKS[@]}"
nap 0.5
alive "$(daemon_pid)" || fail "the daemon died"
set_attr md77 array_state clear
ping_daemon
stop_all
