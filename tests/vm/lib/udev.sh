# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# udev, with Debian's rules, for scenarios that ask for it ("udev: yes"). See ../lib.sh.

# Called by init before the scenario. Everything that exists is made known to udev, as at the boot of a machine.
start_udev()
{
	mkdir -p /run/udev/rules.d
	# Programs that udev runs see the properties of the device as environment. Since mdadm 4.4 a name that is to be the serial
	# number is taken even if the disk has one.
	cat >/run/udev/rules.d/00-guest.rules <<-END
		ENV{IMSM_NO_PLATFORM}="1"
		TEST!="/sys/module/scsi_debug", ENV{IMSM_DEVNAME_AS_SERIAL}="1"
		ENV{MDADM_NO_SYSTEMCTL}="1"
	END
	/lib/systemd/systemd-udevd --daemon --resolve-names=never || return 1
	udevadm trigger --action=add --subsystem-match=block
	udevadm settle --timeout=30
}

# udev, if it runs, has done all that it was told of.
udev_settled()
{
	[ -e /run/udev/control ] || return 0
	udevadm settle --timeout=30 || fail "udev does not come to rest"
}

# From now on events are noted.
watch_events()
{
	stop_watching
	: >/tmp/events
	udevadm monitor --udev --kernel >/tmp/events 2>&1 3>&- &
	WATCHER=$!
	wait_for 10 grep -q 'KERNEL - the kernel uevent' /tmp/events
}

stop_watching()
{
	[ -z "${WATCHER:-}" ] || kill "$WATCHER" 2>/dev/null
	WATCHER=
}

# change_events DISK...: how many "change" events the kernel made for these disks since watch_events. A close that udev has
# seen is one of those: udev writes "change" to the disk's uevent file.
change_events()
{
	local disk n=0

	udev_settled
	for disk in "$@"; do
		n=$((n + $(grep -c "^KERNEL.* change .*/${disk##*/} " /tmp/events)))
	done
	echo $n
}
