# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Where things lie on the host's side; sourced by build-image and run. The talk with the guest is that of tests/vm.

sd_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The Debian in the machine (RELEASE=, as everywhere; by default that of this machine), and what makes its initramfs:
# INITRD=initramfs-tools or dracut
suite=${RELEASE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
initrd_by=${INITRD:-initramfs-tools}
sd_dir=${sd_src%/tests/systemd}/build/systemd
[ -z "${RELEASE:-}" ] && [ "$initrd_by" = initramfs-tools ] || sd_dir+=-$suite-$initrd_by
sd_dir=${SYSTEMD_DIR:-$sd_dir}
mkdir -p "$sd_dir"
# the accelerator is tested with our kernel, and remembered beside it
# shellcheck disable=SC2034  # for host.sh
VM_DIR=$sd_dir
# shellcheck source=tests/vm/host.sh
. "$sd_src/../vm/host.sh"
