# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whole daemon locks less than 5 MiB of memory (6 with DDF, whose metadata are larger: a quarter of one for each
# disk): it must not be paged out, and must not waste either.
# reference: fails - it locks the 8 MiB stack of its second thread and more
# cases: imsm ddf

use_format "$LEVEL"
set_up 5
locked=$(awk '/^VmLck:/ { print $2 }' "/proc/$(daemon_pid)/status")
say "locked: $locked KiB"
[ "$locked" -gt 0 ] || fail "no memory is locked"
limit=5120
[ "$FORMAT" = imsm ] || limit=6144
[ "$locked" -lt $limit ] || fail "$locked KiB are locked"
