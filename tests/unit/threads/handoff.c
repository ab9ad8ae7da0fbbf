/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand-over between the two threads, driven from one thread, where every interleaving that matters can be spelled
 * out: lists, requests, tickets, wake-ups. Reports: handoff-reports.c. Two threads that race: handoff-load.c.
 *
 * The source is included because the ticket counter must be put near its wrap-around.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/support/wake-ups.h"
#include "threads/handoff.c"

/* ---- helpers ---- */

static int reset(void **state)
{
	(void)state;
	handoff_reset();
	return 0;
}

static unsigned length(const struct handoff_node *n)
{
	unsigned count = 0;

	for (; n; n = n->next)
		count++;
	return count;
}

/* A complete pass of the monitor that finds nothing to do. */
static void empty_pass(void)
{
	handoff_pass_end(handoff_pass_begin(), false);
}

/* ---- lists ---- */

static void test_lists_begin_empty(void **state)
{
	(void)state;
	assert_null(handoff_take_published());
	assert_null(handoff_take_discarded());
	assert_null(handoff_take_updates());
	assert_null(handoff_take_handled());
}

static void test_published_arrays_keep_their_order(void **state)
{
	struct active_array a[5] = { { .member = 0 } };
	struct active_array *got;

	(void)state;
	for (int i = 0; i < 5; i++) {
		a[i].member = i;
		handoff_publish(&a[i]);
	}
	got = handoff_take_published();
	for (int i = 0; i < 5; i++) {
		assert_ptr_equal(got, &a[i]);
		got = handoff_next_array(got);
	}
	assert_null(got);
}

static void test_discarded_arrays_keep_their_order(void **state)
{
	struct active_array a[3] = { { .member = 0 } };
	struct active_array *got;

	(void)state;
	for (int i = 0; i < 3; i++)
		handoff_discard(&a[i]);
	got = handoff_take_discarded();
	for (int i = 0; i < 3; i++) {
		assert_ptr_equal(got, &a[i]);
		got = handoff_next_array(got);
	}
	assert_null(got);
}

static void test_updates_keep_their_order_both_ways(void **state)
{
	struct metadata_update u[4] = { { .status = 0 } };
	struct metadata_update *got, *next;

	(void)state;
	for (int i = 0; i < 4; i++)
		handoff_queue_update(&u[i]);
	got = handoff_take_updates();
	assert_int_equal(length(&got->node), 4);
	for (int i = 0; got; got = next, i++) {
		next = handoff_next_update(got);
		assert_ptr_equal(got, &u[i]);
		handoff_return_update(got);
	}
	got = handoff_take_handled();
	for (int i = 0; i < 4; i++) {
		assert_ptr_equal(got, &u[i]);
		got = handoff_next_update(got);
	}
	assert_null(got);
}

static void test_a_take_empties_the_list(void **state)
{
	struct active_array a = { .member = 1 }, b = { .member = 2 };

	(void)state;
	handoff_publish(&a);
	assert_ptr_equal(handoff_take_published(), &a);
	assert_null(handoff_take_published());
	handoff_publish(&b);
	assert_ptr_equal(handoff_take_published(), &b);
	assert_null(b.node.next);
}

/* The same object goes round: what was its successor in one list must not follow it into the next. */
static void test_an_object_may_be_handed_over_again(void **state)
{
	struct active_array a = { .member = 1 }, b = { .member = 2 };

	(void)state;
	handoff_publish(&a);
	handoff_publish(&b);
	handoff_take_published();
	handoff_discard(&a);
	assert_ptr_equal(handoff_take_discarded(), &a);
	assert_null(a.node.next);
	handoff_publish(&b);
	handoff_publish(&a);
	assert_ptr_equal(handoff_take_published(), &b);
	assert_ptr_equal(b.node.next, &a.node);
	assert_null(a.node.next);
}

static void test_lists_do_not_mix(void **state)
{
	struct active_array published = { .member = 1 }, discarded = { .member = 2 };
	struct metadata_update queued = { .status = 1 }, handled = { .status = 2 };

	(void)state;
	handoff_publish(&published);
	handoff_discard(&discarded);
	handoff_queue_update(&queued);
	handoff_return_update(&handled);
	assert_ptr_equal(handoff_take_handled(), &handled);
	assert_ptr_equal(handoff_take_updates(), &queued);
	assert_ptr_equal(handoff_take_discarded(), &discarded);
	assert_ptr_equal(handoff_take_published(), &published);
}

/* ---- requests ---- */

static void test_array_requests_add_up_until_taken(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };

	(void)state;
	assert_int_equal(handoff_take_array_requests(&a), 0);
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	handoff_request_array(&a, ARRAY_WANT_SPARE_CHECK);
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_ACTIVE | ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&a), 0);
}

/* What the old copy asked for is found through the new one. */
static void test_requests_outlive_the_copy(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array old = { .watch = &w }, new = { .watch = &w, .replaces = &old };

	(void)state;
	handoff_request_array(&old, ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&new), ARRAY_WANT_SPARE_CHECK);
	assert_int_equal(handoff_take_array_requests(&old), 0);
}

static void test_member_requests_are_announced_by_the_array(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct mdinfo d = { .slot = 0 }, other = { .slot = 1 };

	(void)state;
	handoff_request_member(&a, &d, MEMBER_WANT_UNBLOCK);
	handoff_request_member(&a, &d, MEMBER_WANT_REMOVE);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_MEMBERS);
	assert_int_equal(handoff_take_member_requests(&other), 0);
	assert_int_equal(handoff_take_member_requests(&d), MEMBER_WANT_UNBLOCK | MEMBER_WANT_REMOVE);
	assert_int_equal(handoff_take_member_requests(&d), 0);
}

/* ---- bad ranges ---- */

static void test_bad_ranges_have_one_owner(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct mdinfo d = { .slot = 0 };
	struct bad_range *room = handoff_bad_range_room(&d);
	const struct bad_range *got;
	unsigned count;

	(void)state;
	assert_non_null(room);
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 0);
	room[0] = (struct bad_range){ 100, 8 };
	room[1] = (struct bad_range){ 200, 8 };
	handoff_bad_ranges(&a, &d, 2);
	assert_int_equal(handoff_take_array_requests(&a), ARRAY_WANT_MEMBERS);
	assert_int_equal(handoff_take_member_requests(&d), MEMBER_WANT_BAD_BLOCKS);
	got = handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 2);
	assert_int_equal(got[1].sector, 200);
	/* Until the manager has done with them. */
	assert_null(handoff_bad_range_room(&d));
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 2);
	handoff_bad_ranges_done(&d);
	assert_ptr_equal(handoff_bad_range_room(&d), room);
	handoff_take_bad_ranges(&d, &count);
	assert_int_equal(count, 0);
}

/* ---- tickets ---- */

static void test_ticket_waits_for_a_whole_pass(void **state)
{
	unsigned t;

	(void)state;
	t = handoff_draw_ticket();
	assert_false(handoff_ticket_honoured(t));
	handoff_pass_begin();
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_a_pass_that_began_before_does_not_count(void **state)
{
	unsigned seen, t;

	(void)state;
	seen = handoff_pass_begin();
	t = handoff_draw_ticket();
	handoff_pass_end(seen, true);
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_a_pass_honours_only_what_it_saw_at_its_start(void **state)
{
	unsigned early, seen, late;

	(void)state;
	early = handoff_draw_ticket();
	seen = handoff_pass_begin();
	late = handoff_draw_ticket();
	handoff_pass_end(seen, false);
	assert_true(handoff_ticket_honoured(early));
	assert_false(handoff_ticket_honoured(late));
	empty_pass();
	assert_true(handoff_ticket_honoured(late));
}

static void test_one_pass_honours_all_earlier_tickets(void **state)
{
	unsigned t[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		t[i] = handoff_draw_ticket();
	assert_true(t[0] != t[1] && t[1] != t[2]);
	empty_pass();
	for (int i = 0; i < 3; i++)
		assert_true(handoff_ticket_honoured(t[i]));
}

static void test_tickets_stay_honoured(void **state)
{
	unsigned first, last;

	(void)state;
	first = handoff_draw_ticket();
	empty_pass();
	for (int i = 0; i < 1000; i++) {
		last = handoff_draw_ticket();
		assert_true(handoff_ticket_honoured(first));
		assert_false(handoff_ticket_honoured(last));
		empty_pass();
	}
	assert_true(handoff_ticket_honoured(last));
}

static void test_pass_sees_that_somebody_waits(void **state)
{
	unsigned seen;

	(void)state;
	assert_int_equal(handoff_pass_begin(), handoff_last_honoured());
	handoff_draw_ticket();
	seen = handoff_pass_begin();
	assert_int_not_equal(seen, handoff_last_honoured());
	handoff_pass_end(seen, false);
	assert_int_equal(handoff_pass_begin(), handoff_last_honoured());
}

/* The monitor still owes an answer to the kernel: it ends the pass without honouring anything. */
static void test_a_pass_may_hold_back_its_tickets(void **state)
{
	unsigned t;

	(void)state;
	t = handoff_draw_ticket();
	handoff_pass_begin();
	handoff_pass_end(handoff_last_honoured(), true);
	assert_false(handoff_ticket_honoured(t));
	empty_pass();
	assert_true(handoff_ticket_honoured(t));
}

static void test_ticket_numbers_wrap_around(void **state)
{
	unsigned start = UINT32_MAX - 2;

	(void)state;
	atomic_store(&shared.drawn, start);
	atomic_store(&shared.honoured, start);
	for (int i = 0; i < 6; i++) {
		unsigned seen = handoff_pass_begin();
		unsigned t = handoff_draw_ticket();

		assert_false(handoff_ticket_honoured(t));
		handoff_pass_end(seen, false);
		assert_false(handoff_ticket_honoured(t));
		empty_pass();
		assert_true(handoff_ticket_honoured(t));
		assert_true(handoff_ticket_honoured(t - 1));
	}
	assert_int_equal(handoff_last_honoured(), start + 6);
}

/* ---- start, end, wake-ups ---- */

static void test_flags(void **state)
{
	(void)state;
	assert_false(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	handoff_start_drain();
	assert_true(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	handoff_stop_monitor();
	assert_true(handoff_monitor_must_stop());
}

static void test_the_monitor_is_woken_for_each_hand_over(void **state)
{
	struct active_array a = { .member = 0 };
	struct metadata_update u = { .status = 0 };

	(void)state;
	be_the_monitor();
	handoff_publish(&a);
	assert_true(take_signal());
	handoff_queue_update(&u);
	assert_true(take_signal());
	handoff_draw_ticket();
	assert_true(take_signal());
	handoff_start_drain();
	assert_true(take_signal());
	handoff_stop_monitor();
	assert_true(take_signal());
}

static void test_the_manager_is_woken_once_by_the_end_of_a_pass(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a = { .watch = &w };
	struct metadata_update u = { .status = 0 };

	(void)state;
	be_the_manager();
	handoff_request_array(&a, ARRAY_WANT_ACTIVE);
	handoff_discard(&a);
	handoff_return_update(&u);
	assert_false(take_signal());
	handoff_pass_end(handoff_pass_begin(), true);
	assert_true(take_signal());
	empty_pass();
	assert_false(take_signal());
}

static void test_the_manager_is_woken_when_a_ticket_is_honoured(void **state)
{
	(void)state;
	be_the_manager();
	handoff_draw_ticket();
	empty_pass();
	assert_true(take_signal());
	empty_pass();
	assert_false(take_signal());
}

/* Before a thread has said who it is, and after it has gone, nobody is hit. */
static void test_no_thread_no_signal(void **state)
{
	(void)state;
	handoff_wake_monitor();
	handoff_wake_manager();
	assert_false(take_signal());
	be_the_monitor();
	handoff_set_monitor(0);
	handoff_wake_monitor();
	assert_false(take_signal());
}

/* The monitor is told to stop, and then another is started. */
static void test_the_monitor_may_run_again(void **state)
{
	(void)state;
	handoff_stop_monitor();
	handoff_let_monitor_run();
	assert_false(handoff_monitor_must_stop());
	handoff_stop_monitor();
	assert_true(handoff_monitor_must_stop());
}

/* ---- all of it ---- */

static void test_reset_forgets_everything(void **state)
{
	struct array_watch w = { .requests = 0 };
	struct active_array a[2] = { { .watch = &w }, { .watch = &w } };
	struct metadata_update u[2] = { { .status = 0 }, { .status = 0 } };

	(void)state;
	be_the_manager();
	be_the_monitor();
	handoff_publish(&a[0]);
	handoff_discard(&a[1]);
	handoff_queue_update(&u[0]);
	handoff_return_update(&u[1]);
	handoff_publish_report();
	assert_non_null(handoff_latest_report());
	handoff_publish_report();
	handoff_note_writing(6);
	handoff_start_drain();
	handoff_stop_monitor();
	assert_true(handoff_draw_ticket() == 1);
	empty_pass();
	assert_true(take_signal());

	handoff_reset();
	test_lists_begin_empty(state);
	assert_null(handoff_latest_report());
	assert_true(handoff_writing_since() == 0);
	assert_false(handoff_draining());
	assert_false(handoff_monitor_must_stop());
	assert_int_equal(handoff_last_honoured(), 0);
	assert_int_equal(handoff_pass_begin(), 0);
	handoff_wake_manager();
	handoff_wake_monitor();
	assert_false(take_signal());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lists_begin_empty, reset),
		cmocka_unit_test_setup(test_published_arrays_keep_their_order, reset),
		cmocka_unit_test_setup(test_discarded_arrays_keep_their_order, reset),
		cmocka_unit_test_setup(test_updates_keep_their_order_both_ways, reset),
		cmocka_unit_test_setup(test_a_take_empties_the_list, reset),
		cmocka_unit_test_setup(test_an_object_may_be_handed_over_again, reset),
		cmocka_unit_test_setup(test_lists_do_not_mix, reset),
		cmocka_unit_test_setup(test_array_requests_add_up_until_taken, reset),
		cmocka_unit_test_setup(test_requests_outlive_the_copy, reset),
		cmocka_unit_test_setup(test_member_requests_are_announced_by_the_array, reset),
		cmocka_unit_test_setup(test_bad_ranges_have_one_owner, reset),
		cmocka_unit_test_setup(test_ticket_waits_for_a_whole_pass, reset),
		cmocka_unit_test_setup(test_a_pass_that_began_before_does_not_count, reset),
		cmocka_unit_test_setup(test_a_pass_honours_only_what_it_saw_at_its_start, reset),
		cmocka_unit_test_setup(test_one_pass_honours_all_earlier_tickets, reset),
		cmocka_unit_test_setup(test_tickets_stay_honoured, reset),
		cmocka_unit_test_setup(test_pass_sees_that_somebody_waits, reset),
		cmocka_unit_test_setup(test_a_pass_may_hold_back_its_tickets, reset),
		cmocka_unit_test_setup(test_ticket_numbers_wrap_around, reset),
		cmocka_unit_test_setup(test_flags, reset),
		cmocka_unit_test_setup(test_the_monitor_is_woken_for_each_hand_over, reset),
		cmocka_unit_test_setup(test_the_manager_is_woken_once_by_the_end_of_a_pass, reset),
		cmocka_unit_test_setup(test_the_manager_is_woken_when_a_ticket_is_honoured, reset),
		cmocka_unit_test_setup(test_no_thread_no_signal, reset),
		cmocka_unit_test_setup(test_the_monitor_may_run_again, reset),
		cmocka_unit_test_setup(test_reset_forgets_everything, reset),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
