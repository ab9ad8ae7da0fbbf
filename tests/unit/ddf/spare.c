/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/spare.c: which disk is chosen for which slot (ddf.md 9 and 15). */
#include "tests/unit/support/ddf-spares.h"

#include <errno.h>
#include <string.h>

/* ---- does the array qualify? ---- */

static void arrays_that_can_be_rebuilt_get_a_spare(void **state)
{
	static const struct {
		int level, layout;
		unsigned prl, rlq;
		const char *vd, *members, *picks;
	} row[] = {
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,-", "1:9@0" },
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "-,1", "0:9@0" },
		{ 1, 0, DDF_RAID1, 0, "00/02 v1 0,1", "0,1", "" },
		{ 1, 0, DDF_RAID1, 0, "04/02 v1 0,1", "-,-", "" },
		{ 1, 0, DDF_RAID1, 1, "01/02 v1 0,1,2", "0,-,-", "1:9@0 2:8@0" },
		{ 4, 0, DDF_RAID4, 1, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 4, 0, DDF_RAID4, 1, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 5, 2, DDF_RAID5, 3, "00/02 v1 0,1,2", "0,1,2", "" },
		{ 5, 2, DDF_RAID5, 3, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 6, 10, DDF_RAID6, 3, "05/02 v1 0,1,2,3", "0,-,2,3", "1:9@0" },
		{ 6, 10, DDF_RAID6, 3, "00/02 v1 0,1,2,3", "0,1,2,3", "" },
		{ 6, 10, DDF_RAID6, 3, "04/02 v1 0,1,2,3", "0,-,-,-", "" },
		/* 15, item 1: a disk for each slot. */
		{ 6, 10, DDF_RAID6, 3, "01/02 v1 0,1,2,3", "0,-,2,-", "1:9@0 3:8@0" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3", "0,1,-,3", "2:9@0" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3", "0,-,-,3", "1:9@0 2:8@0" },
		{ 10, 0x102, DDF_RAID1, 0, "04/02 v1 0,1 v1 2,3", "0,1,-,-", "" },
		{ 10, 0x102, DDF_RAID1, 0, "00/02 v1 0,1 v1 2,3", "0,1,2,3", "" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3 v1 4,5", "0,1,2,3,4,-", "5:9@0" },
		{ 10, 0x103, DDF_RAID1, 1, "01/02 v1 0,1,2 v1 3,4,5", "0,-,-,3,4,5", "1:9@0 2:8@0" },
		{ 10, 0x103, DDF_RAID1, 1, "04/02 v1 0,1,2 v1 3,4,5", "0,1,2,-,-,-", "" },
		/* 15, item 32 */
		{ 10, 0x102, DDF_RAID1E, 0, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 10, 0x102, DDF_RAID1E, 0, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 10, 0x102, DDF_RAID1E, 0, "01/02 v1 0,1,2,3,4", "-,1,-,3,4", "0:9@0 2:8@0" },
		{ 10, 0x201, DDF_RAID1E, 1, "01/02 v1 0,1,2,3", "0,-,2,-", "1:9@0 3:8@0" },
		{ 10, 0x201, DDF_RAID1E, 1, "04/02 v1 0,1,2,3", "0,-,-,3", "" },
		{ 0, 0, DDF_RAID0, 0, "04/02 v1 0,1", "0,-", "" },
		/* Wait until md lets the failed one go; one that has vanished is gone. */
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,1x", "" },
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,1?", "1:9@0" },
		{ 1, 0, DDF_RAID1, 1, "01/02 v1 0,1,2", "0,1x,-", "" },
		/* md and the metadata disagree. */
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,2", "0,-,2,3", "" },
		{ 1, 0, DDF_RAID1, 0, "01/02", "0,-", "" },
		/* 15, item 10 */
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,-", "0,1,-", "2:9@0" },
		{ 10, 0x102, DDF_RAID1, 0, "04/02 v1 0,1 ?", "0,1,2,-", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/03 1:03/03 2:03/03 3:03/03 4:03/03 5:03/03 8:05/01 9:05/01");
		dfx_volume(&dfx, 0, row[i].prl, row[i].rlq, row[i].vd);
		dfx_md(&dfx, row[i].level, row[i].layout, row[i].members);
		for (unsigned n = 0; n < dfx.members; n++)
			if (dfx.member[n].state == MEMBER_IN_SYNC)
				dfx_pd_state(&dfx, (unsigned)(dfx.member[n].dev - dfx_dev(0)), 0x01);
		if (strcmp(dsp_find(0), row[i].picks) != 0)
			fail_msg("row %zu: level %d, %s: %s", i, row[i].level, row[i].members, dsp_picks());
	}
}

static void an_array_of_no_virtual_disk_gets_no_spare(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:05/01");
	dfx_md(&dfx, 1, 0, "0,-");
	assert_string_equal(dsp_find(0), "");
	assert_string_equal(dsp_find(FX_VDS), "");
	assert_string_equal(dsp_find(UINT32_MAX), "");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,_");
	assert_string_equal(dsp_find(0), "1:1@0");
	dfx.c.layout.max_vd = 0;
	assert_string_equal(dsp_find(0), "");
}

/* ---- which disk? ---- */

static void which_disk_is_fit(void **state)
{
	static const struct {
		const char *pds, *vd, *picks;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "1:3@0" },
		{ "0:03/01 1:03/03 2:05/05", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/09", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:01/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/03", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/41", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/00", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/01?", "01/02 v1 0,1", "" },
		/* Kept for somebody, nobody knows whom. */
		{ "0:03/01 1:03/03 2:09/01", "01/02 v1 0,1", "" },
		/* One of another virtual disk, behind that; an unused one is better. */
		{ "0:03/01 1:03/03 6:03/01 7:03/01", "01/02 v1 0,1", "1:7@16384" },
		{ "0:03/01 1:03/03 2:05/01 6:03/01 7:03/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 6:03/01 7:03/01 2:05/01", "01/02 v1 0,1", "1:2@0" },
		/* Its own, which was not finished, where it is (15, item 5). */
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@777", "1:1@777" },
		{ "0:03/01 6:03/05 2:05/01 7:03/01", "01/02 v1 0,6@30000", "1:6@30000" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v1 0,1@777", "1:1@777" },
		/* It lies where something else is, or beyond the end. */
		{ "0:03/01 6:03/05 7:03/01", "01/02 v1 0,6@10", "1:7@16384" },
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@60000", "1:2@0" },
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@18446744073709551615", "1:2@0" },
		/* It counts as good, so nobody takes its place. */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v1 0,1@60000", "" },
		{ "0:03/01 1:03/01? 2:05/01", "00/02 v1 0,1@60000", "1:2@0" },
		/* Nothing is known of the one that was there. */
		{ "0:03/01 2:05/01", "01/02 v1 0,_", "1:2@0" },
		{ "0:03/01 2:05/01", "01/02 v1 0,-", "1:2@0" },
		/* Named in another slot. */
		{ "0:03/01 1:03/01 2:03/03", "01/02 v1 1,2", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dsp_one_slot_is_empty(row[i].pds, row[i].vd);
		if (strcmp(dsp_find(0), row[i].picks) != 0)
			fail_msg("row %zu: %s", i, dsp_picks());
	}
}

static void a_dedicated_spare_comes_first(void **state)
{
	static const struct {
		unsigned serves[3];
		unsigned count;
		bool dedicated;
		const char *picks; /* with disk 2, which has the record, and 3, which has none */
		const char *alone; /* with disk 2 only */
	} row[] = {
		{ { 0 }, 1, true, "1:2@0", "1:2@0" },
		{ { 4, 5, 0 }, 3, true, "1:2@0", "1:2@0" },
		{ { 4 }, 1, true, "1:3@0", "" },
		{ { 0 }, 0, true, "1:3@0", "" },
		{ { 4 }, 1, false, "1:3@0", "1:2@0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1");
		dfx_spare_record(&dfx, 2, row[i].dedicated, row[i].count, row[i].serves);
		assert_string_equal(dsp_find(0), row[i].picks);
		dfx_unlink(&dfx, 3);
		assert_string_equal(dsp_find(0), row[i].alone);
	}
}

/* Entries beyond the populated ones do not count, nor what a wrong number would promise (15, item 29). */
static void a_spare_record_is_read_within_its_bounds(void **state)
{
	static const unsigned serves[] = { 4, 0 };
	struct ddf_spare *s;

	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	s = dfx_spare_record(&dfx, 2, true, 2, serves);
	s->populated = be16_make(1);
	ddf_seal(s, FX_RECORD_SECTORS * DDF_SECTOR);
	assert_string_equal(dsp_find(0), "");
	s->populated = be16_make(0xffff);
	ddf_seal(s, FX_RECORD_SECTORS * DDF_SECTOR);
	assert_string_equal(dsp_find(0), "1:2@0");
}

static void a_damaged_spare_record_is_none(void **state)
{
	static const unsigned serves[] = { 0 };

	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	dfx_spare_record(&dfx, 2, true, 1, serves)->timestamp = be32_make(1);
	assert_string_equal(dsp_find(0), "");
}

/* It may lie in any slot, and what serves other virtual disks already is not better than what serves none. */
static void a_spare_record_may_lie_anywhere(void **state)
{
	static const unsigned serves[] = { 0 };
	size_t bytes = FX_RECORD_SECTORS * DDF_SECTOR;

	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 6:03/01 2:05/01", "01/02 v1 0,1");
	dfx_spare_record(&dfx, 6, true, 1, serves);
	memcpy(dsp_record_slot(6, 0), dsp_record_slot(6, FX_RECORDS - 1), bytes);
	memset(dsp_record_slot(6, FX_RECORDS - 1), 0xff, bytes);
	assert_string_equal(dsp_find(0), "1:6@16384");
	((struct ddf_spare *)(void *)dsp_record_slot(6, 0))->type = 0;
	ddf_seal(dsp_record_slot(6, 0), bytes);
	assert_string_equal(dsp_find(0), "1:2@0");
}

static void a_disk_that_is_being_rebuilt_for_others_is_not_unused(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1");
	dsp_extent(0, 3, 0, FX_BLOCKS);
	assert_string_equal(dsp_find(0), "1:2@0");
	dfx_unlink(&dfx, 2);
	assert_string_equal(dsp_find(0), "1:3@16384");
}

/* An old record that names it may be on it, and would count beside the new one. */
static void a_disk_that_is_behind_is_not_taken(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	dfx.dl[2].record_due = true;
	assert_string_equal(dsp_find(0), "");
	dfx.dl[2].record_due = false;
	dfx.dl[2].late = true;
	assert_string_equal(dsp_find(0), "");
	dfx.dl[2].late = false;
	assert_string_equal(dsp_find(0), "1:2@0");
}

/* Only absent disks have a record of volume 1: it may name a disk that is in use, and that did not take all records. */
static void a_disk_that_an_unknown_record_may_name_is_not_taken(void **state)
{
	static const struct {
		const char *pds, *other, *picks;
		bool lacks;
	} row[] = {
		{ "0:03/01 1:03/03 2:03/01 3:03/01?", "04/02 v1 4,5 ?", "", true },
		{ "0:03/01 1:03/03 2:03/01 3:03/01?", "04/02 v1 4,5 ?", "1:2@0", false },
		{ "0:03/01 1:03/03 2:05/01 3:03/01?", "04/02 v1 4,5 ?", "1:2@0", true },
		{ "0:03/01 1:03/03 2:03/01 3:03/43?", "04/02 v1 4,5 ?", "", true }, /* it has failed, and its records are read */
		{ "0:03/01 1:03/03 2:03/01", "04/02 v1 4,5 ?", "1:2@0", true },
		{ "0:03/01 1:03/03 2:03/01 3:03/01?", "04/02 v1 4,5 v1 6,7", "1:2@0", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dsp_one_slot_is_empty(row[i].pds, "01/02 v1 0,1");
		dfx_volume(&dfx, 1, DDF_RAID1, 0, row[i].other);
		dfx.dl[2].may_lack_records = row[i].lacks;
		if (strcmp(dsp_find(0), row[i].picks) != 0)
			fail_msg("row %zu: %s", i, dsp_picks());
	}
	/* Its own, which was not finished. */
	dsp_one_slot_is_empty("0:03/01 1:03/05 2:05/01 3:03/01?", "01/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "04/02 v1 4,5 ?");
	dfx.dl[1].may_lack_records = true;
	assert_string_equal(dsp_find(0), "1:1@0");
}

static void a_disk_without_a_free_record_slot_is_not_taken(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		*(be32 *)(void *)dsp_record_slot(2, i) = be32_make(DDF_VENDOR_MAGIC);
	assert_string_equal(dsp_find(0), "");
	/* What names it already has one. */
	dsp_one_slot_is_empty("0:03/01 1:03/05 2:05/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 2 < FX_RECORDS; i++)
		*(be32 *)(void *)dsp_record_slot(1, i) = be32_make(DDF_VENDOR_MAGIC);
	assert_string_equal(dsp_find(0), "1:1@0");
}

static void the_extent_has_room_for_the_larger_of_both_sizes(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 6:03/01", "01/02 v1 0,1");
	dfx_pd_of(&dfx, 6)->configured_size = be64_make(2 * FX_BLOCKS);
	dfx.md.component_size = FX_BLOCKS - 128;
	assert_string_equal(dsp_find(0), "1:6@16384");
	dfx_pd_of(&dfx, 6)->configured_size = be64_make(2 * FX_BLOCKS - 1);
	assert_string_equal(dsp_find(0), "");
	dfx_pd_of(&dfx, 6)->configured_size = be64_make(2 * FX_BLOCKS);
	dfx.md.component_size = FX_BLOCKS + 1;
	assert_string_equal(dsp_find(0), "");
}

static void a_member_of_the_array_is_no_spare_for_it(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03 2:05/01 3:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 1, "01/02 v1 0,1,_");
	dfx_md(&dfx, 1, 0, "0,-,3");
	assert_string_equal(dsp_find(0), "1:2@0");
	dfx_md(&dfx, 1, 0, "0,-,3?");
	assert_string_equal(dsp_find(0), "1:3@0 2:2@0");
}

static void with_too_many_rebuilds_no_disk_of_others_is_taken(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03 2:03/03 6:03/01 7:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 1, "01/02 v1 0,1,2");
	dfx_volume(&dfx, 5, DDF_RAID1, 0, "00/02 v1 6,7");
	dfx_md(&dfx, 1, 0, "0,-,-");
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		dsp_extent(i, 12, 0, 1);
	assert_string_equal(dsp_find(0), "");
	dfx.c.rebuild[60].used = false;
	assert_string_equal(dsp_find(0), "1:7@16384");
	dfx.c.rebuild[1].used = false;
	assert_string_equal(dsp_find(0), "1:7@16384 2:6@16384");
	dfx.c.rebuild[1].used = true;
	dfx_open_array(0);
	dsp_refused(0, -ENOSPC);
}

/* ---- what a dead daemon left behind ---- */

static void a_member_left_behind_is_taken_where_it_is(void **state)
{
	static const struct {
		const char *pds, *vd, *members, *picks;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "0,2!@40", "1:2@40+" },
		{ "0:03/01 1:03/03 6:03/01 3:05/01", "01/02 v1 0,1", "0,6!@20000", "1:6@20000+" },
		{ "0:03/01 1:03/03 2:03/05 3:05/01", "01/02 v1 0,2@40", "0,2!@40", "1:2@40+" },
		{ "0:03/01 1:03/01 2:05/01 3:05/01", "00/02 v1 0,1", "0,2!@40", "1:2@40+" },
		/* Rebuilt to the end: nothing is to be done. */
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "0,2@40", "" },
		/* It cannot be used, but the slot is not free either. */
		{ "0:03/01 1:03/03 6:03/01 3:05/01", "01/02 v1 0,1", "0,6!@16383", "" },
		{ "0:03/01 1:03/03 2:05/03 3:05/01", "01/02 v1 0,1", "0,2!@40", "" },
		{ "0:03/01 1:03/03 3:05/01", "01/02 v1 0,1", "0,2!@40", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dsp_one_slot_is_empty(row[i].pds, row[i].vd);
		dfx_md(&dfx, 1, 0, row[i].members);
		if (strcmp(dsp_find(0), row[i].picks) != 0)
			fail_msg("row %zu: %s", i, dsp_picks());
	}
}

static void what_was_left_behind_keeps_its_room_and_its_slot(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 6:03/01 7:03/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 3 < FX_RECORDS; i++)
		*(be32 *)(void *)dsp_record_slot(6, i) = be32_make(DDF_VENDOR_MAGIC);
	dfx_md(&dfx, 1, 0, "0,6!@20000");
	dfx_open_array(0);
	dfx_tell(0, 1, "0,6!@20000");
	assert_false(ddf_has_record_slot(&dfx.c, &dfx.dl[6]));
	assert_string_equal(dsp_find(0), "1:6@20000+");
	dsp_commit(0);
	dfx_check_vd(0, "01/02 v1 0,1");
	assert_non_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(6)));
	assert_string_equal(dsp_find(0), "1:6@20000+");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(arrays_that_can_be_rebuilt_get_a_spare),
		TEST(an_array_of_no_virtual_disk_gets_no_spare),
		TEST(which_disk_is_fit),
		TEST(a_dedicated_spare_comes_first),
		TEST(a_spare_record_is_read_within_its_bounds),
		TEST(a_damaged_spare_record_is_none),
		TEST(a_spare_record_may_lie_anywhere),
		TEST(a_disk_that_is_being_rebuilt_for_others_is_not_unused),
		TEST(a_disk_that_is_behind_is_not_taken),
		TEST(a_disk_that_an_unknown_record_may_name_is_not_taken),
		TEST(a_disk_without_a_free_record_slot_is_not_taken),
		TEST(the_extent_has_room_for_the_larger_of_both_sizes),
		TEST(a_member_of_the_array_is_no_spare_for_it),
		TEST(with_too_many_rebuilds_no_disk_of_others_is_taken),
		TEST(a_member_left_behind_is_taken_where_it_is),
		TEST(what_was_left_behind_keeps_its_room_and_its_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
