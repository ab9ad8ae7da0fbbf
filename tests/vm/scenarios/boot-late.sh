# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk that comes, at boot, after a volume was started without it:
#   beside    RAID 0 and RAID 1 on the same two disks; the RAID 1 was started by the last-resort timer and has been written
#             to. It is rebuilt, and the RAID 0 is whole.
#   spare     RAID 1 and RAID 5, and a spare that comes before the other members
#   five      a spare takes the place of a disk that comes after it, and two disks of another volume follow
#   stale     the disk that comes first was away when the RAID 1 was last written to: the fresh one that follows counts, and
#             the stale one is rebuilt
#   parted    each of two disks was used without the other: what is in use stays, and the other one is left alone until the
#             user adds it
#   ten       RAID 10, started with one disk of each mirror; the others follow
#   two       disks of two containers take turns
# cases: beside-imsm beside-ddf spare-imsm spare-ddf five-ddf stale-imsm stale-ddf parted-imsm parted-ddf ten-imsm ten-ddf two-imsm two-ddf
# timeout: 60
# reference: fails@beside-imsm@beside-ddf@spare-imsm@spare-ddf@stale-imsm@stale-ddf@parted-imsm@parted-ddf - a disk that comes late is new, and loses what it held; one that comes early and is stale is not used
FORMAT=${LEVEL#*-}
# shellcheck source=tests/vm/lib/boot.sh
. /t/lib/boot.sh

# two_volumes LEVEL DISK...: of that level, and RAID 1, on the first two
two_volumes()
{
	fast_sync
	make_disks $(($# - 1))
	make_container "${@:2}"
	make_volume_on first "$1" "${@:2:2}"
	make_volume_on second 1 "${@:2:2}"
	settle_volumes
	shut_down
}

# alone DISK SEED: both volumes with that disk only, the second one is written to
alone()
{
	arrive "$1"
	last_resort
	find_booted "$1"
	booted "$V1" || fail "the RAID 1 has not been started"
	fill "$V1" "$2"
}

# The data are on the disk that came late, too.
assert_rebuilt()
{
	wait_for 10 is_member "$V1" "$1"
	wait_settled "$V1"
	check "$V1" "$2"
}

beside()
{
	two_volumes 0 /dev/ram0 /dev/ram1
	alone /dev/ram1 8
	arrive /dev/ram0
	assert_rebuilt /dev/ram0 8
	# for mdadm the disk was missing when it came; now the metadata say that it is back
	find_booted /dev/ram0
	booted "$V" || must mdadm -IR "/dev/$C"
	find_booted /dev/ram0
	booted "$V" || fail "the RAID 0 is $(get_attr "$V" array_state)"
	check "$V"
	assert_on_disk 2 "${DISKS[@]}"
	shut_down
	assemble_container "${DISKS[@]}"
	must mdadm -IR "/dev/$C"
	find_booted /dev/ram0
	check "$V"
	attr_is "$V1" degraded 0 || fail "the RAID 1 is degraded"
	fail_member "$V1" /dev/ram1
	check "$V1" 8
}

spare()
{
	local i

	fast_sync
	make_disks 4
	if [ "$FORMAT" = imsm ]; then
		make_container "${DISKS[@]:0:3}"
	else
		make_container "${DISKS[@]}"
	fi
	make_volume_on first 5 "${DISKS[@]:0:3}"
	make_volume_on second 1 "${DISKS[@]:0:2}"
	[ "$FORMAT" = ddf ] || add_disk /dev/ram3
	settle_volumes
	shut_down
	alone /dev/ram0 8
	for i in 3 1 2; do
		arrive "/dev/ram$i"
	done
	find_booted /dev/ram0
	wait_settled "$V1"
	wait_settled "$V"
	check "$V1" 8
	check "$V"
	if [ "$FORMAT" = imsm ]; then
		assert_on_disk 3 "${DISKS[@]:0:3}"
	else
		assert_on_disk 4 "${DISKS[@]}"
	fi
}

five()
{
	local i

	fast_sync
	make_disks 5
	make_container "${DISKS[@]}"
	make_volume_on first 0 /dev/ram2 /dev/ram3
	make_volume_on second 1 /dev/ram0 /dev/ram1
	settle_volumes
	shut_down
	alone /dev/ram0 8
	arrive /dev/ram4
	assert_rebuilt /dev/ram4 8
	for i in 1 2 3; do
		arrive "/dev/ram$i"
	done
	find_booted /dev/ram0
	for i in 1 2 3; do
		is_member "$C" "/dev/ram$i" || fail "/dev/ram$i is not in the container"
	done
	booted "$V" || fail "the RAID 0 is $(get_attr "$V" array_state)"
	check "$V"
	check "$V1" 8
	assert_on_disk 5 "${DISKS[@]}"
}

stale()
{
	two_volumes 1 /dev/ram0 /dev/ram1
	alone /dev/ram0 9
	shut_down
	arrive /dev/ram1
	arrive /dev/ram0
	find_booted /dev/ram0
	booted "$V1" || last_resort
	find_booted /dev/ram0
	assert_rebuilt /dev/ram1 9
	wait_settled "$V"
	check "$V"
	assert_on_disk 2 "${DISKS[@]}"
	fail_member "$V1" /dev/ram0
	check "$V1" 9
}

parted()
{
	local sums prefix=vol good=NORMAL

	[ "$FORMAT" = imsm ] || prefix=vd good=OPTIMAL

	two_volumes 1 /dev/ram0 /dev/ram1
	alone /dev/ram0 8
	shut_down
	alone /dev/ram1 9
	sums=$(metadata_sums /dev/ram0)
	arrive /dev/ram0
	ping_daemon
	nap 1
	no_member "$V1" /dev/ram0 || fail "newer data are overwritten"
	check "$V1" 9
	[ "$DAEMON" = reference ] || assert_eq "metadata of the other disk" "$sums" "$(metadata_sums /dev/ram0)"
	# the user decides
	is_member "$C" /dev/ram0 && must mdadm "/dev/$C" --remove /dev/ram0
	add_disk /dev/ram0
	assert_rebuilt /dev/ram0 9
	wait_settled "$V"
	wait_metadata 10 "${prefix}0.*state=${good}" "${prefix}1.*state=${good}" -- "${DISKS[@]}"
}

ten()
{
	local i

	fast_sync
	make_disks 4
	make_container "${DISKS[@]}"
	make_volume_on v 10 "${DISKS[@]}"
	settle_volumes
	shut_down
	arrive /dev/ram0
	arrive /dev/ram2
	last_resort
	find_booted /dev/ram0
	booted "$V" || fail "the RAID 10 has not been started"
	fill "$V" 8
	arrive /dev/ram3
	arrive /dev/ram1
	for i in 1 3; do
		wait_for 10 is_member "$V" "/dev/ram$i"
	done
	wait_settled "$V"
	ping_daemon
	fail_member "$V" /dev/ram0
	fail_member "$V" /dev/ram2
	check "$V" 8
}

two()
{
	local i

	fast_sync
	make_disks 4
	must mdadm -CR /dev/md/c -e "$FORMAT" -n 2 /dev/ram0 /dev/ram1
	must mdadm -CR /dev/md/v -l 1 -n 2 -z 4096 /dev/md/c
	must mdadm -CR /dev/md/d -e "$FORMAT" -n 2 /dev/ram2 /dev/ram3
	must mdadm -CR /dev/md/w -l 1 -n 2 -z 4096 /dev/md/d
	for i in 0 2; do
		find_booted "/dev/ram$i"
		settle_volumes
	done
	shut_down
	for i in 0 2 1 3; do
		arrive "/dev/ram$i"
	done
	for i in 0 2; do
		find_booted "/dev/ram$i"
		assert_whole "$V"
		is_member "$C" "/dev/ram$((i + 1))" || fail "/dev/ram$((i + 1)) is not in $C"
	done
}

"${LEVEL%-*}"
