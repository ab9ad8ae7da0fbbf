# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# mdadm cannot make a RAID0 of a RAID5: it says so, and the volume is what it was, neither frozen nor changed on the
# disks. It still replaces a failed member.

set_up 5 1
write_data
start_writer
find_members
wait_for 10 metadata vol0.migr_state=0 -- "${MEMBERS[@]}"
grow_refused "/dev/$V" --level=0
assert_kernel level=raid5 raid_disks=3 "metadata_version=external:/$C/0"
wait_for 10 attr_is "$V" sync_action idle
assert_metadata vol0.migr_state=0 vol0.map0.level=5 vol0.map0.members=3 vol0.map0.state=NORMAL num_disks=3 -- "${MEMBERS[@]}"
writer_goes_on
fail_member "$V" "${MEMBERS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
check_data
