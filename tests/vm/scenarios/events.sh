# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk fails and a spare is rebuilt: mdmonctl events tells it in order, also to somebody who follows it, and mdmonctl metrics has
# the figures. Both over a takeover, with mdadm's daemon and with none.
# ours-only: it is about mdmonctl, which asks our daemon
# cases: imsm ddf

# metric LINE...: each is a line of the metrics
metrics_have()
{
	local line

	must timeout 20 mdmonctl metrics --check --output /tmp/metrics "$C"
	tail -n 1 /tmp/metrics | grep -qx '# EOF' || fail "the metrics do not end: $(tail -n 3 /tmp/metrics)"
	for line in "$@"; do
		grep -Eq -- "^$line\$" /tmp/metrics || {
			grep -v '^#' /tmp/metrics
			fail "no line of the metrics is $line"
		}
	done
}

events()
{
	timeout 20 mdmonctl events "$C" >/tmp/events 2>/tmp/complaint || fail "mdmonctl events: $? $(cat /tmp/complaint)"
}

# told_in_order WORD...: the words of these events come in this order; others may be between them
told_in_order()
{
	local word rest

	rest=$(awk '{ print $4 }' "$1" | paste -sd ' ')
	shift
	for word in "$@"; do
		[[ " $rest " = *" $word "* ]] || fail "no event $word, or not after the one before, in: $rest"
		rest=${rest#*"$word"}
	done
}

is_told()
{
	grep -q " $1 " /tmp/followed
}

use_format "$LEVEL"
set_up 5 1
metrics_have "mdmon_up\{container=\"$C\"\} 1" "mdmon_build_info\{container=\"$C\",version=\".*\",metadata=\"$LEVEL\"\} 1" \
	"mdmon_volume_state\{.*device=\"$V\",state=\"normal\"\} 1" "mdmon_volume_disks_missing\{.*device=\"$V\"\} 0" \
	'mdmon_disk_state\{.*disk="ram3".*state="spare"\} 1' "mdmon_check_findings\{container=\"$C\",severity=\"critical\"\} 0" \
	"mdmon_volume_sync_running\{.*action=\"recover\"\} 0" 'mdmon_disk_generations_behind\{.*disk="ram1".*\} 0'
events
told_in_order /tmp/events ready
# Those that are there already, and those that come.
mdmonctl events --follow --interval 0.1 "$C" >/tmp/followed 2>&1 &
follower=$!
slow_sync 100
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_told sync-started
metrics_have "mdmon_volume_state\{.*device=\"$V\",state=\"degraded\"\} 1" "mdmon_volume_disks_missing\{.*device=\"$V\"\} 1" \
	'mdmon_disk_state\{.*disk="ram0".*state="failed"\} 1' "mdmon_volume_sync_running\{.*action=\"recover\"\} 1" \
	'mdmon_volume_sync_done_ratio\{.*\} 0[.0-9]*' "mdmon_stall_seconds_count\{container=\"$C\",cause=\"failure\"\} [1-9].*" \
	"mdmon_check_finding\{container=\"$C\",severity=\"warning\",name=\"disk-failed\",subject=\"ram0\"\} 1"
fast_sync
wait_settled "$V"
ping_daemon
wait_for 10 is_told sync-ended
events
cat /tmp/events
told_in_order /tmp/events ready member-failed member-removed spare-activated sync-started sync-ended
grep -q " member-failed .*$V: member ram0 failed" /tmp/events || fail "the failure is told otherwise"
told_in_order /tmp/followed ready member-failed member-removed spare-activated sync-started sync-ended
[ "$(sort /tmp/followed | uniq -d)" = "" ] || fail "events are told twice: $(cat /tmp/followed)"
must timeout 20 mdmonctl events --json "$C" >/tmp/json
grep -q '"event": "spare-activated"' /tmp/json || fail "the JSON: $(cat /tmp/json)"
metrics_have "mdmon_volume_state\{.*device=\"$V\",state=\"normal\"\} 1" "mdmon_volume_disks_missing\{.*device=\"$V\"\} 0" \
	"mdmon_events_total\{container=\"$C\"\} $(wc -l </tmp/events)"

# A successor begins anew, and the follower goes on.
must timeout 60 /sbin/mdmon --takeover "$C"
wait_for 10 is_told takeover
events
told_in_order /tmp/events takeover ready
! grep -q member-failed /tmp/events || fail "the successor tells events of the one before"
kill "$follower"

use_daemon reference
must timeout 60 /sbin/mdmon --takeover "$C"
wait_for 10 timeout 20 mdmonctl ping "$C"
metrics_have "mdmon_up\{container=\"$C\"\} 0" "mdmon_daemon\{container=\"$C\",daemon=\"mdadm\"\} 1" \
	"mdmon_volume_disks_missing\{.*device=\"$V\"\} 0"
timeout 20 mdmonctl events "$C" >/tmp/events 2>&1
assert_eq "exit status with mdadm's daemon" 1 $?
grep -q 'runs the mdmon of mdadm' /tmp/events || fail "it says: $(cat /tmp/events)"
kill_daemon
metrics_have "mdmon_up\{container=\"$C\"\} 0" "mdmon_daemon\{container=\"$C\",daemon=\"none\"\} 1" \
	"mdmon_volume_disks\{.*device=\"$V\"\} 3" "mdmon_check_finding\{.*name=\"no-daemon\".*\} 1"
use_daemon ours
start_daemon
metrics_have "mdmon_up\{container=\"$C\"\} 1"
stop_all
