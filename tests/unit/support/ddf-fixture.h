/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DDF container in memory, and its tables as lines of text, for the tests of ddf/events.c, ddf/spare.c,
 * ddf/messages.c and ddf/report.c.
 *
 * Physical disks, in the order of the table: number of the disk, type/state in hex, "?" if it is absent, "-" for an
 * unused entry:
 *
 *   "0:03/01 1:03/42? - 2:05/01"
 *
 * A virtual disk: state/init state in hex, then for each BVD "v", its sequence number and its elements: number of the
 * disk, "@" and the starting block unless that is 0; "_" for a disk that was found missing (0), "-" for a position that was
 * never filled. "?" is a BVD whose record is not known:
 *
 *   "01/02 v4 0,2@16384"   "00/02 v1 0,1 v1 2,3"   "00/02 v1 0,- ?"
 *
 * Members of md, by slot: number of the disk, "!" if it is not in sync, "x" if it is faulty, "?" if it is gone, "@" and
 * the data offset unless that is 0; "-" for an empty slot:
 *
 *   "0,1!@16384,-"
 */
#ifndef DDF_FIXTURE_H
#define DDF_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddf/ddf.h"

#define FX_DISKS 16
#define FX_PDS 15
#define FX_VDS 15
#define FX_MPPE 16
#define FX_RECORD_SECTORS 2
#define FX_RECORDS 9
#define FX_SECTORS 131072u    /* of each disk */
#define FX_CONFIGURED 65536u  /* of them, for arrays */
#define FX_BLOCKS 16384u      /* that a virtual disk uses of each */
#define FX_NOW 0x58345fe5u
#define FX_BEFORE 0x58340000u /* time stamps of records */
#define FX_TABLE_BYTES 1024u  /* head and 15 entries */
#define FX_CONFIG_BYTES (FX_RECORDS * FX_RECORD_SECTORS * DDF_SECTOR)

struct fixture {
	struct ddf_container c;
	uint8_t controller[DDF_SECTOR];
	uint8_t pd[FX_TABLE_BYTES], vd[FX_TABLE_BYTES];
	uint8_t pd_written[FX_TABLE_BYTES], vd_written[FX_TABLE_BYTES];
	struct ddf_volume volume[FX_VDS];
	struct ddf_dl dl[FX_DISKS];
	struct disk disk[FX_DISKS];
	uint8_t config[FX_DISKS][FX_CONFIG_BYTES];
	uint8_t disk_data[FX_DISKS][DDF_SECTOR];

	struct ddf_md_array md;
	struct md_member member[FX_DISKS];
	unsigned members;
};

static inline dev_t fx_dev(unsigned n)
{
	return (dev_t)(0x800 + n);
}

static inline uint32_t fx_ref(unsigned n)
{
	return 0x100 + n;
}

static inline void fx_pd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "DISK%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

static inline void fx_vd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "VIRT%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

/* ---- making a container ---- */

static inline void fx_table(uint8_t *table, uint32_t magic, unsigned max)
{
	struct ddf_table_head *head = (struct ddf_table_head *)table;

	memset(table, 0xff, FX_TABLE_BYTES);
	head->magic = be32_make(magic);
	head->populated = be16_make(0);
	head->max = be16_make((uint16_t)max);
}

static inline void fx_shape(struct ddf_container *c)
{
	struct ddf_header *h = &c->header;
	struct ddf_layout *l = &c->layout;

	*l = (struct ddf_layout){
		.primary_lba = FX_SECTORS - DDF_PRIMARY_FROM_END,
		.secondary_lba = FX_SECTORS - DDF_SECONDARY_FROM_END,
		.workspace_lba = FX_SECTORS - DDF_SECONDARY_FROM_END,
		.max_pd = FX_PDS,
		.max_vd = FX_VDS,
		.records = FX_RECORDS,
		.record_sectors = FX_RECORD_SECTORS,
		.mppe = FX_MPPE,
		.controller = { 1, 1 },
		.pd = { 2, 2 },
		.vd = { 4, 2 },
		.config = { 6, FX_RECORDS * FX_RECORD_SECTORS },
		.disk_data = { 24, 1 },
	};
	memset(h, 0xff, sizeof(*h));
	h->magic = be32_make(DDF_HEADER_MAGIC);
	memcpy(h->guid, "THE CONTAINER OF A TEST.", DDF_GUID_LEN);
	memcpy(h->revision, "01.02.00", 8);
	h->seq = be32_make(7);
	h->timestamp = be32_make(FX_BEFORE);
	h->open_flag = DDF_CLOSED;
	h->foreign_flag = h->grouping = 0;
	h->primary_lba = be64_make(l->primary_lba);
	h->secondary_lba = be64_make(l->secondary_lba);
	h->type = DDF_PRIMARY;
	h->workspace_len = be32_make(32768);
	h->workspace_lba = be64_make(l->workspace_lba);
	h->max_pd_entries = be16_make(FX_PDS);
	h->max_vd_entries = be16_make(FX_VDS);
	h->max_partitions = be16_make(FX_RECORDS - 1);
	h->record_len = be16_make(FX_RECORD_SECTORS);
	h->max_primary_elements = be16_make(FX_MPPE);
	h->controller = (struct ddf_section){ be32_make(1), be32_make(1) };
	h->pd = (struct ddf_section){ be32_make(2), be32_make(2) };
	h->vd = (struct ddf_section){ be32_make(4), be32_make(2) };
	h->config = (struct ddf_section){ be32_make(6), be32_make(FX_RECORDS * FX_RECORD_SECTORS) };
	h->disk_data = (struct ddf_section){ be32_make(24), be32_make(1) };
	h->bbm.length = h->diagnostic.length = h->vendor.length = be32_make(0);
}

/* No disks, no virtual disks. fx_free() at the end. */
static inline void fx_init(struct fixture *f)
{
	struct ddf_container *c = &f->c;

	memset(f, 0, sizeof(*f));
	fx_shape(c);
	c->seq = 7;
	c->now = FX_NOW;
	memset(f->controller, 0xff, sizeof(f->controller));
	fx_table(f->pd, DDF_PD_MAGIC, FX_PDS);
	fx_table(f->vd, DDF_VD_MAGIC, FX_VDS);
	memcpy(f->pd_written, f->pd, sizeof(f->pd));
	memcpy(f->vd_written, f->vd, sizeof(f->vd));
	c->controller = f->controller;
	c->pd = f->pd;
	c->vd = f->vd;
	c->pd_written = f->pd_written;
	c->vd_written = f->vd_written;
	c->volume = f->volume;
}

static inline void fx_free(struct fixture *f)
{
	for (unsigned i = 0; i < FX_VDS; i++)
		free(f->volume[i].records);
	memset(f->volume, 0, sizeof(f->volume));
}

/* ---- disks ---- */

/* A disk of that number as ddf_dl_new() makes it: without a place in the table. */
static inline struct ddf_dl *fx_new_disk(struct fixture *f, unsigned n)
{
	struct ddf_dl *dl = &f->dl[n];

	assert_true(n < FX_DISKS);
	memset(dl, 0, sizeof(*dl));
	memset(f->config[n], 0xff, FX_CONFIG_BYTES);
	memset(f->disk_data[n], 0xff, DDF_SECTOR);
	f->disk[n] = (struct disk){
		.dev = fx_dev(n), .fd = -1, .size = (uint64_t)FX_SECTORS * 512, .sector_size = 512,
	};
	snprintf(f->disk[n].name, sizeof(f->disk[n].name), "disk%u", n);
	dl->disk = &f->disk[n];
	dl->dev = fx_dev(n);
	dl->config = f->config[n];
	dl->disk_data = f->disk_data[n];
	return dl;
}

/* The same, and it belongs to the container. */
static inline struct ddf_dl *fx_present(struct fixture *f, unsigned n)
{
	struct ddf_dl *dl = fx_new_disk(f, n);

	dl->refnum = fx_ref(n);
	fx_pd_guid(dl->guid, n);
	dl->header = f->c.header;
	dl->at = f->c.layout;
	for (unsigned i = 0; i < DDF_COPIES; i++)
		dl->copy[i] = (struct ddf_copy){ .exists = true, .good = true, .seq = f->c.seq };
	dl->next = f->c.disks;
	f->c.disks = dl;
	return dl;
}

static inline struct ddf_pd_entry *fx_pd(struct fixture *f, unsigned i)
{
	return (struct ddf_pd_entry *)(f->pd + 64) + i;
}

static inline struct ddf_vd_entry *fx_vd(struct fixture *f, unsigned i)
{
	return (struct ddf_vd_entry *)(f->vd + 64) + i;
}

static inline void fx_count(uint8_t *table, int more)
{
	struct ddf_table_head *head = (struct ddf_table_head *)table;

	head->populated = be16_make((uint16_t)(be16_get(head->populated) + more));
}

static inline void fx_pd_entry(struct fixture *f, unsigned i, unsigned n, unsigned type, unsigned state)
{
	struct ddf_pd_entry *e = fx_pd(f, i);

	assert_true(i < FX_PDS);
	fx_pd_guid(e->guid, n);
	e->refnum = be32_make(fx_ref(n));
	e->type = be16_make((uint16_t)type);
	e->state = be16_make((uint16_t)state);
	e->configured_size = be64_make(FX_CONFIGURED);
	memcpy(e->path, " Information: nil", sizeof(e->path));
	fx_count(f->pd, 1);
}

static inline void fx_unlink(struct fixture *f, unsigned n)
{
	struct ddf_dl **link = &f->c.disks;

	while (*link && *link != &f->dl[n])
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

static inline struct ddf_pd_entry *fx_pd_of(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < FX_PDS; i++)
		if (be32_get(fx_pd(f, i)->refnum) == fx_ref(n))
			return fx_pd(f, i);
	fail_msg("disk %u is not listed", n);
	return NULL;
}

static inline void fx_pd_state(struct fixture *f, unsigned n, unsigned state)
{
	fx_pd_of(f, n)->state = be16_make((uint16_t)state);
}

static inline void fx_fail_disk(struct fixture *f, unsigned n)
{
	fx_pd_state(f, n, be16_get(fx_pd_of(f, n)->state) | DDF_PD_FAILED);
}

/* A spare assignment record in the last slot. `vd`: the virtual disks that it may serve. */
static inline struct ddf_spare *fx_spare_record(struct fixture *f, unsigned n, bool dedicated, unsigned count,
						const unsigned *vd)
{
	size_t bytes = FX_RECORD_SECTORS * DDF_SECTOR;
	struct ddf_spare *s = (struct ddf_spare *)(f->config[n] + (FX_RECORDS - 1) * bytes);
	struct ddf_pd_entry *e = fx_pd_of(f, n);

	memset(s, 0xff, bytes);
	s->magic = be32_make(DDF_SPARE_MAGIC);
	s->timestamp = be32_make(FX_BEFORE);
	s->type = dedicated ? DDF_SPARE_DEDICATED : 0;
	s->populated = be16_make((uint16_t)count);
	s->max = be16_make(31);
	for (unsigned i = 0; i < count; i++) {
		fx_vd_guid(s->entry[i].guid, vd[i]);
		s->entry[i].secondary_element = be16_make(0xffff);
	}
	ddf_seal(s, bytes);
	e->type = be16_make((uint16_t)((be16_get(e->type) & ~DDF_PD_GLOBAL_SPARE) | DDF_PD_SPARE));
	return s;
}

/* ---- physical disks as text ---- */

static inline void fx_put(char **p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void fx_put(char **p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	*p += vsprintf(*p, format, ap);
	va_end(ap);
}

static inline bool fx_is_present(const struct fixture *f, uint32_t refnum)
{
	for (const struct ddf_dl *dl = f->c.disks; dl; dl = dl->next)
		if (dl->refnum == refnum)
			return true;
	return false;
}

static inline void fx_put_ref(char **p, uint32_t refnum)
{
	if (refnum >= fx_ref(0) && refnum < fx_ref(FX_DISKS))
		fx_put(p, "%u", refnum - fx_ref(0));
	else
		fx_put(p, "#%x", refnum);
}

static inline const char *fx_pd_text(const struct fixture *f)
{
	static char text[2048];
	const struct ddf_pd_entry *e = (const struct ddf_pd_entry *)(f->pd + 64);
	char *p = text;
	unsigned last = FX_PDS;

	*p = '\0';
	while (last && be32_get(e[last - 1].refnum) == DDF_REF_NONE)
		last--;
	for (unsigned i = 0; i < last; i++) {
		uint32_t refnum = be32_get(e[i].refnum);

		fx_put(&p, "%s", i ? " " : "");
		if (refnum == DDF_REF_NONE) {
			fx_put(&p, "-");
			continue;
		}
		fx_put_ref(&p, refnum);
		fx_put(&p, ":%02x/%02x%s", be16_get(e[i].type), be16_get(e[i].state),
		       fx_is_present(f, refnum) ? "" : "?");
	}
	return text;
}

/* Fills the empty table as the text says. */
static inline void fx_disks(struct fixture *f, const char *text)
{
	const char *p = text;

	for (unsigned i = 0; *p; i++, p += *p == ' ') {
		unsigned n, type, state;
		int len = 0;

		if (*p == '-') {
			p++;
			continue;
		}
		assert_int_equal(sscanf(p, "%u:%x/%x%n", &n, &type, &state, &len), 3);
		p += len;
		fx_pd_entry(f, i, n, type, state);
		if (*p == '?')
			p++;
		else
			fx_present(f, n);
	}
	memcpy(f->pd_written, f->pd, sizeof(f->pd));
	assert_string_equal(fx_pd_text(f), text);
}

/* ---- virtual disks as text ---- */

static inline struct ddf_vdc *fx_record(const struct fixture *f, unsigned vd, unsigned bvd)
{
	struct ddf_records *r = f->volume[vd].records;

	if (!r || bvd >= r->count || !(r->present[bvd / 8] >> bvd % 8 & 1))
		return NULL;
	return (struct ddf_vdc *)(void *)(r->bytes + bvd * r->record_bytes);
}

static inline void fx_put_record(char **p, const struct ddf_vdc *v)
{
	unsigned last = FX_MPPE, count = be16_get(v->primary_count);

	fx_put(p, " v%u ", be32_get(v->seq));
	while (last > count && ddf_element_ref(v, last - 1) == DDF_REF_NONE)
		last--;
	for (unsigned i = 0; i < last; i++) {
		uint32_t refnum = ddf_element_ref(v, i);
		uint64_t start = ddf_element_start(v, FX_MPPE, i);

		fx_put(p, "%s", i ? "," : "");
		if (refnum == DDF_REF_NONE)
			fx_put(p, "-");
		else if (refnum == DDF_REF_MISSING)
			fx_put(p, "_");
		else
			fx_put_ref(p, refnum);
		if (start)
			fx_put(p, "@%llu", (unsigned long long)start);
	}
}

static inline const char *fx_vd_text(const struct fixture *f, unsigned vd)
{
	static char text[4096];
	const struct ddf_vd_entry *e = (const struct ddf_vd_entry *)(f->vd + 64) + vd;
	const struct ddf_records *r = f->volume[vd].records;
	char *p = text;

	if (ddf_guid_unused(e->guid))
		return "none";
	fx_put(&p, "%02x/%02x", e->state, e->init_state);
	for (unsigned i = 0; r && i < r->count; i++) {
		if (fx_record(f, vd, i))
			fx_put_record(&p, fx_record(f, vd, i));
		else
			fx_put(&p, " ?");
	}
	return text;
}

static inline unsigned long fx_get_number(const char **p, int base)
{
	char *end;
	unsigned long n = strtoul(*p, &end, base);

	assert_true(end > *p);
	*p = end;
	return n;
}

/* "0,2@16384,_"; returns how many there are. */
static inline unsigned fx_get_elements(const char **p, struct ddf_vdc *v)
{
	unsigned count = 0;

	for (; **p && **p != ' '; *p += **p == ',') {
		uint32_t refnum = DDF_REF_MISSING;
		uint64_t start = 0;

		assert_true(count < FX_MPPE);
		if (isdigit((unsigned char)**p)) {
			refnum = fx_ref((unsigned)fx_get_number(p, 10));
		} else {
			refnum = **p == '-' ? DDF_REF_NONE : DDF_REF_MISSING;
			(*p)++;
		}
		if (**p == '@') {
			(*p)++;
			start = fx_get_number(p, 10);
		}
		ddf_set_element_ref(v, count, refnum);
		ddf_set_element_start(v, FX_MPPE, count++, start);
	}
	return count;
}

static inline void fx_vd_entry(struct fixture *f, unsigned i, unsigned state, unsigned init)
{
	struct ddf_vd_entry *e = fx_vd(f, i);

	assert_true(i < FX_VDS);
	fx_vd_guid(e->guid, i);
	e->unit = be16_make((uint16_t)(100 + i));
	e->type = be16_make(0);
	e->state = (uint8_t)state;
	e->init_state = (uint8_t)init;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "vd%u", i);
	fx_count(f->vd, 1);
}

static inline void fx_vdc_head(struct ddf_vdc *v, unsigned vd, unsigned prl, unsigned rlq, unsigned bvd, unsigned bvds)
{
	memset(v, 0xff, FX_RECORD_SECTORS * DDF_SECTOR);
	v->magic = be32_make(DDF_VDC_MAGIC);
	fx_vd_guid(v->guid, vd);
	v->timestamp = be32_make(FX_BEFORE);
	v->strip_exponent = prl == DDF_RAID1 && bvds == 1 ? 0xff : 7;
	v->prl = (uint8_t)prl;
	v->rlq = (uint8_t)rlq;
	v->secondary_count = (uint8_t)bvds;
	v->secondary_seq = (uint8_t)bvd;
	v->srl = bvds == 1 ? 0xff : DDF_2SPANNED;
	v->block_count = be64_make(FX_BLOCKS);
	v->vd_size = be64_make((uint64_t)FX_BLOCKS * bvds);
	memset(v->cache_policy, 0, sizeof(v->cache_policy));
	v->bg_rate = 0x80;
	memset((uint8_t *)v + sizeof(*v) + 4 * FX_MPPE, 0, 8 * FX_MPPE);
}

/* A virtual disk in entry `vd` as the text says. P is the number of elements of its first BVD. Not watched. */
static inline void fx_volume(struct fixture *f, unsigned vd, unsigned prl, unsigned rlq, const char *text)
{
	size_t bytes = FX_RECORD_SECTORS * DDF_SECTOR;
	unsigned state, init, bvds = 0, primary = 0;
	struct ddf_records *r;
	const char *p = text;
	int len;

	for (const char *q = text; *q; q++)
		bvds += *q == 'v' || *q == '?';
	assert_int_equal(sscanf(p, "%x/%x%n", &state, &init, &len), 2);
	p += len;
	fx_vd_entry(f, vd, state, init);
	memcpy(f->vd_written, f->vd, sizeof(f->vd));
	if (!bvds)
		return;
	r = calloc(1, sizeof(*r) + bvds * bytes);
	assert_non_null(r);
	f->volume[vd].records = r;
	r->count = bvds;
	r->record_bytes = bytes;
	for (unsigned i = 0; i < bvds; i++) {
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)(r->bytes + i * bytes);
		unsigned count;

		assert_int_equal(*p++, ' ');
		fx_vdc_head(v, vd, prl, rlq, i, bvds);
		if (*p++ == '?')
			continue;
		r->present[i / 8] |= (uint8_t)(1u << i % 8);
		v->seq = be32_make((uint32_t)fx_get_number(&p, 10));
		assert_int_equal(*p++, ' ');
		count = fx_get_elements(&p, v);
		primary = primary ? primary : count;
		v->primary_count = be16_make((uint16_t)primary);
	}
	assert_string_equal(fx_vd_text(f, vd), text);
}

/* ---- md ---- */

/* What md has. */
static inline void fx_md(struct fixture *f, int level, int layout, const char *members)
{
	const char *p = members;
	unsigned slot;

	memset(f->member, 0, sizeof(f->member));
	f->members = 0;
	for (slot = 0; *p; slot++, p += *p == ',') {
		struct md_member *m = &f->member[f->members];

		if (*p == '-') {
			p++;
			continue;
		}
		f->members++;
		m->dev = fx_dev((unsigned)fx_get_number(&p, 10));
		m->slot = (int)slot;
		m->state = MEMBER_IN_SYNC;
		for (; *p == '!' || *p == 'x' || *p == '?'; p++)
			m->state = *p == '!' ? 0 : *p == 'x' ? MEMBER_FAULTY : MEMBER_FAULTY | MEMBER_GONE;
		if (*p == '@') {
			p++;
			m->data_offset = fx_get_number(&p, 10);
		}
	}
	f->md = (struct ddf_md_array){
		.level = level, .layout = layout, .raid_disks = (int)slot,
		.component_size = FX_BLOCKS, .resync_start = SECTORS_NONE,
	};
}

/* ---- checks ---- */

/* Everything that an update or an event may change. */
struct fx_snapshot {
	uint8_t pd[FX_TABLE_BYTES], vd[FX_TABLE_BYTES];
	struct ddf_volume volume[FX_VDS];
	uint8_t records[FX_VDS][4 * FX_RECORD_SECTORS * DDF_SECTOR];
	struct ddf_dl dl[FX_DISKS];
	struct ddf_dl *disks;
	struct ddf_rebuild rebuild[DDF_MAX_REBUILDS];
};

static inline size_t fx_records_bytes(const struct ddf_records *r)
{
	size_t bytes = r ? r->count * r->record_bytes : 0;

	assert_true(bytes <= sizeof(((struct fx_snapshot *)NULL)->records[0]));
	return bytes;
}

static inline void fx_save(const struct fixture *f, struct fx_snapshot *s)
{
	memcpy(s->pd, f->pd, sizeof(s->pd));
	memcpy(s->vd, f->vd, sizeof(s->vd));
	memcpy(s->volume, f->volume, sizeof(s->volume));
	for (unsigned i = 0; i < FX_VDS; i++)
		if (f->volume[i].records)
			memcpy(s->records[i], f->volume[i].records->bytes, fx_records_bytes(f->volume[i].records));
	memcpy(s->dl, f->dl, sizeof(s->dl));
	s->disks = f->c.disks;
	memcpy(s->rebuild, f->c.rebuild, sizeof(s->rebuild));
}

static inline void fx_assert_unchanged(const struct fixture *f, const struct fx_snapshot *s)
{
	assert_memory_equal(s->pd, f->pd, sizeof(s->pd));
	assert_memory_equal(s->vd, f->vd, sizeof(s->vd));
	assert_memory_equal(s->volume, f->volume, sizeof(s->volume));
	for (unsigned i = 0; i < FX_VDS; i++)
		if (f->volume[i].records)
			assert_memory_equal(s->records[i], f->volume[i].records->bytes,
					    fx_records_bytes(f->volume[i].records));
	assert_memory_equal(s->dl, f->dl, sizeof(s->dl));
	assert_ptr_equal(s->disks, f->c.disks);
	assert_memory_equal(s->rebuild, f->c.rebuild, sizeof(s->rebuild));
}

#endif
