/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket (mdmon.md 7): framing, the server's clients, and the client
 * side used to ping a running daemon. manager and start-up only.
 */
#ifndef MSG_H
#define MSG_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MSG_START 0x5a5aa5a5u
#define MSG_END 0xa5a55a5au
#define MSG_LEN_MAX (4 * 1024 * 1024)
#define MSG_PING_MONITOR 0    /* LEN 0 */
#define MSG_PING_MANAGER (-1) /* LEN -1 */
/* Ours; other daemons answer any negative length with LEN 0. */
#define MSG_STATUS (-100)   /* answered with the status as JSON (docs/status.md) */
#define MSG_HANDOVER (-101) /* a successor asks us to leave now, our arrays as they are */

/* ---- framing: pure ---- */

enum msg_parse_status {
	MSG_INCOMPLETE, /* feed more */
	MSG_COMPLETE,   /* one message is in len/data; call msg_parser_reset before the next */
	MSG_MALFORMED,  /* wrong magic or oversize: the connection is beyond repair */
	MSG_NOMEM,
};

struct msg_parser {
	unsigned char head[8];
	unsigned char tail[4];
	size_t have;        /* bytes of the message taken so far */
	int32_t len;        /* valid once the head is complete */
	unsigned char *data; /* malloc'd, len bytes, grown as data arrives; NULL if len <= 0 */
	size_t data_size;   /* allocated */
};

void msg_parser_init(struct msg_parser *p);
void msg_parser_reset(struct msg_parser *p); /* frees data, ready for the next message */

/*
 * Takes bytes of the stream; sets *used to how many belong to this message (the rest
 * belongs to the next one).
 */
enum msg_parse_status msg_parser_feed(struct msg_parser *p, const void *bytes, size_t n, size_t *used);

/* Frames len data bytes into buf (size >= len + 12; negative len carries no data). Returns the size. */
size_t msg_encode(void *buf, int32_t len, const void *data);

/* The text that answers ping_monitor, with newline; its length includes the NUL (7.5). */
extern const char msg_version_string[];
size_t msg_version_length(void);

/* ---- server ---- */

struct msg_server;

enum msg_request_kind {
	MSG_REQ_PING_MONITOR,
	MSG_REQ_PING_MANAGER,
	MSG_REQ_STATUS,
	MSG_REQ_HANDOVER,
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
 * msg_server_reply (the client's next message may be here already) can make one available. A client that has an unanswered request is not
 * read from: its messages are handled strictly in order. Its deadline rests while we work for it.
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

/* ---- client ---- */

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

#endif
