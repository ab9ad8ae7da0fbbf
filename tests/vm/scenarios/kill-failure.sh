# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails while the daemon is stopped, and the daemon is killed before it could record that. The new daemon
# records the failure, releases the writers and puts the spare into service.
# levels: 1 5
# timeout: 90

set_up "$LEVEL" 1
write_data
start_writer
kill -STOP "$(daemon_pid)"
fail_member "$V" "${DISKS[0]}"
wait_for 5 member_is "$V" "${DISKS[0]}" '*faulty*'
assert_metadata "disk*.status!=0x6" -- "${MEMBERS[@]}"
kill_daemon
start_daemon
writer_goes_on
wait_for 10 no_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=${DISKS[-1]}" "disk*.serial!=${DISKS[0]}" -- "${OTHERS[@]}"
check_data
