# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Made read-only by mdadm, a volume stays so and nothing is written to any disk; made read-write again, it
# can be written at once.
# levels: 1 5 10

set_up "$LEVEL"
write_data
wait_for 5 attr_is "$V" array_state clean
ping_daemon
must mdadm --readonly "/dev/$V"
assert_eq array_state readonly "$(get_attr "$V" array_state)"
before=$(metadata_sums "${MEMBERS[@]}")
ping_daemon
! stall once "/dev/$V" 7 0 2>/dev/null || fail "a write to a read-only volume succeeded"
nap 1
ping_daemon
assert_eq array_state readonly "$(get_attr "$V" array_state)"
assert_eq "metadata areas" "$before" "$(metadata_sums "${MEMBERS[@]}")"
must mdadm --readwrite "/dev/$V"
stay_dirty
put_block
assert_metadata vol0.dirty=1 -- "${MEMBERS[@]}"
check_data
