# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Each system call of the daemon in turn fails once, as it may when memory, descriptors or room are short, or a disk is bad. While
# it runs it goes on, all ends as it should, and nothing is forgotten; when it starts, it serves the container, or says why not.
#
#   cycle      a first write, and clean again
#   failure    a member fails under a writer, up to the end of the rebuild onto a spare
#   start      it starts, and there is an array already
#
# udev: yes
# cases: imsm-cycle ddf-cycle imsm-failure ddf-failure imsm-start ddf-start
# more: all-imsm-cycle all-ddf-cycle all-imsm-failure all-ddf-failure all-imsm-start all-ddf-start
# timeout: 120
# ours-only: the calls are those of our daemon
# shellcheck source=tests/vm/lib/sweep.sh
. /t/lib/sweep.sh

# The daemon that was there is there, and answers.
assert_goes_on()
{
	if [[ $(daemon_pid) != "$PID" ]] || gone "$PID"; then
		fail "$(meddled): the daemon has ended"
	fi
	ping_daemon
}

## What is done, when it is over, and what has to be true then

begin_cycle()
{
	PID=$(daemon_pid)
	meddle_with fail "$N" "$PID"
	write_once
}

cycle_is_over()
{
	gone "$WRITER" && attr_is "$V" array_state clean
}

end_cycle()
{
	wait "$WRITER" || fail "$(meddled): the write failed"
	assert_goes_on
	all_is_well
}

begin_failure()
{
	PID=$(daemon_pid)
	find_members
	LOST=${MEMBERS[0]}
	start_writer 2000
	meddle_with fail "$N" "$PID"
	fail_member "$V" "$LOST"
}

failure_is_over()
{
	no_member "$V" "$LOST" && settled "$V"
}

end_failure()
{
	writer_goes_on
	stop_writer
	assert_goes_on
	all_is_well
	put_back "$LOST"
}

begin_start()
{
	kill_daemon
	meddle_with fail "$N" -- /sbin/mdmon "$C"
}

# It serves, or is not there.
start_is_over()
{
	list_daemons
	[ ${#DAEMONS[@]} = 0 ] || { a_daemon_runs && timeout 5 sockcat ping "/run/mdadm/$C.sock"; }
}

end_start()
{
	if ! a_daemon_runs; then
		[ -s /tmp/started ] || fail "$(meddled): it does not start, and says nothing"
		say "says: $(tail -n 1 /tmp/started)"
		start_daemon
	fi
	assert_one_daemon
	assert_tidy
	be_quick
	put_block
	wait_for 10 attr_is "$V" array_state clean
	all_is_well
}

case $LEVEL in
*-cycle) begin_sweep 12 ;;
*-failure) begin_sweep 60 ;;
*) begin_sweep 150 ;;
esac
set_up_sweep
N=1
while :; do
	"begin_$WHAT"
	eventually 40 "${WHAT}_is_over" || fail "$(meddled): $WHAT is not over after 40 s"
	has_meddled || break
	say "$N: $(meddled)"
	meddle_no_more
	"end_$WHAT"
	check_data
	N=$((N + STEP))
done
meddle_no_more
"end_$WHAT"
say "$WHAT: $(tail -n 1 /tmp/meddled), one in $STEP meddled with"
[ "$N" -gt 1 ] || fail "no call has failed"
check_data
stop_all
