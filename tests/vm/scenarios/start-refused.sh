# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Started on something that it cannot serve, the daemon says so in one line, exits with the documented
# status and writes nothing.
# cases: member no-such-device not-md unknown-metadata native

refused()
{
	local status=$1 pattern=$2 said code

	shift 2
	said=$(timeout 20 /sbin/mdmon "$@" 2>&1 >/dev/null)
	code=$?
	say "mdmon $*: exit $code, says: $said"
	# shellcheck disable=SC2053  # patterns are meant
	[[ $code = $status ]] || fail "exit status: expected $status, found $code"
	# shellcheck disable=SC2053
	[[ $said = $pattern ]] || fail "the message does not match $pattern"
	assert_eq "lines of the message" 1 "$(printf '%s\n' "$said" | wc -l)"
}

new_array()
{
	echo "$1" >/sys/module/md_mod/parameters/new_array
	wait_for 5 test -e "/sys/block/$1/md"
	[ -e "/dev/$1" ] || mknod "/dev/$1" b 9 "${1#md}"
}

case $LEVEL in
member)
	set_up 1
	before=$(metadata_sums "${DISKS[@]}")
	refused 3 "*not a container*" "$V"
	assert_eq "metadata areas" "$before" "$(metadata_sums "${DISKS[@]}")"
	;;
no-such-device) refused 1 '*' /dev/md/nothing ;;
not-md)
	make_disks 1
	refused '[13]' '*ram0*' /dev/ram0
	;;
unknown-metadata)
	new_array md77
	set_attr md77 metadata_version external:foreign
	refused 3 '*unsupported metadata*foreign*' md77
	;;
native)
	new_array md77
	set_attr md77 metadata_version 1.2
	refused 3 '*does not use external metadata*' md77
	;;
esac
