# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The package goes, and Debian's daemon takes over.
# needs: 30-install
# timeout: 240
start_writer
remove_ours
assert_eq "the daemon installed" reference "$(installed)"
check_daemon
finish_writer "during the removal"
check_files
