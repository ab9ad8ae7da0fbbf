# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The part of bench/sick inside the guest: sick.sh DAEMON FORMAT hangs|fails holds|others SECONDS
# Prints "value METRIC MICROSECONDS" and "note WHAT TEXT" to descriptor 3.
# shellcheck source=tests/vm/lib.sh
. /t/lib.sh
DAEMON=$1 FORMAT=$2 how=$3 who=$4 seconds=$5
use_format "$FORMAT"
SICK=1 # of DISKS; in the first array
FAILS_AFTER_MS=8000

value()
{
	echo "value $*" >&3
}

# The metadata area of the sick disk takes no write any more: each fails after a while. It can be read.
fail_late()
{
	local tail=${TAIL:-8192} start

	start=$(($(cat "/sys/block/${RAM[SICK]##*/}/size") - tail))
	must dmsetup create broken -m 60 -j "$(dm_major)" --table "0 $tail error"
	must dmsetup load "t$SICK" \
		--table "0 $tail delay ${RAM[SICK]} $start 0 /dev/dm-60 0 $FAILS_AFTER_MS"
	must dmsetup suspend --nolockfs --noflush "t$SICK"
	must dmsetup resume "t$SICK"
}

# From now on, for $seconds.
fall_ill()
{
	now_ms
	BEGAN=$NOW
	if [ "$how" = fails ]; then
		fail_late
	else
		metadata_area $SICK suspend
		(
			nap "$seconds"
			metadata_area $SICK resume
		) &
	fi
}

ill()
{
	now_ms
	[ $((NOW - BEGAN)) -lt $((seconds * 1000)) ]
}

# When the sick disk has left the array, once
note_out()
{
	if [ -z "$OUT" ] && ill && no_member "$V" "${DISKS[SICK]}"; then
		OUT=$(((NOW - BEGAN) * 1000))
		value out "$OUT"
	fi
}

# One first write after the other, as long as the disk is ill
measure()
{
	local first next metric=first-write

	while :; do
		read -r first next <<<"$(probe pair "$V")"
		[ -n "$next" ] || fail "write"
		value $metric $((first > next ? first - next : 0))
		metric="next-write"
		nap 0.3
		[ "$who" = others ] || note_out
		ill || break
		stay_dirty
		nap 0.2
		ill || break
	done
}

echo "note kernel $(uname -r)" >&3
echo "note mdadm $(mdadm --version 2>&1 | sed 's/^mdadm - v\([^ ]*\).*/\1/')" >&3
ln -f "/sbin/mdmon.$DAEMON" /sbin/mdmon
fast_sync
make_dm_disks 4
make_container "${DISKS[@]}"
must mdadm -CR /dev/md/holds -l 1 -n 2 -z 4096 "${DISKS[@]:0:2}"
find_volumes
wait_settled "$V"
must mdadm -CR /dev/md/others -l 1 -n 2 -z 4096 "${DISKS[@]:2:2}"
find_volumes
[ -n "$V1" ] || fail "no second array"
wait_settled "$V1"
for volume in "$V" "$V1"; do
	with_volume "$volume" stay_dirty
done
[ "$who" = holds ] || V=$V1
ping_daemon
nap 1
OUT=''
fall_ill
measure
