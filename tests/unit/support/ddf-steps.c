/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-steps.h"

int dfx_setup(void **state)
{
	(void)state;
	dfx_init(&dfx);
	return 0;
}

int dfx_teardown(void **state)
{
	(void)state;
	dfx_free(&dfx);
	return 0;
}

void dfx_again(void)
{
	dfx_free(&dfx);
	dfx_init(&dfx);
}

void dfx_check_vd(unsigned vd, const char *expected)
{
	assert_string_equal(dfx_vd_text(&dfx, vd), expected);
}

void dfx_check_pds(const char *expected)
{
	assert_string_equal(dfx_pd_text(&dfx), expected);
}

void dfx_open_array(unsigned vd)
{
	bool broken[FX_DISKS];

	assert_int_equal(ddf_open_array(&dfx.c, vd, dfx.member, dfx.members, broken), 0);
}

void dfx_tell(unsigned vd, int level, const char *members)
{
	dfx_md(&dfx, level, level == 10 ? 0x102 : 0, members);
	for (unsigned i = 0; i < dfx.members; i++)
		ddf_set_disk(&dfx.c, vd, (unsigned)dfx.member[i].slot, &dfx.member[i]);
}

void dfx_write(unsigned vd)
{
	assert_int_equal(ddf_set_array_state(&dfx.c, vd, &dfx.md, MARK_DIRTY), MARK_DIRTY);
	assert_int_equal(ddf_set_array_state(&dfx.c, vd, &dfx.md, MARK_CLEAN), MARK_CLEAN);
}

void dfx_watch(unsigned vd, int level, const char *members)
{
	dfx_md(&dfx, level, 0, members);
	dfx_open_array(vd);
	dfx_tell(vd, level, members);
}
