# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Garbage on the control socket: the daemon closes the connection or ignores it, and still answers pings.
# timeout: 90
# reference: fails - it applies updates without checking them: the volume on disk gets dozens of members

set_up 5
sock=/run/mdadm/$C.sock
pid=$(daemon_pid)
meaning()
{
	imsm-peek "${DISKS[@]}" | grep -v '^generation='
}
before=$(meaning)
message()
{
	local what=$1

	shift
	say "$what: $(printf '%b' "$@" | timeout 15 sockcat raw "$sock" "$wait" | tail -n 1)"
	alive "$pid" || fail "the daemon died of: $what"
	ping_daemon
}
wait=6
start='\xa5\xa5\x5a\x5a' end='\x5a\x5a\xa5\xa5'
message "wrong start" 'this is not a message at all'
message "wrong end" "$start\x00\x00\x00\x00abcd"
message "a length of 2 GiB" "$start\xff\xff\xff\x7f"
message "a length of 4 MiB + 1" "$start\x01\x00\x40\x00"
message "an unknown negative length" "$start\xf0\xff\xff\xff$end"
message "a truncated update" "$start\x00\x01\x00\x00abc"
message "an update of an unknown type" "$start\x08\x00\x00\x00\xff\xff\xff\x7f\x00\x00\x00\x00$end"
# these are answered, or nothing comes any more
wait=1
for type in 00 01 02 03 04 05 06 07 08 09 0a 0b; do
	message "an update of type $type without a body" "$start\x04\x00\x00\x00\x$type\x00\x00\x00$end"
	message "an update of type $type with a wild body" \
		"$start\x10\x00\x00\x00\x$type\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff$end"
done
message "nothing" ''
after=$(meaning)
diff <(printf '%s\n' "$before") <(printf '%s\n' "$after")
[ "$before" = "$after" ] || fail "the metadata say something else than before"
put_block
assert_metadata vol0.map0.state=NORMAL num_volumes=1 -- "${DISKS[@]}"
