// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client for the daemon's control socket, written from the protocol alone.
 *
 *   sockcat ping    SOCKET [COUNT]	ping_monitor; prints the latency in microseconds and the version
 *   sockcat manager SOCKET [COUNT]	ping_manager; prints the latency
 *   sockcat raw     SOCKET SECONDS [BYTES]
 *					sends stdin as it is, prints the answer as hex until the server closes
 *					("closed"), SECONDS have passed ("open") or BYTES have come ("enough")
 *   sockcat hold    SOCKET COUNT	opens COUNT connections, prints "held", stays silent until killed
 *   sockcat status  SOCKET		asks for the status (docs/status.md) and prints it as it is; the latency
 *					in microseconds goes to stderr. Exit 3 if the daemon has none to give
 *   sockcat latency SOCKET SECONDS	pings for SECONDS or until SIGTERM, each time on a new connection;
 *					prints "pings N failed N median US max US"
 *
 * Exit 1 if a ping was not answered properly within 20 s.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define START 0x5a5aa5a5u
#define END 0xa5a55a5au

static void die(const char *what)
{
	fprintf(stderr, "sockcat: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die(path);
	return fd;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Reads exactly len bytes before the deadline; anything else is the end. */
static void read_all(int fd, void *buf, size_t len, int64_t deadline)
{
	char *p = buf;

	while (len) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_us();
		int ready = left > 0 ? poll(&pfd, 1, (int)(left / 1000) + 1) : 0;

		errno = ETIMEDOUT;
		if (ready <= 0)
			die("no answer");

		ssize_t n = read(fd, p, len);

		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			die("answer");
		p += n;
		len -= (size_t)n;
	}
}

static void ping(int fd, int32_t request)
{
	uint32_t msg[3] = { START, (uint32_t)request, END };
	uint32_t head[2], tail;
	char text[1024] = "";
	int64_t start = now_us();
	int64_t deadline = start + 20 * 1000000;

	if (write(fd, msg, sizeof(msg)) != (ssize_t)sizeof(msg))
		die("send");
	read_all(fd, head, sizeof(head), deadline);
	errno = EPROTO;
	if (head[0] != START || head[1] >= sizeof(text))
		die("framing of the answer");
	read_all(fd, text, head[1], deadline);
	read_all(fd, &tail, sizeof(tail), deadline);
	errno = EPROTO;
	if (tail != END)
		die("end of the answer");
	text[strcspn(text, "\n")] = '\0';
	printf("%lld %s\n", (long long)(now_us() - start), text);
}

static void raw(int fd, int seconds, size_t enough)
{
	static char buf[65536];
	int64_t deadline = now_us() + (int64_t)seconds * 1000000;
	size_t n, total = 0;

	while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0)
		if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
			break;
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_us();

		if (left <= 0 || poll(&pfd, 1, (int)(left / 1000) + 1) <= 0) {
			puts("open");
			return;
		}

		ssize_t got = read(fd, buf, sizeof(buf));

		if (got <= 0) {
			puts("closed");
			return;
		}
		for (ssize_t i = 0; i < got; i++)
			printf("%02x", (unsigned char)buf[i]);
		putchar('\n');
		total += (size_t)got;
		if (enough && total >= enough) {
			puts("enough");
			return;
		}
	}
}

static int status(int fd)
{
	uint32_t msg[3] = { START, (uint32_t)-100, END };
	uint32_t head[2], tail;
	int64_t start = now_us();
	int64_t deadline = start + 20 * 1000000;
	char *text;

	if (write(fd, msg, sizeof(msg)) != (ssize_t)sizeof(msg))
		die("send");
	read_all(fd, head, sizeof(head), deadline);
	errno = EPROTO;
	if (head[0] != START || head[1] > 4 * 1024 * 1024)
		die("framing of the answer");
	text = calloc(1, head[1] + 1);
	if (!text)
		die("memory");
	read_all(fd, text, head[1], deadline);
	read_all(fd, &tail, sizeof(tail), deadline);
	errno = EPROTO;
	if (tail != END)
		die("end of the answer");
	fprintf(stderr, "%lld\n", (long long)(now_us() - start));
	printf("%s\n", text);
	return text[0] ? 0 : 3;
}

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* A ping on a connection of its own; -1 if it was not answered. Does not die, unlike the others. */
static int64_t timed_ping(const char *path)
{
	static const uint32_t msg[3] = { START, 0, END };
	const struct timeval limit = { .tv_sec = 20 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t start = now_us();
	uint32_t head[2] = { 0, 0 };
	char text[1024];
	bool ok;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ok = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	     send(fd, msg, sizeof(msg), MSG_NOSIGNAL) == (ssize_t)sizeof(msg) &&
	     recv(fd, head, sizeof(head), MSG_WAITALL) == (ssize_t)sizeof(head) && head[0] == START &&
	     head[1] + 4 < sizeof(text) && recv(fd, text, head[1] + 4, MSG_WAITALL) == (ssize_t)head[1] + 4;
	close(fd);
	return ok ? now_us() - start : -1;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int latency(const char *path, int seconds)
{
	static int64_t taken[100000];
	int64_t deadline = now_us() + (int64_t)seconds * 1000000;
	size_t n = 0, failed = 0;

	signal(SIGTERM, on_term);
	while (!stop && now_us() < deadline && n < sizeof(taken) / sizeof(taken[0])) {
		int64_t us = timed_ping(path);

		if (us >= 0)
			taken[n++] = us;
		else if (!stop)
			failed++;
		usleep(5000);
	}
	qsort(taken, n, sizeof(taken[0]), by_value);
	printf("pings %zu failed %zu median %lld max %lld\n", n, failed, (long long)(n ? taken[n / 2] : -1),
	       (long long)(n ? taken[n - 1] : -1));
	return failed || !n ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	int count = argc > 3 ? atoi(argv[3]) : 1;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(verb, "ping") || !strcmp(verb, "manager")) {
		int fd = connect_to(argv[2]);

		while (count-- > 0)
			ping(fd, verb[0] == 'p' ? 0 : -1);
	} else if (!strcmp(verb, "raw")) {
		raw(connect_to(argv[2]), count, argc > 4 ? strtoul(argv[4], NULL, 0) : 0);
	} else if (!strcmp(verb, "status")) {
		return status(connect_to(argv[2]));
	} else if (!strcmp(verb, "latency")) {
		return latency(argv[2], count);
	} else if (!strcmp(verb, "hold")) {
		while (count-- > 0)
			connect_to(argv[2]);
		puts("held");
		fflush(stdout);
		pause();
	} else {
		fprintf(stderr, "usage: sockcat ping|manager|raw|hold|status|latency SOCKET [N]\n");
		return 2;
	}
	return 0;
}
