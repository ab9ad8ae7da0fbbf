# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With the metadata of one disk corrupt the daemon starts all the same, serves the volume, and does not
# touch that disk's metadata.
# reference: fails - one unreadable disk makes it refuse the whole container

set_up 5
stay_dirty
kill_daemon
printf 'XXXX' | dd of="${DISKS[2]}" bs=1 seek=$((64 * 1048576 - 1024)) conv=notrunc 2>/dev/null
sync
before=$(metadata_sums "${DISKS[2]}")
start_daemon
ping_daemon
put_block
assert_metadata vol0.dirty=1 -- "${DISKS[0]}" "${DISKS[1]}"
assert_eq "metadata area of the corrupt disk" "$before" "$(metadata_sums "${DISKS[2]}")"
fail_member "$V" "${DISKS[2]}"
wait_for 5 no_member "$V" "${DISKS[2]}"
wait_metadata 5 vol0.map0.state=DEGRADED -- "${DISKS[0]}" "${DISKS[1]}"
