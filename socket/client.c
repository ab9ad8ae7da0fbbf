/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See socket/client.h. Every wait has a limit: the daemon that is asked may hang, or be another program.
 */
#include "socket/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "msg.h"

#define CONNECT_TIMEOUT_SEC 5

/* connect() on a socket whose backlog is full waits as long as a send may. */
static int connect_to(int fd, const struct sockaddr_un *sa)
{
	const struct timeval limit = { .tv_sec = CONNECT_TIMEOUT_SEC };
	int r;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	do
		r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int msg_connect(const char *path)
{
	struct sockaddr_un sa;
	int fd, r;

	r = msg_address(&sa, path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = connect_to(fd, &sa);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* 0 when the socket is ready, -ETIMEDOUT at the deadline, or -errno. */
static int wait_until(int fd, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = events };
		struct timespec left = clock_until(deadline);
		int r;

		if (!left.tv_sec && !left.tv_nsec)
			return -ETIMEDOUT;
		r = ppoll(&pfd, 1, &left, NULL);
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(int fd, const unsigned char *bytes, size_t len, uint64_t deadline)
{
	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r = 0;

		if (n < 0 && errno == EAGAIN)
			r = wait_until(fd, POLLOUT, deadline);
		else if (n < 0 && errno != EINTR)
			r = -errno;
		if (r < 0)
			return r;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* 0 when the answer is complete, -EAGAIN while it is not, or -errno. */
static int take_answer(struct msg_parser *p, const void *bytes, size_t n)
{
	size_t used;

	switch (msg_parser_feed(p, bytes, n, &used)) {
	case MSG_INCOMPLETE:
		return -EAGAIN;
	case MSG_COMPLETE:
		return used == n ? 0 : -EPROTO; /* nothing may follow: we sent one message */
	case MSG_MALFORMED:
		return -EPROTO;
	case MSG_NOMEM:
		break;
	}
	return -ENOMEM;
}

/* One for the caller, the others are closed: there is room for two where one is meant, because of the alignment. */
static void keep_one_descriptor(const struct cmsghdr *c, int *passed)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		if (*passed >= 0)
			close(*passed);
		memcpy(passed, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/* recv(), and a descriptor that came along into *passed; without `passed` none is taken. */
static ssize_t receive(int fd, void *buf, size_t size, int *passed)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (passed) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
	}
	n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		keep_one_descriptor(c, passed);
	return n;
}

static int receive_answer(int fd, struct msg_parser *p, uint64_t deadline, int *passed)
{
	unsigned char buf[512];
	int r;

	do {
		ssize_t n;

		r = wait_until(fd, POLLIN, deadline);
		if (r < 0)
			return r;
		n = receive(fd, buf, sizeof(buf), passed);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		r = n < 0 ? -EAGAIN : take_answer(p, buf, (size_t)n);
	} while (r == -EAGAIN);
	return r;
}

/* Sends a message without data and parses the answer, which stays in *answer. `passed` as above. */
static int exchange(int fd, int32_t kind, int timeout_ms, struct msg_parser *answer, int *passed)
{
	uint64_t limit = (uint64_t)timeout_ms * NS_PER_MS;
	unsigned char frame[MSG_FRAME_SIZE];
	int r;

	msg_parser_init(answer);
	if (kind > 0)
		return -EINVAL;
	r = send_all(fd, frame, msg_encode(frame, kind, NULL), clock_now_ns() + limit);
	return r < 0 ? r : receive_answer(fd, answer, clock_now_ns() + limit, passed);
}

int msg_ping(int fd, int32_t kind, int timeout_ms)
{
	struct msg_parser answer;
	int r = exchange(fd, kind, timeout_ms, &answer, NULL);

	msg_parser_reset(&answer);
	return r;
}

int msg_ask(int fd, int32_t kind, int timeout_ms, unsigned char **data, size_t *len)
{
	struct msg_parser answer;
	int r = exchange(fd, kind, timeout_ms, &answer, NULL);
	size_t n = msg_parser_data_length(&answer);

	*data = NULL;
	*len = 0;
	if (!r && n) {
		*data = malloc(n + 1);
		if (*data) {
			memcpy(*data, answer.data, n);
			(*data)[n] = '\0';
			*len = n;
		} else {
			r = -ENOMEM;
		}
	}
	msg_parser_reset(&answer);
	return r;
}

/* What the answer means; frees it. */
static int judge_handover(int r, struct msg_parser *answer, int *listener)
{
	if (!r && *listener < 0)
		r = answer->len == 0 ? -EOPNOTSUPP : -EPROTO;
	if (r && *listener >= 0) {
		close(*listener);
		*listener = -1;
	}
	msg_parser_reset(answer);
	return r;
}

int msg_ask_handover(int fd, int timeout_ms, int *listener)
{
	struct msg_parser answer;
	int r;

	*listener = -1;
	r = exchange(fd, MSG_HANDOVER, timeout_ms, &answer, listener);
	return judge_handover(r, &answer, listener);
}

int msg_await_handover(int fd, int timeout_ms, int *listener)
{
	struct msg_parser answer;
	int r;

	*listener = -1;
	msg_parser_init(&answer);
	r = receive_answer(fd, &answer, clock_now_ns() + (uint64_t)timeout_ms * NS_PER_MS, listener);
	return judge_handover(r, &answer, listener);
}
