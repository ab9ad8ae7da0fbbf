# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The control socket, row by row (mdmon.md 7): each kind of message gets its answer, in order, also when several come at
# once or one comes in pieces; what is no message gets none and the connection is closed; the daemon survives it all.
# timeout: 90

START=a5a55a5a END=5a5aa5a5
ACK=${START}00000000$END

# bytes HEX
bytes()
{
	local i escaped=''

	for ((i = 0; i < ${#1}; i += 2)); do
		escaped+="\\x${1:i:2}"
	done
	printf '%b' "$escaped"
}

# message LEN [HEX]: as hex; LEN is signed
message()
{
	local word

	printf -v word '%08x' $(($1 & 0xffffffff))
	echo "$START${word:6:2}${word:4:2}${word:2:2}${word:0:2}${2-}$END"
}

# ask SECONDS HEX [BYTES]: what comes back, as hex and how it ended: closed, open or enough; into ANSWER
ask()
{
	ANSWER=$(bytes "$2" | timeout 20 sockcat raw "$sock" "$1" ${3:+"$3"} | tr -d '\n')
}

row()
{
	[ "$2" = "$3" ] || fail "$1: expected $2, found $3"
	say "$1: right"
	alive "$pid" || fail "the daemon died of: $1"
}

set_up 1
sock=/run/mdadm/$C.sock
pid=$(daemon_pid)

version=$(timeout 20 sockcat ping "$sock" | cut -d ' ' -f 2-)
[[ $version =~ ^[^-]*\ -\ v([0-9]+)\.([0-9]+)(\.[0-9]+)?[\ -] ]] || fail "clients do not understand the version: $version"
[ $((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2])) -ge 3002 ] || fail "clients find the version too old: $version"
say "version: $version"
text=$(printf '%s\n' "$version" | od -An -v -tx1 | tr -d ' \n')00
PONG=$(message $((${#text} / 2)) "$text")
size=$((${#PONG} / 2))
ask 3 "$(message 0)" "$size"
row "ping_monitor: the version with newline and NUL" "${PONG}enough" "$ANSWER"
ask 3 "$(message -1)" 12
row "ping_manager: LEN 0" "${ACK}enough" "$ANSWER"
for len in -2 -99 -1000 -2147483648; do
	ask 3 "$(message $len)" 12
	row "LEN $len: LEN 0" "${ACK}enough" "$ANSWER"
done

all='' want=''
for ((round = 0; round < 10; round++)); do
	all+=$(message 0)$(message -1)$(message -7)
	want+=$PONG$ACK$ACK
done
ask 5 "$all" $((${#want} / 2))
row "30 requests at once: 30 answers in order" "${want}enough" "$ANSWER"

ANSWER=$({
	whole=$(message 0)$(message -1)
	for ((i = 0; i < ${#whole}; i += 6)); do
		bytes "${whole:i:6}"
		nap 0.1
	done
} | timeout 20 sockcat raw "$sock" 5 $((size + 12)) | tr -d '\n')
row "two requests in pieces of three bytes" "$PONG${ACK}enough" "$ANSWER"

# clients one after the other on one connection, and side by side
timeout 30 sockcat ping "$sock" 20 >/tmp/many || fail "20 pings on one connection"
row "20 pings on one connection" 20 "$(grep -c 'mdadm - v' /tmp/many)"
clients=()
for client in 1 2 3 4; do
	timeout 30 sockcat ping "$sock" 5 >"/tmp/client.$client" &
	clients+=($!)
done
for client in "${clients[@]}"; do
	wait "$client" || fail "one of four clients was not answered"
done
row "4 clients side by side" 20 "$(cat /tmp/client.* | grep -c 'mdadm - v')"

ask 5 "$START"
row "a message that ends too early: closed after 3 s" closed "$ANSWER"
now_ms
began=$NOW
ask 6 00000000
row "a wrong start: closed" closed "$ANSWER"
ask 6 "${START}00000000$START"
row "a wrong end: closed" closed "$ANSWER"
for len in 4194305 2147483647; do
	ask 6 "$(message "$len" 00)"
	row "LEN $len: closed" closed "$ANSWER"
done
now_ms
[ $((NOW - began)) -lt 2500 ] || fail "the connection is not closed at once: $((NOW - began)) ms for four"
ask 6 "$(message -1)00112233"
row "a request and garbage: one answer, then closed" "${ACK}closed" "$ANSWER"

# 4 MiB are allowed. This is no update that anybody knows: it is refused, but only when it has come completely.
ANSWER=$({
	bytes "${START}00004000"
	tr '\0' '\377' </dev/zero | head -c 4194304
	bytes "$END"
} | timeout 20 sockcat raw "$sock" 10 12 | tr -d '\n')
[[ $ANSWER = closed || $ANSWER = "${ACK}enough" ]] || fail "4 MiB: $ANSWER"
say "4 MiB: $ANSWER"
# a request, and gone
for wait in 0 1 0; do
	bytes "$(message 0)$(message -1)" | timeout 5 sockcat raw "$sock" "$wait" >/dev/null
done
assert_one_daemon
assert_served
