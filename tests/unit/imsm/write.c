/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/write.c: which disks are written, with what, and what becomes of those that do not take it; from end to end. */
#include "tests/unit/support/imsm-rig.h"

#include <errno.h>
#include <stdlib.h>

/* ---- dirty and clean ---- */

static void check_dirty_and_clean(uint32_t sector_size, uint32_t physical_size)
{
	struct imsm_rig *r = ir_new_raid5(sector_size, physical_size, 1);

	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	assert_int_equal(ir_tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 3);
	assert_int_equal(r->res.failed + r->res.reports, 0);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(ir_generation_on(r, n), NEXT_GENERATION);
		assert_true(ir_is_dirty_on(r, n));
		assert_string_equal(ir_text_on(r, n, 0), "N 0,1,2");
		assert_true(ir_migration_record_is(r, n, 0x5a));
	}
	assert_true(ir_same_on(r, 0, 1) && ir_same_on(r, 1, 2));
	assert_true(ir_is_untouched(r, 3));

	/* told again and again: nothing to write */
	ir_remember(r);
	assert_int_equal(ir_tell_state(r, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 0);
	for (unsigned n = 0; n < 4; n++)
		assert_true(ir_is_untouched(r, n));

	assert_int_equal(ir_tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(ir_generation_on(r, n), NEXT_GENERATION + 1);
		assert_false(ir_is_dirty_on(r, n));
		assert_true(ir_migration_record_is(r, n, 0x5a));
	}
	assert_true(ir_is_untouched(r, 3));
	ir_free(r);
}

static void test_dirty_and_clean(void **state)
{
	(void)state;
	check_dirty_and_clean(512, 4096);
}

static void test_dirty_and_clean_512n(void **state)
{
	(void)state;
	check_dirty_and_clean(512, 512);
}

static void test_dirty_and_clean_4kn(void **state)
{
	(void)state;
	check_dirty_and_clean(4096, 4096);
}

/* Nothing but the sectors of the metadata changes. */
static void test_neighbours_are_not_overwritten(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);
	static uint8_t pattern[TAIL - 4096], tail[TAIL];

	(void)state;
	memset(pattern, 0xa5, sizeof(pattern));
	for (unsigned n = 0; n < 3; n++)
		ir_write_at(r, n, pattern, sizeof(pattern), DEVICE_SIZE - TAIL);
	ir_load(r);
	ir_open_array(r);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	for (unsigned n = 0; n < 3; n++) {
		ir_read_tail(r, n, tail);
		assert_memory_equal(tail, pattern, sizeof(pattern));
	}
	ir_free(r);
}

/* A write within one physical block cannot be torn; others never go to two disks at once. */
static void test_torn_writes(void **state)
{
	static const struct {
		uint32_t sector, physical;
		unsigned in_flight;
	} cases[] = { { 512, 4096, 3 }, { 512, 512, 1 }, { 4096, 4096, 3 } };

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct imsm_rig *r = ir_new_raid5(cases[i].sector, cases[i].physical, 0);

		ir_load(r);
		ir_open_array(r);
		ir_tell_state(r, MARK_DIRTY);
		assert_int_equal(ir_sync_now(r), 1);
		if (ir_most_in_flight) /* else there is no AIO here */
			assert_int_equal(ir_most_in_flight, cases[i].in_flight);
		ir_free(r);
	}
}

static void test_readonly_array_is_decided_upon(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	r->watch.curr_state = ARRAY_READONLY;
	assert_int_equal(ir_tell_state(r, MARK_DECIDE), MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 0);
	r->watch.resync_start = 1000; /* md has a resync to do */
	assert_int_equal(ir_tell_state(r, MARK_DECIDE), MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "N<REPAIR<N 0,1,2/0,1,2 u0");
	ir_free(r);
}

/* A disk is missing at start-up: before the array is written to, that is on record. */
static void test_missing_disk_is_recorded_at_the_start(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_drop_disk(r, 1);
	ir_remember(r);
	ir_load(r);
	r->array->disks[1] = r->array->disks[2];
	r->array->disk_count = 2;
	ir_open_array(r);
	r->watch.curr_state = ARRAY_READONLY;
	assert_int_equal(ir_tell_state(r, MARK_DECIDE), MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2 f1");
	assert_true(ir_is_untouched(r, 1));
	ir_free(r);
}

/* ---- failures ---- */

static void test_failed_disk_is_not_written(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(ir_is_untouched(r, 1));
	assert_true(ir_same_on(r, 0, 2));
	assert_int_equal(ir_generation_on(r, 0), NEXT_GENERATION);
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2 f1");
	assert_true(ifx_table_serial_is(&r->got, 1, "DISK1:0"));
	assert_true(ir_is_dirty_on(r, 2));
	/* reported in every pass until it is gone */
	ir_tell_disk(r, 1, MEMBER_FAULTY);
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

/* The failed disk holds an older generation, and says there that all is well: it must not be believed. */
static void test_failed_disk_is_not_believed_at_the_next_start(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	super_imsm.free_super(&r->st);
	for (unsigned n = 0; n < 3; n++)
		r->disk[n] = ir_disk_new(r, n);
	ir_remember(r);
	assert_int_equal(super_imsm.load_container(&r->st,
						   (struct disk *[]){ r->disk[1], r->disk[0], r->disk[2] }, 3), 0);
	ir_drop_disk(r, 1); /* it was left to us */
	assert_int_equal(ir_open_array(r), 0);
	assert_int_equal(super_imsm.find_slot(r->array, ifx_dev(1)), -1);
	assert_int_equal(ir_tell_state(r, MARK_CLEAN), MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_is_untouched(r, 1));
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x!,2 f1");
	ir_free(r);
}

/* ---- disks that do not take the metadata ---- */

static void test_write_error_is_reported_once(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_int_equal(r->res.failed, 1);
	assert_int_equal(r->res.reports, 1);
	assert_int_equal(r->res.report[0].dev, ifx_dev(1));
	assert_int_equal(r->res.report[0].error, -EBADF);
	assert_true(ir_is_dirty_on(r, 0) && ir_is_dirty_on(r, 2));
	assert_true(ir_is_untouched(r, 1));
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.reports, 0);
	assert_int_equal(r->res.written, 2);
	ir_free(r);
}

/* A disk that failed is tried again only when there is time for it, and then gets what the others have. */
static void test_stale_disk_is_made_up_for(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	ir_remember(r);
	assert_int_equal(ir_sync_now(r), 0);

	/* still broken: nobody is held up, nothing is reported again */
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(r->res.written + r->res.reports, 0);
	assert_int_equal(r->res.failed, 1);

	ir_mend_disk(r, 1);
	assert_int_equal(ir_sync_now(r), 0);
	assert_true(ir_is_untouched(r, 1));
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(r->res.written, 1);
	assert_true(ir_same_on(r, 0, 1));
	assert_true(ir_is_untouched(r, 0) && ir_is_untouched(r, 2) && ir_is_untouched(r, 3));
	assert_int_equal(ir_sync_with(r, true), 0);

	/* it fails once more: that is news */
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.reports, 1);
	ir_free(r);
}

/* A disk that takes seconds to fail does so once in a while, not at each change. */
static void test_stale_disk_holds_up_nobody(void **state)
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
	ir_remember(r);
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 2);
	assert_int_equal(r->res.failed, 0);
	assert_true(ir_is_untouched(r, 1));

	/* time for it, and a change as well */
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(r->res.written, 3);
	assert_true(ir_same_on(r, 0, 1) && ir_same_on(r, 0, 2));
	ir_free(r);
}

/* Disks that failed before are asked at once when nobody else takes the change. */
static void test_stale_disk_is_the_last_hope(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	ir_mend_disk(r, 1);
	ir_break_disk(r, 0);
	ir_break_disk(r, 2);
	ir_tell_state(r, MARK_CLEAN);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(r->res.written, 1);
	assert_int_equal(r->res.failed, 2);
	assert_false(ir_is_dirty_on(r, 1));
	ir_free(r);
}

static void test_no_disk_takes_it(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	for (unsigned n = 0; n < 3; n++)
		ir_break_disk(r, n);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_int_equal(r->res.failed, 3);
	assert_int_equal(r->res.reports, 3);
	assert_int_equal(r->res.written, 0);
	/* the change stays pending, without being told of again */
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_int_equal(r->res.reports, 0);
	for (unsigned n = 0; n < 3; n++)
		assert_true(ir_is_untouched(r, n));
	ir_mend_disk(r, 2);
	assert_int_equal(ir_sync_now(r), 1);
	assert_true(ir_is_dirty_on(r, 2));
	assert_true(ir_generation_on(r, 2) > GENERATION);
	ir_mend_disk(r, 0);
	ir_mend_disk(r, 1);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_true(ir_same_on(r, 0, 2) && ir_same_on(r, 1, 2));
	assert_int_equal(ir_sync_with(r, true), 0);
	ir_free(r);
}

/*
 * All members fail. The last one is not called failed: it says that the volume has, and is believed, whatever those hold that
 * failed before, or a disk that was replaced.
 */
static void test_last_disk_tells_of_the_failure(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	for (unsigned n = 0; n < 3; n++)
		ir_fail_member(r, n);
	ir_break_disk(r, 2);
	assert_int_equal(ir_sync_now(r), -EIO);
	ir_mend_disk(r, 2);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_true(ir_is_untouched(r, 0) && ir_is_untouched(r, 1) && ir_is_untouched(r, 3));
	assert_string_equal(ir_text_on(r, 2, 0), "F 0x!,1x!,2! f0");
	assert_int_equal(ir_sync_now(r), 0);
	ir_free(r);
}

static void leave(struct imsm_rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = ifx_dev(n) };

	assert_int_equal(ir_apply(r, &u), 0);
	disk_close(u.disk);
	free(u.space);
	r->disk[n] = NULL;
}

/* Nobody is left who could tell. */
static void test_failed_disks_are_not_written_for_one_that_is_gone(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_fail_member(r, 0);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	ir_remember(r);
	leave(r, 2);
	ir_fail_member(r, 2);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_true(ir_is_untouched(r, 0) && ir_is_untouched(r, 1));
	ir_free(r);
}

/* The one that works refuses: its copy is older, and would be believed. Failed disks cannot help. */
static void test_failed_disks_do_not_stand_in_for_one_that_works(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_remember(r);
	ir_fail_member(r, 0);
	ir_fail_member(r, 1);
	ir_break_disk(r, 2);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_true(ir_is_untouched(r, 0) && ir_is_untouched(r, 1));
	ir_free(r);
}

/* As long as an array is served somebody may wait for an answer that nothing stands behind. */
static void test_there_is_no_disk_left(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	for (unsigned n = 0; n < 3; n++)
		leave(r, n);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_int_equal(r->res.failed, 0);
	super_imsm.close_array(r->array);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_sync_now(r), 0);
	/* served once more: what it is told must be on a disk, though nothing changes */
	ir_open_array(r);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), -EIO);
	ir_free(r);
}

static void test_many_write_errors(void **state)
{
	struct imsm_rig *r = ir_new(512, 4096, MAX_DISKS, 0);

	(void)state;
	_Static_assert(MAX_DISKS > MAX_SYNC_REPORTS, "or they cannot be too many");
	ifx_volume(&r->fx, 5, "N 0,1,2,3,4,5,6,7,8,9");
	for (unsigned n = 0; n < MAX_DISKS; n++)
		ir_write_member_metadata(r, n);
	ir_make_array(r, 0, 5, MAX_DISKS);
	ir_load(r);
	ir_open_array(r);
	for (unsigned n = 0; n < MAX_DISKS; n++)
		ir_break_disk(r, n);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), -EIO);
	assert_int_equal(r->res.failed, MAX_DISKS);
	assert_int_equal(r->res.reports, MAX_SYNC_REPORTS);
	ir_free(r);
}

/* There is nothing to be written to it any more. */
static void test_failed_disk_is_not_made_up_for(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 1);

	(void)state;
	ir_load(r);
	ir_open_array(r);
	ir_break_disk(r, 1);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	ir_fail_member(r, 1);
	assert_int_equal(ir_sync_now(r), 1);
	assert_int_equal(ir_sync_with(r, true), 0);
	ir_free(r);
}

/* ---- more disks than a table has ---- */

#define MANY_SPARES 600

/* The list has the spares in front; all disks lie on one file. */
static void test_many_spares(void **state)
{
	struct imsm_rig *r = ir_new_raid5(512, 4096, 0);
	static struct disk disks[MANY_SPARES];
	static struct imsm_container many;
	struct imsm_writer *w = imsm_writer_new();
	uint8_t serial[IMSM_SERIAL_LEN];

	(void)state;
	assert_non_null(w);
	many.meta = r->fx.c.meta;
	many.sector_size = 512;
	many.write_due = true;
	for (unsigned i = 0; i < MANY_SPARES; i++) {
		struct imsm_dl *dl;

		disks[i] = *r->disk[i < 3 ? i : 0];
		disks[i].dev = ifx_dev(i);
		ifx_serial(serial, i);
		dl = imsm_dl_new(&disks[i], serial);
		assert_non_null(dl);
		dl->index = i < 3 ? (int)i : IMSM_INDEX_SPARE;
		dl->spare_record_due = i >= 3;
		dl->next = many.disks;
		many.disks = dl;
	}
	r->res = (struct sync_result){ .retry = false };
	assert_int_equal(imsm_write(w, &many, "md127", &r->res), 1);
	assert_int_equal(r->res.written, MANY_SPARES);
	assert_int_equal(ir_generation_on(r, 1), GENERATION + 1);
	assert_int_equal(ir_generation_on(r, 2), GENERATION + 1);
	assert_int_equal(imsm_write(w, &many, "md127", &r->res), 0);
	for (struct imsm_dl *dl = many.disks, *next; dl; dl = next) {
		next = dl->next;
		free(dl);
	}
	many.disks = NULL;
	imsm_writer_free(w);
	for (unsigned n = 0; n < 3; n++)
		ir_drop_disk(r, n);
	ir_free(r);
}

/* ---- a disk that is not there ---- */

/* Disk 1 alone has got a write before the power failed. The next time it is absent, then it is back. */
static void check_copy_of_an_absent_disk(uint32_t generation)
{
	static struct imsm_container c;
	struct imsm_rig *r = ir_new(512, 4096, 2, 0);
	struct disk *disks[2];

	ifx_volume(&r->fx, 1, "N 0,1");
	ir_write_member_metadata(r, 0);
	r->fx.c.meta.header.generation_num = le32_make(generation);
	r->fx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ir_write_member_metadata(r, 1);
	ir_make_array(r, 0, 1, 1);
	r->array->raid_disks = 2;
	ir_drop_disk(r, 1);
	ir_load(r);
	ir_open_array(r);
	ir_tell_state(r, MARK_DIRTY);
	assert_int_equal(ir_sync_now(r), 1);
	assert_string_equal(ir_text_on(r, 0, 0), "D 0,1x! f1");
	for (unsigned first = 0; first < 2; first++) {
		memset(&c, 0, sizeof(c));
		disks[0] = ir_disk_new(r, first);
		disks[1] = ir_disk_new(r, !first);
		assert_int_equal(imsm_load(&c, "md127", disks, 2), 0);
		assert_true(c.meta.volume[0].map[0].ord[1] & IMSM_ORD_REBUILD);
		assert_non_null(imsm_dl_by_dev(&c, ifx_dev(0)));
		for (struct imsm_dl *dl = c.disks, *next; dl; dl = next) {
			next = dl->next;
			disk_close(dl->disk);
			free(dl);
		}
		disk_close(disks[0]);
		disk_close(disks[1]);
	}
	ir_free(r);
}

static void test_copy_of_an_absent_disk_is_older(void **state)
{
	(void)state;
	check_copy_of_an_absent_disk(GENERATION + 1);
}

/* It was the first write of the daemon that died, which had both disks, and had made a leap itself. */
static void test_first_copy_of_an_earlier_daemon_is_older(void **state)
{
	(void)state;
	check_copy_of_an_absent_disk(NEXT_GENERATION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dirty_and_clean),
		cmocka_unit_test(test_dirty_and_clean_512n),
		cmocka_unit_test(test_dirty_and_clean_4kn),
		cmocka_unit_test(test_neighbours_are_not_overwritten),
		cmocka_unit_test(test_torn_writes),
		cmocka_unit_test(test_readonly_array_is_decided_upon),
		cmocka_unit_test(test_missing_disk_is_recorded_at_the_start),
		cmocka_unit_test(test_failed_disk_is_not_written),
		cmocka_unit_test(test_failed_disk_is_not_believed_at_the_next_start),
		cmocka_unit_test(test_write_error_is_reported_once),
		cmocka_unit_test(test_stale_disk_is_made_up_for),
		cmocka_unit_test(test_stale_disk_holds_up_nobody),
		cmocka_unit_test(test_stale_disk_is_the_last_hope),
		cmocka_unit_test(test_no_disk_takes_it),
		cmocka_unit_test(test_last_disk_tells_of_the_failure),
		cmocka_unit_test(test_failed_disks_are_not_written_for_one_that_is_gone),
		cmocka_unit_test(test_failed_disks_do_not_stand_in_for_one_that_works),
		cmocka_unit_test(test_there_is_no_disk_left),
		cmocka_unit_test(test_many_write_errors),
		cmocka_unit_test(test_failed_disk_is_not_made_up_for),
		cmocka_unit_test(test_many_spares),
		cmocka_unit_test(test_copy_of_an_absent_disk_is_older),
		cmocka_unit_test(test_first_copy_of_an_earlier_daemon_is_older),
	};

	return cmocka_run_group_tests_name("imsm-write", tests, NULL, NULL);
}
