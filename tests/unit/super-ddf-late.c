/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine boots disk by disk: volumes of a DDF container on different disks, of which some come while the daemon runs
 * for the first that was complete (ddf.md 10.5). See tests/unit/support/ddf-rig.h.
 */
#include "tests/unit/support/ddf-rig.h"

#include <errno.h>
#include <string.h>

/* ---- steps ---- */

/* The machine is off, and comes up with these disks. */
static void boot_with(struct rig *r, const char *disks)
{
	for (unsigned n = 0; n < r->disks; n++)
		r->in[n] = strchr(disks, (int)('0' + n));
	drig_restart(r);
	drig_examine(r);
}

/* The disk is taken in, and the copies on all disks agree. */
static void comes(struct rig *r, unsigned n)
{
	assert_int_equal(drig_add_disk(r, n), 0);
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
	assert_int_equal(r->res.failed + r->rest.failed, 0);
	drig_examine(r);
	drig_assert_same_after_reload(r);
	r->new_disk = false;
}

static unsigned entries(const struct rig *r)
{
	return be16_get(((struct ddf_table_head *)(void *)drig_section(r->any, &r->any->at.pd))->populated);
}

/* A RAID 1 on disks 0 and 1; on 2 and 3 a RAID 1, and behind it a RAID 0. */
static struct rig *two_pairs(unsigned disks)
{
	struct rig *r = drig_bare(disks);

	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 2,3");
	drig_create(r, 2, &drig_raid0, "v3 2@16384,3@16384");
	return r;
}

/* ---- disks that only other volumes need ---- */

static void test_disks_of_other_volumes_come_late(void **state)
{
	struct rig *r = two_pairs(4);
	struct rig_array *a;

	(void)state;
	boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01?");
	assert_vd(r, 0, "10/02 v3 0,1");
	assert_vd(r, 1, "00/02 v3 2,3");
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_open_array(r, 1, 1, 0, "2,3");
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* The volume that runs loses a disk meanwhile, which says nothing of the others. */
static void test_disks_come_after_a_failure(void **state)
{
	struct rig *r = two_pairs(4);
	struct rig_array *a;

	(void)state;
	boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	comes(r, 2);
	/* It has room for what was lost, but not before its own volume is known to have what it needs. */
	assert_string_equal(drig_find_spares(a, "0,-"), "1:2@32768");
	comes(r, 3);
	assert_pds(r, "0:03/01 1:03/03 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* mdadm -I refuses a disk if another number of entries is in use on it. */
static void test_number_of_entries_stays_while_disks_are_awaited(void **state)
{
	struct rig *r = two_pairs(5);
	struct rig_array *a;

	(void)state;
	boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v5 0,_");
	assert_int_equal(entries(r), 5);
	comes(r, 4);
	assert_pds(r, "0:03/01 1:03/01? 2:03/01? 3:03/01? 4:05/01");
	assert_taken(r, a, "0,-", "1:4");
	assert_synced(r);
	assert_int_equal(entries(r), 5);
	comes(r, 1);
	assert_int_equal(entries(r), 5);
	assert_pds(r, "0:03/01 1:05/01 2:03/01? 3:03/01? 4:03/05");
	comes(r, 2);
	comes(r, 3);
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_tell(a, "0,4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/01 2:03/01 3:03/01 4:03/01");
	drig_free(r);
}

/* An entry that nobody needs stays until nobody is awaited. */
static void test_forgotten_disk_keeps_its_entry_while_disks_are_awaited(void **state)
{
	struct rig *r = two_pairs(5);
	struct rig_array *a;

	(void)state;
	boot_with(r, "014");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_synced(r);
	assert_taken(r, a, "0,-", "1:4");
	assert_synced(r);
	assert_int_equal(entries(r), 5);
	comes(r, 2);
	assert_int_equal(entries(r), 5);
	comes(r, 3);
	assert_int_equal(entries(r), 4);
	drig_free(r);
}

/* ---- a disk that runs late in one volume and is needed by another ---- */

/* The RAID 1 is started by the last-resort timer. The RAID 0 cannot do without the disk, and did not. */
static void test_raid0_and_a_mirror_that_started_without_the_disk(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v3 0@16384,1@16384");
	boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01?");
	assert_vd(r, 0, "11/02 v5 0,_");
	assert_vd(r, 1, "00/02 v3 0@16384,1@16384");
	comes(r, 1);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "11/02 v5 0,_");
	assert_vd(r, 1, "00/02 v3 0@16384,1@16384");
	/* And the mirror is rebuilt, where it was. */
	assert_taken(r, a, "0,-", "1:1");
	r->in_memory = true;
	assert_nothing_to_sync(r);
	drig_tell(a, "0,1");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "10/02 v6 0,1");
	drig_free(r);
}

/* Both mirrors start without it: it is out of both, a spare when it comes. */
static void test_both_mirrors_started_without_the_disk(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a, *b;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 0@16384,1@16384");
	boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	b = drig_open_array(r, 1, 1, 0, "0@16384,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42?");
	comes(r, 1);
	assert_pds(r, "0:03/01 1:05/01");
	assert_taken(r, a, "0,-", "1:1");
	assert_synced(r);
	assert_taken(r, b, "0@16384,-", "1:1@16384");
	drig_free(r);
}

/* The daemon found the array running, and did not decide about it: the disk is not in sync all the same. */
static void test_disk_that_a_running_array_does_not_have(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "0");
	a = drig_make_array(r, 0, 1, 0, "0,-");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell(a, "0,-");
	comes(r, 1);
	assert_vd(r, 0, "01/02 v4 0,_");
	assert_pds(r, "0:03/01 1:05/01");
	drig_free(r);
}

/* ---- what is not taken as it is ---- */

/* Disk 1 went on alone, then disk 0 is found first and started alone: what is newer must not be written over. */
static void test_newer_data_are_left_alone(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;
	struct snapshot before;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "1");
	a = drig_open_array(r, 0, 1, 0, "-,1");
	assert_synced(r);
	boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	for (int i = 0; i < 5; i++) {
		drig_tell_state(a, i % 2 ? MARK_CLEAN : MARK_DIRTY);
		assert_int_equal(drig_sync_with(r, false), 1);
		drig_finish(r);
	}
	drig_remember(r, &before);
	assert_int_equal(drig_add_disk(r, 1), -ESTALE);
	assert_int_equal(drig_sync_with(r, false), 0);
	assert_string_equal(drig_changes(r, &before, 1), "");
	drig_forget(&before);
	drig_free(r);
}

/* It only has the last change, which the power cut kept from the others: that says nothing of the data. */
static void test_later_change_alone_is_no_newer_data(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	r->in[0] = r->in[2] = false;
	drig_restart(r);
	drig_examine(r);
	a = drig_make_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	comes(r, 1);
	assert_pds(r, "0:03/01 1:05/01 2:05/01");
	drig_free(r);
}

/*
 * A write was cut off when disk 1 alone had it, and that is away at the next start: what is written then must not bear the
 * same number, for of two equally new disks readers take either.
 */
static void test_unfinished_generation_of_an_absent_disk(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;
	uint32_t seq;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	seq = r->seq;
	boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_true(r->seq >= seq + 2);
	seq = r->seq;
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_int_equal(r->seq, seq + 1);
	boot_with(r, "02"); /* the entry of the one that is absent is there still */
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	assert_true(r->seq >= seq + 3);
	drig_free(r);
}

/* The container was loaded from disks that had been left behind: of volumes that do not run, the newest disk decides. */
static void test_newer_disk_decides_about_volumes_that_do_not_run(void **state)
{
	struct rig *r = two_pairs(4);
	struct rig_array *a;

	(void)state;
	boot_with(r, "23");
	a = drig_open_array(r, 1, 1, 0, "2,3");
	drig_tell_state(a, MARK_DIRTY);
	drig_tell(a, "2,3x");
	assert_synced(r);
	boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03?");
	assert_vd(r, 0, "00/02 v3 0,1");
	assert_vd(r, 1, "11/02 v4 2,3");
	assert_vd(r, 2, "04/02 v3 2@16384,3@16384");
	/* What has failed is no spare because it comes late. Nobody waits for it: it is written with the next change. */
	assert_int_equal(drig_add_disk(r, 3), 0);
	assert_int_equal(drig_sync_with(r, false), 0);
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03");
	drig_free(r);
}

/* ... and it may know volumes that they do not. */
static void test_newer_disk_knows_another_volume(void **state)
{
	struct rig *r = drig_bare(4);

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "23");
	drig_create(r, 1, &drig_raid1, "v3 2,3");
	boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_vd(r, 1, "");
	comes(r, 2);
	assert_vd(r, 1, "00/02 v3 2,3");
	comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	drig_free(r);
}

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

/* Pulled, while its volume did not run, and put in again: it has its data. */
static void test_disk_that_was_out_for_a_while(void **state)
{
	struct rig *r = two_pairs(4);

	(void)state;
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/41? 3:03/01");
	comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* The same, and it is put in again while no daemon runs: md has it, and it is no disk that failed. */
static void test_disk_that_was_out_is_there_at_the_start(void **state)
{
	struct rig *r = two_pairs(4);
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
	comes(r, 1);
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

/* It came before the daemon had looked at the array, which has it. */
static void test_disk_that_the_array_has_comes_late(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "0");
	a = drig_make_array(r, 0, 1, 0, "0,1");
	assert_int_equal(drig_open_new(a), 0);
	assert_int_equal(drig_add_disk(r, 1), 0);
	drig_tell_state(a, MARK_DECIDE);
	drig_tell(a, "0,1");
	drig_sync_with(r, false);
	drig_finish(r);
	drig_examine(r);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	drig_free(r);
}

/* The daemon that saw it go is no more. Its record is the only one that tells of the volume's data. */
static void test_last_disk_of_a_mirror_comes_back_to_another_daemon(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "02");
	/* md began with disk 1 alone, which is gone now, but not from the array. */
	a = drig_make_array(r, 0, 1, 0, "-,1");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell_state(a, MARK_DECIDE);
	drig_tell(a, "-,1");
	assert_nothing_to_sync(r);
	comes(r, 1);
	assert_vd(r, 0, "00/02 v3 0,1");
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
	boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "1,-");
	a = drig_open_array(r, 1, 1, 0, "0,1");
	drig_sync_with(r, false);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	drig_tell(a, "0,1x");
	assert_int_equal(drig_sync_with(r, false), 1);
	comes(r, 1);
	assert_pds(r, "0:03/01 1:03/01 2:03/4a?");
	assert_vd(r, 0, "01/02 v5 1,_");
	assert_vd(r, 1, "01/02 v5 0@16384,_");
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

/* The other one is a RAID 0, which nobody watches. */
static void test_disk_of_a_raid0_comes_back(void **state)
{
	struct rig *r = two_pairs(4);
	struct rig_array *a = drig_open_array(r, 1, 1, 0, "2,3");

	(void)state;
	assert_int_equal(drig_remove_disk(r, 3), 0);
	drig_tell(a, "2,3x");
	assert_synced(r);
	drig_close_array(a);
	comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "01/02 v5 2,_");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
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
	comes(r, 1);
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
	boot_with(r, "02");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	r->in[1] = true;
	drig_restart(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/42? 2:05/01");
	assert_vd(r, 0, "11/02 v5 0,_");
	drig_free(r);
}

/* It was absent when the volume was started, and is there at the next start, before or after the others. */
static void test_missing_disk_is_back_at_the_start(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	boot_with(r, "0");
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
	boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	boot_with(r, "0");
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

/* All disks of a mirror group are late: nobody knew its record. */
static void test_half_of_a_raid10_comes_late(void **state)
{
	struct rig *r = drig_bare(6);

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 2,3 v3 4,5");
	boot_with(r, "012");
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_vd(r, 1, "00/02 v3 2,3 ?");
	comes(r, 5);
	assert_vd(r, 1, "00/02 v3 2,3 v3 4,5");
	comes(r, 4);
	comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/01");
	assert_vd(r, 1, "00/02 v3 2,3 v3 4,5");
	drig_free(r);
}

/* A disk that was left out takes the place of another one: that one is to come, too, and mdadm must not refuse it. */
static void test_two_disks_were_left_out(void **state)
{
	struct rig *r = drig_bare(4);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1 v3 2,3");
	boot_with(r, "02");
	a = drig_open_array(r, 0, 10, 0x102, "0,-,2,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42? 2:03/01 3:03/42?");
	comes(r, 3);
	assert_taken(r, a, "0,-,2,-", "1:3");
	assert_synced(r);
	assert_int_equal(entries(r), 4);
	drig_tell(a, "0,3,2,-");
	assert_synced(r);
	comes(r, 1);
	assert_taken(r, a, "0,3,2,-", "3:1");
	assert_synced(r);
	assert_int_equal(entries(r), 4);
	drig_free(r);
}

/* A volume whose records came with a disk is deleted, and the disk is pulled. */
static void test_volume_that_came_late_is_deleted(void **state)
{
	struct rig *r = two_pairs(4);
	struct message m;

	(void)state;
	boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "0,1");
	comes(r, 2);
	comes(r, 3);
	drig_delete_message(&m, 1);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_vd(r, 1, "");
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_vd(r, 2, "04/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* One volume started without the disk, which did not count as failed, for another one named it: that is deleted. */
static void test_last_volume_that_names_an_absent_disk_is_deleted(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v3 0@16384,1@16384");
	boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01? 2:05/01");
	drig_delete_message(&m, 1);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/4a? 2:05/01");
	assert_vd(r, 0, "11/02 v5 0,_");
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disks_of_other_volumes_come_late),
		cmocka_unit_test(test_disks_come_after_a_failure),
		cmocka_unit_test(test_number_of_entries_stays_while_disks_are_awaited),
		cmocka_unit_test(test_forgotten_disk_keeps_its_entry_while_disks_are_awaited),
		cmocka_unit_test(test_raid0_and_a_mirror_that_started_without_the_disk),
		cmocka_unit_test(test_both_mirrors_started_without_the_disk),
		cmocka_unit_test(test_disk_that_a_running_array_does_not_have),
		cmocka_unit_test(test_newer_data_are_left_alone),
		cmocka_unit_test(test_later_change_alone_is_no_newer_data),
		cmocka_unit_test(test_unfinished_generation_of_an_absent_disk),
		cmocka_unit_test(test_newer_disk_decides_about_volumes_that_do_not_run),
		cmocka_unit_test(test_newer_disk_knows_another_volume),
		cmocka_unit_test(test_failed_disk_that_is_put_in_again_is_new),
		cmocka_unit_test(test_disk_that_was_out_for_a_while),
		cmocka_unit_test(test_disk_that_was_out_is_there_at_the_start),
		cmocka_unit_test(test_missing_disk_is_back_and_leaves),
		cmocka_unit_test(test_missing_disk_is_back_at_the_start),
		cmocka_unit_test(test_failed_disk_is_not_back_at_the_start),
		cmocka_unit_test(test_last_disk_of_a_mirror_comes_back),
		cmocka_unit_test(test_last_disk_of_another_volume_comes_back),
		cmocka_unit_test(test_each_volume_goes_on_with_another_disk),
		cmocka_unit_test(test_disk_of_a_raid0_comes_back),
		cmocka_unit_test(test_last_disk_of_a_mirror_comes_back_to_another_daemon),
		cmocka_unit_test(test_last_disk_is_back_before_the_failure_of_the_other_is_seen),
		cmocka_unit_test(test_disk_that_the_array_has_comes_late),
		cmocka_unit_test(test_last_disk_goes_before_the_failure_of_the_other_is_seen),
		cmocka_unit_test(test_disk_goes_when_its_array_has_been_stopped),
		cmocka_unit_test(test_half_of_a_raid10_comes_late),
		cmocka_unit_test(test_two_disks_were_left_out),
		cmocka_unit_test(test_volume_that_came_late_is_deleted),
		cmocka_unit_test(test_last_volume_that_names_an_absent_disk_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
