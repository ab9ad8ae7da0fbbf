/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the monitor share. For monitor.c, this wing and its tests only; the public face is monitor.h.
 *
 *	../monitor.c    the loop: one pass after the other, and waiting; the thread
 *	arrays.c        arrays come and go
 *	updates.c       updates of the metadata that the manager has queued
 *	read.c          what the kernel says of one array
 *	badblocks.c     bad blocks: have them recorded, have the manager acknowledge them, or give the member up
 *	decide.c        what to do about what was read; pure
 *	tell.c          telling the metadata handler what was decided
 *	sync.c          having the metadata written; reports
 *	acknowledge.c   after that: answering the kernel, asking the manager
 *	stalls.c        what administrators ask about: how long the kernel had to wait, when a sync began and ended
 *
 * All of it runs in the monitor thread, under the rules at the head of monitor.c.
 */
#ifndef MONITOR_PASS_H
#define MONITOR_PASS_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "mdmon.h"
#include "metadata/superswitch.h"
#include "threads/report.h"

/* ---- decide.c: pure, so that the whole table can be tested without a kernel ---- */

/* One snapshot of an array beside the one before it. Positions are in sectors. */
struct array_view {
	bool first;            /* there is no snapshot before this one */
	bool untold;           /* the handler has not been told of its state before */
	bool new_members;      /* the first one of this copy of the array, or since a disk came */
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
	bool unrecorded;      /* first: some member has a slot that the metadata do not give it */
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

/* ---- what the monitor keeps ---- */

#define MAX_ARRAYS 256 /* of one container; formats allow far fewer */
#define MAX_POLL_FDS 8192

/* An array that this pass looks at, and what was decided, between telling and acknowledging. */
struct looked_at {
	struct active_array *array;
	struct decision decision;
};

/* Disks that did not take the metadata when they were asked to the last time. */
struct refusals {
	unsigned count;
	dev_t dev[REPORT_FAILED];
};

static inline bool monitor_refused(const struct refusals *r, dev_t dev)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->dev[i] == dev)
			return true;
	return false;
}

/* What the monitor keeps from one pass to the next. Zero but for `st` before the first one. Times: CLOCK_MONOTONIC. */
struct monitor {
	struct supertype *st;
	pthread_t thread;

	struct active_array *arrays;
	bool arrays_kept; /* some are not bound to their volumes yet */
	unsigned array_count;

	/* this pass */
	bool timer;            /* it looks at everything because it is time to */
	uint64_t woken_ns;     /* when its events were noticed */
	bool wake_manager;     /* at its end */
	bool spare_check_all;  /* the set of disks has changed */
	bool some_unread;      /* of an array that was looked at nothing could be concluded */
	struct metadata_update *applied; /* to be returned after the metadata were written */
	unsigned looked_at_count;
	struct looked_at looked_at[MAX_ARRAYS];

	/* writing the metadata */
	bool sync_failed;        /* the last time reached no disk: nothing may be acknowledged */
	uint64_t sync_failed_ns; /* since when that is so */
	uint64_t retry_sync_ns;  /* 0: there is nothing to try again */
	uint64_t next_retry_ns;  /* disks whose last write failed are left alone until then */
	struct refusals refusals;
	struct hanging_disks hanging;
	uint64_t catch_up_ns;    /* when a disk that has answered is to be brought up to date; 0: there is none */
	bool some_wait;          /* arrays for such a disk, in this pass */
	struct metadata_update *held; /* updates that came while one had to */

	/* reports */
	bool report_due;
	struct report_write write;
	struct stall_stats write_stalls, failure_stalls;

	/* waiting */
	uint64_t next_look_ns; /* at everything */
	unsigned poll_count;
	struct pollfd poll_fd[MAX_POLL_FDS];
	struct array_watch *poll_watch[MAX_POLL_FDS];
	struct mdinfo *poll_bad[MAX_POLL_FDS]; /* whose list of bad blocks it is; NULL: something else */
};

/* ---- ../monitor.c ---- */

/* Reads, decides, tells, writes, acknowledges. `timer`: it is time to look at all arrays, with events or without. */
void monitor_pass(struct monitor *mon, bool timer);

/*
 * Until something happens, or it is time; with `sigs` as the signal mask meanwhile. Returns whether it is time to look
 * at everything.
 */
bool monitor_wait(struct monitor *mon, const sigset_t *sigs);

/* ---- arrays.c ---- */

/* All that the manager has published: new arrays, and copies that take the place of others. */
void monitor_take_arrays(struct monitor *mon);

/*
 * The same, before updates are applied: messages may delete and renumber volumes, and what a disk that comes knows better
 * counts only where nobody goes by the other disks already. So the handler has to know which volumes are in use. An array
 * whose volume is not there waits for monitor_take_arrays(): a message may be about to create it.
 */
void monitor_take_arrays_before_updates(struct monitor *mon);

/* The copy of the array that is watched by this; NULL if the array has ended. */
struct active_array *monitor_find_copy(const struct monitor *mon, const struct array_watch *w);

/* Gives it back to the manager. `last`: no newer copy takes its place. `error`: why it is refused, 0 if it is not. */
void monitor_discard(struct monitor *mon, struct active_array *a, bool last, int error);

/*
 * The array goes on without the member. If it does not, md would not fail its last mirror, but call the array broken;
 * of a RAID5 it would take the second member away.
 */
bool monitor_can_spare(const struct active_array *a, const struct mdinfo *m);

/* ---- updates.c ---- */

/* Applies what the manager has queued. It is returned, by the second one, after the metadata were written. */
void monitor_apply_updates(struct monitor *mon);
void monitor_return_updates(struct monitor *mon);

/* At the monitor's end: what waits for a disk that hangs will not become durable here. */
void monitor_return_held(struct monitor *mon);

/* If an update has changed the set of disks: what was degraded for want of a spare may find one now. */
void monitor_request_spare_checks(struct monitor *mon);

/* ---- read.c ---- */

/*
 * Into the watch and the members; what was there becomes `prev_`. False: something could not be read, and nothing must be
 * concluded from the rest; the array is due again at watch->reread_ns.
 */
bool monitor_read_array(struct monitor *mon, struct active_array *a);

/* ---- badblocks.c ---- */

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

/* The member is blocked by nothing but bad blocks that are recorded: "active" may be written. */
bool bad_blocks_only(const struct mdinfo *d);

/* After the metadata were written. Returns whether the manager was asked for something. */
bool bad_blocks_acknowledge(struct active_array *a, const struct refusals *refusals);

/* The lists of the member are read in each pass that an event of theirs causes, so they may be polled. */
bool bad_blocks_are_watched(const struct active_array *a, const struct mdinfo *d);

/* ---- tell.c ---- */

/* What decide() is asked about, of what was read. */
struct array_view monitor_view_of(const struct monitor *mon, struct active_array *a);

/* Tells the handler. Its answer completes the decision about an array that is about to start. */
void monitor_tell(struct monitor *mon, struct active_array *a, struct decision *d);
/* Before any array is told of: in which slots md has data. */
void monitor_note_slots(struct monitor *mon, struct active_array *a);

/* ---- hanging.c ---- */

/* Which disks do not answer, or did not, and lack what came since. */
void monitor_look_for_hanging(struct monitor *mon);
bool monitor_disk_hangs(const struct monitor *mon, dev_t dev);

/* Since when the oldest request is out to one of them; 0: none is. */
uint64_t monitor_hanging_since(const struct monitor *mon);

/* One of them answers, but is not up to date. */
bool monitor_any_answers(const struct monitor *mon);

/* Into the report that the handler has filled. */
void monitor_report_hanging(const struct monitor *mon, struct report *r);

/* That was tried a moment ago. */
void monitor_put_off_catching_up(struct monitor *mon);

/* It is time to bring one up to date that has answered. */
bool monitor_must_catch_up(const struct monitor *mon);

/* The array gets no answer before they are up to date: it could be started from disks alone that are not. */
bool monitor_waits_for_hanging(const struct monitor *mon, struct active_array *a);

/* Members whose disk has not answered for half a minute are failed where the array can do without them. */
void monitor_give_up_hanging(struct monitor *mon);

/* ---- sync.c ---- */

/* The metadata are written if they have changed. `retry`: also to disks whose last write failed. Sets sync_failed. */
void monitor_sync(struct monitor *mon, bool retry);

/* If an array would have to wait for disks that have answered: they are brought up to date. */
void monitor_catch_up(struct monitor *mon);

/* After the kernel was answered: copies that nobody waits for. The manager is woken before, if that is due. */
void monitor_finish_sync(struct monitor *mon, bool retry);

/* After all of that: disks whose last write failed are asked once more, but not if that was tried a moment ago. */
void monitor_retry_sync(struct monitor *mon);

/* What this pass changed is not on disk, and there is still hope that it will be. */
bool monitor_not_durable(const struct monitor *mon);

/* If something has changed, or it is time. Never between noticing and answering: nobody waits for a report. */
void monitor_publish_report(struct monitor *mon, bool timer);

/* ---- acknowledge.c ---- */

/* The metadata are durable: the kernel and the manager may know. */
void monitor_acknowledge(struct monitor *mon, struct active_array *a, const struct decision *d);

/* No answer waits for "-blocked" any more. */
void monitor_end_hold(struct active_array *a);

/* "active" is due, and waits for the manager's "-blocked" until hold_until_ns. */
bool monitor_is_held(const struct active_array *a);

/* The manager is to fail the member, unless it has failed, was asked for already, or is needed. True if it is asked now. */
bool monitor_ask_to_fail(struct monitor *mon, struct active_array *a, struct mdinfo *m);

/* A disk that failed in this array has failed in all arrays of the container that can do without it. */
void monitor_propagate_failures(struct monitor *mon, const struct active_array *a);

/* ---- stalls.c ---- */

/* Some member is blocked: writes wait for the manager's "-blocked". */
bool monitor_any_blocked(const struct active_array *a);

/* Counts what has waited since *since_ns, and sets that to 0. */
void monitor_count_stall(struct monitor *mon, struct stall_stats *s, uint64_t *since_ns);

/* After reading: notes what waits, and counts the failures that wait no more. */
void monitor_note_stalls(struct monitor *mon, const struct active_array *a);

/* After reading: a line in the log when a resync, rebuild, check or reshape begins or ends. */
void monitor_log_sync(struct monitor *mon, const struct active_array *a);

#endif
