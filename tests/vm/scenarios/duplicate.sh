# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A second daemon for the same container is refused (status 3) and changes nothing; with --takeover it replaces the first.

set_up 5
write_data
pid=$(daemon_pid)
said=$(timeout 25 /sbin/mdmon "$C" 2>&1)
assert_eq "exit status of the second" 3 $?
[[ $said = *"already managed"* ]] || fail "it says: $said"
assert_eq "pid in the file" "$pid" "$(daemon_pid)"
ping_daemon
must timeout 25 /sbin/mdmon --takeover "$C"
wait_for 15 gone "$pid"
[ "$(daemon_pid)" != "$pid" ] || fail "the pid file still names the old daemon"
ping_daemon
put_block
check_data
stop_all
