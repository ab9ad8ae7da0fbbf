/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/format.c: what is on disk, against the worked example of imsm.md. */
#include "tests/unit/support/imsm-bytes.h"

#include <errno.h>
#include <stdlib.h>

static void test_worked_example_bytes(void **state)
{
	const struct imsm_sample *s = imsm_sample_named("r5-clean-46");
	uint8_t tail[SAMPLE_TAIL];
	const uint8_t *anchor, *extended;
	const size_t first = s->size - SAMPLE_TAIL; /* device offset of the tail */

	(void)state;
	imsm_sample_read_tail(s, 0, tail);
	assert_int_equal(imsm_anchor_offset(s->size, 512), 39998 * 512);
	assert_int_equal(imsm_migr_record_offset(s->size, 512), 39999 * 512);
	anchor = tail + (imsm_anchor_offset(s->size, 512) - first);
	extended = anchor - 512;
	mpb_assert_bytes(anchor, "49 6e 74 65 6c 20 52 61 69 64 20 49 53 4d 20 43 66 67 20 53 69 67 2e 20");
	mpb_assert_bytes(anchor + 0x18, "31 2e 33 2e 30 30 00 00 7a e3 27 34 14 02 00 00 f7 aa d4 35 08 00 00 00");
	mpb_assert_bytes(anchor + 0x30, "00 00 00 00 10 00 00 80 03 01 00 00 00 00 00 00 f7 aa d4 35 01 00 00 00");
	mpb_assert_bytes(anchor + 0x48, "00 00 00 00 01 00 00 00 01 09 03 6b 00 00 00 00");
	mpb_assert_bytes(anchor + 0xd8, "2f 64 65 76 2f 6c 6f 6f 70 30 00 00 00 00 00 00 40 9c 00 00 00 00 00 00");
	mpb_assert_bytes(anchor + 0x168, "76 6f 6c 30 00");
	mpb_assert_bytes(anchor + 0x1d8, "00 00 00 00 00 48 00 00 80 00 00 00 80 00 00 05 03 01 ff 01");
	mpb_assert_bytes(extended, "00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00 00");
}

static void test_worked_example_fields(void **state)
{
	struct imsm_meta m;
	const struct imsm_volume *v = &m.volume[0];
	const struct imsm_map *map = &v->map[0];

	(void)state;
	imsm_sample_decode(imsm_sample_named("r5-clean-46"), 0, &m);
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
	assert_int_equal(map->head.failed_disk_num, IMSM_NO_FAILED_SLOT);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(map->ord[i], i);
	assert_int_equal(imsm_volume_size(v), 0x214 - 0x168);
}

static void test_checksum(void **state)
{
	uint8_t mpb[IMSM_HEADER_SIZE + 11] = { 0 };

	(void)state;
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 0);
	mpb_poke(mpb, 0, 4, 0xffffffff);
	mpb_poke(mpb, 4, 4, 3);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 2); /* modulo 2^32 */
	mpb_poke(mpb, HEADER(check_sum), 4, 0x12345678);
	assert_int_equal(imsm_checksum(mpb, IMSM_HEADER_SIZE), 2); /* its own field does not count */
	mpb_poke(mpb, IMSM_HEADER_SIZE, 4, 0x01000000);
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
		uint8_t *mpb = imsm_sample_read_mpb(imsm_sample_named(vector[i].name), 0, &size);

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
		mpb_poke(anchor, HEADER(mpb_size), 4, t[i].size);
		assert_int_equal(imsm_probe_anchor(anchor, t[i].sector_size, &size, &sectors), t[i].err);
		if (t[i].err)
			continue;
		assert_int_equal(size, t[i].size);
		assert_int_equal(sectors, t[i].sectors);
	}
	anchor[23] = '.';
	assert_int_equal(imsm_probe_anchor(anchor, 512, &size, &sectors), -EINVAL);
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
	};

	return cmocka_run_group_tests_name("imsm-format", tests, NULL, NULL);
}
