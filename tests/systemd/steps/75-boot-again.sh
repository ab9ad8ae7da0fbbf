# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A shutdown of arrays that the initramfs has assembled: dracut goes back to it then, and takes over once more. And a boot.
# needs: 70-boot-early
# only: dracut
# boot: early
# timeout: 90
check_boot ours
