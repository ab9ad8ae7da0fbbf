/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which messages are kept, for whom, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/events.h"
#include "tests/unit/support/log-sockets.h"

static int set_up(void **state)
{
	events_reset();
	return log_sockets_open(state);
}

#define EVENT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, log_sockets_close)

static struct event the_only_one(void)
{
	struct event e, more;

	assert_true(events_next(0, &e));
	assert_int_equal(e.number, 1);
	assert_false(events_next(1, &more));
	return e;
}

static void test_none(void **state)
{
	struct event e;

	(void)state;
	assert_false(events_next(0, &e));
	assert_false(events_next(5, &e));
	assert_false(events_next(UINT64_MAX - 1, &e));
}

static void test_one(void **state)
{
	uint64_t before = clock_wall_ms();
	struct event e;

	(void)state;
	log_event(LOG_LEVEL_WARNING, ABOUT("member-failed", "md126", "sda"), "md126: member %s failed", "sda");
	e = the_only_one();
	assert_in_range(e.time_ms, before, clock_wall_ms());
	assert_int_equal(e.level, LOG_LEVEL_WARNING);
	assert_string_equal(e.name, "member-failed");
	assert_string_equal(e.array, "md126");
	assert_string_equal(e.disk, "sda");
	assert_string_equal(e.text, "md126: member sda failed");
	/* And it is written as ever. */
	assert_string_equal(log_next_line(), "mdmon: md126: member sda failed\n");
}

/* Lines without an event, and what only --verbose shows, are not. */
static void test_what_is_kept(void **state)
{
	struct event e;

	(void)state;
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("an error");
	log_event(LOG_LEVEL_ERROR, ABOUT("", "md126", NULL), "no word");
	log_event(LOG_LEVEL_DEBUG, ABOUT("array-dirty", "md126", NULL), "dirty");
	mon_log(LOG_LEVEL_ERROR, "an error");
	mon_log_event(LOG_LEVEL_DEBUG, ABOUT("array-clean", "md126", NULL), "clean");
	log_flush();
	assert_false(events_next(0, &e));
	log_event(LOG_LEVEL_INFO, ABOUT("ready", NULL, NULL), "ready");
	assert_string_equal(the_only_one().name, "ready");
}

/* The first of two loads at the start says errors only: warnings would be there twice. */
static void test_what_is_not_wanted(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, "sda"), "not used");
	mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, "sda"), "not used");
	log_set_level(LOG_LEVEL_INFO);
	log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, "sda"), "not used");
	log_flush();
	assert_string_equal(the_only_one().disk, "sda");
}

/* It has the time at which the monitor saw it, not that at which the manager came round to write it. */
static void test_of_the_monitor(void **state)
{
	const struct timespec pause = { .tv_nsec = 30000000 };
	uint64_t after;
	struct event e;

	(void)state;
	mon_log_event(LOG_LEVEL_ERROR, ABOUT("disk-hangs", NULL, "sdb"), "disk sdb hangs");
	assert_false(events_next(0, &e));
	after = clock_wall_ms();
	nanosleep(&pause, NULL);
	log_flush();
	e = the_only_one();
	assert_string_equal(e.name, "disk-hangs");
	assert_string_equal(e.array, "");
	assert_true(e.time_ms <= after);
	assert_true(e.time_ms > after - 1000);
}

static void log_numbered(unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	log_event(LOG_LEVEL_INFO, ABOUT("ready", NULL, NULL), "%s", text);
}

/* The newest 256 stay, each once, and numbers go on. */
static void test_many(void **state)
{
	char text[16];
	struct event e;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 1; i <= 3 * EVENTS_KEPT + 7; i++)
		log_numbered(i);
	for (e.number = 0; events_next(e.number, &e); n++) {
		assert_int_equal(e.number, 2 * EVENTS_KEPT + 8 + n);
		snprintf(text, sizeof(text), "%u", (unsigned)e.number);
		assert_string_equal(e.text, text);
	}
	assert_int_equal(n, EVENTS_KEPT);
	assert_true(events_next(1, &e));
	assert_int_equal(e.number, 2 * EVENTS_KEPT + 8);
	assert_true(events_next(3 * EVENTS_KEPT + 6, &e));
	assert_int_equal(e.number, 3 * EVENTS_KEPT + 7);
}

static void test_just_full(void **state)
{
	struct event e;

	(void)state;
	for (unsigned i = 1; i <= EVENTS_KEPT; i++)
		log_numbered(i);
	assert_true(events_next(0, &e));
	assert_int_equal(e.number, 1);
	log_numbered(EVENTS_KEPT + 1);
	assert_true(events_next(0, &e));
	assert_int_equal(e.number, 2);
}

static void test_cut(void **state)
{
	char name[100], text[400];
	struct event e;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memset(text, 't', sizeof(text) - 1);
	name[sizeof(name) - 1] = text[sizeof(text) - 1] = '\0';
	log_event(LOG_LEVEL_INFO, ABOUT("ready", name, name), "%s", text);
	e = the_only_one();
	assert_int_equal(strlen(e.array), EVENT_NAME - 1);
	assert_int_equal(strlen(e.disk), EVENT_NAME - 1);
	assert_int_equal(strlen(e.text), EVENT_TEXT - 1);
}

/* Manager and helpers log, and one of them asks: nothing is lost, and nothing is half of one and half of another. */
#define THREADS 3
#define EACH 5000

static void *log_many(void *arg)
{
	const char *name = arg;

	for (unsigned i = 0; i < EACH; i++)
		events_keep(LOG_LEVEL_INFO, ABOUT(name, name, name), i, name);
	return NULL;
}

static void test_threads(void **state)
{
	static char names[THREADS][16] = { "one", "two", "three" };
	pthread_t thread[THREADS];
	struct event e = { .number = 0 };

	(void)state;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, log_many, names[i]), 0);
	while (e.number < THREADS * EACH) {
		if (!events_next(e.number, &e))
			continue;
		assert_string_equal(e.name, e.text);
		assert_string_equal(e.array, e.text);
		assert_string_equal(e.disk, e.text);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_false(events_next(e.number, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT_TEST(test_none),	  EVENT_TEST(test_one),	     EVENT_TEST(test_what_is_kept),
		EVENT_TEST(test_what_is_not_wanted), EVENT_TEST(test_of_the_monitor),
		EVENT_TEST(test_many),	  EVENT_TEST(test_just_full), EVENT_TEST(test_cut), EVENT_TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
