/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients of the control socket are answered, and when (mdmon.md 7.2, 11.7; docs/design.md, "Who owns what, and
 * how it changes hands"): not before what they have been told is true.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "msg.h"
#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

/* ---- the start ---- */

/* Whoever started us may go on when all arrays have been taken on, and not before. */
static void test_ready(void **state)
{
	(void)state;
	mgr_has_md126();
	mgr_start();
	assert_steps("md126: published sda[0] sdb[1]\n");
	mgr_time_passes(10000);
	assert_steps("");
	assert_true(mgr_monitor());
	assert_true(mgr_run());
	assert_steps("ready\n");
}

/* ---- pings ---- */

static void test_ping_of_the_monitor(void **state)
{
	char expected[200];
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	assert_string_equal(mgr_client_gets(c), "nothing");
	assert_true(mgr_monitor());
	assert_true(mgr_run());
	snprintf(expected, sizeof(expected), "LEN %zu: %s", msg_version_length(), msg_version_string);
	assert_string_equal(mgr_client_gets(c), expected);
}

static void test_ping_of_the_manager(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MANAGER, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
	mgr_client_sends(c, -77, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
}

/* mdadm has changed something that gives no event: the ping makes us look. */
static void test_a_ping_makes_us_look(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/raid_disks", "3");
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	assert_steps("md126: published again sda[0] sdb[1]\n");
	mgr_settle();
	assert_int_equal(mgr_array("md126")->raid_disks, 3);
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* ... and what did not work is tried at once. */
static void test_a_ping_ends_a_pause(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/array_state", "readonly");
	kmd_refuses("md126/array_state", "active", EBUSY);
	mgr_asks("md126", ARRAY_WANT_ACTIVE);
	mgr_run();
	kmd_runs("md126", false); /* mdstat gives no reason */
	mgr_run();
	kmd_refuses("md126/array_state", "active", 0);
	forget_steps();
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	mgr_settle();
	assert_steps("md126/array_state <- active\n");
}

/* A client pings, and the monitor asks for that in the pass that the ping waits for. The client. */
static int pings_while_the_monitor_asks(unsigned bits)
{
	int c;

	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	assert_string_equal(mgr_client_gets(c), "nothing");
	handoff_request_member(mgr_array("md126"), mgr_member("md126", 'b'), bits);
	assert_true(mgr_monitor());
	mgr_run();
	return c;
}

/* What the monitor asked for in the pass that the ping waited for has been done before the answer. */
static void test_the_pass_is_over_with_all_that_follows(void **state)
{
	int c = pings_while_the_monitor_asks(MEMBER_WANT_UNBLOCK);

	(void)state;
	assert_steps("md126/dev-sdb/state <- -blocked\n");
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* mdadm takes a member that has failed for removed when it is answered (mdmon.md 8, "--remove" and "grow: take over"). */
static void test_a_failed_member_is_removed_before_the_answer(void **state)
{
	int c = pings_while_the_monitor_asks(MEMBER_WANT_REMOVE);

	(void)state;
	assert_string_equal(mgr_client_gets(c), "nothing");
	kmd_refuses("md126/dev-sdb/state", "remove", EBUSY);
	mgr_helper();
	assert_string_equal(mgr_client_gets(c), "nothing");
	kmd_refuses("md126/dev-sdb/state", "remove", 0);
	mgr_time_passes(20);
	mgr_helper();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* ... but an array that sleeps keeps nobody waiting for long. */
static void test_a_removal_that_sleeps_holds_a_ping_for_a_second(void **state)
{
	int c = pings_while_the_monitor_asks(MEMBER_WANT_REMOVE);

	(void)state;
	assert_int_equal(mgr_wait_ms(), 1000);
	mgr_time_passes(1000);
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* Who is asked waits for no client. */
static void test_pings_of_many(void **state)
{
	int c[5];

	(void)state;
	mgr_start_with_md126();
	for (int i = 0; i < 5; i++) {
		c[i] = mgr_client();
		mgr_client_sends(c[i], i % 2 ? MSG_PING_MANAGER : MSG_PING_MONITOR, NULL);
	}
	mgr_settle();
	for (int i = 0; i < 5; i++)
		assert_non_null(strstr(mgr_client_gets(c[i]), i % 2 ? "LEN 0" : "mdadm - v"));
}

/* A ticket of its own for each: a pass that began before the second ping says nothing to it. */
static void test_a_ping_during_a_pass(void **state)
{
	unsigned seen;
	int first, second;

	(void)state;
	mgr_start_with_md126();
	first = mgr_client();
	second = mgr_client();
	mgr_client_sends(first, MSG_PING_MONITOR, NULL);
	seen = handoff_pass_begin();
	mgr_client_sends(second, MSG_PING_MONITOR, NULL);
	handoff_pass_end(seen, false);
	assert_true(mgr_run());
	assert_non_null(strstr(mgr_client_gets(first), "LEN "));
	assert_string_equal(mgr_client_gets(second), "nothing");
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(second), "LEN "));
}

/* ---- updates ---- */

static void test_an_update(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	assert_steps("update: message of 3 bytes\n");
	mgr_time_passes(10000);
	assert_string_equal(mgr_client_gets(c), "nothing");
	assert_true(mgr_monitor());
	assert_true(mgr_run());
	assert_string_equal(mgr_client_gets(c), "LEN 0");
}

/* The metadata say that nothing has changed: that is answer enough (mdmon.md 7.2). */
static void test_a_refused_update(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	fakes.update_error = -EINVAL;
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
}

static void test_an_update_that_makes_no_sense(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	fakes.prepare_error = -EINVAL;
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	assert_steps("");
	assert_string_equal(mgr_client_gets(c), "LEN 0");
}

/* No disk took it: to answer would be a lie. */
static void test_an_update_that_is_not_durable(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	fakes.not_durable = true;
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "closed");
}

static void test_an_update_of_a_client_that_has_gone(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	mgr_client_leaves(c);
	mgr_settle();
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MANAGER, NULL);
	mgr_settle();
	assert_string_equal(mgr_client_gets(c), "LEN 0");
}

/* After SIGTERM nothing is changed any more. */
static void test_an_update_that_comes_too_late(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	mgr_sigterm();
	forget_steps();
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	assert_steps("");
	assert_string_equal(mgr_client_gets(c), "closed");
	assert_said("update-dropped: md127: a change of the metadata came too late and is not acknowledged\n");
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	mgr_settle();
	assert_non_null(strstr(mgr_client_gets(c), "LEN "));
}

/* ---- status ---- */

/* At once: the monitor may be waiting for a disk, and that is what they want to know. */
static void test_status(void **state)
{
	const char *text;
	int c;

	(void)state;
	mgr_start_with_md126();
	kmd_says("md126/sync_action", "recover");
	kmd_says("md126/sync_completed", "1000 / 100000");
	kmd_says("md126/sync_speed", "5000");
	c = mgr_client();
	mgr_client_sends(c, MSG_STATUS, NULL);
	text = mgr_client_gets(c);
	assert_non_null(strstr(text, "\"container\":\"md127\""));
	assert_non_null(strstr(text, "\"writing_ms\":null"));
	assert_non_null(strstr(text, "\"clients\":1"));
	assert_non_null(strstr(text, "\"name\":\"sdb\""));
}

static void test_status_while_a_disk_does_not_answer(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	handoff_note_writing(mgr_now_ns());
	mgr_time_passes(7000);
	c = mgr_client();
	mgr_client_sends(c, 3, "abc");
	c = mgr_client();
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	c = mgr_client();
	mgr_client_sends(c, MSG_STATUS, NULL);
	assert_non_null(strstr(mgr_client_gets(c), "\"writing_ms\":7000"));
	mgr_client_sends(c, MSG_STATUS, NULL);
	assert_non_null(strstr(mgr_client_gets(c), "\"queues\":{\"updates\":1,\"pings\":1,\"clients\":3"));
}

/* A start that gets no answer to its ping wants to know whether we are only waiting for a disk. */
static void test_whether_it_is_writing(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_WRITING, NULL);
	assert_string_equal(mgr_client_gets(c), "LEN 0");
	handoff_note_writing(mgr_now_ns());
	mgr_time_passes(7000);
	c = mgr_client();
	mgr_client_sends(c, MSG_WRITING, NULL);
	assert_string_equal(mgr_client_gets(c), "LEN 5: 7000");
}

/* ---- systemd ---- */

/* Alive is who has made a pass since the last time, or waits for a disk: to be restarted would not help. */
static void test_watchdog(void **state)
{
	(void)state;
	fakes.watchdog_ms = 1000;
	mgr_start_with_md126();
	assert_int_equal(mgr_wait_ms(), 1000);
	mgr_time_passes(1000);
	assert_steps("alive\n");
	mgr_time_passes(1000);
	assert_steps("");
	assert_true(mgr_monitor());
	mgr_run();
	mgr_time_passes(1000);
	assert_steps("alive\n");
	handoff_note_writing(mgr_now_ns());
	mgr_time_passes(1000);
	assert_steps("alive\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_ready),
		mgr_test(test_ping_of_the_monitor),
		mgr_test(test_ping_of_the_manager),
		mgr_test(test_a_ping_makes_us_look),
		mgr_test(test_a_ping_ends_a_pause),
		mgr_test(test_the_pass_is_over_with_all_that_follows),
		mgr_test(test_a_failed_member_is_removed_before_the_answer),
		mgr_test(test_a_removal_that_sleeps_holds_a_ping_for_a_second),
		mgr_test(test_pings_of_many),
		mgr_test(test_a_ping_during_a_pass),
		mgr_test(test_an_update),
		mgr_test(test_a_refused_update),
		mgr_test(test_an_update_that_makes_no_sense),
		mgr_test(test_an_update_that_is_not_durable),
		mgr_test(test_an_update_of_a_client_that_has_gone),
		mgr_test(test_an_update_that_comes_too_late),
		mgr_test(test_status),
		mgr_test(test_status_while_a_disk_does_not_answer),
		mgr_test(test_whether_it_is_writing),
		mgr_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
