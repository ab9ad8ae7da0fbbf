# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the first write after a pause costs: how many writes the daemon makes to a disk's metadata, how many bytes these
# are, and how long the writer waits. Not more than both complete copies.
# levels: 1 5
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# written I: writes to and sectors written of the metadata of disk I
written()
{
	local -a stat

	read -r -a stat <"/sys/block/dm-$((40 + $1))/stat"
	echo "${stat[4]} ${stat[6]}"
}

DM=yes ddf_set_up "$LEVEL"
stay_dirty
ping_daemon
read -r writes sectors <<<"$(written 1)"
took=$(stall once "/dev/$V" 7 0)
read -r writes_after sectors_after <<<"$(written 1)"
assert_metadata vd0.dirty=1 whole=yes -- "${RAM[@]}"
say "figures: first write, level $LEVEL: $took us; per disk $((writes_after - writes)) writes of" \
	"$(((sectors_after - sectors) * 512)) bytes in all"
[ $((sectors_after - sectors)) -gt 0 ] || fail "nothing was counted"
# two copies of 618 sectors, their headers a second time, the anchor
[ $((sectors_after - sectors)) -le 1239 ] || fail "more was written than there is"
