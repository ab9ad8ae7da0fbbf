# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two volumes on different disks of one container, whose four disks come in all 24 orders: the first volume that is
# complete runs, with its daemon, and is written to, while disks of the other one are still to come.
# cases: imsm ddf
# ours: fails@imsm@trixie@forky - mdadm 4.4 and 4.6 make no IMSM volume on other disks than those of the first
# timeout: 150
# reference: fails - it makes a disk that comes late a new spare, whatever it is
FORMAT=$LEVEL
# shellcheck source=tests/vm/lib/boot.sh
. /t/lib/boot.sh

# The first volume that runs. What is written makes the copies on the disks to come older than those in use.
write_to_first()
{
	local volume

	find_booted "$1"
	for volume in $V $V1; do
		if booted "$volume"; then
			fill "$volume"
			written=yes
			return
		fi
	done
}

boot_in_order()
{
	local i written=no

	for i; do
		arrive "${DISKS[i]}"
		[ $written = yes ] || [ $((round % 2)) = 0 ] || write_to_first "${DISKS[i]}"
	done
}

fast_sync
make_disks 4
make_container "${DISKS[@]}"
make_volume_on zero 0 "${DISKS[@]:0:2}"
make_volume_on one 1 "${DISKS[@]:2:2}"
settle_volumes
shut_down
round=0
for order in {0..3}{0..3}{0..3}{0..3}; do
	[[ $order = *0* && $order = *1* && $order = *2* && $order = *3* ]] || continue
	say "$order"
	# shellcheck disable=SC2086  # one by one
	boot_in_order ${order:0:1} ${order:1:1} ${order:2:1} ${order:3:1}
	find_booted "${DISKS[0]}"
	assert_whole "$V" "$V1"
	assert_on_disk 4 "${DISKS[@]}"
	[ $((round % 8)) != 7 ] || assert_assembled 4 "${DISKS[@]}"
	shut_down
	round=$((round + 1))
done
assert_eq "orders" 24 $round
