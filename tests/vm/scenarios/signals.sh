# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# SIGUSR1 from anybody is harmless, in any number, and so is SIGHUP (mdmon.md 6.4). (Of SIGINT nothing can be said here: what
# is started from a script in the background ignores it.)
# cases: USR1 HUP
# timeout: 90
# reference: fails@HUP - it ends at once, and the array is left without a daemon

set_up 5 1
write_data
start_writer
pid=$(daemon_pid)
case $LEVEL in
USR1)
	(while kill -USR1 "$pid"; do :; done) 2>/dev/null &
	storm=$!
	nap 0.5
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 is_member "$V" "${DISKS[-1]}"
	wait_settled "$V"
	writer_goes_on
	assert_one_daemon
	kill "$storm"
	assert_eq "pid in the file" "$pid" "$(daemon_pid)"
	;;
*)
	kill -"$LEVEL" "$pid"
	nap 0.5
	alive "$pid" || fail "the daemon has ended"
	assert_eq "pid in the file" "$pid" "$(daemon_pid)"
	writer_goes_on
	;;
esac
stop_writer
check_data
[ "$LEVEL" = USR1 ] || assert_served
stop_all
