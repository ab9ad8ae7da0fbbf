/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

/*
 * Stands in for the libc's: what would go to the system's log comes here.
 */
static struct {
	bool full;
	int priority;
	char text[2048];
	unsigned count;
} captured;

/* Takes the place of the C library's: a datagram "<PRIORITY>mdmon[PID]: TEXT" for /dev/log. */
ssize_t sendto(int fd, const void *buf, size_t len, int flags, __CONST_SOCKADDR_ARG to, socklen_t tolen)
{
	const struct sockaddr_un *sa = (const struct sockaddr_un *)to.__sockaddr__;
	char line[2048];
	int at = 0, pid = 0;

	(void)fd;
	assert_true(len < sizeof(line));
	memcpy(line, buf, len);
	line[len] = '\0';
	assert_true(flags & MSG_DONTWAIT);
	assert_int_equal(tolen, sizeof(*sa));
	assert_string_equal(sa->sun_path, "/dev/log");
	assert_int_equal(sscanf(line, "<%d>mdmon[%d]: %n", &captured.priority, &pid, &at), 2);
	assert_int_equal(pid, getpid());
	captured.count++;
	snprintf(captured.text, sizeof(captured.text), "%s", line + at);
	return captured.full ? (errno = EAGAIN, -1) : (ssize_t)len;
}

/* stderr becomes a datagram socket: one write is one packet, so that it can be seen how many there were. */
static int saved_stderr, packets;

static int stderr_setup(void **state)
{
	int pair[2], size = 1 << 20;

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	saved_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	packets = pair[0];
	fcntl(packets, F_SETFL, O_NONBLOCK);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static int stderr_teardown(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(packets);
	return 0;
}

/* The next line as written, "" if there is none. */
static const char *next_line(void)
{
	static char line[4096];
	ssize_t n = recv(packets, line, sizeof(line) - 1, 0);

	line[n < 0 ? 0 : n] = '\0';
	return line;
}

static void test_stderr_lines(void **state)
{
	(void)state;
	log_error("%s does not use external metadata", "md0");
	log_warning("two %d", 2);
	log_info("three");
	assert_string_equal(next_line(), "mdmon: md0 does not use external metadata\n");
	assert_string_equal(next_line(), "mdmon: two 2\n");
	assert_string_equal(next_line(), "mdmon: three\n");
	assert_string_equal(next_line(), "");
}

static void test_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	log_error("cannot open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(next_line(), "mdmon: cannot open: No such file or directory\n");
	errno = EIO;
	mon_log(LOG_LEVEL_ERROR, "x");
	assert_int_equal(errno, EIO);
	log_flush();
	assert_string_equal(next_line(), "mdmon: x\n");
	/* nor is it changed by our own trouble */
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("nobody hears this");
	assert_int_equal(errno, ENOENT);
}

static void test_levels(void **state)
{
	(void)state;
	log_debug("not by default");
	mon_log(LOG_LEVEL_DEBUG, "not by default");
	log_flush();
	assert_string_equal(next_line(), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	mon_log(LOG_LEVEL_DEBUG, "now, too");
	log_flush();
	assert_string_equal(next_line(), "mdmon: now\n");
	assert_string_equal(next_line(), "mdmon: now, too\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("not this");
	log_error("but this");
	assert_string_equal(next_line(), "mdmon: but this\n");
	assert_string_equal(next_line(), "");
}

static void test_long_line(void **state)
{
	char text[5000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	line = next_line();
	assert_memory_equal(line, "mdmon: xxx", 10);
	assert_int_equal(strlen(line), 7 + 1023 + 1);
	assert_string_equal(line + strlen(line) - 2, "x\n");
	mon_log(LOG_LEVEL_ERROR, "%s", text);
	log_flush();
	line = next_line();
	assert_int_equal(strlen(line), 7 + 199 + 1);
	assert_string_equal(next_line(), "");
}

static void test_ring_order(void **state)
{
	char want[64];

	(void)state;
	/* many times round the ring */
	for (unsigned i = 0; i < 2000; i += 100) {
		for (unsigned k = i; k < i + 100; k++)
			mon_log(LOG_LEVEL_INFO, "line %u", k);
		assert_string_equal(next_line(), ""); /* nothing before the flush */
		log_flush();
		for (unsigned k = i; k < i + 100; k++) {
			snprintf(want, sizeof(want), "mdmon: line %u\n", k);
			assert_string_equal(next_line(), want);
		}
	}
	log_flush();
	assert_string_equal(next_line(), "");
}

/* The oldest 256 stay, the rest is counted, and the ring works again afterwards. */
static void test_ring_overflow(void **state)
{
	char want[64];

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		mon_log(LOG_LEVEL_INFO, "line %u", i);
	log_flush();
	for (unsigned i = 0; i < 256; i++) {
		snprintf(want, sizeof(want), "mdmon: line %u\n", i);
		assert_string_equal(next_line(), want);
	}
	assert_string_equal(next_line(), "mdmon: 44 messages of the monitor were lost\n");
	assert_string_equal(next_line(), "");
	mon_log(LOG_LEVEL_INFO, "again");
	log_flush();
	assert_string_equal(next_line(), "mdmon: again\n");
	assert_string_equal(next_line(), "");
}

#define THREAD_LINES 20000u

static atomic_bool producer_done;

static void *produce(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < THREAD_LINES; i++)
		mon_log(LOG_LEVEL_INFO, "n %u of %u", i, THREAD_LINES);
	atomic_store(&producer_done, true);
	return NULL;
}

/* Every line arrives whole and in order, or is counted as lost. */
static void count_lines(unsigned *received, unsigned *lost, unsigned *next)
{
	const char *line;
	unsigned n, total;

	while (*(line = next_line())) {
		if (sscanf(line, "mdmon: %u messages of", &n) == 1) {
			*lost += n;
			continue;
		}
		assert_int_equal(sscanf(line, "mdmon: n %u of %u", &n, &total), 2);
		assert_int_equal(total, THREAD_LINES);
		assert_true(n >= *next);
		*next = n + 1;
		++*received;
	}
}

static void test_two_threads(void **state)
{
	unsigned received = 0, lost = 0, next = 0;
	pthread_t thread;
	bool done;

	(void)state;
	atomic_store(&producer_done, false);
	assert_int_equal(pthread_create(&thread, NULL, produce, NULL), 0);
	do {
		done = atomic_load(&producer_done);
		log_flush();
		count_lines(&received, &lost, &next);
	} while (!done);
	pthread_join(thread, NULL);
	assert_true(received >= 256);
	assert_int_equal(received + lost, THREAD_LINES);
}

/* Comes last: there is no way back. */
static void test_syslog(void **state)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

	(void)state;
	log_to_background();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("100%% of %s", "it");
	assert_int_equal(captured.priority, LOG_DAEMON | LOG_ERR);
	assert_string_equal(captured.text, "100% of it");
	log_warning("w");
	assert_int_equal(captured.priority, LOG_DAEMON | LOG_WARNING);
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		mon_log(l, "%s", "%s%n");
		log_flush();
		assert_int_equal(captured.priority, LOG_DAEMON | priorities[l]);
		assert_string_equal(captured.text, "%s%n");
	}
	assert_int_equal(captured.count, 6);
	captured.full = true; /* nobody reads: the line is lost, and that is all */
	log_error("x");
	assert_int_equal(captured.count, 7);
	assert_string_equal(next_line(), "");
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, stderr_setup, stderr_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_stderr_lines),
		LOG_TEST(test_errno),
		LOG_TEST(test_levels),
		LOG_TEST(test_long_line),
		LOG_TEST(test_ring_order),
		LOG_TEST(test_ring_overflow),
		LOG_TEST(test_two_threads),
		LOG_TEST(test_syslog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
