/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's part in bad blocks. See monitor/badblocks.c. Monitor thread only.
 */
#ifndef MONITOR_BADBLOCKS_H
#define MONITOR_BADBLOCKS_H

#include "mdmon.h"
#include "threads/report.h"

/*
 * After the members' states were read: has the metadata record what md found to be bad. `all`: nothing in particular
 * happened, compare the lists all the same.
 */
void bad_blocks_read(struct active_array *a, bool all);

/* A write waits for a range that cannot be recorded. */
bool bad_block_is_lost(const struct mdinfo *d);

/* This member has to fail for such a range now. */
bool bad_block_costs_member(const struct active_array *a, const struct mdinfo *d);

/* What the metadata shall say of the member: that it failed, if it has to. */
unsigned bad_blocks_state_to_tell(const struct active_array *a, const struct mdinfo *d);

/* It is blocked by nothing but bad blocks that are recorded: "active" may be written. */
bool bad_blocks_only(const struct mdinfo *d);

/* After the metadata were written; `w`: the last time. Returns whether the manager was asked for something. */
bool bad_blocks_acknowledge(struct active_array *a, const struct report_write *w);

/* Its lists are read in each pass that an event of theirs causes, so they may be polled. */
bool bad_blocks_are_watched(const struct active_array *a, const struct mdinfo *d);

#endif
