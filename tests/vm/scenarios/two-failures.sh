# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# In a RAID10 with two spares one disk of each mirror fails under a writer: both are replaced.
# timeout: 90

set_up 10 2
write_data
start_writer
fail_member "$V" "${DISKS[0]}"
fail_member "$V" "${DISKS[2]}"
wait_for 5 no_member "$V" "${DISKS[0]}"
wait_for 5 no_member "$V" "${DISKS[2]}"
writer_goes_on
wait_for 60 is_member "$V" "${DISKS[4]}"
wait_for 60 is_member "$V" "${DISKS[5]}"
wait_settled "$V" 60
stop_writer
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 vol0.dirty=0 \
	"disk*.serial!=${DISKS[0]}" "disk*.serial!=${DISKS[2]}" -- "${DISKS[1]}" "${DISKS[3]}" "${DISKS[4]}" "${DISKS[5]}"
check_data
