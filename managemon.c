/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's loop. It waits for changes of /proc/mdstat, for clients, for the monitor
 * (SIGUSR1) and for SIGTERM, and never for anything else: what has to wait longer is
 * remembered and done in a later round.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/notify.h"
#include "managemon.h"
#include "manager/manager.h"
#include "threads/handoff.h"

struct manager *manager_new(const struct manager_setup *setup)
{
	struct manager *mgr = calloc(1, sizeof(*mgr));

	if (!mgr)
		return NULL;
	mgr->st = setup->st;
	mgr->run = setup->run;
	mgr->container_dev = setup->container_dev;
	mgr->container_md_dir = setup->container_md_dir;
	mgr->ready = setup->ready;
	mgr->arg = setup->arg;
	mgr->mdstat_fd = -1;
	return mgr;
}

void manager_free(struct manager *mgr)
{
	manager_forget_disks(mgr);
	free(mgr);
}

/* ---- signals ---- */

static volatile sig_atomic_t sigterm_seen;

static void on_signal(int sig)
{
	if (sig == SIGTERM)
		sigterm_seen = 1;
}

void manager_block_signals(bool background)
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
	signal(SIGHUP, SIG_IGN);
	if (background)
		signal(SIGINT, SIG_IGN);
}

static bool take_sigterm(void)
{
	bool seen = sigterm_seen;

	sigterm_seen = 0;
	return seen;
}

/* ---- systemd ---- */

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

/* ---- the loop ---- */

static void earlier(uint64_t *deadline, uint64_t t)
{
	if (t && t < *deadline)
		*deadline = t;
}

static uint64_t next_deadline(const struct manager *mgr)
{
	uint64_t t = UINT64_MAX, clients = msg_server_deadline(mgr->server); /* 0: a request is waiting */

	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next) {
		earlier(&t, ma->retry.at_ns);
		earlier(&t, ma->spare_retry.at_ns);
		if (mgr->waiters && clock_now_ns() < ma->members_until_ns)
			earlier(&t, ma->members_until_ns);
	}
	earlier(&t, mgr->look_again_ns);
	earlier(&t, mgr->disk_again_ns);
	earlier(&t, worker_retry_ns());
	if (mgr->waiters)
		earlier(&t, manager_disk_patience_ns(mgr));
	earlier(&t, mgr->alive_ns);
	if (!mgr->handing_over)
		earlier(&t, mgr->exit_retry.at_ns);
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

static bool is_past(uint64_t at_ns, uint64_t now)
{
	return at_ns && now >= at_ns;
}

static void round_of_work(struct manager *mgr)
{
	uint64_t now = clock_now_ns();

	clients_note_honoured(mgr);
	manager_take_discarded();
	manager_take_handled(mgr);
	worker_finish_jobs();
	manager_work_on_arrays(mgr);
	if (mgr->look_due || is_past(mgr->look_again_ns, now) || is_past(mgr->disk_again_ns, now))
		manager_look(mgr);
	clients_serve(mgr);
	tell_alive(mgr, clock_now_ns());
	tell_status(mgr);
	log_flush();
}

enum manager_end manager_run(struct manager *mgr, struct msg_server *server, int mdstat_fd)
{
	struct pollfd pfds[1 + MSG_SERVER_MAX_POLLFDS];
	enum manager_end end;
	sigset_t wait_mask;
	size_t clients = 0;
	int n;

	mgr->server = server;
	mgr->mdstat_fd = mdstat_fd;
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
