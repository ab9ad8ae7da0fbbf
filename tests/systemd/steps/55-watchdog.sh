# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A daemon that hangs (here: stopped) is noticed by systemd's watchdog and replaced; the writes that waited go on.
# needs: 20-install
# timeout: 90
drop_in=/run/systemd/system/mdmon@.service.d
mkdir -p $drop_in
printf '[Service]\nWatchdogSec=3s\n' >$drop_in/watchdog.conf
must systemctl daemon-reload
must systemctl restart "$UNIT"
check_daemon
start_writer
old=$(daemon_pid)
nap 7
[ "$(daemon_pid)" = "$old" ] || fail "it was replaced although it was well"
must kill -STOP "$old"
wait_for 40 gone "$old"
check_daemon
writer_goes_on
finish_writer "while it hangs" 30000
note "watchdog: $(systemctl show -P NRestarts "$UNIT") restarts; $(journalctl -b -u "$UNIT" | grep -ci watchdog) lines about it"
rm -r $drop_in
must systemctl daemon-reload
must systemctl restart "$UNIT"
check_daemon
check_files
