/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DDF handler from end to end: samples go on where they were, and what is not ours stays as it is. */
#include "tests/unit/support/ddf-rig.h"

#include <string.h>

#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- samples that go on ---- */

/* The rebuild of sample C goes on in its place, wherever that is; there is no other room on the disk. */
static void move_rebuild(struct rig_copy *m)
{
	struct ddf_vdc *v = drig_record(m, 0);

	if (be32_get(v->magic) == DDF_VDC_MAGIC)
		ddf_set_element_start(v, RIG_MPPE, 1, 16384);
}

static void test_interrupted_rebuild_is_resumed(void **state)
{
	(void)state;
	for (unsigned moved = 0; moved < 2; moved++) {
		struct rig *r = drig_sample("C");
		struct rig_array *a;

		if (moved)
			drig_edit_all(r, move_rebuild);
		drig_examine(r);
		drig_load(r);
		a = drig_open_array(r, 0, 1, 0, "0,-");
		assert_nothing_to_sync(r);
		assert_taken(r, a, "0,-", moved ? "1:2@16384" : "1:2");
		assert_nothing_to_sync(r);
		drig_tell(a, moved ? "0,2@16384" : "0,2");
		assert_synced(r);
		/* as sample Cdone */
		assert_pds(r, "0:03/01 1:05/0b 2:03/01");
		assert_vd(r, 0, moved ? "00/02 v5 0,2@16384" : "00/02 v5 0,2");
		assert_int_equal(r->seq, 12);
		drig_free(r);
	}
}

/* The daemon was restarted while md went on. */
static void test_rebuild_that_md_goes_on_with(void **state)
{
	struct rig *r = drig_loaded_sample("C");
	struct rig_array *a = drig_open_array(r, 0, 1, 0, "0,2!");

	(void)state;
	assert_taken(r, a, "0,2!", "1:2");
	assert_true(a->spares.pick[0].in_array);
	assert_nothing_to_sync(r);
	drig_tell(a, "0,2");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2");
	drig_free(r);
}

/*
 * Sample E says nothing of disk 2 having no data yet, and md is believed: if it has the disk as a member in sync all is
 * well; if it is still at work the disk is named no more until it has its data (15, item 6).
 */
static void test_rebuild_that_the_reference_recorded_too_early(void **state)
{
	struct rig *r = drig_loaded_sample("E");
	struct rig_array *m1 = drig_open_array(r, 0, 1, 0, "0,2!@16384");
	struct rig_array *m5 = drig_open_array(r, 1, 5, 2, "0@24576,-,2");

	(void)state;
	r->in_memory = true;
	drig_sync_now(r);
	assert_taken(r, m1, "0,2!@16384", "1:2@16384");
	assert_vd(r, 0, "01/02 v5 0,_");
	assert_vd(r, 1, "01/02 v5 0@24576,1@24576,2");
	assert_pds(r, "0:03/01 1:03/03 2:03/01");
	drig_tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "00/02 v6 0,2@16384");
	assert_string_equal(drig_find_spares(m5, "0@24576,-,2"), "");
	drig_free(r);
}

static void test_array_that_takes_a_half_rebuilt_disk_for_good(void **state)
{
	struct rig *r = drig_loaded_sample("E");

	(void)state;
	drig_open_array(r, 0, 1, 0, "0,2@16384");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v4 0,2@16384");
	assert_vd(r, 1, "01/02 v5 0@24576,1@24576,2");
	drig_free(r);
}

static bool range_untouched(const struct rig *r, const struct snapshot *s, unsigned n, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (drig_sector_changed(r, s, n, SAMPLE_PRIMARY + first + i) ||
		    drig_sector_changed(r, s, n, SAMPLE_SECONDARY + first + i))
			return false;
	return true;
}

#define D_SPARE_RECORD (162 + 64 * 7) /* sectors from the header */

/* A dedicated spare (15, item 11, too). */
static void test_dedicated_spare_serves_only_whom_it_may(void **state)
{
	struct rig *r = drig_loaded_sample("D");
	struct rig_array *r10 = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");
	struct rig_array *r1 = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");
	struct snapshot before;

	(void)state;
	drig_remember(r, &before);
	drig_tell(r10, "0,1,2,3x");
	drig_tell(r1, "1@16384,3x@16384");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:09/01");
	assert_string_equal(drig_find_spares(r10, "0,1,2,-"), "");
	assert_taken(r, r1, "1@16384,-", "1:4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:0b/05");
	assert_vd(r, 1, "01/02 v5 1@16384,4");
	assert_string_equal(drig_find_spares(r10, "0,1,2,-"), "");
	drig_tell(r1, "1@16384,4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:0b/01");
	assert_vd(r, 1, "00/02 v6 1@16384,4");
	assert_string_equal(drig_find_spares(r10, "0,1,2,-"), "");
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3");
	assert_true(range_untouched(r, &before, 4, D_SPARE_RECORD, 7));
	assert_string_equal(drig_changes(r, &before, 4), "S0 S2 S130 S162-163 S165-168 P0 P2 P130 P162-163 P165-168");

	/* the whole of it once more, by a daemon that finds one copy out of date */
	r->copy[4][DDF_FIRST_COPY].bytes[0] = 0;
	drig_write_copy(r, 4, DDF_FIRST_COPY);
	drig_restart(r);
	r1 = drig_open_array(r, 1, 1, 0, "1@16384,4");
	drig_tell_state(r1, MARK_DIRTY);
	assert_synced(r);
	assert_true(range_untouched(r, &before, 4, D_SPARE_RECORD, 7));
	drig_forget(&before);
	drig_free(r);
}

/* ---- what is not ours ---- */

/* Sections as other vendors may have them: between ours, behind them, and with gaps. */
static const struct {
	unsigned ours, theirs, sectors; /* where mdadm has it, where they do */
} moved[] = {
	{ 0, 0, 1 }, { 1, 1, 1 }, { 2, 10, 128 }, { 130, 154, 32 }, { 162, 218, 455 }, { 617, 680, 1 },
};

static struct ddf_section section(uint32_t offset, uint32_t length)
{
	return (struct ddf_section){ be32_make(offset), be32_make(length) };
}

static void change_header(struct ddf_header *h)
{
	h->pd = section(10, 128);
	h->vd = section(154, 32);
	h->config = section(218, 455);
	h->disk_data = section(680, 1);
	h->bbm = section(2, 8);
	h->diagnostic = section(138, 16);
	h->vendor = section(690, 60);
}

static void fill(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(i * 37 + i / 512);
}

static void put_strange_record(struct rig_copy *m, unsigned slot, uint32_t magic)
{
	uint8_t *record = (uint8_t *)drig_record(m, slot);

	fill(record, RIG_RECORD);
	*(be32 *)(void *)record = be32_make(magic);
}

#define VENDOR_SLOT 1 /* the disks that have two records of ours have the second one behind it */

static void make_foreign(struct rig_copy *m)
{
	static uint8_t old[RIG_COPY_SECTORS * DDF_SECTOR];
	const struct ddf_vdc *second;

	memcpy(old, m->bytes, sizeof(old));
	fill(m->bytes, sizeof(m->bytes));
	for (size_t i = 0; i < COUNT(moved); i++)
		memcpy(m->bytes + moved[i].theirs * DDF_SECTOR, old + moved[i].ours * DDF_SECTOR,
		       moved[i].sectors * DDF_SECTOR);
	change_header((struct ddf_header *)(void *)m->bytes);
	assert_int_equal(ddf_check_layout((struct ddf_header *)(void *)m->bytes, SAMPLE_SECTORS, &m->at, NULL), 0);
	second = drig_record(m, VENDOR_SLOT);
	memcpy(drig_record(m, 2), second, RIG_RECORD);
	put_strange_record(m, VENDOR_SLOT, DDF_VENDOR_MAGIC);
	put_strange_record(m, 5, 0x12345678);
	put_strange_record(m, 63, DDF_VENDOR_MAGIC);
	memset(drig_pd(m, 0)->path, 'p', sizeof(drig_pd(m, 0)->path));
	drig_pd(m, 1)->type = be16_make(be16_get(drig_pd(m, 1)->type) | 0x3200); /* an interface */
	drig_pd(m, 2)->state = be16_make(be16_get(drig_pd(m, 2)->state) | DDF_PD_SMART);
	drig_vd(m, 1)->init_state |= 0x80;
	drig_vd(m, 0)->state |= DDF_VD_MORPHING;
	for (unsigned i = 0; i < 3; i++) {
		struct ddf_vdc *v = drig_record(m, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC) {
			v->cache_policy[7] = 0x25;
			memset(v->reserved3 + 300, 0x77, 64);
		}
	}
}

/* Also the workspace, and what lies between and behind the copies. */
static void make_foreign_disk(struct rig *r, unsigned n)
{
	static uint8_t gap[2048 * DDF_SECTOR];
	struct ddf_header anchor;

	fill(gap, sizeof(gap));
	ddf_write_sectors(&r->file[n], SAMPLE_SECONDARY + RIG_COPY_SECTORS, gap, 2048);
	ddf_write_sectors(&r->file[n], SAMPLE_PRIMARY + RIG_COPY_SECTORS, gap, 2048);
	ddf_write_sectors(&r->file[n], SAMPLE_SECONDARY - 2048, gap, 2048);
	drig_edit(r, n, make_foreign);
	drig_anchor(r, n, &anchor);
	change_header(&anchor);
	ddf_seal(&anchor, sizeof(anchor));
	ddf_write_sectors(&r->file[n], SAMPLE_ANCHOR, &anchor, 1);
}

/* Type and state of disks, states of virtual disks, and of records the numbers and the members. */
static void check_bytes_of_others(const struct rig_copy *now, const struct rig_copy *then)
{
	for (unsigned i = 0; i < 5; i++) {
		assert_memory_equal(drig_pd(now, i), drig_pd(then, i), 28);
		assert_memory_equal(&drig_pd(now, i)->configured_size, &drig_pd(then, i)->configured_size, 32);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_memory_equal(drig_vd(now, i), drig_vd(then, i), 32);
		assert_memory_equal(drig_vd(now, i)->reserved2, drig_vd(then, i)->reserved2, 30);
	}
	assert_int_equal(be16_get(drig_pd(now, 1)->type) & 0xff00, 0x3200);
	assert_true(be16_get(drig_pd(now, 2)->state) & DDF_PD_SMART);
	assert_int_equal(drig_vd(now, 1)->init_state & 0xc0, 0x80);
	assert_true(drig_vd(now, 0)->state & DDF_VD_MORPHING);
}

static void check_records_of_others(const struct rig_copy *now, const struct rig_copy *then)
{
	for (unsigned i = 0; i < 3; i += 2) {
		const uint8_t *a = (const uint8_t *)drig_record(now, i), *b = (const uint8_t *)drig_record(then, i);

		assert_memory_equal(a + 8, b + 8, 24);
		assert_memory_equal(a + 40, b + 40, 512 - 40);
	}
}

static void test_what_others_wrote_survives(void **state)
{
	static const char *const changed[] = {
		"S0 S10 S154 P0 P10 P154",
		"S0 S10 S154 S218-219 S221 P0 P10 P154 P218-219 P221",
		"S0 S10 S154 S218 P0 P10 P154 P218",
		"S0 S10 S154 S218-219 S221-224 S232 P0 P10 P154 P218-219 P221-224 P232",
		"S0 S10 S154 S218-219 S221-224 P0 P10 P154 P218-219 P221-224",
	};
	static struct rig_copy then[5];
	struct rig *r = drig_sample("D");
	struct rig_array *r10, *r1;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		make_foreign_disk(r, n);
	drig_examine(r);
	drig_load(r);
	drig_remember(r, &before);
	for (unsigned n = 0; n < 5; n++)
		then[n] = r->copy[n][DDF_FIRST_COPY];
	r10 = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");
	r1 = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");
	assert_nothing_to_sync(r);

	drig_tell_state(r10, MARK_DIRTY);
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(drig_changes(r, &before, n), "S154 P154");
	drig_tell(r10, "0,1,2,3x");
	drig_tell(r1, "1@16384,3x@16384");
	assert_synced(r);
	assert_taken(r, r1, "1@16384,-", "1:4");
	assert_synced(r);
	drig_tell(r1, "1@16384,4");
	drig_tell_state(r10, MARK_CLEAN);
	assert_synced(r);
	assert_vd(r, 0, "09/02 v3 0,1 v4 2,3");
	assert_vd(r, 1, "00/82 v6 1@16384,4");

	/* slots 0 and 2 are ours, from 218 and 232 on; on disks 1 and 3 the RAID1 has the first one */
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(drig_changes(r, &before, n), changed[n]);
	for (unsigned n = 0; n < 5; n++)
		check_bytes_of_others(&r->copy[n][DDF_FIRST_COPY], &then[n]);
	for (unsigned n = 0; n < 3; n++)
		check_records_of_others(&r->copy[n][DDF_FIRST_COPY], &then[n]);
	drig_forget(&before);
	drig_free(r);
}

/* A copy that has to be written completely: what is between its sections is not touched either. */
static void test_damaged_copy_is_repaired_around_what_others_wrote(void **state)
{
	struct rig *r = drig_sample("D");
	struct rig_array *a;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		make_foreign_disk(r, n);
	drig_examine(r);
	drig_remember(r, &before);
	r->copy[2][DDF_SECOND_COPY].bytes[154 * DDF_SECTOR + 100] ^= 1; /* the table of virtual disks */
	drig_write_copy(r, 2, DDF_SECOND_COPY);
	drig_load(r);
	a = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(drig_changes(r, &before, n), "S0 P0");
	drig_forget(&before);
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted_rebuild_is_resumed),
		cmocka_unit_test(test_rebuild_that_md_goes_on_with),
		cmocka_unit_test(test_rebuild_that_the_reference_recorded_too_early),
		cmocka_unit_test(test_array_that_takes_a_half_rebuilt_disk_for_good),
		cmocka_unit_test(test_dedicated_spare_serves_only_whom_it_may),
		cmocka_unit_test(test_what_others_wrote_survives),
		cmocka_unit_test(test_damaged_copy_is_repaired_around_what_others_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
