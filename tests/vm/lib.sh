# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers for the scenarios, the demo and the benchmark; runs inside the guest.
#
# Names used throughout:
#   DISKS   the disks as made by make_disks or make_dm_disks
#   C       the container's kernel name (md127); /dev/md/c
#   V       the kernel name of volume 0; V1 of volume 1
#   LEVEL   the RAID level that the scenario was asked for
#   DAEMON  "ours" or "reference"
#   FORMAT  of the metadata: imsm, or ddf in the scenarios called ddf-* (see lib/ddf.sh) and where use_format says so
#
# A scenario ends well by reaching its end. Anything else is "fail REASON".
set -u
shopt -s extglob

: "${FORMAT:=imsm}"

DISKS=()
C=''
V=''
V1=''
# disks of the volume as set_up made it, and those left by all_but
MEMBERS=()
OTHERS=()
export V1 MEMBERS OTHERS

lib=${BASH_SOURCE[0]%/*}/lib
# shellcheck source=tests/vm/lib/judge.sh
. "$lib/judge.sh" # saying what happens, and judging it
# shellcheck source=tests/vm/lib/time.sh
. "$lib/time.sh" # waiting for what is to happen, with a limit
# shellcheck source=tests/vm/lib/processes.sh
. "$lib/processes.sh" # processes of the guest
# shellcheck source=tests/vm/lib/disks.sh
. "$lib/disks.sh" # disks of all kinds: plain, slow, failing, with serial numbers, large
# shellcheck source=tests/vm/lib/arrays.sh
. "$lib/arrays.sh" # containers and volumes: made, stopped, assembled; what the kernel says of them
# shellcheck source=tests/vm/lib/members.sh
. "$lib/members.sh" # the disks of a volume, as the kernel sees them
# shellcheck source=tests/vm/lib/reshape.sh
. "$lib/reshape.sh" # changing the shape of volumes
# shellcheck source=tests/vm/lib/daemon.sh
. "$lib/daemon.sh" # the daemon: starting, killing, asking it
# shellcheck source=tests/vm/lib/metadata.sh
. "$lib/metadata.sh" # what is on the disks
# shellcheck source=tests/vm/lib/data.sh
. "$lib/data.sh" # writing data and finding them again
# shellcheck source=tests/vm/lib/udev.sh
. "$lib/udev.sh" # udev, with Debian's rules, and its events
# shellcheck source=tests/vm/lib/clean-up.sh
. "$lib/clean-up.sh" # cleaning up: the init process calls clean_up after every scenario
unset lib
