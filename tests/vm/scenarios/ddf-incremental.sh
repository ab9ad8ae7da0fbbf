# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks that come one by one, as udev brings them with "mdadm -I", in any order. One of them was absent when the volume
# was last written to: whether it comes first, second or last, it is not taken for a member that is in sync.
# udev: yes
# cases: all stale-first stale-second stale-last
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

ddf_set_up 5
write_data
stop_all
if [ "$LEVEL" = all ]; then
	order=("${MEMBERS[2]}" "${MEMBERS[0]}" "${MEMBERS[1]}")
else
	stale=${MEMBERS[0]}
	fresh=("${MEMBERS[1]}" "${MEMBERS[2]}")
	assemble "${fresh[@]}"
	hurry "$V"
	must pattern write "/dev/$V" 9 0 "$DATA"
	stop_all
	assert_closed "${fresh[@]}"
	case $LEVEL in
	stale-first) order=("$stale" "${fresh[@]}") ;;
	stale-second) order=("${fresh[0]}" "$stale" "${fresh[1]}") ;;
	stale-last) order=("${fresh[@]}" "$stale") ;;
	esac
fi
for disk in "${order[@]}"; do
	say "mdadm -I $disk: $(mdadm -I "$disk" 2>&1)"
done
V=''
for file in /sys/block/md*/md; do
	C=$(basename "${file%/md}")
	attr_is "$C" metadata_version external:ddf || continue
	find_volumes
	[ -n "$V" ] || say "mdadm -IR: $(mdadm -IR "/dev/$C" 2>&1)"
	find_volumes
	[ -z "$V" ] || break
done
[ -n "$V" ] || fail "no volume"
assert_one_daemon
if [ "$LEVEL" = all ]; then
	assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
	check_data
	put_block
	hurry "$V"
	assert_optimal 0 "${MEMBERS[@]}"
else
	must pattern verify "/dev/$V" 9 0 "$DATA"
	put_block "$DATA"
	is_member "$V" "$stale" && wait_settled "$V"
	hurry "$V"
	# once more with what the stale disk brings in
	fail_member "$V" "${fresh[0]}"
	if is_member "$V" "$stale"; then
		must pattern verify "/dev/$V" 9 0 "$DATA"
	fi
fi
