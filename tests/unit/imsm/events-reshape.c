/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/events.c: a reshape ends, seen or unseen, and what follows. */
#include "tests/unit/support/imsm-events.h"

static void test_reshape_finished(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];
	bool due;

	(void)state;
	ev_container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_spare(&ifx);
	ev_md_reset(0, 5);
	ifx.ev.prev_action = SYNC_RESHAPE;
	ifx.ev.last_checkpoint = 100;
	ifx.ev.reshape_done = true;
	ifx.c.write_due = false;
	assert_int_equal(imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN), MARK_CLEAN);
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2,3");
	assert_int_equal(ifx.ev.custom_array_size, 3 * FX_PER_DEV);
	assert_int_equal(ifx.ev.last_checkpoint, 0);
	assert_true(ifx.c.reshape_ended);
	imsm_after_reshape(&ifx.c);
	assert_false(ifx.c.reshape_ended);
	ev_tell_array(MARK_CLEAN, &due);
	assert_false(due);
	/* Whole MiB on each member. */
	ev_container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	imsm_map_set_stripes(&v->map[0], FX_PER_DEV / FX_CHUNK + 3);
	ev_md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 3 * FX_PER_DEV);
}

static void test_next_volume_reshapes(void **state)
{
	(void)state;
	ev_container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_volume_set_unit(&ifx.c.meta.volume[1], 9);
	ev_md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2,3");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2"); /* not before that is on the disks */
	ifx.c.write_due = false;
	imsm_after_reshape(&ifx.c);
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	assert_string_equal(ifx_text(&ifx, 2), "N 0,1,2");
	assert_int_equal(imsm_volume_blocks(&ifx.c.meta.volume[1]), 4 * FX_PER_DEV);
	ifx_assert_writable(&ifx);
	/* The second has finished: the third follows. */
	ev_md_reset(1, 4);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 1, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2,3");
	assert_string_equal(ifx_text(&ifx, 2), "N<GEN<N 0,1,2,3/0,1,2 u0");
}

/* Another chunk size or level is a matter of that volume alone. */
static void test_no_volume_follows_without_new_disks(void **state)
{
	(void)state;
	ev_container(5, "N<GEN<N 0,1,2/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1");
	ev_md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	/* RAID0 on two disks became RAID5 on three. */
	ev_container(5, "N<GEN<N 0,1,2/0,1 u2");
	ifx.c.meta.volume[0].map[1].head.raid_level = IMSM_RAID0;
	ifx_volume(&ifx, 0, "N 0,1");
	ev_md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
}

/* The daemon was not there when it ended: md has the new shape, and nobody is at work. */
static void test_reshape_end_unseen(void **state)
{
	static const struct {
		const char *text;
		int level, md_level, raid_disks;
		unsigned chunk;
		bool idle, done;
		int layout;
	} rows[] = {
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, FX_CHUNK, true, true, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, FX_CHUNK, false, false, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 3, FX_CHUNK, true, false, 0 }, /* never begun */
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, 2 * FX_CHUNK, true, false, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 4, 4, FX_CHUNK, true, false, 0 },
		{ "N<GEN<N 0,1,2/0,1 u2", 5, 5, 3, FX_CHUNK, true, false, 5 }, /* RAID0, called RAID5 */
		{ "N<GEN<N 0,1,2/0,1 u2", 0, 4, 4, FX_CHUNK, true, true, 0 },
		{ "N<GEN<N 0,1,2/0,1 u2", 0, 4, 3, FX_CHUNK, true, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(rows[i].level, rows[i].text);
		ev_md_reset(0, rows[i].md_level);
		ifx.ev.raid_disks = rows[i].raid_disks;
		ifx.ev.chunk = rows[i].chunk;
		ifx.ev.layout = rows[i].layout;
		ifx.ev.reshape_idle = rows[i].idle;
		imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
		assert_int_equal(imsm_general_migration(&ifx.c.meta.volume[0]), !rows[i].done);
	}
}

static void test_reshape_running_only_dirty(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N<GEN<N 0,1?,2,3/0,1?,2 u2");
	ev_md_reset(0, 5);
	ifx.ev.action = SYNC_RESHAPE;
	ifx.ev.resync_start = 0;
	ifx.ev.last_checkpoint = FX_PER_DEV;
	assert_int_equal(ev_tell_array(MARK_DIRTY, &due), MARK_DIRTY);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1?,2,3/0,1?,2 u2");
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, IMSM_DIRTY);
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
}

/* It was pulled and plugged in again between mdadm's request and the moment at which md was given the new disks. */
static void test_new_member_was_absent_before_it_began(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned slot, state;
	} rows[] = {
		{ "F<GEN<D 0,1,2x!,3,4!/0,1,2x! f2 u0", "D<GEN<D 0,1,2x!,3,4/0,1,2x! f2 u0", 4, MEMBER_IN_SYNC },
		{ "D<GEN<N 0,1,2,3!/0,1,2 f3 u0", "N<GEN<N 0,1,2,3/0,1,2 u0", 3, MEMBER_IN_SYNC },
		{ "D<GEN<N 0,1,2,3!/0,1,2 f3 u0", "D<GEN<N 0,1,2,3!/0,1,2 f3 u0", 3, MEMBER_SPARE },
		/* not a new one: md was started with what nobody trusts */
		{ "D<GEN<D 0,1,2!,3/0,1,2! f2 u0", "D<GEN<D 0,1,2!,3/0,1,2! f2 u0", 2, MEMBER_IN_SYNC },
	};
	bool due;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(5, rows[i].before);
		ev_md_reset(0, 5);
		ev_md_set(rows[i].slot, rows[i].state, rows[i].state & MEMBER_IN_SYNC ? SECTORS_NONE : 0);
		ifx.ev.action = SYNC_RESHAPE;
		ev_tell_array(MARK_CLEAN, &due);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
	}
}

/*
 * A disk fails in one volume, and has mdadm's record of the reshape of another. That goes on with it, and the next mdadm has to
 * know it: its record is read first.
 */
static void test_disk_with_the_record_fails_elsewhere(void **state)
{
	static const struct {
		const char *other;
		bool live;
		unsigned slot;
		const char *after;
	} rows[] = {
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", true, 0, "D 0!,1,2 f0" },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", true, 1, "D 0,1!,2 f1" },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", true, 2, "D 0,1,2x! f2" }, /* it has no record */
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", false, 0, "D 0!,1,2 f0" }, /* a RAID0 is served when mdadm begins to move it */
		{ "N 0,1,2,3", false, 0, "D 0x!,1,2 f0" },
		{ "D<GEN<D 0!,1,2,3/0!,1,2 f0 u2", true, 0, "D 0x!,1,2 f0" }, /* it goes on without it */
		{ "N 0,1,2,3", true, 0, "D 0x!,1,2 f0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(5, "N 0,1,2");
		ifx_volume(&ifx, 5, rows[i].other);
		ifx.c.live_volumes = rows[i].live ? 3 : 1;
		ev_md_reset(0, 5);
		ev_md_set(rows[i].slot, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
		ev_tell_disk((int)rows[i].slot);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
	}
}

/*
 * A disk had failed in another volume before the reshape began: mdadm did not know it. It is all that the volume has now, but
 * with a record of another time it would mislead.
 */
static void test_failed_disk_has_no_record(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "N<GEN<N 0x,1,2,3/0x,1,2 u2", "F<GEN<N 0x,1,2,3x!/0x,1,2 f3 u2" },
		{ "N<GEN<N 0,1,2x,3/0,1,2x u2", "D<GEN<N 0,1,2,3x!/0,1,2 f3 u2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(5, rows[i].before);
		ev_md_reset(0, 5);
		ev_md_set(3, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
		ev_tell_disk(3);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reshape_finished),
		cmocka_unit_test(test_next_volume_reshapes),
		cmocka_unit_test(test_no_volume_follows_without_new_disks),
		cmocka_unit_test(test_reshape_end_unseen),
		cmocka_unit_test(test_reshape_running_only_dirty),
		cmocka_unit_test(test_new_member_was_absent_before_it_began),
		cmocka_unit_test(test_disk_with_the_record_fails_elsewhere),
		cmocka_unit_test(test_failed_disk_has_no_record),
	};

	return cmocka_run_group_tests_name("imsm-events-reshape", tests, NULL, NULL);
}
