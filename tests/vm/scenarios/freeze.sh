# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Frozen and blocked ("frozen", the prefix "-"; mdmon.md 12): a failure is recorded, but no
# spare is put in until mdadm lets go; then it is, at once. What was going on before stays as it was. (Without the ping by
# which mdadm announces a reshape: see grow-refused.)
# cases: fails-frozen frozen-rebuilding daemon-restarts
# timeout: 90

freeze()
{
	set_attr "$V" sync_action frozen
	set_attr "$V" metadata_version "external:-$C/0"
}

unfreeze()
{
	set_attr "$V" metadata_version "external:/$C/0"
	set_attr "$V" sync_action idle
	ping_daemon
}

set_up 5 1
write_data
spare=${DISKS[-1]}
all_but "${DISKS[0]}" "${DISKS[@]:0:3}"
note_place "${DISKS[0]}"
case $LEVEL in
fails-frozen | daemon-restarts)
	freeze
	start_writer
	fail_member "$V" "${DISKS[0]}"
	wait_metadata 3 vol0.map0.state=DEGRADED "disk$ENTRY.serial=${DISKS[0]}:0" -- "${OTHERS[@]}"
	writer_goes_on
	if [ "$LEVEL" = daemon-restarts ]; then
		kill_daemon
		start_daemon
		ping_daemon
	fi
	nap 1
	no_member "$V" "$spare" || fail "a spare is put into a frozen volume"
	assert_eq sync_action frozen "$(get_attr "$V" sync_action)"
	writer_goes_on
	unfreeze
	stop_writer
	;;
frozen-rebuilding)
	slow_sync
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 is_member "$V" "$spare"
	wait_for 10 attr_is "$V" sync_action recover
	freeze
	nap 0.5
	assert_eq sync_action frozen "$(get_attr "$V" sync_action)"
	wait_metadata 5 vol0.migr_type=REBUILD -- "${OTHERS[@]}"
	unfreeze
	wait_for 10 attr_is "$V" sync_action recover
	fast_sync
	;;
esac
wait_for 10 is_member "$V" "$spare"
wait_settled "$V"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=$spare" -- "${OTHERS[@]}"
check_data
stop_all
