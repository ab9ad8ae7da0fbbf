/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEC UINT64_C(1000000000)
#define MSEC UINT64_C(1000000)

/* ---- framing ---- */

static void put_u32(unsigned char *to, uint32_t v)
{
	memcpy(to, &v, 4);
}

static void test_wire_format(void **state)
{
	unsigned char buf[32];
	uint32_t word;

	(void)state;
	assert_int_equal(msg_encode(buf, 3, "abc"), 15);
	memcpy(&word, buf, 4);
	assert_int_equal(word, 0x5a5aa5a5u);
	memcpy(&word, buf + 4, 4);
	assert_int_equal(word, 3);
	assert_memory_equal(buf + 8, "abc", 3);
	memcpy(&word, buf + 11, 4);
	assert_int_equal(word, 0xa5a55a5au);
	assert_int_equal(msg_encode(buf, 0, NULL), 12);
	assert_int_equal(msg_encode(buf, -1, NULL), 12);
	memcpy(&word, buf + 4, 4);
	assert_int_equal(word, 0xffffffffu);
}

/* Nothing that repeats where buffers do. */
static void fill_pattern(unsigned char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)((i * 2654435761u + seed * 40503u) >> 16 & 0xff);
}

/* Feeds in steps of `step` bytes. */
static void feed_in_steps(int32_t len, size_t step)
{
	size_t data_len = len > 0 ? (size_t)len : 0, size = data_len + 12, pos = 0, used;
	unsigned char *data = malloc(data_len + 1), *frame = malloc(size);
	enum msg_parse_status status = MSG_INCOMPLETE;
	struct msg_parser p;

	fill_pattern(data, data_len, 5);
	assert_int_equal(msg_encode(frame, len, data), size);
	msg_parser_init(&p);
	while (pos < size) {
		size_t n = size - pos < step ? size - pos : step;

		assert_int_equal(status, MSG_INCOMPLETE);
		status = msg_parser_feed(&p, frame + pos, n, &used);
		assert_int_equal(used, n);
		pos += n;
	}
	assert_int_equal(status, MSG_COMPLETE);
	assert_int_equal(p.len, len);
	if (data_len)
		assert_memory_equal(p.data, data, data_len);
	else
		assert_null(p.data);
	/* it takes no more until it is reset */
	assert_int_equal(msg_parser_feed(&p, "x", 1, &used), MSG_COMPLETE);
	assert_int_equal(used, 0);
	msg_parser_reset(&p);
	assert_null(p.data);
	assert_int_equal(msg_parser_feed(&p, NULL, 0, &used), MSG_INCOMPLETE);
	free(data);
	free(frame);
}

static void test_parser_steps(void **state)
{
	static const int32_t lens[] = { 0, -1, -2, INT32_MIN, 1, 3, 4, 5, 100, 5000 };

	(void)state;
	for (size_t i = 0; i < COUNT(lens); i++)
		for (size_t step = 1; step < 20; step++)
			feed_in_steps(lens[i], step);
	feed_in_steps(MSG_LEN_MAX, 4096);
	feed_in_steps(MSG_LEN_MAX, MSG_LEN_MAX + 12);
}

static void test_parser_several_at_once(void **state)
{
	unsigned char stream[200];
	struct msg_parser p;
	size_t n = 0, used;

	(void)state;
	n += msg_encode(stream, 2, "ab");
	n += msg_encode(stream + n, -1, NULL);
	n += msg_encode(stream + n, 0, NULL);
	stream[n++] = 0xa5;
	msg_parser_init(&p);
	assert_int_equal(msg_parser_feed(&p, stream, n, &used), MSG_COMPLETE);
	assert_int_equal(used, 14);
	assert_int_equal(p.len, 2);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 14, n - 14, &used), MSG_COMPLETE);
	assert_int_equal(used, 12);
	assert_int_equal(p.len, -1);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 26, n - 26, &used), MSG_COMPLETE);
	assert_int_equal(used, 12);
	assert_int_equal(p.len, 0);
	msg_parser_reset(&p);
	assert_int_equal(msg_parser_feed(&p, stream + 38, n - 38, &used), MSG_INCOMPLETE);
	assert_int_equal(used, 1);
	msg_parser_reset(&p);
}

static void test_parser_malformed(void **state)
{
	unsigned char good[15], bad[15];
	size_t used;

	(void)state;
	msg_encode(good, 3, "abc");
	/* Each bit of both magic numbers counts; data may be anything. */
	for (size_t bit = 0; bit < sizeof(good) * 8; bit++) {
		size_t byte = bit / 8;
		struct msg_parser p;

		if (byte >= 4 && byte < 8)
			continue;
		memcpy(bad, good, sizeof(bad));
		bad[byte] ^= (unsigned char)(1u << bit % 8);
		msg_parser_init(&p);
		assert_int_equal(msg_parser_feed(&p, bad, sizeof(bad), &used),
				 byte < 4 || byte >= 11 ? MSG_MALFORMED : MSG_COMPLETE);
		if (byte < 4)
			assert_int_equal(used, 4); /* as early as can be */
		if (byte < 4 || byte >= 11) /* and for ever */
			assert_int_equal(msg_parser_feed(&p, good, sizeof(good), &used), MSG_MALFORMED);
		msg_parser_reset(&p);
	}
}

static void test_parser_lengths(void **state)
{
	static const struct {
		uint32_t len;
		enum msg_parse_status status;
	} t[] = {
		{ MSG_LEN_MAX, MSG_INCOMPLETE }, { MSG_LEN_MAX + 1, MSG_MALFORMED }, { INT32_MAX, MSG_MALFORMED },
		{ 1, MSG_INCOMPLETE }, { 0, MSG_INCOMPLETE }, { 0x80000000u, MSG_INCOMPLETE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		unsigned char head[8];
		struct msg_parser p;
		size_t used;

		put_u32(head, MSG_START);
		put_u32(head + 4, t[i].len);
		msg_parser_init(&p);
		assert_int_equal(msg_parser_feed(&p, head, 8, &used), t[i].status);
		assert_int_equal(p.data_size, 0); /* announced is not arrived */
		msg_parser_reset(&p);
	}
}

/* Memory follows what arrives. */
static void test_parser_memory(void **state)
{
	unsigned char head[8], bytes[1000] = { 0 };
	struct msg_parser p;
	size_t used;

	(void)state;
	put_u32(head, MSG_START);
	put_u32(head + 4, MSG_LEN_MAX);
	msg_parser_init(&p);
	assert_int_equal(msg_parser_feed(&p, head, 8, &used), MSG_INCOMPLETE);
	for (size_t sent = 0; sent < 100000; sent += sizeof(bytes)) {
		assert_int_equal(msg_parser_feed(&p, bytes, sizeof(bytes), &used), MSG_INCOMPLETE);
		assert_true(p.data_size <= 2 * (sent + sizeof(bytes)));
	}
	msg_parser_reset(&p);
}

static uint32_t random_state;

static uint32_t random_u32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

#define STREAM_MESSAGES 200

/* Messages of random length in chunks of random length come out as they went in. */
static void test_parser_random_streams(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 20; seed++) {
		int32_t lens[STREAM_MESSAGES];
		unsigned char *stream = malloc(STREAM_MESSAGES * 1100), data[1024];
		size_t size = 0, pos = 0, used;
		unsigned got = 0;
		struct msg_parser p;

		random_state = seed;
		for (unsigned i = 0; i < STREAM_MESSAGES; i++) {
			lens[i] = (int32_t)(random_u32() % 1030) - 6;
			fill_pattern(data, sizeof(data), i);
			size += msg_encode(stream + size, lens[i], data);
		}
		msg_parser_init(&p);
		while (pos < size) {
			size_t n = random_u32() % 700;

			if (n > size - pos)
				n = size - pos;
			if (msg_parser_feed(&p, stream + pos, n, &used) == MSG_COMPLETE) {
				assert_int_equal(p.len, lens[got]);
				fill_pattern(data, sizeof(data), got++);
				if (p.len > 0)
					assert_memory_equal(p.data, data, (size_t)p.len);
				msg_parser_reset(&p);
			}
			pos += used;
		}
		assert_int_equal(got, STREAM_MESSAGES);
		msg_parser_reset(&p);
		free(stream);
	}
}

/* Noise, half of it behind a good head. It must not crash, and must not take what it was not given. */
static void test_parser_noise(void **state)
{
	(void)state;
	random_state = 4711;
	for (unsigned round = 0; round < 5000; round++) {
		unsigned char noise[64];
		struct msg_parser p;
		size_t used, n = random_u32() % sizeof(noise);
		enum msg_parse_status status;

		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (unsigned char)random_u32();
		if (round % 2) {
			put_u32(noise, MSG_START);
			put_u32(noise + 4, random_u32() % 40);
		}
		msg_parser_init(&p);
		status = msg_parser_feed(&p, noise, n, &used);
		assert_true(used <= n);
		assert_int_not_equal(status, MSG_COMPLETE); /* the end would have to be right by chance */
		if (status == MSG_INCOMPLETE)
			assert_int_equal(used, n);
		msg_parser_reset(&p);
	}
}

/* What clients do with it: the text after the first '-' is " vMAJOR.MINOR", then a blank or '-'. */
static void test_version_string(void **state)
{
	const char *dash = strchr(msg_version_string, '-');
	unsigned major_nr, minor_nr;
	int end = 0;

	(void)state;
	assert_non_null(dash);
	assert_int_equal(sscanf(dash + 1, " v%u.%u%n", &major_nr, &minor_nr, &end), 2);
	assert_int_equal(dash[1], ' ');
	assert_int_equal(dash[2], 'v');
	assert_true(dash[1 + end] == ' ' || dash[1 + end] == '-');
	assert_true(major_nr * 1000000 + minor_nr * 1000 >= 3002000);
	assert_int_equal(msg_version_length(), strlen(msg_version_string) + 1);
	assert_int_equal(msg_version_string[msg_version_length() - 2], '\n');
}

/* ---- server, driven by a clock of ours ---- */

struct fixture {
	char dir[64];
	char path[96];
	struct msg_server *server;
	uint64_t now;
};

static int server_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mdmon-msg.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/md127.sock", f->dir);
	f->now = 1000 * SEC;
	f->server = msg_server_open(f->path);
	*state = f;
	return f->server ? 0 : -1;
}

static int server_teardown(void **state)
{
	struct fixture *f = *state;

	msg_server_close(f->server);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* One turn of the manager's loop that finds out what is ready and does it. */
static void turn(struct fixture *f)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	size_t n = msg_server_pollfds(f->server, pfds, COUNT(pfds));

	assert_true(poll(pfds, n, 0) >= 0);
	msg_server_run(f->server, pfds, n, f->now);
}

static void turns(struct fixture *f, unsigned n)
{
	while (n--)
		turn(f);
}

static size_t poll_count(struct fixture *f)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];

	return msg_server_pollfds(f->server, pfds, COUNT(pfds));
}

static int client(const struct fixture *f)
{
	int fd = msg_connect(f->path);

	assert_true(fd >= 0);
	return fd;
}

static void send_bytes(int fd, const void *bytes, size_t n)
{
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void send_message(int fd, int32_t len, const void *data)
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

static void assert_closed(int fd)
{
	ssize_t n = peek(fd);

	assert_true(n == 0 || n == -ECONNRESET);
	close(fd);
}

static void assert_silent(int fd)
{
	assert_int_equal(peek(fd), -EAGAIN);
}

/* Exactly one answer of that length lies there. */
static void assert_answer(int fd, int32_t len, const void *data)
{
	unsigned char want[512], got[512];
	size_t n = msg_encode(want, len, data);

	assert_int_equal(recv(fd, got, n, MSG_DONTWAIT), (ssize_t)n);
	assert_memory_equal(got, want, n);
}

static struct msg_request take(struct fixture *f)
{
	struct msg_request req;

	assert_true(msg_server_next(f->server, &req));
	return req;
}

static void assert_no_request(struct fixture *f)
{
	struct msg_request req;

	assert_false(msg_server_next(f->server, &req));
}

/* Takes one request of that kind without data and answers it. */
static void serve(struct fixture *f, enum msg_request_kind kind)
{
	struct msg_request req = take(f);

	assert_int_equal(req.kind, kind);
	assert_null(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
}

static void test_request_kinds(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req;

	send_message(fd, MSG_PING_MONITOR, NULL);
	turns(f, 2);
	req = take(f);
	assert_int_equal(req.kind, MSG_REQ_PING_MONITOR);
	assert_silent(fd);
	msg_server_reply(f->server, req.client, msg_version_string, (int32_t)msg_version_length(), f->now);
	assert_answer(fd, (int32_t)msg_version_length(), msg_version_string);

	send_message(fd, MSG_PING_MANAGER, NULL);
	turn(f);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);

	send_message(fd, -2, NULL);
	turn(f);
	serve(f, MSG_REQ_FLUSH);
	assert_answer(fd, 0, NULL);

	send_message(fd, INT32_MIN, NULL);
	turn(f);
	serve(f, MSG_REQ_FLUSH);
	assert_answer(fd, 0, NULL);

	send_message(fd, MSG_STATUS, NULL);
	turn(f);
	req = take(f);
	assert_int_equal(req.kind, MSG_REQ_STATUS);
	assert_null(req.data);
	msg_server_reply(f->server, req.client, "{}\n", 3, f->now);
	assert_answer(fd, 3, "{}\n");

	send_message(fd, MSG_HANDOVER, NULL);
	turn(f);
	serve(f, MSG_REQ_HANDOVER); /* refused */
	assert_answer(fd, 0, NULL);

	/* their neighbours mean nothing more than the others */
	for (int32_t len = -110; len < -90; len++) {
		if (len == MSG_STATUS || len == MSG_HANDOVER)
			continue;
		send_message(fd, len, NULL);
		turn(f);
		serve(f, MSG_REQ_FLUSH);
		assert_answer(fd, 0, NULL);
	}

	send_message(fd, 6, "update");
	turn(f);
	req = take(f);
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
	struct fixture *f = *state;
	int fd = client(f);

	send_message(fd, 0, NULL);
	msg_server_run(f->server, NULL, 0, f->now);
	serve(f, MSG_REQ_PING_MONITOR);
	send_message(fd, 0, NULL);
	msg_server_run(f->server, NULL, 0, f->now);
	serve(f, MSG_REQ_PING_MONITOR);
	close(fd);
	msg_server_run(f->server, NULL, 0, f->now);
	assert_int_equal(poll_count(f), 1);
}

static void test_largest_update(void **state)
{
	struct fixture *f = *state;
	size_t size = MSG_LEN_MAX + 12, sent = 0;
	unsigned char *frame = malloc(size), *data = malloc(MSG_LEN_MAX);
	struct msg_request req;
	int fd = client(f);

	fill_pattern(data, MSG_LEN_MAX, 3);
	msg_encode(frame, MSG_LEN_MAX, data);
	while (sent < size) {
		ssize_t n = send(fd, frame + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		else
			assert_int_equal(errno, EAGAIN);
		turn(f);
	}
	turn(f);
	req = take(f);
	assert_int_equal(req.len, MSG_LEN_MAX);
	assert_memory_equal(req.data, data, MSG_LEN_MAX);
	free(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	close(fd);
	free(frame);
	free(data);
}

/* Nobody who is silent, idle or slow is in anybody's way. */
static void test_silent_clients(void **state)
{
	struct fixture *f = *state;
	int silent[100], fd;

	for (size_t i = 0; i < COUNT(silent); i++) {
		silent[i] = client(f);
		if (i % 2)
			send_bytes(silent[i], "\xa5", 1); /* perhaps the start of a message */
	}
	fd = client(f);
	turns(f, 3);
	assert_int_equal(poll_count(f), 1 + 100 + 1);
	for (unsigned i = 0; i < 10; i++) {
		f->now += SEC;
		send_message(fd, 0, NULL);
		turn(f);
		serve(f, MSG_REQ_PING_MONITOR);
		assert_answer(fd, 0, NULL);
	}
	for (size_t i = 0; i < COUNT(silent); i++)
		assert_closed(silent[i]);
	assert_int_equal(poll_count(f), 2);
	close(fd);
}

static void test_idle_deadline(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	fd = client(f);
	turns(f, 2);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	f->now += 3 * SEC - 1;
	turn(f);
	assert_silent(fd);
	f->now += 1;
	turn(f);
	assert_closed(fd);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
}

static void test_slow_sender(void **state)
{
	struct fixture *f = *state;
	unsigned char frame[16];
	size_t n = msg_encode(frame, 4, "slow");
	struct msg_request req;
	int fd = client(f);

	turn(f);
	for (size_t i = 0; i < n; i++) {
		assert_no_request(f);
		f->now += 2900 * MSEC;
		send_bytes(fd, frame + i, 1);
		turn(f);
	}
	req = take(f);
	assert_memory_equal(req.data, "slow", 4);
	free(req.data);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	close(fd);
}

static void test_partial_message_deadline(void **state)
{
	struct fixture *f = *state;

	for (size_t part = 1; part < 15; part++) {
		unsigned char frame[16];
		int fd = client(f);

		msg_encode(frame, 3, "abc");
		turn(f);
		f->now += 2 * SEC;
		send_bytes(fd, frame, part);
		turn(f);
		assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
		f->now += 3 * SEC - 1;
		turn(f);
		assert_silent(fd);
		f->now++;
		turn(f);
		assert_closed(fd);
		assert_no_request(f);
	}
}

/* We were held up: what came in time must not be thrown away. */
static void test_late_ourselves(void **state)
{
	struct fixture *f = *state;
	struct pollfd none = { .fd = -1 };
	int fd = client(f);

	turn(f);
	send_message(fd, 0, NULL);
	f->now += 60 * SEC;
	/* as if it had come after poll() */
	msg_server_run(f->server, &none, 1, f->now);
	serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	close(fd);
}

/* While the work is ours the client's time stands still, and poll() does not see it. */
static void test_no_deadline_while_working(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	turns(f, 2);
	assert_true(msg_server_deadline(f->server) == 0); /* a request is waiting to be taken */
	req = take(f);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	assert_int_equal(poll_count(f), 1);
	send_message(fd, -1, NULL);
	f->now += 1000 * SEC;
	turns(f, 2);
	assert_silent(fd);
	assert_no_request(f);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	assert_answer(fd, 0, NULL);
	/* reply has read what came meanwhile */
	serve(f, MSG_REQ_PING_MANAGER);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	close(fd);
}

#define BIG_ANSWER (2 * 1024 * 1024)

/* Starts an answer that does not fit the socket. */
static int begin_big_answer(struct fixture *f, const unsigned char *data)
{
	int fd = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	turns(f, 2);
	req = take(f);
	msg_server_reply(f->server, req.client, data, BIG_ANSWER, f->now);
	return fd;
}

static void test_client_that_never_reads(void **state)
{
	struct fixture *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER);
	int fd = begin_big_answer(f, data), other = client(f);

	turns(f, 3);
	assert_true(msg_server_deadline(f->server) == f->now + 3 * SEC);
	send_message(other, -1, NULL);
	turn(f);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(other, 0, NULL);
	close(other);
	turn(f);
	assert_int_equal(poll_count(f), 2);
	f->now += 3 * SEC;
	turn(f);
	assert_int_equal(poll_count(f), 1);
	close(fd);
	free(data);
}

static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
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
		turn(f);
	}
	assert_int_equal(status, MSG_COMPLETE);
	assert_int_equal(p.len, BIG_ANSWER);
	assert_memory_equal(p.data, data, BIG_ANSWER);
	msg_parser_reset(&p);
	turn(f);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	close(fd);
	free(data);
}

static void test_half_close(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	send_message(fd, -1, NULL);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	turns(f, 3);
	req = take(f);
	turns(f, 3);
	msg_server_reply(f->server, req.client, "one", 3, f->now);
	assert_answer(fd, 3, "one");
	turns(f, 3);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	turn(f);
	assert_closed(fd);
	assert_int_equal(poll_count(f), 1);
}

static void test_half_close_big_answer(void **state)
{
	struct fixture *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER), buf[65536];
	int fd = begin_big_answer(f, data);
	size_t got = 0;
	ssize_t n;

	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		got += (size_t)n;
		turn(f);
	}
	assert_int_equal(n, 0);
	assert_int_equal(got, BIG_ANSWER + 12);
	close(fd);
	free(data);
}

static void test_end_of_file(void **state)
{
	struct fixture *f = *state;

	for (size_t part = 0; part < 15; part++) {
		unsigned char frame[16];
		int fd = client(f);

		msg_encode(frame, 3, "abc");
		send_bytes(fd, frame, part);
		shutdown(fd, SHUT_WR);
		turns(f, 2);
		assert_closed(fd);
		assert_no_request(f);
		assert_int_equal(poll_count(f), 1);
	}
}

static void test_malformed(void **state)
{
	struct fixture *f = *state;
	unsigned char frame[64];
	int fd;

	fd = client(f);
	send_bytes(fd, "GET / HTTP/1.0\r\n\r\n", 18);
	turns(f, 2);
	assert_closed(fd);

	fd = client(f);
	msg_encode(frame, 3, "abc");
	frame[14] ^= 1;
	send_bytes(fd, frame, 15);
	turns(f, 2);
	assert_closed(fd);

	fd = client(f);
	put_u32(frame, MSG_START);
	put_u32(frame + 4, MSG_LEN_MAX + 1);
	send_bytes(fd, frame, 8);
	turns(f, 2);
	assert_closed(fd);

	/* after a good one: that one is answered first */
	fd = client(f);
	send_message(fd, 0, NULL);
	send_bytes(fd, "rubbish", 7);
	turns(f, 2);
	serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	turn(f);
	assert_closed(fd);
	assert_no_request(f);
	assert_int_equal(poll_count(f), 1);
}

/* One connection's messages, however they arrive, are handled in order and one at a time. */
static void test_pipelined(void **state)
{
	struct fixture *f = *state;
	unsigned char stream[8192], data[64];
	int fd = client(f);
	size_t n = 0;

	for (unsigned char i = 0; i < 50; i++) {
		memset(data, i, sizeof(data));
		n += msg_encode(stream + n, sizeof(data), data);
	}
	send_bytes(fd, stream, n);
	turns(f, 2);
	for (unsigned char i = 0; i < 50; i++) {
		struct msg_request req = take(f);

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
	struct fixture *f = *state;
	int fd[5];

	for (size_t i = 0; i < COUNT(fd); i++)
		fd[i] = client(f);
	turn(f);
	for (size_t i = 0; i < COUNT(fd); i++) {
		unsigned char who = (unsigned char)((i * 3) % 5);

		send_message(fd[who], 1, &who);
		turn(f);
	}
	for (size_t i = 0; i < COUNT(fd); i++) {
		struct msg_request req = take(f);

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
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	send_message(fd, -1, NULL);
	send_message(fd, -2, NULL);
	turns(f, 2);
	close(fd);
	req = take(f);
	assert_int_equal(req.kind, MSG_REQ_PING_MONITOR);
	turns(f, 3);
	assert_int_equal(poll_count(f), 1);
	msg_server_reply(f->server, req.client, "text", 4, f->now);
	serve(f, MSG_REQ_PING_MANAGER);
	serve(f, MSG_REQ_FLUSH);
	assert_no_request(f);
	turn(f);
	assert_int_equal(poll_count(f), 1);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	/* long gone */
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	msg_server_drop(f->server, req.client);
}

/* An answer nobody waits for is not sent. */
static void test_stray_replies(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	turns(f, 2);
	req = take(f);
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
	struct fixture *f = *state;
	int fd = client(f), other = client(f);
	struct msg_request req;

	send_message(fd, 0, NULL);
	turns(f, 2);
	req = take(f);
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
	struct fixture *f = *state;
	int fd[MSG_SERVER_MAX_CLIENTS], extra[2];

	for (size_t i = 0; i < COUNT(fd); i++) {
		fd[i] = client(f);
		turn(f);
	}
	assert_int_equal(poll_count(f), MSG_SERVER_MAX_CLIENTS); /* without the listener */
	extra[0] = client(f);
	extra[1] = client(f);
	send_message(extra[0], -1, NULL);
	turns(f, 2);
	assert_no_request(f);
	assert_silent(extra[0]);
	close(fd[17]);
	turns(f, 3);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(extra[0], 0, NULL);
	assert_silent(extra[1]);
	close(extra[0]);
	turns(f, 3);
	send_message(extra[1], 0, NULL);
	turn(f);
	serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(extra[1], 0, NULL);
	close(extra[1]);
	for (size_t i = 0; i < COUNT(fd); i++)
		if (i != 17)
			close(fd[i]);
	turns(f, 2);
	assert_int_equal(poll_count(f), 1);
}

/* Without descriptors we wait for better times, and do not spin. */
static void test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, none;
	const char *preload = getenv("LD_PRELOAD");
	int fd;

	if (preload && strstr(preload, "vgpreload")) {
		print_message("SKIPPED: valgrind does not enforce RLIMIT_NOFILE as the kernel does\n");
		skip();
	}
	fd = client(f);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	send_message(fd, 0, NULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	/* poll() itself would not take more descriptors than the limit */
	msg_server_run(f->server, NULL, 0, f->now);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(poll_count(f), 0);
	assert_true(msg_server_deadline(f->server) == f->now + SEC);
	turns(f, 3);
	assert_no_request(f);
	f->now += SEC;
	turn(f);
	assert_true(msg_server_deadline(f->server) == 0);
	serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(fd, 0, NULL);
	assert_int_equal(poll_count(f), 2);
	close(fd);
}

/* The whole stream at once, cut anywhere: the requests are the same. */
static void test_random_chunks(void **state)
{
	struct fixture *f = *state;
	unsigned char *stream = malloc(200 * 300), data[256];
	size_t size = 0, pos = 0;
	unsigned got = 0;
	int fd = client(f);

	random_state = 99;
	for (unsigned i = 0; i < 200; i++) {
		fill_pattern(data, sizeof(data), i);
		size += msg_encode(stream + size, (int32_t)(1 + i), data);
	}
	turn(f);
	while (got < 200) {
		size_t n = random_u32() % 2000;
		struct msg_request req;

		if (n > size - pos)
			n = size - pos;
		if (n > 0)
			send_bytes(fd, stream + pos, n);
		pos += n;
		turn(f);
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
	struct fixture *f = *state;
	int fd[3] = { client(f), client(f), client(f) };
	static const unsigned char zeros[100];
	struct msg_request req;

	send_bytes(fd[0], "\xa5\xa5", 2);
	send_message(fd[1], 100, zeros);
	send_message(fd[2], 0, NULL);
	turns(f, 2);
	req = take(f);
	free(req.data);
	msg_server_close(f->server); /* with one reading, one ready, one working */
	for (size_t i = 0; i < 3; i++)
		assert_closed(fd[i]);
	assert_int_equal(msg_connect(f->path), -ECONNREFUSED);
	f->server = msg_server_open(f->path);
	assert_non_null(f->server);
	msg_server_close(NULL);
}

/* ---- the socket's file ---- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return st.st_mode & 07777;
}

/*
 * Stands in for the libc's, to see the mode that the socket has between bind() and chmod(): not even for
 * that moment may others connect.
 */
static mode_t mode_before_chmod;

int chmod(const char *path, mode_t mode)
{
	mode_before_chmod = mode_of(path);
	return fchmodat(AT_FDCWD, path, mode, 0);
}

static void test_socket_mode(void **state)
{
	static const mode_t umasks[] = { 0, 022, 077, 0177, 0777 };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(umasks); i++) {
		mode_t old = umask(umasks[i]);
		struct msg_server *s = msg_server_open(f->path);

		umask(old);
		assert_non_null(s);
		assert_int_equal(mode_of(f->path), 0700);
		assert_int_equal(mode_before_chmod & ~(mode_t)0700, 0);
		msg_server_close(s);
	}
}

static void test_old_file_replaced(void **state)
{
	struct fixture *f = *state;
	struct msg_server *s;
	int fd;

	/* a socket that somebody still holds: f->server */
	s = msg_server_open(f->path);
	assert_non_null(s);
	msg_server_close(s);
	assert_int_equal(unlink(f->path), 0);
	/* any file */
	fd = open(f->path, O_CREAT | O_WRONLY, 0644);
	assert_true(fd >= 0);
	close(fd);
	s = msg_server_open(f->path);
	assert_non_null(s);
	fd = client(f);
	close(fd);
	msg_server_close(s);
	assert_int_equal(mode_of(f->path), 0700); /* closing leaves it */
}

static void test_open_errors(void **state)
{
	struct fixture *f = *state;
	char path[300];

	snprintf(path, sizeof(path), "%s/none/md127.sock", f->dir);
	assert_null(msg_server_open(path));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(msg_connect(path), -ENOENT);
	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = '\0';
	assert_null(msg_server_open(path));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(msg_connect(path), -ENAMETOOLONG);
	/* something that cannot be replaced */
	assert_null(msg_server_open(f->dir));
	assert_int_not_equal(errno, 0);
}

/* ---- client ---- */

static void test_connect(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

/* A server in a thread of its own that answers everything, in real time. */
struct live {
	struct fixture *f;
	atomic_bool stop;
	unsigned served;
};

static void *live_server(void *arg)
{
	struct live *l = arg;

	while (!atomic_load(&l->stop)) {
		struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
		size_t n = msg_server_pollfds(l->f->server, pfds, COUNT(pfds));
		struct msg_request req;

		poll(pfds, n, 1);
		msg_server_run(l->f->server, pfds, n, clock_ns());
		while (msg_server_next(l->f->server, &req)) {
			bool version = req.kind == MSG_REQ_PING_MONITOR;

			l->served++;
			msg_server_reply(l->f->server, req.client, version ? msg_version_string : NULL,
					 version ? (int32_t)msg_version_length() : 0, clock_ns());
		}
	}
	return NULL;
}

static void test_ping(void **state)
{
	struct live l = { .f = *state };
	pthread_t thread;
	int fd;

	assert_int_equal(pthread_create(&thread, NULL, live_server, &l), 0);
	fd = client(l.f);
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

/* A peer that says what it is told to. */
static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void test_ping_no_answer(void **state)
{
	uint64_t begin = clock_ns();
	unsigned char frame[12];
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(msg_ping(pair[0], MSG_PING_MANAGER, 20), -ETIMEDOUT);
	assert_true(clock_ns() - begin >= 20 * MSEC);
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

/* ---- handing over ---- */

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Asks for the hand-over; the request is the server's to answer. */
static struct msg_request begin_handover(struct fixture *f, int fd)
{
	struct msg_request req;

	send_message(fd, MSG_HANDOVER, NULL);
	turns(f, 2);
	req = take(f);
	assert_int_equal(req.kind, MSG_REQ_HANDOVER);
	return req;
}

struct asker {
	int fd;
	int r, listener;
};

static void *ask_for_handover(void *arg)
{
	struct asker *a = arg;

	a->r = msg_ask_handover(a->fd, 30000, &a->listener);
	return NULL;
}

/* All of it between our own client and server. Returns the listening socket. */
static int hand_over(struct fixture *f)
{
	struct asker a = { .fd = client(f) };
	struct msg_request req;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask_for_handover, &a), 0);
	do {
		usleep(100);
		turn(f);
	} while (!msg_server_next(f->server, &req));
	assert_int_equal(req.kind, MSG_REQ_HANDOVER);
	assert_true(msg_server_hand_over(f->server, req.client));
	pthread_join(thread, NULL);
	assert_int_equal(a.r, 0);
	assert_true(a.listener >= 0);
	close(a.fd);
	return a.listener;
}

static void test_handover(void **state)
{
	struct fixture *f = *state;
	int early, late, accepted = client(f), listener, accepting = 0;
	socklen_t size = sizeof(accepting);
	struct msg_server *successor;

	turns(f, 2);
	listener = hand_over(f);
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
	assert_true(accepting);

	/* connected while nobody accepts */
	early = client(f);
	send_message(early, MSG_PING_MONITOR, NULL);
	turns(f, 3);
	assert_no_request(f);
	assert_silent(early);

	successor = msg_server_adopt(listener);
	assert_non_null(successor);
	/* the predecessor's own client is still served by it */
	send_message(accepted, MSG_PING_MANAGER, NULL);
	turn(f);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(accepted, 0, NULL);
	msg_server_close(f->server);

	f->server = successor;
	turns(f, 2);
	serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(early, 0, NULL);
	late = client(f);
	send_message(late, MSG_PING_MANAGER, NULL);
	turns(f, 2);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(late, 0, NULL);
	assert_int_equal(mode_of(f->path), 0700); /* the file stays */
	close(early);
	close(late);
	close(accepted);
}

/* From one to the next to the next. */
static void test_handover_again_and_again(void **state)
{
	struct fixture *f = *state;
	unsigned before = open_descriptors();

	for (int i = 0; i < 20; i++) {
		int fd = hand_over(f);

		msg_server_close(f->server);
		f->server = msg_server_adopt(fd);
		assert_non_null(f->server);
		assert_int_equal(open_descriptors(), before);
	}
	close(client(f));
}

/* Whoever let go accepts nobody, and waits for nothing but the clients it has. */
static void test_nobody_after_handover(void **state)
{
	struct fixture *f = *state;
	int fd = client(f), other, stranger;
	struct msg_request req = begin_handover(f, fd), second;

	other = client(f);
	second = begin_handover(f, other);
	assert_true(msg_server_hand_over(f->server, req.client));
	assert_int_equal(poll_count(f), 0);
	stranger = client(f);
	send_message(stranger, MSG_PING_MONITOR, NULL);
	turns(f, 3);
	msg_server_run(f->server, NULL, 0, f->now); /* without poll, too */
	assert_int_equal(msg_server_clients(f->server), 2);
	assert_no_request(f);
	assert_true(msg_server_deadline(f->server) == UINT64_MAX);
	/* there is nothing to hand over twice: not to the next one, nor to the same */
	assert_false(msg_server_hand_over(f->server, second.client));
	assert_false(msg_server_hand_over(f->server, req.client));
	msg_server_reply(f->server, second.client, NULL, 0, f->now);
	assert_answer(other, 0, NULL);
	close(stranger);
	close(other);
	close(fd);
}

/* It does not work out: the server goes on as before. */
static void assert_still_listens(struct fixture *f)
{
	int fd = client(f);

	send_message(fd, MSG_PING_MANAGER, NULL);
	turns(f, 2);
	serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	close(fd);
	turn(f);
}

static void test_handover_to_nobody(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct msg_request req = begin_handover(f, fd);
	unsigned before;

	close(fd);
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_still_listens(f);
	msg_server_drop(f->server, req.client);
	before = open_descriptors();
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_false(msg_server_hand_over(f->server, 4711));
	/* one that has not asked */
	fd = client(f);
	turns(f, 2);
	assert_false(msg_server_hand_over(f->server, req.client + 2));
	close(fd);
	turn(f);
	assert_int_equal(open_descriptors(), before);
	assert_still_listens(f);
}

/* How much a client that does not read can be sent. */
static int room_of_a_socket(struct fixture *f, const unsigned char *data)
{
	int fd = begin_big_answer(f, data), room;

	assert_int_equal(ioctl(fd, FIONREAD, &room), 0);
	assert_true(room >= 1000 && room <= BIG_ANSWER);
	close(fd);
	turns(f, 2);
	return room;
}

/* It has not read the answer before, which fills its socket: the next one finds no room. */
static void test_handover_to_a_full_socket(void **state)
{
	struct fixture *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER);
	int room = room_of_a_socket(f, data), fd = client(f);
	struct msg_request req;
	unsigned before;

	send_message(fd, MSG_STATUS, NULL);
	turns(f, 2);
	before = open_descriptors();
	msg_server_reply(f->server, take(f).client, data, room - 12, f->now);
	req = begin_handover(f, fd);
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_int_equal(open_descriptors(), before);
	assert_still_listens(f);
	close(fd);
	free(data);
}

/* What a daemon of mdadm answers. */
static void test_ask_handover_of_others(void **state)
{
	struct live l = { .f = *state };
	unsigned before;
	pthread_t thread;
	int fd, listener = 77;

	fd = client(l.f);
	before = open_descriptors();
	assert_int_equal(pthread_create(&thread, NULL, live_server, &l), 0);
	assert_int_equal(msg_ask_handover(fd, 5000, &listener), -EOPNOTSUPP);
	assert_int_equal(listener, -1);
	/* it goes on, also on the same connection */
	assert_int_equal(msg_ping(fd, MSG_PING_MONITOR, 5000), 0);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(l.served, 2);
	assert_int_equal(open_descriptors(), before + 1); /* the server's end of fd */
	close(fd);
}

/* n bytes, and `count` descriptors of nothing in particular along with them. */
static void send_with_descriptors(int to, const void *bytes, size_t n, unsigned count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (count) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (unsigned i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &to, sizeof(int));
	}
	assert_int_equal(sendmsg(to, &m, MSG_NOSIGNAL), (ssize_t)n);
}

/* An answer in two parts, with descriptors at each. */
struct odd_answer {
	const void *first;
	size_t first_len;
	unsigned first_fds;
	const void *second;
	size_t second_len;
	unsigned second_fds;
	int r; /* what comes of it */
};

static void assert_odd_answer(const struct odd_answer *a, bool closed)
{
	unsigned before = open_descriptors();
	int pair[2], listener = 77, r;

	make_pair(pair);
	if (a->first_len)
		send_with_descriptors(pair[1], a->first, a->first_len, a->first_fds);
	if (a->second_len)
		send_with_descriptors(pair[1], a->second, a->second_len, a->second_fds);
	if (closed)
		shutdown(pair[1], SHUT_WR);
	r = msg_ask_handover(pair[0], 20, &listener);
	assert_int_equal(r, a->r == -ETIMEDOUT && closed ? -ECONNRESET : a->r);
	assert_int_equal(listener >= 0, r == 0);
	if (listener >= 0)
		close(listener);
	close_pair(pair);
	assert_int_equal(open_descriptors(), before);
}

/* Whatever comes, no descriptor stays open that the caller does not get. */
static void test_ask_handover_odd_answers(void **state)
{
	unsigned char good[32], none[12], minus[12], bad[32];
	size_t n = msg_encode(good, 8, "whatever");
	const struct odd_answer t[] = {
		/* no answer */
		{ .r = -ETIMEDOUT },
		{ "", 0, 0, good, 7, 0, -ETIMEDOUT },
		{ good, 7, 1, "", 0, 0, -ETIMEDOUT },
		{ good, 7, 1, good + 7, 2, 1, -ETIMEDOUT },
		/* not one of ours */
		{ none, 12, 0, "", 0, 0, -EOPNOTSUPP },
		/* an answer, but nothing with it */
		{ good, n, 0, "", 0, 0, -EPROTO },
		{ minus, 12, 0, "", 0, 0, -EPROTO },
		/* no answer, with and without something */
		{ bad, 12, 0, "", 0, 0, -EPROTO },
		{ bad, 12, 1, "", 0, 0, -EPROTO },
		{ good, 7, 1, bad, 12, 0, -EPROTO },
		{ good, 7, 1, bad, 12, 1, -EPROTO },
		/* more than an answer */
		{ good, n, 1, "x", 1, 0, 0 }, /* not seen: it is not of the same packet */
		/* the descriptor comes with any part */
		{ good, n, 1, "", 0, 0, 0 },
		{ good, 1, 1, good + 1, n - 1, 0, 0 },
		{ good, n - 1, 0, good + n - 1, 1, 1, 0 },
		/* several: one is enough */
		{ good, 5, 1, good + 5, n - 5, 1, 0 },
		{ good, n, 2, "", 0, 0, 0 },
		{ good, n, 8, "", 0, 0, 0 },
		{ good, 5, 3, good + 5, n - 5, 2, 0 },
		{ bad, 12, 2, "", 0, 0, -EPROTO },
		{ good, 7, 5, bad, 12, 2, -EPROTO },
	};

	(void)state;
	memset(bad, '?', sizeof(bad));
	msg_encode(none, 0, NULL);
	msg_encode(minus, -1, NULL);
	for (size_t i = 0; i < COUNT(t); i++) {
		assert_odd_answer(&t[i], false);
		assert_odd_answer(&t[i], true);
	}
}

/* A ping is answered with a descriptor that nobody asked for. */
static void test_unasked_descriptors(void **state)
{
	unsigned before = open_descriptors();
	unsigned char frame[32], *data;
	int pair[2];
	size_t len, n = msg_encode(frame, 3, "abc");

	(void)state;
	make_pair(pair);
	send_with_descriptors(pair[1], frame, n, 3);
	assert_int_equal(msg_ping(pair[0], MSG_PING_MONITOR, 1000), 0);
	send_with_descriptors(pair[1], frame, n, 3);
	assert_int_equal(msg_ask(pair[0], MSG_STATUS, 1000, &data, &len), 0);
	free(data);
	close_pair(pair);
	assert_int_equal(open_descriptors(), before);
}

static void test_ask_handover_fails(void **state)
{
	struct fixture *f = *state;
	int fd, listener = 77, pair[2];

	assert_int_equal(msg_ask_handover(-1, 10, &listener), -EBADF);
	assert_int_equal(listener, -1);
	make_pair(pair);
	close(pair[1]);
	assert_int_equal(msg_ask_handover(pair[0], 10, &listener), -EPIPE);
	assert_int_equal(listener, -1);
	close(pair[0]);
	/* a server that takes the request, but not in time */
	fd = client(f);
	assert_int_equal(msg_ask_handover(fd, 20, &listener), -ETIMEDOUT);
	assert_int_equal(listener, -1);
	turns(f, 2);
	assert_int_equal(take(f).kind, MSG_REQ_HANDOVER);
	close(fd);
}

/* ---- who is who ---- */

/* The server's process, as its client sees it. */
static pid_t pid_behind(const struct fixture *f)
{
	struct ucred c = { .pid = -1 };
	socklen_t size = sizeof(c);
	int fd = client(f);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size), 0);
	close(fd);
	return c.pid;
}

/* Another process adopts our socket, says so, and lives until the other end of `go` is closed. */
static pid_t adopt_elsewhere(int listener, int ready, const int go[2])
{
	pid_t pid = fork();
	char byte;

	if (pid == 0) {
		struct msg_server *s = msg_server_adopt(listener);
		bool ok;

		close(go[1]);
		ok = s && write(ready, "+", 1) == 1 && read(go[0], &byte, 1) == 0;
		msg_server_close(s);
		_exit(ok ? 0 : 1);
	}
	return pid;
}

static void test_adopter_is_the_peer(void **state)
{
	struct fixture *f = *state;
	int ready[2], go[2], listener = hand_over(f), status;
	char byte;
	pid_t pid;

	assert_int_equal(pid_behind(f), getpid());
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = adopt_elsewhere(listener, ready[1], go);
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(pid_behind(f), pid);
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(go[0]);
	close(ready[0]);
	close(listener);
}

static void test_adopt_errors(void **state)
{
	unsigned before = open_descriptors();
	int pair[2], fds[2];

	(void)state;
	assert_null(msg_server_adopt(-1));
	assert_int_equal(errno, EBADF);
	/* no socket; a socket that cannot listen. What was given is closed */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_null(msg_server_adopt(fds[0]));
	assert_int_equal(errno, ENOTSOCK);
	close(fds[1]);
	make_pair(pair);
	assert_null(msg_server_adopt(pair[0]));
	assert_int_equal(errno, EINVAL);
	close(pair[1]);
	assert_int_equal(open_descriptors(), before);
}

/* A socket that blocks, as a predecessor may have left it: the server must not. */
static void test_adopted_socket_does_not_block(void **state)
{
	struct fixture *f = *state;
	int listener = hand_over(f);

	assert_int_equal(fcntl(listener, F_SETFL, 0), 0);
	msg_server_close(f->server);
	f->server = msg_server_adopt(listener);
	assert_non_null(f->server);
	assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
	msg_server_run(f->server, NULL, 0, f->now); /* nobody is there */
	assert_still_listens(f);
}

static void test_peer(void **state)
{
	struct fixture *f = *state;
	int fd, status;
	struct msg_request req;
	pid_t pid;

	fd = client(f);
	send_message(fd, MSG_PING_MANAGER, NULL);
	turns(f, 2);
	req = take(f);
	assert_int_equal(msg_server_peer(f->server, req.client), getpid());
	assert_int_equal(msg_server_peer(f->server, req.client + 1), -1);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	close(fd);
	turn(f);
	assert_int_equal(msg_server_peer(f->server, req.client), -1);

	/* another process: still known after it has gone, until we notice */
	pid = fork();
	if (pid == 0) {
		send_message(client(f), MSG_PING_MANAGER, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	turns(f, 1);
	req = take(f);
	assert_int_equal(msg_server_peer(f->server, req.client), pid);
	msg_server_drop(f->server, req.client);
	assert_int_equal(msg_server_peer(f->server, req.client), -1);
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_format),
		cmocka_unit_test(test_parser_steps),
		cmocka_unit_test(test_parser_several_at_once),
		cmocka_unit_test(test_parser_malformed),
		cmocka_unit_test(test_parser_lengths),
		cmocka_unit_test(test_parser_memory),
		cmocka_unit_test(test_parser_random_streams),
		cmocka_unit_test(test_parser_noise),
		cmocka_unit_test(test_version_string),
		SERVER_TEST(test_request_kinds),
		SERVER_TEST(test_without_poll),
		SERVER_TEST(test_largest_update),
		SERVER_TEST(test_silent_clients),
		SERVER_TEST(test_idle_deadline),
		SERVER_TEST(test_slow_sender),
		SERVER_TEST(test_partial_message_deadline),
		SERVER_TEST(test_late_ourselves),
		SERVER_TEST(test_no_deadline_while_working),
		SERVER_TEST(test_client_that_never_reads),
		SERVER_TEST(test_slow_reader),
		SERVER_TEST(test_half_close),
		SERVER_TEST(test_half_close_big_answer),
		SERVER_TEST(test_end_of_file),
		SERVER_TEST(test_malformed),
		SERVER_TEST(test_pipelined),
		SERVER_TEST(test_order_of_clients),
		SERVER_TEST(test_vanished_client),
		SERVER_TEST(test_stray_replies),
		SERVER_TEST(test_drop),
		SERVER_TEST(test_more_clients_than_fit),
		SERVER_TEST(test_no_descriptors),
		SERVER_TEST(test_random_chunks),
		SERVER_TEST(test_close_with_clients),
		SERVER_TEST(test_socket_mode),
		SERVER_TEST(test_old_file_replaced),
		SERVER_TEST(test_open_errors),
		SERVER_TEST(test_connect),
		SERVER_TEST(test_ping),
		cmocka_unit_test(test_ping_no_answer),
		cmocka_unit_test(test_ping_bad_answers),
		cmocka_unit_test(test_ping_cannot_send),
		cmocka_unit_test(test_ping_deadline_is_total),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_ask_sends),
		cmocka_unit_test(test_ask_bad_answers),
		cmocka_unit_test(test_ask_closed),
		cmocka_unit_test(test_ask_huge_answer),
		SERVER_TEST(test_handover),
		SERVER_TEST(test_handover_again_and_again),
		SERVER_TEST(test_nobody_after_handover),
		SERVER_TEST(test_handover_to_nobody),
		SERVER_TEST(test_handover_to_a_full_socket),
		SERVER_TEST(test_ask_handover_of_others),
		cmocka_unit_test(test_ask_handover_odd_answers),
		cmocka_unit_test(test_unasked_descriptors),
		SERVER_TEST(test_ask_handover_fails),
		SERVER_TEST(test_adopter_is_the_peer),
		cmocka_unit_test(test_adopt_errors),
		SERVER_TEST(test_adopted_socket_does_not_block),
		SERVER_TEST(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
