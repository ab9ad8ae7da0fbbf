# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails under a writer while a spare waits in the container: the spare takes over by itself.
# levels: 1 5 10
# timeout: 90

set_up "$LEVEL" 1
write_data
spare=${DISKS[-1]}
assert_metadata num_volumes=0 disk0.status=0x1 -- "$spare"
start_writer
slow_sync
fail_member "$V" "${DISKS[0]}"
wait_for 2 no_member "$V" "${DISKS[0]}"
wait_for 5 is_member "$V" "$spare"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_type=REBUILD vol0.map1.state=DEGRADED "disk*.serial=$spare" -- "${OTHERS[@]}"
fast_sync
wait_settled "$V"
writer_goes_on
stop_writer
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 vol0.dirty=0 -- "${OTHERS[@]}"
check_data
# what is on the new member is right, too: it serves the data alone or as part
for disk in "${OTHERS[@]}"; do
	[ "$disk" = "$spare" ] || [ "$LEVEL" = 10 ] || {
		fail_member "$V" "$disk"
		break
	}
done
wait_for 5 attr_is "$V" degraded "$([ "$LEVEL" = 10 ] && echo 0 || echo 1)"
check_data
