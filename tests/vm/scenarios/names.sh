# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The container may be named in all the ways that any mdadm uses (mdmon.md 2.2). A name that is no md device is status 1
# with a message that says so, and makes nothing: no node, no array, no files.
# cases: good relative bad
# reference: fails@good@relative@bad - it knows neither md/NAME nor initrd/, and makes an array of a name that is none

good()
{
	local before

	before=$(daemon_pid)
	run_mdmon --takeover "$1"
	expect_status 0 "$1"
	wait_for 10 gone "$before"
	[ "$(daemon_pid)" != "$before" ] || fail "$1: the daemon has not been replaced"
}

bad()
{
	run_mdmon "$1"
	expect_status 1 "bad name $1"
	[[ $SAID = *"$1 is not a valid md device name"* ]] || fail "it says: $SAID"
	assert_eq "lines of the message" 1 "$(printf '%s\n' "$SAID" | wc -l)"
}

set_up 1
pid=$(daemon_pid)
case $LEVEL in
good)
	for name in "$C" "/dev/$C" /dev/md/c md/c "initrd/$C" initrd/md/c; do
		good "$name"
	done
	mknod /tmp/node b 9 "$(sed 's/.*://' "/sys/block/$C/dev")"
	ln -s /tmp/node /tmp/link
	good /tmp/node
	good /tmp/link
	# the kernel's name needs no node at all
	mv "/dev/$C" /tmp/moved
	good "$C"
	good "initrd/$C"
	mv /tmp/moved "/dev/$C"
	assert_one_daemon
	assert_served
	;;
relative)
	cd /dev || fail "no /dev"
	good ./md/c
	cd /tmp || fail "no /tmp"
	good "../dev/$C"
	assert_one_daemon
	assert_served
	;;
bad)
	arrays=$(echo /sys/block/md*)
	for name in nosuch md99 md999999 mdx /dev/nothing /dev/md/nothing md/nothing initrd/nothing initrd/ md/ initrd/md/ \
		/dev/ram0 ram0 /dev/null /dev /etc/passwd "/sys/block/$C" "../$C" "../block/$C" . / ' ' "$C "; do
		bad "$name"
	done
	long=$(printf '%05000d' 0)
	run_mdmon "$long"
	expect_status 1 "a name of 5000 characters"
	run_mdmon "/dev/$long"
	expect_status 1 "a path of 5000 characters"
	# what people type: the name without its directory
	run_mdmon c
	expect_status 1 "c"
	[[ $SAID = *"c is not a valid md device name"*/dev/md/c* ]] || fail "no hint at /dev/md/c: $SAID"
	assert_eq arrays "$arrays" "$(echo /sys/block/md*)"
	assert_eq "pid in the file" "$pid" "$(daemon_pid)"
	assert_one_daemon
	;;
esac
