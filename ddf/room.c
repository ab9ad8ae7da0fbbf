/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room on the disks of a DDF container: for the data of one more virtual disk, and for one more configuration record.
 * Pure.
 */
#include "ddf/ddf.h"

#include <errno.h>

/* ---- room for data ---- */

/* The extents on a disk, except those of virtual disk `except` (-1: none). */
struct walk {
	const struct ddf_container *c;
	uint32_t refnum;
	int except;
};

/* Part of a disk, and whether anything lies in it. */
struct range {
	uint64_t start, length;
	uint64_t end_of_used; /* 0: nothing; else where the last extent in it ends, UINT64_MAX if beyond all bounds */
};

/* An extent is in use: if the range meets it, whoever looks for room goes on behind it. */
static void meet(struct range *r, uint64_t start, uint64_t length)
{
	uint64_t end = length > UINT64_MAX - start ? UINT64_MAX : start + length;

	if (start < r->start + r->length && end > r->start && end > r->end_of_used)
		r->end_of_used = end;
}

static void meet_record(const struct walk *w, const struct ddf_vdc *v, struct range *r)
{
	unsigned mppe = w->c->layout.mppe;

	for (unsigned i = 0; i < mppe; i++)
		if (ddf_element_ref(v, i) == w->refnum)
			meet(r, ddf_element_start(v, mppe, i), be64_get(v->block_count));
}

static void meet_all(const struct walk *w, struct range *r)
{
	r->end_of_used = 0;
	for (unsigned vd = 0; vd < w->c->layout.max_vd; vd++) {
		const struct ddf_records *records = w->c->volume[vd].records;

		for (unsigned seq = 0; records && seq < records->count && (int)vd != w->except; seq++) {
			const struct ddf_vdc *v = ddf_record(records, seq);

			if (v)
				meet_record(w, v, r);
		}
	}
	ddf_each_rebuild(w->c, b)
		if (b->refnum == w->refnum && (int)b->vd != w->except)
			meet(r, b->start, b->length);
}

static uint64_t configured_size(const struct ddf_container *c, uint32_t refnum)
{
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);

	return e ? be64_get(e->configured_size) : 0;
}

static bool within(uint64_t start, uint64_t length, uint64_t size)
{
	return length <= size && start <= size - length;
}

bool ddf_is_free_for(const struct ddf_container *c, unsigned vd, uint32_t refnum, uint64_t start, uint64_t length)
{
	struct walk w = { .c = c, .refnum = refnum, .except = (int)vd };
	struct range r = { .start = start, .length = length };

	if (!within(start, length, configured_size(c, refnum)))
		return false;
	meet_all(&w, &r);
	return !r.end_of_used;
}

bool ddf_is_free(const struct ddf_container *c, uint32_t refnum, uint64_t start, uint64_t length)
{
	return ddf_is_free_for(c, c->layout.max_vd, refnum, start, length);
}

int ddf_find_room(const struct ddf_container *c, uint32_t refnum, uint64_t length, uint64_t *start)
{
	struct walk w = { .c = c, .refnum = refnum, .except = -1 };
	struct range r = { .length = length };
	uint64_t size = configured_size(c, refnum);

	if (!ddf_pd_usable(ddf_pd_by_ref(c, refnum)))
		return -ENOSPC;
	/* Behind whatever is in the way: no extent is met twice. */
	for (; within(r.start, length, size); r.start = r.end_of_used) {
		meet_all(&w, &r);
		if (r.end_of_used)
			continue;
		*start = r.start;
		return 0;
	}
	return -ENOSPC;
}

/* ---- record slots ---- */

unsigned ddf_count_names(const struct ddf_container *c, uint32_t refnum)
{
	unsigned n = 0;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		n += ddf_vd_names(c, vd, refnum);
	ddf_each_rebuild(c, b)
		n += b->refnum == refnum && !ddf_vd_names(c, b->vd, refnum);
	return n;
}

/* The records of others. One of ours that does not name the disk gives way (ddf/write.c). */
static bool is_kept(const struct ddf_container *c, const struct ddf_vdc *slot)
{
	return ddf_slot_content(c, slot) == DDF_SLOT_OTHERS;
}

/* Records that the disk will have, and what stays where it is. The last slot is for a spare record. */
bool ddf_has_record_slot(const struct ddf_container *c, const struct ddf_dl *dl)
{
	unsigned used = ddf_count_names(c, dl->refnum);

	for (unsigned i = 0; i + 1 < c->layout.records; i++)
		used += is_kept(c, ddf_record_slot(c, dl, i));
	return used + 1 < c->layout.records;
}
