# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The disk is there again, with data from before. It is rebuilt, whether the assembly has taken it or it goes in by hand.
# needs: 70-degraded
# boot: volume
# timeout: 240
check_start ours
check_files
check_counter
echo 1000000 >/proc/sys/dev/raid/speed_limit_min
# shellcheck disable=SC2153  # DISK is set by lib.sh
disk=${DISK[M2]}
if ! is_member "$V" "${disk##*/}"; then
	for other in /sys/block/md*/md/dev-"${disk##*/}"; do
		other=${other#/sys/block/} other=${other%%/*}
		case $other in
		md\*) ;;
		"$C") must mdadm --remove "/dev/$C" "$disk" ;;
		*) must mdadm --stop "/dev/$other" ;;
		esac
	done
	must mdadm --zero-superblock "$disk"
	must mdadm --add "/dev/$C" "$disk"
fi
wait_for 150 in_sync
kernel_said 'recovery of' || fail "the disk was taken as it is"
check_files
