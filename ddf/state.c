/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of DDF virtual disks, computed from the states of their disks (ddf.md 3.2 to 3.4). Pure.
 */
#include "ddf/ddf.h"
#include "metadata/redundancy.h"

#define SECONDS_MAX (1 << 24) /* more mean that some clock was wrong */
#define NUMBERS_PER_GENERATION 4 /* that a record may be given before it is written */

bool ddf_pd_working(const struct ddf_pd_entry *e)
{
	return ddf_pd_usable(e) && !(be16_get(e->state) & DDF_PD_REBUILDING);
}

static bool slot_works(const struct ddf_container *c, const struct ddf_vdc *r, unsigned n)
{
	int i = ddf_nth_element(c, r, n);

	return i >= 0 && ddf_pd_working(ddf_pd_by_ref(c, ddf_element_ref(r, (unsigned)i)));
}

/* Adjacent: two near copies. Otherwise md's mapping makes it two far ones (1.9). */
static bool raid1e_has_copies(const struct ddf_container *c, const struct ddf_vdc *r)
{
	bool adjacent = r->rlq == 0;
	bool working[DDF_MAX_SLOTS];
	unsigned elements = ddf_primary_count(r);

	for (unsigned n = 0; n < elements; n++)
		working[n] = slot_works(c, r, n);
	return enough_copies(adjacent ? 2 : 1, adjacent ? 1 : 2, working, elements);
}

/* The state of a BVD that has lost some of its disks and can do without `redundant` of them. */
static enum ddf_vd_state reduced(unsigned lost, unsigned redundant)
{
	if (lost > redundant)
		return DDF_VD_FAILED;
	return lost < redundant ? DDF_VD_PARTIALLY_OPTIMAL : DDF_VD_DEGRADED;
}

enum ddf_vd_state ddf_bvd_state(const struct ddf_container *c, const struct ddf_vdc *r)
{
	unsigned elements = ddf_primary_count(r), lost = 0;

	for (unsigned n = 0; n < elements; n++)
		lost += !slot_works(c, r, n);
	if (!lost)
		return DDF_VD_OPTIMAL;
	switch (r->prl) {
	case DDF_RAID0:
	case DDF_CONCAT:
	case DDF_JBOD:
		return DDF_VD_FAILED;
	case DDF_RAID1:
		return reduced(lost, elements - 1);
	case DDF_RAID1E:
		return raid1e_has_copies(c, r) ? DDF_VD_DEGRADED : DDF_VD_FAILED;
	case DDF_RAID4:
	case DDF_RAID5:
		return reduced(lost, 1);
	case DDF_RAID6:
		return reduced(lost, 2);
	}
	return DDF_VD_DEGRADED;
}

static enum ddf_vd_state both_mirrored(enum ddf_vd_state a, enum ddf_vd_state b)
{
	if (a == b && (a == DDF_VD_OPTIMAL || a == DDF_VD_FAILED))
		return a;
	if (a == DDF_VD_OPTIMAL || b == DDF_VD_OPTIMAL)
		return DDF_VD_PARTIALLY_OPTIMAL;
	return DDF_VD_DEGRADED;
}

static enum ddf_vd_state worse(enum ddf_vd_state a, enum ddf_vd_state b)
{
	if (a == DDF_VD_FAILED || b == DDF_VD_FAILED)
		return DDF_VD_FAILED;
	if (a == DDF_VD_DEGRADED || b == DDF_VD_DEGRADED)
		return DDF_VD_DEGRADED;
	return a == DDF_VD_OPTIMAL ? b : a;
}

/* A BVD whose record was found nowhere is lost. */
enum ddf_vd_state ddf_vd_state(const struct ddf_container *c, unsigned vd)
{
	const struct ddf_vdc *any = ddf_any_record(c, vd);
	enum ddf_vd_state all = DDF_VD_OPTIMAL;

	if (!any)
		return DDF_VD_FAILED;
	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++) {
		const struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);
		enum ddf_vd_state one = r ? ddf_bvd_state(c, r) : DDF_VD_FAILED;

		if (seq == 0)
			all = one;
		else
			all = any->srl == DDF_2MIRRORED ? both_mirrored(all, one) : worse(all, one);
	}
	return all;
}

/* A virtual disk without a record that we know keeps the state that others gave it. */
bool ddf_update_state(struct ddf_container *c, unsigned vd)
{
	struct ddf_vd_entry *e = ddf_vd(c, vd);
	uint8_t state;

	if (ddf_guid_unused(e->guid) || !ddf_any_record(c, vd))
		return false;
	state = (uint8_t)((e->state & ~DDF_VD_STATE_MASK) | ddf_vd_state(c, vd));
	if (state == e->state)
		return false;
	e->state = state;
	return true;
}

void ddf_update_states_of(struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (ddf_vd_names(c, vd, refnum))
			ddf_update_state(c, vd);
}

uint32_t ddf_seconds_since(const struct ddf_container *c, const be32 *then)
{
	int32_t since = (int32_t)(c->now - be32_get(*then));

	return since > 0 && since < SECONDS_MAX ? (uint32_t)since : 0;
}

/* The numbers that another record may have, on a disk that is absent, which was written when those that are here were not. */
static uint32_t numbers_taken(struct ddf_container *c, const struct ddf_vdc *r)
{
	int vd = ddf_vd_by_guid(c, r->guid);
	uint32_t behind = vd < 0 ? 0 : ddf_take_behind(c->volume[vd].records, r->secondary_seq);

	return behind < DDF_MANY_CHANGES / NUMBERS_PER_GENERATION ? behind * NUMBERS_PER_GENERATION : DDF_MANY_CHANGES;
}

/* Zero would be older than the record on a disk that is absent. */
void ddf_pass_numbers(struct ddf_vdc *r, uint32_t count)
{
	uint32_t seq = be32_get(r->seq);

	r->seq = be32_make(seq > UINT32_MAX - count ? UINT32_MAX : seq + count);
}

void ddf_stamp(struct ddf_container *c, struct ddf_vdc *r)
{
	ddf_pass_numbers(r, 1 + numbers_taken(c, r));
	r->timestamp = be32_make(c->now);
}

void ddf_stamp_beyond(struct ddf_container *c, struct ddf_vdc *r)
{
	ddf_pass_numbers(r, ddf_seconds_since(c, &r->timestamp) + 1);
	ddf_stamp(c, r);
}

/* It may be named in a record on an absent disk only, and has none itself that tells of it. */
static void note_no_more(struct ddf_container *c, const struct ddf_place *at)
{
	struct ddf_dl *dl = ddf_dl_by_ref(c, ddf_ref_at(at));
	int vd = ddf_vd_by_guid(c, at->record->guid);

	if (dl && vd >= 0 && (unsigned)vd < DDF_NOTED_VDS)
		dl->no_more[vd / 64] |= UINT64_C(1) << vd % 64;
}

void ddf_name_no_more(struct ddf_container *c, const struct ddf_place *at)
{
	note_no_more(c, at);
	ddf_name_at(c, at, DDF_REF_MISSING, 0);
	ddf_stamp(c, at->record);
}
