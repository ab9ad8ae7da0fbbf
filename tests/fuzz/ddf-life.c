/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A container lives through whatever the bytes say: messages of mdadm, arrays that begin and end, failures, spares,
 * disks that come and go, in any order and with any values. After each step the tables must be in order, and a message
 * that was refused must have changed nothing.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "ddf/ddf.h"

#define DISKS 12
#define PDS 15
#define VDS 7
#define MPPE 16
#define RECORDS 6
#define RECORD_SECTORS 2
#define RECORD (RECORD_SECTORS * DDF_SECTOR)
#define SECTORS 131072u
#define BLOCKS 8192u
#define BVDS_MAX 4
#define TABLE 1024

struct bytes {
	const uint8_t *p;
	size_t left;
};

static struct world {
	struct ddf_container c;
	uint8_t controller[DDF_SECTOR], pd[TABLE], vd[TABLE];
	struct ddf_volume volume[VDS];
	struct ddf_dl dl[DISKS];
	struct disk disk[DISKS];
	uint8_t config[DISKS][RECORDS * RECORD];
	uint8_t disk_data[DISKS][DDF_SECTOR];
	unsigned added;
} world, before;
static uint8_t pd_written[TABLE];
static uint8_t records_before[VDS][BVDS_MAX * RECORD];
static struct ddf_container *const c = &world.c;
static struct report report;

static uint8_t take_byte(struct bytes *b)
{
	if (!b->left)
		return 0;
	b->left--;
	return *b->p++;
}

/* ---- a container ---- */

static void make_table(uint8_t *table, uint32_t magic, unsigned max)
{
	struct ddf_table_head *head = (struct ddf_table_head *)table;

	memset(table, 0xff, TABLE);
	head->magic = be32_make(magic);
	head->populated = be16_make(0);
	head->max = be16_make((uint16_t)max);
}

static void make_header(struct ddf_header *h)
{
	const char *why;

	memset(h, 0xff, sizeof(*h));
	h->magic = be32_make(DDF_HEADER_MAGIC);
	h->primary_lba = be64_make(SECTORS - DDF_PRIMARY_FROM_END);
	h->secondary_lba = h->workspace_lba = be64_make(SECTORS - DDF_SECONDARY_FROM_END);
	h->max_pd_entries = be16_make(PDS);
	h->max_vd_entries = be16_make(VDS);
	h->max_partitions = be16_make(RECORDS - 1);
	h->record_len = be16_make(RECORD_SECTORS);
	h->max_primary_elements = be16_make(MPPE);
	h->controller = (struct ddf_section){ be32_make(1), be32_make(1) };
	h->pd = (struct ddf_section){ be32_make(2), be32_make(2) };
	h->vd = (struct ddf_section){ be32_make(4), be32_make(2) };
	h->config = (struct ddf_section){ be32_make(6), be32_make(RECORDS * RECORD_SECTORS) };
	h->disk_data = (struct ddf_section){ be32_make(30), be32_make(1) };
	MUST(ddf_check_layout(h, SECTORS, &c->layout, &why) == 0);
}

static bool is_listed(unsigned n)
{
	return ddf_dl_by_dev(c, world.disk[n].dev);
}

/* Each time it comes it is a new one. */
static void plug_in(unsigned n, uint8_t refnum)
{
	struct ddf_dl *dl = &world.dl[n];
	const char *why = NULL;
	int err;

	memset(dl, 0, sizeof(*dl));
	world.disk[n] = (struct disk){ .dev = (dev_t)(0x800 + n), .sector_size = 512, .size = (uint64_t)SECTORS * 512 };
	dl->disk = &world.disk[n];
	dl->dev = world.disk[n].dev;
	dl->config = world.config[n];
	dl->disk_data = world.disk_data[n];
	dl->refnum = refnum;
	snprintf((char *)dl->guid, sizeof(dl->guid), "DISK%u", ++world.added);
	err = ddf_add_disk(c, dl, &why);
	MUST(err == 0 || (err == -ENOSPC && why));
}

static void set_up(struct bytes *b)
{
	unsigned disks = 3 + take_byte(b) % 6;

	memset(&world, 0, sizeof(world));
	make_header(&c->header);
	make_table(world.pd, DDF_PD_MAGIC, PDS);
	make_table(world.vd, DDF_VD_MAGIC, VDS);
	c->controller = world.controller;
	c->pd = world.pd;
	c->pd_written = pd_written;
	c->vd = world.vd;
	c->volume = world.volume;
	for (unsigned n = 0; n < DISKS; n++)
		world.disk[n].dev = (dev_t)(0x800 + n);
	for (unsigned n = 0; n < disks; n++)
		plug_in(n, (uint8_t)(n + 1));
	memcpy(pd_written, world.pd, TABLE);
}

static void tear_down(void)
{
	for (unsigned i = 0; i < VDS; i++)
		free(world.volume[i].records);
}

/* ---- nothing has changed ---- */

static size_t record_bytes(unsigned vd)
{
	const struct ddf_records *r = world.volume[vd].records;
	size_t bytes = r ? r->count * r->record_bytes : 0;

	MUST(bytes <= sizeof(records_before[vd]));
	return bytes;
}

static void save(void)
{
	before = world;
	for (unsigned i = 0; i < VDS; i++)
		if (world.volume[i].records)
			memcpy(records_before[i], world.volume[i].records->bytes, record_bytes(i));
}

/* A creation whose second half was refused takes its first half with it. Nothing else may go. */
static void expect_withdrawal(void)
{
	struct ddf_table_head *head = (struct ddf_table_head *)before.vd;

	for (unsigned i = 0; i < VDS; i++) {
		if (!before.volume[i].announced || world.volume[i].announced)
			continue;
		before.volume[i].announced = false;
		memset(before.vd + sizeof(*head) + i * sizeof(struct ddf_vd_entry), 0xff, sizeof(struct ddf_vd_entry));
		head->populated = be16_make((uint16_t)(be16_get(head->populated) - 1));
	}
}

static void must_be_unchanged(void)
{
	expect_withdrawal();
	MUST(memcmp(&before, &world, sizeof(world)) == 0);
	for (unsigned i = 0; i < VDS; i++)
		if (world.volume[i].records)
			MUST(memcmp(records_before[i], world.volume[i].records->bytes, record_bytes(i)) == 0);
}

/* ---- messages ---- */

struct message {
	uint8_t bytes[BVDS_MAX * RECORD];
	size_t len;
};

static void make_guid(uint8_t *guid, unsigned n)
{
	memset(guid, (int)('A' + n), DDF_GUID_LEN);
}

static void make_vd_message(struct bytes *b, struct message *m)
{
	struct ddf_vd_entry *e = (struct ddf_vd_entry *)(m->bytes + 64);

	m->len = 128;
	*(be32 *)m->bytes = be32_make(DDF_VD_MAGIC);
	m->bytes[9] = take_byte(b) % 9;
	make_guid(e->guid, take_byte(b) % 10);
	e->state = take_byte(b) & 3;
}

static void name_disk(struct bytes *b, struct ddf_vdc *v, unsigned i, unsigned n)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(c, world.disk[n].dev);
	uint64_t at = 0;

	if (!dl)
		return;
	if (ddf_find_room(c, dl->refnum, be64_get(v->block_count), &at))
		at = (uint64_t)take_byte(b) << 10;
	ddf_set_element_ref(v, i, dl->refnum);
	ddf_set_element_start(v, MPPE, i, at);
}

/* Some disk, mostly where there is room on it. */
static void make_element(struct bytes *b, struct ddf_vdc *v, unsigned i)
{
	uint8_t how = take_byte(b);

	if (how < 0xf0) {
		name_disk(b, v, i, how % DISKS);
	} else if (how < 0xf8) {
		ddf_set_element_ref(v, i, take_byte(b));
		ddf_set_element_start(v, MPPE, i, (uint64_t)take_byte(b) << 9);
	} else {
		ddf_set_element_ref(v, i, how & 1 ? DDF_REF_MISSING : DDF_REF_NONE);
	}
}

static const struct shape {
	uint8_t prl, rlq, primary, bvds, srl;
} shapes[] = {
	{ DDF_RAID1, 0, 2, 1, 0xff }, { DDF_RAID1, 1, 3, 1, 0xff }, { DDF_RAID5, 3, 3, 1, 0xff },
	{ DDF_RAID6, 3, 4, 1, 0xff }, { DDF_RAID0, 0, 2, 1, 0xff }, { DDF_RAID1E, 0, 3, 1, 0xff },
	{ DDF_RAID1, 0, 2, 2, 3 }, { DDF_RAID1, 1, 3, 2, 3 }, { DDF_RAID1, 0, 2, 4, 3 },
	{ DDF_RAID1, 0, 2, 2, DDF_2MIRRORED }, { DDF_RAID5EE, 0, 4, 1, 0xff },
};

/* The records of a new virtual disk, without members. */
static void make_records(const struct shape *s, unsigned n, struct message *m)
{
	m->len = (size_t)s->bvds * RECORD;
	memset(m->bytes, 0xff, m->len);
	for (unsigned seq = 0; seq < s->bvds; seq++) {
		struct ddf_vdc *v = (struct ddf_vdc *)(m->bytes + (size_t)seq * RECORD);

		v->magic = be32_make(DDF_VDC_MAGIC);
		make_guid(v->guid, n);
		v->primary_count = be16_make(s->primary);
		v->prl = s->prl;
		v->rlq = s->rlq;
		v->secondary_count = s->bvds;
		v->secondary_seq = (uint8_t)(s->bvds - 1 - seq);
		v->srl = s->srl;
		v->block_count = be64_make(BLOCKS);
		v->vd_size = be64_make((uint64_t)BLOCKS * 2);
	}
}

static void make_config(struct bytes *b, struct message *m)
{
	make_records(&shapes[take_byte(b) % (sizeof(shapes) / sizeof(shapes[0]))], take_byte(b) % 10, m);
	for (size_t at = 0; at < m->len; at += RECORD) {
		struct ddf_vdc *v = (struct ddf_vdc *)(m->bytes + at);

		for (unsigned i = 0; i < be16_get(v->primary_count); i++)
			make_element(b, v, i);
	}
}

/* What is known of a virtual disk, with other members. */
static void make_assignment(struct bytes *b, struct message *m)
{
	const struct ddf_records *r = world.volume[take_byte(b) % VDS].records;
	unsigned changes = take_byte(b) % 3;

	if (!r) {
		make_config(b, m);
		return;
	}
	m->len = r->count * r->record_bytes;
	memcpy(m->bytes, r->bytes, m->len);
	while (changes--) {
		struct ddf_vdc *v = (struct ddf_vdc *)(m->bytes + take_byte(b) % r->count * RECORD);

		make_element(b, v, take_byte(b) % be16_get(v->primary_count));
	}
}

/* A byte of the head of a record, or of its members. */
static void spoil(struct bytes *b, struct message *m)
{
	uint8_t where = take_byte(b), at = take_byte(b);
	size_t offset = at < 0xe0 ? at % 96u : 512u + at % 32u;

	m->bytes[where % BVDS_MAX * RECORD + offset] = where & 0x80 ? 0xff : take_byte(b);
}

static void make_message(struct bytes *b, struct message *m)
{
	uint8_t how = take_byte(b);

	memset(m, 0, sizeof(*m));
	switch (how & 3) {
	case 0:
		make_vd_message(b, m);
		break;
	case 1:
	case 2:
		make_config(b, m);
		break;
	case 3:
		make_assignment(b, m);
		break;
	}
	if (how >> 4 == 11)
		m->len = (size_t)take_byte(b) << 4;
	for (how >>= 4; how > 11; how--)
		spoil(b, m);
}

static void send_it(const struct message *m)
{
	const char *why = NULL;
	void *space = NULL;
	uint8_t *exact = malloc(m->len ? m->len : 1);
	int err;

	MUST(exact);
	memcpy(exact, m->bytes, m->len);
	save();
	err = ddf_prepare_message(&c->layout, exact, m->len, &space, &why);
	if (err)
		MUST(!space);
	else
		err = ddf_apply_message(c, exact, m->len, &space, &why);
	if (err) {
		MUST(why);
		must_be_unchanged();
	}
	free(space);
	free(exact);
}

static void send_message(struct bytes *b)
{
	static struct message m;

	make_message(b, &m);
	send_it(&m);
}

/* As mdadm does it, on disks one after the other. */
static void create(struct bytes *b, unsigned n)
{
	static struct message m;
	unsigned disk = take_byte(b);

	memset(&m, 0, sizeof(m));
	m.len = 128;
	*(be32 *)m.bytes = be32_make(DDF_VD_MAGIC);
	make_guid(m.bytes + 64, n);
	send_it(&m);
	make_records(&shapes[take_byte(b) % (sizeof(shapes) / sizeof(shapes[0]))], n, &m);
	for (size_t at = 0; at < m.len; at += RECORD) {
		struct ddf_vdc *v = (struct ddf_vdc *)(m.bytes + at);

		for (unsigned i = 0; i < be16_get(v->primary_count); i++)
			name_disk(b, v, i, disk++ % DISKS);
	}
	send_it(&m);
}

/* ---- arrays ---- */

struct array {
	struct ddf_md_array md;
	struct md_member member[DISKS + BVDS_MAX];
	unsigned members;
};

/* False: it has no array. */
static bool make_md(struct bytes *b, unsigned vd, struct array *a)
{
	const struct ddf_vdc *v = ddf_any_record(c, vd);
	unsigned raid_disks = 0;
	int level = 0, layout = 0;

	memset(a, 0, sizeof(*a));
	if (!v || !ddf_md_level(v, &level, &layout, &raid_disks) || level < 1)
		return false;
	a->md = (struct ddf_md_array){
		.level = level, .layout = layout, .raid_disks = (int)raid_disks, .component_size = BLOCKS,
		.resync_start = take_byte(b) & 1 ? SECTORS_NONE : (uint64_t)take_byte(b) << 4,
	};
	return true;
}

/* Where md has its data: where the metadata say, or where there is room. */
static bool find_offset(unsigned vd, const struct ddf_dl *dl, uint64_t *at)
{
	const struct ddf_rebuild *r = ddf_rebuild_of(c, vd, dl->refnum);
	struct ddf_place p;

	if (ddf_place_of(c, vd, dl->refnum, &p))
		*at = ddf_element_start(p.record, MPPE, p.index);
	else if (r)
		*at = r->start;
	else
		return ddf_has_record_slot(c, dl) && !ddf_find_room(c, dl->refnum, BLOCKS, at);
	return true;
}

static void add_member(struct bytes *b, unsigned vd, unsigned slot, uint8_t how, struct array *a)
{
	static const unsigned states[] = { MEMBER_IN_SYNC, MEMBER_IN_SYNC, 0, MEMBER_FAULTY,
					   MEMBER_FAULTY | MEMBER_GONE, MEMBER_IN_SYNC, 0, MEMBER_IN_SYNC };
	struct md_member *m = &a->member[a->members];
	struct ddf_place p;
	struct ddf_dl *dl = NULL;

	if (how < 0xe0 && ddf_place_of_slot(c, vd, slot, &p))
		dl = ddf_dl_by_ref(c, ddf_element_ref(p.record, p.index));
	else if (how < 0xf0)
		dl = ddf_dl_by_dev(c, (dev_t)(0x800 + take_byte(b) % DISKS));
	m->dev = dl ? dl->dev : (dev_t)(0x900 + how);
	m->slot = (int)slot;
	m->state = states[how % 8];
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].dev == m->dev)
			return;
	if (!dl || find_offset(vd, dl, &m->data_offset))
		a->members++;
}

/* Either each for itself, or all is well but for one. */
static void add_members(struct bytes *b, unsigned vd, struct array *a)
{
	uint8_t mode = take_byte(b), special = take_byte(b);

	for (unsigned slot = 0; slot < (unsigned)a->md.raid_disks; slot++) {
		uint8_t how = mode & 0x80 ? take_byte(b) : slot == mode % (unsigned)a->md.raid_disks ? special : 0;

		if (!(how & 0x10))
			add_member(b, vd, slot, how, a);
	}
	a->md.members = (struct md_members){ a->member, a->members };
}

/* What works is there, but for one. */
static void add_working(struct bytes *b, unsigned vd, struct array *a)
{
	unsigned without = take_byte(b) % 16;

	for (unsigned slot = 0; slot < (unsigned)a->md.raid_disks; slot++) {
		struct ddf_place p;

		if (slot != without && ddf_place_of_slot(c, vd, slot, &p) &&
		    ddf_pd_working(ddf_pd_by_ref(c, ddf_element_ref(p.record, p.index))))
			add_member(b, vd, slot, 0, a);
	}
	a->md.members = (struct md_members){ a->member, a->members };
}

static void begin_or_end(struct bytes *b, unsigned vd)
{
	struct array a;
	bool broken[sizeof(a.member) / sizeof(a.member[0])];
	int err;

	if (world.volume[vd].live && (take_byte(b) & 1)) {
		ddf_close_array(c, vd);
		return;
	}
	if (!make_md(b, vd, &a))
		return;
	add_members(b, vd, &a);
	save();
	err = ddf_open_array(c, vd, a.member, a.members, broken);
	if (err)
		must_be_unchanged();
	MUST(!err == !before.volume[vd].live);
}

static void happen(struct bytes *b, unsigned vd)
{
	struct array a;

	if (!world.volume[vd].live || !make_md(b, vd, &a))
		return;
	add_members(b, vd, &a);
	if (take_byte(b) & 1)
		ddf_set_array_state(c, vd, &a.md, take_byte(b) % 3);
	for (unsigned i = 0; i < a.members; i++) {
		const struct ddf_dl *dl = ddf_dl_by_dev(c, a.member[i].dev);

		if (!dl || find_offset(vd, dl, &a.member[i].data_offset))
			ddf_set_disk(c, vd, (unsigned)a.member[i].slot, &a.member[i]);
	}
}

static void rebuild(struct bytes *b, unsigned vd)
{
	static struct spare_request req;
	const char *why = NULL;
	struct array a;

	if (!make_md(b, vd, &a))
		return;
	if (take_byte(b) & 3)
		add_working(b, vd, &a);
	else
		add_members(b, vd, &a);
	memset(&req, 0, sizeof(req));
	save();
	ddf_find_spares(c, vd, &a.md, &req);
	must_be_unchanged();
	if (!(take_byte(b) & 3)) { /* time has passed: another pick */
		req.pick[0].dev = (dev_t)(0x800 + take_byte(b) % DISKS);
		req.pick[0].slot = take_byte(b) % 9 - 1;
		req.pick[0].data_offset = (uint64_t)take_byte(b) << 9;
		req.pick[0].component_size = BLOCKS;
		req.count = 1;
	}
	if (req.count && ddf_commit_spares(c, vd, &req, &why)) {
		MUST(why);
		must_be_unchanged();
	}
}

static void plug(struct bytes *b, unsigned n)
{
	if (is_listed(n))
		MUST(ddf_remove_disk(c, world.disk[n].dev) == &world.dl[n]);
	else
		plug_in(n, take_byte(b));
}

/* ---- what must always hold ---- */

static bool all_ones(const void *p)
{
	const uint8_t *b = p;

	for (unsigned i = 0; i < 64; i++)
		if (b[i] != 0xff)
			return false;
	return true;
}

static void check_pds(void)
{
	unsigned used = 0;

	for (unsigned i = 0; i < PDS; i++) {
		const struct ddf_pd_entry *e = ddf_pd(c, i);

		MUST(ddf_pd_used(e) || all_ones(e));
		if (!ddf_pd_used(e))
			continue;
		used++;
		MUST(ddf_pd_by_ref(c, be32_get(e->refnum)) == e);
	}
	MUST(be16_get(((struct ddf_table_head *)world.pd)->populated) == used);
}

static bool is_named(uint32_t refnum)
{
	for (unsigned vd = 0; vd < VDS; vd++)
		if (ddf_vd_names(c, vd, refnum))
			return true;
	return false;
}

static void check_disks(void)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		const struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);
		unsigned type = DDF_PD_ACTIVE | DDF_PD_GLOBAL_SPARE;

		MUST(e && memcmp(e->guid, dl->guid, DDF_GUID_LEN) == 0);
		MUST(ddf_dl_by_ref(c, dl->refnum) == dl && ddf_dl_by_dev(c, dl->dev) == dl);
		MUST((be16_get(e->type) & type) == (is_named(dl->refnum) ? DDF_PD_ACTIVE : DDF_PD_GLOBAL_SPARE));
		MUST(!(be16_get(e->state) & DDF_PD_MISSING));
	}
}

static void check_record(const struct ddf_vdc *v, unsigned vd, unsigned seq)
{
	const char *why;

	MUST(ddf_check_vdc(v, &c->layout, &why));
	MUST(ddf_guid_equal(v->guid, ddf_vd(c, vd)->guid));
	MUST(v->secondary_seq == seq && v->secondary_count == world.volume[vd].records->count);
	MUST(be16_get(v->primary_count) == be16_get(ddf_any_record(c, vd)->primary_count));
}

static void check_vds(void)
{
	unsigned used = 0;

	for (unsigned vd = 0; vd < VDS; vd++) {
		const struct ddf_vd_entry *e = ddf_vd(c, vd);
		const struct ddf_records *r = world.volume[vd].records;

		if (ddf_guid_unused(e->guid))
			MUST(all_ones(e) && !r && !world.volume[vd].live);
		else
			used++;
		if (!r)
			continue;
		MUST(ddf_vd_by_guid(c, e->guid) == (int)vd);
		MUST((e->state & DDF_VD_STATE_MASK) == ddf_vd_state(c, vd));
		for (unsigned seq = 0; seq < r->count; seq++)
			check_record(ddf_record(r, seq), vd, seq);
	}
	MUST(be16_get(((struct ddf_table_head *)world.vd)->populated) == used);
}

struct extent {
	uint32_t refnum;
	unsigned vd;
	uint64_t start, end;
};

static unsigned collect_extents(struct extent *x)
{
	unsigned n = 0;

	for (unsigned vd = 0; vd < VDS; vd++)
		for (unsigned seq = 0; world.volume[vd].records && seq < world.volume[vd].records->count; seq++) {
			const struct ddf_vdc *v = ddf_record(world.volume[vd].records, seq);

			for (unsigned i = 0; i < MPPE; i++) {
				uint64_t start = ddf_element_start(v, MPPE, i);
				uint32_t refnum = ddf_element_ref(v, i);

				if (refnum && refnum != DDF_REF_NONE)
					x[n++] = (struct extent){ refnum, vd, start, start + be64_get(v->block_count) };
			}
		}
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++) {
		const struct ddf_rebuild *r = &c->rebuild[i];

		if (!r->used)
			continue;
		MUST(world.volume[r->vd].live && ddf_dl_by_ref(c, r->refnum));
		x[n++] = (struct extent){ r->refnum, r->vd, r->start, r->start + r->length };
	}
	return n;
}

static void check_extents(void)
{
	static struct extent x[VDS * BVDS_MAX * MPPE + DDF_MAX_REBUILDS];
	unsigned n = collect_extents(x);

	for (unsigned i = 0; i < n; i++) {
		const struct ddf_pd_entry *e = ddf_pd_by_ref(c, x[i].refnum);

		MUST(!e || x[i].end <= be64_get(e->configured_size));
		for (unsigned k = 0; k < i; k++)
			MUST(x[i].refnum != x[k].refnum ||
			     (x[i].vd != x[k].vd && (x[i].end <= x[k].start || x[k].end <= x[i].start)));
	}
}

static void check_record_slots(void)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		unsigned used = 0;

		for (unsigned vd = 0; vd < VDS; vd++)
			used += ddf_vd_names(c, vd, dl->refnum) || ddf_rebuild_of(c, vd, dl->refnum);
		MUST(used < RECORDS);
	}
}

static void tidy(void)
{
	ddf_tidy_disks(c);
	save();
	ddf_tidy_disks(c);
	must_be_unchanged();
	memcpy(pd_written, world.pd, TABLE); /* as if it had been written */
}

static void check_all(void)
{
	check_pds();
	check_disks();
	check_vds();
	check_extents();
	check_record_slots();
	memset(&report, 0xee, sizeof(report));
	ddf_report(c, &report);
	MUST(report.disk_count <= REPORT_DISKS && report.volume_count <= REPORT_VOLUMES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	set_up(&b);
	check_all();
	for (unsigned n = take_byte(&b) % 4; n-- > 0;) {
		create(&b, n);
		begin_or_end(&b, n);
	}
	check_all();
	while (b.left) {
		unsigned vd = take_byte(&b) % VDS;

		switch (take_byte(&b) % 8) {
		case 0:
		case 1:
		case 2:
			send_message(&b);
			break;
		case 3:
			begin_or_end(&b, vd);
			break;
		case 4:
		case 5:
			happen(&b, vd);
			break;
		case 6:
			rebuild(&b, vd);
			break;
		case 7:
			if (vd == 0)
				tidy();
			else if (vd == 1)
				create(&b, take_byte(&b) % VDS);
			else
				plug(&b, take_byte(&b) % DISKS);
			break;
		}
		check_all();
	}
	tear_down();
	return 0;
}
