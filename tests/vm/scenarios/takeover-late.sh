# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The old daemon waits for a disk, for longer than its successor waits for the hand-over: the successor takes over all the
# same as soon as the disk has answered, the pid file names it, and the write that waited succeeds.
# ours-only: the reference starts beside the old daemon at once
# timeout: 90

DM=yes set_up 1 1
old=$(daemon_pid)
stay_dirty
insmod /modules/dm-delay.ko 2>/dev/null
size=$(blockdev --getsz /dev/dm-41)
read -r _ _ _ dev offset < <(dmsetup table t1)
must dmsetup load t1 --table "0 $size delay $dev $offset 0 $dev $offset 4000"
must dmsetup suspend --nolockfs --noflush t1
must dmsetup resume t1
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
now_ms
began=$NOW
must timeout 60 /sbin/mdmon --takeover "$C"
now_ms
say "takeover after $((NOW - began)) ms"
wait_for 20 gone "$writer"
wait "$writer" || fail "the write failed"
assert_one_daemon
[ "$(daemon_pid)" != "$old" ] || fail "the pid file names the old daemon"
alive "$(daemon_pid)" || fail "the pid file names a dead process"
ping_daemon
