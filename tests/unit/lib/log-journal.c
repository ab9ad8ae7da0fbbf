/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal and syslog, and what happens when they are not there or do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/support/log-sockets.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static void test_syslog(void **state)
{
	int fd = log_serve(SYSLOG);

	(void)state;
	log_to_background();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("100%% of %s", "it");
	log_assert_syslog(fd, LOG_ERR, "100% of it");
	log_warning("w");
	log_assert_syslog(fd, LOG_WARNING, "w");
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		mon_log(l, "%s", "%s%n");
		log_flush();
		log_assert_syslog(fd, priorities[l], "%s%n");
	}
	/* the text is all that is shown */
	log_set_container("md127");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ "an-event", "md126", "sda" }, "md126: sda: text");
	log_assert_syslog(fd, LOG_INFO, "md126: sda: text");
	log_assert_nothing(fd);
	assert_string_equal(log_next_line(), "");
	close(fd);
}

static void test_journal(void **state)
{
	int fd = log_serve(JOURNAL);

	(void)state;
	log_to_background();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("100%% of %s", "it");
	log_assert_journal(fd, LOG_ERR, "MESSAGE=100% of it\n");
	log_warning("w");
	log_assert_journal(fd, LOG_WARNING, "MESSAGE=w\n");
	log_info("KEY=value");
	log_assert_journal(fd, LOG_INFO, "MESSAGE=KEY=value\n");
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		mon_log(l, "%s", "%s%n");
		log_flush();
		log_assert_journal(fd, priorities[l], "MESSAGE=%s%n\n");
	}
	log_assert_nothing(fd);
	assert_string_equal(log_next_line(), "");
	close(fd);
}

static void test_event_fields(void **state)
{
	const struct log_event all = { .event = "an-event", .array = "md126", .disk = "sda" };
	int fd = log_serve(JOURNAL);

	(void)state;
	log_to_background();
	errno = ENOENT;
	log_event(LOG_LEVEL_WARNING, &all, "no: %m");
	assert_int_equal(errno, ENOENT);
	log_assert_journal(fd, LOG_WARNING,
		       "MDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\n"
		       "MESSAGE=no: No such file or directory\n");
	log_set_container("md127");
	log_event(LOG_LEVEL_ERROR, &all, "a");
	log_assert_journal(fd, LOG_ERR,
		       "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\nMESSAGE=a\n");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .event = "an-event", .disk = "sdb" }, "b");
	log_assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_DISK=sdb\nMESSAGE=b\n");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "md125", .disk = "" }, "c");
	log_assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_ARRAY=md125\nMESSAGE=c\n");
	log_info("d");
	log_assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMESSAGE=d\n");
	log_event(LOG_LEVEL_DEBUG, &all, "not by default");
	log_assert_nothing(fd);
	close(fd);
}

/* What the names are made of may be gone when the manager looks. */
static void test_monitor_event_fields(void **state)
{
	char array[] = "md126", disk[] = "sda";
	const struct log_event about = { .event = "an-event", .array = array, .disk = disk };
	int fd = log_serve(JOURNAL);

	(void)state;
	log_to_background();
	log_set_container("md127");
	errno = EIO;
	mon_log_event(LOG_LEVEL_ERROR, &about, "disk %u:%u", 8u, 0u);
	assert_int_equal(errno, EIO);
	memset(array, 'x', sizeof(array) - 1);
	memset(disk, 'x', sizeof(disk) - 1);
	mon_log_event(LOG_LEVEL_INFO, &(struct log_event){ .event = "another" }, "second");
	mon_log_event(LOG_LEVEL_DEBUG, &about, "not by default");
	mon_log(LOG_LEVEL_INFO, "third");
	log_assert_nothing(fd);
	log_flush();
	log_assert_journal(fd, LOG_ERR,
		       "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\n"
		       "MESSAGE=disk 8:0\n");
	log_assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_EVENT=another\nMESSAGE=second\n");
	log_assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMESSAGE=third\n");
	log_assert_nothing(fd);
	close(fd);
}

/* A slot of the ring is used again: nothing of its last message stays. */
static void test_slots_forget(void **state)
{
	const struct log_event about = { .event = "an-event", .array = "md126", .disk = "sda" };
	int fd = log_serve(JOURNAL);

	(void)state;
	log_to_background();
	for (unsigned i = 0; i < 256; i++) {
		mon_log_event(LOG_LEVEL_INFO, &about, "long text");
		log_flush();
		log_assert_journal(fd, LOG_INFO,
			       "MDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\nMESSAGE=long text\n");
	}
	for (unsigned i = 0; i < 256; i++) {
		mon_log(LOG_LEVEL_INFO, "short");
		log_flush();
		log_assert_journal(fd, LOG_INFO, "MESSAGE=short\n");
	}
	close(fd);
}

/* Nobody can make fields up. */
static void test_newlines(void **state)
{
	static const char text[] = "MESSAGE\n\x12\0\0\0\0\0\0\0one\nPRIORITY=0\ntwo\n\n";
	static const char name[] = "MDMON_ARRAY\n\x04\0\0\0\0\0\0\0a\nb=\nMESSAGE=text\n";
	int fd = log_serve(JOURNAL);

	(void)state;
	log_to_background();
	log_info("%s", "one\nPRIORITY=0\ntwo");
	assert_int_equal(strlen("one\nPRIORITY=0\ntwo"), 0x12);
	log_assert_journal_bytes(fd, LOG_INFO, text, sizeof(text) - 2);
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "a\nb=" }, "text");
	log_assert_journal_bytes(fd, LOG_INFO, name, sizeof(name) - 1);
	mon_log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "a\nb=" }, "text");
	log_flush();
	log_assert_journal_bytes(fd, LOG_INFO, name, sizeof(name) - 1);
	close(fd);
}

static void test_long_names(void **state)
{
	char longer[200], cut[LOG_NAME_MAX], want[1024];
	const struct log_event about = { .event = "an-event", .array = longer, .disk = longer };
	int fd = log_serve(JOURNAL);

	(void)state;
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	snprintf(cut, sizeof(cut), "%.*s", LOG_NAME_MAX - 1, longer);
	log_to_background();
	log_set_container(longer);
	snprintf(want, sizeof(want),
		 "MDMON_CONTAINER=%s\nMDMON_EVENT=an-event\nMDMON_ARRAY=%s\nMDMON_DISK=%s\nMESSAGE=x\n", cut, cut, cut);
	log_event(LOG_LEVEL_INFO, &about, "x");
	log_assert_journal(fd, LOG_INFO, want);
	mon_log_event(LOG_LEVEL_INFO, &about, "x");
	log_flush();
	log_assert_journal(fd, LOG_INFO, want);
	close(fd);
}

/* All fields as long as they can be; and a socket that takes only short ones. */
static void test_long_message(void **state)
{
	const char *n = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
	char text[LOG_NAME_MAX * 64], fields[512], want[2048];
	int fd = log_serve(JOURNAL), sys = log_serve(SYSLOG);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_to_background();
	log_set_container(n);
	snprintf(fields, sizeof(fields), "MDMON_CONTAINER=%s\nMDMON_EVENT=%s\nMDMON_ARRAY=%s\nMDMON_DISK=%s\n", n, n,
		 n, n);
	log_event(LOG_LEVEL_INFO, &(struct log_event){ n, n, n }, "%s", text);
	snprintf(want, sizeof(want), "%sMESSAGE=%.1023s\n", fields, text);
	log_assert_journal(fd, LOG_INFO, want);

	log_longest_datagram = 1000;
	log_event(LOG_LEVEL_INFO, &(struct log_event){ n, n, n }, "%s", text);
	snprintf(want, sizeof(want), "%sMESSAGE=%.256s\n", fields, text);
	log_assert_journal(fd, LOG_INFO, want);
	log_assert_nothing(fd);
	log_assert_nothing(sys);
	close(fd);
	close(sys);
}

static void test_fallback(void **state)
{
	int sys = log_serve(SYSLOG), journal;

	(void)state;
	log_to_background();
	log_error("no journal yet"); /* ENOENT */
	log_assert_syslog(sys, LOG_ERR, "no journal yet");
	journal = log_serve(JOURNAL);
	log_error("journal");
	log_assert_journal(journal, LOG_ERR, "MESSAGE=journal\n");
	log_die(journal);
	errno = EIO;
	log_error("journal restarts: %m"); /* ECONNREFUSED */
	assert_int_equal(errno, EIO);
	log_assert_syslog(sys, LOG_ERR, "journal restarts: Input/output error");
	journal = log_serve(JOURNAL);
	log_error("journal again");
	log_assert_journal(journal, LOG_ERR, "MESSAGE=journal again\n");
	log_vanish(journal, JOURNAL);
	log_vanish(sys, SYSLOG);
	errno = EIO;
	log_error("nobody");
	assert_int_equal(errno, EIO);
	sys = log_serve(SYSLOG);
	log_error("syslog");
	log_assert_syslog(sys, LOG_ERR, "syslog");
	log_assert_nothing(sys);
	assert_string_equal(log_next_line(), "");
	close(sys);
}

#define MANY 5000u

static unsigned drain(int fd)
{
	char buf[4096];
	unsigned n = 0;

	for (size_t len; log_next_datagram(fd, buf, sizeof(buf), &len); n++)
		assert_true(len > strlen("line 0"));
	return n;
}

/* What finds no room is lost. It neither waits nor goes elsewhere. */
static void test_full(void **state)
{
	int sys = log_serve(SYSLOG), journal = log_serve(JOURNAL);
	unsigned n;

	(void)state;
	log_to_background();
	for (unsigned i = 0; i < MANY; i++)
		log_error("line %u", i);
	n = drain(journal);
	assert_true(n >= 1 && n <= MANY - 1);
	log_assert_nothing(sys);
	log_error("room again");
	log_assert_journal(journal, LOG_ERR, "MESSAGE=room again\n");

	log_vanish(journal, JOURNAL);
	for (unsigned i = 0; i < MANY; i++)
		log_error("line %u", i);
	n = drain(sys);
	assert_true(n >= 1 && n <= MANY - 1);
	log_error("room again");
	log_assert_syslog(sys, LOG_ERR, "room again");
	close(sys);
}

static void test_full_stderr(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 4 * MANY; i++)
		log_error("line %u", i);
	while (*log_next_line())
		n++;
	assert_true(n >= 1 && n <= 4 * MANY - 1);
	log_error("room again");
	assert_string_equal(log_next_line(), "mdmon: room again\n");
}

/* ---- JOURNAL_STREAM ---- */

/* dev and ino are added to what stderr is. */
static void set_journal_stream(const char *format, int dev, int ino)
{
	char value[128], d[32], i[32];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(d, sizeof(d), "%llu", (unsigned long long)st.st_dev + (unsigned long long)dev);
	snprintf(i, sizeof(i), "%llu", (unsigned long long)st.st_ino + (unsigned long long)ino);
	value[0] = '\0';
	for (char c[2] = ""; (c[0] = *format); format++)
		strcat(value, c[0] == 'D' ? d : c[0] == 'I' ? i : c);
	setenv("JOURNAL_STREAM", value, 1);
}

static void test_stderr_is_journal(void **state)
{
	int journal = log_serve(JOURNAL), sys = log_serve(SYSLOG);

	(void)state;
	set_journal_stream("D:I", 0, 0);
	log_open();
	log_set_container("md127");
	log_error("at once");
	log_assert_journal(journal, LOG_ERR, "MDMON_CONTAINER=md127\nMESSAGE=at once\n");
	assert_string_equal(log_next_line(), "");

	/* the stream leads to the journal, even where its socket cannot be seen */
	log_vanish(journal, JOURNAL);
	log_error("elsewhere");
	assert_string_equal(log_next_line(), "mdmon: elsewhere\n");
	log_assert_nothing(sys);

	log_to_background();
	log_error("background");
	log_assert_syslog(sys, LOG_ERR, "background");
	assert_string_equal(log_next_line(), "");
	close(sys);
}

static void test_stderr_is_not_journal(void **state)
{
	static const struct {
		const char *format;
		int dev, ino;
	} wrong[] = {
		{ "D:I", 1, 0 },  { "D:I", 0, 1 },  { "D", 0, 0 },    { "D:", 0, 0 },
		{ ":I", 0, 0 },   { "D:I:", 0, 0 }, { "D:Ix", 0, 0 }, { " D:I", 0, 0 },
		{ "D: I", 0, 0 }, { "+D:I", 0, 0 }, { "D-I", 0, 0 },  { "", 0, 0 },
	};
	int journal = log_serve(JOURNAL);

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		set_journal_stream(wrong[i].format, wrong[i].dev, wrong[i].ino);
		log_open();
		log_error("x");
		assert_string_equal(log_next_line(), "mdmon: x\n");
		log_assert_nothing(journal);
	}
	/* it was, but somebody has closed it */
	set_journal_stream("D:I", 0, 0);
	close(STDERR_FILENO);
	log_open();
	log_error("x");
	log_assert_nothing(journal);
	close(journal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_syslog),
		LOG_TEST(test_journal),
		LOG_TEST(test_event_fields),
		LOG_TEST(test_monitor_event_fields),
		LOG_TEST(test_slots_forget),
		LOG_TEST(test_newlines),
		LOG_TEST(test_long_names),
		LOG_TEST(test_long_message),
		LOG_TEST(test_fallback),
		LOG_TEST(test_full),
		LOG_TEST(test_full_stderr),
		LOG_TEST(test_stderr_is_journal),
		LOG_TEST(test_stderr_is_not_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
