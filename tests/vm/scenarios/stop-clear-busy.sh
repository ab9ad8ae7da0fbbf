# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# While a tool's write of "inactive" is still removing the volume's sysfs groups, the kernel answers EBUSY to
# the daemon's "clear". The daemon must try again, and must not leave before the volume is really gone.
# cases: 1 3

set_up 5
stay_dirty
pid=$(daemon_pid)
path=/sys/devices/virtual/block/$V/md/array_state
strace -f -o /tmp/strace -p "$pid" -e trace=write,pwrite64 -P "$path" -e inject=write,pwrite64:error=EBUSY:when=1.."$LEVEL" &
wait_for 10 grep -q 'TracerPid:[[:space:]]*[1-9]' "/proc/$pid/status"
stop_volume "$V"
cat /tmp/strace
grep -q '"clear".*EBUSY' /tmp/strace || fail "the daemon did not write clear, or was not disturbed"
[ ! -e "/sys/block/$V" ] || fail "$V is still there: $(get_attr "$V" array_state)"
assert_metadata vol0.dirty=0 -- "${MEMBERS[@]}"
# as in stop_all
[ "$(nproc)" != 1 ] || eventually 10 gone "$pid"
must mdadm --stop "/dev/$C"
wait_for 5 gone "$pid"
