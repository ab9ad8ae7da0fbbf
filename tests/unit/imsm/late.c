/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/late.c: disks that come late and are part of the container already. `its` composes what such a disk carries: the
 * container as it was when the disk was last written to.
 */
#include "tests/unit/support/imsm-spares.h"

#include <errno.h>
#include <string.h>

static struct fixture its;

/* Not in use. */
static void volume(struct fixture *f, int level, const char *text)
{
	unsigned number = ifx_volume(f, level, text);

	f->c.live_volumes &= ~(1u << number);
}

static void begin(unsigned members)
{
	ifx_init(&ifx, members);
	ifx_init(&its, members);
}

static void generations(uint32_t ours, uint32_t loaded, uint32_t theirs)
{
	ifx.c.meta.header.generation_num = le32_make(ours);
	ifx.c.loaded_generation = loaded;
	its.c.meta.header.generation_num = le32_make(theirs);
}

/* The volume has been started without its absent disks. */
static void goes_on_without(unsigned v, unsigned index)
{
	imsm_mark_missing(&ifx.c, &ifx.c.meta.volume[v], index);
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[v]);
}

static int take(unsigned n)
{
	const char *why = NULL;
	struct ifx_snapshot before;
	int err;

	ifx.c.write_due = false;
	ifx.dl[n].index = IMSM_INDEX_SPARE;
	ifx_save(&ifx, &before);
	err = imsm_take_late(&ifx.c, &ifx.dl[n], &its.c.meta, &why);
	ifx_assert_writable(&ifx);
	if (err != 1)
		ifx_assert_unchanged(&ifx, &before);
	if (err == 1)
		assert_ptr_equal(ifx.c.disks, &ifx.dl[n]);
	assert_true((err < 0) == (why != NULL));
	return err;
}

static void assert_table(unsigned index, const char *serial, uint32_t status)
{
	assert_true(ifx_table_serial_is(&ifx, index, serial));
	assert_int_equal(le32_get(ifx.c.meta.disk[index].status), status);
}

/* A daemon died while it wrote to the disk: what that was nobody knows, but the disk is known, unless it was called failed since. */
static void test_half_written(void **state)
{
	static const struct {
		const char *volume;
		uint32_t family; /* beside ours */
		int taken;
	} row[] = { { "N 0,1?", 0, 1 }, { "N 0,1?", 1, 0 }, { "D 0,1x?! f1", 0, 0 }, { "N 0,2?", 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		begin(3);
		ifx_volume(&ifx, 1, row[i].volume);
		ifx.dl[1].half_written = true;
		ifx.dl[1].family = le32_get(ifx.c.meta.header.family_num) + row[i].family;
		if (i == 3)
			ifx.dl[1].serial[0] ^= 1; /* of no entry */
		assert_int_equal(take(1), row[i].taken);
		if (!row[i].taken)
			continue;
		assert_int_equal(ifx.dl[1].index, 1);
		assert_true(ifx.c.write_due);
		assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	}
}

/* ---- volumes that have not been started yet ---- */

/* Fault 11 of issue 12: the first volume is complete and runs, the disks of the second come. */
static void test_volumes_on_different_disks(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 0, "N 2?,3?");
	volume(&its, 1, "N 0,1");
	volume(&its, 0, "N 2,3");
	assert_int_equal(take(3), 1);
	assert_string_equal(ifx_text(&ifx, 1), "N 2?,3");
	assert_int_equal(ifx.dl[3].index, 3);
	assert_false(ifx.dl[3].spare_record_due);
	assert_false(ifx.c.write_due); /* it has what the others have */
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_string_equal(ifx_text(&ifx, 1), "N 2,3");
}

/* The power failed when a volume was made on a spare: those that are here have it on record, the disk has only joined. */
static void test_it_had_joined(void **state)
{
	(void)state;
	begin(3);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 0, "N 1,2?");
	volume(&its, 1, "N 0,1");
	its.c.meta.disk[2].status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED);
	generations(7, 7, 5);
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 1), "N 1,2");
	assert_int_equal(ifx.dl[2].index, 2);
	assert_true(ifx.c.write_due);
}

/* Its copy is of later: it was made a spare of since. Or nobody here counts on it any more. */
static void test_it_is_a_spare_all_the_same(void **state)
{
	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		begin(3);
		ifx_volume(&ifx, 1, "N 0,1");
		volume(&ifx, 1, "N 1,2?");
		volume(&its, 1, "N 0,1");
		its.c.meta.disk[2].status = le32_make(IMSM_DISK_SPARE | IMSM_DISK_CONFIGURED);
		generations(7, 7, lost ? 5 : 8);
		if (lost)
			goes_on_without(1, 2);
		assert_int_equal(take(2), 0);
	}
}

/* What it carries is of before: it is brought up to date. */
static void test_older_copy(void **state)
{
	(void)state;
	begin(3);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 5, "N 0,1,2?");
	volume(&its, 1, "N 0,1");
	volume(&its, 5, "N 0,1,2");
	generations(7, 5, 5);
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2");
	assert_true(ifx.c.write_due);
	assert_int_equal(le32_get(ifx.c.meta.header.generation_num), 7);
}

/* Its volume runs, but has not been written to: the disk is a member that is not in md, as any other. */
static void test_volume_that_has_not_been_written_to(void **state)
{
	(void)state;
	begin(2);
	ifx_volume(&ifx, 1, "N 0,1?");
	volume(&its, 1, "N 0,1");
	assert_int_equal(take(1), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	sp_md_count = 0;
	sp_md_add(0, ifx_dev(0), MEMBER_IN_SYNC);
	sp_find(0);
	sp_assert_one(1, 1);
}

/* ---- volumes that were started without it ---- */

/* Fault 12 of issue 12: the RAID 1 of two on the same disks was started by the last-resort timer. */
static void test_raid0_beside_a_degraded_raid1(void **state)
{
	(void)state;
	begin(2);
	volume(&ifx, 0, "N 0?,1");
	ifx_volume(&ifx, 1, "N 0?,1");
	goes_on_without(1, 0);
	assert_string_equal(ifx_text(&ifx, 0), "N 0x?,1");
	assert_string_equal(ifx_text(&ifx, 1), "D 0x?!,1 f0");
	volume(&its, 0, "N 0,1");
	volume(&its, 1, "N 0,1");
	generations(9, 7, 7);
	ifx.dl[0].record.scsi_id = le32_make(0x01020304);
	assert_int_equal(take(0), 1);
	assert_table(0, "DISK0", IMSM_DISK_CONFIGURED);
	assert_int_equal(le32_get(ifx.c.meta.disk[0].scsi_id), 0x01020304);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_string_equal(ifx_text(&ifx, 1), "D 0!,1 f0");
	assert_true(ifx.c.write_due);
	/* rebuilt where it was, and the RAID 0 stays what it is */
	sp_md_from(1);
	sp_find(1);
	sp_assert_one(0, 0);
	assert_int_equal(sp_commit(1), 0);
	assert_string_equal(ifx_text(&ifx, 1), "N<REBUILD<D 0,1/0!,1 f0 u0");
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_int_equal(ifx.c.meta.num_disks, 2);
}

/* It has failed, and was not only absent: a new spare, if anything, whether it was gone at a start or not. */
static void test_failed_disk(void **state)
{
	(void)state;
	begin(2);
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	volume(&its, 1, "N 0,1");
	assert_int_equal(take(1), 0);
	goes_on_without(0, 1);
	assert_int_equal(take(1), 0);
}

/* mdadm's daemon marks the serial once for each volume, and as missing with the first. */
static void test_several_marks(void **state)
{
	static const char *const marked[] = { "ISK1:0", "ISK1:0:0", "ISK1:0:0:0", "DISK1:0", "ISK1", "ISK0:0" };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		begin(2);
		ifx_volume(&ifx, 1, "D 0,1x?! f1");
		volume(&its, 1, "N 0,1");
		memset(ifx.c.meta.disk[1].serial, 0, IMSM_SERIAL_LEN);
		memcpy(ifx.c.meta.disk[1].serial, marked[i], strlen(marked[i]));
		assert_int_equal(take(1), 0); /* the marks of a failure may cut a serial to the same */
		ifx.c.meta.disk[1].scsi_id = le32_make(IMSM_SCSI_ID_MISSING);
		assert_int_equal(take(1), i < 3);
	}
}

/* Marks cut a long serial. What is left of it may stand for two disks: then for none. */
static void test_long_serials(void **state)
{
	(void)state;
	for (unsigned twins = 0; twins < 2; twins++) {
		begin(3);
		for (unsigned i = 0; i < 3; i++) {
			uint8_t serial[IMSM_SERIAL_LEN] = "0-3456789abcdefg";

			serial[twins && i ? 0 : 12] = (uint8_t)('a' + i);
			memcpy(ifx.dl[i].serial, serial, IMSM_SERIAL_LEN);
			memcpy(ifx.c.meta.disk[i].serial, serial, IMSM_SERIAL_LEN);
			memcpy(its.c.meta.disk[i].serial, serial, IMSM_SERIAL_LEN);
		}
		volume(&ifx, 5, "N 0,1?,2?");
		volume(&its, 5, "N 0,1,2");
		goes_on_without(0, 1);
		goes_on_without(0, 2);
		assert_int_equal(take(1), !twins);
	}
}

/* What was known to be bad on it is so still. */
static void test_bad_blocks(void **state)
{
	(void)state;
	for (unsigned full = 0; full < 2; full++) {
		begin(2);
		volume(&ifx, 0, "N 0,1?");
		ifx_volume(&ifx, 1, "N 0,1?");
		goes_on_without(1, 1);
		volume(&its, 0, "N 0,1");
		volume(&its, 1, "N 0,1");
		its.c.meta.bad[0] = (struct imsm_bad_range){ .disk = 0, .sector = 8, .length = 8 };
		its.c.meta.bad[1] = (struct imsm_bad_range){ .disk = 1, .sector = 4096, .length = 16 };
		its.c.meta.num_bad = 2;
		for (; full && ifx.c.meta.num_bad < IMSM_BBM_MAX; ifx.c.meta.num_bad++)
			ifx.c.meta.bad[ifx.c.meta.num_bad] =
				(struct imsm_bad_range){ .disk = 0, .sector = 8 * ifx.c.meta.num_bad, .length = 1 };
		assert_int_equal(take(1), full ? -ENOSPC : 1);
		if (full)
			continue;
		assert_int_equal(ifx.c.meta.num_bad, 1);
		assert_int_equal(ifx.c.meta.bad[0].disk, 1);
		assert_int_equal(ifx.c.meta.bad[0].sector, 4096);
		assert_int_equal(ifx.c.meta.bad[0].length, 16);
	}
}

/* ---- what is none of ours ---- */

static void ours_and_theirs(void)
{
	begin(2);
	ifx_volume(&ifx, 1, "N 0,1?");
	volume(&its, 1, "N 0,1");
}

static void test_none_of_ours(void **state)
{
	const char *why = NULL;

	(void)state;
	ours_and_theirs();
	its.c.meta.header.orig_family_num = le32_make(0x2000);
	assert_int_equal(take(1), 0);
	ours_and_theirs();
	its.c.meta.num_volumes = 0; /* a spare record */
	assert_int_equal(take(1), 0);
	ours_and_theirs();
	ifx_fail_disk(&its, 1);
	assert_int_equal(take(1), 0);
	ours_and_theirs();
	its.c.meta.disk[1].serial[0] = 'X'; /* a copy of another disk */
	assert_int_equal(take(1), 0);
	ours_and_theirs();
	ifx.disk[1].sector_size = 4096;
	assert_int_equal(take(1), 0);
	ours_and_theirs();
	assert_int_equal(imsm_take_late(&ifx.c, &ifx.dl[1], NULL, &why), 0);
	assert_null(why);
}

/* Another disk with its serial is there. */
static void test_twin(void **state)
{
	(void)state;
	ours_and_theirs();
	ifx_new_disk(&ifx);
	memcpy(ifx.dl[2].serial, ifx.dl[1].serial, IMSM_SERIAL_LEN);
	assert_int_equal(take(1), 1);
	assert_int_equal(take(2), 0);
}

/* The family changes with each rebuild. The first one stays. */
static void test_other_family_number(void **state)
{
	(void)state;
	ours_and_theirs();
	ifx.c.meta.header.family_num = le32_make(0x3000);
	its.c.meta.header.orig_family_num = le32_make(0);
	assert_int_equal(take(1), 1);
}

/* ---- disks that know more ---- */

/* Each has run without the other: nobody but the user can say whose data count. */
static void test_each_without_the_other(void **state)
{
	(void)state;
	for (unsigned live = 0; live < 2; live++) {
		begin(2);
		ifx_volume(&ifx, 1, "N 0,1?");
		if (!live) {
			goes_on_without(0, 1);
			ifx.c.live_volumes = 0;
		}
		volume(&its, 1, "D 0x!,1 f0");
		generations(9, 7, 6);
		assert_int_equal(take(1), -ESTALE);
	}
}

/* Its migration record is that of another moment, and mdadm would believe it. */
static void test_reshape_went_on_without_it(void **state)
{
	static const char *const ours[] = { "D<GEN<D 0?!,1,2,3/0?!,1,2 f0 u3", "D<GEN<D 0,1?!,2,3/0,1?!,2 f1 u3",
					    "D<GEN<D 0,1,2?!,3/0,1,2?! f2 u3" };

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		begin(4);
		volume(&ifx, 5, ours[n]);
		volume(&its, 5, "N<GEN<N 0,1,2,3/0,1,2 u1");
		assert_int_equal(take(n), n < 2 ? -ESTALE : 1);
	}
}

/* A reshape that nobody has gone on with yet: the disk's record is as good as the others'. */
static void test_reshape_that_stands_still(void **state)
{
	(void)state;
	begin(4);
	volume(&ifx, 5, "N<GEN<N 0?,1,2,3/0?,1,2 u3");
	volume(&its, 5, "N<GEN<N 0,1,2,3/0,1,2 u3");
	assert_int_equal(take(0), 1);
}

/* It was out of date itself when it was last written to. */
static void test_failed_slot_of_its_own(void **state)
{
	(void)state;
	begin(3);
	ifx_volume(&ifx, 5, "D 0,1,2?! f2");
	volume(&its, 5, "D 0,1,2! f2");
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1,2! f2");
}

/* The volume has not been started here, but the disk knows that another of its members has failed. */
static void test_another_member_failed(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 1, "N 2?,3?");
	volume(&its, 1, "N 0,1");
	volume(&its, 1, "D 2,3x! f1");
	generations(7, 5, 6);
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 1), "D 2,3x?! f1");
	assert_table(3, "DISK3:0", IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	assert_true(ifx.c.write_due);
	assert_int_equal(le32_get(ifx.c.meta.header.generation_num), 7);
}

/* The same, but the disk had just been left out: it is needed where it is not. */
static void test_another_member_lacks_data(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 1, "N 2?,3?");
	volume(&its, 1, "N 0,1");
	volume(&its, 1, "N<REBUILD<D 2,3/2,3! f1 u0");
	assert_int_equal(take(2), 1);
	assert_string_equal(ifx_text(&ifx, 1), "D 2,3?! f1");
}

/* The same, but its copy is of before, and the rebuild has ended: the disk beside it, which is here, is good. */
static void test_a_rebuild_that_has_ended_since(void **state)
{
	(void)state;
	for (unsigned newer = 0; newer < 2; newer++) {
		begin(2);
		volume(&ifx, 1, "N 0?,1");
		volume(&its, 1, "N<REBUILD<D 0,1/0,1! f1 u0");
		generations(9, 8, newer ? 9 : 7);
		assert_int_equal(take(0), 1);
		assert_string_equal(ifx_text(&ifx, 0), newer ? "D 0,1! f1" : "N 0,1");
	}
	/* in use: it has not parted from what runs */
	begin(2);
	ifx_volume(&ifx, 1, "N 0?,1");
	volume(&its, 1, "N<REBUILD<D 0,1/0,1! f1 u0");
	generations(9, 8, 7);
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
}

/* By its copy the disk beside it had failed, in another volume. That has come back to what it was: this one has not run. */
static void test_a_failure_in_another_volume(void **state)
{
	(void)state;
	begin(2);
	volume(&ifx, 1, "N 0?,1");
	volume(&its, 1, "N 0,1x");
	generations(9, 8, 7);
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_table(1, "DISK1", IMSM_DISK_CONFIGURED);
}

/* It ran while another disk was missing, which is being rebuilt now from one that both have. */
static void test_ran_while_another_was_missing(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 10, "D<REBUILD<D 0,1,2,3?/0,1!,2,3? f1 u0");
	goes_on_without(0, 3);
	volume(&its, 10, "D 0,1x!,2,3 f1");
	generations(90000, 5, 5);
	assert_int_equal(take(3), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,1,2,3!/0,1!,2,3! f1 u0");
}

/* It has left while another disk was missing, and comes back when that has been replaced. All of it was written here. */
static void test_left_while_another_was_missing(void **state)
{
	(void)state;
	begin(5);
	ifx_volume(&ifx, 10, "D 0?,1,4,3 f0");
	volume(&its, 10, "D 0,1,2x!,3 f2");
	goes_on_without(0, 0);
	assert_int_equal(take(0), -ESTALE);
	memcpy(ifx.c.left[ifx.c.left_count++], ifx.dl[0].serial, IMSM_SERIAL_LEN);
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0!,1,4,3 f0");
}

/* Beside another disk that is being rebuilt: without that one the checkpoint would be taken for its own (2.7). */
static void test_beside_a_rebuild(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 10, "D<REBUILD<D 0?,1,2,3/0?,1,2,3! f3 u7");
	volume(&its, 10, "N 0,1,2,3");
	goes_on_without(0, 0);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0x?!,1,2,3/0x?!,1,2,3! f3 u7");
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0!,1,2,3/0!,1,2,3! f3 u0");
}

/*
 * It was being rebuilt, and the volume runs without it. No spare check puts in what is on record: unless that ends, the slot
 * stays empty. Of a RAID10 the other pair goes on.
 */
static void test_it_was_being_rebuilt(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 5, "D<REBUILD<D 0?,1,2/0?!,1,2 f0 u7");
	volume(&ifx, 5, "D<REBUILD<D 0?,1,2/0?!,1,2 f0 u7");
	volume(&its, 5, "D<REBUILD<D 0,1,2/0!,1,2 f0 u7");
	volume(&its, 5, "D<REBUILD<D 0,1,2/0!,1,2 f0 u7");
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0!,1,2 f0");
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 1), "D<REBUILD<D 0,1,2/0!,1,2 f0 u7"); /* not in use */

	begin(4);
	ifx_volume(&ifx, 10, "D<REBUILD<D 0?,1,2,3/0?!,1,2,3! f0 u7");
	volume(&its, 10, "D<REBUILD<D 0,1,2,3/0!,1,2,3! f0 u7");
	assert_int_equal(take(0), 1);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0!,1,2,3/0!,1,2,3! f0 u0");
}

static void test_it_is_dirty(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(4);
		ifx_volume(&ifx, 1, "N 0,1");
		volume(&ifx, 1, "N 2?,3?");
		volume(&its, 1, "N 0,1");
		volume(&its, 1, i ? "N<REPAIR<N 2,3/2,3 u3" : "N 2,3");
		its.c.meta.volume[1].head.dirty = i ? 0 : IMSM_DIRTY;
		assert_int_equal(take(2), 1);
		assert_int_equal(ifx.c.meta.volume[1].head.dirty, IMSM_DIRTY);
		assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
		assert_true(ifx.c.write_due);
	}
}

/* Whoever reads next must take ours. */
static void test_generation_is_raised(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 1, "N 2?,3?");
	volume(&its, 1, "N 0,1");
	volume(&its, 1, "N 2,3");
	generations(6, 5, 8);
	assert_int_equal(take(2), 1);
	assert_int_equal(le32_get(ifx.c.meta.header.generation_num), 8);
	assert_true(ifx.c.write_due);
}

/* Newer, and what it says cannot be had with what is in use. Nothing is written to it. */
static void test_newer_and_different(void **state)
{
	(void)state;
	begin(4);
	ifx_volume(&ifx, 1, "N 0,1");
	volume(&ifx, 1, "N 2?,3?");
	volume(&its, 1, "N 0,1");
	generations(6, 5, 6);
	assert_int_equal(take(2), -ESTALE); /* a volume less */
	volume(&its, 1, "N 2,3");
	its.c.meta.disk[3].serial[0] = 'X';
	assert_int_equal(take(2), -ESTALE); /* another disk beside it */
	its.c.meta.disk[3].serial[0] = 'D';
	imsm_map_set_pba(&its.c.meta.volume[1].map[0], 77);
	assert_int_equal(take(2), -ESTALE); /* in another place */
	generations(6, 5, 5);
	assert_int_equal(take(2), -EAGAIN); /* nobody knows what it has where the volume is */
	ifx.c.live_volumes |= 2;
	assert_int_equal(take(2), 1); /* which does not matter when it runs without it */
}

/*
 * The disk refused the copy that names a new RAID 0 on it, the power failed, and it comes late. If it were turned down, the first
 * write to the RAID 1 would call it missing, and the older RAID 0 would be lost with it.
 */
static void test_it_missed_a_new_volume(void **state)
{
	(void)state;
	for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
		begin(2);
		ifx_volume(&ifx, 1, "N 0,1?");
		volume(&ifx, 0, "N 0,1?");
		volume(&ifx, 0, "N 0,1?");
		volume(&its, 1, "N 0,1");
		volume(&its, 0, "N 0,1");
		if (elsewhere)
			imsm_map_set_pba(&its.c.meta.volume[1].map[0], 77777);
		generations(6, 6, 5);
		assert_int_equal(take(1), elsewhere ? -EAGAIN : 1);
	}
}

/*
 * A RAID 0 was reshaped, as a RAID 4 that lacks its parity, and the power failed when the end of that had reached the others:
 * it has moved what they have moved.
 */
static void test_it_missed_the_end_of_a_reshape(void **state)
{
	(void)state;
	for (int other = 0; other < 2; other++) {
		begin(2);
		ifx_volume(&ifx, 1, "N 0,1?");
		volume(&ifx, 0, "N 0,1?");
		volume(&its, 1, "N 0,1");
		volume(&its, 0, "N 0,1");
		its.c.meta.volume[1].map[0].head.raid_level = IMSM_RAID5;
		its.c.meta.volume[1].head.name[0] ^= (uint8_t)other;
		generations(6, 6, 5);
		assert_int_equal(take(1), other ? -EAGAIN : 1);
		assert_string_equal(ifx_text(&ifx, 1), other ? "N 0,1?" : "N 0,1");
		generations(6, 5, 6);
		if (other)
			assert_int_equal(take(1), -ESTALE);
	}
}

/* The container was loaded from disks that were left behind when this one became a member. */
static void test_newer_and_unknown(void **state)
{
	(void)state;
	begin(2);
	ifx_volume(&ifx, 1, "N 0,1?");
	ifx_init(&its, 3);
	volume(&its, 1, "N 1,2");
	ifx_new_disk(&ifx);
	generations(6, 5, 6);
	assert_int_equal(take(2), -ESTALE);
	/* Not so if it was in use here, and has been replaced since; or if it is older than that. */
	memcpy(ifx.c.left[ifx.c.left_count++], ifx.dl[2].serial, IMSM_SERIAL_LEN);
	assert_int_equal(take(2), 0);
	ifx.c.left_count = 0;
	generations(6, 5, 5);
	assert_int_equal(take(2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_volumes_on_different_disks),
		cmocka_unit_test(test_it_had_joined),
		cmocka_unit_test(test_it_is_a_spare_all_the_same),
		cmocka_unit_test(test_older_copy),
		cmocka_unit_test(test_volume_that_has_not_been_written_to),
		cmocka_unit_test(test_raid0_beside_a_degraded_raid1),
		cmocka_unit_test(test_failed_disk),
		cmocka_unit_test(test_several_marks),
		cmocka_unit_test(test_long_serials),
		cmocka_unit_test(test_bad_blocks),
		cmocka_unit_test(test_none_of_ours),
		cmocka_unit_test(test_twin),
		cmocka_unit_test(test_other_family_number),
		cmocka_unit_test(test_each_without_the_other),
		cmocka_unit_test(test_reshape_went_on_without_it),
		cmocka_unit_test(test_reshape_that_stands_still),
		cmocka_unit_test(test_failed_slot_of_its_own),
		cmocka_unit_test(test_another_member_failed),
		cmocka_unit_test(test_another_member_lacks_data),
		cmocka_unit_test(test_a_rebuild_that_has_ended_since),
		cmocka_unit_test(test_a_failure_in_another_volume),
		cmocka_unit_test(test_ran_while_another_was_missing),
		cmocka_unit_test(test_left_while_another_was_missing),
		cmocka_unit_test(test_beside_a_rebuild),
		cmocka_unit_test(test_it_was_being_rebuilt),
		cmocka_unit_test(test_it_is_dirty),
		cmocka_unit_test(test_generation_is_raised),
		cmocka_unit_test(test_newer_and_different),
		cmocka_unit_test(test_it_missed_a_new_volume),
		cmocka_unit_test(test_it_missed_the_end_of_a_reshape),
		cmocka_unit_test(test_newer_and_unknown),
	};

	return cmocka_run_group_tests_name("imsm-late", tests, NULL, NULL);
}
