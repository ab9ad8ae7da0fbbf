# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A killed daemon is replaced at once, and writes go on.
# needs: 20-install
start_writer
for how in "systemctl kill -s KILL $UNIT" "kill -KILL PID"; do
	old=$(daemon_pid)
	# shellcheck disable=SC2086  # words
	must ${how/PID/$old}
	wait_for 10 gone "$old"
	check_daemon
	writer_goes_on
	note "$how: $(systemctl show -P NRestarts "$UNIT") restarts"
done
finish_writer "while it is killed twice"
check_files
