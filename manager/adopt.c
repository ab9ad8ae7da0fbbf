/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking on a member array: opening its attributes, building what the monitor gets, and
 * the duplicates by which it is changed later.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "managemon.h"
#include "md/members.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define ADOPT_RETRY_MS 200

/* The safe mode delay that mdadm set is kept if it is sane. */
#define SAFE_DELAY_MIN_MS 50
#define SAFE_DELAY_DEFAULT "5.000"

static const char *const array_attr[6] = {
	"array_state", "sync_action", "sync_completed", "resync_start", "metadata_version", "reshape_position",
};

/* ---- members ---------------------------------------------------------------------- */

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void member_free(struct mdinfo *d)
{
	if (!d)
		return;
	close_fd(d->state_fd);
	close_fd(d->recovery_start_fd);
	close_fd(d->bad_blocks_fd);
	close_fd(d->unacknowledged_fd);
	close_fd(d->acknowledge_fd);
	close_fd(d->manager_fd);
	close_fd(d->remove_fd);
	free(d);
}

/*
 * Opens an attribute for the monitor and reads it once: before that poll says nothing, and the first read
 * of some attributes allocates memory, which the monitor must not wait for.
 */
static int open_for_monitor(int md_dir, const char *path, int flags)
{
	char buf[SYSFS_PAGE + 1];
	int fd = sysfs_open_attr(md_dir, path, flags);

	if (fd >= 0)
		sysfs_read_fd(fd, buf, sizeof(buf));
	return fd;
}

static int open_member_attr(int md_dir, const char *name, const char *attr, int flags)
{
	char path[MEMBER_NAME_MAX + 40];

	snprintf(path, sizeof(path), "%s/%s", name, attr);
	return open_for_monitor(md_dir, path, flags);
}

static int read_data_offset(int md_dir, const char *name, uint64_t *sectors)
{
	char path[MEMBER_NAME_MAX + 16], buf[SYSFS_WORD_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/offset", name);
	n = sysfs_read_attr(md_dir, path, buf, sizeof(buf));
	return n < 0 ? (int)n : sysfs_parse_sectors(buf, sectors);
}

struct mdinfo *member_open(int md_dir, const char *name, dev_t dev, int slot)
{
	struct mdinfo *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->dev = dev;
	d->slot = slot;
	d->meta_slot = -1;
	d->recovery_start = SECTORS_NONE;
	d->state_fd = open_member_attr(md_dir, name, "state", O_RDONLY);
	d->recovery_start_fd = open_member_attr(md_dir, name, "recovery_start", O_RDONLY);
	/* Without these it goes on, but its first bad block costs the member. */
	d->bad_blocks_fd = open_member_attr(md_dir, name, "bad_blocks", O_RDONLY);
	d->unacknowledged_fd = open_member_attr(md_dir, name, "unacknowledged_bad_blocks", O_RDONLY);
	d->acknowledge_fd = open_member_attr(md_dir, name, "bad_blocks", O_RDWR);
	d->manager_fd = open_member_attr(md_dir, name, "state", O_RDWR);
	d->remove_fd = open_member_attr(md_dir, name, "state", O_RDWR);
	/* Metadata may come to name it with its offset: a wrong one would cost its data. */
	if (d->state_fd < 0 || d->recovery_start_fd < 0 || d->manager_fd < 0 || d->remove_fd < 0 ||
	    read_data_offset(md_dir, name, &d->data_offset)) {
		member_free(d);
		errno = ENODEV;
		return NULL;
	}
	return d;
}

/* ---- copies --------------------------------------------------------------------------- */

static struct active_array *copy_alloc(unsigned disks)
{
	struct active_array *a = calloc(1, sizeof(*a) + disks * sizeof(a->disks[0]));

	return a;
}

struct active_array *array_duplicate(const struct managed_array *ma, unsigned more)
{
	const struct active_array *old = ma->current;
	struct active_array *a = copy_alloc(old->disk_count + more);

	if (!a)
		return NULL;
	memcpy(a, old, sizeof(*a));
	a->node.next = NULL;
	a->next = NULL;
	a->replaces = ma->current;
	a->discard_error = 0;
	a->disk_count = 0;
	for (unsigned i = 0; i < old->disk_count; i++) {
		if (old->disks[i]->removed)
			continue;
		a->disks[a->disk_count++] = old->disks[i];
		old->disks[i]->refs++;
	}
	return a;
}

void array_publish(struct managed_array *ma, struct active_array *a)
{
	ma->current = a;
	ma->copies++;
	handoff_publish(a);
}

void member_release(struct mdinfo *d)
{
	if (--d->refs == 0)
		member_free(d);
}

void array_release(struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		member_release(a->disks[i]);
	free(a);
}

void array_free(struct managed_array *ma)
{
	for (unsigned i = 0; i < 6; i++)
		close_fd(ma->fds[i]);
	close_fd(ma->md_dir);
	if (ma->with_spares)
		array_release(ma->with_spares);
	free(ma->watch);
	free(ma);
}

/* ---- adoption ----------------------------------------------------------------------------- */

static int read_number(int md_dir, const char *attr, int64_t *n)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t len = sysfs_read_attr(md_dir, attr, buf, sizeof(buf));

	return len < 0 ? (int)len : sysfs_parse_number(buf, n);
}

int array_read_geometry(const struct managed_array *ma, struct active_array *a)
{
	int64_t raid_disks, layout = 0, chunk = 0, kib;
	int err;

	err = read_number(ma->md_dir, "raid_disks", &raid_disks);
	if (!err)
		err = read_number(ma->md_dir, "component_size", &kib);
	if (!err && (raid_disks < 1 || raid_disks > MAX_SLOTS || kib < 0))
		err = -ERANGE;
	if (err)
		return err;
	read_number(ma->md_dir, "layout", &layout);
	read_number(ma->md_dir, "chunk_size", &chunk);
	a->raid_disks = (int)raid_disks;
	a->component_size = (uint64_t)kib * 2;
	a->layout = (int)layout;
	a->chunk = (unsigned)(chunk / 512);
	return 0;
}

static int read_member_index(const struct managed_array *ma, struct metadata_version *v)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_attr(ma->md_dir, "metadata_version", buf, sizeof(buf));

	if (n < 0)
		return (int)n;
	sysfs_parse_metadata_version(buf, v);
	return v->is_member && v->index >= 0 ? 0 : -EINVAL;
}

static int open_array_attrs(struct managed_array *ma, struct active_array *a)
{
	for (unsigned i = 0; i < 6; i++)
		ma->fds[i] = open_for_monitor(ma->md_dir, array_attr[i], i ? O_RDONLY : O_RDWR);
	a->array_state_fd = ma->fds[0];
	a->sync_action_fd = ma->fds[1];
	a->sync_completed_fd = ma->fds[2];
	a->resync_start_fd = ma->fds[3];
	a->metadata_version_fd = ma->fds[4];
	a->reshape_position_fd = ma->fds[5];
	/* reshape_position is a help only; the rest must be there for any level that is monitored. */
	for (unsigned i = 0; i < 5; i++)
		if (ma->fds[i] < 0)
			return ma->fds[i];
	return 0;
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
	container_of(job, struct managed_array, leftover_job)->jobs--;
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
		err = open_array_attrs(ma, a);
	if (!err)
		ma->frozen_by_us = left_frozen(ma, v.blocked);
	return err;
}

static struct managed_array *managed_new(struct manager *mgr, const char *name)
{
	struct managed_array *ma = calloc(1, sizeof(*ma));

	if (!ma)
		return NULL;
	ma->mgr = mgr;
	snprintf(ma->name, sizeof(ma->name), "%s", name);
	memset(ma->fds, -1, sizeof(ma->fds));
	ma->md_dir = sysfs_open_md_dir(name);
	ma->watch = calloc(1, sizeof(*ma->watch));
	if (!ma->watch || ma->md_dir < 0) {
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
	a = copy_alloc((unsigned)count);
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

void array_adopt(struct manager *mgr, const struct mdstat_entry *e, bool again)
{
	struct managed_array *ma = managed_new(mgr, e->name);
	struct active_array *a = NULL;
	int err = -ENOMEM;

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
			worker_submit(&ma->leftover_job);
		}
	} else if (ma && err == -EINVAL) {
		array_refuse(ma, err);
		link_array(ma);
	} else {
		/* On its way in or out. If it stays we get it next time. */
		if (ma)
			array_free(ma);
		mgr->look_again_ns = clock_now_ns() + ADOPT_RETRY_MS * NS_PER_MS;
	}
}
