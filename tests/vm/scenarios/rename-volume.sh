# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A stopped volume is renamed while another one of the container is in use.

fast_sync
make_disks 3
make_container "${DISKS[@]}"
make_volume 5 3 first 10240
wait_settled "$V"
make_volume 5 3 second 10240
wait_settled "$V1"
stop_volume "$V1"
start_writer
must mdadm --update-subarray=1 --update=name --name=renamed /dev/md/c
wait_metadata 3 num_volumes=2 vol0.name=first vol1.name=renamed -- "${DISKS[@]}"
writer_goes_on
stop_writer
V1=
stop_all
assemble "${DISKS[@]}"
assert_metadata vol0.name=first vol1.name=renamed -- "${DISKS[@]}"
stop_all
