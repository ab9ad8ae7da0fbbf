/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/rebuild.c: what is kept, found and forgotten, wherever it lies in the array. */
#include "tests/unit/support/ddf-steps.h"

static void keep(unsigned vd, unsigned slot, unsigned n)
{
	const struct ddf_rebuild b = { .vd = vd, .slot = slot, .refnum = dfx_ref(n) };

	assert_true(ddf_keep_rebuild(&dfx.c, &b));
}

/* As many as there is room for: virtual disks 0 to 3, 16 slots of each; slot 2 of 1 is disk 18. */
static void fill(void)
{
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		keep(i / 16, i % 16, i);
}

static unsigned count_of_vd(unsigned vd)
{
	unsigned n = 0;

	ddf_each_rebuild(&dfx.c, b)
		n += b->vd == vd;
	return n;
}

static void the_walk_meets_each_that_is_used(void **state)
{
	static const unsigned used[] = { 0, 1, 5, DDF_MAX_REBUILDS - 1 };
	unsigned met = 0;

	(void)state;
	assert_null(ddf_next_rebuild(&dfx.c, NULL));
	for (unsigned i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		dfx.c.rebuild[used[i]] = (struct ddf_rebuild){ .used = true, .slot = used[i] };
	ddf_each_rebuild(&dfx.c, b)
		assert_int_equal(b->slot, used[met++]);
	assert_int_equal(met, 4);
	assert_int_equal(ddf_free_rebuilds(&dfx.c), DDF_MAX_REBUILDS - 4);
}

static void what_is_forgotten_on_the_way_ends_nothing(void **state)
{
	(void)state;
	fill();
	ddf_each_rebuild(&dfx.c, b)
		if (b->vd == 2)
			b->used = false;
	assert_int_equal(count_of_vd(2), 0);
	assert_int_equal(count_of_vd(1) + count_of_vd(3), 32);
	assert_int_equal(ddf_free_rebuilds(&dfx.c), 16);
}

static void one_is_found_by_its_disk_and_by_its_slot(void **state)
{
	(void)state;
	fill();
	assert_ptr_equal(ddf_rebuild_of(&dfx.c, 1, dfx_ref(18)), &dfx.c.rebuild[18]);
	assert_null(ddf_rebuild_of(&dfx.c, 2, dfx_ref(18)));
	assert_null(ddf_rebuild_of(&dfx.c, 1, dfx_ref(2)));
	assert_ptr_equal(ddf_rebuild_in(&dfx.c, 1, 2), &dfx.c.rebuild[18]);
	assert_null(ddf_rebuild_in(&dfx.c, 4, 2));
	assert_true(ddf_rebuilds_disk(&dfx.c, dfx_ref(DDF_MAX_REBUILDS - 1)));
	assert_false(ddf_rebuilds_disk(&dfx.c, dfx_ref(DDF_MAX_REBUILDS)));
	dfx.c.rebuild[18].used = false;
	assert_null(ddf_rebuild_of(&dfx.c, 1, dfx_ref(18)));
	assert_null(ddf_rebuild_in(&dfx.c, 1, 2));
	assert_false(ddf_rebuilds_disk(&dfx.c, dfx_ref(18)));
}

static void none_is_kept_beyond_the_last(void **state)
{
	const struct ddf_rebuild more = { .vd = 9, .slot = 3, .refnum = dfx_ref(7) };

	(void)state;
	fill();
	assert_int_equal(ddf_free_rebuilds(&dfx.c), 0);
	assert_false(ddf_keep_rebuild(&dfx.c, &more));
	assert_int_equal(count_of_vd(9), 0);
	dfx.c.rebuild[33].used = false;
	assert_true(ddf_keep_rebuild(&dfx.c, &more));
	assert_ptr_equal(ddf_rebuild_in(&dfx.c, 9, 3), &dfx.c.rebuild[33]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dfx_setup, dfx_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_walk_meets_each_that_is_used),
		TEST(what_is_forgotten_on_the_way_ends_nothing),
		TEST(one_is_found_by_its_disk_and_by_its_slot),
		TEST(none_is_kept_beyond_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
