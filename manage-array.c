/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one member array, as the manager sees it: adoption, duplicates,
 * what the monitor asks for, and the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handoff.h"
#include "log.h"
#include "managemon.h"
#include "sysfs.h"

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define ADOPT_RETRY_MS 200
#define CLEAR_LIMIT_MS 2000
#define CLEAR_LOOK_MS 5
#define NS_PER_MS 1000000ull

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
	close_fd(d->unack_bb_fd);
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
	char buf[SYSFS_PAGE];
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
	d->unack_bb_fd = open_member_attr(md_dir, name, "unacknowledged_bad_blocks", O_RDONLY);
	d->manager_fd = open_member_attr(md_dir, name, "state", O_RDWR);
	d->remove_fd = open_member_attr(md_dir, name, "state", O_RDWR);
	if (d->state_fd < 0 || d->recovery_start_fd < 0 || d->manager_fd < 0 || d->remove_fd < 0) {
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

static void member_release(struct mdinfo *d)
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

static int read_geometry(struct managed_array *ma, struct active_array *a)
{
	int64_t raid_disks, layout = 0, kib;
	int err;

	err = read_number(ma->md_dir, "raid_disks", &raid_disks);
	if (!err)
		err = read_number(ma->md_dir, "component_size", &kib);
	if (!err && (raid_disks < 1 || raid_disks > MAX_SLOTS || kib < 0))
		err = -ERANGE;
	if (err)
		return err;
	read_number(ma->md_dir, "layout", &layout);
	a->raid_disks = (int)raid_disks;
	a->component_size = (uint64_t)kib * 2;
	a->layout = (int)layout;
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
	log_info("%s: %s was left without a slot by an earlier daemon: %s", ma->name, m->name + strlen("dev-"),
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
	err = read_geometry(ma, a);
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
	ma->watch->resync_start = ma->watch->prev_resync_start = SECTORS_NONE;
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

static void refuse(struct managed_array *ma, int error)
{
	if (!ma->complained && error != -EBUSY)
		log_error("%s: %s has no such volume (%s); not monitored", ma->name, ma->mgr->st->container,
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
			log_info("%s: volume %d of %s (%s, %d disks)", ma->name, a->member, mgr->st->container,
				 e->level, a->raid_disks);
		array_publish(ma, a);
		if (ma->leftovers) {
			ma->leftover_job = (struct worker_job){ .run = remove_leftovers, .done = leftovers_removed };
			ma->jobs++;
			worker_submit(&ma->leftover_job);
		}
	} else if (ma && err == -EINVAL) {
		refuse(ma, err);
		link_array(ma);
	} else {
		/* On its way in or out. If it stays we get it next time. */
		if (ma)
			array_free(ma);
		mgr->look_again_ns = manager_now_ns() + ADOPT_RETRY_MS * NS_PER_MS;
	}
}

/* ---- changes ------------------------------------------------------------------------------------ */

/* No other copy is on its way, so this one may be replaced. */
static bool may_replace(const struct managed_array *ma)
{
	return ma->copies == 1 && ma->spare_step == SPARE_IDLE;
}

static bool publish_change(struct managed_array *ma, int level, int raid_disks, uint64_t component_size)
{
	struct active_array *a = array_duplicate(ma, 0);

	if (!a)
		return false;
	a->level = level;
	a->raid_disks = raid_disks;
	a->component_size = component_size;
	array_publish(ma, a);
	return true;
}

void array_update(struct managed_array *ma, const struct mdstat_entry *e)
{
	int level = sysfs_parse_level(e->level);
	struct active_array now = { .raid_disks = 0 };

	if (ma->refused || !ma->copies)
		return;
	if (!may_replace(ma)) {
		ma->mgr->look_again_ns = manager_now_ns() + RETRY_MIN_MS * NS_PER_MS;
		return;
	}
	if (level <= 0 && level != LEVEL_UNKNOWN) {
		log_info("%s: is %s now and needs no monitoring", ma->name, e->level);
		publish_change(ma, 0, ma->current->raid_disks, ma->current->component_size);
		return;
	}
	if (read_geometry(ma, &now))
		return; /* it is just going away */
	if (level > 0 && (level != ma->current->level || now.raid_disks != ma->current->raid_disks ||
			  now.component_size != ma->current->component_size))
		publish_change(ma, level, now.raid_disks, now.component_size);
}

bool array_is_frozen(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;
	enum sync_action action;

	if (sysfs_read_attr(ma->md_dir, "metadata_version", buf, sizeof(buf)) < 0)
		return true;
	sysfs_parse_metadata_version(buf, &v);
	if (v.blocked || sysfs_read_attr(ma->md_dir, "sync_action", buf, sizeof(buf)) < 0)
		return true;
	action = sysfs_parse_sync_action(buf);
	return action != SYNC_IDLE && !(action == SYNC_FROZEN && ma->frozen_by_us);
}

/* ---- requests of the monitor ------------------------------------------------------------------------ */

static void complain(struct managed_array *ma, const struct mdinfo *d, const char *word, int err)
{
	if (!ma->complained)
		log_warning("%s: cannot write \"%s\" to the state of %s yet: %s", ma->name, word,
			    d->name + strlen("dev-"), strerror(-err));
	ma->complained = true;
}

/* True if it is done, or needless because the member has gone. */
static bool member_command(struct managed_array *ma, struct mdinfo *d, const char *word)
{
	int err = sysfs_write_fd(d->manager_fd, word);

	if (!err || err == -ENODEV)
		return true;
	complain(ma, d, word, err);
	return false;
}

static void unblock_members(struct managed_array *ma)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++) {
		struct mdinfo *d = ma->current->disks[i];

		d->pending |= handoff_take_member_requests(d);
		if ((d->pending & MEMBER_WANT_BBL_OFF) && member_command(ma, d, "-external_bbl") &&
		    member_command(ma, d, "-blocked"))
			d->pending &= ~(unsigned)MEMBER_WANT_BBL_OFF;
		if ((d->pending & MEMBER_WANT_UNBLOCK) && member_command(ma, d, "-blocked"))
			d->pending &= ~(unsigned)MEMBER_WANT_UNBLOCK;
	}
}

void array_take_requests(struct managed_array *ma)
{
	if (!ma->copies)
		return;
	ma->wants |= handoff_take_array_requests(ma->current);
	if (ma->wants & ARRAY_WANT_MEMBERS)
		unblock_members(ma);
}

/* The kernel refuses this for the last disk that holds the data (EBUSY). That is as it should be. */
static void fail_member(const struct managed_array *ma, struct mdinfo *d)
{
	int err = sysfs_write_fd(d->manager_fd, "faulty");

	d->pending &= ~(unsigned)MEMBER_WANT_FAIL;
	if (!err)
		log_warning("%s: member %s taken as failed, as in another array of the container", ma->name,
			    d->name + strlen("dev-"));
}

static void retry_later(struct managed_array *ma, uint64_t now_ns)
{
	ma->retry_ms = ma->retry_ms ? ma->retry_ms * 2 : RETRY_MIN_MS;
	if (ma->retry_ms > RETRY_MAX_MS)
		ma->retry_ms = RETRY_MAX_MS;
	ma->retry_ns = now_ns + ma->retry_ms * NS_PER_MS;
}

struct removal {
	struct worker_job job;
	struct managed_array *ma;
	struct mdinfo *member;
	int err;
};

/* Helper thread. Through a descriptor of its own: writes to one descriptor wait for each other. */
static void try_removal(struct worker_job *job)
{
	struct removal *r = container_of(job, struct removal, job);

	r->err = sysfs_write_fd(r->member->remove_fd, "remove");
}

static void removal_tried(struct worker_job *job)
{
	struct removal *r = container_of(job, struct removal, job);
	struct mdinfo *d = r->member;

	r->ma->jobs--;
	d->removing = false;
	if (!r->err || r->err == -ENODEV) {
		d->pending = 0;
		d->removed = true;
		log_info("%s: member %s removed from the array", r->ma->name, d->name + strlen("dev-"));
	} else {
		complain(r->ma, d, "remove", r->err);
		retry_later(r->ma, manager_now_ns());
	}
	member_release(d);
	free(r);
}

static void start_removal(struct managed_array *ma, struct mdinfo *d)
{
	struct removal *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	*r = (struct removal){ { .run = try_removal, .done = removal_tried }, ma, d, 0 };
	ma->jobs++;
	d->refs++;
	d->removing = true;
	worker_submit(&r->job);
}

/* Returns whether something did not work; what is merely under way comes back by itself. */
static bool work_on_members(struct managed_array *ma)
{
	bool left = false, failed = false;

	for (unsigned i = 0; i < ma->current->disk_count; i++) {
		struct mdinfo *d = ma->current->disks[i];

		if (d->removed)
			continue;
		if (d->pending & MEMBER_WANT_FAIL)
			fail_member(ma, d);
		if ((d->pending & MEMBER_WANT_REMOVE) && !(d->pending & MEMBER_WANT_UNBLOCK) && !d->removing)
			start_removal(ma, d);
		left |= d->pending != 0;
		failed |= d->pending && !d->removing;
	}
	if (!left)
		ma->wants &= ~(unsigned)ARRAY_WANT_MEMBERS;
	return failed;
}

static bool any_removed(const struct managed_array *ma)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++)
		if (ma->current->disks[i]->removed)
			return true;
	return false;
}

static void drop_removed(struct managed_array *ma)
{
	struct active_array *a;

	if (!any_removed(ma) || !may_replace(ma))
		return;
	a = array_duplicate(ma, 0);
	if (!a)
		return;
	array_publish(ma, a);
	ma->wants |= ARRAY_WANT_SPARE_CHECK;
}

/* The array left "readonly" already, or mdadm wants it so: not our decision any more. */
static bool still_to_start(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;

	if (sysfs_read_attr(ma->md_dir, "array_state", buf, sizeof(buf)) < 0 ||
	    sysfs_parse_array_state(buf) != ARRAY_READONLY)
		return false;
	if (sysfs_read_attr(ma->md_dir, "metadata_version", buf, sizeof(buf)) < 0)
		return false;
	sysfs_parse_metadata_version(buf, &v);
	return !v.blocked;
}

static bool start_array(struct managed_array *ma)
{
	const char *word = ma->wants & ARRAY_WANT_ACTIVE ? "active" : "read-auto";
	int err = 0;

	if (still_to_start(ma))
		err = sysfs_write_attr(ma->md_dir, "array_state", word);
	if (err == -EBUSY || err == -EAGAIN)
		return false;
	if (err && err != -ENODEV)
		log_error("%s: cannot write \"%s\" to array_state: %s", ma->name, word, strerror(-err));
	ma->wants &= ~(unsigned)(ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE);
	return true;
}

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

	if (!may_replace(ma))
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

/* Returns whether it has to be tried again. */
static bool reshape_check(struct managed_array *ma)
{
	if (array_pick_up_members(ma) == -EAGAIN)
		return true;
	ma->wants &= ~(unsigned)ARRAY_WANT_RESHAPE_CHECK;
	return false;
}

void array_work(struct managed_array *ma, uint64_t now_ns)
{
	bool again = false;

	if (ma->spare_retry_ns && now_ns >= ma->spare_retry_ns)
		ma->spare_retry_ns = 0;
	if (!ma->copies || ma->refused || (ma->retry_ns && now_ns < ma->retry_ns))
		return;
	if (ma->wants & (ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE))
		again |= !start_array(ma);
	if (ma->wants & ARRAY_WANT_MEMBERS)
		again |= work_on_members(ma);
	drop_removed(ma);
	if (ma->wants & ARRAY_WANT_RESHAPE_CHECK)
		again |= reshape_check(ma);
	if ((ma->wants & ARRAY_WANT_SPARE_CHECK) && !any_removed(ma) && !(ma->wants & ARRAY_WANT_MEMBERS))
		spare_check(ma);
	if (again) {
		retry_later(ma, now_ns);
		return;
	}
	ma->retry_ns = 0;
	if (ma->wants & ARRAY_WANT_MEMBERS)
		return;
	ma->retry_ms = 0;
	ma->complained = false;
}

/* ---- the end ------------------------------------------------------------------------------------------ */

void array_start_drain(struct managed_array *ma)
{
	if (ma->refused)
		return;
	/* Zero would mean never. */
	sysfs_write_attr(ma->md_dir, "safe_mode_delay", "0.001");
}

/*
 * The monitor recorded that the array has stopped; now the kernel may forget it. The kernel takes the device apart
 * a moment later, and an open at that moment fails with EBUSY: clients that ping us to know that it
 * is over are not answered before.
 */
static void clear_stopped(struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];

	if (sysfs_read_attr(ma->md_dir, "array_state", buf, sizeof(buf)) < 0 ||
	    sysfs_parse_array_state(buf) != ARRAY_INACTIVE)
		return;
	if (sysfs_write_attr(ma->md_dir, "array_state", "clear") == 0)
		ma->clearing_until_ns = manager_now_ns() + CLEAR_LIMIT_MS * NS_PER_MS;
}

static bool device_is_gone(const struct managed_array *ma)
{
	int fd = sysfs_open_md_dir(ma->name);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

bool array_is_clearing(struct managed_array *ma)
{
	uint64_t now = manager_now_ns();

	if (!ma->clearing_until_ns)
		return false;
	if (device_is_gone(ma) || now >= ma->clearing_until_ns) {
		ma->clearing_until_ns = 0;
		ma->retry_ns = 0;
		return false;
	}
	ma->retry_ns = now + CLEAR_LOOK_MS * NS_PER_MS;
	return true;
}

static void array_ended(struct managed_array *ma, int error)
{
	if (error) {
		if (error == -EBUSY)
			ma->mgr->look_again_ns = manager_now_ns() + RETRY_MIN_MS * NS_PER_MS;
		refuse(ma, error);
		return;
	}
	if (!handoff_draining() && ma->watch->seen_running)
		clear_stopped(ma);
	log_info("%s: not monitored any more", ma->name);
}

void array_discarded(struct active_array *a)
{
	struct managed_array *ma = a->managed;
	int error = a->discard_error;

	array_release(a);
	if (--ma->copies)
		return;
	ma->current = NULL;
	ma->retry_ns = 0;
	array_ended(ma, error);
}
