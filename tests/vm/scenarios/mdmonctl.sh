# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What mdmonctl shows of a real container: healthy, rebuilding, with a failed disk; pings; mdadm's own daemon; none at all.
# ours-only: the first half asks for what only ours can tell

# shows PATTERN...: each matches some line of "mdmonctl status"
shows()
{
	local pattern

	timeout 20 mdmonctl status "$C" >/tmp/shown 2>&1 || fail "mdmonctl status: exit status $?, says: $(cat /tmp/shown)"
	for pattern in "$@"; do
		grep -Eq -- "$pattern" /tmp/shown || {
			cat /tmp/shown
			fail "no line of the status matches $pattern"
		}
	done
}

# md says "recover" some milliseconds before the metadata, and so the daemon, name the spare.
rebuild_is_shown()
{
	timeout 20 mdmonctl status "$C" | grep -q 'rebuilding  *ram3'
}

set_up 5 1
must mdmonctl ping "$C"
must mdmonctl ping --manager "/dev/md/c"
shows "^$C \(imsm\)" "v +$V +raid5 .*normal, clean" 'in sync +ram' 'ram3 +spare' 'generation [0-9]+' 'process [0-9]+'
cat /tmp/shown
timeout 20 mdmonctl status --json >/tmp/json || fail "mdmonctl status --json: exit status $?"
grep -q '"schema": *1' /tmp/json || fail "the JSON: $(cat /tmp/json)"
grep -q "\"pid\": *$(daemon_pid)" /tmp/json || fail "the JSON: $(cat /tmp/json)"
slow_sync 100
fail_member "$V" "${DISKS[0]}"
wait_for 10 rebuild_is_shown
shows 'degraded' 'rebuild' 'ram0 +failed' 'rebuilding +ram3'
cat /tmp/shown
fast_sync
wait_settled "$V"
ping_daemon
shows 'normal' '1 for failures|[0-9]+ for failures'

use_daemon reference
must timeout 60 /sbin/mdmon --takeover "$C"
wait_for 10 timeout 20 mdmonctl ping "$C"
timeout 20 mdmonctl status "$C" >/tmp/shown 2>&1 || fail "mdmonctl status of the reference: $(cat /tmp/shown)"
say "the reference: $(cat /tmp/shown)"
grep -q "mdmon of mdadm" /tmp/shown || fail "it does not say whose daemon it is"
kill_daemon
timeout 20 mdmonctl status "$C" >/tmp/shown 2>&1
assert_eq "exit status without a daemon" 1 $?
say "$(cat /tmp/shown)"
timeout 20 mdmonctl ping "$C" >/tmp/shown 2>&1
assert_eq "exit status of a ping without a daemon" 1 $?
use_daemon ours
start_daemon
stop_all
timeout 20 mdmonctl status >/tmp/shown 2>&1 || fail "mdmonctl status of nothing: $(cat /tmp/shown)"
