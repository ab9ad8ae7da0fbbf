# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Each system call of the daemon in turn fails once, as it may when memory, descriptors or room are short, or a disk is bad; with
# -memory it is each allocation. While it runs it goes on, all ends as it should, and nothing is forgotten; when it starts, it
# serves the container, or says why not.
#
#   cycle      a first write, and clean again
#   failure    a member fails under a writer, up to the end of the rebuild onto a spare
#   creation   mdadm makes another volume
#   disk       a spare is added
#   status     mdmonctl asks for it
#   start      it starts, and there is an array already
#   successor  it takes over from another daemon
#   takeover   another daemon takes over from it
#
# udev: yes
# cases: imsm-cycle ddf-cycle imsm-failure ddf-failure imsm-start ddf-start imsm-creation ddf-disk imsm-takeover ddf-successor imsm-failure-memory ddf-creation-memory imsm-disk-memory ddf-start-memory imsm-takeover-memory
# more: all-imsm-cycle all-ddf-cycle all-imsm-failure all-ddf-failure all-imsm-creation all-ddf-creation all-imsm-disk all-ddf-disk all-imsm-status all-ddf-status all-imsm-start all-ddf-start all-imsm-successor all-ddf-successor all-imsm-takeover all-ddf-takeover all-imsm-failure-memory all-ddf-failure-memory all-imsm-creation-memory all-ddf-creation-memory all-imsm-disk-memory all-ddf-disk-memory all-imsm-status-memory all-ddf-status-memory all-imsm-start-memory all-ddf-start-memory all-imsm-successor-memory all-ddf-successor-memory all-imsm-takeover-memory all-ddf-takeover-memory
# timeout: 120
# ours-only: the calls are those of our daemon
# shellcheck source=tests/vm/lib/sweep.sh
. /t/lib/sweep.sh

## What is done, when it is over, and what has to be true then

end_cycle()
{
	wait "$WRITER" || fail "$(meddled): the write failed"
	assert_goes_on
	all_is_well
}

end_failure()
{
	writer_goes_on
	stop_writer
	assert_goes_on
	all_is_well
	put_back "$LOST"
}

end_creation()
{
	assert_goes_on
	assert_created
}

# The spare is taken out, and comes back empty.
begin_disk()
{
	PID=$(daemon_pid)
	udev_settled
	must udevadm control --stop-exec-queue
	eventually 10 mdadm "/dev/$C" --remove "$SPARE" || fail "the spare cannot be removed"
	must dd if=/dev/zero of="$SPARE" bs=1M count=64 2>/dev/null
	meddle_at "$PID"
	cat "/sys/block/${SPARE##*/}/dev" >"/sys/block/$C/md/new_dev" || fail "$SPARE cannot be added"
}

# It has its record.
disk_is_over()
{
	if [ "$FORMAT" = ddf ]; then
		metadata found=yes whole=yes -- "$SPARE"
	else
		metadata num_volumes=0 disk0.status=0x1 -- "$SPARE"
	fi
}

end_disk()
{
	must udevadm control --start-exec-queue
	udev_settled
	assert_goes_on
	all_is_well
}

begin_status()
{
	PID=$(daemon_pid)
	meddle_at "$PID"
	timeout 20 mdmonctl status --json "$C" >/tmp/said 2>&1 &
	ASKED=$!
}

status_is_over()
{
	gone "$ASKED"
}

# Whoever asks gets an answer, or is told that there is none.
end_status()
{
	wait "$ASKED" || [ -s /tmp/said ] || fail "$(meddled): no status, and nothing is said"
	assert_goes_on
	must timeout 20 mdmonctl status "$C"
}

begin_start()
{
	kill_daemon
	meddle_at -- /sbin/mdmon "$C"
}

# It serves, or is not there.
start_is_over()
{
	has_started || return
	list_daemons
	[ ${#DAEMONS[@]} = 0 ] || { a_daemon_runs && timeout 5 sockcat ping "/run/mdadm/$C.sock"; }
}

assert_said_why()
{
	[ -s /tmp/started ] || fail "$(meddled): it does not start, and says nothing"
	say "says: $(tail -n 1 /tmp/started)"
}

end_start()
{
	if ! a_daemon_runs; then
		assert_said_why
		start_daemon
	fi
	assert_one_daemon
	assert_tidy
	be_quick
	put_block
	wait_for 10 attr_is "$V" array_state clean
	all_is_well
}

begin_successor()
{
	start_writer 2000
	BEFORE=$(daemon_pid)
	meddle_at -- /sbin/mdmon --takeover "$C"
}

# One of the two is left.
successor_is_over()
{
	has_started && is_only_daemon && timeout 5 sockcat ping "/run/mdadm/$C.sock"
}

end_successor()
{
	[ "$(daemon_pid)" != "$BEFORE" ] || assert_said_why
	assert_taken_over
}

# Whoever takes over has, or says why not.
end_takeover()
{
	wait "$ASKED" || [ -s /tmp/said ] || fail "$(meddled): no takeover, and nothing is said"
	assert_taken_over
}

case $LEVEL in
*-start-memory | *-successor-memory) begin_sweep fail 40 ;;
*-memory) begin_sweep fail 10 ;;
*-cycle) begin_sweep fail 12 ;;
*-failure) begin_sweep fail 60 ;;
*) begin_sweep fail 150 ;;
esac
if [[ $WHAT = *-memory ]]; then
	HOW=starve
	WHAT=${WHAT%-memory}
	let_daemons_starve
fi
set_up_sweep
SPARE=${DISKS[-1]}
sweep_failures
