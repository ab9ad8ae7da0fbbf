# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk of another, intact container has got into the container while no daemon ran. Of the two configurations, each of
# them consistent, the daemon takes the one that mdadm takes, and writes nothing to the disk of the other.
# cases: ram0 ram1 ram2 ram3
# timeout: 90

make_disks 4
fast_sync
case $LEVEL in
ram[01]) own=("${DISKS[@]:2}") others=("${DISKS[@]:0:2}") ;;
ram[23]) own=("${DISKS[@]:0:2}") others=("${DISKS[@]:2}") ;;
esac
make_other_container "${others[@]}"
make_container "${own[@]}"
make_volume 1 2
wait_settled "$V"
pid=$(daemon_pid)
stop_volume "$V"
wait_for 10 gone "$pid"
cat "/sys/block/$LEVEL/dev" >"/sys/block/$C/md/new_dev" || fail "cannot put a disk into the container"
say "order: $(cd "/sys/block/$C/md" && find . -maxdepth 1 -name 'dev-*' | tr '\n' ' ')"
before=$(metadata_sums "${DISKS[@]}")
said=$(mdadm -IR "/dev/$C" 2>&1)
say "mdadm: $said"
chosen=$(sed -n 's/.*Chose family \(0x[0-9a-f]*\).*/\1/p' <<<"$said" | head -n 1)
[ -n "$chosen" ] || fail "mdadm did not have to choose"
find_volumes
stay_dirty
put_block
mapfile -t before <<<"$before"
written=0
for i in "${!DISKS[@]}"; do
	disk=${DISKS[i]}
	if is_member "$V" "$disk"; then
		assert_metadata vol0.dirty=1 -- "$disk"
		assert_eq "family on $disk" $((chosen)) $(($(on_disk family "$disk")))
		written=$((written + 1))
	else
		assert_eq "metadata on $disk" "${before[i]}" "$(metadata_sums "$disk")"
	fi
done
[ $written -gt 0 ] || fail "no disk was written"
