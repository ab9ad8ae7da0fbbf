/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/spare.c: which disk is chosen (imsm.md 9). */
#include "tests/unit/support/imsm-spares.h"

#include <errno.h>

/* ---- finding: the usual case ---- */

static void test_find_newest_spare(void **state)
{
	(void)state;
	sp_degraded_raid5();
	sp_find(0);
	sp_assert_one(1, 4);
	assert_int_equal(sp_req.pick[0].data_offset, 0);
	assert_int_equal(sp_req.pick[0].component_size, FX_PER_DEV);
	assert_int_equal(sp_req.pick[0].ppl_size, 0);
	assert_true(sp_req.pick[0].bad_block_log);
	assert_int_equal(sp_req.bad_count, 0);
}

static void test_find_ppl(void **state)
{
	(void)state;
	for (uint8_t policy = 0; policy <= IMSM_RWH_BITMAP; policy++) {
		bool ppl = policy == 1 || policy == 3;

		sp_degraded_raid5();
		imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], 4096);
		ifx.c.meta.volume[0].head.rwh_policy = policy;
		sp_find(0);
		assert_int_equal(sp_req.pick[0].data_offset, 4096);
		assert_int_equal(sp_req.pick[0].ppl_size, ppl ? 2048 : 0);
		assert_int_equal(sp_req.pick[0].ppl_sector, ppl ? 4096 + FX_PER_DEV : 0);
	}
}

/* Each of several spares must have one (RAID10 that has lost a disk of both pairs). */
static void test_find_bitmap(void **state)
{
	(void)state;
	for (uint8_t policy = 0; policy <= IMSM_RWH_BITMAP; policy++) {
		bool bitmap = policy == IMSM_RWH_BITMAP;

		ifx_init(&ifx, 4);
		ifx_volume(&ifx, 1, "D 0,1x!,2,3x! f1");
		ifx_spare(&ifx);
		ifx_spare(&ifx);
		imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], 4096);
		ifx.c.meta.volume[0].head.rwh_policy = policy;
		sp_find(0);
		assert_int_equal(sp_req.count, 2);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(sp_req.pick[i].bitmap_size, bitmap ? 1036288 : 0);
			assert_int_equal(sp_req.pick[i].bitmap_sector, bitmap ? 4096 + FX_PER_DEV + 16 : 0);
			assert_int_equal(sp_req.pick[i].bitmap_header[0], bitmap ? 'b' : 0);
		}
	}
}

/* ---- finding: when nothing may be done ---- */

static void test_find_preconditions(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	sp_degraded_raid5();
	sp_md_add(1, ifx_dev(1), MEMBER_FAULTY); /* not removed yet */
	sp_find(0);
	assert_int_equal(sp_req.count, 0);

	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1"); /* one of the two is removed already */
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_md_add(3, ifx_dev(3), MEMBER_FAULTY);
	sp_find(0);
	assert_int_equal(sp_req.count, 0);

	sp_degraded_raid5();
	sp_md_add(1, ifx_dev(1), MEMBER_FAULTY | MEMBER_GONE); /* removed by somebody */
	sp_find(0);
	sp_assert_one(1, 4);

	sp_degraded_raid5();
	ifx_volume(&ifx, 5, "N<GEN<N 0,1x,2/0,1x,2 u0");
	sp_find(0);
	assert_int_equal(sp_req.count, 0);

	sp_degraded_raid5();
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	sp_find(0);
	assert_int_equal(sp_req.count, 0);

	sp_degraded_raid5();
	sp_find_with(0, 4, 3);
	assert_int_equal(sp_req.count, 0);

	sp_degraded_raid5();
	sp_find_with(0, 5, 4);
	assert_int_equal(sp_req.count, 0);

	sp_degraded_raid5();
	sp_find_with(1, 5, 3); /* no such volume */
	assert_int_equal(sp_req.count, 0);
}

static void test_find_states(void **state)
{
	static const struct {
		int level;
		const char *volume;
		unsigned picks;
	} rows[] = {
		{ 5, "N 0,1,2", 0 },
		{ 5, "D 0,1x!,2 f1", 1 },
		{ 5, "N 0,1?,2", 1 },  /* recorded or not */
		{ 5, "F 0,1x!,2x! f1", 0 },
		{ 5, "D 0,1x!,2x! f1", 0 },
		{ 5, "N<REBUILD<D 0,1,2/0,1!,2 f1 u0", 0 },
		{ 5, "D<REBUILD<D 0,1x!,2/0,1x!,2 f1 u0", 0 },
		{ 5, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u0", 0 },
		{ 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u0", 0 },
		{ 1, "D 0,1x! f1", 1 },
		{ 1, "D 0x!,1x! f0", 0 },
		{ 10, "D 0,1x!,2,3 f1", 1 },
		{ 10, "D 0,1x!,2x!,3 f1", 2 },
		{ 10, "F 0,1,2x!,3x! f2", 0 },
		{ 0, "F 0,1x! f1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ifx_init(&ifx, 4);
		ifx_volume(&ifx, rows[i].level, rows[i].volume);
		ifx_spare(&ifx);
		ifx_spare(&ifx);
		sp_md_from(0);
		sp_find(0);
		if (sp_req.count != rows[i].picks)
			fail_msg("%s: %u picks", rows[i].volume, sp_req.count);
	}
}

/* ---- finding: which disk ---- */

static void test_find_prefers_own_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1!,2 f1");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 1);
	/* Not if it failed. */
	ifx_fail_disk(&ifx, 1);
	sp_find(0);
	sp_assert_one(1, 3);

	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0!,1,2 f0");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(0, 0);
}

static void test_find_prefers_disk_of_other_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_volume(&ifx, 1, "N 2,3");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 3);
	/* Not if the other volume lies where this one is to be. */
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], FX_PER_DEV);
	sp_find(0);
	sp_assert_one(1, 3);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], FX_PER_DEV - 1);
	sp_find(0);
	sp_assert_one(1, 4);
	/* Right behind it. */
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], FX_PER_DEV);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], 0);
	sp_find(0);
	sp_assert_one(1, 3);
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], FX_PER_DEV - 1);
	sp_find(0);
	sp_assert_one(1, 4);
}

/* Number 0 and slot 0 are as good as any. */
static void test_find_disk_0_of_other_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 1,2x!,3 f1");
	ifx_volume(&ifx, 1, "N 0,1");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 0);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], 0);
	sp_find(0);
	sp_assert_one(1, 4);
}

/* A member of this volume whose slot md lacks, too, is not put into another slot. */
static void test_find_not_a_disk_of_another_slot(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3! f1");
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(3, 3);
}

static void only_spare(struct imsm_dl *dl)
{
	while (ifx.c.disks->index < 0)
		ifx.c.disks = ifx.c.disks->next;
	dl->next = ifx.c.disks;
	ifx.c.disks = dl;
}

static void test_find_unfit_spares(void **state)
{
	(void)state;
	for (unsigned what = 0; what <= 6; what++) {
		struct imsm_dl *dl = &ifx.dl[4];

		sp_degraded_raid5();
		only_spare(dl);
		switch (what) {
		case 0: break;
		case 1: dl->record.status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_FAILED); break;
		case 2: dl->index = IMSM_INDEX_UNRELATED; break;
		case 3: ifx.disk[4].sector_size = 4096; break;
		case 4: dl->record.status = le32_make(IMSM_DISK_JOURNAL); break;
		case 5: sp_md_add(-1, dl->dev, MEMBER_SPARE); break;
		case 6: memcpy(dl->serial, "DISK2", 6); break;
		}
		sp_find(0);
		if (sp_req.count != (what == 0))
			fail_msg("spare %u: %u picks", what, sp_req.count);
	}
}

static unsigned picks_with(uint64_t spare_blocks)
{
	only_spare(&ifx.dl[4]);
	imsm_disk_set_blocks(&ifx.dl[4].record, spare_blocks);
	sp_find(0);
	return sp_req.count;
}

static void set_member_blocks(uint64_t blocks)
{
	for (unsigned i = 0; i < 3; i++)
		imsm_disk_set_blocks(&ifx.c.meta.disk[i], blocks);
}

static void test_find_size_limits(void **state)
{
	(void)state;
	/* Plenty of room on the members: 2210 + 2048 sectors are to be left. */
	sp_degraded_raid5();
	assert_int_equal(picks_with(FX_PER_DEV + 4258), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 4257), 0);
	assert_int_equal(picks_with(0), 0);
	/* A member has less: so much must do; an even number. */
	sp_degraded_raid5();
	set_member_blocks(FX_PER_DEV + 3001);
	assert_int_equal(picks_with(FX_PER_DEV + 3000), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 2999), 0);
	/* The smallest counts. */
	sp_degraded_raid5();
	imsm_disk_set_blocks(&ifx.c.meta.disk[2], FX_PER_DEV + 2500);
	assert_int_equal(picks_with(FX_PER_DEV + 2500), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 2499), 0);
	/* Only the metadata itself must fit. */
	sp_degraded_raid5();
	set_member_blocks(FX_PER_DEV);
	/* header 216, 3 disks of 48, volume 172, bad block log 8 + 254 * 8 */
	assert_int_equal(picks_with(FX_PER_DEV + 6), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 5), 0);
}

/* Index 0 is the smallest member; its last volume is the one with the highest address. */
static void test_find_size_of_first_member(void **state)
{
	(void)state;
	for (unsigned swapped = 0; swapped <= 1; swapped++) {
		struct imsm_volume *v = ifx.c.meta.volume;

		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
		ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
		ifx_spare(&ifx);
		ifx_spare(&ifx);
		if (swapped) {
			imsm_map_set_pba(&v[0].map[0], FX_PER_DEV);
			imsm_map_set_pba(&v[1].map[0], 0);
		} else {
			imsm_map_set_pba(&v[1].map[0], FX_PER_DEV);
		}
		imsm_disk_set_blocks(&ifx.c.meta.disk[0], 2 * FX_PER_DEV + 1000);
		sp_md_from(0);
		assert_int_equal(picks_with(2 * FX_PER_DEV + 1000), 1);
		assert_int_equal(picks_with(2 * FX_PER_DEV + 999), 0);
	}
}

/* Every volume needs its place on the disk, not only the degraded one. */
static void test_find_room_for_other_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	sp_md_from(0);
	assert_int_equal(picks_with(FX_PER_DEV * 2 + FX_GAP + 4258), 1);
	assert_int_equal(picks_with(FX_PER_DEV * 2 + FX_GAP + 4257), 0);
}

static void test_find_beyond_32_bits(void **state)
{
	const uint64_t far = UINT64_C(3) << 32;

	(void)state;
	sp_degraded_raid5();
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	set_member_blocks(far * 2);
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], far);
	assert_int_equal(picks_with(far + FX_PER_DEV + 4258), 1);
	assert_int_equal(sp_req.pick[0].data_offset, far);
	assert_int_equal(picks_with(far + FX_PER_DEV + 4257), 0);
	assert_int_equal(picks_with(1u << 30), 0);
}

/* RAID0 and RAID1 on the same disks: the user may still hope for the RAID0. */
static void test_find_waits_for_removal(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_volume(&ifx, 0, "N 0,1x");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_req.count, 0);
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	sp_find(0);
	sp_assert_one(1, 2);
	/* A RAID1 beside it does not object. */
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 2);
}

/* Nor the RAID0 when md has the spare already: a daemon died before it had recorded that. */
static void test_find_what_md_has(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_volume(&ifx, 0, "N 0,1x");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_md_add(1, ifx_dev(2), MEMBER_IN_SYNC);
	sp_find(0);
	assert_int_equal(sp_req.count, 1);
	sp_assert_picked(0, 1, 2, true);
}

/*
 * The partner cannot be opened by this daemon, and md works with it. Life (seed 1340119414): disks 5 boot 1f sectors 512/4096
 * raid10 bdce raid10 abcd; daemon; manage; fail 0 2; kill 11; stop 0; dim d; run 6; daemon; run 6; ...
 */
static void test_find_beside_a_disk_that_md_has(void **state)
{
	const bool all_but_1[MAX_SLOTS] = { true, false, true, true };

	(void)state;
	for (unsigned known = 0; known < 2; known++) {
		ifx_init(&ifx, 4);
		ifx_volume(&ifx, 10, "D 0?,1x!,2,3 f1");
		ifx_spare(&ifx);
		sp_md_from(0);
		sp_md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
		if (known)
			imsm_note_slots(&ifx.c, 0, all_but_1);
		sp_find(0);
		assert_int_equal(sp_req.count, known);
	}
	sp_assert_picked(0, 1, 4, false);
	assert_int_equal(sp_commit(0), 0);
	assert_int_equal(ifx.c.meta.volume[0].map[0].head.map_state, IMSM_NORMAL);
}

static void test_find_raid10_two_slots(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 4); /* the lowest slot first */
	ifx_spare(&ifx);
	sp_find(0);
	assert_int_equal(sp_req.count, 2);
	sp_assert_picked(0, 3, 4, false); /* highest first in the result */
	sp_assert_picked(1, 1, 5, false);
	/* Three. */
	ifx_init(&ifx, 6);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x!,4,5x! f1");
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	sp_assert_picked(0, 5, 6, false);
	sp_assert_picked(1, 3, 7, false);
	sp_assert_picked(2, 1, 8, false);
	assert_int_equal(sp_req.count, 3);
	/* md lost both of a pair, the metadata knows of one: nothing to copy from. */
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3 f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_md_count = 0;
	sp_md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
	sp_md_add(3, ifx_dev(3), MEMBER_IN_SYNC);
	sp_find(0);
	assert_int_equal(sp_req.count, 0);
}

/* ---- finding: what a dead daemon left in md ---- */

static void test_find_left_behind(void **state)
{
	static const struct {
		const char *volume;
		unsigned disk, state;
		bool found;
	} rows[] = {
		{ "D 0,1x!,2 f1", 3, MEMBER_SPARE, true },     /* a spare, being recovered */
		{ "D 0,1x!,2 f1", 3, 0, true },                /* its state could not be read */
		{ "D 0,1x!,2 f1", 3, MEMBER_IN_SYNC, true },   /* recovered meanwhile */
		{ "N 0,1?,2", 3, MEMBER_SPARE, true },         /* the old disk is not even known to be bad */
		{ "N 0,1?,2", 3, MEMBER_IN_SYNC, true },
		{ "N 0,1,2", 3, MEMBER_SPARE, true },          /* nor missing: it came back */
		{ "N 0,1,2", 3, MEMBER_IN_SYNC, false },       /* nonsense */
		{ "D 0,1!,2 f1", 1, MEMBER_SPARE, true },      /* its own disk, flagged */
		{ "D 0,1!,2 f1", 1, MEMBER_IN_SYNC, true },
		{ "N 0,1,2", 1, MEMBER_SPARE, true },          /* its own disk, without data */
		{ "N 0,1,2", 1, 0, false },                    /* its state could not be read */
		{ "N 0,1,2", 1, MEMBER_IN_SYNC, false },
		{ "D 0,1x!,2 f1", 1, MEMBER_SPARE, false },    /* failed */
		{ "D 0,1x!,2 f1", 2, MEMBER_SPARE, false },    /* belongs to slot 2 */
		{ "D 0,1x!,2 f1", 9, MEMBER_SPARE, false },    /* not ours */
		{ "N<REBUILD<D 0,1,2/0,1!,2 f1 u0", 1, MEMBER_SPARE, false }, /* recorded: all is well */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 5, rows[i].volume);
		ifx_spare(&ifx);
		ifx_spare(&ifx);
		sp_md_count = 0;
		sp_md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
		sp_md_add(1, ifx_dev(rows[i].disk), rows[i].state);
		if (rows[i].disk != 2)
			sp_md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
		sp_find(0);
		if (sp_req.count != rows[i].found)
			fail_msg("left behind %zu: %u picks", i, sp_req.count);
		if (!rows[i].found)
			continue;
		sp_assert_picked(0, 1, rows[i].disk, true);
		assert_int_equal(sp_commit(0), 0);
	}
}

static void test_left_behind_then_in_sync(void **state)
{
	(void)state;
	sp_degraded_raid5();
	sp_md_add(1, ifx_dev(3), MEMBER_IN_SYNC);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	ifx.ev = (struct imsm_event){ .disk_count = 0 };
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_IN_SYNC, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2,1");
}

/* A disk that md uses although we could not read its metadata does not count as lost. */
static void test_find_beside_unknown_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 0,1x!,2?,3 f1");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_md_add(2, ifx_dev(12), MEMBER_IN_SYNC);
	sp_find(0);
	sp_assert_one(1, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_newest_spare),
		cmocka_unit_test(test_find_ppl),
		cmocka_unit_test(test_find_bitmap),
		cmocka_unit_test(test_find_preconditions),
		cmocka_unit_test(test_find_states),
		cmocka_unit_test(test_find_prefers_own_disk),
		cmocka_unit_test(test_find_prefers_disk_of_other_volume),
		cmocka_unit_test(test_find_disk_0_of_other_volume),
		cmocka_unit_test(test_find_not_a_disk_of_another_slot),
		cmocka_unit_test(test_find_unfit_spares),
		cmocka_unit_test(test_find_size_limits),
		cmocka_unit_test(test_find_size_of_first_member),
		cmocka_unit_test(test_find_room_for_other_volume),
		cmocka_unit_test(test_find_beyond_32_bits),
		cmocka_unit_test(test_find_waits_for_removal),
		cmocka_unit_test(test_find_what_md_has),
		cmocka_unit_test(test_find_beside_a_disk_that_md_has),
		cmocka_unit_test(test_find_raid10_two_slots),
		cmocka_unit_test(test_find_left_behind),
		cmocka_unit_test(test_left_behind_then_in_sync),
		cmocka_unit_test(test_find_beside_unknown_disk),
	};

	return cmocka_run_group_tests_name("imsm-spare", tests, NULL, NULL);
}
