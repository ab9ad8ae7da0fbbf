/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a status request is told about a DDF container. Pure; monitor thread.
 */
#include <stdio.h>
#include <string.h>

#include "ddf/ddf.h"

_Static_assert(DDF_MAX_DISKS <= REPORT_DISKS, "all disks that are present find room");

/* The disks of the report, by reference number. */
struct listed {
	unsigned count;
	uint32_t refnum[REPORT_DISKS];
};

static enum report_disk_state disk_state(const struct ddf_container *c, const struct ddf_pd_entry *e)
{
	uint32_t refnum = be32_get(e->refnum);

	if (be16_get(e->state) & DDF_PD_FAILED)
		return REPORT_DISK_FAILED;
	if (!ddf_dl_by_ref(c, refnum))
		return REPORT_DISK_MISSING;
	return ddf_any_names(c, refnum) ? REPORT_DISK_MEMBER : REPORT_DISK_SPARE;
}

static void report_disk(const struct ddf_container *c, const struct ddf_pd_entry *e, struct report_disk *d)
{
	uint32_t refnum = be32_get(e->refnum);
	const struct ddf_dl *dl = ddf_dl_by_ref(c, refnum);

	d->dev = dl ? dl->dev : 0;
	snprintf(d->serial, sizeof(d->serial), "%08x", refnum);
	d->state = disk_state(c, e);
	d->unwritable = dl && (dl->given_up || dl->copy[DDF_FIRST_COPY].failed || dl->copy[DDF_SECOND_COPY].failed);
}

static void report_disks(const struct ddf_container *c, bool present, struct report *r, struct listed *l)
{
	for (unsigned i = 0; i < c->layout.max_pd && l->count < REPORT_DISKS; i++) {
		const struct ddf_pd_entry *e = ddf_pd(c, i);
		uint32_t refnum = be32_get(e->refnum);

		if (!ddf_pd_used(e) || !!ddf_dl_by_ref(c, refnum) != present)
			continue;
		report_disk(c, e, &r->disk[l->count]);
		l->refnum[l->count++] = refnum;
	}
}

static enum report_volume_state volume_state(const struct ddf_vd_entry *e)
{
	switch (e->state & DDF_VD_STATE_MASK) {
	case DDF_VD_OPTIMAL:
		return REPORT_VOLUME_NORMAL;
	case DDF_VD_DEGRADED:
	case DDF_VD_PARTIALLY_OPTIMAL:
		return REPORT_VOLUME_DEGRADED;
	}
	return REPORT_VOLUME_FAILED;
}

/* A disk that is rebuilt without being recorded counts before what the record says. */
static uint32_t refnum_in_slot(const struct ddf_container *c, unsigned vd, unsigned slot, bool *unrecorded)
{
	const struct ddf_rebuild *b = ddf_rebuild_in(c, vd, slot);
	struct ddf_place p;

	*unrecorded = b;
	if (b)
		return b->refnum;
	return ddf_place_of_slot(c, vd, slot, &p) ? ddf_ref_at(&p) : DDF_REF_NONE;
}

static enum report_member_state member_state(const struct ddf_container *c, uint32_t refnum, bool unrecorded)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);
	unsigned state = e ? be16_get(e->state) : 0;

	if (state & DDF_PD_FAILED)
		return REPORT_FAILED_MEMBER;
	if (!e || state & DDF_PD_MISSING || !ddf_dl_by_ref(c, refnum))
		return REPORT_MISSING;
	if (unrecorded || state & DDF_PD_REBUILDING)
		return REPORT_REBUILDING;
	return ddf_pd_working(e) ? REPORT_IN_SYNC : REPORT_FAILED_MEMBER;
}

static void report_member(const struct ddf_container *c, unsigned vd, unsigned slot, const struct listed *l,
			  struct report_member *m)
{
	bool unrecorded;
	uint32_t refnum = refnum_in_slot(c, vd, slot, &unrecorded);

	m->state = (uint8_t)member_state(c, refnum, unrecorded);
	m->disk = -1;
	for (unsigned i = 0; i < l->count && ddf_dl_by_ref(c, refnum); i++)
		if (l->refnum[i] == refnum)
			m->disk = (int16_t)i;
}

static int level_of(const struct ddf_vdc *v)
{
	int level, layout;
	unsigned raid_disks;

	return ddf_md_level(v, &level, &layout, &raid_disks) && level > 0 ? level : 0;
}

static void report_volume(const struct ddf_container *c, unsigned vd, const struct listed *l,
			  struct report_volume *out)
{
	const struct ddf_vd_entry *e = ddf_vd(c, vd);
	const struct ddf_vdc *v = ddf_any_record(c, vd);
	unsigned slots = v ? be16_get(v->primary_count) * v->secondary_count : 0;

	out->index = (int)vd;
	ddf_vd_name(e, out->name);
	out->level = v ? level_of(v) : 0;
	out->size = v ? be64_get(v->vd_size) : 0;
	out->state = volume_state(e);
	out->dirty = e->state & DDF_VD_INCONSISTENT;
	out->member_count = slots < REPORT_MEMBERS ? slots : REPORT_MEMBERS;
	for (unsigned slot = 0; slot < out->member_count; slot++)
		report_member(c, vd, slot, l, &out->member[slot]);
}

/* The table may hold more than a report: what is present comes first. */
void ddf_report(const struct ddf_container *c, struct report *r)
{
	struct listed l = { 0 };

	r->generation = c->seq;
	report_disks(c, true, r, &l);
	report_disks(c, false, r, &l);
	r->disk_count = l.count;
	r->volume_count = 0;
	for (unsigned i = 0; i < c->layout.max_vd && r->volume_count < REPORT_VOLUMES; i++)
		if (!ddf_guid_unused(ddf_vd(c, i)->guid))
			report_volume(c, i, &l, &r->volume[r->volume_count++]);
}
