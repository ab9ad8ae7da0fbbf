/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spares of an IMSM container: choosing one for each empty slot of a degraded array, and
 * recording the choice (imsm.md 9 and 8.2).
 *
 * Between the two the manager hands the disk to md, so time passes, and anything may have
 * happened when the record is to be made: everything is checked again. And the daemon may
 * die in between: then md has a member that the metadata knows nothing of. The next
 * search finds it and has it recorded.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <string.h>

#include "lib/refuse.h"
#include "metadata/spare.h"

#define PPL_SECTORS 2048

/* ---- is a disk fit? ---- */

static bool fit(const struct imsm_container *c, const struct imsm_dl *dl)
{
	uint32_t status = le32_get(imsm_dl_record(c, dl)->status);

	if (dl->index == IMSM_INDEX_UNRELATED || dl->unfit || (status & (IMSM_DISK_FAILED | IMSM_DISK_JOURNAL)))
		return false;
	if (dl->index < 0 && dl->stale) /* it would not take the metadata either */
		return false;
	if (!dl->disk || dl->disk->sector_size != c->sector_size)
		return false;
	if (dl->index < 0 && c->meta.num_disks >= IMSM_MAX_DISKS)
		return false;
	return !imsm_serial_ambiguous(c, dl);
}

/* The disk that the metadata names for the slot: it may come back into that slot. */
static bool is_own_disk(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot,
			const struct imsm_dl *dl)
{
	return dl->index >= 0 && imsm_ord_index(imsm_ord(v, slot, IMSM_MX)) == (uint32_t)dl->index && !dl->unfit &&
	       !imsm_disk_failed(c, (uint32_t)dl->index);
}

static bool suits(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot, const struct imsm_dl *dl)
{
	if (is_own_disk(c, v, slot, dl))
		return true;
	return fit(c, dl) && !imsm_dl_is_member(v, dl) && imsm_room_for_all(c, dl);
}

/* ---- the search ---- */

struct search {
	const struct imsm_container *c;
	const struct imsm_volume *v;
	struct md_members members;
	unsigned raid_disks;
	uint64_t component_size;
	struct spare_request *req;
};

/* Who fills a slot in md. */
enum holder {
	NOBODY,
	MEMBER,     /* the metadata knows it as one */
	UNRECORDED, /* the metadata does not: a daemon died between giving it to md and recording it */
};

static enum holder holder_of(const struct search *s, unsigned slot)
{
	const struct md_member *m = md_member_in(&s->members, slot);
	const struct imsm_dl *dl = m ? imsm_dl_by_dev(s->c, m->dev) : NULL;
	bool bad;

	if (!m)
		return NOBODY;
	bad = imsm_slot_bad(s->c, s->v, slot);
	/* md has rebuilt it meanwhile. A disk that cannot be recorded is left as it is. */
	if (m->state & MEMBER_IN_SYNC)
		return bad && dl && suits(s->c, s->v, slot, dl) ? UNRECORDED : MEMBER;
	if (bad || (m->state & MEMBER_SPARE) || !dl || !is_own_disk(s->c, s->v, slot, dl))
		return UNRECORDED;
	return MEMBER;
}

/* The metadata needs a disk for the slot: one that md gets, too, or the one that md has. */
static bool is_open(const struct search *s, unsigned slot)
{
	return holder_of(s, slot) != MEMBER;
}

static unsigned count_open(const struct search *s)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < s->raid_disks; slot++)
		n += is_open(s, slot);
	return n;
}

static bool any_empty(const struct search *s)
{
	for (unsigned slot = 0; slot < s->raid_disks; slot++)
		if (holder_of(s, slot) == NOBODY)
			return true;
	return false;
}

/* Of a mirrored pair one must be left to copy from. */
static bool pair_open(const struct search *s)
{
	for (unsigned slot = 0; slot + 1 < s->raid_disks; slot += 2)
		if (is_open(s, slot) && is_open(s, slot + 1))
			return true;
	return false;
}

static bool names_failed_present_disk(const struct imsm_container *c, const struct imsm_volume *v)
{
	const struct imsm_map *m = imsm_which_map(v, IMSM_MX);

	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		uint32_t index = imsm_ord_index(m->ord[slot]);

		if (imsm_disk_present(c, index) && imsm_disk_failed(c, index))
			return true;
	}
	return false;
}

/*
 * Taking over the slot of a failed disk decides the fate of all volumes on it. While another volume (a RAID0) is lost
 * without that disk, somebody may still want to rescue something from it. Who removes the disk does not. It is too late
 * for an objection when md has a disk in the slot.
 */
static bool other_volume_objects(const struct search *s, unsigned missing)
{
	for (unsigned i = 0; i < s->c->meta.num_volumes; i++) {
		const struct imsm_volume *other = &s->c->meta.volume[i];

		if (other != s->v && imsm_check_degraded(s->c, other, missing, IMSM_M0) == IMSM_FAILED &&
		    names_failed_present_disk(s->c, other))
			return true;
	}
	return false;
}

/* imsm.md 9.1. A migration that is still recorded has to end first: only one can be. */
static bool may_activate(const struct search *s, int md_level)
{
	const struct imsm_map *m0 = &s->v->map[0];
	unsigned missing;

	if (md_any_faulty(&s->members) || imsm_container_reshaping(s->c) || s->v->head.migr_state)
		return false;
	/* Level 4: mdadm is reshaping a RAID0. */
	if (md_level == 4 || s->raid_disks != m0->head.num_members)
		return false;
	if (m0->head.map_state == IMSM_UNINITIALIZED || m0->head.map_state == IMSM_FAILED)
		return false;
	missing = count_open(s);
	if (imsm_check_degraded(s->c, s->v, missing, IMSM_M0) != IMSM_DEGRADED)
		return false;
	if (imsm_map_level(m0) == IMSM_RAID10 && pair_open(s))
		return false;
	return !any_empty(s) || !other_volume_objects(s, missing);
}

/* Neither md nor an earlier pick has the disk. */
static bool is_available(const struct search *s, const struct imsm_dl *dl)
{
	return !md_members_have(&s->members, dl->dev) && !spare_is_picked(s->req, dl->dev);
}

/* The first disk in the list, most recently added first, with an index of at least `lowest`. */
static const struct imsm_dl *find_other(const struct search *s, unsigned slot, int lowest)
{
	for (const struct imsm_dl *dl = s->c->disks; dl; dl = dl->next)
		if (dl->index >= lowest && is_available(s, dl) && suits(s->c, s->v, slot, dl))
			return dl;
	return NULL;
}

/* imsm.md 9.2: its own disk; a member of another volume that is not in this one yet; a pristine spare. */
static const struct imsm_dl *find_for_slot(const struct search *s, unsigned slot)
{
	const struct md_member *m = md_member_in(&s->members, slot);
	const struct imsm_dl *dl;

	if (m) {
		dl = imsm_dl_by_dev(s->c, m->dev);
		return dl && suits(s->c, s->v, slot, dl) ? dl : NULL;
	}
	dl = imsm_dl_by_index(s->c, (int)imsm_ord_index(imsm_ord(s->v, slot, IMSM_MX)));
	if (dl && is_own_disk(s->c, s->v, slot, dl) && is_available(s, dl))
		return dl;
	dl = find_other(s, slot, 0);
	return dl ? dl : find_other(s, slot, IMSM_INDEX_SPARE);
}

static bool uses_ppl(const struct imsm_volume *v)
{
	return imsm_map_level(&v->map[0]) == IMSM_RAID5 && (v->head.rwh_policy == IMSM_RWH_DISTRIBUTED ||
							    v->head.rwh_policy == IMSM_RWH_MULTIPLE_DISTRIBUTED);
}

static void add_pick(const struct search *s, unsigned slot, const struct imsm_dl *dl)
{
	const struct imsm_map *m0 = &s->v->map[0];
	struct spare_pick *p = &s->req->pick[s->req->count++];

	*p = (struct spare_pick){
		.dev = dl->dev,
		.slot = (int)slot,
		.data_offset = imsm_map_pba(m0),
		.component_size = s->component_size,
		.bad_block_log = true,
		.in_array = md_member_in(&s->members, slot),
	};
	if (uses_ppl(s->v)) {
		p->ppl_sector = imsm_map_pba(m0) + imsm_map_stripes(m0) * imsm_map_chunk(m0);
		p->ppl_size = PPL_SECTORS;
	}
	if (imsm_uses_bitmap(s->v))
		imsm_fill_bitmap(&s->c->meta, (unsigned)(s->v - s->c->meta.volume), p);
}

/* A disk that serves another volume, or was in this one before. */
static void add_bad_ranges(const struct search *s, const struct imsm_dl *dl)
{
	struct spare_request *req = s->req;
	struct bad_range range[IMSM_BBM_MAX];
	unsigned n = imsm_bad_ranges_of(s->c, (unsigned)(s->v - s->c->meta.volume), dl->index, range, IMSM_BBM_MAX);

	for (unsigned i = 0; i < n && req->bad_count < MAX_SPARE_BAD_RANGES; i++)
		req->bad[req->bad_count++] = (struct spare_bad_range){ .dev = dl->dev, .range = range[i] };
}

static void reverse(struct spare_request *req)
{
	for (unsigned i = 0; i < req->count / 2; i++) {
		struct spare_pick p = req->pick[i];

		req->pick[i] = req->pick[req->count - 1 - i];
		req->pick[req->count - 1 - i] = p;
	}
}

void imsm_find_spares(const struct imsm_container *c, unsigned volume, int md_level, uint64_t component_size,
		      const struct md_member *member, unsigned members, unsigned raid_disks,
		      struct spare_request *req)
{
	struct search s = {
		.c = c,
		.members = { member, members },
		.raid_disks = raid_disks,
		.component_size = component_size,
		.req = req,
	};

	req->count = req->bad_count = 0;
	if (volume >= c->meta.num_volumes)
		return;
	s.v = &c->meta.volume[volume];
	if (!may_activate(&s, md_level))
		return;
	for (unsigned slot = 0; slot < raid_disks && req->count < MAX_SPARE_PICKS; slot++) {
		const struct imsm_dl *dl = is_open(&s, slot) ? find_for_slot(&s, slot) : NULL;

		if (!dl)
			continue;
		add_pick(&s, slot, dl);
		add_bad_ranges(&s, dl);
	}
	reverse(req);
}

/* ---- recording ---- */

/* The volume that picks are for. */
struct target {
	const struct imsm_container *c;
	const struct imsm_volume *v;
};

static enum spare_verdict judge(const void *metadata, const struct spare_pick *p)
{
	const struct target *t = metadata;
	const struct imsm_dl *dl = imsm_dl_by_dev(t->c, p->dev);
	unsigned slot = (unsigned)p->slot;

	if (p->slot < 0 || p->slot >= t->v->map[0].head.num_members)
		return SPARE_NO_SLOT;
	if (!dl)
		return SPARE_LEFT;
	if (!suits(t->c, t->v, slot, dl))
		return SPARE_UNFIT;
	if (!p->in_array && !is_own_disk(t->c, t->v, slot, dl) && !imsm_slot_bad(t->c, t->v, slot))
		return SPARE_SLOT_TAKEN;
	return SPARE_FITS;
}

/* Disks that get an entry in the table. */
static unsigned count_new(const struct imsm_container *c, const struct spare_request *req)
{
	unsigned n = 0;

	for (unsigned i = 0; i < req->count; i++)
		n += imsm_dl_by_dev(c, req->pick[i].dev)->index < 0;
	return n;
}

int imsm_check_spares(const struct imsm_container *c, unsigned volume, const struct spare_request *req,
		      const char **why)
{
	const struct imsm_volume *v;
	int err;

	if (volume >= c->meta.num_volumes || !spare_has_picks(req))
		return refuse(why, -EINVAL, "no such volume, or no disk");
	v = &c->meta.volume[volume];
	if (!(c->live_volumes >> volume & 1))
		return refuse(why, -ESTALE, "the array has ended");
	if (v->head.migr_state || imsm_container_reshaping(c))
		return refuse(why, -EBUSY, "a migration is going on");
	if (v->map[0].head.map_state == IMSM_UNINITIALIZED || v->map[0].head.map_state == IMSM_FAILED)
		return refuse(why, -ESTALE, "the volume cannot be rebuilt any more");
	err = spare_check_picks(req, judge, &(struct target){ c, v }, why);
	if (!err && c->meta.num_disks + count_new(c, req) > IMSM_MAX_DISKS)
		err = refuse(why, -ENOSPC, "the disk table is full");
	return err;
}

static void begin_rebuild(struct imsm_volume *v, int slot)
{
	struct imsm_map *m0 = &v->map[0];

	m0->head.map_state = IMSM_DEGRADED;
	/* No failure was recorded for the slot: it was lost without one. */
	if (m0->head.failed_disk_num == IMSM_NO_FAILED_SLOT)
		m0->head.failed_disk_num = (uint8_t)slot;
	imsm_migrate(v, IMSM_DEGRADED, IMSM_MIGR_REBUILD);
}

/* Puts the disk into the slot, without data for now. Returns the index of the disk that was there. */
static uint32_t record_pick(struct imsm_container *c, struct imsm_volume *v, const struct spare_pick *p)
{
	struct imsm_dl *dl = imsm_dl_by_dev(c, p->dev);
	uint32_t replaced = imsm_ord_index(v->map[0].ord[p->slot]);

	if (dl->index < 0)
		imsm_enlist_disk(c, dl);
	v->map[0].ord[p->slot] = (uint32_t)dl->index;
	v->map[1].ord[p->slot] = (uint32_t)dl->index | IMSM_ORD_REBUILD;
	return replaced;
}

/* Nobody watches this volume, perhaps a RAID0: record here that it has lost what was on the disk. */
static void record_loss(struct imsm_container *c, struct imsm_volume *v, uint32_t index)
{
	if (imsm_disk_present(c, index) && !imsm_disk_failed(c, index))
		return;
	imsm_mark_failure(c, v, index);
	imsm_update_state(c, v);
}

static void record_losses(struct imsm_container *c, unsigned live, uint32_t index)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (!(live >> i & 1) && imsm_volume_names(&c->meta.volume[i], index))
			record_loss(c, &c->meta.volume[i], index);
}

/*
 * The entries of the disks that were in the slots before go, but not while a volume names them: with another disk in
 * that place of the table mdadm would start a RAID0 of which half is garbage. A disk that has come back into its own
 * slot is still named.
 */
static void drop_replaced(struct imsm_container *c, unsigned live, const uint32_t *replaced, unsigned count)
{
	bool gone[IMSM_MAX_DISKS] = { false };

	for (unsigned i = 0; i < count; i++) {
		record_losses(c, live, replaced[i]);
		gone[replaced[i]] = !imsm_disk_named(c, replaced[i]);
	}
	/* From the end: deleting an entry moves those behind it. */
	for (uint32_t index = IMSM_MAX_DISKS; index-- > 0;)
		if (gone[index])
			imsm_delete_disk(c, index);
}

int imsm_commit_spares(struct imsm_container *c, unsigned volume, const struct spare_request *req, const char **why)
{
	uint32_t replaced[MAX_SPARE_PICKS];
	struct imsm_volume *v;
	int err = imsm_check_spares(c, volume, req, why);

	if (err)
		return err;
	v = &c->meta.volume[volume];
	begin_rebuild(v, req->pick[0].slot);
	for (unsigned i = 0; i < req->count; i++)
		replaced[i] = record_pick(c, v, &req->pick[i]);
	imsm_pass_generations(&c->meta.header, IMSM_LEAP_REPLACED);
	v->map[0].head.map_state = (uint8_t)imsm_check_degraded(c, v, imsm_count_failed(c, v, IMSM_M0), IMSM_M0);
	drop_replaced(c, c->live_volumes | 1u << volume, replaced, req->count);
	c->write_due = true;
	return 0;
}
