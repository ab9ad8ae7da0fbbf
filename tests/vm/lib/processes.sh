# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Processes of the guest. See ../lib.sh.

alive()
{
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ]
}

gone()
{
	! alive "$1"
}

# Nor does anything of it stay for which the parent has not looked yet: mdadm takes that for a daemon that runs.
reaped()
{
	! kill -0 "$1" 2>/dev/null
}

# CPU time of a process so far, in ticks of 10 ms.
cpu_ticks()
{
	local stat

	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}
