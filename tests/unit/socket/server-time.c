/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server of the control socket: deadlines. Nobody who is silent or slow keeps others from being served. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/socket-rig.h"

/* Nobody who is silent, idle or slow is in anybody's way. */
static void test_silent_clients(void **state)
{
	struct server_rig *f = *state;
	int silent[100], fd;

	for (size_t i = 0; i < COUNT(silent); i++) {
		silent[i] = srv_client(f);
		if (i % 2)
			send_bytes(silent[i], "\xa5", 1); /* perhaps the start of a message */
	}
	fd = srv_client(f);
	srv_turns(f, 3);
	assert_int_equal(srv_poll_count(f), 1 + 100 + 1);
	for (unsigned i = 0; i < 10; i++) {
		f->now += SEC;
		send_message(fd, 0, NULL);
		srv_turn(f);
		srv_serve(f, MSG_REQ_PING_MONITOR);
		assert_answer(fd, 0, NULL);
	}
	for (size_t i = 0; i < COUNT(silent); i++)
		assert_closed(silent[i]);
	assert_int_equal(srv_poll_count(f), 2);
	close(fd);
}

static void test_idle_deadline(void **state)
{
	struct server_rig *f = *state;
	int fd;

	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	fd = srv_client(f);
	srv_turns(f, 2);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	f->now += 3 * SEC - 1;
	srv_turn(f);
	assert_silent(fd);
	f->now += 1;
	srv_turn(f);
	assert_closed(fd);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
}

static void test_slow_sender(void **state)
{
	struct server_rig *f = *state;
	unsigned char frame[16];
	size_t n = msg_encode(frame, 4, "slow");
	struct msg_request req;
	int fd = srv_client(f);

	srv_turn(f);
	for (size_t i = 0; i < n; i++) {
		assert_no_request(f);
		f->now += 2900 * MSEC;
		send_bytes(fd, frame + i, 1);
		srv_turn(f);
	}
	req = srv_take(f);
	assert_memory_equal(req.data, "slow", 4);
	free(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	close(fd);
}

static void test_partial_message_deadline(void **state)
{
	struct server_rig *f = *state;

	for (size_t part = 1; part < 15; part++) {
		unsigned char frame[16];
		int fd = srv_client(f);

		msg_encode(frame, 3, "abc");
		srv_turn(f);
		f->now += 2 * SEC;
		send_bytes(fd, frame, part);
		srv_turn(f);
		assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
		f->now += 3 * SEC - 1;
		srv_turn(f);
		assert_silent(fd);
		f->now++;
		srv_turn(f);
		assert_closed(fd);
		assert_no_request(f);
	}
}

/* We were held up: what came in time must not be thrown away. */
static void test_late_ourselves(void **state)
{
	struct server_rig *f = *state;
	struct pollfd none = { .fd = -1 };
	int fd = srv_client(f);

	srv_turn(f);
	send_message(fd, 0, NULL);
	f->now += 60 * SEC;
	/* as if it had come after poll() */
	msg_server_run(f->server, &none, 1, f->now);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	close(fd);
}

/* While the work is ours the client's time stands still, and poll() does not see it. */
static void test_no_deadline_while_working(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	srv_turns(f, 2);
	assert_true(msg_server_deadline(f->server) == 0); /* a request is waiting to be taken */
	req = srv_take(f);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	assert_int_equal(srv_poll_count(f), 1);
	send_message(fd, -1, NULL);
	f->now += 1000 * SEC;
	srv_turns(f, 2);
	assert_silent(fd);
	assert_no_request(f);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	/* reply has read what came meanwhile */
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	close(fd);
}

static void test_client_that_never_reads(void **state)
{
	struct server_rig *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER);
	int fd = begin_big_answer(f, data), other = srv_client(f);

	srv_turns(f, 3);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	send_message(other, -1, NULL);
	srv_turn(f);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(other, 0, NULL);
	close(other);
	srv_turn(f);
	assert_int_equal(srv_poll_count(f), 2);
	f->now += 3 * SEC;
	srv_turn(f);
	assert_int_equal(srv_poll_count(f), 1);
	close(fd);
	free(data);
}

static void test_slow_reader(void **state)
{
	struct server_rig *f = *state;
	unsigned char *data = malloc(BIG_ANSWER), buf[100000];
	size_t got = 0, used;
	struct msg_parser p;
	enum msg_parse_status status = MSG_INCOMPLETE;
	int fd;

	fill_pattern(data, BIG_ANSWER, 9);
	fd = begin_big_answer(f, data);
	send_message(fd, -1, NULL); /* must wait for the answer to go */
	msg_parser_init(&p);
	while (status == MSG_INCOMPLETE) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

		assert_true(n > 0);
		got += (size_t)n;
		status = msg_parser_feed(&p, buf, (size_t)n, &used);
		f->now += 2 * SEC;
		if (got < BIG_ANSWER / 2)
			assert_no_request(f);
		srv_turn(f);
	}
	assert_int_equal(status, MSG_COMPLETE);
	assert_int_equal(p.len, BIG_ANSWER);
	assert_memory_equal(p.data, data, BIG_ANSWER);
	msg_parser_reset(&p);
	srv_turn(f);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	close(fd);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		srv_test(test_silent_clients),
		srv_test(test_idle_deadline),
		srv_test(test_slow_sender),
		srv_test(test_partial_message_deadline),
		srv_test(test_late_ourselves),
		srv_test(test_no_deadline_while_working),
		srv_test(test_client_that_never_reads),
		srv_test(test_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
