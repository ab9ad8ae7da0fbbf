# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk is taken out of the container while its volume is stopped, so its failure is nowhere on record, and comes back by
# "mdadm --add", which writes a spare record on it. The volume on the other disks of the container runs all the time.
#
# What the other disks have still calls it a good member until the daemon has marked its entry: as long as they do, no copy
# that names it is believed beside its spare record. Afterwards the container is assembled from all its disks, the volume
# that it belongs to is rebuilt on it or on nothing, and both have their data.
# udev: yes
# timeout: 90
# reference: fails - it leaves the entry as it is, and no copy that names the disk is believed: mdadm finds spares only
# ours: fails@trixie@forky - mdadm 4.4 and 4.6 make no IMSM volume on other disks than those of the first

fast_sync
make_disks 4
make_container "${DISKS[@]}"
must mdadm -CR /dev/md/v -l 1 -n 2 -z 10240 "${DISKS[@]:0:2}"
find_volumes
wait_settled "$V"
must mdadm -CR /dev/md/w -l 1 -n 2 -z 10240 "${DISKS[@]:2}"
find_volumes
wait_settled "$V1"
for volume in "$V" "$V1"; do
	with_volume "$volume" write_data
	set_attr "$volume" safe_mode_delay 0.05
	wait_for 10 attr_is "$volume" array_state clean
done
ping_daemon
assert_metadata num_volumes=2 num_disks=4 vol1.map0.state=NORMAL -- "${DISKS[@]}"
stop_volume "$V1"
must mdadm "/dev/$C" --remove "${DISKS[3]}"
ping_daemon
add_disk "${DISKS[3]}"
wait_metadata 10 num_volumes=0 -- "${DISKS[3]}"
ping_daemon
say "on disk: $(imsm-peek "${DISKS[0]}" | grep -E '^disk.*(serial|status)|vol1.*(ords|state)' | tr '\n' ' ')"
V1='' stop_all
udev_settled
assemble_container "${DISKS[@]}"
say "mdadm -IR: $(mdadm -IR /dev/md/c 2>&1)"
find_volumes
[[ -n $V && -n $V1 ]] || fail "volumes: ${V:-none} and ${V1:-none}"
for volume in "$V" "$V1"; do
	with_volume "$volume" check_data
done
