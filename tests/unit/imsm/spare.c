/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/spare.c: which disk is chosen (imsm.md 9), and what is recorded of it (imsm.md 8.2). */
#include "tests/unit/support/imsm-fixture.h"

#include <errno.h>

#define RANDOM 0x01020304u

static struct spare_request req;

/* ---- md ---- */

static struct md_member md[32];
static unsigned md_count;

static void md_add(int slot, dev_t dev, unsigned state)
{
	md[md_count++] = (struct md_member){ .slot = slot, .dev = dev, .state = state };
}

/* md has every disk of the volume that is there, has not failed and is not flagged. */
static void md_from(unsigned volume)
{
	const struct imsm_map *m = &ifx.c.meta.volume[volume].map[0];

	md_count = 0;
	for (unsigned slot = 0; slot < m->head.num_members; slot++) {
		const struct imsm_dl *dl = imsm_dl_by_index(&ifx.c, (int)imsm_ord_index(m->ord[slot]));

		if (dl && !(m->ord[slot] & IMSM_ORD_REBUILD) && !imsm_disk_failed(&ifx.c, imsm_ord_index(m->ord[slot])))
			md_add((int)slot, dl->dev, MEMBER_IN_SYNC);
	}
}

static void find_with(unsigned volume, int md_level, unsigned raid_disks)
{
	static struct ifx_snapshot before;

	ifx_save(&ifx, &before);
	memset(&req, 0x55, sizeof(req));
	req.random = RANDOM;
	imsm_find_spares(&ifx.c, volume, md_level, FX_PER_DEV, md, md_count, raid_disks, &req);
	ifx_assert_unchanged(&ifx, &before);
}

static void find(unsigned volume)
{
	const struct imsm_map *m = &ifx.c.meta.volume[volume].map[0];

	find_with(volume, imsm_map_level(m), m->head.num_members);
}

static int commit(unsigned volume)
{
	const char *why = NULL;
	int err;

	ifx.c.write_due = false;
	err = imsm_commit_spares(&ifx.c, volume, &req, &why);
	if (err)
		assert_non_null(why);
	else
		assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	return err;
}

static void assert_commit_refused(int expected)
{
	static struct ifx_snapshot before;

	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	assert_int_equal(commit(0), expected);
	ifx_assert_unchanged(&ifx, &before);
}

/* ---- finding: the usual case ---- */

/* RAID5 whose disk 1 failed and is gone from md; spares DISK3 and, more recently, DISK4. */
static void degraded_raid5(void)
{
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	md_from(0);
}

static void assert_picked(unsigned i, int slot, unsigned disk, bool in_array)
{
	assert_true(i < req.count);
	assert_int_equal(req.pick[i].slot, slot);
	assert_int_equal(req.pick[i].dev, ifx_dev(disk));
	assert_int_equal(req.pick[i].in_array, in_array);
}

static void assert_one(int slot, unsigned disk)
{
	assert_int_equal(req.count, 1);
	assert_picked(0, slot, disk, false);
}

static void test_find_newest_spare(void **state)
{
	(void)state;
	degraded_raid5();
	find(0);
	assert_one(1, 4);
	assert_int_equal(req.pick[0].data_offset, 0);
	assert_int_equal(req.pick[0].component_size, FX_PER_DEV);
	assert_int_equal(req.pick[0].ppl_size, 0);
	assert_true(req.pick[0].bad_block_log);
	assert_int_equal(req.bad_count, 0);
	assert_int_equal(req.random, RANDOM);
}

static void test_find_ppl(void **state)
{
	(void)state;
	for (uint8_t policy = 0; policy <= IMSM_RWH_BITMAP; policy++) {
		bool ppl = policy == 1 || policy == 3;

		degraded_raid5();
		imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], 4096);
		ifx.c.meta.volume[0].head.rwh_policy = policy;
		find(0);
		assert_int_equal(req.pick[0].data_offset, 4096);
		assert_int_equal(req.pick[0].ppl_size, ppl ? 2048 : 0);
		assert_int_equal(req.pick[0].ppl_sector, ppl ? 4096 + FX_PER_DEV : 0);
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
		find(0);
		assert_int_equal(req.count, 2);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(req.pick[i].bitmap_size, bitmap ? 1036288 : 0);
			assert_int_equal(req.pick[i].bitmap_sector, bitmap ? 4096 + FX_PER_DEV + 16 : 0);
			assert_int_equal(req.pick[i].bitmap_header[0], bitmap ? 'b' : 0);
		}
	}
}

/* ---- finding: when nothing may be done ---- */

static void test_find_preconditions(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	degraded_raid5();
	md_add(1, ifx_dev(1), MEMBER_FAULTY); /* not removed yet */
	find(0);
	assert_int_equal(req.count, 0);

	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1"); /* one of the two is removed already */
	ifx_spare(&ifx);
	md_from(0);
	md_add(3, ifx_dev(3), MEMBER_FAULTY);
	find(0);
	assert_int_equal(req.count, 0);

	degraded_raid5();
	md_add(1, ifx_dev(1), MEMBER_FAULTY | MEMBER_GONE); /* removed by somebody */
	find(0);
	assert_one(1, 4);

	degraded_raid5();
	ifx_volume(&ifx, 5, "N<GEN<N 0,1x,2/0,1x,2 u0");
	find(0);
	assert_int_equal(req.count, 0);

	degraded_raid5();
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	find(0);
	assert_int_equal(req.count, 0);

	degraded_raid5();
	find_with(0, 4, 3);
	assert_int_equal(req.count, 0);

	degraded_raid5();
	find_with(0, 5, 4);
	assert_int_equal(req.count, 0);

	degraded_raid5();
	find_with(1, 5, 3); /* no such volume */
	assert_int_equal(req.count, 0);
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
		md_from(0);
		find(0);
		if (req.count != rows[i].picks)
			fail_msg("%s: %u picks", rows[i].volume, req.count);
	}
}

/* ---- finding: which disk ---- */

static void test_find_prefers_own_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1!,2 f1");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 1);
	/* Not if it failed. */
	ifx_fail_disk(&ifx, 1);
	find(0);
	assert_one(1, 3);

	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0!,1,2 f0");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(0, 0);
}

static void test_find_prefers_disk_of_other_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 0,1x!,2 f1");
	ifx_volume(&ifx, 1, "N 2,3");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 3);
	/* Not if the other volume lies where this one is to be. */
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], FX_PER_DEV);
	find(0);
	assert_one(1, 3);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], FX_PER_DEV - 1);
	find(0);
	assert_one(1, 4);
	/* Right behind it. */
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], FX_PER_DEV);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], 0);
	find(0);
	assert_one(1, 3);
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], FX_PER_DEV - 1);
	find(0);
	assert_one(1, 4);
}

/* Number 0 and slot 0 are as good as any. */
static void test_find_disk_0_of_other_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 5, "D 1,2x!,3 f1");
	ifx_volume(&ifx, 1, "N 0,1");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 0);
	imsm_map_set_pba(&ifx.c.meta.volume[1].map[0], 0);
	find(0);
	assert_one(1, 4);
}

/* A member of this volume whose slot md lacks, too, is not put into another slot. */
static void test_find_not_a_disk_of_another_slot(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3! f1");
	md_from(0);
	find(0);
	assert_one(3, 3);
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

		degraded_raid5();
		only_spare(dl);
		switch (what) {
		case 0: break;
		case 1: dl->record.status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_FAILED); break;
		case 2: dl->index = IMSM_INDEX_UNRELATED; break;
		case 3: ifx.disk[4].sector_size = 4096; break;
		case 4: dl->record.status = le32_make(IMSM_DISK_JOURNAL); break;
		case 5: md_add(-1, dl->dev, MEMBER_SPARE); break;
		case 6: memcpy(dl->serial, "DISK2", 6); break;
		}
		find(0);
		if (req.count != (what == 0))
			fail_msg("spare %u: %u picks", what, req.count);
	}
}

static unsigned picks_with(uint64_t spare_blocks)
{
	only_spare(&ifx.dl[4]);
	imsm_disk_set_blocks(&ifx.dl[4].record, spare_blocks);
	find(0);
	return req.count;
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
	degraded_raid5();
	assert_int_equal(picks_with(FX_PER_DEV + 4258), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 4257), 0);
	assert_int_equal(picks_with(0), 0);
	/* A member has less: so much must do; an even number. */
	degraded_raid5();
	set_member_blocks(FX_PER_DEV + 3001);
	assert_int_equal(picks_with(FX_PER_DEV + 3000), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 2999), 0);
	/* The smallest counts. */
	degraded_raid5();
	imsm_disk_set_blocks(&ifx.c.meta.disk[2], FX_PER_DEV + 2500);
	assert_int_equal(picks_with(FX_PER_DEV + 2500), 1);
	assert_int_equal(picks_with(FX_PER_DEV + 2499), 0);
	/* But the metadata itself must fit. */
	degraded_raid5();
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
		md_from(0);
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
	md_from(0);
	assert_int_equal(picks_with(FX_PER_DEV * 2 + FX_GAP + 4258), 1);
	assert_int_equal(picks_with(FX_PER_DEV * 2 + FX_GAP + 4257), 0);
}

static void test_find_beyond_32_bits(void **state)
{
	const uint64_t far = UINT64_C(3) << 32;

	(void)state;
	degraded_raid5();
	ifx.c.meta.header.attributes = le32_make(IMSM_ATTR_2TB_DISK);
	set_member_blocks(far * 2);
	imsm_map_set_pba(&ifx.c.meta.volume[0].map[0], far);
	assert_int_equal(picks_with(far + FX_PER_DEV + 4258), 1);
	assert_int_equal(req.pick[0].data_offset, far);
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
	md_from(0);
	find(0);
	assert_int_equal(req.count, 0);
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	find(0);
	assert_one(1, 2);
	/* A RAID1 beside it does not object. */
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_volume(&ifx, 1, "D 0,1x! f1");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 2);
}

static void test_find_raid10_two_slots(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 4); /* the lowest slot first */
	ifx_spare(&ifx);
	find(0);
	assert_int_equal(req.count, 2);
	assert_picked(0, 3, 4, false); /* highest first in the result */
	assert_picked(1, 1, 5, false);
	/* Three. */
	ifx_init(&ifx, 6);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x!,4,5x! f1");
	for (int i = 0; i < 3; i++)
		ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_picked(0, 5, 6, false);
	assert_picked(1, 3, 7, false);
	assert_picked(2, 1, 8, false);
	assert_int_equal(req.count, 3);
	/* md lost both of a pair, the metadata knows of one: nothing to copy from. */
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3 f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	md_from(0);
	md_count = 0;
	md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
	md_add(3, ifx_dev(3), MEMBER_IN_SYNC);
	find(0);
	assert_int_equal(req.count, 0);
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
		md_count = 0;
		md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
		md_add(1, ifx_dev(rows[i].disk), rows[i].state);
		if (rows[i].disk != 2)
			md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
		find(0);
		if (req.count != rows[i].found)
			fail_msg("left behind %zu: %u picks", i, req.count);
		if (!rows[i].found)
			continue;
		assert_picked(0, 1, rows[i].disk, true);
		assert_int_equal(commit(0), 0);
	}
}

static void test_left_behind_then_in_sync(void **state)
{
	(void)state;
	degraded_raid5();
	md_add(1, ifx_dev(3), MEMBER_IN_SYNC);
	find(0);
	assert_int_equal(commit(0), 0);
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
	md_from(0);
	md_add(2, ifx_dev(12), MEMBER_IN_SYNC);
	find(0);
	assert_one(1, 4);
}

/* ---- recording ---- */

static void pick(unsigned i, unsigned disk, int slot)
{
	req.pick[i] = (struct spare_pick){ .dev = ifx_dev(disk), .slot = slot };
	req.count = i + 1;
	req.random = RANDOM;
}

static uint32_t family(void)
{
	return le32_get(ifx.c.meta.header.family_num);
}

/* Row 16 of imsm.md 6.4: the old disk's entry is deleted, what is behind it moves down. */
static void test_commit_one(void **state)
{
	(void)state;
	degraded_raid5();
	ifx.c.meta.num_bad = 1;
	ifx.c.meta.bad[0] = (struct imsm_bad_range){ 10, 8, 2 };
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK2"));
	assert_true(ifx_table_serial_is(&ifx, 2, "DISK4"));
	assert_int_equal(le32_get(ifx.c.meta.disk[2].status), IMSM_DISK_CONFIGURED);
	assert_int_equal(ifx.dl[4].index, 2);
	assert_false(ifx.dl[4].spare_record_due);
	assert_int_equal(ifx.dl[2].index, 1);
	assert_int_equal(ifx.dl[1].index, IMSM_INDEX_UNRELATED); /* failed, still plugged in */
	assert_int_equal(ifx.dl[3].index, IMSM_INDEX_SPARE);
	assert_int_equal(ifx.c.meta.bad[0].disk, 1);
	assert_int_equal(family(), 0x1000 + RANDOM);
	assert_int_equal(le32_get(ifx.c.meta.header.orig_family_num), 0x1000);
}

static void test_commit_removed_disk(void **state)
{
	(void)state;
	degraded_raid5();
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
}

static void test_commit_fixes_original_family(void **state)
{
	(void)state;
	degraded_raid5();
	ifx.c.meta.header.orig_family_num = le32_make(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_int_equal(le32_get(ifx.c.meta.header.orig_family_num), 0x1000);
}

static void test_commit_own_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1!,2 f1");
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1,2/0,1!,2 f1 u0");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(family(), 0x1000 + RANDOM);
}

/* A slot that was lost without a failure: the number of the failed slot is set. */
static void test_commit_slot_lost_silently(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
}

static void test_commit_raid10_two(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,1,2/0,3!,1,2! f1 u0");
	assert_int_equal(family(), 0x1000 + 2 * RANDOM);
	assert_int_equal(ifx.c.meta.num_disks, 4);
}

/* Deleting one old entry moves the next one. */
static void test_commit_lowest_first(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	pick(0, 4, 1);
	pick(1, 5, 3);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1,3/0,2!,1,3! f1 u0");
	assert_int_equal(ifx.c.meta.num_disks, 4);
	assert_true(ifx_table_serial_is(&ifx, 2, "DISK4"));
	/* The first one keeps its entry: it is its own disk. */
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1!,2,3x! f1");
	ifx_spare(&ifx);
	pick(0, 1, 1);
	pick(1, 4, 3);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1,2,3/0,1!,2,3! f1 u0");
	assert_true(ifx_table_serial_is(&ifx, 3, "DISK4"));
}

/* One of two failed slots: rows 21 and 22 start from this. */
static void test_commit_one_of_two(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,3,1,2x!/0,3!,1,2x! f1 u0");
}

/* From the first failure to the end, through both volumes of a matrix. */
static void test_matrix_cycle(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 1,0,2");
	ifx_spare(&ifx);
	ifx.ev = (struct imsm_event){ .disk_count = 0 };
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	imsm_set_disk(&ifx.c, 1, 0, MEMBER_FAULTY, &ifx.ev);
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));

	md_from(0);
	find(0);
	assert_one(1, 3);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 1x!,0,2 f0"); /* the other one still names it */

	/* It had trouble already: in that volume, and where this one is going to use it. */
	ifx.c.meta.bad[0] = (struct imsm_bad_range){ .sector = 100, .length = 8, .disk = 3 };
	ifx.c.meta.bad[1] = (struct imsm_bad_range){ .sector = FX_PER_DEV + FX_GAP + 100, .length = 16, .disk = 3 };
	ifx.c.meta.bad[2] = (struct imsm_bad_range){ .sector = FX_PER_DEV + FX_GAP + 100, .length = 8, .disk = 2 };
	ifx.c.meta.num_bad = 3;
	ifx_spare(&ifx); /* a newer spare does not distract */
	md_from(1);
	find(1);
	assert_one(0, 3);
	assert_int_equal(req.bad_count, 1);
	assert_int_equal(req.bad[0].dev, ifx_dev(3));
	assert_int_equal(req.bad[0].range.sector, FX_PER_DEV + FX_GAP + 100);
	assert_int_equal(req.bad[0].range.length, 16);
	assert_int_equal(req.pick[0].data_offset, FX_PER_DEV + FX_GAP);
	assert_int_equal(commit(1), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "N<REBUILD<D 2,0,1/2!,0,1 f0 u0");
	assert_int_equal(ifx.c.meta.num_disks, 3);

	imsm_set_disk(&ifx.c, 0, 1, MEMBER_IN_SYNC, &ifx.ev);
	imsm_set_disk(&ifx.c, 1, 0, MEMBER_IN_SYNC, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2,1");
	assert_string_equal(ifx_text(&ifx, 1), "N 2,0,1");
}

/* A RAID0 nobody watches must not look intact, nor be started with the new disk: it keeps naming the lost one. */
static void test_commit_marks_idle_raid0(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	ifx_volume(&ifx, 0, "N 0,1x?");
	ifx.c.live_volumes = 1;
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_one(1, 2);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "F 0,1x?! f1");
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

static void test_commit_marks_idle_slot_0(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	ifx_volume(&ifx, 0, "N 1x?,0");
	ifx.c.live_volumes = 1;
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 1), "F 1x?!,0 f0");
}

static void test_commit_marks_idle_mirror(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	ifx_volume(&ifx, 1, "N<REPAIR<N 0,1x?/0,1x? u5");
	ifx.c.live_volumes = 1;
	ifx_spare(&ifx);
	md_from(0);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 1), "N<REPAIR<N 0,1x?!/0,1x?! f1 u5");
}

/* The idle volume has the new disk already, in another slot: the old entry has to stay. */
static void test_commit_idle_volume_has_new_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	ifx_volume(&ifx, 5, "N 0,1x?,2");
	ifx.c.live_volumes = 1;
	md_from(0);
	find(0);
	assert_one(1, 2);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1x?!,2 f1");
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

/* It left one volume in good health: what it holds of another is still good. */
static void test_commit_leaves_good_disk_to_idle_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "N 0,1");
	ifx_volume(&ifx, 0, "N 0,1");
	ifx.c.live_volumes = 1;
	ifx_spare(&ifx);
	md_count = 0;
	md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
	md_add(1, ifx_dev(2), MEMBER_SPARE);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

/* The disk that was in the slot is good after all: it becomes a spare. */
static void test_commit_good_old_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1,2");
	ifx_spare(&ifx);
	md_count = 0;
	md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
	md_add(1, ifx_dev(3), MEMBER_SPARE);
	md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
	find(0);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_int_equal(ifx.dl[1].index, IMSM_INDEX_SPARE);
	assert_true(ifx.dl[1].spare_record_due);
}

/* It vanished, came back as a spare, and repairs its own old slot: no serial twice in the table. */
static void test_commit_returning_disk(void **state)
{
	struct imsm_dl *back;

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_volume(&ifx, 5, "N 0,1?,2"); /* watched, too: keeps the old entry */
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK1", 6);
	md_from(0);
	find(0);
	assert_one(1, 3);
	assert_int_equal(commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1x?!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_true(ifx_table_serial_is(&ifx, 3, "DISK1"));
}

/* ---- recording: refused as a whole ---- */

static void test_commit_refused(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];
	const char *why;

	(void)state;
	degraded_raid5();
	find(0);
	imsm_remove_disk(&ifx.c, ifx_dev(4)); /* has left */
	assert_commit_refused(-ENODEV);

	degraded_raid5();
	find(0);
	ifx.dl[4].record.status = le32_make(IMSM_DISK_FAILED);
	assert_commit_refused(-ESTALE);

	degraded_raid5();
	find(0);
	imsm_disk_set_blocks(&ifx.dl[4].record, FX_PER_DEV);
	assert_commit_refused(-ESTALE);

	degraded_raid5(); /* recorded already: the slot is under rebuild */
	find(0);
	assert_int_equal(commit(0), 0);
	assert_commit_refused(-EBUSY);

	degraded_raid5();
	find(0);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1x,2/0,1x,2 u0");
	assert_commit_refused(-EBUSY);

	degraded_raid5();
	find(0);
	v->map[0].head.map_state = IMSM_FAILED;
	assert_commit_refused(-ESTALE);

	degraded_raid5();
	find(0);
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	assert_commit_refused(-ESTALE);

	degraded_raid5();
	find(0);
	assert_int_equal(imsm_commit_spares(&ifx.c, 1, &req, &why), -EINVAL);
	req.count = 0;
	assert_commit_refused(-EINVAL);
	req.count = MAX_SPARE_PICKS + 1;
	assert_commit_refused(-EINVAL);

	degraded_raid5();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS;
	pick(0, 4, 1);
	assert_commit_refused(-ESTALE);
}

static void test_commit_refused_slots(void **state)
{
	static const int bad[] = { -1, 3, 256, INT32_MAX, INT32_MIN };

	(void)state;
	degraded_raid5();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pick(0, 4, bad[i]);
		assert_commit_refused(-EINVAL);
	}
	pick(0, 4, 0); /* nothing is wrong with that slot */
	assert_commit_refused(-ESTALE);
	pick(0, 2, 1); /* a member of another slot */
	assert_commit_refused(-ESTALE);
	pick(0, 1, 1); /* the failed disk itself */
	assert_commit_refused(-ESTALE);
}

/* The first pick is good, the second is not: neither is recorded. */
static void test_commit_all_or_nothing(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	pick(0, 4, 1);
	pick(1, 4, 3); /* one disk for both */
	assert_commit_refused(-EINVAL);
	pick(1, 5, 1); /* both into one slot */
	assert_commit_refused(-EINVAL);
	pick(1, 9, 3);
	assert_commit_refused(-ENODEV);
	pick(1, 5, 2);
	assert_commit_refused(-ESTALE);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one more entry */
	pick(1, 5, 3);
	assert_commit_refused(-ENOSPC);
	pick(0, 5, 3); /* alone */
	assert_int_equal(commit(0), 0);
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
		cmocka_unit_test(test_find_raid10_two_slots),
		cmocka_unit_test(test_find_left_behind),
		cmocka_unit_test(test_left_behind_then_in_sync),
		cmocka_unit_test(test_find_beside_unknown_disk),
		cmocka_unit_test(test_commit_one),
		cmocka_unit_test(test_commit_removed_disk),
		cmocka_unit_test(test_commit_fixes_original_family),
		cmocka_unit_test(test_commit_own_disk),
		cmocka_unit_test(test_commit_slot_lost_silently),
		cmocka_unit_test(test_commit_raid10_two),
		cmocka_unit_test(test_commit_lowest_first),
		cmocka_unit_test(test_commit_one_of_two),
		cmocka_unit_test(test_matrix_cycle),
		cmocka_unit_test(test_commit_marks_idle_raid0),
		cmocka_unit_test(test_commit_marks_idle_slot_0),
		cmocka_unit_test(test_commit_marks_idle_mirror),
		cmocka_unit_test(test_commit_idle_volume_has_new_disk),
		cmocka_unit_test(test_commit_leaves_good_disk_to_idle_volume),
		cmocka_unit_test(test_commit_good_old_disk),
		cmocka_unit_test(test_commit_returning_disk),
		cmocka_unit_test(test_commit_refused),
		cmocka_unit_test(test_commit_refused_slots),
		cmocka_unit_test(test_commit_all_or_nothing),
	};

	return cmocka_run_group_tests_name("imsm-spare", tests, NULL, NULL);
}
