# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# mdmonctl check finds what is wrong, and says what to do; when that has been done, nothing is wrong any more.
# cases: daemon failed older elsewhere left-out small held hangs copy foreign returned
# ours-only: it is about mdmonctl, which asks our daemon
# timeout: 120
# shellcheck source=tests/vm/lib/check.sh
. /t/lib/check.sh

case $LEVEL in
daemon)
	set_up 5
	assert_fine
	show_findings
	kill_daemon
	assert_found no-daemon "$C" critical "$V"
	follow no-daemon "$C"
	assert_fine

	use_daemon reference
	must timeout 60 /sbin/mdmon --takeover "$C"
	wait_for 10 timeout 20 mdmonctl ping "$C"
	assert_found other-daemon "$C" warning "mdmon of mdadm"
	use_daemon ours
	follow other-daemon "$C"
	assert_fine
	stop_all
	look
	assert_eq "exit status of nothing" 0 "$STATUS"
	show_findings
	look_at md99
	assert_eq "exit status of what is not there" 3 "$STATUS"
	;;
failed)
	set_up 5
	write_data
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 no_member "$V" "${DISKS[0]}"
	assert_found degraded "$V" critical "there is no spare"
	assert_found disk-failed ram0 warning "--add"
	show_findings
	slow_sync 1000
	follow disk-failed ram0
	assert_found rebuilding "$V" warning watch
	show_findings
	fast_sync
	wait_settled "$V"
	assert_fine
	check_data
	;;
older)
	EXTRA=1 set_up 5
	write_data
	must mdadm --fail "/dev/$V" "${DISKS[0]}"
	must mdadm --remove "/dev/$C" "${DISKS[0]}"
	assert_found disk-older ram0 warning "no array has it"
	assert_found degraded "$V" critical "no spare, but see ram0"
	show_findings
	follow disk-older ram0
	assert_fine 60
	say "and with another disk"
	must mdadm --fail "/dev/$V" "${DISKS[0]}"
	must mdadm --remove "/dev/$C" "${DISKS[0]}"
	assert_found degraded "$V" critical
	follow degraded "$V" "${DISKS[3]}"
	assert_fine 60
	check_data
	;;
elsewhere)
	EXTRA=2 set_up 1
	write_data
	must mdadm -CR /dev/md/other -e imsm -n 2 "${DISKS[@]:2}"
	must mdadm --fail "/dev/$V" "${DISKS[0]}"
	must mdadm --remove "/dev/$C" "${DISKS[0]}"
	other=$(basename "$(readlink -f /dev/md/other)")
	cat /sys/block/ram0/dev >"/sys/block/$other/md/new_dev" || fail "cannot put a disk into $other"
	assert_found disk-older ram0 warning " has it"
	show_findings
	follow disk-older ram0
	assert_fine 60
	check_data
	;;
left-out)
	set_up 1
	write_data
	stop_all
	assemble "${DISKS[1]}"
	assert_found degraded "$V" critical
	assert_found disk-older ram0 warning
	follow disk-older ram0
	assert_fine
	;;
small)
	EXTRA=2 set_up 5
	must dmsetup create small -m 90 -j "$(dm_major)" --table "0 $((8 * 2048)) linear ${DISKS[3]} 0"
	add_disk /dev/dm-90
	assert_found spare-too-small dm-90 warning "too small"
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 no_member "$V" "${DISKS[0]}"
	assert_found degraded "$V" critical "the spare dm-90 is too small, by"
	show_findings
	follow degraded "$V" "${DISKS[4]}"
	wait_settled "$V"
	assert_gone degraded "$V"
	assert_found spare-too-small dm-90 warning
	follow spare-too-small dm-90
	assert_gone spare-too-small dm-90
	must dmsetup remove small
	;;
returned)
	set_up 1 1
	write_data
	fail_member "$V" "${DISKS[1]}"
	wait_for 10 is_member "$V" "${DISKS[2]}"
	wait_settled "$V"
	stop_all
	for disk in "${DISKS[1]}" "${DISKS[0]}" "${DISKS[2]}"; do
		say "mdadm -I $disk: $(mdadm -I "$disk" 2>&1)"
	done
	C=$(container_of "${DISKS[1]}")
	say "$(mdadm -IR "/dev/$C" 2>&1)"
	find_volumes
	assert_found disk-older ram1 warning
	follow disk-older ram1
	assert_fine
	check_data
	;;
held)
	set_up 5 1
	set_attr "$V" sync_action frozen
	set_attr "$V" metadata_version "external:-$C/0"
	assert_found frozen "$V" warning "held as it is"
	fail_member "$V" "${DISKS[0]}"
	assert_found degraded "$V" critical "a tool holds it"
	show_findings
	follow degraded "$V"
	wait_settled "$V"
	assert_gone degraded "$V"
	assert_gone frozen "$V"
	must mdadm --readonly "/dev/$V"
	assert_found read-only "$V" warning
	follow read-only "$V"
	assert_gone read-only "$V"
	;;
hangs)
	DM=yes set_up 5
	stay_dirty
	metadata_area 1 suspend
	put_block
	assert_found disk-hangs dm-21 critical "a write of the metadata"
	metadata_area 1 resume
	assert_fine 30
	say "and without a daemon, which nobody can ask"
	kill_daemon
	metadata_area 1 suspend
	assert_found disk-hangs dm-21 critical "a read of its last sector"
	metadata_area 1 resume
	assert_found no-daemon "$C" critical
	assert_gone disk-hangs dm-21
	follow no-daemon "$C"
	assert_fine 30
	;;
copy)
	set_up 5
	printf 'XXXX' | dd of="${DISKS[2]}" bs=1 seek=$((64 * 1048576 - 1024)) conv=notrunc 2>/dev/null
	sync
	assert_found copy-damaged ram2 warning
	follow copy-damaged ram2
	assert_fine
	say "and if the daemon has not seen it whole"
	kill_daemon
	printf 'XXXX' | dd of="${DISKS[2]}" bs=1 seek=$((64 * 1048576 - 1024)) conv=notrunc 2>/dev/null
	sync
	start_daemon
	assert_found copy-damaged ram2 warning
	follow copy-damaged ram2
	assert_fine 60
	;;
foreign)
	make_disks 4
	fast_sync
	make_other_container "${DISKS[@]:2}"
	make_container "${DISKS[@]:0:2}"
	make_volume 1 2
	wait_settled "$V"
	kill_daemon
	cat "/sys/block/ram2/dev" >"/sys/block/$C/md/new_dev" || fail "cannot put a disk into the container"
	start_daemon
	ping_daemon
	assert_found disk-foreign ram2 warning
	follow disk-foreign ram2
	assert_fine
	;;
esac
