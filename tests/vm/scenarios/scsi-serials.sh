# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whole life of a volume on disks that are known by their real serial numbers, the way it is outside of tests:
# nothing tells to take device names for them.
# udev: yes
# levels: 1 5 10
# timeout: 150

unset IMSM_DEVNAME_AS_SERIAL

# scsi_id_of DISK: as it stands in the metadata
scsi_id_of()
{
	local address

	address=$(cd "/sys/block/${1##*/}/device/scsi_device" && echo *)
	IFS=: read -r -a address <<<"$address"
	printf '0x%x' $((address[0] << 24 | address[1] << 16 | address[2] << 8 | address[3]))
}

SCSI=512 set_up "$LEVEL" 1
for disk in "${DISKS[@]}"; do
	assert_metadata "disk*.serial=$(serial_of "$disk")" -- "$disk"
	[ "$disk" = "${DISKS[0]}" ] || [ "$(serial_of "$disk")" != "$(serial_of "${DISKS[0]}")" ] || fail "equal serials"
done
spare=${DISKS[-1]}
assert_metadata num_volumes=0 disk0.status=0x1 "disk0.scsi_id=$(scsi_id_of "$spare")" -- "$spare"
write_data
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "$spare"
wait_settled "$V"
writer_goes_on
stop_writer
check_data
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=$(serial_of "$spare")" \
	"disk*.serial!=$(serial_of "${DISKS[0]}")*" -- "${OTHERS[@]}"
stop_all

# the failed disk is added anew
assemble "${OTHERS[@]}"
check_data
add_disk "${DISKS[0]}"
wait_metadata 3 num_volumes=0 disk0.status=0x1 "disk0.serial=$(serial_of "${DISKS[0]}")" -- "${DISKS[0]}"
fail_member "$V" "$spare"
wait_for 10 is_member "$V" "${DISKS[0]}"
wait_settled "$V"
all_but "$spare" "${DISKS[@]}"
stop_all
assert_metadata vol0.map0.state=NORMAL vol0.dirty=0 "disk*.serial=$(serial_of "${DISKS[0]}")" \
	"disk*.serial!=$(serial_of "$spare")*" -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
check_data
