# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Several starts at the same moment (mdmon.md 5): exactly one daemon afterwards, and the array is served. A start without
# --takeover never ends a daemon.
# cases: none running takeover mixed
# timeout: 90
# ours-only: what the reference does is a matter of luck; it can kill its twin

# starts N WORD...: that many at once; sets STATUSES, sorted
starts()
{
	local n=$1 i pids=() pid

	shift
	for ((i = 0; i < n; i++)); do
		timeout 60 /sbin/mdmon "$@" 2>>/tmp/said &
		pids+=($!)
	done
	STATUSES=()
	for pid in "${pids[@]}"; do
		wait "$pid"
		STATUSES+=($?)
	done
	mapfile -t STATUSES < <(printf '%s\n' "${STATUSES[@]}" | sort)
	say "mdmon $*, $n times: exit ${STATUSES[*]}"
}

EXTRA=0 set_up 1
start_writer 5000
for round in {1..4}; do
	: >/tmp/said
	before=$(daemon_pid)
	case $LEVEL in
	none)
		kill_daemon
		# now and then without the files of the dead one
		[ $((round % 2)) = 0 ] || rm -f "/run/mdadm/$C".*
		starts 4 "$C"
		assert_eq "statuses in round $round" "0 3 3 3" "${STATUSES[*]}"
		;;
	running)
		starts 4 "$C"
		assert_eq "statuses in round $round" "3 3 3 3" "${STATUSES[*]}"
		assert_eq "pid in the file" "$before" "$(daemon_pid)"
		;;
	takeover)
		starts 4 --takeover "$C"
		assert_eq "statuses in round $round" "0 0 0 0" "${STATUSES[*]}"
		wait_for 10 gone "$before"
		;;
	mixed)
		# with and without one that runs
		[ $((round % 2)) = 0 ] || kill_daemon
		(starts 2 --takeover "$C"; [ "${STATUSES[*]}" = "0 0" ] || fail "takeover: exit ${STATUSES[*]}") &
		takers=$!
		starts 2 "$C"
		[[ ${STATUSES[*]} = [03]" 3" ]] || fail "statuses without --takeover: ${STATUSES[*]}: $(cat /tmp/said)"
		[ "${STATUSES[0]}" = 3 ] || [ $((round % 2)) = 1 ] || fail "a start without --takeover found no daemon"
		wait "$takers" || fail "takeover failed"
		;;
	esac
	assert_one_daemon 10
done
writer_goes_on
stop_writer
assert_served
