# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With /run/mdadm full the daemon cannot make its files: it exits with status 3 and says why. The volume can be
# served as soon as there is room.
# reference: fails - exits without a message

set_up 5
stay_dirty
kill_daemon
mount -t tmpfs -o size=4k,nr_inodes=1 full /run/mdadm
said=$(timeout 20 /sbin/mdmon "$C" 2>&1)
code=$?
say "exit $code, says: $said"
assert_eq "exit status" 3 "$code"
[ -n "$said" ] || fail "no message"
umount /run/mdadm
start_daemon
ping_daemon
put_block
assert_metadata vol0.dirty=1 -- "${DISKS[@]}"
