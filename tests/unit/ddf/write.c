/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ddf/write.c: what is written, and in which order (ddf.md 7). */
#include "tests/unit/support/ddf-bench.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what is written ---- */

static void test_new_disks_get_everything_and_the_anchor_last(void **state)
{
	struct bench *b = *state;

	dwb_assert_all_complete(b);
	/* And a further disk, on its own. */
	dfx_pd_entry(&b->f, 3, 3, 0x05, 0x01);
	dfx_present(&b->f, 3);
	dwb_make_file(&b->f, 3);
	b->f.dl[3].anchor_due = true;
	b->f.dl[3].copy[0].good = b->f.dl[3].copy[1].good = false;
	dwb_write_all(b);
	assert_string_equal(dwb_trace(b, 3), "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p1 p2+2 p4+2 p6+18 p24 p0 a");
	dwb_assert_disk_complete(b, 3);
	dwb_assert_disk_complete(b, 0);
}

/* One bit: a few sectors, where the reference writes everything. */
static void test_dirty_writes_three_sectors_for_each_copy(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	dwb_write_all(b);
	for (unsigned n = 0; n < DISKS; n++)
		assert_string_equal(dwb_trace(b, n), "s0 s4 s0 p0 p4 p0");
	assert_int_equal(b->f.c.seq, 9);
	dwb_assert_all_complete(b);
}

static void test_nothing_is_written_for_what_is_on_disk(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	dwb_set_dirty(b, true);
	dwb_set_dirty(b, false);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	b->res.retry = true;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(dwb_seen.count, 0);
	assert_int_equal(b->f.c.seq, 8);
}

static void test_failure_writes_what_changed(void **state)
{
	struct bench *b = *state;

	dwb_fail_disk(b);
	dwb_write_all(b);
	assert_string_equal(dwb_trace(b, 0), "s0 s2 s4 s6+2 s0 p0 p2 p4 p6+2 p0");
	assert_string_equal(dwb_trace(b, 2), "s0 s2 s4 s0 p0 p2 p4 p0"); /* it has no record */
	dwb_assert_all_complete(b);
}

/* Table entries behind the first sector: the sector with the checksum goes along. */
static void test_entries_behind_the_first_sector(void **state)
{
	struct bench *b = *state;

	dfx_vd(&b->f, 12)->unit = be16_make(5);
	dwb_write_all(b);
	assert_string_equal(dwb_trace(b, 0), "s0 s4+2 s0 p0 p4+2 p0");
}

/* The kernel gets its answer between the two. */
static void test_first_copies_come_first_on_all_disks(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(b->res.written, DISKS);
	for (unsigned n = 0; n < DISKS; n++) {
		struct ddf_header h;

		assert_string_equal(dwb_trace(b, n), "s0 s4 s0");
		assert_int_equal(dwb_vd_state_at(b, dwb_fd_of(b, n), dwb_readers_choice(dwb_fd_of(b, n), &h)),
				 DDF_VD_INCONSISTENT);
	}
	ddf_write_rest(b->w, &b->f.c, &b->res);
	dwb_assert_all_complete(b);
	dwb_forget_writes();
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(dwb_seen.count, 0);
}

static void test_timestamp_and_generation_of_headers(void **state)
{
	struct bench *b = *state;
	struct ddf_header h;

	b->f.c.now = FX_NOW + 77;
	dwb_set_dirty(b, true);
	dwb_write_all(b);
	assert_true(dwb_header_ok(dwb_fd_of(b, 0), PRIMARY, DDF_PRIMARY, &h));
	assert_int_equal(be32_get(h.timestamp), FX_NOW + 77);
	assert_int_equal(be32_get(h.seq), 9);
	assert_memory_equal(h.reserved2, b->f.dl[0].header.reserved2, 512 - 113);
}

/* 7: sections are where the header of the disk says, whatever it is on other disks. */
static void test_each_disk_has_its_own_positions(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *dl = &b->f.dl[1];
	uint8_t buf[FX_TABLE_BYTES];

	dl->at.pd.offset = 100;
	dl->at.vd.offset = 40;
	dl->at.config.offset = 60;
	dl->copy[0].good = dl->copy[1].good = false;
	dwb_set_dirty(b, true);
	dwb_write_all(b);
	assert_string_equal(dwb_trace(b, 0), "s0 s4 s0 p0 p4 p0");
	assert_string_equal(dwb_trace(b, 1), "s0 s1 s100+2 s40+2 s60+18 s24 s0 p0 p1 p100+2 p40+2 p60+18 p24 p0");
	dwb_read_sectors(dwb_fd_of(b, 1), PRIMARY + 40, 2, buf);
	assert_memory_equal(buf, b->f.vd, FX_TABLE_BYTES);
}

static void test_disk_without_secondary_copy(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *dl = &b->f.dl[1];

	dl->copy[DDF_SECOND_COPY] = (struct ddf_copy){ .exists = false };
	dl->anchor_due = true;
	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_string_equal(dwb_trace(b, 1), "p0 p4 p0 a");
	dwb_forget_writes();
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_string_equal(dwb_trace(b, 1), "");
}

/* A power cut may cost such a disk its metadata: not all of them at once. */
static void test_disks_without_secondary_copy_go_one_by_one(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 1; n < DISKS; n++)
		b->f.dl[n].copy[DDF_SECOND_COPY].exists = false;
	dwb_set_dirty(b, true);
	dwb_write_all(b);
	assert_int_equal(dwb_seen.risky, 2);
	assert_int_equal(dwb_seen.most_risky_at_once, 1);
}

/* The other copy cannot be written, and is no good. */
static void test_disks_with_one_good_copy_go_one_by_one(void **state)
{
	struct bench *b = *state;

	for (unsigned n = 1; n < DISKS; n++) {
		b->f.dl[n].copy[DDF_SECOND_COPY].failed = true;
		b->f.dl[n].copy[DDF_SECOND_COPY].good = false;
	}
	dwb_set_dirty(b, true);
	dwb_write_once(b, false);
	assert_int_equal(dwb_seen.risky, 2);
}

/* ---- records ---- */

static struct ddf_vdc *slot(struct bench *b, unsigned n, unsigned i)
{
	return (struct ddf_vdc *)(void *)(b->f.config[n] + i * FX_RECORD_SECTORS * 512);
}

static void test_records_follow_the_disks_that_they_name(void **state)
{
	struct bench *b = *state;

	assert_int_equal(be32_get(slot(b, 0, 0)->magic), DDF_VDC_MAGIC);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_NO_RECORD);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, dfx_ref(2));
	dwb_write_all(b);
	/* It says itself that it is no member, in case that an absent disk says something else. */
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_VDC_MAGIC);
	assert_int_equal(ddf_element_ref(slot(b, 1, 0), 1), dfx_ref(2));
	dfx_fail_disk(&b->f, 1);
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_NO_RECORD); /* all of it is empty again */
	for (unsigned i = 0; i < FX_RECORD_SECTORS * 512; i++)
		assert_int_equal(b->f.config[1][i], 0xff);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_VDC_MAGIC);
	dwb_assert_all_complete(b);
}

/* The record that names it was cut off by a power cut, or is on an absent disk only: the disk itself says that it is no member. */
static void test_disk_that_is_named_no_more_has_had_no_record(void **state)
{
	struct bench *b = *state;
	struct ddf_place at;

	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, dfx_ref(2));
	assert_true(ddf_place_of(&b->f.c, 0, dfx_ref(2), &at));
	ddf_name_no_more(&b->f.c, &at);
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_VDC_MAGIC);
	assert_int_equal(ddf_element_ref(slot(b, 2, 0), 1), DDF_REF_MISSING);
	dwb_assert_all_complete(b);
}

/* All that are named have left: what the record says is kept by who was named before, until there is a member. */
static void test_record_whose_members_are_absent(void **state)
{
	struct bench *b = *state;
	struct ddf_dl *disks = b->f.c.disks;

	dfx_unlink(&b->f, 0);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_VDC_MAGIC);
	assert_int_equal(ddf_element_ref(slot(b, 1, 0), 1), DDF_REF_MISSING);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_NO_RECORD);
	dfx_fail_disk(&b->f, 1);
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_VDC_MAGIC);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, dfx_ref(2));
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_NO_RECORD);
	assert_int_equal(be32_get(slot(b, 2, 0)->magic), DDF_VDC_MAGIC);
	b->f.c.disks = disks;
}

/* 15, items 11 and 27; 2.3: what is not understood stays where it is. */
static void test_records_of_others_survive(void **state)
{
	static const unsigned none;
	struct bench *b = *state;
	uint8_t vendor[FX_RECORD_SECTORS * 512], spare[FX_RECORD_SECTORS * 512], strange[FX_RECORD_SECTORS * 512];
	uint8_t buf[FX_CONFIG_BYTES];

	memset(vendor, 0x11, sizeof(vendor));
	memset(vendor, 0x88, 4);
	memset(strange, 0x22, sizeof(strange)); /* no configuration that we understand: its checksum is wrong */
	memset(strange, 0xee, 4);
	memcpy(slot(b, 2, 0), vendor, sizeof(vendor));
	memcpy(slot(b, 2, 2), strange, sizeof(strange));
	memcpy(spare, dfx_spare_record(&b->f, 2, true, 1, &none), sizeof(spare));
	b->f.dl[2].copy[0].good = b->f.dl[2].copy[1].good = false;
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, dfx_ref(2));
	dwb_write_all(b);
	assert_memory_equal(slot(b, 2, 0), vendor, sizeof(vendor));
	assert_memory_equal(slot(b, 2, 2), strange, sizeof(strange));
	assert_memory_equal(slot(b, 2, FX_RECORDS - 1), spare, sizeof(spare));
	assert_int_equal(be32_get(slot(b, 2, 1)->magic), DDF_VDC_MAGIC); /* ours is between them */
	dwb_read_sectors(dwb_fd_of(b, 2), PRIMARY + b->f.c.layout.config.offset, sizeof(buf) / 512, buf);
	assert_memory_equal(buf, b->f.config[2], sizeof(buf));
}

/* Deleted, also while the disk was away. */
static void test_records_of_nobody_are_dropped(void **state)
{
	struct bench *b = *state;

	memset(dfx_vd(&b->f, 0), 0xff, sizeof(struct ddf_vd_entry));
	free(b->f.volume[0].records);
	b->f.volume[0].records = NULL;
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 0, 0)->magic), DDF_NO_RECORD);
	assert_int_equal(be32_get(slot(b, 1, 0)->magic), DDF_NO_RECORD);
}

/* A virtual disk that we could not make sense of: its table entry is there, no record is known. */
static void test_records_that_were_ignored_survive(void **state)
{
	struct bench *b = *state;
	uint8_t before[FX_RECORD_SECTORS * 512];

	memcpy(before, slot(b, 0, 0), sizeof(before));
	free(b->f.volume[0].records);
	b->f.volume[0].records = NULL;
	dwb_set_dirty(b, true);
	dwb_write_all(b);
	assert_memory_equal(slot(b, 0, 0), before, sizeof(before));
	assert_string_equal(dwb_trace(b, 0), "s0 s4 s0 p0 p4 p0");
}

static void test_the_slot_for_spares_is_not_used(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i + 1 < FX_RECORDS; i++)
		memset(slot(b, 2, i), 0x88, FX_RECORD_SECTORS * 512);
	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, dfx_ref(2));
	dwb_write_all(b);
	assert_int_equal(be32_get(slot(b, 2, FX_RECORDS - 1)->magic), DDF_NO_RECORD);
}

/* What says only that the disk is not named gives way to what names it. */
static void test_record_that_names_the_disk_has_a_slot(void **state)
{
	struct bench *b = *state;

	ddf_set_element_ref(dfx_record(&b->f, 0, 0), 1, DDF_REF_MISSING);
	dwb_write_all(b);
	for (unsigned i = 1; i + 1 < FX_RECORDS; i++)
		memset(slot(b, 1, i), 0x88, FX_RECORD_SECTORS * 512);
	assert_true(ddf_has_record_slot(&b->f.c, &b->f.dl[1]));
	dfx_volume(&b->f, 1, DDF_RAID1, 0, "00/02 v3 1,2");
	dwb_write_all(b);
	assert_memory_equal(slot(b, 1, 0)->guid, dfx_vd(&b->f, 1)->guid, DDF_GUID_LEN);
}

/* Daemons that begin with the same generation, one of which was killed: the later one has the newer number. */
static void test_absent_disk_may_have_later_numbers(void **state)
{
	static const struct {
		int32_t since; /* seconds since the last write */
		uint32_t more;
	} row[] = {
		{ -1, 2 }, { 0, 2 }, { 1, 3 }, { 100, 102 }, { (1 << 24) - 1, (1 << 24) + 1 }, { 1 << 24, 2 },
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < COUNT(row); i++) {
		uint32_t seq = b->f.c.seq;

		b->f.c.skips = true;
		b->f.c.now = be32_get(b->f.c.header.timestamp) + (uint32_t)row[i].since;
		dwb_set_dirty(b, true);
		dwb_write_all(b);
		assert_int_equal(b->f.c.seq - seq, row[i].more);
		dwb_set_dirty(b, false);
		dwb_write_all(b);
		assert_int_equal(b->f.c.seq - seq, row[i].more + 1);
	}
}

/* ---- copies that are not good ---- */

/* What readers have to make do with is written last. */
static void test_the_copy_that_is_not_good_comes_first(void **state)
{
	static const struct {
		bool primary, secondary;
		const char *trace;
	} row[] = {
		{ true, true, "s0 s4 s0 p0 p4 p0" },
		{ false, true, "p0 p1 p2+2 p4+2 p6+18 p24 p0 s0 s4 s0" },
		{ true, false, "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p4 p0" },
		{ false, false, "s0 s1 s2+2 s4+2 s6+18 s24 s0 p0 p1 p2+2 p4+2 p6+18 p24 p0" },
	};
	struct bench *b = *state;

	for (unsigned i = 0; i < COUNT(row); i++) {
		dwb_forget_writes();
		if (!row[i].primary)
			dwb_damage(b, 0, DDF_FIRST_COPY);
		if (!row[i].secondary)
			dwb_damage(b, 0, DDF_SECOND_COPY);
		dwb_set_dirty(b, i % 2 == 0);
		dwb_write_all(b);
		assert_string_equal(dwb_trace(b, 0), row[i].trace);
		assert_string_equal(dwb_trace(b, 1), row[0].trace);
		dwb_assert_all_complete(b);
	}
}

/* Neither is right, but one of them had to be used. */
static void test_the_copy_that_was_used_comes_last(void **state)
{
	struct bench *b = *state;

	dwb_damage(b, 0, DDF_FIRST_COPY);
	dwb_damage(b, 0, DDF_SECOND_COPY);
	b->f.dl[0].copy[DDF_SECOND_COPY].chosen = true;
	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	assert_int_equal(dwb_trace(b, 0)[0], 'p');
}

/* Damage alone is no reason to write: that waits for the next change. */
static void test_repair_waits_for_a_change(void **state)
{
	struct bench *b = *state;

	dwb_damage(b, 0, DDF_FIRST_COPY);
	b->f.dl[1].anchor_due = true;
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 0);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(dwb_seen.count, 0);
	dwb_set_dirty(b, true);
	dwb_write_all(b);
	assert_string_equal(dwb_trace(b, 1), "s0 s4 s0 p0 p4 p0 a");
	assert_false(b->f.dl[1].anchor_due);
}

/* The other copies were not written any more: the next daemon has them from its load as not good. */
static void test_change_after_an_unfinished_one(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	dwb_fail_disk(b);
	dwb_write_all(b);
	dwb_assert_all_complete(b);
}

/* Nobody has written the rest yet: what the kernel was told is in one copy only. */
static void test_the_newer_copy_comes_last(void **state)
{
	struct bench *b = *state;

	dwb_set_dirty(b, true);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	dwb_forget_writes();
	dwb_fail_disk(b);
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	for (unsigned i = 0; i < dwb_seen.count; i++)
		assert_true(dwb_seen.write[i].at >= PRIMARY);
}

#define T(t) cmocka_unit_test_setup_teardown(t, dwb_setup, dwb_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_disks_get_everything_and_the_anchor_last),
		T(test_dirty_writes_three_sectors_for_each_copy),
		T(test_nothing_is_written_for_what_is_on_disk),
		T(test_failure_writes_what_changed),
		T(test_entries_behind_the_first_sector),
		T(test_first_copies_come_first_on_all_disks),
		T(test_timestamp_and_generation_of_headers),
		T(test_each_disk_has_its_own_positions),
		T(test_disk_without_secondary_copy),
		T(test_disks_without_secondary_copy_go_one_by_one),
		T(test_disks_with_one_good_copy_go_one_by_one),
		T(test_records_follow_the_disks_that_they_name),
		T(test_disk_that_is_named_no_more_has_had_no_record),
		T(test_record_whose_members_are_absent),
		T(test_records_of_others_survive),
		T(test_records_of_nobody_are_dropped),
		T(test_records_that_were_ignored_survive),
		T(test_the_slot_for_spares_is_not_used),
		T(test_record_that_names_the_disk_has_a_slot),
		T(test_absent_disk_may_have_later_numbers),
		T(test_the_copy_that_is_not_good_comes_first),
		T(test_the_copy_that_was_used_comes_last),
		T(test_repair_waits_for_a_change),
		T(test_change_after_an_unfinished_one),
		T(test_the_newer_copy_comes_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
