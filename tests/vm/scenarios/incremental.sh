# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks that come one by one, as udev brings them with "mdadm -I": the volume is started with the last one, and a daemon
# serves it. A member that comes late, when the volume runs degraded already, is rebuilt.
# udev: yes
# cases: all late
# timeout: 90

set_up 5
write_data
stop_all
case $LEVEL in
all)
	for disk in "${DISKS[@]}"; do
		must mdadm -I "$disk"
	done
	;;
late)
	must mdadm -I "${DISKS[0]}"
	must mdadm -I "${DISKS[1]}"
	;;
esac
C=$(sed -n 's/^\(md[0-9_a-z]*\) .*/\1/p' /proc/mdstat | while read -r name; do
	[ "$(get_attr "$name" metadata_version)" = external:imsm ] && echo "$name"
done)
[ -n "$C" ] || fail "there is no container"
find_volumes
if [ "$LEVEL" = late ] && [ -z "$V" ]; then
	must mdadm -IRs
	find_volumes
fi
[ -n "$V" ] || fail "there is no volume"
attr_is "$V" array_state '@(read-auto|clean|active*)' || fail "the volume is $(get_attr "$V" array_state)"
assert_one_daemon
put_block
if [ "$LEVEL" = late ]; then
	assert_eq degraded 1 "$(get_attr "$V" degraded)"
	must mdadm -I "${DISKS[2]}"
	is_member "$C" "${DISKS[2]}" || fail "${DISKS[2]} is not in the container"
	wait_for 10 is_member "$V" "${DISKS[2]}"
	wait_settled "$V"
	wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=${DISKS[2]}" -- "${DISKS[@]}"
fi
check_data
stop_all
