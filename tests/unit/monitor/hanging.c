/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that do not answer: which arrays go on without them, and what becomes of them (docs/design.md, "A disk that hangs"). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "metadata/metaio.h"
#include "tests/unit/support/monitor-rig.h"
#include "threads/handoff.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct hanging_disks hanging; /* what the handler says */

static void look_for_hanging(struct supertype *st, struct hanging_disks *h)
{
	(void)st;
	*h = hanging;
}

static void hangs(dev_t dev)
{
	hanging.disk[hanging.count].dev = dev;
	hanging.disk[hanging.count++].since_ns = rig_monitor.woken_ns;
}

/* All of them answer, and lack what came meanwhile. */
static void answer(void)
{
	for (unsigned i = 0; i < hanging.count; i++)
		hanging.disk[i].since_ns = 0;
}

/* A retry has written to those that answer. */
static void catch_up(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < hanging.count; i++)
		if (hanging.disk[i].since_ns)
			hanging.disk[count++] = hanging.disk[i];
	hanging.count = count;
}

static bool was_patient; /* the last write of the metadata */
static int (*real_sync)(struct supertype *st, struct sync_result *res);

static int sync_and_catch_up(struct supertype *st, struct sync_result *res)
{
	const bool retry = res->retry;
	int r;

	was_patient = res->patient;
	r = real_sync(st, res);
	if (retry)
		catch_up();
	return r;
}

static struct rig_array *array_with_handler(unsigned members)
{
	hanging = (struct hanging_disks){ .event_fd = -1 };
	handler.ss.look_for_hanging = look_for_hanging;
	real_sync = handler.ss.sync_metadata;
	handler.ss.sync_metadata = sync_and_catch_up;
	return rig_adopted("md126", members);
}

/* ---- the rule ---- */

/* Members by number of slot: 0x3 are the first two. */
static const struct rule {
	int level, layout;
	unsigned members, hang, refuse, failed;
	bool waits;
} rules[] = {
	/* a mirror alone is left behind; not if the others have failed, or are no better */
	{ 1, 0, 2, 0x1, 0x0, 0x0, false },
	{ 1, 0, 2, 0x2, 0x0, 0x0, false },
	{ 1, 0, 2, 0x3, 0x0, 0x0, true },
	{ 1, 0, 2, 0x1, 0x2, 0x0, true },
	{ 1, 0, 2, 0x1, 0x0, 0x2, true },
	{ 1, 0, 3, 0x1, 0x0, 0x0, false },
	{ 1, 0, 3, 0x3, 0x0, 0x0, true },
	{ 1, 0, 3, 0x1, 0x2, 0x0, true },
	{ 1, 0, 3, 0x1, 0x0, 0x4, true },
	/* all but one of a RAID5 start it */
	{ 5, 2, 3, 0x1, 0x0, 0x0, false },
	{ 5, 2, 3, 0x3, 0x0, 0x0, true },
	{ 5, 2, 3, 0x1, 0x2, 0x0, true },
	{ 5, 2, 3, 0x1, 0x0, 0x2, true },
	{ 5, 2, 4, 0x3, 0x0, 0x0, false },
	{ 5, 2, 4, 0x7, 0x0, 0x0, true },
	{ 5, 2, 4, 0x3, 0x4, 0x0, true },
	{ 5, 2, 4, 0x3, 0x0, 0x8, true },
	/* two fewer a RAID6 */
	{ 6, 2, 4, 0x1, 0x0, 0x0, false },
	{ 6, 2, 4, 0x3, 0x0, 0x0, true },
	/* one of each mirror a RAID10 */
	{ 10, 0x102, 4, 0x1, 0x0, 0x0, false },
	{ 10, 0x102, 4, 0x3, 0x0, 0x0, false },
	{ 10, 0x102, 4, 0x5, 0x0, 0x0, true },
	{ 10, 0x102, 4, 0x1, 0x4, 0x0, true },
	{ 10, 0x102, 4, 0x1, 0x0, 0x8, true },
	/* disks that refuse are the old rule's: one that takes it is enough */
	{ 5, 2, 3, 0x0, 0x3, 0x0, false },
	{ 1, 0, 2, 0x0, 0x1, 0x2, false },
};

static bool waits(const struct rule *r)
{
	struct rig_array *ra = array_with_handler(r->members);
	struct active_array *a = rig_copy(ra);

	a->level = r->level;
	a->layout = r->layout;
	rig_monitor.hanging.count = rig_monitor.refusals.count = 0;
	for (unsigned i = 0; i < r->members; i++) {
		if (r->hang >> i & 1)
			rig_monitor.hanging.disk[rig_monitor.hanging.count++].dev = ra->member[i].dev;
		if (r->refuse >> i & 1)
			rig_monitor.refusals.dev[rig_monitor.refusals.count++] = ra->member[i].dev;
		if (r->failed >> i & 1)
			ra->member[i].curr_state = MEMBER_FAULTY;
	}
	return monitor_waits_for_hanging(&rig_monitor, a);
}

static void test_who_waits(void **state)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < COUNT(rules); i++) {
		const struct rule *r = &rules[i];

		if (i) {
			rig_tear_down(state);
			rig_set_up(state);
		}
		if (waits(r) == r->waits)
			continue;
		print_error("level %d, %u members, %#x hang, %#x refuse, %#x failed: %s\n", r->level, r->members, r->hang,
			    r->refuse, r->failed, r->waits ? "does not wait" : "waits");
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* The disk belongs to another array of the container. */
static void test_disks_of_others_are_not_waited_for(void **state)
{
	struct rig_array *ra = array_with_handler(2);

	(void)state;
	rig_monitor.hanging.count = 2;
	rig_monitor.hanging.disk[0].dev = makedev(9, 70);
	rig_monitor.hanging.disk[1].dev = makedev(9, 71);
	assert_false(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

/* What has failed for another array is not written to, or after the others. */
static void test_failures_of_other_arrays_count(void **state)
{
	struct rig_array *other = rig_adopted("md125", 3), *ra = array_with_handler(3);

	(void)state;
	rig_copy(ra)->level = 5;
	rig_monitor.hanging.count = 1;
	rig_monitor.hanging.disk[0].dev = ra->member[0].dev;
	assert_false(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
	assert_int_equal(other->member[1].dev, ra->member[1].dev);
	other->member[1].curr_state = MEMBER_FAULTY;
	assert_true(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

/* The other array is gone, and this one has not let go of the disk yet: what the disk says is as old as before. */
static void test_failures_of_former_arrays_count(void **state)
{
	struct rig_array *ra = array_with_handler(3);

	(void)state;
	rig_copy(ra)->level = 5;
	rig_monitor.hanging.count = 1;
	rig_monitor.hanging.disk[0].dev = ra->member[0].dev;
	assert_false(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
	ra->member[1].failed_elsewhere = true;
	assert_true(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

static int slot_but_of_second(struct active_array *a, dev_t dev)
{
	(void)a;
	return minor(dev) / 16 == 1 ? -1 : (int)minor(dev) / 16;
}

/* The daemon could not open it, or read it: nobody has told it anything. */
static void test_members_that_the_handler_has_not_got_count(void **state)
{
	struct rig_array *ra = array_with_handler(3);

	(void)state;
	rig_copy(ra)->level = 5;
	rig_monitor.hanging.count = 1;
	rig_monitor.hanging.disk[0].dev = ra->member[0].dev;
	assert_false(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
	handler.ss.find_slot = slot_but_of_second;
	assert_true(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

static int slot_of_absent(struct active_array *a, dev_t dev)
{
	(void)a;
	return dev == makedev(8, 0x90) ? 3 : (int)minor(dev) / 16;
}

/* A RAID10 runs without the disk of slot 3, which is there, and has not been told: with the one in slot 0 it starts. */
static void test_a_disk_that_is_left_out_counts(void **state)
{
	struct rig_array *ra = array_with_handler(3);
	struct active_array *a = rig_copy(ra);

	(void)state;
	a->level = 10;
	a->layout = 0x102;
	a->raid_disks = 4;
	handler.ss.find_slot = slot_of_absent;
	rig_monitor.hanging.count = 1;
	rig_monitor.hanging.disk[0].dev = makedev(8, 0x90);
	assert_false(monitor_waits_for_hanging(&rig_monitor, a));
	rig_monitor.refusals.count = 1;
	rig_monitor.refusals.dev[0] = ra->member[0].dev;
	assert_true(monitor_waits_for_hanging(&rig_monitor, a));
	/* it refuses, and a member hangs */
	rig_monitor.refusals.dev[0] = makedev(8, 0x90);
	rig_monitor.hanging.disk[0].dev = ra->member[0].dev;
	assert_true(monitor_waits_for_hanging(&rig_monitor, a));
	rig_monitor.hanging.disk[0].dev = ra->member[2].dev;
	assert_false(monitor_waits_for_hanging(&rig_monitor, a));
}

static void test_a_reshape_waits(void **state)
{
	struct rig_array *ra = array_with_handler(3);

	(void)state;
	rig_monitor.hanging.count = 1;
	rig_monitor.hanging.disk[0].dev = ra->member[0].dev;
	rig_copy(ra)->level = 5;
	assert_false(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
	ra->watch.curr_action = SYNC_RESHAPE;
	assert_true(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

/* ---- passes ---- */

/* The handler has waited for the disk, and has gone on. */
static struct rig_array *one_hangs(unsigned members)
{
	struct rig_array *ra = array_with_handler(members);

	rig_copy(ra)->level = 5;
	handler.failed_disk = "sda";
	handler.failed_error = METAIO_HANGS;
	hangs(ra->member[0].dev);
	assert_int_equal(ra->member[0].dev, makedev(8, 0));
	return ra;
}

static void refuse_the_rest(struct supertype *st, struct sync_result *res)
{
	(void)st;
	hanging.count = 0;
	if (res->retry) {
		res->failed_dev[0] = makedev(8, 0);
		res->failed = 1;
	}
}

/* All are asked again: it does not answer when the first copies are written, and refuses the others. It may be old, then. */
static void test_it_refuses_the_rest(void **state)
{
	(void)state;
	one_hangs(3);
	handler.ss.finish_sync = refuse_the_rest;
	monitor_retry_sync(&rig_monitor);
	assert_int_equal(rig_monitor.hanging.count, 0);
	assert_int_equal(rig_monitor.refusals.count, 1);
	assert_int_equal(rig_monitor.refusals.dev[0], makedev(8, 0));
}

static void test_an_array_goes_on(void **state)
{
	(void)state;
	one_hangs(3);
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	assert_message("md127: disk sda does not answer: what can do without it goes on");
	assert_no_message("failed");
	assert_int_equal(rig_monitor.refusals.count, 0);
}

/* Two of three hang: the write waits, and clients, until one of them has answered and is up to date. */
static void test_an_array_waits(void **state)
{
	struct rig_array *ra = one_hangs(3);
	struct metadata_update *u;

	(void)state;
	hangs(ra->member[1].dev);
	md_says("md126/array_state", "write-pending");
	u = rig_update(UPDATE_MESSAGE, 7);
	handoff_draw_ticket();
	rig_next();
	assert_steps("message 7 applied\nmd126: dirty\nmetadata written\nmanager woken\n");
	assert_int_equal(handoff_writing_since(), hanging.disk[0].since_ns); /* neither systemd nor a successor gives us up */
	rig_update(UPDATE_MESSAGE, 8);
	rig_next();
	assert_steps("message 8 applied\nmetadata written\nmetadata written\n"); /* the second one: it is time to retry */
	/* it answers: what it did not get while it hung is written before the answer to the kernel */
	handler.retries = 0;
	hanging.disk[1].since_ns = 0;
	rig_signal();
	assert_first_steps("metadata written\nmd126/array_state <- active\nupdate 7 returned\nupdate 8 returned\nticket 1 honoured\n");
	assert_true(u->durable);
	assert_int_equal(handler.retries, 1);
	assert_true(was_patient);
	assert_message("md127: disk sdb answers again");
	assert_no_message("disk sda answers");
}

static void answer_while_writing(void)
{
	answer();
	handler.while_writing = NULL;
}

/* They answer while the others are written to, but have not got this: not before they have. */
static void test_answers_that_come_too_late(void **state)
{
	struct rig_array *ra = one_hangs(3);

	(void)state;
	hangs(ra->member[1].dev);
	handler.while_writing = answer_while_writing;
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmetadata written\nmd126/array_state <- active\nmanager woken\n");
	assert_int_equal(handler.retries, 1);
}

static void further_copies(struct supertype *st, struct sync_result *res)
{
	(void)st;
	(void)res;
	answer();
}

/* After the answer that was due: they get it in this pass, and the array its answer at once. */
static void test_answers_at_the_end_of_a_pass(void **state)
{
	struct rig_array *ra = one_hangs(3);

	(void)state;
	hangs(ra->member[1].dev);
	handler.ss.finish_sync = further_copies;
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_steps("md126: dirty\nmetadata written\nmanager woken\nmetadata written\n");
	assert_int_equal(rig_next(), 0);
	assert_first_steps("md126/array_state <- active\n");
}

/* Nobody waits for it: it is brought up to date after the answers, and soon. */
static void test_a_disk_that_answers_is_brought_up_to_date(void **state)
{
	(void)state;
	one_hangs(3);
	md_says("md126/array_state", "write-pending");
	rig_next();
	forget_steps();
	handler.retries = 0;
	answer();
	md_says("md126/array_state", "write-pending");
	rig_next();
	assert_int_equal(handler.retries, 1);
	assert_steps("md126/array_state <- active\nmetadata written\n");
	assert_int_equal(hanging.count, 0);
	assert_false(was_patient);
}

/* The monitor is to end: what hangs again would keep a successor waiting, once more. */
static void test_nothing_is_sent_at_the_end(void **state)
{
	(void)state;
	one_hangs(3);
	md_says("md126/array_state", "write-pending");
	rig_next();
	handler.retries = 0;
	answer();
	handoff_stop_monitor();
	rig_signal();
	assert_int_equal(handler.retries, 0);
	forget_steps();
}

/* A disk that hung answers, but lacks what came since; now another one hangs: together they would start the array. */
static void test_one_that_is_behind_counts(void **state)
{
	struct rig_array *ra = one_hangs(3);

	(void)state;
	hanging.disk[0].since_ns = 0;
	hangs(ra->member[1].dev);
	rig_monitor.hanging = hanging;
	rig_copy(ra)->level = 5;
	assert_true(monitor_waits_for_hanging(&rig_monitor, rig_copy(ra)));
}

/* No disk takes the metadata, or the monitor is to end while another disk hangs: one that answers does not keep it busy. */
static void test_waiting_does_not_spin(void **state)
{
	struct rig_array *ra = one_hangs(3);

	(void)state;
	hangs(ra->member[1].dev);
	hanging.disk[0].since_ns = 0;
	handler.sync_error = -EIO;
	md_says("md126/array_state", "write-pending");
	rig_next();
	rig_next();
	assert_in_range(rig_next(), 900, 1000);
	handler.sync_error = 0;
	handoff_stop_monitor();
	rig_signal();
	rig_signal();
	assert_in_range(rig_next(), 900, 5000);
	forget_steps();
}

/* For some reason it is not written to: no pass follows the other at once. */
static void test_a_disk_that_stays_behind(void **state)
{
	unsigned ms = 0;

	(void)state;
	one_hangs(3);
	handler.ss.sync_metadata = real_sync;
	answer();
	rig_signal();
	handler.retries = 0;
	for (unsigned i = 0; i < 5; i++)
		ms += rig_next();
	assert_in_range(ms, 4000, 6000);
}

/* ---- giving up ---- */

static void test_it_is_given_up_after_half_a_minute(void **state)
{
	unsigned ms = 0;

	(void)state;
	one_hangs(3);
	hanging.disk[0].since_ns = rig_monitor.woken_ns;
	md_says("md126/array_state", "write-pending");
	rig_next();
	handler.stale = false; /* it is not written to */
	forget_steps();
	while (ms < 25000)
		ms += rig_next();
	assert_steps("");
	while (ms < 40000)
		ms += rig_next();
	assert_steps("ask md126/sda: fail\nmanager woken\n"); /* once */
	assert_message("md126: member sda has not answered for 30 seconds and is given up");
}

static void test_it_is_not_given_up_if_nothing_is_left(void **state)
{
	struct rig_array *ra = one_hangs(3);
	unsigned ms = 0;

	(void)state;
	hanging.disk[0].since_ns = rig_monitor.woken_ns;
	md_says("md126/dev-sdb/state", "faulty");
	rig_next();
	assert_true(ra->member[1].curr_state & MEMBER_FAULTY);
	forget_steps();
	while (ms < 40000)
		ms += rig_next();
	assert_no_message("given up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_waits),
		TEST(test_disks_of_others_are_not_waited_for),
		TEST(test_failures_of_other_arrays_count),
		TEST(test_failures_of_former_arrays_count),
		TEST(test_members_that_the_handler_has_not_got_count),
		TEST(test_a_disk_that_is_left_out_counts),
		TEST(test_a_reshape_waits),
		TEST(test_it_refuses_the_rest),
		TEST(test_an_array_goes_on),
		TEST(test_an_array_waits),
		TEST(test_answers_that_come_too_late),
		TEST(test_answers_at_the_end_of_a_pass),
		TEST(test_a_disk_that_answers_is_brought_up_to_date),
		TEST(test_nothing_is_sent_at_the_end),
		TEST(test_one_that_is_behind_counts),
		TEST(test_waiting_does_not_spin),
		TEST(test_a_disk_that_stays_behind),
		TEST(test_it_is_given_up_after_half_a_minute),
		TEST(test_it_is_not_given_up_if_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
