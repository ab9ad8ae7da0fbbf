/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Updates that the manager queues, and tickets: in which order they are applied and returned, what follows from them.
 * docs/mdmon.md 9.5 and 11.7; docs/design.md, "Tickets".
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

static void test_in_the_order_of_the_queue(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	for (uint64_t id = 1; id <= 3; id++)
		rig_update(UPDATE_MESSAGE, id);
	rig_signal();
	assert_steps("message 1 applied\nmessage 2 applied\nmessage 3 applied\nmetadata written\n"
		     "update 1 returned\nupdate 2 returned\nupdate 3 returned\nmanager woken\n");
	/* each of them once */
	rig_signal();
	assert_steps("");
}

static void test_a_refused_update(void **state)
{
	struct metadata_update *u;

	(void)state;
	rig_adopted("md126", 2);
	handler.update_error = -EINVAL;
	u = rig_update(UPDATE_MESSAGE, 1);
	rig_signal();
	assert_steps("update 1 returned (status -22)\nmanager woken\n");
	assert_true(u->durable); /* there is nothing that is not */
}

/* A message may renumber or delete volumes: what the manager has published before is in use by then. */
static void test_arrays_before_messages(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	handoff_publish(rig_copy(ra));
	rig_update(UPDATE_MESSAGE, 1);
	rig_signal();
	assert_first_steps("md126: bound\nmessage 1 applied\n");
}

/* What becomes of a disk that comes depends on whether its volume is in use. */
static void test_arrays_before_disks(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	handoff_publish(rig_copy(ra));
	rig_update(UPDATE_ADD_DISK, 1);
	rig_signal();
	assert_first_steps("md126: bound\ndisk added\n");
}

/* What comes after the message may be an array of the volume that it creates. */
static void test_array_of_a_volume_to_be_created(void **state)
{
	struct rig_array *ra = rig_array("md126", 2);

	(void)state;
	handler.open_error = -ENODEV;
	handler.message_creates = true;
	rig_update(UPDATE_MESSAGE, 1);
	handoff_publish(rig_copy(ra));
	rig_signal();
	assert_first_steps("message 1 applied\nmd126: bound\n");
}

/* Each kind goes to the entry of the handler that is meant. */
static void test_each_kind(void **state)
{
	static struct spare_request none;

	(void)state;
	rig_update(UPDATE_MESSAGE, 1);
	rig_update(UPDATE_COMMIT_SPARES, 2)->spares = &none;
	rig_update(UPDATE_REMOVE_DISK, 3);
	rig_update(UPDATE_ADD_DISK, 4);
	rig_signal();
	assert_steps("message 1 applied\nspares recorded\ndisk removed\ndisk added\nmetadata written\n"
		     "update 1 returned\nupdate 2 returned\nupdate 3 returned\nupdate 4 returned\nmanager woken\n");
}

/* ---- spares ---- */

/* The set of disks has changed: each array may find a spare, or miss one. */
static void test_a_disk_comes(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	rig_adopted("md125", 2);
	rig_update(UPDATE_ADD_DISK, 1);
	rig_signal();
	assert_steps("disk added\nmetadata written\nask md125: spares\nask md126: spares\nupdate 1 returned\nmanager woken\n");
	rig_signal();
	assert_steps("");
	rig_update(UPDATE_REMOVE_DISK, 2);
	rig_signal();
	assert_steps("disk removed\nmetadata written\nask md125: spares\nask md126: spares\nupdate 2 returned\n"
		     "manager woken\n");
}

/* A daemon that died had given them to md; of one the rebuild has ended before it is recorded that it begins. */
static void test_a_rebuild_has_ended(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 3);
	struct spare_request req = { .watch = &ra->watch, .count = 2 };

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		req.pick[i] = (struct spare_pick){ .dev = ra->member[i].dev, .slot = (int)i, .in_array = true };
	rig_copy(ra)->disks[1]->curr_state = MEMBER_SPARE;
	rig_update(UPDATE_COMMIT_SPARES, 1)->spares = &req;
	rig_signal();
	assert_first_steps("spares recorded\n");
	assert_int_equal(req.count, 1);
	assert_int_equal(req.pick[0].slot, 1);
	/* nothing is left */
	req.pick[0].slot = 0;
	req.pick[0].dev = ra->member[0].dev;
	forget_steps();
	rig_update(UPDATE_COMMIT_SPARES, 2)->spares = &req;
	rig_signal();
	assert_int_equal(req.count, 0);
	assert_steps("update 2 returned\nmanager woken\n");
}

/* Memory was short when it was put in: md has rebuilt it, and the metadata know nothing of it. */
static void test_a_rebuild_has_ended_that_nobody_recorded(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 3);
	struct spare_request req = { .watch = &ra->watch, .count = 1 };

	(void)state;
	handler.unrecorded = ra->member[1].dev;
	req.pick[0] = (struct spare_pick){ .dev = ra->member[1].dev, .slot = 1, .in_array = true };
	rig_update(UPDATE_COMMIT_SPARES, 1)->spares = &req;
	rig_signal();
	assert_first_steps("spares recorded\n");
	assert_int_equal(req.count, 1);
}

/* The copy of the array that has the new member comes later: the record must not be taken for one of before. */
static void test_a_rebuild_begins_before_the_first_word(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct spare_request req = { .watch = &ra->watch, .count = 1 };

	(void)state;
	ra->watch.untold = true;
	handler.update_error = -EBUSY;
	rig_update(UPDATE_COMMIT_SPARES, 1)->spares = &req;
	rig_signal();
	assert_true(ra->watch.untold);
	handler.update_error = 0;
	rig_update(UPDATE_COMMIT_SPARES, 2)->spares = &req;
	rig_signal();
	assert_false(ra->watch.untold);
}

/* At boot mdadm may start an array with the disk before the daemon has read it. */
static void test_members_are_told_when_a_disk_comes(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.disk_is_member = true;
	rig_update(UPDATE_ADD_DISK, 1);
	rig_signal();
	assert_steps("disk added\nmd126[0]: in sync\nmd126[1]: in sync\nmetadata written\nask md126: spares\n"
		     "update 1 returned\nmanager woken\n");
}

static void test_a_disk_that_is_refused(void **state)
{
	(void)state;
	rig_adopted("md126", 2);
	handler.update_error = -ENOSPC;
	rig_update(UPDATE_ADD_DISK, 1);
	rig_signal();
	assert_steps("update 1 returned (status -28)\nmanager woken\n");
}

/* A question, asked of the copy that is there now. Nothing is written. */
static void test_spares_are_looked_for(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct spare_request req = { .watch = &ra->watch, .count = 9 };
	struct metadata_update *u = rig_update(UPDATE_FIND_SPARES, 1);

	(void)state;
	u->spares = &req;
	u->status = -EIO;
	rig_signal();
	assert_steps("md126: spares are looked for\nupdate 1 returned\nmanager woken\n");
	assert_int_equal(req.count, 1);
	assert_int_equal(handler.syncs, 1);
}

/* The array has ended meanwhile. */
static void test_spares_for_nobody(void **state)
{
	struct rig_array *ra = rig_adopted("md126", 2);
	struct spare_request req = { .watch = &ra->watch, .count = 9 };
	struct metadata_update *u;

	(void)state;
	md_says("md126/array_state", "inactive");
	rig_next();
	forget_steps();
	u = rig_update(UPDATE_FIND_SPARES, 1);
	u->spares = &req;
	rig_signal();
	assert_steps("update 1 returned\nmanager woken\n");
	assert_int_equal(req.count, 0);
	assert_int_equal(u->status, 0);
}

/* ---- tickets ---- */

/* A ticket asks for a look at everything: md need not have notified of what the client has done. */
static void test_a_ticket_is_a_look_at_everything(void **state)
{
	unsigned ticket;

	(void)state;
	rig_adopted("md126", 2);
	md_says_silently("md126/array_state", "readonly");
	rig_signal();
	assert_steps(""); /* a signal alone is not */
	ticket = handoff_draw_ticket();
	rig_signal();
	assert_steps("ask md126: read-auto\nticket 1 honoured\nmanager woken\n");
	assert_true(handoff_ticket_honoured(ticket));
	/* it asks for it once */
	md_says_silently("md126/array_state", "write-pending");
	rig_signal();
	assert_steps("");
}

static unsigned drawn_late;

static void draw(void)
{
	drawn_late = handoff_draw_ticket();
}

/* Drawn while the pass was reading: perhaps what the client did was not seen. */
static void test_a_ticket_needs_a_whole_pass(void **state)
{
	unsigned early;

	(void)state;
	rig_adopted("md126", 2);
	early = handoff_draw_ticket();
	md_while_reading("md126/dev-sda/state", draw);
	rig_signal();
	assert_true(handoff_ticket_honoured(early));
	assert_false(handoff_ticket_honoured(drawn_late));
	rig_signal();
	assert_true(handoff_ticket_honoured(drawn_late));
	assert_steps("ticket 1 honoured\nticket 2 honoured\n");
}

/* Without arrays, too. */
static void test_a_ticket_without_arrays(void **state)
{
	unsigned ticket = handoff_draw_ticket();

	(void)state;
	rig_signal();
	assert_true(handoff_ticket_honoured(ticket));
	assert_steps("ticket 1 honoured\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_the_order_of_the_queue),
		TEST(test_a_refused_update),
		TEST(test_arrays_before_messages),
		TEST(test_arrays_before_disks),
		TEST(test_array_of_a_volume_to_be_created),
		TEST(test_each_kind),
		TEST(test_a_disk_comes),
		TEST(test_a_rebuild_has_ended),
		TEST(test_a_rebuild_has_ended_that_nobody_recorded),
		TEST(test_a_rebuild_begins_before_the_first_word),
		TEST(test_members_are_told_when_a_disk_comes),
		TEST(test_a_disk_that_is_refused),
		TEST(test_spares_are_looked_for),
		TEST(test_spares_for_nobody),
		TEST(test_a_ticket_is_a_look_at_everything),
		TEST(test_a_ticket_needs_a_whole_pass),
		TEST(test_a_ticket_without_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
