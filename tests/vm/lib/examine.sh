# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What mdmonctl examine and mdadm -E say of the same disks: for the scenarios called examine*, and for some that cut the power.

# The lines of indented JSON on standard input, as PATH=VALUE: "sets[0].copies[1].status=right".
flatten()
{
	awk '
		function path(  i, text) {
			for (i = 1; i <= depth; i++)
				text = text (list[i] ? "[" count[i] "]" : (text == "" ? "" : ".") key[i])
			return text
		}
		{
			line = $0
			sub(/^ +/, "", line)
			sub(/,$/, "", line)
			if (line ~ /^[]}]$/) {
				depth--
				if (depth > 0 && list[depth])
					count[depth]++
				next
			}
			if (depth > 0 && !list[depth]) {
				key[depth] = line
				sub(/^"/, "", key[depth])
				sub(/": .*/, "", key[depth])
				sub(/^"[^"]*": /, "", line)
			}
			if (line ~ /^[[{]$/) {
				depth++
				list[depth] = line == "["
				count[depth] = 0
				next
			}
			gsub(/^"|"$/, "", line)
			print path() "=" line
			if (depth > 0 && list[depth])
				count[depth]++
		}'
}

declare -gA JSON

# examine DISK...: the JSON, flattened, is in /tmp/json and in JSON from now on; the exit status is left in STATUS
# shellcheck disable=SC2034  # the scenarios use it
examine()
{
	local path value

	timeout 20 mdmonctl examine --json "$@" >/tmp/json.raw 2>/tmp/json.err
	STATUS=$?
	flatten </tmp/json.raw >/tmp/json
	JSON=()
	while IFS='=' read -r path value; do
		JSON[$path]=$value
	done </tmp/json
}

# json PATH
json()
{
	echo "${JSON[$1]-}"
}

# assert_json PATH EXPECTED
assert_json()
{
	assert_eq "$1" "$2" "${JSON[$1]-}"
}

# Place in the JSON of the COPYth copy of the Nth disk of "examine": copy_path N PER_DISK COPY
copy_path()
{
	echo "sets[0].copies[$(($1 * $2 + $3))]"
}

# says KEY [N]: the first word behind "KEY : " in the Nth such line (from 0) of /tmp/said
says()
{
	awk -v key="$1" -v nth="${2:-0}" '
		{
			line = $0
			sub(/^ +/, "", line)
			if (index(line, key " : ") == 1 && nth-- == 0) {
				split(substr(line, length(key) + 4), word, " ")
				print word[1]
				exit
			}
		}' /tmp/said
}

# exports KEY [N]: of the lines of /tmp/exported
exports()
{
	sed -n "s/^$1=//p" /tmp/exported | sed -n "$((${2:-0} + 1))p"
}

# Both programs look at DISK.
look_with_mdadm()
{
	mdadm -E "$1" >/tmp/said 2>/dev/null || fail "mdadm -E $1"
	mdadm -E --export "$1" >/tmp/exported 2>/dev/null || fail "mdadm -E --export $1"
}

# is_taken PATH WHO: of a copy
is_taken()
{
	[ "$(json "$1.taken_by[0]")" = "$2" ] || [ "$(json "$1.taken_by[1]")" = "$2" ]
}

# agree_on_copies DISK...: whatever has been left of DDF on a disk, mdadm takes the copy of which examine says so. Sets INCOMPLETE:
# copies that were not written completely.
agree_on_copies()
{
	local i=0 disk which at

	examine "$@"
	for disk in "$@"; do
		look_with_mdadm "$disk"
		for which in 1 2; do
			at=$(copy_path "$i" 3 "$which")
			! is_taken "$at" mdadm ||
				assert_json "$at.metadata.header.sequence_number" "$((0x$(says Seq)))"
		done
		is_taken "$(copy_path "$i" 3 1)" mdadm || is_taken "$(copy_path "$i" 3 2)" mdadm || fail "mdadm is said to take no copy of $disk"
		i=$((i + 1))
	done
	# shellcheck disable=SC2034  # the scenarios use it
	INCOMPLETE=$(grep -c '^sets\[0\].copies\[[0-9]*\].status=incomplete$' /tmp/json)
	[ "$INCOMPLETE" = 0 ] || assert_eq "exit status with an open copy" 1 "$STATUS"
}

# agree_on_generations DISK...: the same for IMSM, of which each disk has one copy. The newest of a family is the one that
# counts. Sets OLD: copies that are said to be older.
agree_on_generations()
{
	local i=0 disk newest=0 families=() generation

	examine "$@"
	for disk in "$@"; do
		mdadm -E "$disk" >/tmp/said 2>/dev/null || { i=$((i + 1)); continue; }
		generation=$((0x$(says Generation)))
		assert_json "$(copy_path "$i" 1 0).metadata.header.generation_num" "$generation"
		if [ "$(says 'RAID Devices')" != 0 ]; then
			families+=("$(says Family)")
			((generation <= newest)) || newest=$generation
		fi
		i=$((i + 1))
	done
	if [ "$(printf '%s\n' "${families[@]}" | sort -u | wc -l)" = 1 ]; then
		assert_json "sets[0].generation" "$newest"
	fi
	# shellcheck disable=SC2034  # the scenarios use it
	OLD=$(grep -c '^sets\[0\].problems\[[0-9]*\].text=.* older than the one that counts' /tmp/json)
	[ "$OLD" = 0 ] || assert_eq "exit status with an older copy" 1 "$STATUS"
}
