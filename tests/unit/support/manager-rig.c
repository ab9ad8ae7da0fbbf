/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See manager-rig.h. */
#include "tests/unit/support/manager-rig.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "managemon.h"
#include "md/members.h"
#include "msg.h"
#include "socket/client.h"
#include "sysfs.h"
#include "tests/unit/support/manager-fakes.h"
#include "tests/unit/support/wake-ups.h"
#include "threads/handoff.h"

#define MAX_COPIES 16
#define MAX_CLIENTS 16
#define MAX_WAITS 1000 /* of one run: more, and it spins */

struct manager_fakes fakes;

static struct manager *mgr;
static struct supertype st;
static struct rundir rundir;
static struct msg_server *server;
static int mdstat_fd;

static void die(const char *what)
{
	fprintf(stderr, "manager rig: %s\n", what);
	abort();
}

/* ---- the manager's thread ---- */

static pthread_t thread;
static sem_t may_go, stands_still;
static bool started, woken, over;
static enum manager_end end;
static uint64_t waits_until; /* CLOCK_MONOTONIC ns; MGR_FOR_EVER */
static unsigned waits;

static void *manager_main(void *unused)
{
	(void)unused;
	sem_wait(&may_go);
	handoff_set_manager((pid_t)syscall(SYS_gettid));
	end = manager_run(mgr, server, mdstat_fd);
	/* As mdmon.c does. */
	if (end != MANAGER_HANDED_OVER)
		manager_serve_last(mgr);
	over = true;
	sem_post(&stands_still);
	return NULL;
}

/* What is there without waiting. mdstat is a file like others here: its event is put in by hand. */
static int look(struct pollfd *fds, nfds_t n, const sigset_t *sigs)
{
	const struct timespec no_time = { 0 };
	int ready = mgr_real_ppoll(fds, n, &no_time, sigs);

	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].fd != mdstat_fd || !mdstat_has_event())
			continue;
		fds[i].revents = POLLPRI;
		ready = ready < 0 ? 1 : ready + 1;
	}
	return ready;
}

int mgr_manager_waits(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs)
{
	int ready = look(fds, n, sigs);

	if (++waits > MAX_WAITS)
		die("it spins");
	if (ready || (time && !time->tv_sec && !time->tv_nsec))
		return ready;
	waits_until = MGR_FOR_EVER;
	if (time)
		waits_until = mgr_now_ns() + (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
	do {
		sem_post(&stands_still);
		sem_wait(&may_go);
		ready = look(fds, n, sigs);
	} while (!ready && (waits_until == MGR_FOR_EVER || mgr_now_ns() < waits_until));
	woken = true;
	return ready;
}

bool mgr_is_manager(void)
{
	return started && pthread_equal(pthread_self(), thread);
}

bool mgr_run(void)
{
	if (over)
		return false;
	woken = false;
	waits = 0;
	sem_post(&may_go);
	sem_wait(&stands_still);
	return woken;
}

uint64_t mgr_wait_ms(void)
{
	if (waits_until == MGR_FOR_EVER)
		return MGR_FOR_EVER;
	return waits_until > mgr_now_ns() ? (waits_until - mgr_now_ns()) / NS_PER_MS : 0;
}

bool mgr_time_passes(unsigned ms)
{
	mgr_advance_clock(ms);
	return mgr_run();
}

void mgr_sigterm(void)
{
	pthread_kill(thread, SIGTERM);
	mgr_run();
}

enum manager_end mgr_ended(void)
{
	return end;
}

bool mgr_is_over(void)
{
	return over;
}

static void ready(void *arg)
{
	(void)arg;
	step("ready");
}

static void note_disks(void)
{
	struct sysfs_member *list;
	size_t count;

	if (sysfs_list_members(mgr->container_md_dir, &list, &count))
		die("the container has no members");
	for (size_t i = 0; i < count; i++)
		manager_note_disk(mgr, list[i].dev, list[i].inode);
	free(list);
}

void mgr_start(void)
{
	struct manager_setup setup = {
		.st = &st,
		.run = &rundir,
		.container_md_dir = sysfs_open_md_dir("md127"),
		.ready = ready,
	};

	mgr = manager_new(&setup);
	server = msg_server_open(sysfs_tree_path("socket"));
	mdstat_fd = mdstat_tree_open();
	if (!mgr || !server || mdstat_fd < 0 || setup.container_md_dir < 0)
		die("cannot start");
	note_disks();
	be_the_monitor();
	over = false;
	end = MANAGER_GOES_ON;
	started = true;
	if (pthread_create(&thread, NULL, manager_main, NULL))
		die("no thread");
	mgr_run();
}

void mgr_start_with_md126(void)
{
	mgr_has_md126();
	mgr_start();
	mgr_settle();
	forget_steps();
}

/* ---- the monitor ---- */

static struct active_array *copy[MAX_COPIES];
static unsigned copies;

static unsigned index_of(const struct array_watch *w)
{
	unsigned i = 0;

	while (i < copies && copy[i]->watch != w)
		i++;
	return i;
}

static struct active_array *drop(unsigned i)
{
	struct active_array *a = copy[i];

	copy[i] = copy[--copies];
	return a;
}

static void choose_spares(struct spare_request *req)
{
	req->count = index_of(req->watch) < copies ? fakes.pick_count : 0;
	memcpy(req->pick, fakes.pick, req->count * sizeof(req->pick[0]));
}

static void take_updates(struct metadata_update *u)
{
	struct metadata_update *next;

	for (; u; u = next) {
		next = handoff_next_update(u);
		if (u->op == UPDATE_FIND_SPARES)
			choose_spares(u->spares);
		else
			u->status = fakes.update_error;
		u->durable = !fakes.not_durable;
		handoff_return_update(u);
	}
}

static void take_array(struct active_array *a)
{
	unsigned i = index_of(a->watch);
	bool ended = a->replaces && i == copies;

	if (i < copies)
		handoff_discard(drop(i));
	if (!a->replaces)
		a->discard_error = fakes.array_error;
	if (ended || a->level <= 0 || a->discard_error)
		handoff_discard(a);
	else if (copies < MAX_COPIES)
		copy[copies++] = a;
	else
		die("too many arrays");
}

void mgr_monitor_pass(void)
{
	unsigned seen = handoff_pass_begin();
	struct metadata_update *u = handoff_take_updates();
	struct active_array *a = handoff_take_published(), *next;
	bool wake = u || a;

	for (; a; a = next) {
		next = handoff_next_array(a);
		take_array(a);
	}
	take_updates(u);
	if (fakes.not_durable)
		seen = handoff_last_honoured();
	handoff_pass_end(seen, wake);
}

bool mgr_monitor(void)
{
	if (!take_signal())
		return false;
	mgr_monitor_pass();
	return true;
}

void mgr_settle(void)
{
	bool busy = true;

	for (unsigned i = 0; busy; i++) {
		busy = mgr_monitor();
		busy |= mgr_run();
		if (i == MAX_WAITS)
			die("it does not settle");
	}
}

struct active_array *mgr_array(const char *name)
{
	for (unsigned i = 0; i < copies; i++)
		if (strcmp(copy[i]->name, name) == 0)
			return copy[i];
	return NULL;
}

struct mdinfo *mgr_member(const char *name, char disk)
{
	struct active_array *a = mgr_array(name);

	for (unsigned i = 0; a && i < a->disk_count; i++)
		if (disk_letter(a->disks[i]->dev) == disk)
			return a->disks[i];
	return NULL;
}

void mgr_asks(const char *name, unsigned bits)
{
	handoff_request_array(mgr_array(name), bits);
	handoff_pass_end(handoff_last_honoured(), true);
}

void mgr_asks_for_member(const char *name, char disk, unsigned bits)
{
	handoff_request_member(mgr_array(name), mgr_member(name, disk), bits);
	handoff_pass_end(handoff_last_honoured(), true);
}

void mgr_gives_back(const char *name)
{
	handoff_discard(drop(index_of(mgr_array(name)->watch)));
	handoff_pass_end(handoff_last_honoured(), true);
}

void mgr_monitor_ends(void)
{
	mgr_monitor_pass();
	handoff_note_monitor_ended();
	mgr_run();
}

/* ---- the helper thread ---- */

bool mgr_helper(void)
{
	if (!mgr_run_jobs())
		return false;
	handoff_wake_manager();
	mgr_run();
	return true;
}

/* ---- clients ---- */

static struct {
	int fd;
	struct msg_parser parser;
} client[MAX_CLIENTS];
static unsigned clients;

int mgr_client(void)
{
	int fd = msg_connect(sysfs_tree_path("socket"));

	if (fd < 0 || clients == MAX_CLIENTS)
		die("cannot connect");
	client[clients].fd = fd;
	msg_parser_init(&client[clients].parser);
	return (int)clients++;
}

void mgr_client_sends(int number, int32_t len, const void *data)
{
	unsigned char frame[256];
	size_t n = msg_encode(frame, len, data);

	if (send(client[number].fd, frame, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("cannot send");
	mgr_run();
}

/* recv(), and a descriptor that came along. */
static ssize_t receive(int from, void *bytes, size_t size, int *fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n > 0 && CMSG_FIRSTHDR(&m))
		memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return n;
}

const char *mgr_client_gets_socket(int number, int *fd)
{
	static char text[32 * 1024];
	unsigned char bytes[16 * 1024];
	struct msg_parser *p = &client[number].parser;
	ssize_t n = receive(client[number].fd, bytes, sizeof(bytes), fd);
	size_t used;

	if (n < 0)
		return errno == EAGAIN ? "nothing" : "closed";
	if (n == 0)
		return "closed";
	if (msg_parser_feed(p, bytes, (size_t)n, &used) != MSG_COMPLETE || used != (size_t)n)
		die("no answer, or more than one");
	snprintf(text, sizeof(text), p->len > 0 ? "LEN %d: %.*s" : "LEN %d", p->len, (int)msg_parser_data_length(p),
		 (const char *)p->data);
	msg_parser_reset(p);
	return text;
}

const char *mgr_client_gets(int number)
{
	int fd;

	return mgr_client_gets_socket(number, &fd);
}

void mgr_client_leaves(int number)
{
	close(client[number].fd);
	client[number].fd = -1;
	mgr_run();
}

static void hang_up(void)
{
	for (unsigned i = 0; i < clients; i++) {
		msg_parser_reset(&client[i].parser);
		if (client[i].fd >= 0)
			close(client[i].fd);
	}
	clients = 0;
}

/* ---- start and end ---- */

int mgr_begin(void **state)
{
	manager_block_signals(true);
	return sysfs_tree_begin(state);
}

int mgr_end(void **state)
{
	return sysfs_tree_end(state);
}

int mgr_set_up(void **state)
{
	(void)state;
	fakes = (struct manager_fakes){ 0 };
	st = (struct supertype){ .ss = &mgr_handler, .container = "md127" };
	handoff_reset();
	take_signal();
	mgr_reset_fakes();
	sysfs_tree_clear();
	kmd_has_container("md127");
	kmd_has_member("md127", 'a', -1);
	kmd_has_member("md127", 'b', -1);
	sem_init(&may_go, 0, 0);
	sem_init(&stands_still, 0, 0);
	forget_steps();
	return 0;
}

void mgr_has_md126(void)
{
	kmd_has_array("md126", "external:/md127/0", "raid1");
	kmd_has_member("md126", 'a', 0);
	kmd_has_member("md126", 'b', 1);
}

void mgr_has_md125(void)
{
	kmd_has_array("md125", "external:/md127/1", "raid1");
}

/* The end that needs nothing of the state that a test has left: another daemon has taken over. */
static void end_manager(void)
{
	for (unsigned i = 0; !over && i < 10; i++) {
		while (mgr_helper())
			;
		fakes.replaced = true;
		mgr_sigterm();
		mgr_time_passes(10000);
		mgr_monitor_ends();
	}
	if (!over)
		die("it does not end");
	pthread_join(thread, NULL);
	started = false;
}

static void free_copies(struct active_array *a)
{
	struct active_array *next;

	for (; a; a = next) {
		next = handoff_next_array(a);
		array_release(a);
	}
}

static void free_updates(struct metadata_update *u)
{
	struct metadata_update *next;

	for (; u; u = next) {
		next = handoff_next_update(u);
		manager_free_update(u);
	}
}

static void free_manager(void)
{
	do
		worker_finish_jobs();
	while (mgr_run_jobs());
	free_updates(handoff_take_updates());
	free_updates(handoff_take_handled());
	free_copies(handoff_take_published());
	free_copies(handoff_take_discarded());
	while (copies)
		array_release(drop(0));
	while (mgr->arrays) {
		struct managed_array *ma = mgr->arrays;

		mgr->arrays = ma->next;
		array_free(ma);
	}
	while (mgr->waiters) {
		struct waiter *w = mgr->waiters;

		mgr->waiters = w->next;
		if (w != &mgr->start)
			free(w);
	}
	close(mgr->container_md_dir);
	manager_free(mgr);
}

int mgr_tear_down(void **state)
{
	(void)state;
	if (started) {
		end_manager();
		free_manager();
		msg_server_close(server);
		close(mdstat_fd);
	}
	hang_up();
	sem_destroy(&may_go);
	sem_destroy(&stands_still);
	return 0;
}
