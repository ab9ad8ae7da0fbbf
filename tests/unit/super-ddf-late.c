/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine boots disk by disk: volumes of a DDF container on different disks, of which some come while the daemon runs
 * for the first that was complete (ddf.md 10.5). See tests/unit/support/ddf-rig.h.
 */
#include "tests/unit/support/ddf-rig.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/support/ddf-samples.h"

/* ---- steps ---- */

static unsigned entries(const struct rig *r)
{
	return be16_get(((struct ddf_table_head *)(void *)drig_section(r->any, &r->any->at.pd))->populated);
}

/* ---- disks that only other volumes need ---- */

static void test_disks_of_other_volumes_come_late(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct rig_array *a;

	(void)state;
	drig_boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	drig_comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01?");
	assert_vd(r, 0, "10/02 v3 0,1");
	assert_vd(r, 1, "00/02 v3 2,3");
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	drig_comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_open_array(r, 1, 1, 0, "2,3");
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* The first ones had theirs elsewhere, and were found: so does the one that comes (12). */
static void test_disk_comes_that_has_no_anchor_at_its_end(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct metadata_update u;
	uint8_t own[DDF_SECTOR];

	(void)state;
	memset(own, 0xa5, sizeof(own));
	for (unsigned n = 0; n < 3; n++) {
		ddf_write_sectors(&r->file[n], SAMPLE_ANCHOR, own, 1);
		r->in[n] = n < 2;
	}
	r->in[3] = false;
	drig_restart(r);
	assert_int_equal(drig_prepare_disk(r, 2, &u), 0);
	assert_non_null(u.buf);
	assert_int_equal(drig_apply_disk(r, 2, &u), 0);
	assert_true(u.known);
	drig_free(r);
}

/* The volume that runs loses a disk meanwhile, which says nothing of the others. */
static void test_disks_come_after_a_failure(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct rig_array *a;

	(void)state;
	drig_boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	drig_comes(r, 2);
	/* It has room for what was lost, but not before its own volume is known to have what it needs. */
	assert_string_equal(drig_find_spares(a, "0,-"), "1:2@32768");
	drig_comes(r, 3);
	assert_pds(r, "0:03/01 1:03/03 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v3 2,3");
	assert_vd(r, 2, "00/02 v3 2@16384,3@16384");
	drig_free(r);
}

/* mdadm -I refuses a disk if another number of entries is in use on it. */
static void test_number_of_entries_stays_while_disks_are_awaited(void **state)
{
	struct rig *r = drig_two_pairs(5);
	struct rig_array *a;

	(void)state;
	drig_boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v9 0,_");
	assert_int_equal(entries(r), 5);
	drig_comes(r, 4);
	assert_pds(r, "0:03/01 1:03/01? 2:03/01? 3:03/01? 4:05/01");
	assert_taken(r, a, "0,-", "1:4");
	assert_synced(r);
	assert_int_equal(entries(r), 5);
	drig_comes(r, 1);
	assert_int_equal(entries(r), 5);
	assert_pds(r, "0:03/01 1:05/01 2:03/01? 3:03/01? 4:03/05");
	drig_comes(r, 2);
	drig_comes(r, 3);
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
	struct rig *r = drig_two_pairs(5);
	struct rig_array *a;

	(void)state;
	drig_boot_with(r, "014");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_synced(r);
	assert_taken(r, a, "0,-", "1:4");
	assert_synced(r);
	assert_int_equal(entries(r), 5);
	drig_comes(r, 2);
	assert_int_equal(entries(r), 5);
	drig_comes(r, 3);
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
	drig_boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01?");
	assert_vd(r, 0, "11/02 v9 0,_");
	assert_vd(r, 1, "00/02 v3 0@16384,1@16384");
	drig_comes(r, 1);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "11/02 v9 0,_");
	assert_vd(r, 1, "00/02 v3 0@16384,1@16384");
	/* And the mirror is rebuilt, where it was. */
	assert_taken(r, a, "0,-", "1:1");
	r->in_memory = true;
	assert_nothing_to_sync(r);
	drig_tell(a, "0,1");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "10/02 v10 0,1");
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
	drig_boot_with(r, "0");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	b = drig_open_array(r, 1, 1, 0, "0@16384,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42?");
	drig_comes(r, 1);
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
	drig_boot_with(r, "0");
	a = drig_make_array(r, 0, 1, 0, "0,-");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell(a, "0,-");
	drig_comes(r, 1);
	assert_vd(r, 0, "01/02 v8 0,_");
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
	drig_boot_with(r, "1");
	a = drig_open_array(r, 0, 1, 0, "-,1");
	assert_synced(r);
	drig_boot_with(r, "0");
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
	drig_boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	drig_comes(r, 1);
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
	drig_boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_true(r->seq >= seq + 2);
	seq = r->seq;
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_int_equal(r->seq, seq); /* in place: no other disk has this generation */
	drig_boot_with(r, "02"); /* the entry of the one that is absent is there still */
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	assert_true(r->seq >= seq + 2);
	drig_free(r);
}

/* The container was loaded from disks that had been left behind: of volumes that do not run, the newest disk decides. */
static void test_newer_disk_decides_about_volumes_that_do_not_run(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct rig_array *a;

	(void)state;
	drig_boot_with(r, "23");
	a = drig_open_array(r, 1, 1, 0, "2,3");
	drig_tell_state(a, MARK_DIRTY);
	drig_tell(a, "2,3x");
	assert_synced(r);
	drig_boot_with(r, "01");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_comes(r, 2);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03?");
	assert_vd(r, 0, "00/02 v3 0,1");
	assert_vd(r, 1, "11/02 v8 2,3");
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
	drig_boot_with(r, "23");
	drig_create(r, 1, &drig_raid1, "v3 2,3");
	drig_boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_vd(r, 1, "");
	drig_comes(r, 2);
	assert_vd(r, 1, "00/02 v3 2,3");
	drig_comes(r, 3);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	drig_free(r);
}

/* All disks of a mirror group are late: nobody knew its record. */
static void test_half_of_a_raid10_comes_late(void **state)
{
	struct rig *r = drig_bare(6);

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 2,3 v3 4,5");
	drig_boot_with(r, "012");
	drig_open_array(r, 0, 1, 0, "0,1");
	assert_vd(r, 1, "00/02 v3 2,3 ?");
	drig_comes(r, 5);
	assert_vd(r, 1, "00/02 v3 2,3 v3 4,5");
	drig_comes(r, 4);
	drig_comes(r, 3);
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
	drig_boot_with(r, "02");
	a = drig_open_array(r, 0, 10, 0x102, "0,-,2,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42? 2:03/01 3:03/42?");
	drig_comes(r, 3);
	assert_taken(r, a, "0,-,2,-", "1:3");
	assert_synced(r);
	assert_int_equal(entries(r), 4);
	drig_tell(a, "0,3,2,-");
	assert_synced(r);
	drig_comes(r, 1);
	assert_taken(r, a, "0,3,2,-", "3:1");
	assert_synced(r);
	assert_int_equal(entries(r), 4);
	drig_free(r);
}

/* A volume whose records came with a disk is deleted, and the disk is pulled. */
static void test_volume_that_came_late_is_deleted(void **state)
{
	struct rig *r = drig_two_pairs(4);
	struct message m;

	(void)state;
	drig_boot_with(r, "01");
	drig_open_array(r, 0, 1, 0, "0,1");
	drig_comes(r, 2);
	drig_comes(r, 3);
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
	drig_boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01? 2:05/01");
	drig_delete_message(&m, 1);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/4a? 2:05/01");
	assert_vd(r, 0, "11/02 v9 0,_");
	drig_free(r);
}

/*
 * Disk 0 had failed, and disk 4 was rebuilt, but not recorded before the daemon was killed. Then disk 1 failed and was taken out:
 * the record of this mirror is on no disk that is here, and disk 4 is all that it has.
 */
static void test_rebuilt_disk_gets_a_record_when_all_others_are_absent(void **state)
{
	struct rig *r = drig_bare(5);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v7 0,1 v3 2,3");
	drig_boot_with(r, "234");
	a = drig_open_array(r, 0, 10, 0x102, "4!@16384,1x,2,3");
	drig_sync_with(r, false);
	drig_finish(r);
	drig_examine(r);
	assert_vd(r, 0, "04/02 ? v3 2,3");
	drig_tell(a, "4@16384,1x,2,3");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v16777221 4@16384,_ v3 2,3");
	drig_restart(r);
	drig_comes(r, 1);
	assert_vd(r, 0, "01/02 v16777221 4@16384,_ v3 2,3");
	drig_free(r);
}

/* The record that names it is on absent disks, too: whoever deletes the volume cannot know that it does. */
static void test_volume_with_unknown_records_is_deleted(void **state)
{
	struct rig *r = drig_bare(4);
	struct rig_array *a;
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 0@16384,2@16384 v3 1@16384,3@16384");
	drig_boot_with(r, "02");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01? 2:03/01 3:03/01?");
	drig_delete_message(&m, 1);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/4a? 2:05/01 3:03/4a?");
	drig_free(r);
}

/*
 * A daemon was killed when a disk that is away now was the only one with the next record: what is recorded without it, at the
 * start or when a disk has come, must not have that number.
 */
static void test_unfinished_record_of_an_absent_disk(void **state)
{
	struct rig *r = drig_two_pairs(4);

	(void)state;
	drig_boot_with(r, "0");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_true(be32_get(drig_newest(r, 0, 0)->seq) > 3 + 4);
	drig_comes(r, 2);
	drig_open_array(r, 1, 1, 0, "2,-");
	assert_synced(r);
	assert_true(be32_get(drig_newest(r, 1, 0)->seq) > 3 + 4);
	drig_free(r);
}

/* The same, and md has that disk as a member which has failed: it was rebuilt, and the record that names it is on it alone. */
static void test_record_of_a_member_that_was_pulled(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v3 0@16384,1@16384,2@16384");
	drig_boot_with(r, "02");
	drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v9 0,_");
	drig_restart(r);
	a = drig_make_array(r, 0, 1, 0, "0,1x");
	assert_int_equal(drig_open_new(a), 0);
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_true(be32_get(drig_newest(r, 0, 0)->seq) > 9 + 4);
	drig_free(r);
}

/* The newest record of a virtual disk is away, and names a disk that refused it: its data stay. */
static void test_disk_that_refused_its_record(void **state)
{
	struct rig *r = drig_bare(5);
	struct rig_array *a;
	struct snapshot before;
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid1, "v3 2,3");
	drig_boot_with(r, "01234");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	drig_remember(r, &before);
	assert_taken(r, a, "0,-", "1:4");
	assert_synced(r);
	drig_tell(a, "0,4");
	assert_synced(r);
	drig_copy_data(&before.disk[4], &r->file[4]);
	drig_forget(&before);
	r->in[0] = r->in[1] = r->in[3] = false;
	for (int daemon = 0; daemon < 2; daemon++) {
		drig_restart(r);
		a = drig_open_array(r, 1, 1, 0, "2,-");
		drig_tell_state(a, daemon ? MARK_CLEAN : MARK_DIRTY);
		assert_synced(r);
		assert_string_equal(drig_find_spares(a, "2,-"), "");
		drig_entry_message(&m, 2, 0);
		assert_int_equal(drig_send_message(r, &m), 0);
		drig_config_message(r, &m, 2, &drig_raid1, "v3 2@16384,4");
		assert_int_equal(drig_send_message(r, &m), -EBUSY);
		assert_nothing_to_sync(r);
	}
	drig_comes(r, 0);
	drig_create(r, 2, &drig_raid1, "v3 2@16384,4@16384");
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disks_of_other_volumes_come_late),
		cmocka_unit_test(test_disk_comes_that_has_no_anchor_at_its_end),
		cmocka_unit_test(test_disks_come_after_a_failure),
		cmocka_unit_test(test_number_of_entries_stays_while_disks_are_awaited),
		cmocka_unit_test(test_forgotten_disk_keeps_its_entry_while_disks_are_awaited),
		cmocka_unit_test(test_raid0_and_a_mirror_that_started_without_the_disk),
		cmocka_unit_test(test_both_mirrors_started_without_the_disk),
		cmocka_unit_test(test_disk_that_a_running_array_does_not_have),
		cmocka_unit_test(test_newer_data_are_left_alone),
		cmocka_unit_test(test_later_change_alone_is_no_newer_data),
		cmocka_unit_test(test_unfinished_generation_of_an_absent_disk),
		cmocka_unit_test(test_unfinished_record_of_an_absent_disk),
		cmocka_unit_test(test_record_of_a_member_that_was_pulled),
		cmocka_unit_test(test_disk_that_refused_its_record),
		cmocka_unit_test(test_newer_disk_decides_about_volumes_that_do_not_run),
		cmocka_unit_test(test_newer_disk_knows_another_volume),
		cmocka_unit_test(test_half_of_a_raid10_comes_late),
		cmocka_unit_test(test_two_disks_were_left_out),
		cmocka_unit_test(test_volume_that_came_late_is_deleted),
		cmocka_unit_test(test_last_volume_that_names_an_absent_disk_is_deleted),
		cmocka_unit_test(test_rebuilt_disk_gets_a_record_when_all_others_are_absent),
		cmocka_unit_test(test_volume_with_unknown_records_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
