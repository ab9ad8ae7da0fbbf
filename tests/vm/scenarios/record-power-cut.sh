# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The power fails while new disks are recorded, by the daemon, at mdadm's request:
#
#   grow-5    a RAID 5 on three disks is to be spread over four
#   create    a second volume, on two spares
#
# A member, and then each new disk, is the one that takes no more metadata; what could be written beside it or before it is
# left. Whatever that is, unmodified mdadm assembles the container, and the volume that was there before has its data. (But
# see imsm.md 7.2: a RAID 5 of which is recorded that it is to be spread, and of which nothing has been moved, mdadm reads
# wrong. Here only the container counts then.)
#
# RAID 0 is not among them: it has no daemon, and mdadm writes the record itself.
# cases: grow-5 create
# timeout: 300
# ours: fails@create@trixie@forky - mdadm 4.4 and 4.6 make no IMSM volume on other disks than those of the first

# shellcheck source=tests/vm/lib/cut.sh
. /t/lib/cut.sh
# shellcheck source=tests/vm/lib/examine.sh
. /t/lib/examine.sh

# shellcheck disable=SC2153  # LEVEL comes from init
what=$LEVEL
case $what in
grow-5) level=5 before=3 after=4 unrecorded="vol*.migr_type!=GEN_MIGR" ;;
create) level=1 before=2 after=4 unrecorded="num_volumes!=2" ;;
esac

ask()
{
	case $what in
	grow-5) quietly mdadm --grow /dev/md/c --raid-devices="$after" ;;
	create) quietly mdadm -CR /dev/md/w -l 1 -n 2 -z 4096 "${DISKS[@]:before}" ;;
	esac
}

# As long as some of the copies name a volume that others do not name, mdadm assembles those of either kind only.
boot()
{
	local disk newest=()

	if [ "$what" != create ]; then
		boot_with "${DISKS[@]}"
		return
	fi
	for disk in "${DISKS[@]}"; do
		[ "$(on_disk num_volumes "$disk")" = 2 ] && newest+=("$disk")
	done
	[ ${#newest[@]} -gt 0 ] || newest=("${DISKS[@]}")
	boot_with "${newest[@]}"
}

fast_sync
make_cut_disks "$after"
start_with "$level" "$before"
old=0
for ((held = before - 1; held < n; held++)); do
	say "disk $held takes nothing"
	from_start
	assemble "${DISKS[@]:0:before}"
	add_spares "${DISKS[@]:before}"
	wait_settled "$V"
	hold_writes $held $held metadata
	ask &
	wait_for 30 is_held $held
	nap 2
	cut_power $held
	agree_on_generations "${DISKS[@]}"
	old=$((old + OLD))
	# no copy may name a disk that does not know of it
	((held < before)) || assert_metadata "$unrecorded" -- "${DISKS[@]}"
	if imsm-peek "${DISKS[@]}" | grep -q 'vol0.migr_type=GEN_MIGR'; then
		boot
	else
		boot
		check_data
	fi
	power_off
done
[ "$DAEMON" != ours ] || ((old > 0)) || fail "no cut has left a copy that is said to be older"
