#!/bin/sh
# At the shutdown: after "mdmon --takeover --all", and when the file systems are no longer mounted. tests/systemd/run reads it.
(
	count=0 words=''
	for dir in /proc/[0-9]*; do
		read -r name <"$dir/comm" || continue
		[ "$name" = mdmon ] || continue
		read -r command <"$dir/cmdline"
		count=$((count + 1)) words="$words ${dir#/proc/} $command"
	done
	echo "rig: at the shutdown $count daemons:$words" >/dev/console
) 2>/dev/null
