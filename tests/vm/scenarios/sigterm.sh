# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# SIGTERM (mdmon.md 6.3): the daemon leaves when no array is dirty, with its files left for the next one. Until then it
# serves the arrays and answers pings, but takes no changes of the metadata any more: it closes the connection
# instead of acknowledging what it will not do.
# cases: idle busy update held
# reference: fails@update - it acknowledges the change and forgets it

# An update of IMSM metadata: volume 1 gets the name NAME (8 characters).
rename='\xa5\xa5\x5a\x5a\x18\x00\x00\x00\x03\x00\x00\x00NAME\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x5a\x5a\xa5\xa5'

rename_to()
{
	printf '%b' "${rename/NAME/$1}" | timeout 15 sockcat raw "/run/mdadm/$C.sock" 3 12 | tr '\n' ' '
}

# A write that does not end as long as we like keeps the volume dirty. (A writer in a loop leaves gaps.)
begin_write()
{
	stay_dirty
	put_block
	must dmsetup suspend --nolockfs --noflush d0
	stall once "/dev/$V" 7 8192 >/tmp/latency &
	writer=$!
	nap 0.2
}

end_write()
{
	alive "$writer" || fail "the write has ended on a suspended disk"
	must dmsetup resume d0
	wait_for 10 gone "$writer"
	wait "$writer" || fail "the write failed"
}

DM=yes set_up 1
pid=$(daemon_pid)
case $LEVEL in
idle)
	stay_dirty
	now_ms
	began=$NOW
	kill -TERM "$pid"
	wait_for 5 gone "$pid"
	now_ms
	say "gone after $((NOW - began)) ms"
	;;
busy)
	begin_write
	kill -TERM "$pid"
	for wait in 0.1 0.5 1; do
		nap "$wait"
		alive "$pid" || fail "the daemon left a busy volume"
		ping_daemon
	done
	end_write
	wait_for 5 gone "$pid"
	;;
update)
	make_volume 1 2 second
	wait_settled "$V1"
	stop_volume "$V1"
	V1=''
	# while it can, it does
	said=$(rename_to first___)
	assert_eq "answer to a change of the metadata" "a5a55a5a000000005a5aa5a5 enough " "$said"
	ping_daemon
	assert_metadata vol1.name=first___ -- "${RAM[@]}"
	begin_write
	kill -TERM "$pid"
	nap 0.5
	said=$(rename_to second__)
	alive "$pid" || fail "the daemon left a busy volume"
	assert_eq "answer to a change after SIGTERM" "closed " "$said"
	ping_daemon
	end_write
	wait_for 5 gone "$pid"
	assert_metadata vol1.name=first___ -- "${RAM[@]}"
	;;
held)
	# somebody changes the container: it must not be without a daemon meanwhile
	stall claim "/dev/$C" >/tmp/claimed &
	holder=$!
	wait_for 5 grep -q claimed /tmp/claimed
	kill -TERM "$pid"
	nap 1.5
	alive "$pid" || fail "the daemon left while somebody held the container"
	ping_daemon
	kill -KILL "$holder"
	wait_for 5 gone "$pid"
	;;
esac
assert_eq "pid file" "$pid" "$(cat "/run/mdadm/$C.pid")"
[ -S "/run/mdadm/$C.sock" ] || fail "the socket is gone"
assert_metadata vol0.dirty=0 -- "${RAM[@]}"
# the next one finds a clean volume, serves it, and gives it back a sensible delay
start_daemon
[ "$DAEMON" = ours ] || ping_daemon
delay=$(get_attr "$V" safe_mode_delay)
say "safe_mode_delay: $delay"
[[ $delay != 0.00* ]] || fail "safe_mode_delay is left at $delay"
assert_one_daemon
assert_served
stop_all
