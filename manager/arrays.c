/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of arrays: what /proc/mdstat says of them, and what is done for each of them in a round.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "threads/handoff.h"

/* ---- mdstat ---- */

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
		if (ma->refused && !ma->copies && !ma->jobs && !mdstat_find(m, ma->name))
			unlink_array(mgr, ma);
	}
}

/* Those that cannot be taken on for want of something are tried again after pauses that grow to this. */
#define ADOPT_RETRY_MAX_MS 5000

static void look_at_entry(struct manager *mgr, const struct mdstat_entry *e)
{
	struct managed_array *ma = find_array(mgr, e->name);
	bool again = ma && ma->refused && !ma->copies;

	if (!e->running)
		return;
	if (again && ma->jobs)
		return; /* the helper thread has it still; when it comes back we look again */
	if (again) {
		unlink_array(mgr, ma);
		ma = NULL;
	}
	if (ma) {
		retry_now(&ma->retry); /* something has changed: what failed may work now */
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
	mgr->unserved_before = mgr->unserved;
	mgr->unserved.count = 0;
	if (mdstat_find(&m, mgr->st->container))
		manager_look_at_disks(mgr);
	forget_refused(mgr, &m);
	for (size_t i = 0; i < m.count; i++)
		if (mdstat_is_member_of(&m.entry[i], mgr->st->container))
			look_at_entry(mgr, &m.entry[i]);
	mdstat_free(&m);
	if (!mgr->unserved.count) {
		mgr->adopt_retry = (struct retry){ 0 };
		return;
	}
	retry_later(&mgr->adopt_retry, LOOK_RETRY_MS, ADOPT_RETRY_MAX_MS);
	if (!mgr->look_again_ns)
		mgr->look_again_ns = mgr->adopt_retry.at_ns;
}

/* ---- work ---- */

void manager_take_discarded(void)
{
	struct active_array *a, *next;

	for (a = handoff_take_discarded(); a; a = next) {
		next = handoff_next_array(a);
		array_discarded(a);
	}
}

static bool array_is_over(struct managed_array *ma)
{
	bool waits = ma->spare_step == SPARE_IDLE || ma->spare_step == SPARE_TAKING_OUT;

	return !ma->copies && waits && !ma->jobs && !ma->refused && !array_is_clearing(ma);
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
		retry_now(&ma->retry);
}

void manager_work_on_arrays(struct manager *mgr)
{
	/* Writers wait for what is taken here: first, for all arrays. */
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_take_requests(ma);
	for (struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		array_work(ma, clock_now_ns());
	free_ended(mgr);
}

/* ---- questions ---- */

bool manager_is_half_done(const struct manager *mgr)
{
	uint64_t now = clock_now_ns();

	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (ma->spare_step >= SPARE_INSERTING || ma->clearing_until_ns || now < ma->members_until_ns)
			return true;
	return false;
}

bool manager_has_no_arrays(const struct manager *mgr)
{
	for (const struct managed_array *ma = mgr->arrays; ma; ma = ma->next)
		if (!ma->refused || ma->jobs)
			return false;
	return true;
}
