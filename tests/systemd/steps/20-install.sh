# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Our package over Debian's mdadm while the volume is written: the daemon is exchanged, nobody notices.
# needs: 10-create
# timeout: 240
old=$(daemon_pid)
start_writer
install_ours
assert_eq "the daemon installed" ours "$(installed)"
check_daemon
wait_for 15 gone "$old"
finish_writer "during the installation"
check_files
exposure "our unit"
