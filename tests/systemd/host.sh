# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Where things lie on the host's side; sourced by build-image and run. The talk with the guest is that of tests/vm.

sd_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sd_dir=${SYSTEMD_DIR:-${sd_src%/tests/systemd}/build/systemd}
mkdir -p "$sd_dir"
# the accelerator is tested with our kernel, and remembered beside it
# shellcheck disable=SC2034  # for host.sh
VM_DIR=$sd_dir
# shellcheck source=tests/vm/host.sh
. "$sd_src/../vm/host.sh"
