# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon locks less than 3.5 MiB of memory (4 with DDF, whose metadata are larger: a quarter of one for each disk),
# besides the libraries, which differ from one Debian to the next: it must not be paged out, and must not waste either.
# reference: fails - it locks the 8 MiB stack of its second thread and more
# cases: imsm ddf

use_format "$LEVEL"
set_up 5
locked=$(awk '/^VmLck:/ { print $2 }' "/proc/$(daemon_pid)/status")
libraries=$(awk '/^[0-9a-f]+-/ { library = $6 ~ /\.so/ } /^Locked:/ && library { n += $2 } END { print n + 0 }' \
	"/proc/$(daemon_pid)/smaps")
say "locked: $locked KiB, $libraries of them libraries"
[ "$locked" -gt 0 ] || fail "no memory is locked"
limit=3584
[ "$FORMAT" = imsm ] || limit=4096
[ $((locked - libraries)) -lt $limit ] || fail "$((locked - libraries)) KiB are locked, besides the libraries"
