# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The initramfs made at the installation has our daemon.
# needs: 20-install
# zstd takes no symbolic link
initrd=$(readlink -f /initrd.img)
lsinitramfs "$initrd" | grep sbin/md
rm -rf /tmp/initramfs
must unmkinitramfs "$initrd" /tmp/initramfs
must cmp /tmp/initramfs/usr/sbin/mdmon /sbin/mdmon
rm -rf /tmp/initramfs
