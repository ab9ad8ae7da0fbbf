/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/events.c: what is told of members: they fail, are rebuilt, or are not named (ddf.md 6, 15 and 19). */
#include "tests/unit/support/ddf-steps.h"

#include <string.h>

/* ... and being told again changes nothing. */
static void tell_twice(unsigned vd, int level, const char *members)
{
	static struct dfx_snapshot before;

	dfx_tell(vd, level, members);
	dfx_save(&dfx, &before);
	dfx_tell(vd, level, members);
	dfx_assert_unchanged(&dfx, &before);
}

/* ---- a member fails ---- */

static void a_member_that_fails_is_marked(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *vd, *members, *after;
	} row[] = {
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0,1x", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0x,1", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 0,1", "0,1?", "01/02 v4 0,1" },
		{ DDF_RAID1, 0, "00/02 v3 1,0", "1x,0", "01/02 v4 1,0" },
		{ DDF_RAID1, 1, "00/02 v3 0,1,2", "0,1x,2", "05/02 v4 0,1,2" }, /* 19, T4 */
		{ DDF_RAID1, 1, "00/02 v3 0,1,2", "0x,1x,2", "01/02 v5 0,1,2" },
		{ DDF_RAID5, 3, "00/02 v3 0,1,2", "0,1x,2", "01/02 v4 0,1,2" },
		{ DDF_RAID5, 3, "00/02 v3 0,1,2", "0x,1x,2", "04/02 v5 0,1,2" },
		{ DDF_RAID6, 3, "00/02 v3 0,1,2,3", "0,1x,2,3", "05/02 v4 0,1,2,3" },
		{ DDF_RAID6, 3, "00/02 v3 0,1,2,3", "0,1x,2x,3", "01/02 v5 0,1,2,3" },
		{ DDF_RAID1, 0, "00/02 v3 0,1 v3 2,3", "0,1,2,3x", "01/02 v3 0,1 v4 2,3" },
		/* 15, item 3 */
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0x,1,2,3,4,5", "01/02 v2 0,1 v2 2,3 v3 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2x,3,4,5", "01/02 v1 0,1 v3 2,3 v3 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2,3,4x,5", "01/02 v1 0,1 v2 2,3 v4 4,5" },
		{ DDF_RAID1, 0, "00/02 v1 0,1 v2 2,3 v3 4,5", "0,1,2,3,4,5x", "01/02 v1 0,1 v2 2,3 v4 4,5" },
		{ DDF_RAID1, 1, "00/02 v1 0,1,2 v2 3,4,5", "0,1,2,3x,4,5", "05/02 v1 0,1,2 v3 3,4,5" },
		{ DDF_RAID1, 1, "00/02 v1 0,1,2 v2 3,4,5", "0,1,2,3,4,5x", "05/02 v1 0,1,2 v3 3,4,5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/01");
		dfx_volume(&dfx, 0, row[i].prl, row[i].rlq, row[i].vd);
		dfx_md(&dfx, 1, 0, row[i].members);
		dfx_open_array(0);
		tell_twice(0, 1, row[i].members);
		dfx_check_vd(0, row[i].after);
		for (unsigned k = 0; k < dfx.members; k++) {
			unsigned n = (unsigned)(dfx.member[k].dev - dfx_dev(0));

			assert_int_equal(be16_get(dfx_pd_of(&dfx, n)->state),
					 dfx.member[k].state & MEMBER_FAULTY ? 0x03 : 0x01);
		}
	}
}

/* The slot that md had taken away before anybody looked does not matter. */
static void a_failed_member_is_found_by_its_disk(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "01/00 v2 -,1,2");
	dfx_watch(0, 5, "1,2,-");
	tell_twice(0, 5, "1,2x,-");
	dfx_check_pds("0:03/01 1:03/01 2:03/03");
	dfx_check_vd(0, "04/00 v3 -,1,2");
}

static void being_in_sync_changes_nothing_of_a_good_array(void **state)
{
	static struct dfx_snapshot before;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/31");
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "00/02 v4 0,1,2");
	dfx_watch(0, 5, "0,1,2");
	dfx_save(&dfx, &before);
	memset(before.volume[0].synced, 0, sizeof(before.volume[0].synced));
	before.volume[0].synced[0] = 7;
	dfx_assert_unchanged(&dfx, &before);
	dfx_check_vd(0, "00/02 v4 0,1,2");
	dfx_check_pds("0:03/01 1:03/01 2:03/31");
}

/* 15, item 24 */
static void a_failure_counts_even_if_the_disk_has_left_the_container(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/41? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1 v3 2,3");
	dfx_md(&dfx, 10, 0x102, "0,1,2,3");
	dfx_open_array(0);
	tell_twice(0, 10, "0,1x,2,3");
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
	dfx_check_vd(0, "01/02 v4 0,1 v3 2,3");
}

static void a_member_that_is_not_known_is_not_taken_for_the_one_that_is_there(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_watch(0, 1, "0,1");
	tell_twice(0, 1, "0,9x");
	tell_twice(0, 1, "0,9");
	tell_twice(0, 1, "0,9!");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "00/02 v3 0,1");
}

/* ... nor does it count as failed because md says that it is well. */
static void a_member_that_is_not_known_is_left_alone_while_it_works(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01?");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_watch(0, 1, "0,1");
	tell_twice(0, 1, "0,1");
	tell_twice(0, 1, "0,1!");
	dfx_check_pds("0:03/01 1:03/01?");
	dfx_check_vd(0, "00/02 v3 0,1");
}

static void a_slot_that_does_not_exist_is_ignored(void **state)
{
	struct md_member m = { .dev = dfx_dev(2), .slot = 7, .state = MEMBER_IN_SYNC };

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1");
	dfx_watch(0, 1, "0,-");
	ddf_set_disk(&dfx.c, 0, 7, &m);
	ddf_set_disk(&dfx.c, 5, 0, &m);
	dfx_check_vd(0, "01/02 v3 0,1");
	dfx_check_pds("0:03/01 1:03/03 2:05/01");
}

/* 19, T1: one number more in each array's record, at the report of that array. */
static void a_disk_fails_in_two_arrays(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID5, 3, "00/02 v4 0@16384,1@16384,2");
	dfx_watch(0, 1, "0,1");
	dfx_watch(1, 5, "0,1,2");
	tell_twice(0, 1, "0,1x");
	dfx_check_pds("0:03/01 1:03/03 2:03/01");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v4 0@16384,1@16384,2");
	tell_twice(1, 5, "0,1x,2");
	tell_twice(0, 1, "0,1x");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v5 0@16384,1@16384,2");
	assert_int_equal(be32_get(dfx_record(&dfx, 1, 0)->timestamp), FX_NOW);
}

/* 15, item 31: what nobody watches has lost the disk, too. */
static void arrays_that_are_not_watched_learn_of_a_failure(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "00/02 v2 0@16384,1@16384");
	dfx_watch(0, 1, "0,1");
	tell_twice(0, 1, "0,1x");
	dfx_check_vd(1, "04/02 v2 0@16384,1@16384");
}

/* ---- a member has been rebuilt ---- */

static void a_rebuilt_member_works_again(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:05/0b 2:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,2");
	dfx_md(&dfx, 1, 0, "0,2!");
	dfx_open_array(0);
	tell_twice(0, 1, "0,2!");
	dfx_check_pds("0:03/01 1:05/0b 2:03/05");
	dfx_check_vd(0, "01/02 v4 0,2");
	tell_twice(0, 1, "0,2");
	dfx_check_pds("0:03/01 1:05/0b 2:03/01"); /* 19, T3 */
	dfx_check_vd(0, "00/02 v5 0,2");
}

static void a_disk_that_failed_is_not_well_because_an_array_has_not_noticed_yet(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/07 2:03/45");
	dfx_volume(&dfx, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	dfx_md(&dfx, 1, 0, "0,1,2");
	dfx_open_array(0);
	tell_twice(0, 1, "0,1,2");
	dfx_check_pds("0:03/01 1:03/07 2:03/45");
	dfx_check_vd(0, "01/02 v4 0,1,2");
}

static void a_member_in_sync_is_online(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/10");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_watch(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/11");
	dfx_check_vd(0, "00/02 v5 0,1");
}

/* 15, items 6 and 34: an array that has its data has them on record, and the other one goes off it. */
static void a_disk_is_rebuilding_until_one_of_its_arrays_is_not(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v6 1@16384,0@16384");
	dfx_md(&dfx, 1, 0, "0,1!");
	dfx_open_array(0);
	tell_twice(0, 1, "0,1!");
	dfx_md(&dfx, 1, 0, "1!,0");
	dfx_open_array(1);
	tell_twice(1, 1, "1!,0");
	dfx_check_pds("0:03/01 1:03/05");
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_vd(1, "01/02 v6 1@16384,0@16384");
	tell_twice(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "00/02 v5 0,1");
	dfx_check_vd(1, "01/02 v7 _,0@16384");
	assert_non_null(ddf_rebuild_of(&dfx.c, 1, dfx_ref(1)));
	tell_twice(1, 1, "1@16384,0@16384");
	dfx_check_vd(0, "00/02 v5 0,1");
	dfx_check_vd(1, "00/02 v8 1@16384,0@16384");
}

static void who_else_is_rebuilt_onto_a_disk(void **state)
{
	static const struct {
		unsigned prl, rlq;
		const char *other, *after;
	} row[] = {
		{ DDF_RAID1, 0, "01/02 v1 0@16384,1@16384", "01/02 v2 0@16384,_" },
		{ DDF_RAID5, 3, "01/02 v1 0@16384,1@16384,2", "01/02 v2 0@16384,_,2" },
		{ DDF_RAID1E, 0, "01/02 v1 0@16384,1@16384,2", "01/02 v2 0@16384,_,2" },
		{ DDF_RAID1, 0, "01/02 v1 0@16384,2 v1 3,1@16384", "01/02 v1 0@16384,2 v2 3,_" },
		/* Has nothing that could be rebuilt, or md cannot. */
		{ DDF_RAID0, 0, "04/02 v1 0@16384,1@16384", "00/02 v1 0@16384,1@16384" },
		{ DDF_CONCAT, 0, "04/02 v1 0@16384,1@16384", "00/02 v1 0@16384,1@16384" },
		{ DDF_RAID5E, 0, "01/02 v1 0@16384,1@16384,2", "00/02 v1 0@16384,1@16384,2" },
		/* Does not name the disk. */
		{ DDF_RAID1, 0, "00/02 v1 0@16384,2", "00/02 v1 0@16384,2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/05 2:03/01 3:03/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		dfx_volume(&dfx, 7, row[i].prl, row[i].rlq, row[i].other);
		dfx_watch(0, 1, "0,1");
		dfx_check_pds("0:03/01 1:03/01 2:03/01 3:03/01");
		dfx_check_vd(7, row[i].after);
	}
}

/* An array that ended with all its data need not be there. */
static void an_array_that_ended_in_sync_does_not_keep_a_disk_rebuilding(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v6 0@16384,1@16384");
	dfx_watch(0, 1, "0,1!");
	dfx_watch(1, 1, "0,1");
	ddf_close_array(&dfx.c, 1);
	tell_twice(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
}

/* But when it starts anew nobody knows. */
static void an_array_that_starts_has_to_be_seen_in_sync(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v6 0@16384,1@16384");
	dfx_watch(1, 1, "0,1");
	ddf_close_array(&dfx.c, 1);
	dfx_open_array(1);
	dfx_pd_state(&dfx, 1, 0x05);
	dfx_watch(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(1, "01/02 v8 0@16384,_");
	tell_twice(1, 1, "0@16384,1@16384");
	dfx_check_vd(1, "00/02 v9 0@16384,1@16384");
}

static void a_failed_member_is_not_in_sync_any_more(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 0@16384,1@16384");
	dfx_watch(0, 1, "0,1");
	dfx_watch(1, 1, "0,1");
	dfx_tell(1, 1, "0,1x");
	dfx_pd_state(&dfx, 1, 0x05);
	tell_twice(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(1, "01/02 v8 0@16384,_");
}

/* ---- a member that the metadata do not name ---- */

/* 15, item 6 */
static void a_disk_of_other_arrays_is_named_when_it_has_its_data(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	dfx_volume(&dfx, 2, DDF_RAID0, 0, "04/02 v6 0@16384,1@16384");
	dfx.c.rebuild[9] = (struct ddf_rebuild){
		.used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(2), .start = 16384, .length = FX_BLOCKS,
	};
	dfx_watch(0, 1, "0,2!@16384");
	dfx_check_vd(0, "01/02 v4 0,1");
	assert_true(dfx.c.rebuild[9].used);
	tell_twice(0, 1, "0,2@16384");
	dfx_check_vd(0, "00/02 v5 0,2@16384");
	assert_false(dfx.c.rebuild[9].used);
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
}

/* The mark is of this very rebuild: its record named the disk no more because a RAID 0 was made on it, and the daemon died. */
static void a_disk_that_is_named_again_is_not_rebuilding(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,_");
	dfx_volume(&dfx, 1, DDF_RAID0, 0, "04/02 v1 0@16384,1@16384");
	dfx_watch(0, 1, "0,1!");
	dfx_check_pds("0:03/01 1:03/05");
	tell_twice(0, 1, "0,1");
	dfx_check_pds("0:03/01 1:03/01");
	dfx_check_vd(0, "00/02 v5 0,1");
	dfx_check_vd(1, "00/02 v1 0@16384,1@16384");
}

/* The disk that has the record of its mirror is gone. */
static void a_member_of_a_mirror_without_a_record_keeps_its_room(void **state)
{
	struct ddf_records *r;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v3 0,1 v3 2,3");
	r = dfx.volume[0].records;
	r->present[0] = 2;
	dfx_watch(0, 10, "0!@16384,-,2,3");
	assert_false(ddf_is_free(&dfx.c, dfx_ref(0), 16384, 1));
	dfx_tell(0, 10, "0x@16384,-,2,3");
	assert_true(ddf_is_free(&dfx.c, dfx_ref(0), 16384, 1));
}

/* "Rebuilding" would leave it out of this array, too, of which it has the data: the other rebuild goes off the record. */
static void a_disk_that_another_array_rebuilds_works_when_it_is_named(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03 2:03/05");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,2");
	dfx_volume(&dfx, 2, DDF_RAID0, 0, "04/02 v4 0@32768,1@32768");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "01/02 v4 0@16384,1@16384");
	dfx_watch(0, 1, "0,2!");
	dfx_watch(1, 1, "0@16384,2!@16384");
	dfx_tell(1, 1, "0@16384,2@16384");
	dfx_check_pds("0:03/01 1:03/03 2:03/01");
	dfx_check_vd(0, "01/02 v5 0,_");
	dfx_check_vd(1, "00/02 v5 0@16384,2@16384");
	dfx_tell(0, 1, "0,2");
	dfx_check_vd(0, "00/02 v6 0,2");
}

static void whom_a_member_in_sync_replaces(void **state)
{
	static const struct {
		const char *pds, *vd, *pds_after, *after;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", "0:03/01 1:05/0b 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 1:03/41? 2:05/01", "01/02 v4 0,1", "0:03/01 1:03/41? 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:05/01", "01/02 v4 0,_", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:05/01", "01/02 v4 0,9", "0:03/01 2:03/01", "00/02 v5 0,2@5" },
		{ "0:03/01 2:41/01", "01/02 v4 0,9", "0:03/01 2:43/01", "00/02 v5 0,2@5" },
		/* A disk that works, but that md has no use for. */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", "0:03/01 1:05/01 2:03/01", "00/02 v6 0,2@5" },
		/* Nobody knows what became of it. */
		{ "0:03/01 1:03/01? 2:05/01", "00/02 v4 0,1", "0:03/01 2:03/01", "00/02 v7 0,2@5" },
		/* Itself it must not have failed. */
		{ "0:03/01 1:03/03 2:05/03", "01/02 v4 0,1", "0:03/01 1:03/03 2:05/03", "01/02 v4 0,1" },
		{ "0:03/01 1:03/03 2:05/41", "01/02 v4 0,1", "0:03/01 1:03/03 2:05/41", "01/02 v4 0,1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, row[i].pds);
		dfx_volume(&dfx, 0, DDF_RAID1, 0, row[i].vd);
		dfx_md(&dfx, 1, 0, "0,2@5");
		dfx_open_array(0);
		dfx_write(0);
		tell_twice(0, 1, "0,2@5");
		dfx_check_vd(0, row[i].after);
		dfx_check_pds(row[i].pds_after);
	}
}

/* As long as nothing is written the disk that works is as good as ever. */
static void a_member_in_sync_replaces_nobody_before_a_write(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx_watch(0, 1, "0,2@5");
	tell_twice(0, 1, "0,2@5");
	dfx_check_vd(0, "00/02 v4 0,1");
	dfx_check_pds("0:03/01 1:03/01 2:05/01");
}

/* 15, item 10 */
static void a_member_in_sync_fills_a_position_never_filled(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID5, 3, "01/00 v2 0,1,-");
	dfx_md(&dfx, 5, 0, "9,9,2@7");
	dfx_open_array(0);
	tell_twice(0, 5, "0,1,2@7");
	dfx_check_vd(0, "00/00 v3 0,1,2@7");
}

/* 15, item 4 */
static void a_member_in_sync_goes_into_its_own_mirror(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:03/01 3:03/03 4:03/01 5:03/01 6:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3 v1 4,5");
	dfx_md(&dfx, 10, 0x102, "0,1,2,6@8,4,5");
	dfx_open_array(0);
	tell_twice(0, 10, "0,1,2,6@8,4,5");
	dfx_check_vd(0, "00/02 v1 0,1 v2 2,6@8 v1 4,5");
}

static void a_disk_without_an_entry_is_not_named(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/03");
	dfx_present(&dfx, 2);
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_watch(0, 1, "0,-");
	tell_twice(0, 1, "0,2");
	dfx_check_vd(0, "01/02 v4 0,1");
}

static void a_member_that_is_rebuilt_keeps_its_room_after_a_restart(void **state)
{
	const struct ddf_rebuild *b;

	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/01 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
	dfx.c.rebuild[0] = (struct ddf_rebuild){ .used = true, .vd = 5, .slot = 1, .refnum = dfx_ref(2) };
	dfx_md(&dfx, 1, 0, "0,2!@16384");
	dfx_open_array(0);
	tell_twice(0, 1, "0,2!@16384");
	b = ddf_rebuild_of(&dfx.c, 0, dfx_ref(2));
	assert_ptr_equal(b, &dfx.c.rebuild[1]);
	assert_int_equal(b->slot, 1);
	assert_int_equal(b->start, 16384);
	assert_int_equal(b->length, FX_BLOCKS);
	dfx_check_vd(0, "01/02 v4 0,1");
	dfx_check_pds("0:03/01 1:03/43? 2:03/01 3:03/01");
}

static void with_too_many_rebuilds_one_is_not_kept(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/43? 2:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		dfx.c.rebuild[i] = (struct ddf_rebuild){ .used = true, .vd = 5, .slot = i, .refnum = dfx_ref(3) };
	dfx_watch(0, 1, "0,2!@16384");
	assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(2)));
	assert_int_equal(dfx.c.rebuild[DDF_MAX_REBUILDS - 1].vd, 5);
	for (unsigned i = 0; i < sizeof(dfx.controller); i++) /* what comes behind the rebuilds */
		assert_int_equal(dfx.controller[i], 0xff);
}

static void a_slot_with_a_member_that_is_rebuilt_is_not_in_sync(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx_watch(0, 1, "0,1");
	assert_int_equal(dfx.volume[0].synced[0], 3);
	dfx_tell(0, 1, "0,2!");
	assert_int_equal(dfx.volume[0].synced[0], 1);
}

static void a_named_disk_without_an_entry_changes_nothing(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01");
	dfx_present(&dfx, 1);
	dfx_volume(&dfx, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	dfx_watch(0, 1, "0,1,2");
	tell_twice(0, 1, "0,1!,2!");
	tell_twice(0, 1, "0,1x,2x");
	dfx_check_vd(0, "01/02 v4 0,1,2");
	dfx_check_pds("0:03/01");
}

/* Should md have been given a place that another virtual disk has: that one's data are there. */
static void a_place_that_another_virtual_disk_has_is_not_named(void **state)
{
	static const struct {
		const char *members, *vd;
	} row[] = {
		{ "0,2@16383", "01/02 v4 0,1" },
		{ "0,2@0", "01/02 v4 0,1" },
		{ "0,2@49153", "01/02 v4 0,1" }, /* nobody's, but not for arrays */
		{ "0,2@16384", "00/02 v5 0,2@16384" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/03 2:03/01 3:03/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
		dfx_watch(0, 1, "0,-");
		tell_twice(0, 1, row[i].members);
		dfx_check_vd(0, row[i].vd);
	}
}

static void a_member_not_named_that_fails_is_no_failure_of_the_array(void **state)
{
	static const struct {
		const char *members, *pds, *other;
	} row[] = {
		{ "0,2x", "0:03/01 1:03/03 2:03/03 3:03/01", "01/02 v6 2,3" },
		{ "0,2?", "0:03/01 1:03/03 2:03/01 3:03/01", "00/02 v6 2,3" }, /* it was taken away */
	};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/03 2:03/01 3:03/01");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		dfx_volume(&dfx, 1, DDF_RAID1, 0, "00/02 v6 2,3");
		dfx_watch(0, 1, "0,2!@16384");
		assert_non_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(2)));
		tell_twice(0, 1, row[i].members);
		assert_null(ddf_rebuild_of(&dfx.c, 0, dfx_ref(2)));
		dfx_check_vd(0, "01/02 v4 0,1");
		dfx_check_vd(1, row[i].other);
		dfx_check_pds(row[i].pds);
	}
}

/* It fails, and a newer record on a disk that is absent may name it: that is not to be believed. */
static void a_member_not_named_that_fails_outdoes_an_absent_record(void **state)
{
	(void)state;
	for (unsigned behind = 0; behind < 2; behind++) {
		dfx_again();
		dfx_disks(&dfx, "0:03/01 1:03/03 2:05/01 3:03/01?");
		dfx_volume(&dfx, 0, DDF_RAID1, 0, "01/02 v4 0,1");
		dfx_md(&dfx, 1, 0, "0,2");
		dfx_open_array(0);
		ddf_note_behind(dfx.c.volume[0].records, 0, behind);
		dfx_tell(0, 1, "0,2x");
		dfx_check_vd(0, behind ? "01/02 v9 0,1" : "01/02 v4 0,1");
	}
}

static void a_member_not_named_that_left_the_container_does_not_take_another_with_it(void **state)
{
	(void)state;
	dfx_disks(&dfx, "0:03/01 1:03/01? 2:03/01? 3:03/01");
	dfx_volume(&dfx, 0, DDF_RAID1, 0, "00/02 v4 0,1");
	dfx.c.rebuild[2] = (struct ddf_rebuild){ .used = true, .vd = 1, .slot = 1, .refnum = dfx_ref(2) };
	dfx.c.rebuild[3] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 0, .refnum = dfx_ref(2) };
	dfx.c.rebuild[4] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(3) };
	dfx.c.rebuild[5] = (struct ddf_rebuild){ .used = true, .vd = 0, .slot = 1, .refnum = dfx_ref(2) };
	dfx_md(&dfx, 1, 0, "0,9x");
	dfx_open_array(0);
	dfx_tell(0, 1, "0,9x");
	assert_false(dfx.c.rebuild[5].used);
	assert_true(dfx.c.rebuild[2].used && dfx.c.rebuild[3].used && dfx.c.rebuild[4].used);
	dfx_check_pds("0:03/01 1:03/01? 2:03/01? 3:03/01");
	dfx_check_vd(0, "00/02 v4 0,1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_member_that_fails_is_marked),
		TEST(a_failed_member_is_found_by_its_disk),
		TEST(being_in_sync_changes_nothing_of_a_good_array),
		TEST(a_failure_counts_even_if_the_disk_has_left_the_container),
		TEST(a_member_that_is_not_known_is_not_taken_for_the_one_that_is_there),
		TEST(a_member_that_is_not_known_is_left_alone_while_it_works),
		TEST(a_slot_that_does_not_exist_is_ignored),
		TEST(a_disk_fails_in_two_arrays),
		TEST(arrays_that_are_not_watched_learn_of_a_failure),
		TEST(a_rebuilt_member_works_again),
		TEST(a_disk_that_failed_is_not_well_because_an_array_has_not_noticed_yet),
		TEST(a_member_in_sync_is_online),
		TEST(a_disk_is_rebuilding_until_one_of_its_arrays_is_not),
		TEST(who_else_is_rebuilt_onto_a_disk),
		TEST(an_array_that_ended_in_sync_does_not_keep_a_disk_rebuilding),
		TEST(an_array_that_starts_has_to_be_seen_in_sync),
		TEST(a_failed_member_is_not_in_sync_any_more),
		TEST(a_disk_of_other_arrays_is_named_when_it_has_its_data),
		TEST(a_disk_that_is_named_again_is_not_rebuilding),
		TEST(a_member_of_a_mirror_without_a_record_keeps_its_room),
		TEST(a_disk_that_another_array_rebuilds_works_when_it_is_named),
		TEST(whom_a_member_in_sync_replaces),
		TEST(a_member_in_sync_replaces_nobody_before_a_write),
		TEST(a_member_in_sync_fills_a_position_never_filled),
		TEST(a_member_in_sync_goes_into_its_own_mirror),
		TEST(a_disk_without_an_entry_is_not_named),
		TEST(a_member_that_is_rebuilt_keeps_its_room_after_a_restart),
		TEST(with_too_many_rebuilds_one_is_not_kept),
		TEST(a_slot_with_a_member_that_is_rebuilt_is_not_in_sync),
		TEST(a_named_disk_without_an_entry_changes_nothing),
		TEST(a_place_that_another_virtual_disk_has_is_not_named),
		TEST(a_member_not_named_that_fails_is_no_failure_of_the_array),
		TEST(a_member_not_named_that_fails_outdoes_an_absent_record),
		TEST(a_member_not_named_that_left_the_container_does_not_take_another_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
