# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed, and its successor cannot read the metadata of one member. It serves the array by what the others say,
# and has the disk as soon as that can be read. The first daemon had marked the volume as dirty: the other one writes that
# once more before it lets anything through, for it cannot know that the disk has the mark.
# cases: 1 5
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh
# reference: fails - it does not start if a disk cannot be read

DM=yes ddf_set_up "$LEVEL"
write_data
all_but "${RAM[1]}" "${RAM[@]}"
stay_dirty
put_block
assert_metadata vd0.dirty=1 -- "${RAM[@]}"
seq=$(on_disk seq "${RAM[0]}")
kill_daemon
metadata_area 1 break
start_daemon
put_block
wait_metadata 5 vd0.dirty=1 -- "${OTHERS[@]}"
[ "$(on_disk seq "${RAM[0]}")" -gt "$seq" ] || fail "no new generation"
must attr_is "$V" degraded 0
metadata_area 1 mend
wait_metadata 10 vd0.dirty=1 "seq=$(on_disk seq "${RAM[0]}")" -- "${RAM[@]}"
hurry "$V"
wait_metadata 5 vd0.dirty=0 vd0.state=OPTIMAL -- "${RAM[@]}"
check_data
stop_all
