# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Told to take device names for serial numbers, versions of mdadm differ in what they do with a disk that has a real one.
# The daemon goes by what mdadm has written: a spare that it puts in is found by mdadm at the next assembly.
# timeout: 90

SCSI=512 set_up 1 1
write_data
serial=$(on_disk disk0.serial "${DISKS[2]}")
say "mdadm calls ${DISKS[2]} $serial"
mdadm -E "${DISKS[2]}" | grep -q "Serial : $serial" || fail "mdadm does not know ${DISKS[2]} as $serial"
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[2]}"
wait_settled "$V"
stop_all
assemble "${DISKS[1]}" "${DISKS[2]}"
attr_is "$V" degraded 0 || fail "not both disks were found"
check_data
assert_metadata "disk*.serial=$serial" vol0.map0.state=NORMAL -- "${DISKS[@]:1}"
