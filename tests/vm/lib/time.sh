# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Waiting for what is to happen, with a limit. See ../lib.sh.

# Milliseconds, into NOW: polling must not fork, the emulated machine is slow at that.
now_ms()
{
	NOW=$((${EPOCHREALTIME/./} / 1000))
}

exec {nap_fd}<> <(:)

nap()
{
	read -r -t "$1" -u "$nap_fd" || :
}

# eventually SECONDS COMMAND...: polls; false when time is over.
eventually()
{
	local end

	now_ms
	end=$((NOW + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		now_ms
		[ "$NOW" -lt "$end" ] || return 1
		nap 0.03
	done
}

# wait_for SECONDS COMMAND...
wait_for()
{
	eventually "$@" || fail "waited $1 s in vain for: ${*:2}"
	say "reached: ${*:2}"
}
