# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed, and one member does not answer when its successor starts. It waits a few seconds for the disk, and says
# that it is ready; the array is served, and the disk is brought up to date when it answers. The same at a takeover: the
# successor waits before it ends the other one, not after.
# cases: 1 5 takeover
# timeout: 120
# reference: fails - it does not start as long as a disk does not answer

seconds() { cut -d. -f1 /proc/uptime; }

if [ "$LEVEL" = takeover ]; then DM=yes set_up 5; else DM=yes set_up "$LEVEL"; fi
write_data
all_but "${RAM[1]}" "${RAM[@]}"
stay_dirty
[ "$LEVEL" = takeover ] || kill_daemon
metadata_area 1 suspend
begun=$(seconds)
if [ "$LEVEL" = takeover ]; then
	timeout 60 mdmon --takeover "$C" || fail "no takeover"
else
	timeout 60 mdmon "$C" || fail "no start"
fi
took=$(($(seconds) - begun))
say "ready after $took s"
[ "$took" -le 20 ] || fail "it was ready after $took seconds only"
serves_until 15 metadata_area 1 resume
