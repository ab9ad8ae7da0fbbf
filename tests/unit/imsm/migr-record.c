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
		cmocka_unit_test(test_migr_record_round_trip),
		cmocka_unit_test(test_migr_record_4kn),
		cmocka_unit_test(test_migr_record_of_noise_4kn),
	};

	return cmocka_run_group_tests_name("imsm-migr-record", tests, NULL, NULL);
}
