# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon removes its own two files and nothing else from /run/mdadm; leftovers of a dead daemon are replaced.

mkdir -p /run/mdadm
foreign="md12.pid md1270.pid md127.pidx md127.sock.old creating-md5 something"
for file in $foreign; do
	echo 1 >"/run/mdadm/$file"
done
# leftovers
echo 99999 >/run/mdadm/md127.pid
echo x >/run/mdadm/md127.sock
set_up 5
assert_eq "process of the pid file" mdmon "$(cat "/proc/$(daemon_pid)/comm")"
assert_eq "mode of the pid file" 600 "$(stat -c %a "/run/mdadm/$C.pid")"
[[ $(stat -c %a "/run/mdadm/$C.sock") = [67]00 ]] || fail "others can use the socket: $(stat -c %A "/run/mdadm/$C.sock")"
pid=$(daemon_pid)
stop_all
wait_for 5 gone "$pid"
for file in $foreign; do
	[ "$(cat "/run/mdadm/$file")" = 1 ] || fail "/run/mdadm/$file is gone or changed"
done
[ -e /run/mdadm/map ] || fail "/run/mdadm/map is gone"
[ ! -e "/run/mdadm/$C.pid" ] || fail "$C.pid is still there"
[ ! -e "/run/mdadm/$C.sock" ] || fail "$C.sock is still there"
