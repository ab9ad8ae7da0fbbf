# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon is killed in the middle of putting a spare into service, at each of the writes to the kernel that
# belong to it. The new daemon finishes the job.
# cases: frozen new_dev slot recover
# timeout: 90
# reference: fails@new_dev@slot - sync_action stays "frozen", as its predecessor left it, and the rebuild never starts

set_up 5 1
write_data
spare=${DISKS[-1]}
case $LEVEL in
slot) path=$(member_dir "$V" "$spare")/slot ;;
new_dev) path=/sys/block/$V/md/new_dev ;;
*) path=/sys/block/$V/md/sync_action ;;
esac
# Its main thread writes only "recover"; what may take long another thread writes, "frozen" first.
follow=-f
[ "$LEVEL" != recover ] || follow=
# shellcheck disable=SC2086  # empty means no word
strace $follow -o /tmp/strace -p "$(daemon_pid)" -e trace=write,pwrite64 -P "$path" -P "/sys/devices/virtual${path#/sys}" \
	-e inject=write,pwrite64:signal=KILL:when=1 &
tracer=$!
wait_for 5 grep -q "TracerPid:[[:space:]]$tracer" "/proc/$(daemon_pid)/status"
fail_member "$V" "${DISKS[0]}"
wait_for 15 gone "$(daemon_pid)"
grep -c . /tmp/strace
start_daemon
wait_for 10 is_member "$V" "$spare"
wait_for 10 attr_is_not "$V" sync_action frozen
wait_settled "$V"
put_block
all_but "${DISKS[0]}" "${DISKS[@]}"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL "disk*.serial=$spare" "disk*.serial!=${DISKS[0]}" -- "${OTHERS[@]}"
check_data
