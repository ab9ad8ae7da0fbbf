# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What is on the disks. See ../lib.sh.

# metadata TEST... -- DISK...: true if every disk holds it (see peek.h)
metadata()
{
	"$FORMAT-peek" -t "$@"
}

assert_metadata()
{
	local said

	said=$("$FORMAT-peek" -t "$@") || fail "metadata: $said"
	say "on disk: $*"
}

# wait_metadata SECONDS TEST... -- DISK...
wait_metadata()
{
	eventually "$1" "$FORMAT-peek" -t "${@:2}" || fail "metadata after $1 s: $("$FORMAT-peek" -t "${@:2}")"
	say "on disk: ${*:2}"
}

# The value of KEY on DISK.
on_disk()
{
	"$FORMAT-peek" -k "$1" "$2"
}

# With IMSM_DEVNAME_AS_SERIAL mdadm takes the name of a disk that has a serial number, too, from 4.4 on (docs/imsm.md 13).
name_is_serial()
{
	[ -n "${IMSM_DEVNAME_AS_SERIAL:-}" ] && [[ $(mdadm --version 2>&1) != "mdadm - v4."[0-3]?([!0-9]*) ]]
}

# The serial number under which the metadata know DISK.
serial_of()
{
	local page=/sys/block/${1##*/}/device/vpd_pg80

	if [ -e "$page" ] && ! name_is_serial; then
		tail -c +5 "$page" | tr -d ' \0'
	else
		echo "$1"
	fi
}

# entry_of DISK WITNESS: the index of DISK in the disk table on WITNESS.
entry_of()
{
	imsm-peek "$2" | sed -n "s|^disk\\([0-9]*\\)\\.serial=$(serial_of "$1")\$|\\1|p"
}

# know DISK: sets SLOT and ENTRY, for judging the metadata after DISK has failed.
note_place()
{
	SLOT=$(slot_of "$1")
	ENTRY=$(entry_of "$1" "$1")
	[[ -n $SLOT && -n $ENTRY ]] || fail "$1 is no member"
	say "$1 has slot $SLOT, entry $ENTRY in the disk table"
}

# Sums of the metadata areas (last MiB) of disks
metadata_sums()
{
	local disk size

	for disk in "$@"; do
		size=$(($(cat "/sys/block/${disk##*/}/size") * 512))
		pattern sum "$disk" $((size - 1048576)) 0
	done
}

whole_sums()
{
	local disk

	for disk in "$@"; do
		pattern sum "$disk" 0 0
	done
}

# record_metadata WHAT DISK...: into the log, for compare-metadata. Only where what is on the disks does not depend on
# when one looks.
record_metadata()
{
	local what=$1 disk

	shift
	echo "--- metadata $what"
	for disk in "$@"; do
		echo "disk=$disk"
		"$FORMAT-peek" "$disk"
	done
	echo "--- end of metadata"
}
