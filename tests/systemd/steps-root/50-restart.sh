# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is restarted and killed under the root file system.
# needs: 30-install
start_writer
old=$(daemon_pid)
must timeout 40 systemctl restart "$UNIT"
check_daemon
wait_for 15 gone "$old"
old=$(daemon_pid)
must kill -KILL "$old"
wait_for 10 gone "$old"
check_daemon
finish_writer "during restart and kill"
check_files
