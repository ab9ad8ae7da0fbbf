/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/spare.c: room on disks, which disk is chosen for which slot, and what is recorded (ddf.md 9, 15 and 19). */
#include "tests/unit/support/ddf-steps.h"

#include <errno.h>

static struct spare_request req;

static void extent(unsigned i, unsigned n, uint64_t start, uint64_t length)
{
	f.c.rebuild[i] = (struct ddf_rebuild){
		.used = true, .vd = 9, .slot = i, .refnum = fx_ref(n), .start = start, .length = length,
	};
}

/* "slot:disk@start", "+" if md has it already. */
static const char *picks(void)
{
	static char text[512];
	char *p = text;

	*p = '\0';
	for (unsigned i = 0; i < req.count; i++) {
		const struct spare_pick *k = &req.pick[i];

		fx_put(&p, "%s%d:%u@%llu%s", i ? " " : "", k->slot, (unsigned)(k->dev - fx_dev(0)),
		       (unsigned long long)k->data_offset, k->in_array ? "+" : "");
	}
	return text;
}

/* Changes nothing, and fills all of a pick. */
static const char *find(unsigned vd)
{
	static struct fx_snapshot before;

	memset(&req, 0xa5, sizeof(req));
	fx_save(&f, &before);
	ddf_find_spares(&f.c, vd, &f.md, f.member, f.members, &req);
	fx_assert_unchanged(&f, &before);
	assert_int_equal(req.bad_count, 0);
	for (unsigned i = 0; i < req.count; i++) {
		assert_int_equal(req.pick[i].component_size, f.md.component_size);
		assert_int_equal(req.pick[i].ppl_size, 0);
		assert_int_equal(req.pick[i].bitmap_size, 0);
		assert_false(req.pick[i].bad_block_log);
	}
	return picks();
}

static void commit(unsigned vd)
{
	const char *why = NULL;
	int err = ddf_commit_spares(&f.c, vd, &req, &why);

	if (err)
		fail_msg("refused (%d): %s", err, why ? why : "?");
}

static void refused(unsigned vd, int expected)
{
	static struct fx_snapshot before;
	const char *why = NULL;

	fx_save(&f, &before);
	assert_int_equal(ddf_commit_spares(&f.c, vd, &req, &why), expected);
	assert_non_null(why);
	fx_assert_unchanged(&f, &before);
}

/* ---- room ---- */

#define CONF FX_CONFIGURED
#define NOWHERE UINT64_MAX

static void room_is_the_first_gap_that_is_large_enough(void **state)
{
	static const struct {
		struct {
			uint64_t start, length;
		} used[4];
		uint64_t length, expected;
	} row[] = {
		{ { { 0, 0 } }, 1, 0 },
		{ { { 0, 0 } }, CONF, 0 },
		{ { { 0, 0 } }, CONF + 1, NOWHERE },
		{ { { 0, 0 } }, UINT64_MAX, NOWHERE },
		{ { { 0, 100 } }, 50, 100 },
		{ { { 0, 100 } }, CONF - 100, 100 },
		{ { { 0, 100 } }, CONF - 99, NOWHERE },
		{ { { 50, 100 } }, 50, 0 },
		{ { { 50, 100 } }, 51, 150 },
		{ { { 200, 100 }, { 0, 100 } }, 100, 100 },
		{ { { 200, 100 }, { 0, 100 } }, 101, 300 },
		{ { { 200, 100 }, { 100, 100 }, { 0, 100 } }, 1, 300 },
		{ { { CONF - 10, 10 } }, CONF - 10, 0 },
		{ { { CONF - 10, 10 } }, CONF - 9, NOWHERE },
		{ { { 0, CONF } }, 1, NOWHERE },
		/* Overlapping, within each other, beyond the end (15, item 28). */
		{ { { 0, 100 }, { 50, 100 } }, 10, 150 },
		{ { { 0, 300 }, { 50, 100 } }, 10, 300 },
		{ { { 50, 100 }, { 0, 300 } }, 10, 300 },
		{ { { 100, CONF } }, 100, 0 },
		{ { { 100, CONF } }, 101, NOWHERE },
		{ { { CONF + 5, 100 } }, CONF, 0 },
		{ { { 100, UINT64_MAX } }, 100, 0 },
		{ { { 100, UINT64_MAX } }, 101, NOWHERE },
		{ { { 100, UINT64_MAX - 50 } }, 101, NOWHERE },
		{ { { UINT64_MAX, UINT64_MAX } }, CONF, 0 },
	};

	(void)state;
	fx_disks(&f, "0:05/01 1:05/01");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t start = NOWHERE;
		int err;

		memset(f.c.rebuild, 0, sizeof(f.c.rebuild));
		for (unsigned k = 0; k < 4; k++)
			if (row[i].used[k].length)
				extent(k, 0, row[i].used[k].start, row[i].used[k].length);
		extent(10, 1, 0, CONF);
		err = ddf_find_room(&f.c, fx_ref(0), row[i].length, &start);
		if (start != row[i].expected || err != (start == NOWHERE ? -ENOSPC : 0))
			fail_msg("row %zu: %d, %llu", i, err, (unsigned long long)start);
		if (!err)
			assert_true(ddf_is_free(&f.c, fx_ref(0), start, row[i].length));
	}
}

static void extents_of_all_records_are_in_use(void **state)
{
	uint64_t start;

	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01 3:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v1 1,0");
	fx_volume(&f, 14, DDF_RAID1, 0, "00/02 v1 1@16384,2 v1 3,0@16384");
	assert_int_equal(ddf_find_room(&f.c, fx_ref(0), 1, &start), 0);
	assert_int_equal(start, 2 * FX_BLOCKS);
	assert_int_equal(ddf_find_room(&f.c, fx_ref(2), 1, &start), 0);
	assert_int_equal(start, FX_BLOCKS);
	assert_false(ddf_is_free(&f.c, fx_ref(0), FX_BLOCKS, 1));
	assert_true(ddf_is_free(&f.c, fx_ref(2), FX_BLOCKS, 1));
}

static void only_a_good_disk_has_room(void **state)
{
	static const struct {
		unsigned state;
		bool room;
	} row[] = {
		{ 0x01, true }, { 0x05, true }, { 0x09, true }, { 0x31, true },
		{ 0x00, false }, { 0x03, false }, { 0x41, false }, { 0x02, false },
	};
	uint64_t start;

	(void)state;
	fx_disks(&f, "0:05/01");
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		fx_pd_state(&f, 0, row[i].state);
		assert_int_equal(ddf_find_room(&f.c, fx_ref(0), 1, &start), row[i].room ? 0 : -ENOSPC);
	}
	assert_int_equal(ddf_find_room(&f.c, fx_ref(1), 1, &start), -ENOSPC);
	assert_int_equal(ddf_find_room(&f.c, DDF_REF_NONE, 1, &start), -ENOSPC);
}

static void an_extent_is_free_if_nothing_lies_in_it(void **state)
{
	static const struct {
		uint64_t start, length;
		bool is_free;
	} row[] = {
		{ 0, 100, true }, { 0, 101, false }, { 99, 1, true }, { 100, 1, false }, { 199, 1, false },
		{ 200, 1, true }, { 150, 10, false }, { 50, 500, false }, { CONF - 1, 1, true },
		{ CONF - 1, 2, false }, { CONF, 1, false }, { UINT64_MAX, 2, false }, { 200, UINT64_MAX, false },
		{ 200, UINT64_MAX - 100, false },
	};

	(void)state;
	fx_disks(&f, "0:05/01");
	extent(0, 0, 100, 100);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (ddf_is_free(&f.c, fx_ref(0), row[i].start, row[i].length) != row[i].is_free)
			fail_msg("row %zu", i);
	assert_false(ddf_is_free(&f.c, fx_ref(1), 0, 1));
}

/* ---- record slots ---- */

static uint8_t *slot_of(unsigned n, unsigned i)
{
	return f.config[n] + i * FX_RECORD_SECTORS * DDF_SECTOR;
}

static void a_disk_takes_as_many_records_as_it_has_slots(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01");
	for (unsigned vd = 0; vd < 7; vd++)
		fx_volume(&f, vd, DDF_RAID0, 0, "00/02 v1 0,1");
	fx_volume(&f, 7, DDF_RAID1, 0, "00/02 v1 1,2 v1 0,-"); /* one record of two */
	assert_false(ddf_has_record_slot(&f.c, &f.dl[0]));
	assert_false(ddf_has_record_slot(&f.c, &f.dl[1]));
	assert_true(ddf_has_record_slot(&f.c, &f.dl[2]));
	fx_vd_guid(fx_record(&f, 7, 1)->guid, 7);
	ddf_set_element_ref(fx_record(&f, 7, 1), 0, DDF_REF_MISSING);
	assert_true(ddf_has_record_slot(&f.c, &f.dl[0]));
}

static void a_rebuild_in_memory_takes_a_slot_unless_its_record_has_one(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01");
	for (unsigned vd = 0; vd < 6; vd++)
		fx_volume(&f, vd, DDF_RAID0, 0, "00/02 v1 0,1");
	extent(0, 0, 0, 1);
	f.c.rebuild[0].vd = 5;
	extent(1, 1, 0, 1);
	extent(2, 1, 0, 1);
	f.c.rebuild[2].vd = 8;
	assert_true(ddf_has_record_slot(&f.c, &f.dl[0]));
	assert_false(ddf_has_record_slot(&f.c, &f.dl[1]));
	f.c.rebuild[2].used = false;
	assert_true(ddf_has_record_slot(&f.c, &f.dl[1]));
}

static void what_is_not_understood_keeps_its_slot(void **state)
{
	static const struct {
		const char *what;
		bool keeps;
	} row[] = {
		{ "vendor", true }, { "unknown", true }, { "bad crc", true }, { "not loaded", true },
		{ "empty", false }, { "zero", false }, { "known", false }, { "deleted", false }, { "last", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		bool last = !strcmp(row[i].what, "last");
		be32 *slot;

		again();
		fx_disks(&f, "0:03/01 1:03/01");
		for (unsigned vd = 1; vd < 8; vd++)
			fx_volume(&f, vd, DDF_RAID0, 0, "00/02 v1 0,1");
		fx_volume(&f, 0, DDF_RAID0, 0, "00/02");
		slot = (be32 *)(void *)slot_of(0, last ? FX_RECORDS - 1 : FX_RECORDS - 2);
		if (!strcmp(row[i].what, "vendor") || last)
			*slot = be32_make(DDF_VENDOR_MAGIC);
		else if (!strcmp(row[i].what, "unknown"))
			*slot = be32_make(0x12345678);
		else if (!strcmp(row[i].what, "zero"))
			*slot = be32_make(0);
		else if (strcmp(row[i].what, "empty") != 0)
			fx_vdc_head((struct ddf_vdc *)(void *)slot, !strcmp(row[i].what, "known") ? 1 :
				    !strcmp(row[i].what, "deleted") ? 12 : 0, DDF_RAID0, 0, 0, 1);
		if (be32_get(*slot) == DDF_VDC_MAGIC && strcmp(row[i].what, "bad crc") != 0)
			ddf_seal(slot, FX_RECORD_SECTORS * DDF_SECTOR);
		if (ddf_has_record_slot(&f.c, &f.dl[0]) == row[i].keeps)
			fail_msg("%s", row[i].what);
	}
}

/* ---- does the array qualify? ---- */

static void arrays_that_can_be_rebuilt_get_a_spare(void **state)
{
	static const struct {
		int level, layout;
		unsigned prl, rlq;
		const char *vd, *members, *picks;
	} row[] = {
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,-", "1:9@0" },
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "-,1", "0:9@0" },
		{ 1, 0, DDF_RAID1, 0, "00/02 v1 0,1", "0,1", "" },
		{ 1, 0, DDF_RAID1, 0, "04/02 v1 0,1", "-,-", "" },
		{ 1, 0, DDF_RAID1, 1, "01/02 v1 0,1,2", "0,-,-", "1:9@0 2:8@0" },
		{ 4, 0, DDF_RAID4, 1, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 4, 0, DDF_RAID4, 1, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 5, 2, DDF_RAID5, 3, "00/02 v1 0,1,2", "0,1,2", "" },
		{ 5, 2, DDF_RAID5, 3, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 6, 10, DDF_RAID6, 3, "05/02 v1 0,1,2,3", "0,-,2,3", "1:9@0" },
		{ 6, 10, DDF_RAID6, 3, "00/02 v1 0,1,2,3", "0,1,2,3", "" },
		{ 6, 10, DDF_RAID6, 3, "04/02 v1 0,1,2,3", "0,-,-,-", "" },
		/* 15, item 1: a disk for each slot. */
		{ 6, 10, DDF_RAID6, 3, "01/02 v1 0,1,2,3", "0,-,2,-", "1:9@0 3:8@0" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3", "0,1,-,3", "2:9@0" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3", "0,-,-,3", "1:9@0 2:8@0" },
		{ 10, 0x102, DDF_RAID1, 0, "04/02 v1 0,1 v1 2,3", "0,1,-,-", "" },
		{ 10, 0x102, DDF_RAID1, 0, "00/02 v1 0,1 v1 2,3", "0,1,2,3", "" },
		{ 10, 0x102, DDF_RAID1, 0, "01/02 v1 0,1 v1 2,3 v1 4,5", "0,1,2,3,4,-", "5:9@0" },
		{ 10, 0x103, DDF_RAID1, 1, "01/02 v1 0,1,2 v1 3,4,5", "0,-,-,3,4,5", "1:9@0 2:8@0" },
		{ 10, 0x103, DDF_RAID1, 1, "04/02 v1 0,1,2 v1 3,4,5", "0,1,2,-,-,-", "" },
		/* 15, item 32 */
		{ 10, 0x102, DDF_RAID1E, 0, "01/02 v1 0,1,2", "0,-,2", "1:9@0" },
		{ 10, 0x102, DDF_RAID1E, 0, "04/02 v1 0,1,2", "0,-,-", "" },
		{ 10, 0x102, DDF_RAID1E, 0, "01/02 v1 0,1,2,3,4", "-,1,-,3,4", "0:9@0 2:8@0" },
		{ 10, 0x201, DDF_RAID1E, 1, "01/02 v1 0,1,2,3", "0,-,2,-", "1:9@0 3:8@0" },
		{ 10, 0x201, DDF_RAID1E, 1, "04/02 v1 0,1,2,3", "0,-,-,3", "" },
		{ 0, 0, DDF_RAID0, 0, "04/02 v1 0,1", "0,-", "" },
		/* Wait until md lets the failed one go; one that has vanished is gone. */
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,1x", "" },
		{ 1, 0, DDF_RAID1, 0, "01/02 v1 0,1", "0,1?", "1:9@0" },
		{ 1, 0, DDF_RAID1, 1, "01/02 v1 0,1,2", "0,1x,-", "" },
		/* md and the metadata disagree. */
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,2", "0,-,2,3", "" },
		{ 1, 0, DDF_RAID1, 0, "01/02", "0,-", "" },
		/* 15, item 10 */
		{ 5, 2, DDF_RAID5, 3, "01/02 v1 0,1,-", "0,1,-", "2:9@0" },
		{ 10, 0x102, DDF_RAID1, 0, "04/02 v1 0,1 ?", "0,1,2,-", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, "0:03/03 1:03/03 2:03/03 3:03/03 4:03/03 5:03/03 8:05/01 9:05/01");
		fx_volume(&f, 0, row[i].prl, row[i].rlq, row[i].vd);
		fx_md(&f, row[i].level, row[i].layout, row[i].members);
		for (unsigned n = 0; n < f.members; n++)
			if (f.member[n].state == MEMBER_IN_SYNC)
				fx_pd_state(&f, (unsigned)(f.member[n].dev - fx_dev(0)), 0x01);
		if (strcmp(find(0), row[i].picks) != 0)
			fail_msg("row %zu: level %d, %s: %s", i, row[i].level, row[i].members, picks());
	}
}

static void an_array_of_no_virtual_disk_gets_no_spare(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:05/01");
	fx_md(&f, 1, 0, "0,-");
	assert_string_equal(find(0), "");
	assert_string_equal(find(FX_VDS), "");
	assert_string_equal(find(UINT32_MAX), "");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v1 0,_");
	assert_string_equal(find(0), "1:1@0");
	f.c.layout.max_vd = 0;
	assert_string_equal(find(0), "");
}

/* ---- which disk? ---- */

/* A RAID1 of disks 0 and 1, of which 1 is lost. Entry 5 is another virtual disk, of disks 6 and 7. */
static void one_slot_is_empty(const char *pds, const char *vd)
{
	again();
	fx_disks(&f, pds);
	fx_volume(&f, 0, DDF_RAID1, 0, vd);
	fx_volume(&f, 5, DDF_RAID1, 0, "00/02 v1 6,7");
	fx_md(&f, 1, 0, "0,-");
}

static void which_disk_is_fit(void **state)
{
	static const struct {
		const char *pds, *vd, *picks;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "1:3@0" },
		{ "0:03/01 1:03/03 2:05/05", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/09", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:01/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 2:05/03", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/41", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/00", "01/02 v1 0,1", "" },
		{ "0:03/01 1:03/03 2:05/01?", "01/02 v1 0,1", "" },
		/* Kept for somebody, nobody knows whom. */
		{ "0:03/01 1:03/03 2:09/01", "01/02 v1 0,1", "" },
		/* One of another virtual disk, behind that; an unused one is better. */
		{ "0:03/01 1:03/03 6:03/01 7:03/01", "01/02 v1 0,1", "1:7@16384" },
		{ "0:03/01 1:03/03 2:05/01 6:03/01 7:03/01", "01/02 v1 0,1", "1:2@0" },
		{ "0:03/01 1:03/03 6:03/01 7:03/01 2:05/01", "01/02 v1 0,1", "1:2@0" },
		/* Its own, which was not finished, where it is (15, item 5). */
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@777", "1:1@777" },
		{ "0:03/01 6:03/05 2:05/01 7:03/01", "01/02 v1 0,6@30000", "1:6@30000" },
		{ "0:03/01 1:03/01 2:05/01", "00/02 v1 0,1@777", "1:1@777" },
		/* It lies where something else is, or beyond the end. */
		{ "0:03/01 6:03/05 7:03/01", "01/02 v1 0,6@10", "1:7@16384" },
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@60000", "1:2@0" },
		{ "0:03/01 1:03/05 2:05/01", "01/02 v1 0,1@18446744073709551615", "1:2@0" },
		/* It counts as good, so nobody takes its place. */
		{ "0:03/01 1:03/01 2:05/01", "00/02 v1 0,1@60000", "" },
		{ "0:03/01 1:03/01? 2:05/01", "00/02 v1 0,1@60000", "1:2@0" },
		/* Nothing is known of the one that was there. */
		{ "0:03/01 2:05/01", "01/02 v1 0,_", "1:2@0" },
		{ "0:03/01 2:05/01", "01/02 v1 0,-", "1:2@0" },
		/* Named in another slot. */
		{ "0:03/01 1:03/01 2:03/03", "01/02 v1 1,2", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		one_slot_is_empty(row[i].pds, row[i].vd);
		if (strcmp(find(0), row[i].picks) != 0)
			fail_msg("row %zu: %s", i, picks());
	}
}

static void a_dedicated_spare_comes_first(void **state)
{
	static const struct {
		unsigned serves[3];
		unsigned count;
		bool dedicated;
		const char *picks; /* with disk 2, which has the record, and 3, which has none */
		const char *alone; /* with disk 2 only */
	} row[] = {
		{ { 0 }, 1, true, "1:2@0", "1:2@0" },
		{ { 4, 5, 0 }, 3, true, "1:2@0", "1:2@0" },
		{ { 4 }, 1, true, "1:3@0", "" },
		{ { 0 }, 0, true, "1:3@0", "" },
		{ { 4 }, 1, false, "1:3@0", "1:2@0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		one_slot_is_empty("0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1");
		fx_spare_record(&f, 2, row[i].dedicated, row[i].count, row[i].serves);
		assert_string_equal(find(0), row[i].picks);
		fx_unlink(&f, 3);
		assert_string_equal(find(0), row[i].alone);
	}
}

/* Entries beyond the populated ones do not count, nor what a wrong number would promise (15, item 29). */
static void a_spare_record_is_read_within_its_bounds(void **state)
{
	static const unsigned serves[] = { 4, 0 };
	struct ddf_spare *s;

	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	s = fx_spare_record(&f, 2, true, 2, serves);
	s->populated = be16_make(1);
	ddf_seal(s, FX_RECORD_SECTORS * DDF_SECTOR);
	assert_string_equal(find(0), "");
	s->populated = be16_make(0xffff);
	ddf_seal(s, FX_RECORD_SECTORS * DDF_SECTOR);
	assert_string_equal(find(0), "1:2@0");
}

static void a_damaged_spare_record_is_none(void **state)
{
	static const unsigned serves[] = { 0 };

	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	fx_spare_record(&f, 2, true, 1, serves)->timestamp = be32_make(1);
	assert_string_equal(find(0), "");
}

/* It may lie in any slot, and what serves other virtual disks already is not better than what serves none. */
static void a_spare_record_may_lie_anywhere(void **state)
{
	static const unsigned serves[] = { 0 };
	size_t bytes = FX_RECORD_SECTORS * DDF_SECTOR;

	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 6:03/01 2:05/01", "01/02 v1 0,1");
	fx_spare_record(&f, 6, true, 1, serves);
	memcpy(slot_of(6, 0), slot_of(6, FX_RECORDS - 1), bytes);
	memset(slot_of(6, FX_RECORDS - 1), 0xff, bytes);
	assert_string_equal(find(0), "1:6@16384");
	((struct ddf_spare *)(void *)slot_of(6, 0))->type = 0;
	ddf_seal(slot_of(6, 0), bytes);
	assert_string_equal(find(0), "1:2@0");
}

static void a_disk_that_is_being_rebuilt_for_others_is_not_unused(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1");
	extent(0, 3, 0, FX_BLOCKS);
	assert_string_equal(find(0), "1:2@0");
	fx_unlink(&f, 2);
	assert_string_equal(find(0), "1:3@16384");
}

static void a_disk_without_a_free_record_slot_is_not_taken(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		*(be32 *)(void *)slot_of(2, i) = be32_make(DDF_VENDOR_MAGIC);
	assert_string_equal(find(0), "");
	/* What names it already has one. */
	one_slot_is_empty("0:03/01 1:03/05 2:05/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 2 < FX_RECORDS; i++)
		*(be32 *)(void *)slot_of(1, i) = be32_make(DDF_VENDOR_MAGIC);
	assert_string_equal(find(0), "1:1@0");
}

static void the_extent_has_room_for_the_larger_of_both_sizes(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 6:03/01", "01/02 v1 0,1");
	fx_pd_of(&f, 6)->configured_size = be64_make(2 * FX_BLOCKS);
	f.md.component_size = FX_BLOCKS - 128;
	assert_string_equal(find(0), "1:6@16384");
	fx_pd_of(&f, 6)->configured_size = be64_make(2 * FX_BLOCKS - 1);
	assert_string_equal(find(0), "");
	fx_pd_of(&f, 6)->configured_size = be64_make(2 * FX_BLOCKS);
	f.md.component_size = FX_BLOCKS + 1;
	assert_string_equal(find(0), "");
}

static void a_member_of_the_array_is_no_spare_for_it(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03 2:05/01 3:05/01");
	fx_volume(&f, 0, DDF_RAID1, 1, "01/02 v1 0,1,_");
	fx_md(&f, 1, 0, "0,-,3");
	assert_string_equal(find(0), "1:2@0");
	fx_md(&f, 1, 0, "0,-,3?");
	assert_string_equal(find(0), "1:3@0 2:2@0");
}

static void with_too_many_rebuilds_no_disk_of_others_is_taken(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/03 2:03/03 6:03/01 7:03/01");
	fx_volume(&f, 0, DDF_RAID1, 1, "01/02 v1 0,1,2");
	fx_volume(&f, 5, DDF_RAID1, 0, "00/02 v1 6,7");
	fx_md(&f, 1, 0, "0,-,-");
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++)
		extent(i, 12, 0, 1);
	assert_string_equal(find(0), "");
	f.c.rebuild[60].used = false;
	assert_string_equal(find(0), "1:7@16384");
	f.c.rebuild[1].used = false;
	assert_string_equal(find(0), "1:7@16384 2:6@16384");
	f.c.rebuild[1].used = true;
	open_array(0);
	refused(0, -ENOSPC);
}

/* ---- what a dead daemon left behind ---- */

static void a_member_left_behind_is_taken_where_it_is(void **state)
{
	static const struct {
		const char *pds, *vd, *members, *picks;
	} row[] = {
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "0,2!@40", "1:2@40+" },
		{ "0:03/01 1:03/03 6:03/01 3:05/01", "01/02 v1 0,1", "0,6!@20000", "1:6@20000+" },
		{ "0:03/01 1:03/03 2:03/05 3:05/01", "01/02 v1 0,2@40", "0,2!@40", "1:2@40+" },
		{ "0:03/01 1:03/01 2:05/01 3:05/01", "00/02 v1 0,1", "0,2!@40", "1:2@40+" },
		/* Rebuilt to the end: nothing is to be done. */
		{ "0:03/01 1:03/03 2:05/01 3:05/01", "01/02 v1 0,1", "0,2@40", "" },
		/* It cannot be used, but the slot is not free either. */
		{ "0:03/01 1:03/03 6:03/01 3:05/01", "01/02 v1 0,1", "0,6!@16383", "" },
		{ "0:03/01 1:03/03 2:05/03 3:05/01", "01/02 v1 0,1", "0,2!@40", "" },
		{ "0:03/01 1:03/03 3:05/01", "01/02 v1 0,1", "0,2!@40", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		one_slot_is_empty(row[i].pds, row[i].vd);
		fx_md(&f, 1, 0, row[i].members);
		if (strcmp(find(0), row[i].picks) != 0)
			fail_msg("row %zu: %s", i, picks());
	}
}

static void what_was_left_behind_keeps_its_room_and_its_slot(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 6:03/01 7:03/01", "01/02 v1 0,1");
	for (unsigned i = 0; i + 3 < FX_RECORDS; i++)
		*(be32 *)(void *)slot_of(6, i) = be32_make(DDF_VENDOR_MAGIC);
	fx_md(&f, 1, 0, "0,6!@20000");
	open_array(0);
	tell(0, 1, "0,6!@20000");
	assert_false(ddf_has_record_slot(&f.c, &f.dl[6]));
	assert_string_equal(find(0), "1:6@20000+");
	commit(0);
	check_vd(0, "01/02 v1 0,1");
	assert_non_null(ddf_rebuild_of(&f.c, 0, fx_ref(6)));
	assert_string_equal(find(0), "1:6@20000+");
}

/* ---- recording ---- */

static void what_is_recorded(void **state)
{
	static const struct {
		unsigned prl, rlq;
		int level;
		const char *pds, *vd, *members, *picks, *pds_after, *vd_after;
	} row[] = {
		/* 19, T3 */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/03 2:05/01", "01/02 v4 0,1", "0,-", "1:2@0",
		  "0:03/01 1:05/0b 2:03/05", "01/02 v5 0,2" },
		/* 19, T2 */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/42? 2:05/01", "01/02 v5 0,_", "0,-", "1:2@0",
		  "0:03/01 2:03/05", "01/02 v6 0,2" },
		{ DDF_RAID6, 3, 6, "0:03/01 1:03/43? 2:03/01 3:03/43? 4:05/01 5:05/01", "01/02 v7 0,1,2,3",
		  "0,-,2,-", "1:5@0 3:4@0", "0:03/01 2:03/01 4:03/05 5:03/05", "01/02 v8 0,5,2,4" },
		/* 15, item 4: by the number of the BVD. Only the record that changes gets a new number (item 13). */
		{ DDF_RAID1, 0, 10, "0:03/01 1:03/01 2:03/03 3:03/01 4:03/01 5:03/01 6:05/01",
		  "01/02 v1 0,1 v2 2,3 v3 4,5", "0,1,-,3,4,5", "2:6@0",
		  "0:03/01 1:03/01 2:05/0b 3:03/01 4:03/01 5:03/01 6:03/05", "01/02 v1 0,1 v3 6,3 v3 4,5" },
		{ DDF_RAID1, 1, 10, "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 5:03/43? 6:05/01",
		  "05/02 v1 0,1,2 v2 3,4,5", "0,1,2,3,4,-", "5:6@0",
		  "0:03/01 1:03/01 2:03/01 3:03/01 4:03/01 6:03/05", "05/02 v1 0,1,2 v3 3,4,6" },
		/* 15, item 10 */
		{ DDF_RAID5, 3, 5, "0:03/01 1:03/01 2:05/01", "01/00 v3 0,1,_", "0,1,-", "2:2@0",
		  "0:03/01 1:03/01 2:03/05", "01/00 v4 0,1,2" },
		{ DDF_RAID5, 3, 5, "0:03/01 1:03/01 2:05/01", "01/00 v3 0,1,-", "0,1,-", "2:2@0",
		  "0:03/01 1:03/01 2:03/05", "01/00 v5 0,1,2" },
		/* A rebuild goes on: nothing changes, */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,-", "1:1@777",
		  "0:03/01 1:03/05", "01/02 v4 0,1@777" },
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,1!@777", "1:1@777+",
		  "0:03/01 1:03/05", "01/02 v4 0,1@777" },
		/* unless md has it elsewhere, or it counted as good. */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/05", "01/02 v4 0,1@777", "0,1!@800", "1:1@800+",
		  "0:03/01 1:03/05", "01/02 v5 0,1@800" },
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/01", "00/02 v4 0,1@777", "0,-", "1:1@777",
		  "0:03/01 1:03/05", "01/02 v5 0,1@777" },
		/* A disk that was left behind in the place of one that counts as good. */
		{ DDF_RAID1, 0, 1, "0:03/01 1:03/01 2:05/01", "00/02 v4 0,1", "0,2!@40", "1:2@40+",
		  "0:03/01 1:05/01 2:03/05", "01/02 v6 0,2@40" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		again();
		fx_disks(&f, row[i].pds);
		fx_volume(&f, 0, row[i].prl, row[i].rlq, row[i].vd);
		fx_md(&f, row[i].level, row[i].rlq && row[i].level == 10 ? 0x103 : 0x102, row[i].members);
		open_array(0);
		assert_string_equal(find(0), row[i].picks);
		commit(0);
		check_vd(0, row[i].vd_after);
		check_pds(row[i].pds_after);
		for (unsigned k = 0; k < DDF_MAX_REBUILDS; k++)
			assert_false(f.c.rebuild[k].used);
	}
}

static void a_record_that_changed_has_the_time_of_the_change(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/03 3:03/01 4:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v1 0,1 v2 2,3");
	fx_md(&f, 10, 0x102, "0,1,-,3");
	open_array(0);
	find(0);
	commit(0);
	assert_int_equal(be32_get(fx_record(&f, 0, 0)->timestamp), FX_BEFORE);
	assert_int_equal(be32_get(fx_record(&f, 0, 1)->timestamp), FX_NOW);
}

/* 15, item 6 */
static void a_disk_of_another_virtual_disk_is_not_named_before_it_is_rebuilt(void **state)
{
	const struct ddf_rebuild *b;
	uint64_t start;

	(void)state;
	one_slot_is_empty("0:03/01 1:03/43? 6:03/01 7:03/01", "01/02 v4 0,1");
	watch(0, 1, "0,-");
	f.md.component_size = FX_BLOCKS - 128;
	assert_string_equal(find(0), "1:7@16384");
	commit(0);
	check_vd(0, "01/02 v4 0,1");
	check_pds("0:03/01 1:03/43? 6:03/01 7:03/01");
	b = ddf_rebuild_of(&f.c, 0, fx_ref(7));
	assert_non_null(b);
	assert_int_equal(b->slot, 1);
	assert_int_equal(b->start, 16384);
	assert_int_equal(b->length, FX_BLOCKS);
	assert_int_equal(ddf_slot_of(&f.c, 0, fx_ref(7)), 1);
	/* Nobody else gets its room. */
	assert_int_equal(ddf_find_room(&f.c, fx_ref(7), 1, &start), 0);
	assert_int_equal(start, 2 * FX_BLOCKS);
	tell(0, 1, "0,7!@16384");
	check_vd(0, "01/02 v4 0,1");
	tell(0, 1, "0,7@16384");
	check_vd(0, "00/02 v5 0,7@16384");
	check_pds("0:03/01 6:03/01 7:03/01");
	assert_null(ddf_rebuild_of(&f.c, 0, fx_ref(7)));
}

/* Else whoever assembles the arrays next takes it for good. */
static void a_disk_of_another_virtual_disk_that_counted_as_good_is_not_named_any_more(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 6:03/01 7:03/01", "00/02 v4 0,6@20000");
	open_array(0);
	check_vd(0, "01/02 v5 0,_");
	assert_string_equal(find(0), "1:7@16384");
	commit(0);
	check_vd(0, "01/02 v5 0,_");
	check_pds("0:03/01 6:03/01 7:03/01");
	assert_int_equal(ddf_rebuild_of(&f.c, 0, fx_ref(7))->start, 16384);
	tell(0, 1, "0,7!@16384");
	tell(0, 1, "0,7@16384");
	check_vd(0, "00/02 v6 0,7@16384");
}

/* ... but "Rebuilding" says enough. */
static void a_disk_that_is_rebuilding_for_two_stays_named(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 6:03/05 7:03/01", "01/02 v4 0,6@20000");
	open_array(0);
	assert_string_equal(find(0), "1:6@20000");
	commit(0);
	check_vd(0, "01/02 v4 0,6@20000");
	check_pds("0:03/01 6:03/05 7:03/01");
	assert_null(ddf_rebuild_of(&f.c, 0, fx_ref(6)));
}

static void one_disk_of_each_kind(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/43? 2:03/43? 3:05/01 6:03/01");
	fx_volume(&f, 0, DDF_RAID1, 1, "01/02 v4 0,1,2");
	fx_volume(&f, 5, DDF_RAID0, 0, "00/02 v1 6");
	fx_md(&f, 1, 0, "0,-,-");
	open_array(0);
	assert_string_equal(find(0), "1:3@0 2:6@16384");
	commit(0);
	check_vd(0, "01/02 v5 0,3,2");
	check_pds("0:03/01 2:03/43? 3:03/05 6:03/01");
	assert_int_equal(ddf_rebuild_of(&f.c, 0, fx_ref(6))->slot, 2);
}

/* Stale ones would keep room, and a slot. */
static void a_new_pick_replaces_what_was_meant_for_the_slot_or_for_the_disk(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01 6:03/01", "01/02 v4 0,1");
	open_array(0);
	assert_string_equal(find(0), "1:2@0");
	for (unsigned i = 0; i < 4; i++) {
		extent(i, i == 1 ? 2 : 6, 40000, 10);
		f.c.rebuild[i].vd = i == 3 ? 5 : 0;
		f.c.rebuild[i].slot = i == 0 || i == 3 ? 1 : 0;
	}
	commit(0);
	assert_false(f.c.rebuild[0].used); /* its slot */
	assert_false(f.c.rebuild[1].used); /* its disk */
	assert_true(f.c.rebuild[2].used);
	assert_true(f.c.rebuild[3].used);
}

static void a_member_that_is_replaced_is_not_known_to_be_in_sync(void **state)
{
	(void)state;
	one_slot_is_empty("0:03/01 1:03/03 2:05/01", "01/02 v4 0,1");
	open_array(0);
	find(0);
	f.volume[0].synced[0] = 7;
	commit(0);
	assert_int_equal(f.volume[0].synced[0], 5);
}

/* A dedicated spare keeps its record, and its type. */
static void a_dedicated_spare_that_is_used_stays_one(void **state)
{
	static const unsigned serves[] = { 0 };

	(void)state;
	one_slot_is_empty("0:03/01 1:03/43? 2:05/01", "01/02 v4 0,1");
	fx_spare_record(&f, 2, true, 1, serves);
	open_array(0);
	find(0);
	commit(0);
	check_pds("0:03/01 2:0b/05");
}

/* ---- recording: what may have happened since ---- */

static void fails(void)
{
	fx_fail_disk(&f, 2);
}

static void leaves(void)
{
	fx_unlink(&f, 2);
}

static void loses_its_room(void)
{
	extent(0, 2, 100, 1);
}

static void comes_back(void)
{
	fx_pd_state(&f, 1, 0x01);
}

static void is_kept_for_others(void)
{
	static const unsigned serves[] = { 5 };

	fx_spare_record(&f, 2, true, 1, serves);
}

static void is_full(void)
{
	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		*(be32 *)(void *)slot_of(2, i) = be32_make(DDF_VENDOR_MAGIC);
}

static void gets_another_slot(void)
{
	ddf_set_element_ref(fx_record(&f, 0, 0), 0, fx_ref(2));
}

static void ends(void)
{
	ddf_close_array(&f.c, 0);
}

static void is_deleted(void)
{
	free(f.volume[0].records);
	memset(&f.volume[0], 0, sizeof(f.volume[0]));
}

static void slot_negative(void)
{
	req.pick[0].slot = -1;
}

static void slot_too_large(void)
{
	req.pick[0].slot = 2;
}

static void nothing_picked(void)
{
	req.count = 0;
}

static void too_many(void)
{
	req.count = MAX_SPARE_PICKS + 1;
}

static void twice_the_slot(void)
{
	req.pick[1] = req.pick[0];
	req.pick[1].dev = fx_dev(3);
	req.count = 2;
}

static void twice_the_disk(void)
{
	req.pick[1] = req.pick[0];
	req.pick[1].slot = 0;
	req.count = 2;
}

static void beyond_the_end(void)
{
	req.pick[0].data_offset = UINT64_MAX - 5;
}

static void too_large(void)
{
	req.pick[0].component_size = UINT64_MAX;
}

static void the_second_fails(void)
{
	fx_pd_state(&f, 0, 0x03);
	req.pick[1] = req.pick[0];
	req.pick[1].slot = 0;
	req.pick[1].dev = fx_dev(3);
	fx_fail_disk(&f, 3);
	req.count = 2;
}

static void what_is_not_so_any_more_is_refused_completely(void **state)
{
	static const struct {
		void (*event)(void);
		int err;
	} row[] = {
		{ fails, -ESTALE }, { leaves, -ENODEV }, { loses_its_room, -ESTALE }, { comes_back, -ESTALE },
		{ is_kept_for_others, -ESTALE }, { is_full, -ESTALE }, { gets_another_slot, -ESTALE },
		{ ends, -ESTALE }, { is_deleted, -EINVAL }, { slot_negative, -EINVAL }, { slot_too_large, -EINVAL },
		{ nothing_picked, -EINVAL }, { too_many, -EINVAL }, { twice_the_slot, -EINVAL },
		{ twice_the_disk, -EINVAL }, { beyond_the_end, -ESTALE }, { too_large, -ESTALE },
		{ the_second_fails, -ESTALE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		one_slot_is_empty("0:03/01 1:03/03 3:05/01 2:05/01", "01/02 v4 0,1");
		open_array(0);
		assert_string_equal(find(0), "1:2@0");
		row[i].event();
		refused(0, row[i].err);
	}
	refused(FX_VDS, -EINVAL);
	refused(3, -EINVAL);
}

/* ---- whole stories (19) ---- */

static void a_disk_fails_and_a_spare_takes_its_place(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	watch(0, 1, "0,1");
	tell(0, 1, "0,1x");
	check_pds("0:03/01 1:03/03 2:05/01");
	check_vd(0, "01/02 v4 0,1");
	assert_string_equal(find(0), "");
	tell(0, 1, "0,-");
	assert_string_equal(find(0), "1:2@0");
	commit(0);
	check_pds("0:03/01 1:05/0b 2:03/05");
	check_vd(0, "01/02 v5 0,2");
	tell(0, 1, "0,2!");
	tell(0, 1, "0,2");
	check_pds("0:03/01 1:05/0b 2:03/01");
	check_vd(0, "00/02 v6 0,2");
}

/* T1. What differs: the disk that serves m5 already is named in m1 when it has been rebuilt. */
static void two_arrays_lose_a_disk(void **state)
{
	struct ddf_dl *dl;

	(void)state;
	fx_disks(&f, "0:03/01 1:03/01 2:03/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_volume(&f, 1, DDF_RAID5, 3, "00/02 v4 0@16384,1@16384,2");
	watch(0, 1, "0,1");
	watch(1, 5, "0,1,2");
	tell(0, 1, "0,1x");
	tell(1, 5, "0,1x,2");
	check_vd(0, "01/02 v4 0,1");
	check_vd(1, "01/02 v5 0@16384,1@16384,2");
	tell(0, 1, "0,-");
	assert_string_equal(find(0), "1:2@16384");
	commit(0);
	check_pds("0:03/01 1:03/03 2:03/01");
	assert_non_null(ddf_remove_disk(&f.c, fx_dev(1)));
	check_pds("0:03/01 1:03/43? 2:03/01");
	fx_pd_entry(&f, 3, 3, 0x05, 0x01);
	dl = fx_present(&f, 3);
	assert_non_null(dl);
	tell(1, 5, "0,-,2");
	assert_string_equal(find(1), "1:3@0");
	commit(1);
	check_vd(1, "01/02 v6 0@16384,3,2");
	tell(0, 1, "0,2!@16384");
	tell(1, 5, "0,3!,2");
	check_pds("0:03/01 1:03/43? 2:03/01 3:03/05");
	tell(0, 1, "0,2@16384");
	check_vd(0, "00/02 v5 0,2@16384");
	check_pds("0:03/01 2:03/01 3:03/05");
	tell(1, 5, "0,3,2");
	check_vd(1, "00/02 v7 0@16384,3,2");
	check_pds("0:03/01 2:03/01 3:03/01");
}

/* T2 */
static void a_disk_that_was_absent_at_the_start_is_rebuilt_as_a_new_one(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/01?");
	fx_volume(&f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	fx_md(&f, 1, 0, "0,-");
	open_array(0);
	ddf_set_array_state(&f.c, 0, &f.md, MARK_DECIDE);
	check_pds("0:03/01 1:03/42?");
	check_vd(0, "01/02 v5 0,_");
	assert_string_equal(find(0), "");
	fx_pd_entry(&f, 2, 2, 0x05, 0x01);
	fx_present(&f, 2);
	assert_string_equal(find(0), "1:2@0");
	commit(0);
	check_pds("0:03/01 2:03/05");
	check_vd(0, "01/02 v6 0,2");
	tell(0, 1, "0,2!");
	tell(0, 1, "0,2");
	check_pds("0:03/01 2:03/01");
	check_vd(0, "00/02 v7 0,2");
}

/* One new disk for two arrays: recorded in the first, kept in memory for the second (15, items 6 and 34). */
static void one_disk_is_rebuilt_for_two_arrays(void **state)
{
	(void)state;
	fx_disks(&f, "0:03/01 1:03/43? 2:05/01");
	fx_volume(&f, 0, DDF_RAID1, 0, "01/02 v4 0,1");
	fx_volume(&f, 1, DDF_RAID1, 0, "01/02 v7 0@16384,1@16384");
	watch(0, 1, "0,-");
	assert_string_equal(find(0), "1:2@0");
	commit(0);
	watch(1, 1, "0,-");
	assert_string_equal(find(1), "1:2@16384");
	commit(1);
	check_pds("0:03/01 1:03/43? 2:03/05");
	check_vd(0, "01/02 v5 0,2");
	check_vd(1, "01/02 v7 0@16384,1@16384");
	tell(0, 1, "0,2!");
	tell(1, 1, "0,2!@16384");
	/* The second one is done first: the disk stays "Rebuilding", for the first's sake. */
	tell(1, 1, "0,2@16384");
	check_pds("0:03/01 2:03/05");
	check_vd(1, "01/02 v8 0@16384,2@16384");
	tell(0, 1, "0,2");
	check_pds("0:03/01 2:03/01");
	check_vd(0, "00/02 v6 0,2");
	check_vd(1, "00/02 v8 0@16384,2@16384");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(room_is_the_first_gap_that_is_large_enough),
		TEST(extents_of_all_records_are_in_use),
		TEST(only_a_good_disk_has_room),
		TEST(an_extent_is_free_if_nothing_lies_in_it),
		TEST(a_disk_takes_as_many_records_as_it_has_slots),
		TEST(a_rebuild_in_memory_takes_a_slot_unless_its_record_has_one),
		TEST(what_is_not_understood_keeps_its_slot),
		TEST(arrays_that_can_be_rebuilt_get_a_spare),
		TEST(an_array_of_no_virtual_disk_gets_no_spare),
		TEST(which_disk_is_fit),
		TEST(a_dedicated_spare_comes_first),
		TEST(a_spare_record_is_read_within_its_bounds),
		TEST(a_damaged_spare_record_is_none),
		TEST(a_spare_record_may_lie_anywhere),
		TEST(a_disk_that_is_being_rebuilt_for_others_is_not_unused),
		TEST(a_disk_without_a_free_record_slot_is_not_taken),
		TEST(the_extent_has_room_for_the_larger_of_both_sizes),
		TEST(a_member_of_the_array_is_no_spare_for_it),
		TEST(with_too_many_rebuilds_no_disk_of_others_is_taken),
		TEST(a_member_left_behind_is_taken_where_it_is),
		TEST(what_was_left_behind_keeps_its_room_and_its_slot),
		TEST(what_is_recorded),
		TEST(a_record_that_changed_has_the_time_of_the_change),
		TEST(a_disk_of_another_virtual_disk_is_not_named_before_it_is_rebuilt),
		TEST(a_disk_of_another_virtual_disk_that_counted_as_good_is_not_named_any_more),
		TEST(a_disk_that_is_rebuilding_for_two_stays_named),
		TEST(one_disk_of_each_kind),
		TEST(a_new_pick_replaces_what_was_meant_for_the_slot_or_for_the_disk),
		TEST(a_member_that_is_replaced_is_not_known_to_be_in_sync),
		TEST(a_dedicated_spare_that_is_used_stays_one),
		TEST(what_is_not_so_any_more_is_refused_completely),
		TEST(a_disk_fails_and_a_spare_takes_its_place),
		TEST(two_arrays_lose_a_disk),
		TEST(a_disk_that_was_absent_at_the_start_is_rebuilt_as_a_new_one),
		TEST(one_disk_is_rebuilt_for_two_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
