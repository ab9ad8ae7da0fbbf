/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks join a container's family before a volume is changed so that it needs them (imsm.md 7.2).
 *
 * A reader turns down any copy that names a disk whose own copy is of another family, and a spare's record is a family of
 * its own. So a spare cannot become a member by writing all disks side by side: if the power fails in between, some copies
 * name a disk that says that it is a spare, and the container is lost. Instead one disk after the other is given the
 * metadata as they are, with itself and those before it as spares in the table of disks. These are the newest copies and
 * name no disk that could contradict. When all of them are durable the change is written to all disks in any order.
 *
 * A disk that does not take its copy is found out before anything depends on it: the change is refused.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "lib/refuse.h"

static void log_failure(const char *container, const struct imsm_dl *dl, int error)
{
	mon_log_event(LOG_LEVEL_ERROR, ABOUT("metadata-write-failed", NULL, dl->disk->name),
		      "%s: writing metadata to disk %s failed: %s", container, dl->disk->name, mon_error(error));
}

/*
 * Who joins next, as the entry of a disk that has joined tells it, in place of the address that only the entry of a member
 * needs: 0 is nobody.
 */
static uint32_t mark_of(const struct imsm_dl *next)
{
	uint32_t mark = 2166136261u; /* FNV-1a */

	for (unsigned i = 0; next && i < IMSM_SERIAL_LEN; i++)
		mark = (mark ^ next->serial[i]) * 16777619u;
	if (!next)
		return 0;
	return mark && mark != IMSM_SCSI_ID_MISSING ? mark : 1;
}

/* ---- undoing it ---- */

/* The disk holds a copy that names it as a spare: the place there. */
static struct imsm_dl *last_joined(const struct imsm_container *c)
{
	struct imsm_dl *last = NULL;

	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->joined > (last ? last->joined : 0))
			last = dl;
	return last;
}

/* The last one first: it holds the newest copy, which names those before it. */
void imsm_undo_joins(struct imsm_writer *w, struct imsm_container *c, const char *container)
{
	struct imsm_dl *dl;

	while ((dl = last_joined(c))) {
		int err = imsm_write_spare(w, dl);

		dl->joined = 0;
		/* A disk that joined and is not there would else hold something newer than the members. */
		c->write_due = true;
		if (!err)
			continue;
		log_failure(container, dl, err);
		dl->stale = true;
		imsm_leave_family(c);
	}
}

static bool is_listed_spare(const struct imsm_container *c, uint32_t index)
{
	return (le32_get(c->meta.disk[index].status) & IMSM_DISK_SPARE) && !imsm_disk_named(c, index);
}

/* The one that was to join after the last that has. If it is here, it has not: its copy would be the newest one. */
static bool next_is_absent(const struct imsm_container *c)
{
	uint32_t mark = le32_get(c->meta.disk[c->meta.num_disks - 1].scsi_id);

	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (mark_of(dl) == mark)
			return false;
	return mark;
}

/*
 * A member that is absent may hold a copy that is newer still, and names all of them as members; so may one of them, or the
 * copy with which it joined names others. Then those that are here get ahead of it before there is a spare. So they do if the
 * copy of one is half written: that with which a disk has joined may be the only whole one that is as new.
 */
void imsm_find_joined(struct imsm_container *c)
{
	struct imsm_meta *m = &c->meta;
	bool absent = m->num_volumes && m->num_disks && is_listed_spare(c, m->num_disks - 1) && next_is_absent(c);

	while (m->num_volumes && m->num_disks && is_listed_spare(c, m->num_disks - 1)) {
		struct imsm_dl *dl = imsm_dl_by_serial(c, m->disk[m->num_disks - 1].serial);

		absent |= !dl;
		if (dl && dl->index == IMSM_INDEX_SPARE)
			dl->joined = m->num_disks;
		m->num_disks--;
	}
	if (absent || c->found_closed || imsm_any_absent(c))
		imsm_leave_family(c);
}

/* ---- joining ---- */

void imsm_remember(const struct imsm_container *c, struct imsm_container *before)
{
	*before = *c;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		dl->before.index = dl->index;
		dl->before.record = dl->record;
		dl->before.spare_record_due = dl->spare_record_due;
	}
}

/* The disk with the lowest place in the table of those that have become members since, from `lowest` on. */
static struct imsm_dl *next_new_member(const struct imsm_container *c, int lowest)
{
	struct imsm_dl *next = NULL;

	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->before.index < 0 && dl->index >= lowest && (!next || dl->index < next->index))
			next = dl;
	return next;
}

/*
 * The first volume: its family is a new one. With that of the spare whose record was loaded, that disk would count as one
 * of the family, and if it is not in the volume, as one that was replaced.
 */
static void found_family(struct imsm_header *h, uint32_t random)
{
	h->family_num = h->orig_family_num = le32_make(random ? random : 1);
}

/* The metadata that the disk joins with: those before, and it in the table. */
static int join_disk(struct imsm_writer *w, struct imsm_dl *dl, const struct imsm_dl *next, struct imsm_container *before)
{
	struct imsm_meta *m = &before->meta;
	struct imsm_disk *d = &m->disk[m->num_disks];
	uint32_t status = IMSM_DISK_SPARE;

	if (m->num_disks == IMSM_MAX_DISKS)
		return -ENOSPC;
	/* A copy that does not call its own disk configured never speaks for a family that has volumes. */
	if (m->num_volumes)
		status |= IMSM_DISK_CONFIGURED;
	*d = dl->before.record;
	memcpy(d->serial, dl->serial, IMSM_SERIAL_LEN);
	d->status = le32_make(status);
	d->scsi_id = le32_make(mark_of(next));
	m->num_disks++;
	/* No leap, even at the start: if the members never hear of it, what they hold next is to be newer. */
	imsm_pass_generations(&m->header, 1);
	dl->joined = m->num_disks;
	return imsm_write_first_copy(w, dl, m);
}

static int join_all(struct imsm_writer *w, struct imsm_container *c, struct imsm_container *before,
		    const char *container, const char **why)
{
	for (struct imsm_dl *dl = next_new_member(c, 0), *next; dl; dl = next) {
		int err;

		next = next_new_member(c, dl->index + 1);
		err = join_disk(w, dl, next, before);
		if (!err)
			continue;
		log_failure(container, dl, err);
		dl->stale = true; /* what it holds is not known; it is asked again when there is time */
		dl->joined = 0;
		return imsm_refuse_disk(why, -EIO, "new members", dl, "does not take the metadata");
	}
	return 0;
}

/* The record of an earlier reshape would be taken for that of the one that begins. */
static int zero_records(struct imsm_writer *w, struct imsm_container *c, const char *container, const char **why)
{
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		bool due = dl->clear_migr_record_due && !imsm_dl_failed(c, dl);
		int err = due ? imsm_write_zeros(w, dl) : 0;

		dl->clear_migr_record_due = false;
		if (!err)
			continue;
		log_failure(container, dl, err);
		return imsm_refuse_disk(why, -EIO, "reshape", dl, "does not let go of the record of a former one");
	}
	return 0;
}

/* Everything is as it was, but what has joined holds newer copies. */
static void roll_back(struct imsm_container *c, const struct imsm_container *before)
{
	*c = *before;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		dl->index = dl->before.index;
		dl->record = dl->before.record;
		dl->spare_record_due = dl->before.spare_record_due;
		dl->clear_migr_record_due = false;
	}
	imsm_leave_family(c);
}

static void forget_joins(struct imsm_container *c)
{
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		dl->joined = 0;
}

int imsm_join(struct imsm_writer *w, struct imsm_container *c, struct imsm_container *before, uint32_t random,
	      const char *container, const char **why)
{
	struct imsm_meta *m = &before->meta;
	struct imsm_header header = m->header;
	unsigned num_disks = m->num_disks;
	int err = before->write_due && next_new_member(c, 0) ?
			  refuse(why, -EIO, "new members: no disk takes what has changed before") :
			  0;

	if (!m->num_volumes && c->meta.num_volumes) {
		found_family(&c->meta.header, random);
		m->header.family_num = c->meta.header.family_num;
		m->num_disks = 0; /* what is left of the record that was loaded */
	}
	imsm_settle_family(&m->header);
	if (!err)
		err = zero_records(w, c, container, why);
	if (!err)
		err = join_all(w, c, before, container, why);
	if (!err) {
		forget_joins(c);
		imsm_reach_generation(&c->meta.header, &m->header);
		return 0;
	}
	m->num_disks = num_disks;
	header.generation_num = m->header.generation_num;
	m->header = header;
	roll_back(c, before);
	return err;
}
