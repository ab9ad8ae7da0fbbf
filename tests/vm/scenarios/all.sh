# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "--all" and its other spellings (mdmon.md 2.1, 2.3) start a daemon for each container and for nothing else; the status is
# the bitwise OR of all; ps shows the container instead of the word "--all".
# cases: none some
# reference: fails - it does not know --all-active-arrays

all_words=(-a --all --a --all-active-arrays /proc/mdstat "-a md127" "--all nosuch")

# Arrays of both containers are made; names into C, V and C1, W.
two_containers()
{
	local file version

	set_up 1
	make_native
	must mdadm -CR /dev/md/other -e imsm -n 2 "${DISKS[2]}" "${DISKS[3]}"
	must mdadm -CR /dev/md/w -l 1 -n 2 -z 10240 /dev/md/other
	C1=$(basename "$(readlink -f /dev/md/other)")
	for file in /sys/block/md*/md/metadata_version; do
		read -r version <"$file"
		file=${file#/sys/block/}
		[ "$version" != "external:/$C1/0" ] || W=${file%%/*}
	done
	[ -n "$W" ] || fail "there is no second volume"
	wait_settled "$W"
}

# An array without external metadata, which is nobody's business
make_native()
{
	must mdadm -CR /dev/md55 --metadata=1.2 -l 1 -n 2 --assume-clean "${DISKS[4]}" "${DISKS[5]}"
}

pid_of()
{
	local pid=0

	read -r pid 2>/dev/null <"/run/mdadm/$1.pid"
	echo "$pid"
}

kill_both()
{
	local pid

	for pid in "$(pid_of "$C")" "$(pid_of "$C1")"; do
		kill -KILL "$pid"
		wait_for 5 gone "$pid"
	done
}

both_served()
{
	list_daemons
	[ "${#DAEMONS[@]}" = 2 ] || fail "there should be two daemons, not ${DAEMONS[*]}"
	for name in "$C" "$C1"; do
		alive "$(pid_of "$name")" || fail "$name has no daemon"
		must timeout 20 sockcat ping "/run/mdadm/$name.sock"
	done
	must timeout 10 stall once "/dev/$V" 7 0
	must timeout 10 stall once "/dev/$W" 7 0
}

case $LEVEL in
none)
	for words in "${all_words[@]}"; do
		# shellcheck disable=SC2086
		run_mdmon $words
		expect_status 0 "without a container"
		[ -z "$PRINTED$SAID" ] || fail "$words: says $PRINTED$SAID"
	done
	! compgen -G '/run/mdadm/*.pid' || fail "there are pid files"
	;;
some)
	EXTRA=4 two_containers
	kill_both
	run_mdmon --all
	expect_status 0 "start of both"
	both_served
	for name in "$C" "$C1"; do
		tr '\0' ' ' <"/proc/$(pid_of "$name")/cmdline" >/tmp/cmdline
		say "its command line: $(cat /tmp/cmdline)"
		grep -q "$name" /tmp/cmdline || fail "the command line does not name $name"
	done
	run_mdmon /proc/mdstat
	expect_status 3 "both run already"
	both_served
	# one of them runs, the other is started
	first=$(pid_of "$C")
	kill -KILL "$(pid_of "$C1")"
	run_mdmon -a
	expect_status 3 "one runs already"
	[ "$(pid_of "$C")" = "$first" ] || fail "the running daemon has been replaced"
	both_served
	for words in "${all_words[@]}"; do
		before=$(pid_of "$C")-$(pid_of "$C1")
		# shellcheck disable=SC2086
		run_mdmon --takeover $words
		expect_status 0 "takeover of both"
		wait_for 10 gone "${before%-*}"
		wait_for 10 gone "${before#*-}"
		both_served
	done
	;;
esac
