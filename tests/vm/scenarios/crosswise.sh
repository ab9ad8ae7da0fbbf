# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two RAID 1 volumes on the same two disks lose one of them each, crosswise, and both failures are found in one pass. Each
# volume goes on with the disk that it has left, and takes writes. After the next assembly one of them is there, with all
# that was written to it; no volume comes up that lacks what was written to it.
# cases: imsm ddf
# udev: yes
# timeout: 120
# reference: fails - fails the last disk of each volume, too: all writes do

# shellcheck disable=SC2153  # LEVEL comes from init
use_format "$LEVEL"
fast_sync
make_disks 2
make_container "${DISKS[@]}"
make_volume 1 2 first 8192
wait_settled "$V"
make_volume 1 2 second 8192
wait_settled "$V1"
[ "$FORMAT" = imsm ] || learn "${DISKS[@]}"
for volume in "$V" "$V1"; do
	must pattern write "/dev/$volume" 7 0 1048576
	set_attr "$volume" safe_mode_delay 0.05
	wait_for 10 attr_is "$volume" array_state clean
done
ping_daemon
pid=$(daemon_pid)
kill -STOP "$pid"
fail_member "$V" "${DISKS[0]}"
fail_member "$V1" "${DISKS[1]}"
kill -CONT "$pid"
wait_for 10 no_member "$V" "${DISKS[0]}"
wait_for 10 no_member "$V1" "${DISKS[1]}"
nap 0.5
is_member "$V" "${DISKS[1]}" || fail "$V has lost its last disk"
is_member "$V1" "${DISKS[0]}" || fail "$V1 has lost its last disk"
for volume in "$V" "$V1"; do
	must pattern write "/dev/$volume" 9 0 1048576
	wait_for 10 attr_is "$volume" array_state '@(clean|active-idle)'
done
ping_daemon
for disk in "${DISKS[@]}"; do
	say "$disk: $("$FORMAT-peek" "$disk" 2>&1 | grep -E '^(disk|pd|vd|vol).*(state|status|ords|serial|elements)' | tr '\n' ' ')"
done
stop_all
assemble_container "${DISKS[@]}"
say "mdadm -IR: $(mdadm -IR /dev/md/c 2>&1)"
find_volumes
say "first: ${V:-not there}, second: ${V1:-not there}"
up=0
for volume in $V $V1; do
	attr_is "$volume" array_state '@(inactive|clear)' && continue
	must pattern verify "/dev/$volume" 9 0 1048576
	up=$((up + 1))
	last=$volume
done
[ $up -gt 0 ] || fail "no volume is there any more"
say "$last has what was written, degraded $(get_attr "$last" degraded)"
must pattern write "/dev/$last" 7 0 1048576
