/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other side of the control socket: connecting, asking, and answers of all kinds, each within its time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/socket-rig.h"

/* ---- pings ---- */

static void test_connect(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void test_ping(void **state)
{
	struct answering_server l = { .f = *state };
	pthread_t thread;
	int fd;

	assert_int_equal(pthread_create(&thread, NULL, srv_answer_all, &l), 0);
	fd = srv_client(l.f);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(msg_ping(fd, MSG_PING_MONITOR, 5000), 0);
		assert_int_equal(msg_ping(fd, MSG_PING_MANAGER, 5000), 0);
	}
	close(fd);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(l.served, 20);
	assert_int_equal(msg_ping(-1, MSG_PING_MONITOR, 10), -EBADF);
	assert_int_equal(msg_ping(-1, 1, 10), -EINVAL);
}

static void test_ping_no_answer(void **state)
{
	uint64_t begin = clock_now_ns();
	unsigned char frame[12];
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(msg_ping(pair[0], MSG_PING_MANAGER, 20), -ETIMEDOUT);
	assert_true(clock_now_ns() - begin >= 20 * MSEC);
	assert_int_equal(recv(pair[1], frame, sizeof(frame), 0), 12); /* but it did ask */
	assert_memory_equal(frame + 4, "\xff\xff\xff\xff", 4);
	close_pair(pair);
}

static void test_ping_bad_answers(void **state)
{
	unsigned char frame[64];
	int pair[2];

	(void)state;
	make_pair(pair);
	send_bytes(pair[1], "this is no answer", 17);
	assert_int_equal(msg_ping(pair[0], 0, 1000), -EPROTO);
	close_pair(pair);

	make_pair(pair);
	send_bytes(pair[1], frame, msg_encode(frame, 3, "abc"));
	send_bytes(pair[1], "x", 1);
	assert_int_equal(msg_ping(pair[0], 0, 1000), -EPROTO);
	close_pair(pair);

	make_pair(pair);
	msg_encode(frame, 3, "abc");
	send_bytes(pair[1], frame, 5);
	shutdown(pair[1], SHUT_WR);
	assert_int_equal(msg_ping(pair[0], 0, 1000), -ECONNRESET);
	close_pair(pair);

	make_pair(pair);
	close(pair[1]);
	assert_int_equal(msg_ping(pair[0], 0, 1000), -EPIPE);
	close(pair[0]);
}

/* The peer takes nothing: the question itself does not get through. */
static void test_ping_cannot_send(void **state)
{
	static const char junk[4096];
	int pair[2];

	(void)state;
	make_pair(pair);
	while (send(pair[0], junk, sizeof(junk), MSG_NOSIGNAL) > 0)
		;
	while (send(pair[0], junk, 1, MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(msg_ping(pair[0], 0, 20), -ETIMEDOUT);
	close_pair(pair);
}

struct trickle {
	int fd;
	atomic_bool stop;
};

/* A byte now and then, for ever: an answer that never ends. */
static void *trickle(void *arg)
{
	struct trickle *t = arg;
	unsigned char head[8], byte = 0;

	put_u32(head, MSG_START);
	put_u32(head + 4, MSG_LEN_MAX);
	for (unsigned i = 0; !atomic_load(&t->stop); i++) {
		send(t->fd, i < 8 ? head + i : &byte, 1, MSG_NOSIGNAL);
		usleep(2000);
	}
	return NULL;
}

static void test_ping_deadline_is_total(void **state)
{
	struct trickle t = { .fd = -1 };
	pthread_t thread;
	int pair[2];

	(void)state;
	make_pair(pair);
	t.fd = pair[1];
	assert_int_equal(pthread_create(&thread, NULL, trickle, &t), 0);
	assert_int_equal(msg_ping(pair[0], 0, 50), -ETIMEDOUT);
	atomic_store(&t.stop, true);
	pthread_join(thread, NULL);
	close_pair(pair);
}

/* ---- asking ---- */

/* As msg_ask, of a peer that has answered already. */
static int ask_with_answer(const void *bytes, size_t n, unsigned char **data, size_t *len)
{
	int pair[2], r;

	make_pair(pair);
	send_bytes(pair[1], bytes, n);
	r = msg_ask(pair[0], MSG_STATUS, 1000, data, len);
	close_pair(pair);
	return r;
}

static void test_ask(void **state)
{
	static const struct {
		int32_t len; /* of the answer */
		const char *data;
	} t[] = {
		{ 1, "x" }, { 9, "{\"a\":1}\n" }, { 4, "\0\0\0" }, { 0, NULL }, { -1, NULL }, { INT32_MIN, NULL },
	};
	unsigned char frame[64], *data;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		size_t want = t[i].len > 0 ? (size_t)t[i].len : 0;

		data = frame;
		len = 77;
		assert_int_equal(ask_with_answer(frame, msg_encode(frame, t[i].len, t[i].data), &data, &len), 0);
		assert_int_equal(len, want);
		if (!want) {
			assert_null(data);
			continue;
		}
		assert_memory_equal(data, t[i].data, want);
		assert_int_equal(data[want], '\0'); /* so that it may be used as a string */
		free(data);
	}
}

/* It asked what it should. */
static void test_ask_sends(void **state)
{
	static const int32_t kinds[] = { MSG_STATUS, MSG_PING_MANAGER, MSG_PING_MONITOR, -2 };
	unsigned char frame[32], want[32], *data;
	int pair[2];
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		make_pair(pair);
		assert_int_equal(msg_ask(pair[0], kinds[i], 1, &data, &len), -ETIMEDOUT);
		assert_null(data);
		assert_int_equal(recv(pair[1], frame, sizeof(frame), 0), 12);
		assert_int_equal(msg_encode(want, kinds[i], NULL), 12);
		assert_memory_equal(frame, want, 12);
		close_pair(pair);
	}
	assert_int_equal(msg_ask(-1, 1, 10, &data, &len), -EINVAL);
	assert_int_equal(msg_ask(-1, MSG_STATUS, 10, &data, &len), -EBADF);
	assert_null(data);
	assert_int_equal(len, 0);
}

static void test_ask_bad_answers(void **state)
{
	unsigned char frame[64], *data = frame;
	size_t n = msg_encode(frame, 3, "abc"), len = 77;

	(void)state;
	assert_int_equal(ask_with_answer("<html><body>", 12, &data, &len), -EPROTO);
	assert_null(data);
	assert_int_equal(len, 0);
	/* more than one answer */
	frame[n] = 'x';
	assert_int_equal(ask_with_answer(frame, n + 1, &data, &len), -EPROTO);
	assert_null(data);
	/* a wrong end */
	frame[n - 1] ^= 1;
	assert_int_equal(ask_with_answer(frame, n, &data, &len), -EPROTO);
	assert_null(data);
	/* more than we take: said before any of it has come */
	put_u32(frame, MSG_START);
	put_u32(frame + 4, MSG_LEN_MAX + 1);
	assert_int_equal(ask_with_answer(frame, 8, &data, &len), -EPROTO);
	assert_null(data);
	assert_int_equal(len, 0);
}

static void test_ask_closed(void **state)
{
	unsigned char frame[64], *data = frame;
	size_t n = msg_encode(frame, 3, "abc"), len;
	int pair[2];

	(void)state;
	for (size_t part = 0; part < n; part++) {
		make_pair(pair);
		send_bytes(pair[1], frame, part);
		shutdown(pair[1], SHUT_WR);
		assert_int_equal(msg_ask(pair[0], MSG_STATUS, 1000, &data, &len), -ECONNRESET);
		assert_null(data);
		assert_int_equal(len, 0);
		close_pair(pair);
	}
}

/* Writes all that is in it, however long it takes the other side to read. */
struct slow_writer {
	int fd;
	const unsigned char *bytes;
	size_t n;
};

static void *write_slowly(void *arg)
{
	struct slow_writer *w = arg;

	while (w->n) {
		struct pollfd p = { .fd = w->fd, .events = POLLOUT };
		ssize_t n = send(w->fd, w->bytes, w->n, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		if (n < 0)
			poll(&p, 1, 1000);
		w->bytes += n > 0 ? n : 0;
		w->n -= n > 0 ? (size_t)n : 0;
	}
	return NULL;
}

static void test_ask_huge_answer(void **state)
{
	unsigned char *frame = malloc(MSG_LEN_MAX + 12), *want = malloc(MSG_LEN_MAX), *data;
	struct slow_writer w = { .bytes = frame };
	pthread_t thread;
	int pair[2];
	size_t len;

	(void)state;
	fill_pattern(want, MSG_LEN_MAX, 5);
	w.n = msg_encode(frame, MSG_LEN_MAX, want);
	make_pair(pair);
	w.fd = pair[1];
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &w), 0);
	assert_int_equal(msg_ask(pair[0], MSG_STATUS, 60000, &data, &len), 0);
	pthread_join(thread, NULL);
	assert_int_equal(len, MSG_LEN_MAX);
	assert_memory_equal(data, want, MSG_LEN_MAX);
	assert_int_equal(data[MSG_LEN_MAX], '\0');
	close_pair(pair);
	free(data);
	free(want);
	free(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		srv_test(test_connect),
		srv_test(test_ping),
		cmocka_unit_test(test_ping_no_answer),
		cmocka_unit_test(test_ping_bad_answers),
		cmocka_unit_test(test_ping_cannot_send),
		cmocka_unit_test(test_ping_deadline_is_total),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_ask_sends),
		cmocka_unit_test(test_ask_bad_answers),
		cmocka_unit_test(test_ask_closed),
		cmocka_unit_test(test_ask_huge_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
