/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/held.c: disks that leave before they have taken what they were to take (ddf.md 7). */
#include "tests/unit/support/ddf-bench.h"

#include <errno.h>

/* Its record was to go to a disk that has refused it, and has left: readers find the old one again when both are back. */
static void test_nothing_is_clean_whose_record_has_left(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	dwb_write_all(b);
	dwb_set_dirty(b, false);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
	dfx_unlink(&b->f, 1);
	dwb_break_disk(b, 0, 0, FX_SECTORS);
	assert_int_equal(dwb_write_once(b, false), -EIO);
	assert_non_null(ddf_remove_disk(&b->f.c, dfx_dev(0)));
	dwb_write_once(b, false);
	assert_int_equal(dwb_vd_state_on(b, 2) & DDF_VD_INCONSISTENT, DDF_VD_INCONSISTENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_is_clean_whose_record_has_left, dwb_setup, dwb_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
