# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A spare with another sector size than the members gets a record in its own units, and is never put into their volume;
# one that fits is, though it comes later. It is the same after an assembly.
# cases: 4096 512
# timeout: 120
# reference: fails - it counts the sectors of the spare in the units of the members

make_scsi_disks 4 64 4096
large=("${DISKS[@]}")
make_disks 4
small=("${DISKS[@]}")
if [ "$LEVEL" = 4096 ]; then
	fit=("${large[@]}") unfit=${small[0]} blocks=$((64 * 2048))
else
	fit=("${small[@]}") unfit=${large[0]} blocks=$((64 * 256))
fi
fast_sync
make_container "${fit[@]:0:3}"
make_volume 5 3
wait_settled "$V"
set_attr "$V" safe_mode_delay 0.05
write_data

add_disk "$unfit"
wait_metadata 3 num_volumes=0 disk0.status=0x1 "disk0.blocks=$blocks" "disk0.serial=$(serial_of "$unfit")" -- "$unfit"
note_place "${fit[0]}"
fail_member "$V" "${fit[0]}"
wait_for 5 no_member "$V" "${fit[0]}"
wait_metadata 5 vol0.map0.state=DEGRADED -- "${fit[@]:1:2}"
nap 2
no_member "$V" "$unfit" || fail "$unfit was put into the volume"
check_data
stop_all
assemble "${fit[@]:1:2}" "$unfit"
is_member "$C" "$unfit" || add_disk "$unfit"
put_block
nap 2
no_member "$V" "$unfit" || fail "$unfit was put into the volume"
assert_metadata num_volumes=0 disk0.status=0x1 "disk0.blocks=$blocks" -- "$unfit"

add_disk "${fit[3]}"
wait_for 10 is_member "$V" "${fit[3]}"
wait_settled "$V"
wait_metadata 5 vol0.map0.state=NORMAL -- "${fit[@]:1:3}"
check_data
