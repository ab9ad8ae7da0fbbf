/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/write.c: the records that mdadm keeps of a reshape, which are to be zeroed when one begins and when it has ended. */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>

/* mdadm --grow --chunk=128: the records of former reshapes are to be zeroed. */
static const int32_t chunk_message[] = { IMSM_UPDATE_RESHAPE_MIGRATION, 3, 3, 0, -1, 0, 128, -1 };

static struct imsm_rig *new_reshaped(void)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	ir_load(r);
	ir_open_array(r);
	assert_int_equal(ir_send_message(r, chunk_message, sizeof(chunk_message)), 0);
	return r;
}

static int reach_unit(struct imsm_rig *r, int32_t unit)
{
	const int32_t checkpoint[] = { IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT, 0, unit, 0 };

	assert_int_equal(ir_send_message(r, checkpoint, sizeof(checkpoint)), 0);
	return ir_sync_now(r);
}

/* From then on mdadm keeps its own record there: what is written next must leave it alone. */
static void test_migration_records_are_zeroed_once(void **state)
{
	struct imsm_rig *r = new_reshaped();

	(void)state;
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(ir_migration_record_is(r, n, 0));
		ir_fill_migration_record(r, n);
	}
	assert_false(ir_migration_record_is(r, 3, 0)); /* a spare */
	assert_int_equal(reach_unit(r, 1), 1);
	assert_int_equal(imsm_volume_unit(ir_volume_on(r, 0, 0)), 1);
	for (unsigned n = 0; n < 3; n++)
		assert_false(ir_migration_record_is(r, n, 0));
	ir_free(r);
}

/* A disk did not take an earlier write; when it is made up for that, mdadm has its own record there. */
static void test_stale_disk_keeps_mdadms_record(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.failed, 1);
	ir_mend_disk(r, 1);
	assert_int_equal(ir_send_message(r, chunk_message, sizeof(chunk_message)), 0);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(ir_migration_record_is(r, n, 0));
		ir_fill_migration_record(r, n);
	}
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_true(ir_same_on(r, 0, 1));
	for (unsigned n = 0; n < 3; n++)
		assert_true(ir_migration_record_is(r, n, 0x5a));
	ir_free(r);
}

/* The record of a former reshape stays on a disk: the next one must not begin. */
static void test_reshape_is_refused_where_a_record_stays(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_break_disk(r, 1);
	assert_int_equal(ir_send_message(r, chunk_message, sizeof(chunk_message)), -EIO);
	assert_int_equal(ir_sync_now(r), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1,2");
	assert_true(ir_migration_record_is(r, 1, 0x5a));
	ir_mend_disk(r, 1);
	assert_int_equal(ir_send_message(r, chunk_message, sizeof(chunk_message)), 0);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 1, 0), "N<GEN<N 0,1,2/0,1,2 u0");
	ir_free(r);
}

/* A volume has been widened, and the next one is to follow. */
static struct imsm_rig *new_widened(int next_level)
{
	struct imsm_rig *r = ir_new(512, 4096, 4, 0);

	ifx_volume(&r->fx, 5, "N<GEN<N 0,1,2,3/0,1,2 u8");
	ifx_volume(&r->fx, next_level, "N 0,1,2");
	for (unsigned n = 0; n < 4; n++)
		ir_write_member_metadata(r, n);
	ir_make_array(r, 0, 5, 4);
	ir_load(r);
	ir_open_array(r);
	for (unsigned n = 0; n < 4; n++)
		ir_fill_migration_record(r, n);
	return r;
}

/* As long as a disk has the record of the first volume's reshape the second one does not begin. */
static void test_next_reshape_waits_for_the_zeros(void **state)
{
	struct imsm_rig *r = new_widened(IMSM_RAID0);

	(void)state;
	ir_break_disk(r, 1);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "N 0,1,2,3");
	assert_string_equal(ir_text_on(r, 0, 1), "N 0,1,2");
	ir_mend_disk(r, 1);
	assert_int_equal(ir_sync_now(r), 0); /* it is asked again when there is time */
	assert_int_equal(ir_sync_with(r, true), 1);
	for (unsigned n = 0; n < 4; n++) {
		assert_true(ir_migration_record_is(r, n, 0));
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1,2,3");
	}
	assert_string_equal(ir_text_on(r, 0, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	ir_free(r);
}

/* A disk that failed meanwhile: mdadm, which goes by its record, would else write that of the first reshape's end once more. */
static void test_failed_disk_lets_go_of_its_record(void **state)
{
	struct imsm_rig *r = new_widened(IMSM_RAID0);

	(void)state;
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	ir_remember(r);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_migration_record_is(r, n, 0));
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2,3 f1");
	assert_string_equal(ir_text_on(r, 1, 0), "N<GEN<N 0,1,2,3/0,1,2 u8"); /* nothing else is written to it */
	ir_free(r);
}

/* It need not: the next volume does not wait for that. */
static void test_failed_disk_that_keeps_its_record(void **state)
{
	struct imsm_rig *r = new_widened(IMSM_RAID5);

	(void)state;
	ir_fail_member(r, 1);
	ir_break_disk(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.failed, 0);
	assert_string_equal(ir_text_on(r, 0, 1), "N<GEN<N 0,1x,2,3/0,1x,2 u0");
	ir_free(r);
}

static void load_again(struct imsm_rig *r)
{
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < r->disks; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_load(r);
	ir_open_array(r);
}

/* The same if another daemon has recorded the failure. */
static void test_disk_that_failed_before_lets_go_of_its_record(void **state)
{
	struct imsm_rig *r = new_widened(IMSM_RAID5);

	(void)state;
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	load_again(r);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_migration_record_is(r, n, 0));
	assert_string_equal(ir_text_on(r, 1, 0), "N<GEN<N 0,1,2,3/0,1,2 u8");
	ir_free(r);
}

/* And if that one died when the first volume's reshape had ended, and the next one had not begun. */
static void test_disk_that_failed_before_the_end_lets_go_of_its_record(void **state)
{
	struct imsm_rig *r = new_widened(IMSM_RAID5);

	(void)state;
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	ir_break_disk(r, 0);
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 2, 1), "N 0,1x,2");
	ir_mend_disk(r, 0);
	ir_fill_migration_record(r, 1);
	load_again(r);
	r->watch.reshape_done = false;
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 2, 1), "N<GEN<N 0,1x,2,3/0,1x,2 u0");
	assert_true(ir_migration_record_is(r, 1, 0));
	ir_free(r);
}

/* A disk did not take the zeros when a reshape ended. They are not made up for when the next one has begun. */
static void test_zeros_are_not_due_when_another_reshape_has_begun(void **state)
{
	struct imsm_rig *r = new_reshaped();

	(void)state;
	assert_int_equal(ir_sync_now(r), 1);
	ir_break_disk(r, 1);
	r->array->chunk = 128 * 2;
	r->watch.reshape_done = true;
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "N 0,1,2");
	ir_mend_disk(r, 1);
	r->watch.reshape_done = false;
	assert_int_equal(ir_send_message(r, (int32_t[]){ IMSM_UPDATE_RESHAPE_MIGRATION, 3, 3, 0, -1, 0, 64, -1 }, 32), 0);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		assert_true(ir_migration_record_is(r, n, 0));
		ir_fill_migration_record(r, n);
	}
	ir_sync_with(r, true);
	assert_string_equal(ir_text_on(r, 1, 0), "N<GEN<N 0,1,2/0,1,2 u0");
	for (unsigned n = 0; n < 3; n++)
		assert_true(ir_migration_record_is(r, n, 0x5a));
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migration_records_are_zeroed_once),
		cmocka_unit_test(test_stale_disk_keeps_mdadms_record),
		cmocka_unit_test(test_reshape_is_refused_where_a_record_stays),
		cmocka_unit_test(test_next_reshape_waits_for_the_zeros),
		cmocka_unit_test(test_failed_disk_lets_go_of_its_record),
		cmocka_unit_test(test_failed_disk_that_keeps_its_record),
		cmocka_unit_test(test_disk_that_failed_before_lets_go_of_its_record),
		cmocka_unit_test(test_disk_that_failed_before_the_end_lets_go_of_its_record),
		cmocka_unit_test(test_zeros_are_not_due_when_another_reshape_has_begun),
	};

	return cmocka_run_group_tests_name("imsm-write-records", tests, NULL, NULL);
}
