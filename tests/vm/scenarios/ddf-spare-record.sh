# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A disk carries a spare assignment record (mdadm makes none; firmware does) that dedicates it to one of two volumes, and
# another a record of its vendor. They survive whatever is written. The spare serves its volume (own), and no other
# (other).
# cases: own other
# timeout: 120
# reference: fails - destroys such records
# shellcheck source=tests/vm/lib/ddf.sh
. /t/lib/ddf.sh

# records_survive: both are still there, byte by byte
records_survive()
{
	assert_eq "spare assignment record" "$sum" "$(on_disk spare.sum "$spare")"
	assert_eq "the vendor's record" 1 "$(on_disk vendor_records "${DISKS[0]}")"
}

EXTRA=1
ddf_set_up 10
stop_all
power_off
wipe "${DISKS[4]}"
must mdadm --zero-superblock "${DISKS[@]:0:4}"
make_container "${DISKS[@]}"
ddf_volume 10 r10 8192 "${DISKS[@]:0:4}"
ddf_volume 1 m1 8192 "${DISKS[1]}" "${DISKS[3]}"
wait_settled "$V"
wait_settled "$V1"
hurry "$V"
hurry "$V1"
learn "${DISKS[@]}"
write_data
with_volume "$V1" write_data
hurry "$V"
hurry "$V1"
pid=$(daemon_pid)
stop_all
wait_for 10 gone "$pid"

spare=${DISKS[4]}
guid=$(on_disk vd1.guid "$spare")
index=$(on_disk "pd.${REF[$spare]}.index" "$spare")
must ddf-poke 2 128 $((64 + 64 * index + 28)) 0009 "${DISKS[@]}"
must ddf-poke 610 7 0 "555555550000000058345fefffffffffffffff010001006fffffffffffffffff${guid}ffffffffffffffff" "$spare"
must ddf-poke 197 7 0 "8888888800000000${guid}" "${DISKS[0]}"
sum=$(on_disk spare.sum "$spare")
assert_metadata whole=yes spare.type=0x01 spare.for=1 "pd.${REF[$spare]}.type=0x09" -- "$spare"
assert_agreement "${DISKS[@]}"

assemble "${DISKS[@]}"
check_data
stay_dirty
put_block
assert_metadata vd0.dirty=1 whole=yes -- "${DISKS[@]}"
records_survive
hurry "$V"
case $LEVEL in
own) lost=${DISKS[1]} ;;
other) lost=${DISKS[0]} ;;
esac
fail_member "$V" "$lost"
wait_for 10 no_member "$V" "$lost"
all_but "$lost" "${DISKS[@]}"
wait_metadata 10 vd0.state=DEGRADED "pd.${REF[$lost]}.state=0x?[23ab]" -- "${OTHERS[@]}"
if [ "$LEVEL" = own ]; then
	wait_for 10 is_member "$V1" "$spare"
	wait_settled "$V1"
	hurry "$V1"
	wait_metadata 10 vd1.state=OPTIMAL vd1.dirty=0 "pd.${REF[$spare]}.state=0x01" -- "${OTHERS[@]}"
	assert_metadata "vd1.elements=*${REF[$spare]}*" -- "$spare" "${DISKS[3]}"
else
	nap 3
	no_member "$V1" "$spare" || fail "the spare serves without need"
	assert_metadata vd1.state=OPTIMAL -- "${OTHERS[@]}"
fi
no_member "$V" "$spare" || fail "the spare serves a volume that it is not for"
hurry "$V"
assert_agreement "${OTHERS[@]}"
[ "$LEVEL" = other ] || records_survive
stop_all
assert_closed "${OTHERS[@]}"
assert_eq "spare assignment record" "$sum" "$(on_disk spare.sum "$spare")"
assemble "${OTHERS[@]}"
check_data
with_volume "$V1" check_data
stop_all
