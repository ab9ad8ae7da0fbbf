/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See socket-rig.h. */
#include "tests/unit/support/socket-rig.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/clock.h"
#include "msg.h"
#include "socket/client.h"

/* ---- bytes ---- */

void put_u32(unsigned char *to, uint32_t v)
{
	memcpy(to, &v, 4);
}

/* Nothing that repeats where buffers do. */
void fill_pattern(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 2654435761u + seed * 40503u) >> 16 & 0xff);
}

uint32_t random_state;

uint32_t random_u32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

void send_bytes(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

void send_message(int fd, int32_t len, const void *data)
{
	unsigned char frame[4096 + 12];

	send_bytes(fd, frame, msg_encode(frame, len, data));
}

/* What the client sees: bytes, -EAGAIN for nothing yet, 0 for closed. */
static ssize_t peek(int fd)
{
	char buf[512];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK);

	return n < 0 ? -errno : n;
}

void assert_closed(int fd)
{
	ssize_t n = peek(fd);

	assert_true(n == 0 || n == -ECONNRESET);
	close(fd);
}

void assert_silent(int fd)
{
	assert_int_equal(peek(fd), -EAGAIN);
}

/* Exactly one answer of that length lies there. */
void assert_answer(int fd, int32_t len, const void *data)
{
	unsigned char want[512], got[512];
	size_t n = msg_encode(want, len, data);

	assert_int_equal(recv(fd, got, n, MSG_DONTWAIT), (ssize_t)n);
	assert_memory_equal(got, want, n);
}

/* ---- a server ---- */

int srv_set_up(void **state)
{
	struct server_rig *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mdmon-msg.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/md127.sock", f->dir);
	f->now = 1000 * SEC;
	f->server = msg_server_open(f->path);
	*state = f;
	return f->server ? 0 : -1;
}

int srv_tear_down(void **state)
{
	struct server_rig *f = *state;

	msg_server_close(f->server);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* One turn of the manager's loop that finds out what is ready and does it. */
void srv_turn(struct server_rig *f)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	size_t n = msg_server_pollfds(f->server, pfds, COUNT(pfds));

	assert_true(poll(pfds, n, 0) >= 0);
	msg_server_run(f->server, pfds, n, f->now);
}

void srv_turns(struct server_rig *f, unsigned n)
{
	while (n--)
		srv_turn(f);
}

size_t srv_poll_count(struct server_rig *f)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];

	return msg_server_pollfds(f->server, pfds, COUNT(pfds));
}

int srv_client(const struct server_rig *f)
{
	int fd = msg_connect(f->path);

	assert_true(fd >= 0);
	return fd;
}

struct msg_request srv_take(struct server_rig *f)
{
	struct msg_request req;

	assert_true(msg_server_next(f->server, &req));
	return req;
}

void assert_no_request(struct server_rig *f)
{
	struct msg_request req;

	assert_false(msg_server_next(f->server, &req));
}

/* Takes one request of that kind without data and answers it. */
void srv_serve(struct server_rig *f, enum msg_request_kind kind)
{
	struct msg_request req = srv_take(f);

	assert_int_equal(req.kind, kind);
	assert_null(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
}

/* Starts an answer that does not fit the socket. */
int begin_big_answer(struct server_rig *f, const unsigned char *data)
{
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	msg_server_reply(f->server, req.client, data, BIG_ANSWER, f->now);
	return fd;
}

void *srv_answer_all(void *arg)
{
	struct answering_server *l = arg;

	while (!atomic_load(&l->stop)) {
		struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
		size_t n = msg_server_pollfds(l->f->server, pfds, COUNT(pfds));
		struct msg_request req;

		poll(pfds, n, 1);
		msg_server_run(l->f->server, pfds, n, clock_now_ns());
		while (msg_server_next(l->f->server, &req)) {
			bool version = req.kind == MSG_REQ_PING_MONITOR;

			l->served++;
			msg_server_reply(l->f->server, req.client, version ? msg_version_string : NULL,
					 version ? (int32_t)msg_version_length() : 0, clock_now_ns());
		}
	}
	return NULL;
}

/* ---- others ---- */

/* A peer that says what it is told to. */
void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

unsigned count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return st.st_mode & 07777;
}
