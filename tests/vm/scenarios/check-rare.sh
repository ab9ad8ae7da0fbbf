# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# More of what mdmonctl check finds, and that is gone when its advice was followed: see check.
# cases: bad-blocks refused silent leaves stopped left-over older-copy failed stalls reshape clock others unserved left-out stranger log-full twice full-size full-4kn
# ours-only: it is about mdmonctl, which asks our daemon
# timeout: 150
# shellcheck source=tests/vm/lib/check.sh
. /t/lib/check.sh

# keep NAME, restore NAME: the metadata of all disks, of 64 MiB each
keep()
{
	local i

	for i in "${!DISKS[@]}"; do
		dd if="${DISKS[i]}" of="/tmp/$1.$i" bs=1M skip=63 2>/dev/null
	done
}

restore()
{
	local i

	for i in "${!DISKS[@]}"; do
		dd if="/tmp/$1.$i" of="${DISKS[i]}" bs=1M seek=63 conv=notrunc,fsync 2>/dev/null
	done
}

case $LEVEL in
bad-blocks)
	DM=yes set_up 5 1
	write_data
	break_sectors 1 2048:8
	write_data
	assert_found bad-blocks dm-21 warning "1 on record"
	follow bad-blocks dm-21
	wait_for 20 is_member "$V" "${DISKS[3]}"
	wait_settled "$V"
	assert_gone bad-blocks dm-21
	assert_found disk-failed dm-21 warning
	check_data
	;;
refused)
	DM=yes set_up 5
	metadata_area 1 break
	stay_dirty
	put_block
	assert_found metadata-refused dm-21 critical "does not take the metadata"
	size=$(cat /sys/block/ram1/size)
	must dmsetup load t1 --table "0 8192 linear ${RAM[1]} $((size - 8192))"
	must dmsetup suspend --nolockfs --noflush t1
	must dmsetup resume t1
	set_attr "$V" safe_mode_delay 0.05
	assert_fine
	;;
silent)
	set_up 5
	pid=$(daemon_pid)
	kill -STOP "$pid"
	assert_found daemon-silent "$C" critical "did not answer within"
	follow daemon-silent "$C"
	assert_fine
	;;
leaves)
	DM=yes set_up 1
	stay_dirty
	put_block
	must dmsetup suspend --nolockfs --noflush d0
	stall once "/dev/$V" 7 8192 >/tmp/latency &
	writer=$!
	nap 0.2
	kill -TERM "$(daemon_pid)"
	assert_found daemon-leaves "$C" warning SIGTERM
	must dmsetup resume d0
	wait_for 10 gone "$writer"
	# which it does then
	assert_found no-daemon "$C" critical
	assert_gone daemon-leaves "$C"
	found no-daemon "$C" || fail "there is a daemon again"
	follow no-daemon "$C"
	assert_fine
	;;
stopped)
	set_up 1
	make_volume 1 2 second
	wait_settled "$V1"
	stop_volume "$V1"
	V1=''
	assert_found not-running "$C" warning second
	follow not-running "$C"
	assert_fine
	find_volumes
	;;
left-over)
	set_up 1
	mkdir -p /run/mdadm
	: >/run/mdadm/md99.sock
	assert_found left-over-files md99 warning
	follow left-over-files md99
	assert_fine
	;;
older-copy)
	set_up 5
	dd if="${DISKS[2]}" of=/tmp/old bs=1M skip=63 2>/dev/null
	stay_dirty
	put_block
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 attr_is "$V" array_state clean
	ping_daemon
	dd if=/tmp/old of="${DISKS[2]}" bs=1M seek=63 conv=notrunc,fsync 2>/dev/null
	assert_found copy-older ram2 warning
	follow copy-older ram2
	assert_fine
	;;
failed)
	set_up 5
	fail_member "$V" "${DISKS[0]}"
	wait_for 10 no_member "$V" "${DISKS[0]}"
	fail_member "$V" "${DISKS[1]}"
	assert_found failed "$V" critical backup
	assert_found disk-failed ram0 warning "Not now"
	assert_eq "advice for a disk that may be needed" null "${JSON[$AT.advice]}"
	;;
stalls)
	DM=yes set_up 1
	stay_dirty
	metadata_area 0 suspend
	metadata_area 1 suspend
	stall once "/dev/$V" 7 0 >/tmp/latency &
	writer=$!
	nap 7
	assert_found disk-hangs dm-20 critical
	metadata_area 0 resume
	metadata_area 1 resume
	wait_for 10 gone "$writer"
	assert_gone disk-hangs dm-20
	assert_found stalls "$C" warning "at most"
	must timeout 60 /sbin/mdmon --takeover "$C"
	assert_fine
	;;
reshape)
	fast_sync
	make_disks 4
	make_container "${DISKS[@]:0:3}"
	make_volume 5 3 v 40960
	wait_settled "$V"
	slow_sync 2000
	add_disk "${DISKS[3]}"
	grow /dev/md/c --raid-devices=4
	wait_for 60 reshape_beyond 12000
	look
	! found reshape-stands "$V" || fail "mdadm drives it"
	! found written-by-others "$C" || fail "only mdmon writes"
	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		file=${file#/proc/}
		[ "$name" != mdadm ] || kill -KILL "${file%/comm}"
	done
	wait_for 10 no_mdadm
	fast_sync
	assert_found reshape-stands "$V" critical
	follow reshape-stands "$V"
	wait_grown 120
	assert_fine 60
	;;
clock)
	set_up 1
	stay_dirty
	put_block
	date -s "@$(($(date +%s) - 3600))" >/dev/null || fail "the clock cannot be set"
	assert_found clock-back "$C" warning "after now"
	date -s "@$(($(date +%s) + 3600))" >/dev/null
	assert_fine
	;;
others)
	# a daemon that knows the metadata of before
	set_up 1
	keep old
	stay_dirty
	put_block
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 attr_is "$V" array_state clean
	ping_daemon
	keep new
	kill_daemon
	restore old
	start_daemon
	ping_daemon
	restore new
	assert_found written-by-others "$C" critical generation
	follow written-by-others "$C"
	assert_fine
	;;
unserved)
	set_up 5
	kill_daemon
	(
		ulimit -n 24
		exec /sbin/mdmon --foreground "$C" >/tmp/daemon.log 2>&1
	) &
	wait_for 10 grep -q "cannot be served" /tmp/daemon.log
	assert_found unserved "$V" critical "files or memory"
	follow unserved "$V"
	assert_fine
	;;
left-out)
	set_up 1
	write_data
	stop_all
	rm -f /sbin/mdmon
	printf '#!/bin/sh\nexit 0\n' >/sbin/mdmon
	chmod +x /sbin/mdmon
	assemble "${DISKS[1]}"
	use_daemon ours
	assert_found degraded "$V" critical "no mdmon runs"
	assert_found disk-left-out ram0 warning "is not in it"
	follow disk-left-out ram0
	assert_gone disk-left-out ram0
	assert_found no-daemon "$C" critical
	follow no-daemon "$C"
	eventually 5 attr_is "$V" array_state '@(clean|active*)' || {
		assert_found degraded "$V" critical "first write"
		follow degraded "$V"
	}
	assert_fine 40
	check_data
	;;
stranger)
	EXTRA=1 set_up 1
	kill_daemon
	# the metadata of another format
	must mdadm -CR /dev/md/d -e ddf -n 1 --force "${DISKS[2]}"
	must mdadm --stop /dev/md/d
	cat /sys/block/ram2/dev >"/sys/block/$C/md/new_dev" || fail "cannot put a disk into the container"
	start_daemon
	ping_daemon
	assert_found disk-unused ram2 warning "another format"
	follow disk-unused ram2
	assert_fine
	;;
log-full)
	set_up 1 1
	write_data
	for ((i = 0; i < 205; i++)); do
		echo $((64 + 12 * i)) 8 >"$(member_dir "$V" "${DISKS[1]}")/unacknowledged_bad_blocks"
	done
	ping_daemon
	wait_for 10 bad_blocks_acknowledged "${DISKS[1]}"
	assert_found bad-block-log-full "$C" critical "205 of 254"
	follow bad-block-log-full "$C"
	wait_for 10 is_member "$V" "${DISKS[2]}"
	wait_settled "$V"
	assert_gone bad-block-log-full "$C"
	check_data
	;;
twice)
	unset IMSM_DEVNAME_AS_SERIAL
	insmod /modules/scsi_debug.ko add_host=2 per_host_store=1 dev_size_mb=64 || fail "cannot make disks"
	wait_for 20 scsi_disks_ready 2
	DISKS=(/dev/sd*)
	fast_sync
	make_container "${DISKS[@]}"
	make_volume 1 2
	wait_settled "$V"
	# from now on serial numbers do not depend on the host: the next disk has that of the first one
	echo 0 >/sys/bus/pseudo/drivers/scsi_debug/vpd_use_hostno
	echo 1 >/sys/bus/pseudo/drivers/scsi_debug/add_host
	wait_for 20 scsi_disks_ready 3
	disk=/dev/sdc
	for other in "${DISKS[@]}" "$disk"; do
		say "$other has $(serial_of "$other")"
	done
	cat "/sys/block/${disk##*/}/dev" >"/sys/block/$C/md/new_dev" || fail "cannot put $disk into the container"
	ping_daemon
	assert_found serial-twice "${disk##*/}" critical "one serial number"
	follow serial-twice "${disk##*/}"
	assert_fine
	;;
full-size | full-4kn)
	# volumes that fill the disks, and a spare of the same size: nothing is wrong
	fast_sync
	if [ "$LEVEL" = full-4kn ]; then
		make_scsi_disks 4 64 4096
	else
		make_disks 4
	fi
	make_container "${DISKS[@]:0:3}"
	make_volume 5 3 first 20480
	must mdadm -CR /dev/md/second -l 5 -n 3 /dev/md/c
	find_volumes
	add_disk "${DISKS[3]}"
	wait_settled "$V" 90
	wait_settled "$V1" 90
	assert_fine
	fail_member "$V" "${DISKS[0]}"
	wait_for 20 is_member "$V" "${DISKS[3]}"
	look
	! found spare-too-small "${DISKS[3]##*/}" || fail "the spare that is used is said to be too small"
	wait_settled "$V" 90
	;;
esac
