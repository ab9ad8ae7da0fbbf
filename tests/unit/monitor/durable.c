/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing is acknowledged, to the kernel, to the manager or to a client, before it is durable (CONTRIBUTING, "Rules for
 * the threads", 7; docs/design.md, "Writing metadata"): the order of a pass, and disks that do not take the metadata.
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

/* ---- the order of a pass ---- */

/* All at once: a first write, a failure, an update and a client. */
static void test_everything_waits_for_the_metadata(void **state)
{
	struct metadata_update *u;

	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "write-pending");
	md_says("md126/dev-sda/state", "faulty"); /* not blocked: "active" need not wait for the manager */
	u = rig_update(UPDATE_MESSAGE, 7);
	handoff_draw_ticket();
	rig_next();
	assert_steps("message 7 applied\n"
		     "md126: dirty\n"
		     "md126[0]: failed\n"
		     "metadata written\n"
		     "ask md126/sda: remove\n"
		     "md126/array_state <- active\n"
		     "update 7 returned\n"
		     "ticket 1 honoured\n"
		     "manager woken\n");
	assert_true(u->durable);
}

/* Seen from within the write: md and the manager know nothing yet; whoever asks is told since when it goes on. */
static struct rig_array *looked_at;

static void nobody_knows(void)
{
	step("array_state reads %s, requests %x, writing since %llu", md_reads("md126/array_state"),
	     handoff_take_array_requests(rig_copy(looked_at)) | handoff_take_member_requests(&looked_at->member[0]),
	     (unsigned long long)handoff_writing_since() / 1000000);
}

static void test_while_the_metadata_are_written(void **state)
{
	(void)state;
	looked_at = rig_adopted("md126", 2);
	md_says("md126/array_state", "write-pending");
	md_says("md126/dev-sda/state", "faulty");
	handler.while_writing = nobody_knows;
	handler.sync_ms = 30;
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\n"
		     "array_state reads write-pending, requests 0, writing since 1000000\n"
		     "metadata written\n"
		     "ask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n");
	assert_int_equal(handoff_writing_since(), 0);
	assert_message("md127: metadata written to 2 disks in 30000 us");
}

static int further_copies_error;

static void further_copies(struct supertype *st, struct sync_result *res)
{
	(void)st;
	step("further copies written");
	if (!further_copies_error)
		return;
	res->failed = res->reports = 1;
	res->failed_dev[0] = 42;
	res->report[0].name = "sdz";
	res->report[0].error = further_copies_error;
}

/* Of the copies on a disk the first one counts; neither md nor the manager waits for the others. */
static void test_further_copies_come_last(void **state)
{
	(void)state;
	further_copies_error = 0;
	handler.ss.finish_sync = further_copies;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "write-pending");
	md_says("md126/dev-sda/state", "faulty");
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata written\n"
		     "ask md126/sda: remove\nmd126/array_state <- active\nmanager woken\n"
		     "further copies written\n");
}

static void test_a_further_copy_fails(void **state)
{
	(void)state;
	handler.ss.finish_sync = further_copies;
	rig_adopted("md126", 2);
	further_copies_error = -EIO;
	forget_steps();
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nfurther copies written\nmanager woken\n");
	assert_message("md127: writing metadata to disk sdz failed: Input/output error\n");
	assert_int_equal(rig_monitor.write.failed[0], 42);
	assert_int_equal(rig_monitor.write.errors, 1);
}

/* ---- no disk takes them ---- */

static void test_no_disk_takes_the_metadata(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	assert_int_equal(rig_next(), 0);
	assert_steps("md126: dirty\nmetadata not written\nmanager woken\n");
	assert_message("md127: no disk took the metadata; writes to its arrays wait");
	assert_string_equal(md_reads("md126/array_state"), "write-pending");
	/* every second, and said once */
	rig_forget_messages();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_next(), 1000);
		assert_steps("metadata not written\nmanager woken\n");
	}
	assert_no_message("no disk took");
	assert_int_equal(handler.retries, 3);
	/* until one does */
	handler.sync_error = 0;
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nmd126/array_state <- active\n");
	assert_message("md127: disks take the metadata again");
	rig_next();
	assert_int_equal(rig_next(), 5000);
	assert_steps("");
}

/* A failure is not acknowledged either; what is asked for meanwhile is asked for when they are written. */
static void test_a_failure_that_is_not_on_record(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	md_says("md126/dev-sda/state", "faulty,blocked");
	rig_next();
	assert_steps("md126: dirty\nmd126[0]: failed\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nask md126/sda: unblock remove\nmanager woken\n");
}

/* A disk that fails alone holds up nobody. */
static void test_one_disk_does_not_take_them(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.failed_disk = "sdb";
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md127: writing metadata to disk sdb failed");
	assert_no_message("no disk took");
	/* it is tried again when everything is looked at: not a second later */
	rig_next();
	assert_int_equal(rig_next(), 5000);
}

/* It may be a spare that was passed over for that. */
static void test_a_disk_takes_metadata_again(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.failed_disk = "sdb";
	md_says("md126/array_state", "write-pending");
	rig_next();
	handler.failed_disk = NULL;
	forget_steps();
	while (!handler.retries)
		rig_next();
	assert_steps("metadata written\nask md126: spares\nmanager woken\n");
	forget_steps();
	handler.retries = 0;
	while (!handler.retries)
		rig_next();
	assert_steps("");
}

/* The kernel is answered first, and the disk is left alone for twenty times as long as it took. */
static void test_a_disk_that_refuses_slowly(void **state)
{
	unsigned waited = 0;

	(void)state;
	rig_adopted("md126", 2);
	handler.failed_disk = "sdb";
	md_says("md126/array_state", "write-pending");
	rig_next();
	md_says("md126/array_state", "clean");
	rig_next();
	forget_steps();
	handler.refusal_ms = 8000;
	md_says_silently("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nmetadata written\n");
	handler.retries = 0;
	while (!handler.retries)
		waited += rig_next();
	assert_in_range(waited, 160000, 165000);
}

/* An array that was to start waits; the request is made anew when the metadata are written. */
static void test_an_array_does_not_start(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.decides = MARK_DIRTY;
	handler.sync_error = -EIO;
	md_says("md126/array_state", "readonly");
	rig_next();
	assert_steps("md126: dirty\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nask md126: active\nmanager woken\n");
}

/* What is found at first sight stays so: the members are told again, since nothing of it has been acknowledged. */
static void test_a_start_without_disks(void **state)
{
	struct rig_array *ra = rig_array("md126", 3);

	(void)state;
	md_says("md126/dev-sdc/state", "spare");
	handler.sync_error = -EIO;
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_steps("md126: bound\nmd126: clean\nmd126[0]: in sync\nmd126[1]: in sync\nmd126[2]: rebuilding\n"
		     "metadata not written\nask md126: spares\nmanager woken\n");
	handler.sync_error = 0;
	rig_next();
	assert_steps("metadata written\nask md126: spares\nmanager woken\n");
}

/* A rebuild ends in a pass whose metadata no disk takes: that it ended must not be forgotten. */
static void test_a_sync_ends_without_disks(void **state)
{
	(void)state;
	rig_adopted("md126", 3);
	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/sync_action", "recover");
	rig_next();
	forget_steps();
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	md_says("md126/dev-sdc/state", "spare");
	md_says("md126/sync_action", "idle");
	rig_next();
	assert_steps("md126: dirty\nmd126[2]: rebuilding\nmetadata not written\nask md126: spares\nmanager woken\n");
	handler.sync_error = 0;
	rig_next();
	assert_steps("metadata written\nmd126/array_state <- active\n");
}

/* Nor that one began: without its new members the monitor would not see them fail for as long as it takes. */
static void test_a_reshape_begins_without_disks(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says_silently("md126/array_state", "active");
	md_says("md126/sync_action", "reshape");
	rig_next();
	assert_steps("md126: dirty\nmetadata not written\nask md126: reshape\nmanager woken\n");
	handler.sync_error = 0;
	rig_next();
	assert_steps("metadata written\n");
}

/* ---- clients and stopped arrays wait, too, but not for ever ---- */

static void test_a_client_waits_five_seconds(void **state)
{
	unsigned ticket;

	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	ticket = handoff_draw_ticket();
	rig_next();
	for (int i = 0; i < 4; i++) {
		assert_int_equal(rig_next(), 1000);
		assert_false(handoff_ticket_honoured(ticket));
	}
	assert_int_equal(rig_next(), 1000);
	assert_true(handoff_ticket_honoured(ticket));
	assert_string_equal(md_reads("md126/array_state"), "write-pending"); /* md waits on */
	forget_steps();
}

static void test_a_client_is_answered_when_they_are_written(void **state)
{
	unsigned ticket;

	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	ticket = handoff_draw_ticket();
	rig_next();
	assert_false(handoff_ticket_honoured(ticket));
	handler.sync_error = 0;
	forget_steps();
	rig_next();
	assert_steps("metadata written\nmd126/array_state <- active\nticket 1 honoured\n");
	assert_true(handoff_ticket_honoured(ticket));
}

/* The update is applied, and comes back at once: its sender is told that it is not on disk. */
static void test_an_update_that_is_not_durable(void **state)
{
	struct metadata_update *u;

	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	u = rig_update(UPDATE_MESSAGE, 7);
	rig_signal();
	assert_steps("message 7 applied\nmetadata not written\nupdate 7 returned (not durable)\nmanager woken\n");
	assert_false(u->durable);
}

/* An array that has stopped is kept until the metadata say so, or five seconds are over. */
static void test_a_stopped_array_waits(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	forget_steps();
	handler.sync_error = -EIO;
	md_says("md126/array_state", "inactive");
	rig_next();
	assert_steps("md126: clean\nmetadata not written\nmanager woken\n");
	handler.sync_error = 0;
	assert_int_equal(rig_next(), 1000);
	assert_steps("metadata written\nmd126: let go\nmd126: given back\nmanager woken\n");
}

static void test_a_stopped_array_does_not_wait_for_ever(void **state)
{
	unsigned waited = 0;

	(void)state;
	rig_adopted("md126", 2);
	md_says("md126/array_state", "active");
	rig_next();
	handler.sync_error = -EIO;
	md_says("md126/array_state", "inactive");
	rig_next();
	while (!strstr(steps(), "given back") && waited < 20000)
		waited += rig_next();
	assert_int_equal(waited, 5000);
	forget_steps();
}

/* ---- what is reported of it ---- */

static void test_the_report_counts_the_writes(void **state)
{
	const struct report *r;

	(void)state;
	rig_adopted("md126", 2);
	handler.sync_ms = 30;
	md_says("md126/array_state", "write-pending");
	md_time_passes(3);
	rig_next();
	r = handoff_latest_report();
	assert_int_equal(r->write.count, 2);
	assert_int_equal(r->write.duration_us, 30000);
	assert_int_equal(r->write.disks, 2);
	assert_int_equal(r->write.errors, 0);
	assert_int_equal(r->write.end_ms, UINT64_C(1700001000033));
	/* the write waited from the moment when it was noticed to the answer */
	assert_int_equal(r->write_stalls.count, 1);
	assert_int_equal(r->write_stalls.max_us, 30000);
	assert_int_equal(r->write_stalls.bucket[5], 1); /* less than 32 ms */
	handler.sync_error = -EIO;
	md_says("md126/array_state", "clean");
	rig_next();
	r = handoff_latest_report();
	assert_int_equal(r->write.count, 3);
	assert_int_equal(r->write.errors, 1);
	assert_int_equal(r->write.failed_count, 1);
	forget_steps();
}

/* A write that waits for disks has waited since it was noticed, not since the last try. */
static void test_a_long_stall(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	rig_next();
	rig_next();
	handler.sync_error = 0;
	rig_next();
	assert_int_equal(handoff_latest_report()->write_stalls.max_us, 2000000);
	forget_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_everything_waits_for_the_metadata),
		TEST(test_while_the_metadata_are_written),
		TEST(test_further_copies_come_last),
		TEST(test_a_further_copy_fails),
		TEST(test_no_disk_takes_the_metadata),
		TEST(test_a_failure_that_is_not_on_record),
		TEST(test_one_disk_does_not_take_them),
		TEST(test_a_disk_takes_metadata_again),
		TEST(test_a_disk_that_refuses_slowly),
		TEST(test_an_array_does_not_start),
		TEST(test_a_start_without_disks),
		TEST(test_a_sync_ends_without_disks),
		TEST(test_a_reshape_begins_without_disks),
		TEST(test_a_client_waits_five_seconds),
		TEST(test_a_client_is_answered_when_they_are_written),
		TEST(test_an_update_that_is_not_durable),
		TEST(test_a_stopped_array_waits),
		TEST(test_a_stopped_array_does_not_wait_for_ever),
		TEST(test_the_report_counts_the_writes),
		TEST(test_a_long_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
