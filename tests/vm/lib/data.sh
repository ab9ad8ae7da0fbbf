# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Writing data and finding them again. See ../lib.sh.

DATA=$((4 << 20))
# Where the writer writes. No reshape of a scenario pauses there: a write right behind the place where it pauses and
# mdadm, which suspends the array to let it go on, wait for each other for ever in Linux 6.1, whichever daemon there is.
WRITER_AT=$((5 << 20))
FILL=$((8 << 20))

write_data()
{
	must pattern write "/dev/$V" 7 0 $DATA
}

check_data()
{
	must pattern verify "/dev/$V" 7 0 $DATA
	say "data as written"
}

# fill_volume: the rest of V, but for where the writer writes; sets FILLED, the size of V
fill_volume()
{
	FILLED=$(($(cat "/sys/block/$V/size") * 512))
	must pattern write "/dev/$V" 9 $FILL $((FILLED - FILL))
}

# check_filled [SIZE]: V holds what fill_volume wrote when it had that size
check_filled()
{
	must pattern verify "/dev/$V" 9 $FILL $((${1:-$FILLED} - FILL))
	say "data as filled in"
}

# put_block [OFFSET]: one 4 KiB write that must succeed; prints nothing
put_block()
{
	must timeout 30 stall once "/dev/$V" 7 "${1:-0}"
}

# first_write MS: the array is clean, and its first write is over after less than that.
first_write()
{
	local us

	us=$(timeout 60 stall once "/dev/$V" 7 0) || fail "the write failed"
	say "first write: $us us"
	[ "$us" -lt $(($1 * 1000)) ] || fail "the first write took $us us"
}

start_writer()
{
	rm -f /tmp/writer # of an earlier one
	stall loop "/dev/$V" 8 "$WRITER_AT" 1048576 /tmp/writer "${1:-1000}" &
	WRITER=$!
	eventually 10 writer_passed 0 || fail "the writer does not get going"
}

writer_field()
{
	local fields

	read -r -a fields 2>/dev/null </tmp/writer
	echo "$((10#${fields[$1]:-0}))"
}

writer_passed()
{
	[ "$(writer_field 0)" -gt "$1" ]
}

# The writer makes progress from now on: no hang.
writer_goes_on()
{
	eventually 20 writer_passed $(($(writer_field 0) + 2)) || fail "the writer hangs"
	say "the writer goes on"
}

stop_writer()
{
	kill -TERM "$WRITER"
	eventually 20 gone "$WRITER" || fail "the writer hangs"
	say "writer: $(cat /tmp/writer)"
	wait "$WRITER" || fail "the writer saw errors: $(cat /tmp/writer)"
	[ "$(writer_field 0)" -lt 256 ] || must pattern verify "/dev/$V" 8 "$WRITER_AT" 1048576
}
