# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of mdmon(8) for bash.

_mdmon()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local words

	COMPREPLY=()
	if [[ $cur == -* ]]; then
		words='--all --foreground --help --offroot --takeover --verbose --version'
	elif [[ $cur == /* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	else
		# Containers: external metadata, and no array in another container ("external:/md127/0").
		words=$(awk '$2 == ":" { name = $1 } /super external:[^-\/]/ { print name }' /proc/mdstat 2>/dev/null)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _mdmon mdmon
