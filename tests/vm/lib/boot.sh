# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A machine that boots: its disks come one by one, and udev has "mdadm -I" run for each. For the scenarios called boot-*;
# FORMAT is imsm or ddf.
#
# Names used throughout:
#   C, V, V1   the container and its volumes 0 and 1, as find_booted has found them

# shellcheck source=tests/vm/lib/ddf.sh
[ "$FORMAT" != ddf ] || . /t/lib/ddf.sh

# What is on both volumes.
SOME=$((512 << 10))

fill()
{
	must pattern write "/dev/$1" "${2:-7}" 0 $SOME
}

check()
{
	must pattern verify "/dev/$1" "${2:-7}" 0 $SOME
}

# make_volume_on NAME LEVEL DISK...
make_volume_on()
{
	must mdadm -CR "/dev/md/$1" -l "$2" -n $(($# - 2)) -z 4096 "${@:3}"
	find_volumes
}

# Both volumes are written to, and clean.
settle_volumes()
{
	local volume

	for volume in $V $V1; do
		fill "$volume"
		attr_is "$volume" level raid0 && continue
		wait_settled "$volume"
		set_attr "$volume" safe_mode_delay 0.05
		wait_for 10 attr_is "$volume" array_state clean
	done
	ping_daemon
}

nothing_runs()
{
	mdadm --stop --scan 2>/dev/null
	! grep -q '^md' /proc/mdstat
}

# The machine goes down in order.
shut_down()
{
	eventually 10 nothing_runs || fail "mdadm --stop --scan: $(</proc/mdstat)"
	rm -rf /dev/md /run/mdadm/map
}

# arrive DISK: what udev's rule does
arrive()
{
	echo "  mdadm -I $1: $(mdadm -I "$1" 2>&1)"
}

# Sets C, V and V1; some of the volumes may not run yet.
find_booted()
{
	C=$(container_of "$1") || fail "no container has $1"
	find_volumes
}

# booted VOLUME: it runs
booted()
{
	attr_is "$1" array_state '@(clean|active|active-idle|read-auto|readonly)'
}

# The last-resort timer: what is not complete is started all the same.
last_resort()
{
	echo "  mdadm -IRs: $(mdadm -IRs 2>&1)"
}

# assert_whole VOLUME...: all of them run, with all their disks and data
assert_whole()
{
	local volume

	for volume; do
		[ -n "$volume" ] || fail "a volume is missing"
		booted "$volume" || fail "$volume is $(get_attr "$volume" array_state)"
		attr_is "$volume" level raid0 || attr_is "$volume" degraded 0 ||
			fail "$volume lacks $(get_attr "$volume" degraded) disks"
		check "$volume"
	done
}

# assert_on_disk N DISK...: N disks, all of them in order, and two volumes that are
assert_on_disk()
{
	local -a tests=("num_disks=$1" 'disk*.status!=0x*[4-7]' vol0.map0.state=NORMAL vol1.map0.state=NORMAL
		vol0.migr_state=0 vol1.migr_state=0 'vol*.map0.ords!=*R*')

	if [ "$FORMAT" = ddf ]; then
		assert_agreement "${@:2}"
		tests=("pds=$1" 'pd.*.state!=0x*[02468ace]' vd0.state=OPTIMAL vd1.state=OPTIMAL)
	fi
	eventually 10 "$FORMAT-peek" -t "${tests[@]}" -- "${@:2}" ||
		fail "metadata: $("$FORMAT-peek" -t "${tests[@]}" -- "${@:2}")"
}

# assert_assembled N DISK...: stopped and assembled, all is the same
assert_assembled()
{
	shut_down
	assemble_container "${@:2}"
	must mdadm -IR "/dev/$C"
	find_booted "$2"
	assert_whole "$V" "$V1"
	assert_on_disk "$@"
}
