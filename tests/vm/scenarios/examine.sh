# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# mdmonctl examine says what mdadm -E says, of disks in use and of disks at rest, of an image, a spare and a disk that has failed;
# and it leaves them as they were.
# ours-only: it is about mdmonctl, whoever serves the container
# timeout: 120
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

# compare INDEX DISK: what both say of it, field by field
compare()
{
	local at v volumes

	at=$(copy_path "$1" 1 0)
	look_with_mdadm "$2"
	assert_json "$at.device" "$2"
	assert_json "$at.status" right
	assert_json "$at.metadata.header.version" "$(says Version)"
	assert_json "$at.metadata.header.orig_family_num" "$(says 'Orig Family')"
	assert_json "$at.metadata.header.family_num" "$(says Family)"
	assert_json "$at.metadata.header.generation_num" $((0x$(says Generation)))
	assert_json "$at.metadata.header.check_sum" "$(says Checksum)"
	assert_json "$at.metadata.header.num_disks" "$(says Disks)"
	assert_json "$at.metadata.header.num_raid_devs" "$(says 'RAID Devices')"
	assert_eq "metadata of the export" imsm "$(exports MD_METADATA)"
	volumes=$(says 'RAID Devices')
	for ((v = 0; v < volumes; v++)); do
		assert_json "$at.metadata.volumes[$v].name" "$(grep '^\[.*\]:$' /tmp/said | sed -n "$((v + 1))s/^\[\(.*\)\]:\$/\1/p")"
		assert_json "$at.metadata.volumes[$v].uuid" "$(says UUID $((v + 1)))"
		assert_json "$at.metadata.volumes[$v].size" "$(says 'Array Size' "$v")"
		assert_json "$at.metadata.volumes[$v].maps[0].level" "raid$(says 'RAID Level' "$v")"
		assert_json "$at.metadata.volumes[$v].maps[0].num_members" "$(says Members "$v")"
		assert_json "$at.metadata.volumes[$v].maps[0].pba_of_lba0" "$(says 'Sector Offset' "$v")"
		assert_json "$at.metadata.volumes[$v].maps[0].num_data_stripes" "$(says 'Num Stripes' "$v")"
		assert_json "$at.metadata.volumes[$v].rwh_policy" "$(says 'RWH Policy' "$v")"
		assert_json "$at.metadata.volumes[$v].volume_id" "$(says 'Volume ID' "$v")"
	done
	return 0
}

# Serial numbers and sizes, in the order of the table
compare_table()
{
	local at i serial

	at=$(copy_path "$1" 1 0)
	look_with_mdadm "$2"
	for ((i = 0; i < $(says Disks); i++)); do
		serial=$(sed -n "s/^ *Disk0$i Serial : //p" /tmp/said)
		assert_json "$at.metadata.disks[$i].serial" "$serial"
		assert_json "$at.metadata.disks[$i].total_blocks" "$(cat "/sys/block/${serial#/dev/}/size")"
	done
}

fingerprint()
{
	cat "$@" | md5sum
}

EXTRA=2 set_up 5
blank=${DISKS[4]} spare=${DISKS[3]}
make_volume 1 2 second 4096
add_disk "$spare"
wait_settled "$V1"
set_attr "$V1" safe_mode_delay 0.05
wait_for 10 attr_is "$V1" array_state clean
ping_daemon

say "in use"
examine "${MEMBERS[@]}" "$spare"
assert_eq "exit status, in use" 0 "$STATUS"
assert_json healthy true
assert_json "devices[0].changing" true
assert_json "devices[0].kernel_name" "${MEMBERS[0]#/dev/}"
grep -q "^devices\[0\].held_by\[.\]=$C\$" /tmp/json || fail "it does not say that $C holds the disk: $(grep held_by /tmp/json)"
for i in 0 1 2; do
	compare "$i" "${MEMBERS[i]}"
	assert_json "$(copy_path "$i" 1 0).use" member
	assert_json "$(copy_path "$i" 1 0).local.serial" "${MEMBERS[i]}"
	assert_json "$(copy_path "$i" 1 0).local.serial_assumed" false
done
compare_table 0 "${MEMBERS[0]}"
look_with_mdadm "${MEMBERS[0]}"
assert_json "sets[0].uuid" "$(exports MD_UUID)"
assert_json "sets[0].uuid" "$(says UUID)"
assert_json "$(copy_path 3 1 0).use" spare
assert_json "$(copy_path 3 1 0).local.spare_record" true
compare 3 "$spare"
must mdmonctl examine "${MEMBERS[@]}"

say "while it is written, many times"
start_writer
for i in {1..15}; do
	examine "${MEMBERS[@]}"
	[ "$STATUS" = 0 ] || fail "exit status $STATUS while it is written: $(grep -e problems -e differs /tmp/json)"
done
stop_writer

say "without a member, whose copy is older from then on"
fail_member "$V" "${DISKS[0]}"
wait_for 10 no_member "$V" "${DISKS[0]}"
wait_settled "$V"
wait_settled "$V1"
ping_daemon
examine "${DISKS[@]:0:4}"
assert_eq "exit status with a disk that has failed" 1 "$STATUS"
grep -q "^sets\[0\].problems\[.\].device=${DISKS[0]}\$" /tmp/json || fail "nothing is said of ${DISKS[0]}: $(grep problems /tmp/json)"
[ "$(json "sets[0].choice.mdmon.device")" != "${DISKS[0]}" ] || fail "the disk that has failed is chosen"
assert_json "sets[0].choice.mdadm.device" "$(json "sets[0].choice.mdmon.device")"
compare 1 "${DISKS[1]}"
mdmonctl examine "${DISKS[@]:0:4}" | tail -n 12

say "at rest"
all_but "${DISKS[0]}" "${DISKS[@]:0:4}"
stop_all
before=$(fingerprint "${OTHERS[@]}")
examine "${OTHERS[@]}"
assert_eq "exit status, at rest" 0 "$STATUS"
assert_json "devices[0].changing" false
for i in 0 1 2; do
	compare "$i" "${OTHERS[i]}"
done
assert_eq "what is on the disks" "$before" "$(fingerprint "${OTHERS[@]}")"

say "an image, and a disk without metadata"
dd if="${OTHERS[0]}" of=/tmp/image bs=1M 2>/dev/null
examine /tmp/image "${OTHERS[1]}"
assert_eq "exit status of an image" 0 "$STATUS"
assert_json "devices[0].image" true
assert_json "sets[0].copies[0].local.serial_assumed" true
assert_json "sets[0].copies[0].metadata.header.generation_num" "$(json "sets[0].copies[1].metadata.header.generation_num")"
examine "$blank"
assert_eq "exit status of a blank disk" 1 "$STATUS"
assert_eq "lines about a blank disk" 1 "$(wc -l </tmp/json.err)"
grep -q "^mdmonctl: $blank: no IMSM or DDF metadata at its end" /tmp/json.err || fail "$(cat /tmp/json.err)"
