# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The first boot from there, still with Debian's daemon; what follows shall differ from it in nothing but the daemon.
# needs: 10-move
# boot: volume
# timeout: 120
check_boot reference
write_files
check_files
