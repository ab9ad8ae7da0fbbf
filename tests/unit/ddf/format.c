/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

static void poke(void *p, size_t offset, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width; i++)
		((uint8_t *)p)[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

/* ---- checksums ---- */

static void test_crc_vectors(void **state)
{
	uint8_t ones[512], text[17] = { 0 }, zeros[17] = { 0 };

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	assert_int_equal(ddf_crc(ones, sizeof(ones)), 0x0fd1b6e7);
	/* A CRC that begins at 0 and is not inverted is linear: of two texts, what differs can be had alone. */
	memcpy(text + 8, "123456789", 9);
	assert_int_equal(ddf_crc(text, sizeof(text)) ^ ddf_crc(zeros, sizeof(zeros)), 0x2dfd2d88);
}

static void test_own_field_does_not_count(void **state)
{
	uint8_t a[512], b[512];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = b[i] = (uint8_t)(i * 7);
	memset(b + 4, 0x5a, 4);
	assert_int_equal(ddf_crc(a, sizeof(a)), ddf_crc(b, sizeof(b)));
	for (size_t i = 0; i < sizeof(a); i++) {
		if (i >= 4 && i < 8)
			continue;
		b[i] ^= 1;
		assert_int_not_equal(ddf_crc(a, sizeof(a)), ddf_crc(b, sizeof(b)));
		b[i] ^= 1;
	}
}

static void test_seal(void **state)
{
	uint8_t a[512];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 3);
	assert_false(ddf_crc_ok(a, sizeof(a)));
	ddf_seal(a, sizeof(a));
	assert_true(ddf_crc_ok(a, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		a[i] ^= 0x80;
		assert_false(ddf_crc_ok(a, sizeof(a)));
		a[i] ^= 0x80;
	}
}

/* ---- samples ---- */

static void for_each_disk(void (*check)(const struct disk *d))
{
	for (size_t s = 0; s < DDF_SAMPLE_COUNT; s++)
		for (unsigned n = 0; n < ddf_samples[s].disks; n++) {
			struct disk *d = ddf_sample_disk(ddf_samples[s].name, n);

			check(d);
			disk_close(d);
		}
}

/* Sealing what has been sealed by others changes no byte. */
static void assert_sealed(uint8_t *structure, size_t len)
{
	uint8_t before[8];

	memcpy(before, structure, sizeof(before));
	assert_true(ddf_crc_ok(structure, len));
	ddf_seal(structure, len);
	assert_memory_equal(structure, before, sizeof(before));
}

static void check_copy(const struct disk *d, uint64_t lba, enum ddf_header_type type)
{
	static uint8_t bytes[SAMPLE_COPY_SECTORS * DDF_SECTOR];
	struct ddf_header *h = (struct ddf_header *)(void *)bytes;
	const char *why = NULL;
	struct ddf_layout l;

	ddf_read_sectors(d, lba, bytes, SAMPLE_COPY_SECTORS);
	assert_int_equal(ddf_check_header(h, type, &why), 0);
	assert_null(why);
	assert_int_equal(ddf_check_layout(h, SAMPLE_SECTORS, &l, &why), 0);
	assert_null(why);
	assert_sealed(bytes, sizeof(*h));
	assert_sealed(bytes + l.controller.offset * DDF_SECTOR, DDF_SECTOR);
	assert_sealed(bytes + l.pd.offset * DDF_SECTOR, l.pd.length * DDF_SECTOR);
	assert_sealed(bytes + l.vd.offset * DDF_SECTOR, l.vd.length * DDF_SECTOR);
	assert_sealed(bytes + l.disk_data.offset * DDF_SECTOR, DDF_SECTOR);
	for (unsigned i = 0; i < l.records; i++) {
		uint8_t *r = bytes + l.config.offset * DDF_SECTOR + i * ddf_record_bytes(&l);
		struct ddf_vdc *v = (struct ddf_vdc *)(void *)r;

		if (be32_get(v->magic) == DDF_NO_RECORD)
			continue;
		assert_sealed(r, ddf_record_bytes(&l));
		if (be32_get(v->magic) == DDF_VDC_MAGIC)
			assert_true(ddf_check_vdc(v, &l, &why));
		else
			assert_int_equal(be32_get(v->magic), DDF_SPARE_MAGIC);
	}
}

static void check_sample(const struct disk *d)
{
	struct ddf_header anchor;

	ddf_read_sectors(d, SAMPLE_ANCHOR, &anchor, 1);
	assert_int_equal(ddf_check_header(&anchor, DDF_ANCHOR, NULL), 0);
	assert_sealed((uint8_t *)&anchor, sizeof(anchor));
	check_copy(d, be64_get(anchor.primary_lba), DDF_PRIMARY);
	check_copy(d, be64_get(anchor.secondary_lba), DDF_SECONDARY);
}

static void test_samples(void **state)
{
	(void)state;
	for_each_disk(check_sample);
}

static void sample_header(struct ddf_header *h)
{
	struct disk *d = ddf_sample_disk("A", 0);

	ddf_read_sectors(d, SAMPLE_PRIMARY, h, 1);
	disk_close(d);
}

static void test_layout_of_the_worked_example(void **state)
{
	struct ddf_header h;
	struct ddf_layout l;

	(void)state;
	sample_header(&h);
	assert_int_equal(be32_get(h.seq), 8);
	assert_int_equal(be32_get(h.crc), 0xc5a749b2);
	assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &l, NULL), 0);
	assert_int_equal(l.primary_lba, 98304);
	assert_int_equal(l.secondary_lba, 65536);
	assert_int_equal(l.workspace_lba, 65536);
	assert_int_equal(l.max_pd, 1023);
	assert_int_equal(l.max_vd, 255);
	assert_int_equal(l.records, 65);
	assert_int_equal(l.record_sectors, 7);
	assert_int_equal(ddf_record_bytes(&l), 3584);
	assert_int_equal(l.mppe, 256);
	assert_int_equal(l.controller.offset, 1);
	assert_int_equal(l.pd.offset, 2);
	assert_int_equal(l.pd.length, 128);
	assert_int_equal(l.vd.offset, 130);
	assert_int_equal(l.vd.length, 32);
	assert_int_equal(l.config.offset, 162);
	assert_int_equal(l.config.length, 455);
	assert_int_equal(l.disk_data.offset, 617);
	assert_int_equal(l.disk_data.length, 1);
}

/* ---- a header by itself ---- */

static const struct {
	size_t offset, width;
	uint64_t value;
	bool sealed;
	int err;
	const char *why;
} header_faults[] = {
	{ FIELD(ddf_header, magic), 0, true, -EINVAL, "no DDF signature" },
	{ FIELD(ddf_header, magic), 0x11de11de, true, -EINVAL, "no DDF signature" },
	{ FIELD(ddf_header, crc), 0, false, -EBADMSG, "the header has a wrong checksum" },
	{ FIELD(ddf_header, seq), 9, false, -EBADMSG, "the header has a wrong checksum" },
	{ offsetof(struct ddf_header, reserved4) + 255, 1, 0, false, -EBADMSG, "the header has a wrong checksum" },
	{ offsetof(struct ddf_header, revision) + 1, 1, '2', true, -EBADMSG, "the revision of the format is not known" },
	{ offsetof(struct ddf_header, revision) + 7, 1, '1', true, -EBADMSG, "the revision of the format is not known" },
	{ FIELD(ddf_header, type), DDF_ANCHOR, true, -EBADMSG, "the header is of another type" },
	{ FIELD(ddf_header, type), DDF_SECONDARY, true, -EBADMSG, "the header is of another type" },
};

static void test_header_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(header_faults); i++) {
		const char *why = "";
		struct ddf_header h;

		sample_header(&h);
		poke(&h, header_faults[i].offset, header_faults[i].width, header_faults[i].value);
		if (header_faults[i].sealed)
			ddf_seal(&h, sizeof(h));
		assert_int_equal(ddf_check_header(&h, DDF_PRIMARY, &why), header_faults[i].err);
		assert_string_equal(why, header_faults[i].why);
		assert_int_equal(ddf_check_header(&h, DDF_PRIMARY, NULL), header_faults[i].err);
	}
}

static void test_older_revision(void **state)
{
	struct ddf_header h;

	(void)state;
	sample_header(&h);
	memcpy(h.revision, "01.00.00", sizeof(h.revision));
	ddf_seal(&h, sizeof(h));
	assert_int_equal(ddf_check_header(&h, DDF_PRIMARY, NULL), 0);
}

static void test_anchor_may_be_of_any_type(void **state)
{
	struct ddf_header h;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		sample_header(&h);
		h.type = (uint8_t)type;
		ddf_seal(&h, sizeof(h));
		assert_int_equal(ddf_check_header(&h, DDF_ANCHOR, NULL), 0);
		assert_int_equal(ddf_check_header(&h, DDF_SECONDARY, NULL), type == DDF_SECONDARY ? 0 : -EBADMSG);
	}
}

/* Which bytes of two headers of a disk must be equal. */
static void test_header_matches(void **state)
{
	struct ddf_header anchor, h;

	(void)state;
	sample_header(&anchor);
	for (size_t i = 0; i < sizeof(h); i++) {
		bool counts = (i >= 8 && i < 40) || (i >= 96 && i < 112) || (i >= 113 && i < 116);

		h = anchor;
		((uint8_t *)&h)[i] ^= 1;
		assert_int_equal(ddf_header_matches(&anchor, &h), !counts);
	}
}

/* ---- what a header says ---- */

#define OFFSET_OF(section) offsetof(struct ddf_header, section), 4
#define LENGTH_OF(section) offsetof(struct ddf_header, section) + 4, 4

static const struct {
	size_t offset, width;
	uint64_t value;
	const char *why;
} layout_faults[] = {
	{ OFFSET_OF(controller), 0, "a section is missing" },
	{ LENGTH_OF(controller), 0, "a section is missing" },
	{ OFFSET_OF(pd), 0, "a section is missing" },
	{ LENGTH_OF(pd), 0, "a section is missing" },
	{ OFFSET_OF(vd), 0, "a section is missing" },
	{ LENGTH_OF(vd), 0, "a section is missing" },
	{ OFFSET_OF(config), 0, "a section is missing" },
	{ LENGTH_OF(config), 0, "a section is missing" },
	{ OFFSET_OF(disk_data), 0, "a section is missing" },
	{ LENGTH_OF(disk_data), 0, "a section is missing" },
	{ LENGTH_OF(controller), DDF_SECTION_SECTORS_MAX + 1, "a section is too long" },
	{ LENGTH_OF(pd), DDF_SECTION_SECTORS_MAX + 1, "a section is too long" },
	{ LENGTH_OF(vd), 0xffffffff, "a section is too long" },
	{ LENGTH_OF(config), DDF_CONFIG_SECTORS_MAX + 1, "a section is too long" },
	{ LENGTH_OF(disk_data), DDF_SECTION_SECTORS_MAX + 1, "a section is too long" },
	{ LENGTH_OF(controller), 2, "sections overlap" },
	{ LENGTH_OF(pd), 129, "sections overlap" },
	{ LENGTH_OF(vd), 33, "sections overlap" },
	{ LENGTH_OF(config), 456, "sections overlap" },
	{ OFFSET_OF(vd), 2, "sections overlap" },
	{ OFFSET_OF(disk_data), 1, "sections overlap" },
	{ OFFSET_OF(disk_data), 0xffffffff, "the primary copy is not within the disk" },
	{ OFFSET_OF(disk_data), 32767, "the primary copy is not within the disk" },
	{ FIELD(ddf_header, primary_lba), SAMPLE_SECTORS - 618, "the primary copy is not within the disk" },
	{ FIELD(ddf_header, primary_lba), SAMPLE_SECTORS, "the primary copy is not within the disk" },
	{ FIELD(ddf_header, primary_lba), UINT64_MAX, "the primary copy is not within the disk" },
	{ FIELD(ddf_header, secondary_lba), SAMPLE_SECTORS - 618, "the secondary copy is not within the disk" },
	{ FIELD(ddf_header, secondary_lba), UINT64_MAX - 1, "the secondary copy is not within the disk" },
	{ FIELD(ddf_header, secondary_lba), 98304, "the copies overlap" },
	{ FIELD(ddf_header, secondary_lba), 98304 + 617, "the copies overlap" },
	{ FIELD(ddf_header, secondary_lba), 98304 - 617, "the copies overlap" },
	{ FIELD(ddf_header, max_pd_entries), 0, "a table has no room for entries" },
	{ FIELD(ddf_header, max_vd_entries), 0, "a table has no room for entries" },
	{ FIELD(ddf_header, record_len), 0, "the length of configuration records is out of range" },
	{ FIELD(ddf_header, record_len), 1, "the length of configuration records is out of range" },
	{ FIELD(ddf_header, record_len), 98, "the length of configuration records is out of range" },
	{ LENGTH_OF(config), 6, "there is no room for configuration records" },
	{ FIELD(ddf_header, max_primary_elements), 0,
	  "the number of elements does not fit into a configuration record" },
	{ FIELD(ddf_header, max_primary_elements), 257,
	  "the number of elements does not fit into a configuration record" },
	{ FIELD(ddf_header, max_primary_elements), 0xfffe,
	  "the number of elements does not fit into a configuration record" },
};

static void test_layout_faults(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(layout_faults); i++) {
		const char *why = "";
		struct ddf_layout l;
		struct ddf_header h;

		sample_header(&h);
		poke(&h, layout_faults[i].offset, layout_faults[i].width, layout_faults[i].value);
		assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &l, &why), -EBADMSG);
		assert_string_equal(why, layout_faults[i].why);
		assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &l, NULL), -EBADMSG);
	}
}

/* What is legal though mdadm does not make it: the value of one field, and what becomes of the sizes. */
static const struct {
	size_t offset, width;
	uint64_t value;
	unsigned max_pd, max_vd, records, mppe;
} layout_variants[] = {
	{ FIELD(ddf_header, max_pd_entries), 1022, 1022, 255, 65, 256 },
	{ FIELD(ddf_header, max_pd_entries), 1024, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_pd_entries), 0xffff, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_vd_entries), 0xffff, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_vd_entries), 15, 1023, 15, 65, 256 },
	{ LENGTH_OF(pd), 1, 7, 255, 65, 256 },
	{ FIELD(ddf_header, max_partitions), 65, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_partitions), 0xffff, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_partitions), 63, 1023, 255, 64, 256 },
	{ LENGTH_OF(config), 7, 1023, 255, 1, 256 },
	{ FIELD(ddf_header, max_primary_elements), 0xffff, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, max_primary_elements), 16, 1023, 255, 65, 16 },
	{ FIELD(ddf_header, record_len), 8, 1023, 255, 56, 256 },
	{ FIELD(ddf_header, secondary_lba), UINT64_MAX, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, secondary_lba), 98304 + 618, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, secondary_lba), 98304 - 618, 1023, 255, 65, 256 },
	{ FIELD(ddf_header, primary_lba), SAMPLE_SECTORS - 619, 1023, 255, 65, 256 },
};

static void test_layout_variants(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(layout_variants); i++) {
		const char *why = NULL;
		struct ddf_layout l;
		struct ddf_header h;

		sample_header(&h);
		poke(&h, layout_variants[i].offset, layout_variants[i].width, layout_variants[i].value);
		if (ddf_check_layout(&h, SAMPLE_SECTORS, &l, &why) != 0)
			fail_msg("variant %zu: %s", i, why);
		assert_int_equal(l.max_pd, layout_variants[i].max_pd);
		assert_int_equal(l.max_vd, layout_variants[i].max_vd);
		assert_int_equal(l.records, layout_variants[i].records);
		assert_int_equal(l.mppe, layout_variants[i].mppe);
	}
}

/* Firmware that does not say how many elements there are: not more than disks, either. */
static void test_unknown_number_of_elements(void **state)
{
	struct ddf_header h;
	struct ddf_layout l;

	(void)state;
	sample_header(&h);
	h.max_primary_elements = be16_make(0xffff);
	h.max_pd_entries = be16_make(63);
	assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &l, NULL), 0);
	assert_int_equal(l.mppe, 63);
}

static void test_same_shape(void **state)
{
	struct ddf_header h;
	struct ddf_layout a, b;

	(void)state;
	sample_header(&h);
	assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &a, NULL), 0);
	h.primary_lba = be64_make(90000);
	h.secondary_lba = be64_make(DDF_NO_LBA);
	h.workspace_lba = be64_make(1);
	assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &b, NULL), 0);
	assert_true(ddf_same_shape(&a, &b));
	for (size_t i = 0; i < COUNT(layout_variants); i++) {
		const size_t at = layout_variants[i].offset;
		bool place = at == offsetof(struct ddf_header, primary_lba) ||
			     at == offsetof(struct ddf_header, secondary_lba);
		bool sizes = layout_variants[i].max_pd == 1023 && layout_variants[i].max_vd == 255 &&
			     layout_variants[i].records == 65 && layout_variants[i].mppe == 256;

		sample_header(&h);
		poke(&h, at, layout_variants[i].width, layout_variants[i].value);
		assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &b, NULL), 0);
		assert_int_equal(ddf_same_shape(&a, &b), place || sizes);
	}
}

/* ---- records ---- */

struct record {
	struct ddf_layout l;
	union {
		struct ddf_vdc v;
		uint8_t bytes[3584];
	};
};

/* A configuration record of a sample: number `i` on disk `n`. */
static void sample_record(struct record *r, const char *name, unsigned n, unsigned i)
{
	struct disk *d = ddf_sample_disk(name, n);
	struct ddf_header h;

	ddf_read_sectors(d, SAMPLE_PRIMARY, &h, 1);
	assert_int_equal(ddf_check_layout(&h, SAMPLE_SECTORS, &r->l, NULL), 0);
	ddf_read_sectors(d, SAMPLE_PRIMARY + 162 + 7 * i, r->bytes, 7);
	disk_close(d);
}

static void test_elements(void **state)
{
	struct record r;

	(void)state;
	sample_record(&r, "C", 0, 0);
	assert_int_equal(ddf_element_ref(&r.v, 0), 0xf02e1bea);
	assert_int_equal(ddf_element_ref(&r.v, 1), 0xff839290);
	assert_int_equal(ddf_element_ref(&r.v, 2), DDF_REF_NONE);
	ddf_set_element_ref(&r.v, 255, 0x01020304);
	ddf_set_element_start(&r.v, 256, 0, 0x0a0b0c0d0e0f1011);
	assert_int_equal(ddf_element_ref(&r.v, 255), 0x01020304);
	assert_memory_equal(r.bytes + 512 + 255 * 4, "\1\2\3\4\n\v\f\r\16\17\20\21", 12);
	assert_int_equal(ddf_element_start(&r.v, 256, 0), 0x0a0b0c0d0e0f1011);
	ddf_set_element_start(&r.v, 256, 255, 7);
	assert_int_equal(r.bytes[3583], 7);
	assert_int_equal(ddf_element_start(&r.v, 256, 255), 7);
	/* The second table begins where the first one ends. */
	assert_int_equal(ddf_element_start(&r.v, 128, 0), (uint64_t)ddf_element_ref(&r.v, 128) << 32 |
								 ddf_element_ref(&r.v, 129));
}

#define START_OF(i) 512 + 4 * 256 + 8 * (i), 8
#define REF_OF(i) 512 + 4 * (i), 4

static const struct {
	size_t offset, width;
	uint64_t value;
	const char *why; /* NULL: it is all right */
} record_cases[] = {
	{ FIELD(ddf_vdc, magic), DDF_SPARE_MAGIC, "it is not the configuration of a virtual disk" },
	{ FIELD(ddf_vdc, primary_count), 0, "its number of disks is out of range" },
	{ FIELD(ddf_vdc, primary_count), 257, "its number of disks is out of range" },
	{ FIELD(ddf_vdc, primary_count), 0xffff, "its number of disks is out of range" },
	{ FIELD(ddf_vdc, primary_count), 256, NULL },
	{ FIELD(ddf_vdc, secondary_count), 0, "its number of basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 86, "its number of basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, secondary_count), 85, NULL },
	{ FIELD(ddf_vdc, secondary_seq), 1, "its place among the basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, secondary_seq), 0xff, "its place among the basic virtual disks is out of range" },
	{ FIELD(ddf_vdc, strip_exponent), 23, "its strip size is out of range" },
	{ FIELD(ddf_vdc, strip_exponent), 0xfe, "its strip size is out of range" },
	{ FIELD(ddf_vdc, strip_exponent), 22, NULL },
	{ FIELD(ddf_vdc, strip_exponent), 0xff, NULL },
	{ FIELD(ddf_vdc, prl), 0x77, NULL },
	{ FIELD(ddf_vdc, rlq), 0x77, NULL },
	{ FIELD(ddf_vdc, srl), 0x77, NULL },
	{ FIELD(ddf_vdc, block_count), UINT64_MAX, "its size is out of range" },
	{ FIELD(ddf_vdc, block_count), UINT64_MAX / 512 + 1, "its size is out of range" },
	{ FIELD(ddf_vdc, block_count), UINT64_MAX / 512, NULL },
	{ FIELD(ddf_vdc, vd_size), UINT64_MAX, "its size is out of range" },
	{ START_OF(0), UINT64_MAX, "an extent is out of range" },
	{ START_OF(2), UINT64_MAX / 512 - 32767, "an extent is out of range" },
	{ START_OF(2), UINT64_MAX / 512 - 32768, NULL },
	{ START_OF(3), UINT64_MAX, NULL }, /* no disk there */
	{ REF_OF(255), 1, NULL },
};

static void test_record_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(record_cases); i++) {
		const char *expected = record_cases[i].why, *why = NULL;
		struct record r;

		sample_record(&r, "A", 0, 0);
		poke(r.bytes, record_cases[i].offset, record_cases[i].width, record_cases[i].value);
		assert_int_equal(ddf_check_vdc(&r.v, &r.l, &why), !expected);
		assert_int_equal(ddf_check_vdc(&r.v, &r.l, NULL), !expected);
		if (expected)
			assert_string_equal(why, expected);
		else
			assert_null(why);
	}
}

static void test_last_element_counts(void **state)
{
	const char *why;
	struct record r;

	(void)state;
	sample_record(&r, "A", 0, 0);
	ddf_set_element_start(&r.v, 256, 255, UINT64_MAX);
	assert_true(ddf_check_vdc(&r.v, &r.l, &why));
	ddf_set_element_ref(&r.v, 255, DDF_REF_MISSING);
	assert_true(ddf_check_vdc(&r.v, &r.l, &why));
	ddf_set_element_ref(&r.v, 255, 1);
	assert_false(ddf_check_vdc(&r.v, &r.l, &why));
}

static void test_spare_entries(void **state)
{
	struct record r;
	struct ddf_spare *s;

	(void)state;
	sample_record(&r, "D", 4, 64);
	s = (struct ddf_spare *)(void *)r.bytes;
	assert_int_equal(be32_get(s->magic), DDF_SPARE_MAGIC);
	assert_int_equal(s->type, DDF_SPARE_DEDICATED);
	assert_int_equal(ddf_spare_entries(s, &r.l), 1);
	assert_int_equal(be16_get(s->entry[0].secondary_element), 0xffff);
	for (unsigned n = 0; n < 0x10000; n += 111) {
		s->populated = be16_make((uint16_t)n);
		assert_int_equal(ddf_spare_entries(s, &r.l), n < 111 ? n : 111);
	}
}

/* ---- levels ---- */

#define UNKNOWN 99

static const struct {
	unsigned p, s, prl, rlq, srl;
	int level, layout;
	unsigned disks;
} levels[] = {
	{ 3, 1, DDF_CONCAT, 0, 0xff, -1, 0, 3 },
	{ 3, 1, DDF_RAID0, 0, 0xff, 0, 0, 3 },
	{ 2, 1, DDF_RAID1, 0, 0xff, 1, 0, 2 },
	{ 3, 1, DDF_RAID1, 1, 0xff, 1, 0, 3 },
	{ 2, 1, DDF_RAID1, 0, DDF_2SPANNED, 1, 0, 2 }, /* mdadm's RAID10 of two disks */
	{ 3, 1, DDF_RAID1, 1, DDF_2SPANNED, 1, 0, 3 },
	{ 4, 1, DDF_RAID4, 1, 0xff, 4, 0, 4 },
	{ 4, 1, DDF_RAID4, 0, 0xff, UNKNOWN, 0, 4 },
	{ 3, 1, DDF_RAID5, 0, 0xff, 5, 1, 3 },
	{ 3, 1, DDF_RAID5, 1, 0xff, UNKNOWN, 0, 3 },
	{ 3, 1, DDF_RAID5, 2, 0xff, 5, 0, 3 },
	{ 3, 1, DDF_RAID5, 3, 0xff, 5, 2, 3 },
	{ 4, 1, DDF_RAID6, 0, 0xff, UNKNOWN, 0, 4 },
	{ 4, 1, DDF_RAID6, 1, 0xff, 6, 8, 4 },
	{ 4, 1, DDF_RAID6, 2, 0xff, 6, 9, 4 },
	{ 4, 1, DDF_RAID6, 3, 0xff, 6, 10, 4 },
	{ 3, 1, DDF_RAID1E, 0, 0xff, 10, 0x102, 3 },
	{ 3, 1, DDF_RAID1E, 1, 0xff, 10, 0x201, 3 },
	{ 3, 1, DDF_RAID1E, 2, 0xff, UNKNOWN, 0, 3 },
	{ 3, 1, DDF_RAID3, 0, 0xff, UNKNOWN, 0, 3 },
	{ 1, 1, DDF_JBOD, 0, 0xff, UNKNOWN, 0, 1 },
	{ 3, 1, DDF_RAID5E, 0, 0xff, UNKNOWN, 0, 3 },
	{ 3, 1, DDF_RAID5EE, 0, 0xff, UNKNOWN, 0, 3 },
	{ 2, 2, DDF_RAID1, 0, DDF_2SPANNED, 10, 0x102, 4 },
	{ 2, 3, DDF_RAID1, 0, DDF_2STRIPED, 10, 0x102, 6 },
	{ 3, 2, DDF_RAID1, 1, DDF_2SPANNED, 10, 0x103, 6 },
	{ 2, 2, DDF_RAID1, 1, DDF_2SPANNED, UNKNOWN, 0, 4 },
	{ 3, 2, DDF_RAID1, 0, DDF_2SPANNED, UNKNOWN, 0, 6 },
	{ 4, 2, DDF_RAID1, 0, DDF_2SPANNED, UNKNOWN, 0, 8 },
	{ 2, 2, DDF_RAID1, 0, DDF_2MIRRORED, UNKNOWN, 0, 4 },
	{ 2, 2, DDF_RAID1, 0, DDF_2CONCAT, UNKNOWN, 0, 4 },
	{ 3, 2, DDF_RAID5, 3, DDF_2STRIPED, UNKNOWN, 0, 6 },
};

static void test_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(levels); i++) {
		int level = UNKNOWN, layout = 0;
		unsigned disks = 0;
		struct ddf_vdc v = {
			.primary_count = be16_make((uint16_t)levels[i].p),
			.secondary_count = (uint8_t)levels[i].s,
			.prl = (uint8_t)levels[i].prl,
			.rlq = (uint8_t)levels[i].rlq,
			.srl = (uint8_t)levels[i].srl,
		};

		assert_int_equal(ddf_md_level(&v, &level, &layout, &disks), levels[i].level != UNKNOWN);
		assert_int_equal(level, levels[i].level);
		assert_int_equal(layout, levels[i].layout);
		assert_int_equal(disks, levels[i].disks);
	}
}

/* ---- small things ---- */

static void test_guids(void **state)
{
	uint8_t a[DDF_GUID_LEN], b[DDF_GUID_LEN];

	(void)state;
	memset(a, 0xff, sizeof(a));
	memset(b, 0xff, sizeof(b));
	for (unsigned i = 0; i < DDF_GUID_LEN; i++) {
		assert_true(ddf_guid_unused(b));
		assert_true(ddf_guid_equal(a, b));
		b[i] = 0;
		assert_false(ddf_guid_unused(b));
		assert_false(ddf_guid_equal(a, b));
		b[i] = 0xff;
	}
}

static void assert_name(const char name[16], const char *expected)
{
	struct ddf_vd_entry vd;
	char out[17];

	memcpy(vd.name, name, sizeof(vd.name));
	assert_ptr_equal(ddf_vd_name(&vd, out), out);
	assert_string_equal(out, expected);
}

static void test_vd_name(void **state)
{
	(void)state;
	assert_name("r5\0\0\0\0\0\0\0\0\0\0\0\0\0", "r5");
	assert_name("r5              ", "r5");
	assert_name("r5\0rest         ", "r5");
	assert_name("abcdefghijklmnop", "abcdefghijklmnop");
	assert_name("\0bcdefghijklmnop", "");
	assert_name("a\nb\x7f\xff%s\0         ", "a?b??%s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc_vectors),
		cmocka_unit_test(test_own_field_does_not_count),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_layout_of_the_worked_example),
		cmocka_unit_test(test_header_faults),
		cmocka_unit_test(test_older_revision),
		cmocka_unit_test(test_anchor_may_be_of_any_type),
		cmocka_unit_test(test_header_matches),
		cmocka_unit_test(test_layout_faults),
		cmocka_unit_test(test_layout_variants),
		cmocka_unit_test(test_unknown_number_of_elements),
		cmocka_unit_test(test_same_shape),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_record_cases),
		cmocka_unit_test(test_last_element_counts),
		cmocka_unit_test(test_spare_entries),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_guids),
		cmocka_unit_test(test_vd_name),
	};

	return cmocka_run_group_tests_name("ddf-format", tests, NULL, NULL);
}
