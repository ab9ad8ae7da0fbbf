/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor gets of an array: the files of the array and of its members, opened, and the copies by which a
 * published array is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manager/manager.h"
#include "md/members.h"
#include "sysfs.h"
#include "threads/handoff.h"

static const struct {
	const char *name;
	int flags;
	bool optional; /* a help only; the rest must be there for any level that is monitored */
} array_file[ARRAY_FILES] = {
	[FILE_ARRAY_STATE] = { "array_state", O_RDWR, false },
	[FILE_SYNC_ACTION] = { "sync_action", O_RDONLY, false },
	[FILE_SYNC_COMPLETED] = { "sync_completed", O_RDONLY, false },
	[FILE_RESYNC_START] = { "resync_start", O_RDONLY, false },
	[FILE_METADATA_VERSION] = { "metadata_version", O_RDONLY, false },
	[FILE_RESHAPE_POSITION] = { "reshape_position", O_RDONLY, true },
};

/* ---- members ---- */

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
static int open_for_monitor(int dir, const char *attr, int flags)
{
	char buf[SYSFS_PAGE + 1];
	int fd = sysfs_open_attr(dir, attr, flags);

	if (fd >= 0)
		sysfs_read_fd(fd, buf, sizeof(buf));
	return fd;
}

static int read_data_offset(int member_dir, uint64_t *sectors)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_attr(member_dir, "offset", buf, sizeof(buf));

	return n < 0 ? (int)n : sysfs_parse_sectors(buf, sectors);
}

bool array_is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

/*
 * What a member cannot be served without: -errno if that could not be opened. Its bad blocks need not be there, but that there
 * was no room for them does not mean that they are not.
 */
static int member_error(const struct mdinfo *d, int offset_error)
{
	const int fds[] = { d->state_fd, d->recovery_start_fd, d->manager_fd, d->remove_fd, d->bad_blocks_fd,
			    d->unacknowledged_fd, d->acknowledge_fd };

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (array_is_shortage(fds[i]))
			return fds[i];
	if (array_is_shortage(offset_error))
		return offset_error;
	/* Metadata may come to name it with its offset: a wrong one would cost its data. */
	return d->state_fd < 0 || d->recovery_start_fd < 0 || d->manager_fd < 0 || d->remove_fd < 0 || offset_error ? -ENODEV : 0;
}

struct mdinfo *member_open_in(int member_dir, const char *name, dev_t dev, int slot)
{
	struct mdinfo *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return NULL;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->dev = dev;
	d->slot = slot;
	d->meta_slot = -1;
	d->recovery_start = SECTORS_NONE;
	d->state_fd = open_for_monitor(member_dir, "state", O_RDONLY);
	d->recovery_start_fd = open_for_monitor(member_dir, "recovery_start", O_RDONLY);
	/* Without these it goes on, but its first bad block costs the member. */
	d->bad_blocks_fd = open_for_monitor(member_dir, "bad_blocks", O_RDONLY);
	d->unacknowledged_fd = open_for_monitor(member_dir, "unacknowledged_bad_blocks", O_RDONLY);
	d->acknowledge_fd = open_for_monitor(member_dir, "bad_blocks", O_RDWR);
	d->manager_fd = open_for_monitor(member_dir, "state", O_RDWR);
	d->remove_fd = open_for_monitor(member_dir, "state", O_RDWR);
	err = member_error(d, read_data_offset(member_dir, &d->data_offset));
	if (err) {
		member_free(d);
		errno = -err;
		return NULL;
	}
	return d;
}

struct mdinfo *member_open(int md_dir, const char *name, dev_t dev, int slot)
{
	int member_dir = sysfs_open_attr(md_dir, name, O_PATH | O_DIRECTORY), err;
	struct mdinfo *d;

	if (member_dir < 0) {
		errno = -member_dir;
		return NULL;
	}
	d = member_open_in(member_dir, name, dev, slot);
	err = errno;
	close(member_dir);
	errno = err;
	return d;
}

void member_release(struct mdinfo *d)
{
	if (--d->refs == 0)
		member_free(d);
}

/* ---- copies ---- */

struct active_array *array_copy_alloc(unsigned disks)
{
	struct active_array *a = calloc(1, sizeof(*a) + disks * sizeof(a->disks[0]));

	return a;
}

struct active_array *array_duplicate(const struct managed_array *ma, unsigned more)
{
	const struct active_array *old = ma->current;
	struct active_array *a = array_copy_alloc(old->disk_count + more);

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

void array_release(struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		member_release(a->disks[i]);
	free(a);
}

bool array_may_replace(const struct managed_array *ma)
{
	return ma->copies == 1 && ma->spare_step == SPARE_IDLE;
}

/* ---- the array ---- */

int array_open_attrs(struct managed_array *ma, struct active_array *a)
{
	int err = 0;

	for (unsigned i = 0; i < ARRAY_FILES; i++) {
		ma->fds[i] = open_for_monitor(ma->md_dir, array_file[i].name, array_file[i].flags);
		if (ma->fds[i] < 0 && (!array_file[i].optional || array_is_shortage(ma->fds[i])) && !err)
			err = ma->fds[i];
	}
	a->array_state_fd = ma->fds[FILE_ARRAY_STATE];
	a->sync_action_fd = ma->fds[FILE_SYNC_ACTION];
	a->sync_completed_fd = ma->fds[FILE_SYNC_COMPLETED];
	a->resync_start_fd = ma->fds[FILE_RESYNC_START];
	a->metadata_version_fd = ma->fds[FILE_METADATA_VERSION];
	a->reshape_position_fd = ma->fds[FILE_RESHAPE_POSITION];
	return err;
}

void array_free(struct managed_array *ma)
{
	for (unsigned i = 0; i < ARRAY_FILES; i++)
		close_fd(ma->fds[i]);
	close_fd(ma->md_dir);
	if (ma->with_spares)
		array_release(ma->with_spares);
	free(ma->watch);
	free(ma);
}

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

bool array_is_blocked(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;

	if (sysfs_read_attr(ma->md_dir, "metadata_version", buf, sizeof(buf)) < 0)
		return true;
	sysfs_parse_metadata_version(buf, &v);
	return v.blocked;
}

bool array_is_busy(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];
	enum sync_action action;

	if (array_is_blocked(ma) || sysfs_read_attr(ma->md_dir, "sync_action", buf, sizeof(buf)) < 0)
		return true;
	action = sysfs_parse_sync_action(buf);
	return action != SYNC_IDLE && !(action == SYNC_FROZEN && ma->frozen_by_us);
}

/* ---- members that md has got ---- */

static bool known_member(const struct managed_array *ma, const struct sysfs_member *m)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++)
		if (ma->current->disks[i]->dev == m->dev || strcmp(ma->current->disks[i]->name, m->name) == 0)
			return true;
	return false;
}

static void open_unknown(const struct managed_array *ma, struct active_array *a, const struct sysfs_member *list,
			 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct mdinfo *d;

		if (list[i].slot < 0 || !list[i].dev || known_member(ma, &list[i]))
			continue;
		d = member_open(ma->md_dir, list[i].name, list[i].dev, list[i].slot);
		if (!d)
			continue;
		d->refs = 1;
		a->disks[a->disk_count++] = d;
	}
}

int array_pick_up_members(struct managed_array *ma)
{
	struct sysfs_member *list;
	struct active_array *a;
	size_t count;
	int err;

	if (!array_may_replace(ma))
		return -EAGAIN;
	err = sysfs_list_members(ma->md_dir, &list, &count);
	if (err)
		return err;
	a = array_duplicate(ma, (unsigned)count);
	if (a)
		open_unknown(ma, a, list, count);
	free(list);
	if (!a)
		return -ENOMEM;
	if (a->disk_count == ma->current->disk_count) {
		array_release(a);
		return 0;
	}
	array_publish(ma, a);
	return 1;
}
