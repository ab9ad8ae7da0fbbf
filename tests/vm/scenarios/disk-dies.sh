# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk of the volume dies under a writer: neither data nor metadata of it can be read or written. The kernel
# reports bad blocks, which go into the metadata of the others; since the disk does not take these either it is failed.
# The writer sees no error, the failure is recorded on the others, the spare takes over.
# (Debian's daemon goes on recording bad blocks until somebody declares the disk faulty.)
# levels: 1 5 10
# timeout: 90

DM=yes set_up "$LEVEL" 1
write_data
all_but "${RAM[1]}" "${RAM[@]:0:${#MEMBERS[@]}}"
start_writer 20000
must dmsetup load d1 --table "0 131072 error"
must dmsetup suspend --nolockfs --noflush d1
must dmsetup resume d1
writer_goes_on
# a level may also give the disk up at once
[ "$DAEMON" = reference ] || wait_for 10 no_member "$V" "${DISKS[1]}"
eventually 3 no_member "$V" "${DISKS[1]}" || {
	wait_metadata 5 'bbm_log_size>0' -- "${OTHERS[@]}"
	writer_goes_on
	fail_member "$V" "${DISKS[1]}"
}
wait_for 10 no_member "$V" "${DISKS[1]}"
writer_goes_on
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 "disk*.serial=${DISKS[-1]}" \
	"disk*.serial!=${DISKS[1]}" -- "${OTHERS[@]}" "${RAM[-1]}"
check_data
