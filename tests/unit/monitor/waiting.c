/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor waits for, how long, and what it reads afterwards, in which order. docs/kernel-md.md 3.1, 3.3, 4.1
 * ("Rule"), 5.5, 9; docs/mdmon.md 11.2; docs/design.md: everything is read again every 5 seconds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

/* ---- how long ---- */

/* A notification is lost, or there is none: md is not left waiting for longer than that. */
static void test_a_lost_notification(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says_silently("md126/array_state", "write-pending");
	assert_int_equal(rig_next(), 5000);
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
}

static void test_a_look_every_five_seconds(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rig_next(), 5000);
	assert_int_equal(handler.retries, 3);
}

/* What happens meanwhile does not put it off. */
static void test_events_do_not_put_it_off(void **state)
{
	unsigned waited = 0;

	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says_silently("md125/array_state", "write-pending");
	for (int i = 0; i < 4; i++) {
		md_time_passes(1000);
		md_says("md126/sync_completed", "none");
		waited += 1000 + rig_next();
	}
	assert_steps("");
	waited += rig_next();
	assert_int_equal(waited, 5000);
	assert_steps("md125: dirty\nmetadata written\nmd125/array_state <- active\n");
}

/* Nor does a signal; it makes a pass, in which nothing is read. */
static void test_a_signal(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_trace_reads(true);
	md_time_passes(1000);
	rig_signal();
	assert_steps("");
	assert_int_equal(rig_next(), 4000);
	forget_steps();
}

static void test_without_arrays(void **state)
{
	(void)state;
	rig_signal();
	assert_int_equal(rig_next(), 5000);
	assert_steps("");
}

/* ---- for what ---- */

static void test_what_is_polled(void **state)
{
	static const char *const polled[] = { "md126/array_state", "md126/sync_action", "md126/sync_completed",
					      "md126/dev-sda/state", "md126/dev-sdb/state", "md126/dev-sda/bad_blocks",
					      "md126/dev-sda/unacknowledged_bad_blocks" };
	/* md never notifies of these */
	static const char *const not_polled[] = { "md126/resync_start", "md126/metadata_version",
						  "md126/reshape_position", "md126/dev-sda/recovery_start" };

	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sda/state", "in_sync,external_bbl");
	rig_next();
	rig_next();
	for (unsigned i = 0; i < COUNT(polled); i++)
		assert_true(md_is_polled(polled[i]));
	for (unsigned i = 0; i < COUNT(not_polled); i++)
		assert_false(md_is_polled(not_polled[i]));
	/* its bad blocks are none of our business: md fails it instead */
	assert_false(md_is_polled("md126/dev-sdb/bad_blocks"));
	forget_steps();
}

/* Each of them leads to a look at the array, which reads all of it: md does not notify of each change. */
static void test_each_event(void **state)
{
	static const char *const events[] = { "md126/array_state", "md126/sync_action", "md126/sync_completed",
					      "md126/dev-sda/state", "md126/dev-sdb/state" };

	for (unsigned i = 0; i < COUNT(events); i++) {
		rig_set_up(state);
		rig_adopted("md126", 2);
		md_says_silently("md126/array_state", "write-pending");
		md_says(events[i], md_reads(events[i]));
		assert_int_equal(rig_next(), 0);
		assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
		rig_tear_down(state);
	}
}

/* md has taken the attributes of redundancy away: what is dead reports events for ever, and must not be polled. */
static void test_no_more_redundancy(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/sync_action", ENODEV);
	md_fails_reading("md126/sync_completed", ENODEV);
	rig_next();
	assert_int_equal(rig_next(), 5000);
	assert_false(md_is_polled("md126/sync_action") || md_is_polled("md126/sync_completed"));
	assert_true(md_is_polled("md126/array_state"));
}

/* An array is gone, and is kept because its metadata cannot be written: it must not keep the monitor from waiting. */
static void test_a_dead_array(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	handler.sync_error = -EIO;
	md_fails_reading("md126/array_state", ENODEV);
	md_fails_reading("md126/sync_action", ENODEV);
	md_fails_reading("md126/sync_completed", ENODEV);
	md_fails_reading("md126/dev-sda/state", ENODEV);
	md_fails_reading("md126/dev-sdb/state", ENODEV);
	rig_next();
	forget_steps();
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata not written\nmanager woken\n");
}

/* Lists of bad blocks that cannot be read. */
static void test_dead_bad_blocks(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sda/state", "in_sync,external_bbl");
	rig_next();
	md_fails_reading("md126/dev-sda/bad_blocks", ENODEV);
	rig_next();
	rig_next();
	assert_false(md_is_polled("md126/dev-sda/bad_blocks"));
	forget_steps();
}

/* More attributes than can be polled: the timer still sees those that are left out. */
static void test_too_many_attributes(void **state)
{
	const unsigned members = MAX_POLL_FDS + 10;
	struct rig_array *ra = rig_adopted("md126", 2);
	struct active_array *large = calloc(1, sizeof(*large) + members * sizeof(large->disks[0]));

	(void)state;
	assert_non_null(large);
	*large = *rig_copy(ra);
	large->disk_count = members;
	for (unsigned i = 0; i < members; i++)
		large->disks[i] = &ra->member[0];
	rig_monitor.arrays = large;
	md_interrupt();
	monitor_wait(&rig_monitor, NULL);
	assert_int_equal(rig_monitor.poll_count, MAX_POLL_FDS);
	free(large);
}

/* ---- what is read, in which order ---- */

static void test_the_state_is_read_first(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sdb/state", "in_sync");
	md_trace_reads(true);
	rig_next();
	assert_steps("read md126/array_state\nread md126/sync_action\nread md126/resync_start\n"
		     "read md126/sync_completed\nread md126/dev-sda/state\nread md126/dev-sdb/state\n");
}

/* md marks a member faulty first, and only then has writes wait: both happen while the pass reads. */
static void a_write_fails(void)
{
	md_says("md126/dev-sda/state", "faulty,blocked");
	md_says("md126/array_state", "write-pending");
}

static void test_a_failure_behind_write_pending_is_seen(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "idle");
	md_while_reading("md126/array_state", a_write_fails);
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
}

/* A moment later: the failure is seen, the write that waits is not. It is answered in the next pass. */
static void test_a_write_behind_the_state(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "idle");
	md_while_reading("md126/dev-sda/state", a_write_fails);
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
	md_says("md126/dev-sda/state", "faulty");
	assert_int_equal(rig_next(), 0);
	assert_steps("md126: dirty\nmetadata written\nask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n");
}

/* Not during the life of a write: attributes outside the kernel's list of those that are read without memory. */
static void test_what_is_read_when_it_matters(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sdb/state", "spare");
	rig_next();
	forget_steps();
	md_trace_reads(true);
	md_says("md126/array_state", "readonly");
	rig_next();
	assert_steps("read md126/array_state\nread md126/sync_action\nread md126/resync_start\n"
		     "read md126/sync_completed\nread md126/dev-sda/state\n"
		     "read md126/dev-sdb/state\nread md126/dev-sdb/recovery_start\nread md126/metadata_version\n"
		     "ask md126: read-auto\nmanager woken\n");
}

/* The kernel resets it to 0 before the array is gone: that is not how far the resync has come. */
static void test_the_position_of_a_cleared_array(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);

	(void)state;
	assert_true(ra->watch.resync_start == SECTORS_NONE);
	md_says_silently("md126/resync_start", "0");
	md_says("md126/array_state", "clear");
	rig_next();
	assert_true(ra->watch.resync_start == SECTORS_NONE);
	forget_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_lost_notification),
		TEST(test_a_look_every_five_seconds),
		TEST(test_events_do_not_put_it_off),
		TEST(test_a_signal),
		TEST(test_without_arrays),
		TEST(test_what_is_polled),
		cmocka_unit_test(test_each_event),
		TEST(test_no_more_redundancy),
		TEST(test_a_dead_array),
		TEST(test_dead_bad_blocks),
		TEST(test_too_many_attributes),
		TEST(test_the_state_is_read_first),
		TEST(test_a_failure_behind_write_pending_is_seen),
		TEST(test_a_write_behind_the_state),
		TEST(test_what_is_read_when_it_matters),
		TEST(test_the_position_of_a_cleared_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
