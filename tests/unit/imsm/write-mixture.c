/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/write.c: copies of which a power cut could leave a mixture that passes for one (imsm.md 7.3). */
#include "tests/unit/support/imsm-cuts.h"

#include <string.h>

#include "metadata/lane.h"

static unsigned writes_of[MAX_DISKS], widest;
static struct imsm_rig *watched;

static void count_write(const struct iocb *cb)
{
	for (unsigned n = 0; n < watched->disks; n++)
		if (watched->disk[n] && cb->aio_fildes == watched->disk[n]->fd)
			writes_of[n]++;
	if (cb->u.c.nbytes > widest)
		widest = (unsigned)cb->u.c.nbytes;
}

/* Writes, and returns how many writes each of the disks got; -1: not the same number. */
static int writes_for_each(struct imsm_rig *r)
{
	memset(writes_of, 0, sizeof(writes_of));
	widest = 0;
	watched = r;
	ir_write_begins = count_write;
	assert_int_equal(ir_sync_now(r), 1);
	ir_write_begins = NULL;
	for (unsigned n = 1; n < r->disks; n++)
		if (writes_of[n] != writes_of[0])
			return -1;
	return (int)writes_of[0];
}

/* Two volumes, whose dirty flags are both in the second sector. */
static struct imsm_rig *two_volumes(uint32_t physical_size)
{
	struct imsm_rig *r = ir_new(512, physical_size, 5, 0);

	ifx_volume(&r->fx, 5, "N 0,1,2,3,4");
	ifx_volume(&r->fx, 5, "N 0,1,2,3,4");
	for (unsigned n = 0; n < 5; n++)
		ir_write_member_metadata(r, n);
	ir_make_array(r, 0, 5, 5);
	ir_load(r);
	ir_open_array(r);
	r->array->member = 1;
	ir_open_array(r);
	return r;
}

static void set_dirty(struct imsm_rig *r, int volume, bool dirty)
{
	r->array->member = volume;
	ir_tell_state(r, dirty ? MARK_DIRTY : MARK_CLEAN);
}

/* One volume becomes clean as the other becomes dirty: the sum is as before, whatever arrives. Then it takes three writes. */
static void test_equal_sums(void **state)
{
	(void)state;
	if (!cuts_possible())
		skip();
	for (unsigned torn = 0; torn < 2; torn++) {
		struct imsm_rig *r = two_volumes(torn ? 512 : 4096);

		set_dirty(r, 0, true);
		assert_int_equal(writes_for_each(r), 1); /* the usual one, also the first */
		assert_int_equal(widest, 1024);
		set_dirty(r, 0, false);
		set_dirty(r, 1, true);
		ir_most_in_flight = 0;
		assert_int_equal(writes_for_each(r), torn ? 3 : 1);
		assert_int_equal(widest, torn ? 512 : 1024);
		assert_int_equal(ir_most_in_flight, torn ? 1 : 5);
		for (unsigned n = 0; n < 5; n++)
			assert_true(ir_same_on(r, 0, n));
		assert_true(ir_volume_on(r, 4, 1)->head.dirty & IMSM_DIRTY);
		set_dirty(r, 0, true);
		assert_int_equal(writes_for_each(r), 1);
		ir_free(r);
	}
}

/* What a disk holds that has missed a write is looked at. */
static void test_equal_sums_on_one_disk(void **state)
{
	struct imsm_rig *r = two_volumes(512);

	(void)state;
	if (!cuts_possible())
		skip();
	set_dirty(r, 0, true);
	assert_int_equal(writes_for_each(r), 1);
	ir_break_disk(r, 3);
	set_dirty(r, 1, true);
	assert_int_equal(ir_sync_now(r), 1);
	ir_mend_disk(r, 3);
	set_dirty(r, 0, false); /* as from 3 to 2 for the others, for that one from 1 to 2 */
	memset(writes_of, 0, sizeof(writes_of));
	watched = r;
	ir_write_begins = count_write;
	assert_int_equal(ir_sync_with(r, true), 1);
	ir_write_begins = NULL;
	for (unsigned n = 0; n < 5; n++)
		assert_int_equal(writes_of[n], n == 3 ? 3 : 1);
	assert_true(ir_same_on(r, 0, 3));
	ir_free(r);
}

static unsigned reads;

int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __real_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset);
int __wrap_disk_read(const struct disk *d, void *buf, size_t len, uint64_t offset)
{
	reads++;
	return __real_disk_read(d, buf, len, offset);
}

/* One that does not answer is not looked at: that would be waited for. It is when it answers again. */
static void test_a_disk_that_hangs_is_not_read(void **state)
{
	struct imsm_rig *r = two_volumes(512);
	struct lane lane = { .hanging = true };

	(void)state;
	if (!cuts_possible())
		skip();
	set_dirty(r, 0, true);
	assert_int_equal(writes_for_each(r), 1);
	r->disk[3]->lane = &lane;
	reads = 0;
	set_dirty(r, 1, true);
	assert_int_equal(ir_sync_now(r), 1);
	set_dirty(r, 0, false);
	assert_int_equal(ir_sync_with(r, true), 1);
	assert_int_equal(reads, 0);
	assert_false(ir_same_on(r, 0, 3));
	r->disk[3]->lane = NULL;
	ir_sync_with(r, true);
	assert_int_equal(reads, 1);
	assert_true(ir_same_on(r, 0, 3));
	ir_free(r);
}

/* The daemon dies when what is there has been closed: the next one writes the member anew. */
static void test_closed_copy(void **state)
{
	static uint8_t tail[TAIL];
	struct imsm_rig *r = two_volumes(512);
	struct imsm_rig *again;

	(void)state;
	ir_read_tail(r, 2, tail);
	imsm_close_anchor(tail + TAIL - 1024, 512, tail + TAIL - 1024);
	again = ir_new(512, 512, 5, 0);
	ifx_volume(&again->fx, 5, "N 0,1,2,3,4");
	ifx_volume(&again->fx, 5, "N 0,1,2,3,4");
	for (unsigned n = 0; n < 5; n++)
		ir_write_member_metadata(again, n);
	ir_write_at(again, 2, tail, TAIL, DEVICE_SIZE - TAIL);
	assert_null(ir_read_back(again, 2));
	ir_make_array(again, 0, 5, 5);
	ir_load(again);
	assert_int_equal(ir_sync_now(again), 1);
	assert_true(ir_same_on(again, 0, 2));
	assert_string_equal(ir_text_on(again, 2, 0), "N 0,1,2,3,4");
	ir_free(again);
	ir_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_sums),
		cmocka_unit_test(test_equal_sums_on_one_disk),
		cmocka_unit_test(test_a_disk_that_hangs_is_not_read),
		cmocka_unit_test(test_closed_copy),
	};

	return cmocka_run_group_tests_name("imsm-write-mixture", tests, NULL, NULL);
}
