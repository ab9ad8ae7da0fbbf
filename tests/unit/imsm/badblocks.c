/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/badblocks.c. The log as one line of text, in its order: "2:100+8 0:64+256" is disk 2, 8 sectors from 100 on,
 * then disk 0. Disks 0 to 2 are the members of a RAID 5 at the start of the disks, and of another one behind it.
 */
#include "tests/unit/support/imsm-fixture.h"
#include "tests/unit/support/text.h"

#include <errno.h>

#define LOG_FULL (IMSM_BBM_MAX)
#define SECOND (FX_PER_DEV + FX_GAP) /* where volume 1 begins */


static int set_up(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 2,1,0");
	return 0;
}

static void use_4k_sectors(void)
{
	ifx.c.sector_size = 4096;
}

static const char *log_text(const struct imsm_meta *m)
{
	static char text[IMSM_BBM_MAX * 24];
	char *p = text;

	*p = '\0';
	for (unsigned i = 0; i < m->num_bad; i++)
		text_put(&p, "%s%u:%llu+%u", i ? " " : "", m->bad[i].disk, (unsigned long long)m->bad[i].sector,
			 m->bad[i].length);
	return text;
}

#define assert_log(text) assert_string_equal(log_text(&ifx.c.meta), text)

static struct bad_range range(uint64_t sector, uint64_t length)
{
	return (struct bad_range){ sector, length };
}

/* Records in volume 0; write_due tells whether something changed. */
static int record(int slot, uint64_t sector, uint64_t length)
{
	struct bad_range r = range(sector, length);
	int got;

	ifx.c.write_due = false;
	got = imsm_record_bad_range(&ifx.c, 0, slot, &r);
	assert_int_equal(ifx.c.write_due, got == 1);
	return got;
}

static struct bad_range_changes changes;

static int compare_lists(unsigned volume, int slot, bool complete, const struct bad_range *known, unsigned count)
{
	int got;

	ifx.c.write_due = false;
	got = imsm_compare_bad_ranges(&ifx.c, volume, slot, known, count, complete, &changes);
	assert_int_equal(ifx.c.write_due, changes.recorded || changes.cleared);
	return got;
}

/* Appends [from, to), if there is anything in it. */
static void add_known(struct bad_range *known, unsigned *count, uint64_t from, uint64_t to)
{
	if (from < to)
		known[(*count)++] = range(from, to - from);
}

/*
 * The kernel knows all that the log says of the disk in that slot of volume 0 but this range, which has been written.
 * How many entries have lost sectors; or what comparing returns if it fails.
 */
static int clear(int slot, uint64_t sector, uint64_t length)
{
	struct bad_range known[2 * IMSM_BBM_MAX];
	unsigned count = 0;
	int err;

	for (unsigned i = 0; i < ifx.c.meta.num_bad; i++) {
		const struct imsm_bad_range *e = &ifx.c.meta.bad[i];
		uint64_t end = e->sector + e->length;

		if (e->disk != slot)
			continue;
		add_known(known, &count, e->sector, sector < end ? sector : end);
		add_known(known, &count, sector + length > e->sector ? sector + length : e->sector, end);
	}
	err = compare_lists(0, slot, true, known, count);
	return err ? err : (int)changes.cleared;
}

/* The same again must change nothing. */
#define compare(volume, slot, complete, ...)                                                                           \
	do {                                                                                                           \
		const struct bad_range known_[] = { { 0, 0 }, __VA_ARGS__ };                                           \
		unsigned n_ = sizeof(known_) / sizeof(known_[0]) - 1;                                                  \
		struct bad_range_changes first_;                                                                       \
                                                                                                                       \
		assert_int_equal(compare_lists(volume, slot, complete, known_ + 1, n_), 0);                            \
		first_ = changes;                                                                                      \
		assert_int_equal(compare_lists(volume, slot, complete, known_ + 1, n_), 0);                            \
		assert_false(ifx.c.write_due);                                                                         \
		changes = first_;                                                                                      \
	} while (0)

static void through_the_disk(void)
{
	static uint8_t buf[IMSM_MPB_MAX];
	static struct imsm_meta copy;
	const char *why = NULL;
	ssize_t len = imsm_encode(&ifx.c.meta, ifx.c.sector_size, buf, sizeof(buf));

	assert_true(len > 0);
	assert_int_equal(imsm_decode(buf, (size_t)len, ifx.c.sector_size, &copy, &why), 0);
	assert_null(why);
	ifx.c.meta = copy;
}

/* Every other sector from `from` on, so that nothing can be joined. */
static void fill_log(int slot, uint64_t from, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(record(slot, from + 2 * i, 1), 1);
}

/* ---- recording ---- */

static void test_one_range_is_one_entry(void **state)
{
	(void)state;
	assert_int_equal(record(2, 100, 8), 1);
	assert_int_equal(record(0, 64, 256), 1);
	assert_int_equal(record(2, 300, 1), 1);
	assert_log("2:100+8 0:64+256 2:300+1");
	through_the_disk();
	assert_log("2:100+8 0:64+256 2:300+1");
}

static void test_the_disk_is_that_of_the_slot(void **state)
{
	struct bad_range r = range(SECOND + 8, 8);

	(void)state;
	assert_int_equal(imsm_record_bad_range(&ifx.c, 1, 0, &r), 1);
	assert_log("2:73736+8");
}

static void test_long_ranges_are_split(void **state)
{
	(void)state;
	assert_int_equal(record(0, 1000, 257), 1);
	assert_log("0:1000+256 0:1256+1");
	assert_int_equal(record(1, 0, 1024), 1);
	assert_log("0:1000+256 0:1256+1 1:0+256 1:256+256 1:512+256 1:768+256");
}

static void test_what_is_recorded_already_succeeds(void **state)
{
	(void)state;
	assert_int_equal(record(0, 1000, 512), 1);
	assert_int_equal(record(0, 1000, 512), 0);
	assert_int_equal(record(0, 1000, 1), 0);
	assert_int_equal(record(0, 1511, 1), 0);
	assert_int_equal(record(0, 1200, 100), 0);
	assert_log("0:1000+256 0:1256+256");
	/* Another disk, and one sector more. */
	assert_int_equal(record(1, 1000, 512), 1);
	assert_int_equal(record(0, 1000, 513), 1);
}

static void test_neighbours_are_joined(void **state)
{
	(void)state;
	assert_int_equal(record(0, 100, 8), 1);
	assert_int_equal(record(0, 116, 8), 1);
	assert_int_equal(record(1, 108, 8), 1);
	assert_log("0:100+8 0:116+8 1:108+8");
	/* The gap, on both sides. */
	assert_int_equal(record(0, 108, 8), 1);
	assert_log("1:108+8 0:100+24");
	/* Overlap, inside out, and one that swallows all. */
	assert_int_equal(record(0, 120, 8), 1);
	assert_log("1:108+8 0:100+28");
	assert_int_equal(record(0, 50, 500), 1);
	assert_log("1:108+8 0:50+256 0:306+244");
}

/* Growing over one entry may make the range touch one that comes earlier in the log. */
static void test_joining_goes_on_to_the_end(void **state)
{
	(void)state;
	assert_int_equal(record(0, 100, 10), 1);
	assert_int_equal(record(0, 120, 10), 1);
	ifx.c.meta.bad[ifx.c.meta.num_bad++] = (struct imsm_bad_range){ .sector = 110, .length = 5, .disk = 0 };
	assert_int_equal(record(0, 115, 5), 1);
	assert_log("0:100+30");
}

static void test_what_makes_no_sense_is_refused(void **state)
{
	struct bad_range r = range(8, 8);

	(void)state;
	assert_int_equal(record(3, 8, 8), -EINVAL); /* num_members */
	assert_int_equal(record(-1, 8, 8), -EINVAL);
	assert_int_equal(imsm_record_bad_range(&ifx.c, 2, 0, &r), -EINVAL);
	assert_int_equal(record(0, 8, 0), -EINVAL);
	assert_int_equal(record(0, FX_DISK_BLOCKS, 1), -EINVAL);
	assert_int_equal(record(0, FX_DISK_BLOCKS - 8, 9), -EINVAL);
	assert_int_equal(record(0, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(record(0, 1, UINT64_MAX), -EINVAL);
	assert_int_equal(record(0, UINT64_MAX - 10, 5), -EINVAL);
	assert_int_equal(clear(3, 8, 8), -EINVAL);
	assert_int_equal(compare_lists(0, 3, true, NULL, 0), -EINVAL);
	assert_log("");
	assert_int_equal(record(0, FX_DISK_BLOCKS - 8, 8), 1);
}

/* Otherwise entries of a disk that is out would come back. */
static void test_a_failed_disk_has_no_bad_blocks(void **state)
{
	const struct bad_range known = { 100, 8 };

	(void)state;
	assert_int_equal(record(1, 100, 8), 1);
	assert_int_equal(record(2, 100, 8), 1);
	assert_true(imsm_mark_failure(&ifx.c, &ifx.c.meta.volume[0], 1));
	assert_log("2:100+8");
	assert_int_equal(record(1, 100, 8), -EINVAL);
	assert_int_equal(compare_lists(0, 1, true, &known, 1), -EINVAL);
	assert_log("2:100+8");
}

static void test_deleting_a_disk_renumbers(void **state)
{
	(void)state;
	ifx.c.meta.bad[ifx.c.meta.num_bad++] = (struct imsm_bad_range){ .sector = 8, .length = 8, .disk = 3 };
	assert_int_equal(record(0, 100, 8), 1);
	assert_int_equal(record(2, 100, 8), 1);
	imsm_delete_disk(&ifx.c, 3);
	assert_log("0:100+8 2:100+8");
	ifx.c.meta.bad[ifx.c.meta.num_bad++] = (struct imsm_bad_range){ .sector = 8, .length = 8, .disk = 1 };
	imsm_delete_disk(&ifx.c, 1);
	assert_log("0:100+8 1:100+8");
}

/* ---- a full log ---- */

static void test_254_entries_and_no_more(void **state)
{
	(void)state;
	fill_log(0, 1000, LOG_FULL);
	assert_int_equal(ifx.c.meta.num_bad, LOG_FULL);
	assert_int_equal(record(0, 5000, 1), -ENOSPC);
	assert_int_equal(record(1, 1000, 1), -ENOSPC);
	/* What needs no further entry still goes. */
	assert_int_equal(record(0, 1000, 1), 0);
	assert_int_equal(record(0, 999, 1), 1);
	assert_int_equal(record(0, 1001, 1), 1);
	assert_int_equal(ifx.c.meta.num_bad, LOG_FULL - 1);
	assert_int_equal(record(1, 1000, 1), 1);
	ifx_assert_writable(&ifx);
}

static void test_all_of_a_range_or_nothing(void **state)
{
	static struct ifx_snapshot before;

	(void)state;
	fill_log(0, 1000, LOG_FULL - 2);
	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	assert_int_equal(record(1, 0, 3 * 256), -ENOSPC);
	ifx_assert_unchanged(&ifx, &before);
	assert_int_equal(record(1, 0, 2 * 256), 1);
	assert_int_equal(ifx.c.meta.num_bad, LOG_FULL);
}

static void test_no_split_in_a_full_log(void **state)
{
	static struct ifx_snapshot before;

	(void)state;
	assert_int_equal(record(1, 0, 256), 1);
	fill_log(0, 1000, LOG_FULL - 1);
	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	assert_int_equal(clear(1, 8, 8), 0); /* it names more than is bad: no harm */
	ifx_assert_unchanged(&ifx, &before);
	/* At its end no split is needed. */
	assert_int_equal(clear(1, 248, 8), 1);
	assert_int_equal(ifx.c.meta.bad[0].length, 248);
}

static void test_comparing_does_what_fits(void **state)
{
	struct bad_range known[LOG_FULL + 2];

	(void)state;
	fill_log(0, 1000, LOG_FULL);
	for (unsigned i = 0; i < LOG_FULL + 2; i++)
		known[i] = range(1001 + 4 * i, 1);
	known[0] = range(1000, 1);
	/* Two too many; the first is on record, what is unknown makes room. */
	assert_int_equal(compare_lists(0, 0, true, known, LOG_FULL + 2), -ENOSPC);
	assert_int_equal(ifx.c.meta.num_bad, LOG_FULL);
	assert_int_equal(changes.cleared, LOG_FULL - 1);
	assert_int_equal(changes.recorded, LOG_FULL - 1);
	assert_int_equal(compare_lists(0, 0, true, known, LOG_FULL + 2), -ENOSPC);
	assert_int_equal(changes.cleared + changes.recorded, 0);
	assert_int_equal(compare_lists(0, 0, true, known, LOG_FULL), 0);
}

/* ---- clearing ---- */

static void test_clearing(void **state)
{
	(void)state;
	assert_int_equal(record(0, 1000, 600), 1);
	assert_int_equal(record(1, 1000, 8), 1);
	assert_int_equal(clear(0, 5000, 8), 0);
	assert_int_equal(clear(0, 1000, 256), 1);
	assert_log("0:1256+256 0:1512+88 1:1000+8");
	/* The middle of one, and a part of two. */
	assert_int_equal(clear(0, 1300, 8), 1);
	assert_log("0:1256+44 0:1308+204 0:1512+88 1:1000+8");
	assert_int_equal(clear(0, 1500, 20), 2);
	assert_log("0:1256+44 0:1308+192 0:1520+80 1:1000+8");
	assert_int_equal(clear(0, 0, FX_DISK_BLOCKS), 3);
	assert_log("1:1000+8");
	assert_int_equal(clear(1, 1000, 8), 1);
	assert_log("");
}

/* ---- comparing ---- */

static void test_what_the_kernel_forgot_is_cleared(void **state)
{
	(void)state;
	assert_int_equal(record(0, 100, 8), 1);
	assert_int_equal(record(0, 200, 8), 1);
	assert_int_equal(record(1, 100, 8), 1);
	compare(0, 0, true, { 200, 8 });
	assert_log("0:200+8 1:100+8");
	assert_int_equal(changes.cleared, 1);
	assert_int_equal(changes.recorded, 0);
	compare(0, 0, true);
	assert_log("1:100+8");
}

static void test_what_the_kernel_knows_is_recorded(void **state)
{
	(void)state;
	assert_int_equal(record(0, 100, 8), 1);
	compare(0, 0, true, { 300, 16 }, { 100, 8 });
	assert_log("0:100+8 0:300+16");
	assert_int_equal(changes.cleared, 0);
	assert_int_equal(changes.recorded, 1);
}

static void test_coverage_counts_not_entries(void **state)
{
	(void)state;
	assert_int_equal(record(0, 1000, 512), 1);
	compare(0, 0, true, { 1000, 512 });
	assert_int_equal(changes.cleared + changes.recorded, 0);
	compare(0, 0, true, { 1300, 212 }, { 1000, 100 }, { 1100, 200 });
	assert_int_equal(changes.cleared + changes.recorded, 0);
	/* A part was written again, another became bad. */
	compare(0, 0, true, { 1000, 100 }, { 1200, 312 }, { 1600, 8 });
	assert_log("0:1000+100 0:1200+56 0:1256+256 0:1600+8");
}

static void test_an_incomplete_list_clears_nothing(void **state)
{
	(void)state;
	assert_int_equal(record(0, 100, 8), 1);
	compare(0, 0, false, { 300, 8 });
	assert_log("0:100+8 0:300+8");
	compare(0, 0, false);
	assert_log("0:100+8 0:300+8");
}

/* Each volume has members of its own in md: what one says is nothing to the other. */
static void test_only_the_volumes_own_part_is_compared(void **state)
{
	(void)state;
	compare(1, 0, true, { SECOND, 8 }, { SECOND + FX_PER_DEV - 8, 8 });
	assert_log("2:73728+8 2:139256+8");
	compare(0, 2, true, { 0, 8 });
	assert_log("2:73728+8 2:139256+8 2:0+8");
	compare(1, 0, true);
	assert_log("2:0+8");
	compare(0, 2, true, { FX_PER_DEV - 8, 8 });
	assert_log("2:65528+8");
	/* What lies elsewhere is not taken from the list either. */
	compare(0, 2, true, { FX_PER_DEV - 8, 16 }, { SECOND, 8 });
	assert_log("2:65528+8");
}

/* ---- 4096-byte sectors ---- */

static void test_4k_recording_rounds_outwards(void **state)
{
	(void)state;
	use_4k_sectors();
	assert_int_equal(record(0, 1003, 2), 1);
	assert_log("0:1000+8");
	assert_int_equal(record(1, 1007, 2), 1);
	assert_log("0:1000+8 1:1000+16");
	assert_int_equal(record(0, 1000, 8), 0);
	assert_int_equal(record(2, 1001, 512), 1);
	assert_log("0:1000+8 1:1000+16 2:1000+256 2:1256+256 2:1512+8");
	through_the_disk();
	assert_log("0:1000+8 1:1000+16 2:1000+256 2:1256+256 2:1512+8");
	assert_int_equal(record(2, 1001, 512), 0);
	assert_int_equal(record(0, FX_DISK_BLOCKS - 1, 1), 1);
}

/* mdadm reads lengths into 8 bits, of 512-byte sectors. */
static void test_4k_entries_stay_within_256_sectors(void **state)
{
	(void)state;
	use_4k_sectors();
	assert_int_equal(record(0, 0, 2048), 1);
	assert_int_equal(ifx.c.meta.num_bad, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(ifx.c.meta.bad[i].length, 256);
}

static void test_4k_clearing_rounds_inwards(void **state)
{
	(void)state;
	use_4k_sectors();
	assert_int_equal(record(0, 1000, 32), 1);
	assert_int_equal(clear(0, 1001, 14), 0);
	assert_log("0:1000+32");
	assert_int_equal(clear(0, 1007, 10), 1);
	assert_log("0:1000+8 0:1016+16");
	assert_int_equal(clear(0, 1002, 4), 0);
}

/* mdadm tells md the rounded range after the next assembly; before, md knows the exact one. */
static void test_4k_comparing_does_not_flip(void **state)
{
	(void)state;
	use_4k_sectors();
	assert_int_equal(record(0, 1001, 512), 1);
	compare(0, 0, true, { 1001, 512 });
	assert_int_equal(changes.cleared + changes.recorded, 0);
	through_the_disk();
	compare(0, 0, true, { 1000, 256 }, { 1256, 256 }, { 1512, 8 });
	assert_int_equal(changes.cleared + changes.recorded, 0);
	compare(0, 0, true, { 1001, 250 });
	assert_log("0:1000+256");
	compare(0, 0, true, { 1001, 7 });
	assert_log("0:1000+8");
	compare(0, 0, true);
	assert_log("");
}

/* ---- for md ---- */

static void test_ranges_for_a_disk_that_comes_back(void **state)
{
	struct bad_range out[4], r = range(SECOND + 8, 8);

	(void)state;
	assert_int_equal(record(2, 100, 8), 1);
	assert_int_equal(record(1, 100, 8), 1);
	assert_int_equal(record(2, 200, 300), 1);
	assert_int_equal(imsm_record_bad_range(&ifx.c, 1, 0, &r), 1);
	assert_int_equal(imsm_bad_ranges_of(&ifx.c, 0, 2, out, 4), 3);
	assert_int_equal(out[0].sector, 100);
	assert_int_equal(out[1].length, 256);
	assert_int_equal(out[2].sector, 456);
	assert_int_equal(out[2].length, 44);
	assert_int_equal(imsm_bad_ranges_of(&ifx.c, 1, 2, out, 4), 1);
	assert_int_equal(out[0].sector, SECOND + 8);
	assert_int_equal(imsm_bad_ranges_of(&ifx.c, 0, 2, out, 2), 2);
	assert_int_equal(imsm_bad_ranges_of(&ifx.c, 0, -1, out, 4), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_range_is_one_entry),
		TEST(test_the_disk_is_that_of_the_slot),
		TEST(test_long_ranges_are_split),
		TEST(test_what_is_recorded_already_succeeds),
		TEST(test_neighbours_are_joined),
		TEST(test_joining_goes_on_to_the_end),
		TEST(test_what_makes_no_sense_is_refused),
		TEST(test_a_failed_disk_has_no_bad_blocks),
		TEST(test_deleting_a_disk_renumbers),
		TEST(test_254_entries_and_no_more),
		TEST(test_all_of_a_range_or_nothing),
		TEST(test_no_split_in_a_full_log),
		TEST(test_comparing_does_what_fits),
		TEST(test_clearing),
		TEST(test_what_the_kernel_forgot_is_cleared),
		TEST(test_what_the_kernel_knows_is_recorded),
		TEST(test_coverage_counts_not_entries),
		TEST(test_an_incomplete_list_clears_nothing),
		TEST(test_only_the_volumes_own_part_is_compared),
		TEST(test_4k_recording_rounds_outwards),
		TEST(test_4k_entries_stay_within_256_sectors),
		TEST(test_4k_clearing_rounds_inwards),
		TEST(test_4k_comparing_does_not_flip),
		TEST(test_ranges_for_a_disk_that_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
