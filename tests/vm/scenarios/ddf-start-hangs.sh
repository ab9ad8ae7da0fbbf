# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed, and one member does not answer when its successor starts: as start-hangs has it.
# cases: 1 5
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh
# reference: fails - it does not start as long as a disk does not answer

DM=yes ddf_set_up "$LEVEL"
write_data
all_but "${RAM[1]}" "${RAM[@]}"
stay_dirty
kill_daemon
metadata_area 1 suspend
timeout 20 mdmon "$C" || fail "it is not ready"
put_block
wait_metadata 5 vd0.dirty=1 -- "${OTHERS[@]}"
must attr_is "$V" degraded 0
metadata_area 1 resume
wait_metadata 15 vd0.dirty=1 -- "${RAM[@]}"
hurry "$V"
wait_metadata 5 vd0.dirty=0 vd0.state=OPTIMAL -- "${RAM[@]}"
check_data
stop_all
