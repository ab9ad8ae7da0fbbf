# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# As disk-hangs, with DDF, whose disks have two copies of the metadata each. A copy that was being written when the disk
# began to hang may be whole or open afterwards: both are right in the end.
# levels: 1 5 10
# timeout: 120
# reference: fails - its writes wait for the disk
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

DM=yes ddf_set_up "$LEVEL"
write_data
all_but "${RAM[1]}" "${RAM[@]}"
stay_dirty
metadata_area 1 suspend
first_write 2000
assert_metadata vd0.dirty=1 whole=yes -- "${OTHERS[@]}"
for _ in 1 2 3; do
	stay_dirty
	first_write 500
	assert_metadata vd0.dirty=1 whole=yes -- "${OTHERS[@]}"
done
metadata_area 1 resume
assert_agreement "${RAM[@]}"
hurry "$V"
assert_agreement "${RAM[@]}"
assert_metadata vd0.dirty=0 vd0.state=OPTIMAL whole=yes -- "${RAM[@]}"
[ "$LEVEL" = 5 ] || exit 0 # half a minute; once is enough
stay_dirty
metadata_area 1 suspend
first_write 2000
start_writer 20000
wait_for 50 no_member "$V" "${DISKS[1]}"
writer_goes_on
stop_writer
set_attr "$V" safe_mode_delay 0.05
wait_metadata 10 vd0.state=DEGRADED vd0.dirty=0 -- "${OTHERS[@]}"
metadata_area 1 resume
check_data
stop_all
