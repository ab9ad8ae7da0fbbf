# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The part of bench/run inside the guest: measure.sh DAEMON FORMAT LEVEL DISKS REPETITIONS DELAY_MS first|all
# Prints "value METRIC MICROSECONDS" (or BYTES) and "note WHAT TEXT" to descriptor 3. "first": no more than first writes.
# shellcheck source=tests/vm/lib.sh
. /t/lib.sh
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh
DAEMON=$1 FORMAT=$2 LEVEL=$3 disks=$4 repetitions=$5 delay=$6 what=$7

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

# Disks on which every write takes $delay ms longer; one more than the array gets is YARDSTICK.
make_slow_disks()
{
	local i mib=64

	make_disks $((disks + 1)) $mib
	for ((i = 0; i <= disks; i++)); do
		must dmsetup create "slow$i" -m $((20 + i)) -j "$(dm_major)" \
			--table "0 $((mib * 2048)) delay ${DISKS[i]} 0 0 ${DISKS[i]} 0 $delay"
		DISKS[i]=/dev/dm-$((20 + i))
	done
	YARDSTICK=${DISKS[disks]}
	unset "DISKS[disks]"
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

# Waits for what nobody waits for: until no disk is written to any more.
quiet()
{
	local before=-1 i

	for ((i = 0; i < 40; i++)); do
		count_written
		[ "$WRITTEN" != $before ] || return 0
		before=$WRITTEN
		nap 0.3
	done
	fail "the disks are written to all the time"
}

# latency METRIC FIRST NEXT
latency()
{
	value "$1" $(($2 > $3 ? $2 - $3 : 0))
}

# The first write to an array that has been clean for a while, one more, and what the first one made the daemon write to
# each disk; then the first write to one that has just become clean.
measure_first_write()
{
	local us before first next array

	for us in $(probe disk "$YARDSTICK" 4); do
		value disk-write "$us"
	done
	stay_dirty
	quiet
	before=$WRITTEN
	read -r first next <<<"$(probe pair "$V")"
	[ -n "$next" ] || fail "write"
	value raw-write "$next"
	latency first-write "$first" "$next"
	quiet
	array=$((2 * 4096 * copies))
	value bytes $(((WRITTEN - before - array) / disks))
	first=$(probe at-once "$V") || fail "write"
	latency at-once "$first" "$next"
}

# "mdadm --add" of mdadm 4.2 crashes when the container is DDF.
come_back()
{
	case $FORMAT in
	imsm) must mdadm --add "/dev/$C" "$1" ;;
	ddf) insert "$1" ;;
	esac
}

begin()
{
	now_ms
	BEGUN=$NOW
}

# once_more I: is there to be a round I, counted from 0, of what began with "begin"? What takes long has three.
once_more()
{
	now_ms
	[ "$1" -lt "$repetitions" ] && [[ $1 -lt 3 || $((NOW - BEGUN)) -lt 10000 ]]
}

echo "note kernel $(uname -r)" >&3
echo "note mdadm $(mdadm --version 2>&1 | sed 's/^mdadm - v\([^ ]*\).*/\1/')" >&3
ln -f "/sbin/mdmon.$DAEMON" /sbin/mdmon
fast_sync
make_slow_disks
make_container "${DISKS[@]}"
size=4096
[ "$what" = first ] || size=8192
make_volume "$LEVEL" "$disks" v $size
wait_settled "$V" 90
copies=2 # of what is written: two mirrors, or a block and its parity
WRITER_AT=0
begin
for ((i = 0; ; i++)); do
	once_more $i || break
	measure_first_write
done
[ "$what" = all ] || succeed
pings=$((repetitions * 10))
before=$(cpu_ns "$(daemon_pid)")
for ((i = 0; i < pings; i++)); do
	read -r us _ <<<"$(sockcat ping "/run/mdadm/$C.sock")"
	value ping "$us"
done
value ping-cpu $((($(cpu_ns "$(daemon_pid)") - before) / pings / 1000))
# both in the place of one of their own kind, while an application writes
start_writer 1
begin
for ((i = 0; ; i++)); do
	once_more $i || break
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
begin
for ((i = 0; ; i++)); do
	start_writer 1
	writer_passed 5 || wait_for 10 writer_passed 5
	kill -USR1 "$WRITER"
	fail_member "$V" "${DISKS[i % 4]}"
	wait_for 30 no_member "$V" "${DISKS[i % 4]}"
	writer_goes_on
	value failure "$(writer_field 2)"
	stop_writer
	# the same disk comes back as a spare and is rebuilt
	once_more $((i + 1)) || break
	eventually 20 mdadm --remove "/dev/$C" "${DISKS[i % 4]}" || fail "cannot remove ${DISKS[i % 4]}"
	must mdadm --zero-superblock "${DISKS[i % 4]}"
	come_back "${DISKS[i % 4]}"
	wait_for 10 is_member "$V" "${DISKS[i % 4]}"
	wait_settled "$V" 90
done
