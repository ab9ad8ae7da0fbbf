# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers for the steps; runs inside the guest. What is not here is in tests/vm/lib.sh.
#
# Names used throughout (find_arrays sets them):
#   V       the kernel name of the volume (md126)
#   C       the kernel name of its container (md127)
#   UNIT    the unit of the daemon
#   DISK    DISK[serial number] is a disk, /dev/sda
#
# A step ends well by reaching its end. Anything else is "fail REASON".

# shellcheck source=tests/vm/lib.sh
. "${BASH_SOURCE[0]%/*}/vm/lib.sh"

# Is the root file system on a volume (ROOT= of tests/systemd/run)?
root_on_volume()
{
	[ -d "/sys/dev/block/$(mountpoint -d /)/md" ]
}

STATE=/var/lib/rig # what must be known after a reboot
MNT=/mnt/raid
! root_on_volume || MNT=/home/rig
[ ! -e /opt/rig/format ] || read -r FORMAT </opt/rig/format
UNIT=''
declare -A DISK

# A figure for the reader of the run
note()
{
	say "$*"
	echo "$*" >>/tmp/notes
}

show_state()
{
	show_arrays /dev/sd?
	echo "--- processes"
	daemons
	ls -la /run/mdadm
	timeout 10 systemctl --no-legend --failed
	timeout 10 systemctl --no-legend list-jobs
	[ -z "$UNIT" ] || timeout 10 systemctl status "$UNIT"
	timeout 10 journalctl -b -n 80 --no-pager
}

boot_ended()
{
	case $(systemctl is-system-running) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

## Arrays

find_arrays()
{
	local file version disk serial

	V='' C='' UNIT=''
	for file in /sys/block/md*/md/metadata_version; do
		read -r version 2>/dev/null <"$file" || continue
		case $version in
		external:[/-]*/0)
			V=${file#/sys/block/} V=${V%%/*}
			C=${version#external:?} C=${C%/0}
			UNIT=mdmon@$C.service
			;;
		esac
	done
	DISK=()
	for disk in /sys/block/sd?; do
		disk=${disk##*/}
		serial=$(tail -c +5 "/sys/block/$disk/device/vpd_pg80" 2>/dev/null | tr -d ' \0')
		# shellcheck disable=SC2034  # for the steps
		[ -z "$serial" ] || DISK[$serial]=/dev/$disk
	done
	[ -n "$V" ]
}

# The disks that are in the volume now
volume_disks()
{
	local dir

	for dir in "/sys/block/$V/md"/dev-*; do
		echo "/dev/${dir##*/dev-}"
	done
}

# The metadata on all disks of the volume (see imsm-peek.c)
volume_metadata()
{
	# shellcheck disable=SC2046  # words
	metadata "$@" -- $(volume_disks)
}

## The daemon

# Prints the process ids of all daemons, however they were started.
daemons()
{
	local dir name

	for dir in /proc/[0-9]*; do
		read -r name 2>/dev/null <"$dir/comm" || continue
		[ "$name" != mdmon ] || ! alive "${dir#/proc/}" || echo "${dir#/proc/}"
	done
}

one_daemon()
{
	[ "$(daemons)" = "$(daemon_pid)" ]
}

main_pid()
{
	systemctl show -P MainPID "$UNIT"
}

unit_active()
{
	[ "$(systemctl is-active "$UNIT")" = active ]
}

# The reference ends late when it is taken over, and takes over without waiting. While two are in the unit, systemd
# cannot tell which one is the main process (Type=forking), and never looks again. For ours it must know.
unit_has_daemon()
{
	local pid

	pid=$(daemon_pid)
	unit_active && alive "$pid" && grep -q "/$UNIT\$" "/proc/$pid/cgroup" || return 1
	[ "$(main_pid)" = "$pid" ] || { [ "$(main_pid)" = 0 ] && [ "$(installed)" = reference ]; }
}

# runs_as FILE: the running daemon is the program FILE (which may have been replaced or deleted since)
runs_as()
{
	cmp -s "/proc/$(daemon_pid)/exe" "$1"
}

# The daemon is there once, it is the program that is installed, systemd knows it, and it answers.
check_daemon()
{
	wait_for 30 unit_has_daemon
	wait_for 30 one_daemon
	assert "the installed program runs" runs_as /sbin/mdmon
	ping_daemon
	say "daemon: $(daemon_pid), $(tr '\0' ' ' <"/proc/$(daemon_pid)/cmdline")"
}

# Is the program of the package mdadm the one that is installed, or ours?
installed()
{
	if /sbin/mdmon --version 2>&1 | grep -q '^mdmon [0-9]'; then
		echo ours
	else
		echo reference
	fi
}

## Data

write_files()
{
	mkdir -p "$MNT/data"
	head -c 8M /dev/urandom >"$MNT/data/big"
	tar -C /etc -cf "$MNT/data/etc.tar" .
	sync -f "$MNT/data"
	sha256sum "$MNT"/data/* >"$STATE/sums"
	# the page cache must not answer for the disks
	echo 3 >/proc/sys/vm/drop_caches
}

check_files()
{
	must sha256sum --quiet -c "$STATE/sums"
	say "data as written"
}

mounted()
{
	root_on_volume || mountpoint -q "$MNT"
}

# Numbers in a file on the volume, each told to the host when the disks have it, until somebody kills us.
count_for_host()
{
	local n=0

	mounted || return
	while printf '%-511s\n' "$n" | dd of="$MNT/counter" conv=notrunc,fsync status=none; do
		echo "wrote $n" >&3
		n=$((n + 1))
	done
}

# The host saw such a number before the machine went down; the file has it, or the next.
check_counter()
{
	local told have

	[ -e /tmp/told ] || return 0
	read -r told </tmp/told
	read -r have <"$MNT/counter" || fail "the counter is gone"
	[ "$have" -ge "$told" ] || fail "a write that had ended is lost: the counter has $have, the host was told $told"
	note "last write before the end: $told; there: $have"
}

# A process that writes past the page cache to a file on the volume, every 20 ms or so, until end_writer.
start_writer()
{
	mounted || return 1
	[ -e "$MNT/writer" ] || { head -c 1M /dev/zero >"$MNT/writer" && sync -f "$MNT/writer"; }
	stall loop "$MNT/writer" 8 0 1048576 /tmp/writer 20000 3>&- &
	WRITER=$!
	echo "$WRITER" >/tmp/writer.pid
	eventually 20 writer_passed 0 || fail "the writer does not get going"
}

end_writer()
{
	local pid=''

	[ ! -e /tmp/writer.pid ] || read -r pid </tmp/writer.pid
	rm -f /tmp/writer.pid
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
}

# finish_writer WHAT [MS]: it goes on and saw no error, nor a stall longer than MS.
finish_writer()
{
	local longest

	writer_goes_on
	kill -TERM "$WRITER"
	eventually 20 gone "$WRITER" || fail "the writer hangs"
	rm -f /tmp/writer.pid
	longest=$(($(writer_field 2) / 1000))
	note "$1: $(writer_field 0) writes, $(writer_field 1) errors, longest $longest ms"
	wait "$WRITER" || fail "the writer saw errors: $(cat /tmp/writer)"
	[ "$longest" -le "${2:-10000}" ] || fail "a write took $longest ms"
}

## Our package, or what stands for it as long as there is none

# Of the newest kernel, as the packages do it. dracut has no update-initramfs in Debian 13.
remake_initramfs()
{
	if command -v update-initramfs >/dev/null; then
		must update-initramfs -u
	else
		must dracut --force "$(readlink -f /initrd.img)" "$(uname -r)"
	fi
}

by_hand()
{
	[ -d /opt/rig/by-hand ]
}

install_ours()
{
	if by_hand; then
		must dpkg-divert --quiet --local --rename --divert /sbin/mdmon.distrib --add /sbin/mdmon
		must install -m 755 /opt/rig/by-hand/mdmon /sbin/mdmon
		# an initramfs made by dracut has mdadm's unit all the same, which does for ours, too
		must install -m 644 /opt/rig/by-hand/mdmon@.service /etc/systemd/system/
		must systemctl daemon-reload
		must systemctl restart "$UNIT"
		remake_initramfs
	else
		must dpkg -i /opt/rig/mdmon_*.deb
	fi
}

remove_ours()
{
	if by_hand; then
		must rm /sbin/mdmon /etc/systemd/system/mdmon@.service
		must dpkg-divert --quiet --local --rename --remove /sbin/mdmon
		must systemctl daemon-reload
		must systemctl restart "$UNIT"
		remake_initramfs
	else
		must dpkg -r mdmon
	fi
}

## After a reboot

in_sync()
{
	attr_is "$V" sync_action idle && attr_is "$V" degraded 0 && attr_is "$V" resync_start none
}

# check_start ours|reference: the volume is there, in use, and served.
check_start()
{
	wait_for 40 find_arrays
	wait_for 60 mounted
	assert_eq "the daemon installed" "$1" "$(installed)"
	check_daemon
}

resyncs_begun()
{
	kernel_said 'resync of\|recovery of\|not clean'
}

# check_boot ours|reference: everything is as it was, nothing had to be repaired.
check_boot()
{
	local said

	check_start "$1"
	assert "in sync" in_sync
	if said=$(resyncs_begun); then
		fail "after the boot the kernel said: $said"
	fi
	said=$(journalctl -k -b --no-pager -o cat | grep -c "$V: .*active with \([23]\) out of \1 ")
	assert_eq "starts of the complete volume" 1 "$said"
	[ ! -e "$STATE/sums" ] || check_files
	check_counter
	put_file
}

# check_first_daemon: the initramfs started one, systemd spared it, and it has handed over to the unit's.
check_first_daemon()
{
	local first command

	cat /run/rig.initramfs
	read -r _ first command < <(grep ^mdmon /run/rig.initramfs)
	[ -n "$first" ] || fail "no daemon was started in the initramfs"
	[[ $command = @* ]] || fail "the daemon in the initramfs is called $command"
	[ "$first" != "$(daemon_pid)" ] || fail "the daemon of the initramfs still runs"
	note "initramfs: $command($first); now $(daemon_pid) of the unit"
}

# check_initramfs: it has the daemon that is installed; dracut's has its unit, too.
check_initramfs()
{
	# zstd takes no symbolic link
	local initrd unit

	initrd=$(readlink -f /initrd.img)
	rm -rf /tmp/initramfs
	if command -v lsinitrd >/dev/null; then
		mkdir /tmp/initramfs
		(cd /tmp/initramfs && lsinitrd --unpack "$initrd") || fail "lsinitrd"
		unit=$(systemctl show -P FragmentPath "$UNIT")
		by_hand || must cmp "/tmp/initramfs$unit" "$unit"
	else
		must unmkinitramfs "$initrd" /tmp/initramfs
	fi
	must cmp /tmp/initramfs/usr/sbin/mdmon /sbin/mdmon
	rm -rf /tmp/initramfs
}

# A write that has to go through the daemon
put_file()
{
	must timeout 30 dd if=/dev/zero of="$MNT/new" bs=4096 count=16 oflag=direct status=none
}

## The journal

logged()
{
	journalctl -q -b --no-pager -o cat "$@" | grep -q .
}

kernel_said()
{
	journalctl -k -b --no-pager -o cat | grep -i "$1"
}

# exposure WHAT: what "systemd-analyze security" thinks of the unit
exposure()
{
	local said

	said=$(timeout 30 systemd-analyze security --no-pager "$UNIT" 2>&1 | tail -n 1)
	note "systemd-analyze security, $1: ${said#*: }"
}
