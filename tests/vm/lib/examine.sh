# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What mdmonctl examine and mdadm -E say of the same disks, for the scenarios called examine*.

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

# Place in the JSON of the COPYth copy of the Nth disk of "examine": copy N PER_DISK COPY
copy()
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
