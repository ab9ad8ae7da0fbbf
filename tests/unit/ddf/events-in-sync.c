/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever happens, and in whatever order: no disk is recorded as having data that it has not. ddf/events.c,
 * ddf/spare.c and ddf/messages.c together.
 */
#include "tests/unit/support/ddf-steps.h"

/* md's member of that slot is a disk that has got another number since, or none: it came back under another name. */
static void a_disk_that_md_runs_without_is_not_in_sync(void **state)
{
	static const char *const md[] = { "0,-", "0,9x", "0,9?", "0,9!", "0,9" };

	(void)state;
	for (size_t i = 0; i < sizeof(md) / sizeof(md[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
		dfx_watch(0, 1, md[i]);
		dfx_write(0);
		dfx_check_pds("0:03/01 1:03/05 2:05/01");
		dfx_check_vd(0, "01/02 v4 0,1");
	}
}

static void a_shared_disk_that_md_runs_without_is_not_named(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1@16384");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 1,0@16384");
	dfx_watch(0, 1, "0,-");
	dfx_write(0);
	dfx_check_pds("0:03/01 1:03/01 2:05/01");
	dfx_check_vd(0, "01/02 v4 0,_");
	dfx_check_vd(1, "00/02 v6 1,0@16384");
}

/* A daemon died after it had given the disk back to md, and before that was recorded. */
static void a_named_member_that_is_rebuilt_is_recorded_as_such(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_watch(0, 1, "0,1!");
	dfx_check_pds("0:03/01 1:03/05");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_tell(0, 1, "0,1!");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_tell(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "00/02 v5 0,1");
}

static void a_shared_member_that_is_rebuilt_is_named_when_it_has_its_data(void **state)
{
	const struct ddf_rebuild *b;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1@16384");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 1,0@16384");
	dfx_watch(0, 1, "0,1!@16384");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "01/02 v4 0,_");
	b = ddf_rebuild_of(&dfx.c, 0, dfx_ref(1));
	assert_non_null(b);
	assert_int_equal(b->start, 16384);
	dfx_tell(0, 1, "0,1@16384");
	dfx_check_vd(0, "00/02 v5 0,1@16384");
	assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(1)));
}

/* What has failed, is missing, or is said to be rebuilt already stays as it is. */
static void what_is_recorded_of_a_disk_that_md_runs_without_stays(void **state)
{
	static const char *const pds[] = { "0:03/01 1:03/03", "0:03/01 1:03/05", "0:03/01 1:03/41", "0:03/01 1:03/43?" };

	(void)state;
	for (size_t i = 0; i < sizeof(pds) / sizeof(pds[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, pds[i]);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
		dfx_watch(0, 1, "0,-");
		dfx_write(0);
		dfx_check_pds(pds[i]);
		dfx_check_vd(0, "01/02 v3 0,1");
	}
}

/* An array of which md has none of our disks is another one. */
static void an_array_of_strangers_says_nothing_of_our_disks(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_watch(0, 1, "8,9");
	dfx_write(0);
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "10/02 v3 0,1");
}

/*
 * The last disk of a mirror is pulled before the daemon has looked at the array, and what is recorded, that it went on without
 * disk 1, is on no disk. With their old records both would count.
 */
static void an_array_of_disks_that_have_left_does_not_become_clean(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/41? 1:03/01? 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "14/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "04/02 v3 0@16384,1@16384,2@16384");
	dfx_watch(0, 1, "0,-");
	assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE), MARK_CLEAN);
	dfx_check_vd(0, "14/02 v4 0,_");
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_CLEAN);
	dfx_check_vd(0, "14/02 v4 0,_");
}

/* md began with disk 1, which is pulled before a daemon is started: its record says so, and is newer than that of disk 0. */
static void a_record_is_newer_than_that_of_a_member_which_none_here_names(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01? 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "11/02 v4 0,_");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "00/02 v3 0@16384,1@16384,2@16384");
	dfx_watch(0, 1, "0,9x");
	ddf_outdo_absent(&dfx.c);
	dfx_check_vd(0, "11/02 v24555 0,_");
	dfx_tell(0, 1, "0,9x");
	ddf_outdo_absent(&dfx.c);
	dfx_check_vd(0, "11/02 v24555 0,_");
	dfx_check_pds("0:03/01 1:03/01? 2:03/01");
}

/* All data of it are on the disk that is pulled: nothing is written without that, and its record must stay the newest. */
static void a_record_of_a_dead_array_is_no_newer(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/43 1:03/01? 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "14/02 v4 _,0");
	dfx_watch(0, 1, "9,-");
	ddf_outdo_absent(&dfx.c);
	dfx_check_vd(0, "14/02 v4 _,0");
	dfx_again();
	dfx_disks(&dfx, "0:03/01 1:03/01? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "11/02 v4 0,2 v4 _,3");
	dfx_watch(0, 10, "0,2,9,-");
	ddf_outdo_absent(&dfx.c);
	dfx_check_vd(0, "11/02 v4 0,2 v4 _,3");
}

/* The record names an absent disk: that may be the one that md has. */
static void a_member_that_a_record_names_is_known(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01? 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx_watch(0, 1, "0,1");
	ddf_outdo_absent(&dfx.c);
	dfx_check_vd(0, "00/02 v4 0,1");
}

/* ---- spares that fail ---- */

/* The other arrays on it may not be running, and would not say so. */
static void a_spare_that_fails_while_it_is_rebuilt_has_failed(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	dfx_watch(0, 1, "0,2!@16384");
	for (unsigned twice = 0; twice < 2; twice++) {
		dfx_tell(0, 1, "0,2x@16384");
		dfx_check_pds("0:03/01 1:03/43? 2:03/03 3:03/01");
		dfx_check_vd(0, "01/02 v4 0,1");
		dfx_check_vd(1, "01/02 v6 2,3");
		assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(2)));
	}
}

static void a_spare_that_vanishes_while_it_is_rebuilt_may_be_well(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	dfx_watch(0, 1, "0,2!@16384");
	dfx_tell(0, 1, "0,2?@16384");
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
	assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(2)));
}

/* A new disk that has got the number of the one that failed. */
static void a_new_disk_has_not_failed_because_the_old_one_did(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_watch(0, 1, "0,2x");
	dfx_check_pds("0:03/01 1:03/43? 2:05/01");
	dfx_check_vd(0, "01/02 v4 0,1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_disk_that_md_runs_without_is_not_in_sync),
		TEST(a_shared_disk_that_md_runs_without_is_not_named),
		TEST(a_named_member_that_is_rebuilt_is_recorded_as_such),
		TEST(a_shared_member_that_is_rebuilt_is_named_when_it_has_its_data),
		TEST(what_is_recorded_of_a_disk_that_md_runs_without_stays),
		TEST(an_array_of_strangers_says_nothing_of_our_disks),
		TEST(an_array_of_disks_that_have_left_does_not_become_clean),
		TEST(a_record_is_newer_than_that_of_a_member_which_none_here_names),
		TEST(a_record_of_a_dead_array_is_no_newer),
		TEST(a_member_that_a_record_names_is_known),
		TEST(a_spare_that_fails_while_it_is_rebuilt_has_failed),
		TEST(a_spare_that_vanishes_while_it_is_rebuilt_may_be_well),
		TEST(a_new_disk_has_not_failed_because_the_old_one_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
