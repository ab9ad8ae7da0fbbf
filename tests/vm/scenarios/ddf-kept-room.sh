# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk that serves one volume is rebuilt for another one that is degraded. Until that ends the metadata do not say that
# its room is taken, and mdadm tries to create a volume just there: that fails, nothing of it stays on the disks, the
# rebuild ends well, and after it there is room elsewhere.
# cases: 0 1
# timeout: 120
# ours-only: the reference records the disk at once
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

create()
{
	timeout 60 mdadm -CR /dev/md/x -l "$LEVEL" -n 2 -z 6144 "${DISKS[0]}" "${DISKS[2]}" </dev/null
}

fast_sync
make_disks 3
make_container "${DISKS[@]}"
ddf_volume 1 m1 10240 "${DISKS[@]:0:2}"
ddf_volume 5 m5 4096 "${DISKS[@]}"
wait_settled "$V"
wait_settled "$V1"
hurry "$V"
hurry "$V1"
learn "${DISKS[@]}"
write_data
with_volume "$V1" write_data
slow_sync 200
fail_member "$V" "${DISKS[1]}"
wait_for 10 is_member "$V" "${DISKS[2]}"
wait_for 10 attr_is "$V" sync_action recover
! create || fail "the room is taken"
x=$(basename "$(readlink -f /dev/md/x)")
assert_eq "what mdadm leaves" inactive "$(get_attr "$x" array_state)"
stop_volume "$x"
wait_metadata 5 vds=2 whole=yes -- "${DISKS[0]}" "${DISKS[2]}"
fast_sync
wait_settled "$V"
hurry "$V"
assert_optimal 0 "${DISKS[0]}" "${DISKS[2]}"
check_data
create || fail "there is room now"
wait_metadata 10 vds=3 whole=yes -- "${DISKS[0]}" "${DISKS[2]}"
must mdadm --stop --scan
assemble "${DISKS[0]}" "${DISKS[2]}"
check_data
with_volume "$V1" check_data
