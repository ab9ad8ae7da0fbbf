# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks with 4096-byte sectors: the whole life of a volume, and a rebuild that goes on after a stop where it was.
# levels: 1 5 10
# timeout: 180
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

unset IMSM_DEVNAME_AS_SERIAL
SCSI=4096 set_up "$LEVEL" 1
assert_eq "sector size" 4096 "$(cat /sys/block/"${DISKS[0]##*/}"/queue/logical_block_size)"
# mdadm counts in sectors of the disk, examine in such of 512 bytes
examine "${MEMBERS[@]}"
assert_json healthy true
look_with_mdadm "${MEMBERS[0]}"
assert_json "devices[0].sector_size" 4096
assert_json "sets[0].uuid" "$(exports MD_UUID)"
assert_json "sets[0].generation" $((0x$(says Generation)))
assert_json "$(copy_path 0 1 0).local.serial" "$(serial_of "${MEMBERS[0]}")"
assert_json "$(copy_path 0 1 0).local.serial_assumed" false
assert_json "$(copy_path 0 1 0).metadata.disks[0].total_blocks" "$(cat "/sys/block/${MEMBERS[0]##*/}/size")"
assert_json "$(copy_path 0 1 0).metadata.volumes[0].size" $(($(says 'Array Size') * 8))
write_data
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
writer_goes_on
stop_writer
check_data
all_but "${DISKS[0]}" "${DISKS[@]}"
stop_all
assert_metadata checksum=ok vol0.map0.state=NORMAL vol0.migr_state=0 vol0.dirty=0 -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
check_data

# the lost disk comes back as a spare, with a record in its own units, and is rebuilt, with a stop in between
slow_sync 2000
add_disk "${DISKS[0]}"
blocks=$(($(cat /sys/block/"${DISKS[0]##*/}"/size) / 8))
wait_metadata 3 num_volumes=0 disk0.status=0x1 "disk0.serial=$(serial_of "${DISKS[0]}")" "disk0.blocks=$blocks" -- "${DISKS[0]}"
rebuild_interrupted "${DISKS[1]}"
fast_sync
wait_settled "$V"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.blocks=$blocks" -- "${OTHERS[@]}"
check_data

# degraded for good
note_place "${DISKS[-1]}"
fail_member "$V" "${DISKS[-1]}"
all_but "${DISKS[-1]}" "${OTHERS[@]}"
wait_metadata 5 vol0.map0.state=DEGRADED "disk$ENTRY.status=0x6" -- "${OTHERS[@]}"
stop_all
assemble "${OTHERS[@]}"
check_data
put_block
