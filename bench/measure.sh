# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The benchmark's part inside the guest: measure.sh DAEMON LEVEL REPETITIONS DELAY_MS
# Prints "value METRIC MICROSECONDS" to descriptor 3.
# shellcheck source=tests/vm/lib.sh
. /t/lib.sh
DAEMON=$1 LEVEL=$2 repetitions=$3 delay=$4

value()
{
	echo "value $*" >&3
}

# CPU time of a process so far, all its threads.
cpu_ns()
{
	local file ns rest sum=0

	for file in /proc/"$1"/task/*/schedstat; do
		read -r ns rest <"$file" && sum=$((sum + ns))
	done
	echo "$sum"
}

# Four disks on which every write takes $delay ms longer
make_slow_disks()
{
	local i

	make_disks 4 32
	for i in 0 1 2 3; do
		must dmsetup create "slow$i" -m $((20 + i)) -j "$(dm_major)" \
			--table "0 65536 delay ${DISKS[i]} 0 0 ${DISKS[i]} 0 $delay"
		DISKS[i]=/dev/dm-$((20 + i))
	done
}

ln -f "/sbin/mdmon.$DAEMON" /sbin/mdmon
fast_sync
make_slow_disks
make_container "${DISKS[@]}"
make_volume "$LEVEL" 4 v 8192
wait_settled "$V" 90
WRITER_AT=0
for ((i = 0; i < repetitions; i++)); do
	stay_dirty
	first=$(stall once "/dev/$V" 7 0) || fail "write"
	raw=$(stall once "/dev/$V" 7 0) || fail "write"
	value raw-write "$raw"
	value first-write $((first > raw ? first - raw : 0))
done
pings=$((repetitions * 10))
before=$(cpu_ns "$(daemon_pid)")
for ((i = 0; i < pings; i++)); do
	read -r us _ <<<"$(sockcat ping "/run/mdadm/$C.sock")"
	value ping "$us"
done
value ping-cpu $((($(cpu_ns "$(daemon_pid)") - before) / pings / 1000))
# both in the place of one of their own kind, while an application writes
start_writer 1
for ((i = 0; i < repetitions; i++)); do
	pid=$(daemon_pid)
	kill -USR1 "$WRITER"
	start=${EPOCHREALTIME/./}
	must timeout 60 /sbin/mdmon --takeover "$C"
	ping_daemon >&2
	value takeover $((${EPOCHREALTIME/./} - start))
	wait_for 20 gone "$pid"
	writer_goes_on
	value takeover-write "$(writer_field 2)"
done
stop_writer
for ((i = 0; i < repetitions; i++)); do
	start_writer 1
	writer_passed 5 || wait_for 10 writer_passed 5
	kill -USR1 "$WRITER"
	fail_member "$V" "${DISKS[i % 4]}"
	wait_for 30 no_member "$V" "${DISKS[i % 4]}"
	writer_goes_on
	value failure "$(writer_field 2)"
	stop_writer
	# the same disk comes back as a spare and is rebuilt
	[ $((i + 1)) = "$repetitions" ] && break
	must mdadm --remove "/dev/$C" "${DISKS[i % 4]}"
	must mdadm --zero-superblock "${DISKS[i % 4]}"
	add_disk "${DISKS[i % 4]}"
	wait_for 10 is_member "$V" "${DISKS[i % 4]}"
	wait_settled "$V" 90
done
