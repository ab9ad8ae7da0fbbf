/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/room.c: room on disks, for data and for records. */
#include "tests/unit/support/ddf-spares.h"

#include <errno.h>
#include <string.h>

/* ---- room ---- */

#define CONF FX_CONFIGURED
#define NOWHERE UINT64_MAX

static void room_is_the_first_gap_that_is_large_enough(void **state)
{
	static const struct {
		struct {
			uint64_t start, length;
		} used[4];
		uint64_t length, expected;
	} row[] = {
		{ { { 0, 0 } }, 1, 0 },
		{ { { 0, 0 } }, CONF, 0 },
		{ { { 0, 0 } }, CONF + 1, NOWHERE },
		{ { { 0, 0 } }, UINT64_MAX, NOWHERE },
		{ { { 0, 100 } }, 50, 100 },
		{ { { 0, 100 } }, CONF - 100, 100 },
		{ { { 0, 100 } }, CONF - 99, NOWHERE },
		{ { { 50, 100 } }, 50, 0 },
		{ { { 50, 100 } }, 51, 150 },
		{ { { 200, 100 }, { 0, 100 } }, 100, 100 },
		{ { { 200, 100 }, { 0, 100 } }, 101, 300 },
		{ { { 200, 100 }, { 100, 100 }, { 0, 100 } }, 1, 300 },
		{ { { CONF - 10, 10 } }, CONF - 10, 0 },
		{ { { CONF - 10, 10 } }, CONF - 9, NOWHERE },
		{ { { 0, CONF } }, 1, NOWHERE },
		/* Overlapping, within each other, beyond the end (15, item 28). */
		{ { { 0, 100 }, { 50, 100 } }, 10, 150 },
		{ { { 0, 300 }, { 50, 100 } }, 10, 300 },
		{ { { 50, 100 }, { 0, 300 } }, 10, 300 },
		{ { { 100, CONF } }, 100, 0 },
		{ { { 100, CONF } }, 101, NOWHERE },
		{ { { CONF + 5, 100 } }, CONF, 0 },
		{ { { 100, UINT64_MAX } }, 100, 0 },
		{ { { 100, UINT64_MAX } }, 101, NOWHERE },
		{ { { 100, UINT64_MAX - 50 } }, 101, NOWHERE },
		{ { { UINT64_MAX, UINT64_MAX } }, CONF, 0 },
	};

	(void)state;
	dfx_disks(&dfx, "0:05/01 1:05/01");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t start = NOWHERE;
		int err;

		memset(dfx.c.rebuild, 0, sizeof(dfx.c.rebuild));
		for (unsigned k = 0; k < 4; k++)
			if (row[i].used[k].length)
				dsp_extent(k, 0, row[i].used[k].start, row[i].used[k].length);
		dsp_extent(10, 1, 0, CONF);
		err = ddf_find_room(&dfx.c, dfx_ref(0), row[i].length, &start);
		if (start != row[i].expected || err != (start == NOWHERE ? -ENOSPC : 0))
			fail_msg("row %zu: %d, %llu", i, err, (unsigned long long)start);
		if (!err)
			assert_true(ddf_is_free(&dfx.c, dfx_ref(0), start, row[i].length));
	}
}

static void extents_of_all_records_are_in_use(void **state)
{
	uint64_t start;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 1,0");
	dfx_volume(&dfx, 14, DDF_RAID1, 0, "00/02 v1 1@16384,2 v1 3,0@16384");
	assert_int_equal(ddf_find_room(&dfx.c, dfx_ref(0), 1, &start), 0);
	assert_int_equal(start, 2 * FX_BLOCKS);
	assert_int_equal(ddf_find_room(&dfx.c, dfx_ref(2), 1, &start), 0);
	assert_int_equal(start, FX_BLOCKS);
	assert_false(ddf_is_free(&dfx.c, dfx_ref(0), FX_BLOCKS, 1));
	assert_true(ddf_is_free(&dfx.c, dfx_ref(2), FX_BLOCKS, 1));
}

static void only_a_good_disk_has_room(void **state)
{
	static const struct {
		unsigned state;
		bool room;
	} row[] = {
		{ 0x01, true }, { 0x05, true }, { 0x09, true }, { 0x31, true },
		{ 0x00, false }, { 0x03, false }, { 0x41, false }, { 0x02, false },
	};
	uint64_t start;

	(void)state;
	dfx_disks(&dfx, "0:05/01");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_pd_state(&dfx, 0, row[i].state);
		assert_int_equal(ddf_find_room(&dfx.c, dfx_ref(0), 1, &start), row[i].room ? 0 : -ENOSPC);
	}
	assert_int_equal(ddf_find_room(&dfx.c, dfx_ref(1), 1, &start), -ENOSPC);
	assert_int_equal(ddf_find_room(&dfx.c, DDF_REF_NONE, 1, &start), -ENOSPC);
}

static void an_extent_is_free_if_nothing_lies_in_it(void **state)
{
	static const struct {
		uint64_t start, length;
		bool is_free;
	} row[] = {
		{ 0, 100, true }, { 0, 101, false }, { 99, 1, true }, { 100, 1, false }, { 199, 1, false },
		{ 200, 1, true }, { 150, 10, false }, { 50, 500, false }, { CONF - 1, 1, true },
		{ CONF - 1, 2, false }, { CONF, 1, false }, { UINT64_MAX, 2, false }, { 200, UINT64_MAX, false },
		{ 200, UINT64_MAX - 100, false },
	};

	(void)state;
	dfx_disks(&dfx, "0:05/01");
	dsp_extent(0, 0, 100, 100);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (ddf_is_free(&dfx.c, dfx_ref(0), row[i].start, row[i].length) != row[i].is_free)
			fail_msg("row %zu", i);
	assert_false(ddf_is_free(&dfx.c, dfx_ref(1), 0, 1));
}

/* ---- record slots ---- */

static void a_disk_takes_as_many_records_as_it_has_slots(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	for (unsigned vd = 0; vd < 7; vd++)
		dfx_volume(&dfx, vd, DDF_RAID0, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 7, DDF_RAID1, 0, "00/02 v1 1,2 v1 0,-"); /* one record of two */
	assert_false(ddf_has_record_slot(&dfx.c, &dfx.dl[0]));
	assert_false(ddf_has_record_slot(&dfx.c, &dfx.dl[1]));
	assert_true(ddf_has_record_slot(&dfx.c, &dfx.dl[2]));
	dfx_vd_guid(dfx_record(&dfx, 7, 1)->guid, 7);
	ddf_set_element_ref(dfx_record(&dfx, 7, 1), 0, DDF_REF_MISSING);
	assert_true(ddf_has_record_slot(&dfx.c, &dfx.dl[0]));
}

static void a_rebuild_in_memory_takes_a_slot_unless_its_record_has_one(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	for (unsigned vd = 0; vd < 6; vd++)
		dfx_volume(&dfx, vd, DDF_RAID0, 0, "00/02 v1 0,1");
	dsp_extent(0, 0, 0, 1);
	dfx.c.rebuild[0].vd = 5;
	dsp_extent(1, 1, 0, 1);
	dsp_extent(2, 1, 0, 1);
	dfx.c.rebuild[2].vd = 8;
	assert_true(ddf_has_record_slot(&dfx.c, &dfx.dl[0]));
	assert_false(ddf_has_record_slot(&dfx.c, &dfx.dl[1]));
	dfx.c.rebuild[2].used = false;
	assert_true(ddf_has_record_slot(&dfx.c, &dfx.dl[1]));
}

static void what_is_not_understood_keeps_its_slot(void **state)
{
	static const struct {
		const char *what;
		bool keeps;
	} row[] = {
		{ "vendor", true }, { "unknown", true }, { "bad crc", true }, { "not loaded", true },
		{ "empty", false }, { "zero", false }, { "known", false }, { "deleted", false }, { "last", false },
		{ "bad crc of known", false }, { "other mirror of known", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		bool last = !strcmp(row[i].what, "last");
		be32 *slot;

		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01");
		for (unsigned vd = 1; vd < 8; vd++)
			dfx_volume(&dfx, vd, DDF_RAID0, 0, "00/02 v1 0,1");
		dfx_volume(&dfx, 0, DDF_RAID0, 0, "00/02");
		slot = (be32 *)(void *)dsp_record_slot(0, last ? FX_RECORDS - 1 : FX_RECORDS - 2);
		if (!strcmp(row[i].what, "vendor") || last)
			*slot = be32_make(DDF_VENDOR_MAGIC);
		else if (!strcmp(row[i].what, "unknown"))
			*slot = be32_make(0x12345678);
		else if (!strcmp(row[i].what, "zero"))
			*slot = be32_make(0);
		else if (strcmp(row[i].what, "empty") != 0)
			dfx_vdc_head((struct ddf_vdc *)(void *)slot, strstr(row[i].what, " known") || !strcmp(row[i].what, "known") ? 1 :
				    !strcmp(row[i].what, "deleted") ? 12 : 0, DDF_RAID0, 0,
				    !strncmp(row[i].what, "other mirror", 12), 1);
		if (be32_get(*slot) == DDF_VDC_MAGIC && strncmp(row[i].what, "bad crc", 7) != 0)
			ddf_seal(slot, FX_RECORD_SECTORS * DDF_SECTOR);
		if (ddf_has_record_slot(&dfx.c, &dfx.dl[0]) == row[i].keeps)
			fail_msg("%s", row[i].what);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(room_is_the_first_gap_that_is_large_enough),
		TEST(extents_of_all_records_are_in_use),
		TEST(only_a_good_disk_has_room),
		TEST(an_extent_is_free_if_nothing_lies_in_it),
		TEST(a_disk_takes_as_many_records_as_it_has_slots),
		TEST(a_rebuild_in_memory_takes_a_slot_unless_its_record_has_one),
		TEST(what_is_not_understood_keeps_its_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
