# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What mdmonctl check finds on a DDF container, and that is gone when its advice was followed: see check.
# cases: failed older copy daemon full-size
# ours-only: it is about mdmonctl, which asks our daemon
# timeout: 120
# shellcheck source=tests/vm/lib/check.sh
. /t/lib/check.sh
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

if [ "$LEVEL" = full-size ]; then
	# a volume that fills the disks, and a spare of the same size: nothing is wrong
	fast_sync
	make_disks 4
	make_container "${DISKS[@]}"
	must mdadm -CR /dev/md/v -l 5 -n 3 "${DISKS[@]:0:3}"
	find_volumes
	wait_settled "$V" 90
	assert_fine
	fail_member "$V" "${DISKS[0]}"
	wait_for 20 is_member "$V" "${DISKS[3]}"
	look
	! found spare-too-small ram3 || fail "the spare that is used is said to be too small"
	succeed
fi
EXTRA=1 ddf_set_up 5
write_data
lost=${MEMBERS[0]}
case $LEVEL in
failed)
	assert_fine
	fail_member "$V" "$lost"
	wait_for 10 no_member "$V" "$lost"
	assert_found degraded "$V" critical "there is no spare"
	assert_found disk-failed "${lost##*/}" warning new_dev
	show_findings
	follow disk-failed "${lost##*/}"
	wait_settled "$V"
	assert_fine 60
	;;
older)
	must mdadm "/dev/$V" --fail "$lost"
	must mdadm --wait-clean "/dev/$V"
	remove_disk "$lost"
	assert_found disk-older "${lost##*/}" warning "no array has it"
	assert_found degraded "$V" critical "no spare, but see ${lost##*/}"
	show_findings
	follow degraded "$V" "${DISKS[3]}"
	wait_settled "$V"
	assert_fine 60
	;;
copy)
	# the header of its primary copy
	size=$(cat "/sys/block/${lost##*/}/size")
	printf 'XXXX' | dd of="$lost" bs=1 seek=$(((size - 32768) * 512)) conv=notrunc,fsync 2>/dev/null
	assert_found copy-damaged "${lost##*/}" warning
	follow copy-damaged "${lost##*/}"
	assert_fine
	;;
daemon)
	kill_daemon
	assert_found no-daemon "$C" critical
	follow no-daemon "$C"
	assert_fine
	;;
esac
hurry "$V"
check_data
