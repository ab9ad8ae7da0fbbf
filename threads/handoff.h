/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that both threads touch. See threads/handoff.c for the protocol.
 */
#ifndef HANDOFF_H
#define HANDOFF_H

#include <pthread.h>

#include "mdmon.h"
#include "threads/report.h"

/* ---- lists: any thread pushes single nodes, one thread takes the whole list, oldest first ---- */

typedef _Atomic(struct handoff_node *) handoff_list;

void handoff_list_push(handoff_list *list, struct handoff_node *n);
struct handoff_node *handoff_list_take(handoff_list *list);

/* What is linked into a list: the object that a node belongs to; NULL for NULL. */
static inline struct active_array *handoff_array_of(struct handoff_node *n)
{
	return n ? container_of(n, struct active_array, node) : NULL;
}

static inline struct metadata_update *handoff_update_of(struct handoff_node *n)
{
	return n ? container_of(n, struct metadata_update, node) : NULL;
}

/* The next one of a list that was taken. */
static inline struct active_array *handoff_next_array(const struct active_array *a)
{
	return handoff_array_of(a->node.next);
}

static inline struct metadata_update *handoff_next_update(const struct metadata_update *u)
{
	return handoff_update_of(u->node.next);
}

/* ---- start and end ---- */

/* Any thread, before it first waits: says which thread SIGUSR1 shall wake. */
void handoff_set_manager(pid_t tid);
void handoff_set_monitor(pid_t tid);

/* Wake the other thread out of its ppoll(). Never blocks; async-signal-safe. */
void handoff_wake_monitor(void);
void handoff_wake_manager(void);

/* manager: tell the monitor to drop arrays as they become clean (SIGTERM), or to end. */
void handoff_start_drain(void);
bool handoff_draining(void);
void handoff_stop_monitor(void);
void handoff_let_monitor_run(void); /* before it starts */
bool handoff_monitor_must_stop(void);

/* monitor: the last thing it does. manager: it has ended, and can be joined without waiting. */
void handoff_note_monitor_ended(void);
bool handoff_monitor_ended(void);

/* ---- arrays ---- */

/* manager: give a new array, or a duplicate with `replaces` set, to the monitor. */
void handoff_publish(struct active_array *a);

/* monitor: all published arrays, oldest first, linked through ->node.next. */
struct active_array *handoff_take_published(void);

/* monitor: give back an array that it will never touch again. */
void handoff_discard(struct active_array *a);

/* manager: all discarded arrays, oldest first, linked through ->node.next. */
struct active_array *handoff_take_discarded(void);

/* ---- updates ---- */

/* manager: queue an update and wake the monitor. Applied in the order queued. */
void handoff_queue_update(struct metadata_update *u);

/* monitor: all queued updates, oldest first. */
struct metadata_update *handoff_take_updates(void);

/* monitor: `more` behind `list`; either may be NULL. */
struct metadata_update *handoff_append_updates(struct metadata_update *list, struct metadata_update *more);

/* monitor: give an update back, after `status` and `durable` are set. */
void handoff_return_update(struct metadata_update *u);

/* manager: all handled updates, oldest first. */
struct metadata_update *handoff_take_handled(void);

/* ---- requests: bits set by the monitor, taken by the manager ---- */

/* monitor. Does not wake the manager; the pass does that once at its end. */
void handoff_request_array(struct active_array *a, unsigned bits);
void handoff_request_member(struct active_array *a, struct mdinfo *d, unsigned bits);

/* monitor: the array has got another size (sectors). The same, with ARRAY_WANT_SIZE. */
void handoff_request_size(struct active_array *a, uint64_t sectors);

/* manager: all requests so far, which are cleared. */
unsigned handoff_take_array_requests(struct active_array *a);
unsigned handoff_take_member_requests(struct mdinfo *d);
/* Any thread: the size (sectors) that was requested last, 0: none was. */
uint64_t handoff_new_size(const struct active_array *a);

/* ---- bad blocks: one batch for each member, with one owner at a time ---- */

/* monitor: room for BAD_RANGE_BATCH ranges; NULL: the manager has not done with those before. */
struct bad_range *handoff_bad_range_room(struct mdinfo *d);

/* monitor: so many (not 0) of them are durably in the metadata: requests MEMBER_WANT_BAD_BLOCKS. */
void handoff_bad_ranges(struct active_array *a, struct mdinfo *d, unsigned count);

/* manager: what is to be acknowledged, *count ranges; its own until it says that it has done with them. */
const struct bad_range *handoff_take_bad_ranges(const struct mdinfo *d, unsigned *count);
void handoff_bad_ranges_done(struct mdinfo *d);

/* ---- ping tickets ---- */

/*
 * manager: draw a ticket and wake the monitor. The ticket is honoured when one
 * complete pass that began after this call has ended: updates queued before are
 * durable, arrays published before have been looked at.
 */
unsigned handoff_draw_ticket(void);
bool handoff_ticket_honoured(unsigned ticket);

/* monitor: at the start of a pass; hand the result to handoff_pass_end. */
unsigned handoff_pass_begin(void);

/* monitor: the ticket honoured last; if it is not the one seen, somebody waits for a full look. */
unsigned handoff_last_honoured(void);

/*
 * monitor: at the end of the pass. Wakes the manager if a ticket became honoured
 * or `wake` is set.
 */
void handoff_pass_end(unsigned seen, bool wake);

/* ---- reports: the newest one counts ---- */

/* monitor: room for the next report, whatever it holds now; and: it is complete. */
struct report *handoff_report_room(void);
void handoff_publish_report(void);

/* manager: the newest report, unchanged until the next call; NULL: there is none yet. */
const struct report *handoff_latest_report(void);

/* monitor: since when (CLOCK_MONOTONIC ns) it has been writing metadata; 0: it is not. Any thread may ask. */
void handoff_note_writing(uint64_t since_ns);
uint64_t handoff_writing_since(void);

/* For tests: forget everything. No other thread may run. */
void handoff_reset(void);

#endif
