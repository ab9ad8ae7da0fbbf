/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attribute that cannot be read for a moment, for the kernel is short of memory, say: that is no news. What is gone says
 * ENODEV (docs/kernel-md.md 3.1).
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

static const char *const attributes[] = {
	"md126/array_state",	 "md126/sync_action",	  "md126/resync_start",
	"md126/sync_completed", "md126/dev-sda/state", "md126/dev-sdb/state",
};

/* One that cannot be read once, whichever it is: nothing is concluded, and what has happened is seen 50 ms later. */
static void test_any_attribute_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		rig_set_up(NULL);
		rig_adopted("md126", 2);
		md_fails_reading(attributes[i], ENOMEM);
		md_says("md126/dev-sda/state", "faulty,blocked");
		md_says_silently("md126/array_state", "write-pending");
		rig_next();
		assert_steps("");
		md_fails_reading(attributes[i], 0);
		assert_int_equal(rig_next(), 50);
		assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
		rig_tear_down(NULL);
	}
}

/* Nobody takes it for a disk that has left. */
static void test_member_is_not_gone(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/dev-sdb/state", ENOMEM);
	md_says("md126/array_state", "write-pending");
	rig_next();
	md_fails_reading("md126/dev-sdb/state", 0);
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
	assert_no_message("sdb");
}

/* What ends while something else cannot be read is seen to end all the same: the manager is told once that nothing runs. */
static void test_end_of_a_check_is_seen(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "check");
	rig_next();
	forget_steps();
	rig_forget_messages();
	md_fails_reading("md126/dev-sda/state", ENOMEM);
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_no_message("check");
	assert_null(strstr(steps(), "manager woken"));
	md_fails_reading("md126/dev-sda/state", 0);
	rig_next();
	assert_message("md126: check ended");
	assert_non_null(strstr(steps(), "manager woken"));
}

/* Nor does a client get its answer before. */
static void test_ping_waits(void **state)
{
	unsigned ticket;

	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/sync_action", ENOMEM);
	ticket = handoff_draw_ticket();
	rig_signal();
	assert_false(handoff_ticket_honoured(ticket));
	md_fails_reading("md126/sync_action", 0);
	rig_next();
	assert_true(handoff_ticket_honoured(ticket));
}

/* It is not read again and again in between, for what cannot be read reports its event for ever. */
static void test_read_every_50_ms(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/dev-sda/state", ENOMEM);
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_int_equal(rig_next(), 50);
	assert_int_equal(rig_next(), 50);
	assert_steps("");
}

/* After a second a write does not wait for that any more. What was known of the member is what counts. */
static void test_not_for_ever(void **state)
{
	unsigned waited = 0;

	(void)state;
	rig_adopted("md126", 2);
	md_fails_reading("md126/dev-sda/state", EIO);
	md_says("md126/array_state", "write-pending");
	for (unsigned n = 0; n < 100 && strcmp(md_reads("md126/array_state"), "active") != 0; n++)
		waited += rig_next();
	assert_in_range(waited, 900, 1000);
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
	assert_message("md126: the kernel does not say how it is");
	forget_steps();
	/* And the next one does not wait again. */
	md_says("md126/array_state", "clean");
	assert_int_equal(rig_next(), 0);
	md_says("md126/array_state", "write-pending");
	assert_int_equal(rig_next(), 0);
	assert_string_equal(md_reads("md126/array_state"), "active");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_attribute_once),
		TEST(test_member_is_not_gone),
		TEST(test_end_of_a_check_is_seen),
		TEST(test_ping_waits),
		TEST(test_read_every_50_ms),
		TEST(test_not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
