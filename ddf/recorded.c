/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rebuilds that records tell of: a record names the disk, and the disk's entry says that it is rebuilding. That is true
 * for all virtual disks on it, so that there may be only one (15, item 6): when a second one comes, the rebuild goes on
 * in memory (ddf/rebuild.c). Pure.
 */
#include "ddf/ddf.h"

#include <string.h>

#include "metadata/redundancy.h"

static bool has_slot(const uint64_t *slots, int slot)
{
	return (unsigned)slot < DDF_MAX_SLOTS && (slots[slot / 64] >> slot % 64 & 1);
}

/* True if it was otherwise. */
static bool put_slot(uint64_t *slots, int slot, bool on)
{
	if ((unsigned)slot >= DDF_MAX_SLOTS || has_slot(slots, slot) == on)
		return false;
	slots[slot / 64] ^= UINT64_C(1) << slot % 64;
	return true;
}

bool ddf_is_synced(const struct ddf_container *c, unsigned vd, int slot)
{
	return has_slot(c->volume[vd].synced, slot);
}

bool ddf_mark_synced(struct ddf_container *c, unsigned vd, int slot, bool synced)
{
	return put_slot(c->volume[vd].synced, slot, synced);
}

bool ddf_is_strange(const struct ddf_container *c, unsigned vd, int slot)
{
	return has_slot(c->volume[vd].strange, slot);
}

void ddf_mark_strange(struct ddf_container *c, unsigned vd, int slot, bool strange)
{
	put_slot(c->volume[vd].strange, slot, strange);
}

bool ddf_is_back(const struct ddf_container *c, unsigned vd, int slot)
{
	return has_slot(c->volume[vd].back, slot);
}

void ddf_mark_back(struct ddf_container *c, unsigned vd, int slot, bool back)
{
	if (put_slot(c->volume[vd].back, slot, back))
		c->any_back |= back;
}

bool ddf_is_redundant(const struct ddf_container *c, unsigned vd)
{
	const struct ddf_vdc *r = ddf_any_record(c, vd);
	int level, layout;
	unsigned raid_disks;

	return r && ddf_md_level(r, &level, &layout, &raid_disks) && level > 0;
}

static bool has_data(const struct ddf_container *c, unsigned vd, unsigned slot)
{
	struct ddf_place at;

	return ddf_is_synced(c, vd, (int)slot) && ddf_place_of_slot(c, vd, slot, &at) && ddf_dl_by_ref(c, ddf_ref_at(&at));
}

bool ddf_goes_on_without(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	const struct ddf_vdc *r = ddf_any_record(c, vd);
	bool left[DDF_MAX_SLOTS];
	int level, layout, lost = ddf_slot_of(c, vd, refnum);
	unsigned slots;

	if (!r || !ddf_md_level(r, &level, &layout, &slots) || slots > DDF_MAX_SLOTS)
		return false;
	for (unsigned slot = 0; slot < slots; slot++)
		left[slot] = (int)slot != lost && has_data(c, vd, slot);
	return enough_left(level, layout, slots, left);
}

bool ddf_needs_for_data(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	return c->volume[vd].live && ddf_is_synced(c, vd, ddf_slot_of(c, vd, refnum)) && !ddf_goes_on_without(c, vd, refnum);
}

static bool is_rebuilt(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	return ddf_vd_names(c, vd, refnum) && ddf_is_redundant(c, vd) &&
	       !ddf_is_synced(c, vd, ddf_slot_of(c, vd, refnum));
}

unsigned ddf_recorded_rebuilds(const struct ddf_container *c, uint32_t refnum)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);
	unsigned n = 0;

	if (!e || !(be16_get(e->state) & DDF_PD_REBUILDING))
		return 0;
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		n += is_rebuilt(c, vd, refnum);
	return n;
}

static void take_off_record(struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	struct ddf_rebuild b = { .vd = vd, .slot = (unsigned)ddf_slot_of(c, vd, refnum), .refnum = refnum };
	struct ddf_place at;

	if (!ddf_place_of(c, vd, refnum, &at))
		return;
	b.start = ddf_element_start(at.record, c->layout.mppe, at.index);
	b.length = be64_get(at.record->block_count);
	if (c->volume[vd].live)
		ddf_keep_rebuild(c, &b);
	ddf_name_no_more(c, &at);
	ddf_update_state(c, vd);
}

void ddf_take_off_record(struct ddf_container *c, uint32_t refnum)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);

	if (!e || !(be16_get(e->state) & DDF_PD_REBUILDING))
		return;
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (is_rebuilt(c, vd, refnum))
			take_off_record(c, vd, refnum);
	e->state = be16_make((uint16_t)(be16_get(e->state) & ~DDF_PD_REBUILDING));
	ddf_update_states_of(c, refnum);
}

/* ---- a record that is on absent disks only ---- */

bool ddf_has_any_record(const struct ddf_container *c, unsigned vd, const struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *v = ddf_record_slot(c, dl, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC && ddf_guid_equal(v->guid, ddf_vd(c, vd)->guid))
			return true;
	}
	return false;
}

void ddf_begin_record(struct ddf_container *c, unsigned vd, unsigned slot, const struct ddf_dl *dl)
{
	struct ddf_records *r = c->volume[vd].records;
	const struct ddf_vdc *any = ddf_any_record(c, vd);
	unsigned seq = any ? slot / ddf_primary_count(any) : 0;
	struct ddf_vdc *v;

	if (!any || seq >= r->count || ddf_record(r, seq) || ddf_has_any_record(c, vd, dl))
		return;
	v = (struct ddf_vdc *)(void *)(r->bytes + seq * r->record_bytes);
	memcpy(v, any, r->record_bytes);
	r->present[seq / 8] |= (uint8_t)(1u << seq % 8);
	v->secondary_seq = (uint8_t)seq;
	ddf_pass_numbers(v, DDF_MANY_CHANGES);
	for (unsigned i = 0; i < c->layout.mppe; i++) {
		ddf_set_element_ref(v, i, i < ddf_primary_count(v) ? DDF_REF_MISSING : DDF_REF_NONE);
		ddf_set_element_start(v, c->layout.mppe, i, 0);
	}
	ddf_stamp(c, v);
}
