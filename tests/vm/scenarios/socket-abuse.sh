# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A hundred silent clients, twenty that send byte by byte, twenty that never read their answers, others with garbage, and a
# storm of connections, all at once, while the volume is written, a member fails and a spare is rebuilt: no ping takes
# more than 2 s, the failure is recorded, the spare is used, the writer sees no error.
# timeout: 90
# reference: fails - it serves one client at a time and waits 3 s for each

set_up 5 1
write_data
sock=/run/mdadm/$C.sock
pid=$(daemon_pid)
timeout 20 sockcat latency "$sock" 2 | sed 's/^/  before: /'
start_writer
abuse "$sock" 100 20 20 5 10 >/tmp/abuse &
abuse=$!
nap 1
sockcat latency "$sock" 60 >/tmp/latency &
latency=$!
nap 3.5
slow_sync 4000
fail_member "$V" "${DISKS[0]}"
all_but "${DISKS[0]}" "${DISKS[@]:0:3}"
# recorded as failed, or replaced by the spare already
wait_metadata 5 "disk*.serial!=${DISKS[0]}" -- "${OTHERS[@]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
fast_sync
wait_settled "$V"
writer_goes_on
nap 4
kill -TERM "$latency"
wait_for 30 gone "$latency"
read -r _ pings _ failed _ median _ max </tmp/latency
say "pings: $pings, not answered: $failed, median $median us, longest $max us"
kill -TERM "$abuse"
wait_for 10 gone "$abuse"
say "abuse: $(cat /tmp/abuse)"
[ "$pings" -gt 10 ] || fail "only $pings pings were answered"
assert_eq "pings not answered" 0 "$failed"
[ "$max" -lt 2000000 ] || fail "a ping took $max us"
stop_writer
assert_eq "pid in the file" "$pid" "$(daemon_pid)"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=${DISKS[-1]}" "num_volumes=1" -- "${OTHERS[@]}"
say "descriptors: $(find "/proc/$pid/fd" -type l | wc -l)"
eventually 10 eval "[ \$(find /proc/$pid/fd -type l | wc -l) -lt 80 ]" || fail "it keeps connections of clients that have gone"
check_data
stop_all
