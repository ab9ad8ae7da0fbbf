# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the programs on the host side share: where things lie, and a virtual
# machine that takes orders. Sourced by build-image, run, demo/run and bench/run.
#
# The machine has two serial ports. The first is its console, kept in a file. The
# second carries orders and results, one a line: orders and answers are described
# at the top of tests/vm/init.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034  # for those who source this
vm_src=$top/tests/vm
# RELEASE: the release of Debian whose kernel, mdadm, udev and libraries the guest gets, and for which the daemon is built;
# by default, and then it is empty, that of this machine. release: its name in any case.
release=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
RELEASE=${RELEASE:-}
[ "$RELEASE" != "$release" ] || RELEASE=
release=${RELEASE:-$release}
# MACHINE=uml: user-mode Linux instead of QEMU. Where there is no KVM it is several times as fast; it has one processor, and
# is a kernel that nobody uses for his disks. By default, and then it is empty, QEMU.
MACHINE=${MACHINE:-}
vm_dir=${VM_DIR:-$top/build/${RELEASE:+release/$RELEASE/}${MACHINE:-vm}}
# shellcheck disable=SC2034  # for those who source this
default_mdmon=$top/build/${RELEASE:+release/$RELEASE/build/}mdmon
mkdir -p "$vm_dir/logs"

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# Prints "kvm" if KVM really runs a kernel here, else "tcg". Asked once, then remembered.
accelerator()
{
	local cache=$vm_dir/accelerator verdict=tcg

	if [ ! -s "$cache" ]; then
		if [ -w /dev/kvm ] && timeout -k 1 10 qemu-system-x86_64 -accel kvm -m 256 -nodefaults -display none \
			-no-reboot -kernel "$vm_dir/vmlinuz" -append 'console=ttyS0 panic=-1' -serial stdio \
			</dev/null 2>/dev/null | grep -aq 'Linux version'; then
			verdict=kvm
		fi
		echo "$verdict" >"$cache"
	fi
	cat "$cache"
}

# What every kernel here is told. An emulator translates programs that lie at other addresses each time anew each time:
# without norandmaps a scenario takes half as much processor time again.
kernel_options()
{
	echo console=ttyS0 quiet panic=-1 mitigations=off nokaslr sysrq_always_enabled random.trust_cpu=on
	[ "$(accelerator)" = kvm ] || echo norandmaps
}

# vm_start DIR: boots a machine whose console goes to DIR/console. Sets vm_pid and the
# descriptors vm_in, vm_out. Returns 1 if the guest does not report in. Under emulation a boot now and then gets
# stuck before anything of ours runs, so it is tried again; the console of such a boot is kept as DIR/stuck.N.
vm_start()
{
	local attempt

	for attempt in 1 2 3; do
		vm_boot "$1" && return 0
		vm_stop
		cp "$1/console" "$1/stuck.$attempt"
	done
	return 1
}

vm_boot()
{
	local dir=$1 line

	mkdir -p "$dir"
	rm -f "$dir"/orders.in "$dir"/orders.out
	mkfifo "$dir"/orders.in "$dir"/orders.out
	: >"$dir/console"
	exec {vm_in}<>"$dir/orders.in" {vm_out}<>"$dir/orders.out"
	vm_run_"${MACHINE:-qemu}" "$dir"
	while vm_read 60; do
		line=$REPLY
		[ "$line" = ready ] && return 0
	done
	return 1
}

# Its words for the kernel are those for QEMU's, as far as they mean something here. It is linked with the libraries of its
# release.
vm_run_uml()
{
	local dir=$1 there=()

	[ -z "$RELEASE" ] || there=("$top/tests/release/in" "$RELEASE")
	setsid "${there[@]}" "$vm_dir/vmlinuz" mem=1G initrd="${vm_image:-$vm_dir/initrd}" quiet panic=-1 \
		sysrq_always_enabled random.trust_cpu=on con=null con0=null,fd:1 ssl=null ssl1=fd:3,fd:4 \
		</dev/null >"$dir/console" 2>"$dir/uml.log" 3<>"$dir/orders.in" 4<>"$dir/orders.out" {vm_in}>&- {vm_out}>&- &
	vm_pid=$!
}

vm_run_qemu()
{
	local dir=$1

	# shellcheck disable=SC2046  # two words for tcg
	qemu-system-x86_64 -accel $([ "$(accelerator)" = kvm ] && echo kvm || echo tcg,thread=multi) \
		-smp 2 -m 1G -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$vm_dir/vmlinuz" -initrd "${vm_image:-$vm_dir/initrd}" \
		-append "$(kernel_options | paste -sd ' ')" \
		-serial file:"$dir/console" -chardev pipe,id=orders,path="$dir/orders" -serial chardev:orders \
		</dev/null >"$dir/qemu.log" 2>&1 {vm_in}>&- {vm_out}>&- &
	vm_pid=$!
}

vm_order()
{
	echo "$*" >&"$vm_in"
}

# vm_read SECONDS: one line from the guest into REPLY; 1 when time is over or the machine has died.
vm_read()
{
	local deadline=$((SECONDS + $1)) part=''

	while [ "$SECONDS" -lt "$deadline" ]; do
		if read -r -t 1 -u "$vm_out" REPLY; then
			REPLY=$part${REPLY%$'\r'}
			return 0
		fi
		# half a line may have come already
		part+=$REPLY
		kill -0 "$vm_pid" 2>/dev/null || return 1
	done
	return 1
}

vm_stop()
{
	# user-mode Linux has a process for each of the guest's
	[ "$MACHINE" != uml ] || kill -KILL -- "-$vm_pid" 2>/dev/null
	kill -KILL "$vm_pid" 2>/dev/null
	wait "$vm_pid" 2>/dev/null
	exec {vm_in}>&- {vm_out}>&-
}
