# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A "mdadm --grow" that cannot be done, because the daemon does not support it or mdadm itself finds it impossible, ends
# soon and leaves the volume as it was: not frozen, of the same shape for the kernel and for the metadata. It is written
# meanwhile, a spare is still used, and the data are still there when it is assembled again. (A kernel that reshapes
# what the metadata do not know about loses everything at the next assembly.)
# cases: devices size level chunk
# timeout: 120
# ours-only: the reference does what is asked

# What the metadata mean, without numbers that always change
meaning()
{
	imsm-peek "${DISKS[@]}" | grep -v -e '^generation=' -e '^checksum=' -e dirty -e curr_migr
}

shape()
{
	local name

	for name in level raid_disks chunk_size layout component_size array_size; do
		echo "$name $(attr "$V" $name)"
	done
	blockdev --getsize64 "/dev/$V"
}

set_up 5 1
write_data
start_writer
before=$(meaning)
shape=$(shape)
case $LEVEL in
devices) set -- /dev/md/c --raid-devices=4 ;;
size) set -- "/dev/$V" --size=max ;;
level) set -- "/dev/$V" --level=0 ;;
chunk) set -- "/dev/$V" --chunk=64 ;;
esac
now_ms
began=$NOW
said=$(timeout 60 mdadm --grow "$@" --backup-file=/tmp/backup 2>&1 </dev/null)
status=$?
now_ms
say "mdadm --grow $*: exit $status after $((NOW - began)) ms, says: $said"
[ $status != 124 ] || fail "mdadm --grow hangs"
eventually 10 is "$V" metadata_version "external:/$C/0" || fail "metadata_version is $(attr "$V" metadata_version)"
eventually 20 is "$V" sync_action idle || fail "sync_action is $(attr "$V" sync_action)"
writer_goes_on
assert_one_daemon
after=$(meaning)
diff <(printf '%s\n' "$before") <(printf '%s\n' "$after")
[ "$before" = "$after" ] || fail "the metadata say something else than before"
changes=$(diff <(printf '%s\n' "$shape") <(shape) | grep '^[<>]' | tr '\n' ' ')
stop_writer
stop_all
assemble "${DISKS[@]}"
check_data
# unless it was too slow to have written all of it
[ "$(writer_field 0)" -lt 256 ] || must pattern verify "/dev/$V" 8 "$DATA" 1048576
[ -z "$changes" ] || fail "the kernel has changed what the metadata do not say: $changes"
start_writer
fail_member "$V" "${DISKS[0]}"
wait_for 10 is_member "$V" "${DISKS[-1]}"
wait_settled "$V"
stop_writer
check_data
stop_all
