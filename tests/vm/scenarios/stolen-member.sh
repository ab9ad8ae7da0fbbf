# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Somebody else takes a failed member out of the volume before the daemon has seen the failure. It is
# recorded all the same, the spare is used, and the daemon does not spin.
# levels: 1 5
# timeout: 90
# reference: fails - the dead descriptor stays in its wait set: 100 % CPU, and the failure is never recorded

set_up "$LEVEL" 1
write_data
pid=$(daemon_pid)
kill -STOP "$pid"
fail_member "$V" "${DISKS[0]}"
dir=$(member_dir "$V" "${DISKS[0]}")
echo remove >"$dir/state" || fail "cannot remove the member by hand"
# the kernel takes the directory away a moment later
wait_for 2 no_member "$V" "${DISKS[0]}"
kill -CONT "$pid"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 5 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial!=${DISKS[0]}" -- "${OTHERS[@]}"
before=$(cpu_ticks "$pid")
nap 2
used=$(($(cpu_ticks "$pid") - before))
say "CPU ticks in 2 s: $used"
[ "$used" -lt 40 ] || fail "the daemon uses $((used / 2)) % CPU"
check_data
