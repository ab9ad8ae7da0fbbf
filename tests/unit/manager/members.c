/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor asks of the manager for an array and its members (docs/design.md, "The life of a failure", "The life
 * of a bad block"): words that only the manager may write to md, or only its helper thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

static void fails(char disk)
{
	char attribute[] = "md126/dev-sd?/state";

	attribute[strlen("md126/dev-sd")] = disk;
	kmd_says(attribute, "faulty,blocked");
}

/* ---- "-blocked" ---- */

/* Writers wait for it: the monitor's wake-up is enough, and the manager does it before all else. */
static void test_unblock(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fails('b');
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK);
	assert_true(mgr_run());
	assert_steps("md126/dev-sdb/state <- -blocked\n");
	assert_string_equal(kmd_reads("md126/dev-sdb/state"), "faulty");
	assert_false(mgr_run());
}

/* Of all arrays, before anything is done for one of them that takes time. */
static void test_unblock_comes_first(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_array("md125", "external:/md127/1", "raid1");
	kmd_has_member("md125", 'a', 0);
	kmd_has_member("md125", 'b', 1);
	mgr_start();
	mgr_settle();
	forget_steps();
	kmd_says("md125/array_state", "readonly");
	kmd_says("md126/array_state", "readonly");
	mgr_asks("md125", ARRAY_WANT_ACTIVE);
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK);
	mgr_asks_for_member("md125", 'b', MEMBER_WANT_UNBLOCK);
	mgr_run();
	assert_non_null(strstr(steps(), "-blocked\n"));
	assert_non_null(strstr(strstr(steps(), "-blocked\n") + 1, "-blocked\n"));
	assert_true(strstr(strstr(steps(), "-blocked\n") + 1, "-blocked\n") < strstr(steps(), "<- active\n"));
}

/* 20 ms, then twice as long each time, a second at most; and it is said once. */
static void test_unblock_is_tried_again(void **state)
{
	static const unsigned pause[] = { 20, 40, 80, 160, 320, 640, 1000, 1000 };
	const char *text = "warning: md126: cannot write \"-blocked\" to the state of sdb yet: Input/output error\n";

	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/state", "-blocked", EIO);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK);
	mgr_run();
	for (size_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		assert_int_equal(mgr_wait_ms(), pause[i]);
		forget_steps();
		mgr_time_passes(pause[i]);
		assert_non_null(strstr(steps(), "md126/dev-sdb/state <- -blocked (EIO)\n"));
	}
	assert_non_null(strstr(mgr_messages(), text));
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
	kmd_refuses("md126/dev-sdb/state", "-blocked", 0);
	forget_steps();
	mgr_time_passes(1000);
	assert_steps("md126/dev-sdb/state <- -blocked\n");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* After that the pauses begin anew, and so do the messages. */
static void test_the_next_trouble_is_a_new_one(void **state)
{
	(void)state;
	mgr_start_with_md126();
	for (unsigned i = 0; i < 2; i++) {
		kmd_refuses("md126/dev-sdb/state", "-blocked", EIO);
		mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK);
		mgr_run();
		assert_int_equal(mgr_wait_ms(), 20);
		mgr_time_passes(20);
		assert_int_equal(mgr_wait_ms(), 40);
		kmd_refuses("md126/dev-sdb/state", "-blocked", 0);
		mgr_time_passes(40);
	}
	assert_non_null(strstr(strstr(mgr_messages(), "cannot write") + 1, "cannot write"));
}

/* A client that pings, and whatever mdstat says, are reasons to try at once. */
static void test_no_pause_when_something_has_changed(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_state", "readonly");
	kmd_refuses("md126/array_state", "active", EBUSY);
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_run();
	kmd_refuses("md126/array_state", "active", 0);
	forget_steps();
	mdstat_changes();
	mgr_run();
	assert_steps("md126/array_state <- active\n");
}

/* ---- "remove" ---- */

static void test_remove(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fails('b');
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- -blocked\n"
		     "helper has a job\n");
	assert_true(mgr_helper());
	assert_steps("md126/dev-sdb/state <- remove\n"
		     "md126: published again sda[0]\n");
	assert_said("member-removed: md126: member sdb removed from the array\n");
	mgr_settle();
	assert_steps("update: find spares for volume 0\n");
}

/* The helper may sleep until the array's I/O has drained: meanwhile the manager answers for other members. */
static void test_others_do_not_wait_for_a_removal(void **state)
{
	(void)state;
	mgr_has_md126();
	kmd_has_member("md126", 'c', 2);
	mgr_start();
	mgr_settle();
	forget_steps();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_REMOVE);
	mgr_run();
	mgr_asks_for_member("md126", 'c', MEMBER_WANT_UNBLOCK);
	assert_true(mgr_run());
	assert_steps("helper has a job\n"
		     "md126/dev-sdc/state <- -blocked\n");
}

/* "remove" would clear the mark (kernel-md.md 5.1): "-blocked" goes first, and it must have worked. */
static void test_no_removal_of_what_is_blocked(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/state", "-blocked", EIO);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	mgr_run();
	assert_false(mgr_helper());
	kmd_refuses("md126/dev-sdb/state", "-blocked", 0);
	mgr_time_passes(20);
	assert_true(mgr_helper());
}

/* EBUSY: a sync runs, or I/O is pending. Nobody tells when that is over (mdmon.md 11.8). */
static void test_removal_is_tried_again(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/state", "remove", EBUSY);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_REMOVE);
	mgr_run();
	mgr_helper();
	assert_steps("helper has a job\n"
		     "md126/dev-sdb/state <- remove (EBUSY)\n");
	assert_int_equal(mgr_wait_ms(), 20);
	mgr_time_passes(20);
	mgr_helper();
	assert_int_equal(mgr_wait_ms(), 40);
	kmd_refuses("md126/dev-sdb/state", "remove", 0);
	mgr_time_passes(40);
	forget_steps();
	mgr_helper();
	assert_steps("md126/dev-sdb/state <- remove\n"
		     "md126: published again sda[0]\n");
}

static void test_it_has_gone_already(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_drops_member("md126", 'b');
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	mgr_run();
	mgr_helper();
	assert_steps("md126/dev-sdb/state <- -blocked (ENODEV)\n"
		     "helper has a job\n"
		     "md126/dev-sdb/state <- remove (ENODEV)\n"
		     "md126: published again sda[0]\n");
	assert_not_said("cannot write");
}

/* The copy without it waits until the one before has come back. */
static void test_removed_while_a_copy_is_on_its_way(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_REMOVE);
	mgr_run();
	kmd_says("md126/raid_disks", "3");
	mdstat_changes();
	mgr_run();
	forget_steps();
	mgr_helper();
	assert_steps("md126/dev-sdb/state <- remove\n");
	mgr_monitor();
	mgr_run();
	assert_steps("md126: published again sda[0]\n");
}

/* ---- "faulty" ---- */

static void test_failed_elsewhere(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_FAIL);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- faulty\n");
	assert_said("member-failed-elsewhere: md126: member sdb taken as failed, "
		    "as in another array of the container\n");
}

static void test_failed_for_its_bad_blocks(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_GIVE_UP);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- faulty\n");
	assert_not_said("member-failed-elsewhere");
}

/* The last disk that holds the data stays. That is as it should be: it is not asked again. */
static void test_md_keeps_the_last_one(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/state", "faulty", EBUSY);
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_FAIL);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- faulty (EBUSY)\n");
	assert_not_said("member-failed-elsewhere");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* What the monitor saw is past: the other half of the mirror has failed since. */
static void test_the_last_one_is_not_failed(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/dev-sda/state", "faulty,blocked");
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_FAIL);
	mgr_run();
	assert_steps("");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
	/* one that is being rebuilt has no data to lose */
	kmd_says("md126/dev-sdb/state", "spare");
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_GIVE_UP);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- faulty\n");
}

/* ---- bad blocks ---- */

static void records_bad_ranges(char disk, unsigned count)
{
	struct mdinfo *d = mgr_member("md126", disk);
	struct bad_range *room = handoff_bad_range_room(d);

	assert_non_null(room);
	for (unsigned i = 0; i < count; i++)
		room[i] = (struct bad_range){ .sector = 100 * (i + 1), .length = 8 };
	handoff_bad_ranges(mgr_array("md126"), d, count);
	handoff_pass_end(handoff_last_honoured(), true);
}

static void test_bad_ranges(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/dev-sdb/state", "in_sync,blocked,external_bbl");
	records_bad_ranges('b', 2);
	assert_null(handoff_bad_range_room(mgr_member("md126", 'b')));
	assert_true(mgr_run());
	assert_steps("md126/dev-sdb/bad_blocks <- 100 8\n"
		     "md126/dev-sdb/bad_blocks <- 200 8\n"
		     "md126/dev-sdb/state <- -blocked\n");
	assert_non_null(handoff_bad_range_room(mgr_member("md126", 'b')));
}

/* The member has failed meanwhile: "-blocked" would say that this is on record. */
static void test_bad_ranges_of_a_failed_member(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fails('b');
	records_bad_ranges('b', 1);
	mgr_run();
	assert_steps("md126/dev-sdb/bad_blocks <- 100 8\n");
	assert_non_null(handoff_bad_range_room(mgr_member("md126", 'b')));
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* A later write to these sectors waits until md has them: they stay ours until then. */
static void test_bad_ranges_are_written_again(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_refuses("md126/dev-sdb/bad_blocks", "*", EIO);
	records_bad_ranges('b', 1);
	mgr_run();
	assert_steps("md126/dev-sdb/bad_blocks <- 100 8 (EIO)\n");
	assert_null(handoff_bad_range_room(mgr_member("md126", 'b')));
	assert_int_equal(mgr_wait_ms(), 20);
	kmd_refuses("md126/dev-sdb/bad_blocks", "*", 0);
	mgr_time_passes(20);
	assert_steps("md126/dev-sdb/bad_blocks <- 100 8\n"
		     "md126/dev-sdb/state <- -blocked\n");
}

/* A range that cannot be recorded costs the member: md fails it at "-blocked" if nobody keeps its list. */
static void test_bad_range_without_room(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_BBL_OFF);
	mgr_run();
	assert_steps("md126/dev-sdb/state <- -external_bbl\n"
		     "md126/dev-sdb/state <- -blocked\n");
}

/* ---- the array ---- */

static void test_read_auto(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_state", "readonly");
	mgr_asks("md126", ARRAY_WANT_READ_AUTO);
	mgr_run();
	assert_steps("md126/array_state <- read-auto\n");
}

static void test_active(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_state", "readonly");
	mgr_asks("md126", ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE);
	mgr_run();
	assert_steps("md126/array_state <- active\n");
}

/* Somebody else has decided meanwhile. */
static void test_started_already(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_asks("md126", ARRAY_WANT_READ_AUTO);
	mgr_run();
	kmd_says("md126/array_state", "readonly");
	kmd_says("md126/metadata_version", "external:-md127/0");
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_run();
	assert_steps("");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* udev has the device open for a moment (mdmon.md 4.3). */
static void test_start_is_tried_again(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_state", "readonly");
	kmd_refuses("md126/array_state", "active", EBUSY);
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_run();
	assert_int_equal(mgr_wait_ms(), 20);
	kmd_refuses("md126/array_state", "active", 0);
	mgr_time_passes(20);
	assert_steps("md126/array_state <- active (EBUSY)\n"
		     "md126/array_state <- active\n");
	kmd_says("md126/array_state", "readonly");
	kmd_refuses("md126/array_state", "active", EINVAL);
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_run();
	assert_said("error: md126: cannot write \"active\" to array_state: Invalid argument\n");
	assert_true(mgr_wait_ms() == MGR_FOR_EVER);
}

/* mdadm has put new disks in for a reshape. */
static void test_new_members(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_has_member("md126", 'c', 2);
	kmd_has_member("md126", 'd', -1);
	mgr_asks("md126", ARRAY_WANT_RESHAPE_CHECK);
	mgr_run();
	assert_steps("md126: published again sda[0] sdb[1] sdc[2]\n");
	mgr_settle();
	mgr_asks("md126", ARRAY_WANT_RESHAPE_CHECK);
	mgr_settle();
	assert_steps("");
}

static void test_new_members_while_a_copy_is_on_its_way(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/raid_disks", "3");
	mdstat_changes();
	mgr_run();
	kmd_has_member("md126", 'c', 2);
	mgr_asks("md126", ARRAY_WANT_RESHAPE_CHECK);
	mgr_run();
	assert_steps("md126: published again sda[0] sdb[1]\n");
	assert_int_equal(mgr_wait_ms(), 20);
	mgr_monitor();
	mgr_run();
	mgr_time_passes(20);
	assert_steps("md126: published again sda[0] sdb[1] sdc[2]\n");
}

/* mdadm holds the size down until the metadata know the new shape. */
static void wants_size(uint64_t sectors)
{
	handoff_request_size(mgr_array("md126"), sectors);
	handoff_pass_end(handoff_last_honoured(), true);
	mgr_run();
}

static void test_array_size(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_size", "50000");
	wants_size(200000);
	assert_steps("md126/array_size <- 100000\n");
	assert_said("array-resized: md126: has 100000 KiB now\n");
	wants_size(200000);
	assert_steps("");
	wants_size(100000);
	assert_steps("");
	kmd_says("md126/array_size", "default");
	wants_size(400000);
	assert_steps("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_unblock),
		mgr_test(test_unblock_comes_first),
		mgr_test(test_unblock_is_tried_again),
		mgr_test(test_the_next_trouble_is_a_new_one),
		mgr_test(test_no_pause_when_something_has_changed),
		mgr_test(test_remove),
		mgr_test(test_others_do_not_wait_for_a_removal),
		mgr_test(test_no_removal_of_what_is_blocked),
		mgr_test(test_removal_is_tried_again),
		mgr_test(test_it_has_gone_already),
		mgr_test(test_removed_while_a_copy_is_on_its_way),
		mgr_test(test_failed_elsewhere),
		mgr_test(test_failed_for_its_bad_blocks),
		mgr_test(test_md_keeps_the_last_one),
		mgr_test(test_the_last_one_is_not_failed),
		mgr_test(test_bad_ranges),
		mgr_test(test_bad_ranges_of_a_failed_member),
		mgr_test(test_bad_ranges_are_written_again),
		mgr_test(test_bad_range_without_room),
		mgr_test(test_read_auto),
		mgr_test(test_active),
		mgr_test(test_started_already),
		mgr_test(test_start_is_tried_again),
		mgr_test(test_new_members),
		mgr_test(test_new_members_while_a_copy_is_on_its_way),
		mgr_test(test_array_size),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
