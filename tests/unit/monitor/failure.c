/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that fail, vanish, or are failed already: docs/design.md, "The life of a failure"; docs/kernel-md.md 6.3, with
 * the order dilemma of "active" and "-blocked"; docs/mdmon.md 11.3 rule 10 and 11.6.
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

static void sda_fails(void)
{
	md_says("md126/dev-sda/state", "faulty,blocked");
	md_says_silently("md126/array_state", "write-pending");
}

/* ---- "active" waits for "-blocked", for a while ---- */

static void test_the_manager_is_quick(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
	assert_message("md126: member sda failed\n");
	md_says("md126/dev-sda/state", "faulty");
	assert_int_equal(rig_next(), 0);
	assert_steps("ask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n");
}

static void test_the_manager_is_slow(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	forget_steps();
	assert_int_equal(rig_next(), 10);
	assert_steps("ask md126/sda: unblock remove\nmd126/array_state <- active\nmanager woken\n");
}

/* Events of the array do not make it longer, nor shorter. */
static void test_ten_ms_are_ten_ms(void **state)
{
	unsigned waited = 0;

	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	for (int i = 0; i < 3; i++) {
		md_time_passes(3);
		md_says("md126/sync_action", "idle");
		waited += rig_next() + 3;
		assert_string_equal(md_reads("md126/array_state"), "write-pending");
	}
	waited += rig_next();
	assert_int_equal(waited, 10);
	assert_string_equal(md_reads("md126/array_state"), "active");
	forget_steps();
}

/* The limit is over: no answer waits again for the same failure, until the array has been seen to need none. */
static void test_it_waits_once(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	rig_next();
	md_says("md126/array_state", "write-pending");
	forget_steps();
	assert_int_equal(rig_next(), 0);
	assert_steps("ask md126/sda: unblock remove\nmd126/array_state <- active\nmanager woken\n");
	/* now it is active: the next write is another matter */
	rig_next();
	md_says("md126/array_state", "write-pending");
	forget_steps();
	rig_next();
	assert_steps("ask md126/sda: unblock remove\nmanager woken\n");
	assert_int_equal(rig_next(), 10);
	assert_steps("ask md126/sda: unblock remove\nmd126/array_state <- active\nmanager woken\n");
}

/* The next failure has its own ten milliseconds. */
static void test_the_next_failure_waits_again(void **state)
{
	(void)state;
	rig_adopted("md126", 3);
	sda_fails();
	rig_next();
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	rig_next();
	md_says("md126/dev-sdb/state", "faulty,blocked");
	md_says_silently("md126/array_state", "write-pending");
	rig_next();
	assert_string_equal(md_reads("md126/array_state"), "write-pending");
	assert_int_equal(rig_next(), 10);
	assert_string_equal(md_reads("md126/array_state"), "active");
	forget_steps();
}

/* One array waits: the others are answered. */
static void test_other_arrays_do_not_wait(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	sda_fails();
	rig_next();
	forget_steps();
	md_says("md125/array_state", "write-pending");
	md_time_passes(4);
	assert_int_equal(rig_next(), 0);
	assert_steps("md125: dirty\nmetadata written\nmd125/array_state <- active\n");
	rig_next();
	assert_int_equal(rig_next(), 6);
	assert_string_equal(md_reads("md126/array_state"), "active");
	forget_steps();
}

/* A client that asks meanwhile wants to know that the writes go on. */
static void test_a_client_waits_as_well(void **state)
{
	unsigned ticket;

	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	ticket = handoff_draw_ticket();
	rig_next();
	assert_false(handoff_ticket_honoured(ticket));
	assert_int_equal(rig_next(), 10);
	assert_true(handoff_ticket_honoured(ticket));
	forget_steps();
}

/* No disk takes the metadata while "active" waits: it must not be written when the ten milliseconds are over. */
static void test_nothing_is_held_without_disks(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	forget_steps();
	handler.sync_error = -EIO;
	md_says("md126/dev-sdb/state", "faulty,blocked");
	rig_next();
	assert_steps("md126[1]: failed\nmetadata not written\nmanager woken\n");
	assert_int_equal(rig_next(), 1000);
	assert_string_equal(md_reads("md126/array_state"), "write-pending");
	handler.sync_error = 0;
	forget_steps();
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nask md126/sda: unblock remove\nask md126/sdb: unblock remove\nmanager woken\n");
	assert_int_equal(rig_next(), 10);
	assert_string_equal(md_reads("md126/array_state"), "active");
	forget_steps();
}

/* md notified of nothing but the failure, and no write waits: there is no answer to hold back. */
static void test_a_failure_without_a_write(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
	assert_int_equal(rig_next(), 5000);
}

/* ---- until it is gone ---- */

/* Each look asks again: the manager, or md, may have failed. The message comes once. */
static void test_it_is_asked_again(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	rig_forget_messages();
	forget_steps();
	assert_int_equal(rig_next(), 5000);
	assert_steps("ask md126/sda: remove\nmanager woken\n");
	assert_no_message("failed");
}

/* Removed by somebody else, and md says nothing of why. It has failed as far as the metadata are concerned. */
static void test_a_member_vanishes(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_fails_reading("md126/dev-sda/state", ENODEV);
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: remove\nmanager woken\n");
	/* a dead attribute reports events for ever */
	assert_int_equal(rig_next(), 5000);
	assert_false(md_is_polled("md126/dev-sda/state"));
	assert_true(md_is_polled("md126/dev-sdb/state"));
	forget_steps();
}

/* When an array is taken apart its members vanish with it, perhaps before the pass has read them. */
static void array_stops(void)
{
	md_says("md126/array_state", "inactive");
	md_fails_reading("md126/dev-sda/state", ENODEV);
	md_fails_reading("md126/dev-sdb/state", ENODEV);
}

static void test_members_vanish_with_their_array(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	forget_steps();
	md_says("md126/sync_action", "idle");
	md_while_reading("md126/dev-sda/state", array_stops);
	rig_next();
	assert_steps("md126: clean\nmetadata written\nmd126: let go\nmd126: given back\nmanager woken\n");
	assert_no_message("failed");
}

/* mdadm has a member out, and makes the array read-only and its own: the state was read again, and so is whose it is. */
static void mdadm_takes_it(void)
{
	md_fails_reading("md126/dev-sda/state", ENODEV);
	md_says_silently("md126/metadata_version", "external:-md127/0");
	md_says("md126/array_state", "readonly");
}

static void test_read_only_beside_a_vanished_member(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/sync_action", "idle");
	md_while_reading("md126/dev-sda/state", mdadm_takes_it);
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\n");
}

/* The slot goes away in md before a daemon has seen the member: the metadata know where it was. */
static void test_a_member_without_a_slot(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	ra->member[1].slot = -1;
	md_says("md126/dev-sdb/state", "faulty");
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_among_steps("md126[1]: failed\n");
	assert_int_equal(ra->member[1].meta_slot, 1);
}

/* ---- all arrays of the container ---- */

static void test_it_fails_in_the_other_arrays(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	rig_adopted("md124", 2);
	md_says("md125/dev-sdb/state", "faulty");
	rig_next();
	assert_steps("md125[1]: failed\nmetadata written\nask md125/sdb: remove\n"
		     "ask md124/sdb: fail\nask md126/sdb: fail\nmanager woken\n");
	/* once */
	rig_next();
	assert_steps("ask md125/sdb: remove\nmanager woken\n");
	/* that they failed, too, is answered in each of them */
	md_says("md126/dev-sdb/state", "faulty,blocked");
	rig_next();
	assert_steps("md126[1]: failed\nmetadata written\nask md126/sdb: unblock remove\nmanager woken\n");
}

static void sda_fails_and_it_stops(void)
{
	md_says_silently("md126/dev-sda/state", "faulty");
	md_says("md126/array_state", "inactive");
}

/* The last that is seen of an array is that a disk of it has failed: that is on record, and known to the others. */
static void test_an_array_stops_as_a_member_fails(void **state)
{
	(void)state;
	rig_adopted("md125", 3);
	rig_adopted("md126", 3);
	sda_fails_and_it_stops();
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md125/sda: fail\nmd126: let go\nmd126: given back\n"
		     "manager woken\n");
	assert_message("md126: member sda failed\n");
}

/* No disk took the record of it, and then the array is gone altogether. */
static void test_an_array_vanishes_after_a_failure(void **state)
{
	(void)state;
	rig_adopted("md125", 3);
	rig_adopted("md126", 3);
	handler.sync_error = -EIO;
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	handler.sync_error = 0;
	forget_steps();
	md_fails_reading("md126/dev-sda/state", ENODEV);
	md_fails_reading("md126/dev-sdb/state", ENODEV);
	md_fails_reading("md126/dev-sdc/state", ENODEV);
	md_fails_reading("md126/array_state", ENODEV);
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_among_steps("metadata written\nask md125/sda: fail\nmd126: let go\n");
	forget_steps();
}

/* It is all that the other array has: taking it away would cost that one, too. When it can do without, it is asked. */
static void test_an_array_keeps_its_last_disk(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says("md125/dev-sdb/state", "spare");
	rig_next();
	forget_steps();
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: remove\nmanager woken\n");
	md_says("md125/dev-sdb/state", "in_sync");
	rig_next();
	assert_among_steps("ask md125/sda: fail\n");
	forget_steps();
}

/* Two arrays on the same two disks lose one each. Neither is to lose the other one. */
static void note(struct active_array *a, const bool has_data[MAX_SLOTS])
{
	step("%s has %d%d", a->name, has_data[0], has_data[1]);
}

/* The handler knows what each array has left before it is told of any failure. */
static void test_what_is_left_comes_first(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	handler.ss.note_slots = note;
	md_says("md126/dev-sda/state", "faulty");
	md_says("md125/dev-sdb/state", "faulty");
	rig_next();
	assert_first_steps("md125 has 10\nmd126 has 01\nmd125[1]: failed\nmd126[0]: failed\n");
	/* what an array had that ends nobody knows any more */
	md_says("md126/array_state", "inactive");
	rig_next();
	assert_null(strstr(steps(), "md126 has"));
	forget_steps();
}

static void test_two_arrays_fail_crosswise(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	md_says("md126/dev-sda/state", "faulty");
	md_says("md125/dev-sdb/state", "faulty");
	rig_next();
	assert_steps("md125[1]: failed\nmd126[0]: failed\nmetadata written\nask md125/sdb: remove\n"
		     "ask md126/sda: remove\nmanager woken\n");
}

/* A RAID1 of three loses two at once: a RAID5 on the same disks can do without one of them only. */
static void test_two_fail_where_another_array_can_spare_one(void **state)
{
	(void)state;
	rig_adopted("md126", 3);
	rig_copy(rig_adopted("md125", 3))->level = 5;
	md_says("md126/dev-sda/state", "faulty");
	md_says("md126/dev-sdb/state", "faulty");
	rig_next();
	assert_steps("md126[0]: failed\nmd126[1]: failed\nmetadata written\nask md126/sda: remove\nask md126/sdb: remove\n"
		     "ask md125/sda: fail\nmanager woken\n");
}

/* What has its data is told before what has lost them, whatever the slots. */
static void test_a_member_fails_as_another_is_rebuilt(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	md_says("md126/dev-sdb/state", "spare");
	md_says("md126/sync_action", "recover");
	handoff_publish(rig_copy(ra));
	rig_signal();
	forget_steps();
	md_says("md126/dev-sdb/state", "in_sync");
	md_says("md126/dev-sda/state", "faulty");
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_among_steps("md126[1]: in sync\nmd126[0]: failed\nmetadata written\n");
	forget_steps();
}

/* Not before the failure is durable. */
static void test_not_before_it_is_on_record(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	handler.sync_error = -EIO;
	md_says("md125/dev-sdb/state", "faulty");
	rig_next();
	assert_steps("md125[1]: failed\nmetadata not written\nmanager woken\n");
}

static void on_record(struct active_array *a)
{
	a->disks[0]->failed_elsewhere = true;
}

static int (*real_open_new)(struct active_array *a);

static int open_with_a_failed_disk(struct active_array *a)
{
	on_record(a);
	return real_open_new(a);
}

/* The metadata have failed it before the array was assembled, and md uses it. */
static void test_md_uses_a_disk_that_failed(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	real_open_new = handler.ss.open_new;
	handler.ss.open_new = open_with_a_failed_disk;
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_among_steps("metadata written\nask md126/sda: fail\nmanager woken\n");
	rig_next();
	assert_steps("");
}

/* ---- read-only arrays ---- */

/* Only a running array lets the member go. */
static void test_a_failure_in_read_auto(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "read-auto");
	rig_next();
	forget_steps();
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\nask md126/sda: unblock remove\nmanager woken\n");
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	assert_steps("ask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n");
}

/* mdadm wants it so: the failure is recorded and the reads released, but md would refuse to remove anything. */
static void test_a_failure_in_a_blocked_array(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says_silently("md126/metadata_version", "external:-md127/0");
	md_says("md126/array_state", "readonly");
	rig_next();
	assert_steps("");
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("md126[0]: failed\nmetadata written\nask md126/sda: unblock\nmanager woken\n");
}

/* ---- how long writes waited for it ---- */

static void test_the_stall_is_counted(void **state)
{
	const struct report *r;

	(void)state;
	rig_adopted("md126", 2);
	sda_fails();
	rig_next();
	md_time_passes(7);
	assert_int_equal(handoff_latest_report()->failure_stalls.count, 0);
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	r = handoff_latest_report();
	assert_int_equal(r->failure_stalls.count, 1);
	assert_int_equal(r->failure_stalls.max_us, 7000);
	assert_int_equal(r->failure_stalls.bucket[3], 1); /* less than 8 ms */
	assert_int_equal(r->write_stalls.max_us, 7000);
	forget_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_manager_is_quick),
		TEST(test_the_manager_is_slow),
		TEST(test_ten_ms_are_ten_ms),
		TEST(test_it_waits_once),
		TEST(test_the_next_failure_waits_again),
		TEST(test_other_arrays_do_not_wait),
		TEST(test_a_client_waits_as_well),
		TEST(test_nothing_is_held_without_disks),
		TEST(test_a_failure_without_a_write),
		TEST(test_it_is_asked_again),
		TEST(test_a_member_vanishes),
		TEST(test_members_vanish_with_their_array),
		TEST(test_read_only_beside_a_vanished_member),
		TEST(test_a_member_without_a_slot),
		TEST(test_it_fails_in_the_other_arrays),
		TEST(test_an_array_stops_as_a_member_fails),
		TEST(test_an_array_vanishes_after_a_failure),
		TEST(test_an_array_keeps_its_last_disk),
		TEST(test_what_is_left_comes_first),
		TEST(test_two_arrays_fail_crosswise),
		TEST(test_two_fail_where_another_array_can_spare_one),
		TEST(test_a_member_fails_as_another_is_rebuilt),
		TEST(test_not_before_it_is_on_record),
		TEST(test_md_uses_a_disk_that_failed),
		TEST(test_a_failure_in_read_auto),
		TEST(test_a_failure_in_a_blocked_array),
		TEST(test_the_stall_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
