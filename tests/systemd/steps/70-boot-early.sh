# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A boot where the initramfs assembles the arrays and starts the daemon. That daemon cannot see the new root's /sys;
# the unit's takes over from it.
# needs: 20-install
# boot: early
# timeout: 90
check_boot ours
cat /run/rig.initramfs
read -r _ first command < <(grep ^mdmon /run/rig.initramfs)
[ -n "$first" ] || fail "no daemon was started in the initramfs"
[[ $command = @* ]] || fail "the daemon in the initramfs is called $command"
if [ "$first" = "$(daemon_pid)" ]; then
	fail "the daemon of the initramfs still runs"
fi
note "initramfs: $command($first); now $(daemon_pid) of the unit"
