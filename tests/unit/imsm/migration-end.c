/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: what is recorded when a reshape has ended (imsm.md 5.5).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <string.h>

/* ---- what was written can be read ---- */

/* The records that a reshape has left are to be zeroed, now that its end has been recorded. */
static bool migr_record_to_be_cleared;

/* ---- the end of a reshape ---- */

struct end_row {
	const char *name;
	unsigned members;
	struct {
		int level;
		const char *text;
	} volume[3];
	unsigned ended; /* volume */
	const char *after[3];
	uint64_t array_size;
};

static void reshape_ended(unsigned volume)
{
	const struct imsm_map *m = MAP0(volume);

	memset(&ifx.ev, 0, sizeof(ifx.ev));
	ifx.ev.level = imsm_map_level(m);
	ifx.ev.reshape_done = true;
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		struct md_member *d = &ifx.ev.disk[ifx.ev.disk_count++];

		d->slot = (int)slot;
		d->recovery_start = SECTORS_NONE;
		d->state = imsm_slot_bad(&ifx.c, VOL(volume), slot) ? MEMBER_FAULTY : MEMBER_IN_SYNC;
	}
	ifx.c.write_due = false;
	imsm_finish_reshape(&ifx.c, volume, &ifx.ev);
	migr_record_to_be_cleared = ifx.c.reshape_ended;
	if (ifx.c.reshape_ended)
		imsm_after_reshape(&ifx.c);
	assert_false(ifx.c.reshape_ended);
}

static const struct end_row end_rows[] = {
	{ "RAID5 widened", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 0, { "N 0,1,2,3" }, 3 * 65536 },
	{ "RAID0 widened", 3, { { 0, "N<GEN<N 0,1,2/0,1 u2" } }, 0, { "N 0,1,2" }, 3 * 65536 },
	{ "chunk", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" } }, 0, { "N 0,1,2" }, 2 * 65536 },
	{ "degraded", 4, { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" } }, 0, { "D 0,1x!,2,3 f1" }, 3 * 65536 },
	{ "failed meanwhile", 4, { { 5, "N<GEN<N 0,1x,2,3/0,1x,2 u2" } }, 0, { "D 0,1x!,2,3 f1" },
	  3 * 65536 },
	{ "failed meanwhile, the first one", 4, { { 5, "N<GEN<N 0x,1,2,3/0x,1,2 u2" } }, 0,
	  { "D 0x!,1,2,3 f0" }, 3 * 65536 },
	{ "too many are gone: the record stays", 4, { { 5, "D<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" } }, 0,
	  { "F<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" }, 3 * 65536 },
	{ "the next volume begins", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" } }, 0,
	  { "N 0,1,2,3", "N<GEN<N 0,1,2,3/0,1,2 u0" }, 3 * 65536 },
	{ "one after the other", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 2,1,0" }, { 5, "N 0,1,2" } },
	  0, { "N 0,1,2,3", "N<GEN<N 2,1,0,3/2,1,0 u0", "N 0,1,2" }, 3 * 65536 },
	{ "the third one", 4, { { 5, "N 0,1,2,3" }, { 0, "N<GEN<N 0,1,2,3/0,1,2 u5" }, { 5, "N 0,1,2" } }, 1,
	  { "N 0,1,2,3", "N 0,1,2,3", "N<GEN<N 0,1,2,3/0,1,2 u0" }, 4 * 65536 },
	{ "all done", 4, { { 5, "N 0,1,2,3" }, { 0, "N<GEN<N 0,1,2,3/0,1,2 u5" } }, 1,
	  { "N 0,1,2,3", "N 0,1,2,3" }, 4 * 65536 },
	{ "the second disk to be added follows, too", 5,
	  { { 5, "N<GEN<N 0,1,2,3,4/0,1,2 u2" }, { 5, "N 0,1,2" } }, 0,
	  { "N 0,1,2,3,4", "N<GEN<N 0,1,2,3,4/0,1,2 u0" }, 4 * 65536 },
	{ "degraded, and the next one begins", 4,
	  { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" }, { 5, "D 0,1x!,2 f1" } }, 0,
	  { "D 0,1x!,2,3 f1", "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u0" }, 3 * 65536 },
	{ "nothing begins while another one migrates", 4,
	  { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" }, { 5, "N<REPAIR<N 0,1,2/0,1,2 u3" } }, 0,
	  { "N 0,1,2,3", "N 0,1,2", "N<REPAIR<N 0,1,2/0,1,2 u3" }, 3 * 65536 },
	{ "nor while one before it migrates", 4,
	  { { 5, "N<REPAIR<N 0,1,2,3/0,1,2,3 u3" }, { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 0, "N 0,1,2" } }, 1,
	  { "N<REPAIR<N 0,1,2,3/0,1,2,3 u3", "N 0,1,2,3", "N 0,1,2" }, 3 * 65536 },
	{ "one before it may be the next", 4, { { 0, "N 0,1,2" }, { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" } }, 1,
	  { "N<GEN<N 0,1,2,3/0,1,2 u0", "N 0,1,2,3" }, 3 * 65536 },
	{ "too many are gone: nothing begins", 4,
	  { { 5, "D<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" }, { 0, "N 2" } }, 0,
	  { "F<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2", "N 2" }, 3 * 65536 },
	{ "a chunk is no matter of others", 3, { { 5, "N<GEN<N 0,1,2/0,1,2 u2" }, { 0, "N 0,1" } }, 0,
	  { "N 0,1,2", "N 0,1" }, 2 * 65536 },
	{ "a mirror cannot follow", 4, { { 0, "N<GEN<N 0,1,2,3/0,1 u2" }, { 1, "N 0,1" } }, 0,
	  { "N 0,1,2,3", "N 0,1" }, 4 * 65536 },
	/* The new slot 3 would hold disk 3 twice. */
	{ "one on other disks cannot follow", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 5, "N 0,1,3" } }, 0,
	  { "N 0,1,2,3", "N 0,1,3" }, 3 * 65536 },
	{ "disks that are not there cannot be added", 3, { { 5, "N<GEN<N 0,1,2/0,1 u2" }, { 0, "N 0,1" } }, 0,
	  { "N 0,1,2", "N<GEN<N 0,1,2/0,1 u0" }, 2 * 65536 },
	{ "nor if it is in the first slot", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u2" }, { 5, "N 3,0,1" } }, 0,
	  { "N 0,1,2,3", "N 3,0,1" }, 3 * 65536 },
	/*
	 * A reshape of a lost volume could never end, and while one is on record no spare is activated for the
	 * first.
	 */
	{ "a RAID0 that is lost cannot follow", 4,
	  { { 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" }, { 0, "F 0,1x!,2 f1" } }, 0,
	  { "D 0,1x!,2,3 f1", "F 0,1x!,2 f1" }, 3 * 65536 },
};

static void test_end_of_reshape(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(end_rows) / sizeof(end_rows[0]); i++) {
		const struct end_row *r = &end_rows[i];

		print_message("  %s\n", r->name);
		ifx_init(&ifx, r->members);
		for (unsigned k = 0; k < 3 && r->volume[k].text; k++)
			ifx_volume(&ifx, r->volume[k].level, r->volume[k].text);
		reshape_ended(r->ended);
		for (unsigned k = 0; k < ifx.c.meta.num_volumes; k++)
			assert_string_equal(ifx_text(&ifx, k), r->after[k]);
		assert_int_equal(ifx.ev.custom_array_size, r->array_size);
		assert_int_equal(migr_record_to_be_cleared, !VOL(r->ended)->head.migr_state);
		assert_false(shape_migr_record_cleared()); /* by then */
		assert_true(ifx.c.write_due);
		ifx_assert_writable(&ifx);
		shape_assert_round_trip(4096);
	}
}

static void test_end_of_level_change(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2/0,1 u2");
	ifx_volume(&ifx, 0, "N 0,1");
	VOL(0)->map[1].head.raid_level = IMSM_RAID0;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	assert_int_equal(ifx.ev.custom_array_size, 2 * 65536);
}

/* Recorded with the size it is going to have, in whole MiB of each member, beside what it is. */
static void test_shape_of_the_next_volume(void **state)
{
	static struct imsm_map before;

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_volume_set_unit(VOL(1), 9);
	imsm_map_set_stripes(MAP0(1), 100);
	before = *MAP0(1);
	reshape_ended(0);
	shape_assert(VOL(1), &(struct shape){ 4 * 6 * MIB, 100, 67584, 128, 0, 1 });
	assert_memory_equal(&before, &VOL(1)->map[1], sizeof(before));
	assert_int_equal(imsm_volume_unit(VOL(1)), 0);
}

/* One that is less than a MiB would have no size. */
static void test_tiny_volume_does_not_follow(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_map_set_stripes(MAP0(1), 15);
	imsm_volume_set_blocks(VOL(1), 3 * 15 * 128);
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
	ifx_assert_writable(&ifx);
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	imsm_map_set_stripes(MAP0(1), 16);
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	assert_int_equal(imsm_volume_blocks(VOL(1)), 4 * MIB);
}

/* A volume that was deleted is neither waited for nor begun. */
static void test_gone_volume_does_not_follow(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx_volume(&ifx, 5, "N<REPAIR<N 0,1,2/0,1,2 u3");
	ifx.c.meta.num_volumes = 2;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx.c.meta.num_volumes = 1;
	reshape_ended(0);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
}

static void test_array_size_in_whole_mib(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	imsm_map_set_stripes(MAP0(0), 100); /* 6.25 MiB */
	reshape_ended(0);
	assert_int_equal(ifx.ev.custom_array_size, 3 * 6 * MIB);
}

/* ---- a power cut before the next volume begins ---- */

/* Loaded, and what was learnt of a late disk moves the generation on. */
static bool goes_on_after(uint32_t generations)
{
	bool on;

	ifx.c.loaded_generation = le32_get(ifx.c.meta.header.generation_num);
	imsm_pass_generations(&ifx.c.meta.header, generations);
	ifx.c.reshape_ended = false;
	ifx.c.widened_to = 0;
	imsm_find_sequel(&ifx.c);
	on = ifx.c.reshape_ended;
	assert_int_equal(ifx.c.widened_to, on ? 4 : 0);
	return on;
}

static bool goes_on(void)
{
	return goes_on_after(0);
}

static void widened_and_to_widen(void)
{
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N 0,1,2,3");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx.c.reshape_ended = true;
	ifx.c.widened_to = 4;
}

/* Volumes of different widths are what somebody has wanted, unless the copy of that very generation says otherwise. */
static void test_mark_that_another_volume_follows(void **state)
{
	struct imsm_header *h = &ifx.c.meta.header;
	static const uint8_t none[sizeof(h->filler)];

	(void)state;
	widened_and_to_widen();
	assert_false(goes_on());
	widened_and_to_widen();
	imsm_mark_sequel(&ifx.c);
	assert_true(goes_on());
	imsm_pass_generations(h, 1); /* by mdadm's daemon */
	assert_false(goes_on());
	imsm_mark_sequel(&ifx.c); /* by ours */
	assert_memory_equal(h->filler, none, sizeof(none));
}

static void test_no_mark_where_none_follows(void **state)
{
	static const uint8_t none[sizeof(ifx.c.meta.header.filler)];

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "N 0,1,2,3");
	ifx.c.reshape_ended = true;
	ifx.c.widened_to = 4;
	imsm_mark_sequel(&ifx.c);
	assert_memory_equal(ifx.c.meta.header.filler, none, sizeof(none));
	/* what somebody else has put there stays */
	memset(ifx.c.meta.header.filler, 0xa5, sizeof(none));
	imsm_mark_sequel(&ifx.c);
	assert_int_equal(ifx.c.meta.header.filler[sizeof(none) - 1], 0xa5);
}

/* A disk of another family has a newer copy, in which nothing says otherwise. */
static void test_mark_before_a_late_disk(void **state)
{
	(void)state;
	widened_and_to_widen();
	imsm_mark_sequel(&ifx.c);
	assert_true(goes_on_after(7));
}

/* A mark that does not fit the volumes, or more members than there are disks. */
static void test_mark_that_does_not_fit(void **state)
{
	(void)state;
	widened_and_to_widen();
	imsm_mark_sequel(&ifx.c);
	ifx.c.meta.num_disks = 3;
	assert_false(goes_on());
	ifx.c.meta.num_disks = 4;
	assert_true(goes_on());
}

/* After the power cut the first volume is resynced: the next one waits, and so does what says that there is one. */
static void test_next_volume_waits_for_a_resync(void **state)
{
	(void)state;
	widened_and_to_widen();
	imsm_mark_sequel(&ifx.c);
	imsm_migrate(VOL(0), IMSM_NORMAL, IMSM_MIGR_REPAIR);
	assert_true(goes_on());
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
	assert_false(imsm_next_may_begin(&ifx.c));
	imsm_pass_generations(&ifx.c.meta.header, 1);
	imsm_mark_sequel(&ifx.c);
	assert_true(goes_on());
	ifx.c.reshape_ended = false;
	imsm_end_migration(&ifx.c, VOL(0), IMSM_NORMAL);
	assert_true(imsm_next_may_begin(&ifx.c));
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	assert_false(imsm_next_may_begin(&ifx.c));
}

/* A member that is absent would come back with the record of the first volume's reshape. */
static void test_next_volume_waits_for_a_disk(void **state)
{
	(void)state;
	widened_and_to_widen();
	ifx_unlink(&ifx, 0);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 1), "N 0?,1,2");
	assert_int_equal(ifx.c.widened_to, 4);
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 0x?!,1,2,3 f0");
	ifx_volume(&ifx, 5, "D 0x?!,1,2 f0");
	ifx.c.widened_to = 4;
	assert_true(imsm_next_may_begin(&ifx.c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_of_reshape),
		cmocka_unit_test(test_end_of_level_change),
		cmocka_unit_test(test_shape_of_the_next_volume),
		cmocka_unit_test(test_tiny_volume_does_not_follow),
		cmocka_unit_test(test_gone_volume_does_not_follow),
		cmocka_unit_test(test_array_size_in_whole_mib),
		cmocka_unit_test(test_mark_that_another_volume_follows),
		cmocka_unit_test(test_no_mark_where_none_follows),
		cmocka_unit_test(test_mark_before_a_late_disk),
		cmocka_unit_test(test_mark_that_does_not_fit),
		cmocka_unit_test(test_next_volume_waits_for_a_resync),
		cmocka_unit_test(test_next_volume_waits_for_a_disk),
	};

	return cmocka_run_group_tests_name("imsm-migration-end", tests, NULL, NULL);
}
