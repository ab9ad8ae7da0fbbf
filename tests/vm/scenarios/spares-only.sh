# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A container of spares without a volume: the daemon has nothing to do there, writes nothing and ends; then
# the first volume is made in it and lives.
# timeout: 90

make_disks 3
fast_sync
make_container "${DISKS[@]}"
before=$(whole_sums "${DISKS[@]}")
run_mdmon "$C"
expect_status 0 "a container without volumes"
nap 1
assert_eq "all disks, whole" "$before" "$(whole_sums "${DISKS[@]}")"
list_daemons
assert_eq "daemons" 0 "${#DAEMONS[@]}"
make_volume 5 3
wait_settled "$V"
assert_one_daemon
assert_metadata num_disks=3 num_volumes=1 vol0.map0.state=NORMAL -- "${DISKS[@]}"
write_data
family=$(on_disk family "${DISKS[0]}")
assert_eq "original family" "$family" "$(on_disk orig_family "${DISKS[0]}")"
stop_all
assemble "${DISKS[@]}"
check_data
