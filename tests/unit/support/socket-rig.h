/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket in a directory of its own, with a server that is driven by the test, its clock too, and clients.
 * Include cmocka.h before.
 */
#ifndef SOCKET_RIG_H
#define SOCKET_RIG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "socket/server.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEC UINT64_C(1000000000)
#define MSEC UINT64_C(1000000)

struct server_rig {
	char dir[64];
	char path[96]; /* of the socket */
	struct msg_server *server;
	uint64_t now;  /* its clock, ns */
};

/* For cmocka: the state is the server_rig. */
int srv_set_up(void **state);
int srv_tear_down(void **state);

#define srv_test(f) cmocka_unit_test_setup_teardown(f, srv_set_up, srv_tear_down)

/* One turn of the manager's loop, or more, that finds out what is ready and does it. */
void srv_turn(struct server_rig *f);
void srv_turns(struct server_rig *f, unsigned n);

/* How many descriptors it waits for. */
size_t srv_poll_count(struct server_rig *f);

/* A new client: its descriptor, which the test closes. */
int srv_client(const struct server_rig *f);

/* The next request; there must be one. */
struct msg_request srv_take(struct server_rig *f);
void assert_no_request(struct server_rig *f);

/* Takes one request of that kind without data and answers it. */
void srv_serve(struct server_rig *f, enum msg_request_kind kind);

/* A client that has asked for an answer of BIG_ANSWER bytes, of which not all fit the socket. */
#define BIG_ANSWER (2 * 1024 * 1024)
int begin_big_answer(struct server_rig *f, const unsigned char *data);

/* A thread that answers everything, in real time, until `stop`. */
struct answering_server {
	struct server_rig *f;
	atomic_bool stop;
	unsigned served;
};

void *srv_answer_all(void *arg);

/* ---- the client's side of a connection ---- */

void send_bytes(int fd, const void *bytes, size_t n);
void send_message(int fd, int32_t len, const void *data);
void assert_closed(int fd); /* and closes it */
void assert_silent(int fd);
void assert_answer(int fd, int32_t len, const void *data); /* exactly one of that length lies there */

/* ---- others ---- */

/* Two ends of a connection: a peer that says what it is told to. */
void make_pair(int pair[2]);
void close_pair(const int pair[2]);

/* How many are open in this process. */
unsigned count_descriptors(void);

void put_u32(unsigned char *to, uint32_t v);

/* Nothing that repeats where buffers do. */
void fill_pattern(unsigned char *p, size_t n, unsigned seed);

/* The same numbers each time, from a state that the test sets. */
extern uint32_t random_state;
uint32_t random_u32(void);

/* Of a socket's file. */
mode_t mode_of(const char *path);

#endif
