# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The same as the scenario "examine", with DDF: mdmonctl examine says what mdadm -E says, of both copies on each disk.
# ours-only: it is about mdmonctl, whoever serves the container
# timeout: 120
use_format ddf
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

guid_of()
{
	says "$1" "${2:-0}" | tr -d : | tr A-F a-f
}

# compare INDEX DISK: what both say of it, field by field, of both copies
compare()
{
	local at which v

	look_with_mdadm "$2"
	assert_json "$(copy_path "$1" 3 0).copy" anchor
	for which in 1 2; do
		at=$(copy_path "$1" 3 "$which")
		assert_json "$at.device" "$2"
		assert_json "$at.status" right
		assert_json "$at.metadata.header.revision" "$(says Version)"
		assert_json "$at.metadata.header.guid" "$(guid_of 'Container GUID')"
		assert_json "$at.metadata.controller.guid" "$(guid_of 'Controller GUID')"
		assert_json "$at.metadata.header.sequence_number" $((0x$(says Seq)))
		assert_json "$at.metadata.populated_volumes" "$(says 'Virtual Disks')"
		for ((v = 0; v < $(says 'Virtual Disks'); v++)); do
			assert_json "$at.metadata.volumes[$v].guid" "$(guid_of "VD GUID[$v]")"
			assert_json "$at.metadata.volumes[$v].name" "$(says "Name[$v]")"
			assert_json "$at.metadata.volumes[$v].unit" "$(says "unit[$v]")"
			compare_config "$at" "$v"
		done
	done
	assert_eq "metadata of the export" ddf "$(exports MD_METADATA)"
	assert_json "sets[0].uuid" "$(exports MD_UUID)"
	compare_table "$at"
}

# The record of a volume, if this disk has one
compare_config()
{
	local config level

	[ -n "$(says "Raid Devices[$2]")" ] || return 0
	config=$1.metadata.configs.$(json "$1.metadata.volumes[$2].guid")/0
	assert_json "$config.checksum_right" true
	assert_json "$config.primary_element_count" "$(says "Raid Devices[$2]")"
	assert_json "$config.block_count" "$(($(says "Device Size[$2]") * 2))"
	assert_json "$config.vd_size" "$(($(says "Array Size[$2]") * 2))"
	level=$(json "$config.level")
	assert_eq "level of volume $2" "$(says "Raid Level[$2]")" "${level^^}"
}

# Numbers, sizes and states of all disks, in the order of the table
compare_table()
{
	local i=0 number ref size rest

	while read -r number ref size rest; do
		assert_json "$1.metadata.disks[$i].entry" "$number"
		assert_json "$1.metadata.disks[$i].refnum" "$ref"
		assert_json "$1.metadata.disks[$i].configured_size" "$((${size%K} * 2))"
		[[ $rest != *Online* ]] || grep -F "$1.metadata.disks[$i].state[" /tmp/json | grep -q '=online$' ||
			fail "disk $number is not online"
		i=$((i + 1))
	done < <(sed -n '/Number *RefNo/,$p' /tmp/said | grep -E '^ +[0-9]+ +[0-9a-f]{8} ')
	assert_json "$1.metadata.populated_disks" "$i"
}

ddf_set_up 5 1
ddf_volume 1 second 8192 "${MEMBERS[@]:0:2}"
wait_settled "$V1"
hurry "$V1"

say "in use"
examine "${DISKS[@]}"
assert_eq "exit status, in use" 0 "$STATUS"
assert_json healthy true
assert_json "devices[0].changing" true
grep -q "^devices\[0\].held_by\[.\]=$C\$" /tmp/json || fail "it does not say that $C holds the disk: $(grep held_by /tmp/json)"
for i in 0 1 2 3; do
	compare "$i" "${DISKS[i]}"
	assert_json "$(copy_path "$i" 3 1).local.refnum" "${REF[${DISKS[i]}]#0x}"
done
assert_json "$(copy_path 0 3 0).use" member
assert_json "$(copy_path 3 3 0).use" spare
must mdmonctl examine "${DISKS[@]}"

say "while it is written, many times"
start_writer
for i in {1..15}; do
	examine "${DISKS[@]}"
	[ "$STATUS" = 0 ] || fail "exit status $STATUS while it is written: $(grep -e problems -e differs /tmp/json)"
done
stop_writer

say "at rest, and with a copy that is damaged"
stop_all
examine "${DISKS[@]}"
assert_eq "exit status, at rest" 0 "$STATUS"
assert_json "devices[0].changing" false
compare 0 "${DISKS[0]}"
at=$(copy_path 1 3 1)
dd if=/dev/urandom of="${DISKS[1]}" bs=1 count=16 conv=notrunc 2>/dev/null \
	seek=$((($(json "$at.local.primary_lba") + $(json "$at.local.sections.disks.offset")) * 512 + 100))
examine "${DISKS[@]}"
assert_eq "exit status with a damaged copy" 1 "$STATUS"
assert_json "$at.status" damaged
assert_json "$at.taken_by[0]" mdadm
assert_json "$(copy_path 1 3 2).status" right
assert_json "$(copy_path 1 3 2).taken_by[0]" mdmon
[ "$(json "$at.local.sections.disks.fault")" != null ] || fail "it does not say which section is damaged"
mdmonctl examine "${DISKS[@]}" | tail -n 8
