/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tables must not say before the records have arrived (ddf.md 7).
 *
 * The tables are on every disk, a record is on its members only, and the disks take a change one after the other: for a
 * while readers find the new tables beside a record that is still the old one. So a disk that a record ceases to name,
 * and whose entry ceases to say in the same change that it lacks data, would be trusted with all that the old record
 * says. And a virtual disk that ceases to be dirty would be clean with a member that nobody has compared.
 *
 * Such a change is written as two generations. The tables of the first one still say of these disks and virtual disks
 * what they said before. Of a disk that refuses to give up a record which names it they say so for as long as it does,
 * also if another virtual disk has begun to use it. Pure.
 */
#include "ddf/ddf.h"

#include <string.h>

/* As mdadm looks at it (2.6): Missing does not count. */
static bool is_trusted(const struct ddf_pd_entry *e)
{
	unsigned bits = DDF_PD_ONLINE | DDF_PD_FAILED | DDF_PD_REBUILDING;

	return (be16_get(e->state) & bits) == DDF_PD_ONLINE;
}

static bool needs_resync(const struct ddf_vd_entry *e)
{
	return e->state & DDF_VD_INCONSISTENT || (e->init_state & DDF_INIT_MASK) != DDF_INITIALISED;
}

/* ---- what is held ---- */

static bool is_held(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned i = 0; i < c->held_count; i++)
		if (c->held[i] == refnum)
			return true;
	return false;
}

static void hold_disk(struct ddf_container *c, uint32_t refnum)
{
	if (!is_held(c, refnum) && c->held_count < DDF_MAX_DISKS)
		c->held[c->held_count++] = refnum;
}

/* Some disk still has `old`, and `now` names fewer disks. */
static void compare_records(struct ddf_container *c, struct ddf_dl *dl, unsigned vd, const struct ddf_vdc *old,
			    const struct ddf_vdc *now)
{
	for (unsigned i = 0; i < c->layout.mppe; i++) {
		uint32_t refnum = ddf_element_ref(old, i);

		if (!ddf_is_disk(refnum) || ddf_record_names(c, now, refnum))
			continue;
		hold_disk(c, refnum);
		dl->disowned |= refnum == dl->refnum;
		c->volume[vd].held = true;
	}
}

static void compare_disk(struct ddf_container *c, struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *old = ddf_record_slot(c, dl, i), *now = ddf_current_record(c, old);

		if (now)
			compare_records(c, dl, (unsigned)ddf_vd_by_guid(c, old->guid), old, now);
	}
}

/* What is on it names it where nothing does now. */
static bool is_disowned(const struct ddf_container *c, const struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *old = ddf_record_slot(c, dl, i), *now = ddf_current_record(c, old);

		if (now && ddf_record_names(c, old, dl->refnum) && !ddf_record_names(c, now, dl->refnum))
			return true;
	}
	return dl->disowned;
}

/* ---- the tables of the first generation ---- */

static const struct ddf_pd_entry *written_pd(const struct ddf_container *c, const struct ddf_pd_entry *e)
{
	const struct ddf_pd_entry *w = (const void *)(c->pd_written + sizeof(struct ddf_table_head));

	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (ddf_pd_used(&w[i]) && be32_get(w[i].refnum) == be32_get(e->refnum))
			return &w[i];
	return NULL;
}

static bool keeps_old_record(const struct ddf_container *c, uint32_t refnum)
{
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	return dl && dl->record_due && (dl->disowned || !ddf_any_names(c, refnum));
}

/*
 * The disk came late, has the only record that names it, and is to take one that does not. Until it has, those that are beside it
 * say that it has failed: it may refuse, or leave, and the disk with the new record may be absent when it is read next. (Where
 * another virtual disk needs it, that cannot be said.)
 */
static bool gives_up_last_name(const struct ddf_container *c, uint32_t refnum)
{
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	return dl && dl->late && dl->disowned && !ddf_any_names(c, refnum);
}

static bool hold_pds(const struct ddf_container *c)
{
	struct ddf_pd_entry *e = (void *)(c->pd_held + sizeof(struct ddf_table_head));
	bool any = false;

	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		const struct ddf_pd_entry *was = ddf_pd_used(&e[i]) && is_trusted(&e[i]) ? written_pd(c, &e[i]) : NULL;

		if (was && is_trusted(was) && gives_up_last_name(c, be32_get(was->refnum)))
			e[i].state = be16_make(DDF_PD_FAILED);
		else if (was && !is_trusted(was) &&
			 (is_held(c, be32_get(was->refnum)) || keeps_old_record(c, be32_get(was->refnum))))
			e[i].state = was->state;
		else
			continue;
		any = true;
	}
	return any;
}

/* True if it asks for a resync now as it did when it was written, and had ceased to. */
static bool keep_dirty(const struct ddf_container *c, unsigned vd, struct ddf_vd_entry *e)
{
	const struct ddf_vd_entry *w = (const void *)(c->vd_written + sizeof(struct ddf_table_head));

	if (!c->volume[vd].held || !ddf_guid_equal(e->guid, w[vd].guid) || !needs_resync(&w[vd]) || needs_resync(e))
		return false;
	e->state |= w[vd].state & DDF_VD_INCONSISTENT;
	e->init_state = (uint8_t)((e->init_state & ~DDF_INIT_MASK) | (w[vd].init_state & DDF_INIT_MASK));
	return true;
}

static bool hold_vds(const struct ddf_container *c)
{
	struct ddf_vd_entry *e = (void *)(c->vd_held + sizeof(struct ddf_table_head));
	bool any = false;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		any |= keep_dirty(c, vd, &e[vd]);
	return any;
}

bool ddf_hold_back(struct ddf_container *c)
{
	bool any;

	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		compare_disk(c, dl);
	memcpy(c->pd_held, c->pd, (size_t)c->layout.pd.length * DDF_SECTOR);
	memcpy(c->vd_held, c->vd, (size_t)c->layout.vd.length * DDF_SECTOR);
	any = hold_pds(c);
	return hold_vds(c) || any;
}

void ddf_let_go(struct ddf_container *c)
{
	c->held_count = 0;
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		c->volume[vd].held = false;
}

/* Some disk that is here has a record of it, or is to have. */
static bool has_holder(const struct ddf_container *c, unsigned vd)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		for (unsigned i = 0; i < c->layout.records; i++)
			if (ddf_slot_content(c, ddf_record_slot(c, dl, i)) == DDF_SLOT_OURS &&
			    ddf_vd_by_guid(c, ddf_record_slot(c, dl, i)->guid) == (int)vd)
				return true;
	return false;
}

void ddf_hold_lost(struct ddf_container *c, const struct ddf_dl *dl)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);
	const struct ddf_pd_entry *was = e ? written_pd(c, e) : NULL;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (dl->record_due && !has_holder(c, vd))
			keep_dirty(c, vd, ddf_vd(c, vd));
	if (was && is_trusted(e) && !is_trusted(was) && is_disowned(c, dl))
		e->state = was->state;
}
