/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking on a member array: what is there is looked at, opened, and handed to the monitor.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "md/members.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define ADOPT_RETRY_MS 200

/* The safe mode delay that mdadm set is kept if it is sane. */
#define SAFE_DELAY_MIN_MS 50
#define SAFE_DELAY_DEFAULT "5.000"

static int read_member_index(const struct managed_array *ma, struct metadata_version *v)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_attr(ma->md_dir, "metadata_version", buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	sysfs_parse_metadata_version(buf, v);
	return v->is_member && v->index >= 0 ? 0 : -EINVAL;
}

static void remove_leftover(const struct managed_array *ma, const struct sysfs_member *m)
{
	char path[MEMBER_NAME_MAX + 8];
	int err;

	snprintf(path, sizeof(path), "%s/state", m->name);
	err = sysfs_write_attr(ma->md_dir, path, "remove");
	log_event(LOG_LEVEL_INFO, ABOUT("leftover-removed", ma->name, member_disk(m->name)),
		  "%s: %s was left without a slot by an earlier daemon: %s", ma->name, member_disk(m->name),
		  err ? strerror(-err) : "removed");
}

/* A daemon that died had given a disk to md, but no slot yet. Helper thread; mdadm has not blocked the array. */
static void remove_leftovers(struct worker_job *job)
{
	const struct managed_array *ma = container_of(job, struct managed_array, leftover_job);
	struct sysfs_member *list;
	size_t count;

	if (sysfs_list_members(ma->md_dir, &list, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (list[i].slot < 0 && !(list[i].state & MEMBER_FAULTY))
			remove_leftover(ma, &list[i]);
	free(list);
}

static void leftovers_removed(struct worker_job *job)
{
	struct managed_array *ma = container_of(job, struct managed_array, leftover_job);

	ma->jobs--;
	if (ma->refused) /* meanwhile: it could not be forgotten as long as the job was out */
		ma->mgr->look_due = true;
}

/* Members with a slot, and failed ones whose slot is gone already but whose failure may not be recorded. */
static int open_members(struct managed_array *ma, struct active_array *a, const struct sysfs_member *list,
			size_t count, bool blocked)
{
	for (size_t i = 0; i < count; i++) {
		const struct sysfs_member *m = &list[i];
		struct mdinfo *d;

		if (m->slot < 0 && !(m->state & MEMBER_FAULTY)) {
			ma->leftovers |= !blocked;
			continue;
		}
		d = member_open(ma->md_dir, m->name, m->dev, m->slot);
		if (!d)
			return -errno;
		d->refs = 1;
		a->disks[a->disk_count++] = d;
	}
	return 0;
}

static void keep_safe_mode_delay(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];
	unsigned ms = 0;

	if (sysfs_read_attr(ma->md_dir, "safe_mode_delay", buf, sizeof(buf)) >= 0)
		sysfs_parse_delay_ms(buf, &ms);
	if (ms < SAFE_DELAY_MIN_MS)
		sysfs_write_attr(ma->md_dir, "safe_mode_delay", SAFE_DELAY_DEFAULT);
}

/* `frozen` without the '-' prefix: a daemon died while it put a spare in. */
static bool left_frozen(const struct managed_array *ma, bool blocked)
{
	char buf[SYSFS_WORD_MAX];

	if (blocked || sysfs_read_attr(ma->md_dir, "sync_action", buf, sizeof(buf)) < 0)
		return false;
	return sysfs_parse_sync_action(buf) == SYNC_FROZEN;
}

static int fill_array(struct managed_array *ma, struct active_array *a, const struct sysfs_member *list,
		      size_t count)
{
	struct metadata_version v;
	int err = read_member_index(ma, &v);

	if (err)
		return err;
	a->member = v.index;
	err = array_read_geometry(ma, a);
	if (!err)
		err = open_members(ma, a, list, count, v.blocked);
	if (!err)
		err = array_open_attrs(ma, a);
	if (!err)
		ma->frozen_by_us = left_frozen(ma, v.blocked);
	return err;
}

static struct managed_array *managed_new(struct manager *mgr, const char *name, int *err)
{
	struct managed_array *ma = calloc(1, sizeof(*ma));

	*err = -ENOMEM;
	if (!ma)
		return NULL;
	ma->mgr = mgr;
	snprintf(ma->name, sizeof(ma->name), "%s", name);
	memset(ma->fds, -1, sizeof(ma->fds));
	ma->md_dir = sysfs_open_md_dir(name);
	ma->watch = calloc(1, sizeof(*ma->watch));
	if (!ma->watch || ma->md_dir < 0) {
		*err = ma->watch ? ma->md_dir : -ENOMEM;
		array_free(ma);
		return NULL;
	}
	ma->watch->resync_start = SECTORS_NONE;
	return ma;
}

static struct active_array *build_array(struct managed_array *ma, int level, int *err)
{
	struct sysfs_member *list = NULL;
	struct active_array *a = NULL;
	size_t count = 0;

	*err = sysfs_list_members(ma->md_dir, &list, &count);
	if (*err)
		return NULL;
	a = array_copy_alloc((unsigned)count);
	if (a) {
		snprintf(a->name, sizeof(a->name), "%s", ma->name);
		a->container = ma->mgr->st;
		a->watch = ma->watch;
		a->managed = ma;
		a->level = level;
		*err = fill_array(ma, a, list, count);
	} else {
		*err = -ENOMEM;
	}
	free(list);
	if (*err && a) {
		array_release(a);
		a = NULL;
	}
	return a;
}

void array_refuse(struct managed_array *ma, int error)
{
	if (!ma->complained && error != -EBUSY)
		log_event(LOG_LEVEL_ERROR, ABOUT("array-refused", ma->name, NULL),
			  "%s: %s has no such volume (%s); not monitored", ma->name, ma->mgr->st->container,
			  strerror(-error));
	ma->refused = true;
	ma->complained = true;
}

static void link_array(struct managed_array *ma)
{
	ma->next = ma->mgr->arrays;
	ma->mgr->arrays = ma;
}

static bool is_among(const struct unserved *u, const char *name)
{
	for (unsigned i = 0; i < u->count; i++)
		if (strcmp(u->name[i], name) == 0)
			return true;
	return false;
}

/* Said once; what happens to the rest of the container is not its fault. */
static void cannot_serve(struct manager *mgr, const char *name, int err)
{
	struct unserved *u = &mgr->unserved;

	if (!is_among(&mgr->unserved_before, name))
		log_event(LOG_LEVEL_ERROR, ABOUT("array-unserved", name, NULL),
			  "%s: cannot be served: %s; its writes wait", name, strerror(-err));
	if (u->count < UNSERVED_MAX)
		snprintf(u->name[u->count++], MD_NAME_MAX, "%s", name);
}

void array_adopt(struct manager *mgr, const struct mdstat_entry *e, bool again)
{
	int err;
	struct managed_array *ma = managed_new(mgr, e->name, &err);
	struct active_array *a = NULL;

	if (ma) {
		ma->complained = again;
		a = build_array(ma, sysfs_parse_level(e->level), &err);
	}
	if (a) {
		keep_safe_mode_delay(ma);
		link_array(ma);
		if (!again)
			log_event(LOG_LEVEL_INFO, ABOUT("array-adopted", ma->name, NULL),
				  "%s: serving volume %d of %s (%s, %d disks)", ma->name, a->member,
				  mgr->st->container, e->level, a->raid_disks);
		array_publish(ma, a);
		if (ma->leftovers) {
			ma->leftover_job = (struct worker_job){ .run = remove_leftovers, .done = leftovers_removed };
			ma->jobs++;
			worker_submit(&ma->lane, &ma->leftover_job);
		}
	} else if (ma && err == -EINVAL) {
		array_refuse(ma, err);
		link_array(ma);
	} else {
		if (ma)
			array_free(ma);
		if (array_is_shortage(err))
			cannot_serve(mgr, e->name, err);
		else /* On its way in or out. If it stays we get it next time. */
			mgr->look_again_ns = clock_now_ns() + ADOPT_RETRY_MS * NS_PER_MS;
	}
}
