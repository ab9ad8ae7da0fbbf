# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shutdown under writes, and a boot where the udev of the real root file system assembles the arrays.
# needs: 20-install
# boot: late
# timeout: 90
check_boot ours
! grep -q ^md /run/rig.initramfs || fail "the arrays were there in the initramfs already"
