/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of a DDF container that were away, pulled or absent for a while, and are put in again (ddf.md 10.5). See
 * tests/unit/support/ddf-rig.h.
 */
#include "tests/unit/support/ddf-rig.h"

#include <errno.h>
#include <string.h>

/* Who fails, is taken out and put in again is meant to be used, as before. */
static void test_failed_disk_that_is_put_in_again_is_new(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_synced(r);
	assert_int_equal(drig_add_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 #1001:03/43? 1:05/01");
	drig_free(r);
}

/* The older copy of what it was goes first: the other one may be the only one with the last change. */
static void test_older_copy_of_a_disk_that_is_put_in_again_goes_first(void **state)
{
	(void)state;
	for (unsigned older = 0; older < DDF_COPIES; older++) {
		struct rig *r = drig_bare(2);
		struct snapshot before;
		struct rig_copy *m;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		drig_tell(drig_open_array(r, 0, 1, 0, "0,1"), "0,1x");
		assert_synced(r);
		assert_int_equal(drig_remove_disk(r, 1), 0);
		assert_synced(r);
		m = &r->copy[1][older];
		assert_true(drig_read_copy(r, 1, older));
		((struct ddf_header *)(void *)m->bytes)->seq = be32_make(be32_get(m->header.seq) - 1);
		drig_seal(m);
		drig_write_copy(r, 1, older);
		drig_remember(r, &before);
		assert_int_equal(drig_add_disk(r, 1), 0);
		assert_int_equal(drig_sync_with(r, false), 1);
		assert_int_equal(drig_changes(r, &before, 1)[0], older == DDF_FIRST_COPY ? 'P' : 'S');
		assert_null(strchr(drig_changes(r, &before, 1), older == DDF_FIRST_COPY ? 'S' : 'P'));
		drig_forget(&before);
		drig_free(r);
	}
}

/* Pulled, while its volume did not run, and put in again: it has its data. */
static void test_disk_that_was_out_for_a_while(void **state)
{
	struct rig *r = drig_two_pairs(4);

	(void)state;
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/41? 3:03/01");
	drig_comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* The same, and it is put in again while no daemon runs: md has it, and it is no disk that failed. */
static void test_disk_that_was_out_is_there_at_the_start(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct rig_array *a;

	(void)state;
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/41? 3:03/01");
	r->in[2] = true;
	drig_restart(r);
	a = drig_open_array(r, 1, 1, 0, "2,3");
	assert_false(a->a->disks[0]->failed_elsewhere || a->a->disks[1]->failed_elsewhere);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* The array is dead in md, and has written nothing since: what comes back has all data. */
static void test_last_disk_of_a_mirror_comes_back(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0x,1");
	assert_synced(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/03 1:03/41? 2:05/01");
	drig_comes(r, 1);
	assert_pds(r, "0:03/03 1:03/01 2:05/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	drig_free(r);
}

/* It was pulled and put in before the monitor has looked at the array, of which the other one failed. */
static void test_last_disk_is_back_before_the_failure_of_the_other_is_seen(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_int_equal(drig_add_disk(r, 1), 0);
	drig_tell(a, "0x,1");
	assert_synced(r);
	assert_pds(r, "0:03/03 1:03/01 2:05/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	drig_free(r);
}

/* What the disks say after the next write. */
static void assert_mirror_is_whole(struct rig *r)
{
	drig_sync_with(r, false);
	drig_finish(r);
	drig_examine(r);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "00/02 v3 0,1");
}

/* It came before the daemon had looked at the array, which has it. */
static void test_disk_that_the_array_has_comes_late(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "0");
	a = drig_make_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_open_new(a), 0);
	assert_int_equal(drig_add_disk(r, 1), 0);
	drig_tell_state(a, MARK_DECIDE);
	drig_tell(a, "0,1");
	assert_mirror_is_whole(r);
	drig_free(r);
}

/* It came after: the monitor tells of the members once more. */
static void test_disk_that_a_watched_array_has_comes_late(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1");
	assert_int_equal(drig_add_disk(r, 1), 0);
	drig_tell(a, "0,1");
	assert_mirror_is_whole(r);
	drig_free(r);
}

/* The daemon that saw it go is no more. Its record is the only one that tells of the volume's data. */
static void test_last_disk_of_a_mirror_comes_back_to_another_daemon(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "02");
	/* md began with disk 1 alone, which is gone now, but not from the array. */
	a = drig_make_array(r, 0, 1, 0, "-,1");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell_state(a, MARK_DECIDE);
	drig_tell(a, "-,1");
	assert_nothing_to_sync(r);
	drig_comes(r, 1);
	assert_vd(r, 0, "00/02 v3 0,1");
	drig_free(r);
}

/*
 * A daemon was killed while it wrote the mark; the next one finds it on all disks but one, which it cannot open. Nothing is to be
 * changed, but readers might take that one.
 */
static void test_mark_that_a_disk_may_lack(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_sync_with(r, false);
	drig_finish(r);
	drig_tell_state(a, MARK_DIRTY);
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
	drig_close_array(a);
	drig_boot_with(r, "0");
	a = drig_make_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell_state(a, MARK_DIRTY);
	drig_tell(a, "0,1");
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_free(r);
}

/* The manager is told of the disk that is pulled before the monitor has looked at the array, of which the other one failed. */
static void test_last_disk_goes_before_the_failure_of_the_other_is_seen(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 1), 0);
	drig_tell(a, "0x,1");
	assert_synced(r);
	assert_pds(r, "0:03/03 1:03/41? 2:05/01");
	drig_free(r);
}

/*
 * It failed for the one volume, and the other one has nothing else: that is dead, and has written nothing since. As a new
 * disk it would be lost.
 */
static void test_last_disk_of_another_volume_comes_back(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 1,2");
	drig_create(r, 1, &drig_raid1, "v3 0@16384,1@16384");
	drig_boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "1,-");
	a = drig_open_array(r, 1, 1, 0, "0,1");
	drig_sync_with(r, false);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	drig_tell(a, "0,1x");
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_comes(r, 1);
	assert_pds(r, "0:03/01 1:03/01 2:03/4a?");
	assert_vd(r, 0, "01/02 v9 1,_");
	assert_vd(r, 1, "01/02 v9 0@16384,_");
	drig_free(r);
}

/* In one pass each of two disks fails for another volume, which goes on with the other disk: told in any order. */
static void test_each_volume_goes_on_with_another_disk(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct rig *r = drig_bare(3);
		struct rig_array *a[2];

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		drig_create(r, 1, &drig_raid1, "v3 0@16384,1@16384");
		a[0] = drig_open_array(r, 0, 1, 0, "0,1");
		a[1] = drig_open_array(r, 1, 1, 0, "0@16384,1@16384");
		drig_tell(a[first], first ? "0@16384,1x@16384" : "0x,1");
		drig_tell(a[!first], first ? "0x,1" : "0@16384,1x@16384");
		assert_int_equal(drig_sync_with(r, false), 1);
		drig_finish(r);
		drig_examine(r);
		assert_pds(r, "0:03/01 1:03/01 2:05/01");
		assert_int_equal(drig_vd(r->any, 0)->state, DDF_VD_DEGRADED);
		assert_int_equal(drig_vd(r->any, 1)->state, DDF_VD_DEGRADED);
		drig_free(r);
	}
}

/* The same one after the other: md has the data of the second volume on nothing but the disk that failed for the first one. */
static void test_failed_disk_is_all_that_another_volume_has(void **state)
{
	struct rig *r = drig_bare(4);
	struct rig_array *a[2];

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 0@16384,1@16384");
	drig_create(r, 2, &drig_raid1, "v3 0@32768,2");
	a[0] = drig_open_array(r, 0, 1, 0, "0,1");
	a[1] = drig_open_array(r, 1, 1, 0, "0@16384,1@16384");
	drig_tell(a[0], "0x,1");
	assert_synced(r);
	assert_pds(r, "0:03/03 1:03/01 2:03/01 3:05/01");
	drig_tell(a[1], "0@16384,1x@16384");
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
	drig_examine(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/01");
	assert_vd(r, 0, "01/02 v5 _,1");
	assert_vd(r, 1, "01/02 v4 0@16384,_");
	assert_vd(r, 2, "01/02 v4 _,2"); /* whether it ran nobody knows */
	drig_free(r);
}

/* The other one is a RAID 0, which nobody watches. */
static void test_disk_of_a_raid0_comes_back(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct rig_array *a = drig_open_array(r, 1, 1, 0, "2,3");

	(void)state;
	assert_int_equal(drig_remove_disk(r, 3), 0);
	drig_tell(a, "2,3x");
	assert_synced(r);
	drig_close_array(a);
	drig_comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "01/02 v5 2,_");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* The array is started anew with the disk that was taken out, before the daemon has read it: it has not failed, unless md says so. */
static void test_disk_is_a_member_before_it_is_back(void **state)
{
	(void)state;
	for (unsigned fails = 0; fails < 2; fails++) {
		struct rig *r = drig_bare(2);
		struct rig_array *a;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		assert_int_equal(drig_remove_disk(r, 1), 0);
		assert_synced(r);
		a = drig_open_array(r, 0, 1, 0, "0,1");
		if (fails)
			drig_tell(a, "0,1x");
		drig_sync_with(r, false);
		drig_finish(r);
		drig_examine(r);
		assert_pds(r, fails ? "0:03/01 1:03/43?" : "0:03/01 1:03/41?");
		assert_int_equal(drig_add_disk(r, 1), 0);
		if (!fails)
			drig_tell(a, "0,1");
		assert_synced(r);
		assert_pds(r, fails ? "0:03/01 #1001:03/43? 1:05/01" : "0:03/01 1:03/01");
		drig_free(r);
	}
}

/* Stopped, and a disk taken out, before the daemon looks: nothing was written without it. */
static void test_disk_goes_when_its_array_has_been_stopped(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 1), 0);
	a->watch.curr_state = ARRAY_INACTIVE;
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/41?");
	drig_close_array(a);
	drig_comes(r, 1);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	drig_free(r);
}

/*
 * It was absent when the volume was started, is there at the next start, and leaves before it has taken what counts now: its
 * own record still says that it is a member.
 */
static void test_missing_disk_is_back_and_leaves(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "02");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	r->in[1] = true;
	drig_restart(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/42? 2:05/01");
	assert_vd(r, 0, "11/02 v9 0,_");
	drig_free(r);
}

/* It was absent when the volume was started, and is there at the next start, before or after the others. */
static void test_missing_disk_is_back_at_the_start(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "0");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42?");
	r->in[1] = true;
	drig_restart(r);
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced_in_two(r);
	assert_pds(r, "0:03/01 1:05/01");
	assert_taken(r, a, "0,-", "1:1");
	drig_free(r);
}

/* One that has failed is not taken back, whether it is there or was gone in between. */
static void test_failed_disk_is_not_back_at_the_start(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	drig_boot_with(r, "0");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43?");
	r->in[1] = true;
	drig_restart(r);
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43");
	drig_free(r);
}

/*
 * The disk with the newest record is away, and only one that was away before has another: what is recorded now must not have
 * the number of the one that is away.
 */
static void test_newest_record_is_away(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "02");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v9 0,_");
	r->in[0] = false;
	r->in[1] = true;
	drig_restart(r);
	a = drig_open_array(r, 0, 1, 0, "-,2");
	drig_tell_state(a, MARK_DIRTY);
	drig_tell(a, "-,2");
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
	drig_examine(r);
	/* The generations that disk 1 lacks are more if a second has gone by. */
	assert_true(be32_get(drig_newest(r, 0, 0)->seq) >= 14);
	assert_non_null(strstr(drig_vd_text(r, 0), " _,2"));
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_disk_that_is_put_in_again_is_new),
		cmocka_unit_test(test_older_copy_of_a_disk_that_is_put_in_again_goes_first),
		cmocka_unit_test(test_disk_that_was_out_for_a_while),
		cmocka_unit_test(test_disk_that_was_out_is_there_at_the_start),
		cmocka_unit_test(test_last_disk_of_a_mirror_comes_back),
		cmocka_unit_test(test_last_disk_is_back_before_the_failure_of_the_other_is_seen),
		cmocka_unit_test(test_disk_that_the_array_has_comes_late),
		cmocka_unit_test(test_disk_that_a_watched_array_has_comes_late),
		cmocka_unit_test(test_last_disk_of_a_mirror_comes_back_to_another_daemon),
		cmocka_unit_test(test_mark_that_a_disk_may_lack),
		cmocka_unit_test(test_last_disk_goes_before_the_failure_of_the_other_is_seen),
		cmocka_unit_test(test_last_disk_of_another_volume_comes_back),
		cmocka_unit_test(test_each_volume_goes_on_with_another_disk),
		cmocka_unit_test(test_failed_disk_is_all_that_another_volume_has),
		cmocka_unit_test(test_disk_of_a_raid0_comes_back),
		cmocka_unit_test(test_disk_is_a_member_before_it_is_back),
		cmocka_unit_test(test_disk_goes_when_its_array_has_been_stopped),
		cmocka_unit_test(test_missing_disk_is_back_and_leaves),
		cmocka_unit_test(test_missing_disk_is_back_at_the_start),
		cmocka_unit_test(test_failed_disk_is_not_back_at_the_start),
		cmocka_unit_test(test_newest_record_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
