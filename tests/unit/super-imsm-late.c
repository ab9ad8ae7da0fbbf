/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IMSM handler from end to end: disks that come late, or come back, and are part of the container already. */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Volumes of two disks each, on 0 and 1 and on 2 and 3. */
static struct imsm_rig *two_pairs(void)
{
	struct imsm_rig *r = ir_new(512, 4096, 4, 0);

	ifx_volume(&r->fx, 1, "N 0,1");
	ifx_volume(&r->fx, 0, "N 2,3");
	for (unsigned n = 0; n < 4; n++) {
		ir_write_member_metadata(r, n);
		ir_fill_migration_record(r, n);
	}
	ir_make_array(r, 0, 1, 2);
	return r;
}

/* The disk is not there yet. */
static struct disk *keep_back(struct imsm_rig *r, unsigned n)
{
	struct disk *d = r->disk[n];

	r->disk[n] = NULL;
	return d;
}

/* It comes: 0 or -errno, and whether the metadata knew it. */
static int comes(struct imsm_rig *r, unsigned n, struct disk *d, bool *known)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK };
	int err;

	assert_int_equal(super_imsm.add_to_super(&r->st, d, &u), 0);
	err = ir_apply(r, &u);
	*known = u.known;
	r->disk[n] = err ? NULL : d;
	disk_close(u.disk);
	free(u.space);
	free(u.buf);
	return err;
}

/* Fault 11 of issue 12. What mdadm may still need is left alone, too. */
static void test_volume_whose_disks_come_late(void **state)
{
	struct imsm_rig *r = two_pairs();
	struct disk *late[2] = { keep_back(r, 2), keep_back(r, 3) };
	bool known;

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	for (unsigned n = 2; n < 4; n++) {
		assert_int_equal(comes(r, n, late[n - 2], &known), 0);
		assert_true(known);
		assert_int_equal(ir_sync_now(r), 0);
		assert_true(ir_is_untouched(r, n));
	}
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 4);
	assert_string_equal(ir_text_on(r, 3, 1), "N 2,3");
	assert_true(ir_same_on(r, 0, 3));
	ir_free(r);
}

/* One that was in use while others were away, and knows of it. */
static void test_disk_that_knows_more(void **state)
{
	struct imsm_rig *r = two_pairs();
	struct disk *late = keep_back(r, 1);
	bool known;

	(void)state;
	imsm_mark_missing(&r->fx.c, &r->fx.c.meta.volume[0], 0);
	imsm_update_state(&r->fx.c, &r->fx.c.meta.volume[0]);
	ir_write_member_metadata(r, 1);
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	assert_int_equal(comes(r, 1, late, &known), -ESTALE);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_is_untouched(r, 1));
	ir_free(r);
}

/* It has another volume in the place of one that is not in use: it waits, and is used when the volume runs. */
static void test_disk_that_waits(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);
	struct disk *late;
	struct metadata_update u = { .op = UPDATE_ADD_DISK };
	struct imsm_map *map = &r->fx.c.meta.volume[1].map[0];

	(void)state;
	ifx_volume(&r->fx, 1, "N 0,1");
	ifx_volume(&r->fx, 1, "N 0,1");
	imsm_map_set_pba(map, imsm_map_pba(map) + 8);
	ir_write_member_metadata(r, 1);
	imsm_map_set_pba(map, imsm_map_pba(map) - 8);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 1);
	ir_write_member_metadata(r, 0);
	ir_make_array(r, 0, 1, 2);
	late = keep_back(r, 1);
	ir_load(r);
	assert_int_equal(super_imsm.add_to_super(&r->st, late, &u), 0);
	assert_int_equal(ir_apply(r, &u), -EAGAIN);
	assert_true(!u.disk && !u.space && !u.buf);
	ir_open_array(r);
	ir_remember(r);
	ir_sync_now(r);
	assert_false(r->res.more_disks);
	assert_true(ir_is_untouched(r, 1));
	r->array->member = 1;
	ir_open_array(r);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(r->res.more_disks);
	r->disk[1] = late;
	assert_true(ir_same_on(r, 0, 1));
	ir_free(r);
}

static void leaves(struct imsm_rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(n) };

	assert_int_equal(ir_apply(r, &u), 0);
	disk_close(u.disk);
	free(u.space);
	r->disk[n] = NULL;
}

/* A mirror in use, and disk 0 has left. */
static struct imsm_rig *half_a_mirror(void)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);

	ifx_volume(&r->fx, 1, "N 0,1");
	for (unsigned n = 0; n < 2; n++)
		ir_write_member_metadata(r, n);
	ir_make_array(r, 0, 1, 2);
	ir_load(r);
	ir_open_array(r);
	leaves(r, 0);
	return r;
}

/*
 * Both disks of a mirror are pulled, md says that one has failed, and nothing is left to write that to. The array is stopped.
 * The disk that comes back does not know of it, nor does anybody else. If `recorded` the other one does.
 */
static void goes_and_comes_back(bool recorded)
{
	struct imsm_rig *r = half_a_mirror();
	bool known;

	if (!recorded)
		leaves(r, 1);
	ir_tell_disk(r, 0, MEMBER_FAULTY);
	assert_int_equal(ir_sync_now(r), recorded ? 1 : -EIO);
	if (recorded)
		leaves(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	super_imsm.close_array(r->array);
	ir_sync_now(r);
	assert_int_equal(comes(r, 0, ir_disk_new(r, 0), &known), 0);
	assert_int_equal(known, !recorded);
	ir_make_array(r, 0, 1, 1);
	ir_open_array(r);
	ir_tell_state(r, MARK_DIRTY);
	ir_sync_now(r);
	if (!recorded)
		assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x! f1");
	ir_free(r);
}

/*
 * One of two disks is pulled and put in again, and before that is on record the other one is pulled as well: what the former
 * holds is all that there is. Life (seed 1301046673): disks 3 boot 7 sectors 512/512 raid1 ac; daemon; run 4; pull a; stop 0;
 * manage; pull c; plug a; pass; pass; run 4; pass; cut 0; boot bcd
 */
static void test_the_last_copy_is_kept(void **state)
{
	struct imsm_rig *r = half_a_mirror();
	bool known;

	(void)state;
	ir_break_disk(r, 1);
	ir_tell_disk(r, 0, MEMBER_FAULTY);
	assert_int_equal(comes(r, 0, ir_disk_new(r, 0), &known), 0);
	assert_false(known);
	assert_int_equal(ir_sync_now(r), -EIO);
	super_imsm.close_array(r->array);
	ir_mend_disk(r, 1);
	leaves(r, 1);
	ir_sync_now(r);
	assert_string_equal(ir_text_on(r, 0, 0), "N 0,1");
	/* the other one comes back: nobody has lost anything */
	assert_int_equal(comes(r, 1, ir_disk_new(r, 1), &known), 0);
	assert_true(known);
	ir_sync_now(r);
	ir_make_array(r, 0, 1, 2);
	ir_open_array(r);
	for (unsigned n = 0; n < 2; n++) {
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1");
		assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(n)), n);
	}
	assert_true(ir_same_on(r, 0, 1));
	ir_free(r);
}

static void test_all_leave_before_a_failure_is_recorded(void **state)
{
	(void)state;
	goes_and_comes_back(false);
	goes_and_comes_back(true);
}

/* Of another container: what it was is overwritten, as with every new disk. */
static void test_foreign_disk(void **state)
{
	struct imsm_rig *r = two_pairs();
	struct disk *late = keep_back(r, 3);
	bool known;

	(void)state;
	r->fx.c.meta.header.orig_family_num = le32_make(77);
	ir_write_member_metadata(r, 3);
	ir_load(r);
	assert_int_equal(comes(r, 3, late, &known), 0);
	assert_false(known);
	assert_false(ir_migration_record_is(r, 3, 0));
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_read_back(r, 3)->num_volumes, 0);
	assert_true(ir_migration_record_is(r, 3, 0));
	ir_free(r);
}

/* What cannot be read may be the copy of a member: it is not taken for a new disk. */
static void test_unreadable_disk(void **state)
{
	struct imsm_rig *r = two_pairs();
	struct disk *late = keep_back(r, 3);
	struct metadata_update u = { .op = UPDATE_ADD_DISK };
	char path[32];
	int fd;

	(void)state;
	ir_load(r);
	ir_remember(r);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", late->fd);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, late->fd), late->fd);
	assert_int_equal(super_imsm.add_to_super(&r->st, late, &u), -EBADF);
	assert_null(u.space);
	assert_null(u.buf);
	assert_true(ir_is_untouched(r, 3));
	close(fd);
	disk_close(late);
	ir_free(r);
}

/*
 * At the start: volume 0 has run without disk 1, which is found beside the others and has been missing only. The RAID 0
 * on it is whole.
 */
static void test_missing_disk_is_back(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);

	(void)state;
	ifx_volume(&r->fx, 1, "N 0,1");
	ifx_volume(&r->fx, 0, "N 0,1");
	ir_write_member_metadata(r, 1);
	ifx_unlink(&r->fx, 1);
	imsm_mark_missing(&r->fx.c, &r->fx.c.meta.volume[0], 1);
	imsm_update_state(&r->fx.c, &r->fx.c.meta.volume[0]);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 2);
	ir_write_member_metadata(r, 0);
	ir_make_array(r, 0, 1, 1);
	ir_load(r);
	ir_open_array(r);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_same_on(r, 0, 1));
	assert_string_equal(ir_text_on(r, 1, 0), "D 0,1! f1");
	assert_string_equal(ir_text_on(r, 1, 1), "N 0,1");
	assert_true(ifx_table_serial_is(&r->got, 1, "DISK1"));
	ir_free(r);
}

/* One that has failed is not taken back, whether it is there or was gone in between. */
static void test_failed_disk_is_not_back(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);
	struct disk *disks[2] = { r->disk[0], r->disk[1] };

	(void)state;
	ifx_volume(&r->fx, 1, "N 0,1");
	ir_write_member_metadata(r, 1);
	imsm_mark_failure(&r->fx.c, &r->fx.c.meta.volume[0], 1);
	ifx_unlink(&r->fx, 1);
	imsm_mark_missing(&r->fx.c, &r->fx.c.meta.volume[0], 1);
	r->fx.c.meta.header.generation_num = le32_make(GENERATION + 2);
	ir_write_member_metadata(r, 0);
	assert_int_equal(super_imsm.load_container(&r->st, disks, 2), 0);
	assert_null(disks[0]);
	assert_ptr_equal(disks[1], r->disk[1]);
	ir_drop_disk(r, 1);
	ir_make_array(r, 0, 1, 1);
	ir_free(r);
}

/*
 * A disk cannot be opened at the start, and may have "clean" in newer metadata: nothing is answered by what the others say before
 * they say it in newer ones. Of a volume that is at rest nothing is to be answered.
 */
static void test_start_without_a_disk_of_a_dirty_volume(void **state)
{
	(void)state;
	for (int dirty = 0; dirty < 2; dirty++) {
		struct imsm_rig *r = ir_new(512, 4096, 2, 0);
		struct disk *disks[1] = { r->disk[0] };

		ifx_volume(&r->fx, 1, "N 0,1");
		r->fx.c.meta.volume[0].head.dirty = dirty ? IMSM_DIRTY : 0;
		ir_write_member_metadata(r, 0);
		assert_int_equal(super_imsm.load_container(&r->st, disks, 1), 0);
		assert_int_equal(super_imsm.sync_metadata(&r->st, &(struct sync_result){ 0 }), dirty);
		ir_drop_disk(r, 1);
		ir_free(r);
	}
}

/*
 * A daemon died when the failure in the one volume was on record, and the disk had not been failed in the other one, which
 * loses its other half next: it is written to, and good again (3.7).
 */
static void test_failed_disk_that_another_volume_has(void **state)
{
	for (int flagged = 0; flagged < 2; flagged++) {
		struct imsm_rig *r = ir_new(512, 4096, 3, 0);
		struct disk *disks[3] = { r->disk[0], r->disk[1], r->disk[2] };

		(void)state;
		ifx_volume(&r->fx, 5, "N 0,1,2");
		ifx_volume(&r->fx, 1, "N 1,2");
		ir_write_member_metadata(r, 2);
		imsm_mark_failure(&r->fx.c, &r->fx.c.meta.volume[0], 2);
		imsm_update_state(&r->fx.c, &r->fx.c.meta.volume[0]);
		if (flagged)
			imsm_mark_failure(&r->fx.c, &r->fx.c.meta.volume[1], 2);
		imsm_update_state(&r->fx.c, &r->fx.c.meta.volume[1]);
		r->fx.c.meta.header.generation_num = le32_make(GENERATION + 2);
		for (unsigned n = 0; n < 2; n++)
			ir_write_member_metadata(r, n);
		assert_int_equal(super_imsm.load_container(&r->st, disks, 3), 0);
		if (flagged) {
			assert_ptr_equal(disks[2], r->disk[2]);
			ir_drop_disk(r, 2);
			ir_make_array(r, 0, 5, 2);
			ir_free(r);
			continue;
		}
		assert_null(disks[2]);
		ir_make_array(r, 1, 1, 2);
		r->member[0].dev = ifx_dev(1);
		r->member[1].dev = ifx_dev(2);
		ir_open_array(r);
		ir_tell_disk(r, 0, MEMBER_FAULTY);
		assert_int_equal(ir_sync_now(r), 1);
		assert_non_null(ir_read_back(r, 2));
		assert_true(ifx_table_serial_is(&r->got, 2, "DISK2"));
		assert_string_equal(ir_text_on(r, 2, 1), "D 1x!,2 f0");
		assert_string_equal(ir_text_on(r, 2, 0), "D 0,1x,2! f2");
		ir_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_volume_whose_disks_come_late),
		cmocka_unit_test(test_disk_that_knows_more),
		cmocka_unit_test(test_disk_that_waits),
		cmocka_unit_test(test_the_last_copy_is_kept),
		cmocka_unit_test(test_all_leave_before_a_failure_is_recorded),
		cmocka_unit_test(test_foreign_disk),
		cmocka_unit_test(test_unreadable_disk),
		cmocka_unit_test(test_missing_disk_is_back),
		cmocka_unit_test(test_failed_disk_is_not_back),
		cmocka_unit_test(test_start_without_a_disk_of_a_dirty_volume),
		cmocka_unit_test(test_failed_disk_that_another_volume_has),
	};

	return cmocka_run_group_tests_name("super-imsm-late", tests, NULL, NULL);
}
