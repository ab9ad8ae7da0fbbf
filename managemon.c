/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's loop. It waits for changes of /proc/mdstat, for clients, for the monitor
 * (SIGUSR1) and for SIGTERM, and never for anything else: what has to wait longer is
 * remembered and done in a later round.
 */
#include "managemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/notify.h"
#include "manager/status.h"
#include "md/members.h"
#include "metadata/disk.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define LOOK_RETRY_MS 200

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

void manager_free_update(struct metadata_update *u)
{
	disk_close(u->disk);
	free(u->space);
	free(u->buf);
	free(u);
}

static void update_done(struct manager *mgr, struct metadata_update *u)
{
	mgr->updates_out--;
	switch (u->op) {
	case UPDATE_MESSAGE:
		clients_answer_update(mgr, u);
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
	manager_free_update(u);
}

void manager_take_handled(struct manager *mgr)
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

static void log_left(const struct manager *mgr, dev_t dev)
{
	char disk[LOG_NAME_MAX];

	sysfs_name_or_number(dev, disk, sizeof(disk));
	log_event(LOG_LEVEL_INFO, ABOUT("disk-left", NULL, disk), "%s: disk %s left the container",
		  mgr->st->container, disk);
}

static void disk_left(struct manager *mgr, const struct container_disk *cd)
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	if (!u)
		return;
	u->op = UPDATE_REMOVE_DISK;
	u->dev = cd->dev;
	manager_queue_update(mgr, u);
	log_left(mgr, cd->dev);
}

/* Whatever metadata it carries: a disk that comes while we run is a new spare. */
static void disk_came(struct manager *mgr, const struct sysfs_member *m)
{
	struct metadata_update *u = calloc(1, sizeof(*u));
	struct disk *d = u ? disk_open(m->dev) : NULL;

	if (!d) {
		log_error("%s: cannot open %s: %m", mgr->st->container, member_disk(m->name));
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
	log_event(LOG_LEVEL_INFO, ABOUT("disk-added", NULL, d->name), "%s: %s is a new spare", mgr->st->container,
		  d->name);
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

void manager_look(struct manager *mgr)
{
	struct mdstat m;
	int err = mdstat_read(mgr->mdstat_fd, &m);

	mgr->look_due = false;
	mgr->look_again_ns = 0;
	if (err) {
		if (!mgr->mdstat_failed)
			log_error("cannot read /proc/mdstat: %s", strerror(-err));
		mgr->mdstat_failed = true;
		mgr->look_again_ns = clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS;
		return;
	}
	mgr->mdstat_failed = false;
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

void manager_retry_now(struct manager *mgr)
{
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_retry_now(ma);
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

bool manager_is_half_done(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (ma->spare_step == SPARE_INSERTING || ma->spare_step == SPARE_COMMITTING || ma->clearing_until_ns)
			return true;
	return false;
}

bool manager_has_no_arrays(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (!ma->refused)
			return false;
	return true;
}

/* ---- systemd ------------------------------------------------------------------------------------- */

/*
 * We are alive if the monitor has honoured the ticket of the time before, or waits for a disk: then to be restarted
 * would help nobody.
 */
static void tell_alive(struct manager *mgr, uint64_t now)
{
	uint64_t interval = notify_watchdog_interval_ns();

	if (!interval || now < mgr->alive_ns)
		return;
	mgr->alive_ns = now + interval;
	if (mgr->alive_asked && !handoff_ticket_honoured(mgr->alive_ticket) && !handoff_writing_since())
		return;
	if (mgr->alive_asked)
		notify_watchdog();
	mgr->alive_ticket = handoff_draw_ticket();
	mgr->alive_asked = true;
}

static void tell_status(struct manager *mgr)
{
	char line[128];

	if (!mgr->ready_ns)
		return;
	manager_status_line(mgr, line, sizeof(line));
	notify_status(line);
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void earlier(uint64_t *deadline, uint64_t t)
{
	if (t && t < *deadline)
		*deadline = t;
}

static uint64_t next_deadline(const struct manager *mgr)
{
	uint64_t t = UINT64_MAX, clients = msg_server_deadline(mgr->server); /* 0: a request is waiting */

	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next) {
		earlier(&t, ma->retry_ns);
		earlier(&t, ma->spare_retry_ns);
	}
	earlier(&t, mgr->look_again_ns);
	earlier(&t, mgr->alive_ns);
	if (!mgr->handing_over)
		earlier(&t, mgr->exit_retry_ns);
	else if (!mgr->monitor_stopping) /* after that it wakes us */
		earlier(&t, mgr->hand_over_by_ns);
	if (clients < t)
		t = clients;
	return mgr->look_due ? 0 : t;
}

static int wait_for_events(struct manager *mgr, struct pollfd *pfds, size_t *clients, const sigset_t *sigs)
{
	uint64_t until = next_deadline(mgr);
	struct timespec ts = clock_until(until);

	/* An event that could not be taken would come again at once. */
	pfds[0] = (struct pollfd){ .fd = mgr->mdstat_failed ? -1 : mgr->mdstat_fd, .events = POLLPRI };
	*clients = msg_server_pollfds(mgr->server, pfds + 1, MSG_SERVER_MAX_POLLFDS);
	return ppoll(pfds, (nfds_t)(1 + *clients), until == UINT64_MAX ? NULL : &ts, sigs);
}

static void round_of_work(struct manager *mgr)
{
	clients_note_honoured(mgr);
	take_discarded();
	manager_take_handled(mgr);
	worker_finish_jobs();
	work_on_arrays(mgr);
	if (mgr->look_due || (mgr->look_again_ns && clock_now_ns() >= mgr->look_again_ns))
		manager_look(mgr);
	clients_serve(mgr);
	tell_alive(mgr, clock_now_ns());
	tell_status(mgr);
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

static bool take_sigterm(void)
{
	bool seen = sigterm_seen;

	sigterm_seen = 0;
	return seen;
}

enum manager_end manager_run(struct manager *mgr)
{
	struct pollfd pfds[1 + MSG_SERVER_MAX_POLLFDS];
	enum manager_end end;
	sigset_t wait_mask;
	size_t clients = 0;
	int n;

	pthread_sigmask(SIG_SETMASK, NULL, &wait_mask);
	sigdelset(&wait_mask, SIGUSR1);
	sigdelset(&wait_mask, SIGTERM);
	manager_look(mgr);
	clients_add_start(mgr);
	for (;;) {
		end_take_sigterm(mgr, take_sigterm());
		round_of_work(mgr);
		end = end_check(mgr);
		if (end != MANAGER_GOES_ON)
			return end;
		n = wait_for_events(mgr, pfds, &clients, &wait_mask);
		if (n > 0 && pfds[0].revents)
			mgr->look_due = true;
		msg_server_run(mgr->server, n > 0 ? pfds + 1 : NULL, n > 0 ? clients : 0, clock_now_ns());
	}
}
