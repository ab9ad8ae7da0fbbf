# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's daemon: mdadm makes a volume and has systemd start its unit. The volume gets a file system.
# timeout: 90
echo 1000000 >/proc/sys/dev/raid/speed_limit_min
assert_eq "the daemon installed" reference "$(installed)"
assert_eq "disks" 4 "${#DISK[@]}"
must mdadm -CR /dev/md/c -e imsm -n 4 "${DISK[M1]}" "${DISK[M2]}" "${DISK[M3]}" "${DISK[S1]}"
must mdadm -CR /dev/md/v -l 5 -n 3 -z 65536 "${DISK[M1]}" "${DISK[M2]}" "${DISK[M3]}"
find_arrays || fail "no volume"
check_daemon
wait_settled "$V"
# The reference records the end of the resync a moment later.
wait_for 10 volume_metadata disk0.serial=M1 disk1.serial=M2 disk2.serial=M3 vol0.migr_state=0 vol0.map0.state=NORMAL
must mkfs.ext4 -q -L rigdata "/dev/$V"
echo "LABEL=rigdata $MNT ext4 nofail,x-systemd.device-timeout=120s 0 2" >>/etc/fstab
mdadm --detail --scan >>/etc/mdadm/mdadm.conf
cat /etc/mdadm/mdadm.conf
must systemctl daemon-reload
must systemctl start mnt-raid.mount
write_files
check_files
exposure "the reference's unit"
