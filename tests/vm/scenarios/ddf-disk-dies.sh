# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Disks of the volume die under a writer, at once: neither data nor metadata of them can be read or written. In a
# RAID10 it is one half of each mirror (that is what happens when a cable with half of the disks comes off). The writer
# sees no error, the failures are recorded on the others, which go on; assembled without the dead ones the data are
# there.
# levels: 1 5 6 10 10-of-6
# timeout: 120
# reference: fails@10-of-6 - does not find the members of the later mirrors
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

DM=yes ddf_set_up "$LEVEL"
write_data
start_writer 20000
case $LEVEL in
10*) step=2 count=$((COUNT / 2)) ;;
6) step=1 count=2 ;;
*) step=1 count=1 ;;
esac
dead=() alive=() below=() tests=()
for ((i = 0; i < COUNT; i++)); do
	disk=${MEMBERS[i]}
	if [ $((i % step)) = 0 ] && [ ${#dead[@]} -lt $count ]; then
		dead+=("$disk")
		tests+=("pd.${REF[$disk]}.state=0x?[23ab]")
	else
		alive+=("$disk")
		below+=("$(below "$disk")")
	fi
done
for disk in "${dead[@]}"; do
	must dmsetup load "d${disk#/dev/dm-2}" --table "0 131072 error"
	must dmsetup suspend --nolockfs --noflush "d${disk#/dev/dm-2}"
	must dmsetup resume "d${disk#/dev/dm-2}"
done
# the writer does not reach all of a large volume's disks
write_data
for disk in "${dead[@]}"; do
	wait_for 20 no_member "$V" "$disk"
done
writer_goes_on
wait_metadata 10 vd0.state=DEGRADED "${tests[@]}" -- "${below[@]}"
stop_writer
check_data
hurry "$V"
assert_agreement "${below[@]}"
stop_all
assert_closed "${below[@]}"
assemble "${alive[@]}"
assert_eq "missing members" $count "$(get_attr "$V" degraded)"
check_data
check_written
stop_all
