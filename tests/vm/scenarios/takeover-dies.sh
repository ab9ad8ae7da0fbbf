# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A successor goes away after it has asked for the hand-over: the daemon goes on as if nothing had been, serves writes, and
# ends with its last array.
# ours-only: the reference has no hand-over

set_up 1
pid=$(daemon_pid)
kill -STOP "$pid"
printf '\xa5\xa5\x5a\x5a\x9b\xff\xff\xff\x5a\x5a\xa5\xa5' | timeout 5 sockcat raw "/run/mdadm/$C.sock" 0
kill -CONT "$pid"
ping_daemon
assert_eq "pid in the file" "$pid" "$(daemon_pid)"
timeout 5 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/dev/null
grep -q '"clients":1[,}]' /tmp/status || fail "a connection is left: $(cat /tmp/status)"
put_block
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${DISKS[@]}"
stop_all
wait_for 3 gone "$pid"
[ ! -e "/run/mdadm/$C.pid" ] || fail "the pid file is left"
[ ! -e "/run/mdadm/$C.sock" ] || fail "the socket is left"
