# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon may open fewer files than an array needs: that is said once and named in the status, the daemon is not ready, and
# nothing spins. Where only the soft limit is low, it is raised.
# cases: soft hard
# ours-only: the reference has no status

set_up 5
kill_daemon
if [ "$LEVEL" = soft ]; then
	(
		ulimit -Sn 24
		must timeout 30 /sbin/mdmon "$C"
	) || exit 1
	assert_one_daemon
	put_block
	assert_served
	stop_all
	succeed
fi
(
	ulimit -n 24
	exec /sbin/mdmon --foreground "$C" >/tmp/daemon.log 2>&1
) &
wait_for 10 grep -q "cannot be served" /tmp/daemon.log
pid=$(daemon_pid)
before=$(cpu_ticks "$pid")
nap 3
used=$(($(cpu_ticks "$pid") - before))
say "CPU ticks in 3 s: $used"
[ "$used" -lt 30 ] || fail "it spins: $used ticks"
assert_eq "lines about it" 1 "$(grep -c "cannot be served" /tmp/daemon.log)"
! grep -q ready /tmp/daemon.log || fail "it is ready"
timeout 10 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/tmp/took || fail "status: $(</tmp/took)"
grep -q "\"unserved\":\\[\"$V\"\\]" /tmp/status || fail "the status does not name $V: $(</tmp/status)"
# another one, which may open more, takes its place
must timeout 30 /sbin/mdmon --takeover "$C"
put_block
assert_one_daemon
assert_served
stop_all
