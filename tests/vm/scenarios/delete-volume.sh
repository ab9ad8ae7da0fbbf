# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A stopped volume is deleted while another one of the container is in use.
# udev: yes

set_up_second_stopped
write_data
start_writer
must mdadm --kill-subarray=1 /dev/md/c
wait_metadata 3 num_volumes=1 vol0.name=first 'vol1.name!=*' -- "${DISKS[@]}"
writer_goes_on
stop_writer
V1='' stop_all
assemble "${DISKS[@]}"
check_data
stop_all
