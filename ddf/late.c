/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that come while the container is in use, and that are part of it already (ddf.md 10.5). At boot udev brings them
 * one by one, and the first virtual disk that is complete starts with its daemon: what the others need comes later.
 *
 * A record that names a disk says that the disk has its data: who starts without it, names it no more (5.1). So a disk
 * that has not failed is what the table and the records say. Its entry stays as it is, and their number: mdadm refuses a
 * disk whose copy counts others than the container.
 *
 * It may also know more than the container, if that was loaded from disks that had been left behind. Pure.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <string.h>

#include "lib/refuse.h"

/* ---- what the disk says ---- */

static const struct ddf_pd_entry *its_pd(const struct ddf_arrival *a, unsigned i)
{
	return (const struct ddf_pd_entry *)(const void *)(a->pd + sizeof(struct ddf_table_head)) + i;
}

static const struct ddf_vd_entry *its_vd(const struct ddf_arrival *a, unsigned i)
{
	return (const struct ddf_vd_entry *)(const void *)(a->vd + sizeof(struct ddf_table_head)) + i;
}

/* What its table says of a disk; NULL: nothing. */
static const struct ddf_pd_entry *its_pd_of(const struct ddf_container *c, const struct ddf_arrival *a,
					    const struct ddf_pd_entry *e)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (ddf_pd_used(its_pd(a, i)) && ddf_guid_equal(its_pd(a, i)->guid, e->guid) &&
		    be32_get(its_pd(a, i)->refnum) == be32_get(e->refnum))
			return its_pd(a, i);
	return NULL;
}

static const struct ddf_vdc *its_record(const struct ddf_arrival *a, unsigned i)
{
	unsigned seq = 0;

	while (!ddf_record(a->record[i], seq))
		seq++;
	return ddf_record(a->record[i], seq);
}

/* It was here before, since the container was loaded. */
static bool comes_back(const struct ddf_container *c, const struct ddf_arrival *a)
{
	unsigned known = c->left_count < DDF_MAX_DISKS ? c->left_count : DDF_MAX_DISKS;

	for (unsigned i = 0; i < known; i++)
		if (c->left[i] == a->refnum)
			return true;
	return false;
}

/* It was written to after those had been left behind that the container was loaded from. */
static bool is_newer(const struct ddf_container *c, const struct ddf_arrival *a)
{
	return !comes_back(c, a) && a->rank > ddf_rank(c->loaded_seq);
}

/* ---- newer data of a virtual disk that is in use ---- */

/* It went on without a disk that is here, and that has the data of the virtual disk by our records. */
static bool ran_without_ours(const struct ddf_container *c, const struct ddf_arrival *a, const struct ddf_vdc *its,
			     const struct ddf_vdc *ours)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum), *theirs = e ? its_pd_of(c, a, e) : NULL;

		if (!ddf_record_names(c, ours, dl->refnum) || !ddf_pd_working(e))
			continue;
		if (!ddf_pd_working(theirs) || !ddf_record_names(c, its, dl->refnum))
			return true;
	}
	return false;
}

static bool has_newer_data(const struct ddf_container *c, const struct ddf_arrival *a, const struct ddf_pd_entry *e)
{
	if (!ddf_pd_working(its_pd_of(c, a, e)))
		return false;
	for (unsigned i = 0; i < a->records; i++) {
		const struct ddf_vdc *its = its_record(a, i), *ours;
		int vd = ddf_vd_by_guid(c, its->guid);

		if (vd < 0 || !c->volume[vd].live || !ddf_record_names(c, its, a->refnum))
			continue;
		ours = ddf_record(c->volume[vd].records, its->secondary_seq);
		if (ours && ran_without_ours(c, a, its, ours))
			return true;
	}
	return false;
}

/* ---- what it knows better ---- */

/* Of disks that a virtual disk in use needs we know more. */
static void adopt_disk_states(struct ddf_container *c, const struct ddf_arrival *a)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);
		const struct ddf_pd_entry *theirs = ddf_pd_used(e) ? its_pd_of(c, a, e) : NULL;

		if (theirs && !ddf_live_names(c, be32_get(e->refnum)))
			e->state = theirs->state;
	}
}

static struct ddf_vd_entry *unused_vd(const struct ddf_container *c)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (ddf_guid_unused(ddf_vd(c, vd)->guid) && !c->volume[vd].records)
			return ddf_vd(c, vd);
	return NULL;
}

static void adopt_volume(struct ddf_container *c, unsigned i, const struct ddf_vd_entry *its)
{
	int vd = ddf_vd_by_guid(c, its->guid);
	struct ddf_vd_entry *e = vd < 0 ? ddf_vd(c, i) : ddf_vd(c, (unsigned)vd);

	if (vd >= 0 && c->volume[vd].live)
		return;
	if (vd < 0 && (!ddf_guid_unused(e->guid) || c->volume[i].records))
		e = unused_vd(c);
	if (e)
		*e = *its;
}

static void adopt_newer(struct ddf_container *c, const struct ddf_arrival *a)
{
	adopt_disk_states(c, a);
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (!ddf_guid_unused(its_vd(a, i)->guid))
			adopt_volume(c, i, its_vd(a, i));
	ddf_count_vds(c);
	/* The next generation must be newer than what it has. */
	if (a->rank > ddf_rank(c->seq))
		c->seq = (uint32_t)a->rank;
}

/* ---- records ---- */

/* The newest record counts, but nobody knows a virtual disk in use better than we do. True: `r` is in use now. */
static bool adopt_record(struct ddf_container *c, struct ddf_records *r, const struct ddf_vdc *its, int64_t behind)
{
	int vd = ddf_vd_by_guid(c, its->guid);
	struct ddf_volume *v = vd < 0 ? NULL : &c->volume[vd];
	const struct ddf_vdc *any = v ? ddf_any_record(c, (unsigned)vd) : NULL, *old;

	if (!v || v->announced)
		return false;
	if (!any) {
		v->records = r;
		ddf_note_behind(r, its->secondary_seq, behind);
		return true;
	}
	if (!ddf_records_agree(its, any))
		return false;
	old = ddf_record(v->records, its->secondary_seq);
	if (old && (v->live || be32_get(its->seq) <= be32_get(old->seq)))
		return false;
	ddf_put_record(v->records, its);
	ddf_note_behind(v->records, its->secondary_seq, behind);
	return false;
}

static bool another_is_absent(const struct ddf_container *c, const struct ddf_arrival *a)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		uint32_t refnum = be32_get(ddf_pd(c, i)->refnum);

		if (ddf_pd_used(ddf_pd(c, i)) && refnum != a->refnum && !ddf_dl_by_ref(c, refnum))
			return true;
	}
	return false;
}

static void adopt_records(struct ddf_container *c, struct ddf_arrival **arrival)
{
	struct ddf_arrival *a = *arrival;
	/* One that was cut off may be on an absent disk, as at the start. */
	int64_t behind = (int64_t)ddf_rank(c->loaded_seq) - a->rank + another_is_absent(c, a);
	bool used = false;

	for (unsigned i = 0; i < a->records; i++)
		used |= adopt_record(c, a->record[i], its_record(a, i), behind);
	if (!used)
		return;
	a->next = c->arrivals;
	c->arrivals = a;
	*arrival = NULL;
}

/* ---- the disk itself ---- */

static struct ddf_pd_entry *entry_of(const struct ddf_container *c, const struct ddf_arrival *a)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, a->refnum);

	return e && ddf_guid_equal(e->guid, a->guid) ? e : NULL;
}

static void link_disk(struct ddf_container *c, struct ddf_dl *dl, const struct ddf_arrival *a)
{
	dl->refnum = a->refnum;
	memcpy(dl->guid, a->guid, sizeof(dl->guid));
	dl->header = a->header;
	dl->at = a->at;
	memcpy(dl->config, a->config, (size_t)a->at.config.length * DDF_SECTOR);
	memcpy(dl->disk_data, a->disk_data, (size_t)a->at.disk_data.length * DDF_SECTOR);
	memcpy(dl->copy, a->copy, sizeof(dl->copy));
	dl->anchor_due = a->anchor_due;
	dl->given_up = dl->unfit = dl->failed_here = false;
	ddf_note_lacking(c, dl, a->rank < ddf_rank(c->loaded_seq));
	dl->late = true;
	dl->next = c->disks;
	c->disks = dl;
}

/* Virtual disks that are in use may run without it. */
static void note_back(struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live && ddf_vd_names(c, vd, refnum))
			ddf_mark_back(c, vd, ddf_slot_of(c, vd, refnum), true);
}

/*
 * Where md has not got all data without it nothing was written since it left, whether this daemon saw it leave or another
 * one did: md still has it, dead, and it may be the only good one.
 */
static void drop_if_out(struct ddf_container *c, unsigned vd, unsigned slot)
{
	const struct ddf_dl *dl;
	struct ddf_place at;

	ddf_mark_back(c, vd, (int)slot, false);
	if (!c->volume[vd].live || c->volume[vd].stopped || !ddf_place_of_slot(c, vd, slot, &at))
		return;
	dl = ddf_dl_by_ref(c, ddf_ref_at(&at));
	if (!dl || !dl->late || !ddf_goes_on_without(c, vd, dl->refnum))
		return;
	ddf_name_no_more(c, &at);
	ddf_update_state(c, vd);
	ddf_tidy_disks(c);
}

void ddf_drop_back(struct ddf_container *c)
{
	for (unsigned vd = 0; vd < c->layout.max_vd && c->any_back; vd++)
		for (unsigned slot = 0; slot < DDF_MAX_SLOTS; slot++)
			if (ddf_is_back(c, vd, (int)slot))
				drop_if_out(c, vd, slot);
	c->any_back = false;
}

/* All that needed it have started without it, and name it no more: a spare, in its old place. */
static bool is_out(const struct ddf_container *c, const struct ddf_pd_entry *e)
{
	return be16_get(e->state) & DDF_PD_FAILED && !(be16_get(e->state) & DDF_PD_ONLINE) &&
	       !ddf_any_names(c, be32_get(e->refnum));
}

static void make_good(struct ddf_container *c, struct ddf_pd_entry *e)
{
	unsigned state = be16_get(e->state);

	if (is_out(c, e))
		state = DDF_PD_ONLINE;
	if (!(state & DDF_PD_FAILED))
		state &= ~(unsigned)DDF_PD_MISSING;
	e->state = be16_make((uint16_t)state);
}

/* It failed here, was taken out and is put in again: somebody means it to be used. */
static bool is_put_in_again(const struct ddf_container *c, const struct ddf_arrival *a, const struct ddf_pd_entry *e)
{
	return be16_get(e->state) & DDF_PD_FAILED && !is_out(c, e) && comes_back(c, a);
}

/* The virtual disk has its data with the disk only, and has not been able to go on without it. */
static bool needs(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	if (!ddf_vd_names(c, vd, refnum))
		return false;
	if (!ddf_is_redundant(c, vd))
		return true;
	return ddf_needs_for_data(c, vd, refnum);
}

static bool is_needed(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (needs(c, vd, refnum))
			return true;
	return false;
}

/*
 * What lies on a disk that is made a new one is lost. If the disks that are here have not taken the record of a virtual disk that
 * they have the data of, it would be forgotten.
 */
static bool has_last_record(const struct ddf_container *c, const struct ddf_arrival *a)
{
	for (unsigned i = 0; i < a->records; i++) {
		const struct ddf_vdc *its = its_record(a, i);
		int vd = ddf_vd_by_guid(c, its->guid);
		bool known = vd < 0 || !c->volume[vd].records;

		for (const struct ddf_dl *dl = c->disks; dl && !known; dl = dl->next)
			known = !dl->record_added && ddf_has_record(c, dl, its);
		if (!known)
			return true;
	}
	return false;
}

/* What it is until the first new copy is complete: what no other disk may have taken is in the newer one of the old ones. */
static void note_old_copies(struct ddf_dl *dl, const struct ddf_arrival *a)
{
	dl->at = a->at;
	memcpy(dl->copy, a->copy, sizeof(dl->copy));
}

/* It stays what it is for those that need it. The others, for which it failed, name it no more. */
static void keep_for_those_in_need(struct ddf_container *c, struct ddf_pd_entry *e, uint32_t refnum)
{
	struct ddf_place at;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (!needs(c, vd, refnum) && ddf_place_of(c, vd, refnum, &at))
			ddf_name_no_more(c, &at);
	e->state = be16_make((uint16_t)(be16_get(e->state) & ~(unsigned)DDF_PD_FAILED));
}

/* Nothing was written without it: who assembles its virtual disks takes it as it is (2.6). */
static void unmark_present(struct ddf_container *c, struct ddf_pd_entry *e)
{
	make_good(c, e);
	ddf_update_states_of(c, be32_get(e->refnum));
}

bool ddf_take_back(struct ddf_container *c, struct ddf_dl *dl)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);

	if (e && !(be16_get(e->state) & DDF_PD_FAILED) && be16_get(e->state) & DDF_PD_MISSING)
		unmark_present(c, e);
	if (!e || !is_out(c, e) || ddf_other_may_name(c, c->layout.max_vd, dl->refnum))
		return false;
	make_good(c, e);
	ddf_tidy_disks(c);
	dl->late = true;
	return true;
}

int ddf_take_late(struct ddf_container *c, struct ddf_dl *dl, struct ddf_arrival **arrival, const char **why)
{
	const struct ddf_arrival *a = *arrival;
	struct ddf_pd_entry *e;

	if (ddf_dl_by_dev(c, dl->dev))
		return refuse(why, -EEXIST, "it is there already");
	e = a && ddf_guid_equal(a->header.guid, c->header.guid) && !ddf_dl_by_ref(c, a->refnum) ? entry_of(c, a) : NULL;
	if (!e || ddf_count_present(c) >= DDF_MAX_DISKS)
		return 0;
	if (is_newer(c, a) && has_newer_data(c, a, e))
		return refuse(why, -ESTALE, "it has newer data of a virtual disk that is in use");
	if (is_put_in_again(c, a, e) && !is_needed(c, a->refnum) && has_last_record(c, a))
		return refuse(why, -EAGAIN, "no other disk has taken the record of a virtual disk");
	if (is_newer(c, a))
		adopt_newer(c, a);
	adopt_records(c, arrival);
	if (is_put_in_again(c, a, e)) {
		if (!is_needed(c, a->refnum)) {
			note_old_copies(dl, a);
			return 0;
		}
		keep_for_those_in_need(c, e, a->refnum);
	}
	make_good(c, e);
	link_disk(c, dl, a);
	note_back(c, a->refnum);
	ddf_tidy_disks(c);
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live)
			ddf_update_state(c, vd);
	ddf_update_states_of(c, a->refnum);
	return 1;
}
