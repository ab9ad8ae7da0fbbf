# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk is added to a container whose daemon is not there: mdadm writes its record. The daemon that starts later knows the
# disk as a spare and uses it. A spare that is added to a degraded volume meanwhile is used as soon as there is a
# daemon.
# cases: normal degraded

EXTRA=1 set_up 5
write_data
spare=${DISKS[-1]}
if [ "$LEVEL" = degraded ]; then
	fail_member "$V" "${DISKS[0]}"
	wait_for 5 no_member "$V" "${DISKS[0]}"
	ping_daemon
fi
kill_daemon
add_disk "$spare"
assert_metadata num_volumes=0 disk0.status=0x1 "disk0.serial=$spare" -- "$spare"
start_daemon
if [ "$LEVEL" = normal ]; then
	nap 0.3
	no_member "$V" "$spare" || fail "the spare is in a normal volume"
	assert_metadata num_volumes=0 disk0.status=0x1 "disk0.serial=$spare" -- "$spare"
	fail_member "$V" "${DISKS[0]}"
fi
wait_for 10 is_member "$V" "$spare"
wait_settled "$V"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=$spare" -- "${OTHERS[@]}"
check_data
stop_all
