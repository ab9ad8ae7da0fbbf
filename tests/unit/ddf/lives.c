/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, events and spares one after the other: whole lives of containers (ddf.md 19). */
#include "tests/unit/support/ddf-messages.h"

#include <errno.h>

/* md tells of all members. */
static void tell_all(unsigned vd, int level, int layout, const char *members)
{
	dfx_md(&dfx, level, layout, members);
	for (unsigned i = 0; i < dfx.members; i++)
		ddf_set_disk(&dfx.c, vd, (unsigned)dfx.member[i].slot, &dfx.member[i]);
}

/* The array of a virtual disk begins: what md has of it. */
static void open_array(unsigned vd, int level, int layout, const char *members)
{
	bool broken[FX_DISKS];

	dfx_md(&dfx, level, layout, members);
	assert_int_equal(ddf_open_array(&dfx.c, vd, dfx.member, dfx.members, broken), 0);
	for (unsigned i = 0; i < dfx.members; i++)
		assert_false(broken[i]);
	ddf_set_array_state(&dfx.c, vd, &dfx.md, MARK_DECIDE);
	tell_all(vd, level, layout, members);
}

static void take_spare(unsigned vd, int level, int layout, const char *members, unsigned expected)
{
	struct spare_request req = { .member = (int)vd };
	const char *why = NULL;

	dfx_md(&dfx, level, layout, members);
	ddf_find_spares(&dfx.c, vd, &dfx.md, &req);
	assert_int_equal(req.count, 1);
	assert_int_equal(req.pick[0].dev, dfx_dev(expected));
	if (ddf_commit_spares(&dfx.c, vd, &req, &why))
		fail_msg("not recorded: %s", why);
}

static void make_by_message(unsigned n, unsigned prl, unsigned rlq, const char *records)
{
	struct message vd = dms_create(n, n), vdc = dms_config(n, prl, rlq, records);

	dms_assert_applied(&vd);
	dms_assert_applied(&vdc);
}

/*
 * T1. Not as there: a disk that serves another one is recorded when it has been rebuilt (15, item 6), so that the lost
 * one keeps its entry until then; records get new numbers with new members (item 13), and types follow a deletion
 * (item 8).
 */
static void test_life_of_two_virtual_disks(void **state)
{
	struct message m = dms_delete(1);
	struct ddf_dl *again;

	(void)state;
	dms_start("0:05/01 1:05/01 2:05/01");
	make_by_message(0, DDF_RAID1, 0, "v3 0,1");
	open_array(0, 1, 0, "0,1");
	dfx_check_pds("0:03/01 1:03/01 2:05/01");
	dfx_check_vd(0, "00/02 v3 0,1");
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
	dfx_check_vd(0, "10/02 v3 0,1");
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_CLEAN);
	dfx_check_vd(0, "00/02 v3 0,1");

	make_by_message(1, DDF_RAID5, 3, "v4 0@16384,1@16384,2");
	open_array(1, 5, 2, "0@16384,1@16384,2");
	dfx_check_pds("0:03/01 1:03/01 2:03/01");
	dfx_check_vd(1, "00/02 v4 0@16384,1@16384,2");

	tell_all(0, 1, 0, "0,1x");
	tell_all(1, 5, 2, "0@16384,1x@16384,2");
	dfx_check_pds("0:03/01 1:03/03 2:03/01");
	take_spare(0, 1, 0, "0,-", 2);
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v5 0@16384,1@16384,2");

	assert_non_null(ddf_remove_disk(&dfx.c, dfx_dev(1)));
	dfx_check_pds("0:03/01 1:03/43? 2:03/01");
	dms_assert_added(dms_new_disk(3, FX_SECTORS));
	take_spare(1, 5, 2, "0@16384,-,2", 3);
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v6 0@16384,3,2");

	tell_all(0, 1, 0, "0,2@16384");
	dfx_check_pds("0:03/01 2:03/01 3:03/05");
	dfx_check_vd(0, "00/02 v5 0,2@16384");
	tell_all(1, 5, 2, "0@16384,3,2");
	dfx_check_pds("0:03/01 2:03/01 3:03/01");
	assert_int_equal(dms_used(dfx.pd), 3);
	dfx_check_vd(1, "00/02 v7 0@16384,3,2");

	again = dms_new_disk(1, FX_SECTORS);
	dfx_pd_guid(again->guid, 9);
	dms_assert_added(again);
	dfx_check_pds("0:03/01 2:03/01 3:03/01 1:05/01");
	assert_int_equal(dms_used(dfx.pd), 4);
	dms_assert_refused(&m, -EBUSY);
	ddf_close_array(&dfx.c, 1);
	dms_assert_applied(&m);
	dfx_check_pds("0:03/01 2:03/01 3:05/01 1:05/01");
	dfx_check_vd(0, "00/02 v5 0,2@16384");
	assert_true(dms_all_ones(dfx_vd(&dfx, 1), 64));
	assert_int_equal(dms_used(dfx.vd), 1);
}

/* T2 */
static void test_life_with_a_disk_that_was_absent_at_the_start(void **state)
{
	(void)state;
	dms_start("0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	open_array(0, 1, 0, "0,-");
	dfx_check_pds("0:03/01 1:03/42?");
	dfx_check_vd(0, "01/02 v5 0,_");
	dms_assert_added(dms_new_disk(2, FX_SECTORS));
	dfx_check_pds("0:03/01 1:03/42? 2:05/01");
	take_spare(0, 1, 0, "0,-", 2);
	dfx_check_pds("0:03/01 2:03/05");
	assert_int_equal(dms_used(dfx.pd), 2);
	tell_all(0, 1, 0, "0,2");
	dfx_check_pds("0:03/01 2:03/01");
	dfx_check_vd(0, "00/02 v7 0,2");
}

/* T3: samples C, then Cdone. */
static void test_life_with_a_spare(void **state)
{
	(void)state;
	dms_start("0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	open_array(0, 1, 0, "0,1");
	tell_all(0, 1, 0, "0,1x");
	dfx_check_pds("0:03/01 1:03/03 2:05/01");
	dfx_check_vd(0, "01/02 v4 0,1");
	take_spare(0, 1, 0, "0,-", 2);
	dfx_check_pds("0:03/01 1:05/0b 2:03/05");
	dfx_check_vd(0, "01/02 v5 0,2");
	tell_all(0, 1, 0, "0,2");
	dfx_check_pds("0:03/01 1:05/0b 2:03/01");
	dfx_check_vd(0, "00/02 v6 0,2");
}

#define T(f) cmocka_unit_test_teardown(f, dms_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_life_of_two_virtual_disks),
		T(test_life_with_a_disk_that_was_absent_at_the_start),
		T(test_life_with_a_spare),
	};

	return cmocka_run_group_tests_name("ddf/lives", tests, NULL, NULL);
}
