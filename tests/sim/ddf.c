/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated world with DDF: containers and messages as mdadm makes them (ddf.md 1, 8), with the smallest tables that
 * the format allows.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ddf/ddf.h"
#include "tests/sim/world.h"

#define TAIL_SECTORS DDF_RESERVED_SECTORS
#define PRIMARY_FROM_END DDF_PRIMARY_FROM_END
#define SECONDARY_FROM_END DDF_SECONDARY_FROM_END
#define PDS 15u
#define VDS 15u
#define MPPE 16u
#define RECORD_SECTORS 2u
#define RECORDS 9u /* the last one for a spare record */

enum { CONTROLLER_AT = 1, PD_AT = 2, VD_AT = 4, CONFIG_AT = 6, DATA_AT = CONFIG_AT + RECORDS * RECORD_SECTORS, COPY = DATA_AT + 1 };

_Static_assert(COPY < SECONDARY_FROM_END - PRIMARY_FROM_END && COPY < PRIMARY_FROM_END, "both copies have room");

/* ---- what would differ from life to life, or take its time ---- */

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	(void)flags;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)(sim_random() ^ sim_disks()); /* two events of one seed make two disks */
	return (ssize_t)len;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)fds;
	(void)n;
	(void)timeout;
	return 0;
}

/* ---- a copy ---- */

static _Alignas(512) uint8_t copy[COPY * DDF_SECTOR];

static void *section(unsigned at)
{
	return copy + (size_t)at * DDF_SECTOR;
}

/* `word`, and the number behind it, right-aligned. */
static void put_text(uint8_t guid[DDF_GUID_LEN], const char *word, unsigned n)
{
	char text[DDF_GUID_LEN + 1];

	snprintf(text, sizeof(text), "%s%0*u", word, (int)(DDF_GUID_LEN - strlen(word)), n);
	memcpy(guid, text, DDF_GUID_LEN);
}

static void put_extent(struct ddf_section *s, uint32_t offset, uint32_t length)
{
	*s = (struct ddf_section){ be32_make(offset), be32_make(length) };
}

static void put_places(struct ddf_header *h, unsigned disk)
{
	uint64_t sectors = sim_disk_size(disk) / DDF_SECTOR;

	h->primary_lba = be64_make(sectors - PRIMARY_FROM_END);
	h->secondary_lba = be64_make(sectors - SECONDARY_FROM_END);
	h->workspace_lba = be64_make(sectors - DDF_RESERVED_SECTORS);
	h->workspace_len = be32_make(32768);
}

static void put_header(struct ddf_header *h, unsigned disk, enum ddf_header_type type)
{
	memset(h, 0xff, sizeof(*h));
	h->magic = be32_make(DDF_HEADER_MAGIC);
	put_text(h->guid, "CONT", 1);
	memcpy(h->revision, "01.02.00", sizeof(h->revision));
	h->seq = be32_make(type == DDF_ANCHOR ? DDF_ANCHOR_SEQ : 2);
	h->timestamp = be32_make((uint32_t)-DDF_EPOCH); /* the world's clock begins at 0 */
	h->open_flag = type == DDF_ANCHOR ? DDF_ANCHOR_OPEN_FLAG : DDF_CLOSED;
	h->foreign_flag = h->grouping = 0;
	h->type = (uint8_t)type;
	put_places(h, disk);
	h->max_pd_entries = be16_make(PDS);
	h->max_vd_entries = be16_make(VDS);
	h->max_partitions = be16_make(RECORDS - 1);
	h->record_len = be16_make(RECORD_SECTORS);
	h->max_primary_elements = be16_make(MPPE);
	put_extent(&h->controller, CONTROLLER_AT, 1);
	put_extent(&h->pd, PD_AT, 2);
	put_extent(&h->vd, VD_AT, 2);
	put_extent(&h->config, CONFIG_AT, RECORDS * RECORD_SECTORS);
	put_extent(&h->disk_data, DATA_AT, 1);
	put_extent(&h->bbm, UINT32_MAX, 0);
	put_extent(&h->diagnostic, UINT32_MAX, 0);
	put_extent(&h->vendor, UINT32_MAX, 0);
	ddf_seal(h, sizeof(*h));
}

static uint32_t ref_of(unsigned disk)
{
	return 0x1000 + disk;
}

static struct ddf_table_head *put_table(unsigned at, uint32_t magic, unsigned populated, unsigned max)
{
	struct ddf_table_head *head = section(at);

	memset(head, 0xff, 2 * DDF_SECTOR);
	head->magic = be32_make(magic);
	head->populated = be16_make((uint16_t)populated);
	head->max = be16_make((uint16_t)max);
	return head;
}

/* ---- physical disks ---- */

static bool uses(const struct sim_volume *volume, unsigned volumes, unsigned disk)
{
	for (unsigned v = 0; v < volumes; v++)
		for (unsigned s = 0; s < volume[v].members; s++)
			if (volume[v].disk[s] == disk)
				return true;
	return false;
}

static void put_pds(const struct sim_volume *volume, unsigned volumes, unsigned disks)
{
	struct ddf_table_head *head = put_table(PD_AT, DDF_PD_MAGIC, disks, PDS);
	struct ddf_pd_entry *e = (struct ddf_pd_entry *)(void *)(head + 1);

	for (unsigned n = 0; n < disks; n++, e++) {
		unsigned type = uses(volume, volumes, n) ? DDF_PD_ACTIVE : DDF_PD_GLOBAL_SPARE;

		put_text(e->guid, "PHYS", n);
		e->refnum = be32_make(ref_of(n));
		e->type = be16_make((uint16_t)(DDF_PD_FORCED_GUID | type));
		e->state = be16_make(DDF_PD_ONLINE);
		e->configured_size = be64_make(sim_disk_size(n) / DDF_SECTOR - DDF_RESERVED_SECTORS);
		memcpy(e->path, " Information: nil", sizeof(e->path));
	}
	ddf_seal(head, 2 * DDF_SECTOR);
}

static void put_disk_data(unsigned disk)
{
	struct ddf_disk_data *d = section(DATA_AT);

	memset(d, 0xff, sizeof(*d));
	d->magic = be32_make(DDF_DISK_DATA_MAGIC);
	put_text(d->guid, "PHYS", disk);
	d->refnum = be32_make(ref_of(disk));
	d->forced_ref = d->forced_guid = 1;
	ddf_seal(d, sizeof(*d));
}

/* ---- virtual disks ---- */

/* The name tells one from the other. */
static void put_vd_guid(uint8_t *guid, const struct sim_volume *v)
{
	memset(guid, ' ', DDF_GUID_LEN);
	memcpy(guid, "VIRT", 4);
	memcpy(guid + 4, v->name, strlen(v->name));
}

static void put_vd(struct ddf_vd_entry *e, const struct sim_volume *v, unsigned number)
{
	memset(e, 0xff, sizeof(*e));
	put_vd_guid(e->guid, v);
	e->unit = be16_make((uint16_t)(126 - number));
	e->type = be16_make(0);
	e->state = DDF_VD_OPTIMAL;
	e->init_state = v->initialized || v->level == 0 ? DDF_INITIALISED : DDF_NOT_INITIALISED;
	memset(e->name, 0, sizeof(e->name));
	memcpy(e->name, v->name, strlen(v->name));
}

static void put_vds(const struct sim_volume *volume, unsigned volumes)
{
	struct ddf_table_head *head = put_table(VD_AT, DDF_VD_MAGIC, volumes, VDS);
	struct ddf_vd_entry *e = (struct ddf_vd_entry *)(void *)(head + 1);

	for (unsigned v = 0; v < volumes; v++)
		put_vd(e + v, &volume[v], v);
	ddf_seal(head, 2 * DDF_SECTOR);
}

static unsigned bvds(const struct sim_volume *v)
{
	return v->level == 10 ? v->members / 2 : 1;
}

static unsigned data_members(const struct sim_volume *v)
{
	return v->level == 1 ? 1 : v->level == 5 ? v->members - 1 : v->level == 10 ? v->members / 2 : v->members;
}

/* ddf.md 1.8, 1.9. `ref`: reference numbers by slot. */
static void put_record(struct ddf_vdc *r, const struct sim_volume *v, unsigned bvd, const uint32_t *ref)
{
	unsigned disks = v->members / bvds(v);

	memset(r, 0xff, RECORD_SECTORS * DDF_SECTOR);
	r->magic = be32_make(DDF_VDC_MAGIC);
	put_vd_guid(r->guid, v);
	r->timestamp = be32_make(0);
	r->seq = be32_make(1 + disks);
	r->primary_count = be16_make((uint16_t)disks);
	r->strip_exponent = v->level == 1 ? 0xff : 7;
	r->prl = v->level == 0 ? DDF_RAID0 : v->level == 5 ? DDF_RAID5 : DDF_RAID1;
	r->rlq = v->level == 5 ? 3 : 0;
	r->secondary_count = (uint8_t)bvds(v);
	r->secondary_seq = (uint8_t)bvd;
	r->srl = bvds(v) > 1 ? DDF_2SPANNED : 0xff;
	r->block_count = be64_make(v->component_size);
	r->vd_size = be64_make(v->component_size * data_members(v));
	memset(r->cache_policy, 0, sizeof(r->cache_policy));
	r->bg_rate = 0x80;
	for (unsigned i = 0; i < MPPE; i++)
		ddf_set_element_start(r, MPPE, i, i < disks ? v->offset : 0);
	for (unsigned i = 0; i < disks; i++)
		ddf_set_element_ref(r, i, ref[bvd * disks + i]);
	ddf_seal(r, RECORD_SECTORS * DDF_SECTOR);
}

static void put_config(const struct sim_volume *volume, unsigned volumes, unsigned disk)
{
	unsigned at = CONFIG_AT;

	memset(section(CONFIG_AT), 0xff, (size_t)RECORDS * RECORD_SECTORS * DDF_SECTOR);
	for (unsigned v = 0; v < volumes; v++) {
		uint32_t ref[SIM_MEMBERS];

		for (unsigned s = 0; s < volume[v].members; s++)
			ref[s] = ref_of(volume[v].disk[s]);
		for (unsigned s = 0; s < volume[v].members; s++)
			if (volume[v].disk[s] == disk) {
				put_record(section(at), &volume[v], s * bvds(&volume[v]) / volume[v].members, ref);
				at += RECORD_SECTORS;
			}
	}
}

/* ---- a container ---- */

static void write_copies(unsigned disk)
{
	uint64_t size = sim_disk_size(disk);
	struct ddf_header anchor;

	put_header(section(0), disk, DDF_SECONDARY);
	sim_disk_write(disk, copy, sizeof(copy), size - (uint64_t)SECONDARY_FROM_END * DDF_SECTOR);
	put_header(section(0), disk, DDF_PRIMARY);
	sim_disk_write(disk, copy, sizeof(copy), size - (uint64_t)PRIMARY_FROM_END * DDF_SECTOR);
	put_header(&anchor, disk, DDF_ANCHOR);
	sim_disk_write(disk, &anchor, sizeof(anchor), size - DDF_SECTOR);
}

static void create_container(const struct sim_volume *volume, unsigned volumes, unsigned disks)
{
	struct ddf_table_head *controller = section(CONTROLLER_AT);

	memset(controller, 0xff, DDF_SECTOR);
	controller->magic = be32_make(DDF_CONTROLLER_MAGIC);
	ddf_seal(controller, DDF_SECTOR);
	put_pds(volume, volumes, disks);
	put_vds(volume, volumes);
	for (unsigned n = 0; n < disks; n++) {
		put_config(volume, volumes, n);
		put_disk_data(n);
		write_copies(n);
	}
}

/* ---- messages ---- */

static size_t vd_message(uint8_t *buf, unsigned number, const struct ddf_vd_entry *e)
{
	struct ddf_table_head *head = (struct ddf_table_head *)(void *)buf;

	memset(head, 0xff, sizeof(*head));
	head->magic = be32_make(DDF_VD_MAGIC);
	head->populated = be16_make((uint16_t)number);
	memcpy(head + 1, e, sizeof(*e));
	return sizeof(*head) + sizeof(*e);
}

/* As mdadm reads it from the disk: the copy that has a number is the newest by now, or the disk is not in use. */
static uint32_t ref_on(unsigned disk)
{
	struct ddf_header h;
	struct ddf_disk_data d;
	uint64_t at = sim_disk_size(disk) - (uint64_t)PRIMARY_FROM_END * DDF_SECTOR;

	sim_disk_read(disk, &h, sizeof(h), at);
	sim_disk_read(disk, &d, sizeof(d), at + DATA_AT * DDF_SECTOR);
	return be32_get(h.magic) == DDF_HEADER_MAGIC && be32_get(d.magic) == DDF_DISK_DATA_MAGIC ? be32_get(d.refnum) : 0;
}

static bool number_is_free(const struct reader_result *now, unsigned number)
{
	for (unsigned i = 0; i < now->volumes; i++)
		if (now->volume[i].number == number)
			return false;
	return true;
}

/* The entry first: mdadm sends it by itself. */
static size_t announce(uint8_t *buf, const struct reader_result *now, const struct sim_volume *volume)
{
	struct ddf_vd_entry e;
	unsigned number = 0;

	while (!number_is_free(now, number))
		number++;
	put_vd(&e, volume, number);
	return vd_message(buf, number, &e);
}

static size_t create(uint8_t *buf, const struct reader_result *now, const struct sim_volume *volume)
{
	uint32_t ref[SIM_MEMBERS];
	unsigned n;

	(void)now;
	for (unsigned s = 0; s < volume->members; s++) {
		ref[s] = ref_on(volume->disk[s]);
		if (!ref[s])
			return 0;
	}
	for (n = 0; n < bvds(volume); n++)
		put_record((struct ddf_vdc *)(void *)(buf + n * RECORD_SECTORS * DDF_SECTOR), volume, n, ref);
	return (size_t)n * RECORD_SECTORS * DDF_SECTOR;
}

static size_t remove_volume(uint8_t *buf, const struct reader_result *now, unsigned number)
{
	struct sim_volume v = { .level = 1 };
	struct ddf_vd_entry e;

	for (unsigned i = 0; i < now->volumes; i++)
		if (now->volume[i].number == number)
			memcpy(v.name, now->volume[i].name, sizeof(v.name) - 1);
	put_vd(&e, &v, 0);
	e.state = DDF_VD_DELETED;
	return vd_message(buf, 0, &e);
}

/* ---- how often a volume has changed ---- */

static bool is_of(const struct ddf_vdc *r, const char *name)
{
	return be32_get(r->magic) == DDF_VDC_MAGIC && memcmp(r->guid, "VIRT", 4) == 0 &&
	       memcmp(r->guid + 4, name, strlen(name)) == 0 && r->guid[4 + strlen(name)] == ' ';
}

/*
 * Which copy of the disk readers take (ddf.md 2.1), of those that are closed; 0: neither, or there is no anchor yet, which a
 * new disk gets last: without it nobody looks.
 */
static unsigned active_copy(unsigned disk)
{
	struct ddf_header h[2];
	bool closed[2];

	sim_disk_read(disk, &h[0], sizeof(h[0]), sim_disk_size(disk) - DDF_SECTOR);
	if (be32_get(h[0].magic) != DDF_HEADER_MAGIC)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		sim_disk_read(disk, &h[i], sizeof(h[i]),
			      sim_disk_size(disk) - (uint64_t)(i ? SECONDARY_FROM_END : PRIMARY_FROM_END) * DDF_SECTOR);
		closed[i] = be32_get(h[i].magic) == DDF_HEADER_MAGIC && h[i].open_flag == DDF_CLOSED;
	}
	if (closed[0] && (!closed[1] || be32_get(h[0].seq) >= be32_get(h[1].seq)))
		return PRIMARY_FROM_END;
	return closed[1] ? SECONDARY_FROM_END : 0;
}

/* Of each of its mirrors, the newest record. What only the other copy still has nobody reads. */
static void note_newest(unsigned disk, const char *name, uint32_t *newest)
{
	unsigned from_end = active_copy(disk);

	if (!from_end)
		return;
	sim_disk_read(disk, copy, sizeof(copy), sim_disk_size(disk) - (uint64_t)from_end * DDF_SECTOR);
	for (unsigned i = 0; i < RECORDS; i++) {
		const struct ddf_vdc *r = section(CONFIG_AT + i * RECORD_SECTORS);

		if (is_of(r, name) && r->secondary_seq < SIM_MEMBERS && be32_get(r->seq) > newest[r->secondary_seq])
			newest[r->secondary_seq] = be32_get(r->seq);
	}
}

static uint32_t changes(uint32_t set, const char *name)
{
	uint32_t newest[SIM_MEMBERS] = { 0 }, sum = 0;

	for (unsigned n = 0; n < SIM_DISKS; n++)
		if (set & 1u << n)
			note_newest(n, name, newest);
	for (unsigned i = 0; i < SIM_MEMBERS; i++)
		sum += newest[i];
	return sum;
}

/* ---- comparing ---- */

static bool same(const void *a, const void *b, size_t len)
{
	const size_t behind = 8; /* the checksum */

	return memcmp(a, b, 4) == 0 && memcmp((const uint8_t *)a + behind, (const uint8_t *)b + behind, len - behind) == 0;
}

static bool is_on_some_disk(const struct ddf_container *c, const struct ddf_vdc *r)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (ddf_record_names(c, r, dl->refnum) && ddf_pd_usable(ddf_pd_by_ref(c, dl->refnum)))
			return true;
	return false;
}

/* What a record says whose disks have all left or failed is in memory only. */
static bool same_records(const struct ddf_container *c, unsigned vd, const struct ddf_records *loaded)
{
	const struct ddf_records *a = c->volume[vd].records;

	for (unsigned i = 0; a && i < a->count; i++) {
		const struct ddf_vdc *x = ddf_record(a, i), *y = ddf_record(loaded, i);

		if (x && is_on_some_disk(c, x) && (!y || !same(x, y, a->record_bytes)))
			return false;
	}
	return true;
}

/* Its own old record is still on it, and the tables say meanwhile what they said before (ddf.md 7). */
static bool is_held(const struct ddf_container *c, const struct ddf_pd_entry *e)
{
	const struct ddf_dl *dl = ddf_dl_by_ref(c, be32_get(e->refnum));

	return dl && dl->record_due;
}

/* It was, until a disk that had hung took the record after the answers: the tables follow with the next pass. */
static bool was_held(const struct ddf_container *c, const struct ddf_pd_entry *in_memory, const struct ddf_pd_entry *loaded)
{
	const struct ddf_pd_entry *written = (const struct ddf_pd_entry *)(const void *)(c->pd_written + sizeof(struct ddf_table_head));
	unsigned change = be16_get(in_memory->state) ^ be16_get(loaded->state);

	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (be32_get(written[i].refnum) == be32_get(loaded->refnum))
			return change == DDF_PD_REBUILDING && be16_get(written[i].state) == be16_get(loaded->state);
	return false;
}

/* Our own mark of failed disks, which is brought up to date with the next change of a record (ddf.md 8.4). */
static void forget_mark(struct ddf_pd_entry *e)
{
	if (be16_get(e->state) & DDF_PD_FAILED)
		e->state = be16_make((uint16_t)(be16_get(e->state) & ~(unsigned)DDF_PD_TRANSITION));
}

/* A disk that was only absent, and that nobody needs, is taken back by the next daemon (ddf.md 10.5). */
static bool is_taken_back(const struct ddf_pd_entry *in_memory, const struct ddf_pd_entry *loaded)
{
	unsigned state = be16_get(in_memory->state);

	return state & DDF_PD_FAILED && !(state & DDF_PD_ONLINE) && be16_get(loaded->state) == DDF_PD_ONLINE;
}

static bool same_disk(const struct ddf_container *a, struct ddf_pd_entry x, struct ddf_pd_entry y)
{
	if (is_taken_back(&x, &y) || is_held(a, &x) || was_held(a, &x, &y)) {
		x.state = y.state;
		x.type = y.type;
	}
	forget_mark(&x);
	forget_mark(&y);
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static bool any_taken_back(const struct ddf_container *a, const struct ddf_container *b)
{
	for (const struct ddf_dl *dl = b->disks; dl; dl = dl->next) {
		const struct ddf_pd_entry *x = ddf_pd_by_ref(a, dl->refnum), *y = ddf_pd_by_ref(b, dl->refnum);

		if (x && y && is_taken_back(x, y))
			return true;
	}
	return false;
}

/* Who takes a disk back puts the table in order, and drops the entry of one that has failed, has left, and that nobody names. */
static bool is_dropped(const struct ddf_container *a, const struct ddf_container *b, unsigned i)
{
	const struct ddf_pd_entry *e = ddf_pd(a, i);
	uint32_t refnum = be32_get(e->refnum);

	return ddf_pd_used(e) && be16_get(e->state) & DDF_PD_FAILED && !ddf_dl_by_ref(a, refnum) && !ddf_any_names(a, refnum) &&
	       !ddf_pd_by_ref(b, refnum) && any_taken_back(a, b);
}

static bool same_disks(const struct ddf_container *a, const struct ddf_container *b)
{
	unsigned k = 0;

	for (unsigned i = 0; i < a->layout.max_pd; i++)
		if (!is_dropped(a, b, i) && !same_disk(a, *ddf_pd(a, i), *ddf_pd(b, k++)))
			return false;
	while (k < b->layout.max_pd)
		if (ddf_pd_used(ddf_pd(b, k++)))
			return false;
	return true;
}

/* The daemon knows that: it refused whatever was written to it, or its anchor at least, and is asked again later. */
static bool has_nothing(const struct ddf_dl *dl)
{
	return dl->anchor_due || (!dl->copy[DDF_FIRST_COPY].good && !dl->copy[DDF_SECOND_COPY].good);
}

static const char *differ(const struct supertype *in_memory, const struct supertype *loaded)
{
	const struct ddf_container *a = in_memory->sb, *b = loaded->sb; /* its first field */

	for (const struct ddf_dl *dl = b->disks; dl; dl = dl->next)
		if (!ddf_dl_by_dev(a, dl->dev))
			return NULL; /* it was refused, and may know something else */
	if (!same_disks(a, b))
		return "the table of disks";
	if (!same(a->vd, b->vd, (size_t)a->layout.vd.length * DDF_SECTOR))
		return "the table of volumes";
	for (unsigned i = 0; i < a->layout.max_vd; i++)
		if (!same_records(a, i, b->volume[i].records))
			return "the record of a volume";
	for (const struct ddf_dl *dl = a->disks; dl; dl = dl->next)
		if (!ddf_dl_by_dev(b, dl->dev) && !has_nothing(dl))
			return "a disk";
	return NULL;
}

/* ---- for hits ---- */

static void print_copy(unsigned disk, const char *name, unsigned from_end)
{
	const struct ddf_header *h = section(0);
	const struct ddf_table_head *pd = section(PD_AT), *vd = section(VD_AT);
	const struct ddf_pd_entry *p = (const struct ddf_pd_entry *)(const void *)(pd + 1);
	const struct ddf_vd_entry *v = (const struct ddf_vd_entry *)(const void *)(vd + 1);

	sim_disk_read(disk, copy, sizeof(copy), sim_disk_size(disk) - (uint64_t)from_end * DDF_SECTOR);
	printf("  sd%c %s: %x%s:", 'a' + disk, name, be32_get(h->seq), h->open_flag ? " open" : "");
	for (unsigned i = 0; i < PDS; i++)
		if (be32_get(p[i].refnum) != DDF_REF_NONE)
			printf(" %x:%02x/%02x", be32_get(p[i].refnum), be16_get(p[i].type), be16_get(p[i].state));
	for (unsigned i = 0; i < VDS; i++)
		if (!ddf_guid_unused(v[i].guid))
			printf(" [%.16s %02x/%02x]", v[i].name, v[i].state, v[i].init_state);
	for (unsigned i = 0; i < RECORDS; i++) {
		const struct ddf_vdc *r = section(CONFIG_AT + i * RECORD_SECTORS);

		if (be32_get(r->magic) != DDF_VDC_MAGIC)
			continue;
		printf(" {%.12s v%u", (const char *)r->guid + 4, be32_get(r->seq));
		for (unsigned k = 0; k < be16_get(r->primary_count) && k < MPPE; k++)
			printf(" %x", ddf_element_ref(r, k));
		printf("}");
	}
	printf("\n");
}

static void print_disk(unsigned disk)
{
	printf("  sd%c is %x\n", 'a' + disk, ref_on(disk));
	print_copy(disk, "primary", PRIMARY_FROM_END);
	print_copy(disk, "secondary", SECONDARY_FROM_END);
}

static const int levels[] = { 1, 5, 10, 0 };

static const struct sim_adapter adapter = {
	.name = "ddf",
	.ss = &super_ddf,
	.level = levels,
	.levels = sizeof(levels) / sizeof(levels[0]),
	.volumes = 3,
	.tail = TAIL_SECTORS * DDF_SECTOR,
	.raid5_layout = SIM_MD_RAID5_LEFT_SYMMETRIC,
	.own_places = true,
	.changes = changes,
	.read_as_mdadm = ddf_read_as_mdadm,
	.create_container = create_container,
	.announce = announce,
	.create = create,
	.remove = remove_volume,
	.differ = differ,
	.print_disk = print_disk,
};

int main(int argc, char **argv)
{
	return sim_main(&adapter, argc, argv);
}
