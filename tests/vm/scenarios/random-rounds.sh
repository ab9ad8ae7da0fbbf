# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Fifty rounds of what may happen to a daemon, at random, under a writer: killed and started again, taken over, told to
# leave, several at once. The writer goes on, the data are right, the metadata are clean when idle and say "normal".
# cases: 1 2 3 4
# timeout: 240
# ours-only: the reference takes 3 s for each takeover

# shellcheck disable=SC2153  # LEVEL comes from init
seed=$((LEVEL * 1000 + 7))
RANDOM=$seed
say "seed $seed"
level=1
[ $((seed / 1000 % 2)) = 1 ] || level=5
set_up $level 1
write_data
start_writer $((LEVEL * 700))
counts=(0 0 0 0 0)
for round in {1..50}; do
	kind=$((RANDOM % 5))
	pause=0.0$((RANDOM % 10))$((RANDOM % 10))
	counts[kind]=$((counts[kind] + 1))
	pid=$(daemon_pid)
	case $kind in
	0)
		kill -KILL "$pid"
		nap "$pause"
		timeout 60 /sbin/mdmon "$C" 2>/tmp/said || fail "round $round, after a kill: exit status $?, says $(cat /tmp/said)"
		;;
	1)
		timeout 60 /sbin/mdmon --takeover "$C" 2>/tmp/said || fail "round $round, takeover: exit status $?, says $(cat /tmp/said)"
		;;
	2)
		# killed while its successor starts
		timeout 60 /sbin/mdmon --takeover "$C" 2>/tmp/said &
		starter=$!
		nap "$pause"
		kill -KILL "$pid" 2>/dev/null
		wait "$starter" || fail "round $round, takeover from one that is killed: exit status $?, says $(cat /tmp/said)"
		;;
	3)
		kill -TERM "$pid"
		nap "$pause"
		timeout 60 /sbin/mdmon --takeover "$C" 2>/tmp/said || fail "round $round, after SIGTERM: exit status $?, says $(cat /tmp/said)"
		;;
	4)
		# the successor itself is killed somewhere on its way, perhaps but for a child that it has just made
		/sbin/mdmon --takeover "$C" 2>/tmp/said &
		starter=$!
		nap "$pause"
		list_daemons
		[ ${#DAEMONS[@]} = 0 ] || kill -KILL "${DAEMONS[@]}" 2>/dev/null
		wait "$starter"
		timeout 60 /sbin/mdmon "$C" 2>/tmp/said
		status=$?
		[[ $status = 0 || $(cat /tmp/said) = *"already managed"* ]] ||
			fail "round $round, after all were killed: exit status $status, says $(cat /tmp/said)"
		;;
	esac
	eventually 20 writer_passed $(($(writer_field 0) + 2)) || fail "the writer hangs in round $round, kind $kind, pause $pause"
done
say "rounds of each kind: ${counts[*]}, longest write $(writer_field 2) us"
assert_one_daemon 10
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
all_but "${DISKS[0]}" "${DISKS[@]}"
assert_metadata vol0.dirty=0 vol0.map0.state=NORMAL vol0.migr_state=0 "disk*.serial=${DISKS[-1]}" -- "${OTHERS[@]}"
check_data
stop_all
