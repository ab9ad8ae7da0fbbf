# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the demo does inside the guest. Everything that the spectator sees goes to descriptor 3, one
# line each, with a first word that tells demo/run how to show it:
#   step TEXT   say TEXT   look TEXT (a state, verbatim)   ok TEXT   bad TEXT   row NAME|VALUE|VERDICT
# It uses the helpers of tests/vm/lib.sh, whose own remarks go to the console log.
# shellcheck source=tests/vm/lib.sh
. /t/lib.sh
DAEMON=$1

tell()
{
	echo "$*" >&3
}

finish()
{
	[ ! -s /tmp/reason ] || tell "bad $(head -n 1 /tmp/reason)"
}
trap finish EXIT

ms()
{
	printf '%d.%d ms' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# The kernel's view and what each disk really holds.
picture()
{
	local line disk rest

	while read -r line; do
		tell "look $line"
	done < <(grep -A 2 "^$V " /proc/mdstat | grep -v '^ *$')
	tell "look array_state: $(get_attr "$V" array_state)   sync_action: $(get_attr "$V" sync_action)"
	for disk in "${DISKS[@]}"; do
		rest=$(imsm-peek "$disk" | awk -F= '{ v[$1] = $2 }
			END {
				if (v["found"] != "yes") { print "no metadata: " v["reason"]; exit }
				if (v["num_volumes"] == 0) { print "says: I am a spare"; exit }
				printf "generation %-3s says: %s, %s", v["generation"], tolower(v["vol0.map0.state"]), \
					v["vol0.dirty"] == 0 ? "clean" : "dirty"
				if (v["vol0.migr_state"]) printf ", %s running", v["vol0.migr_type"] == "INIT" ? "first sync" : "rebuild"
				for (i = 0; i < v["num_disks"]; i++)
					if (v["disk" i ".status"] == "0x6") { name = v["disk" i ".serial"]; sub(/:0.*/, "", name); printf ", %s failed", name }
				print ""
			}')
		tell "look on ${disk##*/}: $rest"
	done
}

# The daemon's own view; only ours has one.
ask_daemon()
{
	local line

	[ "$DAEMON" = ours ] && [ -x /sbin/mdmonctl ] || return 0
	tell "say $1"
	while IFS= read -r line; do
		tell "look $line"
	done < <(timeout 20 mdmonctl status "$C")
}

row()
{
	tell "row $1|$2|${3:-good}"
}

ln -f "/sbin/mdmon.$DAEMON" /sbin/mdmon

tell "step Three disks become a container with a RAID5 volume; a fourth is the spare"
make_disks 4
slow_sync 4000
make_container "${DISKS[@]:0:3}"
make_volume 5 3 v 20480
add_disk "${DISKS[3]}"
tell "say mdadm has started the daemon, process $(daemon_pid), for the container $C."
wait_metadata 10 vol0.migr_type=INIT -- "${DISKS[@]:0:3}"
picture

tell "step The first sync makes the parity right"
tell "say If the power failed now, the disks say themselves that it has to go on."
fast_sync
wait_settled "$V"
set_attr "$V" safe_mode_delay 0.1
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${DISKS[@]:0:3}"
picture
row "First sync recorded on all disks" "normal, clean"

tell "step The first write after a pause"
tell "say It must wait until every disk says \"dirty\": only then a power cut is safe."
stay_dirty
us=$(stall once "/dev/$V" 7 0) || fail "the first write failed"
assert_metadata vol0.dirty=1 -- "${DISKS[@]:0:3}"
again=$(stall once "/dev/$V" 7 4096) || fail "the second write failed"
tell "say The write took $(ms "$us"); the next one, with nothing to wait for, $(ms "$again")."
picture
row "First write (4 KiB, to the disk)" "$(ms "$us")"
row "Next write" "$(ms "$again")"

tell "step The application pauses: the array is marked clean again"
set_attr "$V" safe_mode_delay 0.1
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.dirty=0 -- "${DISKS[@]:0:3}"
tell "ok every disk says clean, without anybody having stopped the array"

tell "step A disk fails while an application writes"
write_data
note_place "${DISKS[1]}"
start_writer 2000
writer_goes_on
kill -USR1 "$WRITER"
slow_sync 8000
now_ms
began=$NOW
fail_member "$V" "${DISKS[1]}"
wait_for 5 no_member "$V" "${DISKS[1]}"
now_ms
out=$((NOW - began))
writer_goes_on
longest=$(writer_field 2)
all_but "${DISKS[1]}" "${DISKS[@]}"
tell "say The failure was recorded, the disk taken out after $out ms;"
tell "say the longest write in this time took $(ms "$longest"), and no write failed."
wait_for 10 is_member "$V" "${DISKS[3]}"
wait_metadata 10 vol0.migr_type=REBUILD vol0.map1.state=DEGRADED "disk*.serial=${DISKS[3]}" -- "${OTHERS[@]}"
tell "say The daemon has put the spare to work already:"
picture
ask_daemon "And what \"mdmonctl status\" shows an administrator:"
row "Failed disk out of the volume after" "$out ms"
row "Longest write around the failure" "$(ms "$longest")"

tell "step The spare is rebuilt while the writing goes on"
writer_goes_on
fast_sync
wait_settled "$V"
writes=$(writer_field 0)
stop_writer
wait_for 10 attr_is "$V" array_state clean
ping_daemon
assert_metadata vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${OTHERS[@]}"
tell "say ${DISKS[1]##*/} still holds what it said before it failed; nobody wrote to it since."
picture
row "Writes under failure and rebuild" "$writes, 0 errors"
row "Rebuilt on the spare" "normal, clean"

tell "step Everything is stopped, and assembled again"
pid=$(daemon_pid)
stop_all
wait_for 5 gone "$pid"
tell "say The volume is gone, and so is the daemon with its files."
assert_metadata vol0.dirty=0 vol0.map0.state=NORMAL -- "${OTHERS[@]}"
assemble "${OTHERS[@]}"
wait_for 5 attr_is "$V" array_state read-auto
assert_eq sync_action idle "$(get_attr "$V" sync_action)"
tell "look array_state: $(get_attr "$V" array_state)   sync_action: $(get_attr "$V" sync_action) (no resync needed)"
row "Assembled without a resync" "yes"

tell "step Are the data still the same?"
check_data
tell "ok all $((DATA >> 20)) MiB, word by word"
row "Data after all this" "intact"
stop_all
tell "finished"
