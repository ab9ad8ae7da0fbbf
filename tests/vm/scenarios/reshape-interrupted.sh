# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A reshape does not get through in one go: the daemon is killed, or replaced by another one, or the volume is stopped
# in the middle. It goes on where it was, and ends as it would have without; the data are what they were all the time.
# cases: kill-5 kill-0 takeover-5 stop-5 stop-0 stop-chunk-5
# timeout: 240

# shape: what kernel and metadata must say in the end
shape()
{
	assert_kernel "level=raid$level" "raid_disks=$after" "chunk_size=$chunk" reshape_position=none \
		"size=$((10240 * (after - (level == 5))))"
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 "vol0.map0.level=$level" \
		"vol0.map0.members=$after" "vol0.map0.strip=$((chunk / 512))" "num_disks=$after" -- "${DISKS[@]:0:after}"
}

what=${LEVEL%-*}
level=${LEVEL##*-}
before=$((level == 5 ? 3 : 2))
after=$((before + 1))
chunk=131072
fast_sync
make_disks 5
make_container "${DISKS[@]:0:before}"
make_volume "$level" $before
[ "$level" = 0 ] || wait_settled "$V"
write_data
fill_volume
start_writer 20000
if [ "$what" = stop-chunk ]; then
	after=$before
	chunk=262144
	grow "/dev/$V" --chunk=256
else
	add_disk "${DISKS[before]}"
	grow /dev/md/c --raid-devices=$after
fi
wait_for 60 reshape_beyond 12000
assert_metadata vol0.migr_type=GEN_MIGR -- "${DISKS[@]:0:after}"
case $what in
kill)
	kill_daemon
	start_daemon
	# without the daemon mdadm may have given up; then this is how to go on
	if eventually 10 no_mdadm; then
		say "mdadm has given up"
		timeout 60 mdadm --grow --continue "/dev/$V" >/tmp/grow 2>&1 </dev/null
		say "mdadm --grow --continue: exit $?, says $(</tmp/grow)"
	fi
	;;
takeover)
	for round in 1 2 3; do
		pid=$(daemon_pid)
		run_mdmon --takeover "$C"
		expect_status 0 "takeover $round"
		wait_for 10 gone "$pid"
		nap 0.7
	done
	;;
stop*)
	stop_writer
	stop_volume "$V"
	wait_for 20 no_mdadm
	must mdadm --stop "/dev/$C"
	assert_metadata vol0.migr_state=1 vol0.migr_type=GEN_MIGR 'vol0.curr_migr_unit>1' -- "${DISKS[@]:0:after}"
	timeout 60 mdadm -A /dev/md/c -e imsm "${DISKS[@]:0:after}" >/tmp/said 2>&1 </dev/null || fail "assembly: $(</tmp/said)"
	C=$(basename "$(readlink -f /dev/md/c)")
	timeout 60 mdadm -IR /dev/md/c >/tmp/said 2>&1 </dev/null || fail "assembly: $(</tmp/said)"
	find_volumes
	[ -n "$V" ] || fail "no volume after assembly"
	say "assembled; position $(attr "$V" reshape_position)"
	wait_for 30 is_not "$V" array_state readonly
	start_writer 20000
	;;
esac
wait_grown 120
shape
writer_goes_on
stop_writer
wait_clean
record_metadata "when it has ended" "${DISKS[@]:0:after}"
check_data
check_filled
stop_all
assemble "${DISKS[@]:0:after}"
shape
check_data
check_filled
put_block
if [ "$level" = 5 ]; then
	add_disk "${DISKS[4]}"
	fail_member "$V" "${DISKS[0]}"
	wait_for 20 is_member "$V" "${DISKS[4]}"
	wait_settled "$V"
	check_filled
fi
stop_all
