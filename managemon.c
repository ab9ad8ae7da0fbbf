/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's loop. It waits for changes of /proc/mdstat, for clients, for the monitor
 * (SIGUSR1) and for SIGTERM, and never for anything else: what has to wait longer is
 * remembered and done in a later round.
 */
#include "managemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "disk.h"
#include "handoff.h"
#include "log.h"
#include "sysfs.h"

#define LOOK_RETRY_MS 200
#define EXIT_RETRY_MIN_MS 20
#define EXIT_RETRY_MAX_MS 500

static volatile sig_atomic_t sigterm_seen;

static void on_signal(int sig)
{
	if (sig == SIGTERM)
		sigterm_seen = 1;
}

/* ---- updates ----------------------------------------------------------------------- */

void manager_queue_update(struct manager *mgr, struct metadata_update *u)
{
	mgr->updates_out++;
	handoff_queue_update(u);
}

static void update_free(struct metadata_update *u)
{
	disk_close(u->disk);
	free(u->space);
	free(u->buf);
	free(u);
}

static void answer_update(struct manager *mgr, const struct metadata_update *u)
{
	if (!mgr->server)
		return;
	/* A refused update is acknowledged: clients read the metadata to see what became of it. */
	if (u->status || u->durable)
		msg_server_reply(mgr->server, u->owner_id, NULL, 0, clock_now_ns());
	else
		msg_server_drop(mgr->server, u->owner_id);
}

static void update_done(struct manager *mgr, struct metadata_update *u)
{
	mgr->updates_out--;
	switch (u->op) {
	case UPDATE_MESSAGE:
		answer_update(mgr, u);
		break;
	case UPDATE_ADD_DISK:
		if (u->status)
			log_error("%s: disk not added: %s", mgr->st->container, strerror(-u->status));
		break;
	case UPDATE_REMOVE_DISK:
		break;
	case UPDATE_FIND_SPARES:
		spare_found(u->owner);
		break;
	case UPDATE_COMMIT_SPARES:
		spare_committed(u->owner, u->status);
		break;
	}
	update_free(u);
}

static void take_handled(struct manager *mgr)
{
	struct metadata_update *u, *next;

	for (u = handoff_take_handled(); u; u = next) {
		next = (struct metadata_update *)u->node.next;
		update_done(mgr, u);
	}
}

/* ---- the container's disks ------------------------------------------------------------ */

int manager_note_disk(struct manager *mgr, dev_t dev, ino_t inode)
{
	struct container_disk *cd = calloc(1, sizeof(*cd));

	if (!cd)
		return -ENOMEM;
	cd->dev = dev;
	cd->inode = inode;
	cd->next = mgr->disks;
	mgr->disks = cd;
	return 0;
}

static void disk_left(struct manager *mgr, const struct container_disk *cd)
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	if (!u)
		return;
	u->op = UPDATE_REMOVE_DISK;
	u->dev = cd->dev;
	manager_queue_update(mgr, u);
	log_info("%s: a disk left the container", mgr->st->container);
}

/* Whatever metadata it carries: a disk that comes while we run is a new spare. */
static void disk_came(struct manager *mgr, const struct sysfs_member *m)
{
	struct metadata_update *u = calloc(1, sizeof(*u));
	struct disk *d = u ? disk_open(m->dev) : NULL;

	if (!d) {
		log_error("%s: cannot open %s: %m", mgr->st->container, m->name + strlen("dev-"));
		free(u);
		return;
	}
	u->op = UPDATE_ADD_DISK;
	if (mgr->st->ss->add_to_super(mgr->st, d, u)) {
		disk_close(d);
		free(u);
		return;
	}
	manager_queue_update(mgr, u);
	log_info("%s: %s is a new spare", mgr->st->container, d->name);
}

static struct container_disk *find_disk(struct manager *mgr, const struct sysfs_member *m)
{
	struct container_disk *cd = mgr->disks;

	while (cd && !(cd->dev == m->dev && cd->inode == m->inode))
		cd = cd->next;
	return cd;
}

static void forget_unseen(struct manager *mgr)
{
	struct container_disk **link = &mgr->disks;

	while (*link) {
		struct container_disk *cd = *link;

		if (cd->seen) {
			cd->seen = false;
			link = &cd->next;
			continue;
		}
		disk_left(mgr, cd);
		*link = cd->next;
		free(cd);
	}
}

/*
 * Compares sets, not counts: one disk gone and another come is two changes. Returns whether all
 * disks could be judged.
 */
static bool compare_disks(struct manager *mgr, const struct sysfs_member *list, size_t count)
{
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		struct container_disk *cd = find_disk(mgr, &list[i]);

		if (cd && !list[i].offline)
			cd->seen = true;
	}
	forget_unseen(mgr);
	for (size_t i = 0; i < count; i++) {
		if (!list[i].dev || list[i].offline) {
			all = false;
			continue;
		}
		if (!find_disk(mgr, &list[i]) && !manager_note_disk(mgr, list[i].dev, list[i].inode))
			disk_came(mgr, &list[i]);
	}
	return all;
}

/* mdstat changes often, the set of disks hardly ever: its fingerprint tells cheaply whether it did. */
static void look_at_container(struct manager *mgr)
{
	struct sysfs_member *list;
	uint64_t print;
	size_t count;
	int err = sysfs_members_fingerprint(mgr->container_md_dir, &print);

	if (!err && print == mgr->container_print)
		return;
	if (!err)
		err = sysfs_list_members(mgr->container_md_dir, &list, &count);
	if (err) {
		mgr->look_again_ns = clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS;
		return;
	}
	mgr->container_print = compare_disks(mgr, list, count) ? print : 0;
	free(list);
}

/* ---- mdstat ------------------------------------------------------------------------------ */

static struct managed_array *find_array(const struct manager *mgr, const char *name)
{
	struct managed_array *ma = mgr->arrays;

	while (ma && strcmp(ma->name, name) != 0)
		ma = ma->next;
	return ma;
}

static void unlink_array(struct manager *mgr, struct managed_array *ma)
{
	struct managed_array **link = &mgr->arrays;

	while (*link != ma)
		link = &(*link)->next;
	*link = ma->next;
	array_free(ma);
}

/* The metadata knew no such volume. Perhaps it does by now, or the array is gone. */
static void forget_refused(struct manager *mgr, const struct mdstat *m)
{
	struct managed_array *ma, *next;

	for (ma = mgr->arrays; ma; ma = next) {
		next = ma->next;
		if (ma->refused && !ma->copies && !mdstat_find(m, ma->name))
			unlink_array(mgr, ma);
	}
}

/* In this round the work may be over already: the timer has to run out at once. */
static void array_retry_now(struct managed_array *ma)
{
	if (ma->retry_ns)
		ma->retry_ns = 1;
}

static void look_at_entry(struct manager *mgr, const struct mdstat_entry *e)
{
	struct managed_array *ma = find_array(mgr, e->name);
	bool again = ma && ma->refused && !ma->copies;

	if (!e->running)
		return;
	if (again) {
		unlink_array(mgr, ma);
		ma = NULL;
	}
	if (ma) {
		array_retry_now(ma); /* something has changed: what failed may work now */
		array_update(ma, e);
	} else if (sysfs_parse_level(e->level) > 0 && !handoff_draining()) {
		array_adopt(mgr, e, again);
	}
}

static void look(struct manager *mgr)
{
	struct mdstat m;
	int err = mdstat_read(mgr->mdstat_fd, &m);

	mgr->look_due = false;
	mgr->look_again_ns = 0;
	if (err) {
		log_error("cannot read /proc/mdstat: %s", strerror(-err));
		mgr->look_again_ns = clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS;
		return;
	}
	if (mdstat_find(&m, mgr->st->container))
		look_at_container(mgr);
	forget_refused(mgr, &m);
	for (size_t i = 0; i < m.count; i++)
		if (mdstat_is_member_of(&m.entry[i], mgr->st->container))
			look_at_entry(mgr, &m.entry[i]);
	mdstat_free(&m);
	mgr->first_look_done = true;
}

/* ---- arrays --------------------------------------------------------------------------------- */

static void take_discarded(void)
{
	struct active_array *a, *next;

	for (a = handoff_take_discarded(); a; a = next) {
		next = (struct active_array *)a->node.next;
		array_discarded(a);
	}
}

static bool array_is_over(struct managed_array *ma)
{
	return !ma->copies && ma->spare_step == SPARE_IDLE && !ma->jobs && !ma->refused && !array_is_clearing(ma);
}

static void free_ended(struct manager *mgr)
{
	struct managed_array *ma, *next;

	for (ma = mgr->arrays; ma; ma = next) {
		next = ma->next;
		if (array_is_over(ma)) {
			unlink_array(mgr, ma);
			mgr->look_due = true; /* its name may be in use again */
		}
	}
}

static void work_on_arrays(struct manager *mgr)
{
	/* Writers wait for what is taken here: first, for all arrays. */
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_take_requests(ma);
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_work(ma, clock_now_ns());
	free_ended(mgr);
}

/* A spare is half way in, or an array half way out. */
static bool anything_half_done(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (ma->spare_step == SPARE_INSERTING || ma->spare_step == SPARE_COMMITTING || ma->clearing_until_ns)
			return true;
	return false;
}

static bool no_arrays(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (!ma->refused)
			return false;
	return true;
}

/* ---- clients ----------------------------------------------------------------------------------- */

static bool add_waiter(struct manager *mgr, uint64_t client, bool ping_monitor)
{
	struct waiter *w = calloc(1, sizeof(*w)), **link = &mgr->waiters;

	if (!w)
		return false;
	w->client = client;
	w->ping_monitor = ping_monitor;
	while (*link)
		link = &(*link)->next;
	*link = w;
	return true;
}

static void answer_waiter(struct manager *mgr, const struct waiter *w)
{
	if (!w->client) {
		if (mgr->ready)
			mgr->ready(mgr->arg);
		return;
	}
	if (w->ping_monitor)
		msg_server_reply(mgr->server, w->client, msg_version_string, (int32_t)msg_version_length(),
				 clock_now_ns());
	else
		msg_server_reply(mgr->server, w->client, NULL, 0, clock_now_ns());
}

/*
 * A ping is answered when nothing is half done and one complete pass of the monitor that began after that has
 * ended. The tickets honoured are looked up before the monitor's requests are worked on, and
 * answered afterwards: what the pass asked for has then been done, too.
 */
static void note_honoured(struct manager *mgr)
{
	for (struct waiter *w = mgr->waiters; w; w = w->next)
		w->done = w->has_ticket && handoff_ticket_honoured(w->ticket);
}

static void serve_waiters(struct manager *mgr)
{
	struct waiter **link = &mgr->waiters;

	while (*link) {
		struct waiter *w = *link;

		if (!w->has_ticket && !anything_half_done(mgr)) {
			w->ticket = handoff_draw_ticket();
			w->has_ticket = true;
		}
		if (!w->done || anything_half_done(mgr)) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		answer_waiter(mgr, w);
		free(w);
	}
}

static void take_update(struct manager *mgr, struct msg_request *req)
{
	struct metadata_update *u = NULL;

	/* Nobody will apply it any more: no false acknowledgement. */
	if (!handoff_draining())
		u = calloc(1, sizeof(*u));
	if (!u) {
		free(req->data);
		msg_server_drop(mgr->server, req->client);
		return;
	}
	u->op = UPDATE_MESSAGE;
	u->buf = req->data;
	u->len = req->len;
	u->owner_id = req->client;
	u->status = mgr->st->ss->prepare_update(mgr->st, u);
	if (!u->status) {
		manager_queue_update(mgr, u);
		return;
	}
	answer_update(mgr, u);
	update_free(u);
}

static void take_requests(struct manager *mgr)
{
	struct msg_request req;

	while (msg_server_next(mgr->server, &req)) {
		if (req.kind == MSG_REQ_UPDATE) {
			take_update(mgr, &req);
			continue;
		}
		/* Clients ping to make us notice what gives no event of its own. */
		look(mgr);
		for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
			array_retry_now(ma);
		if (!add_waiter(mgr, req.client, req.kind == MSG_REQ_PING_MONITOR))
			msg_server_drop(mgr->server, req.client);
	}
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static bool container_exists(const struct manager *mgr)
{
	char buf[SYSFS_WORD_MAX];

	return sysfs_read_attr(mgr->container_md_dir, "metadata_version", buf, sizeof(buf)) >= 0;
}

/* No array is left, so whatever a ping wants to know has been done; nothing can be changed any more. */
static void answer_last(struct manager *mgr)
{
	struct msg_request req;

	while (msg_server_next(mgr->server, &req)) {
		struct waiter w = { .client = req.client, .ping_monitor = req.kind == MSG_REQ_PING_MONITOR };

		free(req.data);
		if (req.kind == MSG_REQ_UPDATE)
			msg_server_drop(mgr->server, req.client);
		else
			answer_waiter(mgr, &w);
	}
}

void manager_serve_last_clients(struct manager *mgr)
{
	struct pollfd pfds[MSG_SERVER_MAX_POLLFDS];

	while (mgr->server) {
		struct timespec ts;
		size_t n;

		msg_server_run(mgr->server, NULL, 0, clock_now_ns());
		answer_last(mgr);
		if (!msg_server_clients(mgr->server))
			return;
		ts = clock_until(msg_server_deadline(mgr->server));
		n = msg_server_pollfds(mgr->server, pfds, MSG_SERVER_MAX_POLLFDS);
		ppoll(pfds, (nfds_t)n, &ts, NULL);
	}
}

/* Assembling does not hold the container: has an array come at the last moment? */
static bool mdstat_changed(const struct manager *mgr)
{
	struct pollfd p = { .fd = mgr->mdstat_fd, .events = POLLPRI };

	return poll(&p, 1, 0) > 0;
}

/*
 * Whoever holds the container exclusively (mdadm, creating an array for instance) counts on us to stay. So we leave
 * while we hold it ourselves, and only for as long as that takes: mdadm may want to stop it just now. (Opening
 * the node of an array that has gone would create a new one.)
 */
static bool try_to_leave(struct manager *mgr)
{
	bool leaving;
	int fd = -ENODEV;

	if (container_exists(mgr))
		fd = disk_open_node(mgr->container_dev, mgr->st->container, O_RDONLY | O_EXCL);
	if (fd == -EBUSY)
		return false;
	leaving = !mdstat_changed(mgr);
	if (leaving && !handoff_draining())
		mgr->leave(mgr->arg);
	if (fd >= 0)
		close(fd);
	mgr->look_due = !leaving;
	return leaving;
}

static bool may_exit(struct manager *mgr)
{
	uint64_t now = clock_now_ns();

	if (!mgr->first_look_done || !no_arrays(mgr) || mgr->updates_out || mgr->waiters || mgr->look_again_ns ||
	    mgr->look_due) {
		mgr->exit_retry_ns = 0;
		mgr->exit_retry_ms = 0;
		return false;
	}
	if (mgr->exit_retry_ns && now < mgr->exit_retry_ns)
		return false;
	if (try_to_leave(mgr))
		return true;
	if (mgr->look_due)
		return false;
	mgr->exit_retry_ms = mgr->exit_retry_ms ? mgr->exit_retry_ms * 2 : EXIT_RETRY_MIN_MS;
	if (mgr->exit_retry_ms > EXIT_RETRY_MAX_MS)
		mgr->exit_retry_ms = EXIT_RETRY_MAX_MS;
	mgr->exit_retry_ns = now + mgr->exit_retry_ms * NS_PER_MS;
	return false;
}

static void start_drain(struct manager *mgr)
{
	if (!sigterm_seen || handoff_draining())
		return;
	log_info("%s: asked to end: letting arrays go as they become clean", mgr->st->container);
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_start_drain(ma);
	handoff_start_drain();
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void earlier(uint64_t *deadline, uint64_t t)
{
	if (t && t < *deadline)
		*deadline = t;
}

static uint64_t next_deadline(const struct manager *mgr)
{
	uint64_t t = UINT64_MAX;

	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next) {
		earlier(&t, ma->retry_ns);
		earlier(&t, ma->spare_retry_ns);
	}
	earlier(&t, mgr->look_again_ns);
	earlier(&t, mgr->exit_retry_ns);
	if (mgr->look_due)
		return 0;
	if (mgr->server && msg_server_deadline(mgr->server) < t)
		t = msg_server_deadline(mgr->server); /* 0: a request is waiting */
	return t;
}

static int wait_for_events(struct manager *mgr, struct pollfd *pfds, size_t *clients, const sigset_t *sigs)
{
	uint64_t until = next_deadline(mgr);
	struct timespec ts = clock_until(until);

	pfds[0] = (struct pollfd){ .fd = mgr->mdstat_fd, .events = POLLPRI };
	*clients = mgr->server ? msg_server_pollfds(mgr->server, pfds + 1, MSG_SERVER_MAX_POLLFDS) : 0;
	return ppoll(pfds, (nfds_t)(1 + *clients), until == UINT64_MAX ? NULL : &ts, sigs);
}

static void round_of_work(struct manager *mgr)
{
	note_honoured(mgr);
	take_discarded();
	take_handled(mgr);
	worker_finish_jobs();
	work_on_arrays(mgr);
	if (mgr->look_due || (mgr->look_again_ns && clock_now_ns() >= mgr->look_again_ns))
		look(mgr);
	if (mgr->server)
		take_requests(mgr);
	serve_waiters(mgr);
	log_flush();
}

void manager_block_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int manager_run(struct manager *mgr)
{
	struct pollfd pfds[1 + MSG_SERVER_MAX_POLLFDS];
	sigset_t wait_mask;
	size_t clients = 0;
	int n;

	pthread_sigmask(SIG_SETMASK, NULL, &wait_mask);
	sigdelset(&wait_mask, SIGUSR1);
	sigdelset(&wait_mask, SIGTERM);
	look(mgr);
	add_waiter(mgr, 0, false);
	for (;;) {
		start_drain(mgr);
		round_of_work(mgr);
		if (may_exit(mgr))
			return handoff_draining();
		n = wait_for_events(mgr, pfds, &clients, &wait_mask);
		if (n > 0 && pfds[0].revents)
			mgr->look_due = true;
		if (mgr->server)
			msg_server_run(mgr->server, n > 0 ? pfds + 1 : NULL, n > 0 ? clients : 0, clock_now_ns());
	}
}
