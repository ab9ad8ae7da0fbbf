# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Everything is as before the installation.
# needs: 90-remove
# boot: volume
# timeout: 120
check_boot reference
