/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting spares into a degraded array.
 *
 *	spare_check      ask the monitor, who owns the metadata, which disks to take
 *	spares_found     have the helper thread freeze the array and put the disks in
 *	spares_inserted  have the monitor record them
 *	spares_committed the metadata says "rebuilding", durably: swap in the duplicate that
 *	                 knows the new members and let the kernel rebuild
 *
 * The array is frozen in between, so that the kernel does not give a disk a slot, or start to
 * rebuild, before the metadata says so. A daemon that dies on the way leaves the array frozen
 * without the '-' prefix; the next one finds the disks in place and goes on (pick.in_array).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "metadata/disk.h"
#include "sysfs.h"
#include "threads/handoff.h"

/* Between attempts that fail. The first failure is logged. */
#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 5000
#define OPEN_TRIES 3

static struct metadata_update *spare_update(struct managed_array *ma, enum update_op op,
					    void (*done)(struct manager *mgr, struct metadata_update *u))
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->op = op;
	u->done = done;
	u->spares = &ma->spares;
	u->owner = ma;
	return u;
}

static void thaw(struct managed_array *ma)
{
	if (ma->frozen_by_us)
		sysfs_write_attr(ma->md_dir, "sync_action", "idle");
	ma->frozen_by_us = false;
}

/* What the metadata say of the disk. md takes it only when external_bbl is set. */
static int write_bad_ranges(const struct managed_array *ma, int member_dir, dev_t dev)
{
	int fd = sysfs_open_attr(member_dir, "bad_blocks", O_WRONLY), err = 0;

	if (fd < 0)
		return fd;
	for (unsigned i = 0; i < ma->spares.bad_count && !err; i++)
		if (ma->spares.bad[i].dev == dev)
			err = sysfs_write_bad_range(fd, &ma->spares.bad[i].range);
	close(fd);
	return err;
}

/* `offset` before `size`: the kernel insists. */
static int configure_member(const struct managed_array *ma, int member_dir, const struct spare_pick *p)
{
	int err = sysfs_write_attr_u64(member_dir, "offset", p->data_offset);

	if (!err)
		err = sysfs_write_attr_u64(member_dir, "size", (p->component_size + 1) / 2);
	if (!err && p->ppl_size)
		err = sysfs_write_attr_u64(member_dir, "ppl_sector", p->ppl_sector);
	if (!err && p->ppl_size)
		err = sysfs_write_attr_u64(member_dir, "ppl_size", p->ppl_size);
	if (!err)
		err = sysfs_write_attr_u64(member_dir, "slot", (uint64_t)p->slot);
	if (!err && p->bad_block_log)
		err = sysfs_write_attr(member_dir, "state", "external_bbl");
	if (!err && p->bad_block_log && ma->spares.bad_count)
		err = write_bad_ranges(ma, member_dir, p->dev);
	return err;
}

/* The header comes last: without it there is no bitmap. */
static int write_bitmap(const struct disk *d, const struct spare_pick *p)
{
	uint64_t at = p->bitmap_sector * 512;
	uint8_t block[SPARE_BITMAP_BLOCK] = { 0 };
	uint8_t *ones = malloc(p->bitmap_size);
	int err = -ENOMEM;

	if (ones) {
		memset(ones, 0xff, p->bitmap_size);
		err = disk_write(d, block, sizeof(block), at);
	}
	if (!err)
		err = disk_write(d, ones, p->bitmap_size, at + sizeof(block));
	memcpy(block, p->bitmap_header, sizeof(p->bitmap_header));
	if (!err)
		err = disk_write(d, block, sizeof(block), at);
	free(ones);
	return err;
}

/* Through a descriptor of its own: the handler's belongs to the monitor. */
static int prepare_bitmap(const struct managed_array *ma, const struct spare_pick *p)
{
	struct disk *d;
	int err;

	if (!p->bitmap_size)
		return 0;
	d = disk_open(p->dev);
	err = d ? write_bitmap(d, p) : -errno;
	disk_close(d);
	if (err && !ma->spare_complained)
		log_error("%s: cannot write a bitmap to spare %u:%u: %s", ma->name, major(p->dev), minor(p->dev),
			  strerror(-err));
	return err;
}

/* The name of its directory in md: "cciss/c0d0" below /dev is "dev-cciss!c0d0" there. */
static int member_name(dev_t dev, char name[MEMBER_NAME_MAX])
{
	size_t prefix = strlen(MEMBER_PREFIX);
	int err;

	strcpy(name, MEMBER_PREFIX);
	err = sysfs_block_name(dev, name + prefix, MEMBER_NAME_MAX - prefix);
	for (char *c = name; *c; c++)
		if (*c == '/')
			*c = '!';
	return err;
}

/* Gives the disk to md. 0 or -errno. */
static int bind_disk(const struct managed_array *ma, dev_t dev, char name[MEMBER_NAME_MAX])
{
	int err = member_name(dev, name);
	char number[32];

	snprintf(number, sizeof(number), "%u:%u", major(dev), minor(dev));
	if (!err)
		err = sysfs_write_attr(ma->md_dir, "new_dev", number);
	if (err && !ma->spare_complained)
		log_error("%s: cannot add %s as a spare: %s", ma->name, number, strerror(-err));
	return err;
}

/* With a slot md lets go of it only when it has failed: it could be rebuilt (kernel-md.md 6.3). */
static void throw_out(int member_dir)
{
	if (sysfs_write_attr(member_dir, "state", "remove") != -EBUSY)
		return;
	sysfs_write_attr(member_dir, "state", "faulty");
	sysfs_write_attr(member_dir, "state", "-blocked");
	sysfs_write_attr(member_dir, "state", "remove");
}

/* *err: why it is NULL. */
static struct mdinfo *set_up_member(const struct managed_array *ma, const char *name, int member_dir,
				    const struct spare_pick *p, int *err)
{
	struct mdinfo *d = NULL;

	*err = configure_member(ma, member_dir, p);
	if (!*err) {
		d = member_open_in(member_dir, name, p->dev, p->slot);
		*err = d ? 0 : -errno;
	}
	if (!d)
		throw_out(member_dir);
	return d;
}

/*
 * The directory of a disk that md has just been given. Without it the disk can neither be set up nor taken out, and md would use
 * it as it is, from sector 0, when the array is thawed: a descriptor was put by for it, and an error that passes is waited out.
 */
static int open_bound(const struct managed_array *ma, const char *name)
{
	char state[MEMBER_NAME_MAX + sizeof("/state")];
	int dir = -1;

	for (unsigned n = 0; n < OPEN_TRIES && dir < 0; n++)
		dir = sysfs_open_attr(ma->md_dir, name, O_PATH | O_DIRECTORY);
	if (dir < 0) {
		snprintf(state, sizeof(state), "%s/state", name);
		sysfs_write_attr(ma->md_dir, state, "remove");
	}
	return dir;
}

/*
 * Puts the disk into md and opens it for the monitor. NULL: md has it no more. All is written through one directory: a
 * client (mdadm -I) may take the disk out and bind it once more meanwhile, under the same name, and half of the one
 * and half of the other would be a member that begins at sector 0, in the middle of another volume (mdmon.md 10.3).
 */
static struct mdinfo *insert_member(const struct managed_array *ma, const struct spare_pick *p)
{
	char name[MEMBER_NAME_MAX];
	struct mdinfo *d = NULL;
	int err, member_dir, put_by;

	if (prepare_bitmap(ma, p))
		return NULL;
	put_by = dup(ma->md_dir);
	if (put_by < 0 || bind_disk(ma, p->dev, name)) {
		if (put_by >= 0)
			close(put_by);
		return NULL;
	}
	close(put_by);
	err = member_dir = open_bound(ma, name);
	if (member_dir >= 0) {
		d = set_up_member(ma, name, member_dir, p, &err);
		close(member_dir);
	}
	if (!d && !ma->spare_complained)
		log_error("%s: cannot set up spare %s: %s", ma->name, member_disk(name), strerror(-err));
	return d;
}

static void finish_bad_ranges(const struct managed_array *ma, const char *name, dev_t dev)
{
	int member_dir = sysfs_open_attr(ma->md_dir, name, O_PATH | O_DIRECTORY);

	if (member_dir < 0)
		return;
	write_bad_ranges(ma, member_dir, dev);
	close(member_dir);
}

/* A daemon that died gave it its slot; the last step may be missing. */
static void finish_setup(const struct managed_array *ma, const struct spare_pick *p)
{
	for (unsigned i = 0; p->bad_block_log && i < ma->with_spares->disk_count; i++) {
		const struct mdinfo *d = ma->with_spares->disks[i];

		if (d->dev != p->dev)
			continue;
		sysfs_write_fd(d->remove_fd, "external_bbl");
		finish_bad_ranges(ma, d->name, p->dev);
	}
}

/* Fills `a` with the picks and forgets those that md would not take. */
static void insert_picks(struct managed_array *ma, struct active_array *a)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < ma->spares.count; i++) {
		const struct spare_pick *p = &ma->spares.pick[i];

		if (p->in_array) {
			finish_setup(ma, p);
		} else {
			struct mdinfo *d = insert_member(ma, p);

			if (!d)
				continue;
			d->refs = 1;
			a->disks[a->disk_count++] = d;
		}
		ma->spares.pick[kept++] = *p;
	}
	ma->spares.count = kept;
}

static void ask_again(struct managed_array *ma)
{
	ma->wants |= ARRAY_WANT_SPARE_CHECK;
	retry_later(&ma->spare_retry, RETRY_MIN_MS, RETRY_MAX_MS);
}

/* Somebody may have had the disk open for a moment: try again, less and less often. */
static void try_later(struct managed_array *ma)
{
	if (ma->with_spares)
		array_release(ma->with_spares);
	ma->with_spares = NULL;
	ma->spare_step = SPARE_IDLE;
	ma->spare_complained = true;
	thaw(ma);
	ask_again(ma);
}

/*
 * Helper thread. As long as md could rebuild it, it lets go only of a failed member. Writes may wait for that one, inside
 * the array, and "remove" waits for them: first "-blocked" (kernel-md.md 6.3).
 */
static void take_out_spares(struct worker_job *job)
{
	struct managed_array *ma = container_of(job, struct managed_array, spare_job);
	struct active_array *a = ma->with_spares;
	unsigned left = ma->first_spare;

	for (unsigned i = left; i < a->disk_count; i++) {
		struct mdinfo *d = a->disks[i];
		int err;

		sysfs_write_fd(d->remove_fd, "faulty");
		sysfs_write_fd(d->remove_fd, "-blocked");
		err = sysfs_write_fd(d->remove_fd, "remove");
		if (!err || err == -ENODEV)
			member_release(d);
		else
			a->disks[left++] = d;
	}
	a->disk_count = left;
}

static void spares_taken_out(struct worker_job *job)
{
	struct managed_array *ma = container_of(job, struct managed_array, spare_job);

	ma->jobs--;
	if (ma->copies && ma->with_spares->disk_count > ma->first_spare)
		ask_again(ma); /* md still has them: once more, before anything else */
	else
		try_later(ma);
}

static void start_job(struct managed_array *ma, enum spare_step step, void (*run)(struct worker_job *),
		      void (*done)(struct worker_job *))
{
	ma->spare_step = step;
	ma->spare_job = (struct worker_job){ .run = run, .done = done };
	ma->jobs++;
	worker_submit(&ma->lane, &ma->spare_job);
}

static void take_out(struct managed_array *ma)
{
	start_job(ma, SPARE_TAKING_OUT, take_out_spares, spares_taken_out);
}

/* Helper thread: putting a disk into md may wait for the array's I/O. */
static void insert_spares(struct worker_job *job)
{
	struct managed_array *ma = container_of(job, struct managed_array, spare_job);

	if (sysfs_write_attr(ma->md_dir, "sync_action", "frozen"))
		ma->spares.count = 0;
	else
		insert_picks(ma, ma->with_spares);
}

static void start_rebuild(struct managed_array *ma)
{
	int err;

	/* "recover" would thaw what mdadm has frozen in the meantime; its own "idle" starts the rebuild then. */
	if (array_is_blocked(ma)) {
		ma->frozen_by_us = false;
		return;
	}
	err = sysfs_write_attr(ma->md_dir, "sync_action", "recover");
	if (err && err != -EBUSY)
		log_error("%s: cannot start the rebuild: %s", ma->name, strerror(-err));
	else
		ma->frozen_by_us = false;
	thaw(ma);
}

static void log_activation(const struct managed_array *ma, const struct spare_pick *p)
{
	char disk[LOG_NAME_MAX];

	sysfs_name_or_number(p->dev, disk, sizeof(disk));
	log_event(LOG_LEVEL_INFO, ABOUT("spare-activated", ma->name, disk), "%s: spare %s takes slot %d and is rebuilt",
		  ma->name, disk, p->slot);
}

/* The handler has said why, and about which disk if there are several. */
static void log_refusal(const struct managed_array *ma, const struct spare_pick *p, int error)
{
	char disk[LOG_NAME_MAX];

	sysfs_name_or_number(p->dev, disk, sizeof(disk));
	log_event(LOG_LEVEL_ERROR, ABOUT("spare-refused", ma->name, disk), "%s: spare %s could not be recorded: %s",
		  ma->name, disk, strerror(error));
}

static void spares_committed(struct manager *mgr, struct metadata_update *u)
{
	struct managed_array *ma = u->owner;
	struct active_array *a = ma->with_spares;

	(void)mgr;
	if (!ma->copies) { /* the array has ended meanwhile */
		array_release(a);
		ma->with_spares = NULL;
		ma->spare_step = SPARE_IDLE;
		return;
	}
	if (u->status) {
		log_refusal(ma, &ma->spares.pick[0], -u->status);
		take_out(ma);
		return;
	}
	for (unsigned i = 0; i < ma->spares.count; i++)
		log_activation(ma, &ma->spares.pick[i]);
	ma->with_spares = NULL;
	ma->spare_step = SPARE_IDLE;
	array_publish(ma, a);
	/*
	 * No disk takes the metadata just now. Those in memory name the spare already, so the monitor's next answer is
	 * that there is nothing to choose. It counts when it is durable: then the array is thawed, and md rebuilds it.
	 */
	if (!u->durable) {
		ask_again(ma);
		return;
	}
	ma->spare_retry.pause_ms = 0;
	ma->spare_complained = false;
	start_rebuild(ma);
}

static void spares_inserted(struct worker_job *job)
{
	struct managed_array *ma = container_of(job, struct managed_array, spare_job);
	struct metadata_update *u;

	ma->jobs--;
	if (!ma->copies || !ma->spares.count) {
		try_later(ma);
		return;
	}
	u = spare_update(ma, UPDATE_COMMIT_SPARES, spares_committed);
	if (!u) {
		take_out(ma);
		return;
	}
	ma->spare_step = SPARE_COMMITTING;
	manager_queue_update(ma->mgr, u);
}

static void spares_found(struct manager *mgr, struct metadata_update *u)
{
	struct managed_array *ma = u->owner;

	(void)mgr;
	ma->spare_step = SPARE_IDLE;
	if (!ma->copies)
		return;
	if (!u->durable) {
		ask_again(ma);
		return;
	}
	if (!ma->spares.count) {
		ma->spare_retry.pause_ms = 0;
		ma->spare_complained = false;
		thaw(ma);
		return;
	}
	/* mdadm may have frozen it, or another copy may be on its way: later. */
	if (ma->copies != 1 || handoff_draining() || array_is_busy(ma)) {
		ma->wants |= ARRAY_WANT_SPARE_CHECK;
		return;
	}
	ma->with_spares = array_duplicate(ma, ma->spares.count);
	if (!ma->with_spares) {
		try_later(ma);
		return;
	}
	ma->first_spare = ma->with_spares->disk_count;
	ma->frozen_by_us = true;
	start_job(ma, SPARE_INSERTING, insert_spares, spares_inserted);
}

/*
 * Between the choice and its record nobody else knows that the disk is taken: two arrays would put the same place on
 * the same disk to use.
 */
static bool another_is_choosing(const struct managed_array *ma)
{
	for (const struct managed_array *other = ma->mgr->arrays; other; other = other->next)
		if (other != ma && other->spare_step != SPARE_IDLE)
			return true;
	return false;
}

void spare_check(struct managed_array *ma)
{
	struct metadata_update *u;

	if (ma->spare_retry.at_ns || another_is_choosing(ma))
		return;
	if (ma->spare_step == SPARE_TAKING_OUT && !ma->jobs) {
		take_out(ma);
		return;
	}
	if (ma->spare_step != SPARE_IDLE || ma->jobs || ma->copies != 1 || handoff_draining() || array_is_busy(ma))
		return; /* the wish stays; somebody wakes us when that has passed */
	/* The monitor has to see all members, or it takes a disk that is in the array for a spare. */
	if (array_pick_up_members(ma) > 0)
		return;
	u = spare_update(ma, UPDATE_FIND_SPARES, spares_found);
	if (!u)
		return;
	ma->wants &= ~(unsigned)ARRAY_WANT_SPARE_CHECK;
	ma->spares.watch = ma->watch;
	ma->spares.member = ma->current->member;
	ma->spares.count = 0;
	ma->spare_step = SPARE_FINDING;
	manager_queue_update(ma->mgr, u);
}
