/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that come while the container is in use and are part of it already (imsm.md 10.4). A machine boots disk by disk:
 * the first volume that is complete starts, with its daemon, and what the others need comes later. Or the volume has
 * been started without the disk, which is recorded as missing then, and comes after all.
 *
 * What a slot says of the disk is true for either: who starts a volume without a disk flags its slot before the first
 * write (3.9). So an entry of the table that is only missing becomes what it was. Slots that are flagged stay so, and are
 * rebuilt; slots that are not belong to volumes that have not run since.
 *
 * The disk's own copy may know more than the container, which was loaded from the disks that were there: nothing that it
 * says against a disk is dropped. Pure.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <string.h>

#include "lib/refuse.h"

/* ---- the disk's entry ---- */

/* The entry of an absent disk that is this one. -1: there is none, or the disk has failed. */
static int entry_of(const struct imsm_container *c, const struct imsm_dl *dl)
{
	int index = imsm_serial_in_table(&c->meta, dl->serial);

	if (index < 0)
		return imsm_missing_entry_of(c, dl->serial);
	if (le32_get(c->meta.disk[index].status) & (IMSM_DISK_FAILED | IMSM_DISK_SPARE | IMSM_DISK_JOURNAL))
		return -1;
	return imsm_disk_present(c, (uint32_t)index) ? -1 : index;
}

/* ---- the disk's copy ---- */

struct arrival {
	struct imsm_container *c;
	const struct imsm_meta *copy;
	uint32_t own;   /* the disk's index in its copy */
	uint32_t index; /* in the container; IMSM_MAX_DISKS: it has none */
	bool left;      /* it has been in use here before: what it holds we have written */
	bool newer;     /* written after the container was loaded, and not by us */
	bool joining;   /* it has the copy with which it joined, and not yet the one that names it as a member */
};

static uint32_t origin(const struct imsm_meta *m)
{
	uint32_t orig = le32_get(m->header.orig_family_num);

	return orig ? orig : le32_get(m->header.family_num);
}

bool imsm_same_origin(const struct imsm_meta *a, const struct imsm_meta *b)
{
	return origin(a) == origin(b);
}

static uint32_t generation(const struct imsm_meta *m)
{
	return le32_get(m->header.generation_num);
}

/* The disk left this container while it was in use: we have written what it has. */
static bool left_before(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN])
{
	for (unsigned i = 0; i < c->left_count && i < IMSM_LEFT_MAX; i++)
		if (imsm_serial_equal(c->left[i], serial))
			return true;
	return false;
}

/*
 * A spare that was about to become a member is one still, unless those that are here have recorded that it is a member: then
 * the power failed before it was told (imsm/join.c). What it lacks in metadata it does not lack in data: whoever has written
 * to the volume since has written metadata, too, to the disk or of it.
 */
static bool describes_member(struct arrival *a, const struct imsm_container *c)
{
	const uint32_t mask = IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED | IMSM_DISK_SPARE;
	uint32_t status = le32_get(a->copy->disk[a->own].status) & mask;

	if (status == IMSM_DISK_CONFIGURED)
		return true;
	a->joining = status == (IMSM_DISK_CONFIGURED | IMSM_DISK_SPARE) && !a->newer && a->index < c->meta.num_disks &&
		     !imsm_only_missing(&c->meta.disk[a->index]);
	return a->joining;
}

/* Its copy describes this container, and the disk as a member of it. */
static bool read_arrival(struct arrival *a, struct imsm_container *c, const struct imsm_dl *dl,
			 const struct imsm_meta *copy)
{
	int own = copy ? imsm_serial_in_table(copy, dl->serial) : -1;
	int index;

	if (own < 0 || !c->meta.num_volumes || !copy->num_volumes || !imsm_same_origin(copy, &c->meta))
		return false;
	index = entry_of(c, dl);
	*a = (struct arrival){
		.c = c,
		.copy = copy,
		.own = (uint32_t)own,
		.index = index < 0 ? IMSM_MAX_DISKS : (uint32_t)index,
		.left = left_before(c, dl->serial),
	};
	a->newer = !a->left && (int32_t)(generation(copy) - c->loaded_generation) > 0;
	return describes_member(a, c);
}

static bool same_place(const struct imsm_map *a, const struct imsm_map *b)
{
	return a->head.num_members == b->head.num_members && imsm_map_level(a) == imsm_map_level(b) &&
	       imsm_map_pba(a) == imsm_map_pba(b) && imsm_map_per_dev(a) == imsm_map_per_dev(b) &&
	       imsm_map_chunk(a) == imsm_map_chunk(b);
}

static bool is_same_volume(const struct arrival *a, const struct imsm_volume *ours, const struct imsm_volume *its)
{
	bool reshape = imsm_general_migration(ours);

	return reshape == imsm_general_migration(its) && same_place(&ours->map[0], &its->map[0]) &&
	       (!reshape || same_place(&ours->map[1], &its->map[1])) &&
	       imsm_slot_of(&ours->map[0], a->index) == imsm_slot_of(&its->map[0], a->own);
}

/* The volume as its copy has it, NULL: it has another one, or none, in that place. */
static const struct imsm_volume *its_volume(const struct arrival *a, const struct imsm_volume *ours)
{
	for (unsigned i = 0; i < a->copy->num_volumes; i++)
		if (is_same_volume(a, ours, &a->copy->volume[i]))
			return &a->copy->volume[i];
	return NULL;
}

static bool is_rebuilt(const struct imsm_volume *v, unsigned slot)
{
	uint32_t from = imsm_ord(v, slot, IMSM_M1);

	return from != UINT32_MAX && (from & IMSM_ORD_REBUILD);
}

static bool is_flagged(const struct imsm_volume *v, unsigned slot)
{
	return (v->map[0].ord[slot] & IMSM_ORD_REBUILD) || is_rebuilt(v, slot);
}

static bool is_in_order(const struct arrival *a, const struct imsm_volume *ours, unsigned slot)
{
	uint32_t index = imsm_ord_index(ours->map[0].ord[slot]);

	return imsm_disk_present(a->c, index) && !imsm_disk_failed(a->c, index);
}

/*
 * By its copy the slot has no data, or its disk has failed. Of a disk that is in order here the copy may tell what is past,
 * if it is not newer: a rebuild has ended since (to record one moves the generation on so far that no other history gets
 * ahead of it, 1.16). A failure is one in another volume, unless this one has a flag: it has not run since.
 */
static bool its_slot_bad(const struct arrival *a, const struct imsm_volume *ours, const struct imsm_volume *its,
			 unsigned slot)
{
	uint32_t index = imsm_ord_index(its->map[0].ord[slot]);
	bool here = is_in_order(a, ours, slot);

	if ((its->map[0].ord[slot] & IMSM_ORD_REBUILD) || index >= a->copy->num_disks)
		return true;
	if (is_rebuilt(its, slot))
		return a->newer || !here;
	return (le32_get(a->copy->disk[index].status) & IMSM_DISK_FAILED) && !here;
}

static bool is_live(const struct arrival *a, unsigned volume)
{
	return a->c->live_volumes >> volume & 1;
}

/* The slot that the disk has in our volume; -1: none. */
static int slot_of(const struct arrival *a, unsigned volume)
{
	return imsm_slot_of(&a->c->meta.volume[volume].map[0], a->index);
}

/* The volume has run without the disk, by our metadata, or runs. */
static bool went_on_without(const struct arrival *a, unsigned volume)
{
	return is_live(a, volume) || is_flagged(&a->c->meta.volume[volume], (unsigned)slot_of(a, volume));
}

/* ---- may it be used? ---- */

/*
 * The volume went on without the disk, and the disk's went on without what we have: each has data of its own. What is being
 * rebuilt has none yet.
 */
static bool has_parted(const struct arrival *a, unsigned volume)
{
	const struct imsm_volume *ours = &a->c->meta.volume[volume], *its = its_volume(a, ours);

	if (a->left || !its || its_slot_bad(a, ours, its, (unsigned)slot_of(a, volume)))
		return false;
	for (unsigned slot = 0; slot < ours->map[0].head.num_members; slot++)
		if (!imsm_slot_bad(a->c, ours, slot) && !is_rebuilt(ours, slot) && its_slot_bad(a, ours, its, slot))
			return true;
	return false;
}

/* Where the copy has another disk than we, one of the two was replaced. */
static bool same_disks(const struct arrival *a, const struct imsm_volume *ours, const struct imsm_volume *its)
{
	for (unsigned slot = 0; slot < ours->map[0].head.num_members; slot++) {
		uint32_t index = imsm_ord_index(ours->map[0].ord[slot]);
		uint32_t theirs = imsm_ord_index(its->map[0].ord[slot]);

		if (index >= a->c->meta.num_disks || theirs >= a->copy->num_disks)
			return false;
		if (!imsm_disk_failed(a->c, index) &&
		    !(le32_get(a->copy->disk[theirs].status) & IMSM_DISK_FAILED) &&
		    !imsm_serial_equal(a->c->meta.disk[index].serial, a->copy->disk[theirs].serial))
			return false;
	}
	return true;
}

/* Of another shape: that which it had before a reshape or takeover. */
static bool is_earlier_shape(const struct arrival *a, const struct imsm_volume *ours, const struct imsm_volume *its)
{
	return !memcmp(ours->head.name, its->head.name, IMSM_NAME_LEN) &&
	       imsm_map_pba(&ours->map[0]) == imsm_map_pba(&its->map[0]) &&
	       imsm_slot_of(&ours->map[0], a->index) == imsm_slot_of(&its->map[0], a->own);
}

static bool is_one_of_ours(const struct arrival *a, const struct imsm_volume *its)
{
	for (unsigned i = 0; i < a->c->meta.num_volumes; i++) {
		const struct imsm_volume *ours = &a->c->meta.volume[i];

		if (is_same_volume(a, ours, its) || is_earlier_shape(a, ours, its))
			return true;
	}
	return false;
}

/*
 * Each volume that it knows is one of ours, where ours is: the disk did not get what has been changed since, or refused it.
 * It has all that was written to what is new all the same, for what lacks data has a flag.
 */
static bool is_only_behind(const struct arrival *a)
{
	for (unsigned i = 0; i < a->copy->num_volumes; i++)
		if (!is_one_of_ours(a, &a->copy->volume[i]))
			return false;
	return !a->newer;
}

/*
 * mdadm notes on the disks of the first two slots how far a reshape has come, and whoever goes on with it believes the
 * first of them, data or no data. It notes nothing on a disk that it did not have when it began: what lies there says
 * that what has been moved since is where it was before.
 */
static bool has_old_record(const struct arrival *a, unsigned volume)
{
	return imsm_general_migration(&a->c->meta.volume[volume]) && slot_of(a, volume) < 2;
}

static int check_volume(const struct arrival *a, unsigned volume, const char **why)
{
	const struct imsm_volume *ours = &a->c->meta.volume[volume], *its = its_volume(a, ours);

	if (went_on_without(a, volume) && has_old_record(a, volume))
		return refuse(why, -ESTALE, "a volume is reshaped without it, and it would mislead who goes on with that");
	if (went_on_without(a, volume))
		return has_parted(a, volume) ?
			       refuse(why, -ESTALE, "it has newer data of a volume that runs, or has run, without it") :
			       0;
	if (a->joining)
		return 0;
	if (!its && is_only_behind(a))
		return 0;
	if (!its)
		return refuse(why, a->newer ? -ESTALE : -EAGAIN,
			      "its metadata do not have a volume that it should have data of");
	if (a->newer && !same_disks(a, ours, its))
		return refuse(why, -ESTALE, "its metadata are newer, and have another disk in a volume");
	return 0;
}

static int check_arrival(const struct arrival *a, const char **why)
{
	if (a->newer && (a->index == IMSM_MAX_DISKS || a->copy->num_volumes != a->c->meta.num_volumes))
		return refuse(why, -ESTALE, "its metadata are newer than those in use, and say otherwise");
	if (a->index == IMSM_MAX_DISKS)
		return 0;
	for (unsigned i = 0; i < a->c->meta.num_volumes; i++) {
		int err = slot_of(a, i) < 0 ? 0 : check_volume(a, i, why);

		if (err)
			return err;
	}
	return 0;
}

/* ---- what it knows better ---- */

/* The disk of the slot, which nobody here uses, has failed since, or is missing: as its copy has it. */
static void adopt_failure(struct arrival *a, uint32_t index, uint32_t theirs)
{
	const struct imsm_disk *its = theirs < a->copy->num_disks ? &a->copy->disk[theirs] : NULL;

	if (!its || !(le32_get(its->status) & IMSM_DISK_FAILED) || imsm_disk_failed(a->c, index) ||
	    imsm_disk_present(a->c, index))
		return;
	for (unsigned i = 0; i < a->c->meta.num_volumes; i++)
		if (is_live(a, i) && imsm_volume_names(&a->c->meta.volume[i], index))
			return;
	a->c->meta.disk[index] = *its;
}

/* Members may still be on their way: they are not bad for that. */
static void note_flagged(struct imsm_volume *v)
{
	struct imsm_map *m0 = &v->map[0];

	if (m0->head.map_state == IMSM_NORMAL)
		m0->head.map_state = imsm_map_level(m0) == IMSM_RAID0 ? IMSM_FAILED : IMSM_DEGRADED;
}

static bool is_unclean(const struct imsm_volume *v)
{
	return (v->head.dirty & IMSM_DIRTY) || imsm_resyncing(v);
}

/* A volume that has not run without the disk: nobody but the disk may know what became of it. */
static void adopt_volume(struct arrival *a, struct imsm_volume *ours, const struct imsm_volume *its)
{
	struct imsm_container *c = a->c;

	for (unsigned slot = 0; slot < ours->map[0].head.num_members; slot++) {
		uint32_t index = imsm_ord_index(ours->map[0].ord[slot]);

		if (!its_slot_bad(a, ours, its, slot) || is_flagged(ours, slot))
			continue;
		imsm_flag_slot(c, ours, slot);
		note_flagged(ours);
		adopt_failure(a, index, imsm_ord_index(its->map[0].ord[slot]));
	}
	if (is_unclean(its) && !is_unclean(ours)) {
		ours->head.dirty |= its->head.dirty | IMSM_DIRTY;
		c->write_due = true;
	}
}

static void adopt_news(struct arrival *a)
{
	struct imsm_header *h = &a->c->meta.header;

	for (unsigned i = 0; i < a->c->meta.num_volumes; i++) {
		struct imsm_volume *ours = &a->c->meta.volume[i];
		const struct imsm_volume *its;

		if (slot_of(a, i) < 0 || went_on_without(a, i))
			continue;
		its = its_volume(a, ours);
		if (its) /* a disk that has only joined has none */
			adopt_volume(a, ours, its);
	}
	if (a->newer && (int32_t)(generation(a->copy) - le32_get(h->generation_num)) > 0) {
		h->generation_num = a->copy->header.generation_num; /* the next one must be newer than that, too */
		a->c->write_due = true;
	}
}

/* ---- the disk ---- */

/* What was bad on the disk is so still; the log forgot it when the disk was missing. False: no room. */
static bool restore_bad_blocks(const struct arrival *a)
{
	struct imsm_meta *meta = &a->c->meta;
	unsigned n = meta->num_bad;

	for (unsigned i = 0; i < a->copy->num_bad; i++) {
		if (a->copy->bad[i].disk != a->own)
			continue;
		if (n == IMSM_BBM_MAX)
			return false;
		meta->bad[n] = a->copy->bad[i];
		meta->bad[n++].disk = a->index;
	}
	meta->num_bad = n;
	return true;
}

/* No longer missing. Its slots say what of it is out of date. */
static int revive(const struct arrival *a, const struct imsm_dl *dl, const char **why)
{
	if (!restore_bad_blocks(a))
		return refuse(why, -ENOSPC, "there is no room for what is bad on it");
	a->c->meta.disk[a->index].scsi_id = dl->record.scsi_id;
	imsm_unmark_failure(a->c, a->index, dl->serial);
	return 0;
}

/*
 * A volume that nobody has written to may run without the disk that was being rebuilt, by its record. Nobody gives md a disk
 * that is on record already (imsm/spare.c): the record ends, and the spare check that follows begins anew. So it does if md was
 * started with the disk all the same.
 */
static void end_rebuilds(const struct arrival *a)
{
	struct imsm_container *c = a->c;

	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		struct imsm_volume *v = &c->meta.volume[i];
		const struct imsm_view w = { .c = c, .v = v };
		int slot = slot_of(a, i);

		if (!is_live(a, i) || slot < 0 || imsm_view_slot(&w, (unsigned)slot) != IMSM_SLOT_REBUILDING)
			continue;
		imsm_flag_slot(c, v, (unsigned)slot);
		if (!imsm_view_count(&w, IMSM_SLOT_REBUILDING)) /* another pair of a RAID10 goes on */
			imsm_end_migration(c, v, imsm_view_state(&w));
	}
}

static bool has_the_same_volumes(const struct imsm_meta *a, const struct imsm_meta *b)
{
	for (unsigned i = 0; i < a->num_volumes; i++)
		if (i >= b->num_volumes || !same_place(&a->volume[i].map[0], &b->volume[i].map[0]))
			return false;
	return a->num_volumes == b->num_volumes;
}

static bool any_member(const struct imsm_container *c)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0)
			return true;
	return false;
}

/*
 * All members had left before what was changed last was written anywhere, and nobody was told that it is true. So it is not:
 * the first one that comes back knows, if no other one can know more. A volume may run by what it knows, and has told us
 * of nothing yet.
 */
static void forget_unwritten(struct imsm_container *c, const struct imsm_meta *copy)
{
	if (!c->nobody_has || any_member(c) || (c->write_due && (c->awaited || c->live_volumes)))
		return;
	if (!copy || !imsm_same_origin(copy, &c->meta) || generation(copy) != c->durable_generation ||
	    (c->live_volumes && !has_the_same_volumes(&c->meta, copy)))
		return;
	c->meta = *copy;
	c->nobody_has = c->leap_is_due = c->write_due = false;
	c->first_write = true;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->after_members)
			imsm_relist_disk(c, dl); /* turned down by what is forgotten now */
}

static void link_disk(const struct arrival *a, struct imsm_dl *dl)
{
	dl->index = (int)a->index;
	dl->record = a->c->meta.disk[a->index];
	dl->spare_record_due = dl->clear_migr_record_due = false;
	dl->next = a->c->disks;
	a->c->disks = dl;
	end_rebuilds(a);
}

/*
 * A daemon died while it wrote to the disk, which nobody has called absent or failed since: a member, as at the load
 * (imsm/load.c). As a new spare it would be lost to volumes that may have nothing else.
 */
static int take_half_written(struct imsm_container *c, struct imsm_dl *dl)
{
	int index = imsm_half_written_entry(c, dl->serial, dl->family);
	const struct arrival a = { .c = c, .index = (uint32_t)index };

	if (index < 0)
		return 0;
	link_disk(&a, dl);
	c->write_due = true;
	return 1;
}

int imsm_take_late(struct imsm_container *c, struct imsm_dl *dl, const struct imsm_meta *copy, const char **why)
{
	struct arrival a;
	int err;

	if (!dl->disk || dl->disk->sector_size != c->sector_size)
		return 0;
	if (dl->half_written)
		return take_half_written(c, dl);
	forget_unwritten(c, copy);
	if (!read_arrival(&a, c, dl, copy))
		return 0;
	err = check_arrival(&a, why);
	if (err || a.index == IMSM_MAX_DISKS)
		return err;
	if (imsm_only_missing(&c->meta.disk[a.index]))
		err = revive(&a, dl, why);
	if (err)
		return err;
	adopt_news(&a);
	c->write_due |= generation(copy) != generation(&c->meta);
	link_disk(&a, dl);
	return 1;
}

/* ---- disks that are back when a reshape begins ---- */

static bool lacks_data(const struct imsm_container *c, unsigned volume, unsigned slot)
{
	return (c->meta.volume[volume].map[0].ord[slot] & IMSM_ORD_REBUILD) || imsm_md_lacks(c, volume, slot);
}

/* Another volume may have its data there, and run. */
static bool another_trusts(const struct imsm_container *c, unsigned volume, uint32_t index)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		int slot = imsm_slot_of(&c->meta.volume[i].map[0], index);

		if (i != volume && slot >= 0 && !lacks_data(c, i, (unsigned)slot))
			return true;
	}
	return false;
}

/*
 * mdadm's record goes to the disks that it knew before it asked for the reshape. One that is back since has no data, but
 * would be believed (has_old_record()). The message cannot be refused: mdadm begins all the same. So the disk is what it
 * was when mdadm looked. If mdadm did see it, it has a record there, too, and goes by that.
 */
void imsm_set_aside_returned(struct imsm_container *c, unsigned volume)
{
	struct imsm_volume *v = &c->meta.volume[volume];

	for (unsigned slot = 0; slot < 2 && slot < v->map[0].head.num_members; slot++) {
		uint32_t index = imsm_ord_index(v->map[0].ord[slot]);
		struct imsm_dl *dl = imsm_dl_by_index(c, (int)index);

		if (!dl || imsm_disk_failed(c, index) || !lacks_data(c, volume, slot) || another_trusts(c, volume, index))
			continue;
		dl->index = IMSM_INDEX_UNRELATED;
		dl->has_migr_record = true;
		imsm_mark_missing(c, v, index);
		imsm_update_state(c, v);
	}
}

/* ---- disks that wait ---- */

void imsm_let_wait(struct imsm_container *c, struct imsm_dl *dl, struct imsm_meta *copy)
{
	dl->copy = copy;
	dl->next = c->waiting;
	c->waiting = dl;
}

/* Once its volume runs without it the disk is as any other that was missing. */
struct imsm_dl *imsm_take_waiting(struct imsm_container *c)
{
	const char *why;

	for (struct imsm_dl **link = &c->waiting; *link; link = &(*link)->next) {
		struct imsm_dl *dl = *link, *next = dl->next;

		if (imsm_take_late(c, dl, dl->copy, &why) != 1)
			continue;
		*link = next;
		return dl;
	}
	return NULL;
}
