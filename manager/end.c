/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a daemon ends (mdmon.md 6): because no array is left, because it was asked to (SIGTERM), or because a successor
 * goes on in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "metadata/disk.h"
#include "monitor.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define EXIT_RETRY_MIN_MS 20
#define EXIT_RETRY_MAX_MS 500
#define EXIT_LOOK_NS (50 * NS_PER_MS)
#define QUIET_NS (500 * NS_PER_MS)        /* whoever has stopped the last array may stop the container next */
#define DRAINED_QUIET_NS (30 * NS_PER_MS) /* somebody waits for the end */
#define HAND_OVER_NS (500 * NS_PER_MS)    /* what is half done by then is left to the successor */

/* ---- no array is left ---- */

static bool container_exists(const struct manager *mgr)
{
	char buf[SYSFS_WORD_MAX];

	return sysfs_read_attr(mgr->container_md_dir, "metadata_version", buf, sizeof(buf)) >= 0;
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
		rundir_remove_pid_file(mgr->run);
	if (fd >= 0)
		close(fd);
	mgr->look_due = !leaving;
	return leaving;
}

static bool has_business(const struct manager *mgr)
{
	return !manager_has_no_arrays(mgr) || mgr->updates_out || mgr->waiters || mgr->look_again_ns || mgr->look_due;
}

/*
 * The next step of a client that stops the last array, or that pings before it takes the container exclusively, is to
 * stop the container: it must not meet us there. On a busy machine that step takes its time.
 */
static uint64_t quiet_until(const struct manager *mgr)
{
	return mgr->empty_since_ns + (handoff_draining() ? DRAINED_QUIET_NS : QUIET_NS);
}

static bool may_leave(struct manager *mgr, uint64_t now)
{
	uint64_t quiet;

	if (has_business(mgr)) {
		mgr->exit_retry = (struct retry){ 0 };
		mgr->empty_since_ns = 0;
		return false;
	}
	if (!container_exists(mgr))
		return true;
	if (!mgr->empty_since_ns)
		mgr->empty_since_ns = now;
	quiet = quiet_until(mgr);
	if (now < quiet) {
		/* md drops the directory of a container that was stopped only after it has said so. */
		mgr->exit_retry.at_ns = quiet < now + EXIT_LOOK_NS ? quiet : now + EXIT_LOOK_NS;
		return false;
	}
	return now >= mgr->exit_retry.at_ns;
}

static bool leave(struct manager *mgr)
{
	uint64_t now = clock_now_ns();

	if (!may_leave(mgr, now))
		return false;
	if (try_to_leave(mgr))
		return true;
	if (!mgr->look_due)
		retry_later(&mgr->exit_retry, EXIT_RETRY_MIN_MS, EXIT_RETRY_MAX_MS);
	return false;
}

/* ---- SIGTERM ---- */

static void start_drain(struct manager *mgr)
{
	log_event(LOG_LEVEL_INFO, ABOUT("draining", NULL, NULL),
		  "%s: asked to end: letting arrays go as they become clean", mgr->st->container);
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_start_drain(ma);
	handoff_start_drain();
}

void end_take_sigterm(struct manager *mgr, bool seen)
{
	if (!seen)
		return;
	/* mdadm's mdmon puts its own files in place first, starts, and then tells us so. */
	if (rundir_replaced(mgr->run))
		end_start_handover(mgr, 0);
	else if (!handoff_draining() && !mgr->handing_over)
		start_drain(mgr);
}

/* ---- a successor ---- */

void end_start_handover(struct manager *mgr, uint64_t successor)
{
	if (mgr->handing_over) {
		if (successor)
			msg_server_drop(mgr->server, successor);
		return;
	}
	mgr->handing_over = true;
	mgr->successor = successor;
	mgr->hand_over_by_ns = clock_now_ns() + HAND_OVER_NS;
}

static bool jobs_are_out(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (ma->jobs)
			return true;
	return false;
}

/* Nothing is half done, and nobody is in the middle of asking. */
static bool is_idle(const struct manager *mgr)
{
	return !mgr->updates_out && !mgr->waiters && !manager_is_half_done(mgr) && !jobs_are_out(mgr) &&
	       msg_server_clients(mgr->server) <= (mgr->successor ? 1 : 0);
}

/* The successor died, or lost its patience, while it waited for us. */
static void go_on(struct manager *mgr)
{
	int err = monitor_start(mgr->st);

	if (err) {
		log_error("%s: cannot go on: %s", mgr->st->container, strerror(-err));
		abort(); /* better none, which is noticed, than one whose arrays hang */
	}
	log_warning("%s: the successor has gone; going on", mgr->st->container);
	msg_server_drop(mgr->server, mgr->successor);
	rundir_restore_pid_file(mgr->run);
	mgr->successor = 0;
	mgr->handing_over = false;
	mgr->monitor_stopping = false;
	mgr->look_due = true;
}

static void log_handover(const struct manager *mgr, pid_t pid)
{
	if (pid > 0)
		log_event(LOG_LEVEL_INFO, ABOUT("handed-over", NULL, NULL), "%s: handed over to process %d",
			  mgr->st->container, (int)pid);
	else
		log_event(LOG_LEVEL_INFO, ABOUT("handed-over", NULL, NULL), "%s: another daemon has taken over",
			  mgr->st->container);
}

/*
 * The monitor ends after a complete pass: whatever it acknowledged is on the disks. It may be waiting for a disk, so
 * it is waited for in the manager's rounds. Arrays stay as they are, as they would after a crash; the
 * successor finds out what each needs.
 */
static bool hand_over(struct manager *mgr)
{
	pid_t pid = mgr->successor ? msg_server_peer(mgr->server, mgr->successor) : 0;

	if (!mgr->monitor_stopping && !is_idle(mgr) && clock_now_ns() < mgr->hand_over_by_ns)
		return false;
	if (!mgr->monitor_stopping)
		handoff_stop_monitor();
	mgr->monitor_stopping = true;
	if (!handoff_monitor_ended())
		return false;
	monitor_stop();
	manager_take_handled(mgr);
	if (mgr->successor && !msg_server_hand_over(mgr->server, mgr->successor)) {
		go_on(mgr);
		return false;
	}
	log_handover(mgr, pid);
	return true;
}

/* ---- in each round ---- */

enum manager_end end_check(struct manager *mgr)
{
	if (mgr->handing_over)
		return hand_over(mgr) ? MANAGER_HANDED_OVER : MANAGER_GOES_ON;
	if (!leave(mgr))
		return MANAGER_GOES_ON;
	return handoff_draining() ? MANAGER_DRAINED : MANAGER_NO_ARRAYS;
}
