/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: more disks (imsm.md 8.7).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <sys/sysmacros.h>

static void test_grow(void **state)
{
	static const struct shape_row rows[] = {
		{ "RAID0, 2 to 3", 2, { { 0, "N 0,1" } }, 1, GROW(2, 3, 0x802), 0, { "N<GEN<N 0,1,2/0,1 u0" },
		  { 3 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID0, 1 to 2", 1, { { 0, "N 0" } }, 1, GROW(1, 2, 0x801), 0, { "N<GEN<N 0,1/0 u0" },
		  { 2 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID0, 3 to 4", 3, { { 0, "N 0,1,2" } }, 1, GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" },
		  { 4 * 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID5, 3 to 4", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" },
		  { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "RAID5, 3 to 5, a spare is left", 3, { { 5, "N 0,1,2" } }, 3, GROW(3, 5, 0x804, 0x805), 0,
		  { "N<GEN<N 0,1,2,3,4/0,1,2 u0" }, { 4 * 65536, 512, 67584, 128, 5, 1 } },
		{ "slots in another order", 3, { { 5, "N 2,0,1" } }, 1, GROW(3, 4, 0x803), 0,
		  { "N<GEN<N 2,0,1,3/2,0,1 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "the volumes behind wait", 3, { { 5, "N 0,1,2" }, { 0, "N 2,1,0" }, { 5, "U 0,1,2" } }, 1,
		  GROW(3, 4, 0x803), 0, { "N<GEN<N 0,1,2,3/0,1,2 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
		{ "flags and states are kept", 3, { { 5, "D 0,1x!,2 f1" } }, 1, GROW(3, 4, 0x803), 0,
		  { "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u0" }, { 3 * 65536, 512, 67584, 128, 5, 1 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* In the order of the message, not of the list. */
static void test_grow_takes_disks_in_order(void **state)
{
	static const struct shape_message m = GROW(3, 5, 0x805, 0x803);

	(void)state;
	shape_ordinary();
	ifx_spare(&ifx);
	imsm_volume_set_unit(VOL(0), 7);
	VOL(0)->head.status = le32_make(IMSM_VOL_VERIFY_AND_FIX);
	VOL(0)->head.dirty = IMSM_DIRTY;
	shape_assert_applied(&m);
	assert_int_equal(ifx.dl[5].index, 3);
	assert_int_equal(ifx.dl[3].index, 4);
	assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(ifx.dl[4].record.status), IMSM_DISK_SPARE);
	assert_true(ifx_table_serial_is(&ifx, 3, "DISK5"));
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK3"));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(le32_get(ifx.c.meta.disk[i].status), IMSM_DISK_CONFIGURED);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3,4/0,1,2 u0");
	assert_int_equal(le32_get(VOL(0)->head.status), 0);
	assert_int_equal(VOL(0)->head.dirty, IMSM_DIRTY);
	assert_int_equal(le32_get(ifx.c.meta.header.family_num), 0x1000);
	assert_true(shape_migr_record_cleared());
}

/* 100 strips of 128 = 12800 sectors are 6 whole MiB of each of three data members. */
static void test_grow_whole_mib(void **state)
{
	static const struct shape_message m = GROW(3, 4, 0x803);

	(void)state;
	shape_ordinary();
	imsm_map_set_stripes(MAP0(0), 100);
	imsm_map_set_blocks_per_member(MAP0(0), 12800 + 2048);
	imsm_volume_set_blocks(VOL(0), 2 * 6 * MIB);
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 3 * 6 * MIB);
	assert_int_equal(imsm_map_stripes(MAP0(0)), 100);
	assert_int_equal(imsm_map_blocks_per_member(MAP0(0)), 12800 + 2048);
}

static void test_grow_above_2_tib(void **state)
{
	static const struct shape_message m = GROW(3, 4, 0x803);

	(void)state;
	shape_ordinary();
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	imsm_map_set_stripes(MAP0(0), 3ull << 25); /* of 128: 3 << 32 sectors */
	imsm_volume_set_blocks(VOL(0), 6ull << 32);
	shape_assert_refused(&m, -ENOSPC); /* the new disk is too small */
	imsm_disk_set_blocks(&ifx.dl[3].record, 4ull << 32);
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 9ull << 32);
	assert_true(le32_get(ifx.c.meta.header.attributes) & IMSM_ATTR_2TB);
}

/* 8.1: minor 0..7, major 8..19, minor 8..19 at 20..31. */
static void test_device_numbers(void **state)
{
	static const struct {
		unsigned major_number, minor_number;
		uint32_t word;
	} rows[] = {
		{ 7, 3, 0x00000703 },
		{ 8, 255, 0x000008ff },
		{ 8, 256, 0x00100800 },
		{ 259, 300, 0x0011032c },
		{ 65, 0x12345, 0x12304145 },
		{ 4095, 0, 0x000fff00 },
		{ 0, 0xfff00, 0xfff00000 },
		{ 4095, 0xfffff, 0xffffffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shape_message m = GROW(3, 4, (int32_t)rows[i].word);

		shape_ordinary(); /* the last bits of the minor number alone would name another spare */
		ifx.dl[3].dev = makedev(rows[i].major_number, rows[i].minor_number);
		ifx.dl[4].dev = makedev(rows[i].major_number, rows[i].minor_number ^ 0x100);
		shape_assert_applied(&m);
		assert_int_equal(ifx.dl[3].index, 3);
		assert_int_equal(ifx.dl[4].index, IMSM_INDEX_SPARE);
	}
}

static void test_grow_contradictions(void **state)
{
	static const struct shape_row rows[] = {
		{ "no volume", 3, { { 0, NULL } }, 1, GROW(3, 4, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "old is less", 3, { { 5, "N 0,1,2" } }, 2, GROW(2, 4, 0x803, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "old is more", 3, { { 5, "N 0,1,2" } }, 1, GROW(4, 5, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "a disk of no volume", 4, { { 5, "N 0,1,2" } }, 1, GROW(4, 5, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "the same", 4, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x804), -EINVAL, { NULL }, { 0 } },
		{ "a volume on fewer disks", 3, { { 5, "N 0,1,2" }, { 0, "N 0,1" } }, 1, GROW(3, 4, 0x803), -EINVAL,
		  { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 1, GROW(2, 3, 0x802), -EINVAL, { NULL }, { 0 } },
		{ "RAID10", 4, { { 10, "N 0,1,2,3" } }, 2, GROW(4, 6, 0x804, 0x805), -EINVAL, { NULL }, { 0 } },
		{ "RAID10 behind", 4, { { 0, "N 0,1,2,3" }, { 10, "N 0,1,2,3" } }, 1, GROW(4, 5, 0x804), -EINVAL,
		  { NULL }, { 0 } },
		{ "reshaping", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 1, GROW(4, 5, 0x804), -EBUSY, { NULL },
		  { 0 } },
		{ "rebuilding", 3, { { 5, "N<REBUILD<D 0,1,2/0,1,2! f2 u2" } }, 1, GROW(3, 4, 0x803), -EBUSY,
		  { NULL }, { 0 } },
		{ "the second resyncs", 3, { { 5, "N 0,1,2" }, { 5, "N<REPAIR<N 0,1,2/0,1,2 u2" } }, 1,
		  GROW(3, 4, 0x803), -EBUSY, { NULL }, { 0 } },
		{ "lost", 3, { { 5, "F 0x!,1x!,2 f0" } }, 1, GROW(3, 4, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "the RAID0 behind is lost", 3, { { 5, "D 0x!,1,2 f0" }, { 0, "N 0x,1,2" } }, 1, GROW(3, 4, 0x803),
		  -EINVAL, { NULL }, { 0 } },
		{ "a disk of the RAID0 is missing", 2, { { 0, "N 0,1?" } }, 1, GROW(2, 3, 0x802), -EINVAL, { NULL },
		  { 0 } },
		/* what it says of an earlier reshape cannot be zeroed */
		{ "a member cannot be read", 3, { { 5, "N 0,1?,2" } }, 1, GROW(3, 4, 0x803), -EBUSY, { NULL }, { 0 } },
		{ "the same, chunk", 3, { { 5, "N 0,1?,2" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 128), -EBUSY, { NULL }, { 0 } },
		{ "unknown device", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x80f), -ENODEV, { NULL }, { 0 } },
		{ "the second is unknown", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 5, 0x803, 0x80f), -ENODEV, { NULL },
		  { 0 } },
		{ "a member", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x802), -EBUSY, { NULL }, { 0 } },
		{ "member 0", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 4, 0x800), -EBUSY, { NULL }, { 0 } },
		{ "the second is a member", 3, { { 5, "N 0,1,2" } }, 1, GROW(3, 5, 0x803, 0x802), -EBUSY, { NULL },
		  { 0 } },
		{ "twice", 3, { { 5, "N 0,1,2" } }, 2, GROW(3, 5, 0x803, 0x803), -EINVAL, { NULL }, { 0 } },
		{ "twice among three", 3, { { 5, "N 0,1,2" } }, 2, GROW(3, 6, 0x803, 0x804, 0x803), -EINVAL,
		  { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_grow_unfit_disk(void **state)
{
	static const struct shape_message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	shape_ordinary();
	ifx.dl[4].index = IMSM_INDEX_UNRELATED;
	shape_assert_refused(&m, -EINVAL);
	shape_ordinary();
	ifx.dl[4].record.status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_FAILED);
	shape_assert_refused(&m, -EINVAL);
	shape_ordinary();
	ifx.disk[4].sector_size = 4096;
	shape_assert_refused(&m, -EINVAL);
	shape_ordinary();
	memcpy(ifx.dl[4].serial, ifx.dl[1].serial, IMSM_SERIAL_LEN);
	shape_assert_refused(&m, -EINVAL);
}

/*
 * mdadm's record of how far it has come does not go to a disk that is back since it has looked, and who goes on with the reshape
 * would believe what that disk's last sector says.
 */
static void test_grow_sets_aside_who_is_back(void **state)
{
	static const struct shape_row rows[] = {
		{ "slot 0", 3, { { 5, "D 0!,1,2 f0" } }, 1, GROW(3, 4, 0x803), 0, { "D<GEN<D 0x?!,1,2,3/0x?!,1,2 f0 u0" }, { 0 } },
		{ "slot 1", 3, { { 5, "D 2,0!,1 f1" } }, 1, GROW(3, 4, 0x803), 0, { "D<GEN<D 2,0x?!,1,3/2,0x?!,1 f1 u0" },
		  { 0 } },
		{ "slot 2", 3, { { 5, "D 0,1,2! f2" } }, 1, GROW(3, 4, 0x803), 0, { "D<GEN<D 0,1,2!,3/0,1,2! f2 u0" },
		  { 0 } },
		{ "chunk", 3, { { 5, "D 0,1!,2 f1" } }, 0, MIGRATE(3, 3, 0, LEVEL_KEPT, 128), 0,
		  { "D<GEN<D 0,1x?!,2/0,1x?!,2 f1 u0" }, { 0 } },
		{ "both volumes go on without it", 3, { { 5, "D 0!,1,2 f0" }, { 5, "D 0!,1,2 f0" } }, 0,
		  MIGRATE(3, 3, 1, LEVEL_KEPT, 128), 0, { "D 0x?!,1,2 f0", "D<GEN<D 0x?!,1,2/0x?!,1,2 f0 u0" }, { 0 } },
		{ "another volume has its data there", 3, { { 5, "D 0!,1,2 f0" }, { 0, "N 0,1,2" } }, 0,
		  MIGRATE(3, 3, 0, LEVEL_KEPT, 128), 0, { "D<GEN<D 0!,1,2/0!,1,2 f0 u0", "N 0,1,2" }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* md runs without it, and has not written since: nothing is on record yet. */
static void test_grow_sets_aside_what_md_lacks(void **state)
{
	static const struct shape_message m = GROW(3, 4, 0x803);
	static const bool has[MAX_SLOTS] = { false, true, true };

	(void)state;
	shape_ordinary();
	imsm_note_slots(&ifx.c, 0, has);
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "D<GEN<D 0x?!,1,2,3/0x?!,1,2 f0 u0");
	assert_int_equal(ifx.dl[0].index, IMSM_INDEX_UNRELATED);
	assert_true(ifx.dl[0].has_migr_record); /* that is zeroed at the end */
	assert_int_equal(le32_get(ifx.c.meta.disk[0].scsi_id), IMSM_SCSI_ID_MISSING);
}

static void test_grow_4kn(void **state)
{
	static const struct shape_message m = GROW(3, 5, 0x803, 0x804);

	(void)state;
	shape_ordinary();
	ifx.c.sector_size = 4096;
	shape_assert_refused(&m, -EINVAL);
	ifx.disk[3].sector_size = ifx.disk[4].sector_size = 4096;
	shape_assert_applied(&m);
	assert_int_equal(imsm_volume_blocks(VOL(0)), 4 * 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_grow_takes_disks_in_order),
		cmocka_unit_test(test_grow_whole_mib),
		cmocka_unit_test(test_grow_above_2_tib),
		cmocka_unit_test(test_device_numbers),
		cmocka_unit_test(test_grow_contradictions),
		cmocka_unit_test(test_grow_unfit_disk),
		cmocka_unit_test(test_grow_sets_aside_who_is_back),
		cmocka_unit_test(test_grow_sets_aside_what_md_lacks),
		cmocka_unit_test(test_grow_4kn),
	};

	return cmocka_run_group_tests_name("imsm-migration-grow", tests, NULL, NULL);
}
