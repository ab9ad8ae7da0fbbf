/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading an IMSM container: having each disk's copy of the metadata read (imsm/read.c) and one chosen
 * (imsm/choose.c), and finding out whether we may work on it.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/refuse.h"

/* ---- may we work on it? ---- */

/* Whoever writes metadata promises the next reader every feature that they name. */
uint32_t imsm_unknown_attributes(const struct imsm_meta *m)
{
	return le32_get(m->header.attributes) & ~IMSM_ATTR_SUPPORTED;
}

/* mdadm writes the record to the disks in the first two slots. */
static bool has_migr_record(const struct imsm_volume *v, const struct imsm_dl *dl)
{
	int slot = dl->index < 0 ? -1 : imsm_slot_of(&v->map[0], (uint32_t)dl->index);

	return slot == 0 || slot == 1;
}

static int read_migr_record(const struct disk *disk, struct imsm_migr_record *r)
{
	uint64_t offset = imsm_migr_record_offset(disk->size, disk->sector_size);
	void *sector = offset ? malloc(disk->sector_size) : NULL;
	int err = -ENOMEM;

	if (sector)
		err = disk_read(disk, sector, disk->sector_size, offset);
	if (!err)
		imsm_decode_migr_record(sector, disk->sector_size, r);
	else
		log_warning("disk %s: its migration record cannot be read: %s", disk->name, strerror(-err));
	free(sector);
	return err;
}

static const struct imsm_volume *migrating_volume(const struct imsm_container *c)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_general_migration(&c->meta.volume[i]))
			return &c->meta.volume[i];
	return NULL;
}

static int check_migration(const struct imsm_volume *v, const struct imsm_migr_record *r, const char **why)
{
	if (imsm_map_pba(&v->map[0]) != imsm_map_pba(&v->map[1]))
		return refuse(why, -EOPNOTSUPP, "a migration moves a volume to another place on its disks");
	if (!le32_get(r->ascending_migr) && le32_get(r->dest_depth_per_unit))
		return refuse(why, -EOPNOTSUPP, "a migration runs from the end of a volume to its start");
	return 0;
}

int imsm_read_migration(struct imsm_container *c, const char **why)
{
	const struct imsm_volume *v = migrating_volume(c);

	memset(&c->migration, 0, sizeof(c->migration));
	if (!v)
		return 0;
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (has_migr_record(v, dl) && !read_migr_record(dl->disk, &c->migration))
			return check_migration(v, &c->migration, why);
	return refuse(why, -EIO,
		      "a migration was interrupted, and no disk that says how far it came can be read");
}

static int check_attributes(const struct imsm_container *c, const char *container)
{
	uint32_t unknown = imsm_unknown_attributes(&c->meta);

	if (!unknown)
		return 0;
	log_error("Cannot load metadata for %s: they need features that are not supported (attributes 0x%x)", container,
		  unknown);
	return -EOPNOTSUPP;
}

/* May we work on the metadata that were chosen? Logs why not. */
static int check_loaded(struct imsm_container *c, const char *container)
{
	const char *why;
	int err = check_attributes(c, container);

	if (err)
		return err;
	err = imsm_read_migration(c, &why);
	if (err)
		log_error("Cannot load metadata for %s: %s", container, why);
	return err;
}

/* ---- the container ---- */

/* The disk's own record: from the container's table if it is a member, else its own, else made up. */
static struct imsm_disk own_record(const struct imsm_container *c, const struct imsm_candidate *cand, int index)
{
	struct imsm_disk r = { 0 };

	if (index >= 0)
		return c->meta.disk[index];
	if (cand->meta && cand->own_index >= 0)
		return cand->meta->disk[cand->own_index];
	memcpy(r.serial, cand->serial, IMSM_SERIAL_LEN);
	imsm_disk_set_blocks(&r, cand->disk->size / 512);
	r.scsi_id = le32_make(cand->disk->scsi_id);
	r.status = le32_make(IMSM_DISK_SPARE);
	return r;
}

static void report_unused(const struct imsm_candidate *cand, const char *container)
{
	log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, cand->disk->name), "%s: disk %s is not used: %s",
		  container, cand->disk->name, cand->why ? cand->why : "it was replaced or failed earlier");
}

/* Nothing could be chosen: says what is wrong with each copy that cannot be used. False: with none. */
static bool report_refused(const struct imsm_candidate *cand, const char *container, size_t count)
{
	bool any = false;

	for (size_t i = count; i-- > 0;)
		if (!cand[i].meta) {
			report_unused(&cand[i], container);
			any = true;
		}
	return any;
}

/* One that was to join the family (imsm/join.c), which has gone on without it, holds no spare's record yet. */
static void note_spare(struct imsm_container *c, struct imsm_dl *dl, const struct imsm_meta *copy)
{
	if (dl->index != IMSM_INDEX_SPARE || imsm_serial_in_table(&c->meta, dl->serial) >= 0)
		return;
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	dl->spare_record_due = dl->after_members = copy->num_volumes;
	c->write_due |= dl->spare_record_due; /* the members first: they have to be newer than what it holds */
}

/* In the container from now on; its record is the caller's to set. NULL: memory ran out. */
static struct imsm_dl *take_over(struct imsm_container *c, const struct imsm_candidate *cand, int index)
{
	struct imsm_dl *dl = imsm_dl_new(cand->disk, cand->serial);

	if (!dl)
		return NULL;
	dl->index = index;
	dl->next = c->disks;
	c->disks = dl;
	return dl;
}

/* The copy of a member that is used says something older. */
static bool is_behind(const struct imsm_container *c, const struct imsm_dl *dl, const struct imsm_meta *copy)
{
	return dl->index >= 0 && !(le32_get(dl->record.status) & IMSM_DISK_FAILED) &&
	       le32_get(copy->header.generation_num) != le32_get(c->meta.header.generation_num);
}

/* Takes over the disks that the choice kept. */
static int keep_disks(struct imsm_container *c, const char *container, struct imsm_candidate *cand, const int *index,
		      struct disk **disks, size_t count)
{
	/* Candidates stand in reverse order, so pushing to the front restores the order of sysfs. */
	for (size_t i = 0; i < count; i++) {
		struct imsm_dl *dl;

		if (index[i] == IMSM_DROPPED)
			continue;
		if (cand[i].why)
			log_warning("%s: disk %s: %s", container, cand[i].disk->name, cand[i].why);
		dl = take_over(c, &cand[i], index[i]);
		if (!dl)
			return -ENOMEM;
		dl->record = own_record(c, &cand[i], index[i]);
		note_spare(c, dl, cand[i].meta);
		c->found_behind |= is_behind(c, dl, cand[i].meta);
		disks[count - 1 - i] = NULL;
	}
	return 0;
}

/* Counts as in the container from now on: 1 or 0; why not, in cand->why. 2: not yet, but it is ours. */
static int take_missing(struct imsm_container *c, struct imsm_candidate *cand)
{
	const char *why = cand->why;
	struct imsm_dl *dl = imsm_dl_new(cand->disk, cand->serial);
	int taken;

	if (!dl)
		return -ENOMEM;
	dl->record = own_record(c, cand, IMSM_INDEX_SPARE);
	taken = imsm_take_late(c, dl, cand->meta, &why);
	if (taken > 0)
		return 1;
	cand->why = why;
	if (taken == -EAGAIN) {
		imsm_let_wait(c, dl, cand->meta);
		cand->meta = NULL;
		return 2;
	}
	free(dl);
	return 0;
}

/*
 * The daemon before us died while it wrote the disk, after it had closed what was there (imsm.md 7.3): that is a member, as
 * the others say, and md may have it in use. 1 or 0 as above, or -ENOMEM.
 */
static int take_closed(struct imsm_container *c, struct imsm_candidate *cand)
{
	int index = cand->closed ? imsm_half_written_entry(c, cand->serial, cand->family) : -1;
	struct imsm_dl *dl;

	if (index < 0 || cand->sector_size != c->sector_size)
		return 0;
	dl = take_over(c, cand, index);
	if (!dl)
		return -ENOMEM;
	dl->record = c->meta.disk[index];
	c->write_due = c->found_closed = true;
	return 1;
}

/* A member after all: 1, 0 or 2 as above, or -ENOMEM. Says so. */
static int take_dropped(struct imsm_container *c, const char *container, struct imsm_candidate *cand)
{
	const char *name = cand->disk->name;
	int taken = take_closed(c, cand);

	if (taken > 0)
		log_event(LOG_LEVEL_WARNING, ABOUT("disk-back", NULL, name),
			  "%s: disk %s: its metadata were not written completely, and will be written again", container,
			  name);
	if (taken)
		return taken;
	taken = take_missing(c, cand);
	if (taken == 1)
		log_event(LOG_LEVEL_WARNING, ABOUT("disk-back", NULL, name),
			  "%s: disk %s was missing, and is back: what of it is out of date will be rebuilt", container,
			  name);
	return taken;
}

/* The disk has failed, and is in one of the first slots of a volume; one is being reshaped, or the next one is to be. */
static bool holds_record(const struct imsm_container *c, const struct imsm_candidate *cand)
{
	if (!imsm_container_reshaping(c) && !imsm_has_sequel(c))
		return false;
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_map *m0 = &c->meta.volume[i].map[0];

		for (unsigned slot = 0; slot < 2 && slot < m0->head.num_members; slot++) {
			uint32_t index = imsm_ord_index(m0->ord[slot]);

			if (imsm_disk_failed(c, index) && imsm_is_marked_failed(c->meta.disk[index].serial, cand->serial))
				return true;
		}
	}
	return false;
}

/* An mdadm that began the reshape before the disk failed goes by its record, too (imsm/write.c). 1, 0 or -ENOMEM. */
static int keep_record(struct imsm_container *c, const struct imsm_candidate *cand)
{
	struct imsm_dl *dl;

	if (!cand->meta || !holds_record(c, cand))
		return 0;
	dl = take_over(c, cand, IMSM_INDEX_UNRELATED);
	if (!dl)
		return -ENOMEM;
	dl->record = own_record(c, cand, IMSM_INDEX_UNRELATED);
	dl->has_migr_record = true;
	return 1;
}

/* The entry of the disk, which has failed; -1: it may be that of more than one, or is nobody's. */
static int failed_entry(const struct imsm_container *c, const struct imsm_candidate *cand)
{
	int found = -1;

	for (unsigned i = 0; i < c->meta.num_disks; i++) {
		if (!imsm_disk_failed(c, i) || imsm_disk_present(c, i) ||
		    !imsm_is_marked_failed(c->meta.disk[i].serial, cand->serial))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* A volume names it as one that has data. */
static bool is_trusted_somewhere(const struct imsm_container *c, uint32_t index)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_map *m0 = &c->meta.volume[i].map[0];
		int slot = imsm_slot_of(m0, index);

		if (slot >= 0 && !(m0->ord[slot] & IMSM_ORD_REBUILD))
			return true;
	}
	return false;
}

/*
 * The daemon before us died when the failure was on record, and before the disk was failed in the other arrays (3.7): those
 * may come to depend on it. 1, 0 or -ENOMEM.
 */
static int keep_failed(struct imsm_container *c, const struct imsm_candidate *cand)
{
	int index = cand->meta && cand->sector_size == c->sector_size ? failed_entry(c, cand) : -1;
	struct imsm_dl *dl;

	if (index < 0 || !is_trusted_somewhere(c, (uint32_t)index))
		return 0;
	dl = take_over(c, cand, index);
	if (!dl)
		return -ENOMEM;
	dl->record = c->meta.disk[index];
	return 1;
}

/*
 * Disks that the choice dropped, but that were only missing for a while: what of them is out of date can be rebuilt.
 * The others are reported and left to the caller.
 */
static int keep_missing(struct imsm_container *c, const char *container, struct imsm_candidate *cand, const int *index,
			struct disk **disks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int taken = index[i] == IMSM_DROPPED ? take_dropped(c, container, &cand[i]) : 0;

		if (index[i] == IMSM_DROPPED && taken >= 0 && taken != 1)
			report_unused(&cand[i], container);
		if (index[i] == IMSM_DROPPED && !taken)
			taken = keep_failed(c, &cand[i]);
		if (index[i] == IMSM_DROPPED && !taken)
			taken = keep_record(c, &cand[i]);
		if (taken < 0)
			return taken;
		if (taken)
			disks[count - 1 - i] = NULL;
	}
	return 0;
}

static int load_from(struct imsm_container *c, const char *container, struct disk **disks, size_t count)
{
	struct imsm_candidate *cand = calloc(count, sizeof(*cand));
	int *index = calloc(count, sizeof(*index));
	const char *why = "out of memory";
	int err = -ENOMEM;

	if (cand && index) {
		for (size_t i = 0; i < count; i++)
			imsm_read_candidate(disks[count - 1 - i], &cand[i]);
		err = imsm_choose(cand, count, c, index, &why);
		c->loaded_generation = le32_get(c->meta.header.generation_num);
		if (!err)
			err = keep_disks(c, container, cand, index, disks, count);
		else if (err == -ENOENT && report_refused(cand, container, count))
			why = "no disk has IMSM metadata that can be used";
		if (!err)
			err = keep_missing(c, container, cand, index, disks, count);
	}
	if (err)
		log_error("Cannot load metadata for %s: %s", container, why ? why : strerror(-err));
	for (size_t i = 0; cand && i < count; i++)
		free(cand[i].meta);
	free(cand);
	free(index);
	return err;
}

static bool any_in_motion(const struct imsm_container *c)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if ((c->meta.volume[i].head.dirty & IMSM_DIRTY) || c->meta.volume[i].head.migr_state)
			return true;
	return false;
}

static bool any_joined(const struct imsm_container *c)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->joined)
			return true;
	return false;
}

int imsm_load(struct imsm_container *c, const char *container, struct disk **disks, size_t count)
{
	int err;

	if (!count) {
		log_error("Cannot load metadata for %s: it has no readable disk", container);
		return -ENODEV;
	}
	err = load_from(c, container, disks, count);
	if (!err)
		err = check_loaded(c, container);
	if (err)
		return err;
	c->first_write = true;
	c->durable_generation = c->loaded_generation;
	imsm_find_joined(c);
	imsm_find_sequel(c);
	imsm_find_leap(c);
	/* A disk that is not here may have newer metadata, and "clean" in them: the kernel is not to be answered by older ones. */
	c->write_due |= imsm_any_absent(c) && any_in_motion(c);
	/*
	 * The daemon before us died when some disks had its last change, or one refused that: what one disk alone knows would
	 * be lost with it. But as long as a disk is not here, what it has may be newer than what would be written; and disks
	 * that have joined get their spare records before the members are written (imsm/join.c).
	 */
	c->write_due |= c->found_behind && !imsm_any_absent(c) && !any_joined(c);
	return 0;
}
