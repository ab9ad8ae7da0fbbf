# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's daemon: mdadm makes a mirror of two disks, and the root file system moves there.
# timeout: 240
# shellcheck disable=SC2153  # DISK is set by lib.sh
size=$(($(blockdev --getsize64 /dev/disk/by-id/virtio-seed) / 1024))
echo 1000000 >/proc/sys/dev/raid/speed_limit_min
assert_eq "the daemon installed" reference "$(installed)"
must mdadm -CR /dev/md/c -e "$FORMAT" -n 2 "${DISK[M1]}" "${DISK[M2]}"
must mdadm -CR /dev/md/v -l 1 -n 2 -z "$size" "${DISK[M1]}" "${DISK[M2]}"
find_arrays || fail "no volume"
check_daemon
# a file system as this one was when it was made: what boots is to be as Debian made it
must dd if=/dev/disk/by-id/virtio-seed of="/dev/$V" bs=1M oflag=direct status=none
must mount "/dev/$V" /mnt
echo 'LABEL=rigraid / ext4 errors=remount-ro 0 1' >/mnt/etc/fstab
mdadm --detail --scan | tee -a /mnt/etc/mdadm/mdadm.conf
mkdir -p /mnt/home/rig
must umount /mnt
wait_settled "$V" 180
