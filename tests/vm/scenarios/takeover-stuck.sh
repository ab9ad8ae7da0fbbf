# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A daemon takes over while metadata writes take 25 s, and reads do not. When the disks have answered, the write that waited
# succeeds, and the successor serves the array.
#
#   ours    our daemon is replaced: it is there, and tells its status, until it can hand over
#   theirs  Debian's is: it has to be killed, and ends when the disks have answered; whoever has killed it does not give up
# cases: ours theirs
# timeout: 120
# ours-only: the cases name both

# delay I MS: writes to the metadata area of disk I
delay()
{
	local dev offset

	read -r dev offset <<<"${AREA[$1]}"
	must dmsetup load "t$1" --table "0 8192 delay $dev $offset 0 $dev $offset $2"
	must dmsetup suspend --nolockfs --noflush "t$1"
	must dmsetup resume "t$1"
}

insmod /modules/dm-delay.ko 2>/dev/null
DM=yes set_up 1
write_data
AREA=()
for i in 0 1; do
	AREA[i]=$(dmsetup table "t$i" | cut -d ' ' -f 4,5)
done
[ "$LEVEL" = ours ] || use_daemon reference
[ "$LEVEL" = ours ] || must timeout 60 /sbin/mdmon --takeover "$C"
assert_one_daemon 20
old=$(daemon_pid)
stay_dirty
delay 0 25000
delay 1 25000
stall once "/dev/$V" 7 0 >/tmp/latency &
writer=$!
wait_for 5 attr_is "$V" array_state write-pending
use_daemon ours
timeout 100 /sbin/mdmon --takeover "$C" >/tmp/takeover 2>&1 &
successor=$!
for ((i = 0; i < 18; i++)); do
	nap 1
	alive "$successor" || fail "the successor has given up: $(</tmp/takeover)"
	[ "$LEVEL" = theirs ] || alive "$old" || fail "there is no daemon"
	[ "$LEVEL" = theirs ] || timeout 10 sockcat status "/run/mdadm/$C.sock" >/tmp/status 2>/tmp/took || fail "status: $(</tmp/took)"
done
attr_is "$V" array_state write-pending || fail "the write was let go"
delay 0 0
delay 1 0
wait_for 60 gone "$writer"
wait "$writer" || fail "the write failed"
wait_for 20 gone "$successor"
wait "$successor" || fail "the takeover failed: $(</tmp/takeover)"
say "the successor says: $(</tmp/takeover)"
grep -q "waiting for it" /tmp/takeover || fail "it did not have to wait"
assert_one_daemon 20
[ "$(daemon_pid)" != "$old" ] || fail "the old daemon is still there"
ping_daemon
check_data
assert_served
stop_all
