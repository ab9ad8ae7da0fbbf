/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IMSM handler from end to end: disks that come and go, and spares. */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the monitor calls: without any allocation ---- */

static void find_spares(struct imsm_rig *r)
{
	r->spares = (struct spare_request){ .watch = &r->watch, .member = r->array->member };
	ir_begin_monitor();
	super_imsm.activate_spare(r->array, &r->spares);
	ir_end_monitor();
}

/* ---- disks that come and go ---- */

static int add_disk(struct imsm_rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_ADD_DISK };
	int err = super_imsm.add_to_super(&r->st, r->disk[n], &u);

	if (err) {
		ir_drop_disk(r, n);
		return err;
	}
	assert_ptr_equal(u.disk, r->disk[n]);
	err = ir_apply(r, &u);
	if (err)
		r->disk[n] = NULL;
	disk_close(u.disk);
	free(u.space);
	free(u.buf);
	return err;
}

static int remove_disk(struct imsm_rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(n) };
	int err = ir_apply(r, &u);

	assert_ptr_equal(u.disk, r->disk[n]); /* for the manager to close */
	disk_close(u.disk);
	free(u.space);
	r->disk[n] = NULL;
	return err;
}

static void test_added_disk_gets_a_spare_record(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	struct disk *new = r->disk[3];
	const struct imsm_meta *m;

	(void)state;
	r->disk[3] = NULL;
	ir_load(r);
	ir_open_array(r);
	r->disk[3] = new;
	ir_remember(r);
	assert_int_equal(add_disk(r, 3), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 1);
	m = ir_read_back(r, 3);
	assert_non_null(m);
	assert_int_equal(m->num_disks, 1);
	assert_int_equal(m->num_volumes, 0);
	assert_int_equal(le32_get(m->disk[0].status), IMSM_DISK_SPARE);
	assert_int_equal(imsm_disk_blocks(&m->disk[0]), FX_DISK_BLOCKS);
	assert_true(ifx_table_serial_is(&r->got, 0, "DISK3"));
	assert_true(ir_migration_record_is(r, 3, 0));
	for (unsigned n = 0; n < 3; n++)
		assert_true(ir_is_untouched(r, n));
	assert_int_equal(ir_sync_with(r, true), 0);
	ir_free(r);
}

/* Of several serial numbers the spare keeps the one under which mdadm has recorded it, else it gets the first. */
static void test_added_disk_keeps_its_serial(void **state)
{
	static const char *const expected[] = { "DISK3", "devsdd" };
	static const uint8_t zero[512];

	(void)state;
	for (unsigned bare = 0; bare < 2; bare++) {
		struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
		struct disk *new = r->disk[3];

		r->disk[3] = NULL;
		ir_load(r);
		r->disk[3] = new;
		new->serial[1] = new->serial[0];
		new->serial[0].len = (size_t)snprintf((char *)new->serial[0].bytes, DISK_SERIAL_MAX, "devsdd");
		new->serial_count = 2;
		if (bare)
			ir_write_at(r, 3, zero, sizeof(zero), imsm_anchor_offset(DEVICE_SIZE, r->sector_size));
		assert_int_equal(add_disk(r, 3), 0);
		assert_int_equal(ir_sync_now(r), 1);
		assert_non_null(ir_read_back(r, 3));
		assert_true(ifx_table_serial_is(&r->got, 0, expected[bare]));
		ir_free(r);
	}
}

/* The record of a spare is in the units of its disk, and lies where the sectors of that disk put it. */
static void test_added_disk_with_other_sectors(void **state)
{
	static const uint32_t sizes[] = { 512, 4096 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct imsm_rig *r = ir_new_raid5(sizes[i], 4096, 1);
		struct disk *new = r->disk[3];

		r->disk[3] = NULL;
		ir_load(r);
		ir_open_array(r);
		r->disk[3] = new;
		new->sector_size = sizes[!i];
		assert_int_equal(add_disk(r, 3), 0);
		assert_int_equal(ir_sync_now(r), 1);
		r->sector_size = sizes[!i];
		assert_non_null(ir_read_back(r, 3));
		assert_int_equal(imsm_disk_blocks(&r->got.c.meta.disk[0]), FX_DISK_BLOCKS);
		assert_int_equal(r->got.c.meta.num_volumes, 0);
		ir_free(r);
	}
}

static void test_spare_that_takes_no_record(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	struct disk *new = r->disk[3];

	(void)state;
	r->disk[3] = NULL;
	ir_load(r);
	ir_open_array(r);
	r->disk[3] = new;
	assert_int_equal(add_disk(r, 3), 0);
	ir_break_disk(r, 3);
	/* the arrays do not depend on it */
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_int_equal(r->res.failed, 1);
	assert_int_equal(r->res.reports, 1);
	assert_int_equal(ir_sync_now(r), 0);
	ir_mend_disk(r, 3);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(r->res.written, 1);
	assert_int_equal(ir_read_back(r, 3)->num_volumes, 0);
	ir_free(r);
}

static void test_disks_that_cannot_be_added(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 4);
	struct disk *new[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		new[i] = r->disk[3 + i];
		r->disk[3 + i] = NULL;
	}
	ir_load(r);
	for (unsigned i = 0; i < 4; i++)
		r->disk[3 + i] = new[i];
	ir_remember(r);
	r->disk[3]->partition = true;
	r->disk[4]->serial_count = 0;
	r->disk[5]->size = 512;
	r->disk[6]->dev = ifx_dev(0); /* known already */
	for (unsigned n = 3; n < 6; n++)
		assert_true(add_disk(r, n) < 0);
	assert_int_equal(add_disk(r, 6), -EEXIST);
	for (unsigned n = 0; n < 6; n++)
		assert_true(ir_is_untouched(r, n));
	assert_int_equal(ir_sync_with(r, true), 0);
	ir_free(r);
}

static void test_removed_disks(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	assert_int_equal(remove_disk(r, 3), 0);
	assert_int_equal(remove_disk(r, 3), 0);
	assert_int_equal(ir_sync_now(r), 0);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(remove_disk(r, 1), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(1)), -1);
	ir_sync_now(r);
	assert_true(ir_is_untouched(r, 1) && ir_is_untouched(r, 3));
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2 f1");
	ir_free(r);
}

/* ---- spares ---- */

/* As the manager does it: md has the disk, and now the metadata is told. */
static int commit(struct imsm_rig *r)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &r->spares };

	return ir_apply(r, &u);
}

/* The failed member has been removed from md. */
static void take_out(struct imsm_rig *r, unsigned n)
{
	struct active_array *a = r->array;

	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i] == &r->member[n])
			a->disks[i--] = a->disks[--a->disk_count];
}

static void put_in(struct imsm_rig *r, unsigned n, int slot)
{
	r->member[n] = (struct mdinfo){ .dev = ifx_dev(n), .slot = slot, .curr_state = MEMBER_SPARE };
	r->array->disks[r->array->disk_count++] = &r->member[n];
}

/* The search waits until the failed disk has gone, and changes nothing. */
static void check_search(struct imsm_rig *r)
{
	find_spares(r);
	assert_int_equal(r->spares.count, 0); /* the array is in good health */
	ir_remember(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 0); /* the failed one must go first */
	take_out(r, 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 1);
	assert_int_equal(r->spares.pick[0].dev, ifx_dev(3));
	assert_int_equal(r->spares.pick[0].slot, 1);
	assert_int_equal(r->spares.pick[0].data_offset, 0);
	assert_int_equal(r->spares.pick[0].component_size, FX_PER_DEV);
	assert_false(r->spares.pick[0].in_array);
	assert_int_equal(ir_sync_now(r), 0);
	assert_true(ir_is_untouched(r, 3));
}

/* md has the disk, and the metadata is told: before the rebuild begins all of it is on the disks. */
static void check_commit(struct imsm_rig *r)
{
	uint32_t family = le32_get(ir_read_back(r, 0)->header.family_num);

	put_in(r, 3, 1);
	assert_int_equal(commit(r), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2 + 3); /* the members are told before */
	assert_string_equal(ir_text_on(r, 3, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_true(ir_same_on(r, 0, 3) && ir_same_on(r, 2, 3));
	assert_int_equal(le32_get(ir_read_back(r, 0)->header.family_num), family);
	assert_int_equal(ir_read_back(r, 0)->num_disks, 3);
	assert_true(ifx_table_serial_is(&r->got, 2, "DISK3"));
	assert_true(ir_is_untouched(r, 1));
	assert_int_equal(commit(r), -EBUSY); /* done already: refused, and nothing changes */
	assert_int_equal(ir_sync_now(r), 0);
}

static void check_end_of_rebuild(struct imsm_rig *r)
{
	r->member[3].curr_state = MEMBER_IN_SYNC;
	r->member[3].recovery_start = SECTORS_NONE;
	r->watch.prev_action = SYNC_RECOVER;
	r->watch.last_checkpoint = FX_PER_DEV;
	for (unsigned i = 0; i < r->array->disk_count; i++)
		ir_tell_disk(r, r->array->disks[i]->slot, r->array->disks[i]->curr_state);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 3, 0), "N 0,2,1");
	assert_int_equal(r->watch.last_checkpoint, 0); /* the next rebuild begins at its own beginning */
	r->watch.curr_state = ARRAY_CLEAN;
	assert_int_equal(ir_tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_false(ir_is_dirty_on(r, 3));
	assert_int_equal(ir_generation_on(r, 3), NEXT_GENERATION + IMSM_LEAP_REPLACED + 4);
}

/* The next daemon finds a healthy array; the failed disk is a stranger. */
static void check_next_start(struct imsm_rig *r)
{
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 4; n++)
		r->disk[n] = ir_disk_new(r, n);
	assert_int_equal(super_imsm.load_container(&r->st,
						   (struct disk *[]){ r->disk[0], r->disk[2], r->disk[3] }, 3), 0);
	ir_drop_disk(r, 1);
	assert_int_equal(ir_open_array(r), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(3)), 1);
	assert_int_equal(ir_sync_now(r), 0);
}

static void check_rebuild(uint32_t sector_size, uint32_t physical_size)
{
	struct imsm_rig *r = ir_new_raid5(sector_size, physical_size, 1);

	ir_load(r);
	ir_open_array(r);
	check_search(r);
	check_commit(r);
	check_end_of_rebuild(r);
	check_next_start(r);
	ir_free(r);
}

static void test_rebuild(void **state)
{
	(void)state;
	check_rebuild(512, 4096);
}

static void test_rebuild_4kn(void **state)
{
	(void)state;
	check_rebuild(4096, 4096);
}

/* The spare left the container while md was being told of it. */
static void test_commit_without_the_disk(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	take_out(r, 1);
	find_spares(r);
	assert_int_equal(r->spares.count, 1);
	assert_int_equal(remove_disk(r, 3), 0);
	ir_sync_now(r);
	ir_remember(r);
	assert_int_equal(commit(r), -ENODEV);
	assert_int_equal(ir_sync_now(r), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_is_untouched(r, n));
	ir_free(r);
}

static void test_checkpoint_of_a_rebuild(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);
	uint64_t unit;

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	ir_sync_now(r);
	take_out(r, 1);
	find_spares(r);
	put_in(r, 3, 1);
	assert_int_equal(commit(r), 0);
	assert_int_equal(ir_sync_now(r), 1);
	r->watch.curr_state = ARRAY_ACTIVE;
	r->watch.curr_action = r->watch.prev_action = SYNC_RECOVER;
	r->watch.last_checkpoint = FX_PER_DEV / 2;
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	unit = imsm_volume_unit(ir_volume_on(r, 0, 0));
	assert_true(unit > 0);
	assert_int_equal(unit * imsm_blocks_per_unit(ir_volume_on(r, 0, 0)), FX_PER_DEV / 2);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_added_disk_gets_a_spare_record),
		cmocka_unit_test(test_added_disk_keeps_its_serial),
		cmocka_unit_test(test_added_disk_with_other_sectors),
		cmocka_unit_test(test_spare_that_takes_no_record),
		cmocka_unit_test(test_disks_that_cannot_be_added),
		cmocka_unit_test(test_removed_disks),
		cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_rebuild_4kn),
		cmocka_unit_test(test_commit_without_the_disk),
		cmocka_unit_test(test_checkpoint_of_a_rebuild),
	};

	return cmocka_run_group_tests_name("super-imsm-disks", tests, NULL, NULL);
}
