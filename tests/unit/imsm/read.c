/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/read.c: reading a disk's copy, and its serial number. */
#include "tests/unit/support/imsm-copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void read_again(struct copies *x)
{
	copies_clear(x);
	x->count = 1;
}

static void test_reads_all_samples(void **state)
{
	struct copies *x = *state;

	for (size_t i = 0; i < IMSM_SAMPLE_COUNT; i++) {
		for (unsigned k = 0; k < imsm_samples[i].disks; k++) {
			char serial[32];

			assert_non_null(copies_add(x, imsm_samples[i].name, k));
			assert_ptr_equal(x->cand[k].disk, &x->disk[k].disk);
			assert_null(x->cand[k].why);
			assert_int_equal(x->cand[k].sector_size, imsm_samples[i].sector_size);
			assert_true(x->cand[k].own_index >= 0);
			snprintf(serial, sizeof(serial), "/dev/loop%u", k);
			assert_string_equal((const char *)x->cand[k].serial, serial);
		}
		copies_clear(x);
	}
}

#define EXTENDED (SAMPLE_TAIL - 3 * 512)
#define ANCHOR (SAMPLE_TAIL - 2 * 512)

static void test_torn_read_is_repeated(void **state)
{
	static const struct {
		const char *sample;
		size_t at;
		int torn;
		bool good;
	} t[] = {
		{ "r5-clean-46", EXTENDED + 16, 1, true },   { "r5-clean-46", EXTENDED + 16, 3, true },
		{ "r5-clean-46", EXTENDED + 16, 4, false },  { "r5-clean-46", ANCHOR + 0x2c, 3, true },
		{ "r5-clean-46", ANCHOR + 0x24, 3, true }, /* mpb_size is no multiple of 4 */
		{ "r10-r5-matrix-46", ANCHOR + 0x2c, 3, true }, { "r1-rebuild-46", ANCHOR + 0x2c, 4, false },
	};
	struct copies *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		read_again(x);
		copies_make_named_disk(&x->disk[0], t[i].sample, 1); /* r1-rebuild disk 1 has but one sector */
		x->disk[0].torn_at = t[i].at;
		x->disk[0].torn_reads = t[i].torn;
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_int_equal(x->cand[0].meta != NULL, t[i].good);
		assert_int_equal(x->cand[0].why == NULL, t[i].good);
		assert_int_equal(x->disk[0].torn_reads, 0);
		assert_string_equal((const char *)x->cand[0].serial, "/dev/loop1");
		assert_int_equal(x->cand[0].own_index, t[i].good ? 1 : -1);
	}
}

static void test_hopeless_disks_are_read_once(void **state)
{
	struct copies *x = *state;

	read_again(x);
	copies_make_named_disk(&x->disk[0], "r5-clean-46", 0);
	x->disk[0].read_error = -EIO;
	imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_non_null(strstr(x->cand[0].why, "cannot be read"));
	assert_int_equal(x->disk[0].reads, 1);
	assert_string_equal((const char *)x->cand[0].serial, "/dev/loop0");

	read_again(x);
	copies_make_named_disk(&x->disk[0], "r5-clean-46", 0);
	memset(x->disk[0].tail, 0, SAMPLE_TAIL);
	imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_string_equal(x->cand[0].why, "no IMSM signature");
	assert_int_equal(x->disk[0].reads, 1);
}

static void test_no_place_for_metadata(void **state)
{
	static const struct {
		uint64_t size;
		uint32_t sector_size;
	} t[] = { { 0, 512 }, { 1024, 512 }, { 20480000, 520 }, { 20480000, 0 }, { 20480512, 4096 } };
	struct copies *x = *state;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		read_again(x);
		copies_make_named_disk(&x->disk[0], "r5-clean-46", 0);
		x->disk[0].disk.size = t[i].size;
		x->disk[0].disk.sector_size = t[i].sector_size;
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_null(x->cand[0].meta);
		assert_non_null(x->cand[0].why);
		assert_int_equal(x->disk[0].reads, 0);
	}
}

/* 32 sectors, one of which is the migration record's: 31 of MPB just fit. */
static void test_mpb_larger_than_the_disk(void **state)
{
	struct copies *x = *state;

	for (unsigned sectors = 32; sectors > 30; sectors--) {
		uint32_t mpb_size = sectors * 512;

		read_again(x);
		copies_make_named_disk(&x->disk[0], "r5-clean-46", 0);
		x->disk[0].disk.size = SAMPLE_TAIL;
		memcpy(x->disk[0].tail + ANCHOR + 0x24, &mpb_size, 4);
		imsm_read_candidate(&x->disk[0].disk, &x->cand[0]);
		assert_null(x->cand[0].meta);
		assert_string_equal(x->cand[0].why, sectors == 32 ? "mpb_size is more than the disk holds"
								  : "the checksum is wrong");
	}
}

static void test_serial_of_its_own_table(void **state)
{
	struct copies *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	copies_make_disk(f, imsm_sample_named("r5-clean-46"), 2);
	copies_add_serial(f, " \n");
	copies_add_serial(f, "WD-1234");
	copies_add_serial(f, "/dev/ loop2 ");
	copies_add_serial(f, "/dev/loop1");
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].own_index, 2);
	assert_string_equal((const char *)x->cand[0].serial, "/dev/loop2");
}

static void test_first_serial_if_its_table_names_none(void **state)
{
	struct copies *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	copies_make_disk(f, imsm_sample_named("r5-clean-46"), 2);
	copies_add_serial(f, "");
	copies_add_serial(f, "WD:1234");
	copies_add_serial(f, "other");
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].own_index, -1);
	assert_string_equal((const char *)x->cand[0].serial, "WD;1234");
}

static void test_no_serial(void **state)
{
	struct copies *x = *state;
	struct fake_disk *f = &x->disk[0];

	read_again(x);
	copies_make_disk(f, imsm_sample_named("r5-clean-46"), 0);
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_null(x->cand[0].meta);
	assert_string_equal(x->cand[0].why, "it has no serial number");
}

/*
 * Old firmware left garbage where disks above 2 TiB have the upper half of their size. It stays without meaning though
 * another disk brings the attribute that gives it one.
 */
static void test_garbage_in_the_hi_halves(void **state)
{
	struct copies *x = *state;
	struct fake_disk *f = &x->disk[0];
	le32 garbage = le32_make(1);

	read_again(x);
	copies_make_named_disk(f, "r10-r5-matrix-46", 0);
	memcpy(f->tail + ANCHOR + IMSM_HEADER_SIZE + offsetof(struct imsm_disk, total_blocks_hi), &garbage,
	       sizeof(garbage));
	f->tail[ANCHOR + offsetof(struct imsm_header, check_sum)]++;
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(imsm_disk_blocks(&x->cand[0].meta->disk[0]), 131072);
	copies_add_all(x, "r10-r5-matrix-46", "4");
	x->cand[1].meta->header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	assert_int_equal(copies_choose(x), 0);
	assert_true(le32_get(x->c.meta.header.attributes) & IMSM_ATTR_2TB_DISK);
	assert_int_equal(imsm_disk_blocks(&x->c.meta.disk[0]), 131072);
}

/* What of the copy is left out is told, and the copy is there. */
static void test_warning_with_metadata(void **state)
{
	struct copies *x = *state;
	struct fake_disk *f = &x->disk[0];
	uint8_t *anchor = f->tail + ANCHOR;

	read_again(x);
	copies_make_named_disk(f, "r5-bbm-46", 0);
	f->tail[EXTENDED + 0x214 - 0x200 + 9] += 8; /* the first entry's disk */
	anchor[0x21] += 8;                          /* checksum */
	imsm_read_candidate(&f->disk, &x->cand[0]);
	assert_non_null(x->cand[0].meta);
	assert_int_equal(x->cand[0].meta->num_volumes, 1);
	assert_int_equal(x->cand[0].meta->num_bad, 1);
	assert_non_null(strstr(x->cand[0].why, "bad block log"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, copies_setup, copies_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_reads_all_samples),
		TEST(test_torn_read_is_repeated),
		TEST(test_hopeless_disks_are_read_once),
		TEST(test_no_place_for_metadata),
		TEST(test_mpb_larger_than_the_disk),
		TEST(test_serial_of_its_own_table),
		TEST(test_first_serial_if_its_table_names_none),
		TEST(test_no_serial),
		TEST(test_garbage_in_the_hi_halves),
		TEST(test_warning_with_metadata),
	};

	return cmocka_run_group_tests_name("imsm-read", tests, NULL, NULL);
}
