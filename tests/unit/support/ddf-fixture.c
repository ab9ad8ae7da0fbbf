/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-fixture.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/text.h"

struct fixture dfx;

dev_t dfx_dev(unsigned n)
{
	return (dev_t)(0x800 + n);
}

uint32_t dfx_ref(unsigned n)
{
	return 0x100 + n;
}

void dfx_pd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "DISK%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

void dfx_vd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "VIRT%020u", n);
	memcpy(guid, text, DDF_GUID_LEN);
}

/* ---- making a container ---- */

static void dfx_table(uint8_t *table, uint32_t magic, unsigned max)
{
	struct ddf_table_head *head = (struct ddf_table_head *)table;

	memset(table, 0xff, FX_TABLE_BYTES);
	head->magic = be32_make(magic);
	head->populated = be16_make(0);
	head->max = be16_make((uint16_t)max);
}

static void dfx_shape(struct ddf_container *c)
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

void dfx_init(struct fixture *f)
{
	struct ddf_container *c = &f->c;

	memset(f, 0, sizeof(*f));
	dfx_shape(c);
	c->seq = 7;
	c->now = FX_NOW;
	memset(f->controller, 0xff, sizeof(f->controller));
	dfx_table(f->pd, DDF_PD_MAGIC, FX_PDS);
	dfx_table(f->vd, DDF_VD_MAGIC, FX_VDS);
	memcpy(f->pd_written, f->pd, sizeof(f->pd));
	memcpy(f->vd_written, f->vd, sizeof(f->vd));
	c->controller = f->controller;
	c->pd = f->pd;
	c->vd = f->vd;
	c->pd_written = f->pd_written;
	c->vd_written = f->vd_written;
	c->pd_held = f->pd_held;
	c->vd_held = f->vd_held;
	c->volume = f->volume;
}

void dfx_free(struct fixture *f)
{
	for (unsigned i = 0; i < FX_VDS; i++)
		free(f->volume[i].records);
	memset(f->volume, 0, sizeof(f->volume));
}

/* ---- disks ---- */

struct ddf_dl *dfx_new_disk(struct fixture *f, unsigned n)
{
	struct ddf_dl *dl = &f->dl[n];

	assert_true(n < FX_DISKS);
	memset(dl, 0, sizeof(*dl));
	memset(f->config[n], 0xff, FX_CONFIG_BYTES);
	memset(f->disk_data[n], 0xff, DDF_SECTOR);
	f->disk[n] = (struct disk){
		.dev = dfx_dev(n), .fd = -1, .size = (uint64_t)FX_SECTORS * 512, .sector_size = 512,
	};
	snprintf(f->disk[n].name, sizeof(f->disk[n].name), "disk%u", n);
	dl->disk = &f->disk[n];
	dl->dev = dfx_dev(n);
	dl->config = f->config[n];
	dl->disk_data = f->disk_data[n];
	return dl;
}

struct ddf_dl *dfx_present(struct fixture *f, unsigned n)
{
	struct ddf_dl *dl = dfx_new_disk(f, n);

	dl->refnum = dfx_ref(n);
	dfx_pd_guid(dl->guid, n);
	dl->header = f->c.header;
	dl->at = f->c.layout;
	for (unsigned i = 0; i < DDF_COPIES; i++)
		dl->copy[i] = (struct ddf_copy){ .exists = true, .good = true, .closed = true, .seq = f->c.seq };
	dl->next = f->c.disks;
	f->c.disks = dl;
	return dl;
}

struct ddf_pd_entry *dfx_pd(struct fixture *f, unsigned i)
{
	return (struct ddf_pd_entry *)(f->pd + 64) + i;
}

struct ddf_vd_entry *dfx_vd(struct fixture *f, unsigned i)
{
	return (struct ddf_vd_entry *)(f->vd + 64) + i;
}

void dfx_count(uint8_t *table, int more)
{
	struct ddf_table_head *head = (struct ddf_table_head *)table;

	head->populated = be16_make((uint16_t)(be16_get(head->populated) + more));
}

void dfx_pd_entry(struct fixture *f, unsigned i, unsigned n, unsigned type, unsigned state)
{
	struct ddf_pd_entry *e = dfx_pd(f, i);

	assert_true(i < FX_PDS);
	dfx_pd_guid(e->guid, n);
	e->refnum = be32_make(dfx_ref(n));
	e->type = be16_make((uint16_t)type);
	e->state = be16_make((uint16_t)state);
	e->configured_size = be64_make(FX_CONFIGURED);
	memcpy(e->path, " Information: nil", sizeof(e->path));
	dfx_count(f->pd, 1);
}

void dfx_unlink(struct fixture *f, unsigned n)
{
	struct ddf_dl **link = &f->c.disks;

	while (*link && *link != &f->dl[n])
		link = &(*link)->next;
	if (*link)
		*link = (*link)->next;
}

struct ddf_pd_entry *dfx_pd_of(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < FX_PDS; i++)
		if (be32_get(dfx_pd(f, i)->refnum) == dfx_ref(n))
			return dfx_pd(f, i);
	fail_msg("disk %u is not listed", n);
	return NULL;
}

void dfx_pd_state(struct fixture *f, unsigned n, unsigned state)
{
	dfx_pd_of(f, n)->state = be16_make((uint16_t)state);
}

void dfx_fail_disk(struct fixture *f, unsigned n)
{
	dfx_pd_state(f, n, be16_get(dfx_pd_of(f, n)->state) | DDF_PD_FAILED);
}

struct ddf_spare *dfx_spare_record(struct fixture *f, unsigned n, bool dedicated, unsigned count, const unsigned *vd)
{
	size_t bytes = FX_RECORD_SECTORS * DDF_SECTOR;
	struct ddf_spare *s = (struct ddf_spare *)(f->config[n] + (FX_RECORDS - 1) * bytes);
	struct ddf_pd_entry *e = dfx_pd_of(f, n);

	memset(s, 0xff, bytes);
	s->magic = be32_make(DDF_SPARE_MAGIC);
	s->timestamp = be32_make(FX_BEFORE);
	s->type = dedicated ? DDF_SPARE_DEDICATED : 0;
	s->populated = be16_make((uint16_t)count);
	s->max = be16_make(31);
	for (unsigned i = 0; i < count; i++) {
		dfx_vd_guid(s->entry[i].guid, vd[i]);
		s->entry[i].secondary_element = be16_make(0xffff);
	}
	ddf_seal(s, bytes);
	e->type = be16_make((uint16_t)((be16_get(e->type) & ~DDF_PD_GLOBAL_SPARE) | DDF_PD_SPARE));
	return s;
}

/* ---- physical disks as text ---- */

static bool dfx_is_present(const struct fixture *f, uint32_t refnum)
{
	for (const struct ddf_dl *dl = f->c.disks; dl; dl = dl->next)
		if (dl->refnum == refnum)
			return true;
	return false;
}

static void dfx_put_ref(char **p, uint32_t refnum)
{
	if (refnum >= dfx_ref(0) && refnum < dfx_ref(FX_DISKS))
		text_put(p, "%u", refnum - dfx_ref(0));
	else
		text_put(p, "#%x", refnum);
}

const char *dfx_pd_text(const struct fixture *f)
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

		text_put(&p, "%s", i ? " " : "");
		if (refnum == DDF_REF_NONE) {
			text_put(&p, "-");
			continue;
		}
		dfx_put_ref(&p, refnum);
		text_put(&p, ":%02x/%02x%s", be16_get(e[i].type), be16_get(e[i].state),
		       dfx_is_present(f, refnum) ? "" : "?");
	}
	return text;
}

void dfx_disks(struct fixture *f, const char *text)
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
		dfx_pd_entry(f, i, n, type, state);
		if (*p == '?')
			p++;
		else
			dfx_present(f, n);
	}
	memcpy(f->pd_written, f->pd, sizeof(f->pd));
	assert_string_equal(dfx_pd_text(f), text);
}

/* ---- virtual disks as text ---- */

struct ddf_vdc *dfx_record(const struct fixture *f, unsigned vd, unsigned bvd)
{
	struct ddf_records *r = f->volume[vd].records;

	if (!r || bvd >= r->count || !(r->present[bvd / 8] >> bvd % 8 & 1))
		return NULL;
	return (struct ddf_vdc *)(void *)(r->bytes + bvd * r->record_bytes);
}

static void dfx_put_record(char **p, const struct ddf_vdc *v)
{
	unsigned last = FX_MPPE, count = be16_get(v->primary_count);

	text_put(p, " v%u ", be32_get(v->seq));
	while (last > count && ddf_element_ref(v, last - 1) == DDF_REF_NONE)
		last--;
	for (unsigned i = 0; i < last; i++) {
		uint32_t refnum = ddf_element_ref(v, i);
		uint64_t start = ddf_element_start(v, FX_MPPE, i);

		text_put(p, "%s", i ? "," : "");
		if (refnum == DDF_REF_NONE)
			text_put(p, "-");
		else if (refnum == DDF_REF_MISSING)
			text_put(p, "_");
		else
			dfx_put_ref(p, refnum);
		if (start)
			text_put(p, "@%llu", (unsigned long long)start);
	}
}

const char *dfx_vd_text(const struct fixture *f, unsigned vd)
{
	static char text[4096];
	const struct ddf_vd_entry *e = (const struct ddf_vd_entry *)(f->vd + 64) + vd;
	const struct ddf_records *r = f->volume[vd].records;
	char *p = text;

	if (ddf_guid_unused(e->guid))
		return "none";
	text_put(&p, "%02x/%02x", e->state, e->init_state);
	for (unsigned i = 0; r && i < r->count; i++) {
		if (dfx_record(f, vd, i))
			dfx_put_record(&p, dfx_record(f, vd, i));
		else
			text_put(&p, " ?");
	}
	return text;
}

unsigned long dfx_get_number(const char **p, int base)
{
	char *end;
	unsigned long n = strtoul(*p, &end, base);

	assert_true(end > *p);
	*p = end;
	return n;
}

unsigned dfx_get_elements(const char **p, struct ddf_vdc *v)
{
	unsigned count = 0;

	for (; **p && **p != ' '; *p += **p == ',') {
		uint32_t refnum = DDF_REF_MISSING;
		uint64_t start = 0;

		assert_true(count < FX_MPPE);
		if (isdigit((unsigned char)**p)) {
			refnum = dfx_ref((unsigned)dfx_get_number(p, 10));
		} else {
			refnum = **p == '-' ? DDF_REF_NONE : DDF_REF_MISSING;
			(*p)++;
		}
		if (**p == '@') {
			(*p)++;
			start = dfx_get_number(p, 10);
		}
		ddf_set_element_ref(v, count, refnum);
		ddf_set_element_start(v, FX_MPPE, count++, start);
	}
	return count;
}

static void dfx_vd_entry(struct fixture *f, unsigned i, unsigned state, unsigned init)
{
	struct ddf_vd_entry *e = dfx_vd(f, i);

	assert_true(i < FX_VDS);
	dfx_vd_guid(e->guid, i);
	e->unit = be16_make((uint16_t)(100 + i));
	e->type = be16_make(0);
	e->state = (uint8_t)state;
	e->init_state = (uint8_t)init;
	memset(e->name, 0, sizeof(e->name));
	snprintf(e->name, sizeof(e->name), "vd%u", i);
	dfx_count(f->vd, 1);
}

void dfx_vdc_head(struct ddf_vdc *v, unsigned vd, unsigned prl, unsigned rlq, unsigned bvd, unsigned bvds)
{
	memset(v, 0xff, FX_RECORD_SECTORS * DDF_SECTOR);
	v->magic = be32_make(DDF_VDC_MAGIC);
	dfx_vd_guid(v->guid, vd);
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

void dfx_volume(struct fixture *f, unsigned vd, unsigned prl, unsigned rlq, const char *text)
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
	dfx_vd_entry(f, vd, state, init);
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
		dfx_vdc_head(v, vd, prl, rlq, i, bvds);
		if (*p++ == '?')
			continue;
		r->present[i / 8] |= (uint8_t)(1u << i % 8);
		v->seq = be32_make((uint32_t)dfx_get_number(&p, 10));
		assert_int_equal(*p++, ' ');
		count = dfx_get_elements(&p, v);
		primary = primary ? primary : count;
		v->primary_count = be16_make((uint16_t)primary);
	}
	assert_string_equal(dfx_vd_text(f, vd), text);
}

/* ---- md ---- */

void dfx_md(struct fixture *f, int level, int layout, const char *members)
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
		m->dev = dfx_dev((unsigned)dfx_get_number(&p, 10));
		m->slot = (int)slot;
		m->state = MEMBER_IN_SYNC;
		for (; *p == '!' || *p == 'x' || *p == '?'; p++)
			m->state = *p == '!' ? 0 : *p == 'x' ? MEMBER_FAULTY : MEMBER_FAULTY | MEMBER_GONE;
		if (*p == '@') {
			p++;
			m->data_offset = dfx_get_number(&p, 10);
		}
	}
	f->md = (struct ddf_md_array){
		.level = level, .layout = layout, .raid_disks = (int)slot,
		.component_size = FX_BLOCKS, .resync_start = SECTORS_NONE,
		.members = { f->member, f->members },
	};
}

/* ---- checks ---- */

static size_t dfx_records_bytes(const struct ddf_records *r)
{
	size_t bytes = r ? r->count * r->record_bytes : 0;

	assert_true(bytes <= sizeof(((struct dfx_snapshot *)NULL)->records[0]));
	return bytes;
}

void dfx_save(const struct fixture *f, struct dfx_snapshot *s)
{
	memcpy(s->pd, f->pd, sizeof(s->pd));
	memcpy(s->vd, f->vd, sizeof(s->vd));
	memcpy(s->volume, f->volume, sizeof(s->volume));
	for (unsigned i = 0; i < FX_VDS; i++)
		if (f->volume[i].records)
			memcpy(s->records[i], f->volume[i].records->bytes, dfx_records_bytes(f->volume[i].records));
	memcpy(s->dl, f->dl, sizeof(s->dl));
	s->disks = f->c.disks;
	memcpy(s->rebuild, f->c.rebuild, sizeof(s->rebuild));
}

void dfx_assert_unchanged(const struct fixture *f, const struct dfx_snapshot *s)
{
	assert_memory_equal(s->pd, f->pd, sizeof(s->pd));
	assert_memory_equal(s->vd, f->vd, sizeof(s->vd));
	assert_memory_equal(s->volume, f->volume, sizeof(s->volume));
	for (unsigned i = 0; i < FX_VDS; i++)
		if (f->volume[i].records)
			assert_memory_equal(s->records[i], f->volume[i].records->bytes,
					    dfx_records_bytes(f->volume[i].records));
	assert_memory_equal(s->dl, f->dl, sizeof(s->dl));
	assert_ptr_equal(s->disks, f->c.disks);
	assert_memory_equal(s->rebuild, f->c.rebuild, sizeof(s->rebuild));
}
