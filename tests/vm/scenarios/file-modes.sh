# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Nobody but root can use the files, and root can, whatever the umask of the one who starts the daemon (mdmon.md 5).
# cases: 0 077 0777
# reference: fails@077@0777 - the directory gets what the umask leaves

set_up 1
kill_daemon
rm -rf /run/mdadm
umask "$LEVEL"
/sbin/mdmon "$C" || fail "the daemon did not start: exit status $?"
umask 022
assert_eq "mode of the directory" 755 "$(stat -c %a /run/mdadm)"
assert_eq "mode of the pid file" 600 "$(stat -c %a "/run/mdadm/$C.pid")"
[[ $(stat -c %a "/run/mdadm/$C.sock") = [67]00 ]] || fail "mode of the socket: $(stat -c %A "/run/mdadm/$C.sock")"
assert_eq "content of the pid file" "$(daemon_pid)" "$(cat "/run/mdadm/$C.pid")"
assert_one_daemon
assert_served
