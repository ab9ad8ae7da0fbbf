# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the maintainer scripts share. debian/rules copies it into each of them.

warn()
{
	echo "mdmon: $*" >&2
}

# each_diversion COMMAND: runs it with each path that mdadm and we both have, and the path where mdadm's file goes.
# dpkg takes paths as they are spelled in the package. mdadm's have moved from /sbin and /lib (Debian 12) to /usr (13),
# and may do so while we are installed. Hence both spellings, with targets that differ: one must not overwrite the
# other while dpkg unpacks the new mdadm.
each_diversion()
{
	"$1" /sbin/mdmon /sbin/mdmon.distrib
	"$1" /usr/sbin/mdmon /usr/sbin/mdmon.distrib.usr-is-merged
	"$1" /lib/systemd/system/mdmon@.service /lib/systemd/system/mdmon@.service.distrib
	"$1" /usr/lib/systemd/system/mdmon@.service /usr/lib/systemd/system/mdmon@.service.distrib.usr-is-merged
	"$1" /usr/share/man/man8/mdmon.8.gz /usr/share/man/man8/mdmon.distrib.8.gz
}

# Only the spelling that mdadm has is renamed: on a merged /usr the other one names the same file. If mdadm is not
# unpacked yet there is nothing to rename, and dpkg will divert its files.
divert()
{
	rename=--no-rename
	if LC_ALL=C dpkg-query -L mdadm 2>/dev/null | grep -Fqx "$1"; then
		rename=--rename
	fi
	dpkg-divert --quiet --package mdmon "$rename" --divert "$2" --add "$1"
}

# Diversions of others, and of the local administrator, are not ours to remove.
undivert()
{
	if [ "$(dpkg-divert --listpackage "$1")" = mdmon ]; then
		dpkg-divert --quiet --package mdmon --rename --divert "$2" --remove "$1"
		# What dpkg forgets beside a diverted file when unpacking mdadm fails.
		rm -f "$2.dpkg-new" "$2.dpkg-tmp"
	fi
}

# attribute ARRAY NAME
attribute()
{
	cat "/sys/block/$1/md/$2" 2>/dev/null || :
}

# with_metadata PATTERN: prints the names of the arrays whose metadata_version matches: "external:imsm" for a
# container, "external:/md127/0" for a member of one, with a "-" in place of the first "/" if mdadm has it blocked.
with_metadata()
{
	for md in /sys/block/md*/md; do
		md=${md%/md}
		# shellcheck disable=SC2254  # a pattern is meant
		case $(attribute "${md##*/}" metadata_version) in
		$1) echo "${md##*/}" ;;
		esac
	done
}

containers()
{
	with_metadata 'external:[!/-]*'
}

members()
{
	with_metadata "external:[/-]$1/*"
}

# The kind of a container's metadata: imsm, ddf.
kind()
{
	attribute "$1" metadata_version | sed 's/^external://'
}

# Can our daemon serve this container?
is_supported()
{
	case $(kind "$1") in
	imsm | ddf) return 0 ;;
	esac
	return 1
}

# Does it have an array that needs a daemon?
is_redundant()
{
	for member in $(members "$1"); do
		case $(attribute "$member" level) in
		raid[1-9]*) return 0 ;;
		esac
	done
	return 1
}

# The process that serves this container; nothing if there is none.
daemon_of()
{
	pid=$(cat "/run/mdadm/$1.pid" 2>/dev/null) || return 0
	! grep -Eaq 'mdmon|@dmon' "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"
}

has_daemon()
{
	[ -n "$(daemon_of "$1")" ]
}

# Is this a system whose arrays are ours to look after? In a chroot those in /sys are somebody else's.
is_live_system()
{
	[ -z "${DPKG_ROOT:-}" ] && [ -d /sys/block ] && ! ischroot -t
}

runs_systemd()
{
	[ -d /run/systemd/system ]
}

reload_systemd()
{
	if is_live_system && runs_systemd; then
		systemctl --system daemon-reload >/dev/null || warn "systemctl daemon-reload failed"
	fi
}

# 101 is how the administrator's policy says no.
is_forbidden()
{
	status=0
	if [ -x /usr/sbin/policy-rc.d ]; then
		/usr/sbin/policy-rc.d "mdmon@$1.service" restart >/dev/null 2>&1 </dev/null || status=$?
	fi
	[ "$status" -eq 101 ]
}

# start PROGRAM CONTAINER: without systemd. mdadm's mdmon needs IMSM_NO_PLATFORM in a virtual machine.
start()
{
	IMSM_NO_PLATFORM=1 timeout 120 "$1" --takeover --offroot "$2" </dev/null
}

# Under systemd the daemon must run in its unit, not in the session of whoever called dpkg.
restart()
{
	if runs_systemd; then
		systemctl restart "mdmon@$1.service"
	else
		start /sbin/mdmon "$1"
	fi
}

unit_has_ended()
{
	case $(systemctl is-active "mdmon@$1.service") in
	inactive | failed) return 0 ;;
	esac
	return 1
}

# serves_now CONTAINER OLD: waits until another process than OLD serves it. Only systemd does not do so itself: mdadm's
# unit is of Type=simple since Debian 13, and "systemctl restart" is over before the takeover is. Returns 1 if the unit
# ends, or after a minute.
serves_now()
{
	tries=600
	while runs_systemd; do
		now=$(daemon_of "$1")
		[ -z "$now" ] || [ "$now" = "$2" ] || return 0
		! unit_has_ended "$1" || return 1
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
		tries=$((tries - 1))
	done
}

# take_over CONTAINER: has /sbin/mdmon take the place of the daemon that runs. If that fails the old one goes on.
# One that has ended, perhaps while there was no /sbin/mdmon, is replaced where udev starts daemons for arrays.
# Returns 1 if there is none in the end.
take_over()
{
	old=$(daemon_of "$1")
	if [ -z "$old" ] && ! { is_redundant "$1" && [ -e /run/udev/control ]; }; then
		return 0
	elif is_forbidden "$1"; then
		warn "$1: policy-rc.d forbids a restart; the daemon that runs goes on"
	elif restart "$1" && serves_now "$1" "$old"; then
		echo "mdmon: $1: the new daemon has taken over"
	elif has_daemon "$1"; then
		warn "$1: the new daemon could not take over; the old one goes on"
	else
		warn "$1: THE NEW DAEMON DOES NOT START, AND THERE IS NO OTHER: writes to its arrays will wait"
		return 1
	fi
}
