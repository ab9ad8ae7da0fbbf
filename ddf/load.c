/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a DDF container: choosing among the disks, and collecting what each disk alone knows (ddf.md 2.2, 2.3).
 *
 * Among the disks the newest decides, as with mdadm: else the two would work on different configurations.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ddf/read.h"
#include "lib/log.h"

#define RECORDS_MAX (32u << 20) /* bytes for all configuration records: a prepared disk must not use up the memory */

/* ---- choosing among the disks (2.2) ---- */

static int32_t rank_of(const struct candidate *cand)
{
	return ddf_rank_of(cand->chosen);
}

/* The newest first; of equals, the first. */
static int by_rank(const void *a, const void *b)
{
	const struct candidate *const *x = a, *const *y = b;
	int r = ddf_compare_rank(*y, *x);

	return r ? r : (*x > *y) - (*x < *y);
}

/* ---- the tables ---- */

/* Written from where they are. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
	uint8_t *p = aligned_alloc(DDF_SECTOR, size);

	if (p)
		memcpy(p, bytes, size);
	return p;
}

static int adopt_tables(struct ddf_container *c, const struct image *m)
{
	c->header = m->header;
	c->layout = m->at;
	c->layout.max_pd = ddf_entries_of(m->at.max_pd, m->section[PHYSICAL]);
	c->layout.max_vd = ddf_entries_of(m->at.max_vd, m->section[VIRTUAL]);
	c->controller = copy_of(m->section[CONTROLLER], m->size[CONTROLLER]);
	c->pd = copy_of(m->section[PHYSICAL], m->size[PHYSICAL]);
	c->vd = copy_of(m->section[VIRTUAL], m->size[VIRTUAL]);
	c->pd_written = copy_of(m->section[PHYSICAL], m->size[PHYSICAL]);
	c->vd_written = copy_of(m->section[VIRTUAL], m->size[VIRTUAL]);
	c->pd_held = copy_of(m->section[PHYSICAL], m->size[PHYSICAL]);
	c->vd_held = copy_of(m->section[VIRTUAL], m->size[VIRTUAL]);
	c->volume = calloc(c->layout.max_vd, sizeof(*c->volume));
	return c->controller && c->pd && c->vd && c->pd_written && c->vd_written && c->pd_held && c->vd_held &&
	       c->volume ? 0 : -ENOMEM;
}

static bool same_pd(const struct ddf_pd_entry *a, const struct ddf_pd_entry *b)
{
	return ddf_guid_equal(a->guid, b->guid) || be32_get(a->refnum) == be32_get(b->refnum);
}

/* The first of equal entries counts: all look-ups find it. */
static void report_pd_entry(const struct ddf_container *c, unsigned i, const char *container)
{
	const struct ddf_pd_entry *e = ddf_pd(c, i);

	if (!ddf_pd_used(e))
		return;
	if (be32_get(e->refnum) == DDF_REF_MISSING)
		log_warning("%s: physical disk %u has no valid reference number", container, i);
	for (unsigned k = 0; k < i; k++)
		if (ddf_pd_used(ddf_pd(c, k)) && same_pd(ddf_pd(c, k), e)) {
			log_warning("%s: physical disk %u is ignored: it is the same as %u", container, i, k);
			return;
		}
}

static void report_vd_entry(const struct ddf_container *c, unsigned i, const char *container)
{
	int first = ddf_vd_by_guid(c, ddf_vd(c, i)->guid);

	if (first >= 0 && (unsigned)first != i)
		log_warning("%s: virtual disk %u is ignored: it is the same as %d", container, i, first);
}

static void report_tables(const struct ddf_container *c, const char *container)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		report_pd_entry(c, i, container);
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		report_vd_entry(c, i, container);
}

/* ---- which disks belong to it ---- */

const char *ddf_why_foreign(const struct ddf_container *c, const struct candidate *cand,
			    const struct candidate *best)
{
	const struct ddf_disk_data *data = ddf_data_of(cand);
	const struct ddf_pd_entry *e = ddf_pd_by_ref(c, be32_get(data->refnum));

	if (!ddf_guid_equal(cand->chosen->header.guid, c->header.guid))
		return "it belongs to another container";
	if (!ddf_same_shape(&cand->chosen->at, &best->chosen->at))
		return "its tables have other sizes than those of the other disks";
	if (!e || !ddf_guid_equal(e->guid, data->guid))
		return "it is not in the container's table of disks";
	return NULL;
}

/* One of the `count` disks that were taken over has its number. */
static bool is_taken(struct candidate *const *order, size_t count, const struct candidate *cand)
{
	for (size_t i = 0; i < count; i++)
		if (!order[i]->why && be32_get(ddf_data_of(order[i])->refnum) == be32_get(ddf_data_of(cand)->refnum))
			return true;
	return false;
}

/* `order`: of the disks with metadata, the best first. */
static void drop_foreign(const struct ddf_container *c, struct candidate *const *order, size_t count)
{
	size_t accepted = 0;

	for (size_t i = 0; i < count; i++) {
		struct candidate *cand = order[i];

		cand->why = ddf_why_foreign(c, cand, order[0]);
		if (!cand->why && is_taken(order, i, cand))
			cand->why = "another disk has the same reference number";
		if (!cand->why && accepted == DDF_MAX_DISKS)
			cand->why = "there are too many disks";
		accepted += !cand->why;
	}
}

static void report_unused(const struct candidate *cand, size_t count, const char *container)
{
	for (size_t i = 0; i < count; i++)
		if (cand[i].why)
			log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, cand[i].disk->name),
				  "%s: disk %s is not used: %s", container, cand[i].disk->name, cand[i].why);
}

/* ---- the disks ---- */

struct ddf_dl *ddf_dl_new(struct disk *disk, const struct ddf_layout *l)
{
	const size_t config = (size_t)l->config.length * DDF_SECTOR, data = (size_t)l->disk_data.length * DDF_SECTOR;
	struct ddf_dl *dl = aligned_alloc(DDF_SECTOR, sizeof(*dl) + config + data);

	if (!dl)
		return NULL;
	*dl = (struct ddf_dl){ .disk = disk, .dev = disk->dev };
	dl->config = (uint8_t *)(dl + 1);
	dl->disk_data = dl->config + config;
	memset(dl->config, 0xff, config + data);
	return dl;
}

static struct ddf_dl *new_dl(const struct candidate *cand)
{
	const struct image *m = cand->chosen;
	struct ddf_dl *dl = ddf_dl_new(cand->disk, &m->at);

	if (!dl)
		return NULL;
	dl->refnum = be32_get(ddf_data_of(cand)->refnum);
	memcpy(dl->guid, ddf_data_of(cand)->guid, sizeof(dl->guid));
	dl->header = m->header;
	dl->at = m->at;
	memcpy(dl->config, m->section[CONFIG], m->size[CONFIG]);
	memcpy(dl->disk_data, m->section[DISK_DATA], m->size[DISK_DATA]);
	dl->anchor_due = ddf_is_anchor_due(cand);
	return dl;
}

/*
 * The chosen copies count, and whatever looks finished to mdadm: the next generation must not be taken for one that is
 * there already.
 */
static void raise_seq(struct ddf_container *c, const struct candidate *cand)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];

		if ((m == cand->chosen || (m->usable && ddf_image_closed(m))) &&
		    ddf_rank(ddf_image_seq(m)) > ddf_rank(c->seq))
			c->seq = ddf_image_seq(m);
	}
}

static int take_disks(struct ddf_container *c, struct candidate *cand, size_t count, struct disk **disks)
{
	c->seq = be32_get(c->header.seq);
	for (size_t i = 0; i < count; i++) {
		if (cand[i].why)
			continue;
		cand[i].dl = new_dl(&cand[i]);
		if (!cand[i].dl)
			return -ENOMEM;
		cand[i].dl->next = c->disks;
		c->disks = cand[i].dl;
		disks[i] = NULL;
		raise_seq(c, &cand[i]);
	}
	return 0;
}

/* ---- which copies are up to date ---- */

static bool holds_the_same(const struct ddf_container *c, const struct ddf_dl *dl, const struct image *m)
{
	const uint8_t *const wanted[SECTIONS] = { c->controller, c->pd, c->vd, dl->config, dl->disk_data };

	if (!ddf_same_rest(&m->header, &dl->header))
		return false;
	for (int i = 0; i < SECTIONS; i++)
		if (memcmp(m->section[i], wanted[i], m->size[i]) != 0)
			return false;
	return true;
}

static void judge_copies(struct ddf_container *c, const struct candidate *cand, const char *container)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];
		struct ddf_copy *copy = &cand->dl->copy[i];

		copy->exists = m->exists;
		copy->good = ddf_image_complete(m) && ddf_image_seq(m) == c->seq && holds_the_same(c, cand->dl, m);
		copy->closed = m->usable && ddf_image_closed(m);
		copy->seq = copy->closed ? ddf_image_seq(m) : 0;
		copy->chosen = m == cand->chosen;
		/* A write in place was cut off (7.5): readers must not find the other one, also where it cannot be overwritten. */
		c->uneven |= ddf_image_complete(m) && !copy->good && ddf_image_seq(m) == c->seq;
		if (ddf_image_complete(m) && !copy->good)
			log_debug("%s: disk %s: the %s copy of the metadata is out of date", container,
				  cand->disk->name, NAME_OF_COPY(i));
	}
}

/* ---- the configuration of the virtual disks (2.3) ---- */

static struct ddf_records *new_records(const struct ddf_container *c, unsigned count)
{
	struct ddf_records *r = calloc(1, sizeof(*r) + count * ddf_record_bytes(&c->layout));

	if (r) {
		r->count = count;
		r->record_bytes = ddf_record_bytes(&c->layout);
	}
	return r;
}

static size_t bytes_of_records(const struct ddf_container *c)
{
	size_t bytes = 0;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].records)
			bytes += c->volume[vd].records->count * c->volume[vd].records->record_bytes;
	return bytes;
}

/* The newest record of each basic virtual disk counts. */
static int add_record(struct ddf_container *c, unsigned vd, const struct ddf_vdc *v, int64_t behind, const char **why)
{
	const struct ddf_vdc *other = ddf_any_record(c, vd), *old;
	struct ddf_records *r = c->volume[vd].records;

	if (other && !ddf_records_agree(v, other)) {
		*why = "it contradicts the record of a newer disk";
		return -EBADMSG;
	}
	if (!r && bytes_of_records(c) > RECORDS_MAX) {
		*why = "there are too many virtual disks";
		return -EBADMSG;
	}
	if (!r)
		r = c->volume[vd].records = new_records(c, v->secondary_count);
	if (!r) {
		*why = "out of memory";
		return -ENOMEM;
	}
	old = ddf_record(r, v->secondary_seq);
	if (old && be32_get(old->seq) >= be32_get(v->seq))
		return 0;
	ddf_put_record(r, v);
	ddf_note_behind(r, v->secondary_seq, behind);
	return 0;
}

/* 0; -EBADMSG: it is ignored, *why; -ENOMEM. */
static int load_record(struct ddf_container *c, const struct ddf_vdc *v, int64_t behind, const char **why)
{
	int vd;

	if (!ddf_crc_ok(v, ddf_record_bytes(&c->layout))) {
		*why = "its checksum is wrong";
		return -EBADMSG;
	}
	if (!ddf_check_vdc(v, &c->layout, why))
		return -EBADMSG;
	vd = ddf_vd_by_guid(c, v->guid);
	return vd < 0 ? 0 : add_record(c, (unsigned)vd, v, behind, why); /* deleted while the disk was away */
}

static int load_records(struct ddf_container *c, const struct candidate *cand, int64_t behind, const char *container)
{
	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *v = (const struct ddf_vdc *)(const void *)ddf_image_record(cand->chosen, i);
		const char *why = "";
		int err = be32_get(v->magic) == DDF_VDC_MAGIC ? load_record(c, v, behind, &why) : 0;

		if (err == -ENOMEM)
			return err;
		if (err)
			log_warning("%s: disk %s: configuration record %u is ignored: %s", container, cand->disk->name,
				    i, why);
	}
	return 0;
}

/* ---- room that is used twice, or that is not there (16): said, but not ours to put right ---- */

struct use {
	unsigned vd;
	uint64_t start, end; /* sectors */
};

static unsigned uses_in_record(const struct ddf_container *c, const struct ddf_vdc *v, unsigned vd, uint32_t refnum,
			       struct use *use, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->layout.mppe && n < max; i++) {
		uint64_t start = ddf_element_start(v, c->layout.mppe, i);

		if (ddf_element_ref(v, i) == refnum)
			use[n++] = (struct use){ vd, start, start + be64_get(v->block_count) };
	}
	return n;
}

/* At most `max`: a disk has no more records. */
static unsigned uses_of(const struct ddf_container *c, uint32_t refnum, struct use *use, unsigned max)
{
	unsigned n = 0;

	for (unsigned vd = 0; vd < c->layout.max_vd; vd++) {
		const struct ddf_records *r = c->volume[vd].records;

		for (unsigned seq = 0; r && seq < r->count; seq++) {
			const struct ddf_vdc *v = ddf_record(r, seq);

			if (v)
				n += uses_in_record(c, v, vd, refnum, use + n, max - n);
		}
	}
	return n;
}

static void report_uses(const struct ddf_container *c, const struct ddf_dl *dl, struct use *use, const char *container)
{
	const uint64_t size = be64_get(ddf_pd_by_ref(c, dl->refnum)->configured_size);
	const unsigned n = uses_of(c, dl->refnum, use, c->layout.records);

	for (unsigned i = 0; i < n; i++) {
		if (use[i].end > size)
			log_warning("%s: disk %s: virtual disk %u reaches beyond the room for data", container,
				    dl->disk->name, use[i].vd);
		for (unsigned k = 0; k < i; k++)
			if (use[i].start < use[k].end && use[k].start < use[i].end) {
				log_warning("%s: disk %s: virtual disks %u and %u overlap", container, dl->disk->name,
					    use[k].vd, use[i].vd);
				break;
			}
	}
}

static int report_room(const struct ddf_container *c, const char *container)
{
	struct use *use = malloc(c->layout.records * sizeof(*use));

	if (!use)
		return -ENOMEM;
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		report_uses(c, dl, use, container);
	free(use);
	return 0;
}

/* ---- all of it ---- */

/* The candidates with metadata, the best first. */
static size_t sort_candidates(struct candidate *cand, size_t count, struct candidate **order)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!cand[i].why)
			order[n++] = &cand[i];
	qsort(order, n, sizeof(*order), by_rank);
	return n;
}

static int load_chosen(struct ddf_container *c, struct candidate *const *order, size_t n, const char *container)
{
	for (size_t i = 0; i < n; i++) {
		int err = 0;

		if (order[i]->why)
			continue;
		judge_copies(c, order[i], container);
		ddf_note_lacking(c, order[i]->dl, rank_of(order[i]) < rank_of(order[0]));
		/* A daemon that was killed may have begun one more generation on a disk that is not here. */
		err = load_records(c, order[i], (int64_t)rank_of(order[0]) - rank_of(order[i]) + c->skips, container);
		if (err)
			return err;
	}
	return 0;
}

static void take_back_missing(struct ddf_container *c, const char *container)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (ddf_take_back(c, dl))
			log_event(LOG_LEVEL_WARNING, ABOUT("disk-back", NULL, dl->disk->name),
				  "%s: disk %s was missing, and is back: what of it is out of date will be rebuilt",
				  container, dl->disk->name);
}

static bool any_is_dirty(const struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_vd; i++)
		if (!ddf_guid_unused(ddf_vd(c, i)->guid) && ddf_vd(c, i)->state & DDF_VD_INCONSISTENT)
			return true;
	return false;
}

/*
 * No disk can be used by its last sector: whoever has made a container of them must have found an anchor elsewhere (mdadm 4.5
 * always looks for one). Beside a disk that has it there nothing is proved: one without is blank to mdadm 4.4, whatever
 * headers it has from before.
 */
static void search_all(struct ddf_container *c, struct candidate *cand, size_t count, const char *container)
{
	for (size_t i = 0; i < count; i++) {
		if (!cand[i].unsought)
			continue;
		cand[i].search = true;
		ddf_read_candidate(&cand[i], container);
		c->searched |= !cand[i].why;
	}
	if (c->searched)
		log_info("%s: no disk has its anchor in the last sector: mdadm has found them elsewhere, and so it was done here",
			 container);
}

/* How many have metadata; they are in `order`, the best first. */
static size_t read_candidates(struct ddf_container *c, struct candidate *cand, struct candidate **order,
			      struct disk **disks, size_t count, const char *container)
{
	size_t n;

	for (size_t i = 0; i < count; i++) {
		cand[i].disk = disks[i];
		ddf_read_candidate(&cand[i], container);
	}
	n = sort_candidates(cand, count, order);
	if (n)
		return n;
	search_all(c, cand, count, container);
	return sort_candidates(cand, count, order);
}

static int load_from(struct ddf_container *c, struct candidate *cand, struct candidate **order, struct disk **disks,
		     size_t count, const char *container)
{
	const size_t n = read_candidates(c, cand, order, disks, count, container);
	int err;

	if (n == 0) {
		report_unused(cand, count, container);
		return -ENODEV;
	}
	err = adopt_tables(c, order[0]->chosen);
	if (err)
		return err;
	drop_foreign(c, order, n);
	report_unused(cand, count, container);
	report_tables(c, container);
	err = take_disks(c, cand, count, disks);
	c->loaded_seq = c->seq;
	/* A daemon that was killed may have begun a generation on a disk that is not here: no other must bear the same number. */
	c->skips = ddf_any_absent(c);
	/* Or it was cut off before that disk had a mark that all of these have, and the kernel is not to be answered by that (7.5). */
	c->uneven |= c->skips && any_is_dirty(c);
	if (!err)
		err = load_chosen(c, order, n, container);
	if (!err)
		take_back_missing(c, container);
	if (!err)
		err = report_room(c, container);
	return err ? err : c->disks ? 0 : -ENODEV;
}

static void free_candidates(struct candidate *cand, size_t count)
{
	for (size_t i = 0; cand && i < count; i++)
		for (int k = 0; k < DDF_COPIES; k++)
			free(cand[i].copy[k].bytes);
	free(cand);
}

int ddf_load(struct ddf_container *c, struct disk **disks, size_t count, const char *container)
{
	struct candidate *cand = calloc(count + 1, sizeof(*cand));
	struct candidate **order = calloc(count + 1, sizeof(*order));
	int err = -ENOMEM;

	if (cand && order)
		err = load_from(c, cand, order, disks, count, container);
	if (err)
		log_error("Cannot load metadata for %s: %s", container,
			  err == -ENOMEM ? "out of memory" : "no disk has DDF metadata that can be used");
	free_candidates(cand, count);
	free(order);
	return err;
}

void ddf_free(struct ddf_container *c)
{
	struct ddf_dl *dl, *next;

	for (dl = c->disks; dl; dl = next) {
		next = dl->next;
		disk_close(dl->disk);
		free(dl);
	}
	for (unsigned i = 0; c->volume && i < c->layout.max_vd; i++)
		if (c->volume[i].records && !c->volume[i].records->part_of_arrival)
			free(c->volume[i].records);
	for (struct ddf_arrival *a = c->arrivals, *after; a; a = after) {
		after = a->next;
		free(a);
	}
	free(c->volume);
	free(c->controller);
	free(c->pd);
	free(c->vd);
	free(c->pd_written);
	free(c->vd_written);
	free(c->pd_held);
	free(c->vd_held);
	*c = (struct ddf_container){ 0 };
}
