# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The initramfs made at the installation has our daemon.
# needs: 20-install
lsinitramfs /initrd.img | grep md
rm -rf /tmp/initramfs
must unmkinitramfs /initrd.img /tmp/initramfs
must cmp /tmp/initramfs/usr/sbin/mdmon /sbin/mdmon
rm -rf /tmp/initramfs
