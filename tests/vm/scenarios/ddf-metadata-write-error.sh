# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The metadata of one disk can neither be read nor written for a while: the others are still written, and writers do not
# hang. When it can be written again the next write makes it right.
# levels: 1 5 10
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

DM=yes ddf_set_up "$LEVEL"
write_data
metadata_area 1 break
all_but "${RAM[1]}" "${RAM[@]}"
for round in 1 2; do
	say "round $round"
	stay_dirty
	put_block
	assert_metadata vd0.dirty=1 whole=yes -- "${OTHERS[@]}"
	hurry "$V"
	assert_metadata vd0.dirty=0 whole=yes -- "${OTHERS[@]}"
done
assert_agreement "${OTHERS[@]}"
metadata_area 1 mend
stay_dirty
put_block
hurry "$V"
assert_agreement "${RAM[@]}"
assert_metadata vd0.state=OPTIMAL -- "${RAM[@]}"
check_data
