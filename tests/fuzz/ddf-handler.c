/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DDF handler from end to end, on the samples of tests/samples/ddf: see handler.h. */
#include "tests/fuzz/handler.h"

#include <zlib.h>

#include "ddf/ddf.h"

#define SIZE_SECTORS 131072u
#define PRIMARY (SIZE_SECTORS - DDF_PRIMARY_FROM_END)
#define SECONDARY (SIZE_SECTORS - DDF_SECONDARY_FROM_END)
#define COPY_SECTORS 618u
#define SECTOR ((uint64_t)DDF_SECTOR)
#define RECORD_SECTORS 7
#define RECORDS 3

/* Some of the configuration records: sectors after the header. */
static const uint16_t record[RECORDS] = { 190, 197, 610 };

static const struct {
	const char *name;
	unsigned disks;
} samples[] = { { "A", 3 }, { "B", 5 }, { "C", 3 }, { "Cdone", 3 }, { "D", 5 }, { "E", 3 } };

#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

/* Unpacked once: the primary copy, the secondary copy, the anchor. */
static struct packed {
	bool known;
	uint8_t primary[COPY_SECTORS * DDF_SECTOR], secondary[COPY_SECTORS * DDF_SECTOR], anchor[DDF_SECTOR];
} packed[SAMPLE_COUNT][5];

/* The handler's own struct begins with it (super-ddf.c). */
static const struct ddf_container *metadata_of(const struct supertype *s)
{
	return s->sb;
}

static void take_from(gzFile f, void *buf, size_t len)
{
	MUST(gzread(f, buf, (unsigned)len) == (int)len);
}

static void unpack(unsigned s, unsigned n)
{
	struct packed *p = &packed[s][n];
	char path[512], head[16];
	gzFile f;

	if (p->known)
		return;
	snprintf(path, sizeof(path), "%s/ddf/%s.disk%u.gz", SAMPLES, samples[s].name, n);
	f = gzopen(path, "rb");
	MUST(f);
	take_from(f, head, sizeof(head));
	take_from(f, p->secondary, sizeof(p->secondary));
	take_from(f, p->primary, sizeof(p->primary));
	take_from(f, p->anchor, sizeof(p->anchor));
	gzclose(f);
	p->known = true;
}

static void put_sample(unsigned s, unsigned n)
{
	const struct packed *p = &packed[s][n];

	unpack(s, n);
	write_disk(n, p->primary, sizeof(p->primary), PRIMARY * SECTOR);
	write_disk(n, p->secondary, sizeof(p->secondary), SECONDARY * SECTOR);
	write_disk(n, p->anchor, sizeof(p->anchor), (SIZE_SECTORS - 1) * SECTOR);
}

/* A blank disk or two beside those of the sample; with bit 6, the last disk of the sample is blank. */
static void set_up(unsigned which)
{
	unsigned s = which % 32 % SAMPLE_COUNT, disks = samples[s].disks;

	for (unsigned n = 0; n < disks + 2 && n < DISKS; n++) {
		make_blank(n, SIZE_SECTORS * SECTOR, which & 0x20 && n == disks + 1 ? 4096 : DDF_SECTOR);
		if (n + !!(which & 0x40) < disks)
			put_sample(s, n);
	}
}

static void name_disk(struct disk *d, unsigned n)
{
	(void)d;
	(void)n;
}

/* ---- bytes that change, and their checksums ---- */

static void seal_at(unsigned n, uint64_t sector, size_t len)
{
	static uint8_t buf[COPY_SECTORS * DDF_SECTOR];

	read_disk(n, buf, len, sector * SECTOR);
	ddf_seal(buf, len);
	write_disk(n, buf, len, sector * SECTOR);
}

/* What there is behind a header, by the sections that mdadm makes. */
static void seal_copy(unsigned n, uint64_t lba, uint8_t what)
{
	struct ddf_header h;
	const struct ddf_section *const section[] = { &h.controller, &h.pd, &h.vd, &h.disk_data };

	if (what & 1)
		seal_at(n, lba, DDF_SECTOR);
	read_disk(n, &h, sizeof(h), lba * SECTOR);
	for (unsigned i = 0; i < 4; i++) {
		uint32_t offset = be32_get(section[i]->offset), length = be32_get(section[i]->length);

		if (what >> 1 >> i & 1 && length && length < 256 && offset < COPY_SECTORS - length)
			seal_at(n, lba + offset, length * SECTOR);
	}
	for (unsigned i = 0; what & 32 && i < RECORDS; i++)
		seal_at(n, lba + record[i], RECORD_SECTORS * SECTOR);
}

static void seal(unsigned n, uint8_t what)
{
	seal_copy(n, PRIMARY, what);
	if (what & 64)
		seal_copy(n, SECONDARY, what);
	if (what & 1)
		seal_at(n, SIZE_SECTORS - 1, DDF_SECTOR);
}

/* The start of one of the sections, or of one of the first records, or the anchor. */
static uint64_t place(unsigned n, struct bytes *b)
{
	static const uint16_t section[] = { 0, 1, 2, 3, 130, 131, 190, 197, 610, 617 };
	uint8_t which = take_byte(b);
	unsigned at = take_byte(b) + (which & 0x40 ? 256u * (take_byte(b) & 3) : 0);

	(void)n;
	if (which % 16 >= sizeof(section) / sizeof(section[0]))
		return (SIZE_SECTORS - 1) * SECTOR + at % DDF_SECTOR;
	return ((which & 0x80 ? SECONDARY : PRIMARY) + section[which % 16]) * SECTOR + at;
}

/* ---- arrays and messages ---- */

static bool shape(const struct supertype *s, struct active_array *a)
{
	const struct ddf_container *c = metadata_of(s);
	const struct ddf_vdc *v = NULL;
	unsigned disks = 0;

	for (unsigned vd = 0, nth = (unsigned)a->member; vd < c->layout.max_vd && !v; vd++)
		if (ddf_any_record(c, vd) && nth-- == 0) {
			a->member = (int)vd;
			v = ddf_any_record(c, vd);
		}
	if (!v || !ddf_md_level(v, &a->level, &a->layout, &disks))
		return false;
	a->raid_disks = (int)disks;
	a->component_size = be64_get(v->block_count);
	return true;
}

/* A virtual disk that is there, or another, is to be deleted or created. */
static size_t vd_message(const struct ddf_container *c, struct bytes *b, uint8_t *text)
{
	struct ddf_vd_entry *e = (struct ddf_vd_entry *)(void *)(text + 64);
	uint8_t which = take_byte(b);

	*(be32 *)(void *)text = be32_make(DDF_VD_MAGIC);
	text[9] = take_byte(b) & 1;
	*e = *ddf_vd(c, which % c->layout.max_vd);
	if (which & 0x80)
		memset(e->guid, which, sizeof(e->guid));
	e->state = take_byte(b) & 3;
	return 128;
}

/* Another, smaller virtual disk, further behind on the same disks. */
static void make_other(const struct ddf_container *c, struct bytes *b, struct ddf_vdc *v, uint8_t guid)
{
	uint64_t shift = take_number(b) << 11;

	memset(v->guid, guid, sizeof(v->guid));
	v->block_count = be64_make(be64_get(v->block_count) >> (take_byte(b) & 7));
	v->vd_size = v->block_count;
	for (unsigned i = 0; i < be16_get(v->primary_count); i++)
		ddf_set_element_start(v, c->layout.mppe, i, ddf_element_start(v, c->layout.mppe, i) + shift);
}

/* The records of a virtual disk, with another guid or other members. */
static size_t config_message(const struct ddf_container *c, struct bytes *b, uint8_t *text)
{
	uint8_t which = take_byte(b);
	const struct ddf_records *r = c->volume[which % 8 % c->layout.max_vd].records;
	size_t len = r ? r->count * r->record_bytes : 0;
	struct ddf_vdc *v = (struct ddf_vdc *)(void *)text;

	if (!r || len > MESSAGE_MAX)
		return take_byte(b);
	memcpy(text, r->bytes, len);
	if (which & 0x80)
		make_other(c, b, v, take_byte(b));
	for (unsigned i = which >> 4 & 3; i; i--) {
		const struct ddf_dl *dl = ddf_dl_by_dev(c, dev_of(take_byte(b) % DISKS));

		ddf_set_element_ref(v, take_byte(b) % 4, dl ? dl->refnum : DDF_REF_MISSING);
		ddf_set_element_start(v, c->layout.mppe, take_byte(b) % 4, take_number(b) << 11);
	}
	if (which & 0x40)
		text[take_byte(b) % 128] = take_byte(b);
	return len;
}

static size_t message(const struct supertype *s, struct bytes *b, uint8_t text[MESSAGE_MAX])
{
	const struct ddf_container *c = metadata_of(s);

	return take_byte(b) & 1 ? vd_message(c, b, text) : config_message(c, b, text);
}

static const struct format ddf = {
	.ss = &super_ddf,
	.set_up = set_up,
	.seal = seal,
	.shape = shape,
	.message = message,
	.place = place,
	.name = name_disk,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return live(&ddf, data, size);
}
