/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/fields.c: fields that are more than one word, serial numbers, 4096-byte sectors. */
#include "tests/unit/support/imsm-bytes.h"

#include <errno.h>
#include <stdlib.h>

/* ---- 4096-byte sectors ---- */

static void test_4kn_same_values_in_both_sector_sizes(void **state)
{
	struct imsm_meta a, b;

	(void)state;
	imsm_sample_decode(imsm_sample_named("r5-bbm-46"), 0, &a);
	imsm_sample_decode(imsm_sample_named("r5-bbm-4kn-46"), 0, &b);
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

/* Which fields are divided by 8 on disk and which are not (imsm.md 1.13), in both maps. */
static void test_4kn_fields(void **state)
{
	struct imsm_meta m, back;
	const struct imsm_volume *v = &back.volume[0];
	uint8_t *buf = malloc(4096);

	(void)state;
	imsm_sample_decode(imsm_sample_named("r5-reshape-46"), 0, &m);
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
	imsm_sample_decode(imsm_sample_named("r5-bbm-4kn-46"), 0, &m);
	imsm_volume_set_unit(v, 47);
	m.num_bad = 3;
	m.bad[0] = (struct imsm_bad_range){ .sector = 1023, .length = 2, .disk = 1 };
	m.bad[1] = (struct imsm_bad_range){ .sector = 4096, .length = 2048, .disk = 1 };
	m.bad[2] = (struct imsm_bad_range){ .sector = 8, .length = 1, .disk = 2 };
	mpb_recode(&m, 4096);
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
	imsm_sample_decode(imsm_sample_named("r5-bbm-4kn-46"), 0, &m);
	imsm_disk_set_blocks(&m.disk[1], blocks);
	mpb_recode(&m, 4096);
	assert_int_equal(imsm_disk_blocks(&m.disk[1]), blocks);
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
	mpb_assert_bytes((const uint8_t *)&d + 16, "88 77 66 55");
	mpb_assert_bytes((const uint8_t *)&d + 32, "44 33 22 11");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_4kn_same_values_in_both_sector_sizes),
		cmocka_unit_test(test_4kn_fields),
		cmocka_unit_test(test_4kn_rounding),
		cmocka_unit_test(test_4kn_carries_into_the_hi_half),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_migr_type),
		cmocka_unit_test(test_wide_fields),
		cmocka_unit_test(test_normalise_serial),
		cmocka_unit_test(test_mark_failed),
		cmocka_unit_test(test_serial_equal),
		cmocka_unit_test(test_serial_text),
	};

	return cmocka_run_group_tests_name("imsm-fields", tests, NULL, NULL);
}
