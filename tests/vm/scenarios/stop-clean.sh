# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Stopping right after a write leaves clean metadata on every disk, no daemon and no files of it.
# udev: yes
# levels: 1 5 10

set_up "$LEVEL"
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
pid=$(daemon_pid)
stop_volume "$V"
assert_metadata vol0.dirty=0 vol0.migr_state=0 -- "${MEMBERS[@]}"
must mdadm --stop "/dev/$C"
wait_for 5 gone "$pid"
for file in "/run/mdadm/$C.pid" "/run/mdadm/$C.sock"; do
	[ ! -e "$file" ] || fail "$file is still there"
done
[ ! -e "/sys/block/$C" ] || fail "$C is still there"
