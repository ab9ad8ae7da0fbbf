# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers for the scenarios, the demo and the benchmark; runs inside the guest.
#
# Names used throughout:
#   DISKS   the disks as made by make_disks or make_dm_disks
#   C       the container's kernel name (md127); /dev/md/c
#   V       the kernel name of volume 0; V1 of volume 1
#   LEVEL   the RAID level that the scenario was asked for
#   DAEMON  "ours" or "reference"
#   FORMAT  of the metadata: imsm, or ddf in the scenarios called ddf-* (see ddf-lib.sh) and where use_format says so
#
# A scenario ends well by reaching its end. Anything else is "fail REASON".
set -u
shopt -s extglob

: "${FORMAT:=imsm}"

DISKS=()
C=''
V=''
V1=''
# disks of the volume as set_up made it, and those left by all_but
MEMBERS=()
OTHERS=()
export V1 MEMBERS OTHERS

## Saying and judging

say()
{
	printf '  %s\n' "$*"
}

# show_arrays DISK...: what the kernel says of all arrays, and what is on these disks
show_arrays()
{
	local disk array

	echo "--- /proc/mdstat"
	cat /proc/mdstat
	for array in /sys/block/md*/md; do
		[ -e "$array/array_state" ] || continue
		echo "--- $array: $(cat "$array"/{metadata_version,array_state,sync_action,sync_completed,degraded} 2>/dev/null | tr '\n' ' ')"
		grep -s . "$array"/dev-*/state
	done
	for disk in "$@"; do
		[ -b "$disk" ] || continue
		echo "--- $disk: $(timeout 5 "$FORMAT-peek" "$disk" | grep -v -e size -e version -e pba -e strip -e blocks -e stored | tr '\n' ' ')"
	done
}

show_state()
{
	# dm disks are looked at from below
	show_arrays /dev/ram* /dev/sd* /dev/loop*
	echo "--- processes"
	# without kernel threads, but with what has died and not been waited for
	ps -o pid,stat,args | awk '$2 ~ /^Z/ || !/\[/'
	ls -la /run/mdadm 2>/dev/null
	dmesg | tail -n 40
}

fail()
{
	echo "FAIL: $*"
	echo "$*" >/tmp/reason
	show_state
	exit 1
}

succeed()
{
	exit 0
}

# must COMMAND...: it succeeds, or the scenario fails with what it said.
must()
{
	local said

	said=$("$@" 2>&1) || fail "$*: exit status $?, said: $said"
	[ -z "$said" ] || printf '  | %s\n' "$said"
}

assert_eq()
{
	[ "$2" = "$3" ] || fail "$1: expected $2, found $3"
	say "$1: $3"
}

# assert WHAT COMMAND...
assert()
{
	local what=$1

	shift
	"$@" || fail "$what: not so ($*)"
	say "$what: yes"
}

## Time

# Milliseconds, into NOW: polling must not fork, the emulated machine is slow at that.
now_ms()
{
	NOW=$((${EPOCHREALTIME/./} / 1000))
}

exec {nap_fd}<> <(:)

nap()
{
	read -r -t "$1" -u "$nap_fd" || :
}

# eventually SECONDS COMMAND...: polls; false when time is over.
eventually()
{
	local end

	now_ms
	end=$((NOW + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		now_ms
		[ "$NOW" -lt "$end" ] || return 1
		nap 0.03
	done
}

# wait_for SECONDS COMMAND...
wait_for()
{
	eventually "$@" || fail "waited $1 s in vain for: ${*:2}"
	say "reached: ${*:2}"
}

## Processes

alive()
{
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ]
}

gone()
{
	! alive "$1"
}

# CPU time of a process so far, in ticks of 10 ms.
cpu_ticks()
{
	local stat

	read -r stat <"/proc/$1/stat"
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo $((${12} + ${13}))
}

## Disks

# make_disks N [MIB]
make_disks()
{
	local i

	insmod /modules/brd.ko rd_nr="$1" rd_size=$((${2:-64} * 1024)) || fail "cannot make disks"
	DISKS=()
	for ((i = 0; i < $1; i++)); do
		DISKS+=("/dev/ram$i")
	done
}

# make_dm_disks N [MIB]: disk i is /dev/dm-(20+i). Its last 4 MiB, where the metadata lie, pass
# through a second dm device "t<i>", which can be suspended or made to fail on its own. TAIL=SECTORS: more than 4 MiB.
# What is really stored is in RAM[i].
make_dm_disks()
{
	local i size tail=${TAIL:-8192}

	make_disks "$@"
	RAM=("${DISKS[@]}")
	size=$((${2:-64} * 2048))
	for ((i = 0; i < $1; i++)); do
		must dmsetup create "t$i" -m $((40 + i)) -j "$(dm_major)" \
			--table "0 $tail linear ${RAM[i]} $((size - tail))"
		must dmsetup create "d$i" -m $((20 + i)) -j "$(dm_major)" <<-END
			0 $((size - tail)) linear ${RAM[i]} 0
			$((size - tail)) $tail linear /dev/dm-$((40 + i)) 0
		END
		DISKS[i]=/dev/dm-$((20 + i))
	done
}

# make_scsi_disks N [MIB [SECTOR_SIZE]]: disks with a serial number and a SCSI address of their own
make_scsi_disks()
{
	insmod /modules/scsi_debug.ko add_host="$1" per_host_store=1 dev_size_mb="${2:-64}" \
		sector_size="${3:-512}" || fail "cannot make disks"
	wait_for 20 scsi_disks_ready "$1"
	DISKS=(/dev/sd*)
}

scsi_disks_ready()
{
	local disks

	disks=$(compgen -G '/dev/sd*') && [ "$(wc -l <<<"$disks")" = "$1" ]
}

# make_sparse_disks N BYTES: they take as much memory as is written to them
make_sparse_disks()
{
	local i

	insmod /modules/loop.ko max_loop="$1" || fail "cannot make disks"
	DISKS=()
	for ((i = 0; i < $1; i++)); do
		truncate -s "$2" "/tmp/disk$i"
		must losetup "/dev/loop$i" "/tmp/disk$i"
		rm "/tmp/disk$i"
		DISKS+=("/dev/loop$i")
	done
}

dm_major()
{
	sed -n 's/ device-mapper$//p' /proc/devices | tr -d ' '
}

# metadata_area I suspend|resume|break: the tail of disk I holds up all I/O, passes it, or fails it.
metadata_area()
{
	case $2 in
	break)
		must dmsetup load "t$1" --table "0 ${TAIL:-8192} error"
		must dmsetup suspend --nolockfs --noflush "t$1"
		must dmsetup resume "t$1"
		;;
	suspend) must dmsetup suspend --nolockfs --noflush "t$1" ;;
	resume) must dmsetup resume "t$1" ;;
	esac
}

# break_sectors I START:LENGTH...: these sectors of disk I (made by make_dm_disks, in ascending order) can neither be
# read nor written from now on; without any the disk is as good as new.
break_sectors()
{
	local i=$1 at=0 size range tail=${TAIL:-8192}

	size=$(cat "/sys/block/${RAM[i]##*/}/size")
	shift
	{
		for range; do
			echo "$at $((${range%:*} - at)) linear ${RAM[i]} $at"
			echo "${range%:*} ${range#*:} error"
			at=$((${range%:*} + ${range#*:}))
		done
		echo "$at $((size - tail - at)) linear ${RAM[i]} $at"
		echo "$((size - tail)) $tail linear /dev/dm-$((40 + i)) 0"
	} >/tmp/table
	must dmsetup load "d$i" /tmp/table
	must dmsetup suspend --nolockfs --noflush "d$i"
	must dmsetup resume "d$i"
}

## Arrays

# Disks that a volume of a level has here.
members()
{
	case $1 in
	1) echo 2 ;;
	5) echo 3 ;;
	10) echo 4 ;;
	esac
}

attr()
{
	local value=''

	read -r value 2>/dev/null <"/sys/block/$1/md/$2"
	echo "$value"
}

set_attr()
{
	echo "$3" >"/sys/block/$1/md/$2"
}

is()
{
	local value=''

	read -r value 2>/dev/null <"/sys/block/$1/md/$2"
	# shellcheck disable=SC2053  # the expectation may be a pattern
	[[ $value = $3 ]]
}

is_not()
{
	! is "$@"
}

# The kernel name of volume INDEX of container C.
volume_name()
{
	local file version

	for file in /sys/block/md*/md/metadata_version; do
		read -r version 2>/dev/null <"$file" || continue
		case $version in
		external:?"$C/$1")
			file=${file#/sys/block/}
			echo "${file%%/*}"
			return
			;;
		esac
	done
	return 1
}

find_volumes()
{
	V=$(volume_name 0)
	V1=$(volume_name 1)
}

# use_format imsm|ddf: for a scenario that is about both
use_format()
{
	FORMAT=$1
	# shellcheck source=tests/vm/ddf-lib.sh
	[ "$FORMAT" != ddf ] || . /t/ddf-lib.sh
}

make_container()
{
	must mdadm -CR /dev/md/c -e "$FORMAT" -n $# "$@"
	C=$(basename "$(readlink -f /dev/md/c)")
}

# on VOLUME COMMAND...: does to another volume what is meant for V
on()
{
	# shellcheck disable=SC2034  # the command uses it
	local V=$1

	shift
	"$@"
}

# make_volume LEVEL MEMBERS [NAME [SIZE_K]]
make_volume()
{
	must mdadm -CR "/dev/md/${3:-v}" -l "$1" -n "$2" -z "${4:-10240}" /dev/md/c
	find_volumes
}

slow_sync()
{
	echo "${1:-1000}" >/proc/sys/dev/raid/speed_limit_min
	echo "${1:-1000}" >/proc/sys/dev/raid/speed_limit_max
}

fast_sync()
{
	echo 1000000 >/proc/sys/dev/raid/speed_limit_max
	echo 1000000 >/proc/sys/dev/raid/speed_limit_min
}

# The volume has all its members, nothing runs, and the daemon has said so on all its disks.
settled()
{
	is "$1" sync_action idle && is "$1" degraded 0 && is "$1" resync_start none
}

wait_settled()
{
	wait_for "${2:-40}" settled "$1"
}

# set_up LEVEL [SPARES]: disks (dm disks with DM=yes, SCSI disks with SCSI=SECTOR_SIZE), container, volume, synced;
# clean as soon as idle.
set_up()
{
	local n spares=${2:-0} i

	n=$(members "$1")
	fast_sync
	if [ "${DM:-no}" = yes ]; then
		make_dm_disks $((n + spares + ${EXTRA:-0}))
	elif [ -n "${SCSI:-}" ]; then
		make_scsi_disks $((n + spares + ${EXTRA:-0})) 64 "$SCSI"
	else
		make_disks $((n + spares + ${EXTRA:-0}))
	fi
	make_container "${DISKS[@]:0:n}"
	make_volume "$1" "$n"
	for ((i = n; i < n + spares; i++)); do
		add_disk "${DISKS[i]}"
	done
	wait_settled "$V"
	MEMBERS=("${DISKS[@]:0:n}")
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 is "$V" array_state clean
	ping_daemon
}

add_disk()
{
	must mdadm --add "/dev/$C" "$1"
}

# From a clean array to one that will stay dirty after the next write, while we look.
stay_dirty()
{
	# the idle timer that runs already must not hit us
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 is "$V" array_state '@(clean|read-auto)'
	set_attr "$V" safe_mode_delay 60
}

stop_volume()
{
	must mdadm --stop "/dev/$1"
}

stop_all()
{
	local pid

	pid=$(daemon_pid)
	[ -z "$V1" ] || stop_volume "$V1"
	stop_volume "$V"
	# The daemon holds the container for a moment when it leaves. Under valgrind that moment is long.
	[ ! -e /bin/valgrind ] || eventually 10 gone "$pid"
	must mdadm --stop "/dev/$C"
}

# mdadm 4.3 and 4.4 crash in "mdadm -A" of DDF disks; as they do, of all, with "-e FORMAT", which nobody needs.
assembly_crashes()
{
	[ "$FORMAT" = ddf ] && [[ $(mdadm --version 2>&1) = "mdadm - v4."[34]?([!0-9]*) ]]
}

# The container that has DISK
container_of()
{
	local file version

	for file in /sys/block/md*/md/dev-"${1##*/}"; do
		file=${file%/dev-*}
		read -r version 2>/dev/null <"$file/metadata_version" || continue
		if [ "$version" = "external:$FORMAT" ]; then
			basename "${file%/md}"
			return
		fi
	done
	return 1
}

# assemble_container DISK...: sets C. All at once, or one by one where that crashes.
assemble_container()
{
	local disk

	if ! assembly_crashes; then
		must mdadm -A /dev/md/c "$@"
		C=$(basename "$(readlink -f /dev/md/c)")
		return
	fi
	for disk in "$@"; do
		must mdadm -I "$disk"
	done
	C=$(container_of "$1") || fail "no container after assembly"
	mkdir -p /dev/md
	ln -sf "../$C" /dev/md/c
}

# assemble DISK...
assemble()
{
	assemble_container "$@"
	must mdadm -IR /dev/md/c
	find_volumes
	[ -n "$V" ] || fail "no volume after assembly"
}

# assemble_reshaping DISK...: a volume whose reshape goes on; mdadm stays in the background
assemble_reshaping()
{
	local said=/tmp/assembly

	# files, not pipes: what stays in the background keeps them open
	timeout 60 mdadm -A /dev/md/c "$@" >$said 2>&1 </dev/null || fail "assembly: $(<$said)"
	C=$(basename "$(readlink -f /dev/md/c)")
	timeout 60 mdadm -IR /dev/md/c >$said 2>&1 </dev/null || fail "assembly: $(<$said)"
	find_volumes
	[ -n "$V" ] || fail "no volume after assembly: $(<$said)"
	say "assembled; position $(attr "$V" reshape_position)"
}

## Members

member_dir()
{
	echo "/sys/block/$1/md/dev-${2##*/}"
}

is_member()
{
	[ -e "/sys/block/$1/md/dev-${2##*/}" ]
}

no_member()
{
	! is_member "$1" "$2"
}

member_is()
{
	local state=''

	# shellcheck disable=SC2053  # the expectation may be a pattern
	read -r state 2>/dev/null <"$(member_dir "$1" "$2")/state" && [[ $state = $3 ]]
}

fail_member()
{
	say "failing ${2##*/} in $1"
	echo faulty >"$(member_dir "$1" "$2")/state"
}

# The slot of a disk in volume V.
slot_of()
{
	cat "$(member_dir "$V" "$1")/slot"
}

# all_but DISK DISK...: sets OTHERS
all_but()
{
	local out=$1 disk

	shift
	OTHERS=()
	for disk in "$@"; do
		[ "$disk" = "$out" ] || OTHERS+=("$disk")
	done
}

# What the kernel knows to be bad in a member of volume V, sorted, on one line: "2048 8, 4096 8"
bad_blocks()
{
	sort -n "$(member_dir "$V" "$1")/bad_blocks" | paste -s -d, - | sed 's/,/, /g'
}

bad_blocks_are()
{
	[ "$(bad_blocks "$1")" = "$2" ]
}

# Nothing waits for the daemon to record it.
bad_blocks_acknowledged()
{
	[ -z "$(cat "$(member_dir "$V" "$1")/unacknowledged_bad_blocks")" ] && member_is "$V" "$1" '!(*blocked*)'
}

# The members of volume V in the order of their slots: sets MEMBERS
find_members()
{
	local dir slot

	MEMBERS=()
	for dir in "/sys/block/$V/md"/dev-*; do
		read -r slot 2>/dev/null <"$dir/slot" || continue
		[ "$slot" = none ] || MEMBERS[slot]=/dev/${dir##*/dev-}
	done
}

## Changing the shape of volumes

# Is mdadm at work, be it in the background?
no_mdadm()
{
	local file name

	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		file=${file#/proc/}
		[ "$name" != mdadm ] || gone "${file%/comm}" || return 1
	done
}

# grow ARGUMENT...: returns when mdadm does; what takes long goes on in the background.
grow()
{
	local status

	# a file, not a pipe: what stays in the background keeps it open
	timeout 120 mdadm --grow "$@" >/tmp/grow 2>&1 </dev/null
	status=$?
	say "mdadm --grow $*: exit $status, says: $(</tmp/grow)"
	[ $status = 0 ] || fail "mdadm --grow $*: exit status $status, says: $(</tmp/grow)"
}

# grow_refused ARGUMENT...: mdadm says no. Sets SAID.
grow_refused()
{
	local status

	SAID=$(timeout 120 mdadm --grow "$@" 2>&1 </dev/null)
	status=$?
	say "mdadm --grow $*: exit $status, says: $SAID"
	[[ $status != 0 && $status != 124 ]] || fail "mdadm --grow $* should be refused"
}

unblocked()
{
	is "$1" metadata_version "external:/$C/*" && is "$1" sync_action '@(idle|)'
}

# wait_grown [SECONDS]: mdadm has done its part and left, and nothing runs any more.
wait_grown()
{
	eventually "${1:-90}" no_mdadm || {
		# who waits for whom
		echo w >/proc/sysrq-trigger
		dmesg | tail -n 150
		fail "mdadm is still at work after ${1:-90} s"
	}
	wait_for 20 is "$V" reshape_position none
	wait_for 20 unblocked "$V"
	[ -z "$V1" ] || wait_for 20 unblocked "$V1"
}

# The reshape of volume V has come further than SECTORS.
reshape_beyond()
{
	local position=''

	read -r position 2>/dev/null <"/sys/block/$V/md/reshape_position"
	[[ $position = +([0-9]) && $position -gt $1 ]]
}

# assert_kernel NAME=VALUE...: attributes of volume V; "size" is that of the block device, in KiB
assert_kernel()
{
	local test name found

	for test in "$@"; do
		name=${test%%=*}
		case $name in
		size) found=$(($(cat "/sys/block/$V/size") / 2)) ;;
		*) found=$(attr "$V" "$name") ;;
		esac
		[ "$found" = "${test#*=}" ] || fail "$name of $V: expected ${test#*=}, found $found"
	done
	say "kernel: $V has $*"
}

## The daemon

daemon_pid()
{
	local pid=''

	read -r pid 2>/dev/null <"/run/mdadm/$C.pid"
	echo "$pid"
}

start_daemon()
{
	say "starting the daemon"
	timeout 15 /sbin/mdmon "$C" || fail "the daemon did not start: exit status $?"
}

kill_daemon()
{
	local pid

	pid=$(daemon_pid)
	say "kill -9 of the daemon ($pid)"
	kill -KILL "$pid" || fail "the daemon was not there"
	wait_for 10 gone "$pid"
}

ping_daemon()
{
	must timeout 20 sockcat ping "/run/mdadm/$C.sock"
}

# Which daemon /sbin/mdmon is from now on: ours or reference.
use_daemon()
{
	rm -f /sbin/mdmon
	ln "/sbin/mdmon.$1" /sbin/mdmon
}

# run_mdmon ARGUMENT...: sets STATUS, SAID (what came on stderr) and PRINTED (stdout). Files, not pipes: a daemon
# that kept them open would hold up a $(...) for ever.
run_mdmon()
{
	timeout 60 /sbin/mdmon "$@" >/tmp/printed 2>/tmp/said
	STATUS=$?
	PRINTED=$(</tmp/printed)
	SAID=$(</tmp/said)
	say "mdmon $*: exit $STATUS${PRINTED:+, prints: ${PRINTED%%$'\n'*}}${SAID:+, says: ${SAID%%$'\n'*}}"
}

# expect_status STATUS WHAT: of the last run_mdmon
expect_status()
{
	[ "$STATUS" = "$1" ] || fail "$2: exit status $STATUS instead of $1; says: $SAID"
}

# All processes that are a daemon, or the start of one, into DAEMONS.
list_daemons()
{
	local file name

	DAEMONS=()
	for file in /proc/[0-9]*/comm; do
		read -r name 2>/dev/null <"$file" || continue
		file=${file#/proc/}
		[[ $name = mdmon* || $name = memcheck* ]] && alive "${file%/comm}" && DAEMONS+=("${file%/comm}")
	done
}

is_only_daemon()
{
	list_daemons
	[ "${DAEMONS[*]}" = "$(daemon_pid)" ]
}

# Exactly one daemon is there, the pid file names it, and it answers.
assert_one_daemon()
{
	eventually "${1:-5}" is_only_daemon ||
		fail "there should be one daemon, $(daemon_pid), but there are ${#DAEMONS[@]}: ${DAEMONS[*]}"
	ping_daemon
}

# Volume V is idle: kernel and metadata agree that it is clean.
wait_clean()
{
	find_members
	if is "$V" level raid0; then
		# Debian's may leave it dirty when it needs no daemon any more, which means nothing for this level
		# shellcheck disable=SC2153  # DAEMON comes from init
		[ "$DAEMON" = ours ] || return 0
	else
		set_attr "$V" safe_mode_delay 0.05
		wait_for 10 is "$V" array_state '@(clean|read-auto)'
	fi
	wait_metadata 10 vol0.dirty=0 -- "${MEMBERS[@]}"
}

# The volume is clean at once when idle; a write to it succeeds, and the metadata said "dirty" before it ended.
assert_served()
{
	stay_dirty
	put_block 0
	assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 is "$V" array_state clean
}

## What is on the disks

# metadata TEST... -- DISK...: true if every disk holds it (see peek.h)
metadata()
{
	"$FORMAT-peek" -t "$@"
}

assert_metadata()
{
	local said

	said=$("$FORMAT-peek" -t "$@") || fail "metadata: $said"
	say "on disk: $*"
}

# wait_metadata SECONDS TEST... -- DISK...
wait_metadata()
{
	eventually "$1" "$FORMAT-peek" -t "${@:2}" || fail "metadata after $1 s: $("$FORMAT-peek" -t "${@:2}")"
	say "on disk: ${*:2}"
}

# The value of KEY on DISK.
on_disk()
{
	"$FORMAT-peek" -k "$1" "$2"
}

# The serial number under which the metadata know DISK.
serial_of()
{
	local page=/sys/block/${1##*/}/device/vpd_pg80

	if [ -e "$page" ]; then
		tail -c +5 "$page" | tr -d ' \0'
	else
		echo "$1"
	fi
}

# entry_of DISK WITNESS: the index of DISK in the disk table on WITNESS.
entry_of()
{
	imsm-peek "$2" | sed -n "s|^disk\\([0-9]*\\)\\.serial=$(serial_of "$1")\$|\\1|p"
}

# know DISK: sets SLOT and ENTRY, for judging the metadata after DISK has failed.
know()
{
	SLOT=$(slot_of "$1")
	ENTRY=$(entry_of "$1" "$1")
	[[ -n $SLOT && -n $ENTRY ]] || fail "$1 is no member"
	say "$1 has slot $SLOT, entry $ENTRY in the disk table"
}

# Sums of the metadata areas (last MiB) of disks
metadata_sums()
{
	local disk size

	for disk in "$@"; do
		size=$(($(cat "/sys/block/${disk##*/}/size") * 512))
		pattern sum "$disk" $((size - 1048576)) 0
	done
}

whole_sums()
{
	local disk

	for disk in "$@"; do
		pattern sum "$disk" 0 0
	done
}

# record_metadata WHAT DISK...: into the log, for compare-metadata. Only where what is on the disks does not depend on
# when one looks.
record_metadata()
{
	local what=$1 disk

	shift
	echo "--- metadata $what"
	for disk in "$@"; do
		echo "disk=$disk"
		"$FORMAT-peek" "$disk"
	done
	echo "--- end of metadata"
}

## Data

DATA=$((4 << 20))
# Where the writer writes. No reshape of a scenario pauses there: a write right behind the place where it pauses and
# mdadm, which suspends the array to let it go on, wait for each other for ever in Linux 6.1, whichever daemon there is.
WRITER_AT=$((5 << 20))
FILL=$((8 << 20))

write_data()
{
	must pattern write "/dev/$V" 7 0 $DATA
}

check_data()
{
	must pattern verify "/dev/$V" 7 0 $DATA
	say "data as written"
}

# fill_volume: the rest of V, but for where the writer writes; sets FILLED, the size of V
fill_volume()
{
	FILLED=$(($(cat "/sys/block/$V/size") * 512))
	must pattern write "/dev/$V" 9 $FILL $((FILLED - FILL))
}

# check_filled [SIZE]: V holds what fill_volume wrote when it had that size
check_filled()
{
	must pattern verify "/dev/$V" 9 $FILL $((${1:-$FILLED} - FILL))
	say "data as filled in"
}

# put_block [OFFSET]: one 4 KiB write that must succeed; prints nothing
put_block()
{
	must timeout 30 stall once "/dev/$V" 7 "${1:-0}"
}

start_writer()
{
	rm -f /tmp/writer # of an earlier one
	stall loop "/dev/$V" 8 "$WRITER_AT" 1048576 /tmp/writer "${1:-1000}" &
	WRITER=$!
	eventually 10 writer_passed 0 || fail "the writer does not get going"
}

writer_field()
{
	local fields

	read -r -a fields 2>/dev/null </tmp/writer
	echo "$((10#${fields[$1]:-0}))"
}

writer_passed()
{
	[ "$(writer_field 0)" -gt "$1" ]
}

# The writer makes progress from now on: no hang.
writer_goes_on()
{
	eventually 20 writer_passed $(($(writer_field 0) + 2)) || fail "the writer hangs"
	say "the writer goes on"
}

stop_writer()
{
	kill -TERM "$WRITER"
	eventually 20 gone "$WRITER" || fail "the writer hangs"
	say "writer: $(cat /tmp/writer)"
	wait "$WRITER" || fail "the writer saw errors: $(cat /tmp/writer)"
	[ "$(writer_field 0)" -lt 256 ] || must pattern verify "/dev/$V" 8 "$WRITER_AT" 1048576
}

## Cleaning up (the init process calls this after every scenario)

# Is any process left beside init and ourselves? Kernel threads have no command line.
other_processes()
{
	local pid line

	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		[[ $pid != 1 && $pid != "$$" ]] || continue
		line=''
		read -r -d '' line 2>/dev/null <"/proc/$pid/cmdline"
		[ -n "$line" ] && alive "$pid" && return 0
	done
	return 1
}

release_everything()
{
	local file

	for file in /sys/block/md*/md/dev-*/state; do
		grep -qs faulty "$file" && { echo -blocked >"$file"; } 2>/dev/null
	done
	for file in /sys/block/md*/md/array_state; do
		grep -qs write-pending "$file" && { echo active >"$file"; } 2>/dev/null
	done
	kill -KILL -1 2>/dev/null
	! other_processes
}

clear_arrays()
{
	local file left=1

	# members before containers: a container is busy as long as it has members
	for file in /sys/block/md*/md; do
		[ -e "$file" ] || continue
		left=0
		grep -qs write-pending "$file/array_state" && echo active >"$file/array_state"
		case $(cat "$file/metadata_version") in
		external:[/-]*)
			echo frozen >"$file/sync_action"
			echo active >"$file/array_state"
			echo clear >"$file/array_state"
			;;
		*) echo clear >"$file/array_state" ;;
		esac
	done 2>/dev/null
	[ $left = 1 ]
}

clean_up()
{
	local device

	if compgen -G '/sys/block/dm-*' >/dev/null; then
		for device in $(dmsetup info -c --noheadings -o name,suspended | sed -n 's/:Suspended.*//p'); do
			dmsetup resume "$device"
		done
	fi
	fast_sync
	kill -CONT -1 2>/dev/null
	eventually 10 release_everything || return 1
	grep -o ' /mnt[^ ]*\| /run/[^ ]*' /proc/mounts | while read -r device; do
		umount "$device"
	done
	eventually 10 clear_arrays || return 1
	! compgen -G '/sys/block/dm-*' >/dev/null || dmsetup remove_all --force
	for device in /sys/block/loop*/loop; do
		[ ! -e "$device" ] || losetup -d "/dev/$(basename "${device%/loop}")"
	done
	for device in brd scsi_debug null_blk loop; do
		[ ! -e "/sys/module/$device" ] || rmmod "$device" || return 1
	done
	rm -rf /run/mdadm /dev/md /tmp/*
	return 0
}
