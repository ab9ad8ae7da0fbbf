# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A member fails under writes; the spare takes its place; the failed disk comes back as a spare.
# needs: 20-install
# timeout: 120
# shellcheck disable=SC2153  # DISK is set by lib.sh
disk=${DISK[M2]##*/}
spare=${DISK[S1]##*/}
echo 1000000 >/proc/sys/dev/raid/speed_limit_min
start_writer
must mdadm --fail "/dev/$V" "/dev/$disk"
wait_for 20 no_member "$V" "$disk"
wait_for 20 is_member "$V" "$spare"
wait_settled "$V" 90
wait_for 20 volume_metadata 'disk*.serial=S1' vol0.map0.state=NORMAL vol0.migr_state=0
must mdadm --remove "/dev/$C" "/dev/$disk"
must mdadm --zero-superblock "/dev/$disk"
must mdadm --add "/dev/$C" "/dev/$disk"
wait_for 10 metadata num_volumes=0 disk0.serial=M2 -- "/dev/$disk"
finish_writer "during failure and rebuild"
check_files
check_daemon
journalctl -b --no-pager -o cat _COMM=mdmon
logged "_PID=$(daemon_pid)" || fail "the journal has nothing from the daemon"
logged -u "$UNIT" --grep "$disk|M2" || fail "the journal of the unit does not mention the failed disk"
say "in the journal: yes"
