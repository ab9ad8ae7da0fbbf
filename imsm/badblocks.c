/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of bad blocks (imsm.md 1.12, 11): sectors of a member that could not be written, whose data are on the other
 * members only.
 *
 * All is judged by coverage, not entry by entry: the kernel joins and splits ranges as it likes, an entry holds 256
 * sectors at most, and on disks with 4096-byte sectors an entry is a number of whole blocks. What is bad is rounded
 * outwards to those, so that no bad sector is ever lost.
 *
 * A change is made in a copy, which takes the place of the log if it fits.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <string.h>

/* With 4096-byte sectors the format could hold more, but mdadm would read another length. */
#define ENTRY_MAX 256

/* [from, to) in sectors */
struct span {
	uint64_t from, to;
};

struct log_copy {
	unsigned count;
	bool full;
	struct imsm_bad_range entry[IMSM_BBM_MAX];
};

static void add_entry(struct log_copy *l, uint8_t disk, struct span s)
{
	if (l->count == IMSM_BBM_MAX) {
		l->full = true;
		return;
	}
	l->entry[l->count++] = (struct imsm_bad_range){
		.sector = s.from,
		.length = (uint16_t)(s.to - s.from),
		.disk = disk,
	};
}

static void add_span(struct log_copy *l, uint8_t disk, struct span s)
{
	for (; s.from < s.to && !l->full; s.from += ENTRY_MAX)
		add_entry(l, disk, (struct span){ s.from, s.to - s.from > ENTRY_MAX ? s.from + ENTRY_MAX : s.to });
}

static int take_over(struct imsm_container *c, const struct log_copy *l)
{
	if (l->full)
		return -ENOSPC;
	memcpy(c->meta.bad, l->entry, l->count * sizeof(l->entry[0]));
	c->meta.num_bad = l->count;
	c->write_due = true;
	return 0;
}

static struct span span_of(const struct imsm_bad_range *e)
{
	return (struct span){ e->sector, e->sector + e->length };
}

static struct span round_out(const struct imsm_container *c, struct span s)
{
	uint64_t unit = c->sector_size / 512;

	return (struct span){ s.from / unit * unit, (s.to + unit - 1) / unit * unit };
}

/* ---- which disk, and which part of it ---- */

static int disk_in_slot(const struct imsm_container *c, unsigned volume, int slot)
{
	const struct imsm_map *m;
	uint32_t index;

	if (volume >= c->meta.num_volumes)
		return -EINVAL;
	m = &c->meta.volume[volume].map[0];
	if (slot < 0 || slot >= m->head.num_members)
		return -EINVAL;
	index = imsm_ord_index(m->ord[slot]);
	/* Nobody will ever read a failed disk: its entries have been dropped. */
	return imsm_disk_failed(c, index) ? -EINVAL : (int)index;
}

/* What the volume uses of each member. While it is reshaped: the larger of what it used and will use. */
static struct span extent_of(const struct imsm_volume *v)
{
	uint64_t from = imsm_map_pba(&v->map[0]), length = imsm_map_per_dev(&v->map[0]);

	if (v->head.migr_state && imsm_map_per_dev(&v->map[1]) > length)
		length = imsm_map_per_dev(&v->map[1]);
	return (struct span){ from, from + length };
}

static struct span intersection(struct span a, struct span b)
{
	return (struct span){ a.from > b.from ? a.from : b.from, a.to < b.to ? a.to : b.to };
}

static bool is_beyond_format(const struct bad_range *r)
{
	return r->sector >> 48 || r->length >> 48;
}

/* ---- recording ---- */

static const struct imsm_bad_range *entry_with(const struct imsm_container *c, unsigned disk, uint64_t sector)
{
	for (unsigned i = 0; i < c->meta.num_bad; i++) {
		const struct imsm_bad_range *e = &c->meta.bad[i];

		if (e->disk == disk && e->sector <= sector && sector < e->sector + e->length)
			return e;
	}
	return NULL;
}

static bool is_recorded(const struct imsm_container *c, unsigned disk, struct span s)
{
	while (s.from < s.to) {
		const struct imsm_bad_range *e = entry_with(c, disk, s.from);

		if (!e)
			return false;
		s.from = span_of(e).to;
	}
	return true;
}

/* Lets the span grow over one entry that it overlaps or touches. False: there is none left. */
static bool join_entry(const struct imsm_container *c, unsigned disk, struct span *s)
{
	for (unsigned i = 0; i < c->meta.num_bad; i++) {
		struct span e = span_of(&c->meta.bad[i]);

		if (c->meta.bad[i].disk != disk || e.from > s->to || e.to < s->from ||
		    (e.from >= s->from && e.to <= s->to))
			continue;
		*s = (struct span){ e.from < s->from ? e.from : s->from, e.to > s->to ? e.to : s->to };
		return true;
	}
	return false;
}

static int record_span(struct imsm_container *c, unsigned disk, struct span s)
{
	struct log_copy l = { .count = 0 };

	s = round_out(c, s);
	if (s.to > imsm_disk_blocks(&c->meta.disk[disk]))
		return -EINVAL;
	if (is_recorded(c, disk, s))
		return 0;
	while (join_entry(c, disk, &s))
		;
	for (unsigned i = 0; i < c->meta.num_bad; i++) {
		const struct imsm_bad_range *e = &c->meta.bad[i];

		if (e->disk != disk || e->sector < s.from || e->sector >= s.to)
			add_entry(&l, e->disk, span_of(e));
	}
	add_span(&l, (uint8_t)disk, s);
	return take_over(c, &l) ? -ENOSPC : 1;
}

int imsm_record_bad_range(struct imsm_container *c, unsigned volume, int slot, const struct bad_range *r)
{
	int disk = disk_in_slot(c, volume, slot);

	if (disk < 0 || r->length == 0 || is_beyond_format(r))
		return -EINVAL;
	return record_span(c, (unsigned)disk, (struct span){ r->sector, r->sector + r->length });
}

/* ---- clearing ---- */

/* What is known to be bad within an extent. */
struct knowledge {
	const struct imsm_container *c;
	struct span extent;
	const struct bad_range *range;
	unsigned count;
};

/* The log must go on naming this sector. The answer is the same for all sectors up to *until. */
static bool must_stay(const struct knowledge *k, uint64_t sector, uint64_t *until)
{
	*until = sector < k->extent.from ? k->extent.from : UINT64_MAX;
	if (sector < k->extent.from || sector >= k->extent.to)
		return true;
	*until = k->extent.to;
	for (unsigned i = 0; i < k->count; i++) {
		struct span s = round_out(k->c, (struct span){ k->range[i].sector,
							       k->range[i].sector + k->range[i].length });

		if (s.from <= sector && sector < s.to) {
			*until = s.to;
			return true;
		}
		if (s.from > sector && s.from < *until)
			*until = s.from;
	}
	return false;
}

/* Adds those parts of the entry that must stay. True: all of it must, and it is added as it is. */
static bool add_what_stays(struct log_copy *l, const struct imsm_bad_range *e, const struct knowledge *k)
{
	struct span whole = span_of(e), part = { whole.from, whole.from };
	uint64_t until;

	for (uint64_t at = whole.from; at < whole.to; at = until) {
		bool stays = must_stay(k, at, &until);

		if (until > whole.to)
			until = whole.to;
		if (stays) {
			part.to = until;
			continue;
		}
		if (part.from < part.to)
			add_entry(l, e->disk, part);
		part = (struct span){ until, until };
	}
	if (part.from < part.to)
		add_entry(l, e->disk, part);
	return part.from == whole.from && part.to == whole.to;
}

/* Returns how many entries have lost something. -ENOSPC: it would take more of them to say what stays. */
static int clear_unknown(struct imsm_container *c, unsigned disk, const struct knowledge *k)
{
	struct log_copy l = { .count = 0 };
	int changed = 0;

	for (unsigned i = 0; i < c->meta.num_bad; i++) {
		const struct imsm_bad_range *e = &c->meta.bad[i];

		if (e->disk != disk)
			add_entry(&l, e->disk, span_of(e));
		else
			changed += !add_what_stays(&l, e, k);
	}
	if (!changed)
		return 0;
	return take_over(c, &l) ? -ENOSPC : changed;
}

/* ---- comparing ---- */

int imsm_compare_bad_ranges(struct imsm_container *c, unsigned volume, int slot, const struct bad_range *known,
			    unsigned count, bool complete, struct bad_range_changes *changes)
{
	struct knowledge k = { .c = c, .range = known, .count = count };
	int disk = disk_in_slot(c, volume, slot), err = 0, r;

	*changes = (struct bad_range_changes){ 0 };
	if (disk < 0)
		return -EINVAL;
	k.extent = extent_of(&c->meta.volume[volume]);
	/*
	 * First what makes room. If there is no room to say it exactly the log names more than is bad, which does no
	 * harm.
	 */
	r = complete ? clear_unknown(c, (unsigned)disk, &k) : 0;
	changes->cleared = r > 0 ? (unsigned)r : 0;
	for (unsigned i = 0; i < count; i++) {
		struct span s = { known[i].sector, known[i].sector + known[i].length };

		s = intersection(s, k.extent);
		r = s.from < s.to ? record_span(c, (unsigned)disk, s) : 0;
		if (r < 0)
			err = r;
		changes->recorded += r > 0;
	}
	return err;
}

/* ---- for md ---- */

unsigned imsm_bad_ranges_of(const struct imsm_container *c, unsigned volume, int index, struct bad_range *out,
			    unsigned room)
{
	struct span extent = extent_of(&c->meta.volume[volume]);
	unsigned n = 0;

	for (unsigned i = 0; i < c->meta.num_bad && n < room; i++) {
		struct span s = intersection(span_of(&c->meta.bad[i]), extent);

		if (c->meta.bad[i].disk == index && s.from < s.to)
			out[n++] = (struct bad_range){ s.from, s.to - s.from };
	}
	return n;
}
