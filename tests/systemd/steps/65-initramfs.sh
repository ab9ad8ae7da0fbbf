# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The initramfs made at the installation has our daemon.
# needs: 20-install
check_initramfs
