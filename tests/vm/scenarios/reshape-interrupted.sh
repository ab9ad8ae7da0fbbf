# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A reshape does not get through in one go. It goes on where it was, and ends as it would have without; the data are
# what they were.
#
#   hung      the daemon is killed while mdadm waits for its answer: mdadm gives up, mostly. When the volume has been
#             stopped and assembled again, the reshape goes on
#   alone     the daemon is away for so long that mdadm and the kernel complete the reshape without it: the next
#             daemon records the end. A RAID0 has none afterwards: mdadm does it (4.4), or its next assembly
#   takeover  one daemon after the other takes over, under a writer
#   stop      the volume is stopped; when it is assembled again, the reshape goes on, under a writer
# cases: hung-5 hung-0 alone-5 alone-0 alone-chunk-5 takeover-5 stop-5 stop-0 stop-chunk-5
# timeout: 200
# reference: fails@alone-5@alone-chunk-5 - a daemon that is started after the end does not record it
# reference: fails@alone-0@forky - mdadm 4.6 leaves a RAID0 whose reshape is at its end as it assembled it, degraded and blocked
# ours: fails@alone-0@forky - the same

# shape: what kernel and metadata must say in the end
shape()
{
	assert_kernel "level=raid$level" "raid_disks=$after" "chunk_size=$chunk" reshape_position=none \
		"size=$((10240 * (after - (level == 5))))"
	wait_metadata 20 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.map0.failed=255 "vol0.map0.level=$level" \
		"vol0.map0.members=$after" "vol0.map0.strip=$((chunk / 512))" "num_disks=$after" -- "${DISKS[@]:0:after}"
}

begin_writing()
{
	start_writer 20000
	writing=yes
}

# stop_and_assemble: in the middle of the reshape
stop_and_assemble()
{
	stop_volume "$V"
	wait_for 20 no_mdadm
	must mdadm --stop "/dev/$C"
	assert_metadata vol0.migr_state=1 vol0.migr_type=GEN_MIGR -- "${DISKS[@]:0:after}"
	assemble_reshaping "${DISKS[@]:0:after}"
	wait_for 30 attr_is_not "$V" array_state readonly
}

# shellcheck disable=SC2153  # LEVEL comes from init
what=${LEVEL%%-*}
level=${LEVEL##*-}
before=$((level == 5 ? 3 : 2))
after=$((before + 1))
chunk=131072
writing=no
fast_sync
make_disks 5
make_container "${DISKS[@]:0:before}"
make_volume "$level" $before
[ "$level" = 0 ] || wait_settled "$V"
write_data
fill_volume
[[ $what != @(takeover|stop) ]] || begin_writing
# else it may have got to its end when mdadm has stopped the volume, or before the daemon hangs or is gone
[[ $what != @(stop|hung|alone) ]] || slow_sync 4000
if [[ $LEVEL = *-chunk-* ]]; then
	after=$before
	chunk=262144
	grow "/dev/$V" --chunk=256
else
	add_disk "${DISKS[before]}"
	grow /dev/md/c --raid-devices=$after
fi
wait_for 60 reshape_beyond 12000
wait_metadata 5 vol0.migr_type=GEN_MIGR 'vol0.curr_migr_unit>0' -- "${DISKS[@]:0:after}"
case $what in
hung)
	kill -STOP "$(daemon_pid)"
	nap 3
	kill_daemon
	start_daemon
	fast_sync
	wait_for 30 no_mdadm
	if attr_is "$V" reshape_position none; then
		say "mdadm has brought it to an end nevertheless"
		# Then it is a RAID0 again, which no daemon serves, and all that follows is that of alone-0.
		if [ "$level" = 0 ] && metadata vol0.migr_type=GEN_MIGR -- "${DISKS[@]:0:after}"; then
			say "which is not on record: that is the case alone-0"
			succeed
		fi
	else
		say "mdadm has given up; position $(get_attr "$V" reshape_position)"
		stop_and_assemble
	fi
	;;
alone)
	# mdadm does not find it any more
	mv "/run/mdadm/$C.sock" /run/mdadm/hidden
	kill_daemon
	fast_sync
	wait_for 60 no_mdadm
	wait_for 20 attr_is "$V" reshape_position none
	rm /run/mdadm/hidden
	if [ "$level" = 0 ] && metadata vol0.migr_type=none -- "${DISKS[@]:0:after}"; then
		say "mdadm has recorded the end itself, as 4.4 does"
	else
		assert_metadata vol0.migr_type=GEN_MIGR -- "${DISKS[@]:0:after}"
		if [ "$level" = 0 ]; then
			stop_and_assemble
		else
			start_daemon
		fi
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
stop)
	stop_writer
	stop_and_assemble
	fast_sync
	begin_writing
	;;
esac
wait_grown 120
shape
if [ $writing = yes ]; then
	writer_goes_on
	stop_writer
fi
put_block
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
