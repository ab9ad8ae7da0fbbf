/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resync, rebuild, check and reshape: how they begin and end, how far they are, what is asked for and said about them.
 * docs/kernel-md.md 6.4, 6.5, 6.7; docs/mdmon.md 11.3 rules 7 to 9, 11.4.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

/* md126 has three slots, and the metadata say of sdc that it is to be rebuilt. */
static struct rig_array *degraded(void)
{
	struct rig_array *ra = rig_array("md126", 3);

	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/dev-sdc/recovery_start", "0");
	handoff_publish(rig_copy(ra));
	rig_signal();
	forget_steps();
	rig_forget_messages();
	return ra;
}

static struct rig_array *rebuilding(void)
{
	struct rig_array *ra = degraded();

	md_says("md126/sync_completed", "0 / 100000");
	md_says("md126/sync_action", "recover");
	rig_next();
	forget_steps();
	return ra;
}

static void sdc_is_rebuilt(void)
{
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/dev-sdc/state", "in_sync");
	md_says_silently("md126/dev-sdc/recovery_start", "none");
	md_says("md126/sync_completed", "none");
	md_says("md126/sync_action", "idle");
}

/* ---- rebuild ---- */

/* That stays, for a handler that learns only later which disk it is. */
static void test_who_has_been_rebuilt(void **state)
{
	struct rig_array *ra = rebuilding();

	(void)state;
	assert_false(ra->member[2].rebuilt);
	sdc_is_rebuilt();
	rig_next();
	assert_true(ra->member[2].rebuilt);
	ra->watch.look = true;
	rig_signal();
	assert_true(ra->member[2].rebuilt);
	assert_false(ra->member[0].rebuilt);
}

static void test_a_rebuild_ends(void **state)
{
	(void)state;
	rebuilding();
	md_says_silently("md126/array_state", "clean");
	assert_message("md126: rebuild begins");
	md_time_passes(90000);
	sdc_is_rebuilt();
	rig_next();
	assert_steps("md126: dirty\nmd126[2]: in sync\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md126: rebuild ended after 90 s, 3 of 3 members in sync");
}

/* Too fast to be seen: what is counts, not what has changed. */
static void test_a_rebuild_that_nobody_saw(void **state)
{
	(void)state;
	degraded();
	sdc_is_rebuilt();
	rig_next();
	assert_steps("md126: dirty\nmd126[2]: in sync\nmetadata written\nmd126/array_state <- active\n");
}

/* Nor is it on record that it had begun, for the daemon that began it died: all is well in md, and not in the metadata. */
static void test_a_rebuild_that_nobody_recorded(void **state)
{
	(void)state;
	handler.unrecorded = makedev(8, 32);
	handoff_publish(rig_copy(rig_array("md126", 3)));
	rig_signal();
	assert_non_null(strstr(steps(), "ask md126: spares\n"));
	forget_steps();
	rig_next();
	assert_steps("");
}

/* mdadm freezes the array at that very moment. */
static void test_a_rebuild_ends_frozen(void **state)
{
	(void)state;
	rebuilding();
	sdc_is_rebuilt();
	md_says("md126/sync_action", "frozen");
	rig_next();
	assert_steps("md126: dirty\nmd126[2]: in sync\nmetadata written\nmd126/array_state <- active\n");
}

/* Interrupted: the slot is still to be filled. */
static void test_a_rebuild_is_given_up(void **state)
{
	(void)state;
	rebuilding();
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/sync_completed", "none");
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nask md126: spares\n"
		     "md126/array_state <- active\nmanager woken\n");
}

/* The disk that is rebuilt fails. */
static void test_the_new_disk_fails(void **state)
{
	(void)state;
	rebuilding();
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/dev-sdc/state", "faulty,blocked");
	rig_next();
	assert_steps("md126: dirty\nmd126[2]: failed\nmetadata written\nask md126/sdc: unblock remove\nmanager woken\n");
	assert_message("md126: rebuild ended after 0 s, 2 of 3 members in sync");
}

/* md says "recover" for a moment after each failure: nothing is being rebuilt. */
static void test_nothing_to_rebuild_on(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sda/state", "faulty");
	md_says("md126/sync_action", "recover");
	rig_next();
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_no_message("rebuild");
	forget_steps();
}

static void test_found_rebuilding(void **state)
{
	struct rig_array *ra = rig_array("md126", 3);

	(void)state;
	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/sync_action", "recover");
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_message("md126: rebuild goes on");
	forget_steps();
}

/* ---- resync ---- */

static void test_a_resync_ends(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "resync");
	rig_next();
	forget_steps();
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/sync_action", "idle");
	rig_next();
	/* what failed meanwhile may be replaced now */
	assert_steps("md126: dirty\nmetadata written\nask md126: spares\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md126: resync ended after 0 s, 2 of 2 members in sync");
}

/* A check leaves nothing to be recorded but the answer that md waits for. */
static void test_a_check_ends(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "check");
	rig_next();
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/sync_action", "idle");
	forget_steps();
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md126: check begins\n");
}

static void test_what_each_is_called(void **state)
{
	static const char *const names[][2] = {
		{ "resync", "md126: resync begins\n" },
		{ "repair", "md126: repair begins\n" },
		{ "check", "md126: check begins\n" },
		{ "reshape", "md126: reshape begins\n" },
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		rig_set_up(state);
		rig_adopted("md126", 2);
		md_says("md126/sync_action", names[i][0]);
		rig_next();
		assert_message(names[i][1]);
		rig_tear_down(state);
	}
}

/* ---- how far ---- */

static void test_checkpoints(void **state)
{
	struct rig_array *ra = rebuilding();

	(void)state;
	md_says("md126/sync_completed", "40000 / 100000");
	rig_next();
	assert_int_equal(ra->watch.last_checkpoint, 40000);
	/* "delayed", or read between two of them: what is known stays */
	md_says("md126/sync_completed", "delayed");
	rig_next();
	assert_int_equal(ra->watch.last_checkpoint, 40000);
	/* at its end the position says nothing any more, and must not be that of the next sync */
	md_says("md126/sync_completed", "100000 / 100000");
	rig_next();
	assert_int_equal(ra->watch.last_checkpoint, 0);
}

/* Another sync begins, and the position of the one before is of no use to it. */
static void test_the_next_sync_begins_anew(void **state)
{
	struct rig_array *ra = rebuilding();

	(void)state;
	md_says("md126/sync_completed", "40000 / 100000");
	rig_next();
	md_says("md126/sync_completed", "16 / 100000");
	md_says("md126/sync_action", "resync");
	rig_next();
	assert_int_equal(ra->watch.last_checkpoint, 16);
	forget_steps();
}

static void test_an_interrupted_resync(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);

	(void)state;
	md_says("md126/sync_action", "resync");
	md_says("md126/sync_completed", "30000 / 100000");
	rig_next();
	md_says_silently("md126/resync_start", "50000");
	md_says("md126/sync_completed", "none");
	md_says("md126/sync_action", "frozen");
	rig_next();
	assert_int_equal(ra->watch.last_checkpoint, 50000);
	assert_int_equal(ra->watch.resync_start, 50000);
	forget_steps();
}

/* ---- reshape ---- */

static void test_a_reshape(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);

	(void)state;
	md_says_silently("md126/reshape_position", "0");
	md_says("md126/array_state", "active");
	md_says("md126/sync_action", "reshape");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nask md126: reshape\nmanager woken\n");
	assert_message("md126: reshape begins");
	/* it goes on: nothing to ask for again */
	md_says("md126/sync_completed", "1000 / 100000");
	rig_next();
	assert_false(ra->watch.reshape_done);
	assert_steps("");
	/* paused, frozen: not at its end */
	md_says_silently("md126/reshape_position", "1000");
	md_says("md126/sync_action", "frozen");
	rig_next();
	assert_false(ra->watch.reshape_done);
	md_says("md126/sync_action", "reshape");
	rig_next();
	forget_steps();
	md_says_silently("md126/reshape_position", "none");
	md_says_silently("md126/array_state", "write-pending");
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_true(ra->watch.reshape_done);
	assert_steps("md126/array_state <- active\nmanager woken\n");
	rig_next();
	assert_false(ra->watch.reshape_done);
}

/* Nobody reshapes, or is about to: only then may the handler take the metadata for what they say. */
static void test_nobody_reshapes(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);

	(void)state;
	assert_true(ra->watch.reshape_idle);
	md_says("md126/array_state", "active");
	rig_next();
	assert_false(ra->watch.reshape_idle); /* it was not looked at */
	md_says_silently("md126/metadata_version", "external:-md127/0");
	rig_next();
	assert_int_equal(rig_next(), 5000);
	assert_false(ra->watch.reshape_idle);
	md_says_silently("md126/metadata_version", "external:/md127/0");
	assert_int_equal(rig_next(), 5000);
	assert_true(ra->watch.reshape_idle);
	md_says_silently("md126/reshape_position", "2048");
	assert_int_equal(rig_next(), 5000);
	assert_false(ra->watch.reshape_idle);
	forget_steps();
}

static uint64_t new_size;
static enum consistency (*real_set_array_state)(struct active_array *a, enum consistency c);

static enum consistency with_a_new_size(struct active_array *a, enum consistency c)
{
	a->watch->custom_array_size = new_size;
	return real_set_array_state(a, c);
}

/* The manager raises what mdadm held down; once, when the metadata know of it. */
static void test_a_new_size(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);

	(void)state;
	real_set_array_state = handler.ss.set_array_state;
	handler.ss.set_array_state = with_a_new_size;
	new_size = 300000;
	handler.sync_error = -EIO;
	md_says("md126/array_state", "active");
	rig_next();
	assert_steps("md126: dirty\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	rig_next();
	assert_steps("metadata written\nask md126: size 300000\nmanager woken\n");
	assert_int_equal(handoff_new_size(rig_copy(ra)), 300000);
	md_says("md126/array_state", "active");
	rig_next();
	assert_steps("");
	new_size = 400000;
	md_says("md126/array_state", "active");
	rig_next();
	assert_steps("ask md126: size 400000\nmanager woken\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_has_been_rebuilt),
		TEST(test_a_rebuild_ends),
		TEST(test_a_rebuild_that_nobody_saw),
		TEST(test_a_rebuild_that_nobody_recorded),
		TEST(test_a_rebuild_ends_frozen),
		TEST(test_a_rebuild_is_given_up),
		TEST(test_the_new_disk_fails),
		TEST(test_nothing_to_rebuild_on),
		TEST(test_found_rebuilding),
		TEST(test_a_resync_ends),
		TEST(test_a_check_ends),
		cmocka_unit_test(test_what_each_is_called),
		TEST(test_checkpoints),
		TEST(test_the_next_sync_begins_anew),
		TEST(test_an_interrupted_resync),
		TEST(test_a_reshape),
		TEST(test_nobody_reshapes),
		TEST(test_a_new_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
