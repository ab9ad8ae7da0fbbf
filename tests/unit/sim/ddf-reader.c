// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader by mdadm's rules on images that mdadm wrote, as they are and changed by hand. What is expected was seen
 * from mdadm 4.2 and Linux 6.1, which were given the same bytes (docs/ddf.md, 2.6), or is said of the samples in
 * tests/samples/ddf/README.md.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "tests/sim/reader.h"
#include "tests/unit/support/reader-disk.h"

enum { SECONDARY = 65536, PRIMARY = 98304, ANCHOR = 131071, PD = 2, VD = 130, CONF = 162, DATA = 617 };

static struct sample_disk disks[5];
static unsigned count;
static struct reader_result result;

static void take(const char *sample, unsigned n)
{
	for (count = 0; count < n; count++)
		sample_disk_ddf(&disks[count], sample, (int)count);
}

static int let_go(void **state)
{
	(void)state;
	while (count)
		sample_disk_free(&disks[--count]);
	return 0;
}

/* A byte of the secondary (0) or primary (1) copy. */
static unsigned char *byte(unsigned n, unsigned copy, unsigned sector, unsigned at)
{
	return sample_disk_sector(&disks[n], (copy ? PRIMARY : SECONDARY) + sector) + at;
}

static void put(unsigned char *p, unsigned bytes, unsigned value)
{
	while (bytes--) {
		p[bytes] = (unsigned char)value;
		value >>= 8;
	}
}

/* In both copies of a disk. */
static void set(unsigned n, unsigned sector, unsigned at, unsigned bytes, unsigned value)
{
	put(byte(n, 0, sector, at), bytes, value);
	put(byte(n, 1, sector, at), bytes, value);
}

/* CRC of a header (1.2) */
static void seal(unsigned char *p)
{
	put(p + 4, 4, 0xffffffff);
	put(p + 4, 4, (unsigned)crc32(0xffffffff, p, 512) ^ 0xffffffff);
}

static void seal_headers(unsigned n)
{
	seal(byte(n, 0, 0, 0));
	seal(byte(n, 1, 0, 0));
}

static void set_pd(unsigned n, unsigned index, unsigned state)
{
	set(n, PD, 64 + 64 * index + 30, 2, state);
}

static void set_pd_everywhere(unsigned index, unsigned state)
{
	unsigned n;

	for (n = 0; n < count; n++)
		set_pd(n, index, state);
}

static void set_vd_everywhere(unsigned state, unsigned init)
{
	unsigned n;

	for (n = 0; n < count; n++)
		set(n, VD, 64 + 32, 2, state << 8 | init);
}

static void set_seq(unsigned n, unsigned seq)
{
	set(n, 0, 40, 4, seq);
	seal_headers(n);
}

static void set_element(unsigned n, unsigned slot, unsigned refnum)
{
	set(n, CONF, 512 + 4 * slot, 4, refnum);
}

static void read_disks(const char *order)
{
	struct reader_disk there[5];
	unsigned n = 0;

	for (; *order; order++)
		there[n++] = disks[*order - '0'].disk;
	ddf_read_as_mdadm(there, n, &result);
}

static void assert_slots(unsigned v, const char *wanted)
{
	unsigned slot;

	assert_true(result.loads);
	assert_true(v < result.volumes);
	assert_int_equal(result.volume[v].members, strlen(wanted));
	for (slot = 0; slot < result.volume[v].members; slot++)
		assert_int_equal(result.volume[v].member[slot].disk, wanted[slot] == '-' ? -1 : wanted[slot] - '0');
}

static void assert_starts(unsigned v)
{
	if (!result.volume[v].can_start)
		fail_msg("volume %u: %s", v, result.volume[v].why_not);
}

static void assert_refused(unsigned v, const char *why)
{
	assert_true(result.loads);
	assert_false(result.volume[v].can_start);
	assert_string_equal(result.volume[v].why_not, why);
}

static void test_clean_raid5(void **state)
{
	unsigned n;

	(void)state;
	take("A", 3);
	read_disks("012");
	assert_slots(0, "102");
	assert_starts(0);
	assert_int_equal(result.generation, 8);
	assert_int_equal(result.champion, 0);
	assert_int_equal(result.volumes, 1);
	assert_string_equal(result.volume[0].name, "r5");
	assert_int_equal(result.volume[0].level, 5);
	assert_int_equal(result.volume[0].component_size, 32768);
	assert_true(result.volume[0].clean);
	for (n = 0; n < 3; n++) {
		assert_int_equal(result.role[n], READER_MEMBER);
		assert_int_equal(result.table_index[n], n);
		assert_true(result.volume[0].member[n].recovery_start == READER_IN_SYNC);
	}
}

static void test_mirrors_and_a_spare(void **state)
{
	(void)state;
	take("B", 5);
	read_disks("01234");
	assert_int_equal(result.volumes, 2);
	assert_int_equal(result.volume[0].level, 10);
	assert_slots(0, "0123");
	assert_slots(1, "13");
	assert_int_equal(result.volume[1].number, 1);
	assert_int_equal(result.volume[1].member[0].data_offset, 16384);
	assert_int_equal(result.role[4], READER_SPARE);
	assert_starts(0);
	assert_starts(1);
	/* the record of the other mirror is on other disks */
	read_disks("4321");
	assert_slots(0, "-321");
	assert_starts(0);
	read_disks("23");
	assert_refused(0, "all copies of a part are missing or out of sync");
	assert_starts(1);
}

static void test_disk_under_rebuild_is_left_out(void **state)
{
	(void)state;
	take("C", 3);
	read_disks("012");
	assert_slots(0, "0-");
	assert_starts(0);
	assert_true(result.volume[0].recorded_degraded);
	assert_int_equal(result.role[1], READER_FAILED);
	assert_int_equal(result.role[2], READER_MEMBER);
	assert_false(result.volume[0].member[1].in_table);
	let_go(NULL);
	take("Cdone", 3);
	read_disks("012");
	assert_slots(0, "02");
	assert_false(result.volume[0].recorded_degraded);
}

/* What is being rebuilt, and is in another volume (15, item 6). */
static void test_rebuild_of_a_disk_in_two_volumes(void **state)
{
	(void)state;
	take("E", 3);
	read_disks("012");
	assert_int_equal(result.volumes, 2);
	assert_starts(0);
	assert_starts(1);
	assert_slots(0, "02");
}

static void test_degraded_and_dirty(void **state)
{
	(void)state;
	take("A", 3);
	read_disks("01");
	assert_slots(0, "10-");
	assert_true(result.volume[0].member[2].in_table);
	assert_starts(0);
	read_disks("1");
	assert_refused(0, "more members are missing or out of sync than the level can do without");
	set_vd_everywhere(0x10, 2);
	read_disks("012");
	assert_false(result.volume[0].clean);
	assert_starts(0);
	read_disks("01");
	assert_refused(0, "dirty and degraded");
	set_vd_everywhere(0, 0);
	read_disks("012");
	assert_false(result.volume[0].clean);
	assert_int_equal(result.volume[0].resync_start, 0);
}

static void test_state_failed_stops_nothing(void **state)
{
	(void)state;
	take("A", 3);
	set_vd_everywhere(4, 2);
	read_disks("012");
	assert_true(result.volume[0].recorded_failed);
	assert_starts(0);
}

static void test_states_of_disks(void **state)
{
	static const struct {
		unsigned state;
		const char *slots;
	} cases[] = { { 0x03, "-02" }, { 0x05, "-02" }, { 0x00, "-02" }, { 0x41, "102" }, { 0x01, "102" } };
	unsigned i;

	(void)state;
	take("A", 3);
	for (i = 0; i < 5; i++) {
		set_pd_everywhere(1, cases[i].state);
		read_disks("012");
		assert_slots(0, cases[i].slots);
	}
}

static void test_older_copy_is_not_believed(void **state)
{
	(void)state;
	take("A", 3);
	set_seq(2, 5);
	set_pd(2, 0, 3);
	read_disks("201");
	assert_int_equal(result.champion, 1);
	assert_slots(0, "210");
	assert_starts(0);
}

static void test_sequence_numbers_are_signed(void **state)
{
	(void)state;
	take("A", 3);
	set_pd(2, 0, 3);
	set_seq(2, 0x80000005);
	read_disks("012");
	assert_int_equal(result.champion, 0);
	set_seq(2, 0xffffffff);
	read_disks("012");
	assert_int_equal(result.champion, 0);
	set_seq(2, 0x7fffffff);
	read_disks("012");
	assert_int_equal(result.champion, 2);
	assert_slots(0, "1-2");
}

static void test_open_primary(void **state)
{
	(void)state;
	take("A", 3);
	/* newer, and preferred though it is open, but it counts one less */
	put(byte(2, 1, 0, 40), 4, 10);
	*byte(2, 1, 0, 48) = 1;
	seal_headers(2);
	put(byte(2, 1, PD, 64 + 30), 2, 3);
	read_disks("012");
	assert_int_equal(result.champion, 2);
	assert_slots(0, "1-2");
	put(byte(2, 1, 0, 40), 4, 8);
	seal_headers(2);
	read_disks("012");
	assert_int_equal(result.champion, 0);
	assert_slots(0, "102");
}

static void test_headers_that_are_damaged(void **state)
{
	(void)state;
	take("A", 3);
	*byte(2, 1, 0, 60) ^= 1;
	read_disks("012");
	assert_slots(0, "102");
	*byte(2, 0, 0, 60) ^= 1;
	read_disks("012");
	assert_int_equal(result.role[2], READER_DAMAGED);
	assert_slots(0, "10-");
	assert_starts(0);
}

static void test_header_that_differs_from_the_anchor(void **state)
{
	(void)state;
	take("A", 3);
	set(2, 0, 120, 1, 9);
	seal_headers(2);
	read_disks("012");
	assert_int_equal(result.role[2], READER_DAMAGED);
}

static void test_other_container(void **state)
{
	(void)state;
	take("A", 3);
	set(0, 0, 31, 1, 9);
	seal_headers(0);
	sample_disk_sector(&disks[0], ANCHOR)[31] = 9;
	seal(sample_disk_sector(&disks[0], ANCHOR));
	read_disks("012");
	assert_int_equal(result.role[0], READER_FOREIGN);
	assert_slots(0, "1-2");
}

static void test_elements_that_name_nobody(void **state)
{
	unsigned n;

	(void)state;
	take("A", 3);
	for (n = 0; n < 3; n++)
		set_element(n, 0, 0);
	read_disks("012");
	assert_slots(0, "-02");
	assert_starts(0);
	/* what was never filled does not count: the others move */
	for (n = 0; n < 3; n++)
		set_element(n, 0, 0xffffffff);
	read_disks("012");
	assert_slots(0, "02-");
}

static void test_newest_record_counts(void **state)
{
	(void)state;
	take("A", 3);
	set_element(2, 1, 0);
	set(2, CONF, 36, 4, 9);
	read_disks("012");
	assert_slots(0, "1-2");
	set(2, CONF, 36, 4, 1);
	read_disks("201");
	assert_slots(0, "210");
}

static void test_volume_that_was_deleted(void **state)
{
	unsigned n;

	(void)state;
	take("A", 3);
	for (n = 0; n < 2; n++) {
		memset(byte(n, 0, VD, 64), 0xff, 64);
		memset(byte(n, 1, VD, 64), 0xff, 64);
		set_seq(n, 9);
	}
	read_disks("012");
	assert_true(result.loads);
	assert_int_equal(result.volumes, 0);
	assert_int_equal(result.role[2], READER_SPARE);
}

static void test_nothing_there(void **state)
{
	(void)state;
	sample_disk_blank(&disks[0], 0, 64 << 20);
	count = 1;
	read_disks("0");
	assert_false(result.loads);
	assert_int_equal(result.role[0], READER_BLANK);
	ddf_read_as_mdadm(NULL, 0, &result);
	assert_false(result.loads);
}

static void change_byte(unsigned n)
{
	static const unsigned places[] = { 0, 0, PD, VD, CONF, CONF + 1, DATA };
	unsigned sector = places[rand() % 7], at = (unsigned)rand() % (rand() % 2 ? 256 : 512);

	set(n, sector, at, 1, (unsigned)(rand() % 2 ? rand() : -(rand() & 1)));
	if (sector == 0 && rand() % 2)
		sample_disk_sector(&disks[n], ANCHOR)[at] = *byte(n, 0, 0, at);
}

/* Whatever the bytes: no read outside of the disk, no crash, nothing outside of the answer's arrays. */
static void test_any_bytes(void **state)
{
	static const char *const names[] = { "A", "B", "C", "E", "D" };
	unsigned round, n, v, slot, changes, k;

	(void)state;
	srand(1);
	for (round = 0; round < 120; round++) {
		k = (unsigned)rand() % 5;
		take(names[k], k == 1 || k == 4 ? 5 : 3);
		for (changes = 0; changes < 12; changes++) {
			n = (unsigned)rand() % count;
			change_byte(n);
			seal_headers(n);
			put(byte(n, 0, 0, 112), 1, 2);
			put(byte(n, 1, 0, 112), 1, 1);
			seal_headers(n);
			seal(sample_disk_sector(&disks[n], ANCHOR));
			read_disks(count == 5 ? "01234" : "012");
			assert_in_range(result.volumes, 0, READER_VOLUMES);
			for (v = 0; v < result.volumes; v++)
				for (slot = 0; slot < result.volume[v].members; slot++)
					assert_in_range(result.volume[v].member[slot].disk + 1, 0, count);
		}
		let_go(NULL);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, let_go)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clean_raid5),
		TEST(test_mirrors_and_a_spare),
		TEST(test_disk_under_rebuild_is_left_out),
		TEST(test_rebuild_of_a_disk_in_two_volumes),
		TEST(test_degraded_and_dirty),
		TEST(test_state_failed_stops_nothing),
		TEST(test_states_of_disks),
		TEST(test_older_copy_is_not_believed),
		TEST(test_sequence_numbers_are_signed),
		TEST(test_open_primary),
		TEST(test_headers_that_are_damaged),
		TEST(test_header_that_differs_from_the_anchor),
		TEST(test_other_container),
		TEST(test_elements_that_name_nobody),
		TEST(test_newest_record_counts),
		TEST(test_volume_that_was_deleted),
		TEST(test_nothing_there),
		TEST(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
