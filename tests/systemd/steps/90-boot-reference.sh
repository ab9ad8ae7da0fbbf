# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Everything is as before the installation.
# needs: 80-remove
# boot: early
# timeout: 90
check_boot reference
exposure "the reference's unit again"
