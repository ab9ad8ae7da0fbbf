/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/decode.c: the migration record. */
#include "tests/unit/support/imsm-bytes.h"

static void read_record(const struct imsm_sample *s, unsigned disk, struct imsm_migr_record *r)
{
	uint8_t tail[SAMPLE_TAIL];

	imsm_sample_read_tail(s, disk, tail);
	imsm_decode_migr_record(tail + SAMPLE_TAIL - s->sector_size, s->sector_size, r);
}

static void test_migr_record_of_the_sample(void **state)
{
	const struct imsm_sample *s = imsm_sample_named("r5-reshape-46");
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

static void test_migr_record_512(void **state)
{
	const struct imsm_migr_record r = made_up_record();
	struct imsm_migr_record back;
	uint8_t sector[512];

	(void)state;
	memset(sector, 0xaa, sizeof(sector));
	memcpy(sector, &r, sizeof(r));
	imsm_decode_migr_record(sector, sizeof(sector), &back);
	assert_memory_equal(&r, &back, sizeof(r));
}

/* Which fields are divided by 8 on disk and which are not (imsm.md 1.13). */
static void test_migr_record_4kn(void **state)
{
	const struct imsm_migr_record r = made_up_record();
	struct imsm_migr_record raw = r, back;
	uint8_t sector[4096];

	(void)state;
	raw.blocks_per_unit = le32_make(6144 / 8);
	raw.dest_depth_per_unit = le32_make(2048 / 8);
	raw.ckpt_area_pba_lo = le32_make(0xffffffff);
	raw.ckpt_area_pba_hi = le32_make(0);
	raw.dest_1st_member_lba_lo = le32_make(0x20000001);
	raw.dest_1st_member_lba_hi = le32_make(0);
	raw.post_migr_vol_cap_lo = le32_make(0x40000002);
	raw.post_migr_vol_cap_hi = le32_make(0);
	memset(sector, 0xaa, sizeof(sector));
	memcpy(sector, &raw, sizeof(raw));
	imsm_decode_migr_record(sector, sizeof(sector), &back);
	assert_memory_equal(&back, &r, sizeof(r));
}

/* Nonsense must not overflow into something plausible. */
static void test_migr_record_of_noise_4kn(void **state)
{
	struct imsm_migr_record r;
	uint8_t sector[4096];

	(void)state;
	memset(sector, 0xff, sizeof(sector));
	mpb_poke(sector, offsetof(struct imsm_migr_record, blocks_per_unit), 4, 0x20000001);
	imsm_decode_migr_record(sector, 4096, &r);
	assert_int_equal(le32_get(r.blocks_per_unit), 0xfffffff8);
	assert_int_equal(le32_get(r.dest_depth_per_unit), 0xfffffff8);
	assert_int_equal(le32_get(r.ckpt_area_pba_hi), 0xffffffff);
	assert_int_equal(le32_get(r.ckpt_area_pba_lo), 0xfffffff8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migr_record_of_the_sample),
		cmocka_unit_test(test_migr_record_512),
		cmocka_unit_test(test_migr_record_4kn),
		cmocka_unit_test(test_migr_record_of_noise_4kn),
	};

	return cmocka_run_group_tests_name("imsm-migr-record", tests, NULL, NULL);
}
