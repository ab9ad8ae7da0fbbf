# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Systems of other releases of Debian, in directories. Each is made once, with debootstrap from MIRROR:
#
#   build/release/NAME/bare   nothing but make
#   build/release/NAME/root   the same, and what `scripts/deps --guest` installs: the daemon and the image of a guest are
#                             made there
#
# Sourced by in and check. Root is needed, and a mount namespace of one's own.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MIRROR=${MIRROR:-http://deb.debian.org/debian}
in_root=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)

die()
{
	echo "release: $*" >&2
	exit 2
}

# need_root RELEASE: what has to be there before anything can be done
need_root()
{
	[[ $1 = [a-z]*([a-z0-9-]) ]] || die "\"$1\" is no release of Debian: bookworm, trixie or forky"
	[ "$(id -u)" = 0 ] || die "RELEASE=$1 needs root: the system of that release is made with debootstrap and chroot"
	command -v debootstrap >/dev/null || die "RELEASE=$1 needs debootstrap, which is missing: apt-get install debootstrap"
}

# own_namespaces VARIABLE PROGRAM ARGUMENT...: starts the program again, so that mounts and processes end with it
own_namespaces()
{
	local mark=$1

	shift
	[ -z "${!mark:-}" ] || return 0
	exec env "$mark=1" unshare --mount --propagation private --pid --fork --kill-child "$@"
}

# mount_system ROOT: what programs expect beside their files
mount_system()
{
	if ! mount --rbind /dev "$1/dev" || ! mount -t proc proc "$1/proc" || ! mount -t sysfs -o ro sys "$1/sys"; then
		die "cannot mount in $1: root in a container may lack CAP_SYS_ADMIN"
	fi
}

# say_once TEXT: on stderr, since what runs in the system may be asked for its output
say_once()
{
	echo "release: $*" >&2
}

# make_bare RELEASE: sets bare
make_bare()
{
	local release=$1 dir=$top/build/release/$1 script=

	bare=$dir/bare
	mkdir -p "$dir"
	[ "$MIRROR" != "$(cat "$dir/bare.key" 2>/dev/null)" ] || return 0
	say_once "making a bare Debian $release, once (log: build/release/$release/bare.log)"
	# A release that is younger than this debootstrap
	[ -e "/usr/share/debootstrap/scripts/$release" ] || script=/usr/share/debootstrap/scripts/sid
	rm -rf --one-file-system "$bare" "$bare.new"
	mkdir -p "$bare.new"
	# shellcheck disable=SC2086  # no word, or one
	debootstrap --variant=minbase --include=make "$release" "$bare.new" "$MIRROR" $script >"$dir/bare.log" 2>&1 || {
		tail -n 20 "$dir/bare.log" >&2
		rm -rf --one-file-system "$bare.new"
		die "debootstrap of $release failed; build/release/$release/bare.log has all that it said"
	}
	umount -R "$bare.new/proc" "$bare.new/sys" 2>/dev/null
	rm -rf "$bare.new"/var/lib/apt/lists/* "$bare.new"/var/cache/apt/archives/*.deb
	echo force-unsafe-io >"$bare.new/etc/dpkg/dpkg.cfg.d/tests"
	# MIRROR may be a snapshot.
	echo 'Acquire::Check-Valid-Until "false";' >"$bare.new/etc/apt/apt.conf.d/tests"
	mv "$bare.new" "$bare"
	echo "$MIRROR" >"$dir/bare.key"
	rm -f "$dir/root.key"
}

# make_root RELEASE: sets root
make_root()
{
	local release=$1 dir=$top/build/release/$1

	root=$dir/root
	make_bare "$release"
	[ "$(sha256sum <"$top/scripts/deps")" != "$(cat "$dir/root.key" 2>/dev/null)" ] || return 0
	say_once "installing what the daemon and the guest need (log: build/release/$release/root.log)"
	rm -rf --one-file-system "$root" "$root.new"
	cp -a "$bare" "$root.new"
	cp -L /etc/resolv.conf "$root.new/etc/resolv.conf"
	mkdir -p "$root.new/deps/scripts"
	cp "$top/scripts/deps" "$root.new/deps/scripts/"
	(
		mount_system "$root.new"
		chroot "$root.new" /usr/bin/env -i "${in_root[@]}" sh /deps/scripts/deps --guest
	) >"$dir/root.log" 2>&1 </dev/null || {
		tail -n 20 "$dir/root.log" >&2
		die "the packages cannot be installed; build/release/$release/root.log has all that was said"
	}
	umount -R "$root.new/proc" "$root.new/sys" "$root.new/dev" || die "cannot unmount in $root.new"
	rm -rf "$root.new/deps" "$root.new"/var/cache/apt/archives/*.deb
	mv "$root.new" "$root"
	sha256sum <"$top/scripts/deps" >"$dir/root.key"
	# what was built there, for the libraries that were there
	rm -rf "$dir/build" "$dir/vm/base.key"
}
