/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/events.c: arrays come, change their state, and go (ddf.md 4, 5, 15 and 19). */
#include "tests/unit/support/ddf-steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- open ---- */

static void an_array_is_bound_to_a_virtual_disk_that_is_known(void **state)
{
	bool broken[FX_DISKS];

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02");
	dfx_volume(&dfx, 2, DDF_RAID1, 0, "00/02 ? ?");
	dfx_md(&dfx, 1, 0, "0,1");
	assert_int_equal(ddf_open_array(&dfx.c, 1, dfx.member, dfx.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&dfx.c, 2, dfx.member, dfx.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&dfx.c, 3, dfx.member, dfx.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&dfx.c, FX_VDS, dfx.member, dfx.members, broken), -ENODEV);
	assert_int_equal(ddf_open_array(&dfx.c, UINT32_MAX, dfx.member, dfx.members, broken), -ENODEV);
	assert_false(dfx.volume[1].live || dfx.volume[2].live || dfx.volume[3].live);
	dfx.c.layout.max_vd = 0;
	assert_int_equal(ddf_open_array(&dfx.c, 0, dfx.member, dfx.members, broken), -ENODEV);
	dfx.c.layout.max_vd = FX_VDS;
	assert_int_equal(ddf_open_array(&dfx.c, 0, dfx.member, dfx.members, broken), 0);
	assert_true(dfx.volume[0].live);
	assert_int_equal(ddf_open_array(&dfx.c, 0, dfx.member, dfx.members, broken), -EBUSY);
	ddf_close_array(&dfx.c, 0);
	assert_int_equal(ddf_open_array(&dfx.c, 0, dfx.member, dfx.members, broken), 0);
}

static void a_member_that_has_failed_on_record_is_broken(void **state)
{
	static const unsigned pd_state[] = { 0x01, 0x05, 0x03, 0x41, 0x00, 0x31, 0x02 };
	static const bool expected[] = { false, false, true, true, true, false, true, false, false };
	bool broken[9];

	(void)state;
	for (unsigned n = 0; n < 7; n++)
		dfx_pd_entry(&dfx, n, n, 0x03, pd_state[n]);
	for (unsigned n = 0; n < 8; n++)
		dfx_present(&dfx, n); /* disk 7 is not in the table, disk 8 not in the container */
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "00/02 v1 0,1,2,3,4,5,6,7,8");
	dfx_md(&dfx, 5, 0, "0,1,2,3,4,5,6,7,8");
	memset(broken, 0xff, sizeof(broken));
	assert_int_equal(ddf_open_array(&dfx.c, 0, dfx.member, dfx.members, broken), 0);
	for (unsigned n = 0; n < 9; n++)
		assert_int_equal(broken[n], expected[n]);
}

/* 15, item 10 */
static void positions_never_filled_become_slots(void **state)
{
	static const struct {
		unsigned prl;
		const char *before, *members, *after;
	} row[] = {
		{ DDF_RAID5, "01/00 v2 0,1,-", "0,1,-", "01/00 v3 0,1,_" },
		{ DDF_RAID5, "01/00 v2 0,-,2", "0,-,2", "01/00 v3 0,_,2" },
		{ DDF_RAID5, "01/00 v2 -,1,2", "-,1,2", "01/00 v3 _,1,2" },
		{ DDF_RAID6, "01/00 v2 0,-,2,-", "0,-,2,-", "01/00 v3 0,_,2,_" },
		{ DDF_RAID1, "01/00 v2 0,- v2 -,3", "0,-,-,3", "01/00 v3 0,_ v3 _,3" },
		{ DDF_RAID1, "01/00 v2 0,1 v2 -,3", "0,1,-,3", "01/00 v2 0,1 v3 _,3" },
		{ DDF_RAID1, "04/00 v2 0,- ?", "0,-,-,-", "04/00 v3 0,_ ?" },
		{ DDF_RAID5, "01/00 v2 0,1,_", "0,1,-", "01/00 v2 0,1,_" },
		/* One more member, which the records do not name (a rebuild in memory), says nothing. */
		{ DDF_RAID5, "01/00 v2 0,1,-", "0,1,5", "01/00 v3 0,1,_" },
		/* md has slots that were counted: it stays so. */
		{ DDF_RAID5, "01/00 v2 0,-,2", "0,2,-", "01/00 v2 0,-,2" },
		{ DDF_RAID5, "01/00 v2 -,1,2", "1,2,-", "01/00 v2 -,1,2" },
		{ DDF_RAID1, "01/00 v2 0,1 v2 -,3", "0,1,3,-", "01/00 v2 0,1 v2 -,3" },
		/* Nobody can say. */
		{ DDF_RAID5, "01/00 v2 0,1,-", "8,9,-", "01/00 v2 0,1,-" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/01");
		dfx_volume(&dfx, 0, row[i].prl, 3, row[i].before);
		dfx_md(&dfx, 5, 0, row[i].members);
		dfx_open_array(0);
		dfx_check_vd(0, row[i].after);
		ddf_close_array(&dfx.c, 0);
		dfx_open_array(0);
		dfx_check_vd(0, row[i].after);
	}
}

/* A member without a slot in md says nothing of positions. */
static void a_member_that_was_taken_away_does_not_keep_holes_from_being_filled(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/03");
	dfx_volume(&dfx, 0, DDF_RAID6, 3, "01/00 v2 0,1,2,-");
	dfx_md(&dfx, 6, 0, "0,1,2,-");
	dfx.member[2].slot = -1;
	dfx_open_array(0);
	dfx_check_vd(0, "01/00 v3 0,1,2,_");
}

static void what_was_rebuilt_in_memory_is_forgotten_when_the_array_ends(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx.c.rebuild[3] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(2) };
	dfx.c.rebuild[4] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 1, .refnum = dfx_ref(2) };
	dfx_watch(0, 1, "0,1");
	ddf_close_array(&dfx.c, 0);
	assert_false(dfx.volume[0].live);
	assert_false(dfx.c.rebuild[3].used);
	assert_true(dfx.c.rebuild[4].used);
}

/* ---- an array's state ---- */

static void consistency_and_init_state(void **state)
{
	static const struct {
		enum consistency want;
		uint64_t resync_start;
		const char *after;
		enum consistency got;
	} row[] = {
		{ MARK_DIRTY, SECTORS_NONE, "10/02", MARK_DIRTY },
		{ MARK_DIRTY, FX_BLOCKS, "10/02", MARK_DIRTY },
		{ MARK_DIRTY, 0, "10/00", MARK_DIRTY },
		{ MARK_DIRTY, 1, "10/01", MARK_DIRTY },
		{ MARK_DIRTY, FX_BLOCKS - 1, "10/01", MARK_DIRTY },
		{ MARK_CLEAN, SECTORS_NONE, "00/02", MARK_CLEAN },
		{ MARK_CLEAN, 0, "00/00", MARK_CLEAN },
		{ MARK_CLEAN, 5, "00/01", MARK_CLEAN },
		{ MARK_DECIDE, SECTORS_NONE, "00/02", MARK_CLEAN },
		{ MARK_DECIDE, 0, "10/00", MARK_DIRTY },
		{ MARK_DECIDE, 5, "10/01", MARK_DIRTY },
	};
	static const unsigned before[] = { 0x00, 0x10 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(row) / sizeof(row[0]); i++) {
		char text[64];

		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01");
		sprintf(text, "%02x/%02x v1 0,1", before[i % 2], i % 3 ? 3u : 0u);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, text);
		dfx_watch(0, 1, "0,1");
		dfx.md.resync_start = row[i / 2].resync_start;
		for (unsigned twice = 0; twice < 2; twice++) {
			assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, row[i / 2].want), row[i / 2].got);
			sprintf(text, "%s v1 0,1", row[i / 2].after);
			dfx_check_vd(0, text);
		}
	}
}

static void other_bits_of_state_and_init_state_stay(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "09/c1 v1 0,1");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
	dfx_check_vd(0, "19/c2 v1 0,1");
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_CLEAN);
	dfx_check_vd(0, "09/c2 v1 0,1");
}

static void a_resync_goes_over_what_its_level_says(void **state)
{
	static const struct {
		int level, layout, disks;
		uint64_t size; /* sectors */
	} row[] = {
		{ 1, 0, 2, FX_BLOCKS },           { 4, 0, 3, FX_BLOCKS },          { 5, 2, 4, FX_BLOCKS },
		{ 6, 10, 5, FX_BLOCKS },          { 10, 0x102, 4, FX_BLOCKS * 2 }, { 10, 0x102, 6, FX_BLOCKS * 3 },
		{ 10, 0x103, 6, FX_BLOCKS * 2 },  { 10, 0x201, 4, FX_BLOCKS * 2 }, { 10, 0x102, 3, FX_BLOCKS * 3 / 2 },
		{ 10, 0x202, 4, FX_BLOCKS },      { 10, 0, 4, FX_BLOCKS * 4 },      { 0, 0, 2, 0 },
	};

	(void)state;
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct ddf_md_array md = {
			.level = row[i].level, .layout = row[i].layout, .raid_disks = row[i].disks,
			.component_size = FX_BLOCKS, .resync_start = row[i].size,
		};

		ddf_set_array_state(&dfx.c, 0, &md, MARK_DIRTY);
		assert_int_equal(dfx_vd(&dfx, 0)->init_state, DDF_INITIALISED);
		if (!row[i].size)
			continue;
		md.resync_start--;
		ddf_set_array_state(&dfx.c, 0, &md, MARK_DIRTY);
		assert_int_equal(dfx_vd(&dfx, 0)->init_state, DDF_QUICK_INIT);
	}
}

/* ---- disks that are missing when an array starts ---- */

static void a_disk_that_is_missing_at_the_start_is_lost(void **state)
{
	static const struct {
		unsigned prl;
		const char *pds, *vd, *pds_after, *vd_after;
	} row[] = {
		/* 19, T2 */
		{ DDF_RAID1, "0:03/01 1:03/01?", "00/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v5 0,_" },
		{ DDF_RAID1, "0:03/01? 1:03/01", "00/02 v3 0,1", "0:03/42? 1:03/01", "01/02 v5 _,1" },
		/* Known to have failed: that stays. */
		{ DDF_RAID1, "0:03/01 1:03/03?", "01/02 v3 0,1", "0:03/01 1:03/43?", "01/02 v4 0,_" },
		{ DDF_RAID1, "0:03/01 1:03/43?", "01/02 v3 0,1", "0:03/01 1:03/43?", "01/02 v4 0,_" },
		{ DDF_RAID1, "0:03/01 1:03/05?", "01/02 v3 0,1", "0:03/01 1:03/46?", "01/02 v4 0,_" },
		/* Not online, not in the table, or there: left alone. */
		{ DDF_RAID1, "0:03/01 1:03/42?", "01/02 v3 0,1", "0:03/01 1:03/42?", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01", "01/02 v3 0,1", "0:03/01", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01 1:03/03", "01/02 v3 0,1", "0:03/01 1:03/03", "01/02 v3 0,1" },
		{ DDF_RAID1, "0:03/01", "01/02 v3 0,-", "0:03/01", "01/02 v3 0,-" },
		{ DDF_RAID6, "0:03/01? 1:03/01 2:03/01? 3:03/01", "00/02 v3 0,1,2,3",
		  "0:03/42? 1:03/01 2:03/42? 3:03/01", "01/02 v6 _,1,_,3" },
		/* Only the records concerned. */
		{ DDF_RAID1, "0:03/01 1:03/01 2:03/01 3:03/01?", "00/02 v3 0,1 v7 2,3",
		  "0:03/01 1:03/01 2:03/01 3:03/42?", "01/02 v3 0,1 v9 2,_" },
		{ DDF_RAID1, "0:03/01 1:03/01? 2:03/01? 3:03/01", "00/02 v3 0,1 v7 2,3",
		  "0:03/01 1:03/42? 2:03/42? 3:03/01", "01/02 v5 0,_ v9 _,3" },
		/* The state is brought up to date whatever was lost. */
		{ DDF_RAID1, "0:03/01 1:03/03", "00/02 v3 0,1", "0:03/01 1:03/03", "01/02 v3 0,1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, row[i].pds);
		dfx_volume(&dfx, 0, row[i].prl, 3, row[i].vd);
		dfx_md(&dfx, 1, 0, "-,-");
		dfx_open_array(0);
		for (unsigned twice = 0; twice < 2; twice++) {
			ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
			dfx_check_pds(row[i].pds_after);
			dfx_check_vd(0, row[i].vd_after);
		}
	}
}

/* It failed, or was taken out, under this daemon or an earlier one: nobody trusts it. */
static void what_is_known_of_a_missing_disk_stays_while_the_array_runs(void **state)
{
	static const char *const pds[] = { "0:03/01 1:03/03?", "0:03/01 1:03/41?", "0:03/01 1:03/43?", "0:03/01 1:03/05?" };

	(void)state;
	for (size_t i = 0; i < sizeof(pds) / sizeof(pds[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, pds[i]);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
		dfx_md(&dfx, 1, 0, "0,-");
		dfx_open_array(0);
		dfx_write(0);
		dfx_check_pds(pds[i]);
		dfx_check_vd(0, "01/02 v3 0,1");
	}
}

/* Only one of them runs, and the disk may come yet. */
static void a_disk_that_is_missing_is_not_lost_for_others(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "00/02 v3 0@16384,1@16384");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
	dfx_check_vd(0, "01/02 v5 0,_");
	dfx_check_vd(1, "00/02 v3 0@16384,1@16384");
	dfx_check_pds("0:03/01 1:03/01?");
	dfx_again();
	/* nobody has said yet which disks the other one is on */
	dfx_disks(&dfx, "0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 ? v3 2,3");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
	dfx_check_pds("0:03/01 1:03/01?");
}

static void a_disk_that_is_missing_is_lost_when_nobody_waits_for_it(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v3 0@16384,1@16384");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
	dfx_open_array(1);
	ddf_set_array_state(&dfx.c, 1, &dfx.md, MARK_DECIDE);
	dfx_check_vd(0, "01/02 v5 0,_");
	dfx_check_vd(1, "01/02 v5 0@16384,_@16384");
	dfx_check_pds("0:03/01 1:03/42?");
}

/* What has failed is not good for anybody, whoever may name it. */
static void a_failed_disk_that_is_missing_stays_failed(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "04/02 v3 0@16384,1@16384");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
	dfx_check_pds("0:03/01 1:03/43?");
	dfx_check_vd(1, "04/02 v3 0@16384,1@16384");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_array_is_bound_to_a_virtual_disk_that_is_known),
		TEST(a_member_that_has_failed_on_record_is_broken),
		TEST(positions_never_filled_become_slots),
		TEST(a_member_that_was_taken_away_does_not_keep_holes_from_being_filled),
		TEST(what_was_rebuilt_in_memory_is_forgotten_when_the_array_ends),
		TEST(consistency_and_init_state),
		TEST(other_bits_of_state_and_init_state_stay),
		TEST(a_resync_goes_over_what_its_level_says),
		TEST(a_disk_that_is_missing_at_the_start_is_lost),
		TEST(what_is_known_of_a_missing_disk_stays_while_the_array_runs),
		TEST(a_disk_that_is_missing_is_not_lost_for_others),
		TEST(a_disk_that_is_missing_is_lost_when_nobody_waits_for_it),
		TEST(a_failed_disk_that_is_missing_stays_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
