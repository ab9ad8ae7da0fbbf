/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor/badblocks.c: what is recorded, what the manager is given to acknowledge, and what is given up. Files stand in
 * for the two attributes of sysfs, and a handler that remembers at most `capacity` ranges for the metadata.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "metadata/superswitch.h"
#include "monitor/pass.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define GOOD (MEMBER_IN_SYNC | MEMBER_EXTERNAL_BBL)
#define BLOCKED (GOOD | MEMBER_BLOCKED)

/* ---- the handler ---- */

static struct bad_range recorded[1024];
static unsigned record_count, capacity, compare_count;
static bool compared_complete;

static bool is_on_record(uint64_t sector)
{
	for (unsigned i = 0; i < record_count; i++)
		if (recorded[i].sector == sector)
			return true;
	return false;
}

static int fake_record(struct active_array *a, int slot, const struct bad_range *r)
{
	(void)a;
	(void)slot;
	if (is_on_record(r->sector))
		return 0;
	if (record_count == capacity)
		return -ENOSPC;
	recorded[record_count++] = *r;
	return 1;
}

static int fake_compare(struct active_array *a, int slot, const struct bad_range *known, unsigned count, bool complete,
			struct bad_range_changes *changes)
{
	int err = 0;

	*changes = (struct bad_range_changes){ 0 };
	compare_count++;
	compared_complete = complete;
	for (unsigned i = 0; i < count; i++)
		if (fake_record(a, slot, &known[i]) < 0)
			err = -ENOSPC;
	return err;
}

/* ---- the array ---- */

static struct superswitch ss;
static struct supertype st = { .ss = &ss };
static struct array_watch watch;
static struct mdinfo member[2];
static struct active_array *array;

static struct refusals refusals;

static int file(const char *text)
{
	int fd = memfd_create("attr", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static void put(int *fd, const char *text)
{
	close(*fd);
	*fd = file(text);
}

static int set_up(void **state)
{
	(void)state;
	ss = (struct superswitch){ .record_bad_block = fake_record, .compare_bad_blocks = fake_compare };
	record_count = compare_count = 0;
	refusals.count = 0;
	capacity = 1024;
	memset(&watch, 0, sizeof(watch));
	memset(member, 0, sizeof(member));
	watch.curr_state = ARRAY_WRITE_PENDING;
	array = calloc(1, sizeof(*array) + 2 * sizeof(array->disks[0]));
	array->container = &st;
	array->watch = &watch;
	array->raid_disks = 2;
	array->disk_count = 2;
	for (int i = 0; i < 2; i++) {
		struct mdinfo *d = array->disks[i] = &member[i];

		snprintf(d->name, sizeof(d->name), "dev-sd%c", 'a' + i);
		d->slot = i;
		d->prev_state = d->curr_state = GOOD;
		d->bad_blocks_fd = file("");
		d->unacknowledged_fd = file("");
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		close(member[i].bad_blocks_fd);
		close(member[i].unacknowledged_fd);
	}
	free(array);
	return 0;
}

static void unacknowledged(const char *text)
{
	put(&member[0].unacknowledged_fd, text);
	member[0].curr_state = BLOCKED;
}

/* A pass whose metadata get written. Returns the requests for member 0. */
static unsigned pass(void)
{
	bool asked;
	unsigned bits;

	bad_blocks_read(array, false);
	asked = bad_blocks_acknowledge(array, &refusals);
	bits = handoff_take_member_requests(&member[0]);
	assert_int_equal(asked, bits != 0);
	return bits;
}

static unsigned batch(void)
{
	unsigned count;

	handoff_take_bad_ranges(&member[0], &count);
	return count;
}

/* ---- tests ---- */

static void test_nothing_to_do(void **state)
{
	(void)state;
	assert_int_equal(pass(), 0);
	assert_int_equal(compare_count, 0);
	assert_true(bad_blocks_are_watched(array, &member[0]));
	assert_false(bad_blocks_only(&member[0]));
}

static void test_recorded_then_acknowledged(void **state)
{
	const struct bad_range *r;
	unsigned count;

	(void)state;
	unacknowledged("2048 8\n4096 16\n");
	bad_blocks_read(array, false);
	assert_int_equal(record_count, 2);
	assert_true(bad_blocks_only(&member[0]));
	assert_false(bad_block_is_lost(&member[0]));
	/* The metadata are not on disk yet. */
	assert_int_equal(batch(), 0);
	assert_true(bad_blocks_acknowledge(array, &refusals));
	assert_int_equal(handoff_take_member_requests(&member[0]), MEMBER_WANT_BAD_BLOCKS);
	r = handoff_take_bad_ranges(&member[0], &count);
	assert_int_equal(count, 2);
	assert_int_equal(r[0].sector, 2048);
	assert_int_equal(r[1].length, 16);
}

/* The daemon before us may have recorded them, and died. */
static void test_what_is_on_record_is_acknowledged(void **state)
{
	(void)state;
	unacknowledged("2048 8\n");
	recorded[record_count++] = (struct bad_range){ 2048, 8 };
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	assert_int_equal(batch(), 1);
}

static void test_no_disk_took_the_metadata(void **state)
{
	(void)state;
	unacknowledged("2048 8\n");
	bad_blocks_read(array, true);
	/* And again, a second later. */
	bad_blocks_read(array, false);
	assert_int_equal(batch(), 0);
	assert_int_equal(handoff_take_member_requests(&member[0]), 0);
	assert_int_equal(compare_count, 4); /* of two members: what was to be compared still is */
	assert_true(bad_blocks_acknowledge(array, &refusals));
	assert_int_equal(batch(), 1);
}

/* The rest waits, in the kernel, until the manager has done with the first ones. All are on record at once. */
static void test_more_than_a_batch(void **state)
{
	char text[100 * 16] = "";

	(void)state;
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "%d 8\n", 1000 + 16 * i);
	unacknowledged(text);
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	assert_int_equal(record_count, 100);
	assert_int_equal(batch(), BAD_RANGE_BATCH);
	assert_int_equal(pass(), 0);
	handoff_bad_ranges_done(&member[0]);
	put(&member[0].unacknowledged_fd, "5000 8\n5016 8\n");
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	assert_int_equal(batch(), 2);
}

static void test_a_range_without_room(void **state)
{
	(void)state;
	unacknowledged("2048 8\n4096 8\n");
	capacity = 1;
	assert_int_equal(pass(), 0);
	assert_true(bad_block_is_lost(&member[0]));
	assert_false(bad_blocks_only(&member[0]));
	assert_int_equal(batch(), 0);
	/* It fails: what its lists say is of no interest any more. */
	member[0].curr_state = MEMBER_FAULTY | MEMBER_BLOCKED | MEMBER_EXTERNAL_BBL;
	assert_int_equal(pass(), 0);
	assert_false(bad_block_is_lost(&member[0]));
	assert_false(bad_blocks_are_watched(array, &member[0]));
}

/* Not all that writes may wait for can be seen, or recorded. */
static void test_a_list_that_is_cut_off(void **state)
{
	char text[SYSFS_PAGE];

	(void)state;
	for (int i = 0; i < SYSFS_PAGE; i++)
		text[i] = "1234567 8\n"[i % 10];
	text[SYSFS_PAGE - 1] = '\0';
	unacknowledged(text);
	assert_int_equal(pass(), 0);
	assert_true(bad_block_is_lost(&member[0]));
	unacknowledged("nonsense\n");
	pass();
	assert_true(bad_block_is_lost(&member[0]));
}

static void test_lists_that_cannot_be_read(void **state)
{
	int null = open("/", O_RDONLY | O_CLOEXEC); /* EISDIR */

	(void)state;
	unacknowledged("");
	close(member[0].unacknowledged_fd);
	member[0].unacknowledged_fd = null;
	assert_int_equal(pass(), 0);
	assert_true(bad_block_is_lost(&member[0]));
	assert_false(bad_blocks_are_watched(array, &member[0]));
}

static void test_a_format_without_bad_blocks(void **state)
{
	(void)state;
	ss.record_bad_block = NULL;
	ss.compare_bad_blocks = NULL;
	assert_int_equal(pass(), 0);
	assert_false(bad_block_is_lost(&member[0]));
	assert_false(bad_blocks_are_watched(array, &member[0]));
	unacknowledged("2048 8\n");
	bad_blocks_read(array, true);
	assert_true(bad_block_is_lost(&member[0]));
}

static void test_blocked_for_no_reason(void **state)
{
	(void)state;
	unacknowledged("");
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	assert_int_equal(batch(), 0);
	assert_true(bad_blocks_only(&member[0]));
	/* Not while the manager is at it. */
	unacknowledged("2048 8\n");
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	assert_int_equal(pass(), 0);
}

static void test_members_that_keep_no_list(void **state)
{
	static const unsigned states[] = {
		MEMBER_IN_SYNC, MEMBER_IN_SYNC | MEMBER_BLOCKED, BLOCKED | MEMBER_FAULTY,
		BLOCKED | MEMBER_FAULTY | MEMBER_GONE,
	};

	(void)state;
	unacknowledged("2048 8\n");
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		member[0].curr_state = states[i];
		bad_blocks_read(array, true);
		assert_int_equal(record_count, 0);
		assert_false(bad_blocks_only(&member[0]));
		assert_false(bad_blocks_are_watched(array, &member[0]));
		assert_false(bad_blocks_acknowledge(array, &refusals));
	}
	member[0].curr_state = BLOCKED;
	watch.curr_state = ARRAY_INACTIVE;
	bad_blocks_read(array, true);
	assert_int_equal(record_count, 0);
}

static void test_when_lists_are_compared(void **state)
{
	(void)state;
	put(&member[0].bad_blocks_fd, "100 8\n");
	pass();
	assert_int_equal(compare_count, 0);
	/* Its file has reported an event. */
	member[0].compare_bad_blocks = true;
	assert_int_equal(pass(), 0);
	assert_int_equal(compare_count, 1);
	assert_true(compared_complete);
	assert_true(is_on_record(100));
	pass();
	assert_int_equal(compare_count, 1);
	/* A new member, and a look at everything. */
	member[0].prev_state = 0;
	pass();
	assert_int_equal(compare_count, 2);
	bad_blocks_read(array, true);
	assert_int_equal(compare_count, 4);
}

static void test_known_to_md_but_no_room(void **state)
{
	(void)state;
	put(&member[0].bad_blocks_fd, "100 8\n");
	capacity = 0;
	/* Not the last one that has the data. */
	member[1].curr_state = MEMBER_SPARE | MEMBER_EXTERNAL_BBL;
	member[0].compare_bad_blocks = true;
	assert_int_equal(pass(), 0);
	member[1].curr_state = GOOD;
	member[0].compare_bad_blocks = true;
	assert_int_equal(pass(), MEMBER_WANT_GIVE_UP);
	/* Once is enough. */
	member[0].compare_bad_blocks = true;
	assert_int_equal(pass(), 0);
}

static void test_a_disk_that_takes_nothing(void **state)
{
	(void)state;
	member[0].dev = 8;
	member[1].dev = 16;
	refusals = (struct refusals){ .count = 1, .dev = { 16 } };
	unacknowledged("2048 8\n");
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS);
	handoff_bad_ranges_done(&member[0]);
	refusals = (struct refusals){ .count = 2, .dev = { 16, 8 } };
	assert_int_equal(pass(), MEMBER_WANT_BAD_BLOCKS | MEMBER_WANT_GIVE_UP);
	/* The other one may be as bad; but the first has not gone yet. */
	put(&member[1].unacknowledged_fd, "2048 8\n");
	member[1].curr_state = BLOCKED;
	bad_blocks_read(array, false);
	assert_true(bad_blocks_acknowledge(array, &refusals));
	assert_int_equal(handoff_take_member_requests(&member[1]), MEMBER_WANT_BAD_BLOCKS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_to_do),
		TEST(test_recorded_then_acknowledged),
		TEST(test_what_is_on_record_is_acknowledged),
		TEST(test_no_disk_took_the_metadata),
		TEST(test_more_than_a_batch),
		TEST(test_a_range_without_room),
		TEST(test_a_list_that_is_cut_off),
		TEST(test_lists_that_cannot_be_read),
		TEST(test_a_format_without_bad_blocks),
		TEST(test_blocked_for_no_reason),
		TEST(test_members_that_keep_no_list),
		TEST(test_when_lists_are_compared),
		TEST(test_known_to_md_but_no_room),
		TEST(test_a_disk_that_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
