/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heart of the monitor: what to do about what was read of an array. Pure, so
 * that the whole table can be tested without a kernel.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "metadata/superswitch.h"

/* One snapshot of an array beside the one before it. Positions are in sectors. */
struct array_view {
	bool first;            /* there is no snapshot before this one */
	bool new_members;      /* the first one of this copy of the array */
	bool seen_running;     /* it ran under this daemon already */
	bool blocked_by_mdadm; /* metadata_version with '-': leave it readonly */
	bool retry_clean;      /* "clean" was refused some seconds ago, and nothing has come of it since */
	bool draining;         /* SIGTERM: change nothing that is not needed */
	enum array_state state;
	enum sync_action prev_action, action;
	uint64_t resync_start, sync_completed, last_checkpoint, component_size;
	uint64_t reshape_position; /* valid if the action is or was reshape; SECTORS_NONE: at its end */
	bool any_faulty;      /* some member is faulty or vanished */
	bool newly_in_sync;   /* some member became in_sync */
	bool all_in_sync;     /* as many members as slots, all in sync */
};

struct decision {
	bool stopped;              /* it does not run any more: drop it */
	bool tell_state;           /* call set_array_state(consistency) */
	enum consistency consistency;
	bool tell_disks;           /* call set_disk for every member */
	bool tell_faulty;          /* call set_disk for the faulty members */
	bool remove_faulty;        /* ask for their removal, too */
	bool reshape_done;         /* a reshape has reached its end */
	bool starting;             /* set_array_state's answer picks read-auto or active */
	bool dirty;                /* writes may be in flight */
	uint64_t checkpoint;       /* new last_checkpoint, sectors */
	const char *write;         /* word for array_state, NULL for none */
	unsigned requests;         /* ARRAY_WANT_* */
};

struct decision decide(const struct array_view *v);

#endif
