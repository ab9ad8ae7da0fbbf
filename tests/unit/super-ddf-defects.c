/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DDF handler from end to end: what others do wrong, we do not (ddf.md 15). */
#include "tests/unit/support/ddf-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Item 1. */
static void test_one_spare_fills_one_slot(void **state)
{
	struct rig *r = drig_bare(5);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid6, "v5 0,1,2,3");
	a = drig_open_array(r, 0, 6, 10, "0,1,2,3");
	drig_tell(a, "0x,1,2x,3");
	assert_synced(r);
	assert_taken(r, a, "-,1,-,3", "0:4");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v8 4,1,2,3");
	assert_string_equal(drig_find_spares(a, "4!,1,-,3"), "0:4"); /* nothing for slot 2 */
	assert_int_equal(drig_add_disk(r, 5), 0);
	assert_synced(r);
	drig_tell(a, "4,1,-,3");
	assert_synced(r);
	assert_vd(r, 0, "05/02 v9 4,1,2,3");
	assert_taken(r, a, "4,1,-,3", "2:5");
	drig_tell(a, "4,1,5,3");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v11 4,1,5,3");
	drig_free(r);
}

/* Item 2: the second one is prepared before the first one is applied. */
static void test_two_disks_added_at_once(void **state)
{
	struct rig *r = drig_bare(2);
	struct metadata_update first, second;

	(void)state;
	assert_int_equal(drig_prepare_disk(r, 2, &first), 0);
	assert_int_equal(drig_prepare_disk(r, 3, &second), 0);
	assert_int_equal(drig_apply_disk(r, 2, &first), 0);
	assert_int_equal(drig_apply_disk(r, 3, &second), 0);
	assert_synced(r);
	assert_pds(r, "0:05/01 1:05/01 2:05/01 3:05/01");
	drig_restart(r);
	assert_nothing_to_sync(r);
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:05/01 1:05/01 2:05/41? 3:05/01");
	drig_free(r);
}

static void test_array_that_lost_too_much_gets_no_spare(void **state)
{
	struct rig *r = drig_bare(5);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid5, "v4 0,1,2");
	a = drig_open_array(r, 0, 5, 2, "0,1,2");
	drig_tell(a, "0x,1,2");
	assert_synced(r);
	assert_string_equal(drig_find_spares(a, "-,1,2"), "0:3");
	assert_string_equal(drig_find_spares(a, "-,1,-"), "");
	drig_free(r);
}

/* Items 3 and 4, in the container that mdadm made: the order in which records were found does not matter. */
static void test_spare_of_a_raid10_goes_into_the_right_mirror(void **state)
{
	static const struct {
		const char *failed, *without, *pick, *recorded, *after, *done;
	} t[] = {
		{ "0x,1,2,3", "-,1,2,3", "0:4", "01/02 v5 4,1 v3 2,3", "4,1,2,3", "00/02 v6 4,1 v3 2,3" },
		{ "0,1,2x,3", "0,1,-,3", "2:4", "01/02 v3 0,1 v5 4,3", "0,1,4,3", "00/02 v3 0,1 v6 4,3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = drig_loaded_sample("B");
		struct rig_array *a = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");

		drig_tell(a, t[i].failed);
		assert_synced(r);
		assert_taken(r, a, t[i].without, t[i].pick);
		assert_synced(r);
		assert_vd(r, 0, t[i].recorded);
		drig_tell(a, t[i].after);
		assert_synced(r);
		assert_vd(r, 0, t[i].done);
		drig_free(r);
	}
}

/* Item 6: who starts the array now finds that a member is missing. */
static void test_half_rebuilt_disk_is_not_taken_for_good_after_a_crash(void **state)
{
	struct rig *r = drig_bare(3);
	static struct report report;
	struct rig_array *m1;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid5, "v4 0@16384,1@16384,2");
	m1 = drig_open_array(r, 0, 1, 0, "0,1");
	drig_open_array(r, 1, 5, 2, "0@16384,1@16384,2");
	drig_tell(m1, "0,1x");
	assert_synced(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	drig_tell_state(m1, MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 0, "11/02 v4 0,1");
	drig_make_report(&r->st, &report);
	assert_int_equal(report.volume[0].member[1].state, REPORT_REBUILDING);
	drig_restart(r);
	drig_make_report(&r->st, &report);
	assert_int_equal(report.volume[0].member[1].state, REPORT_FAILED_MEMBER);
	m1 = drig_open_array(r, 0, 1, 0, "0,-");
	drig_sync_now(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	drig_free(r);
}

/* The room of a spare that no record names yet is kept. */
static void test_room_of_a_rebuild_is_kept(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *m1;
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v2 2");
	m1 = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(m1, "0,1x");
	assert_synced(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	drig_entry_message(&m, 2, DDF_VD_OPTIMAL);
	assert_int_equal(drig_send_message(r, &m), 0);
	drig_config_message(r, &m, 2, &drig_raid0, "v2 2@20000");
	assert_int_equal(drig_send_message(r, &m), -ENOSPC);
	drig_entry_message(&m, 2, DDF_VD_OPTIMAL);
	assert_int_equal(drig_send_message(r, &m), 0);
	drig_config_message(r, &m, 2, &drig_raid0, "v2 2@32768");
	assert_int_equal(drig_send_message(r, &m), 0);
	drig_tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	assert_vd(r, 1, "00/02 v2 2");
	assert_vd(r, 2, "00/02 v2 2@32768");
	drig_free(r);
}

/* Item 9: those that are there are as good as new. */
static void test_members_of_an_array_created_degraded_are_not_rebuilding(void **state)
{
	static const char *const records[] = { "v2 0,-", "v2 0,_" };

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct rig *r = drig_bare(2);

		drig_create(r, 0, &drig_raid1, records[i]);
		assert_pds(r, "0:03/01 1:05/01");
		assert_int_equal(drig_vd(r->any, 0)->state, DDF_VD_DEGRADED);
		drig_free(r);
	}
}

/* Item 10: positions that were never filled. */
static void test_missing_members_of_new_arrays_are_rebuilt(void **state)
{
	static const struct {
		const char *records, *members, *opened, *pick, *after, *done;
	} t[] = {
		{ "v2 0,-", "0,-", "01/02 v3 0,_", "1:1", "0,1", "00/02 v5 0,1" },
		{ "v2 -,0", "-,0", "01/02 v3 _,0", "0:1", "1,0", "00/02 v5 1,0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = drig_bare(3);
		struct rig_array *a;

		drig_create(r, 0, &drig_raid1, t[i].records);
		a = drig_open_array(r, 0, 1, 0, t[i].members);
		assert_synced(r);
		assert_vd(r, 0, t[i].opened);
		assert_taken(r, a, t[i].members, t[i].pick);
		drig_tell(a, t[i].after);
		assert_synced(r);
		assert_vd(r, 0, t[i].done);
		drig_free(r);
	}
}

/* Item 13. */
static void test_record_changed_by_message_gets_a_new_number(void **state)
{
	struct rig *r = drig_bare(5);
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1 v3 2,3");
	drig_config_message(r, &m, 0, &drig_raid1, "v3 0,1 v3 2,4");
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,4");
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/01 4:03/05");
	drig_free(r);
}

/* Item 33, and 18. */
static void test_message_with_more_mirrors_is_refused(void **state)
{
	static const char *const records[] = { "v3 0,1 v3 2,3 v3 4,5", "v3 0,1", "v3 0,1,4 v3 2,3,5" };
	struct rig *r = drig_bare(6);
	struct message m;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1 v3 2,3");
	for (size_t i = 0; i < COUNT(records); i++) {
		drig_config_message(r, &m, 0, &drig_raid1, records[i]);
		assert_int_equal(drig_send_message(r, &m), -EINVAL);
	}
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* Item 14: a disk that was away is older, whichever is read last. */
static void test_stale_disk_does_not_set_the_container_back(void **state)
{
	(void)state;
	for (unsigned stale = 0; stale < 3; stale++) {
		struct rig *r = drig_loaded_sample("A");
		struct rig_array *a = drig_open_array(r, 0, 5, 2, "1,0,2");
		struct snapshot before;

		drig_remember(r, &before);
		assert_int_equal(drig_add_disk(r, 3), 0); /* a new generation */
		assert_synced(r);
		drig_tell_state(a, MARK_DIRTY);
		assert_synced(r);
		assert_int_equal(r->seq, 9);
		drig_copy_data(&before.disk[stale], &r->file[stale]);
		drig_restart(r);
		drig_open_array(r, 0, 5, 2, "1,0,2"); /* md says that it is clean */
		assert_synced(r);
		assert_int_equal(r->seq, 10);
		assert_vd(r, 0, "00/02 v4 1,0,2");
		drig_forget(&before);
		drig_free(r);
	}
}

static void forget_virtual_disk(struct rig_copy *m)
{
	memset(drig_vd(m, 0), 0xff, sizeof(struct ddf_vd_entry));
	((struct ddf_table_head *)(void *)drig_section(m, &m->at.vd))->populated = be16_make(0);
}

/* Item 19: deleted while the disk was away. */
static void test_record_without_virtual_disk_is_nobodys(void **state)
{
	struct rig *r = drig_sample("A");
	struct rig_array *a;

	(void)state;
	drig_edit_all(r, forget_virtual_disk);
	drig_examine(r);
	drig_load(r);
	a = drig_make_array(r, 0, 5, 2, "1,0,2");
	assert_int_equal(drig_open_new(a), -ENODEV);
	assert_int_equal(drig_add_disk(r, 3), 0);
	assert_synced(r);
	for (unsigned n = 0; n < 3; n++)
		assert_true(drig_all_ones(drig_record(&r->copy[n][DDF_FIRST_COPY], 0), RIG_RECORD));
	drig_free(r);
}

/* Item 20. */
static void test_arrays_beyond_the_table_are_not_bound(void **state)
{
	static const int index[] = { 2, 254, 255, 4095, 1 << 30, -1 };
	struct rig *r = drig_loaded_sample("B");

	(void)state;
	for (size_t i = 0; i < COUNT(index); i++) {
		struct rig_array *a = drig_make_array(r, -1, 1, 0, "1,3");

		a->a->member = index[i];
		assert_int_equal(drig_open_new(a), -ENODEV);
		free(a->a);
		a->a = NULL;
	}
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* Item 24: md has not said yet that the member failed. */
static void test_disk_that_leaves_before_its_failure_is_seen(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct rig_array *r10 = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");

	(void)state;
	assert_int_equal(drig_remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/43? 3:03/01 4:05/01");
	assert_vd(r, 0, "01/02 v3 0,1 v3 2,3");
	r10->a->disks[2]->slot = -1;
	drig_tell_member(r10, r10->a->disks[2], 2, MEMBER_FAULTY);
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3");
	assert_taken(r, r10, "0,1,-,3", "2:4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 3:03/01 4:03/05");
	assert_vd(r, 0, "01/02 v3 0,1 v5 4,3");
	drig_tell(r10, "0,1,4,3");
	assert_synced(r);
	assert_int_equal(drig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
	drig_free(r);
}

/* Item 25: the second mirror is lost with its record. */
static void test_mirror_that_nobody_has_a_record_of_is_lost(void **state)
{
	struct rig *r = drig_sample("B");

	(void)state;
	r->in[2] = r->in[3] = r->in[4] = false;
	drig_examine(r);
	drig_load(r);
	drig_open_array(r, 0, 10, 0x102, "0,1,-,-");
	assert_synced(r);
	assert_vd(r, 0, "04/02 v3 0,1 ?");
	assert_vd(r, 1, "00/02 v3 1@16384,3@16384");
	drig_free(r);
}

/* The descriptor stays the same number, but takes no writes any more; or does so again. */
static void let_disk_take_writes(struct rig *r, unsigned n, bool takes)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->file[n].fd);
	fd = open(path, (takes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(dup3(fd, r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
	close(fd);
}

/* mdadm creates a virtual disk, of which disk 0 takes nothing. */
static void create_half(struct rig *r, unsigned vd, const char *records)
{
	struct message m;

	let_disk_take_writes(r, 0, false);
	drig_entry_message(&m, vd, DDF_VD_OPTIMAL);
	assert_int_equal(drig_send_message(r, &m), 0);
	drig_config_message(r, &m, vd, &drig_raid1, records);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
}

/*
 * The disk with the only record of a virtual disk is taken out and put in again: made a new one it would take the record along.
 * Another change that disk 0 did not take is no reason: it knows the virtual disk.
 */
static void test_disk_with_the_only_record_is_no_new_one(void **state)
{
	(void)state;
	for (int created = 0; created < 2; created++) {
		struct rig *r = drig_bare(2);
		struct rig_array *a;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		if (created)
			create_half(r, 1, "v3 0@16384,1@16384");
		else
			let_disk_take_writes(r, 0, false);
		a = drig_open_array(r, created, 1, 0, "0,1");
		drig_tell(a, "0,1x");
		drig_sync_with(r, false);
		drig_finish(r);
		assert_int_equal(drig_remove_disk(r, 1), 0);
		drig_sync_with(r, false);
		drig_finish(r);
		assert_int_equal(drig_add_disk(r, 1), created ? -EAGAIN : 0);
		drig_free(r);
	}
}

/* Likewise of the only record that says that disk 0, which had been left out, has been rebuilt. */
static void test_disk_with_the_record_of_a_rebuild_is_no_new_one(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_boot_with(r, "1");
	a = drig_open_array(r, 0, 1, 0, "-,1");
	drig_sync_with(r, false);
	drig_finish(r);
	drig_comes(r, 0);
	let_disk_take_writes(r, 0, false);
	drig_tell(a, "0,1");
	drig_sync_with(r, false);
	drig_finish(r);
	drig_tell(a, "0,1x");
	drig_sync_with(r, false);
	drig_finish(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	drig_sync_with(r, false);
	drig_finish(r);
	assert_int_equal(drig_add_disk(r, 1), -EAGAIN);
	drig_free(r);
}

/*
 * A disk comes late, and its array has gone on without it: the record names it no more. If it does not take that it would be
 * trusted with its old one as soon as the disk with the new one is absent.
 */
static void test_late_disk_that_keeps_its_record_has_failed(void **state)
{
	(void)state;
	for (int refuses = 0; refuses < 2; refuses++) {
		struct rig *r = drig_bare(2);
		struct rig_array *a;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		r->in[1] = false;
		drig_restart(r);
		a = drig_open_array(r, 0, 1, 0, "0,-");
		assert_int_equal(drig_add_disk(r, 1), 0);
		if (refuses)
			let_disk_take_writes(r, 1, false);
		drig_tell_state(a, MARK_DIRTY);
		assert_int_equal(drig_sync_with(r, false), 1);
		drig_finish(r);
		r->in[1] = !refuses;
		drig_examine(r);
		assert_pds(r, refuses ? "0:03/01 1:05/02?" : "0:03/01 1:05/01");
		drig_free(r);
	}
}

/* Item 26. */
static void test_disk_that_took_no_write_is_tried_again(void **state)
{
	struct rig *r = drig_loaded_sample("A");
	struct rig_array *a = drig_open_array(r, 0, 5, 2, "1,0,2");
	static struct report report;
	struct snapshot before;

	(void)state;
	drig_remember(r, &before);
	let_disk_take_writes(r, 1, false);
	drig_tell_state(a, MARK_DIRTY);
	assert_int_equal(drig_sync_with(r, false), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(r->res.failed >= 1);
	assert_int_equal(r->res.failed_dev[0], drig_dev(1));
	drig_finish(r);
	assert_string_equal(drig_changes(r, &before, 0), "S0 S130 P0 P130");
	assert_string_equal(drig_changes(r, &before, 1), "");
	drig_make_report(&r->st, &report);
	assert_string_equal(drig_report_text(&report), "9 MM!M; 0 r5 raid5 65536 normal dirty 1+ 0+ 2+");
	assert_int_equal(drig_sync_with(r, false), 0);
	let_disk_take_writes(r, 1, true);
	assert_int_equal(drig_sync_with(r, true), 1);
	drig_finish(r);
	drig_examine(r);
	assert_int_equal(r->seq, 9);
	assert_string_equal(drig_changes(r, &before, 1), "S0 S130 P0 P130");
	drig_assert_same_after_reload(r);
	drig_forget(&before);
	drig_free(r);
}

static void test_change_that_no_disk_took_stays_pending(void **state)
{
	struct rig *r = drig_loaded_sample("A");
	struct rig_array *a = drig_open_array(r, 0, 5, 2, "1,0,2");

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		let_disk_take_writes(r, n, false);
	drig_tell_state(a, MARK_DIRTY);
	assert_int_equal(drig_sync_with(r, false), -EIO);
	for (unsigned n = 0; n < 3; n++)
		let_disk_take_writes(r, n, true);
	/* one copy of each at once, the others in time */
	assert_int_equal(drig_sync_with(r, false), 1);
	assert_int_equal(r->res.written, 3);
	drig_finish(r);
	assert_int_equal(drig_sync_with(r, true), 0);
	drig_finish(r);
	drig_examine(r);
	assert_int_equal(r->seq, 9);
	assert_vd(r, 0, "10/02 v4 1,0,2");
	drig_assert_same_after_reload(r);
	drig_free(r);
}

static void drop_secondary(struct rig *r, unsigned n)
{
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_ANCHOR };

	for (unsigned i = 0; i < 2; i++) {
		struct ddf_header h;

		ddf_read_sectors(&r->file[n], lba[i], &h, 1);
		h.secondary_lba = be64_make(DDF_NO_LBA);
		ddf_seal(&h, sizeof(h));
		ddf_write_sectors(&r->file[n], lba[i], &h, 1);
	}
}

/* Item 26, too. */
static void test_disks_without_a_secondary_copy(void **state)
{
	struct rig *r = drig_sample("A");
	struct rig_array *a;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		drop_secondary(r, n);
	drig_examine(r);
	drig_remember(r, &before);
	drig_load(r);
	a = drig_open_array(r, 0, 5, 2, "1,0,2");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_int_equal(r->res.written, 3);
	for (unsigned n = 0; n < 3; n++)
		assert_string_equal(drig_changes(r, &before, n), "P130");
	/* one that comes gets none either */
	assert_int_equal(drig_add_disk(r, 3), 0);
	assert_synced(r);
	assert_false(r->copy[3][DDF_SECOND_COPY].exists);
	drig_forget(&before);
	drig_free(r);
}

static void spoil_extents(struct rig_copy *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		struct ddf_vdc *v = drig_record(m, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC && v->prl == DDF_RAID0)
			ddf_set_element_start(v, RIG_MPPE, 0, v->guid[23] == '1' ? 60000 : 55000);
	}
}

/* Item 28. */
static void test_extents_that_overlap_leave_no_room_between_them(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v2 2");
	drig_create(r, 2, &drig_raid0, "v2 2@16384");
	drig_create(r, 3, &drig_raid0, "v2 2@32768");
	super_ddf.free_super(&r->st);
	drig_edit_all(r, spoil_extents); /* 1 lies at 60000, beyond the end; 2 and 3 at 55000 */
	drig_examine(r);
	drig_load(r);
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_string_equal(drig_find_spares(a, "0,-"), "1:2");
	a->a->component_size = 55001;
	assert_string_equal(drig_find_spares(a, "0,-"), "");
	drig_free(r);
}

/* Item 30. */
static void test_disk_that_is_there_is_not_added_again(void **state)
{
	struct rig *r = drig_loaded_sample("B");

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		assert_int_equal(drig_add_disk(r, n), -EEXIST);
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* Item 31: a RAID0 has no monitor. */
static void test_failure_is_recorded_for_arrays_that_are_not_watched(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v3 1@16384,2");
	drig_create(r, 2, &drig_raid5, "v4 0@16384,1@32768,2@16384");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "04/02 v3 1@16384,2");
	assert_vd(r, 2, "01/02 v4 0@16384,1@32768,2@16384");
	drig_free(r);
}

/* Item 34: whichever of the two is done first. */
static void test_disk_is_rebuilding_until_all_its_arrays_are_done(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct rig *r = drig_bare(3);
		struct rig_array *m1, *m5;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		drig_create(r, 1, &drig_raid5, "v4 0@16384,1@16384,2");
		m1 = drig_open_array(r, 0, 1, 0, "0,1");
		m5 = drig_open_array(r, 1, 5, 2, "0@16384,1@16384,2");
		drig_tell(m1, "0,1x");
		drig_tell(m5, "0@16384,1x@16384,2");
		assert_int_equal(drig_add_disk(r, 3), 0);
		assert_synced(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		r->in_memory = true;
		assert_synced(r);
		assert_pds(r, "0:03/01 1:03/03 2:03/01 3:03/05");
		if (first)
			drig_tell(m1, "0,3");
		else
			drig_tell(m5, "0@16384,3@16384,2");
		/* The record that names the disk goes before the mark does. */
		assert_int_equal(first ? drig_sync_now(r) : drig_sync_in_two(r), 1);
		/* the one that is done first is complete, and nothing else is said of the disk */
		assert_pds(r, first ? "0:03/01 1:03/03 2:03/01 3:03/01" : "0:03/01 1:05/0b 2:03/01 3:03/01");
		if (first)
			drig_tell(m5, "0@16384,3@16384,2");
		else
			drig_tell(m1, "0,3");
		r->in_memory = false;
		assert_synced(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/01");
		assert_int_equal(drig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
		assert_int_equal(drig_vd(r->any, 1)->state, DDF_VD_OPTIMAL);
		drig_free(r);
	}
}

static void mark_rebuilding(struct rig_copy *m)
{
	drig_pd(m, 3)->state = be16_make(DDF_PD_ONLINE | DDF_PD_REBUILDING);
}

/* Item 34: another daemon named the disk in both, and died when one of them was done. mdadm leaves it out of both until then. */
static void test_disk_that_two_arrays_name_is_rebuilding_until_one_is_done(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct rig *r = drig_bare(3);
		struct rig_array *m1, *m5;

		drig_create(r, 0, &drig_raid1, "v3 0,1");
		drig_create(r, 1, &drig_raid5, "v4 0@16384,1@16384,2");
		m1 = drig_open_array(r, 0, 1, 0, "0,1");
		m5 = drig_open_array(r, 1, 5, 2, "0@16384,1@16384,2");
		drig_tell(m1, "0,1x");
		drig_tell(m5, "0@16384,1x@16384,2");
		assert_int_equal(drig_add_disk(r, 3), 0);
		assert_synced(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		drig_tell(m5, "0@16384,3@16384,2");
		drig_tell(m1, "0,3");
		assert_synced(r);
		drig_edit_all(r, mark_rebuilding);
		drig_examine(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/05");

		drig_restart(r);
		m1 = drig_open_array(r, 0, 1, 0, "0,-");
		m5 = drig_open_array(r, 1, 5, 2, "0@16384,-,2");
		drig_sync_now(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		assert_nothing_to_sync(r);
		if (first)
			drig_tell(m1, "0,3");
		else
			drig_tell(m5, "0@16384,3@16384,2");
		r->in_memory = true;
		drig_sync_in_two(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/01");
		drig_tell(m1, "0,3");
		drig_tell(m5, "0@16384,3@16384,2");
		r->in_memory = false;
		assert_synced(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/01");
		assert_int_equal(drig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
		assert_int_equal(drig_vd(r->any, 1)->state, DDF_VD_OPTIMAL);
		drig_free(r);
	}
}

/* Item 35: md has a disk in the slot that the metadata did not know of. It gets the record (drig_examine() looks). */
static void test_disk_that_md_took_itself_gets_the_record(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	drig_tell(a, "0,2@8");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2@8");
	assert_non_null(drig_record_on(r, 2, 0, 0));
	assert_pds(r, "0:03/01 1:05/0b 2:03/01");
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_spare_fills_one_slot),
		cmocka_unit_test(test_two_disks_added_at_once),
		cmocka_unit_test(test_array_that_lost_too_much_gets_no_spare),
		cmocka_unit_test(test_spare_of_a_raid10_goes_into_the_right_mirror),
		cmocka_unit_test(test_half_rebuilt_disk_is_not_taken_for_good_after_a_crash),
		cmocka_unit_test(test_room_of_a_rebuild_is_kept),
		cmocka_unit_test(test_members_of_an_array_created_degraded_are_not_rebuilding),
		cmocka_unit_test(test_missing_members_of_new_arrays_are_rebuilt),
		cmocka_unit_test(test_record_changed_by_message_gets_a_new_number),
		cmocka_unit_test(test_message_with_more_mirrors_is_refused),
		cmocka_unit_test(test_stale_disk_does_not_set_the_container_back),
		cmocka_unit_test(test_record_without_virtual_disk_is_nobodys),
		cmocka_unit_test(test_arrays_beyond_the_table_are_not_bound),
		cmocka_unit_test(test_disk_that_leaves_before_its_failure_is_seen),
		cmocka_unit_test(test_mirror_that_nobody_has_a_record_of_is_lost),
		cmocka_unit_test(test_disk_with_the_only_record_is_no_new_one),
		cmocka_unit_test(test_disk_with_the_record_of_a_rebuild_is_no_new_one),
		cmocka_unit_test(test_late_disk_that_keeps_its_record_has_failed),
		cmocka_unit_test(test_disk_that_took_no_write_is_tried_again),
		cmocka_unit_test(test_change_that_no_disk_took_stays_pending),
		cmocka_unit_test(test_disks_without_a_secondary_copy),
		cmocka_unit_test(test_extents_that_overlap_leave_no_room_between_them),
		cmocka_unit_test(test_disk_that_is_there_is_not_added_again),
		cmocka_unit_test(test_failure_is_recorded_for_arrays_that_are_not_watched),
		cmocka_unit_test(test_disk_is_rebuilding_until_all_its_arrays_are_done),
		cmocka_unit_test(test_disk_that_two_arrays_name_is_rebuilding_until_one_is_done),
		cmocka_unit_test(test_disk_that_md_took_itself_gets_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
