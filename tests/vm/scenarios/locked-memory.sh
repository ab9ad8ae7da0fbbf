# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whole daemon locks less than 5 MiB of memory: it must not be paged out, and must not waste either.
# reference: fails - it locks the 8 MiB stack of its second thread and more

set_up 5
locked=$(awk '/^VmLck:/ { print $2 }' "/proc/$(daemon_pid)/status")
say "locked: $locked KiB"
[ "$locked" -gt 0 ] || fail "no memory is locked"
[ "$locked" -lt 5120 ] || fail "$locked KiB are locked"
