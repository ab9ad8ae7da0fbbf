/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor as a thread of its own: it starts, is woken, answers, stops and goes on. This program is the manager; it
 * waits as the manager does, so a wake-up that is lost is a wait that ends at its limit. To be run under
 * -fsanitize=thread, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor.h"
#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define LIMIT_S 20 /* reached only by a test that is going to fail */

static void nothing(int sig)
{
	(void)sig;
}

static int group_set_up(void **state)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t set;

	(void)state;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Until the monitor wakes the manager. */
static void wait_to_be_woken(void)
{
	const struct timespec limit = { .tv_sec = LIMIT_S };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(sigtimedwait(&set, NULL, &limit), SIGUSR1);
}

/* A client asks: afterwards the monitor has seen everything that was so before. */
static void ping(void)
{
	unsigned ticket = handoff_draw_ticket();

	while (!handoff_ticket_honoured(ticket))
		wait_to_be_woken();
}

static struct rig_array *start_with_an_array(void)
{
	struct rig_array *ra = rig_array("md126", 2);

	md_in_real_time();
	handoff_set_manager((pid_t)syscall(SYS_gettid));
	handoff_publish(rig_copy(ra)); /* the monitor does not run yet: it has to look by itself */
	assert_int_equal(monitor_start(&handler.st), 0);
	ping();
	return ra;
}

/* What has been given back, which the monitor does not touch again. */
static struct active_array *all_given_back(unsigned *count)
{
	struct active_array *first = handoff_take_discarded();

	*count = 0;
	for (const struct handoff_node *n = &first->node; n; n = n->next)
		++*count;
	return first;
}

static void end_array(void)
{
	unsigned count;

	md_says("md126/array_state", "inactive");
	ping();
	assert_non_null(all_given_back(&count));
	assert_int_equal(count, 1);
}

static void test_a_life(void **state)
{
	(void)state;
	start_with_an_array();
	assert_steps("md126: bound\nmd126: clean\nmd126[0]: in sync\nmd126[1]: in sync\nmetadata written\n"
		     "ticket 1 honoured\n");
	md_says("md126/array_state", "write-pending");
	ping();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nticket 2 honoured\n");
	end_array();
	assert_steps("md126: clean\nmetadata written\nmd126: let go\nmd126: given back\nticket 3 honoured\nmanager woken\n");
	monitor_stop();
}

static void test_it_is_woken_for_updates(void **state)
{
	struct metadata_update *u, *back;

	(void)state;
	start_with_an_array();
	u = rig_update(UPDATE_MESSAGE, 1);
	do
		wait_to_be_woken();
	while (!(back = handoff_take_handled()));
	assert_ptr_equal(back, u);
	assert_true(u->durable);
	end_array();
	monitor_stop();
}

/* The manager takes requests while the monitor works; the copies that it publishes come back. */
static void test_copies_go_round(void **state)
{
	struct rig_array *ra;
	unsigned count;

	(void)state;
	ra = start_with_an_array();
	md_says("md126/dev-sda/state", "faulty");
	for (unsigned i = 1; i < 8; i++) {
		struct active_array *back;

		handoff_publish(rig_duplicate(ra));
		ping();
		back = all_given_back(&count);
		assert_int_equal(count, 1);
		assert_ptr_equal(back, ra->copy[i - 1]);
		assert_int_equal(handoff_take_array_requests(rig_copy(ra)), ARRAY_WANT_MEMBERS);
		assert_int_equal(handoff_take_member_requests(&ra->member[0]), MEMBER_WANT_REMOVE);
	}
	end_array();
	monitor_stop();
}

/* A takeover that fails half way: the monitor was stopped, and goes on where it was. */
static void test_it_stops_and_goes_on(void **state)
{
	(void)state;
	start_with_an_array();
	handoff_stop_monitor();
	while (!handoff_monitor_ended())
		wait_to_be_woken();
	monitor_stop();
	forget_steps();
	md_says("md126/array_state", "write-pending");
	assert_int_equal(monitor_start(&handler.st), 0);
	ping();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nticket 2 honoured\n");
	end_array();
	monitor_stop();
}

static atomic_bool write_is_out;

static void look_for_hanging(struct supertype *st, struct hanging_disks *h)
{
	(void)st;
	*h = (struct hanging_disks){ .event_fd = -1, .count = write_is_out };
	h->disk[0].dev = 77;
	h->disk[0].since_ns = 1;
}

/* A successor would read what that write may change later. Until then all goes on as ever. */
static void test_it_does_not_stop_while_a_write_is_out(void **state)
{
	(void)state;
	handler.ss.look_for_hanging = look_for_hanging;
	write_is_out = true;
	start_with_an_array();
	handoff_stop_monitor();
	for (unsigned i = 0; i < 50; i++) {
		usleep(1000);
		assert_false(handoff_monitor_ended());
	}
	ping();
	forget_steps();
	md_says("md126/array_state", "write-pending");
	ping();
	assert_among_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\n");
	forget_steps();
	assert_false(handoff_monitor_ended());
	assert_int_equal(handoff_writing_since(), 1);
	write_is_out = false;
	handoff_wake_monitor();
	while (!handoff_monitor_ended())
		wait_to_be_woken();
	monitor_stop();
	assert_int_equal(monitor_start(&handler.st), 0);
	end_array();
	monitor_stop();
	forget_steps();
}

/* The request to stop may come at any moment, also just before it waits. */
static void test_it_stops_at_any_moment(void **state)
{
	(void)state;
	start_with_an_array();
	for (int i = 0; i < 200; i++) {
		monitor_stop();
		assert_int_equal(monitor_start(&handler.st), 0);
		if (i % 2)
			ping();
	}
	end_array();
	monitor_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_life, rig_set_up, rig_tear_down),
		cmocka_unit_test_setup_teardown(test_it_is_woken_for_updates, rig_set_up, rig_tear_down),
		cmocka_unit_test_setup_teardown(test_copies_go_round, rig_set_up, rig_tear_down),
		cmocka_unit_test_setup_teardown(test_it_stops_and_goes_on, rig_set_up, rig_tear_down),
		cmocka_unit_test_setup_teardown(test_it_stops_at_any_moment, rig_set_up, rig_tear_down),
		cmocka_unit_test_setup_teardown(test_it_does_not_stop_while_a_write_is_out, rig_set_up, rig_tear_down),
	};

	return cmocka_run_group_tests(tests, group_set_up, NULL);
}
