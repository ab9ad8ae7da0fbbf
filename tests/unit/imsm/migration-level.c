/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: another chunk size or level (imsm.md 8.8).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>

static void test_migrate(void **state)
{
	static const struct shape_row rows[] = {
		/* 131072 / 2 / 1 / 512 = 128 stripes */
		{ "RAID5, 64 to 256 KiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "RAID5, 64 to 4 KiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 4), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 8192, 67584, 8, 5, 1 } },
		{ "RAID5, 64 KiB to 16 MiB", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 16384), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 2, 67584, 32768, 5, 1 } },
		/* 196608 / 3 / 1 / 512 */
		{ "RAID0 on three disks", 3, { { 0, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 0, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 196608, 128, 67584, 512, 0, 1 } },
		{ "RAID0 to 5", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), 0, { "N<GEN<N 0,1,2/0,1 u0" },
		  { 131072, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, four disks", 3, { { 0, "N 2,0,1" } }, 1, MIGRATE(3, 4, 0, 5, -1), 0,
		  { "N<GEN<N 2,0,1,3/2,0,1 u0" }, { 196608, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, the old state does not matter", 2, { { 0, "F 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), 0,
		  { "N<GEN<F 0,1,2/0,1 u0" }, { 131072, 512, 67584, 128, 5, 1 } },
		{ "RAID0 to 5, with another chunk", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "beside another volume", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "N<GEN<N 0,1,2/0,1,2 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
		{ "beside one that rebuilds", 3, { { 0, "N 0,1,2" }, { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 0,
		  MIGRATE(3, 3, 0, 0, 256), 0, { "N<GEN<N 0,1,2/0,1,2 u0" }, { 196608, 128, 67584, 512, 0, 1 } },
		{ "the second volume", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1" } }, 1, MIGRATE(2, 3, 1, 5, 0), 0,
		  { NULL, "N<GEN<N 0,1,3/0,1 u0" }, { 0 } },
		{ "degraded", 3, { { 5, "D 0,1x!,2 f1" } }, 0, MIGRATE(3, 3, 0, 5, 256), 0,
		  { "D<GEN<D 0,1x!,2/0,1x!,2 f1 u0" }, { 131072, 128, 67584, 512, 5, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		shape_check_row(&rows[i]);
		assert_true(shape_migr_record_cleared());
	}
}

static void test_smaller_chunk(void **state)
{
	static const struct shape_message m = MIGRATE(3, 3, 0, 5, 64);

	(void)state;
	shape_ordinary();
	shape_chunk_is(512, 128, 131072);
	shape_assert_applied(&m);
	shape_assert(VOL(0), &(struct shape){ 131072, 512, 67584, 128, 5, 1 });
	assert_int_equal(imsm_map_chunk(&VOL(0)->map[1]), 512);
	assert_int_equal(imsm_map_stripes(&VOL(0)->map[1]), 128);
}

/* The stripes follow from the volume's size, and its new size from the stripes, in whole MiB of each member. */
static void test_chunk_that_does_not_fit_evenly(void **state)
{
	static const struct shape_message to_256k = MIGRATE(3, 3, 0, 5, 256), to_4m = MIGRATE(3, 3, 0, 5, 4096);

	(void)state;
	/* 24576 / 2 / 512 = 24 stripes: 12288 sectors, 512 less than before */
	shape_ordinary();
	shape_chunk_is(128, 100, 2 * 6 * MIB);
	shape_assert_applied(&to_256k);
	shape_assert(VOL(0), &(struct shape){ 24576, 24, 12288 + 2048, 512, 5, 1 });
	/* 31 MiB are 7 chunks of 4 MiB: 28 MiB */
	shape_ordinary();
	shape_chunk_is(128, 496, 2 * 31 * MIB);
	shape_assert_applied(&to_4m);
	shape_assert(VOL(0), &(struct shape){ 2 * 28 * MIB, 7, 28 * MIB + 2048, 8192, 5, 1 });
	/* 5 MiB and 512 KiB, as long as whole MiB are what counts: 21 chunks of 256 KiB are 5.25 MiB */
	shape_ordinary();
	shape_chunk_is(128, 84, 2 * 84 * 128);
	shape_assert_applied(&to_256k);
	shape_assert(VOL(0), &(struct shape){ 2 * 5 * MIB, 21, 21 * 512 + 2048, 512, 5, 1 });
}

/* The size on record is more than the map has: the stripes that follow from it would lie in the next volume. */
static void test_chunk_of_a_volume_with_a_wrong_size(void **state)
{
	static const struct shape_message m = MIGRATE(3, 3, 0, 5, 256);

	(void)state;
	shape_ordinary();
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_blocks(VOL(0), 2 * 73728);
	shape_assert_applied(&m);
	shape_ordinary();
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_blocks(VOL(0), 2 * (73728 + 512));
	shape_assert_refused(&m, -ENOSPC);
}

/* Not one chunk on each member, or not one MiB: such a volume could not be loaded again. */
static void test_chunk_larger_than_member(void **state)
{
	static const struct shape_message to_16m = MIGRATE(3, 3, 0, 5, 16384);
	static const struct shape_message to_256k = MIGRATE(3, 3, 0, 5, 256);

	(void)state;
	shape_ordinary();
	shape_chunk_is(128, 128, 32768); /* 8 MiB */
	shape_assert_refused(&to_16m, -EINVAL);
	shape_ordinary();
	shape_chunk_is(128, 15, 2 * 15 * 128);
	shape_assert_refused(&to_256k, -EINVAL);
	shape_ordinary();
	shape_chunk_is(128, 16, 2 * MIB);
	shape_assert_applied(&to_256k);
	shape_assert(VOL(0), &(struct shape){ 2 * MIB, 4, 2 * MIB, 512, 5, 1 });
}

static void test_grow_of_less_than_a_mib(void **state)
{
	static const struct shape_message m = GROW(3, 4, 0x803);

	(void)state;
	shape_ordinary();
	shape_chunk_is(128, 15, 2 * 15 * 128);
	shape_assert_refused(&m, -EINVAL);
	shape_ordinary();
	shape_chunk_is(128, 16, 2 * MIB);
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 3 * MIB);
}

/* Also the 4.2 style gets what 4.6 writes, and RAID5 its attribute (which the reference forgot). */
static void test_parity_disk(void **state)
{
	static const struct shape_message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	ifx.c.meta.header.attributes = le32_make(0x40000000);
	shape_assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2); /* the last one in the list */
	assert_int_equal(ifx.dl[3].index, IMSM_INDEX_SPARE);
	assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	assert_true(ifx_table_serial_is(&ifx, 2, "DISK2"));
	assert_int_equal(le32_get(ifx.c.meta.disk[2].status), IMSM_DISK_CONFIGURED);
	assert_int_equal(VOL(0)->map[1].head.raid_level, 0);
	assert_int_equal(VOL(0)->map[0].head.failed_disk_num, IMSM_NO_FAILED_SLOT);
	assert_int_equal(le32_get(ifx.c.meta.header.attributes),
			 0x40000000 | IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID5);
	assert_memory_equal(ifx.c.meta.header.version, "1.3.00\0", 8);
}

/* DISK2 would be taken; each of these leaves it out, and DISK3 is. */
static void test_parity_disk_that_fits(void **state)
{
	static const struct shape_message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	for (unsigned what = 0; what < 8; what++) {
		print_message("  %u\n", what);
		shape_raid0_and_spares();
		switch (what) {
		case 0: ifx.dl[2].index = IMSM_INDEX_UNRELATED; break;
		case 1: ifx.dl[2].record.status = le32_make(IMSM_DISK_FAILED); break;
		case 2: ifx.disk[2].sector_size = 4096; break;
		/* the volume, and 4258 behind it */
		case 3: ifx.disk[2].size = (65536 + 4258 - 1) * 512ull; break;
		case 4: ifx.dl[2].disk = NULL; break;
		case 5: memcpy(ifx.dl[2].serial, ifx.dl[0].serial, IMSM_SERIAL_LEN); break;
		/* What the first good member has on it counts: a second volume. */
		case 6:
			ifx_volume(&ifx, 0, "N 1,0");
			ifx.disk[2].size = (FX_PER_DEV + FX_GAP + 65536 + 4258 - 1) * 512ull;
			break;
		/* At the end of the smallest member there is less. */
		case 7:
			imsm_disk_set_blocks(&ifx.c.meta.disk[0], 65536 + 1000);
			ifx.disk[2].size = (65536 + 1000 - 1) * 512ull;
			break;
		}
		assert_int_equal(imsm_apply_message(&ifx.c, &ifx.scratch, m.word, m.len, &(const char *){ NULL }), 0);
		assert_int_equal(ifx.dl[3].index, 2);
		assert_true(ifx.dl[2].index < 0);
	}
	shape_raid0_and_spares();
	ifx.disk[2].size = (65536 + 4258) * 512ull;
	shape_assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2);
	shape_raid0_and_spares();
	imsm_disk_set_blocks(&ifx.c.meta.disk[0], 65536 + 1000);
	ifx.disk[2].size = (65536 + 1000) * 512ull;
	shape_assert_applied(&m);
	assert_int_equal(ifx.dl[2].index, 2);
}

/* How much room is needed the first good member in the list tells: not DISK3, on which the second volume lies. */
static void test_parity_disk_beside_failed_disk(void **state)
{
	static const struct shape_message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 0, "N 0,2");
	ifx_volume(&ifx, 1, "D 1,3x! f1");
	ifx_spare(&ifx);
	ifx.disk[4].size = (65536 + 4258 - 1) * 512ull;
	shape_assert_refused(&m, -ENODEV);
	ifx.disk[4].size += 512;
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,2,4/0,2 u0");
}

static void test_migrate_contradictions(void **state)
{
	static const struct shape_row rows[] = {
		{ "no such volume", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 1, 5, 256), -EINVAL, { NULL }, { 0 } },
		{ "no volume at all", 3, { { 0, NULL } }, 0, MIGRATE(3, 3, 0, 5, 256), -EINVAL, { NULL }, { 0 } },
		{ "nothing is to change", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 0), -EINVAL,
		  { NULL }, { 0 } },
		{ "the same level and chunk", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 5, 64), -EINVAL,
		  { NULL }, { 0 } },
		{ "reshaping", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EBUSY,
		  { NULL }, { 0 } },
		{ "rebuilding", 3, { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EBUSY,
		  { NULL }, { 0 } },
		{ "another volume reshapes", 3, { { 5, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0,
		  MIGRATE(3, 3, 0, 5, 256), -EBUSY, { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 1, MIGRATE(2, 2, 0, 1, 256), -EINVAL, { NULL }, { 0 } },
		{ "RAID1 to 5", 2, { { 1, "N 0,1" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 0, MIGRATE(4, 4, 0, 10, 256), -EINVAL, { NULL }, { 0 } },
		{ "RAID5 to 0", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 0, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID5 to 1", 3, { { 5, "N 0,1,2" } }, 0, MIGRATE(3, 3, 0, 1, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 to 1", 2, { { 0, "N 0,1" } }, 1, MIGRATE(2, 2, 0, 1, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 to 10", 2, { { 0, "N 0,1" } }, 2, MIGRATE(2, 4, 0, 10, 0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 on one disk to 5", 1, { { 0, "N 0" } }, 1, MIGRATE(1, 2, 0, 5, 0), -EINVAL, { NULL }, { 0 } },
		{ "no spare for the parity", 2, { { 0, "N 0,1" } }, 0, MIGRATE(2, 3, 0, 5, 0), -ENODEV, { NULL },
		  { 0 } },
		{ "the same, a member of another volume", 3, { { 0, "N 0,1" }, { 0, "N 2" } }, 0,
		  MIGRATE(2, 3, 0, 5, 0), -ENODEV, { NULL }, { 0 } },
		{ "lost", 3, { { 5, "F 0x!,1x!,2 f0" } }, 0, MIGRATE(3, 3, 0, 5, 256), -EINVAL, { NULL }, { 0 } },
		/* Nothing is there from which the parity could be made. */
		{ "RAID0 has failed", 2, { { 0, "F 0,1x! f1" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL, { NULL },
		  { 0 } },
		{ "a disk of the RAID0 is missing", 2, { { 0, "N 0,1?" } }, 1, MIGRATE(2, 3, 0, 5, 0), -EINVAL,
		  { NULL }, { 0 } },
	};
	static const struct shape_message m = MIGRATE(2, 3, 0, 5, 0);

	(void)state;
	CHECK_ROWS(rows);
	shape_raid0_and_spares();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS;
	shape_assert_refused(&m, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1;
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,254/0,1 u0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_smaller_chunk),
		cmocka_unit_test(test_chunk_that_does_not_fit_evenly),
		cmocka_unit_test(test_chunk_of_a_volume_with_a_wrong_size),
		cmocka_unit_test(test_chunk_larger_than_member),
		cmocka_unit_test(test_grow_of_less_than_a_mib),
		cmocka_unit_test(test_parity_disk),
		cmocka_unit_test(test_parity_disk_that_fits),
		cmocka_unit_test(test_parity_disk_beside_failed_disk),
		cmocka_unit_test(test_migrate_contradictions),
	};

	return cmocka_run_group_tests_name("imsm-migration-level", tests, NULL, NULL);
}
