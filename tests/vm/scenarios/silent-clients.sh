# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Clients that connect and say nothing do not keep others from being served.
# reference: fails - it serves one client at a time and waits 3 s for each

set_up 5
sockcat hold "/run/mdadm/$C.sock" 5 >/tmp/held &
wait_for 5 grep -q held /tmp/held
read -r us rest <<<"$(timeout 25 sockcat ping "/run/mdadm/$C.sock")"
say "ping beside five silent clients: ${us:-no answer} us $rest"
[ "${us:-99999999}" -lt 2000000 ] || fail "a ping took ${us:-more than 20 s} us beside five silent clients"
