/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/tidy.c: order among the disks after a message (ddf.md 8.4). */
#include "tests/unit/support/ddf-messages.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_disks_are_put_in_order(void **state)
{
	static const struct {
		const char *before, *records, *after;
		unsigned used;
	} rows[] = {
		/* what is named is active, the others are spares */
		{ "0:05/01 1:05/01 2:03/01", "v1 0,1", "0:03/01 1:03/01 2:05/01", 3 },
		{ "0:02/01 1:1007/01 2:1000/01", "v1 0,1", "0:02/01 1:1003/01 2:1004/01", 3 },
		{ "0:03/01 1:03/01 2:09/01", "v1 0,1", "0:03/01 1:03/01 2:05/01", 3 },
		/* named, but absent */
		{ "0:03/01 1:05/01? 2:03/41?", "v1 0,1", "0:03/01 1:05/01? 2:03/41?", 3 },
		/* failed */
		{ "0:03/01 1:03/03 2:05/01", "v1 0,1", "0:03/01 1:03/03 2:05/01", 3 },
		{ "0:03/01 1:03/0b 2:05/01", "v1 0,1", "0:03/01 1:03/03 2:05/01", 3 },
		{ "0:03/01 1:03/03 2:05/01", "v1 0,2", "0:03/01 1:05/0b 2:03/01", 3 },
		{ "0:03/01 1:03/43? 2:05/01", "v1 0,1", "0:03/01 1:03/43? 2:05/01", 3 },
		{ "0:03/01 1:03/43? 2:05/01", "v1 0,2", "0:03/01 2:03/01", 2 },
		/* left out: forgotten when nothing lacks a disk any more (10.5) */
		{ "0:03/42? 1:03/42? 2:05/01", "v1 _,2", "0:03/4a? 1:03/4a? 2:03/01", 3 },
		{ "0:03/42? 1:05/01 2:05/01", "v1 1,2", "1:03/01 2:03/01", 2 },
		/* and not as long as it may be the only one that has a record */
		{ "0:03/01 1:03/43? 2:05/01", "v1 0,2 ?", "0:03/01 1:03/4b? 2:03/01", 3 },
		/* Transition is ours only with Failed */
		{ "0:03/09 1:03/01 2:05/09", "v1 0,1", "0:03/09 1:03/01 2:05/09", 3 },
		/* nobody rebuilds it */
		{ "0:03/01 1:03/05 2:05/05", "v1 0,1", "0:03/01 1:03/05 2:05/01", 3 },
		/* but an absent disk may have a record that names it */
		{ "0:03/01 1:03/05? 2:05/01", "v1 0,_", "0:03/01 1:03/05? 2:05/01", 3 },
		{ "0:03/01 1:03/01 2:03/05 3:03/01?", "v1 0,1 ?", "0:03/01 1:03/01 2:05/05 3:03/01?", 4 },
		/* holes stay if nothing is dropped */
		{ "0:03/01 - 1:03/01 - 2:05/01", "v1 0,1", "0:03/01 - 1:03/01 - 2:05/01", 3 },
		{ "- 0:03/01 - 1:05/42? - 2:05/01", "v1 0,2", "0:03/01 2:03/01", 2 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		char volume[64];

		dms_start(rows[i].before);
		snprintf(volume, sizeof(volume), "00/02 %s", rows[i].records);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, volume);
		dfx_count(dfx.pd, 3);
		ddf_tidy_disks(&dfx.c);
		dfx_check_pds(rows[i].after);
		assert_int_equal(dms_used(dfx.pd), rows[i].used);
		dfx_check_vd(0, volume);
		dfx_free(&dfx);
	}
}

/* The volume that it was rebuilt for names it no more: a RAID 0 that does would never start. */
static void test_nothing_is_rebuilt_for_a_raid0(void **state)
{
	static const struct {
		unsigned prl;
		const char *after, *volume;
	} rows[] = {
		{ DDF_RAID0, "0:03/01 1:03/01", "00/02 v1 0,1" },
		{ DDF_RAID1, "0:03/01 1:03/05", "04/02 v1 0,1" },
		{ 0x25, "0:03/01 1:03/05", "04/02 v1 0,1" }, /* RAID5EE: not for us to say */
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		dms_start("0:03/01 1:03/05");
		dfx_volume(&dfx, 0, rows[i].prl, 0, "04/02 v1 0,1");
		ddf_tidy_disks(&dfx.c);
		dfx_check_pds(rows[i].after);
		dfx_check_vd(0, rows[i].volume);
		dfx_free(&dfx);
	}
}

/* 15, item 7: mdadm lists whatever has a reference number. */
static void test_dropped_entries_leave_nothing(void **state)
{
	(void)state;
	dms_start("0:03/42? 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 1,2");
	memcpy(dfx_pd(&dfx, 7), dfx_pd(&dfx, 0), 64);
	memset(dfx_pd(&dfx, 7)->guid, 0xff, DDF_GUID_LEN); /* so was an entry dropped before */
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("1:03/01 2:03/01");
	assert_int_equal(dms_used(dfx.pd), 2);
	assert_true(dms_all_ones(dfx_pd(&dfx, 2), (FX_PDS - 2) * 64));
}

static void test_entries_move_whole(void **state)
{
	struct ddf_pd_entry moved;

	(void)state;
	dms_start("0:03/42? 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 1,2");
	memset(dfx_pd(&dfx, 1)->path, 0x5a, 18);
	dfx_pd(&dfx, 1)->configured_size = be64_make(4711);
	moved = *dfx_pd(&dfx, 1);
	ddf_tidy_disks(&dfx.c);
	assert_memory_equal(dfx_pd(&dfx, 0), &moved, sizeof(moved));
}

static void test_disks_with_a_spare_record_are_no_global_spares(void **state)
{
	(void)state;
	dms_small_container();
	dfx_spare_record(&dfx, 1, true, 0, NULL);
	dfx_spare_record(&dfx, 2, true, 0, NULL);
	dfx_pd_of(&dfx, 1)->type = be16_make(0x07);
	dfx_pd_of(&dfx, 2)->type = be16_make(0x07);
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:0b/01 2:09/01 3:05/01");
}

static void test_spare_record_that_is_broken_does_not_count(void **state)
{
	(void)state;
	dms_small_container();
	dfx_spare_record(&dfx, 2, true, 0, NULL)->type ^= 4;
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:05/01");
}

/* It was good for others only. */
static void test_disk_that_failed_for_one_is_kept_for_others_only(void **state)
{
	(void)state;
	dms_small_container();
	dfx.dl[1].unfit = dfx.dl[2].unfit = true;
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:03/01 2:05/0b 3:05/01");
}

static void test_spare_record_counts_in_any_slot(void **state)
{
	(void)state;
	dms_small_container();
	memcpy(dfx.config[2], dfx_spare_record(&dfx, 2, true, 0, NULL), DMS_RECORD);
	memset(dfx.config[2] + (FX_RECORDS - 1) * DMS_RECORD, 0xff, DMS_RECORD);
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:03/01 2:09/01 3:05/01");
}

#define T(f) cmocka_unit_test_teardown(f, dms_end)

/* Nobody could add another disk. */
static void test_full_table_keeps_nobody(void **state)
{
	(void)state;
	dms_start("0:03/01 1:03/43? 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,2 ?");
	dfx.c.layout.max_pd = 3;
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 2:03/01");
	dfx_free(&dfx);
}

/* A record on absent disks may name it: the next daemon must know that it is no spare. */
static void test_disk_that_an_unknown_record_may_name_stays_active(void **state)
{
	(void)state;
	dms_start("0:03/01 1:03/01 2:03/01 3:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1 ?");
	dfx.dl[2].may_lack_records = true;
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:03/01 2:03/01 3:03/01?");
	dfx.dl[2].may_lack_records = false;
	ddf_tidy_disks(&dfx.c);
	dfx_check_pds("0:03/01 1:03/01 2:05/01 3:03/01?");
	dfx_free(&dfx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_disks_are_put_in_order),
		T(test_nothing_is_rebuilt_for_a_raid0),
		T(test_disk_that_an_unknown_record_may_name_stays_active),
		T(test_full_table_keeps_nobody),
		T(test_dropped_entries_leave_nothing),
		T(test_entries_move_whole),
		T(test_disks_with_a_spare_record_are_no_global_spares),
		T(test_spare_record_that_is_broken_does_not_count),
		T(test_disk_that_failed_for_one_is_kept_for_others_only),
		T(test_spare_record_counts_in_any_slot),
	};

	return cmocka_run_group_tests_name("ddf/tidy", tests, NULL, NULL);
}
