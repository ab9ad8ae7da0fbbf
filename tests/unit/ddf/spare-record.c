/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/spare.c: what is recorded of a spare, and what is refused (ddf.md 9, 15 and 19). */
#include "tests/unit/support/ddf-spares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- recording ---- */

static void what_is_recorded(void **state)
{
	static const struct {
		unsigned prl, rlq;
		int level;
		const char *pds, *vd, *members, *picks, *pds_after, *vd_after;
	} row[] = {
		/* 19, T3 */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", "0,-", "1:2@0",
		  "0:03/01 1:05/0b 2:03/05", "01/02 v5 0,2" },
		/* 19, T2 */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/42? 2:05/01", "01/02 v5 0,_", "0,-", "1:2@0",
		  "0:03/01 2:03/05", "01/02 v6 0,2" },
		{ DDF_RAID6, 3, 6, "0:03/01 1:03/43? 2:03/01 3:03/43? 4:05/01 5:05/01", "01/02 v7 0,1,2,3",
		  "0,-,2,-", "1:5@0 3:4@0", "0:03/01 2:03/01 4:03/05 5:03/05", "01/02 v8 0,5,2,4" },
		/* 15, item 4: by the number of the BVD. Only the record that changes gets a new number (item 13). */
		{ DDF_RAID1, 0, 10, "0:03/01 1:03/01 2:03/03 3:03/01 4:03/01 5:03/01 6:05/01",
		  "01/02 v1 0,1 v2 2,3 v3 4,5", "0,1,-,3,4,5", "2:6@0",
		  "0:03/01 1:03/01 2:05/0b 3:03/01 4:03/01 5:03/01 6:03/05", "01/02 v1 0,1 v3 6,3 v3 4,5" },
		{ DDF_RAID1, 1, 10, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/43? 6:05/01",
		  "05/02 v1 0,1,2 v2 3,4,5", "0,1,2,3,4,-", "5:6@0",
		  "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 6:03/05", "05/02 v1 0,1,2 v3 3,4,6" },
		/* 15, item 10 */
		{ DDF_RAID5, 3, 5, "0:03/01 1:03/01 2:05/01", "01/00 v3 0,1,_", "0,1,-", "2:2@0",
		  "0:03/01 1:03/01 2:03/05", "01/00 v4 0,1,2" },
		{ DDF_RAID5, 3, 5, "0:03/01 1:03/01 2:05/01", "01/00 v3 0,1,-", "0,1,-", "2:2@0",
		  "0:03/01 1:03/01 2:03/05", "01/00 v5 0,1,2" },
		/* A rebuild goes on: nothing changes, */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,-", "1:1@777",
		  "0:03/01 1:03/05", "01/02 v4 0,1@777" },
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,1!@777", "1:1@777+",
		  "0:03/01 1:03/05", "01/02 v4 0,1@777" },
		/* unless md has it elsewhere, or it counted as good. */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,1!@800", "1:1@800+",
		  "0:03/01 1:03/05", "01/02 v5 0,1@800" },
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/01", "00/02 v4 0,1@777", "0,-", "1:1@777",
		  "0:03/01 1:03/05", "01/02 v4 0,1@777" },
		/* A disk that was left behind in the place of one that counts as good. */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", "0,2!@40", "1:2@40+",
		  "0:03/01 1:05/01 2:03/05", "01/02 v5 0,2@40" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, row[i].pds);
		dfx_volume(&dfx, 0, row[i].prl, row[i].rlq, row[i].vd);
		dfx_md(&dfx, row[i].level, row[i].rlq && row[i].level == 10 ? 0x103 : 0x102, row[i].members);
		dfx_open_array(0);
		assert_string_equal(dsp_find(0), row[i].picks);
		dsp_commit(0);
		dfx_check_vd(0, row[i].vd_after);
		dfx_check_pds(row[i].pds_after);
		for (unsigned k = 0; k < DDF_MAX_REBUILDS; k++)
			assert_false(dfx.c.rebuild[k].used);
	}
}

static void a_record_that_changed_has_the_time_of_the_change(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/03 3:03/01 4:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,1 v2 2,3");
	dfx_md(&dfx, 10, 0x102, "0,1,-,3");
	dfx_open_array(0);
	dsp_find(0);
	dsp_commit(0);
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 0)->timestamp), FX_BEFORE);
	assert_int_equal(be32_get(dfx_record(&dfx, 0, 1)->timestamp), FX_NOW);
}

/* 15, item 6 */
static void a_disk_of_another_virtual_disk_is_not_named_before_it_is_rebuilt(void **state)
{
	const struct ddf_rebuild *b;
	uint64_t start;

	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/43? 6:03/01 7:03/01", "01/02 v4 0,1");
	dfx_watch(0, 1, "0,-");
	dfx.md.component_size = FX_BLOCKS - 128;
	assert_string_equal(dsp_find(0), "1:7@16384");
	dsp_commit(0);
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_pds("0:03/01 1:03/43? 6:03/01 7:03/01");
	b = ddf_rebuild_of(&dfx.c, 0, dfx_ref(7));
	assert_non_null(b);
	assert_int_equal(b->slot, 1);
	assert_int_equal(b->start, 16384);
	assert_int_equal(b->length, FX_BLOCKS);
	assert_int_equal(ddf_slot_of(&dfx.c, 0, dfx_ref(7)), 1);
	/* Nobody else gets its room. */
	assert_int_equal(ddf_find_room(&dfx.c, dfx_ref(7), 1, &start), 0);
	assert_int_equal(start, 2 * FX_BLOCKS);
	dfx_tell(0, 1, "0,7!@16384");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_tell(0, 1, "0,7@16384");
	dfx_check_vd(0, "00/02 v5 0,7@16384");
	dfx_check_pds("0:03/01 6:03/01 7:03/01");
	assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(7)));
}

/* Else whoever assembles the arrays next takes it for good. */
static void a_disk_of_another_virtual_disk_that_counted_as_good_is_not_named_any_more(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 6:03/01 7:03/01", "00/02 v4 0,6@20000");
	dfx_open_array(0);
	dfx_write(0);
	dfx_check_vd(0, "01/02 v5 0,_");
	assert_string_equal(dsp_find(0), "1:7@16384");
	dsp_commit(0);
	dfx_check_vd(0, "01/02 v5 0,_");
	dfx_check_pds("0:03/01 6:03/01 7:03/01");
	assert_int_equal(ddf_rebuild_of(&dfx.c, 0, dfx_ref(7))->start, 16384);
	dfx_tell(0, 1, "0,7!@16384");
	dfx_tell(0, 1, "0,7@16384");
	dfx_check_vd(0, "00/02 v6 0,7@16384");
}

/* ... but "Rebuilding" says enough. */
static void a_disk_that_is_rebuilding_for_two_stays_named(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 6:03/05 7:03/01", "01/02 v4 0,6@20000");
	dfx_open_array(0);
	assert_string_equal(dsp_find(0), "1:6@20000");
	dsp_commit(0);
	dfx_check_vd(0, "01/02 v4 0,6@20000");
	dfx_check_pds("0:03/01 6:03/05 7:03/01");
	assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(6)));
}

static void one_disk_of_each_kind(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/43? 3:05/01 6:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	dfx_volume(&dfx, 5, DDF_RAID0, 0, "00/02 v1 6");
	dfx_md(&dfx, 1, 0, "0,-,-");
	dfx_open_array(0);
	assert_string_equal(dsp_find(0), "1:3@0 2:6@16384");
	dsp_commit(0);
	dfx_check_vd(0, "01/02 v5 0,3,2");
	dfx_check_pds("0:03/01 2:03/43? 3:03/05 6:03/01");
	assert_int_equal(ddf_rebuild_of(&dfx.c, 0, dfx_ref(6))->slot, 2);
}

/* Stale ones would keep room, and a slot. */
static void a_new_pick_replaces_what_was_meant_for_the_slot_or_for_the_disk(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01 6:03/01", "01/02 v4 0,1");
	dfx_open_array(0);
	assert_string_equal(dsp_find(0), "1:2@0");
	for (unsigned i = 0; i < 4; i++) {
		dsp_extent(i, i == 1 ? 2 : 6, 40000, 10);
		dfx.c.rebuild[i].vd = i == 3 ? 5 : 0;
		dfx.c.rebuild[i].slot = i == 0 || i == 3 ? 1 : 0;
	}
	dsp_commit(0);
	assert_false(dfx.c.rebuild[0].used); /* its slot */
	assert_false(dfx.c.rebuild[1].used); /* its disk */
	assert_true(dfx.c.rebuild[2].used);
	assert_true(dfx.c.rebuild[3].used);
}

static void a_member_that_is_replaced_is_not_known_to_be_in_sync(void **state)
{
	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v4 0,1");
	dfx_open_array(0);
	dsp_find(0);
	dfx.volume[0].synced[0] = 7;
	dsp_commit(0);
	assert_int_equal(dfx.volume[0].synced[0], 5);
}

/* A dedicated spare keeps its record, and its type. */
static void a_dedicated_spare_that_is_used_stays_one(void **state)
{
	static const unsigned serves[] = { 0 };

	(void)state;
	dsp_one_slot_is_empty("0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1");
	dfx_spare_record(&dfx, 2, true, 1, serves);
	dfx_open_array(0);
	dsp_find(0);
	dsp_commit(0);
	dfx_check_pds("0:03/01 2:0b/05");
}

/* ---- recording: what may have happened since ---- */

static void fails(void)
{
	dfx_fail_disk(&dfx, 2);
}

static void leaves(void)
{
	dfx_unlink(&dfx, 2);
}

static void loses_its_room(void)
{
	dsp_extent(0, 2, 100, 1);
}

static void comes_back(void)
{
	dfx_pd_state(&dfx, 1, 0x01);
}

static void is_kept_for_others(void)
{
	static const unsigned serves[] = { 5 };

	dfx_spare_record(&dfx, 2, true, 1, serves);
}

static void is_full(void)
{
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		*(be32 *)(void *)dsp_record_slot(2, i) = be32_make(DDF_VENDOR_MAGIC);
}

static void gets_another_slot(void)
{
	ddf_set_element_ref(dfx_record(&dfx, 0, 0), 0, dfx_ref(2));
}

static void ends(void)
{
	ddf_close_array(&dfx.c, 0);
}

static void is_deleted(void)
{
	free(dfx.volume[0].records);
	memset(&dfx.volume[0], 0, sizeof(dfx.volume[0]));
}

static void slot_negative(void)
{
	dsp_req.pick[0].slot = -1;
}

static void slot_too_large(void)
{
	dsp_req.pick[0].slot = 2;
}

static void nothing_picked(void)
{
	dsp_req.count = 0;
}

static void too_many(void)
{
	dsp_req.count = MAX_SPARE_PICKS + 1;
}

static void twice_the_slot(void)
{
	dsp_req.pick[1] = dsp_req.pick[0];
	dsp_req.pick[1].dev = dfx_dev(3);
	dsp_req.count = 2;
}

static void twice_the_disk(void)
{
	dsp_req.pick[1] = dsp_req.pick[0];
	dsp_req.pick[1].slot = 0;
	dsp_req.count = 2;
}

static void beyond_the_end(void)
{
	dsp_req.pick[0].data_offset = UINT64_MAX - 5;
}

static void too_large(void)
{
	dsp_req.pick[0].component_size = UINT64_MAX;
}

static void the_second_fails(void)
{
	dfx_pd_state(&dfx, 0, 0x03);
	dsp_req.pick[1] = dsp_req.pick[0];
	dsp_req.pick[1].slot = 0;
	dsp_req.pick[1].dev = dfx_dev(3);
	dfx_fail_disk(&dfx, 3);
	dsp_req.count = 2;
}

static void what_is_not_so_any_more_is_refused_completely(void **state)
{
	static const struct {
		void (*event)(void);
		int err;
	} row[] = {
		{ fails, -ESTALE }, { leaves, -ENODEV }, { loses_its_room, -ESTALE }, { comes_back, -ESTALE },
		{ is_kept_for_others, -ESTALE }, { is_full, -ESTALE }, { gets_another_slot, -ESTALE },
		{ ends, -ESTALE }, { is_deleted, -EINVAL }, { slot_negative, -EINVAL }, { slot_too_large, -EINVAL },
		{ nothing_picked, -EINVAL }, { too_many, -EINVAL }, { twice_the_slot, -EINVAL },
		{ twice_the_disk, -EINVAL }, { beyond_the_end, -ESTALE }, { too_large, -ESTALE },
		{ the_second_fails, -ESTALE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dsp_one_slot_is_empty("0:03/01 1:03/03 3:05/01 2:05/01", "01/02 v4 0,1");
		dfx_open_array(0);
		assert_string_equal(dsp_find(0), "1:2@0");
		row[i].event();
		dsp_refused(0, row[i].err);
	}
	dsp_refused(FX_VDS, -EINVAL);
	dsp_refused(3, -EINVAL);
}

/* ---- whole stories (19) ---- */

static void a_disk_fails_and_a_spare_takes_its_place(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_watch(0, 1, "0,1");
	dfx_tell(0, 1, "0,1x");
	dfx_check_pds("0:03/01 1:03/03 2:05/01");
	dfx_check_vd(0, "01/02 v4 0,1");
	assert_string_equal(dsp_find(0), "");
	dfx_tell(0, 1, "0,-");
	assert_string_equal(dsp_find(0), "1:2@0");
	dsp_commit(0);
	dfx_check_pds("0:03/01 1:05/0b 2:03/05");
	dfx_check_vd(0, "01/02 v5 0,2");
	dfx_tell(0, 1, "0,2!");
	dfx_tell(0, 1, "0,2");
	dfx_check_pds("0:03/01 1:05/0b 2:03/01");
	dfx_check_vd(0, "00/02 v6 0,2");
}

/* T1. What differs: the disk that serves m5 already is named in m1 when it has been rebuilt. */
static void two_arrays_lose_a_disk(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID5, 3, "00/02 v4 0@16384,1@16384,2");
	dfx_watch(0, 1, "0,1");
	dfx_watch(1, 5, "0,1,2");
	dfx_tell(0, 1, "0,1x");
	dfx_tell(1, 5, "0,1x,2");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v5 0@16384,1@16384,2");
	dfx_tell(0, 1, "0,-");
	assert_string_equal(dsp_find(0), "1:2@16384");
	dsp_commit(0);
	dfx_check_pds("0:03/01 1:03/03 2:03/01");
	assert_non_null(ddf_remove_disk(&dfx.c, dfx_dev(1)));
	dfx_check_pds("0:03/01 1:03/43? 2:03/01");
	dfx_pd_entry(&dfx, 3, 3, 0x05, 0x01);
	dl = dfx_present(&dfx, 3);
	assert_non_null(dl);
	dfx_tell(1, 5, "0,-,2");
	assert_string_equal(dsp_find(1), "1:3@0");
	dsp_commit(1);
	dfx_check_vd(1, "01/02 v6 0@16384,3,2");
	dfx_tell(0, 1, "0,2!@16384");
	dfx_tell(1, 5, "0,3!,2");
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
	dfx_tell(0, 1, "0,2@16384");
	dfx_check_vd(0, "00/02 v5 0,2@16384");
	dfx_check_pds("0:03/01 2:03/01 3:03/05");
	dfx_tell(1, 5, "0,3,2");
	dfx_check_vd(1, "00/02 v7 0@16384,3,2");
	dfx_check_pds("0:03/01 2:03/01 3:03/01");
}

/* T2 */
static void a_disk_that_was_absent_at_the_start_is_rebuilt_as_a_new_one(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE);
	dfx_check_pds("0:03/01 1:03/42?");
	dfx_check_vd(0, "01/02 v5 0,_");
	assert_string_equal(dsp_find(0), "");
	dfx_pd_entry(&dfx, 2, 2, 0x05, 0x01);
	dfx_present(&dfx, 2);
	assert_string_equal(dsp_find(0), "1:2@0");
	dsp_commit(0);
	dfx_check_pds("0:03/01 2:03/05");
	dfx_check_vd(0, "01/02 v6 0,2");
	dfx_tell(0, 1, "0,2!");
	dfx_tell(0, 1, "0,2");
	dfx_check_pds("0:03/01 2:03/01");
	dfx_check_vd(0, "00/02 v7 0,2");
}

/* md finished between the search and the commit, as it may with a member that a dead daemon had given to it. */
static void a_member_that_is_in_sync_by_now_is_not_rebuilt(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx_watch(0, 1, "0,1!");
	assert_string_equal(dsp_find(0), "1:1@0+");
	dfx_tell(0, 1, "0,1");
	dfx_check_vd(0, "00/02 v4 0,1");
	dsp_commit(0);
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "00/02 v4 0,1");
}

/* One new disk for two arrays: recorded in the first, kept in memory for the second (15, items 6 and 34). */
static void one_disk_is_rebuilt_for_two_arrays(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v7 0@16384,1@16384");
	dfx_watch(0, 1, "0,-");
	assert_string_equal(dsp_find(0), "1:2@0");
	dsp_commit(0);
	dfx_watch(1, 1, "0,-");
	assert_string_equal(dsp_find(1), "1:2@16384");
	dsp_commit(1);
	dfx_check_pds("0:03/01 1:03/43? 2:03/05");
	dfx_check_vd(0, "01/02 v5 0,2");
	dfx_check_vd(1, "01/02 v7 0@16384,1@16384");
	dfx_tell(0, 1, "0,2!");
	dfx_tell(1, 1, "0,2!@16384");
	/* The second one is done first. As "Rebuilding" the disk would be left out of it: the first one goes off the record. */
	dfx_tell(1, 1, "0,2@16384");
	dfx_check_pds("0:03/01 2:03/01");
	dfx_check_vd(0, "01/02 v6 0,_");
	dfx_check_vd(1, "00/02 v8 0@16384,2@16384");
	dfx_tell(0, 1, "0,2");
	dfx_check_pds("0:03/01 2:03/01");
	dfx_check_vd(0, "00/02 v7 0,2");
	dfx_check_vd(1, "00/02 v8 0@16384,2@16384");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_recorded),
		TEST(a_record_that_changed_has_the_time_of_the_change),
		TEST(a_disk_of_another_virtual_disk_is_not_named_before_it_is_rebuilt),
		TEST(a_disk_of_another_virtual_disk_that_counted_as_good_is_not_named_any_more),
		TEST(a_disk_that_is_rebuilding_for_two_stays_named),
		TEST(one_disk_of_each_kind),
		TEST(a_new_pick_replaces_what_was_meant_for_the_slot_or_for_the_disk),
		TEST(a_member_that_is_replaced_is_not_known_to_be_in_sync),
		TEST(a_dedicated_spare_that_is_used_stays_one),
		TEST(what_is_not_so_any_more_is_refused_completely),
		TEST(a_disk_fails_and_a_spare_takes_its_place),
		TEST(two_arrays_lose_a_disk),
		TEST(a_disk_that_was_absent_at_the_start_is_rebuilt_as_a_new_one),
		TEST(a_member_that_is_in_sync_by_now_is_not_rebuilt),
		TEST(one_disk_is_rebuilt_for_two_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
