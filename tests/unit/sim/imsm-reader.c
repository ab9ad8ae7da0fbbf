// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reader by mdadm's rules on images that mdadm wrote, as they are and changed by hand. What is expected was seen
 * from mdadm 4.2 and Linux 6.1, which were given the same bytes (docs/imsm.md, 2.7), or is said of the samples in
 * tests/samples/imsm/README.md.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/sim/reader.h"
#include "tests/unit/support/reader-disk.h"

enum { MAP0 = 112, MAP = 48, STATE = 14, LEVEL = 15, MEMBERS = 16 };

static struct sample_disk disks[5];
static unsigned count;
static struct reader_result result;

static const struct {
	const char *name;
	unsigned disks;
	uint64_t bytes;
	unsigned sector_size;
} samples[] = {
	{ "r5-clean-46", 3, 20480000, 512 },
	{ "r5-clean-42", 3, 20480000, 512 },
	{ "r1-rebuild-42", 3, 33554432, 512 },
	{ "r1-rebuild-46", 3, 33554432, 512 },
	{ "r10-r5-matrix-46", 5, 67108864, 512 },
	{ "r5-reshape-46", 5, 67108864, 512 },
	{ "r5-bbm-46", 3, 33554432, 512 },
	{ "r5-bbm-4kn-46", 3, 33554432, 4096 },
};

static void take(const char *sample)
{
	unsigned i, n;

	for (i = 0; strcmp(samples[i].name, sample) != 0; i++)
		;
	count = samples[i].disks;
	for (n = 0; n < count; n++)
		sample_disk_imsm(&disks[n], sample, (int)n, samples[i].bytes, samples[i].sector_size);
}

static int let_go(void **state)
{
	(void)state;
	while (count)
		sample_disk_free(&disks[--count]);
	return 0;
}

/* Byte `at` of the copy on a disk. */
static unsigned char *byte(unsigned n, unsigned at)
{
	struct sample_disk *disk = &disks[n];
	unsigned unit = disk->disk.sector_size / 512, sector = at / disk->disk.sector_size;
	uint64_t anchor = disk->disk.sectors - 2 * unit;
	unsigned size, sectors;

	memcpy(&size, sample_disk_sector(disk, anchor) + 0x24, 4);
	sectors = (size - 1) / disk->disk.sector_size + 1;
	if (sector)
		anchor -= (sectors - sector) * unit;
	return sample_disk_sector(disk, anchor) + at % disk->disk.sector_size;
}

static unsigned word(unsigned n, unsigned at)
{
	unsigned value;

	memcpy(&value, byte(n, at), 4);
	return value;
}

static void put_word(unsigned n, unsigned at, unsigned value)
{
	memcpy(byte(n, at), &value, 4);
}

static void seal(unsigned n)
{
	unsigned at, sum = 0;

	for (at = 0; at < word(n, 0x24); at += 4)
		sum += at == 0x20 ? 0 : word(n, at);
	put_word(n, 0x20, sum);
}

static unsigned volume_at(unsigned n, unsigned number)
{
	unsigned at = 216 + 48 * *byte(n, 0x38);

	while (number--) {
		unsigned next = at + MAP0 + MAP + 4 * *byte(n, at + MAP0 + MEMBERS);

		if (*byte(n, at + 88))
			next += MAP + 4 * *byte(n, next + MEMBERS);
		at = next;
	}
	return at;
}

/* On all disks with volumes: byte `offset` of volume 0. */
static void set(unsigned offset, unsigned char value)
{
	unsigned n;

	for (n = 0; n < count; n++) {
		if (*byte(n, 0x39) == 0)
			continue;
		*byte(n, volume_at(n, 0) + offset) = value;
		seal(n);
	}
}

static unsigned map1(void)
{
	return MAP0 + MAP + 4u * *byte(0, volume_at(0, 0) + MAP0 + MEMBERS);
}

static void mark_out_of_sync(unsigned map, unsigned slot)
{
	set(map + MAP + 4 * slot + 3, 1);
}

static void set_status(unsigned index, unsigned status)
{
	unsigned n;

	for (n = 0; n < count; n++) {
		put_word(n, 216 + 48 * index + 24, status);
		seal(n);
	}
}

/* `order`: digits of the disks that are there, in that order. */
static void read_disks(const char *order)
{
	struct reader_disk there[5];
	unsigned n = 0;

	for (; *order; order++)
		there[n++] = disks[*order - '0'].disk;
	imsm_read_as_mdadm(there, n, &result);
}

static void assert_slots(unsigned number, const char *wanted)
{
	const struct reader_volume *volume = &result.volume[number];
	unsigned slot;

	assert_int_equal(volume->members, strlen(wanted));
	for (slot = 0; slot < volume->members; slot++)
		assert_int_equal(volume->member[slot].disk, wanted[slot] == '-' ? -1 : wanted[slot] - '0');
}

static void assert_starts(unsigned number)
{
	assert_true(result.loads);
	if (!result.volume[number].can_start)
		fail_msg("volume %u: %s", number, result.volume[number].why_not);
}

static void assert_refused(unsigned number, const char *why)
{
	assert_true(result.loads);
	assert_false(result.volume[number].can_start);
	assert_string_equal(result.volume[number].why_not, why);
}

static void test_clean_raid5(void **state)
{
	unsigned slot;

	(void)state;
	take("r5-clean-46");
	read_disks("012");
	assert_true(result.loads);
	assert_int_equal(result.generation, 8);
	assert_int_equal(result.volumes, 1);
	assert_string_equal(result.volume[0].name, "vol0");
	assert_int_equal(result.volume[0].level, 5);
	assert_int_equal(result.volume[0].component_size, 16384);
	assert_true(result.volume[0].clean);
	assert_slots(0, "012");
	for (slot = 0; slot < 3; slot++) {
		assert_int_equal(result.role[slot], READER_MEMBER);
		assert_int_equal(result.table_index[slot], slot);
		assert_true(result.volume[0].member[slot].in_table);
		assert_true(result.volume[0].member[slot].recovery_start == READER_IN_SYNC);
	}
	assert_starts(0);
}

static void test_every_sample_loads_and_starts(void **state)
{
	unsigned i, v;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		take(samples[i].name);
		read_disks(count == 5 ? "01234" : "012");
		for (v = 0; v < result.volumes; v++)
			assert_starts(v);
		assert_int_not_equal(result.volumes, 0);
		let_go(NULL);
	}
}

static void test_rebuild_goes_on(void **state)
{
	static const char *const orders[] = { "012", "102", "201" };
	const struct reader_volume *volume = &result.volume[0];
	unsigned i;

	(void)state;
	take("r1-rebuild-46");
	for (i = 0; i < 3; i++) {
		read_disks(orders[i]);
		assert_starts(0);
		assert_int_equal(result.role[strchr(orders[i], '1') - orders[i]], READER_FOREIGN);
		assert_int_equal(volume->member[1].disk, strchr(orders[i], '2') - orders[i]);
		assert_int_equal(volume->member[1].recovery_start, 20480);
		assert_false(volume->member[1].in_table);
		assert_true(volume->recorded_degraded);
		assert_true(volume->clean);
	}
}

static void test_rebuild_of_42_is_coarse(void **state)
{
	(void)state;
	take("r1-rebuild-42");
	read_disks("02");
	assert_int_equal(result.volume[0].member[1].recovery_start, 19968);
}

static void test_a_failed_disk_alone_thinks_it_is_good(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	read_disks("1");
	assert_starts(0);
	assert_slots(0, "-0");
	assert_int_equal(result.generation, 0xf);
}

static void test_matrix_with_a_spare(void **state)
{
	(void)state;
	take("r10-r5-matrix-46");
	read_disks("01234");
	assert_int_equal(result.volumes, 2);
	assert_int_equal(result.volume[0].level, 10);
	assert_int_equal(result.volume[0].component_size, 40960);
	assert_int_equal(result.volume[1].level, 5);
	assert_int_equal(result.volume[1].number, 1);
	assert_int_equal(result.volume[1].member[0].data_offset, 49152);
	assert_int_equal(result.role[4], READER_SPARE);
	assert_int_equal(result.table_index[4], -1);
	assert_slots(0, "0123");
	assert_slots(1, "0123");
}

static void test_matrix_without_a_mirror(void **state)
{
	(void)state;
	take("r10-r5-matrix-46");
	read_disks("02");
	assert_starts(0);
	assert_refused(1, "more than one member is missing or out of sync");
	read_disks("23");
	assert_refused(0, "no volume of the container has what it needs");
	assert_refused(1, "no volume of the container has what it needs");
}

static void test_reshape(void **state)
{
	const struct reader_volume *volume = &result.volume[0];

	(void)state;
	take("r5-reshape-46");
	read_disks("01234");
	assert_starts(0);
	assert_true(volume->reshaping);
	/* unit 2 of 6144 sectors lies in the copy area: mdadm puts it back first */
	assert_int_equal(volume->reshape_progress, 3 * 6144);
	assert_slots(0, "0123");
	assert_int_equal(result.role[4], READER_SPARE);
	read_disks("0124");
	assert_refused(0, "no volume of the container has what it needs");
}

static void test_4096_byte_sectors(void **state)
{
	(void)state;
	take("r5-bbm-4kn-46");
	read_disks("012");
	assert_starts(0);
	assert_int_equal(result.volume[0].component_size, 40960);
	assert_int_equal(result.volume[0].member[0].data_offset, 0);
}

static void test_nothing_there(void **state)
{
	(void)state;
	sample_disk_blank(&disks[0], 0, 1 << 20);
	count = 1;
	read_disks("0");
	assert_false(result.loads);
	assert_int_equal(result.champion, -1);
	assert_int_equal(result.role[0], READER_BLANK);
	imsm_read_as_mdadm(NULL, 0, &result);
	assert_false(result.loads);
}

static void test_degraded_raid5(void **state)
{
	(void)state;
	take("r5-clean-46");
	read_disks("01");
	assert_starts(0);
	assert_slots(0, "01-");
	assert_true(result.volume[0].member[2].in_table);
	read_disks("1");
	assert_refused(0, "no volume of the container has what it needs");
}

static void test_dirty(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(90, 1);
	read_disks("012");
	assert_starts(0);
	assert_false(result.volume[0].clean);
	assert_int_equal(result.volume[0].resync_start, 0);
	read_disks("01");
	assert_refused(0, "dirty and degraded");
}

static void test_not_yet_synced(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(MAP0 + STATE, 1);
	read_disks("012");
	assert_starts(0);
	assert_false(result.volume[0].clean);
	/* there is nothing to sync with */
	read_disks("01");
	assert_starts(0);
	assert_true(result.volume[0].clean);
}

static void test_map_that_says_failed(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(MAP0 + STATE, 3);
	read_disks("012");
	assert_true(result.volume[0].recorded_failed);
	assert_starts(0);
}

static void test_members_out_of_sync(void **state)
{
	(void)state;
	take("r5-clean-46");
	mark_out_of_sync(MAP0, 1);
	read_disks("012");
	assert_starts(0);
	assert_slots(0, "012");
	assert_int_equal(result.volume[0].member[1].recovery_start, 0);
	assert_false(result.volume[0].member[1].in_table);
	mark_out_of_sync(MAP0, 2);
	read_disks("012");
	assert_refused(0, "no volume of the container has what it needs");
}

static void test_disk_that_failed(void **state)
{
	(void)state;
	take("r5-clean-46");
	set_status(1, 6);
	read_disks("012");
	assert_int_equal(result.role[1], READER_FAILED);
	assert_slots(0, "0-2");
	assert_starts(0);
}

static void test_attributes_that_nobody_knows(void **state)
{
	unsigned n;

	(void)state;
	take("r5-clean-46");
	for (n = 0; n < 3; n++) {
		put_word(n, 0x34, word(n, 0x34) | 0x100);
		seal(n);
	}
	read_disks("012");
	assert_refused(0, "attributes that mdadm does not know");
}

static void test_rebuild_without_a_good_member(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	mark_out_of_sync(map1(), 0);
	read_disks("02");
	assert_refused(0, "no member is in sync");
	assert_int_equal(result.volume[0].member[1].recovery_start, 0);
}

static void test_repair_with_a_slot_out_of_sync(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	set(89, 2);
	set(24, 0x8c);
	read_disks("02");
	assert_starts(0);
	assert_true(result.volume[0].clean);
	assert_int_equal(result.volume[0].member[1].recovery_start, 0);
}

static void test_repair_has_a_checkpoint(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	set(89, 2);
	set(24, 0x8c);
	set(map1() + STATE, 0);
	set(map1() + MAP + 4 + 3, 0);
	read_disks("02");
	assert_false(result.volume[0].clean);
	assert_int_equal(result.volume[0].resync_start, 20480);
}

static void test_one_mirror_needs_no_resync(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	set(89, 0);
	set(90, 1);
	set(map1() + STATE, 1);
	set(map1() + MAP + 4 + 3, 0);
	read_disks("02");
	assert_int_equal(result.volume[0].resync_start, 20480);
	read_disks("0");
	assert_starts(0);
	assert_true(result.volume[0].clean);
}

static void test_mirrors_of_two_keep_their_resync(void **state)
{
	(void)state;
	take("r10-r5-matrix-46");
	set(MAP0 + STATE, 1);
	read_disks("02");
	assert_starts(0);
	assert_int_equal(result.volume[0].resync_start, 0);
	assert_false(result.volume[0].clean);
}

static void test_migration_of_unknown_kind(void **state)
{
	(void)state;
	take("r1-rebuild-46");
	set(89, 4);
	read_disks("02");
	assert_refused(0, "a kind of migration that mdadm does not know");
}

static void test_older_generation_is_not_believed(void **state)
{
	(void)state;
	take("r5-clean-46");
	put_word(2, 0x2c, 5);
	*byte(2, volume_at(2, 0) + MAP0 + MAP + 4 + 3) = 1;
	seal(2);
	read_disks("210");
	assert_int_equal(result.generation, 8);
	assert_int_not_equal(result.champion, 0);
	assert_int_equal(result.role[0], READER_MEMBER);
	assert_true(result.volume[0].member[1].in_table);
}

static void test_families_that_fell_out(void **state)
{
	(void)state;
	take("r5-clean-46");
	put_word(2, 0x28, 5);
	seal(2);
	read_disks("012");
	assert_false(result.loads);
	read_disks("01");
	assert_starts(0);
}

static void test_torn_copy(void **state)
{
	(void)state;
	take("r5-clean-46");
	*byte(1, 520) ^= 1;
	read_disks("012");
	assert_int_equal(result.role[1], READER_DAMAGED);
	assert_slots(0, "0-2");
	assert_starts(0);
}

static void test_bad_block_log_that_cannot_be_read(void **state)
{
	(void)state;
	take("r5-bbm-46");
	*byte(1, word(1, 0x24) - word(1, 0x48)) ^= 1;
	seal(1);
	read_disks("012");
	assert_int_equal(result.role[1], READER_DAMAGED);
}

static void test_copy_of_another_container(void **state)
{
	(void)state;
	take("r5-clean-46");
	put_word(0, 0x40, 5);
	seal(0);
	read_disks("012");
	assert_int_equal(result.role[0], READER_FOREIGN);
	assert_slots(0, "-12");
}

static void test_slot_that_names_nobody(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(MAP0 + MAP + 4, 9);
	read_disks("012");
	assert_starts(0);
	assert_slots(0, "0-2");
	assert_false(result.volume[0].member[1].in_table);
}

static void test_disk_in_two_slots(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(MAP0 + MAP + 4, 0);
	read_disks("012");
	assert_starts(0);
	assert_slots(0, "-02");
}

static void test_raid0(void **state)
{
	(void)state;
	take("r5-clean-46");
	set(MAP0 + LEVEL, 0);
	read_disks("012");
	assert_starts(0);
	assert_int_equal(result.volume[0].level, 0);
	read_disks("02");
	assert_refused(0, "no volume of the container has what it needs");
}

/* Whatever the bytes: no read outside of the disk, no crash, nothing outside of the answer's arrays. */
static void damage(void)
{
	unsigned n, k, changes;

	for (n = 0; n < count; n++) {
		for (changes = (unsigned)rand() % 4; changes; changes--) {
			k = (unsigned)rand() % (word(n, 0x24) < 4096 ? word(n, 0x24) : 512);
			if (sample_disk_kept(&disks[n], disks[n].disk.sectors - 16))
				*byte(n, k % 512) = (unsigned char)(rand() % 3 ? rand() : -(rand() & 1));
		}
		if (word(n, 0x24) >= 216 && word(n, 0x24) < 4096 && rand() % 8)
			seal(n);
	}
}

static void test_any_bytes(void **state)
{
	unsigned round, i, v, slot;

	(void)state;
	srand(1);
	for (round = 0; round < 4000; round++) {
		i = (unsigned)rand() % (sizeof(samples) / sizeof(samples[0]));
		take(samples[i].name);
		damage();
		read_disks(count == 5 ? "01234" : "012");
		assert_in_range(result.volumes, 0, READER_VOLUMES);
		for (v = 0; v < result.volumes; v++) {
			assert_in_range(result.volume[v].members, 1, READER_MEMBERS);
			for (slot = 0; slot < result.volume[v].members; slot++)
				assert_true(result.volume[v].member[slot].disk < (int)count);
		}
		let_go(NULL);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, let_go)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clean_raid5),
		TEST(test_every_sample_loads_and_starts),
		TEST(test_rebuild_goes_on),
		TEST(test_rebuild_of_42_is_coarse),
		TEST(test_a_failed_disk_alone_thinks_it_is_good),
		TEST(test_matrix_with_a_spare),
		TEST(test_matrix_without_a_mirror),
		TEST(test_reshape),
		TEST(test_4096_byte_sectors),
		TEST(test_nothing_there),
		TEST(test_degraded_raid5),
		TEST(test_dirty),
		TEST(test_not_yet_synced),
		TEST(test_map_that_says_failed),
		TEST(test_members_out_of_sync),
		TEST(test_disk_that_failed),
		TEST(test_attributes_that_nobody_knows),
		TEST(test_rebuild_without_a_good_member),
		TEST(test_repair_with_a_slot_out_of_sync),
		TEST(test_repair_has_a_checkpoint),
		TEST(test_one_mirror_needs_no_resync),
		TEST(test_mirrors_of_two_keep_their_resync),
		TEST(test_migration_of_unknown_kind),
		TEST(test_older_generation_is_not_believed),
		TEST(test_families_that_fell_out),
		TEST(test_torn_copy),
		TEST(test_bad_block_log_that_cannot_be_read),
		TEST(test_copy_of_another_container),
		TEST(test_slot_that_names_nobody),
		TEST(test_disk_in_two_slots),
		TEST(test_raid0),
		TEST(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
