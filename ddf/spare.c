/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spares of a DDF container: choosing a disk for each empty slot of a degraded array, and recording the choice
 * (ddf.md 9).
 *
 * Between the two the manager hands the disk to md, so time passes, and anything may have happened when the record is
 * to be made: everything is checked again. And the daemon may die in between: then md has a member that the metadata
 * know nothing of. The next search finds it and has it recorded.
 *
 * A disk that serves other virtual disks is not named before it has its data. That it has not cannot be said: as
 * "Rebuilding" it would be left out of all arrays (15, item 6).
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <string.h>

#include "lib/refuse.h"
#include "metadata/redundancy.h"
#include "metadata/spare.h"

/* ---- is a disk fit? ---- */

/* In the order of choice (9.2). */
enum spare_class { DEDICATED, UNUSED, SHARED, UNFIT };

static bool serves(const struct ddf_container *c, const struct ddf_spare *s, unsigned vd)
{
	for (unsigned i = 0; i < ddf_spare_entries(s, &c->layout); i++)
		if (ddf_guid_equal(s->entry[i].guid, ddf_vd(c, vd)->guid))
			return true;
	return false;
}

static enum spare_class class_of(const struct ddf_container *c, unsigned vd, const struct ddf_dl *dl)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);
	const struct ddf_spare *s = ddf_spare_record(c, dl);

	if (s && (s->type & DDF_SPARE_DEDICATED))
		return serves(c, s, vd) ? DEDICATED : UNFIT;
	/* A spare without a record that says for whom it is kept. */
	if (!e || (!s && (be16_get(e->type) & DDF_PD_SPARE)))
		return UNFIT;
	return ddf_count_names(c, dl->refnum) ? SHARED : UNUSED;
}

/* Sectors that the virtual disk takes on each disk. */
static uint64_t extent_length(const struct ddf_vdc *v, uint64_t component_size)
{
	uint64_t blocks = be64_get(v->block_count);

	return blocks > component_size ? blocks : component_size;
}

/* What lies on it is older than what is known, or it refuses it: readers may find an old record that names the disk. */
static bool is_behind(const struct ddf_dl *dl)
{
	return dl->late || dl->record_due;
}

/* The disk can hold that extent of the virtual disk. */
static bool holds(const struct ddf_container *c, unsigned vd, const struct ddf_place *at, const struct ddf_dl *dl,
		  uint64_t start, uint64_t component_size)
{
	bool own = ddf_ref_at(at) == dl->refnum;

	if (dl->unfit || is_behind(dl) || !ddf_pd_usable(ddf_pd_by_ref(c, dl->refnum)))
		return false;
	if (!own && (ddf_vd_names(c, vd, dl->refnum) || ddf_may_serve_unknown(c, dl)))
		return false;
	if (!own && !ddf_rebuild_of(c, vd, dl->refnum) && !ddf_has_record_slot(c, dl))
		return false;
	return ddf_is_free_for(c, vd, dl->refnum, start, extent_length(at->record, component_size));
}

/* The metadata count on another disk that is there. */
static bool is_taken(const struct ddf_container *c, const struct ddf_place *at, uint32_t refnum)
{
	uint32_t present = ddf_ref_at(at);

	return present != refnum && ddf_dl_by_ref(c, present) && ddf_pd_working(ddf_pd_by_ref(c, present));
}

/* The disk must not be named before it has its data, unless its entry says already that it has not. */
static bool only_in_memory(const struct ddf_container *c, unsigned vd, const struct ddf_place *at, uint32_t refnum)
{
	bool known = ddf_ref_at(at) == refnum && (be16_get(ddf_pd_by_ref(c, refnum)->state) & DDF_PD_REBUILDING);

	return !known && ddf_other_names(c, vd, refnum);
}

/* ---- the search ---- */

struct search {
	const struct ddf_container *c;
	unsigned vd;
	const struct ddf_md_array *md;
	struct md_members members;
	struct spare_request *req;
};

static bool slot_in_sync(const struct search *s, unsigned slot)
{
	const struct md_member *m = md_member_in(&s->members, slot);

	return m && (m->state & MEMBER_IN_SYNC);
}

/* As slot_in_sync(), and not a stale disk that md was started with. */
static bool slot_is_trusted(const struct search *s, unsigned slot)
{
	const struct md_member *m = md_member_in(&s->members, slot);

	return m && ddf_is_trusted(s->c, s->vd, m);
}

/* Some members are lost, and those that are left are enough to rebuild them from (9.1). */
static bool can_be_rebuilt(const struct search *s)
{
	unsigned disks = (unsigned)s->md->raid_disks, lost = 0;
	bool has_data[DDF_MAX_SLOTS];

	for (unsigned slot = 0; slot < disks; slot++) {
		has_data[slot] = slot_is_trusted(s, slot);
		lost += !slot_in_sync(s, slot);
	}
	return lost && enough_left(s->md->level, s->md->layout, disks, has_data);
}

static bool may_activate(const struct search *s)
{
	const struct ddf_vdc *v = s->vd < s->c->layout.max_vd ? ddf_any_record(s->c, s->vd) : NULL;

	if (!v || (unsigned)s->md->raid_disks != be16_get(v->primary_count) * s->c->volume[s->vd].records->count)
		return false;
	return !md_any_faulty(&s->members) && can_be_rebuilt(s);
}

static bool is_candidate(const struct search *s, const struct ddf_place *at, const struct ddf_dl *dl, uint64_t start)
{
	if (md_members_have(&s->members, dl->dev) || spare_is_picked(s->req, dl->dev) ||
	    !holds(s->c, s->vd, at, dl, start, s->md->component_size))
		return false;
	return !only_in_memory(s->c, s->vd, at, dl->refnum) || s->req->count < ddf_free_rebuilds(s->c);
}

static const struct ddf_dl *find_in_class(const struct search *s, const struct ddf_place *at, enum spare_class class,
					  uint64_t *start)
{
	uint64_t length = extent_length(at->record, s->md->component_size);

	for (const struct ddf_dl *dl = s->c->disks; dl; dl = dl->next)
		if (class_of(s->c, s->vd, dl) == class && !ddf_find_room(s->c, dl->refnum, length, start) &&
		    is_candidate(s, at, dl, *start))
			return dl;
	return NULL;
}

/*
 * A disk that the element names already goes on where its rebuild was interrupted. As long as the metadata count on a
 * disk that is there, no other one takes its place.
 */
static const struct ddf_dl *find_for_slot(const struct search *s, const struct ddf_place *at, uint64_t *start)
{
	const struct ddf_dl *dl = ddf_dl_by_ref(s->c, ddf_ref_at(at));

	if (dl) {
		*start = ddf_element_start(at->record, s->c->layout.mppe, at->index);
		if (is_candidate(s, at, dl, *start))
			return dl;
	}
	if (is_taken(s->c, at, DDF_REF_NONE))
		return NULL;
	dl = NULL;
	for (enum spare_class class = DEDICATED; class < UNFIT && !dl; class++)
		dl = find_in_class(s, at, class, start);
	return dl;
}

/* md has a member in the slot that is not rebuilt: a daemon died after giving it to md. */
static const struct ddf_dl *find_left_behind(const struct search *s, const struct ddf_place *at,
					     const struct md_member *m)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(s->c, m->dev);

	return dl && holds(s->c, s->vd, at, dl, m->data_offset, s->md->component_size) ? dl : NULL;
}

static void find_pick(const struct search *s, unsigned slot)
{
	const struct md_member *m = md_member_in(&s->members, slot);
	const struct ddf_dl *dl;
	struct ddf_place at;
	uint64_t start = m ? m->data_offset : 0;

	if (!ddf_place_of_slot(s->c, s->vd, slot, &at))
		return;
	dl = m ? find_left_behind(s, &at, m) : find_for_slot(s, &at, &start);
	if (!dl)
		return;
	s->req->pick[s->req->count++] = (struct spare_pick){
		.dev = dl->dev,
		.slot = (int)slot,
		.data_offset = start,
		.component_size = s->md->component_size,
		.in_array = m,
	};
}

void ddf_find_spares(const struct ddf_container *c, unsigned vd, const struct ddf_md_array *md,
		     struct spare_request *req)
{
	struct search s = { .c = c, .vd = vd, .md = md, .members = md->members, .req = req };

	req->count = req->bad_count = 0;
	if (!may_activate(&s))
		return;
	for (unsigned slot = 0; slot < (unsigned)md->raid_disks && req->count < MAX_SPARE_PICKS; slot++)
		if (!slot_in_sync(&s, slot))
			find_pick(&s, slot);
}

/* ---- recording ---- */

/* The virtual disk that picks are for. */
struct target {
	const struct ddf_container *c;
	unsigned vd;
};

static enum spare_verdict judge(const void *metadata, const struct spare_pick *p)
{
	const struct target *t = metadata;
	const struct ddf_dl *dl = ddf_dl_by_dev(t->c, p->dev);
	struct ddf_place at;

	if (p->slot < 0 || !ddf_place_of_slot(t->c, t->vd, (unsigned)p->slot, &at))
		return SPARE_NO_SLOT;
	if (!dl)
		return SPARE_LEFT;
	if (!holds(t->c, t->vd, &at, dl, p->data_offset, p->component_size))
		return SPARE_UNFIT;
	if (!p->in_array && ddf_ref_at(&at) != dl->refnum && class_of(t->c, t->vd, dl) == UNFIT)
		return SPARE_KEPT_FOR_OTHERS;
	if (!p->in_array && is_taken(t->c, &at, dl->refnum))
		return SPARE_SLOT_TAKEN;
	return SPARE_FITS;
}

/* Rebuilds that no record is to tell of before they have ended. */
static unsigned count_unrecorded(const struct ddf_container *c, unsigned vd, const struct spare_request *req)
{
	unsigned n = 0;

	for (unsigned i = 0; i < req->count; i++) {
		struct ddf_place at;

		if (ddf_place_of_slot(c, vd, (unsigned)req->pick[i].slot, &at))
			n += only_in_memory(c, vd, &at, ddf_dl_by_dev(c, req->pick[i].dev)->refnum);
	}
	return n;
}

static int check_request(const struct ddf_container *c, unsigned vd, const struct spare_request *req, const char **why)
{
	int err;

	if (vd >= c->layout.max_vd || !ddf_any_record(c, vd) || !spare_has_picks(req))
		return refuse(why, -EINVAL, "no such virtual disk, or no disk");
	if (!c->volume[vd].live)
		return refuse(why, -ESTALE, "the array has ended");
	err = spare_check_picks(req, judge, &(struct target){ c, vd }, why);
	if (!err && ddf_free_rebuilds(c) < count_unrecorded(c, vd, req))
		err = refuse(why, -ENOSPC, "too many rebuilds at a time");
	return err;
}

/* One pick, where it goes, and the records that changed. */
struct commit {
	struct ddf_container *c;
	unsigned vd;
	const struct spare_pick *pick;
	struct ddf_place at;
	struct ddf_pd_entry *e;
	bool *changed; /* by secondary_seq */
};

static void name_in_element(const struct commit *k, uint32_t refnum, uint64_t start)
{
	if (ddf_ref_at(&k->at) == refnum &&
	    ddf_element_start(k->at.record, k->c->layout.mppe, k->at.index) == start)
		return;
	ddf_name_at(k->c, &k->at, refnum, start);
	k->changed[k->at.record->secondary_seq] = true;
}

static void record(const struct commit *k, uint32_t refnum)
{
	name_in_element(k, refnum, k->pick->data_offset);
	k->e->state = be16_make((uint16_t)(be16_get(k->e->state) | DDF_PD_REBUILDING));
}

static void keep_in_memory(const struct commit *k, uint32_t refnum)
{
	const struct ddf_rebuild b = {
		.vd = k->vd,
		.slot = (unsigned)k->pick->slot,
		.refnum = refnum,
		.start = k->pick->data_offset,
		.length = extent_length(k->at.record, k->pick->component_size),
	};

	/* As long as the element names the disk, readers take its data for good. */
	if (ddf_ref_at(&k->at) == refnum)
		name_in_element(k, DDF_REF_MISSING, 0);
	ddf_keep_rebuild(k->c, &b);
}

/* Whatever was meant for the slot before, or for the disk. */
static void forget_rebuilds(const struct commit *k, uint32_t refnum)
{
	ddf_each_rebuild(k->c, b)
		if (b->vd == k->vd && (b->slot == (unsigned)k->pick->slot || b->refnum == refnum))
			b->used = false;
}

static void commit_pick(struct commit *k)
{
	uint32_t refnum = ddf_dl_by_dev(k->c, k->pick->dev)->refnum;
	unsigned slot = (unsigned)k->pick->slot;

	ddf_place_of_slot(k->c, k->vd, slot, &k->at);
	if (ddf_ref_at(&k->at) == refnum && ddf_is_synced(k->c, k->vd, (int)slot))
		return; /* md had it already, and has finished meanwhile */
	k->e = ddf_pd_by_ref(k->c, refnum);
	forget_rebuilds(k, refnum);
	if (only_in_memory(k->c, k->vd, &k->at, refnum))
		keep_in_memory(k, refnum);
	else
		record(k, refnum);
	k->c->volume[k->vd].synced[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

int ddf_commit_spares(struct ddf_container *c, unsigned vd, const struct spare_request *req, const char **why)
{
	bool changed[DDF_MAX_BVDS] = { false };
	int err = check_request(c, vd, req, why);

	if (err)
		return err;
	for (unsigned i = 0; i < req->count; i++) {
		struct commit k = { .c = c, .vd = vd, .pick = &req->pick[i], .changed = changed };

		commit_pick(&k);
	}
	for (unsigned seq = 0; seq < c->volume[vd].records->count; seq++)
		if (changed[seq])
			ddf_stamp(c, ddf_record(c->volume[vd].records, seq));
	ddf_update_state(c, vd);
	ddf_tidy_disks(c);
	return 0;
}
