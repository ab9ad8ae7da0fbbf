/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See manager-fakes.h. The calls below are led here by the linker ($(MANAGER_RIG) in tests/flags.mk). */
#include "tests/unit/support/manager-fakes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "metadata/disk.h"
#include "monitor.h"
#include "socket/rundir.h"
#include "tests/unit/support/manager-rig.h"
#include "tests/unit/support/steps.h"
#include "tests/unit/support/sysfs-tree.h"
#include "threads/handoff.h"
#include "threads/worker.h"

#define BEGINNING (1000 * NS_PER_S)        /* of CLOCK_MONOTONIC */
#define WALL_CLOCK (1700000000 * NS_PER_S) /* how far CLOCK_REALTIME is ahead */

static uint64_t now_ns;
static char messages[16 * 1024];
static handoff_list todo, finished;

void mgr_reset_fakes(void)
{
	now_ns = BEGINNING;
	messages[0] = '\0';
	handoff_list_take(&todo);
	handoff_list_take(&finished);
}

/* ---- time ---- */

uint64_t mgr_now_ns(void)
{
	return now_ns;
}

void mgr_advance_clock(unsigned ms)
{
	now_ns += ms * NS_PER_MS;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t ns = now_ns + (clock == CLOCK_REALTIME ? WALL_CLOCK : 0);

	*ts = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
	return 0;
}

int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs);
int mgr_real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs)
{
	return __real_ppoll(fds, n, time, sigs);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs)
{
	return mgr_is_manager() ? mgr_manager_waits(fds, n, time, sigs) : __real_ppoll(fds, n, time, sigs);
}

int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs, size_t size);
int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *time, const sigset_t *sigs, size_t size)
{
	(void)size;
	return __wrap_ppoll(fds, n, time, sigs);
}

/* Only mdstat is ever asked about in this way. */
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	(void)ms;
	fds[0].revents = mdstat_has_event() ? POLLPRI : 0;
	return n == 1 && mdstat_has_event();
}

/* poll() as clang 19 compiles it with the libc's checks. */
int __wrap___poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size);
int __wrap___poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t size)
{
	(void)size;
	return __wrap_poll(fds, n, ms);
}

/* ---- towards the monitor ---- */

/* In the order of the alphabet: md lists them in any. */
static void describe_members(const struct active_array *a, char *text, size_t size)
{
	text[0] = '\0';
	for (char disk = 'a'; disk <= 'z'; disk++)
		for (unsigned i = 0; i < a->disk_count; i++)
			if (disk_letter(a->disks[i]->dev) == disk)
				snprintf(text + strlen(text), size - strlen(text), " %s[%d]",
					 member_disk(a->disks[i]->name), a->disks[i]->slot);
}

void __real_handoff_publish(struct active_array *a);
void __wrap_handoff_publish(struct active_array *a);
void __wrap_handoff_publish(struct active_array *a)
{
	char members[256];

	describe_members(a, members, sizeof(members));
	step("%s: published%s%s", a->name, a->replaces ? " again" : "", members);
	__real_handoff_publish(a);
}

static void describe_commit(const struct metadata_update *u)
{
	char picks[128] = "";

	for (unsigned i = 0; i < u->spares->count; i++)
		snprintf(picks + strlen(picks), sizeof(picks) - strlen(picks), " sd%c[%d]",
			 disk_letter(u->spares->pick[i].dev), u->spares->pick[i].slot);
	step("update: commit%s", picks);
}

void __real_handoff_queue_update(struct metadata_update *u);
void __wrap_handoff_queue_update(struct metadata_update *u);
void __wrap_handoff_queue_update(struct metadata_update *u)
{
	switch (u->op) {
	case UPDATE_MESSAGE:
		step("update: message of %zu bytes", u->len);
		break;
	case UPDATE_ADD_DISK:
		step("update: add %s", u->disk->name);
		break;
	case UPDATE_REMOVE_DISK:
		step("update: remove sd%c", disk_letter(u->dev));
		break;
	case UPDATE_FIND_SPARES:
		step("update: find spares for volume %d", u->spares->member);
		break;
	case UPDATE_COMMIT_SPARES:
		describe_commit(u);
		break;
	}
	__real_handoff_queue_update(u);
}

int __wrap_monitor_start(struct supertype *container);
int __wrap_monitor_start(struct supertype *container)
{
	(void)container;
	step("monitor started");
	if (!fakes.start_error)
		handoff_let_monitor_run();
	return fakes.start_error;
}

void __wrap_monitor_stop(void);
void __wrap_monitor_stop(void)
{
	void (*happens)(void) = fakes.while_stopping;

	fakes.while_stopping = NULL;
	if (happens)
		happens();
	step("monitor stopped");
}

/* ---- the helper thread ---- */

void __wrap_worker_submit(struct worker_lane *lane, struct worker_job *job);
void __wrap_worker_submit(struct worker_lane *lane, struct worker_job *job)
{
	(void)lane;
	step("helper has a job");
	handoff_list_push(&todo, &job->node);
}

uint64_t __wrap_worker_retry_ns(void);
uint64_t __wrap_worker_retry_ns(void)
{
	return 0;
}

bool mgr_run_jobs(void)
{
	struct handoff_node *n = handoff_list_take(&todo), *next;
	bool any = n != NULL;

	for (; n; n = next) {
		struct worker_job *job = container_of(n, struct worker_job, node);

		next = n->next;
		job->run(job);
		handoff_list_push(&finished, n);
	}
	return any;
}

void __wrap_worker_finish_jobs(void);
void __wrap_worker_finish_jobs(void)
{
	struct handoff_node *n = handoff_list_take(&finished), *next;

	for (; n; n = next) {
		struct worker_job *job = container_of(n, struct worker_job, node);

		next = n->next;
		job->done(job);
	}
}

/* ---- the handler ---- */

static int prepare_update(struct supertype *container, struct metadata_update *u)
{
	(void)container;
	(void)u;
	return fakes.prepare_error;
}

static int add_to_super(struct supertype *container, struct disk *d, struct metadata_update *u)
{
	(void)container;
	if (!fakes.add_error)
		u->disk = d;
	return fakes.add_error;
}

const struct superswitch mgr_handler = {
	.name = "imsm", .prepare_update = prepare_update, .add_to_super = add_to_super
};

/* ---- disks ---- */

struct disk *__wrap_disk_open(dev_t dev);
struct disk *__wrap_disk_open(dev_t dev)
{
	struct disk *d;

	if (fakes.open_error) {
		errno = fakes.open_error;
		return NULL;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->dev = dev;
	snprintf(d->name, sizeof(d->name), "sd%c", disk_letter(dev));
	step("%s: opened", d->name);
	return d;
}

void __wrap_disk_close(struct disk *d);
void __wrap_disk_close(struct disk *d)
{
	if (d)
		step("%s: closed", d->name);
	free(d);
}

int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset);
int __wrap_disk_write(const struct disk *d, const void *buf, size_t len, uint64_t offset)
{
	const unsigned char *first = buf;

	step("%s: written at %llu, %zu bytes from 0x%02x", d->name, (unsigned long long)offset, len, first[0]);
	return 0;
}

int __wrap_disk_open_node(dev_t dev, const char *name, int flags);
int __wrap_disk_open_node(dev_t dev, const char *name, int flags)
{
	void (*happens)(void) = fakes.while_opening;

	(void)dev;
	step("%s: opened%s", name, flags & O_EXCL ? " exclusively" : "");
	fakes.while_opening = NULL;
	if (happens)
		happens();
	return fakes.container_held ? -EBUSY : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* ---- systemd ---- */

uint64_t __wrap_notify_watchdog_interval_ns(void);
uint64_t __wrap_notify_watchdog_interval_ns(void)
{
	return fakes.watchdog_ms * NS_PER_MS;
}

void __wrap_notify_watchdog(void);
void __wrap_notify_watchdog(void)
{
	step("alive");
}

/* ---- files in RUNDIR ---- */

bool __wrap_rundir_replaced(const struct rundir *r);
bool __wrap_rundir_replaced(const struct rundir *r)
{
	(void)r;
	return fakes.replaced;
}

void __wrap_rundir_remove_pid_file(struct rundir *r);
void __wrap_rundir_remove_pid_file(struct rundir *r)
{
	(void)r;
	step("pid file removed");
}

void __wrap_rundir_restore_pid_file(struct rundir *r);
void __wrap_rundir_restore_pid_file(struct rundir *r)
{
	(void)r;
	step("pid file restored");
}

/* ---- messages ---- */

static void keep(const char *event, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void keep(const char *event, const char *fmt, va_list ap)
{
	size_t len = strlen(messages);

	if (sizeof(messages) - len < 1024)
		abort();
	len += (size_t)sprintf(messages + len, "%s: ", event);
	vsnprintf(messages + len, 900, fmt, ap);
	strcat(messages, "\n");
}

void __wrap_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void __wrap_log_event(enum log_level level, const struct log_event *about, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	keep(about->event, fmt, ap);
	va_end(ap);
}

#define FAKE_LOG(function, word)                                                \
	void function(const char *fmt, ...) __attribute__((format(printf, 1, 2))); \
	void function(const char *fmt, ...)                                        \
	{                                                                          \
		va_list ap;                                                        \
                                                                                   \
		va_start(ap, fmt);                                                 \
		keep(word, fmt, ap);                                               \
		va_end(ap);                                                        \
	}

FAKE_LOG(__wrap_log_error, "error")
FAKE_LOG(__wrap_log_warning, "warning")
FAKE_LOG(__wrap_log_info, "info")

const char *mgr_messages(void)
{
	return messages;
}
