/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One container of tests/unit/support/ddf-fixture.h, and the steps that tests of its parts take with it. */
#ifndef DDF_STEPS_H
#define DDF_STEPS_H

#include "tests/unit/support/ddf-fixture.h"

static struct fixture f;

static inline int setup(void **state)
{
	(void)state;
	fx_init(&f);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fx_free(&f);
	return 0;
}

/* In a loop over a table. */
static inline void again(void)
{
	fx_free(&f);
	fx_init(&f);
}

static inline void check_vd(unsigned vd, const char *expected)
{
	assert_string_equal(fx_vd_text(&f, vd), expected);
}

static inline void check_pds(const char *expected)
{
	assert_string_equal(fx_pd_text(&f), expected);
}

static inline void open_array(unsigned vd)
{
	bool broken[FX_DISKS];

	assert_int_equal(ddf_open_array(&f.c, vd, f.member, f.members, broken), 0);
}

/* Tells of all members, as the monitor does at its first pass and when members come or a rebuild ends. */
static inline void tell(unsigned vd, int level, const char *members)
{
	fx_md(&f, level, level == 10 ? 0x102 : 0, members);
	for (unsigned i = 0; i < f.members; i++)
		ddf_set_disk(&f.c, vd, (unsigned)f.member[i].slot, &f.member[i]);
}

/* A daemon finds the array running. */
static inline void watch(unsigned vd, int level, const char *members)
{
	fx_md(&f, level, 0, members);
	open_array(vd);
	tell(vd, level, members);
}

#endif
