# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A stopped volume is renamed while another one of the container is in use.

set_up_second_stopped
start_writer
must mdadm --update-subarray=1 --update=name --name=renamed /dev/md/c
wait_metadata 3 num_volumes=2 vol0.name=first vol1.name=renamed -- "${DISKS[@]}"
writer_goes_on
stop_writer
V1='' stop_all
assemble "${DISKS[@]}"
assert_metadata vol0.name=first vol1.name=renamed -- "${DISKS[@]}"
stop_all
