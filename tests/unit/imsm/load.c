/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/load.c: whether we may work on what was chosen. */
#include "tests/unit/support/imsm-copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_unknown_attributes(void **state)
{
	static const struct {
		uint32_t attributes, unknown;
	} t[] = {
		{ 0, 0 },
		{ 0xac0000d7, 0 }, /* all that mdadm supports */
		{ 0x40000000, 0 }, /* historic */
		{ 0x80000008, 0x8 }, /* RAID1E */
		{ 0x80000020, 0x20 }, /* RAIDCNG */
		{ 0x82000010, 0x02000000 }, /* NVM caching */
		{ 0x90000010, 0x10000000 },
		{ 0x80000110, 0x100 },
		{ 0xffffffff, 0x13ffff28 },
	};
	struct imsm_meta m = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		m.header.attributes = le32_make(t[i].attributes);
		assert_int_equal(imsm_unknown_attributes(&m), t[i].unknown);
	}
}

/* Chooses, and lists the disks that were kept as the handler would. dl: one for each candidate. */
static void load(struct copies *x, struct imsm_dl *dl)
{
	assert_int_equal(copies_choose(x), 0);
	for (size_t i = x->count; i-- > 0;) {
		if (x->index[i] == IMSM_DROPPED)
			continue;
		dl[i] = (struct imsm_dl){ .disk = &x->disk[i].disk, .index = x->index[i], .next = x->c.disks };
		x->c.disks = &dl[i];
	}
	for (size_t i = 0; i < x->count; i++)
		x->disk[i].reads = 0;
}

static void test_migration_record_is_read(void **state)
{
	static const char *const orders[] = { "01234", "43210", "2143" };
	struct copies *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	for (unsigned i = 0; i < 3; i++) {
		copies_add_all(x, "r5-reshape-46", orders[i]);
		load(x, dl);
		assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
		assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 2);
		assert_int_equal(le32_get(x->c.migration.blocks_per_unit), 6144);
		for (size_t k = 0; k < x->count; k++)
			if (x->index[k] > 1 || x->index[k] < 0)
				assert_int_equal(x->disk[k].reads, 0);
		copies_clear(x);
	}
}

/* Slot, not disk index, tells who has it. */
static void test_migration_record_goes_by_slot(void **state)
{
	struct copies *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	copies_add_all(x, "r5-reshape-46", "01234");
	load(x, dl);
	for (unsigned k = 0; k < 4; k++)
		x->c.meta.volume[0].map[0].ord[k] = 3 - k;
	memcpy(x->disk[3].tail + SAMPLE_TAIL - 512 + 4, "\007", 1);
	x->disk[2].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 7);
	assert_int_equal(x->disk[0].reads + x->disk[1].reads, 0);
}

static void test_no_migration(void **state)
{
	struct copies *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	copies_add_all(x, "r1-rebuild-46", "02"); /* another kind of migration */
	load(x, dl);
	x->c.migration.rec_status = le32_make(1);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.rec_status), 0);
	assert_int_equal(x->disk[0].reads + x->disk[1].reads, 0);
}

/* One of the two will do. */
static void test_unreadable_migration_record(void **state)
{
	struct copies *x = *state;
	struct imsm_dl dl[MAX_DISKS];

	copies_add_all(x, "r5-reshape-46", "0123");
	load(x, dl);
	x->disk[0].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
	assert_int_equal(le32_get(x->c.migration.curr_migr_unit_lo), 2);
	x->disk[1].read_error = -EIO;
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EIO);
	assert_non_null(strstr(x->why, "migration"));
	copies_clear(x);

	copies_add_all(x, "r5-reshape-46", "23");
	load(x, dl);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EIO);
}

static void test_migrations_that_are_refused(void **state)
{
	struct copies *x = *state;
	struct imsm_dl dl[MAX_DISKS];
	uint8_t *record = x->disk[0].tail + SAMPLE_TAIL - 512;

	copies_add_all(x, "r5-reshape-46", "0123");
	load(x, dl);
	imsm_map_set_pba(&x->c.meta.volume[0].map[1], 8);
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EOPNOTSUPP);
	assert_non_null(strstr(x->why, "place"));
	imsm_map_set_pba(&x->c.meta.volume[0].map[1], 0);

	record[12] = 0; /* ascending_migr */
	assert_int_equal(imsm_read_migration(&x->c, &x->why), -EOPNOTSUPP);
	assert_non_null(strstr(x->why, "end"));
	memset(record, 0, 512); /* mdadm has recorded it, but not begun */
	assert_int_equal(imsm_read_migration(&x->c, &x->why), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, copies_setup, copies_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_unknown_attributes),
		TEST(test_migration_record_is_read),
		TEST(test_migration_record_goes_by_slot),
		TEST(test_no_migration),
		TEST(test_unreadable_migration_record),
		TEST(test_migrations_that_are_refused),
	};

	return cmocka_run_group_tests_name("imsm-load", tests, NULL, NULL);
}
