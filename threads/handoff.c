/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that the manager and the monitor share.
 *
 * The monitor stands in the write path of the arrays, so nothing here makes it
 * wait: no lock, no sleep, no single slot that the other side must empty first.
 *
 * Objects travel over four lists. Each has one producer and one consumer; the
 * producer pushes single nodes, the consumer takes the whole list at once:
 *
 *	published   manager -> monitor   new arrays and changed duplicates
 *	discarded   monitor -> manager   arrays that the monitor has forgotten
 *	updates     manager -> monitor   changes to the metadata
 *	handled     monitor -> manager   the same updates, applied or refused
 *
 * Whoever takes an object owns it. A push is a release, a take is an acquire: the
 * consumer sees everything the producer wrote before the push. Since only whole
 * lists are taken, a node cannot be taken and pushed again behind the producer's
 * back (no ABA problem).
 *
 * To change an array the manager builds a duplicate with `replaces` set and
 * publishes it. The monitor puts it in the place of the old copy and discards that.
 * What the monitor has learned of the array is in its array_watch, to which all copies
 * point, so nothing is lost in the swap.
 *
 * What the monitor wants done (requests) are bits in the array's watch and in the member,
 * set by the monitor and taken by the manager.
 *
 * Tickets: the manager draws numbers; the monitor notes at the start of a pass the last
 * number drawn and publishes it when the pass has ended. So a ticket is honoured after one
 * complete pass that saw everything handed over before the ticket was drawn.
 *
 * Bad ranges that the manager may acknowledge lie in the member, in an array that has one owner at a time: its count
 * says which, and is changed by the owner only. If it is the manager's the monitor does not wait: the ranges stay where
 * they are, in the kernel and in the metadata, and come in a later pass.
 *
 * Reports go through three buffers: one that the monitor fills, one that the manager reads, and the newest complete
 * one between them, which each side swaps for its own in one step. Neither waits, and what nobody read is replaced.
 *
 * Wake-ups are SIGUSR1, which both threads keep blocked except inside ppoll(): one that is
 * sent at any other moment stays pending and ends the next ppoll() at once.
 *
 * tests/model/handoff.pml is a model of this file (without the reports and bad ranges). Change both together.
 */
#include "threads/handoff.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	handoff_list published;
	handoff_list discarded;
	handoff_list updates;
	handoff_list handled;
	atomic_int manager_tid;
	atomic_int monitor_tid;
	atomic_bool draining;
	atomic_bool stop;
	atomic_bool ended;
	atomic_uint drawn;    /* last ticket drawn */
	atomic_uint honoured; /* last ticket honoured */
} shared;

#define REPORT_FRESH 4u

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "the monitor takes no lock for 64-bit atomics");

static struct {
	struct report buffer[3];
	unsigned monitors, managers; /* which buffer is whose */
	bool any;                    /* manager: its buffer holds a report */
	atomic_uint between;         /* the third one; with REPORT_FRESH if the manager has not seen it */
	atomic_ullong writing_since; /* ns */
} reports = { .monitors = 0, .managers = 1, .between = 2 };

void handoff_list_push(handoff_list *list, struct handoff_node *n)
{
	struct handoff_node *head = atomic_load_explicit(list, memory_order_relaxed);

	do {
		n->next = head;
	} while (!atomic_compare_exchange_weak_explicit(list, &head, n, memory_order_seq_cst,
							memory_order_relaxed));
}

struct handoff_node *handoff_list_take(handoff_list *list)
{
	struct handoff_node *n, *next, *ordered = NULL;

	n = atomic_exchange(list, NULL);
	for (; n; n = next) {
		next = n->next;
		n->next = ordered;
		ordered = n;
	}
	return ordered;
}

/*
 * A thread makes itself known before it looks for work for the first time. Either the waker sees it then, or
 * the thread sees the work: that takes sequential consistency here, in the lists and in the tickets.
 */
static void wake(atomic_int *tid)
{
	int t = atomic_load(tid);

	if (t > 0)
		syscall(SYS_tgkill, getpid(), t, SIGUSR1);
}

void handoff_set_manager(pid_t tid)
{
	atomic_store(&shared.manager_tid, tid);
}

void handoff_set_monitor(pid_t tid)
{
	atomic_store(&shared.monitor_tid, tid);
}

void handoff_wake_monitor(void)
{
	wake(&shared.monitor_tid);
}

void handoff_wake_manager(void)
{
	wake(&shared.manager_tid);
}

void handoff_start_drain(void)
{
	atomic_store(&shared.draining, true);
	handoff_wake_monitor();
}

bool handoff_draining(void)
{
	return atomic_load_explicit(&shared.draining, memory_order_acquire);
}

void handoff_stop_monitor(void)
{
	atomic_store(&shared.stop, true);
	handoff_wake_monitor();
}

void handoff_let_monitor_run(void)
{
	atomic_store(&shared.stop, false);
	atomic_store(&shared.ended, false);
}

void handoff_note_monitor_ended(void)
{
	atomic_store(&shared.ended, true);
	handoff_wake_manager();
}

bool handoff_monitor_ended(void)
{
	return atomic_load(&shared.ended);
}

bool handoff_monitor_must_stop(void)
{
	return atomic_load_explicit(&shared.stop, memory_order_acquire);
}

void handoff_publish(struct active_array *a)
{
	handoff_list_push(&shared.published, &a->node);
	handoff_wake_monitor();
}

struct active_array *handoff_take_published(void)
{
	return handoff_array_of(handoff_list_take(&shared.published));
}

void handoff_discard(struct active_array *a)
{
	handoff_list_push(&shared.discarded, &a->node);
}

struct active_array *handoff_take_discarded(void)
{
	return handoff_array_of(handoff_list_take(&shared.discarded));
}

void handoff_queue_update(struct metadata_update *u)
{
	handoff_list_push(&shared.updates, &u->node);
	handoff_wake_monitor();
}

struct metadata_update *handoff_take_updates(void)
{
	return handoff_update_of(handoff_list_take(&shared.updates));
}

struct metadata_update *handoff_append_updates(struct metadata_update *list, struct metadata_update *more)
{
	struct metadata_update *last = list;

	if (!list)
		return more;
	while (handoff_next_update(last))
		last = handoff_next_update(last);
	last->node.next = more ? &more->node : NULL;
	return list;
}

void handoff_return_update(struct metadata_update *u)
{
	handoff_list_push(&shared.handled, &u->node);
}

struct metadata_update *handoff_take_handled(void)
{
	return handoff_update_of(handoff_list_take(&shared.handled));
}

void handoff_request_array(struct active_array *a, unsigned bits)
{
	atomic_fetch_or_explicit(&a->watch->requests, bits, memory_order_release);
}

void handoff_request_member(struct active_array *a, struct mdinfo *d, unsigned bits)
{
	/* The member first: whoever sees ARRAY_WANT_MEMBERS must see these bits. */
	atomic_fetch_or_explicit(&d->requests, bits, memory_order_release);
	handoff_request_array(a, ARRAY_WANT_MEMBERS);
}

void handoff_request_size(struct active_array *a, uint64_t sectors)
{
	/* Released by the request that follows. */
	atomic_store_explicit(&a->watch->new_size, sectors, memory_order_relaxed);
	handoff_request_array(a, ARRAY_WANT_SIZE);
}

uint64_t handoff_new_size(const struct active_array *a)
{
	return atomic_load_explicit(&a->watch->new_size, memory_order_relaxed);
}

unsigned handoff_take_array_requests(struct active_array *a)
{
	return atomic_exchange_explicit(&a->watch->requests, 0, memory_order_acquire);
}

unsigned handoff_take_member_requests(struct mdinfo *d)
{
	return atomic_exchange_explicit(&d->requests, 0, memory_order_acquire);
}

struct bad_range *handoff_bad_range_room(struct mdinfo *d)
{
	return atomic_load_explicit(&d->bad.count, memory_order_acquire) ? NULL : d->bad.range;
}

void handoff_bad_ranges(struct active_array *a, struct mdinfo *d, unsigned count)
{
	atomic_store_explicit(&d->bad.count, count, memory_order_release);
	handoff_request_member(a, d, MEMBER_WANT_BAD_BLOCKS);
}

const struct bad_range *handoff_take_bad_ranges(const struct mdinfo *d, unsigned *count)
{
	*count = atomic_load_explicit(&d->bad.count, memory_order_acquire);
	return d->bad.range;
}

void handoff_bad_ranges_done(struct mdinfo *d)
{
	atomic_store_explicit(&d->bad.count, 0, memory_order_release);
}

unsigned handoff_draw_ticket(void)
{
	unsigned t = atomic_fetch_add(&shared.drawn, 1) + 1;

	handoff_wake_monitor();
	return t;
}

bool handoff_ticket_honoured(unsigned ticket)
{
	unsigned h = atomic_load_explicit(&shared.honoured, memory_order_acquire);

	return (int)(h - ticket) >= 0;
}

unsigned handoff_pass_begin(void)
{
	return atomic_load(&shared.drawn);
}

unsigned handoff_last_honoured(void)
{
	return atomic_load_explicit(&shared.honoured, memory_order_relaxed);
}

void handoff_pass_end(unsigned seen, bool wake_manager)
{
	if (seen != handoff_last_honoured()) {
		atomic_store_explicit(&shared.honoured, seen, memory_order_release);
		wake_manager = true;
	}
	if (wake_manager)
		handoff_wake_manager();
}

struct report *handoff_report_room(void)
{
	return &reports.buffer[reports.monitors];
}

void handoff_publish_report(void)
{
	unsigned old = atomic_exchange_explicit(&reports.between, reports.monitors | REPORT_FRESH, memory_order_acq_rel);

	reports.monitors = old & ~REPORT_FRESH;
}

const struct report *handoff_latest_report(void)
{
	if (atomic_load_explicit(&reports.between, memory_order_relaxed) & REPORT_FRESH) {
		unsigned newest = atomic_exchange_explicit(&reports.between, reports.managers, memory_order_acq_rel);

		reports.managers = newest & ~REPORT_FRESH;
		reports.any = true;
	}
	return reports.any ? &reports.buffer[reports.managers] : NULL;
}

void handoff_note_writing(uint64_t since_ns)
{
	atomic_store_explicit(&reports.writing_since, since_ns, memory_order_relaxed);
}

uint64_t handoff_writing_since(void)
{
	return atomic_load_explicit(&reports.writing_since, memory_order_relaxed);
}

void handoff_reset(void)
{
	reports.monitors = 0;
	reports.managers = 1;
	reports.any = false;
	atomic_store(&reports.between, 2);
	atomic_store(&reports.writing_since, 0);
	atomic_store(&shared.published, NULL);
	atomic_store(&shared.discarded, NULL);
	atomic_store(&shared.updates, NULL);
	atomic_store(&shared.handled, NULL);
	atomic_store(&shared.draining, false);
	atomic_store(&shared.stop, false);
	atomic_store(&shared.ended, false);
	atomic_store(&shared.drawn, 0);
	atomic_store(&shared.honoured, 0);
	atomic_store(&shared.manager_tid, 0);
	atomic_store(&shared.monitor_tid, 0);
}
