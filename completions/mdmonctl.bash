# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of mdmonctl(8) for bash.

# The containers of /proc/mdstat, and those that have a daemon.
_mdmonctl_containers()
{
	local socket

	awk '$2 == ":" { name = $1 } /super external:[^-\/]/ { print name }' /proc/mdstat 2>/dev/null
	for socket in /run/mdadm/*.sock; do
		[[ -e $socket ]] || continue
		socket=${socket##*/}
		printf '%s\n' "${socket%.sock}"
	done
}

_mdmonctl_words()
{
	case $1:$2 in
	:-*) echo '--help --version' ;;
	:*) echo 'ping status watch check events metrics examine' ;;
	ping:-*) echo '--help --manager --timeout' ;;
	status:-* | check:-*) echo '--help --json --timeout' ;;
	watch:-*) echo '--help --interval' ;;
	events:-*) echo '--follow --help --interval --json --timeout' ;;
	metrics:-*) echo '--check --help --output --prometheus --timeout' ;;
	examine:-*) echo '--help --json' ;;
	*) _mdmonctl_containers | sort -u ;;
	esac
}

_mdmonctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=

	COMPREPLY=()
	[[ $COMP_CWORD -eq 1 ]] || command=${COMP_WORDS[1]}
	case $previous in
	--timeout | --interval | -t | -i) return ;; # a number
	esac
	if [[ -n $command && $cur == /* ]] || [[ $command == examine && $cur != -* ]] || [[ $previous =~ ^(--output|-o)$ ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_mdmonctl_words "$command" "$cur")" -- "$cur")
	fi
}

complete -F _mdmonctl mdmonctl
