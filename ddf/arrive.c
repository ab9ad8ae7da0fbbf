/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a disk that comes while the container is in use (ddf.md 10.5). The manager does it, which sees nothing of the
 * metadata in memory: what is on the disk is read, checked and copied here, and ddf/late.c says what it means.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ddf/read.h"
#include "lib/log.h"

#define RECORDS_MAX (4u << 20) /* bytes for all records: a prepared disk must not use up the memory */

/* Tables that say themselves that they have fewer entries are used so on all disks (ddf/load.c). */
static bool fits(const struct ddf_layout *at, const struct ddf_layout *l)
{
	struct ddf_layout same = *at;

	if (at->max_pd < l->max_pd || at->max_vd < l->max_vd)
		return false;
	same.max_pd = l->max_pd;
	same.max_vd = l->max_vd;
	return ddf_same_shape(&same, l);
}

static const struct ddf_vdc *right_record(const struct image *m, unsigned i)
{
	const struct ddf_vdc *v = (const struct ddf_vdc *)(const void *)ddf_image_record(m, i);
	bool right = be32_get(v->magic) == DDF_VDC_MAGIC && ddf_crc_ok(v, ddf_record_bytes(&m->at)) &&
		     ddf_check_vdc(v, &m->at, NULL);

	return right ? v : NULL;
}

/* ---- one block for all ---- */

static size_t aligned(size_t size)
{
	return (size + 15) & ~(size_t)15;
}

static size_t head_size(const struct image *m)
{
	return aligned(sizeof(struct ddf_arrival) + m->at.records * sizeof(struct ddf_records *));
}

static size_t sections_size(const struct image *m)
{
	size_t size = 0;

	for (int i = PHYSICAL; i < SECTIONS; i++)
		size += aligned(m->size[i]);
	return size;
}

static size_t record_size(const struct image *m, const struct ddf_vdc *v)
{
	return aligned(sizeof(struct ddf_records) + v->secondary_count * ddf_record_bytes(&m->at));
}

/* 0: there is no record, or no room for it behind `used` bytes of others. */
static size_t room_for_record(const struct image *m, unsigned i, size_t used)
{
	const struct ddf_vdc *v = right_record(m, i);
	size_t size = v ? record_size(m, v) : 0;

	return used + size <= RECORDS_MAX ? size : 0;
}

static size_t records_size(const struct image *m)
{
	size_t size = 0;

	for (unsigned i = 0; i < m->at.records; i++)
		size += room_for_record(m, i, size);
	return size;
}

static const uint8_t *keep_section(const struct image *m, int section, uint8_t **room)
{
	uint8_t *p = *room;

	memcpy(p, m->section[section], m->size[section]);
	*room += aligned(m->size[section]);
	return p;
}

static void keep_record(const struct image *m, const struct ddf_vdc *v, uint8_t *room)
{
	struct ddf_records *r = (struct ddf_records *)(void *)room;

	r->count = v->secondary_count;
	r->record_bytes = ddf_record_bytes(&m->at);
	r->part_of_arrival = true;
	ddf_put_record(r, v);
}

static void keep_records(struct ddf_arrival *a, const struct image *m, uint8_t *room)
{
	size_t used = 0;

	for (unsigned i = 0; i < m->at.records; i++) {
		size_t size = room_for_record(m, i, used);

		if (!size)
			continue;
		a->record[a->records++] = (struct ddf_records *)(void *)(room + used);
		keep_record(m, right_record(m, i), room + used);
		used += size;
	}
}

/* ---- what is kept of the disk ---- */

static void keep_contents(struct ddf_arrival *a, const struct image *m)
{
	uint8_t *room = (uint8_t *)a + head_size(m);

	a->pd = keep_section(m, PHYSICAL, &room);
	a->vd = keep_section(m, VIRTUAL, &room);
	a->config = keep_section(m, CONFIG, &room);
	a->disk_data = keep_section(m, DISK_DATA, &room);
	keep_records(a, m, room);
}

static void keep_copies(struct ddf_arrival *a, const struct candidate *cand)
{
	for (int i = 0; i < DDF_COPIES; i++) {
		const struct image *m = &cand->copy[i];

		a->copy[i] = (struct ddf_copy){
			.exists = m->exists,
			.chosen = m == cand->chosen,
			.closed = m->usable && ddf_image_closed(m),
			.seq = m->usable ? ddf_image_seq(m) : 0,
		};
	}
}

static struct ddf_arrival *keep(const struct candidate *cand)
{
	const struct image *m = cand->chosen;
	struct ddf_arrival *a = calloc(1, head_size(m) + sections_size(m) + records_size(m));

	if (!a)
		return NULL;
	a->header = m->header;
	a->at = m->at;
	a->refnum = be32_get(ddf_data_of(cand)->refnum);
	memcpy(a->guid, ddf_data_of(cand)->guid, sizeof(a->guid));
	a->rank = ddf_rank(ddf_image_seq(m) - !ddf_image_closed(m));
	a->anchor_due = ddf_is_anchor_due(cand);
	keep_copies(a, cand);
	keep_contents(a, m);
	return a;
}

/* It may be a member, of which nothing must be written over. */
static int refuse_unread(const struct candidate *cand, const char *container)
{
	log_event(LOG_LEVEL_ERROR, ABOUT("disk-unused", NULL, cand->disk->name),
		  "%s: disk %s is not used: %s, so that nobody knows what is on it", container, cand->disk->name,
		  cand->why);
	return -EIO;
}

struct ddf_arrival *ddf_read_arrival(struct disk *disk, const struct ddf_layout *l, bool search, const char *container,
				     int *err)
{
	struct candidate cand = { .disk = disk, .search = search };
	struct ddf_arrival *a = NULL;

	*err = 0;
	ddf_read_candidate(&cand, container);
	if (!cand.why && fits(&cand.chosen->at, l)) {
		a = keep(&cand);
		*err = a ? 0 : -ENOMEM;
	} else if (cand.why && cand.unreadable) {
		*err = refuse_unread(&cand, container);
	}
	for (int k = 0; k < DDF_COPIES; k++)
		free(cand.copy[k].bytes);
	return a;
}
