# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# udev itself brings the disks of two volumes of one container, one by one, and what it starts is served.
# udev: yes
# cases: imsm ddf
# ours: fails@imsm@trixie@forky - mdadm 4.4 and 4.6 make no IMSM volume on other disks than those of the first
# timeout: 90
# reference: fails - it makes a disk that comes late a new spare, whatever it is
FORMAT=$LEVEL
# shellcheck source=tests/vm/lib/boot.sh
. /t/lib/boot.sh

# appears DISK: for udev, as when the kernel has found it
appears()
{
	say "${1##*/} appears"
	must udevadm trigger --action=add "$1"
	udev_settled
}

unset IMSM_DEVNAME_AS_SERIAL
fast_sync
make_scsi_disks 4 64 512
make_container "${DISKS[@]}"
make_volume_on zero 0 "${DISKS[@]:0:2}"
make_volume_on one 1 "${DISKS[@]:2:2}"
settle_volumes
udev_settled
shut_down
udev_settled
! grep -q '^md' /proc/mdstat || fail "assembled again: $(</proc/mdstat)"
for i in 2 3 0 1; do
	appears "${DISKS[i]}"
done
find_booted "${DISKS[0]}"
assert_whole "$V" "$V1"
assert_one_daemon
fill "$V1"
wait_for 10 attr_is "$V1" array_state '@(clean|active-idle|active)'
assert_on_disk 4 "${DISKS[@]}"
