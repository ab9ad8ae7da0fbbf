# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A stopped volume is deleted while another one of the container is in use, and one more is created in its room.
# udev: yes
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

ddf_set_up 5
ddf_volume 1 second 20480 "${DISKS[@]:0:2}"
wait_settled "$V1"
hurry "$V1"
assert_optimal 1 "${DISKS[@]:0:2}"
stop_volume "$V1"
write_data
start_writer
must mdadm --kill-subarray=1 /dev/md/c
wait_metadata 10 'vd1.name!=*' vd0.name=v orphans=0 -- "${DISKS[@]}"
[ "$DAEMON" = reference ] || assert_metadata vds=1 -- "${DISKS[@]}"
assert_agreement "${DISKS[@]}"
ddf_volume 1 third 20480 "${DISKS[@]:1:2}"
[ -n "$V1" ] || fail "there is no volume in place of the deleted one"
wait_settled "$V1"
hurry "$V1"
with_volume "$V1" write_data
writer_goes_on
stop_writer
wait_metadata 10 vd1.name=third orphans=0 -- "${DISKS[@]}"
assert_optimal 1 "${DISKS[@]:1:2}"
hurry "$V"
hurry "$V1"
stop_all
assert_closed "${DISKS[@]}"
assemble "${DISKS[@]}"
check_data
with_volume "$V1" check_data
stop_all
