/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding entries, disks, records and slots of a DDF container: ddf/ddf.h. Pure.
 */
#include "ddf/ddf.h"

#include <string.h>

/* ---- the tables ---- */

struct ddf_pd_entry *ddf_pd(const struct ddf_container *c, unsigned i)
{
	return (struct ddf_pd_entry *)(void *)(c->pd + sizeof(struct ddf_table_head)) + i;
}

struct ddf_vd_entry *ddf_vd(const struct ddf_container *c, unsigned i)
{
	return (struct ddf_vd_entry *)(void *)(c->vd + sizeof(struct ddf_table_head)) + i;
}

bool ddf_pd_used(const struct ddf_pd_entry *e)
{
	return !ddf_guid_unused(e->guid) && be32_get(e->refnum) != DDF_REF_NONE;
}

bool ddf_pd_usable(const struct ddf_pd_entry *e)
{
	unsigned bits = DDF_PD_ONLINE | DDF_PD_FAILED | DDF_PD_MISSING;

	return e && (be16_get(e->state) & bits) == DDF_PD_ONLINE;
}

bool ddf_pd_failed(const struct ddf_pd_entry *e)
{
	return e && (be16_get(e->state) & DDF_PD_FAILED);
}

struct ddf_pd_entry *ddf_pd_by_ref(const struct ddf_container *c, uint32_t refnum)
{
	if (!ddf_is_disk(refnum))
		return NULL;
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);

		if (be32_get(e->refnum) == refnum && ddf_pd_used(e))
			return e;
	}
	return NULL;
}

int ddf_vd_by_guid(const struct ddf_container *c, const uint8_t guid[DDF_GUID_LEN])
{
	if (ddf_guid_unused(guid))
		return -1;
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (ddf_guid_equal(ddf_vd(c, i)->guid, guid))
			return (int)i;
	return -1;
}

/* ---- the disks that are present ---- */

struct ddf_dl *ddf_dl_by_ref(const struct ddf_container *c, uint32_t refnum)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->refnum == refnum)
			return dl;
	return NULL;
}

bool ddf_any_absent(const struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)) && !ddf_dl_by_ref(c, be32_get(ddf_pd(c, i)->refnum)))
			return true;
	return false;
}

struct ddf_dl *ddf_dl_by_dev(const struct ddf_container *c, dev_t dev)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->dev == dev)
			return dl;
	return NULL;
}

unsigned ddf_count_present(const struct ddf_container *c)
{
	unsigned n = 0;

	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		n++;
	return n;
}

/* ---- records ---- */

static bool has_bit(const uint8_t *bits, unsigned n)
{
	return bits[n / 8] >> n % 8 & 1;
}

static void put_bit(uint8_t *bits, unsigned n, bool on)
{
	if (has_bit(bits, n) != on)
		bits[n / 8] ^= (uint8_t)(1u << n % 8);
}

struct ddf_vdc *ddf_record(const struct ddf_records *r, unsigned seq)
{
	if (!r || seq >= r->count || !has_bit(r->present, seq))
		return NULL;
	return (struct ddf_vdc *)(uintptr_t)(r->bytes + seq * r->record_bytes);
}

struct ddf_vdc *ddf_any_record(const struct ddf_container *c, unsigned vd)
{
	const struct ddf_records *r = c->volume[vd].records;

	for (unsigned seq = 0; r && seq < r->count; seq++) {
		struct ddf_vdc *v = ddf_record(r, seq);

		if (v)
			return v;
	}
	return NULL;
}

unsigned ddf_bvds(const struct ddf_container *c, unsigned vd)
{
	return c->volume[vd].records ? c->volume[vd].records->count : 0;
}

bool ddf_records_agree(const struct ddf_vdc *a, const struct ddf_vdc *b)
{
	return a->secondary_count == b->secondary_count &&
	       be16_get(a->primary_count) == be16_get(b->primary_count) && a->prl == b->prl && a->srl == b->srl;
}

void ddf_put_record(struct ddf_records *r, const struct ddf_vdc *v)
{
	memcpy(r->bytes + v->secondary_seq * r->record_bytes, v, r->record_bytes);
	put_bit(r->present, v->secondary_seq, true);
	put_bit(r->old, v->secondary_seq, false);
}

void ddf_note_behind(struct ddf_records *r, unsigned seq, int64_t generations)
{
	if (generations <= 0)
		return;
	put_bit(r->old, seq, true);
	if (generations > r->behind)
		r->behind = (uint32_t)generations;
}

bool ddf_is_behind(const struct ddf_records *r, unsigned seq)
{
	return r && has_bit(r->old, seq);
}

uint32_t ddf_take_behind(struct ddf_records *r, unsigned seq)
{
	if (!r || !has_bit(r->old, seq))
		return 0;
	put_bit(r->old, seq, false);
	return r->behind;
}

bool ddf_record_names(const struct ddf_container *c, const struct ddf_vdc *r, uint32_t refnum)
{
	return ddf_find_element(r, c->layout.mppe, refnum) >= 0;
}

bool ddf_vd_names(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	const struct ddf_records *r = c->volume[vd].records;

	for (unsigned seq = 0; r && seq < r->count; seq++) {
		const struct ddf_vdc *v = ddf_record(r, seq);

		if (v && ddf_record_names(c, v, refnum))
			return true;
	}
	return false;
}

bool ddf_other_names(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (i != vd && ddf_vd_names(c, i, refnum))
			return true;
	return false;
}

bool ddf_any_names(const struct ddf_container *c, uint32_t refnum)
{
	return ddf_other_names(c, c->layout.max_vd, refnum);
}

bool ddf_live_names(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live && ddf_vd_names(c, vd, refnum))
			return true;
	return false;
}

static bool is_known(const struct ddf_container *c, unsigned vd)
{
	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++)
		if (!ddf_record(c->volume[vd].records, seq))
			return false;
	return c->volume[vd].records;
}

bool ddf_may_name(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	return !ddf_guid_unused(ddf_vd(c, vd)->guid) && (!is_known(c, vd) || ddf_vd_names(c, vd, refnum));
}

bool ddf_other_may_name(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (i != vd && ddf_may_name(c, i, refnum))
			return true;
	return false;
}

bool ddf_may_serve_unknown(const struct ddf_container *c, const struct ddf_dl *dl)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);

	if (!dl->may_lack_records || !e || !(be16_get(e->type) & DDF_PD_ACTIVE) || !ddf_any_absent(c))
		return false;
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (!ddf_guid_unused(ddf_vd(c, vd)->guid) && !c->volume[vd].announced && !is_known(c, vd))
			return true;
	return false;
}

/* What is on it names it. */
static bool names_itself(const struct ddf_container *c, const struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *v = ddf_record_slot(c, dl, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC && ddf_record_names(c, v, dl->refnum))
			return true;
	}
	return false;
}

bool ddf_dl_failed(const struct ddf_container *c, const struct ddf_dl *dl)
{
	return ddf_pd_failed(ddf_pd_by_ref(c, dl->refnum));
}

bool ddf_copy_is_current(const struct ddf_copy *copy, uint32_t seq)
{
	return copy->good && copy->seq == seq;
}

void ddf_note_lacking(const struct ddf_container *c, struct ddf_dl *dl, bool behind)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);

	dl->may_lack_records = behind || (e && be16_get(e->type) & DDF_PD_ACTIVE && !names_itself(c, dl));
}

/* ---- the slots of a disk's configuration section ---- */

struct ddf_vdc *ddf_record_slot(const struct ddf_container *c, const struct ddf_dl *dl, unsigned i)
{
	return (struct ddf_vdc *)(void *)(dl->config + i * ddf_record_bytes(&c->layout));
}

bool ddf_same_record(const struct ddf_vdc *a, const struct ddf_vdc *b)
{
	return be32_get(a->magic) == DDF_VDC_MAGIC && ddf_guid_equal(a->guid, b->guid) &&
	       a->secondary_seq == b->secondary_seq;
}

bool ddf_has_record(const struct ddf_container *c, const struct ddf_dl *dl, const struct ddf_vdc *r)
{
	for (unsigned i = 0; i < c->layout.records; i++)
		if (ddf_same_record(ddf_record_slot(c, dl, i), r))
			return true;
	return false;
}

struct ddf_vdc *ddf_current_record(const struct ddf_container *c, const struct ddf_vdc *old)
{
	int vd = be32_get(old->magic) == DDF_VDC_MAGIC ? ddf_vd_by_guid(c, old->guid) : -1;

	return vd < 0 ? NULL : ddf_record(c->volume[vd].records, old->secondary_seq);
}

enum ddf_slot_content ddf_slot_content(const struct ddf_container *c, const struct ddf_vdc *slot)
{
	uint32_t magic = be32_get(slot->magic);
	bool ours;
	int vd;

	if (magic == DDF_NO_RECORD || magic == 0)
		return DDF_SLOT_EMPTY;
	if (magic != DDF_VDC_MAGIC)
		return DDF_SLOT_OTHERS;
	vd = ddf_vd_by_guid(c, slot->guid);
	if (vd < 0)
		ours = ddf_crc_ok(slot, ddf_record_bytes(&c->layout));
	else
		ours = ddf_record(c->volume[vd].records, slot->secondary_seq);
	return ours ? DDF_SLOT_OURS : DDF_SLOT_OTHERS;
}

const struct ddf_spare *ddf_spare_record(const struct ddf_container *c, const struct ddf_dl *dl)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_spare *s = (const struct ddf_spare *)(const void *)ddf_record_slot(c, dl, i);

		if (be32_get(s->magic) == DDF_SPARE_MAGIC && ddf_crc_ok(s, ddf_record_bytes(&c->layout)))
			return s;
	}
	return NULL;
}

/* ---- slots (3.1) ---- */

unsigned ddf_primary_count(const struct ddf_vdc *r)
{
	return be16_get(r->primary_count);
}

int ddf_nth_element(const struct ddf_container *c, const struct ddf_vdc *r, unsigned n)
{
	unsigned countable = 0;

	for (unsigned i = 0; i < c->layout.mppe; i++)
		if (ddf_element_ref(r, i) != DDF_REF_NONE && countable++ == n)
			return (int)i;
	return n < c->layout.mppe && ddf_element_ref(r, n) == DDF_REF_NONE ? (int)n : -1;
}

uint32_t ddf_ref_at(const struct ddf_place *at)
{
	return ddf_element_ref(at->record, at->index);
}

void ddf_name_at(const struct ddf_container *c, const struct ddf_place *at, uint32_t refnum, uint64_t start)
{
	ddf_set_element_ref(at->record, at->index, refnum);
	ddf_set_element_start(at->record, c->layout.mppe, at->index, start);
}

bool ddf_place_of(const struct ddf_container *c, unsigned vd, uint32_t refnum, struct ddf_place *p)
{
	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++) {
		struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);
		int i = r ? ddf_find_element(r, c->layout.mppe, refnum) : -1;

		if (i < 0)
			continue;
		*p = (struct ddf_place){ .record = r, .index = (unsigned)i };
		return true;
	}
	return false;
}

bool ddf_place_of_slot(const struct ddf_container *c, unsigned vd, unsigned slot, struct ddf_place *p)
{
	const struct ddf_vdc *any = ddf_any_record(c, vd);
	struct ddf_vdc *r;
	int i;

	if (!any)
		return false;
	r = ddf_record(c->volume[vd].records, slot / ddf_primary_count(any));
	if (!r)
		return false;
	i = ddf_nth_element(c, r, slot % ddf_primary_count(any));
	if (i < 0)
		return false;
	*p = (struct ddf_place){ .record = r, .index = (unsigned)i };
	return true;
}

int ddf_slot_of(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	struct ddf_place p;
	unsigned slot;

	if (!ddf_place_of(c, vd, refnum, &p)) {
		const struct ddf_rebuild *b = ddf_rebuild_of(c, vd, refnum);

		return b ? (int)b->slot : -1;
	}
	slot = p.record->secondary_seq * ddf_primary_count(p.record);
	for (unsigned i = 0; i < p.index; i++)
		slot += ddf_element_ref(p.record, i) != DDF_REF_NONE;
	return (int)slot;
}
