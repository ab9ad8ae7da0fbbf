# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the scenarios called ddf-* need beyond lib.sh: volumes of all kinds that DDF knows, disks named by their reference
# numbers, and judgements of what is on all disks together.
#
# Names used throughout:
#   REF[DISK]   the reference number of a disk, as learned by "learn"

declare -gA REF

# The metadata and their copies take the last 32 MiB of a disk; this is for make_dm_disks.
export TAIL=65536

## Kinds of volumes

# kind KIND: sets ARGS (of mdadm), COUNT (disks), WEAK (the state when one of them is lost)
# shellcheck disable=SC2034  # the scenarios use them
kind()
{
	WEAK=DEGRADED
	case $1 in
	1) ARGS=(-l 1) COUNT=2 ;;
	1-of-3) ARGS=(-l 1) COUNT=3 WEAK=PARTIAL ;;
	1e) ARGS=(-l 10 -p n2) COUNT=3 ;;
	1e-far) ARGS=(-l 10 -p f2) COUNT=3 ;;
	4) ARGS=(-l 4) COUNT=3 ;;
	5) ARGS=(-l 5) COUNT=3 ;;
	5-la | 5-ra) ARGS=(-l 5 -p "${1#5-}") COUNT=3 ;;
	6) ARGS=(-l 6) COUNT=4 WEAK=PARTIAL ;;
	6-zero) ARGS=(-l 6 -p ddf-zero-restart) COUNT=4 WEAK=PARTIAL ;;
	6-n) ARGS=(-l 6 -p ddf-N-restart) COUNT=4 WEAK=PARTIAL ;;
	10) ARGS=(-l 10) COUNT=4 ;;
	10-of-6) ARGS=(-l 10) COUNT=6 ;;
	10-n3) ARGS=(-l 10 -p n3) COUNT=6 WEAK=PARTIAL ;;
	*) fail "no such kind of volume: $1" ;;
	esac
}

# ddf_volume KIND NAME SIZE_K DISK...: on these disks, or on as many as needed of those of a container
ddf_volume()
{
	local name=$2 size=$3

	kind "$1"
	shift 3
	must mdadm -CR "/dev/md/$name" "${ARGS[@]}" -n "$COUNT" -z "$size" "$@"
	find_volumes
}

# ddf_set_up KIND [SPARES]: disks (dm disks with DM=yes; EXTRA more), a container with spares, a volume, synced; clean
# as soon as idle. MEMBERS are in the order of their slots.
ddf_set_up()
{
	local spares=${2:-0}

	kind "$1"
	fast_sync
	if [ "${DM:-no}" = yes ]; then
		make_dm_disks $((COUNT + spares + ${EXTRA:-0}))
	else
		make_disks $((COUNT + spares + ${EXTRA:-0}))
	fi
	make_container "${DISKS[@]:0:COUNT+spares}"
	ddf_volume "$1" v "${SIZE:-10240}" "${DISKS[@]:0:COUNT}"
	wait_settled "$V"
	hurry "$V"
	find_members
	learn "${DISKS[@]:0:COUNT+spares}"
}

# hurry VOLUME: clean as soon as idle from now on, and on the disks
hurry()
{
	set_attr "$1" safe_mode_delay 0.05
	wait_for 10 attr_is "$1" array_state '@(clean|read-auto)'
	ping_daemon
}

## Disks

# The disk in which the bytes of DISK really are
below()
{
	case $1 in
	/dev/dm-2?) echo "${RAM[${1#/dev/dm-2}]}" ;;
	*) echo "$1" ;;
	esac
}

# learn DISK...: sets REF
learn()
{
	local disk

	for disk in "$@"; do
		REF[$disk]=$(on_disk self "$(below "$disk")")
		[ -n "${REF[$disk]}" ] || fail "$disk has no DDF metadata"
	done
}

# Nothing that looks like metadata is left.
wipe()
{
	local size

	size=$(cat "/sys/block/${1##*/}/size")
	dd if=/dev/zero of="$1" bs=512 seek=$((size - 65536)) count=618 2>/dev/null
	dd if=/dev/zero of="$1" bs=512 seek=$((size - 32768)) count=618 2>/dev/null
	dd if=/dev/zero of="$1" bs=512 seek=$((size - 1)) count=1 2>/dev/null
}

# insert DISK: into the container, as "mdadm --add" does; that of mdadm 4.2 crashes when the container is DDF.
insert()
{
	wipe "$1"
	cat "/sys/block/${1##*/}/dev" >"/sys/block/$C/md/new_dev" || fail "cannot add $1 to the container"
}

# add_disk DISK: and wait until it is known
add_disk()
{
	insert "$1"
	wait_metadata 20 found=yes whole=yes -- "$(below "$1")"
	learn "$1"
	wait_metadata 10 "pd.${REF[$1]}.state=0x0[15]" -- "$(below "$1")"
	say "$1 is ${REF[$1]}"
}

# remove_disk DISK: out of the container
remove_disk()
{
	# it is busy as long as a volume has it
	eventually 20 mdadm "/dev/$C" --remove "$1" || fail "cannot remove $1: $(mdadm "/dev/$C" --remove "$1" 2>&1)"
	say "removed ${1##*/} from the container"
}

## What is on the disks

# All copies on these disks are closed and right, and all disks say the same of the whole container.
in_agreement()
{
	ddf-peek -t whole=yes -- "$@" && [ "$(ddf-peek -k global "$@" | sort -u | wc -l)" = 1 ]
}

assert_agreement()
{
	eventually 10 in_agreement "$@" ||
		fail "the disks disagree: $(ddf-peek -t whole=yes -- "$@") $(ddf-peek -k global "$@" | tr '\n' ' ')"
	say "the disks agree: $*"
}

# assert_optimal INDEX DISK...: a volume has all its members, which are these
assert_optimal()
{
	local index=$1 disk
	local -a tests=()

	shift
	for disk in "$@"; do
		tests+=("pd.${REF[$disk]}.state=0x01" "pd.${REF[$disk]}.type=0x03")
	done
	wait_metadata 20 "vd$index.state=OPTIMAL" "vd$index.dirty=0" "vd$index.init=2" "vd$index.records=1" \
		"vd$index.slot!=-1" "vd$index.elements!=*[hl]o*" "${tests[@]}" -- "$@"
	assert_examined "$1" "$index" 'Optimal, Consistent'
}

# assert_forgotten REFNUM COUNT DISK...: there are as many physical disks, and this is none of them
assert_forgotten()
{
	wait_metadata 10 "pds=$2" -- "${@:3}"
	# Debian's leaves a ghost that only counts as free
	[ "$DAEMON" = reference ] || assert_metadata "pd.$1.index!=*" "pds_found=$2" -- "${@:3}"
}

# assert_examined DISK INDEX STATE: mdadm reads the same
assert_examined()
{
	local said

	said=$(mdadm -E "$1" | sed -n "s/^ *state\[$2\] : //p")
	[ "$said" = "$3" ] || fail "mdadm -E $1: volume $2 is $said, not $3"
	say "mdadm -E: volume $2 is $said"
}

# assert_closed DISK...: after all was stopped
assert_closed()
{
	assert_agreement "$@"
	assert_metadata 'vd*.dirty!=1' -- "$@"
}

# Sums of both copies and the anchor, of each disk
metadata_sums()
{
	local disk size start

	for disk in "$@"; do
		size=$(cat "/sys/block/${disk##*/}/size")
		for start in 65536 32768; do
			pattern sum "$disk" $(((size - start) * 512)) $((618 * 512))
		done
		pattern sum "$disk" $(((size - 1) * 512)) 512
	done
}

## Data

# check_written: what the writer has written, after stop_writer
check_written()
{
	local blocks

	blocks=$(writer_field 0)
	must pattern verify "/dev/$V" 8 "$WRITER_AT" $(((blocks < 256 ? blocks : 256) * 4096))
	say "data as the writer wrote them"
}

## Losing power

# Nothing of what ran is left, and no array.
power_off()
{
	eventually 20 release_everything || fail "processes are left"
	eventually 20 clear_arrays || fail "arrays are left"
	rm -rf /run/mdadm/* /dev/md
	V=''
	export V1=''
}
