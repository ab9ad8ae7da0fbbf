# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# systemd spares processes whose name begins with "@" when it leaves the initramfs and at the end (mdmon.md 3.3): the
# daemon is called so with --offroot and in an initramfs, and not otherwise. It still is an mdmon for its successor.
# reference: fails - Debian's tells an initramfs by the kind of the root file system only

name_of()
{
	local name

	read -r -d '' name <"/proc/$(daemon_pid)/cmdline"
	echo "$name"
}

# in_root COMMAND...: with a disk as the root file system, as this machine itself has an initramfs
in_root()
{
	chroot /mnt "$@"
}

make_root()
{
	local file directory

	must mke2fs "$1"
	must mount -t ext4 "$1" /mnt
	mkdir -p /mnt/{proc,sys,dev,run,tmp,sbin,etc}
	for directory in /lib /lib64 /usr/lib; do
		[ ! -e "$directory" ] || { mkdir -p "/mnt$directory" && cp -a "$directory/." "/mnt$directory/"; }
	done
	for file in /sbin/mdmon* /bin/busybox; do
		cp -a "$file" /mnt/sbin/
	done
	ln -s busybox /mnt/sbin/env
	for directory in proc sys dev run tmp; do
		must mount --bind "/$directory" "/mnt/$directory"
	done
}

drop_root()
{
	local directory

	for directory in proc sys dev run tmp; do
		umount "/mnt/$directory"
	done
	umount /mnt
}

EXTRA=1 set_up 1
make_root "${DISKS[2]}"
trap drop_root EXIT
assert_eq "started in the initramfs" @sbin/mdmon "$(name_of)"
must in_root /sbin/mdmon --takeover "$C"
assert_one_daemon 10
assert_eq "started in the root" /sbin/mdmon "$(name_of)"
must in_root /sbin/mdmon --takeover --offroot "$C"
assert_one_daemon 10
assert_eq "started in the root with --offroot" @sbin/mdmon "$(name_of)"
must in_root /sbin/env PATH=/sbin mdmon --takeover --offroot "$C"
assert_one_daemon 10
assert_eq "started by name with --offroot" @dmon "$(name_of)"
touch /mnt/etc/initrd-release
must in_root /sbin/mdmon --takeover "$C"
assert_one_daemon 10
assert_eq "started in an initramfs on a disk" @sbin/mdmon "$(name_of)"
# its successor knows it all the same
before=$(daemon_pid)
use_daemon reference
must timeout 30 /sbin/mdmon --takeover "$C"
wait_for 15 gone "$before"
assert_one_daemon 10
stop_all
