# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# When "mdadm --readwrite" returns, the volume can be written at once; made read-only while dirty, it is clean on disk.
# levels: 1 5

set_up "$LEVEL"
write_data
for round in 1 2 3 4; do
	say "round $round"
	stay_dirty
	put_block
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
	must mdadm --readonly "/dev/$V"
	attr_is "$V" array_state readonly || fail "the volume is $(get_attr "$V" array_state) after --readonly"
	ping_daemon
	attr_is "$V" array_state readonly || fail "the volume is $(get_attr "$V" array_state) after --readonly and a ping"
	must mdadm --readwrite "/dev/$V"
	attr_is "$V" array_state '@(read-auto|clean|active*)' || fail "the volume is $(get_attr "$V" array_state) after --readwrite"
	put_block
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
done
# without a daemon it stays read-only, and the next one looks at it
must mdadm --readonly "/dev/$V"
kill_daemon
echo "external:/$C/0" >"/sys/block/$V/md/metadata_version"
start_daemon
[ "$DAEMON" = ours ] || ping_daemon
put_block
check_data
stop_all
