# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk is gone at the next boot. It goes on without.
# needs: 60-power-cut
# boot: volume
# without: M2
# timeout: 240
check_start ours
attr_is "$V" degraded 1 || fail "not degraded"
check_files
check_counter
put_file
