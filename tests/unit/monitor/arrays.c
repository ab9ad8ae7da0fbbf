/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays come and go: new ones, copies that take the place of others, arrays that are refused, that have become a
 * RAID 0, that have ended meanwhile, that are dropped while the daemon ends. docs/design.md, "Who owns what, and how
 * it changes hands"; docs/mdmon.md 9.3, 9.4, 6.3 and 6.4.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

/* What has been given back: so many, the first of them. */
static unsigned given_back(struct active_array **first)
{
	struct active_array *a = handoff_take_discarded();
	unsigned n = 0;

	*first = a;
	for (; a; a = handoff_next_array(a))
		n++;
	return n;
}

/* ---- new arrays ---- */

static void test_a_new_array(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_steps("md126: bound\nmd126: clean\nmd126[0]: in sync\nmd126[1]: in sync\nmetadata written\n");
	assert_ptr_equal(rig_monitor.arrays, rig_copy(ra));
	assert_true(md_waited_ms() == 0);
	assert_int_equal(rig_next(), 5000);
	assert_true(md_is_polled("md126/array_state") && md_is_polled("md126/dev-sdb/state"));
}

/* The metadata know no such volume: the manager is told why, and nothing is read or written. */
static void test_a_refused_array(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);
	struct active_array *back;

	(void)state;
	handler.open_error = -ENODEV;
	handoff_publish(rig_copy(ra));
	md_trace_reads(true);
	rig_signal();
	assert_steps("md126: given back (error -19)\nmanager woken\n");
	assert_int_equal(given_back(&back), 1);
	assert_ptr_equal(back, rig_copy(ra));
	assert_null(rig_monitor.arrays);
	/* perhaps it does later */
	handler.open_error = 0;
	md_trace_reads(false);
	handoff_publish(back);
	rig_signal();
	assert_among_steps("md126: bound\n");
}

/* Of a member that joins an array that runs md has made what it is in sync with, be it by the first look. */
static void test_a_member_joins(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);
	struct active_array *new;

	(void)state;
	rig_copy(ra)->disk_count = 1;
	handoff_publish(rig_copy(ra));
	rig_signal();
	new = rig_duplicate(ra);
	new->disk_count = 2;
	handoff_publish(new);
	rig_signal();
	assert_true(ra->member[1].rebuilt);
	assert_false(ra->member[0].rebuilt); /* md was started with it */
	/* the handler may be told again, and know the disk only then */
	ra->watch.look = true;
	rig_signal();
	assert_true(ra->member[1].rebuilt);
	md_says("md126/dev-sdb/state", "faulty");
	ra->watch.look = true;
	rig_signal();
	assert_false(ra->member[1].rebuilt);
}

static bool rebuilt_at_first_look(const char *array_state, const char *member_state)
{
	struct rig_array *ra = rig_array("md126", 2);

	md_says("md126/array_state", array_state);
	md_says("md126/dev-sdb/state", member_state);
	handoff_publish(rig_copy(ra));
	rig_signal();
	return ra->member[0].rebuilt || ra->member[1].rebuilt;
}

/*
 * The metadata may say that a slot is to be rebuilt: md has done so, if it has written to all of them, be it that one has failed
 * just now (life, seed 1311730738: ... sync 1 4; shut e; fail 1 0; takeover; run 3). Else md may run on what the metadata call
 * out of date.
 */
static void test_found_running(void **state)
{
	(void)state;
	assert_true(rebuilt_at_first_look("active", "in_sync"));
}

static void test_found_running_as_a_member_fails(void **state)
{
	(void)state;
	assert_true(rebuilt_at_first_look("active", "faulty"));
}

static void test_found_running_in_part(void **state)
{
	(void)state;
	assert_false(rebuilt_at_first_look("active", "spare"));
}

static void test_found_not_written_to(void **state)
{
	(void)state;
	assert_false(rebuilt_at_first_look("read-auto", "in_sync"));
}

/* mdadm assembles it disk by disk: that tells nothing of what they hold. */
static void test_a_member_joins_before_the_start(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);
	struct active_array *new;

	(void)state;
	md_says("md126/array_state", "inactive");
	rig_copy(ra)->disk_count = 1;
	handoff_publish(rig_copy(ra));
	rig_signal();
	new = rig_duplicate(ra);
	new->disk_count = 2;
	handoff_publish(new);
	rig_signal();
	assert_false(ra->member[0].rebuilt || ra->member[1].rebuilt);
}

/* Several at once, in the order in which they were published; one that is refused is no reason to refuse others. */
static void test_several_at_once(void **state)
{
	struct rig_array *a = rig_array("md126", 2), *b = rig_array("md125", 2), *same = rig_array("md126", 2);

	(void)state;
	handoff_publish(rig_copy(a));
	handoff_publish(rig_copy(same)); /* the volume is taken */
	handoff_publish(rig_copy(b));
	rig_signal();
	assert_first_steps("md126: bound\nmd126: given back (error -16)\nmd125: bound\n");
}

static void test_there_is_a_limit(void **state)
{
	static struct active_array many[MAX_ARRAYS];
	static struct array_watch watch[MAX_ARRAYS];
	struct rig_array *last = rig_array("md126", 2);

	(void)state;
	for (unsigned i = 0; i < MAX_ARRAYS; i++) {
		many[i] = *rig_copy(last);
		many[i].disk_count = 0;
		many[i].watch = &watch[i];
		many[i].next = rig_monitor.arrays;
		rig_monitor.arrays = &many[i];
		rig_monitor.array_count++;
	}
	handoff_publish(rig_copy(last));
	rig_signal();
	assert_first_steps("md126: given back (error -7)\n");
	assert_int_equal(rig_monitor.array_count, MAX_ARRAYS);
	forget_steps();
}

/* ---- copies ---- */

/* The copy takes the place of the old one, with all that the monitor knows of the array. */
static void test_a_copy_takes_over(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct active_array *old = rig_copy(ra), *new = rig_duplicate(ra), *back;

	(void)state;
	md_says("md126/array_state", "active");
	rig_next();
	forget_steps();
	handoff_publish(new);
	rig_signal();
	assert_steps("md126: given back\nmanager woken\n");
	assert_int_equal(given_back(&back), 1);
	assert_ptr_equal(back, old);
	assert_int_equal(back->discard_error, 0);
	assert_ptr_equal(rig_monitor.arrays, new);
	assert_null(new->next);
	/* still bound, still dirty, still at work */
	md_says("md126/array_state", "active-idle");
	rig_next();
	assert_steps("md126/array_state <- clean\n");
}

/* A member that the copy brings along is read in the same pass, and the metadata hear of it. */
static void test_a_copy_with_a_new_member(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2), *with_three = rig_array("md125", 3);
	struct active_array *new = rig_duplicate(ra);

	(void)state;
	new->disks[2] = &with_three->member[2];
	new->disk_count = 3;
	new->raid_disks = 3;
	md_says("md125/dev-sdc/state", "spare");
	handoff_publish(new);
	rig_signal();
	assert_steps("md126: given back\nmd126[2]: rebuilding\nmetadata written\nmanager woken\n");
}

static void test_copies_overtake_each_other(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct active_array *back;

	(void)state;
	for (int i = 0; i < 3; i++)
		handoff_publish(rig_duplicate(ra));
	rig_signal();
	assert_int_equal(given_back(&back), 3);
	assert_ptr_equal(back, ra->copy[0]);
	assert_ptr_equal(rig_monitor.arrays, ra->copy[3]);
	assert_int_equal(rig_monitor.array_count, 1);
	assert_steps("md126: given back\nmd126: given back\nmd126: given back\nmanager woken\n");
}

/* The first pass of the first copy did not get to its end: its members are new to the second one, too. */
static void test_a_copy_of_a_new_array(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	handoff_publish(rig_copy(ra));
	handoff_publish(rig_duplicate(ra));
	rig_signal();
	assert_steps("md126: bound\nmd126: given back\nmd126: clean\nmd126[0]: in sync\nmd126[1]: in sync\n"
		     "metadata written\nmanager woken\n");
}

/* The array has ended while the copy was on its way. */
static void test_a_copy_that_comes_too_late(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct active_array *late = rig_duplicate(ra), *back;

	(void)state;
	md_says("md126/array_state", "inactive");
	rig_next();
	assert_int_equal(given_back(&back), 1);
	forget_steps();
	md_says("md126/array_state", "clean");
	handoff_publish(late);
	rig_signal();
	assert_steps("md126: given back\nmanager woken\n");
	assert_int_equal(given_back(&back), 1);
	assert_ptr_equal(back, late);
	assert_null(rig_monitor.arrays);
}

/* What needs no monitoring is never dirty. */
static void test_it_became_a_raid_0(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct active_array *new = rig_duplicate(ra), *back;

	(void)state;
	md_says("md126/array_state", "active");
	rig_next();
	forget_steps();
	new->level = 0;
	handoff_publish(new);
	rig_signal();
	assert_steps("md126: given back\nmd126: clean\nmd126: let go\nmd126: given back\nmetadata written\nmanager woken\n");
	assert_int_equal(given_back(&back), 2);
	assert_null(rig_monitor.arrays);
}

static void test_a_raid_0_from_the_start(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	rig_copy(ra)->level = 0;
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_steps("md126: given back\nmanager woken\n");
}

/* ---- the end of an array ---- */

static void test_one_of_several_ends(void **state)
{
	struct rig_array *ra;
	struct active_array *back;

	(void)state;
	rig_adopted("md126", 2);
	ra = rig_adopted("md125", 2);
	rig_adopted("md124", 2);
	md_fails_reading("md125/array_state", ENODEV);
	md_says("md124/array_state", "write-pending");
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md124: dirty\nmd126: dirty\nmetadata written\nmd124/array_state <- active\n"
		     "md125: let go\nmd125: given back\nmd126/array_state <- active\nmanager woken\n");
	assert_int_equal(given_back(&back), 1);
	assert_ptr_equal(back, rig_copy(ra));
	rig_next();
	assert_false(md_is_polled("md125/array_state") || md_is_polled("md125/dev-sda/state"));
	assert_true(md_is_polled("md126/array_state") && md_is_polled("md124/array_state"));
}

static void test_all_end_at_once(void **state)
{
	struct active_array *back;

	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says("md126/array_state", "clear");
	md_says("md125/array_state", "inactive");
	rig_next();
	assert_int_equal(given_back(&back), 2);
	assert_null(rig_monitor.arrays);
	assert_int_equal(rig_monitor.array_count, 0);
	forget_steps();
	assert_int_equal(rig_next(), 5000);
	assert_steps("");
}

/* Its volume can be had by another array. */
static void test_it_is_started_again(void **state)
{
	struct rig_array *again;

	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "inactive");
	rig_next();
	again = rig_array("md126", 2);
	forget_steps();
	md_says("md126/array_state", "clean");
	handoff_publish(rig_copy(again));
	rig_signal();
	assert_steps("md126: bound\n");
}

/* How far a rebuild has come can still be read of an inactive array. */
static void test_stopped_during_a_rebuild(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 3);

	(void)state;
	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/dev-sdc/recovery_start", "0");
	md_says("md126/sync_action", "recover");
	rig_next();
	forget_steps();
	md_says_silently("md126/dev-sdc/recovery_start", "40000");
	md_fails_reading("md126/sync_action", ENODEV);
	md_says("md126/array_state", "inactive");
	rig_next();
	assert_steps("md126[2]: rebuilding\nmetadata written\nmd126: let go\nmd126: given back\nmanager woken\n");
	assert_int_equal(ra->member[2].recovery_start, 40000);
}

/* Some of its members are gone already: that is no failure, and nothing is known of how far they were. */
static void test_taken_apart_during_a_rebuild(void **state)
{
	(void)state;
	rig_adopted("md126", 3);
	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/sync_action", "recover");
	rig_next();
	forget_steps();
	rig_forget_messages();
	md_fails_reading("md126/sync_action", ENODEV);
	md_fails_reading("md126/dev-sda/state", ENODEV);
	md_says("md126/array_state", "inactive");
	rig_next();
	assert_steps("md126[2]: rebuilding\nmetadata written\nmd126: let go\nmd126: given back\nmanager woken\n");
	assert_no_message("failed");
}

/* ---- the end of the daemon ---- */

/* SIGTERM: each array is dropped as soon as it is clean, without anything being started. */
static void test_draining(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says("md125/array_state", "active");
	rig_next();
	forget_steps();
	handoff_start_drain();
	rig_signal();
	assert_steps("md126: let go\nmd126: given back\nmanager woken\n");
	md_says("md125/array_state", "active-idle");
	rig_next();
	assert_steps("md125/array_state <- clean\n");
	rig_next();
	assert_steps("md125: clean\nmetadata written\nmd125: let go\nmd125: given back\nmanager woken\n");
}

/* A write that comes now is answered like any other. */
static void test_a_write_while_draining(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	forget_steps();
	handoff_start_drain();
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126/array_state <- active\n");
}

static void test_a_read_only_array_while_draining(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handoff_start_drain();
	handler.decides = MARK_DIRTY;
	md_says("md126/array_state", "readonly");
	rig_next();
	assert_steps("md126: let go\nmd126: given back\nmanager woken\n");
}

/* Somebody has to release the writes that wait for "-blocked". */
static void test_a_failure_while_draining(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handoff_start_drain();
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	assert_steps("ask md126/sda: remove\nmd126: let go\nmd126: given back\nmanager woken\n");
}

/* Nor is it dropped as clean while the metadata cannot be written. */
static void test_draining_without_disks(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	handoff_start_drain();
	handler.sync_error = -EIO;
	md_says("md126/array_state", "clean");
	forget_steps();
	rig_next();
	assert_steps("md126: clean\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	rig_next();
	assert_steps("metadata written\nmd126: let go\nmd126: given back\nmanager woken\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_array),
		TEST(test_a_member_joins),
		TEST(test_found_running),
		TEST(test_found_running_as_a_member_fails),
		TEST(test_found_running_in_part),
		TEST(test_found_not_written_to),
		TEST(test_a_member_joins_before_the_start),
		TEST(test_a_refused_array),
		TEST(test_several_at_once),
		TEST(test_there_is_a_limit),
		TEST(test_a_copy_takes_over),
		TEST(test_a_copy_with_a_new_member),
		TEST(test_copies_overtake_each_other),
		TEST(test_a_copy_of_a_new_array),
		TEST(test_a_copy_that_comes_too_late),
		TEST(test_it_became_a_raid_0),
		TEST(test_a_raid_0_from_the_start),
		TEST(test_one_of_several_ends),
		TEST(test_all_end_at_once),
		TEST(test_it_is_started_again),
		TEST(test_stopped_during_a_rebuild),
		TEST(test_taken_apart_during_a_rebuild),
		TEST(test_draining),
		TEST(test_a_write_while_draining),
		TEST(test_a_read_only_array_while_draining),
		TEST(test_a_failure_while_draining),
		TEST(test_draining_without_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
