# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The command line (mdmon.md 2.1): wrong usage is status 2, one line that says what is wrong and then the usage, all on
# stderr; help and version go to stdout with status 0; options may be repeated, abbreviated, grouped and mixed with
# the operand.
# cases: wrong help version spelling
# reference: fails@wrong@help@version@spelling - help is on stderr, no version, no word on what is wrong; takeovers in a row leave several daemons

wrong()
{
	run_mdmon "$@"
	expect_status 2 "wrong usage"
	[ -z "$PRINTED" ] || fail "wrong usage prints on stdout: $PRINTED"
	[[ $SAID = *$'\n'*"Usage: mdmon [options] CONTAINER"* ]] ||
		fail "no line that says what is wrong, and then the usage, but: $SAID"
	[[ ${SAID%%$'\n'*} != Usage* ]] || fail "the usage comes first"
}

helped()
{
	run_mdmon "$@"
	expect_status 0 help
	[[ $PRINTED = "Usage: mdmon [options] CONTAINER"* ]] || fail "help prints: $PRINTED"
	for word in "--help*-h" "--all*-a" "--foreground*-F" "--takeover*-t"; do
		# shellcheck disable=SC2053  # patterns are meant
		[[ $PRINTED = *$word* ]] || fail "the usage does not show $word"
	done
}

taken_over()
{
	local before

	before=$(daemon_pid)
	run_mdmon "$@"
	expect_status 0 "takeover by $*"
	[ "$(daemon_pid)" != "$before" ] || fail "$*: the old daemon is still there"
}

case $LEVEL in
wrong)
	wrong
	wrong --nonsense md127
	wrong -x md127
	wrong --all=yes
	wrong md127 md126
	wrong -t md127 md126
	wrong --takeover
	wrong ''
	[ ! -e /run/mdadm ] || fail "it made files"
	;;
help)
	helped -h
	helped --help
	helped --he
	helped nosuch -h
	helped -h md127 md126
	helped --all --takeover --help
	;;
version)
	for words in --version "--version nosuch" "--vers"; do
		# shellcheck disable=SC2086
		run_mdmon $words
		expect_status 0 "$words"
		[[ $PRINTED = *[0-9].[0-9]* && $PRINTED != *$'\n'* ]] || fail "$words prints: $PRINTED"
		[ -z "$SAID" ] || fail "$words says: $SAID"
	done
	;;
spelling)
	set_up 1
	taken_over -t -t "$C"
	taken_over "$C" --takeover
	taken_over --take "$C" --take
	taken_over -t --offroot --offroot -- "$C"
	# -F is ignored with -a, but must not be refused
	taken_over -tat
	assert_one_daemon 10
	/sbin/mdmon -tFtF "$C" 2>/tmp/said &
	foreground=$!
	wait_for 10 eval "[ \"\$(daemon_pid)\" = $foreground ]"
	assert_one_daemon 10
	assert_served
	;;
esac
