# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The benchmark's part inside the guest: measure.sh DAEMON FORMAT LEVEL DISKS REPETITIONS DELAY_MS
# Prints "value METRIC MICROSECONDS" (or BYTES) to descriptor 3. With more than four disks only what depends on their number.
# shellcheck source=tests/vm/lib.sh
. /t/lib.sh
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh
DAEMON=$1 FORMAT=$2 LEVEL=$3 disks=$4 repetitions=$5 delay=$6

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

# Disks on which every write takes $delay ms longer
make_slow_disks()
{
	local i mib=64

	make_disks "$disks" $mib
	for ((i = 0; i < disks; i++)); do
		must dmsetup create "slow$i" -m $((20 + i)) -j "$(dm_major)" \
			--table "0 $((mib * 2048)) delay ${DISKS[i]} 0 0 ${DISKS[i]} 0 $delay"
		DISKS[i]=/dev/dm-$((20 + i))
	done
}

# Bytes that were written to all disks so far, into WRITTEN.
count_written()
{
	local disk
	local -a field

	WRITTEN=0
	for disk in "${DISKS[@]}"; do
		read -r -a field <"/sys/block/${disk##*/}/stat"
		WRITTEN=$((WRITTEN + 512 * field[6]))
	done
}

# The first write to a clean array, one more, and what the first one made the daemon write to each disk.
measure_first_write()
{
	local first raw before between

	stay_dirty
	nap 0.5 # what nobody waits for
	count_written
	before=$WRITTEN
	first=$(stall once "/dev/$V" 7 0) || fail "write"
	nap 0.5
	count_written
	between=$WRITTEN
	raw=$(stall once "/dev/$V" 7 0) || fail "write"
	count_written
	value raw-write "$raw"
	value first-write $((first > raw ? first - raw : 0))
	value bytes $(((between - before - (WRITTEN - between)) / disks))
}

# "mdadm --add" of mdadm 4.2 crashes when the container is DDF.
come_back()
{
	case $FORMAT in
	imsm) must mdadm --add "/dev/$C" "$1" ;;
	ddf) insert "$1" ;;
	esac
}

ln -f "/sbin/mdmon.$DAEMON" /sbin/mdmon
fast_sync
make_slow_disks
make_container "${DISKS[@]}"
make_volume "$LEVEL" "$disks" v 8192
wait_settled "$V" 90
WRITER_AT=0
for ((i = 0; i < repetitions; i++)); do
	measure_first_write
done
[ "$disks" -le 4 ] || succeed
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
	eventually 20 mdadm --remove "/dev/$C" "${DISKS[i % 4]}" || fail "cannot remove ${DISKS[i % 4]}"
	must mdadm --zero-superblock "${DISKS[i % 4]}"
	come_back "${DISKS[i % 4]}"
	wait_for 10 is_member "$V" "${DISKS[i % 4]}"
	wait_settled "$V" 90
done
