# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Ours follows Debian's daemon and Debian's ours, under a writer without a pause: while nothing else happens, and in the
# middle of a rebuild that the one before has begun. Each carries on and ends what it found: no write fails, the data are
# right, the metadata say that all is well and clean, and mdadm assembles the volume so, with nothing to resync.
# udev: yes
# cases: imsm-1 imsm-5 imsm-10 ddf-1 ddf-6
# timeout: 120
# ours-only: each case is about both

# follow DAEMON: it takes over
follow()
{
	local before ours=yes

	before=$(daemon_pid)
	use_daemon "$1"
	must timeout 60 /sbin/mdmon --takeover "$C"
	eventually 30 gone "$before" || fail "the old daemon is still there"
	assert_one_daemon 10
	[ ! "/proc/$(daemon_pid)/exe" -ef /sbin/mdmon.reference ] || ours=no
	[ "$1/$ours" = ours/yes ] || [ "$1/$ours" = reference/no ] || fail "it is not the daemon that was started"
	writer_goes_on
	say "$1 has followed, longest write $(writer_field 2) us"
}

# let_go DISK: no member any more. Debian's tries it once and then when something else wakes it (mdmon.md 10.4).
let_go()
{
	no_member "$V" "$1" && return 0
	ping_daemon
	no_member "$V" "$1"
}

# rebuild_across DISK NEW DAEMON: DISK fails, NEW takes its place, and that daemon follows in the middle
rebuild_across()
{
	slow_sync
	fail_member "$V" "$1"
	eventually 20 let_go "$1" || fail "$1 is still a member"
	[ "$FORMAT" = imsm ] || remove_disk "$1"
	add_disk "$2"
	wait_for 20 is_member "$V" "$2"
	wait_for 10 attr_is "$V" sync_action recover
	writer_goes_on
	follow "$3"
	attr_is "$V" sync_action recover || fail "the rebuild is over: $(get_attr "$V" sync_action)"
	fast_sync
	wait_settled "$V"
	is_member "$V" "$2" || fail "$2 has been lost"
	member_is "$V" "$2" '*in_sync*' || fail "$2 is not in sync"
	writer_goes_on
}

# shellcheck disable=SC2153  # LEVEL comes from init
use_format "${LEVEL%-*}"
level=${LEVEL#*-}
if [ "$FORMAT" = ddf ]; then
	EXTRA=2 ddf_set_up "$level"
else
	EXTRA=2 set_up "$level"
fi
write_data
set_attr "$V" safe_mode_delay 0.05
start_writer 500
follow reference
rebuild_across "${MEMBERS[1]}" "${DISKS[-1]}" ours
rebuild_across "${MEMBERS[0]}" "${DISKS[-2]}" reference
follow ours
stop_writer
all_is_well
check_data
stop_all
assemble "${MEMBERS[@]}"
if ! attr_is "$V" resync_start none || ! attr_is "$V" sync_action idle; then
	fail "the volume is resynced"
fi
attr_is "$V" degraded 0 || fail "the volume is degraded"
check_data
put_block
all_is_well
