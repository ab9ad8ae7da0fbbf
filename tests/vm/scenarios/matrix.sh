# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A RAID0 and a redundant volume lie on the same disks, and one disk fails. The RAID0 is lost: that is recorded, and
# stays so when the other volume has been rebuilt on a spare; otherwise half of it would come back as garbage. As long as
# the failed disk is in the container, the spare is not used (there may be something left to save from the RAID0).
# levels: 1 5
# timeout: 120
# reference: fails - the RAID0 is recorded as normal; the rebuild does not begin when the failed disk is removed

n=$(members "$LEVEL")
fast_sync
make_disks $((n + 1))
make_container "${DISKS[@]:0:n}"
make_volume 0 "$n" lost
make_volume "$LEVEL" "$n" kept
wait_settled "$V1"
with_volume "$V1" write_data
spare=${DISKS[n]}
add_disk "$spare"
victim=${DISKS[1]}
with_volume "$V1" note_place "$victim"
all_but "$victim" "${DISKS[@]:0:n}"
fail_member "$V1" "$victim"
wait_for 10 no_member "$V1" "$victim"
wait_metadata 10 vol1.map0.state=DEGRADED "disk$ENTRY.status=0x6" -- "${OTHERS[@]}"
nap 3
assert "the spare waits" no_member "$V1" "$spare"
stop_volume "$V"
must mdadm --remove "/dev/$C" "$victim"
wait_for 20 is_member "$V1" "$spare"
wait_settled "$V1"
all_but "$victim" "${DISKS[@]}"
wait_metadata 20 vol1.migr_state=0 vol1.map0.state=NORMAL vol1.map0.failed=255 'vol1.map0.ords!=*R*' \
	vol0.map0.state=FAILED 'vol0.map0.ords=*R*' -- "${OTHERS[@]}"
with_volume "$V1" check_data
stop_volume "$V1"
must mdadm --stop "/dev/$C"
# whatever mdadm thinks of it
mdadm -A /dev/md/c "${OTHERS[@]}" >/tmp/said 2>&1
C=$(basename "$(readlink -f /dev/md/c)")
mdadm -IR /dev/md/c >>/tmp/said 2>&1
say "assembly: $(tr '\n' ';' </tmp/said)"
find_volumes
[ -n "$V1" ] || fail "the redundant volume is not assembled"
[ -z "$V" ] || assert "the RAID0 does not run" attr_is "$V" array_state '@(inactive|clear|broken)'
with_volume "$V1" check_data
assert_metadata vol0.map0.state=FAILED -- "${OTHERS[@]}"
record_metadata "after the rebuild" "${OTHERS[@]}"
