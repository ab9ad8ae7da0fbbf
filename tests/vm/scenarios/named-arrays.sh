# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Arrays whose kernel names have no number (CREATE names=yes): md_c and md_v. They are served, and a stop is over when
# mdadm says so; mdadm 4.5 and later look for the device once more when the daemon has answered, and call it busy if it is gone.
# udev: yes
# levels: imsm ddf
# ours-only: with Debian's daemon it depends on who is faster

use_format "$LEVEL"
mkdir -p /etc/mdadm
trap 'rm /etc/mdadm/mdadm.conf' EXIT
echo 'CREATE names=yes' >/etc/mdadm/mdadm.conf
make_disks 2
make_container "${DISKS[@]}"
assert_eq "the container's name" md_c "$C"
make_volume 1 2
assert_eq "the volume's name" md_v "$V"
wait_settled "$V"
write_data

must mdadm --stop "/dev/$V"
gone_from_sys()
{
	[ ! -e "/sys/block/$1" ]
}
wait_for 5 gone_from_sys "$V"
must mdadm --stop "/dev/$C"
wait_for 5 gone_from_sys "$C"

say "assembled again, and stopped by nobody who does the rest"
assemble "${DISKS[@]}"
check_data
ping_daemon
set_attr "$V" array_state inactive || fail "the kernel does not stop the volume"
wait_for 5 gone_from_sys "$V"
must mdadm --stop "/dev/$C"
