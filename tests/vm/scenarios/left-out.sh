# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A volume is started degraded, and its last disk comes into the container before there is a daemon: the daemon finds
# metadata that call all disks good, and an array that runs without one of them. Before anything is written to the array
# that disk is on record as out of date. After the next assembly (stop), or at once (on), it is rebuilt; its data are
# those of the others then. The same if mdadm has given it to md, but without a slot, as it does with a disk that comes to
# a volume that is read-only (mdadm).
# cases: imsm-1-stop imsm-5-stop imsm-10-stop imsm-1-on imsm-1-mdadm ddf-1-stop ddf-5-stop ddf-1-on ddf-1-mdadm
# udev: yes
# timeout: 120
# reference: fails@imsm-1-stop@imsm-5-stop@imsm-10-stop@ddf-1-stop@ddf-5-stop - records nothing; the next assembly trusts the disk

# shellcheck disable=SC2153  # LEVEL comes from init
IFS=- read -r format level how <<<"$LEVEL"
use_format "$format"
if [ "$format" = ddf ]; then
	ddf_set_up "$level"
else
	set_up "$level"
fi
write_data
late=${MEMBERS[1]}
note=$(slot_of "$late")
stop_all
all_but "$late" "${MEMBERS[@]}"

say "started without a daemon"
rm -f /sbin/mdmon
printf '#!/bin/sh\nexit 0\n' >/sbin/mdmon
chmod +x /sbin/mdmon
assemble "${OTHERS[@]}"
if [ "$how" = mdadm ]; then
	say "mdadm -I $late: $(mdadm -I "$late" 2>&1)"
else
	cat "/sys/block/${late##*/}/dev" >"/sys/block/$C/md/new_dev"
	no_member "$V" "$late" || fail "$late is in the volume"
fi
is_member "$C" "$late" || fail "$late is not in the container"
say "$V is $(get_attr "$V" array_state), degraded $(get_attr "$V" degraded)"
use_daemon "$DAEMON"
# No spare is put in while mdadm has the array.
[ "$how" = mdadm ] || set_attr "$V" metadata_version "external:-$C/0"
start_daemon
ping_daemon
attr_is "$V" array_state '@(read-auto|clean|active*)' || set_attr "$V" array_state active
stay_dirty
must pattern write "/dev/$V" 9 0 "$DATA"
if [ "$how" = mdadm ]; then
	:
elif [ "$DAEMON" = ours ] && [ "$format" = imsm ]; then
	assert_metadata vol0.map0.state=DEGRADED "vol0.map0.failed=$note" "vol0.map0.ords=*R*" \
		"disk*.serial=$late" -- "${MEMBERS[@]}"
elif [ "$DAEMON" = ours ]; then
	assert_metadata "vd0.state=$WEAK" "pd.${REF[$late]}.state=0x05" -- "${MEMBERS[@]}"
fi
set_attr "$V" safe_mode_delay 0.05
wait_for 10 attr_is "$V" array_state clean
ping_daemon
if [ "$how" = stop ]; then
	stop_all
	assemble "${MEMBERS[@]}"
	must pattern verify "/dev/$V" 9 0 "$DATA"
elif [ "$how" = on ]; then
	set_attr "$V" metadata_version "external:/$C/0"
	ping_daemon
fi
wait_for 20 is_member "$V" "$late"
wait_settled "$V"
wait_clean_on_disk()
{
	if [ "$format" = imsm ]; then
		wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL vol0.dirty=0 -- "${MEMBERS[@]}"
	else
		hurry "$V"
		assert_optimal 0 "${MEMBERS[@]}"
	fi
}
set_attr "$V" safe_mode_delay 0.05
wait_clean_on_disk
say "what the disk that came late has"
fail_member "$V" "${OTHERS[0]}"
wait_for 10 no_member "$V" "${OTHERS[0]}"
must pattern verify "/dev/$V" 9 0 "$DATA"
