/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/spare.c: what is recorded of a spare that was chosen (imsm.md 8.2). */
#include "tests/unit/support/imsm-spares.h"

#include <errno.h>

/* ---- md ---- */

static void assert_commit_refused(int expected)
{
	static struct ifx_snapshot before;

	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	assert_int_equal(sp_commit(0), expected);
	ifx_assert_unchanged(&ifx, &before);
}

/* ---- recording ---- */

static uint32_t family(void)
{
	return le32_get(ifx.c.meta.header.family_num);
}

/* Row 16 of imsm.md 6.4: the old disk's entry is deleted, what is behind it moves down. */
static void test_commit_one(void **state)
{
	(void)state;
	sp_degraded_raid5();
	ifx.c.meta.num_bad = 1;
	ifx.c.meta.bad[0] = (struct imsm_bad_range){ 10, 8, 2 };
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
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
	assert_int_equal(family(), 0x1000);
	assert_int_equal(le32_get(ifx.c.meta.header.orig_family_num), 0x1000);
}

static void test_commit_removed_disk(void **state)
{
	(void)state;
	sp_degraded_raid5();
	imsm_remove_disk(&ifx.c, ifx_dev(1));
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
}

/* The replaced disk may come back, and may have been written to for a while by then. */
static void test_commit_leaves_the_replaced_disk_behind(void **state)
{
	(void)state;
	sp_degraded_raid5();
	ifx.c.meta.header.generation_num = le32_make(7);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_int_equal(le32_get(ifx.c.meta.header.generation_num), 7 + IMSM_LEAP_REPLACED);
}

static uint32_t sum_of(const struct imsm_meta *m)
{
	static uint8_t mpb[IMSM_MPB_MAX];
	ssize_t len = imsm_encode(m, 512, mpb, sizeof(mpb));

	assert_true(len > 0);
	return imsm_checksum(mpb, le32_get(((const struct imsm_header *)mpb)->mpb_size));
}

/* Else the reader takes what it holds for the copy of those that went on. The serials of the disks are in a row. */
static void test_commit_has_not_the_sum_of_the_replaced_disk(void **state)
{
	static struct imsm_meta on_replaced;

	(void)state;
	ifx_init(&ifx, 5);
	ifx_volume(&ifx, 5, "N 2,3,4");
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	on_replaced = ifx.c.meta;
	ifx_init(&ifx, 5);
	ifx_volume(&ifx, 5, "N 2,3,1");
	imsm_pass_generations(&ifx.c.meta.header, IMSM_LEAP_REPLACED);
	for (unsigned writes = 0; writes < 1000; writes++, imsm_pass_generations(&ifx.c.meta.header, 1))
		assert_int_not_equal(sum_of(&ifx.c.meta), sum_of(&on_replaced));
}

/* It does not take the metadata of a spare; those of a member it would not take either. */
static void test_stale_spare_is_not_picked(void **state)
{
	(void)state;
	sp_degraded_raid5();
	ifx.dl[3].stale = ifx.dl[4].stale = true;
	sp_find(0);
	assert_int_equal(sp_req.count, 0);
	ifx.dl[3].stale = false;
	sp_find(0);
	sp_assert_one(1, 3);
}

/* It failed in this array, and is only kept because another one depends on it. */
static void test_unfit_disk_is_not_picked(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1!,2 f1");
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 1);
	ifx.dl[1].unfit = true;
	assert_commit_refused(-ESTALE);
	sp_find(0);
	assert_int_equal(sp_req.count, 0);
	ifx_spare(&ifx);
	sp_find(0);
	sp_assert_one(1, 3);
}

static void test_commit_own_disk(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "D 0,1!,2 f1");
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1,2/0,1!,2 f1 u0");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(family(), 0x1000);
}

/* A slot that was lost without a failure: the number of the failed slot is set. */
static void test_commit_slot_lost_silently(void **state)
{
	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
}

static void test_commit_raid10_two(void **state)
{
	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1x!,2,3x! f1");
	ifx_spare(&ifx);
	ifx_spare(&ifx);
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,1,2/0,3!,1,2! f1 u0");
	assert_int_equal(family(), 0x1000);
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
	sp_pick(0, 4, 1);
	sp_pick(1, 5, 3);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1,3/0,2!,1,3! f1 u0");
	assert_int_equal(ifx.c.meta.num_disks, 4);
	assert_true(ifx_table_serial_is(&ifx, 2, "DISK4"));
	/* The first one keeps its entry: it is its own disk. */
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1!,2,3x! f1");
	ifx_spare(&ifx);
	sp_pick(0, 1, 1);
	sp_pick(1, 4, 3);
	assert_int_equal(sp_commit(0), 0);
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
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
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

	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 3);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 1x!,0,2 f0"); /* the other one still names it */

	/* The disk had trouble already: in that volume, and where this one is going to use it. */
	ifx.c.meta.bad[0] = (struct imsm_bad_range){ .sector = 100, .length = 8, .disk = 3 };
	ifx.c.meta.bad[1] = (struct imsm_bad_range){ .sector = FX_PER_DEV + FX_GAP + 100, .length = 16, .disk = 3 };
	ifx.c.meta.bad[2] = (struct imsm_bad_range){ .sector = FX_PER_DEV + FX_GAP + 100, .length = 8, .disk = 2 };
	ifx.c.meta.num_bad = 3;
	ifx_spare(&ifx); /* a newer spare does not distract */
	sp_md_from(1);
	sp_find(1);
	sp_assert_one(0, 3);
	assert_int_equal(sp_req.bad_count, 1);
	assert_int_equal(sp_req.bad[0].dev, ifx_dev(3));
	assert_int_equal(sp_req.bad[0].range.sector, FX_PER_DEV + FX_GAP + 100);
	assert_int_equal(sp_req.bad[0].range.length, 16);
	assert_int_equal(sp_req.pick[0].data_offset, FX_PER_DEV + FX_GAP);
	assert_int_equal(sp_commit(1), 0);
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
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 2);
	assert_int_equal(sp_commit(0), 0);
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
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
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
	sp_md_from(0);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
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
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 2);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1x?!,2 f1");
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

/* The disk left one volume in good health: what it holds of another is still good. */
static void test_commit_leaves_good_disk_to_idle_volume(void **state)
{
	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 1, "N 0,1");
	ifx_volume(&ifx, 0, "N 0,1");
	ifx.c.live_volumes = 1;
	ifx_spare(&ifx);
	sp_md_count = 0;
	sp_md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
	sp_md_add(1, ifx_dev(2), MEMBER_SPARE);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
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
	sp_md_count = 0;
	sp_md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
	sp_md_add(1, ifx_dev(3), MEMBER_SPARE);
	sp_md_add(2, ifx_dev(2), MEMBER_IN_SYNC);
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2,1/0,2!,1 f1 u0");
	assert_int_equal(ifx.dl[1].index, IMSM_INDEX_SPARE);
	assert_true(ifx.dl[1].spare_record_due);
}

/* A disk that vanished came back as a spare and repairs its own old slot: no serial twice in the table. */
static void test_commit_returning_disk(void **state)
{
	struct imsm_dl *back;

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_volume(&ifx, 5, "N 0,1?,2"); /* watched, too: keeps the old entry */
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK1", 6);
	sp_md_from(0);
	sp_find(0);
	sp_assert_one(1, 3);
	assert_int_equal(sp_commit(0), 0);
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
	sp_degraded_raid5();
	sp_find(0);
	ifx.c.live_volumes = 0; /* the array has ended: md rebuilds nothing */
	assert_commit_refused(-ESTALE);

	sp_degraded_raid5();
	sp_find(0);
	imsm_remove_disk(&ifx.c, ifx_dev(4)); /* has left */
	assert_commit_refused(-ENODEV);

	sp_degraded_raid5();
	sp_find(0);
	ifx.dl[4].record.status = le32_make(IMSM_DISK_FAILED);
	assert_commit_refused(-ESTALE);

	sp_degraded_raid5();
	sp_find(0);
	imsm_disk_set_blocks(&ifx.dl[4].record, FX_PER_DEV);
	assert_commit_refused(-ESTALE);

	sp_degraded_raid5(); /* recorded already: the slot is under rebuild */
	sp_find(0);
	assert_int_equal(sp_commit(0), 0);
	assert_commit_refused(-EBUSY);

	sp_degraded_raid5();
	sp_find(0);
	ifx_volume(&ifx, 5, "N<GEN<N 0,1x,2/0,1x,2 u0");
	assert_commit_refused(-EBUSY);

	sp_degraded_raid5();
	sp_find(0);
	v->map[0].head.map_state = IMSM_FAILED;
	assert_commit_refused(-ESTALE);

	sp_degraded_raid5();
	sp_find(0);
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	assert_commit_refused(-ESTALE);

	sp_degraded_raid5();
	sp_find(0);
	assert_int_equal(imsm_commit_spares(&ifx.c, 1, &sp_req, &why), -EINVAL);
	sp_req.count = 0;
	assert_commit_refused(-EINVAL);
	sp_req.count = MAX_SPARE_PICKS + 1;
	assert_commit_refused(-EINVAL);

	sp_degraded_raid5();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS;
	sp_pick(0, 4, 1);
	assert_commit_refused(-ESTALE);
}

static void test_commit_refused_slots(void **state)
{
	static const int bad[] = { -1, 3, 256, INT32_MAX, INT32_MIN };

	(void)state;
	sp_degraded_raid5();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sp_pick(0, 4, bad[i]);
		assert_commit_refused(-EINVAL);
	}
	sp_pick(0, 4, 0); /* nothing is wrong with that slot */
	assert_commit_refused(-ESTALE);
	sp_pick(0, 2, 1); /* a member of another slot */
	assert_commit_refused(-ESTALE);
	sp_pick(0, 1, 1); /* the failed disk itself */
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
	sp_pick(0, 4, 1);
	sp_pick(1, 4, 3); /* one disk for both */
	assert_commit_refused(-EINVAL);
	sp_pick(1, 5, 1); /* both into one slot */
	assert_commit_refused(-EINVAL);
	sp_pick(1, 9, 3);
	assert_commit_refused(-ENODEV);
	sp_pick(1, 5, 2);
	assert_commit_refused(-ESTALE);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one more entry */
	sp_pick(1, 5, 3);
	assert_commit_refused(-ENOSPC);
	sp_pick(0, 5, 3); /* alone */
	assert_int_equal(sp_commit(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_one),
		cmocka_unit_test(test_commit_removed_disk),
		cmocka_unit_test(test_commit_leaves_the_replaced_disk_behind),
		cmocka_unit_test(test_commit_has_not_the_sum_of_the_replaced_disk),
		cmocka_unit_test(test_stale_spare_is_not_picked),
		cmocka_unit_test(test_unfit_disk_is_not_picked),
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

	return cmocka_run_group_tests_name("imsm-spare-commit", tests, NULL, NULL);
}
