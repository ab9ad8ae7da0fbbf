# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A degraded volume on whose record a check or a repair goes on, as firmware and other systems leave it: md runs it, and
# there is nothing to check. The record ends, and a spare is rebuilt at once.
# udev: yes
# cases: check-1 check-5 check-10 repair-1 repair-5
# timeout: 90

type=${LEVEL%-*}
EXTRA=1 set_up "${LEVEL#*-}"
write_data
note_place "${DISKS[1]}"
all_but "${DISKS[1]}" "${MEMBERS[@]}"
fail_member "$V" "${DISKS[1]}"
wait_metadata 5 vol0.map0.state=DEGRADED -- "${OTHERS[@]}"
stop_all
must imsm-poke "$type" 2 2 "${OTHERS[@]}"
say "on disk: $(imsm-peek "${OTHERS[0]}" | grep vol0.migr)"
case $type in
check) recorded=VERIFY ;;
repair) recorded=REPAIR ;;
esac
assert_metadata checksum=ok vol0.migr_state=1 "vol0.migr_type=$recorded" vol0.map1.state=DEGRADED -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
check_data
put_block
add_disk "${DISKS[-1]}"
wait_settled "$V"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 -- "${OTHERS[@]}" "${DISKS[-1]}"
check_data
