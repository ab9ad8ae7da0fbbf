/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines on stderr, and the monitor's ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/support/log-sockets.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_stderr_lines(void **state)
{
	(void)state;
	log_error("%s does not use external metadata", "md0");
	log_warning("two %d", 2);
	log_info("three");
	assert_string_equal(log_next_line(), "mdmon: md0 does not use external metadata\n");
	assert_string_equal(log_next_line(), "mdmon: two 2\n");
	assert_string_equal(log_next_line(), "mdmon: three\n");
	assert_string_equal(log_next_line(), "");
}

static void test_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	log_error("cannot open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(log_next_line(), "mdmon: cannot open: No such file or directory\n");
	errno = EIO;
	mon_log(LOG_LEVEL_ERROR, "x");
	assert_int_equal(errno, EIO);
	log_flush();
	assert_string_equal(log_next_line(), "mdmon: x\n");
	/* nor is it changed by our own trouble */
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("nobody hears this");
	assert_int_equal(errno, ENOENT);
}

static void test_errors_of_the_monitor(void **state)
{
	(void)state;
	assert_string_equal(mon_error(-EIO), "Input/output error");
	assert_ptr_equal(mon_error(-EIO), mon_error(-EIO));
	assert_string_equal(mon_error(-100000), "unknown error");
	assert_string_equal(mon_error(EIO), "unknown error");
}

static void test_levels(void **state)
{
	(void)state;
	log_debug("not by default");
	mon_log(LOG_LEVEL_DEBUG, "not by default");
	log_flush();
	assert_string_equal(log_next_line(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	mon_log(LOG_LEVEL_DEBUG, "now, too");
	log_flush();
	assert_string_equal(log_next_line(), "mdmon: now\n");
	assert_string_equal(log_next_line(), "mdmon: now, too\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not this");
	log_error("but this");
	assert_string_equal(log_next_line(), "mdmon: but this\n");
	assert_string_equal(log_next_line(), "");
}

static void test_long_line(void **state)
{
	char text[5000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	line = log_next_line();
	assert_memory_equal(line, "mdmon: xxx", 10);
	assert_int_equal(strlen(line), 7 + 1023 + 1);
	assert_string_equal(line + strlen(line) - 2, "x\n");
	mon_log(LOG_LEVEL_ERROR, "%s", text);
	log_flush();
	line = log_next_line();
	assert_int_equal(strlen(line), 7 + 199 + 1);
	assert_string_equal(log_next_line(), "");
}

static void test_ring_order(void **state)
{
	char want[64];

	(void)state;
	/* many times round the ring */
	for (unsigned i = 0; i < 2000; i += 100) {
		for (unsigned k = i; k < i + 100; k++)
			mon_log(LOG_LEVEL_INFO, "line %u", k);
		assert_string_equal(log_next_line(), ""); /* nothing before the flush */
		log_flush();
		for (unsigned k = i; k < i + 100; k++) {
			snprintf(want, sizeof(want), "mdmon: line %u\n", k);
			assert_string_equal(log_next_line(), want);
		}
	}
	log_flush();
	assert_string_equal(log_next_line(), "");
}

/* The oldest 256 stay, the rest is counted, and the ring works again afterwards. */
static void test_ring_overflow(void **state)
{
	uint64_t before = log_lost();
	char want[64];

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		mon_log(LOG_LEVEL_INFO, "line %u", i);
	for (unsigned i = 0; i < 300; i++)
		mon_log(LOG_LEVEL_DEBUG, "not wanted, hence not lost");
	assert_int_equal(log_lost() - before, 44);
	log_flush();
	for (unsigned i = 0; i < 256; i++) {
		snprintf(want, sizeof(want), "mdmon: line %u\n", i);
		assert_string_equal(log_next_line(), want);
	}
	assert_string_equal(log_next_line(), "mdmon: 44 messages of the monitor were lost\n");
	assert_string_equal(log_next_line(), "");
	mon_log(LOG_LEVEL_INFO, "again");
	log_flush();
	assert_string_equal(log_next_line(), "mdmon: again\n");
	assert_string_equal(log_next_line(), "");
	assert_int_equal(log_lost() - before, 44);
	/* only what is new is reported */
	for (unsigned i = 0; i < 257; i++)
		mon_log(LOG_LEVEL_INFO, "line %u", i);
	log_flush();
	for (unsigned i = 0; i < 256; i++)
		log_next_line();
	assert_string_equal(log_next_line(), "mdmon: 1 messages of the monitor were lost\n");
	assert_int_equal(log_lost() - before, 45);
}

#define THREAD_LINES 20000u

static atomic_bool producer_done;

static void *produce(void *arg)
{
	char array[16];

	(void)arg;
	for (unsigned i = 0; i < THREAD_LINES; i++) {
		snprintf(array, sizeof(array), "md%u", i);
		mon_log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = array, .disk = array }, "n %u of %u", i,
			      THREAD_LINES);
	}
	atomic_store(&producer_done, true);
	return NULL;
}

static struct {
	unsigned received, lost, next;
} seen;

/* Every message arrives whole and in order, or is counted as lost. */
static void count_message(const char *data, size_t len)
{
	unsigned n, array, disk, total;
	char buf[4096];
	const char *at;

	memcpy(buf, data, len);
	buf[len] = '\0';
	at = strstr(buf, "MESSAGE=");
	assert_non_null(at);
	if (sscanf(at, "MESSAGE=%u messages of", &n) == 1) {
		seen.lost += n;
		return;
	}
	at = strstr(buf, "MDMON_ARRAY=");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "MDMON_ARRAY=md%u MDMON_DISK=md%u MESSAGE=n %u of %u", &array, &disk, &n, &total),
			 4);
	assert_int_equal(array, n);
	assert_int_equal(disk, n);
	assert_int_equal(total, THREAD_LINES);
	assert_true(n >= seen.next);
	seen.next = n + 1;
	seen.received++;
}

static void test_two_threads(void **state)
{
	uint64_t lost_before = log_lost();
	pthread_t thread;
	bool done;

	(void)state;
	log_to_background();
	log_sink = count_message;
	memset(&seen, 0, sizeof(seen));
	atomic_store(&producer_done, false);
	assert_int_equal(pthread_create(&thread, NULL, produce, NULL), 0);
	do {
		done = atomic_load(&producer_done);
		log_flush();
	} while (!done);
	pthread_join(thread, NULL);
	assert_true(seen.received >= 256);
	assert_int_equal(seen.received + seen.lost, THREAD_LINES);
	assert_int_equal(log_lost() - lost_before, seen.lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_stderr_lines),
		LOG_TEST(test_errno),
		LOG_TEST(test_errors_of_the_monitor),
		LOG_TEST(test_levels),
		LOG_TEST(test_long_line),
		LOG_TEST(test_ring_order),
		LOG_TEST(test_ring_overflow),
		LOG_TEST(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
