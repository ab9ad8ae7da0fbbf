/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See socket/server.h. A state machine for each client, driven by poll(): nobody who holds a connection open, sends
 * slowly or does not read keeps others from being served.
 */
#include "socket/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "msg.h"

#define CLIENT_TIMEOUT_NS (3 * NS_PER_S)
#define ACCEPT_PAUSE_NS NS_PER_S /* after running out of descriptors */
#define INPUT_SIZE 4096
#define BACKLOG 128

enum client_state {
	CLIENT_READING, /* waiting for bytes of the client */
	CLIENT_READY,   /* a request is complete, msg_server_next has not taken it yet */
	CLIENT_WORKING, /* msg_server_next has taken it: the answer is ours to give */
	CLIENT_WRITING, /* waiting for the client to take the answer */
};

struct client {
	uint64_t id;
	int fd;
	enum client_state state;
	uint64_t deadline;     /* CLOCK_MONOTONIC ns; counts while READING or WRITING */
	uint64_t ready_order;  /* READY: requests are handed out in the order they became complete */
	struct msg_parser parser;
	unsigned char *out;    /* WRITING: the framed answer, malloc'd */
	size_t out_len, out_sent;
	size_t in_have, in_used;
	unsigned char in[INPUT_SIZE]; /* bytes taken from the socket, perhaps of later messages */
};

struct msg_server {
	int fd; /* -1: handed over to a successor */
	size_t count;
	struct client *client[MSG_SERVER_MAX_CLIENTS]; /* the first `count` are in use */
	uint64_t last_id, last_order;
	uint64_t accept_after; /* CLOCK_MONOTONIC ns: accepting rests until then; 0 = it does not rest */
};

/* ---- the listening socket ---- */

/*
 * bind() creates the file with the mode of the socket less the umask, so with 0700 set before there is
 * no moment in which others could connect. The umask may take more than we like: chmod gives it back.
 */
static int listen_at(int fd, const struct sockaddr_un *sa)
{
	if (fchmod(fd, 0700) < 0)
		return -errno;
	if (unlink(sa->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return -errno;
	if (chmod(sa->sun_path, 0700) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

static int open_listener(const char *path)
{
	struct sockaddr_un sa;
	int fd, r;

	r = msg_address(&sa, path);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = listen_at(fd, &sa);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Takes fd. */
static struct msg_server *server_on(int fd)
{
	struct msg_server *s = calloc(1, sizeof(*s));

	if (s)
		s->fd = fd;
	else
		close(fd);
	return s;
}

struct msg_server *msg_server_open(const char *path)
{
	int fd = open_listener(path);

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	return server_on(fd);
}

struct msg_server *msg_server_adopt(int fd)
{
	/* listen() once more: from now on SO_PEERCRED tells clients our pid, not the predecessor's. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || listen(fd, BACKLOG) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return NULL;
	}
	return server_on(fd);
}

static void client_free(struct client *c)
{
	close(c->fd);
	msg_parser_reset(&c->parser);
	free(c->out);
	free(c);
}

void msg_server_close(struct msg_server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		client_free(s->client[i]);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

/* ---- what is waited for ---- */

static void server_remove(struct msg_server *s, size_t i)
{
	client_free(s->client[i]);
	s->client[i] = s->client[--s->count];
}

/* Index of the client, or s->count if it has gone. */
static size_t server_find(const struct msg_server *s, uint64_t id)
{
	size_t i = 0;

	while (i < s->count && s->client[i]->id != id)
		i++;
	return i;
}

static bool can_accept(const struct msg_server *s)
{
	return s->fd >= 0 && s->count < MSG_SERVER_MAX_CLIENTS && s->accept_after == 0;
}

/*
 * Clients that wait for us are left out: there is nothing to do for them, and one that has hung up
 * would wake us for ever.
 */
static short client_events(const struct client *c)
{
	switch (c->state) {
	case CLIENT_READING:
		return POLLIN;
	case CLIENT_WRITING:
		return POLLOUT;
	case CLIENT_READY:
	case CLIENT_WORKING:
		break;
	}
	return 0;
}

size_t msg_server_pollfds(struct msg_server *s, struct pollfd *pfds, size_t max)
{
	size_t n = 0;

	if (can_accept(s) && n < max)
		pfds[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN };
	for (size_t i = 0; i < s->count && n < max; i++) {
		short events = client_events(s->client[i]);

		if (events)
			pfds[n++] = (struct pollfd){ .fd = s->client[i]->fd, .events = events };
	}
	return n;
}

static uint64_t client_deadline(const struct client *c)
{
	switch (c->state) {
	case CLIENT_READING:
	case CLIENT_WRITING:
		return c->deadline;
	case CLIENT_READY:
		return 0;
	case CLIENT_WORKING:
		break;
	}
	return UINT64_MAX;
}

uint64_t msg_server_deadline(const struct msg_server *s)
{
	uint64_t earliest = s->accept_after ? s->accept_after : UINT64_MAX;

	for (size_t i = 0; i < s->count; i++) {
		uint64_t deadline = client_deadline(s->client[i]);

		if (deadline < earliest)
			earliest = deadline;
	}
	return earliest;
}

size_t msg_server_clients(const struct msg_server *s)
{
	return s->count;
}

void msg_server_stop_listening(struct msg_server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- reading and writing ---- */

static void made_progress(struct client *c, uint64_t now_ns)
{
	c->deadline = now_ns + CLIENT_TIMEOUT_NS;
}

/* Feeds the parser from the input buffer. 0, or -errno to close the connection. */
static int client_parse(struct msg_server *s, struct client *c)
{
	size_t used;
	enum msg_parse_status status =
		msg_parser_feed(&c->parser, c->in + c->in_used, c->in_have - c->in_used, &used);

	c->in_used += used;
	switch (status) {
	case MSG_INCOMPLETE:
		return 0;
	case MSG_COMPLETE:
		c->state = CLIENT_READY;
		c->ready_order = ++s->last_order;
		return 0;
	case MSG_MALFORMED:
		return -EPROTO;
	case MSG_NOMEM:
		break;
	}
	return -ENOMEM;
}

/* Refills the input buffer, which is empty. Bytes, 0 if there are none now, or -errno to close. */
static ssize_t client_receive(struct client *c)
{
	ssize_t n = recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET; /* end of file: all complete messages have been answered */
	c->in_used = 0;
	c->in_have = (size_t)n;
	return n;
}

/* Until a request is complete or the client has no more to say. */
static int client_read(struct msg_server *s, struct client *c, uint64_t now_ns)
{
	for (;;) {
		int r = client_parse(s, c);
		ssize_t n;

		if (r < 0 || c->state == CLIENT_READY)
			return r;
		n = client_receive(c);
		if (n <= 0)
			return (int)n;
		made_progress(c, now_ns);
	}
}

/*
 * Sends what is left of the answer. A client that does not listen any more is still served: what it
 * asked for completely before it went is done.
 */
static int client_write(struct client *c, uint64_t now_ns)
{
	ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return -errno;
	made_progress(c, now_ns);
	c->out_sent = n < 0 ? c->out_len : c->out_sent + (size_t)n;
	if (c->out_sent < c->out_len)
		return 0;
	free(c->out);
	c->out = NULL;
	c->state = CLIENT_READING;
	return 0;
}

/* Does for the client what can be done now. 0, or -errno to close the connection. */
static int client_step(struct msg_server *s, struct client *c, uint64_t now_ns)
{
	int r = 0;

	if (c->state == CLIENT_WRITING)
		r = client_write(c, now_ns);
	if (r == 0 && c->state == CLIENT_READING)
		r = client_read(s, c, now_ns);
	return r;
}

static bool is_ready(const struct pollfd *pfds, size_t count, int fd)
{
	if (!pfds)
		return true;
	for (size_t i = 0; i < count; i++)
		if (pfds[i].fd == fd)
			return pfds[i].revents != 0;
	return false;
}

/*
 * A client past its deadline gets a last try: if we were held up ourselves, what it sent meanwhile lies
 * in the socket.
 */
static void run_clients(struct msg_server *s, const struct pollfd *pfds, size_t count, uint64_t now_ns)
{
	for (size_t i = s->count; i-- > 0;) {
		struct client *c = s->client[i];
		bool late = client_events(c) && c->deadline <= now_ns;
		int r = 0;

		if (late || is_ready(pfds, count, c->fd))
			r = client_step(s, c, now_ns);
		late = client_events(c) && c->deadline <= now_ns;
		if (r < 0 || late)
			server_remove(s, i);
	}
}

/* ---- accepting ---- */

static int server_add(struct msg_server *s, int fd, uint64_t now_ns)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->id = ++s->last_id;
	c->fd = fd;
	c->state = CLIENT_READING;
	msg_parser_init(&c->parser);
	made_progress(c, now_ns);
	s->client[s->count++] = c;
	if (client_step(s, c, now_ns) < 0)
		server_remove(s, s->count - 1);
	return 0;
}

/* Without a pause a connection that we have no descriptor for would keep poll() awake. */
static void pause_accepting(struct msg_server *s, int error, uint64_t now_ns)
{
	s->accept_after = now_ns + ACCEPT_PAUSE_NS;
	errno = -error;
	log_warning("cannot accept a connection: %m");
}

/* One connection. 0 if there may be more, -EAGAIN if not, another -errno if we cannot take it. */
static int accept_one(struct msg_server *s, uint64_t now_ns)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == EINTR || errno == ECONNABORTED ? 0 : -errno;
	r = server_add(s, fd, now_ns);
	if (r < 0)
		close(fd);
	return r;
}

static void accept_clients(struct msg_server *s, uint64_t now_ns)
{
	int r = 0;

	if (s->accept_after <= now_ns)
		s->accept_after = 0;
	/* At most as many as there is room for, even if each of them leaves at once. */
	for (size_t i = 0; i < MSG_SERVER_MAX_CLIENTS && r == 0 && can_accept(s); i++)
		r = accept_one(s, now_ns);
	if (r < 0 && r != -EAGAIN)
		pause_accepting(s, r, now_ns);
}

void msg_server_run(struct msg_server *s, const struct pollfd *pfds, size_t count, uint64_t now_ns)
{
	run_clients(s, pfds, count, now_ns);
	if (s->accept_after || is_ready(pfds, count, s->fd))
		accept_clients(s, now_ns);
}

/* ---- requests and answers ---- */

static enum msg_request_kind request_kind(int32_t len)
{
	if (len > 0)
		return MSG_REQ_UPDATE;
	switch (len) {
	case MSG_PING_MONITOR:
		return MSG_REQ_PING_MONITOR;
	case MSG_PING_MANAGER:
		return MSG_REQ_PING_MANAGER;
	case MSG_STATUS:
		return MSG_REQ_STATUS;
	case MSG_HANDOVER:
		return MSG_REQ_HANDOVER;
	case MSG_WRITING:
		return MSG_REQ_WRITING;
	}
	return MSG_REQ_FLUSH;
}

static struct client *first_ready(const struct msg_server *s)
{
	struct client *first = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct client *c = s->client[i];

		if (c->state == CLIENT_READY && (!first || c->ready_order < first->ready_order))
			first = c;
	}
	return first;
}

bool msg_server_next(struct msg_server *s, struct msg_request *req)
{
	struct client *c = first_ready(s);

	if (!c)
		return false;
	req->client = c->id;
	req->kind = request_kind(c->parser.len);
	req->data = c->parser.data;
	req->len = msg_parser_data_length(&c->parser);
	c->parser.data = NULL;
	msg_parser_reset(&c->parser);
	c->state = CLIENT_WORKING;
	return true;
}

void msg_server_reply(struct msg_server *s, uint64_t client, const void *data, int32_t len, uint64_t now_ns)
{
	size_t i = server_find(s, client);
	struct client *c;

	if (i == s->count || s->client[i]->state != CLIENT_WORKING)
		return;
	c = s->client[i];
	c->out = malloc(MSG_FRAME_SIZE + (len > 0 ? (size_t)len : 0));
	if (!c->out) {
		server_remove(s, i);
		return;
	}
	c->out_len = msg_encode(c->out, len, data);
	c->out_sent = 0;
	c->state = CLIENT_WRITING;
	made_progress(c, now_ns);
	if (client_step(s, c, now_ns) < 0)
		server_remove(s, i);
}

void msg_server_drop(struct msg_server *s, uint64_t client)
{
	size_t i = server_find(s, client);

	if (i < s->count)
		server_remove(s, i);
}

/* ---- a successor ---- */

static bool send_with_fd(int to, const void *bytes, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
}

static const char handover_answer[] = "handover";

bool msg_server_hand_over(struct msg_server *s, uint64_t client)
{
	unsigned char frame[MSG_FRAME_SIZE + sizeof(handover_answer)];
	size_t i = server_find(s, client);
	size_t len = msg_encode(frame, sizeof(handover_answer), handover_answer);

	if (i == s->count || s->client[i]->state != CLIENT_WORKING || s->fd < 0 ||
	    !send_with_fd(s->client[i]->fd, frame, len, s->fd))
		return false;
	msg_server_stop_listening(s);
	return true;
}

pid_t msg_server_peer(const struct msg_server *s, uint64_t client)
{
	size_t i = server_find(s, client);
	struct ucred c = { .pid = -1 };
	socklen_t len = sizeof(c);

	if (i == s->count || getsockopt(s->client[i]->fd, SOL_SOCKET, SO_PEERCRED, &c, &len))
		return -1;
	return c.pid;
}
