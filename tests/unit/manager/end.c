/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a daemon ends (mdmon.md 6.3; docs/design.md, "How a daemon is replaced"): no array is left, SIGTERM, a successor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "tests/unit/support/manager-rig.h"
#include "threads/handoff.h"

#define QUIET_MS 500 /* the container is left alone for so long */

/* ---- no array is left ---- */

static void test_none_at_all(void **state)
{
	(void)state;
	mgr_start();
	mgr_settle();
	assert_steps("ready\n");
	mgr_time_passes(QUIET_MS);
	assert_steps("md127: opened exclusively\n"
		     "pid file removed\n");
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

/* Not before whoever started us has been told. */
static void test_not_before_it_is_ready(void **state)
{
	(void)state;
	mgr_start();
	mgr_time_passes(10000);
	assert_steps("");
	assert_int_equal(mgr_ended(), MANAGER_GOES_ON);
}

static void let_md126_go(void)
{
	kmd_forgets("md126");
	mgr_gives_back("md126");
	mgr_run();
}

/* The same, and nobody wants the container next. */
static void let_md126_go_for_good(void)
{
	let_md126_go();
	mgr_time_passes(QUIET_MS);
}

static void test_the_last_array_has_ended(void **state)
{
	(void)state;
	mgr_start_with_md126();
	let_md126_go();
	mgr_settle();
	assert_steps("");
	mgr_time_passes(QUIET_MS - 1);
	assert_steps("");
	mgr_time_passes(1);
	assert_steps("md127: opened exclusively\n"
		     "pid file removed\n");
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

/* Whoever holds the container counts on us: mdadm is creating the next array, perhaps. */
static void test_the_container_is_held(void **state)
{
	static const unsigned pause[] = { 20, 40, 80, 160, 320, 500, 500 };

	(void)state;
	mgr_start_with_md126();
	fakes.container_held = true;
	let_md126_go_for_good();
	for (size_t i = 0; i < sizeof(pause) / sizeof(pause[0]); i++) {
		assert_steps("md127: opened exclusively\n");
		assert_int_equal(mgr_wait_ms(), pause[i]);
		mgr_time_passes(pause[i]);
	}
	forget_steps();
	kmd_has_array("md126", "external:/md127/0", "raid1");
	mgr_settle();
	mgr_time_passes(1000);
	assert_steps("md126: published\n");
	fakes.container_held = false;
	let_md126_go_for_good();
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

/* Between the last look and the moment when we hold the container. Assembling does not hold it. */
static void test_an_array_at_the_last_moment(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.while_opening = mgr_has_md125;
	let_md126_go_for_good();
	assert_steps("md127: opened exclusively\n"
		     "md125: published\n");
	mgr_settle();
	assert_int_equal(mgr_ended(), MANAGER_GOES_ON);
}

/* mdadm --stop: the container goes as well. To open it would make a new one. */
static void test_the_container_has_gone(void **state)
{
	(void)state;
	mgr_start_with_md126();
	kmd_forgets("md127");
	let_md126_go();
	mgr_settle();
	assert_steps("pid file removed\n");
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

/* md drops the directory of a stopped container some time after it has said that it is stopped. */
static void test_the_container_goes_meanwhile(void **state)
{
	(void)state;
	mgr_start_with_md126();
	let_md126_go();
	mgr_time_passes(100);
	kmd_forgets("md127");
	mgr_time_passes(50);
	assert_steps("pid file removed\n");
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
}

/* mdadm 4.2 pings, and then takes the container, to stop it: it must not meet us there. */
static void test_a_client_that_has_just_pinged(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	let_md126_go();
	mgr_time_passes(300);
	mgr_client_sends(c, MSG_PING_MONITOR, NULL);
	mgr_settle();
	mgr_time_passes(QUIET_MS - 1);
	assert_steps("");
	mgr_time_passes(1);
	assert_steps("md127: opened exclusively\n"
		     "pid file removed\n");
}

/* Those who are connected are answered, when the pid file says already that nobody may count on us. */
static void test_the_last_clients(void **state)
{
	int late, update;

	(void)state;
	mgr_start_with_md126();
	late = mgr_client();
	update = mgr_client();
	mgr_run();
	let_md126_go_for_good();
	assert_int_equal(mgr_ended(), MANAGER_NO_ARRAYS);
	mgr_client_sends(late, MSG_PING_MONITOR, NULL);
	assert_non_null(strstr(mgr_client_gets(late), "LEN "));
	mgr_client_sends(late, MSG_STATUS, NULL);
	assert_non_null(strstr(mgr_client_gets(late), "\"container\":\"md127\""));
	mgr_client_sends(update, 3, "abc");
	assert_string_equal(mgr_client_gets(update), "closed");
	assert_int_equal(mgr_is_over(), false);
	mgr_client_leaves(late);
	assert_int_equal(mgr_is_over(), true);
}

static void test_the_last_clients_do_not_keep_us(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_client();
	mgr_run();
	let_md126_go_for_good();
	assert_false(mgr_is_over());
	mgr_time_passes(3000);
	assert_true(mgr_is_over());
}

/* ---- SIGTERM ---- */

/* The arrays are to become clean soon; none is taken on any more. The monitor is woken, and lets go of them. */
static void test_sigterm(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_sigterm();
	assert_steps("md126/safe_mode_delay <- 0.001\n");
	assert_true(handoff_draining());
	assert_true(mgr_monitor());
	mgr_run();
	kmd_has_array("md125", "external:/md127/1", "raid1");
	mgr_settle();
	assert_steps("");
	mgr_gives_back("md126");
	mgr_settle();
	mgr_time_passes(30);
	assert_steps("md127: opened exclusively\n");
	assert_int_equal(mgr_ended(), MANAGER_DRAINED);
	assert_said("array-stopped: md126: let go\n");
}

/* The array runs on: nothing is cleared. The pid file may be another's by now. */
static void test_sigterm_clears_nothing(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_array("md126")->watch->seen_running = true;
	kmd_says("md126/array_state", "inactive");
	mgr_sigterm();
	forget_steps();
	mgr_gives_back("md126");
	mgr_settle();
	mgr_time_passes(30);
	assert_steps("md127: opened exclusively\n");
}

static void test_no_spares_after_sigterm(void **state)
{
	(void)state;
	mgr_start_with_md126();
	mgr_sigterm();
	mgr_settle();
	forget_steps();
	mgr_asks("md126", ARRAY_WANT_SPARE_CHECK);
	mgr_settle();
	assert_steps("");
}

static void test_sigterm_twice(void **state)
{
	const char *text = "draining: md127: asked to end";

	(void)state;
	mgr_start_with_md126();
	mgr_sigterm();
	mgr_sigterm();
	assert_steps("md126/safe_mode_delay <- 0.001\n");
	assert_null(strstr(strstr(mgr_messages(), text) + 1, text));
}

/* mdadm's mdmon has its own files in place when it sends SIGTERM: the arrays stay as they are. */
static void test_sigterm_of_a_successor(void **state)
{
	(void)state;
	mgr_start_with_md126();
	fakes.replaced = true;
	mgr_sigterm();
	assert_steps("");
	assert_true(handoff_monitor_must_stop());
	mgr_monitor_ends();
	assert_steps("monitor stopped\n");
	assert_int_equal(mgr_ended(), MANAGER_HANDED_OVER);
	assert_said("handed-over: md127: another daemon has taken over\n");
}

/* ---- a successor ---- */

/* The monitor ends after a complete pass; then the successor gets the socket, with those who wait there. */
static void test_handover(void **state)
{
	int c, listener;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	assert_string_equal(mgr_client_gets(c), "nothing");
	assert_true(mgr_monitor()); /* it has been woken */
	assert_true(handoff_monitor_must_stop());
	mgr_monitor_ends();
	assert_steps("monitor stopped\n");
	assert_int_equal(mgr_ended(), MANAGER_HANDED_OVER);
	assert_string_equal(mgr_client_gets_socket(c, &listener), "LEN 9: handover");
	assert_true(listener >= 0);
	close(listener);
	assert_said("handed-over: md127: handed over to process ");
}

/* What a client has asked for is done first, but not for ever. */
static void test_handover_after_what_is_half_done(void **state)
{
	int c, other;

	(void)state;
	mgr_start_with_md126();
	other = mgr_client();
	mgr_client_sends(other, 3, "abc");
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	assert_false(handoff_monitor_must_stop());
	mgr_settle();
	assert_string_equal(mgr_client_gets(other), "LEN 0");
	assert_false(handoff_monitor_must_stop());
	mgr_client_leaves(other);
	assert_true(handoff_monitor_must_stop());
}

static void test_handover_does_not_wait_for_ever(void **state)
{
	int c, other;

	(void)state;
	mgr_start_with_md126();
	other = mgr_client();
	mgr_client_sends(other, 3, "abc");
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	assert_int_equal(mgr_wait_ms(), 500);
	mgr_time_passes(499);
	assert_false(handoff_monitor_must_stop());
	mgr_time_passes(1);
	assert_true(handoff_monitor_must_stop());
}

/* The helper may be inside a write to md for long: it is waited for within the same limit. */
static void test_handover_waits_for_the_helper(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	mgr_asks_for_member("md126", 'b', MEMBER_WANT_REMOVE);
	mgr_run();
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	assert_false(handoff_monitor_must_stop());
	mgr_helper();
	mgr_settle();
	assert_true(handoff_monitor_must_stop());
}

/* The last updates that it applied are answered. */
static void test_updates_of_the_last_pass(void **state)
{
	int c, other;

	(void)state;
	mgr_start_with_md126();
	other = mgr_client();
	mgr_client_sends(other, 3, "abc");
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	mgr_time_passes(500);
	fakes.while_stopping = mgr_monitor_pass;
	handoff_note_monitor_ended();
	mgr_run();
	assert_int_equal(mgr_ended(), MANAGER_HANDED_OVER);
	assert_string_equal(mgr_client_gets(other), "LEN 0");
}

/* The successor died while it waited for us: somebody has to look after the arrays. */
static void test_the_successor_has_gone(void **state)
{
	int c;

	(void)state;
	mgr_start_with_md126();
	c = mgr_client();
	mgr_client_sends(c, MSG_HANDOVER, NULL);
	mgr_client_leaves(c);
	mgr_monitor_ends();
	assert_int_equal(mgr_ended(), MANAGER_GOES_ON);
	assert_steps("monitor stopped\n"
		     "monitor started\n"
		     "pid file restored\n");
	assert_said("warning: md127: the successor has gone; going on\n");
	kmd_says("md126/raid_disks", "3");
	mdstat_changes();
	mgr_settle();
	assert_steps("md126: published again sda[0] sdb[1]\n");
}

static void test_two_successors(void **state)
{
	int first, second;

	(void)state;
	mgr_start_with_md126();
	first = mgr_client();
	second = mgr_client();
	mgr_client_sends(first, MSG_HANDOVER, NULL);
	mgr_client_sends(second, MSG_HANDOVER, NULL);
	assert_string_equal(mgr_client_gets(second), "closed");
	assert_string_equal(mgr_client_gets(first), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mgr_test(test_none_at_all),
		mgr_test(test_not_before_it_is_ready),
		mgr_test(test_the_last_array_has_ended),
		mgr_test(test_the_container_is_held),
		mgr_test(test_an_array_at_the_last_moment),
		mgr_test(test_the_container_has_gone),
		mgr_test(test_the_container_goes_meanwhile),
		mgr_test(test_a_client_that_has_just_pinged),
		mgr_test(test_the_last_clients),
		mgr_test(test_the_last_clients_do_not_keep_us),
		mgr_test(test_sigterm),
		mgr_test(test_sigterm_clears_nothing),
		mgr_test(test_no_spares_after_sigterm),
		mgr_test(test_sigterm_twice),
		mgr_test(test_sigterm_of_a_successor),
		mgr_test(test_handover),
		mgr_test(test_handover_after_what_is_half_done),
		mgr_test(test_handover_does_not_wait_for_ever),
		mgr_test(test_handover_waits_for_the_helper),
		mgr_test(test_updates_of_the_last_pass),
		mgr_test(test_the_successor_has_gone),
		mgr_test(test_two_successors),
	};

	return cmocka_run_group_tests(tests, mgr_begin, mgr_end);
}
