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
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/log.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define JOURNAL "journal"
#define SYSLOG "syslog"

/* Where the sockets of the journal and of syslog are while a test runs. */
static char dir[] = "/tmp/test-log-XXXXXX";
static size_t longest_datagram; /* 0: the socket takes any */
static void (*sink)(const char *data, size_t len); /* takes any number, which sockets do not; NULL: sockets */

static struct sockaddr_un address(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);
	return sa;
}

/* Real datagrams to real sockets; only the names of these are others. */
ssize_t __real_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen);
ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen);
ssize_t __wrap_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	const char *path = ((const struct sockaddr_un *)(const void *)to)->sun_path;
	bool journal = !strcmp(path, "/run/systemd/journal/socket");
	struct sockaddr_un sa = address(journal ? JOURNAL : SYSLOG);

	assert_true(journal || !strcmp(path, "/dev/log"));
	assert_int_equal(tolen, sizeof(sa));
	assert_true(flags & MSG_NOSIGNAL);
	if (longest_datagram && len > longest_datagram)
		return errno = EMSGSIZE, -1;
	if (sink)
		return sink(buf, len), (ssize_t)len;
	return __real_sendto(fd, buf, len, flags, (const struct sockaddr *)&sa, sizeof(sa));
}

/* Someone who listens. */
static int serve(const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = address(name);

	unlink(sa.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* As it is while the server is restarted: the file is there, but nobody listens. */
static void die(int fd)
{
	close(fd);
}

static void vanish(int fd, const char *name)
{
	close(fd);
	unlink(address(name).sun_path);
}

static bool next_datagram(int fd, char *buf, size_t room, size_t *len)
{
	ssize_t n = recv(fd, buf, room, 0);

	*len = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

static void assert_nothing(int fd)
{
	char buf[1];
	size_t len;

	assert_false(next_datagram(fd, buf, sizeof(buf), &len));
}

static void assert_datagram(int fd, const void *want, size_t want_len)
{
	char got[4096];
	size_t len;

	assert_true(next_datagram(fd, got, sizeof(got), &len));
	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, len);
}

static void assert_syslog(int fd, int severity, const char *text)
{
	char want[2048];

	snprintf(want, sizeof(want), "<%d>mdmon[%d]: %s", LOG_DAEMON | severity, (int)getpid(), text);
	assert_datagram(fd, want, strlen(want));
}

/* `rest`: the fields after those that every message has. */
static void assert_journal_bytes(int fd, int severity, const void *rest, size_t rest_len)
{
	char want[4096];
	int n = snprintf(want, sizeof(want),
			 "PRIORITY=%d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=mdmon\nSYSLOG_PID=%d\n", severity,
			 (int)getpid());

	memcpy(want + n, rest, rest_len);
	assert_datagram(fd, want, (size_t)n + rest_len);
}

static void assert_journal(int fd, int severity, const char *rest)
{
	assert_journal_bytes(fd, severity, rest, strlen(rest));
}

/* stderr becomes a datagram socket: one write is one packet, so that it can be seen how many there were. */
static int saved_stderr, packets;

static int setup(void **state)
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
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	unsetenv("JOURNAL_STREAM");
	longest_datagram = 0;
	sink = NULL;
	log_set_level(LOG_LEVEL_INFO);
	log_set_container(NULL);
	log_open();
	alarm(60); /* for what must not block */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alarm(0);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(packets);
	unlink(address(JOURNAL).sun_path);
	unlink(address(SYSLOG).sun_path);
	return rmdir(dir);
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
		assert_string_equal(next_line(), want);
	}
	assert_string_equal(next_line(), "mdmon: 44 messages of the monitor were lost\n");
	assert_string_equal(next_line(), "");
	mon_log(LOG_LEVEL_INFO, "again");
	log_flush();
	assert_string_equal(next_line(), "mdmon: again\n");
	assert_string_equal(next_line(), "");
	assert_int_equal(log_lost() - before, 44);
	/* only what is new is reported */
	for (unsigned i = 0; i < 257; i++)
		mon_log(LOG_LEVEL_INFO, "line %u", i);
	log_flush();
	for (unsigned i = 0; i < 256; i++)
		next_line();
	assert_string_equal(next_line(), "mdmon: 1 messages of the monitor were lost\n");
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
	sink = count_message;
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

/* ---- the journal and syslog ---- */

static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static void test_syslog(void **state)
{
	int fd = serve(SYSLOG);

	(void)state;
	log_to_background();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("100%% of %s", "it");
	assert_syslog(fd, LOG_ERR, "100% of it");
	log_warning("w");
	assert_syslog(fd, LOG_WARNING, "w");
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		mon_log(l, "%s", "%s%n");
		log_flush();
		assert_syslog(fd, priorities[l], "%s%n");
	}
	/* the text is all that is shown */
	log_set_container("md127");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ "an-event", "md126", "sda" }, "md126: sda: text");
	assert_syslog(fd, LOG_INFO, "md126: sda: text");
	assert_nothing(fd);
	assert_string_equal(next_line(), "");
	close(fd);
}

static void test_journal(void **state)
{
	int fd = serve(JOURNAL);

	(void)state;
	log_to_background();
	log_set_level(LOG_LEVEL_DEBUG);
	log_error("100%% of %s", "it");
	assert_journal(fd, LOG_ERR, "MESSAGE=100% of it\n");
	log_warning("w");
	assert_journal(fd, LOG_WARNING, "MESSAGE=w\n");
	log_info("KEY=value");
	assert_journal(fd, LOG_INFO, "MESSAGE=KEY=value\n");
	for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++) {
		mon_log(l, "%s", "%s%n");
		log_flush();
		assert_journal(fd, priorities[l], "MESSAGE=%s%n\n");
	}
	assert_nothing(fd);
	assert_string_equal(next_line(), "");
	close(fd);
}

static void test_event_fields(void **state)
{
	const struct log_event all = { .event = "an-event", .array = "md126", .disk = "sda" };
	int fd = serve(JOURNAL);

	(void)state;
	log_to_background();
	errno = ENOENT;
	log_event(LOG_LEVEL_WARNING, &all, "no: %m");
	assert_int_equal(errno, ENOENT);
	assert_journal(fd, LOG_WARNING,
		       "MDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\n"
		       "MESSAGE=no: No such file or directory\n");
	log_set_container("md127");
	log_event(LOG_LEVEL_ERROR, &all, "a");
	assert_journal(fd, LOG_ERR,
		       "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\nMESSAGE=a\n");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .event = "an-event", .disk = "sdb" }, "b");
	assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_DISK=sdb\nMESSAGE=b\n");
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "md125", .disk = "" }, "c");
	assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_ARRAY=md125\nMESSAGE=c\n");
	log_info("d");
	assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMESSAGE=d\n");
	log_event(LOG_LEVEL_DEBUG, &all, "not by default");
	assert_nothing(fd);
	close(fd);
}

/* What the names are made of may be gone when the manager looks. */
static void test_monitor_event_fields(void **state)
{
	char array[] = "md126", disk[] = "sda";
	const struct log_event about = { .event = "an-event", .array = array, .disk = disk };
	int fd = serve(JOURNAL);

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
	assert_nothing(fd);
	log_flush();
	assert_journal(fd, LOG_ERR,
		       "MDMON_CONTAINER=md127\nMDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\n"
		       "MESSAGE=disk 8:0\n");
	assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMDMON_EVENT=another\nMESSAGE=second\n");
	assert_journal(fd, LOG_INFO, "MDMON_CONTAINER=md127\nMESSAGE=third\n");
	assert_nothing(fd);
	close(fd);
}

/* A slot of the ring is used again: nothing of its last message stays. */
static void test_slots_forget(void **state)
{
	const struct log_event about = { .event = "an-event", .array = "md126", .disk = "sda" };
	int fd = serve(JOURNAL);

	(void)state;
	log_to_background();
	for (unsigned i = 0; i < 256; i++) {
		mon_log_event(LOG_LEVEL_INFO, &about, "long text");
		log_flush();
		assert_journal(fd, LOG_INFO,
			       "MDMON_EVENT=an-event\nMDMON_ARRAY=md126\nMDMON_DISK=sda\nMESSAGE=long text\n");
	}
	for (unsigned i = 0; i < 256; i++) {
		mon_log(LOG_LEVEL_INFO, "short");
		log_flush();
		assert_journal(fd, LOG_INFO, "MESSAGE=short\n");
	}
	close(fd);
}

/* Nobody can make fields up. */
static void test_newlines(void **state)
{
	static const char text[] = "MESSAGE\n\x12\0\0\0\0\0\0\0one\nPRIORITY=0\ntwo\n\n";
	static const char name[] = "MDMON_ARRAY\n\x04\0\0\0\0\0\0\0a\nb=\nMESSAGE=text\n";
	int fd = serve(JOURNAL);

	(void)state;
	log_to_background();
	log_info("%s", "one\nPRIORITY=0\ntwo");
	assert_int_equal(strlen("one\nPRIORITY=0\ntwo"), 0x12);
	assert_journal_bytes(fd, LOG_INFO, text, sizeof(text) - 2);
	log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "a\nb=" }, "text");
	assert_journal_bytes(fd, LOG_INFO, name, sizeof(name) - 1);
	mon_log_event(LOG_LEVEL_INFO, &(struct log_event){ .array = "a\nb=" }, "text");
	log_flush();
	assert_journal_bytes(fd, LOG_INFO, name, sizeof(name) - 1);
	close(fd);
}

static void test_long_names(void **state)
{
	char longer[200], cut[LOG_NAME_MAX], want[1024];
	const struct log_event about = { .event = "an-event", .array = longer, .disk = longer };
	int fd = serve(JOURNAL);

	(void)state;
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	snprintf(cut, sizeof(cut), "%.*s", LOG_NAME_MAX - 1, longer);
	log_to_background();
	log_set_container(longer);
	snprintf(want, sizeof(want),
		 "MDMON_CONTAINER=%s\nMDMON_EVENT=an-event\nMDMON_ARRAY=%s\nMDMON_DISK=%s\nMESSAGE=x\n", cut, cut, cut);
	log_event(LOG_LEVEL_INFO, &about, "x");
	assert_journal(fd, LOG_INFO, want);
	mon_log_event(LOG_LEVEL_INFO, &about, "x");
	log_flush();
	assert_journal(fd, LOG_INFO, want);
	close(fd);
}

/* All fields as long as they can be; and a socket that takes only short ones. */
static void test_long_message(void **state)
{
	const char *n = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn";
	char text[LOG_NAME_MAX * 64], fields[512], want[2048];
	int fd = serve(JOURNAL), sys = serve(SYSLOG);

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_to_background();
	log_set_container(n);
	snprintf(fields, sizeof(fields), "MDMON_CONTAINER=%s\nMDMON_EVENT=%s\nMDMON_ARRAY=%s\nMDMON_DISK=%s\n", n, n,
		 n, n);
	log_event(LOG_LEVEL_INFO, &(struct log_event){ n, n, n }, "%s", text);
	snprintf(want, sizeof(want), "%sMESSAGE=%.1023s\n", fields, text);
	assert_journal(fd, LOG_INFO, want);

	longest_datagram = 1000;
	log_event(LOG_LEVEL_INFO, &(struct log_event){ n, n, n }, "%s", text);
	snprintf(want, sizeof(want), "%sMESSAGE=%.256s\n", fields, text);
	assert_journal(fd, LOG_INFO, want);
	assert_nothing(fd);
	assert_nothing(sys);
	close(fd);
	close(sys);
}

static void test_fallback(void **state)
{
	int sys = serve(SYSLOG), journal;

	(void)state;
	log_to_background();
	log_error("no journal yet"); /* ENOENT */
	assert_syslog(sys, LOG_ERR, "no journal yet");
	journal = serve(JOURNAL);
	log_error("journal");
	assert_journal(journal, LOG_ERR, "MESSAGE=journal\n");
	die(journal);
	errno = EIO;
	log_error("journal restarts: %m"); /* ECONNREFUSED */
	assert_int_equal(errno, EIO);
	assert_syslog(sys, LOG_ERR, "journal restarts: Input/output error");
	journal = serve(JOURNAL);
	log_error("journal again");
	assert_journal(journal, LOG_ERR, "MESSAGE=journal again\n");
	vanish(journal, JOURNAL);
	vanish(sys, SYSLOG);
	errno = EIO;
	log_error("nobody");
	assert_int_equal(errno, EIO);
	sys = serve(SYSLOG);
	log_error("syslog");
	assert_syslog(sys, LOG_ERR, "syslog");
	assert_nothing(sys);
	assert_string_equal(next_line(), "");
	close(sys);
}

#define MANY 5000u

static unsigned drain(int fd)
{
	char buf[4096];
	unsigned n = 0;

	for (size_t len; next_datagram(fd, buf, sizeof(buf), &len); n++)
		assert_true(len > strlen("line 0"));
	return n;
}

/* What finds no room is lost. It neither waits nor goes elsewhere. */
static void test_full(void **state)
{
	int sys = serve(SYSLOG), journal = serve(JOURNAL);
	unsigned n;

	(void)state;
	log_to_background();
	for (unsigned i = 0; i < MANY; i++)
		log_error("line %u", i);
	n = drain(journal);
	assert_true(n >= 1 && n <= MANY - 1);
	assert_nothing(sys);
	log_error("room again");
	assert_journal(journal, LOG_ERR, "MESSAGE=room again\n");

	vanish(journal, JOURNAL);
	for (unsigned i = 0; i < MANY; i++)
		log_error("line %u", i);
	n = drain(sys);
	assert_true(n >= 1 && n <= MANY - 1);
	log_error("room again");
	assert_syslog(sys, LOG_ERR, "room again");
	close(sys);
}

static void test_full_stderr(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 4 * MANY; i++)
		log_error("line %u", i);
	while (*next_line())
		n++;
	assert_true(n >= 1 && n <= 4 * MANY - 1);
	log_error("room again");
	assert_string_equal(next_line(), "mdmon: room again\n");
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
	int journal = serve(JOURNAL), sys = serve(SYSLOG);

	(void)state;
	set_journal_stream("D:I", 0, 0);
	log_open();
	log_set_container("md127");
	log_error("at once");
	assert_journal(journal, LOG_ERR, "MDMON_CONTAINER=md127\nMESSAGE=at once\n");
	assert_string_equal(next_line(), "");

	/* the stream leads to the journal, even where its socket cannot be seen */
	vanish(journal, JOURNAL);
	log_error("elsewhere");
	assert_string_equal(next_line(), "mdmon: elsewhere\n");
	assert_nothing(sys);

	log_to_background();
	log_error("background");
	assert_syslog(sys, LOG_ERR, "background");
	assert_string_equal(next_line(), "");
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
	int journal = serve(JOURNAL);

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		set_journal_stream(wrong[i].format, wrong[i].dev, wrong[i].ino);
		log_open();
		log_error("x");
		assert_string_equal(next_line(), "mdmon: x\n");
		assert_nothing(journal);
	}
	/* it was, but somebody has closed it */
	set_journal_stream("D:I", 0, 0);
	close(STDERR_FILENO);
	log_open();
	log_error("x");
	assert_nothing(journal);
	close(journal);
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
