/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bad blocks as a whole pass sees them, with the answer to md in its place: docs/design.md, "The life of a bad block";
 * docs/kernel-md.md 6.6. The parts, one by one: badblocks.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

/* An array whose members keep bad blocks. */
static struct rig_array *adopted(unsigned members)
{
	struct rig_array *ra = rig_array("md126", members);

	md_says("md126/dev-sda/state", "in_sync,external_bbl");
	md_says("md126/dev-sdb/state", "in_sync,external_bbl");
	handoff_publish(rig_copy(ra));
	rig_signal();
	forget_steps();
	rig_forget_messages();
	return ra;
}

static void write_of_sda_fails_at(const char *sectors)
{
	md_says_silently("md126/array_state", "write-pending");
	md_says_silently("md126/dev-sda/bad_blocks", sectors); /* those that are not acknowledged are in there, too */
	md_says("md126/dev-sda/unacknowledged_bad_blocks", sectors);
	md_says("md126/dev-sda/state", "in_sync,blocked,external_bbl");
}

/* "active" lets the write succeed, so the metadata come first. It need not wait for the manager. */
static void test_a_bad_block(void **state)
{
	(void)state;
	adopted(2);
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmd126: dirty\nmetadata written\nask md126/sda: bad-blocks (1)\n"
		     "md126/array_state <- active\nmanager woken\n");
	assert_message("md126: member sda: bad blocks recorded in the metadata, ranges: 1");
}

static void test_no_disk_takes_the_metadata(void **state)
{
	(void)state;
	adopted(2);
	handler.sync_error = -EIO;
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmd126: dirty\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nask md126/sda: bad-blocks (1)\nmd126/array_state <- active\nmanager woken\n");
}

/* The log is full: the disk has to fail, which is on record before "active" tells the writer that all is well. */
static void test_no_room_for_it(void **state)
{
	(void)state;
	adopted(2);
	handler.bad_room = 0;
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: bbl-off\nmanager woken\n");
	assert_message("md126: member sda has too many bad blocks and is given up");
	/* the manager has done so, md fails it in earnest */
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("ask md126/sda: unblock remove\nmanager woken\n");
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	assert_steps("ask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n");
}

/*
 * Nothing but this disk has the data. md would call the whole array broken, and the disk would read as if it had failed:
 * the range is acknowledged without a record, for md tells the writer of a failed write to the last mirror.
 */
static void test_no_room_and_no_other_disk(void **state)
{
	(void)state;
	adopted(2);
	md_says("md126/dev-sdb/state", "spare,external_bbl");
	rig_next();
	forget_steps();
	handler.bad_room = 0;
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nask md126/sda: bad-blocks (1)\nmd126/array_state <- active\n"
		     "manager woken\n");
	assert_message("md126: member sda: bad blocks cannot be recorded, and no other disk has the data");
}

/* Two disks at once: the second one has its turn when the first one has been seen to fail. */
static void test_no_room_for_two(void **state)
{
	(void)state;
	adopted(2);
	handler.bad_room = 0;
	md_says("md126/dev-sdb/unacknowledged_bad_blocks", "4096 8\n");
	md_says("md126/dev-sdb/state", "in_sync,blocked,external_bbl");
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: bbl-off\nmanager woken\n");
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	/* by now it is the last one */
	assert_steps("ask md126/sda: remove\nask md126/sdb: bad-blocks (1)\nmd126/array_state <- active\nmanager woken\n");
}

/* While the pass reads: sda has been read already, sdc vanishes, and then a write to sda fails. */
static void sda_fails_late(void)
{
	write_of_sda_fails_at("2048 8\n");
}

/*
 * A member that has vanished makes the pass read array_state again. What it says then may be because of a member that was
 * read before: "active" would let the failed write succeed, although nobody knows of the bad block.
 */
static void test_a_bad_block_beside_a_vanished_member(void **state)
{
	(void)state;
	adopted(3);
	md_fails_reading("md126/dev-sdc/state", ENODEV);
	md_while_reading("md126/dev-sdc/state", sda_fails_late);
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmd126: dirty\nmd126[2]: failed\nmetadata written\n"
		     "ask md126/sdc: remove\nask md126/sda: bad-blocks (1)\nmd126/array_state <- active\nmanager woken\n");
}

/* A sector is written again with success: nobody waits for that, md notifies of the list alone. */
static void test_a_list_becomes_shorter(void **state)
{
	(void)state;
	adopted(2);
	md_says("md126/dev-sda/bad_blocks", "2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmetadata written\n");
	md_says("md126/dev-sda/bad_blocks", "");
	rig_next();
	assert_steps("md126[0]: no sector is bad\nmetadata written\n");
	assert_message("md126: member sda: bad blocks were written again and are cleared");
	md_trace_reads(true);
	/* without its event it is not read, and that of the other member neither */
	md_says("md126/array_state", "clean");
	rig_next();
	assert_null(strstr(steps(), "bad_blocks"));
	forget_steps();
}

/* A disk takes neither data nor metadata: it fails before it goes on and on. The others have everything. */
static void test_a_dead_disk(void **state)
{
	(void)state;
	adopted(2);
	handler.failed_disk = "sda";
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmd126: dirty\nmetadata written\nask md126/sda: bad-blocks (1)\n"
		     "ask md126/sda: give-up\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md126: member sda takes neither data nor metadata: it is given up");
}

/* It has refused the metadata in a pass before, and is not asked in each one. */
static void test_a_disk_that_was_dead_before(void **state)
{
	(void)state;
	adopted(2);
	handler.failed_disk = "sda";
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	rig_next();
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmetadata written\nask md126/sda: bad-blocks (1)\n"
		     "ask md126/sda: give-up\nmd126/array_state <- active\nmanager woken\n");
}

/* But it took them when it was asked again: one bad block is no reason. */
static void test_a_disk_that_works_again(void **state)
{
	(void)state;
	adopted(2);
	handler.failed_disk = "sda";
	md_says("md126/array_state", "write-pending");
	rig_next();
	handler.failed_disk = NULL;
	rig_next();
	assert_int_equal(rig_next(), 5000);
	forget_steps();
	write_of_sda_fails_at("2048 8\n");
	rig_next();
	assert_steps("md126[0]: sector 2048 is bad\nmetadata written\nask md126/sda: bad-blocks (1)\n"
		     "md126/array_state <- active\nmanager woken\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_bad_block),
		TEST(test_no_disk_takes_the_metadata),
		TEST(test_no_room_for_it),
		TEST(test_no_room_and_no_other_disk),
		TEST(test_no_room_for_two),
		TEST(test_a_bad_block_beside_a_vanished_member),
		TEST(test_a_list_becomes_shorter),
		TEST(test_a_dead_disk),
		TEST(test_a_disk_that_was_dead_before),
		TEST(test_a_disk_that_works_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
