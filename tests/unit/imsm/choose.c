/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/choose.c: which copy is believed, and what becomes of the disks (imsm.md 2.3, 2.4). */
#include "tests/unit/support/imsm-copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- candidates ---- */

static void assert_family(const struct copies *x, uint32_t family)
{
	assert_int_equal(le32_get(x->c.meta.header.family_num), family);
}

static void set_family(struct imsm_meta *m, uint32_t family)
{
	m->header.family_num = le32_make(family);
	m->header.check_sum = le32_make(family ^ 0x5555);
}

/* ---- imsm_choose ---- */

static void test_agreement(void **state)
{
	static const char *const orders[] = { "012", "021", "102", "120", "201", "210" };
	struct copies *x = *state;

	for (size_t i = 0; i < 6; i++) {
		copies_add_all(x, "r5-clean-46", orders[i]);
		assert_int_equal(copies_choose(x), 0);
		assert_family(x, 0x35d4aaf7);
		assert_int_equal(x->c.sector_size, 512);
		assert_int_equal(x->c.meta.num_volumes, 1);
		assert_null(x->c.disks);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(x->index[k], orders[i][k] - '0');
		copies_clear(x);
	}
}

static void test_4kn(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r5-bbm-4kn-46", "210");
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->c.sector_size, 4096);
	assert_int_equal(x->c.meta.num_bad, 2);
	assert_int_equal(x->index[0], 2);
}

static void test_newer_generation_wins(void **state)
{
	struct copies *x = *state;

	for (size_t newest = 0; newest < 3; newest++) {
		copies_add_all(x, "r5-clean-46", "012");
		copies_touch(x->cand[newest].meta, 5);
		x->cand[newest].meta->volume[0].head.dirty = IMSM_DIRTY;
		assert_int_equal(copies_choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.generation_num), 8 + 5);
		assert_int_equal(x->c.meta.volume[0].head.dirty, IMSM_DIRTY);
		for (int k = 0; k < 3; k++)
			assert_int_equal(x->index[k], k);
		copies_clear(x);
	}
}

/* A newer copy on a disk that is not configured does not replace one that is; being first, it stays. */
static void test_newer_copy_on_unconfigured_disk(void **state)
{
	struct copies *x = *state;

	for (unsigned first = 0; first < 2; first++) {
		struct imsm_meta *m;

		copies_add_all(x, "r5-clean-46", first ? "12" : "21");
		m = x->cand[first ? 1 : 0].meta; /* disk 2 */
		copies_touch(m, 7);
		copies_set_status(m, 2, 0);
		assert_int_equal(copies_choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.generation_num), first ? 8 : 8 + 7);
		copies_clear(x);
	}
}

/* Of two copies of one family the second one speaks for it if ... (imsm.md 2.3, step 1). */
static void test_who_speaks_for_the_family(void **state)
{
	static const struct {
		bool first_configured, second_configured;
		int newer; /* generations that the second one is ahead */
		bool second;
	} rows[] = {
		{ true, true, 1, true },   { true, true, 0, false },   { true, true, -1, false },
		{ false, true, 1, true },  { false, true, 0, false },  { false, true, -1, false },
		{ true, false, 1, false }, { true, false, 0, false },  { true, false, -1, false },
		{ false, false, 1, true }, { false, false, 0, false }, { false, false, -1, false },
	};
	struct copies *x = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		copies_add_all(x, "r5-clean-46", "01");
		x->cand[1].meta->header.check_sum = le32_make(1); /* they differ in something */
		copies_touch(x->cand[1].meta, (uint32_t)rows[i].newer);
		copies_set_status(x->cand[0].meta, 0, rows[i].first_configured ? IMSM_DISK_CONFIGURED : 0);
		copies_set_status(x->cand[1].meta, 1, rows[i].second_configured ? IMSM_DISK_CONFIGURED : 0);
		x->cand[1].meta->header.cache_size = le32_make(4711);
		assert_int_equal(copies_choose(x), 0);
		assert_int_equal(le32_get(x->c.meta.header.cache_size) == 4711, rows[i].second);
		copies_clear(x);
	}
}

static void test_failed_disk_is_dropped(void **state)
{
	static const char *const orders[] = { "012", "021", "102", "120", "201", "210" };
	static const struct {
		const char *name;
		uint32_t family;
	} sample[] = { { "r1-rebuild-42", 0xe905c8ce }, { "r1-rebuild-46", 0xa5cdd4d8 } };
	static const int index[] = { 0, IMSM_DROPPED, 1 };
	struct copies *x = *state;

	for (size_t i = 0; i < 12; i++) {
		const char *order = orders[i % 6];

		copies_add_all(x, sample[i / 6].name, order);
		assert_int_equal(copies_choose(x), 0);
		assert_family(x, sample[i / 6].family);
		for (unsigned k = 0; k < 3; k++) {
			assert_int_equal(x->index[k], index[order[k] - '0']);
			if (order[k] == '1')
				assert_non_null(x->cand[k].why);
			else
				assert_null(x->cand[k].why);
		}
		copies_clear(x);
	}
}

/* By itself it has nothing that contradicts it. */
static void test_failed_disk_alone(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r1-rebuild-46", "1");
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0x638dc4aa);
	assert_int_equal(x->index[0], 1);
}

/* Each side has marked the other as failed. */
static void make_split_brain(struct copies *x, bool swap)
{
	struct imsm_meta *a, *b;

	copies_add_all(x, "r1-rebuild-46", "11");
	a = x->cand[swap ? 1 : 0].meta;
	b = x->cand[swap ? 0 : 1].meta;
	memset(x->cand[swap ? 1 : 0].serial, 0, IMSM_SERIAL_LEN);
	memcpy(x->cand[swap ? 1 : 0].serial, "/dev/loop0", 10);
	x->cand[swap ? 1 : 0].own_index = 0;
	set_family(a, 0xaaaa);
	copies_set_serial(a, 1, "/dev/loop1:0");
	copies_set_status(a, 1, IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	set_family(b, 0xbbbb);
	copies_set_serial(b, 0, "/dev/loop0:0");
	copies_set_status(b, 0, IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	copies_touch(b, 100); /* does not matter */
}

static void test_split_brain_goes_by_order(void **state)
{
	struct copies *x = *state;

	make_split_brain(x, false);
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0xaaaa);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	copies_clear(x);
	make_split_brain(x, true);
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0xbbbb);
	assert_int_equal(x->index[0], 1);
	assert_int_equal(x->index[1], IMSM_DROPPED);
}

static void test_two_unrelated_families(void **state)
{
	static const char *const orders[2][2] = { { "r1-rebuild-46", "r10-r5-matrix-46" },
						  { "r10-r5-matrix-46", "r1-rebuild-46" } };
	static const uint32_t family[2] = { 0xa5cdd4d8, 0x85f93da1 };
	struct copies *x = *state;

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct imsm_meta *m = copies_add(x, orders[i][k], 0);

			if (m->num_disks == 2)
				continue;
			for (unsigned d = 0; d < m->num_disks; d++) { /* different disks */
				char serial[] = "other0";

				serial[5] = (char)('0' + d);
				copies_set_serial(m, d, serial);
			}
			memcpy(x->cand[k].serial, m->disk[0].serial, IMSM_SERIAL_LEN);
		}
		assert_int_equal(copies_choose(x), 0);
		assert_family(x, family[i]);
		assert_int_equal(x->index[0], 0);
		assert_int_equal(x->index[1], IMSM_DROPPED);
		copies_clear(x);
	}
}

static void test_matrix_with_spare(void **state)
{
	static const char *const orders[] = { "01234", "43210", "20413" };
	struct copies *x = *state;

	for (unsigned i = 0; i < 3; i++) {
		copies_add_all(x, "r10-r5-matrix-46", orders[i]);
		assert_int_equal(copies_choose(x), 0);
		assert_family(x, 0x85f93da1);
		assert_int_equal(x->c.meta.num_volumes, 2);
		for (unsigned k = 0; k < 5; k++)
			assert_int_equal(x->index[k], orders[i][k] == '4' ? IMSM_INDEX_SPARE : orders[i][k] - '0');
		copies_clear(x);
	}
}

static void test_reshape_loads(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r5-reshape-46", "43210");
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(imsm_volume_migr_type(&x->c.meta.volume[0]), IMSM_MIGR_GENERAL);
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
	for (int k = 1; k < 5; k++)
		assert_int_equal(x->index[k], 4 - k);
}

static void test_spare_alone(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r10-r5-matrix-46", "4");
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0xda60737b);
	assert_int_equal(x->c.meta.num_volumes, 0);
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
}

static void test_of_spares_the_last_wins(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r10-r5-matrix-46", "4");
	copies_add_all(x, "r5-reshape-46", "4");
	copies_set_serial(x->cand[1].meta, 0, "S2");
	memcpy(x->cand[1].serial, x->cand[1].meta->disk[0].serial, IMSM_SERIAL_LEN);
	assert_int_equal(copies_choose(x), 0);
	assert_string_equal((const char *)x->c.meta.disk[0].serial, "S2");
	assert_int_equal(x->index[0], IMSM_INDEX_SPARE);
	assert_int_equal(x->index[1], IMSM_INDEX_SPARE);
}

static void test_corrupt_member_is_dropped(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r5-clean-46", "012");
	free(x->cand[1].meta);
	x->cand[1].meta = NULL;
	x->cand[1].own_index = -1;
	x->cand[1].why = "it is broken";
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_string_equal(x->cand[1].why, "it is broken");
	assert_int_equal(x->index[2], 2);
	assert_int_equal(x->c.meta.num_disks, 3); /* its place remains */
}

static void test_nothing_usable(void **state)
{
	struct copies *x = *state;

	assert_int_equal(copies_choose(x), -ENOENT);
	assert_non_null(x->why);
	x->count = 2;
	x->cand[0].why = "first reason";
	x->cand[1].why = "second reason";
	assert_int_equal(copies_choose(x), -ENOENT);
	assert_string_equal(x->why, "first reason");
}

/* A disk that its own table does not know speaks for nobody. */
static void test_own_serial_unknown(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r5-clean-46", "01");
	for (unsigned i = 0; i < 2; i++) {
		memcpy(x->cand[i].serial, "unheard\0", 8);
		x->cand[i].serial[7] = (uint8_t)('0' + i);
		x->cand[i].own_index = -1;
	}
	assert_int_equal(copies_choose(x), -ENOENT);
	assert_non_null(strstr(x->why, "agrees"));
	copies_add_all(x, "r5-clean-46", "2");
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_int_equal(x->index[2], 2);
}

/* An outdated copy of the same family is not asked about other disks. */
static void test_outdated_table_is_not_merged(void **state)
{
	struct copies *x = *state;
	struct imsm_meta *old;

	copies_add_all(x, "r5-clean-46", "01");
	copies_touch(x->cand[0].meta, 1);
	old = x->cand[1].meta;
	copies_set_serial(old, 2, "S2");
	copies_set_status(old, 2, IMSM_DISK_SPARE);
	copies_add_all(x, "r10-r5-matrix-46", "4");
	copies_set_serial(x->cand[2].meta, 0, "S2");
	memcpy(x->cand[2].serial, x->cand[2].meta->disk[0].serial, IMSM_SERIAL_LEN);
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], 1);
	assert_int_equal(x->index[2], IMSM_INDEX_SPARE);

	copies_set_status(old, 2, IMSM_DISK_CONFIGURED); /* would make it no spare, if it were merged */
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->index[2], IMSM_INDEX_SPARE);
}

/* One family calls a disk configured that calls itself a spare: that is what has been written to it since. */
static void test_spare_that_another_family_names(void **state)
{
	struct copies *x = *state;
	struct imsm_meta *m;

	copies_add_all(x, "r5-clean-46", "0");
	m = copies_add(x, "r1-rebuild-46", 1);
	copies_set_serial(m, 0, "/dev/loop4");
	copies_set_serial(m, 1, "other");
	memcpy(x->cand[1].serial, m->disk[1].serial, IMSM_SERIAL_LEN);
	copies_add_all(x, "r10-r5-matrix-46", "4");
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0x35d4aaf7);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[1].why, "neither"));
	assert_int_equal(x->index[2], IMSM_INDEX_SPARE);
}

static void test_status_of_a_stranger(void **state)
{
	static const struct {
		uint32_t status;
		int index;
	} t[] = {
		{ IMSM_DISK_SPARE, IMSM_INDEX_SPARE },
		{ IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED, IMSM_DROPPED },
		{ IMSM_DISK_SPARE | IMSM_DISK_FAILED, IMSM_DROPPED },
		{ IMSM_DISK_CONFIGURED, IMSM_DROPPED },
		{ 0, IMSM_DROPPED },
	};
	struct copies *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		copies_add_all(x, "r10-r5-matrix-46", "04");
		copies_set_status(x->cand[1].meta, 0, t[i].status);
		assert_int_equal(copies_choose(x), 0);
		assert_int_equal(x->index[1], t[i].index);
		copies_clear(x);
	}
}

/* A family whose only copy is outdated still owns that disk: whoever else names it is wrong. */
static void test_outdated_copy_keeps_its_disk(void **state)
{
	struct copies *x = *state;
	struct imsm_meta *other = copies_add(x, "r1-rebuild-46", 1);

	copies_set_serial(other, 0, "/dev/loop1");
	copies_set_serial(other, 1, "other");
	memcpy(x->cand[0].serial, other->disk[1].serial, IMSM_SERIAL_LEN);
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0x638dc4aa);
	copies_add_all(x, "r5-clean-46", "01");
	copies_touch(x->cand[1].meta, 1);
	assert_int_equal(copies_choose(x), 0);
	assert_family(x, 0x35d4aaf7);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_int_equal(x->index[2], 1);
}

/* The disk's own outdated copy calls it configured, the newer one of that family a spare. */
static void test_outdated_copy_says_configured(void **state)
{
	struct copies *x = *state;

	for (unsigned configured = 0; configured < 2; configured++) {
		copies_add_all(x, "r10-r5-matrix-46", "0");
		copies_add_all(x, "r5-clean-46", "01");
		for (unsigned i = 1; i < 3; i++) {
			copies_set_serial(x->cand[i].meta, 0, "t0");
			copies_set_serial(x->cand[i].meta, 1, "t1");
			memcpy(x->cand[i].serial, x->cand[i].meta->disk[i - 1].serial, IMSM_SERIAL_LEN);
		}
		copies_touch(x->cand[1].meta, 1);
		copies_set_status(x->cand[1].meta, 1, IMSM_DISK_SPARE);
		copies_set_status(x->cand[2].meta, 1, configured ? IMSM_DISK_CONFIGURED : IMSM_DISK_SPARE);
		assert_int_equal(copies_choose(x), 0);
		assert_family(x, 0x85f93da1);
		assert_int_equal(x->index[1], IMSM_DROPPED);
		assert_int_equal(x->index[2], configured ? IMSM_DROPPED : IMSM_INDEX_SPARE);
		copies_clear(x);
	}
}

static void test_status_in_the_champions_table(void **state)
{
	static const struct {
		uint32_t status;
		int index;
	} t[] = {
		{ IMSM_DISK_CONFIGURED, 1 },
		{ IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED, IMSM_INDEX_UNRELATED },
		{ IMSM_DISK_SPARE | IMSM_DISK_FAILED, IMSM_INDEX_UNRELATED },
		{ IMSM_DISK_SPARE, IMSM_INDEX_SPARE },
		{ IMSM_DISK_JOURNAL, IMSM_INDEX_SPARE },
		{ 0, 1 },
	};
	struct copies *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		copies_add_all(x, "r5-clean-46", "012");
		copies_touch(x->cand[0].meta, 1);
		copies_set_status(x->cand[0].meta, 1, t[i].status);
		assert_int_equal(copies_choose(x), 0);
		assert_int_equal(x->index[0], 0);
		assert_int_equal(x->index[1], t[i].index);
		copies_clear(x);
	}
}

static void test_sector_sizes(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r10-r5-matrix-46", "0124");
	x->cand[1].sector_size = 4096;
	x->cand[3].sector_size = 4096;
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->c.sector_size, 512);
	assert_int_equal(x->index[0], 0);
	assert_int_equal(x->index[1], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[1].why, "sector size"));
	assert_int_equal(x->index[2], 2);
	assert_int_equal(x->index[3], IMSM_INDEX_SPARE);
}

static void test_same_serial_twice(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r5-clean-46", "0012");
	copies_touch(x->cand[1].meta, 3); /* the champion comes first, wherever it stands */
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(x->index[0], IMSM_DROPPED);
	assert_non_null(strstr(x->cand[0].why, "same serial"));
	assert_int_equal(x->index[1], 0);
	assert_int_equal(x->index[2], 1);
	assert_int_equal(x->index[3], 2);
}

static void test_large_disk_attribute_spreads(void **state)
{
	struct copies *x = *state;

	copies_add_all(x, "r10-r5-matrix-46", "01234");
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(le32_get(x->c.meta.header.attributes), 0x80000014);
	x->cand[4].meta->header.attributes = le32_make(IMSM_ATTR_2TB_DISK | IMSM_ATTR_RAID1);
	assert_int_equal(copies_choose(x), 0);
	assert_int_equal(le32_get(x->c.meta.header.attributes), 0x84000014);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, copies_setup, copies_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_agreement),
		TEST(test_4kn),
		TEST(test_newer_generation_wins),
		TEST(test_newer_copy_on_unconfigured_disk),
		TEST(test_who_speaks_for_the_family),
		TEST(test_failed_disk_is_dropped),
		TEST(test_failed_disk_alone),
		TEST(test_split_brain_goes_by_order),
		TEST(test_two_unrelated_families),
		TEST(test_matrix_with_spare),
		TEST(test_reshape_loads),
		TEST(test_spare_alone),
		TEST(test_of_spares_the_last_wins),
		TEST(test_corrupt_member_is_dropped),
		TEST(test_nothing_usable),
		TEST(test_own_serial_unknown),
		TEST(test_outdated_table_is_not_merged),
		TEST(test_spare_that_another_family_names),
		TEST(test_status_of_a_stranger),
		TEST(test_outdated_copy_keeps_its_disk),
		TEST(test_outdated_copy_says_configured),
		TEST(test_status_in_the_champions_table),
		TEST(test_sector_sizes),
		TEST(test_same_serial_twice),
		TEST(test_large_disk_attribute_spreads),
	};

	return cmocka_run_group_tests_name("imsm-choose", tests, NULL, NULL);
}
