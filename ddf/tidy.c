/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts the tables of a DDF container in order after configuration records or disks changed (ddf.md 8.4): counts
 * entries, says what each disk is, and drops the entries of disks that no record names any more.
 */
#include "ddf/ddf.h"

#include <string.h>

/* ---- counts and entries ---- */

void ddf_count_pds(struct ddf_container *c)
{
	struct ddf_table_head *head = (struct ddf_table_head *)c->pd;
	uint16_t n = 0;

	for (unsigned i = 0; i < c->layout.max_pd; i++)
		n += ddf_pd_used(ddf_pd(c, i));
	head->populated = be16_make(n);
}

void ddf_count_vds(struct ddf_container *c)
{
	struct ddf_table_head *head = (struct ddf_table_head *)c->vd;
	uint16_t n = 0;

	for (unsigned i = 0; i < c->layout.max_vd; i++)
		n += !ddf_guid_unused(ddf_vd(c, i)->guid);
	head->populated = be16_make(n);
}

/* Some who read the tables ask for the GUID, some for the reference number: all of it must say "unused" (1.6). */
void ddf_clear_entry(void *entry)
{
	_Static_assert(sizeof(struct ddf_pd_entry) == sizeof(struct ddf_vd_entry), "both tables have such entries");
	memset(entry, 0xff, sizeof(struct ddf_pd_entry));
}

/* ---- what the disks are, and which are forgotten ---- */

static unsigned tidy_type(unsigned type, bool named, bool spare_record)
{
	type &= ~(unsigned)(DDF_PD_GLOBAL_SPARE | DDF_PD_ACTIVE);
	if (named)
		type |= DDF_PD_ACTIVE;
	if (spare_record)
		return type | DDF_PD_SPARE;
	return named ? type : (type & ~(unsigned)DDF_PD_SPARE) | DDF_PD_GLOBAL_SPARE;
}

/*
 * Transition marks failed disks that no record names. A disk that nothing is rebuilt for is not being rebuilt; one that is
 * absent may have an old record, which says that it has the data that it lacks.
 */
static unsigned tidy_state(unsigned state, bool named, bool rebuilt)
{
	if (!rebuilt)
		state &= ~(unsigned)DDF_PD_REBUILDING;
	if (!(state & DDF_PD_FAILED))
		return state;
	return named ? state & ~(unsigned)DDF_PD_TRANSITION : state | DDF_PD_TRANSITION;
}

/* Of levels that we do not know, others may have rebuilt it. */
static bool has_rebuilds(const struct ddf_container *c, unsigned vd)
{
	const struct ddf_vdc *r = ddf_any_record(c, vd);
	int level, layout;
	unsigned raid_disks;

	return !r || !ddf_md_level(r, &level, &layout, &raid_disks) || level > 0;
}

/* Some virtual disk that names it, or may in a record that is on absent disks only, has rebuilds. */
static bool may_be_rebuilt(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (ddf_may_name(c, vd, refnum) && has_rebuilds(c, vd))
			return true;
	return false;
}

static void tidy_disk(struct ddf_container *c, struct ddf_pd_entry *e)
{
	bool worked = ddf_pd_working(e);
	uint32_t refnum = be32_get(e->refnum);
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);
	bool named = ddf_any_names(c, refnum);

	/* It failed for an array, and was kept for others that are no more. */
	if (dl && dl->unfit && !named)
		e->state = be16_make((uint16_t)(be16_get(e->state) | DDF_PD_FAILED));
	e->state = be16_make((uint16_t)tidy_state(be16_get(e->state), named, !dl || may_be_rebuilt(c, refnum)));
	if (ddf_pd_working(e) != worked)
		ddf_update_states_of(c, refnum);
	if (!dl)
		return;
	/* That a record which it has refused may name it has to be known to the next daemon, too. */
	named |= ddf_may_serve_unknown(c, dl);
	e->type = be16_make((uint16_t)tidy_type(be16_get(e->type), named, ddf_spare_record(c, dl)));
}

static bool is_full(const struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (!ddf_pd_used(ddf_pd(c, i)))
			return false;
	return true;
}

/*
 * The disk has failed, is gone, and no record names it. One that no disk has brought may be on this one alone: without its entry
 * it would be a new disk when it comes.
 */
static bool is_forgotten(const struct ddf_container *c, const struct ddf_pd_entry *e, bool full)
{
	uint32_t refnum = be32_get(e->refnum);
	bool named = full ? ddf_any_names(c, refnum) : ddf_other_may_name(c, c->layout.max_vd, refnum);

	return be16_get(e->state) & DDF_PD_FAILED && !ddf_dl_by_ref(c, refnum) && !named;
}

static bool record_lacks_a_disk(const struct ddf_container *c, const struct ddf_vdc *r)
{
	for (unsigned n = 0; n < ddf_primary_count(r); n++) {
		int i = ddf_nth_element(c, r, n);

		if (i < 0 || ddf_element_ref(r, (unsigned)i) == DDF_REF_MISSING)
			return true;
	}
	return false;
}

static bool any_lacks_a_disk(const struct ddf_container *c)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++) {
			const struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);

			if (r && record_lacks_a_disk(c, r))
				return true;
		}
	return false;
}

/*
 * It is absent, and may come yet (10.5): it has not failed, or was only absent when a virtual disk was started, and some
 * virtual disk still lacks one.
 */
static bool is_awaited(const struct ddf_container *c, const struct ddf_pd_entry *e, bool lacking)
{
	bool absent_only = !(be16_get(e->state) & DDF_PD_ONLINE) && be16_get(e->state) & DDF_PD_MISSING;

	return (ddf_pd_usable(e) || (lacking && absent_only)) && !ddf_dl_by_ref(c, be32_get(e->refnum));
}

static bool any_is_awaited(const struct ddf_container *c)
{
	bool awaited = false, lacking = any_lacks_a_disk(c);

	for (unsigned i = 0; i < c->layout.max_pd; i++)
		awaited |= ddf_pd_used(ddf_pd(c, i)) && is_awaited(c, ddf_pd(c, i), lacking);
	return awaited;
}

/*
 * mdadm refuses a disk that comes if its copy counts other entries than ours: while one is awaited none goes, as long as there is
 * room. Entries move only if one is dropped.
 */
static void drop_forgotten(struct ddf_container *c)
{
	unsigned kept = 0;
	bool dropped = false, full = is_full(c);

	if (!full && any_is_awaited(c))
		return;
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);

		if (ddf_pd_used(e) && is_forgotten(c, e, full)) {
			ddf_clear_entry(e);
			dropped = true;
		}
	}
	for (unsigned i = 0; dropped && i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)))
			*ddf_pd(c, kept++) = *ddf_pd(c, i);
	while (dropped && kept < c->layout.max_pd)
		ddf_clear_entry(ddf_pd(c, kept++));
}

void ddf_tidy_disks(struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)))
			tidy_disk(c, ddf_pd(c, i));
	drop_forgotten(c);
	ddf_count_pds(c);
}
