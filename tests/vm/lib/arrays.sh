# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Containers and volumes: made, stopped, assembled; what the kernel says of them. See ../lib.sh.

# Disks that a volume of a level has here.
members()
{
	case $1 in
	1) echo 2 ;;
	5) echo 3 ;;
	10) echo 4 ;;
	esac
}

get_attr()
{
	local value=''

	read -r value 2>/dev/null <"/sys/block/$1/md/$2"
	echo "$value"
}

set_attr()
{
	echo "$3" >"/sys/block/$1/md/$2"
}

attr_is()
{
	local value=''

	read -r value 2>/dev/null <"/sys/block/$1/md/$2"
	# shellcheck disable=SC2053  # the expectation may be a pattern
	[[ $value = $3 ]]
}

attr_is_not()
{
	! attr_is "$@"
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
	# shellcheck source=tests/vm/lib/ddf.sh
	[ "$FORMAT" != ddf ] || . /t/lib/ddf.sh
}

make_container()
{
	must mdadm -CR /dev/md/c -e "$FORMAT" -n $# "$@"
	# The name is udev's work, for which mdadm does not wait for ever
	udev_settled
	C=$(basename "$(readlink -f /dev/md/c)")
}

# on VOLUME COMMAND...: does to another volume what is meant for V
with_volume()
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
	attr_is "$1" sync_action idle && attr_is "$1" degraded 0 && attr_is "$1" resync_start none
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
	# shellcheck disable=SC2034  # for the scenarios
	MEMBERS=("${DISKS[@]:0:n}")
	set_attr "$V" safe_mode_delay 0.05
	wait_for 10 attr_is "$V" array_state clean
	ping_daemon
}

# serves_until SECONDS COMMAND...: the daemon has begun without RAM[1], and serves the IMSM volume; after the command that disk has
# what the OTHERS have, in so many seconds, and all is well. Ends with the volume stopped.
serves_until()
{
	local seconds=$1

	shift
	first_write 2000
	assert_metadata vol0.dirty=1 -- "${OTHERS[@]}"
	assert_metadata vol0.dirty=0 -- "${RAM[1]}"
	must attr_is "$V" degraded 0
	"$@"
	wait_metadata "$seconds" vol0.dirty=1 -- "${RAM[@]}"
	set_attr "$V" safe_mode_delay 0.05
	wait_metadata 5 vol0.dirty=0 vol0.map0.state=NORMAL -- "${RAM[@]}"
	check_data
	stop_all
}

# make_other_container DISK...: IMSM with a RAID1, and stopped. The disks are those of somebody else.
make_other_container()
{
	must mdadm -CR /dev/md/d -e imsm -n 2 "$@"
	must mdadm -CR /dev/md/w -l 1 -n 2 -z 10240 --assume-clean /dev/md/d
	C=$(basename "$(readlink -f /dev/md/d)")
	find_volumes
	ping_daemon
	stop_all
	V=''
}

# Two RAID5 volumes of 10 MiB, "first" and "second", on three disks; the second one is stopped, its name is in V1.
set_up_second_stopped()
{
	fast_sync
	make_disks 3
	make_container "${DISKS[@]}"
	make_volume 5 3 first 10240
	wait_settled "$V"
	make_volume 5 3 second 10240
	wait_settled "$V1"
	stop_volume "$V1"
}

# The volume has all its members and is clean, and all of them say so.
all_is_well()
{
	find_members
	if [ "$FORMAT" = ddf ]; then
		hurry "$V"
		assert_optimal 0 "${MEMBERS[@]}"
		assert_agreement "${MEMBERS[@]}"
	else
		wait_clean
		wait_metadata 10 vol0.dirty=0 vol0.map0.state=NORMAL vol0.migr_state=0 vol0.map0.failed=255 -- "${MEMBERS[@]}"
	fi
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
	wait_for 10 attr_is "$V" array_state '@(clean|read-auto)'
	set_attr "$V" safe_mode_delay 60
}

stop_volume()
{
	udev_settled
	stop_now "$1"
}

# stop_now VOLUME: whatever udev does with it. mdadm 4.2 to 4.4 try again when somebody has the array open for a moment, as
# udev does when it sees a change; later ones say that it is busy, even if it has stopped by then.
stop_now()
{
	local said

	said=$(mdadm --stop "/dev/$1" 2>&1) && {
		[ -z "$said" ] || printf '  | %s\n' "$said"
		return 0
	}
	[[ $said = *[Bb]usy* && $(mdadm --version 2>&1) = "mdadm - v4."[5-9]* ]] || fail "mdadm --stop /dev/$1: $said"
	say "mdadm --stop /dev/$1 says: $said"
	udev_settled
	[ ! -e "/sys/block/$1/md/array_state" ] || [ "$(get_attr "$1" array_state)" = clear ] || must mdadm --stop "/dev/$1"
}

stop_all()
{
	local pid

	pid=$(daemon_pid)
	[ -z "$V1" ] || stop_volume "$V1"
	stop_volume "$V"
	# The daemon holds the container for a moment when it leaves, for which mdadm tries five times without a pause. Under
	# valgrind that moment is long, and on one processor the daemon gets none of it.
	[[ ! -e /bin/valgrind && $(nproc) != 1 ]] || eventually 10 gone "$pid"
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
		udev_settled
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
	udev_settled
	C=$(basename "$(readlink -f /dev/md/c)")
	timeout 60 mdadm -IR /dev/md/c >$said 2>&1 </dev/null || fail "assembly: $(<$said)"
	find_volumes
	[ -n "$V" ] || fail "no volume after assembly: $(<$said)"
	say "assembled; position $(get_attr "$V" reshape_position)"
}
