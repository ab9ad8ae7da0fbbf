# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# How far a run of many tests has come, for somebody who watches: so many of so many, and the time left, which is
# what the rest took when it ran last. On a terminal the last line is rewritten and names what is running; elsewhere
# each line ends with the count. Sourced by run-unit and vm/run, whose workers are processes of their own: what they
# share lies in files of a directory.

progress=${progress:-} # that directory; workers have it from the environment

# progress_open DIRECTORY TIMES JOBS: begins a run in which JOBS tests run at a time. Reads their names, one a line.
# TIMES is the file that keeps the times, lines "NAME MILLISECONDS".
progress_open()
{
	export progress=$1
	touch "$2"
	ln -sf "$(realpath "$2")" "$progress/times"
	echo "$3" >"$progress/jobs"
	: >"$progress/took"
	: >"$progress/now"
	: >"$progress/failed"
	# What has never run is taken to last as long as the others do.
	awk -v times="$progress/times" '
		BEGIN {
			while ((getline line < times) > 0) {
				split(line, word, " ")
				last[word[1]] = word[2]
			}
		}
		{
			name[NR] = $1
			if ($1 in last) {
				sum += last[$1]
				known++
			}
		}
		END {
			for (i = 1; i <= NR; i++)
				print name[i], name[i] in last ? last[name[i]] : known ? int(sum / known) : 0
		}' >"$progress/expected"
}

# progress_start NAME: it runs from now on.
progress_start()
{
	{
		flock 7
		echo "$1" >>"$progress/now"
		progress_draw
	} 7>"$progress/lock"
}

# progress_end NAME MILLISECONDS TEXT [FAILURE]: it has ended. TEXT is printed now, FAILURE, one line, at the end.
progress_end()
{
	{
		flock 7
		echo "$1 $2" >>"$progress/took"
		grep -vxF -- "$1" "$progress/now" >"$progress/now.new"
		mv "$progress/now.new" "$progress/now"
		[ -z "${4:-}" ] || echo "  $1: $4" >>"$progress/failed"
		progress_say "$3"
		progress_draw
	} 7>"$progress/lock"
}

# progress_forget NAME: it has failed, but is run again.
progress_forget()
{
	grep -v -- "^  $1: " "$progress/failed" >"$progress/failed.new"
	mv "$progress/failed.new" "$progress/failed"
}

# progress_close: ends the run, names what failed, and keeps the times for the next one.
progress_close()
{
	progress_erase
	if [ -s "$progress/failed" ]; then
		echo "failed:"
		sort "$progress/failed"
	fi
	awk '{ ms[$1] = $2 } END { for (name in ms) print name, ms[name] }' "$progress/times" "$progress/took" |
		sort >"$progress/times.new"
	cat "$progress/times.new" >"$progress/times"
}

# "12 of 187, 4:10 left"
progress_count()
{
	awk -v jobs="$(cat "$progress/jobs")" '
		FILENAME ~ /took$/ {
			done[$1] = 1
			n++
			next
		}
		{
			total++
			if (!($1 in done)) {
				left += $2
				if ($2 > longest)
					longest = $2
			}
		}
		END {
			printf "%d of %d", n, total
			if (left / jobs > longest)
				longest = left / jobs
			seconds = int(longest / 1000 + 0.5)
			if (seconds)
				printf ", %d:%02d left", seconds / 60, seconds % 60
		}' "$progress/took" "$progress/expected"
}

progress_erase()
{
	[ ! -t 1 ] || printf '\r\033[K'
}

progress_say()
{
	[ -n "$1" ] || return 0
	if [ -t 1 ]; then
		progress_erase
		printf '%s\n' "$1"
	else
		# The count goes to the first line.
		printf '%s\n' "$1" | sed "1s/\$/  [$(progress_count)]/"
	fi
}

# The line at the bottom of a terminal, cut at its width.
progress_draw()
{
	local failed='' line

	[ -t 1 ] || return 0
	[ ! -s "$progress/failed" ] || failed=", $(wc -l <"$progress/failed") failed"
	line="$(progress_count)$failed: $(paste -sd ' ' "$progress/now")"
	printf '\r\033[K%s' "${line:0:$(($(tput cols 2>/dev/null || echo 80) - 1))}"
}
