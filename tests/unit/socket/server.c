/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server of the control socket: requests and answers, of many clients, in order, whatever they do. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/socket-rig.h"

/* A message without data, which is of this kind. */
static void send_kind(struct server_rig *f, int fd, int32_t len, enum msg_request_kind kind)
{
	send_message(fd, len, NULL);
	srv_turn(f);
	srv_serve(f, kind);
	assert_answer(fd, 0, NULL);
}

static bool is_ours(int32_t len)
{
	return len == MSG_STATUS || len == MSG_HANDOVER || len == MSG_WRITING;
}

static void test_request_kinds(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);

	srv_turn(f);
	send_kind(f, fd, MSG_PING_MONITOR, MSG_REQ_PING_MONITOR);
	send_kind(f, fd, MSG_PING_MANAGER, MSG_REQ_PING_MANAGER);
	send_kind(f, fd, -2, MSG_REQ_FLUSH);
	send_kind(f, fd, INT32_MIN, MSG_REQ_FLUSH);
	send_kind(f, fd, MSG_STATUS, MSG_REQ_STATUS);
	send_kind(f, fd, MSG_HANDOVER, MSG_REQ_HANDOVER);
	send_kind(f, fd, MSG_WRITING, MSG_REQ_WRITING);
	/* their neighbours mean nothing more than the others */
	for (int32_t len = -110; len < -90; len++)
		if (!is_ours(len))
			send_kind(f, fd, len, MSG_REQ_FLUSH);
	close(fd);
}

/* Nothing comes before it, and what comes is what was given. */
static void test_answers(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, MSG_PING_MONITOR, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	assert_silent(fd);
	msg_server_reply(f->server, req.client, msg_version_string, (int32_t)msg_version_length(), f->now);
	assert_answer(fd, (int32_t)msg_version_length(), msg_version_string);
	send_message(fd, MSG_STATUS, NULL);
	srv_turn(f);
	req = srv_take(f);
	assert_null(req.data);
	msg_server_reply(f->server, req.client, "{}\n", 3, f->now);
	assert_answer(fd, 3, "{}\n");
	close(fd);
}

static void test_an_update(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 6, "update");
	srv_turns(f, 2);
	req = srv_take(f);
	assert_int_equal(req.kind, MSG_REQ_UPDATE);
	assert_int_equal(req.len, 6);
	assert_memory_equal(req.data, "update", 6);
	free(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	assert_no_request(f);
	assert_silent(fd);
	close(fd);
}

static void test_without_poll(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);

	send_message(fd, 0, NULL);
	msg_server_run(f->server, NULL, 0, f->now);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	send_message(fd, 0, NULL);
	msg_server_run(f->server, NULL, 0, f->now);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	close(fd);
	msg_server_run(f->server, NULL, 0, f->now);
	assert_int_equal(srv_poll_count(f), 1);
}

static void test_largest_update(void **state)
{
	struct server_rig *f = *state;
	size_t size = MSG_LEN_MAX + 12, sent = 0;
	unsigned char *frame = malloc(size), *data = malloc(MSG_LEN_MAX);
	struct msg_request req;
	int fd = srv_client(f);

	fill_pattern(data, MSG_LEN_MAX, 3);
	msg_encode(frame, MSG_LEN_MAX, data);
	while (sent < size) {
		ssize_t n = send(fd, frame + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
		srv_turn(f);
	}
	srv_turn(f);
	req = srv_take(f);
	assert_int_equal(req.len, MSG_LEN_MAX);
	assert_memory_equal(req.data, data, MSG_LEN_MAX);
	free(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	close(fd);
	free(frame);
	free(data);
}

static void test_half_close(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	send_message(fd, -1, NULL);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	srv_turns(f, 3);
	req = srv_take(f);
	srv_turns(f, 3);
	msg_server_reply(f->server, req.client, "one", 3, f->now);
	assert_answer(fd, 3, "one");
	srv_turns(f, 3);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	srv_turn(f);
	assert_closed(fd);
	assert_int_equal(srv_poll_count(f), 1);
}

static void test_half_close_big_answer(void **state)
{
	struct server_rig *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER), buf[65536];
	int fd = begin_big_answer(f, data);
	size_t got = 0;
	ssize_t n;

	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		got += (size_t)n;
		srv_turn(f);
	}
	assert_int_equal(n, 0);
	assert_int_equal(got, BIG_ANSWER + 12);
	close(fd);
	free(data);
}

static void test_end_of_file(void **state)
{
	struct server_rig *f = *state;

	for (size_t part = 0; part < 15; part++) {
		unsigned char frame[16];
		int fd = srv_client(f);

		msg_encode(frame, 3, "abc");
		send_bytes(fd, frame, part);
		shutdown(fd, SHUT_WR);
		srv_turns(f, 2);
		assert_closed(fd);
		assert_no_request(f);
		assert_int_equal(srv_poll_count(f), 1);
	}
}

static void test_malformed(void **state)
{
	struct server_rig *f = *state;
	unsigned char frame[64];
	int fd;

	fd = srv_client(f);
	send_bytes(fd, "GET / HTTP/1.0\r\n\r\n", 18);
	srv_turns(f, 2);
	assert_closed(fd);

	fd = srv_client(f);
	msg_encode(frame, 3, "abc");
	frame[14] ^= 1;
	send_bytes(fd, frame, 15);
	srv_turns(f, 2);
	assert_closed(fd);

	fd = srv_client(f);
	put_u32(frame, MSG_START);
	put_u32(frame + 4, MSG_LEN_MAX + 1);
	send_bytes(fd, frame, 8);
	srv_turns(f, 2);
	assert_closed(fd);

	/* after a good one: that one is answered first */
	fd = srv_client(f);
	send_message(fd, 0, NULL);
	send_bytes(fd, "rubbish", 7);
	srv_turns(f, 2);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	srv_turn(f);
	assert_closed(fd);
	assert_no_request(f);
	assert_int_equal(srv_poll_count(f), 1);
}

/* One connection's messages, however they arrive, are handled in order and one at a time. */
static void test_pipelined(void **state)
{
	struct server_rig *f = *state;
	unsigned char stream[8192], data[64];
	int fd = srv_client(f);
	size_t n = 0;

	for (unsigned char i = 0; i < 50; i++) {
		memset(data, i, sizeof(data));
		n += msg_encode(stream + n, sizeof(data), data);
	}
	send_bytes(fd, stream, n);
	srv_turns(f, 2);
	for (unsigned char i = 0; i < 50; i++) {
		struct msg_request req = srv_take(f);

		assert_no_request(f);
		assert_int_equal(req.len, sizeof(data));
		memset(data, i, sizeof(data));
		assert_memory_equal(req.data, data, sizeof(data));
		free(req.data);
		assert_silent(fd);
		msg_server_reply(f->server, req.client, &i, 1, f->now);
		assert_answer(fd, 1, &i);
	}
	assert_no_request(f);
	close(fd);
}

/* Between clients: first come, first served. */
static void test_order_of_clients(void **state)
{
	struct server_rig *f = *state;
	int fd[5];

	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = srv_client(f);
	srv_turn(f);
	for (size_t i = 0; i < COUNT(fd); i++) {
		unsigned char who = (unsigned char)((i * 3) % 5);

		send_message(fd[who], 1, &who);
		srv_turn(f);
	}
	for (size_t i = 0; i < COUNT(fd); i++) {
		struct msg_request req = srv_take(f);

		assert_int_equal(req.data[0], (i * 3) % 5);
		free(req.data);
		/* answered in another order, see below */
		if (i == 2)
			msg_server_reply(f->server, req.client, NULL, 0, f->now);
	}
	assert_answer(fd[1], 0, NULL);
	for (size_t i = 0; i < COUNT(fd); i++) {
		assert_silent(fd[i]);
		close(fd[i]);
	}
}

/* What it asked for completely is done; the answers go nowhere. */
static void test_vanished_client(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	send_message(fd, -1, NULL);
	send_message(fd, -2, NULL);
	srv_turns(f, 2);
	close(fd);
	req = srv_take(f);
	assert_int_equal(req.kind, MSG_REQ_PING_MONITOR);
	srv_turns(f, 3);
	assert_int_equal(srv_poll_count(f), 1);
	msg_server_reply(f->server, req.client, "text", 4, f->now);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	srv_serve(f, MSG_REQ_FLUSH);
	assert_no_request(f);
	srv_turn(f);
	assert_int_equal(srv_poll_count(f), 1);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	/* long gone */
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	msg_server_drop(f->server, req.client);
}

/* An answer nobody waits for is not sent. */
static void test_stray_replies(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	msg_server_reply(f->server, req.client + 1, NULL, 0, f->now);
	msg_server_reply(f->server, 0, NULL, 0, f->now);
	assert_silent(fd);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	assert_silent(fd);
	close(fd);
}

static void test_drop(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f), other = srv_client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	msg_server_drop(f->server, req.client);
	assert_closed(fd);
	assert_silent(other);
	msg_server_drop(f->server, req.client);
	assert_silent(other);
	close(other);
}

/* Everyone is served in the end, even with more clients than we take at once. */
static void test_more_clients_than_fit(void **state)
{
	struct server_rig *f = *state;
	int fd[MSG_SERVER_MAX_CLIENTS], extra[2];

	for (size_t i = 0; i < COUNT(fd); i++) {
		fd[i] = srv_client(f);
		srv_turn(f);
	}
	assert_int_equal(srv_poll_count(f), MSG_SERVER_MAX_CLIENTS); /* without the listener */
	extra[0] = srv_client(f);
	extra[1] = srv_client(f);
	send_message(extra[0], -1, NULL);
	srv_turns(f, 2);
	assert_no_request(f);
	assert_silent(extra[0]);
	close(fd[17]);
	srv_turns(f, 3);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(extra[0], 0, NULL);
	assert_silent(extra[1]);
	close(extra[0]);
	srv_turns(f, 3);
	send_message(extra[1], 0, NULL);
	srv_turn(f);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(extra[1], 0, NULL);
	close(extra[1]);
	for (size_t i = 0; i < COUNT(fd); i++)
		if (i != 17)
			close(fd[i]);
	srv_turns(f, 2);
	assert_int_equal(srv_poll_count(f), 1);
}

/* Without descriptors we wait for better times, and do not spin. */
static void test_no_descriptors(void **state)
{
	struct server_rig *f = *state;
	struct rlimit limit, none;
	const char *preload = getenv("LD_PRELOAD");
	int fd;

	if (preload && strstr(preload, "vgpreload")) {
		print_message("SKIPPED: valgrind does not enforce RLIMIT_NOFILE as the kernel does\n");
		skip();
	}
	fd = srv_client(f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	send_message(fd, 0, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* poll() itself would not take more descriptors than the limit */
	msg_server_run(f->server, NULL, 0, f->now);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(srv_poll_count(f), 0);
	assert_true(msg_server_deadline(f->server) == f->now + SEC);
	srv_turns(f, 3);
	assert_no_request(f);
	f->now += SEC;
	srv_turn(f);
	assert_true(msg_server_deadline(f->server) == 0);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	assert_int_equal(srv_poll_count(f), 2);
	close(fd);
}

/* The whole stream at once, cut anywhere: the requests are the same. */
static void test_random_chunks(void **state)
{
	struct server_rig *f = *state;
	unsigned char *stream = malloc(200 * 300), data[256];
	size_t size = 0, pos = 0;
	unsigned got = 0;
	int fd = srv_client(f);

	random_state = 99;
	for (unsigned i = 0; i < 200; i++) {
		fill_pattern(data, sizeof(data), i);
		size += msg_encode(stream + size, (int32_t)(1 + i), data);
	}
	srv_turn(f);
	while (got < 200) {
		size_t n = random_u32() % 2000;
		struct msg_request req;

		if (n > size - pos)
			n = size - pos;
		if (n > 0)
			send_bytes(fd, stream + pos, n);
		pos += n;
		srv_turn(f);
		while (msg_server_next(f->server, &req)) {
			assert_int_equal(req.len, got + 1);
			fill_pattern(data, sizeof(data), got++);
			assert_memory_equal(req.data, data, req.len);
			free(req.data);
			msg_server_reply(f->server, req.client, NULL, 0, f->now);
			assert_answer(fd, 0, NULL);
		}
	}
	close(fd);
	free(stream);
}

static void test_close_with_clients(void **state)
{
	struct server_rig *f = *state;
	int fd[3] = { srv_client(f), srv_client(f), srv_client(f) };
	static const unsigned char zeros[100];
	struct msg_request req;

	send_bytes(fd[0], "\xa5\xa5", 2);
	send_message(fd[1], 100, zeros);
	send_message(fd[2], 0, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	free(req.data);
	msg_server_close(f->server); /* with one reading, one ready, one working */
	for (size_t i = 0; i < 3; i++)
		assert_closed(fd[i]);
	assert_int_equal(msg_connect(f->path), -ECONNREFUSED);
	f->server = msg_server_open(f->path);
	assert_non_null(f->server);
	msg_server_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		srv_test(test_request_kinds),
		srv_test(test_answers),
		srv_test(test_an_update),
		srv_test(test_without_poll),
		srv_test(test_largest_update),
		srv_test(test_half_close),
		srv_test(test_half_close_big_answer),
		srv_test(test_end_of_file),
		srv_test(test_malformed),
		srv_test(test_pipelined),
		srv_test(test_order_of_clients),
		srv_test(test_vanished_client),
		srv_test(test_stray_replies),
		srv_test(test_drop),
		srv_test(test_more_clients_than_fit),
		srv_test(test_no_descriptors),
		srv_test(test_random_chunks),
		srv_test(test_close_with_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
