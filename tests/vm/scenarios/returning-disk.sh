# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk that failed and was replaced comes back when the container is assembled disk by disk, as at boot. Found before
# the others it is not used, not even as a spare, and not written. Found when the volume runs already it is a disk
# that was added: a spare like any other, whatever it held. The volume is that of the other disks each time.
# udev: yes
# cases: before after
# timeout: 90

set_up 1 1
# In the kernel's order ram1 comes last, is read first, and would win if order were all.
kept=${DISKS[0]} back=${DISKS[1]} new=${DISKS[2]}
write_data
fail_member "$V" "$back"
wait_for 10 is_member "$V" "$new"
wait_settled "$V"
must pattern write "/dev/$V" 9 0 "$DATA"
wait_for 5 attr_is "$V" array_state clean
stop_all
old=$(metadata_sums "$back")
case $LEVEL in
before) order=("$back" "$kept" "$new") ;;
after) order=("$new" "$kept" "$back") ;;
esac
for disk in "${order[@]}"; do
	say "mdadm -I $disk: $(mdadm -I "$disk" 2>&1)"
done
V=''
for file in /sys/block/md*/md; do
	C=$(basename "${file%/md}")
	attr_is "$C" metadata_version external:imsm || continue
	say "$C has $(cd "$file" && echo dev-*)"
	[ "$LEVEL" = after ] || say "$(mdadm -IR "/dev/$C" 2>&1)"
	find_volumes
	[ -z "$V" ] || break
done
[ -n "$V" ] || fail "no volume"
must pattern verify "/dev/$V" 9 0 "$DATA"
stay_dirty
put_block "$DATA"
no_member "$V" "$back" || fail "the replaced disk is used"
assert_metadata vol0.dirty=1 vol0.map0.state=NORMAL -- "$kept" "$new"
fail_member "$V" "$new"
wait_for 5 no_member "$V" "$new"
case $LEVEL in
before)
	wait_metadata 5 vol0.map0.state=DEGRADED -- "$kept"
	nap 1
	no_member "$V" "$back" || fail "the replaced disk is taken for a spare"
	assert_eq "metadata on the replaced disk" "$old" "$(metadata_sums "$back")"
	;;
after)
	wait_for 10 is_member "$V" "$back"
	wait_settled "$V"
	wait_metadata 5 vol0.map0.state=NORMAL "disk*.serial=$back" -- "$kept" "$back"
	;;
esac
must pattern verify "/dev/$V" 9 0 "$DATA"
