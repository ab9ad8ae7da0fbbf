/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One daemon hands its listening socket over to the next: nobody who waits there is lost, no descriptor either. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg.h"
#include "socket/client.h"
#include "socket/server.h"
#include "tests/unit/support/socket-rig.h"

/* ---- handing over ---- */

/* Asks for the hand-over; the request is the server's to answer. */
static struct msg_request begin_handover(struct server_rig *f, int fd)
{
	struct msg_request req;

	send_message(fd, MSG_HANDOVER, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
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
static int hand_over(struct server_rig *f)
{
	struct asker a = { .fd = srv_client(f) };
	struct msg_request req;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, ask_for_handover, &a), 0);
	do {
		usleep(100);
		srv_turn(f);
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
	struct server_rig *f = *state;
	int early, late, accepted = srv_client(f), listener, accepting = 0;
	socklen_t size = sizeof(accepting);
	struct msg_server *successor;

	srv_turns(f, 2);
	listener = hand_over(f);
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
	assert_true(accepting);

	/* connected while nobody accepts */
	early = srv_client(f);
	send_message(early, MSG_PING_MONITOR, NULL);
	srv_turns(f, 3);
	assert_no_request(f);
	assert_silent(early);

	successor = msg_server_adopt(listener);
	assert_non_null(successor);
	/* the predecessor's own client is still served by it */
	send_message(accepted, MSG_PING_MANAGER, NULL);
	srv_turn(f);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(accepted, 0, NULL);
	msg_server_close(f->server);

	f->server = successor;
	srv_turns(f, 2);
	srv_serve(f, MSG_REQ_PING_MONITOR);
	assert_answer(early, 0, NULL);
	late = srv_client(f);
	send_message(late, MSG_PING_MANAGER, NULL);
	srv_turns(f, 2);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(late, 0, NULL);
	assert_int_equal(mode_of(f->path), 0700); /* the file stays */
	close(early);
	close(late);
	close(accepted);
}

/* From one to the next to the next. */
static void test_handover_again_and_again(void **state)
{
	struct server_rig *f = *state;
	unsigned before = count_descriptors();

	for (int i = 0; i < 20; i++) {
		int fd = hand_over(f);

		msg_server_close(f->server);
		f->server = msg_server_adopt(fd);
		assert_non_null(f->server);
		assert_int_equal(count_descriptors(), before);
	}
	close(srv_client(f));
}

/* Whoever let go accepts nobody, and waits for nothing but the clients it has. */
static void test_nobody_after_handover(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f), other, stranger;
	struct msg_request req = begin_handover(f, fd), second;

	other = srv_client(f);
	second = begin_handover(f, other);
	assert_true(msg_server_hand_over(f->server, req.client));
	assert_int_equal(srv_poll_count(f), 0);
	stranger = srv_client(f);
	send_message(stranger, MSG_PING_MONITOR, NULL);
	srv_turns(f, 3);
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
static void assert_still_listens(struct server_rig *f)
{
	int fd = srv_client(f);

	send_message(fd, MSG_PING_MANAGER, NULL);
	srv_turns(f, 2);
	srv_serve(f, MSG_REQ_PING_MANAGER);
	assert_answer(fd, 0, NULL);
	close(fd);
	srv_turn(f);
}

static void test_handover_to_nobody(void **state)
{
	struct server_rig *f = *state;
	int fd = srv_client(f);
	struct msg_request req = begin_handover(f, fd);
	unsigned before;

	close(fd);
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_still_listens(f);
	msg_server_drop(f->server, req.client);
	before = count_descriptors();
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_false(msg_server_hand_over(f->server, 4711));
	/* one that has not asked */
	fd = srv_client(f);
	srv_turns(f, 2);
	assert_false(msg_server_hand_over(f->server, req.client + 2));
	close(fd);
	srv_turn(f);
	assert_int_equal(count_descriptors(), before);
	assert_still_listens(f);
}

/* How much a client that does not read can be sent. */
static int room_of_a_socket(struct server_rig *f, const unsigned char *data)
{
	int fd = begin_big_answer(f, data), room;

	assert_int_equal(ioctl(fd, FIONREAD, &room), 0);
	assert_true(room >= 1000 && room <= BIG_ANSWER);
	close(fd);
	srv_turns(f, 2);
	return room;
}

/* It has not read the answer before, which fills its socket: the next one finds no room. */
static void test_handover_to_a_full_socket(void **state)
{
	struct server_rig *f = *state;
	unsigned char *data = calloc(1, BIG_ANSWER);
	int room = room_of_a_socket(f, data), fd = srv_client(f);
	struct msg_request req;
	unsigned before;

	send_message(fd, MSG_STATUS, NULL);
	srv_turns(f, 2);
	before = count_descriptors();
	msg_server_reply(f->server, srv_take(f).client, data, room - 12, f->now);
	req = begin_handover(f, fd);
	assert_false(msg_server_hand_over(f->server, req.client));
	assert_int_equal(count_descriptors(), before);
	assert_still_listens(f);
	close(fd);
	free(data);
}

/* ---- asking for it ---- */

/* What a daemon of mdadm answers. */
static void test_ask_handover_of_others(void **state)
{
	struct answering_server l = { .f = *state };
	unsigned before;
	pthread_t thread;
	int fd, listener = 77;

	fd = srv_client(l.f);
	before = count_descriptors();
	assert_int_equal(pthread_create(&thread, NULL, srv_answer_all, &l), 0);
	assert_int_equal(msg_ask_handover(fd, 5000, &listener), -EOPNOTSUPP);
	assert_int_equal(listener, -1);
	/* it goes on, also on the same connection */
	assert_int_equal(msg_ping(fd, MSG_PING_MONITOR, 5000), 0);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(l.served, 2);
	assert_int_equal(count_descriptors(), before + 1); /* the server's end of fd */
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
	unsigned before = count_descriptors();
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
	assert_int_equal(count_descriptors(), before);
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
	unsigned before = count_descriptors();
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
	assert_int_equal(count_descriptors(), before);
}

static void test_ask_handover_fails(void **state)
{
	struct server_rig *f = *state;
	int fd, listener = 77, pair[2];

	assert_int_equal(msg_ask_handover(-1, 10, &listener), -EBADF);
	assert_int_equal(listener, -1);
	make_pair(pair);
	close(pair[1]);
	assert_int_equal(msg_ask_handover(pair[0], 10, &listener), -EPIPE);
	assert_int_equal(listener, -1);
	close(pair[0]);
	/* a server that takes the request, but not in time */
	fd = srv_client(f);
	assert_int_equal(msg_ask_handover(fd, 20, &listener), -ETIMEDOUT);
	assert_int_equal(listener, -1);
	srv_turns(f, 2);
	assert_int_equal(srv_take(f).kind, MSG_REQ_HANDOVER);
	close(fd);
}

/* ---- who is who ---- */

/* The server's process, as its client sees it. */
static pid_t pid_behind(const struct server_rig *f)
{
	struct ucred c = { .pid = -1 };
	socklen_t size = sizeof(c);
	int fd = srv_client(f);

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
	struct server_rig *f = *state;
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
	unsigned before = count_descriptors();
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
	assert_int_equal(count_descriptors(), before);
}

/* A socket that blocks, as a predecessor may have left it: the server must not. */
static void test_adopted_socket_does_not_block(void **state)
{
	struct server_rig *f = *state;
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
	struct server_rig *f = *state;
	int fd, status;
	struct msg_request req;
	pid_t pid;

	fd = srv_client(f);
	send_message(fd, MSG_PING_MANAGER, NULL);
	srv_turns(f, 2);
	req = srv_take(f);
	assert_int_equal(msg_server_peer(f->server, req.client), getpid());
	assert_int_equal(msg_server_peer(f->server, req.client + 1), -1);
	msg_server_reply(f->server, req.client, NULL, 0, f->now);
	close(fd);
	srv_turn(f);
	assert_int_equal(msg_server_peer(f->server, req.client), -1);

	/* another process: still known after it has gone, until we notice */
	pid = fork();
	if (pid == 0) {
		send_message(srv_client(f), MSG_PING_MANAGER, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	srv_turns(f, 1);
	req = srv_take(f);
	assert_int_equal(msg_server_peer(f->server, req.client), pid);
	msg_server_drop(f->server, req.client);
	assert_int_equal(msg_server_peer(f->server, req.client), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		srv_test(test_handover),
		srv_test(test_handover_again_and_again),
		srv_test(test_nobody_after_handover),
		srv_test(test_handover_to_nobody),
		srv_test(test_handover_to_a_full_socket),
		srv_test(test_ask_handover_of_others),
		cmocka_unit_test(test_ask_handover_odd_answers),
		cmocka_unit_test(test_unasked_descriptors),
		srv_test(test_ask_handover_fails),
		srv_test(test_adopter_is_the_peer),
		cmocka_unit_test(test_adopt_errors),
		srv_test(test_adopted_socket_does_not_block),
		srv_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
