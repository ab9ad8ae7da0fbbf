/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two threads race over the hand-over, waiting exactly as monitor.c and managemon.c do. To be run under
 * -fsanitize=thread, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "tests/unit/support/wake-ups.h"
#include "threads/handoff.h"

#define ARRAYS 16
#define COPIES (4000 / SLOWER)
#define UPDATES (8000 / SLOWER)
#define PINGS (3000 / SLOWER)
#define TICKETS_OPEN 8

static int reset(void **state)
{
	(void)state;
	handoff_reset();
	return 0;
}

/* A complete pass of the monitor that finds nothing to do. */
static void empty_pass(void)
{
	handoff_pass_end(handoff_pass_begin(), false);
}

/* What the monitor thread of the test found wrong. cmocka's asserts work in the main thread only. */
struct findings {
	bool overslept, wrong_order, wrong_old_copy;
	unsigned passes;
};

struct two_threads {
	pthread_t thread;
	struct findings found;         /* the monitor's, until it is joined */
	struct active_array *arrays;   /* monitor */
	uint64_t next_update;          /* monitor: the number that the next update must have */
	void (*pass)(struct two_threads *t);
};

static void *monitor_thread(void *arg)
{
	struct two_threads *t = arg;

	handoff_set_monitor((pid_t)syscall(SYS_gettid));
	while (!handoff_monitor_must_stop()) {
		t->pass(t);
		t->found.passes++;
		if (handoff_monitor_must_stop())
			break;
		if (!wait_for_signal()) {
			t->found.overslept = true;
			break;
		}
	}
	handoff_set_monitor(0);
	return NULL;
}

static void start_monitor(struct two_threads *t)
{
	handoff_set_manager((pid_t)syscall(SYS_gettid));
	assert_int_equal(pthread_create(&t->thread, NULL, monitor_thread, t), 0);
}

static void stop_monitor(struct two_threads *t)
{
	handoff_stop_monitor();
	pthread_join(t->thread, NULL);
	assert_false(t->found.overslept);
	assert_false(t->found.wrong_order);
	assert_false(t->found.wrong_old_copy);
}

static void ping_pass(struct two_threads *t)
{
	(void)t;
	empty_pass();
}

/* Nothing but tickets, one after the other: every pass must be caused by a wake-up, and cause one. */
static void test_ping_pong(void **state)
{
	struct two_threads t = { .pass = ping_pass };

	(void)state;
	start_monitor(&t);
	for (int i = 0; i < PINGS; i++) {
		unsigned ticket = handoff_draw_ticket();

		while (!handoff_ticket_honoured(ticket))
			assert_true(wait_for_signal());
	}
	stop_monitor(&t);
}

/* ---- everything at once ---- */

/*
 * One array of the load test. Each copy has a member of its own, in which the monitor notes (meta_slot) that it has
 * seen the copy and asks for something; so that nothing that is asked for may get lost.
 */
struct load_array {
	struct array_watch watch;
	struct active_array *current; /* published last */
	unsigned copies;              /* published and not discarded */
	bool request_due;             /* the request of the current copy has not come yet */
	int number;                   /* of the current copy */
};

struct load {
	struct load_array array[ARRAYS];
	unsigned published, queued, handled, discarded, requests;
	struct open_ticket {
		bool open;
		unsigned ticket;
		unsigned queued;             /* updates queued before it was drawn */
		struct mdinfo *seen[ARRAYS]; /* members of the copies published before it was drawn */
		int number[ARRAYS];
	} open[TICKETS_OPEN];
	unsigned honoured;
};

static struct active_array **find_copy(struct two_threads *t, const struct array_watch *w)
{
	struct active_array **link = &t->arrays;

	while (*link && (*link)->watch != w)
		link = &(*link)->next;
	return link;
}

static void take_copy(struct two_threads *t, struct active_array *a)
{
	struct active_array **old = find_copy(t, a->watch), *gone = *old;

	t->found.wrong_old_copy |= gone != a->replaces;
	if (gone) {
		*old = gone->next;
		gone->discard_error = a->member;
		handoff_discard(gone);
	}
	a->next = t->arrays;
	t->arrays = a;
	handoff_request_member(a, a->disks[0], MEMBER_WANT_UNBLOCK);
}

static void load_pass(struct two_threads *t)
{
	unsigned seen = handoff_pass_begin();
	struct metadata_update *u, *next_u, *applied = handoff_take_updates();
	struct active_array *a, *next_a;
	bool wake_manager = applied != NULL;

	for (u = applied; u; u = handoff_next_update(u)) {
		t->found.wrong_order |= u->owner_id != t->next_update++;
		u->status = -(int)(u->owner_id % 1000);
		u->durable = true;
	}
	for (a = handoff_take_published(); a; a = next_a) {
		next_a = handoff_next_array(a);
		take_copy(t, a);
		wake_manager = true;
	}
	for (u = applied; u; u = next_u) {
		next_u = handoff_next_update(u);
		handoff_return_update(u);
	}
	/* Last of all: only the ticket tells the manager of this. */
	for (a = t->arrays; a; a = a->next)
		if (a->disks[0]->meta_slot < 0)
			a->disks[0]->meta_slot = a->member;
	handoff_pass_end(seen, wake_manager);
}

static void publish_copy(struct load *l, unsigned i)
{
	struct load_array *la = &l->array[i];
	struct active_array *a = calloc(1, sizeof(*a) + sizeof(a->disks[0]));

	assert_non_null(a);
	a->disks[0] = calloc(1, sizeof(*a->disks[0]));
	assert_non_null(a->disks[0]);
	a->disks[0]->meta_slot = -1;
	a->disk_count = 1;
	a->watch = &la->watch;
	a->replaces = la->current;
	a->member = la->number = (int)++l->published;
	la->current = a;
	la->copies++;
	la->request_due = true;
	handoff_publish(a);
}

static void queue_update(struct load *l)
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	assert_non_null(u);
	u->owner_id = l->queued++;
	handoff_queue_update(u);
}

static void draw(struct load *l)
{
	struct open_ticket *o = l->open;

	while (o < l->open + TICKETS_OPEN && o->open)
		o++;
	if (o == l->open + TICKETS_OPEN)
		return;
	o->open = true;
	o->queued = l->queued;
	for (unsigned i = 0; i < ARRAYS; i++) {
		o->seen[i] = l->array[i].current ? l->array[i].current->disks[0] : NULL;
		o->number[i] = l->array[i].number;
	}
	o->ticket = handoff_draw_ticket();
}

/* The copies that a ticket speaks of have to stay until it is honoured. */
static bool named_by_ticket(const struct load *l, const struct mdinfo *d)
{
	for (const struct open_ticket *o = l->open; o < l->open + TICKETS_OPEN; o++)
		for (unsigned i = 0; o->open && i < ARRAYS; i++)
			if (o->seen[i] == d)
				return true;
	return false;
}

static void take_requests(struct load *l)
{
	for (unsigned i = 0; i < ARRAYS; i++) {
		struct load_array *la = &l->array[i];

		if (!la->current || !handoff_take_array_requests(la->current))
			continue;
		if (handoff_take_member_requests(la->current->disks[0]) & MEMBER_WANT_UNBLOCK) {
			assert_true(la->request_due);
			la->request_due = false;
			l->requests++;
		}
	}
}

static void take_returned(struct load *l)
{
	struct metadata_update *u, *next_u;
	struct active_array *a, *next_a;

	for (u = handoff_take_handled(); u; u = next_u) {
		next_u = handoff_next_update(u);
		assert_int_equal(u->owner_id, l->handled++);
		assert_int_equal(u->status, -(int)(u->owner_id % 1000));
		assert_true(u->durable);
		free(u);
	}
	for (a = handoff_take_discarded(); a; a = next_a) {
		struct load_array *la = (struct load_array *)(void *)a->watch;

		next_a = handoff_next_array(a);
		assert_int_equal(a->discard_error, la->number);
		assert_ptr_not_equal(a, la->current);
		la->copies--;
		l->discarded++;
		free(a->disks[0]);
		free(a);
	}
}

/* Looked up before the lists are emptied, checked afterwards: what came before the ticket must be there. */
static void check_tickets(struct load *l, const bool *honoured)
{
	for (unsigned k = 0; k < TICKETS_OPEN; k++) {
		struct open_ticket *o = &l->open[k];

		if (!o->open || !honoured[k])
			continue;
		assert_true(l->handled >= o->queued);
		for (unsigned i = 0; i < ARRAYS; i++)
			if (o->seen[i])
				assert_int_equal(o->seen[i]->meta_slot, o->number[i]);
		o->open = false;
		l->honoured++;
	}
}

static void one_round(struct load *l)
{
	bool honoured[TICKETS_OPEN];

	for (unsigned k = 0; k < TICKETS_OPEN; k++)
		honoured[k] = l->open[k].open && handoff_ticket_honoured(l->open[k].ticket);
	check_tickets(l, (const bool[TICKETS_OPEN]){ false });
	take_requests(l);
	take_returned(l);
	check_tickets(l, honoured);
}

static bool may_replace(const struct load *l, unsigned i)
{
	const struct load_array *la = &l->array[i];

	if (!la->current)
		return true;
	return la->copies == 1 && !la->request_due && !named_by_ticket(l, la->current->disks[0]);
}

static bool anything_owed(const struct load *l)
{
	for (unsigned k = 0; k < TICKETS_OPEN; k++)
		if (l->open[k].open)
			return true;
	for (unsigned i = 0; i < ARRAYS; i++)
		if (l->array[i].copies > 1 || l->array[i].request_due)
			return true;
	return l->handled < l->queued;
}

static void produce(struct load *l, unsigned random)
{
	unsigned i = random >> 8 & (ARRAYS - 1);

	if (random & 1 && l->published < COPIES && may_replace(l, i))
		publish_copy(l, i);
	if (random & 6 && l->queued < UPDATES)
		queue_update(l);
	if (!(random & 0x70))
		draw(l);
}

static void free_arrays(struct load *l)
{
	for (unsigned i = 0; i < ARRAYS; i++) {
		struct active_array *a = l->array[i].current;

		if (!a)
			continue;
		free(a->disks[0]);
		free(a);
	}
}

static void test_two_threads_under_load(void **state)
{
	struct load *l = calloc(1, sizeof(*l));
	struct two_threads t = { .pass = load_pass };
	unsigned random = 12345;

	(void)state;
	_Static_assert(offsetof(struct load_array, watch) == 0, "the watch leads to its load_array");
	assert_non_null(l);
	start_monitor(&t);
	while (l->published < COPIES || l->queued < UPDATES || anything_owed(l)) {
		bool idle;

		one_round(l);
		for (int burst = 0; burst < 4; burst++) {
			random = random * 1103515245u + 12345u;
			produce(l, random >> 8);
		}
		/* Now and then wait with little on the way, else with much. */
		idle = l->queued - l->handled > (random >> 16) % 64 || l->queued == UPDATES;
		if (idle && anything_owed(l))
			assert_true(wait_for_signal());
	}
	stop_monitor(&t);
	assert_int_equal(l->handled, UPDATES);
	assert_int_equal(l->requests, COPIES);
	assert_int_equal(l->discarded, COPIES - ARRAYS);
	assert_int_equal(t.next_update, UPDATES);
	assert_true(l->honoured > 100);
	assert_true(t.found.passes > 100);
	free_arrays(l);
	free(l);
}

/* ---- bad ranges ---- */

#define BAD_RANGES (20000 / SLOWER)

struct bad_load {
	struct array_watch watch;
	struct mdinfo member;
	atomic_bool stop;
	struct active_array array; /* without room for members */
};

/* Counts up; as many at a time as the number says. */
static void *bad_range_thread(void *arg)
{
	struct bad_load *l = arg;
	uint64_t next = 0;

	while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
		struct bad_range *room = handoff_bad_range_room(&l->member);
		unsigned count = next % BAD_RANGE_BATCH + 1;

		if (room) {
			for (unsigned i = 0; i < count; i++, next++)
				room[i] = (struct bad_range){ next, next + 1 };
			handoff_bad_ranges(&l->array, &l->member, count);
		}
		sched_yield();
	}
	return NULL;
}

/* None is lost, none comes twice, none is half of another; and each batch is announced. */
static void test_two_threads_and_bad_ranges(void **state)
{
	static struct bad_load l;
	uint64_t next = 0, limit = clock_now_ns() + 4 * LIMIT_MS * NS_PER_MS;
	pthread_t thread;

	(void)state;
	l.array.watch = &l.watch;
	assert_int_equal(pthread_create(&thread, NULL, bad_range_thread, &l), 0);
	while (next < BAD_RANGES) {
		const struct bad_range *r;
		unsigned count;

		assert_true(clock_now_ns() < limit);
		if (!(handoff_take_member_requests(&l.member) & MEMBER_WANT_BAD_BLOCKS)) {
			sched_yield();
			continue;
		}
		r = handoff_take_bad_ranges(&l.member, &count);
		assert_true(count == next % BAD_RANGE_BATCH + 1);
		for (unsigned i = 0; i < count; i++, next++)
			assert_true(r[i].sector == next && r[i].length == next + 1);
		handoff_bad_ranges_done(&l.member);
	}
	atomic_store_explicit(&l.stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ping_pong, reset),
		cmocka_unit_test_setup(test_two_threads_under_load, reset),
		cmocka_unit_test_setup(test_two_threads_and_bad_ranges, reset),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
