# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed before each of its system calls in turn that anybody else can notice, while it does something. What it
# has told the kernel by then is on the disks; the next daemon carries on, and all ends as if nothing had been.
#
#   cycle      a first write, and clean again
#   failure    a member fails under a writer, up to the end of the rebuild onto a spare
#   adoption   a volume is started beside it
#   creation   mdadm makes another volume
#   stop       the volume is stopped, and the daemon ends
#   successor  it takes over from another daemon
#   takeover   another daemon takes over from it
#
# udev: yes
# cases: imsm-cycle ddf-cycle imsm-failure ddf-failure imsm-adoption ddf-adoption imsm-creation ddf-creation imsm-stop ddf-stop imsm-successor ddf-successor imsm-takeover ddf-takeover
# more: all-imsm-cycle all-ddf-cycle all-imsm-failure all-ddf-failure all-imsm-adoption all-ddf-adoption all-imsm-creation all-ddf-creation all-imsm-stop all-ddf-stop all-imsm-successor all-ddf-successor all-imsm-takeover all-ddf-takeover
# timeout: 120
# ours-only: the calls are those of our daemon
# shellcheck source=tests/vm/lib/sweep.sh
. /t/lib/sweep.sh

# dirty DISK...: the volume is, on all of them
dirty()
{
	if [ "$FORMAT" = ddf ]; then
		metadata vd0.dirty=1 -- "$@" >/dev/null
	else
		metadata vol0.dirty=1 -- "$@" >/dev/null
	fi
}

# What the kernel was told is on the disks.
assert_told()
{
	if attr_is "$V" array_state active; then
		dirty "${HAVE[@]}" || fail "$(meddled): md writes, and the metadata call the volume clean"
	fi
}

# assert_failure_told DISK: likewise, if md goes on without it
assert_failure_told()
{
	local told

	is_member "$V" "$1" && member_is "$V" "$1" '*blocked*' && return
	if [ "$FORMAT" = ddf ]; then
		told=(pd."${REF[$1]}".state=0x01)
	else
		told=(vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 "disk*.serial=$1")
	fi
	! metadata "${told[@]}" -- "${HAVE[@]}" >/dev/null || fail "$(meddled): the failure of $1 is forgotten"
}

# The one write has succeeded, and the volume is clean again.
assert_written()
{
	eventually 10 gone "$WRITER" || fail "$(meddled): the write hangs"
	wait "$WRITER" || fail "$(meddled): the write failed"
	be_quick
	wait_for 10 attr_is "$V" array_state clean
	assert_tidy
	all_is_well
}

## What is done, and when it is over

end_cycle()
{
	HAVE=("${MEMBERS[@]}")
	assert_told
	[ "$1" = well ] || start_daemon
	assert_written
}

end_failure()
{
	if [ "$1" != well ]; then
		assert_failure_told "$LOST"
		assert_told
		start_daemon
	fi
	be_quick
	writer_goes_on
	eventually 15 no_member "$V" "$LOST" || fail "$(meddled): $LOST is still a member"
	wait_settled "$V"
	stop_writer
	all_is_well
	assert_tidy
	put_back "$LOST"
}

begin_adoption()
{
	WRITER=
	stop_volume "$V"
	meddle_at "$(daemon_pid)"
	timeout 30 mdadm -IR "/dev/$C" >/tmp/said 2>&1 &
	ASKED=$!
}

adoption_is_over()
{
	gone "$ASKED" || return
	find_volumes
	[ -n "$V" ] || return
	[ -n "$WRITER" ] || write_once
	gone "$WRITER" && attr_is "$V" array_state clean
}

end_adoption()
{
	eventually 40 gone "$ASKED" || fail "$(meddled): mdadm -IR hangs"
	a_daemon_runs || start_daemon
	find_volumes
	[ -n "$V" ] || must mdadm -IR "/dev/$C"
	find_volumes
	[ -n "$WRITER" ] || write_once
	assert_written
}

end_creation()
{
	eventually 70 gone "$ASKED" || fail "$(meddled): mdadm -C hangs"
	a_daemon_runs || start_daemon
	assert_created
}

begin_stop()
{
	find_members
	VICTIM=$(daemon_pid)
	meddle_at "$VICTIM"
	timeout 60 mdadm --stop "/dev/$V" >/tmp/said 2>&1 &
	ASKED=$!
}

is_stopped()
{
	[ ! -e "/sys/block/$V/md/array_state" ] || mdadm --stop "/dev/$V"
}

stop_is_over()
{
	gone "$ASKED" && gone "$VICTIM"
}

end_stop()
{
	local file

	eventually 70 gone "$ASKED" || fail "$(meddled): mdadm --stop hangs"
	eventually 10 is_stopped || fail "$(meddled): mdadm --stop: $(mdadm --stop "/dev/$V" 2>&1)"
	# What a daemon that was killed has left is in nobody's way.
	if [ "$1" = well ]; then
		file=$(echo /run/mdadm/"$C".*)
		[ "$file" = "/run/mdadm/$C.*" ] || fail "left over: $file"
	fi
	! dirty "${MEMBERS[@]}" || say "stopped while dirty"
	must mdadm --stop "/dev/$C"
	assemble "${DISKS[@]}"
	wait_settled "$V"
	be_quick
	put_block
	wait_for 10 attr_is "$V" array_state clean
	assert_tidy
	all_is_well
}

begin_successor()
{
	start_writer 2000
	BEFORE=$(daemon_pid)
	meddle_at -- /sbin/mdmon --takeover "$C"
}

successor_is_over()
{
	gone "$BEFORE" && a_daemon_runs && timeout 5 sockcat ping "/run/mdadm/$C.sock"
}

# The one that was there, or the next one.
end_successor()
{
	# The one before may have to put its pid file back.
	eventually 10 a_daemon_runs || start_daemon
	assert_one_daemon 10
	writer_goes_on
	must timeout 60 /sbin/mdmon --takeover "$C"
	assert_taken_over
}

# A daemon at each moment but that of the kill, and one in the end.
end_takeover()
{
	eventually 70 gone "$ASKED" || fail "$(meddled): mdmon --takeover hangs"
	wait "$ASKED" || fail "$(meddled): mdmon --takeover: exit status $?, says: $(cat /tmp/said)"
	assert_taken_over
}

case $LEVEL in
*-failure | *-successor | ddf-creation) begin_sweep kill 30 ;;
*) begin_sweep kill 6 ;;
esac
set_up_sweep
N=1
while :; do
	"begin_$WHAT"
	while ! has_meddled && ! "${WHAT}_is_over"; do
		nap 0.02
	done
	has_meddled || meddle_no_more
	if ! has_meddled; then # not at the last moment either
		"end_$WHAT" well
		say "$WHAT: $(tail -n 1 /tmp/meddled), one in $STEP meddled with"
		break
	fi
	say "$N: $(meddled)"
	eventually 10 gone "$MEDDLER" || meddle_no_more
	wait_for 10 no_corpse
	"end_$WHAT" ill
	check_data
	N=$((N + STEP))
done
[ "$N" -gt 1 ] || fail "the daemon was never killed"
check_data
stop_all
