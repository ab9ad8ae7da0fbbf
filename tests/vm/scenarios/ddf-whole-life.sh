# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whole life of a DDF volume of any kind: created, synced, written, a member lost, rebuilt on a disk that is added,
# another member lost, stopped, assembled with all the disks, those that failed among them. The data survive it all, and
# at each step the disks say what mdadm needs to know.
# udev: yes
# levels: 1 5 6 10 10-of-6 4 1e 1-of-3 5-la 5-ra 6-zero 6-n 10-n3 1e-far
# timeout: 150
# reference: fails@10@10-of-6@10-n3@1e@1e-far - puts the spare into the wrong mirror, or never rebuilds RAID1E
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

EXTRA=1 ddf_set_up "$LEVEL"
new=${DISKS[-1]}
assert_optimal 0 "${MEMBERS[@]}"
assert_agreement "${MEMBERS[@]}"
seq=$(on_disk seq "${MEMBERS[0]}")
[ "$DAEMON" = ours ] || seq=$((seq + 2)) # ours changes the mark in place
stay_dirty
write_data
assert_metadata vd0.dirty=1 vd0.init=2 vd0.state=OPTIMAL -- "${MEMBERS[@]}"
hurry "$V"
assert_metadata vd0.dirty=0 vd0.init=2 vd0.state=OPTIMAL whole=yes "seq=$seq" -- "${MEMBERS[@]}"

start_writer
lost=${MEMBERS[0]} vdc_seq=$(on_disk vd0.vdc_seq "${MEMBERS[1]}")
all_but "$lost" "${MEMBERS[@]}"
fail_member "$V" "$lost"
wait_metadata 10 "pd.${REF[$lost]}.state=0x03" "vd0.state=$WEAK" -- "${MEMBERS[@]}"
assert_metadata "vd0.vdc_seq=$((vdc_seq + 1))" -- "${MEMBERS[1]}"
wait_for 10 no_member "$V" "$lost"
writer_goes_on
add_disk "$new"
wait_for 10 is_member "$V" "$new"
wait_settled "$V"
writer_goes_on
stop_writer
hurry "$V"
MEMBERS=("$new" "${OTHERS[@]}")
assert_optimal 0 "${MEMBERS[@]}"
assert_metadata "vd0.elements!=*${REF[$lost]}*" "pd.${REF[$lost]}.state=0x?[23abef]" -- "${MEMBERS[@]}"
assert_agreement "${MEMBERS[@]}"
check_data

second=${MEMBERS[1]}
fail_member "$V" "$second"
all_but "$second" "${MEMBERS[@]}"
wait_metadata 10 "pd.${REF[$second]}.state=0x03" "vd0.state=$WEAK" -- "${OTHERS[@]}"
wait_for 10 no_member "$V" "$second"
check_data
put_block
pid=$(daemon_pid)
stop_all
wait_for 10 gone "$pid"
assert_closed "${OTHERS[@]}"
assert_examined "${OTHERS[-1]}" 0 "$([ "$WEAK" = PARTIAL ] && echo Partially Optimal || echo Degraded), Consistent"
assemble "${DISKS[@]}"
assert_eq "missing members" 1 "$(get_attr "$V" degraded)"
no_member "$V" "$second" || fail "the failed disk is a member again"
check_data
put_block
stop_all
assert_closed "${OTHERS[@]}"
