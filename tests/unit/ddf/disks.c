/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/disks.c: disks that come and go (ddf.md 10). */
#include "tests/unit/support/ddf-messages.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/support/ddf-captured.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct dfx_snapshot before;

/* ---- a disk comes (10.1) ---- */

static void assert_not_added(struct ddf_dl *dl, int expected)
{
	struct dfx_snapshot after;
	const char *why = NULL;

	dfx_save(&dfx, &before);
	assert_int_equal(ddf_add_disk(&dfx.c, dl, &why), expected);
	assert_non_null(why);
	dfx_save(&dfx, &after);
	assert_memory_equal(before.pd, after.pd, sizeof(after.pd));
	assert_memory_equal(before.vd, after.vd, sizeof(after.vd));
	assert_ptr_equal(before.disks, after.disks);
}

static void test_new_disk_is_a_global_spare(void **state)
{
	struct ddf_dl *dl;
	uint8_t entry[64];

	(void)state;
	dms_small_container();
	dl = dms_new_disk(4, 200000);
	memset((uint8_t *)dfx_pd(&dfx, 4) + DDF_GUID_LEN, 0, 64 - DDF_GUID_LEN); /* its GUID says that it is unused */
	dms_assert_added(dl);
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:05/01 4:05/01");
	assert_int_equal(dms_used(dfx.pd), 5);
	dfx_check_vd(0, "00/02 v3 0,1");

	memset(entry, 0xff, sizeof(entry));
	dfx_pd_guid(entry, 4);
	captured_hex(entry + 24, "0000 0104 0005 0001");
	captured_hex(entry + 32, "0000 0000 0002 0d40"); /* 200000 - 65536 */
	memcpy(entry + 40, " Information: nil", 18);
	assert_memory_equal(dfx_pd(&dfx, 4), entry, sizeof(entry));
}

static void test_new_disk_is_written_from_scratch(void **state)
{
	uint8_t data[DDF_SECTOR];
	struct ddf_dl *dl;

	(void)state;
	dms_small_container();
	dl = dms_new_disk(4, 200000);
	dl->given_up = true;
	dl->copy[0].good = dl->copy[1].good = dl->copy[0].failed = true;
	dms_assert_added(dl);
	assert_ptr_equal(dfx.c.disks, dl);
	assert_ptr_equal(dl->next, &dfx.dl[3]);
	assert_true(dms_all_ones(dl->config, FX_CONFIG_BYTES));
	assert_true(dl->copy[0].exists && dl->copy[1].exists);
	assert_false(dl->copy[0].good || dl->copy[1].good || dl->copy[0].failed || dl->given_up);
	assert_true(dl->anchor_due);
	assert_int_equal(be64_get(dl->header.primary_lba), 200000 - 32768);
	assert_int_equal(be64_get(dl->header.secondary_lba), 200000 - 65536);
	assert_int_equal(be64_get(dl->header.workspace_lba), 200000 - 65536);
	assert_int_equal(dl->at.primary_lba, 200000 - 32768);
	assert_int_equal(dl->at.secondary_lba, 200000 - 65536);
	assert_true(ddf_same_shape(&dl->at, &dfx.c.layout));
	assert_memory_equal(&dl->header.guid, dfx.c.header.guid, DDF_GUID_LEN);

	memset(data, 0xff, sizeof(data));
	captured_hex(data, "3333 3333");
	dfx_pd_guid(data + 8, 4);
	captured_hex(data + 32, "0000 0104 0101");
	memset(data + 38, ' ', 32);
	memcpy(data + 38, "Linux", 5);
	ddf_seal(data, sizeof(data));
	assert_memory_equal(dl->disk_data, data, sizeof(data));
}

/* 15, item 2. */
static void test_disks_that_come_together_get_an_entry_each(void **state)
{
	(void)state;
	dms_start("0:03/01 - 1:03/01");
	dms_assert_added(dms_new_disk(4, FX_SECTORS));
	dms_assert_added(dms_new_disk(5, FX_SECTORS));
	dfx_check_pds("0:03/01 4:05/01 1:03/01 5:05/01");
	assert_int_equal(dms_used(dfx.pd), 4);
	assert_ptr_equal(ddf_dl_by_ref(&dfx.c, dfx_ref(4)), &dfx.dl[4]);
	assert_ptr_equal(ddf_dl_by_ref(&dfx.c, dfx_ref(5)), &dfx.dl[5]);
}

static void test_reference_numbers_are_unique(void **state)
{
	static const struct {
		uint32_t random, used;
	} rows[] = {
		{ 0x100, 0x105 },      /* 0 to 3 are listed, a record names 4 */
		{ 0x102, 0x105 },
		{ 0x104, 0x105 },
		{ 0x106, 0x107 },      /* half an entry has it */
		{ 0, 1 },
		{ 0xffffffff, 1 },
		{ 0xfffffffe, 0xfffffffe },
		{ 0x77777777, 0x77777777 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ddf_dl *dl;

		dms_small_container();
		dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v3 2,4");
		dfx_pd(&dfx, 9)->refnum = be32_make(0x106);
		dl = dms_new_disk(8, FX_SECTORS);
		dl->refnum = rows[i].random;
		dms_assert_added(dl);
		assert_int_equal(dl->refnum, rows[i].used);
		assert_int_equal(be32_get(dfx_pd(&dfx, 4)->refnum), rows[i].used);
		assert_int_equal(be32_get(((struct ddf_disk_data *)dl->disk_data)->refnum), rows[i].used);
		dfx_free(&dfx);
	}
}

/* 15, item 30. */
static void test_disk_that_is_there_is_not_added_again(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	dms_small_container();
	dl = dms_new_disk(4, FX_SECTORS);
	dl->dev = dfx_dev(2);
	assert_not_added(dl, -EEXIST);
}

static void test_disk_without_room_in_the_table_is_not_added(void **state)
{
	(void)state;
	dms_start("0:05/01 1:05/01? 2:05/01? 3:05/01? 4:05/01? 5:05/01? 6:05/01? 7:05/01? 8:05/01? 9:05/01? 10:05/01? "
	      "11:05/01? 12:05/01? 13:05/01?");
	dms_assert_added(dms_new_disk(14, FX_SECTORS));
	assert_int_equal(dms_used(dfx.pd), FX_PDS);
	assert_not_added(dms_new_disk(15, FX_SECTORS), -ENOSPC);
}

static void test_more_disks_than_are_managed_are_not_added(void **state)
{
	static struct ddf_dl others[DDF_MAX_DISKS];
	struct ddf_dl *dl;

	(void)state;
	dms_small_container();
	dl = dms_new_disk(4, FX_SECTORS);
	for (unsigned i = 4; i < DDF_MAX_DISKS; i++) {
		others[i] = dfx.dl[0];
		others[i].dev = (dev_t)(0x10000 + i);
		others[i].next = dfx.c.disks;
		dfx.c.disks = &others[i];
	}
	assert_not_added(dl, -ENOSPC);
	dfx.c.disks = others[DDF_MAX_DISKS - 1].next;
	dms_assert_added(dl);
}

static void test_disks_that_are_too_small_are_not_added(void **state)
{
	(void)state;
	dms_small_container();
	assert_not_added(dms_new_disk(4, 0), -ENOSPC);
	assert_not_added(dms_new_disk(4, 1), -ENOSPC);
	assert_not_added(dms_new_disk(4, 65535), -ENOSPC);
	assert_not_added(dms_new_disk(4, 65536), -ENOSPC);
	dms_assert_added(dms_new_disk(4, 65537));
	assert_int_equal(be64_get(dfx_pd(&dfx, 4)->configured_size), 1);
	dfx.c.disks = NULL; /* nor if there is no other to compare it with */
	assert_not_added(dms_new_disk(5, 65536), -ENOSPC);
}

/* 15, item 12. */
static void test_disks_with_other_sectors_are_not_added(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	dms_small_container();
	dl = dms_new_disk(4, FX_SECTORS);
	dfx.disk[4].sector_size = 4096;
	assert_not_added(dl, -EINVAL);
}

static void test_first_disk_is_laid_out_as_mdadm_does(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	dms_start("0:05/01?");
	dfx.c.header.secondary_lba = be64_make(DDF_NO_LBA);
	dl = dms_new_disk(4, 200000);
	dms_assert_added(dl);
	assert_int_equal(dl->at.primary_lba, 200000 - 32768);
	assert_int_equal(dl->at.secondary_lba, 200000 - 65536);
	assert_int_equal(dl->at.workspace_lba, 200000 - 65536);
}

#define NONE DDF_NO_LBA

/* Places on a disk of 131072 sectors, and where they are on a new one. */
static void test_new_disk_is_laid_out_as_the_others_are(void **state)
{
	static const struct {
		uint64_t primary, secondary, workspace;
		uint64_t sectors;
		uint64_t new_primary, new_secondary, new_workspace; /* 0: too small */
		uint64_t configured;
	} rows[] = {
		{ 131000, NONE, 130000, 131072, 131000, NONE, 130000, 65536 },
		{ 131000, NONE, 130000, 100000, 99928, NONE, 98928, 34464 },
		{ 30000, 130000, 130000, 131072, 30000, 130000, 130000, 30000 },
		{ 130000, 30000, 130000, 200000, 198928, 98928, 198928, 98928 },
		{ 130000, 30000, 130000, 101073, 100001, 1, 100001, 1 },
		{ 130000, 30000, 130000, 101072, 0, 0, 0, 0 },
		{ 30000, 130000, 130000, 101072, 0, 0, 0, 0 },
		{ 131060, NONE, 130000, 131072, 0, 0, 0, 0 }, /* the sections would not fit */
		/* the workspace is allowed not to be there */
		{ 131000, NONE, 5000, 100000, 99928, NONE, 34464, 34464 },
		{ 131000, NONE, NONE, 100000, 99928, NONE, 34464, 34464 },
		{ 131000, NONE, 131072, 100000, 99928, NONE, 34464, 34464 },
		/* ... and what is between it and the rest counts */
		{ 131000, NONE, 31072, 131072, 131000, NONE, 31072, 31072 },
		{ 131000, NONE, 31072, 4000000, 3999928, NONE, 3900000, 3900000 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ddf_dl *dl;

		dms_small_container();
		dfx.dl[3].at.primary_lba = rows[i].primary;
		dfx.dl[3].at.secondary_lba = rows[i].secondary;
		dfx.dl[3].at.workspace_lba = rows[i].workspace;
		dl = dms_new_disk(4, rows[i].sectors);
		if (!rows[i].new_primary) {
			assert_not_added(dl, -ENOSPC);
			dfx_free(&dfx);
			continue;
		}
		dms_assert_added(dl);
		assert_int_equal(dl->at.primary_lba, rows[i].new_primary);
		assert_int_equal(dl->at.secondary_lba, rows[i].new_secondary);
		assert_int_equal(dl->at.workspace_lba, rows[i].new_workspace);
		assert_int_equal(be64_get(dl->header.primary_lba), rows[i].new_primary);
		assert_int_equal(be64_get(dl->header.secondary_lba), rows[i].new_secondary);
		assert_int_equal(dl->copy[DDF_SECOND_COPY].exists, rows[i].new_secondary != NONE);
		assert_int_equal(be64_get(dfx_pd(&dfx, 4)->configured_size), rows[i].configured);
		dfx_free(&dfx);
	}
}

/* All on disks of 40000000 sectors; the reserved part begins at 39934464. */
static void test_workspace_that_takes_too_much_does_not_count(void **state)
{
	static const struct {
		uint64_t workspace, configured;
	} rows[] = {
		{ 39934463, 39934463 },
		{ 39934464 - 2097152, 39934464 - 2097152 },
		{ 39934464 - 2097153, 39934464 - 2097153 }, /* over 1 GiB, but not 1/16 of the disk */
		{ 39934464 - 2500000, 39934464 - 2500000 }, /* 1/16 */
		{ 39934464 - 2500001, 39934464 },
		{ 1, 39934464 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		dms_small_container();
		dfx.disk[3].size = (uint64_t)40000000 * 512;
		dfx.dl[3].at.primary_lba = 40000000 - 32768;
		dfx.dl[3].at.secondary_lba = 40000000 - 65536;
		dfx.dl[3].at.workspace_lba = rows[i].workspace;
		dms_assert_added(dms_new_disk(4, 40000000));
		assert_int_equal(be64_get(dfx_pd(&dfx, 4)->configured_size), rows[i].configured);
		dfx_free(&dfx);
	}
}

/* ---- a disk goes (10.2) ---- */

static void test_disk_that_goes_is_missing(void **state)
{
	static const struct {
		const char *pds, *vd;
		bool live;
		unsigned n;
		const char *pds_after, *vd_after;
	} rows[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", true, 1, "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", true, 2, "0:03/01 1:03/01 2:05/41?", "00/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/0b", "00/02 v4 0,1", true, 2, "0:03/01 1:03/01 2:05/4b?", "00/02 v4 0,1" },
		/* 15, item 24: md has not said that it failed */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", true, 1, "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", false, 1, "0:03/01 1:03/41? 2:05/01", "01/02 v4 0,1" },
		/* the last one: md does not go on without it, and it has all data */
		{ "0:03/01 1:03/03? 2:05/01", "11/02 v4 0,1", true, 0, "0:03/41? 1:03/03? 2:05/01", "14/02 v4 0,1" },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		dms_start(rows[i].pds);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, rows[i].vd);
		dfx.volume[0].live = rows[i].live;
		dfx.volume[0].synced[0] = strstr(rows[i].pds, "1:03/03") ? 1 : 3;
		assert_ptr_equal(ddf_remove_disk(&dfx.c, dfx_dev(rows[i].n)), &dfx.dl[rows[i].n]);
		ddf_note_lost(&dfx.c);
		dfx_check_pds(rows[i].pds_after);
		dfx_check_vd(0, rows[i].vd_after);
		assert_int_equal(dms_used(dfx.pd), 3);
		assert_null(ddf_dl_by_dev(&dfx.c, dfx_dev(rows[i].n)));
		assert_null(dfx.dl[rows[i].n].next);
		dfx_free(&dfx);
	}
}

/* 15, item 31. */
static void test_all_that_name_a_lost_disk_are_degraded(void **state)
{
	(void)state;
	dms_small_container();
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "00/02 v4 1@16384,2@16384");
	dfx_volume(&dfx, 2, DDF_RAID1, 0, "00/02 v4 2@32768,3@32768");
	dfx.volume[0].live = true;
	assert_non_null(ddf_remove_disk(&dfx.c, dfx_dev(1)));
	dfx_check_vd(0, "01/02 v3 0,1");
	dfx_check_vd(1, "04/02 v4 1@16384,2@16384");
	dfx_check_vd(2, "00/02 v4 2@32768,3@32768");
}

static void test_rebuilds_onto_a_disk_that_goes_are_forgotten(void **state)
{
	(void)state;
	dms_small_container();
	dms_keep_room(0, 1, 2, 16384, FX_BLOCKS);
	dms_keep_room(0, 1, 3, 16384, FX_BLOCKS);
	assert_non_null(ddf_remove_disk(&dfx.c, dfx_dev(2)));
	assert_false(dfx.c.rebuild[0].used);
	assert_true(dfx.c.rebuild[1].used);
}

static void test_unknown_disk_that_goes_changes_nothing(void **state)
{
	(void)state;
	dms_small_container();
	dfx_save(&dfx, &before);
	assert_null(ddf_remove_disk(&dfx.c, dfx_dev(9)));
	dfx_assert_unchanged(&dfx, &before);
}

static void test_disk_without_entry_goes(void **state)
{
	(void)state;
	dms_small_container();
	dfx_present(&dfx, 9);
	assert_ptr_equal(ddf_remove_disk(&dfx.c, dfx_dev(9)), &dfx.dl[9]);
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

/* What is on it is not looked at. */
static void test_disk_that_comes_back_is_a_new_one(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	dms_small_container();
	dfx.volume[0].live = true;
	dfx.volume[0].synced[0] = 3;
	ddf_remove_disk(&dfx.c, dfx_dev(1));
	ddf_note_lost(&dfx.c);
	dl = dms_new_disk(1, FX_SECTORS);
	dfx_pd_guid(dl->guid, 7);
	dms_assert_added(dl);
	assert_int_equal(dl->refnum, 0x104);
	dfx_check_pds("0:03/01 1:03/43? 2:05/01 3:05/01 4:05/01");
	dfx_check_vd(0, "01/02 v3 0,1");
}

#define T(f) cmocka_unit_test_teardown(f, dms_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_disk_is_a_global_spare),
		T(test_new_disk_is_written_from_scratch),
		T(test_disks_that_come_together_get_an_entry_each),
		T(test_reference_numbers_are_unique),
		T(test_disk_that_is_there_is_not_added_again),
		T(test_disk_without_room_in_the_table_is_not_added),
		T(test_more_disks_than_are_managed_are_not_added),
		T(test_disks_that_are_too_small_are_not_added),
		T(test_disks_with_other_sectors_are_not_added),
		T(test_first_disk_is_laid_out_as_mdadm_does),
		T(test_new_disk_is_laid_out_as_the_others_are),
		T(test_workspace_that_takes_too_much_does_not_count),
		T(test_disk_that_goes_is_missing),
		T(test_all_that_name_a_lost_disk_are_degraded),
		T(test_rebuilds_onto_a_disk_that_goes_are_forgotten),
		T(test_unknown_disk_that_goes_changes_nothing),
		T(test_disk_without_entry_goes),
		T(test_disk_that_comes_back_is_a_new_one),
	};

	return cmocka_run_group_tests_name("ddf/disks", tests, NULL, NULL);
}
