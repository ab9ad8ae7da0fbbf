/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand-over between the two threads. The first half drives it from one thread, where every
 * interleaving that matters can be spelled out; the second half lets two threads race, waiting
 * exactly as monitor.c and managemon.c do. Run that half under -fsanitize=thread, too.
 *
 * The source is included because the ticket counter must be put near its wrap-around.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "threads/handoff.c"

/* ---- helpers ---- */

static int reset(void **state)
{
	(void)state;
	/* What the test before left there lay on its stack. */
	atomic_store(&shared.published, NULL);
	atomic_store(&shared.discarded, NULL);
	atomic_store(&shared.updates, NULL);
	atomic_store(&shared.handled, NULL);
	handoff_reset();
	return 0;
}

static unsigned length(const struct handoff_node *n)
{
	unsigned count = 0;

	for (; n; n = n->next)
		count++;
	return count;
}

/* A complete pass of the monitor that finds nothing to do. */
static void empty_pass(void)
{
	handoff_pass_end(handoff_pass_begin(), false);
}

/* ---- lists ---- */

static void test_lists_begin_empty(void **state)
{
	(void)state;
	assert_null(handoff_take_published());
	assert_null(handoff_take_discarded());
	assert_null(handoff_take_updates());
	assert_null(handoff_take_handled());
}

static void test_published_arrays_keep_their_order(void **state)
{
	struct active_array a[5] = { { .member = 0 } };
	struct active_array *got;

	(void)state;
	for (int i = 0; i < 5; i++) {
		a[i].member = i;
		handoff_publish(&a[i]);
	}
	got = handoff_take_published();
	for (int i = 0; i < 5; i++) {
		assert_ptr_equal(got, &a[i]);
		got = (struct active_array *)got->node.next;
	}
	assert_null(got);
}

static void test_discarded_arrays_keep_their_order(void **state)
{
	struct active_array a[3] = { { .member = 0 } };
	struct active_array *got;

	(void)state;
	for (int i = 0; i < 3; i++)
		handoff_discard(&a[i]);
	got = handoff_take_discarded();
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(got, &a[i]);
		got = (struct active_array *)got->node.next;
	}
	assert_null(got);
}

static void test_updates_keep_their_order_both_ways(void **state)
{
	struct metadata_update u[4] = { { .status = 0 } };
	struct metadata_update *got, *next;

	(void)state;
	for (int i = 0; i < 4; i++)
		handoff_queue_update(&u[i]);
	got = handoff_take_updates();
	assert_int_equal(length(&got->node), 4);
	for (int i = 0; got; got = next, i++) {
		next = (struct metadata_update *)got->node.next;
		assert_ptr_equal(got, &u[i]);
		handoff_return_update(got);
	}
	got = handoff_take_handled();
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(got, &u[i]);
		got = (struct metadata_update *)got->node.next;
	}
	assert_null(got);
}

static void test_a_take_empties_the_list(void **state)
{
	struct active_array a = { .member = 1 }, b = { .member = 2 };

	(void)state;
	handoff_publish(&a);
	assert_ptr_equal(handoff_take_published(), &a);
	assert_null(handoff_take_published());
	handoff_publish(&b);
	assert_ptr_equal(handoff_take_published(), &b);
	assert_null(b.node.next);
}

/* The same object goes round: what was its successor in one list must not follow it into the next. */
static void test_an_object_may_be_handed_over_again(void **state)
{
	struct active_array a = { .member = 1 }, b = { .member = 2 };

	(void)state;
	handoff_publish(&a);
	handoff_publish(&b);
	handoff_take_published();
	handoff_discard(&a);
	assert_ptr_equal(handoff_take_discarded(), &a);
	assert_null(a.node.next);
	handoff_publish(&b);
	handoff_publish(&a);
	assert_ptr_equal(handoff_take_published(), &b);
	assert_ptr_equal(b.node.next, &a.node);
	assert_null(a.node.next);
}

static void test_lists_do_not_mix(void **state)
{
	struct active_array published = { .member = 1 }, discarded = { .member = 2 };
	struct metadata_update queued = { .status = 1 }, handled = { .status = 2 };

	(void)state;
	handoff_publish(&published);
	handoff_discard(&discarded);
	handoff_queue_update(&queued);
	handoff_return_update(&handled);
	assert_ptr_equal(handoff_take_handled(), &handled);
	assert_ptr_equal(handoff_take_updates(), &queued);
	assert_ptr_equal(handoff_take_discarded(), &discarded);
	assert_ptr_equal(handoff_take_published(), &published);
}

/* ---- requests ---- */

static void test_array_requests_add_up_until_taken(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };

	(void)state;
	assert_int_equal(handoff_take_array_requests(&a), 0);
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	handoff_request_array(&a, ARRAY_WANT_SPARE_CHECK);
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_ACTIVE | ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&a), 0);
}

/* What the old copy asked for is found through the new one. */
static void test_requests_outlive_the_copy(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array old = { .watch = &w }, new = { .watch = &w, .replaces = &old };

	(void)state;
	handoff_request_array(&old, ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&new), ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&old), 0);
}

static void test_member_requests_are_announced_by_the_array(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct mdinfo d = { .slot = 0 }, other = { .slot = 1 };

	(void)state;
	handoff_request_member(&a, &d, MEMBER_WANT_UNBLOCK);
	handoff_request_member(&a, &d, MEMBER_WANT_REMOVE);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_MEMBERS);
	assert_int_equal(handoff_take_member_requests(&other), 0);
	assert_int_equal(handoff_take_member_requests(&d), MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	assert_int_equal(handoff_take_member_requests(&d), 0);
}

/* ---- bad ranges ---- */

static void test_bad_ranges_have_one_owner(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct mdinfo d = { .slot = 0 };
	struct bad_range *room = handoff_bad_range_room(&d);
	const struct bad_range *got;
	unsigned count;

	(void)state;
	assert_non_null(room);
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 0);
	room[0] = (struct bad_range){ 100, 8 };
	room[1] = (struct bad_range){ 200, 8 };
	handoff_bad_ranges(&a, &d, 2);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_MEMBERS);
	assert_int_equal(handoff_take_member_requests(&d), MEMBER_WANT_BAD_BLOCKS);
	got = handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 2);
	assert_int_equal(got[1].sector, 200);
	/* Until the manager has done with them. */
	assert_null(handoff_bad_range_room(&d));
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 2);
	handoff_bad_ranges_done(&d);
	assert_ptr_equal(handoff_bad_range_room(&d), room);
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 0);
}

/* ---- tickets ---- */

static void test_ticket_waits_for_a_whole_pass(void **state)
{
	unsigned t;

	(void)state;
	t = handoff_draw_ticket();
	assert_false(handoff_ticket_honoured(t));
	handoff_pass_begin();
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_a_pass_that_began_before_does_not_count(void **state)
{
	unsigned seen, t;

	(void)state;
	seen = handoff_pass_begin();
	t = handoff_draw_ticket();
	handoff_pass_end(seen, true);
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_a_pass_honours_only_what_it_saw_at_its_start(void **state)
{
	unsigned early, seen, late;

	(void)state;
	early = handoff_draw_ticket();
	seen = handoff_pass_begin();
	late = handoff_draw_ticket();
	handoff_pass_end(seen, false);
	assert_true(handoff_ticket_honoured(early));
	assert_false(handoff_ticket_honoured(late));
	empty_pass();
	assert_true(handoff_ticket_honoured(late));
}

static void test_one_pass_honours_all_earlier_tickets(void **state)
{
	unsigned t[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		t[i] = handoff_draw_ticket();
	assert_true(t[0] != t[1] && t[1] != t[2]);
	empty_pass();
	for (int i = 0; i < 3; i++)
		assert_true(handoff_ticket_honoured(t[i]));
}

static void test_tickets_stay_honoured(void **state)
{
	unsigned first, last;

	(void)state;
	first = handoff_draw_ticket();
	empty_pass();
	for (int i = 0; i < 1000; i++) {
		last = handoff_draw_ticket();
		assert_true(handoff_ticket_honoured(first));
		assert_false(handoff_ticket_honoured(last));
		empty_pass();
	}
	assert_true(handoff_ticket_honoured(last));
}

static void test_pass_sees_that_somebody_waits(void **state)
{
	unsigned seen;

	(void)state;
	assert_int_equal(handoff_pass_begin(), handoff_last_honoured());
	handoff_draw_ticket();
	seen = handoff_pass_begin();
	assert_int_not_equal(seen, handoff_last_honoured());
	handoff_pass_end(seen, false);
	assert_int_equal(handoff_pass_begin(), handoff_last_honoured());
}

/* The monitor still owes an answer to the kernel: it ends the pass without honouring anything. */
static void test_a_pass_may_hold_back_its_tickets(void **state)
{
	unsigned t;

	(void)state;
	t = handoff_draw_ticket();
	handoff_pass_begin();
	handoff_pass_end(handoff_last_honoured(), true);
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_ticket_numbers_wrap_around(void **state)
{
	unsigned start = UINT32_MAX - 2;

	(void)state;
	atomic_store(&shared.drawn, start);
	atomic_store(&shared.honoured, start);
	for (int i = 0; i < 6; i++) {
		unsigned seen = handoff_pass_begin();
		unsigned t = handoff_draw_ticket();

		assert_false(handoff_ticket_honoured(t));
		handoff_pass_end(seen, false);
		assert_false(handoff_ticket_honoured(t));
		empty_pass();
		assert_true(handoff_ticket_honoured(t));
		assert_true(handoff_ticket_honoured(t - 1));
	}
	assert_int_equal(handoff_last_honoured(), start + 6);
}

/* ---- start, end, wake-ups ---- */

static void test_flags(void **state)
{
	(void)state;
	assert_false(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	handoff_start_drain();
	assert_true(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	handoff_stop_monitor();
	assert_true(handoff_monitor_must_stop());
}

static bool take_signal(void)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &now) == SIGUSR1;
}

static void be_the_monitor(void)
{
	handoff_set_monitor((pid_t)syscall(SYS_gettid));
	assert_false(take_signal());
}

static void be_the_manager(void)
{
	handoff_set_manager((pid_t)syscall(SYS_gettid));
	assert_false(take_signal());
}

static void test_the_monitor_is_woken_for_each_hand_over(void **state)
{
	struct active_array a = { .member = 0 };
	struct metadata_update u = { .status = 0 };

	(void)state;
	be_the_monitor();
	handoff_publish(&a);
	assert_true(take_signal());
	handoff_queue_update(&u);
	assert_true(take_signal());
	handoff_draw_ticket();
	assert_true(take_signal());
	handoff_start_drain();
	assert_true(take_signal());
	handoff_stop_monitor();
	assert_true(take_signal());
}

static void test_the_manager_is_woken_once_by_the_end_of_a_pass(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct metadata_update u = { .status = 0 };

	(void)state;
	be_the_manager();
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	handoff_discard(&a);
	handoff_return_update(&u);
	assert_false(take_signal());
	handoff_pass_end(handoff_pass_begin(), true);
	assert_true(take_signal());
	empty_pass();
	assert_false(take_signal());
}

static void test_the_manager_is_woken_when_a_ticket_is_honoured(void **state)
{
	(void)state;
	be_the_manager();
	handoff_draw_ticket();
	empty_pass();
	assert_true(take_signal());
	empty_pass();
	assert_false(take_signal());
}

/* Before a thread has said who it is, and after it has gone, nobody is hit. */
static void test_no_thread_no_signal(void **state)
{
	(void)state;
	handoff_wake_monitor();
	handoff_wake_manager();
	assert_false(take_signal());
	be_the_monitor();
	handoff_set_monitor(0);
	handoff_wake_monitor();
	assert_false(take_signal());
}

/* The monitor is told to stop, and then another is started. */
static void test_the_monitor_may_run_again(void **state)
{
	(void)state;
	handoff_stop_monitor();
	handoff_let_monitor_run();
	assert_false(handoff_monitor_must_stop());
	handoff_stop_monitor();
	assert_true(handoff_monitor_must_stop());
}

/* ---- reports ---- */

static void publish_report(uint64_t generation)
{
	handoff_report_room()->generation = generation;
	handoff_publish_report();
}

static void assert_latest(uint64_t generation)
{
	const struct report *r = handoff_latest_report();

	assert_non_null(r);
	assert_int_equal(r->generation, generation);
}

static void test_no_report_yet(void **state)
{
	(void)state;
	assert_null(handoff_latest_report());
	handoff_report_room()->generation = 1; /* not published */
	assert_null(handoff_latest_report());
	publish_report(1);
	assert_latest(1);
}

static void test_the_newest_report_wins(void **state)
{
	(void)state;
	for (uint64_t generation = 1; generation < 20; generation++) {
		publish_report(generation);
		assert_latest(generation);
	}
	/* those that nobody read are replaced */
	for (uint64_t unread = 1; unread < 10; unread++) {
		for (uint64_t i = 0; i <= unread; i++)
			publish_report(100 * unread + i);
		assert_latest(101 * unread);
	}
}

static void test_the_last_report_stays(void **state)
{
	const struct report *r;

	(void)state;
	publish_report(5);
	r = handoff_latest_report();
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(handoff_latest_report(), r);
	assert_latest(5);
	/* what the monitor fills meanwhile is another */
	handoff_report_room()->generation = 6;
	assert_latest(5);
}

/* The manager may look at its report for as long as it likes. */
static void test_the_managers_report_is_not_touched(void **state)
{
	const struct report *r;

	(void)state;
	publish_report(1);
	for (uint64_t generation = 2; generation < 50; generation += 7) {
		r = handoff_latest_report();
		assert_int_equal(r->generation, generation - 1);
		for (uint64_t more = 0; more < 7; more++) {
			assert_ptr_not_equal(handoff_report_room(), r);
			publish_report(generation + more);
			assert_int_equal(r->generation, generation - 1);
		}
	}
}

/* Three different buffers, whatever has happened. */
static void assert_buffers_differ(void)
{
	unsigned between = atomic_load(&reports.between) & ~REPORT_FRESH;

	assert_true(between < 3 && reports.monitors < 3 && reports.managers < 3);
	assert_int_equal(1u << between | 1u << reports.monitors | 1u << reports.managers, 7);
}

static void test_no_buffer_has_two_owners(void **state)
{
	unsigned random = 4711;

	(void)state;
	assert_buffers_differ();
	for (int i = 0; i < 1000; i++) {
		random = random * 1103515245u + 12345u;
		if (random & 0x10000)
			handoff_publish_report();
		else
			handoff_latest_report();
		assert_buffers_differ();
	}
}

/* The report is not worth a wake-up: whoever wants it asks. */
static void test_a_report_wakes_nobody(void **state)
{
	(void)state;
	be_the_manager();
	be_the_monitor();
	publish_report(1);
	handoff_note_writing(7);
	handoff_latest_report();
	assert_false(take_signal());
}

static void test_writing_since(void **state)
{
	(void)state;
	assert_true(handoff_writing_since() == 0);
	handoff_note_writing(UINT64_C(0x123456789abcdef0));
	assert_true(handoff_writing_since() == UINT64_C(0x123456789abcdef0));
	assert_true(handoff_writing_since() == UINT64_C(0x123456789abcdef0));
	handoff_note_writing(0);
	assert_true(handoff_writing_since() == 0);
}

static void test_reset_forgets_everything(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a[2] = { { .watch = &w }, { .watch = &w } };
	struct metadata_update u[2] = { { .status = 0 }, { .status = 0 } };

	(void)state;
	be_the_manager();
	be_the_monitor();
	handoff_publish(&a[0]);
	handoff_discard(&a[1]);
	handoff_queue_update(&u[0]);
	handoff_return_update(&u[1]);
	publish_report(3);
	publish_report(4);
	assert_latest(4);
	publish_report(5);
	handoff_note_writing(6);
	handoff_start_drain();
	handoff_stop_monitor();
	assert_true(handoff_draw_ticket() == 1);
	empty_pass();
	assert_true(take_signal());

	handoff_reset();
	test_lists_begin_empty(state);
	assert_null(handoff_latest_report());
	assert_buffers_differ();
	assert_true(handoff_writing_since() == 0);
	assert_false(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	assert_int_equal(handoff_last_honoured(), 0);
	assert_int_equal(handoff_pass_begin(), 0);
	handoff_wake_manager();
	handoff_wake_monitor();
	assert_false(take_signal());
	publish_report(1);
	assert_latest(1);
}

/* ---- two threads ------------------------------------------------------------------------- */

/*
 * Whoever waits here is owed a wake-up, so a wait that runs into its limit has lost one. The limit
 * is far above what a loaded machine needs, and is reached only if the test is going to fail.
 */
#define LIMIT_MS 5000

#ifdef __SANITIZE_THREAD__
#define SLOWER 8
#else
#define SLOWER 1
#endif

#define ARRAYS 16
#define COPIES (4000 / SLOWER)
#define UPDATES (8000 / SLOWER)
#define PINGS (3000 / SLOWER)
#define TICKETS_OPEN 8

static void nothing(int sig)
{
	(void)sig;
}

static int block_signal(void **state)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t set;

	(void)state;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* False if nobody woke us in time. */
static bool wait_for_signal(void)
{
	const struct timespec limit = { .tv_sec = LIMIT_MS / 1000, .tv_nsec = LIMIT_MS % 1000 * 1000000l };
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, SIGUSR1);
	return ppoll(NULL, 0, &limit, &mask) != 0;
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

	for (u = applied; u; u = (struct metadata_update *)u->node.next) {
		t->found.wrong_order |= u->owner_id != t->next_update++;
		u->status = -(int)(u->owner_id % 1000);
		u->durable = true;
	}
	for (a = handoff_take_published(); a; a = next_a) {
		next_a = (struct active_array *)a->node.next;
		take_copy(t, a);
		wake_manager = true;
	}
	for (u = applied; u; u = next_u) {
		next_u = (struct metadata_update *)u->node.next;
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
		next_u = (struct metadata_update *)u->node.next;
		assert_int_equal(u->owner_id, l->handled++);
		assert_int_equal(u->status, -(int)(u->owner_id % 1000));
		assert_true(u->durable);
		free(u);
	}
	for (a = handoff_take_discarded(); a; a = next_a) {
		struct load_array *la = (struct load_array *)(void *)a->watch;

		next_a = (struct active_array *)a->node.next;
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

#define REPORTS_SEEN 250 /* valgrind lets the threads take turns, and long ones */

/* All that a report holds says the same number, so that one which is half of another can be told. */
static void fill_report(struct report *r, uint64_t number)
{
	r->generation = number;
	r->disk_count = r->volume_count = (unsigned)number;
	for (unsigned i = 0; i < REPORT_DISKS; i++)
		r->disk[i].dev = (dev_t)number;
	for (unsigned i = 0; i < REPORT_VOLUMES; i++)
		r->volume[i].size = number;
	r->write.count = r->write_stalls.count = r->failure_stalls.count = number;
}

static bool report_is(const struct report *r, uint64_t number)
{
	bool same = r->generation == number && r->disk_count == (unsigned)number &&
		    r->volume_count == (unsigned)number && r->write.count == number &&
		    r->write_stalls.count == number && r->failure_stalls.count == number;

	for (unsigned i = 0; i < REPORT_DISKS; i++)
		same &= r->disk[i].dev == (dev_t)number;
	for (unsigned i = 0; i < REPORT_VOLUMES; i++)
		same &= r->volume[i].size == number;
	return same;
}

static void *reporting_thread(void *arg)
{
	atomic_bool *stop = arg;
	uint64_t number = 0;

	while (!atomic_load_explicit(stop, memory_order_relaxed)) {
		handoff_note_writing(++number);
		fill_report(handoff_report_room(), number);
		handoff_publish_report();
		sched_yield(); /* valgrind runs one thread at a time */
	}
	handoff_note_writing(0);
	return NULL;
}

/* Whole, never older than one seen before, and unchanged while it is looked at. */
static void test_two_threads_and_a_report(void **state)
{
	static atomic_bool stop;
	uint64_t last = 0, limit = clock_now_ns() + 4 * LIMIT_MS * NS_PER_MS;
	pthread_t thread;

	(void)state;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, reporting_thread, &stop), 0);
	for (unsigned seen = 0; seen < REPORTS_SEEN;) {
		const struct report *r = handoff_latest_report();
		uint64_t number = r ? r->generation : last;

		assert_true(number >= last);
		assert_true(clock_now_ns() < limit);
		if (number == last) {
			sched_yield();
			continue;
		}
		assert_true(handoff_writing_since() >= number);
		assert_true(report_is(r, number));
		assert_true(report_is(r, number)); /* still */
		last = number;
		seen++;
	}
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	pthread_join(thread, NULL);
	assert_true(handoff_latest_report()->generation >= last);
	assert_true(handoff_writing_since() == 0);
}

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
		cmocka_unit_test_setup(test_lists_begin_empty, reset),
		cmocka_unit_test_setup(test_published_arrays_keep_their_order, reset),
		cmocka_unit_test_setup(test_discarded_arrays_keep_their_order, reset),
		cmocka_unit_test_setup(test_updates_keep_their_order_both_ways, reset),
		cmocka_unit_test_setup(test_a_take_empties_the_list, reset),
		cmocka_unit_test_setup(test_an_object_may_be_handed_over_again, reset),
		cmocka_unit_test_setup(test_lists_do_not_mix, reset),
		cmocka_unit_test_setup(test_array_requests_add_up_until_taken, reset),
		cmocka_unit_test_setup(test_requests_outlive_the_copy, reset),
		cmocka_unit_test_setup(test_member_requests_are_announced_by_the_array, reset),
		cmocka_unit_test_setup(test_bad_ranges_have_one_owner, reset),
		cmocka_unit_test_setup(test_ticket_waits_for_a_whole_pass, reset),
		cmocka_unit_test_setup(test_a_pass_that_began_before_does_not_count, reset),
		cmocka_unit_test_setup(test_a_pass_honours_only_what_it_saw_at_its_start, reset),
		cmocka_unit_test_setup(test_one_pass_honours_all_earlier_tickets, reset),
		cmocka_unit_test_setup(test_tickets_stay_honoured, reset),
		cmocka_unit_test_setup(test_pass_sees_that_somebody_waits, reset),
		cmocka_unit_test_setup(test_a_pass_may_hold_back_its_tickets, reset),
		cmocka_unit_test_setup(test_ticket_numbers_wrap_around, reset),
		cmocka_unit_test_setup(test_flags, reset),
		cmocka_unit_test_setup(test_the_monitor_is_woken_for_each_hand_over, reset),
		cmocka_unit_test_setup(test_the_manager_is_woken_once_by_the_end_of_a_pass, reset),
		cmocka_unit_test_setup(test_the_manager_is_woken_when_a_ticket_is_honoured, reset),
		cmocka_unit_test_setup(test_no_thread_no_signal, reset),
		cmocka_unit_test_setup(test_the_monitor_may_run_again, reset),
		cmocka_unit_test_setup(test_no_report_yet, reset),
		cmocka_unit_test_setup(test_the_newest_report_wins, reset),
		cmocka_unit_test_setup(test_the_last_report_stays, reset),
		cmocka_unit_test_setup(test_the_managers_report_is_not_touched, reset),
		cmocka_unit_test_setup(test_no_buffer_has_two_owners, reset),
		cmocka_unit_test_setup(test_a_report_wakes_nobody, reset),
		cmocka_unit_test_setup(test_writing_since, reset),
		cmocka_unit_test_setup(test_reset_forgets_everything, reset),
		cmocka_unit_test_setup(test_ping_pong, reset),
		cmocka_unit_test_setup(test_two_threads_under_load, reset),
		cmocka_unit_test_setup(test_two_threads_and_a_report, reset),
		cmocka_unit_test_setup(test_two_threads_and_bad_ranges, reset),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
