# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A rebuild that is interrupted by a stop continues where it was after the next assembly.
# levels: 1 5 10
# timeout: 90

set_up "$LEVEL" 1
write_data
rebuild_interrupted "${DISKS[0]}"
fast_sync
wait_settled "$V"
wait_metadata 10 vol0.migr_state=0 vol0.map0.state=NORMAL -- "${OTHERS[@]}"
check_data
