# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With the metadata of all disks corrupt the daemon refuses to start (status 3, one line) and leaves all disks alone.
# cases: signature checksum size

make_disks 3
make_container "${DISKS[@]}"
fast_sync
make_volume 5 3
wait_settled "$V"
wait_for 10 attr_is "$V" array_state clean
stay_dirty
kill_daemon
for disk in "${DISKS[@]}"; do
	# bytes of the anchor, 1024 before the end
	case $LEVEL in
	signature) at=0 bytes='XXXX' ;;
	checksum) at=300 bytes='XXXX' ;;
	size) at=36 bytes='\377\377\377\177' ;;
	esac
	# shellcheck disable=SC2059  # the bytes are a format
	printf "$bytes" | dd of="$disk" bs=1 seek=$((64 * 1048576 - 1024 + at)) conv=notrunc 2>/dev/null
done
sync
before=$(whole_sums "${DISKS[@]}")
said=$(timeout 20 /sbin/mdmon "$C" 2>&1)
code=$?
say "exit $code, says: $said"
assert_eq "exit status" 3 "$code"
[ -n "$said" ] || fail "no message"
[[ ${said##*$'\n'} = *annot\ load\ metadata* ]] || fail "the message does not say that the metadata cannot be loaded"
assert_eq "all disks, whole" "$before" "$(whole_sums "${DISKS[@]}")"
