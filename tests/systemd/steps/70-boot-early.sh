# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A boot where the initramfs assembles the arrays and starts the daemon. That daemon cannot see the new root's /sys;
# the unit's takes over from it.
# needs: 20-install
# boot: early
# timeout: 90
check_boot ours
check_first_daemon
