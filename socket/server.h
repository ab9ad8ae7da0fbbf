/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's side of the control socket (mdmon.md 7): clients come, ask, get an answer. Never blocks. manager and
 * start-up only.
 */
#ifndef SOCKET_SERVER_H
#define SOCKET_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct msg_server;

enum msg_request_kind {
	MSG_REQ_PING_MONITOR,
	MSG_REQ_PING_MANAGER,
	MSG_REQ_STATUS,
	MSG_REQ_HANDOVER,
	MSG_REQ_WRITING,
	MSG_REQ_FLUSH,  /* another negative length: flush updates, answer LEN 0 */
	MSG_REQ_UPDATE, /* metadata update */
};

struct msg_request {
	uint64_t client; /* for msg_server_reply; never reused */
	enum msg_request_kind kind;
	unsigned char *data; /* UPDATE: malloc'd, now the caller's */
	size_t len;
};

/*
 * Creates the listening socket RUNDIR/CONT.sock (mode 0700 whatever the umask; an old file of that
 * name is replaced). On error returns NULL with errno set.
 */
struct msg_server *msg_server_open(const char *path);
void msg_server_close(struct msg_server *s); /* closes all; does not unlink */

/*
 * The same on a listening socket that a predecessor handed over: clients that wait there are not lost. Takes fd. On
 * error returns NULL with errno set, and fd is closed.
 */
struct msg_server *msg_server_adopt(int fd);

/* Appends to pfds (capacity max) what the server waits for; returns how many. */
size_t msg_server_pollfds(struct msg_server *s, struct pollfd *pfds, size_t max);
#define MSG_SERVER_MAX_CLIENTS 256
#define MSG_SERVER_MAX_POLLFDS (MSG_SERVER_MAX_CLIENTS + 1)

/*
 * When msg_server_run must be called even if no descriptor is ready: CLOCK_MONOTONIC ns, UINT64_MAX if
 * no time is set, 0 (at once) while msg_server_next has a request to give.
 */
uint64_t msg_server_deadline(const struct msg_server *s);

/* How many clients are connected, as far as accepted. */
size_t msg_server_clients(const struct msg_server *s);

/* Those who connect from now on are refused. */
void msg_server_stop_listening(struct msg_server *s);

/*
 * Accepts, reads, writes and times out, without ever blocking. now_ns: CLOCK_MONOTONIC.
 * pfds as filled before, after poll (may be NULL: try everything).
 */
void msg_server_run(struct msg_server *s, const struct pollfd *pfds, size_t count, uint64_t now_ns);

/*
 * The next complete request, in the order they became complete; false if there is none. msg_server_run and
 * msg_server_reply (the client's next message may be here already) can make one available. A client that has an
 * unanswered request is not read from: its messages are handled strictly in order. Its deadline rests while we work
 * for it.
 */
bool msg_server_next(struct msg_server *s, struct msg_request *req);

/* Answers; a client that has gone meanwhile is no error. */
void msg_server_reply(struct msg_server *s, uint64_t client, const void *data, int32_t len, uint64_t now_ns);

/* Closes the connection instead of answering. */
void msg_server_drop(struct msg_server *s, uint64_t client);

/*
 * Answers MSG_REQ_HANDOVER with the listening socket. We accept nobody any more, unless it fails. False: the client
 * has gone or does not take it.
 */
bool msg_server_hand_over(struct msg_server *s, uint64_t client);

/* The client's process, as it connected; -1 if it has gone. */
pid_t msg_server_peer(const struct msg_server *s, uint64_t client);

#endif
