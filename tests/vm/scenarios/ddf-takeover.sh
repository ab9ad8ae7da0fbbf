# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Under a writer one daemon follows another, by takeover and after kill -9, with a failure between: no write fails, the
# metadata are right at the end.
# udev: yes
# levels: 1 6
# timeout: 120
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

EXTRA=1 ddf_set_up "$LEVEL"
write_data
start_writer 2000
for round in 1 2; do
	say "round $round"
	before=$(daemon_pid)
	must timeout 60 /sbin/mdmon --takeover "$C"
	eventually 60 gone "$before" || fail "the old daemon is still there"
	assert_one_daemon 20
	writer_goes_on
	kill_daemon
	start_daemon
	assert_one_daemon 20
	writer_goes_on
done
lost=${MEMBERS[1]}
all_but "$lost" "${MEMBERS[@]}"
kill_daemon
fail_member "$V" "$lost"
start_daemon
wait_for 10 no_member "$V" "$lost"
wait_metadata 10 "vd0.state=$WEAK" "pd.${REF[$lost]}.state=0x03" -- "${OTHERS[@]}"
add_disk "${DISKS[-1]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
writer_goes_on
stop_writer
hurry "$V"
assert_optimal 0 "${OTHERS[@]}" "${DISKS[-1]}"
assert_agreement "${OTHERS[@]}" "${DISKS[-1]}"
check_data
check_written
stop_all
