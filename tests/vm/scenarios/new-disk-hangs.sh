# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk is put into the container and answers no read. Nobody waits for it: a member that fails is let go of at once, writes
# go on, the status is told, a ping is answered. When the disk answers it becomes the spare, and is rebuilt.
# reference: fails - its manager reads the new disk itself

status()
{
	[ "$DAEMON" = ours ] || return 0
	timeout 10 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/tmp/took || fail "status: $(cat /tmp/took)"
	say "status after $(cat /tmp/took) us"
	[ "$(cat /tmp/took)" -lt 1000000 ] || fail "the status took $(cat /tmp/took) us"
}

DM=yes EXTRA=1 set_up 5
write_data
start_writer 5000
metadata_area 3 suspend
# not with mdadm, which would wait for the disk itself
cat "/sys/block/${DISKS[3]##*/}/dev" >"/sys/block/$C/md/new_dev" || fail "the container does not take the disk"
nap 0.5
status
kill -USR1 "$WRITER"
fail_member "$V" "${DISKS[0]}"
wait_for 5 no_member "$V" "${DISKS[0]}"
writer_goes_on
longest=$(writer_field 2)
say "longest write: $longest us"
[ "$longest" -lt 3000000 ] || fail "a write took $longest us"
status
now_ms
began=$NOW
ping_daemon
now_ms
say "ping after $((NOW - began)) ms"
[ $((NOW - began)) -lt 5000 ] || fail "a ping took $((NOW - began)) ms"
metadata_area 3 resume
wait_for 30 is_member "$V" "${DISKS[3]}"
wait_settled "$V"
writer_goes_on
stop_writer
wait_metadata 20 vol0.map0.state=NORMAL vol0.migr_state=0 -- "${DISKS[1]}" "${DISKS[2]}" "${DISKS[3]}"
check_data
