/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ddf/events.c: md runs without a disk that the metadata count on. What it holds is out of date from the first write on,
 * and that is on record before the write is let go.
 */
#include "tests/unit/support/ddf-steps.h"

#include <stdlib.h>

struct row {
	const char *row;
	unsigned prl;
	const char *pds, *vd, *members, *pds_after, *vd_after;
};

static const struct row rows[] = {
	{ "RAID1", DDF_RAID1, "0:03/01 1:03/01", "10/02 v1 0,1", "0,-", "0:03/01 1:03/05", "11/02 v2 0,1" },
	{ "RAID1, the first", DDF_RAID1, "0:03/01 1:03/01", "10/02 v1 0,1", "-,1", "0:03/05 1:03/01", "11/02 v2 0,1" },
	{ "RAID5", DDF_RAID5, "0:03/01 1:03/01 2:03/01", "10/02 v1 0,1,2", "0,1,-", "0:03/01 1:03/01 2:03/05",
	  "11/02 v2 0,1,2" },
	{ "RAID10, one of each pair", DDF_RAID1, "0:03/01 1:03/01 2:03/01 3:03/01", "10/02 v1 0,1 v1 2,3", "0,-,-,3",
	  "0:03/01 1:03/05 2:03/05 3:03/01", "11/02 v2 0,1 v2 2,3" },
	{ "another disk has its place in md", DDF_RAID1, "0:03/01 1:03/01 2:05/01", "10/02 v1 0,1", "0,2",
	  "0:03/01 1:05/01 2:03/01", "10/02 v3 0,2" },
	{ "absent, and no daemon was there at the start", DDF_RAID1, "0:03/01 1:03/01?", "10/02 v1 0,1", "0,-",
	  "0:03/01 1:03/42?", "11/02 v3 0,_" },
	/* Nothing of the kind. */
	{ "all are there", DDF_RAID1, "0:03/01 1:03/01", "10/02 v1 0,1", "0,1", "0:03/01 1:03/01", "10/02 v1 0,1" },
	{ "known already", DDF_RAID1, "0:03/01 1:03/05", "11/02 v1 0,1", "0,-", "0:03/01 1:03/05", "11/02 v1 0,1" },
	{ "has just failed: that is told next", DDF_RAID1, "0:03/01 1:03/01", "10/02 v1 0,1", "0,1x", "0:03/01 1:03/01",
	  "10/02 v1 0,1" },
	{ "has vanished: so is that", DDF_RAID1, "0:03/01 1:03/01", "10/02 v1 0,1", "0,1?", "0:03/01 1:03/01",
	  "10/02 v1 0,1" },
	{ "failed and taken out", DDF_RAID1, "0:03/01 1:03/43?", "11/02 v1 0,1", "0,-", "0:03/01 1:03/43?",
	  "11/02 v1 0,1" },
	{ "absent, but md works with it", DDF_RAID1, "0:03/01 1:03/01?", "10/02 v1 0,1", "0,1", "0:03/01 1:03/01?",
	  "10/02 v1 0,1" },
	{ "not readable, and has just failed in md", DDF_RAID1, "0:03/01 1:03/01?", "10/02 v1 0,1", "0,1x", "0:03/01 1:03/01?",
	  "10/02 v1 0,1" },
	{ "md runs with nothing that the metadata trust", DDF_RAID1, "0:03/03 1:03/01", "11/02 v1 0,1", "0,-",
	  "0:03/03 1:03/01", "11/02 v1 0,1" },
	{ "nor enough of it", DDF_RAID5, "0:03/03 1:03/01 2:03/01", "11/02 v1 0,1,2", "0,1,-", "0:03/03 1:03/01 2:03/01",
	  "11/02 v1 0,1,2" },
};

static void array_for(const struct row *r)
{
	dfx_again();
	dfx_disks(&dfx, r->pds);
	dfx_volume(&dfx, 0, r->prl, 3, r->vd);
	dfx_md(&dfx, strstr(r->row, "RAID10") ? 10 : r->prl == DDF_RAID5 ? 5 : 1, 0x102, r->members);
	dfx_open_array(0);
}

static void before_a_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		array_for(&rows[i]);
		for (unsigned twice = 0; twice < 2; twice++) {
			assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY), MARK_DIRTY);
			if (strcmp(dfx_pd_text(&dfx), rows[i].pds_after) || strcmp(dfx_vd_text(&dfx, 0), rows[i].vd_after))
				fail_msg("row %s: %s; %s", rows[i].row, dfx_pd_text(&dfx), dfx_vd_text(&dfx, 0));
		}
	}
}

/* Its entry is one for all virtual disks: "Rebuilding" would leave it out of all of them. */
static void other_virtual_disks_keep_the_disk(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v1 0@16384,1@16384");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "11/02 v2 0,_");
	dfx_check_vd(1, "00/02 v1 0@16384,1@16384");
}

/*
 * The member fails for another virtual disk in the pass in which its partner is found left out. Life (seed 1350260816):
 * disks 3 boot 3 sectors 512/512 raid1 ac raid1 ab; plug c; daemon; run 2; fail 1 0; write 0 2; pass; finish 0
 */
static void beside_one_that_fails_elsewhere(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,2");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v1 0@16384,1@16384");
	dfx_open_array(0);
	dfx_open_array(1);
	dfx_tell(1, 1, "0x,1");
	dfx_md(&dfx, 1, 0, "0,-");
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
	dfx_check_pds("0:03/03 1:03/01 2:03/05");
}

/* The good one is not overwritten with what the stale one has. */
static void nothing_is_rebuilt_from_a_stale_disk(void **state)
{
	struct spare_request req;

	(void)state;
	for (unsigned trusted = 0; trusted < 2; trusted++) {
		dfx_again();
		dfx_disks(&dfx, trusted ? "0:03/01 1:03/01" : "0:03/03 1:03/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,1");
		dfx_md(&dfx, 1, 0, "0,-");
		dfx_open_array(0);
		ddf_find_spares(&dfx.c, 0, &dfx.md, &req);
		assert_int_equal(req.count, trusted);
	}
}

/*
 * The record came late, with a disk that the array had done without. What md has in its place has no record of the virtual disk:
 * md cannot have been started with it, and has rebuilt it while a daemon ran that is no more.
 */
static void what_was_rebuilt_counts_more_than_what_came_late(void **state)
{
	(void)state;
	for (unsigned stale = 0; stale < 2; stale++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/03 2:03/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,1");
		dfx_volume(&dfx, 1, DDF_RAID0, 0, "00/02 v1 0@16384,2@16384");
		if (stale)
			memcpy(dfx.config[2], ddf_any_record(&dfx.c, 0), ddf_record_bytes(&dfx.c.layout));
		dfx_md(&dfx, 1, 0, "2,1x");
		dfx_open_array(0);
		ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
		dfx_check_pds("0:03/01 1:03/03 2:03/01");
		dfx_check_vd(0, stale ? "11/02 v1 0,1" : "11/02 v3 2,1");
	}
}

/* As long as nothing is written the disk is as good as the others. */
static void not_before_writes_are_possible(void **state)
{
	static struct dfx_snapshot before;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx.volume[0].live = true;
	dfx_save(&dfx, &before);
	dfx.volume[0].live = false;
	dfx_open_array(0);
	assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE), MARK_CLEAN); /* it will be read-auto */
	assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_CLEAN), MARK_CLEAN);
	dfx_assert_unchanged(&dfx, &before);
}

static void started_dirty(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "10/00 v1 0,1");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx.md.resync_start = 0;
	dfx_open_array(0);
	assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE), MARK_DIRTY);
	dfx_check_pds("0:03/01 1:03/05");
	dfx_check_vd(0, "11/00 v2 0,1");
}

/* A RAID1 that has one member left is complete for md at once. What it has not compared may differ all the same. */
static void not_clean_with_a_disk_that_may_differ(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "10/02 v1 0,1");
	dfx_md(&dfx, 1, 0, "0,-");
	dfx_open_array(0);
	assert_int_equal(ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DECIDE), MARK_CLEAN);
	dfx_check_pds("0:03/01 1:03/05");
	dfx_check_vd(0, "01/02 v2 0,1");
}

/* A rebuild has ended that nobody saw, and the disk that it was made from has gone. */
static void what_was_rebuilt_unseen_counts(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "11/02 v1 0,1");
	dfx_md(&dfx, 1, 0, "-,1");
	dfx_open_array(0);
	ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
	dfx_tell(0, 1, "-,1");
	dfx_check_pds("0:03/05 1:03/01");
	dfx_check_vd(0, "11/02 v3 0,1");
}

/* Whatever is told first when a rebuild ends and another member fails in the same pass. */
static void another_fails_as_a_rebuild_ends(void **state)
{
	static const struct {
		unsigned prl;
		int level;
		const char *pds, *vd, *during, *after, *pds_after;
		unsigned state_after;
	} row[] = {
		{ DDF_RAID1, 1, "0:03/01 1:03/05", "11/02 v1 0,1", "0,1!", "0x,1", "0:03/03 1:03/01", 0x11 },
		{ DDF_RAID1, 1, "0:03/05 1:03/01", "11/02 v1 0,1", "0!,1", "0,1x", "0:03/01 1:03/03", 0x11 },
		{ DDF_RAID5, 5, "0:03/01 1:03/01 2:03/05", "11/02 v1 0,1,2", "0,1,2!", "0x,1,2",
		  "0:03/03 1:03/01 2:03/01", 0x11 },
		{ DDF_RAID1, 10, "0:03/01 1:03/05 2:03/01 3:03/01", "11/02 v1 0,1 v1 2,3", "0,1!,2,3", "0x,1,2,3",
		  "0:03/03 1:03/01 2:03/01 3:03/01", 0x11 },
		/* The new disk is recorded only now. */
		{ DDF_RAID1, 1, "0:03/01 1:03/03 2:05/01", "11/02 v1 0,1", "0,2!", "0x,2", "0:03/03 1:05/0b 2:03/01", 0x11 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, row[i / 2].pds);
		dfx_volume(&dfx, 0, row[i / 2].prl, 3, row[i / 2].vd);
		dfx_watch(0, row[i / 2].level, row[i / 2].during);
		dfx_md(&dfx, row[i / 2].level, 0x102, row[i / 2].after);
		ddf_set_array_state(&dfx.c, 0, &dfx.md, MARK_DIRTY);
		for (unsigned k = 0; k < dfx.members; k++) {
			const struct md_member *m = &dfx.member[i % 2 ? dfx.members - 1 - k : k];

			ddf_set_disk(&dfx.c, 0, (unsigned)m->slot, m);
		}
		dfx_check_pds(row[i / 2].pds_after);
		assert_int_equal(dfx_vd(&dfx, 0)->state, row[i / 2].state_after);
	}
}

/* It fails in one array, and is all that another one has: the other goes on with it as long as it can. */
static void a_disk_that_another_virtual_disk_needs(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/03");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v1 2@16384,1@16384");
	dfx_watch(1, 1, "-,1@16384");
	dfx_watch(0, 1, "0,1");
	for (unsigned twice = 0; twice < 2; twice++) {
		dfx_tell(0, 1, "0,1x");
		dfx_check_pds("0:03/01 1:03/01 2:03/03");
		dfx_check_vd(0, "01/02 v2 0,_");
		dfx_check_vd(1, "01/02 v1 2@16384,1@16384");
	}
	/* It is no spare for the one that it failed in. */
	assert_true(ddf_dl_by_dev(&dfx.c, dfx_dev(1))->unfit);
	/* In the end it fails there, too. */
	dfx_tell(1, 1, "-,1x@16384");
	dfx_check_pds("0:03/01 1:03/03 2:03/03");
	dfx_check_vd(1, "04/02 v2 2@16384,1@16384");
}

static void a_disk_that_no_other_virtual_disk_needs(void **state)
{
	static const struct {
		unsigned prl;
		const char *vd;
		bool live;
	} row[] = {
		{ DDF_RAID1, "00/02 v1 0@16384,1@16384", true },
		{ DDF_RAID1, "01/02 v1 2@16384,1@16384", false },
		{ DDF_RAID0, "00/02 v1 0@16384,1@16384", false },
		{ DDF_RAID1, "04/02 v1 2@16384,2@32768", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01 2:03/03");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
		dfx_volume(&dfx, 1, row[i].prl, 0, row[i].vd);
		dfx.volume[1].live = row[i].live;
		dfx_watch(0, 1, "0,1");
		dfx_tell(0, 1, "0,1x");
		dfx_check_pds("0:03/01 1:03/03 2:03/03");
	}
}

static void two_virtual_disks_fail_crosswise(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v1 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v1 0@16384,1@16384");
	dfx_watch(1, 1, "0@16384,1@16384");
	dfx_watch(0, 1, "0,1");
	dfx_tell(0, 1, "0x,1");
	dfx_tell(1, 1, "0@16384,1x@16384");
	dfx_check_pds("0:03/03 1:03/01");
	assert_int_equal(dfx_vd(&dfx, 0)->state, 0x01);
	assert_int_equal(dfx_vd(&dfx, 1)->state, 0x04);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(before_a_write),
		TEST(other_virtual_disks_keep_the_disk),
		TEST(beside_one_that_fails_elsewhere),
		TEST(nothing_is_rebuilt_from_a_stale_disk),
		TEST(what_was_rebuilt_counts_more_than_what_came_late),
		TEST(not_before_writes_are_possible),
		TEST(started_dirty),
		TEST(not_clean_with_a_disk_that_may_differ),
		TEST(what_was_rebuilt_unseen_counts),
		TEST(another_fails_as_a_rebuild_ends),
		TEST(a_disk_that_another_virtual_disk_needs),
		TEST(a_disk_that_no_other_virtual_disk_needs),
		TEST(two_virtual_disks_fail_crosswise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
