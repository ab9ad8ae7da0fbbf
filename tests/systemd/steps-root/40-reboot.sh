# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shutdown under writes; the daemon of the initramfs, which has to be there for the first write, hands over to the unit's.
# needs: 30-install
# boot: volume
# timeout: 120
check_boot ours
check_first_daemon
