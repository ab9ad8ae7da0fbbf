# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# None of the kernel's notifications of /sys and /proc/mdstat reaches the daemon. It looks every five seconds all the same: a first
# write, a failure under a writer, the rebuild, a new volume and the end wait for that, and not for ever.
#
# udev: yes
# cases: imsm ddf
# timeout: 180
# reference: fails - it sleeps for a day, and the first write with it
# shellcheck source=tests/vm/lib/sweep.sh
. /t/lib/sweep.sh

LATE=8 # seconds: five, and some for the emulator

# in_time WHAT COMMAND...
in_time()
{
	local begin

	now_ms
	begin=$NOW
	eventually $LATE "${@:2}" || fail "$1: not within $LATE s"
	now_ms
	say "$1: $((NOW - begin)) ms"
}

written()
{
	gone "$WRITER"
}

use_format "$LEVEL"
set_up_sweep
LOST=${MEMBERS[0]}
in_time "clean" attr_is "$V" array_state clean
meddle_with deafen 0 "$(daemon_pid)"

write_once
in_time "first write" written
wait "$WRITER" || fail "the write failed"
in_time "clean again" attr_is "$V" array_state clean

start_writer 2000
fail_member "$V" "$LOST"
in_time "failed member taken out" no_member "$V" "$LOST"
writer_goes_on
in_time "rebuild begun" attr_is_not "$V" sync_action idle
wait_settled "$V"
find_members
[ "$FORMAT" = ddf ] || wait_metadata $LATE vol0.map0.state=NORMAL vol0.migr_state=0 -- "${MEMBERS[@]}"
stop_writer
in_time "clean after the rebuild" attr_is "$V" array_state clean
all_is_well
check_data

make_volume 1 2 second 4096
wait_settled "$V1"
with_volume "$V1" write_once
in_time "first write to a new volume" written
wait "$WRITER" || fail "the write failed"

PID=$(daemon_pid)
stop_volume "$V1"
stop_volume "$V"
in_time "the end" reaped "$PID"
tail -n 1 /tmp/meddled
must mdadm --stop "/dev/$C"
