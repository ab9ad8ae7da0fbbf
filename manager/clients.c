/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients of the control socket ask of the manager (mdmon.md 7): pings, updates of the metadata, the status, and
 * that we make way. The socket itself is in socket/server.c.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "msg.h"
#include "threads/handoff.h"

#define LAST_CLIENTS_NS (5 * NS_PER_S)

/* ---- those who wait until everything asked for before is done ---- */

static void append(struct manager *mgr, struct waiter *w)
{
	struct waiter **link = &mgr->waiters;

	while (*link)
		link = &(*link)->next;
	*link = w;
}

static bool add_client(struct manager *mgr, uint64_t client, bool ping_monitor)
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return false;
	w->client = client;
	w->ping_monitor = ping_monitor;
	append(mgr, w);
	return true;
}

void clients_add_start(struct manager *mgr)
{
	append(mgr, &mgr->start);
}

static void answer_ping(struct manager *mgr, uint64_t client, bool ping_monitor)
{
	if (ping_monitor)
		msg_server_reply(mgr->server, client, msg_version_string, (int32_t)msg_version_length(),
				 clock_now_ns());
	else
		msg_server_reply(mgr->server, client, NULL, 0, clock_now_ns());
}

static void answer_waiter(struct manager *mgr, const struct waiter *w)
{
	if (w->client) {
		answer_ping(mgr, w->client, w->ping_monitor);
		return;
	}
	mgr->ready_ns = clock_now_ns();
	mgr->ready(mgr->arg);
}

/*
 * The start is over when all arrays have been taken on.
 * A ping is answered when nothing is half done and one complete pass of the monitor that began after that has
 * ended. The tickets honoured are looked up before the monitor's requests are worked on, and
 * answered afterwards: what the pass asked for has then been done, too.
 */
void clients_note_honoured(struct manager *mgr)
{
	for (struct waiter *w = mgr->waiters; w; w = w->next)
		w->done = w->has_ticket && handoff_ticket_honoured(w->ticket);
}

static bool may_draw(const struct manager *mgr, const struct waiter *w)
{
	bool start = !w->client;

	if (manager_is_half_done(mgr) || manager_disk_patience_ns(mgr))
		return false;
	return !start || !mgr->unserved.count;
}

static void serve_waiters(struct manager *mgr)
{
	struct waiter **link = &mgr->waiters;

	while (*link) {
		struct waiter *w = *link;

		if (!w->has_ticket && may_draw(mgr, w)) {
			w->ticket = handoff_draw_ticket();
			w->has_ticket = true;
		}
		if (!w->done || manager_is_half_done(mgr)) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		answer_waiter(mgr, w);
		if (w != &mgr->start)
			free(w);
	}
}

/* ---- updates ---- */

static void answer_update(struct manager *mgr, struct metadata_update *u)
{
	/* A refused update is acknowledged: clients read the metadata to see what became of it. */
	if (u->status || u->durable)
		msg_server_reply(mgr->server, u->owner_id, NULL, 0, clock_now_ns());
	else
		msg_server_drop(mgr->server, u->owner_id);
}

static void take_update(struct manager *mgr, struct msg_request *req)
{
	struct metadata_update *u = NULL;

	/* Nobody will apply it any more: no false acknowledgement. */
	if (!handoff_draining())
		u = calloc(1, sizeof(*u));
	if (!u) {
		log_event(LOG_LEVEL_WARNING, ABOUT("update-dropped", NULL, NULL),
			  "%s: a change of the metadata came too late and is not acknowledged", mgr->st->container);
		free(req->data);
		msg_server_drop(mgr->server, req->client);
		return;
	}
	u->op = UPDATE_MESSAGE;
	u->done = answer_update;
	u->buf = req->data;
	u->len = req->len;
	u->owner_id = req->client;
	u->status = mgr->st->ss->prepare_update(mgr->st, u);
	if (!u->status) {
		manager_queue_update(mgr, u);
		return;
	}
	answer_update(mgr, u);
	manager_free_update(u);
}

/* ---- requests ---- */

static void take_ping(struct manager *mgr, const struct msg_request *req)
{
	/* Clients ping to make us notice what gives no event of its own. */
	manager_look(mgr);
	manager_retry_now(mgr);
	if (!add_client(mgr, req->client, req->kind == MSG_REQ_PING_MONITOR))
		msg_server_drop(mgr->server, req->client);
}

/* At once, without the monitor: it may be waiting for a disk. */
static void answer_status(struct manager *mgr, uint64_t client)
{
	char *text = manager_status(mgr);

	if (text)
		msg_server_reply(mgr->server, client, text, (int32_t)strlen(text), clock_now_ns());
	else
		msg_server_drop(mgr->server, client);
	free(text);
}

/* At once as well: a start that gets no answer to its ping asks whether we only wait for a disk. */
static void answer_writing(struct manager *mgr, uint64_t client)
{
	/* In this order: a write may begin in between. */
	uint64_t since = handoff_writing_since(), now = clock_now_ns();
	char ms[24];
	int len = 0;

	if (since)
		len = snprintf(ms, sizeof(ms), "%llu", (unsigned long long)((now - since) / NS_PER_MS)) + 1;
	msg_server_reply(mgr->server, client, ms, len, now);
}

static void take_request(struct manager *mgr, struct msg_request *req)
{
	switch (req->kind) {
	case MSG_REQ_UPDATE:
		take_update(mgr, req);
		return;
	case MSG_REQ_STATUS:
		answer_status(mgr, req->client);
		return;
	case MSG_REQ_WRITING:
		answer_writing(mgr, req->client);
		return;
	case MSG_REQ_HANDOVER:
		end_start_handover(mgr, req->client);
		return;
	case MSG_REQ_PING_MONITOR:
	case MSG_REQ_PING_MANAGER:
	case MSG_REQ_FLUSH:
		break;
	}
	take_ping(mgr, req);
}

void clients_serve(struct manager *mgr)
{
	struct msg_request req;

	/* One that asks and asks must not keep us from the rest of our work. */
	for (unsigned n = 0; n < MSG_SERVER_MAX_CLIENTS && msg_server_next(mgr->server, &req); n++)
		take_request(mgr, &req);
	serve_waiters(mgr);
}

/* ---- the last ones ---- */

/* No array is left: whatever a ping wants to know has been done, and nothing can be changed any more. */
static void answer_last(struct manager *mgr)
{
	struct msg_request req;

	for (unsigned i = 0; i < MSG_SERVER_MAX_CLIENTS && msg_server_next(mgr->server, &req); i++) {
		free(req.data);
		switch (req.kind) {
		case MSG_REQ_STATUS:
			answer_status(mgr, req.client);
			break;
		case MSG_REQ_WRITING:
			answer_writing(mgr, req.client);
			break;
		case MSG_REQ_UPDATE:
		case MSG_REQ_HANDOVER:
			msg_server_drop(mgr->server, req.client);
			break;
		case MSG_REQ_PING_MONITOR:
		case MSG_REQ_PING_MANAGER:
		case MSG_REQ_FLUSH:
			answer_ping(mgr, req.client, req.kind == MSG_REQ_PING_MONITOR);
			break;
		}
	}
}

void manager_serve_last(struct manager *mgr)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];
	uint64_t end = clock_now_ns() + LAST_CLIENTS_NS, next;

	msg_server_run(mgr->server, NULL, 0, clock_now_ns());
	msg_server_stop_listening(mgr->server);
	while (clock_now_ns() < end) {
		struct timespec ts;
		size_t n;

		msg_server_run(mgr->server, NULL, 0, clock_now_ns());
		answer_last(mgr);
		if (!msg_server_clients(mgr->server))
			return;
		next = msg_server_deadline(mgr->server);
		ts = clock_until(next < end ? next : end);
		n = msg_server_pollfds(mgr->server, pfds, MSG_SERVER_MAX_POLLFDS);
		ppoll(pfds, (nfds_t)n, &ts, NULL);
	}
}
