# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "systemctl restart" under writes is a takeover; "systemctl status" says what the daemon does.
# needs: 20-install
old=$(daemon_pid)
start_writer
must timeout 40 systemctl restart "$UNIT"
check_daemon
wait_for 15 gone "$old"
finish_writer "during systemctl restart"
check_files
# under what the unit lets it do, it can open disks without udev's taking note
! logged -u "$UNIT" --grep "cannot make a node" || fail "the daemon cannot make nodes"
if [ "$(systemctl show -P Type "$UNIT")" = forking ]; then
	note "the unit has no status line (Type=forking)"
else
	systemctl --no-pager status "$UNIT"
	status=$(systemctl show -P StatusText "$UNIT")
	[ -n "$status" ] || fail "systemctl status shows no status line"
	note "status: $status"
fi
