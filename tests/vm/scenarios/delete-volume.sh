# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A stopped volume is deleted while another one of the container is in use.

fast_sync
make_disks 3
make_container "${DISKS[@]}"
make_volume 5 3 first 10240
wait_settled "$V"
make_volume 5 3 second 10240
wait_settled "$V1"
stop_volume "$V1"
write_data
start_writer
must mdadm --kill-subarray=1 /dev/md/c
wait_metadata 3 num_volumes=1 vol0.name=first 'vol1.name!=*' -- "${DISKS[@]}"
writer_goes_on
stop_writer
V1=
stop_all
assemble "${DISKS[@]}"
check_data
stop_all
