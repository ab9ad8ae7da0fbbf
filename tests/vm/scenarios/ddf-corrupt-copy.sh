# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One copy of the metadata of one disk is damaged: its header (primary, secondary), its table of physical disks (pds) or
# its records (record). The daemon starts, and the next write makes the copy right again. With both copies damaged (both)
# the disk is left alone, and the other disks serve.
# cases: primary secondary pds record both
# timeout: 90
# reference: fails@both - one unreadable disk makes it refuse the whole container
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# damage SECTOR [BYTE]: of the damaged disk, counted from its primary header
damage()
{
	printf XXXX | dd of="$damaged" bs=1 seek=$((($(cat "/sys/block/${damaged##*/}/size") - 32768 + $1) * 512 + ${2:-0})) \
		conv=notrunc 2>/dev/null
	sync
}

ddf_set_up 5
write_data
stay_dirty
damaged=${DISKS[1]}
all_but "$damaged" "${DISKS[@]}"
kill_daemon
case $LEVEL in
primary) damage 0 ;;
secondary) damage -32768 ;;
pds) damage 2 90 ;;
record) damage 162 520 ;;
both)
	damage 0
	damage -32768
	;;
esac
before=$(metadata_sums "$damaged")
assert_metadata whole!=yes -- "$damaged"
start_daemon
ping_daemon
put_block
assert_metadata vd0.dirty=1 -- "${OTHERS[@]}"
if [ "$LEVEL" = both ]; then
	assert_eq "metadata of the damaged disk" "$before" "$(metadata_sums "$damaged")"
	fail_member "$V" "$damaged"
	wait_for 5 no_member "$V" "$damaged"
	wait_metadata 5 vd0.state=DEGRADED "pd.${REF[$damaged]}.state=0x03" -- "${OTHERS[@]}"
	hurry "$V"
	assert_agreement "${OTHERS[@]}"
	remove_disk "$damaged"
	add_disk "$damaged"
	wait_for 10 is_member "$V" "$damaged"
	wait_settled "$V"
fi
hurry "$V"
assert_optimal 0 "${MEMBERS[@]}"
assert_agreement "${MEMBERS[@]}"
check_data
stop_all
assemble "${MEMBERS[@]}"
assert_eq "missing members" 0 "$(get_attr "$V" degraded)"
check_data
stop_all
