/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/checkpoint.c: units of migration, and when one is stored. */
#include "tests/unit/support/imsm-events.h"

static void test_checkpoint_stored(void **state)
{
	static const struct {
		const char *before;
		enum sync_action prev, now;
		uint64_t checkpoint;
		uint64_t unit;
	} rows[] = {
		/* RAID5, chunk 128: 384 for a resync, 128 for a rebuild */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9 + 383, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9 - 1, 8 },
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9, 9 },
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", SYNC_REPAIR, SYNC_REPAIR, 384 * 9, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_RECOVER, 128 * 9 + 127, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RESYNC, SYNC_RECOVER, 128 * 9, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_FROZEN, SYNC_RECOVER, 128 * 9, 9 },
		/* interrupted: the last known position is kept */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_IDLE, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_FROZEN, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 0, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 383, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_NONE, 0, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_RECOVER, 0, 5 },
		/* nothing was seen running */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_IDLE, SYNC_RESYNC, 384 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_NONE, SYNC_RESYNC, 384 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_IDLE, SYNC_IDLE, 384 * 9, 5 },
		/* the position of something else */
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_CHECK, SYNC_CHECK, 128 * 9, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RESYNC, SYNC_RESYNC, 128 * 9, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_FROZEN, SYNC_FROZEN, 128 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RECOVER, SYNC_RECOVER, 384 * 9, 5 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u5", SYNC_RESHAPE, SYNC_RESHAPE, 384 * 9, 5 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u5", SYNC_RESHAPE, SYNC_IDLE, 384 * 9, 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool due;

		ev_container(5, rows[i].before);
		ev_md_reset(0, 5);
		if (!imsm_rebuilding(&ifx.c.meta.volume[0]))
			ifx.ev.resync_start = 384; /* under way */
		ifx.ev.prev_action = rows[i].prev;
		ifx.ev.action = rows[i].now;
		ifx.ev.last_checkpoint = rows[i].checkpoint;
		ev_tell_array(MARK_CLEAN, &due);
		if (imsm_volume_unit(&ifx.c.meta.volume[0]) != rows[i].unit || due != (rows[i].unit != 5))
			fail_msg("checkpoint row %zu: unit %llu", i,
				 (unsigned long long)imsm_volume_unit(&ifx.c.meta.volume[0]));
	}
}

static void test_no_checkpoint_for_a_sync_that_just_began(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1,2");
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 384;
	ifx.ev.prev_action = ifx.ev.action = SYNC_RESYNC;
	ifx.ev.last_checkpoint = 384 * 9;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u0");
	ev_tell_array(MARK_CLEAN, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u9");
}

/*
 * mdadm goes on with a resync where it had come to, also after a power cut while the array was written: behind that
 * point copies or parity would stay as the cut has left them. So nothing is called done while writes may be in flight.
 */
static void test_no_progress_while_writes_are_in_flight(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N<INIT<U 0,1,2/0,1,2 u5");
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 384 * 5;
	ifx.ev.prev_action = ifx.ev.action = SYNC_RESYNC;
	ifx.ev.last_checkpoint = 384 * 9;
	ev_tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "N<INIT<U 0,1,2/0,1,2 u0");
	ev_tell_array(MARK_CLEAN, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "N<INIT<U 0,1,2/0,1,2 u9");
}

/* With a PPL md repairs what a write in flight has left. */
static void test_progress_is_kept_with_ppl(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N<INIT<U 0,1,2/0,1,2 u5");
	ifx.c.meta.volume[0].head.rwh_policy = IMSM_RWH_MULTIPLE_DISTRIBUTED;
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 384 * 5;
	ifx.ev.prev_action = ifx.ev.action = SYNC_RESYNC;
	ifx.ev.last_checkpoint = 384 * 9;
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<INIT<U 0,1,2/0,1,2 u9");
}

/* The array is stopped before its resync was seen to run: md knows how far the copies agree. */
static void test_progress_from_md_once_it_is_clean(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N<REPAIR<N 0,1,2/0,1,2 u0");
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 384 * 5;
	ifx.ev.prev_action = ifx.ev.action = SYNC_IDLE;
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u0");
	ifx.ev.state = ARRAY_INACTIVE;
	ev_tell_array(MARK_CLEAN, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u5");
}

static void set_chunks(unsigned c0, unsigned c1)
{
	ifx.c.meta.volume[0].map[0].head.blocks_per_strip = le16_make((uint16_t)c0);
	ifx.c.meta.volume[0].map[1].head.blocks_per_strip = le16_make((uint16_t)c1);
}

static void test_blocks_per_unit(void **state)
{
	static const struct {
		int level;
		const char *volume;
		unsigned c0, c1;
		uint64_t bpu;
	} rows[] = {
		{ 1, "N<INIT<U 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<REPAIR<N 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<VERIFY<N 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<REBUILD<D 0,1/0,1! u0", 128, 128, 512 },
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 128, 128, 384 },
		{ 5, "N<REPAIR<N 0,1,2,3/0,1,2,3 u0", 64, 64, 256 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 128, 128, 128 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 64, 64, 128 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 256, 256, 256 },
		{ 10, "N<INIT<U 0,1,2,3/0,1,2,3 u0", 128, 128, 256 },
		{ 10, "N<REPAIR<N 0,1,2,3/0,1,2,3 u0", 64, 64, 128 },
		{ 10, "N<REBUILD<D 0,1,2,3/0,1,2,3! u0", 128, 128, 512 },
		{ 10, "N<REBUILD<D 0,1,2,3,4,5/0,1,2,3,4,5! u0", 32, 32, 512 },
		/* RAID1 with a chunk that is larger than half a unit */
		{ 1, "N<INIT<U 0,1/0,1 u0", 256, 256, 512 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 512, 512, 256 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 512, 128, 256 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 1024, 32, 256 },
		/* the maps differ in chunk size */
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 64, 128, 384 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 64, 256, 1024 },
		{ 10, "N<INIT<U 0,1,2,3/0,1,2,3 u0", 64, 256, 512 },
		/* none is kept */
		{ 5, "N 0,1,2", 128, 128, 0 },
		{ 5, "N<GEN<N 0,1,2,3/0,1,2 u0", 128, 128, 0 },
		{ 5, "N<CHANGE<N 0,1,2/0,1,2 u0", 128, 128, 0 },
		/* nonsense must not divide by zero */
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 0, 128, 0 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 128, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bpu;

		ev_container(rows[i].level, rows[i].volume);
		set_chunks(rows[i].c0, rows[i].c1);
		bpu = imsm_blocks_per_unit(&ifx.c.meta.volume[0]);
		if (bpu != rows[i].bpu)
			fail_msg("%s, chunks %u and %u: %llu", rows[i].volume, rows[i].c0, rows[i].c1,
				 (unsigned long long)bpu);
	}
}

static void test_blocks_per_unit_of_unknown_level(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	ev_container(5, "N<INIT<U 0,1,2/0,1,2 u0");
	v->map[0].head.raid_level = v->map[1].head.raid_level = 255;
	assert_int_equal(imsm_blocks_per_unit(v), 0);
	assert_int_equal(imsm_map_data_members(&v->map[0]), 0);
	v->map[0].head.raid_level = 10;
	v->map[0].head.num_domains = v->map[1].head.num_domains = 0;
	imsm_volume_set_migr_type(v, IMSM_MIGR_REBUILD);
	v->map[1].head.raid_level = 10;
	imsm_blocks_per_unit(v);
	imsm_map_update_stripes(&v->map[0], 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checkpoint_stored),
		cmocka_unit_test(test_no_checkpoint_for_a_sync_that_just_began),
		cmocka_unit_test(test_no_progress_while_writes_are_in_flight),
		cmocka_unit_test(test_progress_is_kept_with_ppl),
		cmocka_unit_test(test_progress_from_md_once_it_is_clean),
		cmocka_unit_test(test_blocks_per_unit),
		cmocka_unit_test(test_blocks_per_unit_of_unknown_level),
	};

	return cmocka_run_group_tests_name("imsm-checkpoint", tests, NULL, NULL);
}
