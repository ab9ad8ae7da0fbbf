# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Our package, from and into the file system on the volume. Its initramfs has our daemon.
# needs: 20-boot-reference
# timeout: 240
old=$(daemon_pid)
start_writer
install_ours
assert_eq "the daemon installed" ours "$(installed)"
check_daemon
wait_for 15 gone "$old"
finish_writer "during the installation"
check_files
check_initramfs
