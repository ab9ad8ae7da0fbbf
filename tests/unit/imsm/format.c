/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tests/samples/imsm/sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEADER(field) offsetof(struct imsm_header, field)
#define DISK(n, field) (IMSM_HEADER_SIZE + 48u * (n) + offsetof(struct imsm_disk, field))
#define VOLUME(disks, field) (IMSM_HEADER_SIZE + 48u * (disks) + offsetof(struct imsm_dev_head, field))
#define MAP0(disks, field) (IMSM_HEADER_SIZE + 48u * (disks) + 112u + offsetof(struct imsm_map_head, field))
#define ORD0(disks, slot) (IMSM_HEADER_SIZE + 48u * (disks) + 160u + 4u * (slot))
#define MAP1(disks, members, field) (ORD0(disks, members) + offsetof(struct imsm_map_head, field))
#define ORD1(disks, members, slot) (ORD0(disks, members) + 48u + 4u * (slot))

static void poke(uint8_t *mpb, size_t offset, unsigned width, uint64_t value)
{
	for (unsigned i = 0; i < width; i++)
		mpb[offset + i] = (uint8_t)(value >> 8 * i);
}

static void fix_checksum(uint8_t *mpb, size_t len)
{
	poke(mpb, HEADER(check_sum), 4, imsm_checksum(mpb, len));
}

/* ---- what is on disk, against the worked example ---- */

static void assert_bytes(const uint8_t *at, const char *hex)
{
	unsigned byte;

	for (; *hex; hex++, at++) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex++, "%2x", &byte), 1);
		assert_int_equal(*at, byte);
	}
}

static void test_worked_example_bytes(void **state)
{
	const struct sample *s = sample_named("r5-clean-46");
	uint8_t tail[SAMPLE_TAIL];
	const uint8_t *anchor, *extended;
	const size_t first = s->size - SAMPLE_TAIL; /* device offset of the tail */

	(void)state;
	sample_read_tail(s, 0, tail);
	assert_int_equal(imsm_anchor_offset(s->size, 512), 39998 * 512);
	assert_int_equal(imsm_migr_record_offset(s->size, 512), 39999 * 512);
	anchor = tail + (imsm_anchor_offset(s->size, 512) - first);
	extended = anchor - 512;
	assert_bytes(anchor, "49 6e 74 65 6c 20 52 61 69 64 20 49 53 4d 20 43 66 67 20 53 69 67 2e 20");
	assert_bytes(anchor + 0x18, "31 2e 33 2e 30 30 00 00 7a e3 27 34 14 02 00 00 f7 aa d4 35 08 00 00 00");
	assert_bytes(anchor + 0x30, "00 00 00 00 10 00 00 80 03 01 00 00 00 00 00 00 f7 aa d4 35 01 00 00 00");
	assert_bytes(anchor + 0x48, "00 00 00 00 01 00 00 00 01 09 03 6b 00 00 00 00");
	assert_bytes(anchor + 0xd8, "2f 64 65 76 2f 6c 6f 6f 70 30 00 00 00 00 00 00 40 9c 00 00 00 00 00 00");
	assert_bytes(anchor + 0x168, "76 6f 6c 30 00");
	assert_bytes(anchor + 0x1d8, "00 00 00 00 00 48 00 00 80 00 00 00 80 00 00 05 03 01 ff 01");
	assert_bytes(extended, "00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00 00");
}

static void test_worked_example_fields(void **state)
{
	struct imsm_meta m;
	const struct imsm_volume *v = &m.volume[0];
	const struct imsm_map *map = &v->map[0];

	(void)state;
	sample_decode(sample_named("r5-clean-46"), 0, &m);
	assert_int_equal(le32_get(m.header.check_sum), 0x3427e37a);
	assert_int_equal(le32_get(m.header.pwr_cycle_count), 1);
	assert_int_equal(le16_get(m.header.num_raid_devs_created), 1);
	assert_int_equal(m.num_disks, 3);
	assert_string_equal((const char *)m.disk[1].serial, "/dev/loop1");
	assert_int_equal(imsm_disk_blocks(&m.disk[0]), 40000);
	assert_int_equal(le32_get(m.disk[0].status), IMSM_DISK_CONFIGURED);
	assert_int_equal(m.num_volumes, 1);
	assert_string_equal((const char *)v->head.name, "vol0");
	assert_int_equal(imsm_volume_blocks(v), 32768);
	assert_int_equal(le32_get(v->head.status), 0xc);
	assert_int_equal(v->head.rwh_policy, IMSM_RWH_MULTIPLE_OFF);
	assert_int_equal(v->head.migr_state, 0);
	assert_int_equal(imsm_map_pba(map), 0);
	assert_int_equal(imsm_map_blocks_per_member(map), 18432);
	assert_int_equal(imsm_map_stripes(map), 128);
	assert_int_equal(imsm_map_chunk(map), 128);
	assert_int_equal(imsm_map_level(map), IMSM_RAID5);
	assert_int_equal(map->head.num_domains, 1);
	assert_int_equal(map->head.failed_disk_num, 0xff);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(map->ord[i], i);
	assert_int_equal(imsm_volume_size(v), 0x214 - 0x168);
}

static void test_checksum(void **state)
{
	uint8_t mpb[IMSM_HEADER_SIZE + 11] = { 0 };

	(void)state;
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 0);
	poke(mpb, 0, 4, 0xffffffff);
	poke(mpb, 4, 4, 3);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 2); /* modulo 2^32 */
	poke(mpb, HEADER(check_sum), 4, 0x12345678);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 2); /* its own field does not count */
	poke(mpb, IMSM_HEADER_SIZE, 4, 0x01000000);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 2);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE + 4), 0x01000002);
	memset(mpb + IMSM_HEADER_SIZE + 4, 0xff, 7);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE + 7), 0x01000002); /* whole words only */
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE + 8), 0x01000001);
}

static void test_checksum_of_samples(void **state)
{
	static const struct {
		const char *name;
		uint32_t sum;
	} vector[] = {
		{ "r5-clean-46", 0x3427e37a }, { "r5-clean-42", 0x7ac102e4 },   { "r1-rebuild-42", 0x09ccb667 },
		{ "r1-rebuild-46", 0xea0b7e31 }, { "r10-r5-matrix-46", 0xeec0956e }, { "r5-reshape-46", 0xe9c86d97 },
		{ "r5-bbm-46", 0x41b107af },   { "r5-bbm-4kn-46", 0x91a9f30a },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(vector); i++) {
		size_t size;
		uint8_t *mpb = sample_read_mpb(sample_named(vector[i].name), 0, &size);

		assert_int_equal(imsm_checksum(mpb, size), vector[i].sum);
		free(mpb);
	}
}

static void test_offsets(void **state)
{
	(void)state;
	assert_int_equal(imsm_anchor_offset(1536, 512), 512);
	assert_int_equal(imsm_anchor_offset(1024, 512), 0);
	assert_int_equal(imsm_anchor_offset(0, 512), 0);
	assert_int_equal(imsm_anchor_offset(33554432, 4096), 33554432 - 8192);
	assert_int_equal(imsm_anchor_offset(33554432 + 512, 4096), 0);
	assert_int_equal(imsm_anchor_offset(33554432, 520), 0);
	assert_int_equal(imsm_anchor_offset(33554432, 0), 0);
	assert_int_equal(imsm_migr_record_offset(33554432, 4096), 33554432 - 4096);
	assert_int_equal(imsm_migr_record_offset(512, 512), 0);
}

static void test_probe_anchor(void **state)
{
	uint8_t anchor[512] = IMSM_SIGNATURE;
	uint32_t size, sectors;
	static const struct {
		uint32_t sector_size, size;
		int err;
		uint32_t sectors;
	} t[] = {
		{ 512, 216, 0, 1 },         { 512, 512, 0, 1 },          { 512, 516, 0, 2 },
		{ 512, 65536, 0, 128 },     { 4096, 4096, 0, 1 },        { 4096, 4100, 0, 2 },
		{ 512, 0, -EBADMSG, 0 },    { 512, 212, -EBADMSG, 0 },   { 512, 65540, -EBADMSG, 0 },
		{ 512, 218, -EBADMSG, 0 },  { 512, 0xfffffffc, -EBADMSG, 0 }, { 520, 520, -EBADMSG, 0 },
		{ 0, 520, -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		poke(anchor, HEADER(mpb_size), 4, t[i].size);
		assert_int_equal(imsm_probe_anchor(anchor, t[i].sector_size, &size, &sectors), t[i].err);
		if (t[i].err)
			continue;
		assert_int_equal(size, t[i].size);
		assert_int_equal(sectors, t[i].sectors);
	}
	anchor[23] = '.';
	assert_int_equal(imsm_probe_anchor(anchor, 512, &size, &sectors), -EINVAL);
}

/* ---- re-encoding ---- */

static void check_reencoding(const struct sample *s, unsigned disk)
{
	struct imsm_meta m;
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	size_t size;
	uint8_t *mpb = sample_read_mpb(s, disk, &size);
	ssize_t len;

	assert_int_equal(imsm_decode(mpb, size, s->sector_size, &m, NULL), 0);
	memset(buf, 0xaa, IMSM_MPB_MAX);
	len = imsm_encode(&m, s->sector_size, buf, IMSM_MPB_MAX);
	assert_true(len >= (ssize_t)size && len < (ssize_t)(size + s->sector_size));
	assert_int_equal(len % s->sector_size, 0);
	assert_memory_equal(buf, mpb, size);
	for (ssize_t i = (ssize_t)size; i < len; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(buf[len], 0xaa);
	free(mpb);
	free(buf);
}

static void test_reencoding_gives_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		for (unsigned disk = 0; disk < samples[i].disks; disk++)
			check_reencoding(&samples[i], disk);
}

static void test_disk_order(void **state)
{
	const struct sample *s = sample_named("r10-r5-matrix-46");
	struct imsm_meta m;
	uint8_t mpb[2048], out[2048], tail[SAMPLE_TAIL];
	size_t size;
	ssize_t len;

	(void)state;
	sample_decode(s, 0, &m);
	size = le32_get(m.header.mpb_size);
	len = imsm_encode(&m, 512, mpb, sizeof(mpb));
	assert_int_equal(len, 1024);
	imsm_disk_order(mpb, (size_t)len, 512, out);
	sample_read_tail(s, 0, tail);
	assert_memory_equal(out + 512, tail + SAMPLE_TAIL - 1024, 512);       /* anchor */
	assert_memory_equal(out, tail + SAMPLE_TAIL - 1536, size - 512); /* what follows is of no meaning */

	imsm_disk_order(mpb, 512, 512, out);
	assert_memory_equal(out, mpb, 512);
}

static void test_encode_refuses_what_does_not_fit(void **state)
{
	struct imsm_meta m;
	uint8_t *buf = malloc(IMSM_MPB_MAX);

	(void)state;
	sample_decode(sample_named("r5-clean-46"), 0, &m);
	assert_int_equal(imsm_encode(&m, 512, buf, 1023), -E2BIG);
	assert_int_equal(imsm_encode(&m, 512, buf, 1024), 1024);
	assert_int_equal(imsm_encode(&m, 4096, buf, 4095), -E2BIG);
	assert_int_equal(imsm_encode(&m, 520, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_volumes = IMSM_MAX_VOLUMES + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_volumes = 1;
	m.num_disks = IMSM_MAX_DISKS + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_disks = 3;
	m.num_bad = IMSM_BBM_MAX + 1;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.num_bad = 1;
	m.bad[0] = (struct imsm_bad_range){ .sector = 1, .length = 0 };
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.bad[0].length = 257;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	m.bad[0].length = 256;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), 1024);
	m.bad[0].sector = UINT64_C(1) << 48;
	assert_int_equal(imsm_encode(&m, 512, buf, IMSM_MPB_MAX), -E2BIG);
	free(buf);
}

static void fill_map(struct imsm_map *map, unsigned members)
{
	memset(map, 0, sizeof(*map));
	map->head.raid_level = IMSM_RAID5;
	map->head.num_members = (uint8_t)members;
	map->head.num_domains = 1;
	map->head.failed_disk_num = 0xff;
	map->head.blocks_per_strip = le16_make(256);
	imsm_map_set_pba(map, UINT64_C(0x123456789a));
	imsm_map_set_blocks_per_member(map, UINT64_C(0x2233445566));
	imsm_map_set_stripes(map, UINT64_C(0x1122334));
	for (unsigned i = 0; i < members; i++)
		map->ord[i] = i | (i % 2 ? IMSM_ORD_REBUILD : 0);
}

/* Everything at its maximum: the largest MPB there can be. */
static void test_largest(void **state)
{
	struct imsm_meta *m = calloc(1, sizeof(*m)), *back = malloc(sizeof(*back));
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	const char *why;
	ssize_t len;

	(void)state;
	memcpy(m->header.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	m->header.attributes = le32_make(IMSM_ATTR_2TB_DISK | IMSM_ATTR_BBM);
	m->num_disks = IMSM_MAX_DISKS;
	for (unsigned i = 0; i < m->num_disks; i++) {
		snprintf((char *)m->disk[i].serial, IMSM_SERIAL_LEN, "disk%u", i);
		imsm_disk_set_blocks(&m->disk[i], UINT64_C(1) << 53);
	}
	m->num_volumes = IMSM_MAX_VOLUMES;
	for (unsigned i = 0; i < m->num_volumes; i++) {
		imsm_volume_set_blocks(&m->volume[i], UINT64_C(1) << 50);
		m->volume[i].head.migr_state = 1;
		fill_map(&m->volume[i].map[0], IMSM_MAX_MEMBERS);
		fill_map(&m->volume[i].map[1], IMSM_MAX_MEMBERS);
	}
	m->num_bad = IMSM_BBM_MAX;
	for (unsigned i = 0; i < m->num_bad; i++) {
		m->bad[i].sector = (UINT64_C(1) << 48) - 1 - i;
		m->bad[i].length = 256;
		m->bad[i].disk = (uint8_t)i;
	}
	len = imsm_encode(m, 512, buf, IMSM_MPB_MAX);
	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, 512, back, &why) != 0)
		fail_msg("%s", why);
	assert_null(why);
	memcpy(&m->header, &back->header, sizeof(m->header));
	assert_memory_equal(m, back, sizeof(*m));
	free(buf);
	free(back);
	free(m);
}

/* ---- 4096-byte sectors ---- */

static void test_4kn_same_values_in_both_sector_sizes(void **state)
{
	struct imsm_meta a, b;

	(void)state;
	sample_decode(sample_named("r5-bbm-46"), 0, &a);
	sample_decode(sample_named("r5-bbm-4kn-46"), 0, &b);
	assert_memory_equal(a.disk, b.disk, sizeof(a.disk));
	assert_memory_equal(a.volume, b.volume, sizeof(a.volume));
	assert_int_equal(b.num_bad, 2);
	assert_memory_equal(a.bad, b.bad, sizeof(a.bad));
	assert_int_equal(b.bad[0].sector, 2048);
	assert_int_equal(b.bad[0].length, 16);
	assert_int_equal(b.bad[0].disk, 2);
	assert_int_equal(b.bad[1].sector, 1024);
	assert_int_equal(b.bad[1].length, 8);
	assert_int_equal(b.bad[1].disk, 0);
}

static void recode(struct imsm_meta *m, uint32_t sector_size)
{
	uint8_t *buf = malloc(IMSM_MPB_MAX);
	ssize_t len = imsm_encode(m, sector_size, buf, IMSM_MPB_MAX);
	const char *why;

	assert_true(len > 0);
	if (imsm_decode(buf, (size_t)len, sector_size, m, &why) != 0)
		fail_msg("%s", why);
	free(buf);
}

/* Which fields are divided by 8 on disk and which are not (imsm.md 1.13), in both maps. */
static void test_4kn_fields(void **state)
{
	struct imsm_meta m, back;
	const struct imsm_volume *v = &back.volume[0];
	uint8_t *buf = malloc(4096);

	(void)state;
	sample_decode(sample_named("r5-reshape-46"), 0, &m);
	imsm_volume_set_unit(&m.volume[0], 16);
	m.volume[0].head.reserved_blocks = le32_make(24);
	for (unsigned i = 0; i < 2; i++)
		imsm_map_set_pba(&m.volume[0].map[i], 4096);
	assert_int_equal(imsm_encode(&m, 4096, buf, 4096), 4096);
	assert_int_equal(imsm_decode(buf, 4096, 512, &back, NULL), 0); /* as it stands there */
	assert_int_equal(imsm_disk_blocks(&back.disk[3]), 131072 / 8);
	assert_int_equal(imsm_volume_blocks(v), 122880 / 8);
	assert_int_equal(imsm_volume_unit(v), 16 / 8);
	assert_int_equal(le32_get(v->head.reserved_blocks), 24);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(imsm_map_pba(&v->map[i]), 4096 / 8);
		assert_int_equal(imsm_map_blocks_per_member(&v->map[i]), 43008 / 8);
		assert_int_equal(imsm_map_chunk(&v->map[i]), 128 / 8);
		assert_int_equal(imsm_map_stripes(&v->map[i]), 320);
	}
	assert_int_equal(imsm_decode(buf, 4096, 4096, &back, NULL), 0);
	memcpy(&m.header, &back.header, sizeof(m.header));
	assert_memory_equal(&m, &back, sizeof(m));
	free(buf);
}

static void test_4kn_rounding(void **state)
{
	struct imsm_meta m;
	struct imsm_volume *v = &m.volume[0];

	(void)state;
	sample_decode(sample_named("r5-bbm-4kn-46"), 0, &m);
	imsm_volume_set_unit(v, 47);
	m.num_bad = 3;
	m.bad[0] = (struct imsm_bad_range){ .sector = 1023, .length = 2, .disk = 1 };
	m.bad[1] = (struct imsm_bad_range){ .sector = 4096, .length = 2048, .disk = 1 };
	m.bad[2] = (struct imsm_bad_range){ .sector = 8, .length = 1, .disk = 2 };
	recode(&m, 4096);
	assert_int_equal(imsm_volume_unit(v), 40);
	assert_int_equal(m.num_bad, 3);
	assert_int_equal(m.bad[0].sector, 1016); /* outwards */
	assert_int_equal(m.bad[0].length, 16);
	assert_int_equal(m.bad[1].sector, 4096);
	assert_int_equal(m.bad[1].length, 2048);
	assert_int_equal(m.bad[2].sector, 8);
	assert_int_equal(m.bad[2].length, 8);
}

/* 4 TiB disk: its hi half is only used in 512-byte units, and must not be lost. */
static void test_4kn_carries_into_the_hi_half(void **state)
{
	struct imsm_meta m;
	uint64_t blocks = UINT64_C(1) << 33;

	(void)state;
	sample_decode(sample_named("r5-bbm-4kn-46"), 0, &m);
	imsm_disk_set_blocks(&m.disk[1], blocks);
	recode(&m, 4096);
	assert_int_equal(imsm_disk_blocks(&m.disk[1]), blocks);
}

/* ---- hi halves ---- */

static void test_hi_halves_need_the_attribute(void **state)
{
	size_t size;
	uint8_t *mpb = sample_read_mpb(sample_named("r1-rebuild-46"), 0, &size);
	struct imsm_meta m;

	(void)state;
	poke(mpb, DISK(1, total_blocks_hi), 4, 1);
	poke(mpb, MAP0(2, pba_of_lba0_hi), 4, 2);
	poke(mpb, MAP0(2, blocks_per_member_hi), 4, 3);
	poke(mpb, MAP0(2, num_data_stripes_hi), 4, 4);
	poke(mpb, MAP1(2, 2, pba_of_lba0_hi), 4, 5);
	poke(mpb, MAP1(2, 2, blocks_per_member_hi), 4, 6);
	poke(mpb, MAP1(2, 2, num_data_stripes_hi), 4, 7);
	poke(mpb, VOLUME(2, size_high), 4, 8);
	poke(mpb, VOLUME(2, curr_migr_unit_hi), 4, 1);
	fix_checksum(mpb, size);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	assert_int_equal(imsm_disk_blocks(&m.disk[1]), 65536);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(imsm_map_pba(&m.volume[0].map[i]), 0);
		assert_int_equal(imsm_map_blocks_per_member(&m.volume[0].map[i]), 43008);
		assert_int_equal(imsm_map_stripes(&m.volume[0].map[i]), 160);
	}
	assert_true(imsm_volume_blocks(&m.volume[0]) == (UINT64_C(8) << 32) + 40960);
	assert_true(imsm_volume_unit(&m.volume[0]) == (UINT64_C(1) << 32) + 40);

	poke(mpb, HEADER(attributes), 4, IMSM_ATTR_2TB_DISK);
	fix_checksum(mpb, size);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	assert_true(imsm_disk_blocks(&m.disk[1]) == (UINT64_C(1) << 32) + 65536);
	assert_true(imsm_map_pba(&m.volume[0].map[0]) == UINT64_C(2) << 32);
	assert_true(imsm_map_blocks_per_member(&m.volume[0].map[0]) == (UINT64_C(3) << 32) + 43008);
	assert_true(imsm_map_stripes(&m.volume[0].map[0]) == (UINT64_C(4) << 32) + 160);
	assert_true(imsm_map_pba(&m.volume[0].map[1]) == UINT64_C(5) << 32);
	assert_true(imsm_map_blocks_per_member(&m.volume[0].map[1]) == (UINT64_C(6) << 32) + 43008);
	assert_true(imsm_map_stripes(&m.volume[0].map[1]) == (UINT64_C(7) << 32) + 160);
	free(mpb);
}

/* ---- values that must be refused ---- */

struct poke {
	size_t offset;
	unsigned width; /* bytes, 0: none */
	uint64_t value;
};

#define R5 "r5-clean-46"       /* 3 disks */
#define R1 "r1-rebuild-46"     /* 2 disks, 2 maps of 2 members */
#define MATRIX "r10-r5-matrix-46" /* 4 disks, RAID10 of 4, RAID5 of 4 */
#define RESHAPE "r5-reshape-46" /* 4 disks, maps of 4 and 3 members */
#define BBM "r5-bbm-46"        /* 3 disks, log at the end */
#define BBM4 "r5-bbm-4kn-46"
#define R5_VOLUMES (IMSM_HEADER_SIZE + 48u * 3)
#define LOG ((size_t)ORD0(3, 3))
#define SECOND_MAP0(field) (ORD0(4, 4) + 112u + offsetof(struct imsm_map_head, field)) /* MATRIX */
#define WITH_HI { HEADER(attributes), 4, IMSM_ATTR_2TB_DISK }

static const struct {
	const char *sample;
	const char *why;
	struct poke poke[3];
} refused[] = {
	{ R5, "no IMSM signature", { { HEADER(sig), 1, 'i' } } },
	{ R5, "no IMSM signature", { { HEADER(sig) + 23, 1, 0 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 0 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 212 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 530 } } },
	{ R5, "mpb_size is out of range", { { HEADER(mpb_size), 4, 0x80000000 } } },
	{ R5, "mpb_size is more than there is", { { HEADER(mpb_size), 4, 536 } } },
	{ R5, "mpb_size is more than there is", { { HEADER(mpb_size), 4, 65536 } } },
	{ R5, "num_disks is zero", { { HEADER(num_disks), 1, 0 } } },
	{ R5, "the disk table reaches beyond", { { HEADER(num_disks), 1, 7 } } },
	{ R5, "the disk table reaches beyond", { { HEADER(num_disks), 1, 255 } } },
	{ R5, "num_raid_devs is out of range", { { HEADER(num_raid_devs), 1, 9 } } },
	{ R5, "num_raid_devs is out of range", { { HEADER(num_raid_devs), 1, 255 } } },
	{ R5, "a volume reaches beyond", { { HEADER(num_raid_devs), 1, 2 } } },
	{ R5, "a map reaches beyond", { { HEADER(mpb_size), 4, R5_VOLUMES + 112 + 44 } } },
	{ R5, "disk_ord_tbl reaches beyond", { { MAP0(3, num_members), 1, 4 } } },
	{ R5, "disk_ord_tbl reaches beyond", { { MAP0(3, num_members), 1, 255 } } },
	{ R5, "num_members is zero", { { MAP0(3, num_members), 1, 0 } } },
	{ R5, "num_members does not fit", { { MAP0(3, num_members), 1, 2 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 2 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 6 } } },
	{ R5, "raid_level is unknown", { { MAP0(3, raid_level), 1, 255 } } },
	{ R5, "num_members does not fit", { { MAP0(3, raid_level), 1, IMSM_RAID10 } } },
	{ R5, "num_members does not fit", { { MAP0(3, raid_level), 1, IMSM_RAID1 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 3 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 5 } } },
	{ MATRIX, "num_members does not fit", { { MAP0(4, num_members), 1, 2 }, { MAP0(4, raid_level), 1, 10 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 96 } } },
	{ R5, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0xffff } } },
	{ BBM4, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 8192 } } }, /* 65536 sectors */
	{ BBM4, "blocks_per_strip", { { MAP0(3, blocks_per_strip), 2, 0x2001 } } }, /* 8, in 16 bits */
	{ R5, "num_domains", { { MAP0(3, num_domains), 1, 0 } } },
	{ MATRIX, "num_domains", { { MAP0(4, num_domains), 1, 1 } } },
	{ R1, "num_domains", { { MAP0(2, num_domains), 1, 3 } } },
	{ R5, "map_state", { { MAP0(3, map_state), 1, 4 } } },
	{ R5, "map_state", { { MAP0(3, map_state), 1, 255 } } },
	{ R5, "failed_disk_num", { { MAP0(3, map_state), 1, IMSM_DEGRADED }, { MAP0(3, failed_disk_num), 1, 3 } } },
	{ R5, "outside the disk table", { { ORD0(3, 2), 4, 3 } } },
	{ R5, "outside the disk table", { { ORD0(3, 0), 4, 0x01000003 } } },
	{ R5, "outside the disk table", { { ORD0(3, 0), 4, 0xffffffff } } },
	{ R5, "names a disk twice", { { ORD0(3, 2), 4, 1 } } },
	{ R5, "names a disk twice", { { ORD0(3, 2), 4, 0x01000001 } } },
	{ R5, "volume's size", { { VOLUME(3, size_low), 4, 0 } } },
	{ R5, "volume's size", { { VOLUME(3, size_high), 4, 0x80000000 } } },
	{ BBM4, "volume's size", { { VOLUME(3, size_high), 4, 0xffffffff } } },
	{ BBM4, "volume's size", { { VOLUME(3, size_high), 4, 0x20000000 } } }, /* times 8 is 2^64 */
	{ R1, "migr_state", { { VOLUME(2, migr_state), 1, 2 } } },
	{ R1, "migr_state", { { VOLUME(2, migr_state), 1, 255 } } },
	{ R1, "migr_type", { { VOLUME(2, migr_type), 1, 6 } } },
	{ R5, "migr_type", { { VOLUME(3, migr_type), 1, 255 } } },
	{ R5, "a map reaches beyond", { { VOLUME(3, migr_state), 1, 1 } } },
	{ R1, "curr_migr_unit", { { VOLUME(2, curr_migr_unit_lo), 4, 40961 } } },
	{ R1, "curr_migr_unit", { { VOLUME(2, curr_migr_unit_hi), 4, 1 } } },
	{ R1, "num_members is zero", { { MAP1(2, 2, num_members), 1, 0 } } },
	{ R1, "disk_ord_tbl reaches beyond", { { MAP1(2, 2, num_members), 1, 3 } } },
	{ R1, "raid_level is unknown", { { MAP1(2, 2, raid_level), 1, 7 } } },
	{ R1, "blocks_per_strip", { { MAP1(2, 2, blocks_per_strip), 2, 0 } } },
	{ R1, "map_state", { { MAP1(2, 2, map_state), 1, 4 } } },
	{ R1, "failed_disk_num", { { MAP1(2, 2, failed_disk_num), 1, 2 } } },
	{ R1, "outside the disk table", { { ORD1(2, 2, 1), 4, 0x01000002 } } },
	{ R1, "names a disk twice", { { ORD1(2, 2, 1), 4, 0x01000000 } } },
	{ RESHAPE, "the maps differ in num_members", { { VOLUME(4, migr_type), 1, IMSM_MIGR_REBUILD } } },
	{ R5, "pba_of_lba0", { WITH_HI, { MAP0(3, pba_of_lba0_hi), 4, 0x00400001 } } },
	{ R5, "blocks_per_member", { WITH_HI, { MAP0(3, blocks_per_member_hi), 4, 0xffffffff } } },
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0x00010000 } } },
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0x02000000 } } }, /* times 128: 2^64 */
	{ R5, "num_data_stripes", { WITH_HI, { MAP0(3, num_data_stripes_hi), 4, 0xffffffff } } },
	{ R5, "total_blocks", { WITH_HI, { DISK(1, total_blocks_hi), 4, 0x00400000 } } },
	{ R5, "two disks have the same serial", { { DISK(1, serial) + 9, 1, '0' } } },
	{ MATRIX, "raid_level is unknown", { { SECOND_MAP0(raid_level), 1, 9 } } },
};

static uint8_t *poked(const char *name, const struct poke *p, size_t *size)
{
	uint8_t *mpb = sample_read_mpb(sample_named(name), 0, size);
	size_t summed;

	for (unsigned i = 0; i < 3; i++)
		poke(mpb, p[i].offset, p[i].width, p[i].value);
	summed = mpb[HEADER(mpb_size)] | (size_t)mpb[HEADER(mpb_size) + 1] << 8;
	if (summed >= IMSM_HEADER_SIZE && summed <= *size)
		fix_checksum(mpb, summed);
	return mpb;
}

static void test_refused(void **state)
{
	struct imsm_meta m;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *why = NULL;
		size_t size;
		uint8_t *mpb = poked(refused[i].sample, refused[i].poke, &size);
		int err = imsm_decode(mpb, size, sample_named(refused[i].sample)->sector_size, &m, &why);
		int expected = refused[i].poke[0].offset < IMSM_SIGNATURE_LEN ? -EINVAL : -EBADMSG;

		if (err != expected || !why || !strstr(why, refused[i].why))
			fail_msg("case %zu (%s): %d, %s", i, refused[i].why, err, why ? why : "no reason");
		free(mpb);
	}
}

/* Odd, but no reason to lose a volume. */
static const struct {
	const char *sample;
	struct poke poke[3];
} accepted[] = {
	{ R5, { { 0 } } },
	{ R5, { { HEADER(version), 4, 0xffffffff } } },
	{ R5, { { HEADER(attributes), 4, 0x7bffffff } } },
	{ R5, { { HEADER(error_log_size), 4, 0xffffffff } } },
	{ R5, { { HEADER(num_raid_devs), 1, 0 } } }, /* slack up to the end */
	{ R5, { { DISK(0, status), 4, 0xffffffff } } },
	{ R5, { { DISK(0, total_blocks_lo), 4, 0xffffffff } } },
	{ R5, { { DISK(1, serial) + 9, 1, '0' }, { DISK(1, status), 1, 6 } } },
	{ R5, { { VOLUME(3, name), 8, 0xffffffffffffffff } } },
	{ R5, { { VOLUME(3, dirty), 1, 0xff }, { VOLUME(3, rwh_policy), 1, 0xff } } },
	{ R5, { { VOLUME(3, curr_migr_unit_hi), 4, 0xffffffff } } }, /* no migration: of no meaning */
	{ R5, { { MAP0(3, failed_disk_num), 1, 77 } } },            /* not degraded: of no meaning */
	{ R5, { { MAP0(3, raid_level), 1, IMSM_RAID0 } } },
	{ R5, { { MAP0(3, num_data_stripes_lo), 4, 0xffffffff } } },
	{ R5, { { MAP0(3, blocks_per_strip), 2, 0x8000 } } },
	{ R5, { { ORD0(3, 1), 4, 0xff000001 } } },
	{ R1, { { VOLUME(2, curr_migr_unit_lo), 4, 40960 } } },
	{ R1, { { VOLUME(2, migr_type), 1, IMSM_MIGR_REPAIR } } },
	{ R1, { { ORD0(2, 1), 4, 0 }, { ORD0(2, 0), 4, 1 } } },
	{ MATRIX, { { MAP0(4, raid_level), 1, IMSM_RAID10 } } },
	{ BBM4, { { MAP0(3, blocks_per_strip), 2, 4096 } } },
	{ BBM4, { { VOLUME(3, curr_migr_unit_hi), 4, 0xffffffff } } },
};

static void test_accepted_and_kept(void **state)
{
	struct imsm_meta m;

	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		uint32_t sector_size = sample_named(accepted[i].sample)->sector_size;
		uint8_t *buf = malloc(IMSM_MPB_MAX);
		const char *why;
		size_t size;
		uint8_t *mpb = poked(accepted[i].sample, accepted[i].poke, &size);

		if (imsm_decode(mpb, size, sector_size, &m, &why) != 0 || why)
			fail_msg("case %zu: %s", i, why);
		assert_true(imsm_encode(&m, sector_size, buf, IMSM_MPB_MAX) > 0);
		if (m.num_volumes && !(le32_get(m.header.attributes) & IMSM_ATTR_BBM) && sector_size == 512)
			assert_memory_equal(buf, mpb, size);
		free(mpb);
		free(buf);
	}
}

static void test_wrong_checksum(void **state)
{
	struct imsm_meta m;
	const char *why;
	size_t size;
	uint8_t *mpb = sample_read_mpb(sample_named(R5), 0, &size);

	(void)state;
	for (size_t i = IMSM_SIGNATURE_LEN; i < size; i++) {
		if (i >= HEADER(mpb_size) && i < HEADER(family_num))
			continue;
		mpb[i] ^= 0x10;
		assert_int_equal(imsm_decode(mpb, size, 512, &m, &why), -EBADMSG);
		assert_string_equal(why, "the checksum is wrong");
		mpb[i] ^= 0x10;
	}
	assert_int_equal(imsm_decode(mpb, size, 520, &m, NULL), -EBADMSG);
	assert_int_equal(imsm_decode(mpb, size, 512, &m, NULL), 0);
	free(mpb);
}

static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, p, len);
	return copy;
}

/* Cut off anywhere, first as it is, then with mpb_size and checksum set to fit. */
static void check_truncation(const struct sample *s)
{
	struct imsm_meta m;
	size_t size;
	uint8_t *mpb = sample_read_mpb(s, 0, &size);

	for (size_t len = 0; len < size; len++) {
		uint8_t *cut = malloc(len); /* exactly; for 0 nothing may be read at all */

		memcpy(cut, mpb, len);
		assert_int_equal(imsm_decode(cut, len, s->sector_size, &m, NULL), -EBADMSG);
		if (len >= IMSM_HEADER_SIZE && len % 4 == 0) {
			poke(cut, HEADER(mpb_size), 4, len);
			fix_checksum(cut, len);
			assert_int_equal(imsm_decode(cut, len, s->sector_size, &m, NULL), -EBADMSG);
		}
		free(cut);
	}
	free(mpb);
}

static void test_truncated(void **state)
{
	static const char *const names[] = { R5, "r5-clean-42", R1, MATRIX, RESHAPE };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		check_truncation(sample_named(names[i]));
}

/* ---- bad block log ---- */

static const struct {
	const char *why;
	unsigned left; /* entries that remain */
	struct poke poke[3];
} logs[] = {
	{ NULL, 2, { { 0 } } },
	{ NULL, 0, { { HEADER(bbm_log_size), 4, 0 } } },
	{ NULL, 2, { { HEADER(attributes), 4, 0 } } },
	{ NULL, 2, { { LOG + 8, 1, 255 } } },
	{ "bbm_log_size", 0, { { HEADER(bbm_log_size), 4, 7 } } },
	{ "bbm_log_size", 0, { { HEADER(bbm_log_size), 4, 28 } } }, /* reaches into the volume */
	{ "bbm_log_size", 0, { { HEADER(bbm_log_size), 4, 0xffffffff } } },
	{ "signature", 0, { { HEADER(bbm_log_size), 4, 16 } } },
	{ "signature", 0, { { LOG, 4, 0xabadb10d } } },
	{ "entry_count", 0, { { LOG + 4, 4, 1 } } },
	{ "entry_count", 0, { { LOG + 4, 4, 3 } } },
	{ "entry_count", 0, { { LOG + 4, 4, 0x20000002 } } }, /* times 8 is 16 again */
	{ "outside the disks", 1, { { LOG + 9, 1, 3 } } },
	{ "outside the disks", 1, { { LOG + 9, 1, 255 } } },
	{ "outside the disks", 1, { { LOG + 10, 4, 65536 } } },
	{ "outside the disks", 1, { { LOG + 10, 4, 65521 } } },
	{ NULL, 2, { { LOG + 10, 4, 65520 } } }, /* the last sector */
	{ "outside the disks", 1, { { LOG + 10, 6, 0xffffffffffff } } },
	{ "outside the disks", 0, { { LOG + 9, 1, 3 }, { LOG + 17, 1, 9 } } },
};

static void test_broken_log_does_not_cost_the_volume(void **state)
{
	struct imsm_meta m;

	(void)state;
	for (size_t i = 0; i < COUNT(logs); i++) {
		const char *why;
		size_t size;
		uint8_t *mpb = poked(BBM, logs[i].poke, &size);

		assert_int_equal(imsm_decode(mpb, size, 512, &m, &why), 0);
		if (!!why != !!logs[i].why || (why && !strstr(why, logs[i].why)) || m.num_bad != logs[i].left)
			fail_msg("case %zu: %u entries, %s", i, m.num_bad, why ? why : "no reason");
		assert_int_equal(m.num_volumes, 1);
		assert_int_equal(m.volume[0].map[0].ord[2], 2);
		free(mpb);
	}
}

static void test_log_entries(void **state)
{
	struct imsm_meta m;

	(void)state;
	sample_decode(sample_named(BBM), 0, &m);
	assert_int_equal(m.num_bad, 2);
	assert_int_equal(m.bad[0].sector, 2048);
	assert_int_equal(m.bad[0].length, 16);
	assert_int_equal(m.bad[0].disk, 2);
	assert_int_equal(m.bad[1].sector, 1024);
	assert_int_equal(m.bad[1].length, 8);
	assert_int_equal(m.bad[1].disk, 0);
}

/* No entry, no log, no attribute; and back. */
static void test_log_comes_and_goes(void **state)
{
	struct imsm_meta m;

	(void)state;
	sample_decode(sample_named(BBM), 0, &m);
	m.num_bad = 0;
	recode(&m, 512);
	assert_int_equal(le32_get(m.header.bbm_log_size), 0);
	assert_int_equal(le32_get(m.header.attributes), 0x80000010);
	assert_int_equal(le32_get(m.header.mpb_size), LOG);
	m.num_bad = 1;
	m.bad[0] = (struct imsm_bad_range){ .sector = 65280, .length = 256, .disk = 1 };
	recode(&m, 512);
	assert_int_equal(le32_get(m.header.attributes), 0x88000010);
	assert_int_equal(le32_get(m.header.bbm_log_size), 16);
	assert_int_equal(m.num_bad, 1);
	assert_int_equal(m.bad[0].sector, 65280);
	assert_int_equal(m.bad[0].length, 256);
	assert_int_equal(m.bad[0].disk, 1);
}

/* Foreign writers leave slack between the last volume and the log. */
static void test_slack_before_the_log(void **state)
{
	struct imsm_meta m;
	const char *why;
	size_t size;
	uint8_t *mpb = sample_read_mpb(sample_named(BBM), 0, &size);
	uint8_t *wide_mpb = malloc(size + 64);

	(void)state;
	memcpy(wide_mpb, mpb, LOG);
	memset(wide_mpb + LOG, 0x5a, 64);
	memcpy(wide_mpb + LOG + 64, mpb + LOG, size - LOG);
	poke(wide_mpb, HEADER(mpb_size), 4, size + 64);
	fix_checksum(wide_mpb, size + 64);
	assert_int_equal(imsm_decode(wide_mpb, size + 64, 512, &m, &why), 0);
	assert_null(why);
	assert_int_equal(m.num_bad, 2);
	recode(&m, 512);
	assert_int_equal(le32_get(m.header.mpb_size), size);
	free(wide_mpb);
	free(mpb);
}

/* ---- whatever else may come ---- */

static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static void mutate(uint8_t *mpb, size_t size)
{
	static const uint8_t edges[] = { 0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xfe, 0xff };

	for (unsigned n = 1 + next_random() % 4; n > 0; n--) {
		/* Half of them near the end: maps, disk_ord_tbl and the bad block log. */
		size_t range = next_random() % 2 ? size : 128, at = size - 1 - next_random() % range;

		if (at < IMSM_SIGNATURE_LEN || (at >= HEADER(mpb_size) && at < HEADER(family_num)))
			continue;
		mpb[at] = next_random() % 2 ? edges[next_random() % COUNT(edges)] : (uint8_t)next_random();
	}
}

/* What was accepted must be possible to write, and reading it back must change nothing any more. */
static void check_stable(struct imsm_meta *m, uint32_t sector_size)
{
	static struct imsm_meta again;
	static uint8_t first[IMSM_MPB_MAX], second[IMSM_MPB_MAX];
	const char *why;
	ssize_t len = imsm_encode(m, sector_size, first, sizeof(first));

	assert_true(len > 0);
	if (imsm_decode(first, (size_t)len, sector_size, &again, &why) != 0 || why)
		fail_msg("not readable again: %s", why);
	memcpy(&m->header, &again.header, sizeof(m->header)); /* counts and sums are new */
	assert_memory_equal(m, &again, sizeof(again));
	assert_int_equal(imsm_encode(&again, sector_size, second, sizeof(second)), len);
	assert_memory_equal(first, second, (size_t)len);
}

static void test_random_mutations(void **state)
{
	struct imsm_meta m;
	unsigned good = 0, bad = 0;

	(void)state;
	random_state = 20260101;
	for (unsigned i = 0; i < 6000; i++) {
		const struct sample *s = &samples[next_random() % SAMPLE_COUNT];
		size_t size;
		uint8_t *mpb = sample_read_mpb(s, next_random() % s->disks, &size);

		mutate(mpb, size);
		fix_checksum(mpb, size);
		if (imsm_decode(mpb, size, s->sector_size, &m, NULL) == 0) {
			good++;
			check_stable(&m, s->sector_size);
		} else {
			bad++;
		}
		free(mpb);
	}
	assert_true(good > 1000);
	assert_true(bad > 1000);
}

/* Nothing but noise behind a header with a right size and checksum. */
static void test_random_noise(void **state)
{
	struct imsm_meta m;

	(void)state;
	random_state = 4711;
	for (unsigned i = 0; i < 2000; i++) {
		size_t size = IMSM_HEADER_SIZE + next_random() % 400 * 4;
		uint8_t *mpb = malloc(size);

		for (size_t k = 0; k < size; k++)
			mpb[k] = (uint8_t)next_random();
		memcpy(mpb, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
		poke(mpb, HEADER(mpb_size), 4, size);
		mpb[HEADER(num_disks)] %= 8;
		mpb[HEADER(num_raid_devs)] %= 3;
		fix_checksum(mpb, size);
		if (imsm_decode(mpb, size, i % 2 ? 512 : 4096, &m, NULL) == 0)
			check_stable(&m, i % 2 ? 512 : 4096);
		free(mpb);
	}
}

/* ---- one volume by itself ---- */

static void test_decode_volume(void **state)
{
	struct imsm_volume v;
	const char *why;
	size_t size;
	uint8_t *mpb = sample_read_mpb(sample_named(R1), 0, &size);
	size_t at = VOLUME(2, name), len = size - at;
	uint8_t *record = copy_of(mpb + at, len);

	(void)state;
	assert_int_equal(len, 112 + 2 * 56);
	assert_int_equal(imsm_decode_volume(record, len, 2, &v, &why), len);
	assert_null(why);
	assert_int_equal(imsm_volume_size(&v), len);
	assert_int_equal(imsm_decode_volume(mpb + at, len, 2, &v, NULL), len);
	assert_int_equal(v.map[1].ord[1], 0x01000001);
	assert_int_equal(imsm_decode_volume(record, len, 1, &v, &why), -EBADMSG);
	assert_non_null(strstr(why, "outside the disk table"));
	assert_int_equal(imsm_decode_volume(record, len, 256, &v, &why), -EBADMSG);
	poke(record, 160, 4, 0x00ffffff); /* ord 0: what a message says there does not matter */
	assert_int_equal(imsm_decode_volume(record, len, 0, &v, NULL), len);
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n);

		memcpy(cut, record, n);
		assert_int_equal(imsm_decode_volume(cut, n, 0, &v, &why), -EBADMSG);
		assert_non_null(strstr(why, "beyond the end"));
		free(cut);
	}
	free(record);
	free(mpb);
}

static void test_decode_volume_leaves_what_follows(void **state)
{
	struct imsm_volume v;
	size_t size;
	uint8_t *mpb = sample_read_mpb(sample_named(MATRIX), 0, &size);

	(void)state;
	assert_int_equal(imsm_decode_volume(mpb + VOLUME(4, name), size - VOLUME(4, name), 4, &v, NULL), 112 + 64);
	free(mpb);
}

/* ---- spare record ---- */

static void test_spare_is_that_of_the_sample(void **state)
{
	const struct sample *s = sample_named(MATRIX);
	struct imsm_meta sample, ours;
	uint8_t *buf = malloc(512);
	size_t size;
	uint8_t *mpb = sample_read_mpb(s, 4, &size);

	(void)state;
	sample_decode(s, 4, &sample);
	assert_int_equal(size, IMSM_SPARE_MPB_SIZE);
	memset(buf, 0xaa, 512);
	assert_int_equal(imsm_encode_spare(&sample.disk[0], 512, buf), 512);
	for (size_t i = size; i < 512; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(imsm_decode(buf, 512, 512, &ours, NULL), 0);
	assert_int_equal(le32_get(ours.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY);

	/* The same bytes but for the attribute, and the family that depends on it. */
	ours.header.attributes = sample.header.attributes;
	ours.header.family_num = sample.header.family_num;
	ours.header.check_sum = sample.header.check_sum;
	assert_memory_equal(&ours, &sample, sizeof(ours));
	free(mpb);
	free(buf);
}

static void test_spare_family_is_its_sum(void **state)
{
	struct imsm_disk d = { .serial = "S1", .scsi_id = le32_make(7), .status = le32_make(0x6) };
	uint8_t a[512], b[512];
	struct imsm_meta m;

	(void)state;
	imsm_disk_set_blocks(&d, 1000);
	imsm_encode_spare(&d, 512, a);
	imsm_encode_spare(&d, 512, b);
	assert_memory_equal(a, b, 512); /* stable */
	assert_int_equal(imsm_decode(a, 512, 512, &m, NULL), 0);
	assert_int_equal(le32_get(m.disk[0].status), IMSM_DISK_SPARE);
	assert_int_equal(le32_get(m.disk[0].scsi_id), 7);
	poke(b, HEADER(family_num), 4, 0);
	assert_int_equal(le32_get(m.header.family_num), imsm_checksum(b, IMSM_SPARE_MPB_SIZE));
}

static void test_spare_large_and_4kn(void **state)
{
	struct imsm_disk d = { .serial = "S1" };
	uint8_t buf[4096];
	struct imsm_meta m;

	(void)state;
	imsm_disk_set_blocks(&d, UINT64_C(0x300000000));
	assert_int_equal(imsm_encode_spare(&d, 512, buf), 512);
	assert_int_equal(imsm_decode(buf, 512, 512, &m, NULL), 0);
	assert_int_equal(le32_get(m.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_2TB_DISK);
	assert_true(imsm_disk_blocks(&m.disk[0]) == UINT64_C(0x300000000));
	assert_int_equal(imsm_encode_spare(&d, 4096, buf), 4096);
	assert_bytes(buf + DISK(0, total_blocks_lo), "00 00 00 60");
	assert_int_equal(imsm_decode(buf, 4096, 4096, &m, NULL), 0);
	assert_int_equal(le32_get(m.header.attributes), IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_2TB_DISK);
	assert_true(imsm_disk_blocks(&m.disk[0]) == UINT64_C(0x300000000));
}

/* ---- fields ---- */

static void test_level(void **state)
{
	static const struct {
		uint8_t stored, members;
		int level;
	} t[] = {
		{ 0, 1, IMSM_RAID0 },  { 0, 4, IMSM_RAID0 },   { 1, 2, IMSM_RAID1 },  { 1, 4, IMSM_RAID10 },
		{ 1, 6, IMSM_RAID10 }, { 10, 4, IMSM_RAID10 }, { 10, 6, IMSM_RAID10 }, { 5, 3, IMSM_RAID5 },
		{ 4, 3, IMSM_LEVEL_UNKNOWN }, { 6, 4, IMSM_LEVEL_UNKNOWN }, { 255, 2, IMSM_LEVEL_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct imsm_map map = { .head = { .raid_level = t[i].stored, .num_members = t[i].members } };

		assert_int_equal(imsm_map_level(&map), t[i].level);
	}
}

static void test_migr_type(void **state)
{
	struct imsm_volume v = { .head = { .status = le32_make(0xc) } };

	(void)state;
	imsm_volume_set_migr_type(&v, IMSM_MIGR_REPAIR);
	assert_int_equal(v.head.migr_type, IMSM_MIGR_VERIFY);
	assert_int_equal(le32_get(v.head.status), 0x8c);
	assert_int_equal(imsm_volume_migr_type(&v), IMSM_MIGR_REPAIR);
	imsm_volume_set_migr_type(&v, IMSM_MIGR_VERIFY);
	assert_int_equal(le32_get(v.head.status), 0xc);
	assert_int_equal(imsm_volume_migr_type(&v), IMSM_MIGR_VERIFY);
	for (int t = IMSM_MIGR_INIT; t <= IMSM_MIGR_REPAIR; t++) {
		imsm_volume_set_migr_type(&v, (enum imsm_migr_type)t);
		assert_int_equal(imsm_volume_migr_type(&v), t);
	}
}

static void test_wide_fields(void **state)
{
	const uint64_t wide_value = UINT64_C(0x1122334455667788);
	struct imsm_volume v = { 0 };
	struct imsm_disk d = { 0 };

	(void)state;
	imsm_disk_set_blocks(&d, wide_value);
	imsm_volume_set_blocks(&v, wide_value + 1);
	imsm_volume_set_unit(&v, wide_value + 2);
	imsm_map_set_pba(&v.map[0], wide_value + 3);
	imsm_map_set_blocks_per_member(&v.map[0], wide_value + 4);
	imsm_map_set_stripes(&v.map[0], wide_value + 5);
	assert_bytes((const uint8_t *)&d + 16, "88 77 66 55");
	assert_bytes((const uint8_t *)&d + 32, "44 33 22 11");
	assert_true(imsm_disk_blocks(&d) == wide_value);
	assert_true(imsm_volume_blocks(&v) == wide_value + 1);
	assert_true(imsm_volume_unit(&v) == wide_value + 2);
	assert_true(imsm_map_pba(&v.map[0]) == wide_value + 3);
	assert_true(imsm_map_blocks_per_member(&v.map[0]) == wide_value + 4);
	assert_true(imsm_map_stripes(&v.map[0]) == wide_value + 5);
}

/* ---- serial numbers ---- */

static void assert_serial(const uint8_t serial[IMSM_SERIAL_LEN], const char *text)
{
	uint8_t expected[IMSM_SERIAL_LEN] = { 0 };

	memcpy(expected, text, strlen(text));
	assert_memory_equal(serial, expected, IMSM_SERIAL_LEN);
}

static void test_normalise_serial(void **state)
{
	static const struct {
		const char *raw, *serial;
	} t[] = {
		{ "/dev/loop1", "/dev/loop1" },
		{ "  WD-1 23\t4 \n", "WD-1234" },
		{ "a:b::c", "a;b;;c" },
		{ "\xc3\xa4X\x80\xff\x01Y", "XY" },
		{ "X\x7fY", "X\x7fY" },
		{ "0123456789abcdef", "0123456789abcdef" },
		{ "0123456789abcdefg", "123456789abcdefg" },
		{ "  S3Z2NX0M 123456789ABCDEFGH", "9ABCDEFGH" },
		{ "", "" },
		{ " \t ", "" },
	};
	uint8_t out[IMSM_SERIAL_LEN];

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		size_t len = strlen(t[i].raw);
		char *raw = malloc(len); /* not terminated: bytes, not text */

		memcpy(raw, t[i].raw, len);
		memset(out, 0xaa, sizeof(out));
		assert_int_equal(imsm_normalise_serial(raw, len, out), t[i].serial[0] != '\0');
		if (i == 7) /* the last 16 of those that are kept */
			assert_serial(out, "23456789ABCDEFGH");
		else
			assert_serial(out, t[i].serial);
		free(raw);
	}
	assert_true(imsm_normalise_serial("AB\0CD", 5, out)); /* up to the first NUL */
	assert_serial(out, "AB");
	assert_false(imsm_normalise_serial("\0CD", 3, out));
}

static void test_mark_failed(void **state)
{
	static const struct {
		const char *old, *marked;
	} t[] = {
		{ "/dev/loop1", "/dev/loop1:0" },
		{ "/dev/loop1:0", "/dev/loop1:0:0" },
		{ "", ":0" },
		{ "0123456789abc", "0123456789abc:0" },     /* 15: just fits */
		{ "0123456789abcd", "123456789abcd:0" },    /* 16 would not be terminated */
		{ "0123456789abcdef", "3456789abcdef:0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		uint8_t serial[IMSM_SERIAL_LEN] = { 0 };

		memcpy(serial, t[i].old, strlen(t[i].old));
		imsm_serial_mark_failed(serial);
		assert_serial(serial, t[i].marked);
	}
}

static void test_serial_equal(void **state)
{
	(void)state;
	assert_true(imsm_serial_equal((const uint8_t *)"ABC\0............", (const uint8_t *)"ABC\0xxxxxxxxxxxx"));
	assert_false(imsm_serial_equal((const uint8_t *)"ABC\0............", (const uint8_t *)"ABCD............"));
	assert_true(imsm_serial_equal((const uint8_t *)"0123456789abcdef1", (const uint8_t *)"0123456789abcdef2"));
	assert_false(imsm_serial_equal((const uint8_t *)"0123456789abcdef", (const uint8_t *)"0123456789abcdeF"));
}

static void test_serial_text(void **state)
{
	char out[IMSM_SERIAL_LEN + 1];

	(void)state;
	assert_string_equal(imsm_serial_text((const uint8_t *)"0123456789abcdef", out), "0123456789abcdef");
	assert_string_equal(imsm_serial_text((const uint8_t *)"AB\0DEFGHIJKLMNOP", out), "AB");
	assert_string_equal(imsm_serial_text((const uint8_t *)"A\nB\x1b[1m\xff\0.......", out), "A?B?[1m?");
}

/* ---- the migration record ---- */

static void read_record(const struct sample *s, unsigned disk, struct imsm_migr_record *r)
{
	uint8_t tail[SAMPLE_TAIL];

	sample_read_tail(s, disk, tail);
	imsm_decode_migr_record(tail + SAMPLE_TAIL - s->sector_size, s->sector_size, r);
}

static void test_migr_record_of_the_sample(void **state)
{
	const struct sample *s = sample_named("r5-reshape-46");
	struct imsm_migr_record r;

	(void)state;
	for (unsigned disk = 0; disk < 2; disk++) {
		read_record(s, disk, &r);
		assert_int_equal(le32_get(r.rec_status), 1);
		assert_int_equal(le32_get(r.curr_migr_unit_lo), 2);
		assert_int_equal(le32_get(r.ascending_migr), 1);
		assert_int_equal(le32_get(r.blocks_per_unit), 6144);
		assert_int_equal(le32_get(r.dest_depth_per_unit), 2048);
		assert_int_equal(le32_get(r.ckpt_area_pba_lo), 131072 - 2209);
		assert_int_equal(le32_get(r.dest_1st_member_lba_lo), 2 * 2048);
		assert_int_equal(le32_get(r.num_migr_units_lo), 20);
		assert_int_equal(le32_get(r.post_migr_vol_cap_lo), 122880);
	}
	for (unsigned disk = 2; disk < s->disks; disk++) {
		static const struct imsm_migr_record none;

		read_record(s, disk, &r);
		assert_memory_equal(&r, &none, sizeof(r));
	}
}

static struct imsm_migr_record made_up_record(void)
{
	return (struct imsm_migr_record){
		.rec_status = le32_make(1),
		.curr_migr_unit_lo = le32_make(5),
		.family_num = le32_make(0x12345678),
		.ascending_migr = le32_make(1),
		.blocks_per_unit = le32_make(6144),
		.dest_depth_per_unit = le32_make(2048),
		.ckpt_area_pba_lo = le32_make(0xfffffff8),
		.ckpt_area_pba_hi = le32_make(7),
		.dest_1st_member_lba_lo = le32_make(8),
		.dest_1st_member_lba_hi = le32_make(1),
		.num_migr_units_lo = le32_make(21),
		.num_migr_units_hi = le32_make(3),
		.post_migr_vol_cap_lo = le32_make(16),
		.post_migr_vol_cap_hi = le32_make(2),
		.ckpt_read_disk_num = le32_make(9),
		.curr_migr_unit_hi = le32_make(4),
		.filler = { 1, [63] = 2 },
	};
}

static void test_migr_record_round_trip(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };
	struct imsm_migr_record r = made_up_record(), back;
	uint8_t sector[4096];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		memset(sector, 0xaa, sizeof(sector));
		imsm_encode_migr_record(&r, sizes[i], sector);
		imsm_decode_migr_record(sector, sizes[i], &back);
		assert_memory_equal(&r, &back, sizeof(r));
		for (uint32_t k = sizeof(r); k < sizeof(sector); k++)
			assert_int_equal(sector[k], k < sizes[i] ? 0 : 0xaa);
	}
}

/* Which fields are divided by 8 on disk and which are not (imsm.md 1.13). */
static void test_migr_record_4kn(void **state)
{
	struct imsm_migr_record r = made_up_record(), raw;
	uint8_t sector[4096];

	(void)state;
	imsm_encode_migr_record(&r, 4096, sector);
	imsm_decode_migr_record(sector, 512, &raw); /* as it stands there */
	assert_int_equal(le32_get(raw.blocks_per_unit), 6144 / 8);
	assert_int_equal(le32_get(raw.dest_depth_per_unit), 2048 / 8);
	assert_int_equal(le32_get(raw.ckpt_area_pba_lo), 0xffffffff);
	assert_int_equal(le32_get(raw.ckpt_area_pba_hi), 0);
	assert_int_equal(le32_get(raw.dest_1st_member_lba_lo), 0x20000001);
	assert_int_equal(le32_get(raw.dest_1st_member_lba_hi), 0);
	assert_int_equal(le32_get(raw.post_migr_vol_cap_lo), 0x40000002);
	assert_int_equal(le32_get(raw.post_migr_vol_cap_hi), 0);
	raw.blocks_per_unit = r.blocks_per_unit;
	raw.dest_depth_per_unit = r.dest_depth_per_unit;
	raw.ckpt_area_pba_lo = r.ckpt_area_pba_lo;
	raw.ckpt_area_pba_hi = r.ckpt_area_pba_hi;
	raw.dest_1st_member_lba_lo = r.dest_1st_member_lba_lo;
	raw.dest_1st_member_lba_hi = r.dest_1st_member_lba_hi;
	raw.post_migr_vol_cap_lo = r.post_migr_vol_cap_lo;
	raw.post_migr_vol_cap_hi = r.post_migr_vol_cap_hi;
	assert_memory_equal(&raw, &r, sizeof(r));

	/* the copy area's address is odd: what does not fit is cut off, as mdadm does */
	r.ckpt_area_pba_lo = le32_make(128863);
	r.ckpt_area_pba_hi = le32_make(0);
	imsm_encode_migr_record(&r, 4096, sector);
	imsm_decode_migr_record(sector, 4096, &r);
	assert_int_equal(le32_get(r.ckpt_area_pba_lo), 128856);
}

/* Nonsense must neither overflow into something plausible nor change what it is written back as. */
static void test_migr_record_of_noise_4kn(void **state)
{
	struct imsm_migr_record r;
	uint8_t sector[4096];

	(void)state;
	memset(sector, 0xff, sizeof(sector));
	poke(sector, offsetof(struct imsm_migr_record, blocks_per_unit), 4, 0x20000001);
	imsm_decode_migr_record(sector, 4096, &r);
	assert_int_equal(le32_get(r.blocks_per_unit), 0xfffffff8);
	assert_int_equal(le32_get(r.dest_depth_per_unit), 0xfffffff8);
	assert_int_equal(le32_get(r.ckpt_area_pba_hi), 0xffffffff);
	assert_int_equal(le32_get(r.ckpt_area_pba_lo), 0xfffffff8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worked_example_bytes),
		cmocka_unit_test(test_worked_example_fields),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum_of_samples),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_probe_anchor),
		cmocka_unit_test(test_reencoding_gives_the_same_bytes),
		cmocka_unit_test(test_disk_order),
		cmocka_unit_test(test_encode_refuses_what_does_not_fit),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_4kn_same_values_in_both_sector_sizes),
		cmocka_unit_test(test_4kn_fields),
		cmocka_unit_test(test_4kn_rounding),
		cmocka_unit_test(test_4kn_carries_into_the_hi_half),
		cmocka_unit_test(test_hi_halves_need_the_attribute),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accepted_and_kept),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_broken_log_does_not_cost_the_volume),
		cmocka_unit_test(test_log_entries),
		cmocka_unit_test(test_log_comes_and_goes),
		cmocka_unit_test(test_slack_before_the_log),
		cmocka_unit_test(test_random_mutations),
		cmocka_unit_test(test_random_noise),
		cmocka_unit_test(test_decode_volume),
		cmocka_unit_test(test_decode_volume_leaves_what_follows),
		cmocka_unit_test(test_spare_is_that_of_the_sample),
		cmocka_unit_test(test_spare_family_is_its_sum),
		cmocka_unit_test(test_spare_large_and_4kn),
		cmocka_unit_test(test_migr_record_of_the_sample),
		cmocka_unit_test(test_migr_record_round_trip),
		cmocka_unit_test(test_migr_record_4kn),
		cmocka_unit_test(test_migr_record_of_noise_4kn),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_migr_type),
		cmocka_unit_test(test_wide_fields),
		cmocka_unit_test(test_normalise_serial),
		cmocka_unit_test(test_mark_failed),
		cmocka_unit_test(test_serial_equal),
		cmocka_unit_test(test_serial_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
