# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk holds up the metadata write: the daemon still answers a request for its status within a second, and says for how
# long it has been writing (docs/status.md).
# ours-only: Debian's has no status

status()
{
	local said

	timeout 25 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/tmp/took || fail "status: $(cat /tmp/took)"
	said=$(cat /tmp/status)
	say "status after $(cat /tmp/took) us: $said"
	[ "$(cat /tmp/took)" -lt 1000000 ] || fail "the status took $(cat /tmp/took) us"
	for field in "\"schema\":1," "\"pid\":$(daemon_pid)," "\"container\":\"$C\"" "$@"; do
		[[ ${said// /} = *$field* ]] || fail "the status does not say $field"
	done
}

DM=yes set_up 5 1
status '"writing_ms":null' '"draining":false' '"state":"normal"' '"dirty":false' '"clients":1'
stay_dirty
metadata_area 1 suspend
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
nap 0.3
status '"array_state":"write-pending"'
for try in 1 2 3; do
	status
	writing=$(sed -n 's/.*"writing_ms": *\([0-9]*\).*/\1/p' /tmp/status)
	[ -n "$writing" ] || fail "try $try: it does not say that it is writing"
	say "writing for $writing ms"
	nap 0.4
done
[ "$writing" -gt 600 ] || fail "it has been writing for more than $writing ms"
metadata_area 1 resume
wait_for 5 gone "$writer"
status '"writing_ms":null' '"dirty":true' '"array_state":"active"'
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
status '"writing_ms":null' '"dirty":false'
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
ping_daemon
status '"state":"normal"' '"state":"failed"'
