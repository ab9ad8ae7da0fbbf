/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reports of the monitor: three buffers, each with one owner; first from one thread, then with two that race. To be
 * run under -fsanitize=thread, too.
 *
 * The source is included to see who has which buffer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "lib/clock.h"
#include "tests/unit/support/wake-ups.h"
#include "threads/handoff.c"

static int reset(void **state)
{
	(void)state;
	handoff_reset();
	return 0;
}

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

static void test_reset(void **state)
{
	(void)state;
	publish_report(3);
	publish_report(4);
	assert_latest(4);
	publish_report(5);
	handoff_note_writing(6);
	handoff_reset();
	assert_null(handoff_latest_report());
	assert_buffers_differ();
	assert_true(handoff_writing_since() == 0);
	publish_report(1);
	assert_latest(1);
}

/* ---- two threads ---- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_report_yet, reset),
		cmocka_unit_test_setup(test_the_newest_report_wins, reset),
		cmocka_unit_test_setup(test_the_last_report_stays, reset),
		cmocka_unit_test_setup(test_the_managers_report_is_not_touched, reset),
		cmocka_unit_test_setup(test_no_buffer_has_two_owners, reset),
		cmocka_unit_test_setup(test_a_report_wakes_nobody, reset),
		cmocka_unit_test_setup(test_writing_since, reset),
		cmocka_unit_test_setup(test_reset, reset),
		cmocka_unit_test_setup(test_two_threads_and_a_report, reset),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
