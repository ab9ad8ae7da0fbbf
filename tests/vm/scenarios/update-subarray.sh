# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Changes that mdadm asks the daemon for are on disk when it returns, while another volume of the container is written:
# a name, the write-hole policy, a volume deleted and another one made in its place.
# timeout: 90

set_up_second_stopped
start_writer
policy=$(on_disk vol1.rwh_policy "${DISKS[0]}")
for round in 1 2; do
	must mdadm --update-subarray=1 --update=name "--name=name$round" /dev/md/c
	assert_metadata num_volumes=2 vol0.name=first "vol1.name=name$round" -- "${DISKS[@]}"
	must mdadm --update-subarray=1 --update=ppl /dev/md/c
	say "policy: $policy, then $(on_disk vol1.rwh_policy "${DISKS[0]}")"
	assert_metadata 'vol1.rwh_policy=[13]' -- "${DISKS[@]}"
	must mdadm --update-subarray=1 --update=no-ppl /dev/md/c
	assert_metadata "vol1.rwh_policy!=[13]" -- "${DISKS[@]}"
	must mdadm --kill-subarray=1 /dev/md/c
	assert_metadata num_volumes=1 vol0.name=first -- "${DISKS[@]}"
	make_volume 5 3 second 8192
	assert_metadata num_volumes=2 vol0.name=first vol1.name=second -- "${DISKS[@]}"
	must timeout 20 stall once "/dev/$V1" 7 0
	wait_settled "$V1"
	stop_volume "$V1"
done
writer_goes_on
stop_writer
V1=
stop_all
