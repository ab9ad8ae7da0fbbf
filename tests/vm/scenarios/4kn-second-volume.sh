# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks with 4096-byte sectors: a second volume is created while the daemon runs, of a size that is no multiple of anything;
# what the metadata say of it is what md was told, also after an assembly.
# levels: 1 5 10
# timeout: 90

unset IMSM_DEVNAME_AS_SERIAL
n=$(members "$LEVEL")
make_scsi_disks "$n" 64 4096
fast_sync
make_container "${DISKS[@]}"
must mdadm -CR /dev/md/v -l "$LEVEL" -n "$n" -z 10243 /dev/md/c
must mdadm -CR /dev/md/w -l "$LEVEL" -n "$n" -z 9217 /dev/md/c
find_volumes
[ -n "$V1" ] || fail "no second volume"
wait_settled "$V"
wait_settled "$V1"
for array in "$V" "$V1"; do
	set_attr "$array" safe_mode_delay 0.05
	wait_for 10 attr_is "$array" array_state clean
done
ping_daemon
must pattern write "/dev/$V" 7 0 $((4 << 20))
must pattern write "/dev/$V1" 8 0 $((4 << 20))

# Checks the volumes against md: sizes and places in the metadata are in 4096-byte units.
compare_with_md()
{
	local i array dir

	for i in 0 1; do
		array=$(volume_name "$i")
		dir=$(member_dir "$array" "${DISKS[1]}")
		assert_metadata checksum=ok "vol$i.size=$(($(cat "/sys/block/$array/size") / 8))" \
			"vol$i.map0.pba=$(($(cat "$dir/offset") / 8))" -- "${DISKS[@]}"
	done
}

compare_with_md
stop_all
assemble "${DISKS[@]}"
compare_with_md
must pattern verify "/dev/$V" 7 0 $((4 << 20))
must pattern verify "/dev/$V1" 8 0 $((4 << 20))
