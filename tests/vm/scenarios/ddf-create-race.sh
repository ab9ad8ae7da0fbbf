# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk fails while mdadm creates another volume on it: either mdadm says no, or the disk has failed in both and both
# are recorded as degraded. SECONDS: how long after the start of mdadm.
# cases: 0 0.3 0.6
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

ddf_set_up 5
write_data
lost=${MEMBERS[1]}
all_but "$lost" "${MEMBERS[@]}"
mdadm -CR /dev/md/second -l 5 -n 3 -z 8192 "${MEMBERS[@]}" >/tmp/create 2>&1 </dev/null &
creator=$!
nap "$LEVEL"
fail_member "$V" "$lost"
eventually 30 gone $creator || fail "mdadm hangs"
wait $creator
status=$?
say "mdadm: exit $status, says: $(</tmp/create)"
wait_for 10 no_member "$V" "$lost"
wait_metadata 10 vd0.state=DEGRADED "pd.${REF[$lost]}.state=0x?[23ab]" -- "${OTHERS[@]}"
find_volumes
if [ -n "$V1" ]; then
	wait_for 20 no_member "$V1" "$lost"
	wait_for 20 attr_is "$V1" sync_action idle
	hurry "$V1"
	assert_eq "missing members of the second" 1 "$(get_attr "$V1" degraded)"
	wait_metadata 10 vd1.state=DEGRADED vd1.dirty=0 -- "${OTHERS[@]}"
	with_volume "$V1" write_data
	with_volume "$V1" check_data
fi
check_data
hurry "$V"
assert_agreement "${OTHERS[@]}"
stop_all
assert_closed "${OTHERS[@]}"
assemble "${DISKS[@]}"
assert_eq "missing members" 1 "$(get_attr "$V" degraded)"
check_data
[ -z "$V1" ] || with_volume "$V1" check_data
stop_all
