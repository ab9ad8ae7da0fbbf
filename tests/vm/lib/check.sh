# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What mdmonctl check finds, and following what it advises: for the scenarios called check*.
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

# look_at [CONTAINER...]: what check finds, into JSON; the exit status is left in STATUS
# shellcheck disable=SC2120
look_at()
{
	local path value

	timeout 60 mdmonctl check --json "$@" >/tmp/check.raw 2>/tmp/check.err
	STATUS=$?
	[ ! -s /tmp/check.err ] || fail "mdmonctl check says on its standard error output: $(</tmp/check.err)"
	flatten </tmp/check.raw >/tmp/check.json
	JSON=()
	while IFS='=' read -r path value; do
		value=${value//\\\"/\"}
		JSON[$path]=$value
	done </tmp/check.json
}

look()
{
	# shellcheck disable=SC2119
	look_at
}

show_findings()
{
	timeout 60 mdmonctl check | sed 's/^/  : /'
}

# found NAME SUBJECT: sets AT, the finding's place in JSON
found()
{
	local i

	for ((i = 0; ; i++)); do
		AT="findings[$i]"
		[ -n "${JSON[$AT.name]+x}" ] || return 1
		if [ "${JSON[$AT.name]}" = "$1" ] && [ "${JSON[$AT.subject]}" = "$2" ]; then
			return 0
		fi
	done
}

look_finds()
{
	look && found "$1" "$2"
}

look_finds_not()
{
	look && ! found "$1" "$2"
}

look_is()
{
	look && [ "$STATUS" = "$1" ]
}

# assert_found NAME SUBJECT SEVERITY [WORDS]: within a few seconds. The words are in text, evidence or advice.
assert_found()
{
	eventually 15 look_finds "$1" "$2" || { show_findings; fail "no finding $1 of $2"; }
	say "found $1 of $2: ${JSON[$AT.text]} (${JSON[$AT.evidence]}) To do: ${JSON[$AT.advice]}"
	assert_eq "severity" "$3" "${JSON[$AT.severity]}"
	case $3 in
	critical) assert_eq "exit status" 2 "$STATUS" ;;
	warning) [[ $STATUS = [12] ]] || fail "exit status $STATUS with a warning" ;;
	esac
	[[ "${JSON[$AT.text]} ${JSON[$AT.evidence]} ${JSON[$AT.advice]}" = *"${4-}"* ]] || fail "$1 does not say: $4"
}

# follow NAME SUBJECT [DISK]: does what is advised; a DISK that is left open is that one
follow()
{
	local advice

	found "$1" "$2" || fail "no finding $1 of $2 to follow"
	advice=${JSON[$AT.advice]}
	[ "$advice" != null ] || fail "no advice for $1 of $2"
	[ -z "${3-}" ] || advice=${advice//DISK/${3##*/}}
	say "following: $advice"
	timeout 60 bash -c "$advice" >/tmp/followed 2>&1 || fail "$advice: exit status $?: $(</tmp/followed)"
}

assert_gone()
{
	eventually "${3:-20}" look_finds_not "$1" "$2" || { show_findings; fail "still finding $1 of $2"; }
	say "gone: $1 of $2"
}

assert_fine()
{
	eventually "${1:-20}" look_is 0 || { show_findings; fail "something is still wrong"; }
	say "${JSON[summary]}"
}
