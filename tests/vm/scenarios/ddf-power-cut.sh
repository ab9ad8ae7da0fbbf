# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails while metadata are being written: at any place within the copies of the first or of the last disk that
# is written. Whatever the place, mdadm reads the disks, the volume is what it was, nothing is lost, and the next write
# makes both copies right again.
#
# The write stops at a gate: some sectors of a disk behind which everything waits. What the disks hold then is copied,
# and these copies take the place of the disks.
# cases: dirty-first failure-first failure-last
# timeout: 400
# reference: fails@bookworm - now and then: 4.2 calls a function for bad blocks that DDF does not have as the array starts, and dies; the array stays read-only (ddf.md 13)
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

SIZE_MIB=40
SECTORS=$((SIZE_MIB * 2048))
SECONDARY=$((SECTORS - 65536))
PRIMARY=$((SECTORS - 32768))
# START:LENGTH of what is cut off, in sectors: headers, tables, records, the disk's own data
CUTS=("$PRIMARY:1" "$((PRIMARY + 1)):617" "$((PRIMARY + 130)):488" "$((PRIMARY + 617)):1"
	"$SECONDARY:1" "$((SECONDARY + 1)):617" "$((SECONDARY + 130)):488" "$((SECONDARY + 617)):1" "$((SECTORS - 1)):1")

# disk I RAM [START:LENGTH]: dm disk I on a ram disk, with these sectors behind the gate
disk()
{
	local verb=load range=${3:-} at length

	at=${range%:*} length=${range#*:}

	[ -e "/dev/dm-$((20 + $1))" ] || verb=create
	{
		if [ -n "$range" ]; then
			echo "0 $at linear $2 0"
			echo "$at $length linear /dev/dm-40 0"
			[ $((at + length)) = $SECTORS ] ||
				echo "$((at + length)) $((SECTORS - at - length)) linear $2 $((at + length))"
		else
			echo "0 $SECTORS linear $2 0"
		fi
	} >/tmp/table
	case $verb in
	create) must dmsetup create "d$1" -m $((20 + $1)) -j "$(dm_major)" /tmp/table ;;
	load)
		must dmsetup load "d$1" /tmp/table
		must dmsetup suspend --nolockfs --noflush "d$1"
		must dmsetup resume "d$1"
		;;
	esac
}

disks_on()
{
	local i

	for i in 0 1 2; do
		disk "$i" "/dev/ram$(($1 + i))"
	done
}

# copy FROM TO: the three disks, on other ram disks
copy()
{
	local i

	for i in 0 1 2; do
		dd if="/dev/ram$(($1 + i))" of="/dev/ram$(($2 + i))" bs=1M iflag=direct oflag=direct 2>/dev/null ||
			fail "cannot copy the disks"
	done
}

what=${LEVEL%-*}
fast_sync
insmod /modules/brd.ko rd_nr=9 rd_size=$((SIZE_MIB * 1024)) || fail "cannot make disks"
DISKS=(/dev/dm-20 /dev/dm-21 /dev/dm-22)
RAM=(/dev/ram0 /dev/ram1 /dev/ram2)
disks_on 0
make_container "${DISKS[@]}"
# md announces a failure as if a write were pending: the volume is dirty then, and mdadm starts no RAID5 that is dirty and
# degraded
case $what in
dirty) ddf_volume 5 v 6144 "${DISKS[@]}" ;;
failure) ddf_volume 1-of-3 v 6144 "${DISKS[@]}" ;;
esac
wait_settled "$V"
hurry "$V"
learn "${DISKS[@]}"
write_data
hurry "$V"
assert_agreement "${RAM[@]}"
stop_all
power_off
copy 0 6
must dmsetup remove_all --force
# or the other way round: the daemon writes the disks in an order that is not ours to know
case $LEVEL in
*-first) gated=0 ;;
*-last) gated=2 ;;
esac
lost=/dev/dm-21
incomplete=0
for cut in "${CUTS[@]}"; do
	say "cut at $((${cut%:*} - PRIMARY)):${cut#*:} of disk $gated, relative to the primary header"
	copy 6 0
	disks_on 0
	assemble "${DISKS[@]}"
	check_data
	hurry "$V"
	set_attr "$V" safe_mode_delay 60
	must dmsetup create gate -m 40 -j "$(dm_major)" --table "0 ${cut#*:} linear /dev/ram$gated ${cut%:*}"
	disk "$gated" "/dev/ram$gated" "$cut"
	must dmsetup suspend --nolockfs --noflush gate
	case $what in
	dirty) stall once "/dev/$V" 7 0 >/dev/null 2>&1 & ;;
	failure) fail_member "$V" "$lost" ;;
	esac
	# long enough for all that can be written before the gate
	nap 1
	copy 0 3
	say "left: $(for i in 3 4 5; do ddf-peek -k whole "/dev/ram$i"; done | paste -s -d ';') - " \
		"$(for i in 3 4 5; do ddf-peek -k '*ary.[so][ep]*' "/dev/ram$i"; done | tr '\n' ' ')"
	agree_on_copies /dev/ram3 /dev/ram4 /dev/ram5
	incomplete=$((incomplete + INCOMPLETE))
	must dmsetup resume gate
	power_off
	must dmsetup remove_all --force
	disks_on 3
	assemble "${DISKS[@]}"
	check_data
	case $what in
	dirty) assert_eq "missing members" 0 "$(get_attr "$V" degraded)" ;;
	failure) [ "$(get_attr "$V" degraded)" -le 1 ] || fail "more is missing than was lost" ;;
	esac
	wait_for 40 attr_is "$V" sync_action idle
	put_block
	hurry "$V"
	check_data
	find_members
	below=()
	for i in 0 1 2; do
		! is_member "$V" "/dev/dm-2$i" || below+=("/dev/ram$((3 + i))")
	done
	assert_agreement "${below[@]}"
	stop_all
	power_off
	must dmsetup remove_all --force
done
# the first write's mark changes in place: no copy is opened for it
[ "$DAEMON" != ours ] || [ "$what" = dirty ] || ((incomplete > 0)) || fail "no cut has left an open copy"
