/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF handler from end to end: the disks are files, most of them with metadata that mdadm and its mdmon wrote, and
 * what counts is what is in them afterwards (tests/unit/support/ddf-rig.h). Everything that the monitor calls must get
 * by without memory of its own.
 */
#include "tests/unit/support/ddf-rig.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- loading ---- */

static void test_samples_are_loaded_and_left_as_they_are(void **state)
{
	static const struct {
		const char *name, *pds, *vd[2], *report;
	} t[] = {
		{ "A", "0:03/01 1:03/01 2:03/01", { "00/02 v4 1,0,2", "" },
		  "8 MMM; 0 r5 raid5 65536 normal 1+ 0+ 2+" },
		{ "B", "0:03/01 1:03/01 2:03/01 3:03/01 4:05/01", { "00/02 v3 0,1 v3 2,3", "00/02 v3 1@16384,3@16384" },
		  "14 MMMMS; 0 r10 raid10 32768 normal 0+ 1+ 2+ 3+; 1 r1 raid1 16384 normal 1+ 3+" },
		{ "C", "0:03/01 1:05/0b 2:03/05", { "01/02 v4 0,2", "" },
		  "11 MFM; 0 m1 raid1 49152 degraded 0+ 2~" },
		{ "Cdone", "0:03/01 1:05/0b 2:03/01", { "00/02 v5 0,2", "" },
		  "13 MFM; 0 m1 raid1 49152 normal 0+ 2+" },
		{ "D", "0:03/01 1:03/01 2:03/01 3:03/01 4:09/01", { "00/02 v3 0,1 v3 2,3", "00/02 v3 1@16384,3@16384" },
		  "14 MMMMS; 0 r10 raid10 32768 normal 0+ 1+ 2+ 3+; 1 r1 raid1 16384 normal 1+ 3+" },
		/* nothing says that disk 2 has not got the data of the first one yet (15, item 6) */
		{ "E", "0:03/01 1:03/03 2:03/01", { "01/02 v4 0,2@16384", "01/02 v5 0@24576,1@24576,2" },
		  "20 MFM; 0 m1 raid1 24576 degraded 0+ 2+; 1 m5 raid5 32768 degraded 0+ 1x 2+" },
	};
	static struct report report;

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = drig_loaded_sample(t[i].name);
		struct snapshot before;

		drig_remember(r, &before);
		assert_pds(r, t[i].pds);
		assert_vd(r, 0, t[i].vd[0]);
		assert_vd(r, 1, t[i].vd[1]);
		drig_make_report(&r->st, &report);
		assert_string_equal(drig_report_text(&report), t[i].report);
		assert_nothing_to_sync(r);
		assert_int_equal(drig_sync_with(r, true), 0);
		drig_finish(r);
		for (unsigned n = 0; n < r->disks; n++)
			assert_string_equal(drig_changes(r, &before, n), "");
		drig_forget(&before);
		drig_free(r);
	}
}

static void test_slots_of_disks(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct rig_array *r10 = drig_open_array(r, 0, 10, 0x102, "0,1,2,3");
	struct rig_array *r1 = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");

	(void)state;
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(drig_find_slot(r10, n), n);
	assert_int_equal(drig_find_slot(r10, 4), -1);
	assert_int_equal(drig_find_slot(r1, 0), -1);
	assert_int_equal(drig_find_slot(r1, 1), 0);
	assert_int_equal(drig_find_slot(r1, 3), 1);
	assert_int_equal(drig_find_slot(r1, 9), -1);
	assert_nothing_to_sync(r);
	drig_free(r);
}

static void test_arrays_are_bound_once(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct rig_array *a = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");

	(void)state;
	assert_int_equal(drig_open_new(a), -EBUSY);
	drig_close_array(a);
	drig_open_array(r, 1, 1, 0, "1@16384,3@16384");
	drig_free(r);
}

/* ---- disks that come ---- */

/* 1.12 and 10.1. */
static void test_disk_that_comes_gets_an_identity(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct ddf_pd_entry *a, *b;

	(void)state;
	assert_int_equal(drig_add_disk(r, 5), 0);
	assert_int_equal(drig_add_disk(r, 6), 0);
	assert_synced(r);
	a = drig_pd(r->any, 5);
	b = drig_pd(r->any, 6);
	assert_memory_equal(a->guid, "Linux-MD20", 10);
	for (unsigned i = 8; i < 16; i++)
		assert_true(isdigit(a->guid[i]));
	assert_memory_equal(b->guid, a->guid, 8);
	assert_memory_not_equal(b->guid + 16, a->guid + 16, 8);
	/* at random: not one after the other */
	assert_true(be32_get(b->refnum) - be32_get(a->refnum) > 1);
	assert_memory_equal(drig_data(&r->copy[5][DDF_FIRST_COPY])->guid, a->guid, DDF_GUID_LEN);
	assert_memory_equal(drig_data(&r->copy[6][DDF_FIRST_COPY])->guid, b->guid, DDF_GUID_LEN);
	assert_int_equal(be64_get(a->configured_size), SAMPLE_SECTORS - DDF_RESERVED_SECTORS);
	drig_free(r);
}

static void test_changes_have_the_time(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct rig_array *a = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");
	uint32_t now = (uint32_t)(time(NULL) - DDF_EPOCH);

	(void)state;
	drig_tell(a, "1@16384,3x@16384");
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_true(be32_get(r->copy[n][DDF_FIRST_COPY].header.timestamp) - now < 60);
	assert_true(be32_get(drig_record_on(r, 1, 1, 0)->timestamp) - now < 60);
	drig_free(r);
}

static void test_disks_that_cannot_be_used(void **state)
{
	struct rig *r = drig_loaded_sample("A");
	struct metadata_update u;

	(void)state;
	drig_blank(r, 3);
	r->file[3].sector_size = 4096;
	assert_int_equal(drig_prepare_disk(r, 3, &u), -EINVAL);
	drig_take_file(r, 4, ddf_blank_disk(4, DDF_RESERVED_SECTORS));
	assert_int_equal(drig_prepare_disk(r, 4, &u), -EINVAL);
	assert_null(u.space);
	assert_nothing_to_sync(r);
	drig_free(r);
}

static void test_disk_that_nobody_knows_may_leave(void **state)
{
	struct rig *r = drig_loaded_sample("B");

	(void)state;
	assert_int_equal(drig_remove_disk(r, 4), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01 4:05/41?");
	assert_int_equal(drig_remove_disk(r, 4), 0);
	assert_int_equal(drig_remove_disk(r, 9), 0);
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* ---- members ---- */

/* md took the failed member out of its slot before it was looked at: the monitor says what to take for its state. */
static void test_member_is_what_the_monitor_says(void **state)
{
	struct rig *r = drig_loaded_sample("B");
	struct rig_array *a = drig_open_array(r, 1, 1, 0, "1@16384,3@16384");
	struct mdinfo *m = a->a->disks[1];

	(void)state;
	m->slot = -1;
	m->curr_state = MEMBER_SPARE;
	drig_tell_member(a, m, drig_find_slot(a, 3), MEMBER_FAULTY);
	assert_synced(r);
	assert_vd(r, 1, "01/02 v4 1@16384,3@16384");
	drig_free(r);
}

/* What is rebuilt and not recorded is forgotten with its array. */
static void test_array_that_ends_leaves_no_rebuild(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	drig_create(r, 1, &drig_raid0, "v2 2");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_taken(r, a, "0,-", "1:2@16384");
	drig_close_array(a);
	assert_nothing_to_sync(r);
	drig_create(r, 2, &drig_raid0, "v2 2@16384");
	drig_free(r);
}

/* A member that the metadata call failed is told of to md. */
static void test_failed_members_of_new_arrays_are_told_of(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a, *b;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	drig_create(r, 1, &drig_raid1, "v3 1@16384,2");
	b = drig_make_array(r, 1, 1, 0, "1@16384,2");
	assert_int_equal(drig_open_new(b), 0);
	assert_true(b->a->disks[0]->failed_elsewhere);
	assert_false(b->a->disks[1]->failed_elsewhere);
	assert_vd(r, 1, "01/02 v3 1@16384,2");
	drig_free(r);
}

static void test_no_disk_has_metadata(void **state)
{
	struct rig *r = drig_new();
	struct disk *kept[RIG_DISKS];

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		drig_blank(r, n);
		r->in[n] = true;
	}
	assert_int_equal(drig_load_into(r, &r->st, kept), -ENODEV);
	assert_null(r->st.sb);
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_are_loaded_and_left_as_they_are),
		cmocka_unit_test(test_slots_of_disks),
		cmocka_unit_test(test_arrays_are_bound_once),
		cmocka_unit_test(test_disk_that_comes_gets_an_identity),
		cmocka_unit_test(test_changes_have_the_time),
		cmocka_unit_test(test_disks_that_cannot_be_used),
		cmocka_unit_test(test_disk_that_nobody_knows_may_leave),
		cmocka_unit_test(test_member_is_what_the_monitor_says),
		cmocka_unit_test(test_array_that_ends_leaves_no_rebuild),
		cmocka_unit_test(test_failed_members_of_new_arrays_are_told_of),
		cmocka_unit_test(test_no_disk_has_metadata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
