/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/migration.c: RAID10 or RAID1 to RAID0 and back (imsm.md 8.9).
 *
 * Sizes are worked out by hand from the formulas of imsm.md 3.1. Unless a row says otherwise each member gives
 * 65536 sectors = 512 strips of 128 = 32 MiB to a volume, and the next volume begins 8192 sectors behind.
 */
#include "tests/unit/support/imsm-shape.h"

#include <errno.h>
#include <stdio.h>

/* ---- takeover to RAID0 ---- */

enum lost { FAILED_THERE, FAILED_MISSING, MISSING, FLAGGED, KINDS_LOST };

static const char *const lost_mark[KINDS_LOST] = { "x!", "x?!", "?", "!" };

/* Of each of the mirrors 0,1 and 2,3 the half that the bit of `keep` names stays. */
static void check_survivors(unsigned keep, enum lost lost)
{
	static const struct shape_message m = TAKEOVER(0, TO_RAID0);
	unsigned stays[2] = { keep & 1, 2 + (keep >> 1) }, gone[2] = { stays[0] ^ 1, stays[1] ^ 1 };
	char text[64], serial[8], *p = text + sprintf(text, "D ");

	for (unsigned i = 0; i < 4; i++)
		p += sprintf(p, "%s%u%s", i ? "," : "", i, i == gone[0] || i == gone[1] ? lost_mark[lost] : "");
	sprintf(p, " f%u", gone[0]);
	print_message("  %s\n", text);
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, text);
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	/* 131072 / 2 / 1 / 128 stripes */
	shape_assert(VOL(0), &(struct shape){ 131072, 512, 67584, 128, 0, 1 });
	assert_int_equal(ifx.c.meta.num_disks, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct imsm_dl *dl = &ifx.dl[gone[i]];

		sprintf(serial, "DISK%u", stays[i]);
		assert_true(ifx_table_serial_is(&ifx, i, serial));
		assert_int_equal(ifx.dl[stays[i]].index, i);
		assert_int_equal(le32_get(ifx.c.meta.disk[i].status), IMSM_DISK_CONFIGURED);
		if (lost == FAILED_MISSING || lost == MISSING)
			continue;
		assert_int_equal(dl->index, IMSM_INDEX_SPARE);
		assert_true(dl->spare_record_due);
		assert_int_equal(le32_get(dl->record.status), IMSM_DISK_SPARE);
		assert_memory_equal(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
		assert_int_equal(imsm_disk_blocks(&dl->record), FX_DISK_BLOCKS);
		assert_false(imsm_dl_failed(&ifx.c, dl));
	}
}

static void test_raid10_to_raid0_survivors(void **state)
{
	(void)state;
	for (unsigned keep = 0; keep < 4; keep++)
		for (enum lost lost = 0; lost < KINDS_LOST; lost++)
			check_survivors(keep, lost);
}

static void test_takeover_to_raid0(void **state)
{
	static const struct shape_row rows[] = {
		{ "RAID1", 2, { { 1, "D 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0" },
		  { 65536, 512, 67584, 128, 0, 1 } },
		{ "RAID1, the other half", 2, { { 1, "D 0x!,1 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0" },
		  { 65536, 512, 67584, 128, 0, 1 } },
		{ "slots in another order", 4, { { 10, "D 3x!,1,0,2?! f0" } }, 0, TAKEOVER(0, TO_RAID0), 0,
		  { "N 1,0" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "RAID10 stored as 1", 4, { { 1, "D 0x!,1,2x!,3 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1" },
		  { 131072, 512, 67584, 128, 0, 1 } },
		{ "six disks", 6, { { 10, "D 0x!,1,2,3x!,4?,5 f0" } }, 0, TAKEOVER(0, TO_RAID0), 0, { "N 0,1,2" },
		  { 3 * 65536, 512, 67584, 128, 0, 1 } },
		{ "the second volume", 4, { { 5, "N 0,1,2" }, { 1, "D 2,3x! f1" } }, 0, TAKEOVER(1, TO_RAID0), 0,
		  { NULL, "N 2" }, { 0 } },
		{ "a disk of another volume", 5, { { 10, "D 0,1x!,2,3x! f1" }, { 5, "N 0,2,4" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 0,1", "N 0,1,2" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "the volume before names it", 3, { { 1, "D 0,1x! f1" }, { 1, "D 2,1x! f1" } }, 0,
		  TAKEOVER(1, TO_RAID0), 0, { "D 0,1x! f1", "N 2" }, { 0 } },
		{ "another volume names both", 4, { { 10, "D 0x!,1,2,3x! f0" }, { 5, "F 0x!,1,2,3x! f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 1,2" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "another volume names one", 4, { { 10, "D 0x!,1,2x!,3 f0" }, { 1, "D 0x!,3 f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), 0, { "N 1,2", "D 0x!,2 f0" }, { 131072, 512, 67584, 128, 0, 1 } },
		{ "another volume is being rebuilt from one", 4,
		  { { 10, "D 0,1x!,2,3x! f1" }, { 1, "N<REBUILD<D 0,2/0,3x! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), 0,
		  { "N 0,1", "N<REBUILD<D 0,1/0,2x! f1 u2" }, { 131072, 512, 67584, 128, 0, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		shape_check_row(&rows[i]);
		assert_false(shape_migr_record_cleared());
	}
}

/* One that belonged to a volume which was deleted. */
static void test_disk_of_no_volume_stays(void **state)
{
	static const struct shape_message m = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 5);
	ifx_volume(&ifx, 10, "D 0,2x!,3,4x! f1");
	shape_assert_applied(&m);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,2");
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(ifx.dl[1].index, 1);
}

/* The entry of the disk stays for the other volume, and so does its mark: it holds nothing that this one could use. */
static void test_dropped_half_of_two_volumes(void **state)
{
	static const struct shape_message m = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0x!,1,2x!,3 f0");
	ifx_volume(&ifx, 1, "D 0x!,3 f0");
	shape_assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, 3);
	assert_int_equal(ifx.dl[0].index, 0);
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK0:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[0].status), IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	assert_int_equal(ifx.dl[2].index, IMSM_INDEX_SPARE);
	assert_int_equal(ifx.dl[3].index, 2);
}

static void test_takeover_moves_bad_blocks(void **state)
{
	static const struct shape_message down = TAKEOVER(0, TO_RAID0), up = TAKEOVER(0, TO_RAID10);
	static const struct imsm_bad_range bad[] = { { 8, 8, 0 }, { 16, 8, 1 }, { 24, 8, 3 } };

	(void)state;
	ifx_init(&ifx, 4);
	ifx_volume(&ifx, 10, "D 0,1!,2!,3 f1");
	memcpy(ifx.c.meta.bad, bad, sizeof(bad));
	ifx.c.meta.num_bad = 3;
	shape_assert_applied(&down);
	assert_int_equal(ifx.c.meta.num_bad, 2);
	assert_int_equal(ifx.c.meta.bad[0].disk, 0);
	assert_int_equal(ifx.c.meta.bad[0].sector, 8);
	assert_int_equal(ifx.c.meta.bad[1].disk, 1);
	assert_int_equal(ifx.c.meta.bad[1].sector, 24);
	shape_assert_applied(&up);
	assert_int_equal(ifx.c.meta.num_bad, 2);
	assert_int_equal(ifx.c.meta.bad[0].disk, 0);
	assert_int_equal(ifx.c.meta.bad[1].disk, 2);
}

static void test_takeover_to_raid0_contradictions(void **state)
{
	static const struct shape_row rows[] = {
		{ "no such volume", 4, { { 10, "D 0,1x!,2,3x! f1" } }, 0, TAKEOVER(1, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "all good", 4, { { 10, "N 0,1,2,3" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, all good", 2, { { 1, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID1, nothing left", 2, { { 1, "F 0x!,1? f0" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "one mirror is whole", 4, { { 10, "D 0,1x!,2,3 f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "the first mirror is whole", 4, { { 10, "D 0,1,2x!,3 f2" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "half of the disks, but one mirror is lost", 4, { { 10, "F 0x!,1x!,2,3 f0" } }, 0,
		  TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "the other mirror is lost", 4, { { 10, "F 0,1,2x!,3? f2" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL,
		  { NULL }, { 0 } },
		{ "three are gone", 4, { { 10, "F 0x!,1x!,2,3x! f0" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL },
		  { 0 } },
		{ "RAID5", 3, { { 5, "D 0,1x!,2 f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "RAID0 already", 2, { { 0, "F 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID0), -EINVAL, { NULL }, { 0 } },
		{ "rebuilding", 2, { { 1, "N<REBUILD<D 0,1/0,1! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), -EBUSY,
		  { NULL }, { 0 } },
		{ "resyncing", 2, { { 1, "N<REPAIR<N 0,1x!/0,1x! f1 u2" } }, 0, TAKEOVER(0, TO_RAID0), -EBUSY,
		  { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* ---- takeover to RAID10 ---- */

static void test_takeover_to_raid10(void **state)
{
	static const struct shape_row rows[] = {
		/* 131072 / 2 / 2 / 128; four disks are "RAID1" to the firmware */
		{ "two disks", 2, { { 0, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "three disks", 3, { { 0, "N 0,1,2" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 0,1x?!,2,3x?!,4,5x?! f1" }, { 196608, 256, 67584, 128, 10, 2 } },
		{ "slots in another order", 2, { { 0, "N 1,0" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 2,3x?!,0,1x?! f1" }, { 131072, 256, 67584, 128, 1, 2 } },
		{ "spares stay", 2, { { 0, "N 0,1" } }, 2, TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "a second volume", 3, { { 0, "N 0,1,2" }, { 5, "N 2,0,1" } }, 0, TAKEOVER(0, TO_RAID10), 0,
		  { "D 0,1x?!,2,3x?!,4,5x?! f1", "N 4,0,2" }, { 196608, 256, 67584, 128, 10, 2 } },
		{ "a second volume that rebuilds", 2, { { 0, "N 0,1" }, { 1, "N<REBUILD<D 0,1/0,1! f1 u2" } }, 0,
		  TAKEOVER(0, TO_RAID10), 0, { "D 0,1x?!,2,3x?! f1", "N<REBUILD<D 0,2/0,2! f1 u2" },
		  { 131072, 256, 67584, 128, 1, 2 } },
		{ "a disk of another volume", 4, { { 0, "N 0,2" }, { 1, "D 1,3x! f1" } }, 0, TAKEOVER(0, TO_RAID10),
		  0, { "D 0,1x?!,3,4x?! f1", "D 2,5x! f1" }, { 131072, 256, 67584, 128, 1, 2 } },
		{ "the second volume", 2, { { 1, "N 0,1" }, { 0, "N 0,1" } }, 0, TAKEOVER(1, TO_RAID10), 0,
		  { "N 0,2", "D 0,1x?!,2,3x?! f1" }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* imsm.md 1.17: named after their place in the table, with both marks. */
static void test_missing_partners(void **state)
{
	static const struct shape_message m = TAKEOVER(0, TO_RAID10);
	static const char *const texts[] = { "N 0,1,2", "N 2,1,0", "N 2,0,1" };
	char serial[IMSM_SERIAL_LEN];

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		ifx_init(&ifx, 3);
		ifx_volume(&ifx, 0, texts[t]);
		imsm_disk_set_blocks(&ifx.c.meta.disk[1], 700000);
		shape_assert_applied(&m);
		assert_int_equal(ifx.c.meta.num_disks, 6);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(ifx.dl[i].index, 2 * i);
			snprintf(serial, sizeof(serial), "MISSING_%u:0", 2 * i + 1);
			assert_true(ifx_table_serial_is(&ifx, 2 * i + 1, serial));
			assert_int_equal(le32_get(ifx.c.meta.disk[2 * i + 1].status),
					 IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
			assert_int_equal(le32_get(ifx.c.meta.disk[2 * i + 1].scsi_id), IMSM_SCSI_ID_MISSING);
			assert_int_equal(imsm_disk_blocks(&ifx.c.meta.disk[2 * i + 1]),
					 imsm_disk_blocks(&ifx.c.meta.disk[2 * i]));
		}
		assert_int_equal(le32_get(ifx.c.meta.header.attributes),
				 IMSM_ATTR_CHECKSUM_VERIFY | IMSM_ATTR_RAID10 | IMSM_ATTR_RAID10_EXT);
	}
}

/* Flags other than IMSM_ORD_REBUILD mean nothing to us, and are no part of a disk's number. */
static void test_unknown_ord_flags(void **state)
{
	static const struct shape_message up = TAKEOVER(0, TO_RAID10), down = TAKEOVER(0, TO_RAID0);

	(void)state;
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	MAP0(0)->ord[0] |= 0x02000000;
	MAP0(0)->ord[1] |= 0x80000000;
	shape_assert_applied(&up);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2,3x?! f1");
	MAP0(0)->ord[0] |= 0x02000000;
	MAP0(0)->ord[3] |= 0x80000000;
	shape_assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
}

static void test_up_and_down(void **state)
{
	static const struct shape_message up = TAKEOVER(0, TO_RAID10), down = TAKEOVER(0, TO_RAID0);
	static struct imsm_map_head before;

	(void)state;
	ifx_init(&ifx, 3);
	ifx_volume(&ifx, 0, "N 1,2,0");
	before = MAP0(0)->head;
	shape_assert_applied(&up);
	shape_assert_applied(&down);
	assert_string_equal(ifx_text(&ifx, 0), "N 1,2,0");
	assert_memory_equal(&before, &MAP0(0)->head, sizeof(before));
	assert_int_equal(ifx.c.meta.num_disks, 3);
}

static void test_takeover_to_raid10_contradictions(void **state)
{
	static const struct shape_row rows[] = {
		{ "no such volume", 2, { { 0, "N 0,1" } }, 0, TAKEOVER(1, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID1", 2, { { 1, "N 0,1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID5", 3, { { 5, "N 0,1,2" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "RAID10 already", 4, { { 10, "N 0,1,2,3" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "one disk", 1, { { 0, "N 0" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "a disk has failed", 2, { { 0, "F 0,1x! f1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL },
		  { 0 } },
		{ "a disk is missing", 2, { { 0, "N 0?,1" } }, 0, TAKEOVER(0, TO_RAID10), -EINVAL, { NULL }, { 0 } },
		{ "reshaping", 3, { { 0, "N<GEN<N 0,1,2/0,1 u1" } }, 0, TAKEOVER(0, TO_RAID10), -EBUSY, { NULL },
		  { 0 } },
	};
	static const struct shape_message m = TAKEOVER(0, TO_RAID10);

	(void)state;
	CHECK_ROWS(rows);
	shape_raid0_and_spares();
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 1; /* room for one of the two */
	shape_assert_refused(&m, -EINVAL);
	ifx.c.meta.num_disks = IMSM_MAX_DISKS - 2;
	shape_assert_applied(&m);
	assert_int_equal(ifx.c.meta.num_disks, IMSM_MAX_DISKS);
}

/* The numbers of a reshaping container's disks are agreed with mdadm, and its volumes follow each other. */
static void test_no_takeover_beside_a_reshape(void **state)
{
	static const struct shape_row rows[] = {
		{ "to RAID10", 4, { { 5, "N<GEN<N 0,1,2,3/0,1,2 u1" }, { 0, "N 0,1,2" } }, 0, TAKEOVER(1, TO_RAID10),
		  -EBUSY, { NULL }, { 0 } },
		{ "to RAID0", 4, { { 5, "N<GEN<N 0,2,3/0,2,3 u1" }, { 1, "D 0,1x! f1" } }, 0, TAKEOVER(1, TO_RAID0),
		  -EBUSY, { NULL }, { 0 } },
	};

	(void)state;
	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raid10_to_raid0_survivors),
		cmocka_unit_test(test_takeover_to_raid0),
		cmocka_unit_test(test_disk_of_no_volume_stays),
		cmocka_unit_test(test_dropped_half_of_two_volumes),
		cmocka_unit_test(test_takeover_moves_bad_blocks),
		cmocka_unit_test(test_takeover_to_raid0_contradictions),
		cmocka_unit_test(test_takeover_to_raid10),
		cmocka_unit_test(test_missing_partners),
		cmocka_unit_test(test_unknown_ord_flags),
		cmocka_unit_test(test_up_and_down),
		cmocka_unit_test(test_takeover_to_raid10_contradictions),
		cmocka_unit_test(test_no_takeover_beside_a_reshape),
	};

	return cmocka_run_group_tests_name("imsm-migration-takeover", tests, NULL, NULL);
}
