/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other side of the control socket (mdmon.md 7): asking a daemon. Start-up, and the client program.
 */
#ifndef SOCKET_CLIENT_H
#define SOCKET_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Connected non-blocking socket or -errno (-ENOENT, -ECONNREFUSED: nobody there). Waits up to 5 s
 * for a server that does not accept, then -ETIMEDOUT.
 */
int msg_connect(const char *path);

/*
 * Sends one ping (MSG_PING_MONITOR or MSG_PING_MANAGER) and waits for the answer, at most timeout_ms per
 * direction. 0, -ETIMEDOUT or -errno (-ECONNRESET: closed instead of answered, -EPROTO: not an answer).
 */
int msg_ping(int fd, int32_t kind, int timeout_ms);

/*
 * The same for any message without data (kind <= 0), with what was answered: *data is malloc'd and the caller's, with a
 * NUL behind its *len bytes; NULL with *len 0 if the answer has no data.
 */
int msg_ask(int fd, int32_t kind, int timeout_ms, unsigned char **data, size_t *len);

/*
 * Asks the daemon to leave at once (MSG_HANDOVER). 0: it let go of the arrays and *listener is its listening socket.
 * -EOPNOTSUPP: it is not one of ours, and goes on. Otherwise -errno, as msg_ping: not known what it does.
 */
int msg_ask_handover(int fd, int timeout_ms, int *listener);

/* Waits on, for the answer to a request that has been made: the same results. For after -ETIMEDOUT. */
int msg_await_handover(int fd, int timeout_ms, int *listener);

#endif
