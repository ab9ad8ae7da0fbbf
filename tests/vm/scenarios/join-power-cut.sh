# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails while a spare becomes a member. Each disk in turn is the one that takes no more metadata, what could be
# written beside it or before it is left. Whatever that is, unmodified mdadm assembles the container with all its members, the data are there, and the work goes on or can be asked for again.
# cases: spare-1 spare-5
# timeout: 300

# shellcheck source=tests/vm/lib/cut.sh
. /t/lib/cut.sh

# The spares are there, but nothing has begun.
prepare()
{
	assemble "${DISKS[@]:0:members}"
	set_attr "$V" sync_action frozen
	add_spares "${DISKS[@]:members}"
	check_data
	set_attr "$V" safe_mode_delay 60
}

act()
{
	set_attr "$V" sync_action idle
	quietly sockcat ping "/run/mdadm/$C.sock" &
}

# It may be a member by now. If it is not, mdadm -A has left it out.
goes_on()
{
	for disk in "${DISKS[@]:members}"; do
		in_container "$disk" || add_disk "$disk"
	done
	wait_settled "$V"
}

# shellcheck disable=SC2153  # LEVEL comes from init
level=${LEVEL#*-}
members=$(($(members "$level") - 1))
n=$((members + 1))
fast_sync
make_cut_disks "$n"
make_container "${DISKS[@]}"
make_volume "$level" "$n"
wait_settled "$V"
write_data
# the disk that is to come in its place is the same one, wiped
fail_member "$V" "${DISKS[members]}"
wait_for 10 no_member "$V" "${DISKS[members]}"
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
stop_all
power_off
dd if=/dev/zero "of=/dev/ram$members" bs=1M count="$SIZE_MIB" oflag=direct 2>/dev/null || fail "cannot wipe a disk"
keep_start
for ((gated = 0; gated < n; gated++)); do
	say "disk $gated takes nothing"
	from_start
	prepare
	hold_writes "$gated" "$gated" metadata
	act
	nap 5
	cut_power "$gated"
	boot_with "${DISKS[@]}"
	check_data
	goes_on
	check_data
	power_off
done
