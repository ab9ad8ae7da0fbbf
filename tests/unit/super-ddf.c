/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF handler from end to end: the disks are files, most of them with metadata that mdadm and its mdmon wrote, and
 * what counts is what is in them afterwards (tests/unit/support/ddf-rig.h). Everything that the monitor calls must get by without
 * memory of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "tests/unit/support/ddf-rig.h"

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
		struct rig *r = rig_loaded_sample(t[i].name);
		struct snapshot before;

		remember(r, &before);
		assert_pds(r, t[i].pds);
		assert_vd(r, 0, t[i].vd[0]);
		assert_vd(r, 1, t[i].vd[1]);
		make_report(&r->st, &report);
		assert_string_equal(report_text(&report), t[i].report);
		assert_nothing_to_sync(r);
		assert_int_equal(sync_with(r, true), 0);
		finish(r);
		for (unsigned n = 0; n < r->disks; n++)
			assert_string_equal(changes(r, &before, n), "");
		forget(&before);
		rig_free(r);
	}
}

static void test_slots_of_disks(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct rig_array *r10 = open_array(r, 0, 10, 0x102, "0,1,2,3");
	struct rig_array *r1 = open_array(r, 1, 1, 0, "1@16384,3@16384");

	(void)state;
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(find_slot(r10, n), n);
	assert_int_equal(find_slot(r10, 4), -1);
	assert_int_equal(find_slot(r1, 0), -1);
	assert_int_equal(find_slot(r1, 1), 0);
	assert_int_equal(find_slot(r1, 3), 1);
	assert_int_equal(find_slot(r1, 9), -1);
	assert_nothing_to_sync(r);
	rig_free(r);
}

static void test_arrays_are_bound_once(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct rig_array *a = open_array(r, 1, 1, 0, "1@16384,3@16384");

	(void)state;
	assert_int_equal(open_new(a), -EBUSY);
	close_array(a);
	open_array(r, 1, 1, 0, "1@16384,3@16384");
	rig_free(r);
}

/* ---- golden traces (19) ---- */

/*
 * T1. Not as there: a disk that serves another array is recorded when it has been rebuilt (15, item 6), so that the
 * lost one keeps its entry until then; records get new numbers with new members (item 13); types follow a deletion, of
 * which nothing is left (item 8). Generations are not those of the reference, since what belongs together is written
 * together.
 */
static void test_life_of_two_arrays(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *m1, *m5;
	struct message m;

	(void)state;
	assert_pds(r, "0:05/01 1:05/01 2:05/01");
	create(r, 0, &raid1, "v3 0,1");
	assert_pds(r, "0:03/01 1:03/01 2:05/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	m1 = open_array(r, 0, 1, 0, "0,1");
	assert_nothing_to_sync(r);
	assert_int_equal(tell_state(m1, MARK_DIRTY), MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 0, "10/02 v3 0,1");
	assert_int_equal(tell_state(m1, MARK_CLEAN), MARK_CLEAN);
	assert_synced(r);
	assert_vd(r, 0, "00/02 v3 0,1");

	create(r, 1, &raid5, "v4 0@16384,1@16384,2");
	m5 = make_array(r, 1, 5, 2, "0@16384,1@16384,2");
	assert_int_equal(open_new(m5), 0);
	m5->watch.resync_start = 0;
	assert_int_equal(tell_state(m5, MARK_DECIDE), MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 1, "10/00 v4 0@16384,1@16384,2");
	m5->watch.resync_start = RIG_BLOCKS / 2;
	tell_state(m5, MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 1, "10/01 v4 0@16384,1@16384,2");
	m5->watch.resync_start = SECTORS_NONE;
	tell_state(m5, MARK_CLEAN);
	tell(m5, "0@16384,1@16384,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	assert_vd(r, 1, "00/02 v4 0@16384,1@16384,2");

	/* disk 1 fails; disk 2 has room for its replacement behind the other array */
	tell(m1, "0,1x");
	tell(m5, "0@16384,1x@16384,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/03 2:03/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "01/02 v5 0@16384,1@16384,2");
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	assert_nothing_to_sync(r);
	assert_int_equal(remove_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01");

	assert_int_equal(add_disk(r, 3), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01 3:05/01");
	assert_taken(r, m5, "0@16384,-,2", "1:3");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01 3:03/05");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "01/02 v6 0@16384,3,2");
	tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/05");
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	tell(m5, "0@16384,3,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v7 0@16384,3,2");

	assert_int_equal(add_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/01 1:05/01");
	delete_message(&m, 1);
	assert_int_equal(send_message(r, &m), -EBUSY);
	assert_nothing_to_sync(r);
	close_array(m5);
	assert_int_equal(send_message(r, &m), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:05/01 1:05/01");
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	assert_vd(r, 1, "");
	rig_free(r);
}

/* T2. What was absent is a new disk when it comes back. Not as there: the record gets a new number with the spare. */
static void test_life_with_a_disk_that_was_absent_at_the_start(void **state)
{
	struct rig *r = rig_bare(2);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	r->in[1] = false;
	restart(r);
	examine(r);
	assert_vd(r, 0, "00/02 v3 0,1");
	a = open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42?");
	assert_vd(r, 0, "01/02 v5 0,_");
	assert_int_equal(add_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 #1001:03/42? 1:05/01");
	assert_taken(r, a, "0,-", "1:1");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/05");
	assert_vd(r, 0, "01/02 v6 0,1");
	tell(a, "0,1");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "00/02 v7 0,1");
	rig_free(r);
}

/* T3. Not as there: the record gets a new number with the spare (15, item 13). */
static void test_life_with_a_spare(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/03 2:05/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_string_equal(find_spares(a, "0,1x"), ""); /* the failed one must go first */
	assert_taken(r, a, "0,-", "1:2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/0b 2:03/05");
	assert_vd(r, 0, "01/02 v5 0,2");
	tell(a, "0,2!"); /* still at work */
	assert_nothing_to_sync(r);
	tell(a, "0,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/0b 2:03/01");
	assert_vd(r, 0, "00/02 v6 0,2");
	rig_free(r);
}

/* T4 */
static void test_states_after_failures(void **state)
{
	static const struct {
		const struct shape *shape;
		int level, layout;
		const char *records, *members, *failed, *vd;
	} t[] = {
		{ &raid1_3, 1, 0, "v4 0,1,2", "0,1,2", "0,1x,2", "05/02 v5 0,1,2" },
		{ &raid1_3, 1, 0, "v4 0,1,2", "0,1,2", "0x,1x,2", "01/02 v6 0,1,2" },
		{ &raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1,2x,3", "05/02 v6 0,1,2,3" },
		{ &raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1x,2x,3", "01/02 v7 0,1,2,3" },
		{ &raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1x,2x,3x", "04/02 v8 0,1,2,3" },
		{ &raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0,1,2,3x", "01/02 v3 0,1 v4 2,3" },
		{ &raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0,1x,2,3x", "01/02 v4 0,1 v4 2,3" },
		{ &raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0x,1x,2,3", "04/02 v5 0,1 v3 2,3" },
		{ &raid5, 5, 2, "v4 0,1,2", "0,1,2", "0x,1,2", "01/02 v5 0,1,2" },
		{ &raid5, 5, 2, "v4 0,1,2", "0,1,2", "0x,1x,2", "04/02 v6 0,1,2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = rig_bare(4);
		struct rig_array *a;

		create(r, 0, t[i].shape, t[i].records);
		a = open_array(r, 0, t[i].level, t[i].layout, t[i].members);
		tell(a, t[i].failed);
		assert_synced(r);
		assert_vd(r, 0, t[i].vd);
		tell(a, t[i].failed);
		assert_nothing_to_sync(r);
		rig_free(r);
	}
}

/* ---- messages as captured (18.8) ---- */

static void put_hex(uint8_t *at, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += *hex == ' ')
		for (; *hex && *hex != ' '; hex += 2) {
			assert_int_equal(sscanf(hex, "%2x", &byte), 1);
			*at++ = (uint8_t)byte;
		}
}

#define CAPTURED_GUID "4c69 6e75 782d 4d44 dead beef 0000 0000 5834 604d 1b53 0bd7"

static void captured_record(uint8_t *at, const char *shape, const char *elements)
{
	memset(at, 0xff, RIG_RECORD);
	put_hex(at, "eeee eeee 64b2 8fda");
	put_hex(at + 8, CAPTURED_GUID);
	put_hex(at + 0x20, "5834 604d 0000 0003");
	put_hex(at + 0x40, shape);
	put_hex(at + 0x48, "0000 0000 0000 4000 0000 0000 0000 8000");
	put_hex(at + 0x80, "0000 0000 0000 0000 80");
	put_hex(at + 0x200, elements);
	memset(at + 0x600, 0, 2048);
}

static uint32_t captured_ref(uint32_t refnum)
{
	static const uint32_t captured[] = { 0xd56d9349, 0x0456ddfc, 0x1f6e75e1, 0x5f7325e9 };

	return captured[refnum - 0x1000];
}

static void give_captured_refs(struct rig_copy *m)
{
	for (unsigned n = 0; n < 4; n++)
		rig_pd(m, n)->refnum = be32_make(captured_ref(be32_get(rig_pd(m, n)->refnum)));
	rig_data(m)->refnum = be32_make(captured_ref(be32_get(rig_data(m)->refnum)));
}

static void test_captured_create_and_delete(void **state)
{
	struct message vd = { .len = 128 }, vdc = { .len = 2 * RIG_RECORD }, gone = { .len = 128 };
	struct rig *r = rig_bare_files(4);
	struct snapshot before;

	(void)state;
	rig_edit_all(r, give_captured_refs);
	examine(r);
	load(r);
	remember(r, &before);
	memset(vd.bytes, 0xff, 128);
	put_hex(vd.bytes, "dddd dddd aab8 46dd 0000 00ff");
	put_hex(vd.bytes + 64, CAPTURED_GUID);
	put_hex(vd.bytes + 88, "007e ffff 107b 0000 0000");
	put_hex(vd.bytes + 112, "7231 3000 0000 0000 0000 0000 0000 0000");
	captured_record(vdc.bytes, "0002 0701 0002 0003", "d56d 9349 0456 ddfc");
	captured_record(vdc.bytes + RIG_RECORD, "0002 0701 0002 0103", "1f6e 75e1 5f73 25e9");
	assert_int_equal(send_message(r, &vd), 0);
	assert_synced(r);
	assert_vd(r, 0, "00/00");
	assert_int_equal(send_message(r, &vdc), 0);
	assert_synced(r);
	assert_vd(r, 0, "00/00 v3 0,1 v3 2,3");
	assert_memory_equal(rig_vd(r->any, 0), vd.bytes + 64, 64);
	for (unsigned n = 0; n < 4; n++)
		assert_memory_equal((const uint8_t *)rig_record_on(r, n, 0, n / 2) + 8,
				    vdc.bytes + n / 2 * RIG_RECORD + 8, RIG_RECORD - 8);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	/* the same again changes nothing */
	assert_int_equal(send_message(r, &vd), -EEXIST);
	assert_int_equal(send_message(r, &vdc), 0);
	assert_nothing_to_sync(r);

	put_hex(gone.bytes, "dddd dddd");
	put_hex(gone.bytes + 64, CAPTURED_GUID);
	put_hex(gone.bytes + 96, "02");
	assert_int_equal(send_message(r, &gone), 0);
	assert_synced(r);
	for (unsigned n = 0; n < 4; n++)
		assert_string_equal(changes(r, &before, n), "S0 P0"); /* but for the generation it has never been */
	forget(&before);
	rig_free(r);
}

static void test_messages_that_are_refused_change_nothing(void **state)
{
	struct rig *r = rig_loaded_sample("A");
	struct message m = { .len = 3 };

	(void)state;
	assert_true(send_message(r, &m) < 0);
	for (m.len = 4; m.len < 2 * RIG_RECORD; m.len += 62)
		assert_true(send_message(r, &m) < 0);
	delete_message(&m, 7);
	assert_int_equal(send_message(r, &m), -ENOENT);
	config_message(r, &m, 7, &raid1, "v3 0,1");
	assert_int_equal(send_message(r, &m), -ENOENT);
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* ---- samples that go on ---- */

/* The rebuild of sample C goes on in its place, wherever that is; there is no other room on the disk. */
static void move_rebuild(struct rig_copy *m)
{
	struct ddf_vdc *v = rig_record(m, 0);

	if (be32_get(v->magic) == DDF_VDC_MAGIC)
		ddf_set_element_start(v, RIG_MPPE, 1, 16384);
}

static void test_interrupted_rebuild_is_resumed(void **state)
{
	(void)state;
	for (unsigned moved = 0; moved < 2; moved++) {
		struct rig *r = rig_sample("C");
		struct rig_array *a;

		if (moved)
			rig_edit_all(r, move_rebuild);
		examine(r);
		load(r);
		a = open_array(r, 0, 1, 0, "0,-");
		assert_nothing_to_sync(r);
		assert_taken(r, a, "0,-", moved ? "1:2@16384" : "1:2");
		assert_nothing_to_sync(r);
		tell(a, moved ? "0,2@16384" : "0,2");
		assert_synced(r);
		/* as sample Cdone */
		assert_pds(r, "0:03/01 1:05/0b 2:03/01");
		assert_vd(r, 0, moved ? "00/02 v5 0,2@16384" : "00/02 v5 0,2");
		assert_int_equal(r->seq, 12);
		rig_free(r);
	}
}

/* The daemon was restarted while md went on. */
static void test_rebuild_that_md_goes_on_with(void **state)
{
	struct rig *r = rig_loaded_sample("C");
	struct rig_array *a = open_array(r, 0, 1, 0, "0,2!");

	(void)state;
	assert_taken(r, a, "0,2!", "1:2");
	assert_true(a->spares.pick[0].in_array);
	assert_nothing_to_sync(r);
	tell(a, "0,2");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2");
	rig_free(r);
}

/*
 * Sample E says nothing of disk 2 having no data yet, and md is believed: if it has the disk as a member in sync all is
 * well; if it is still at work the disk is named no more until it has its data (15, item 6).
 */
static void test_rebuild_that_the_reference_recorded_too_early(void **state)
{
	struct rig *r = rig_loaded_sample("E");
	struct rig_array *m1 = open_array(r, 0, 1, 0, "0,2!@16384");
	struct rig_array *m5 = open_array(r, 1, 5, 2, "0@24576,-,2");

	(void)state;
	r->in_memory = true;
	sync_now(r);
	assert_taken(r, m1, "0,2!@16384", "1:2@16384");
	assert_vd(r, 0, "01/02 v5 0,_");
	assert_vd(r, 1, "01/02 v5 0@24576,1@24576,2");
	assert_pds(r, "0:03/01 1:03/03 2:03/01");
	tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "00/02 v6 0,2@16384");
	assert_string_equal(find_spares(m5, "0@24576,-,2"), "");
	rig_free(r);
}

static void test_array_that_takes_a_half_rebuilt_disk_for_good(void **state)
{
	struct rig *r = rig_loaded_sample("E");

	(void)state;
	open_array(r, 0, 1, 0, "0,2@16384");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v4 0,2@16384");
	assert_vd(r, 1, "01/02 v5 0@24576,1@24576,2");
	rig_free(r);
}

static bool range_untouched(const struct rig *r, const struct snapshot *s, unsigned n, uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (sector_changed(r, s, n, SAMPLE_PRIMARY + first + i) ||
		    sector_changed(r, s, n, SAMPLE_SECONDARY + first + i))
			return false;
	return true;
}

#define D_SPARE_RECORD (162 + 64 * 7) /* sectors from the header */

/* A dedicated spare (15, item 11, too). */
static void test_dedicated_spare_serves_only_whom_it_may(void **state)
{
	struct rig *r = rig_loaded_sample("D");
	struct rig_array *r10 = open_array(r, 0, 10, 0x102, "0,1,2,3");
	struct rig_array *r1 = open_array(r, 1, 1, 0, "1@16384,3@16384");
	struct snapshot before;

	(void)state;
	remember(r, &before);
	tell(r10, "0,1,2,3x");
	tell(r1, "1@16384,3x@16384");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:09/01");
	assert_string_equal(find_spares(r10, "0,1,2,-"), "");
	assert_taken(r, r1, "1@16384,-", "1:4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:0b/05");
	assert_vd(r, 1, "01/02 v5 1@16384,4");
	assert_string_equal(find_spares(r10, "0,1,2,-"), "");
	tell(r1, "1@16384,4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:0b/01");
	assert_vd(r, 1, "00/02 v6 1@16384,4");
	assert_string_equal(find_spares(r10, "0,1,2,-"), "");
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3");
	assert_true(range_untouched(r, &before, 4, D_SPARE_RECORD, 7));
	assert_string_equal(changes(r, &before, 4), "S0 S2 S130 S162-163 S165-168 P0 P2 P130 P162-163 P165-168");

	/* the whole of it once more, by a daemon that finds one copy out of date */
	r->copy[4][DDF_FIRST_COPY].bytes[0] = 0;
	rig_write_copy(r, 4, DDF_FIRST_COPY);
	restart(r);
	r1 = open_array(r, 1, 1, 0, "1@16384,4");
	tell_state(r1, MARK_DIRTY);
	assert_synced(r);
	assert_true(range_untouched(r, &before, 4, D_SPARE_RECORD, 7));
	forget(&before);
	rig_free(r);
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
	uint8_t *record = (uint8_t *)rig_record(m, slot);

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
	second = rig_record(m, VENDOR_SLOT);
	memcpy(rig_record(m, 2), second, RIG_RECORD);
	put_strange_record(m, VENDOR_SLOT, DDF_VENDOR_MAGIC);
	put_strange_record(m, 5, 0x12345678);
	put_strange_record(m, 63, DDF_VENDOR_MAGIC);
	memset(rig_pd(m, 0)->path, 'p', sizeof(rig_pd(m, 0)->path));
	rig_pd(m, 1)->type = be16_make(be16_get(rig_pd(m, 1)->type) | 0x3200); /* an interface */
	rig_pd(m, 2)->state = be16_make(be16_get(rig_pd(m, 2)->state) | DDF_PD_SMART);
	rig_vd(m, 1)->init_state |= 0x80;
	rig_vd(m, 0)->state |= DDF_VD_MORPHING;
	for (unsigned i = 0; i < 3; i++) {
		struct ddf_vdc *v = rig_record(m, i);

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
	rig_edit(r, n, make_foreign);
	rig_anchor(r, n, &anchor);
	change_header(&anchor);
	ddf_seal(&anchor, sizeof(anchor));
	ddf_write_sectors(&r->file[n], SAMPLE_ANCHOR, &anchor, 1);
}

/* Type and state of disks, states of virtual disks, and of records the numbers and the members. */
static void check_bytes_of_others(const struct rig_copy *now, const struct rig_copy *then)
{
	for (unsigned i = 0; i < 5; i++) {
		assert_memory_equal(rig_pd(now, i), rig_pd(then, i), 28);
		assert_memory_equal(&rig_pd(now, i)->configured_size, &rig_pd(then, i)->configured_size, 32);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_memory_equal(rig_vd(now, i), rig_vd(then, i), 32);
		assert_memory_equal(rig_vd(now, i)->reserved2, rig_vd(then, i)->reserved2, 30);
	}
	assert_int_equal(be16_get(rig_pd(now, 1)->type) & 0xff00, 0x3200);
	assert_true(be16_get(rig_pd(now, 2)->state) & DDF_PD_SMART);
	assert_int_equal(rig_vd(now, 1)->init_state & 0xc0, 0x80);
	assert_true(rig_vd(now, 0)->state & DDF_VD_MORPHING);
}

static void check_records_of_others(const struct rig_copy *now, const struct rig_copy *then)
{
	for (unsigned i = 0; i < 3; i += 2) {
		const uint8_t *a = (const uint8_t *)rig_record(now, i), *b = (const uint8_t *)rig_record(then, i);

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
	struct rig *r = rig_sample("D");
	struct rig_array *r10, *r1;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		make_foreign_disk(r, n);
	examine(r);
	load(r);
	remember(r, &before);
	for (unsigned n = 0; n < 5; n++)
		then[n] = r->copy[n][DDF_FIRST_COPY];
	r10 = open_array(r, 0, 10, 0x102, "0,1,2,3");
	r1 = open_array(r, 1, 1, 0, "1@16384,3@16384");
	assert_nothing_to_sync(r);

	tell_state(r10, MARK_DIRTY);
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(changes(r, &before, n), "S0 S154 P0 P154");
	tell(r10, "0,1,2,3x");
	tell(r1, "1@16384,3x@16384");
	assert_synced(r);
	assert_taken(r, r1, "1@16384,-", "1:4");
	assert_synced(r);
	tell(r1, "1@16384,4");
	tell_state(r10, MARK_CLEAN);
	assert_synced(r);
	assert_vd(r, 0, "09/02 v3 0,1 v4 2,3");
	assert_vd(r, 1, "00/82 v6 1@16384,4");

	/* slots 0 and 2 are ours, from 218 and 232 on; on disks 1 and 3 the RAID1 has the first one */
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(changes(r, &before, n), changed[n]);
	for (unsigned n = 0; n < 5; n++)
		check_bytes_of_others(&r->copy[n][DDF_FIRST_COPY], &then[n]);
	for (unsigned n = 0; n < 3; n++)
		check_records_of_others(&r->copy[n][DDF_FIRST_COPY], &then[n]);
	forget(&before);
	rig_free(r);
}

/* A copy that has to be written completely: what is between its sections is not touched either. */
static void test_damaged_copy_is_repaired_around_what_others_wrote(void **state)
{
	struct rig *r = rig_sample("D");
	struct rig_array *a;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		make_foreign_disk(r, n);
	examine(r);
	remember(r, &before);
	r->copy[2][DDF_SECOND_COPY].bytes[154 * DDF_SECTOR + 100] ^= 1; /* the table of virtual disks */
	rig_write_copy(r, 2, DDF_SECOND_COPY);
	load(r);
	a = open_array(r, 0, 10, 0x102, "0,1,2,3");
	tell_state(a, MARK_DIRTY);
	assert_synced(r);
	tell_state(a, MARK_CLEAN);
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_string_equal(changes(r, &before, n), "S0 P0");
	forget(&before);
	rig_free(r);
}

/* ---- a full life ---- */

static void test_full_life_of_a_raid10(void **state)
{
	struct rig *r = rig_bare(6);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1 v3 2,3 v3 4,5");
	a = open_array(r, 0, 10, 0x102, "0,1,2,3,4,5");
	assert_nothing_to_sync(r);
	tell_state(a, MARK_DIRTY);
	assert_synced(r);
	tell_state(a, MARK_CLEAN);
	assert_synced(r);
	assert_string_equal(find_spares(a, "0,1,2,3,4,5"), "");

	/* the second mirror */
	tell(a, "0,1,2,3x,4,5");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3 v3 4,5");
	assert_string_equal(find_spares(a, "0,1,2,-,4,5"), "");
	assert_int_equal(add_disk(r, 6), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:03/01 5:03/01 6:05/01");
	assert_taken(r, a, "0,1,2,-,4,5", "3:6");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v5 2,6 v3 4,5");
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/0b 4:03/01 5:03/01 6:03/05");
	assert_int_equal(find_slot(a, 6), 3);
	tell(a, "0,1,2,6,4,5");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v3 0,1 v6 2,6 v3 4,5");
	assert_int_equal(remove_disk(r, 3), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/4b? 4:03/01 5:03/01 6:03/01");

	/* the first and the third one at once */
	tell(a, "0x,1,2,6,4,5x");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v4 0,1 v6 2,6 v4 4,5");
	assert_int_equal(remove_disk(r, 0), 0);
	assert_int_equal(remove_disk(r, 5), 0);
	assert_synced(r);
	assert_pds(r, "0:03/43? 1:03/01 2:03/01 3:05/4b? 4:03/01 5:03/43? 6:03/01");
	assert_int_equal(add_disk(r, 7), 0);
	assert_int_equal(add_disk(r, 8), 0);
	assert_synced(r);
	assert_taken(r, a, "-,1,2,6,4,-", "0:8 5:7");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v5 8,1 v6 2,6 v5 4,7");
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/05 8:03/05");
	tell(a, "8!,1,2,6,4,7!");
	assert_nothing_to_sync(r);
	tell(a, "8,1,2,6,4,7!");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v6 8,1 v6 2,6 v5 4,7");

	/* the daemon goes in the middle of it, and the next one takes over */
	restart(r);
	a = open_array(r, 0, 10, 0x102, "8,1,2,6,4,7!");
	assert_nothing_to_sync(r);
	assert_taken(r, a, "8,1,2,6,4,7!", "5:7");
	assert_nothing_to_sync(r);
	tell(a, "8,1,2,6,4,7");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v6 8,1 v6 2,6 v6 4,7");
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01");

	/* a replaced disk comes back as a new one, and is a spare that leaves again */
	assert_int_equal(add_disk(r, 0), 0);
	assert_synced(r);
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01 0:05/01");
	assert_int_equal(remove_disk(r, 0), 0);
	assert_synced(r);
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01 0:05/41?");

	/* both disks of a mirror: that is the end */
	tell(a, "8,1,2x,6x,4,7");
	assert_synced(r);
	assert_vd(r, 0, "04/02 v6 8,1 v8 2,6 v6 4,7");
	assert_string_equal(find_spares(a, "8,1,-,-,4,7"), "");
	close_array(a);
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* ---- defects of others (15) ---- */

/* Item 1. */
static void test_one_spare_fills_one_slot(void **state)
{
	struct rig *r = rig_bare(5);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid6, "v5 0,1,2,3");
	a = open_array(r, 0, 6, 10, "0,1,2,3");
	tell(a, "0x,1,2x,3");
	assert_synced(r);
	assert_taken(r, a, "-,1,-,3", "0:4");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v8 4,1,2,3");
	assert_string_equal(find_spares(a, "4!,1,-,3"), "0:4"); /* nothing for slot 2 */
	assert_int_equal(add_disk(r, 5), 0);
	assert_synced(r);
	tell(a, "4,1,-,3");
	assert_synced(r);
	assert_vd(r, 0, "05/02 v9 4,1,2,3");
	assert_taken(r, a, "4,1,-,3", "2:5");
	tell(a, "4,1,5,3");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v11 4,1,5,3");
	rig_free(r);
}

/* Item 2: the second one is prepared before the first one is applied. */
static void test_two_disks_added_at_once(void **state)
{
	struct rig *r = rig_bare(2);
	struct metadata_update first, second;

	(void)state;
	assert_int_equal(prepare_disk(r, 2, &first), 0);
	assert_int_equal(prepare_disk(r, 3, &second), 0);
	assert_int_equal(apply_disk(r, 2, &first), 0);
	assert_int_equal(apply_disk(r, 3, &second), 0);
	assert_synced(r);
	assert_pds(r, "0:05/01 1:05/01 2:05/01 3:05/01");
	restart(r);
	assert_nothing_to_sync(r);
	assert_int_equal(remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:05/01 1:05/01 2:05/41? 3:05/01");
	rig_free(r);
}

static void test_array_that_lost_too_much_gets_no_spare(void **state)
{
	struct rig *r = rig_bare(5);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid5, "v4 0,1,2");
	a = open_array(r, 0, 5, 2, "0,1,2");
	tell(a, "0x,1,2");
	assert_synced(r);
	assert_string_equal(find_spares(a, "-,1,2"), "0:3");
	assert_string_equal(find_spares(a, "-,1,-"), "");
	rig_free(r);
}

/* Items 3 and 4, in the container that mdadm made: the order in which records were found does not matter. */
static void test_spare_of_a_raid10_goes_into_the_right_mirror(void **state)
{
	static const struct {
		const char *failed, *without, *pick, *recorded, *after, *done;
	} t[] = {
		{ "0x,1,2,3", "-,1,2,3", "0:4", "01/02 v5 4,1 v3 2,3", "4,1,2,3", "00/02 v6 4,1 v3 2,3" },
		{ "0,1,2x,3", "0,1,-,3", "2:4", "01/02 v3 0,1 v5 4,3", "0,1,4,3", "00/02 v3 0,1 v6 4,3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = rig_loaded_sample("B");
		struct rig_array *a = open_array(r, 0, 10, 0x102, "0,1,2,3");

		tell(a, t[i].failed);
		assert_synced(r);
		assert_taken(r, a, t[i].without, t[i].pick);
		assert_synced(r);
		assert_vd(r, 0, t[i].recorded);
		tell(a, t[i].after);
		assert_synced(r);
		assert_vd(r, 0, t[i].done);
		rig_free(r);
	}
}

/* Item 6: who starts the array now finds that a member is missing. */
static void test_half_rebuilt_disk_is_not_taken_for_good_after_a_crash(void **state)
{
	struct rig *r = rig_bare(3);
	static struct report report;
	struct rig_array *m1;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	create(r, 1, &raid5, "v4 0@16384,1@16384,2");
	m1 = open_array(r, 0, 1, 0, "0,1");
	open_array(r, 1, 5, 2, "0@16384,1@16384,2");
	tell(m1, "0,1x");
	assert_synced(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	tell_state(m1, MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 0, "11/02 v4 0,1");
	make_report(&r->st, &report);
	assert_int_equal(report.volume[0].member[1].state, REPORT_REBUILDING);
	restart(r);
	make_report(&r->st, &report);
	assert_int_equal(report.volume[0].member[1].state, REPORT_FAILED_MEMBER);
	m1 = open_array(r, 0, 1, 0, "0,-");
	sync_now(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	rig_free(r);
}

/* The room of a spare that no record names yet is kept. */
static void test_room_of_a_rebuild_is_kept(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *m1;
	struct message m;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	create(r, 1, &raid0, "v2 2");
	m1 = open_array(r, 0, 1, 0, "0,1");
	tell(m1, "0,1x");
	assert_synced(r);
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	entry_message(&m, 2, DDF_VD_OPTIMAL);
	assert_int_equal(send_message(r, &m), 0);
	config_message(r, &m, 2, &raid0, "v2 2@20000");
	assert_int_equal(send_message(r, &m), -ENOSPC);
	entry_message(&m, 2, DDF_VD_OPTIMAL);
	assert_int_equal(send_message(r, &m), 0);
	config_message(r, &m, 2, &raid0, "v2 2@32768");
	assert_int_equal(send_message(r, &m), 0);
	tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	assert_vd(r, 1, "00/02 v2 2");
	assert_vd(r, 2, "00/02 v2 2@32768");
	rig_free(r);
}

/* Item 9: those that are there are as good as new. */
static void test_members_of_an_array_created_degraded_are_not_rebuilding(void **state)
{
	static const char *const records[] = { "v2 0,-", "v2 0,_" };

	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct rig *r = rig_bare(2);

		create(r, 0, &raid1, records[i]);
		assert_pds(r, "0:03/01 1:05/01");
		assert_int_equal(rig_vd(r->any, 0)->state, DDF_VD_DEGRADED);
		rig_free(r);
	}
}

/* Item 10: positions that were never filled. */
static void test_missing_members_of_new_arrays_are_rebuilt(void **state)
{
	static const struct {
		const char *records, *members, *opened, *pick, *after, *done;
	} t[] = {
		{ "v2 0,-", "0,-", "01/02 v3 0,_", "1:1", "0,1", "00/02 v5 0,1" },
		{ "v2 -,0", "-,0", "01/02 v3 _,0", "0:1", "1,0", "00/02 v5 1,0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = rig_bare(3);
		struct rig_array *a;

		create(r, 0, &raid1, t[i].records);
		a = open_array(r, 0, 1, 0, t[i].members);
		assert_synced(r);
		assert_vd(r, 0, t[i].opened);
		assert_taken(r, a, t[i].members, t[i].pick);
		tell(a, t[i].after);
		assert_synced(r);
		assert_vd(r, 0, t[i].done);
		rig_free(r);
	}
}

/* Item 13. */
static void test_record_changed_by_message_gets_a_new_number(void **state)
{
	struct rig *r = rig_bare(5);
	struct message m;

	(void)state;
	create(r, 0, &raid1, "v3 0,1 v3 2,3");
	config_message(r, &m, 0, &raid1, "v3 0,1 v3 2,4");
	assert_int_equal(send_message(r, &m), 0);
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,4");
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/01 4:03/05");
	rig_free(r);
}

/* Item 33, and 18. */
static void test_message_with_more_mirrors_is_refused(void **state)
{
	static const char *const records[] = { "v3 0,1 v3 2,3 v3 4,5", "v3 0,1", "v3 0,1,4 v3 2,3,5" };
	struct rig *r = rig_bare(6);
	struct message m;

	(void)state;
	create(r, 0, &raid1, "v3 0,1 v3 2,3");
	for (size_t i = 0; i < COUNT(records); i++) {
		config_message(r, &m, 0, &raid1, records[i]);
		assert_int_equal(send_message(r, &m), -EINVAL);
	}
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* Item 14: a disk that was away is older, whichever is read last. */
static void test_stale_disk_does_not_set_the_container_back(void **state)
{
	(void)state;
	for (unsigned stale = 0; stale < 3; stale++) {
		struct rig *r = rig_loaded_sample("A");
		struct rig_array *a = open_array(r, 0, 5, 2, "1,0,2");
		struct snapshot before;

		remember(r, &before);
		for (unsigned i = 0; i < 2; i++) {
			tell_state(a, MARK_DIRTY);
			assert_synced(r);
			tell_state(a, MARK_CLEAN);
			assert_synced(r);
		}
		tell_state(a, MARK_DIRTY);
		assert_synced(r);
		rig_copy_data(&before.disk[stale], &r->file[stale]);
		restart(r);
		open_array(r, 0, 5, 2, "1,0,2"); /* md says that it is clean */
		assert_synced(r);
		assert_int_equal(r->seq, 14);
		assert_vd(r, 0, "00/02 v4 1,0,2");
		forget(&before);
		rig_free(r);
	}
}

static void forget_virtual_disk(struct rig_copy *m)
{
	memset(rig_vd(m, 0), 0xff, sizeof(struct ddf_vd_entry));
	((struct ddf_table_head *)(void *)rig_section(m, &m->at.vd))->populated = be16_make(0);
}

/* Item 19: deleted while the disk was away. */
static void test_record_without_virtual_disk_is_nobodys(void **state)
{
	struct rig *r = rig_sample("A");
	struct rig_array *a;

	(void)state;
	rig_edit_all(r, forget_virtual_disk);
	examine(r);
	load(r);
	a = make_array(r, 0, 5, 2, "1,0,2");
	assert_int_equal(open_new(a), -ENODEV);
	assert_int_equal(add_disk(r, 3), 0);
	assert_synced(r);
	for (unsigned n = 0; n < 3; n++)
		assert_true(rig_all_ones(rig_record(&r->copy[n][DDF_FIRST_COPY], 0), RIG_RECORD));
	rig_free(r);
}

/* Item 20. */
static void test_arrays_beyond_the_table_are_not_bound(void **state)
{
	static const int index[] = { 2, 254, 255, 4095, 1 << 30, -1 };
	struct rig *r = rig_loaded_sample("B");

	(void)state;
	for (size_t i = 0; i < COUNT(index); i++) {
		struct rig_array *a = make_array(r, -1, 1, 0, "1,3");

		a->a->member = index[i];
		assert_int_equal(open_new(a), -ENODEV);
		free(a->a);
		a->a = NULL;
	}
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* Item 24: md has not said yet that the member failed. */
static void test_disk_that_leaves_before_its_failure_is_seen(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct rig_array *r10 = open_array(r, 0, 10, 0x102, "0,1,2,3");

	(void)state;
	assert_int_equal(remove_disk(r, 2), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/43? 3:03/01 4:05/01");
	assert_vd(r, 0, "01/02 v3 0,1 v3 2,3");
	r10->a->disks[2]->slot = -1;
	tell_member(r10, r10->a->disks[2], 2, MEMBER_FAULTY);
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3");
	assert_taken(r, r10, "0,1,-,3", "2:4");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 3:03/01 4:03/05");
	assert_vd(r, 0, "01/02 v3 0,1 v5 4,3");
	tell(r10, "0,1,4,3");
	assert_synced(r);
	assert_int_equal(rig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
	rig_free(r);
}

/* Item 25: the second mirror is lost with its record. */
static void test_mirror_that_nobody_has_a_record_of_is_lost(void **state)
{
	struct rig *r = rig_sample("B");

	(void)state;
	r->in[2] = r->in[3] = r->in[4] = false;
	examine(r);
	load(r);
	open_array(r, 0, 10, 0x102, "0,1,-,-");
	assert_synced(r);
	assert_vd(r, 0, "04/02 v3 0,1 ?");
	assert_vd(r, 1, "00/02 v3 1@16384,3@16384");
	rig_free(r);
}

/* The descriptor stays the same number, but takes no writes any more; or does so again. */
static void let_disk_take_writes(struct rig *r, unsigned n, bool takes)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->file[n].fd);
	fd = open(path, (takes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(dup3(fd, r->disk[n]->fd, O_CLOEXEC), r->disk[n]->fd);
	close(fd);
}

/* Item 26. */
static void test_disk_that_took_no_write_is_tried_again(void **state)
{
	struct rig *r = rig_loaded_sample("A");
	struct rig_array *a = open_array(r, 0, 5, 2, "1,0,2");
	static struct report report;
	struct snapshot before;

	(void)state;
	remember(r, &before);
	let_disk_take_writes(r, 1, false);
	tell_state(a, MARK_DIRTY);
	assert_int_equal(sync_with(r, false), 1);
	assert_int_equal(r->res.written, 2);
	assert_true(r->res.failed >= 1);
	assert_int_equal(r->res.failed_dev[0], rig_dev(1));
	finish(r);
	assert_string_equal(changes(r, &before, 0), "S0 S130 P0 P130");
	assert_string_equal(changes(r, &before, 1), "");
	make_report(&r->st, &report);
	assert_string_equal(report_text(&report), "9 MM!M; 0 r5 raid5 65536 normal dirty 1+ 0+ 2+");
	assert_int_equal(sync_with(r, false), 0);
	let_disk_take_writes(r, 1, true);
	assert_int_equal(sync_with(r, true), 1);
	finish(r);
	examine(r);
	assert_int_equal(r->seq, 9);
	assert_string_equal(changes(r, &before, 1), "S0 S130 P0 P130");
	assert_same_after_reload(r);
	forget(&before);
	rig_free(r);
}

static void test_change_that_no_disk_took_stays_pending(void **state)
{
	struct rig *r = rig_loaded_sample("A");
	struct rig_array *a = open_array(r, 0, 5, 2, "1,0,2");

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		let_disk_take_writes(r, n, false);
	tell_state(a, MARK_DIRTY);
	assert_int_equal(sync_with(r, false), -EIO);
	for (unsigned n = 0; n < 3; n++)
		let_disk_take_writes(r, n, true);
	/* one copy of each at once, the others in time */
	assert_int_equal(sync_with(r, false), 1);
	assert_int_equal(r->res.written, 3);
	finish(r);
	assert_int_equal(sync_with(r, true), 0);
	finish(r);
	examine(r);
	assert_int_equal(r->seq, 9);
	assert_vd(r, 0, "10/02 v4 1,0,2");
	assert_same_after_reload(r);
	rig_free(r);
}

static void drop_secondary(struct rig *r, unsigned n)
{
	static const uint64_t lba[] = { SAMPLE_PRIMARY, SAMPLE_ANCHOR };

	for (unsigned i = 0; i < 2; i++) {
		struct ddf_header h;

		ddf_read_sectors(&r->file[n], lba[i], &h, 1);
		h.secondary_lba = be64_make(DDF_NO_LBA);
		ddf_seal(&h, sizeof(h));
		ddf_write_sectors(&r->file[n], lba[i], &h, 1);
	}
}

/* Item 26, too. */
static void test_disks_without_a_secondary_copy(void **state)
{
	struct rig *r = rig_sample("A");
	struct rig_array *a;
	struct snapshot before;

	(void)state;
	for (unsigned n = 0; n < 3; n++)
		drop_secondary(r, n);
	examine(r);
	remember(r, &before);
	load(r);
	a = open_array(r, 0, 5, 2, "1,0,2");
	tell_state(a, MARK_DIRTY);
	assert_synced(r);
	assert_int_equal(r->res.written, 3);
	for (unsigned n = 0; n < 3; n++)
		assert_string_equal(changes(r, &before, n), "P0 P130");
	/* one that comes gets none either */
	assert_int_equal(add_disk(r, 3), 0);
	assert_synced(r);
	assert_false(r->copy[3][DDF_SECOND_COPY].exists);
	forget(&before);
	rig_free(r);
}

static void spoil_extents(struct rig_copy *m)
{
	for (unsigned i = 0; i < m->at.records; i++) {
		struct ddf_vdc *v = rig_record(m, i);

		if (be32_get(v->magic) == DDF_VDC_MAGIC && v->prl == DDF_RAID0)
			ddf_set_element_start(v, RIG_MPPE, 0, v->guid[23] == '1' ? 60000 : 55000);
	}
}

/* Item 28. */
static void test_extents_that_overlap_leave_no_room_between_them(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	create(r, 1, &raid0, "v2 2");
	create(r, 2, &raid0, "v2 2@16384");
	create(r, 3, &raid0, "v2 2@32768");
	super_ddf.free_super(&r->st);
	rig_edit_all(r, spoil_extents); /* 1 lies at 60000, beyond the end; 2 and 3 at 55000 */
	examine(r);
	load(r);
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	assert_string_equal(find_spares(a, "0,-"), "1:2");
	a->a->component_size = 55001;
	assert_string_equal(find_spares(a, "0,-"), "");
	rig_free(r);
}

/* Item 30. */
static void test_disk_that_is_there_is_not_added_again(void **state)
{
	struct rig *r = rig_loaded_sample("B");

	(void)state;
	for (unsigned n = 0; n < 5; n++)
		assert_int_equal(add_disk(r, n), -EEXIST);
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* Item 31: a RAID0 has no monitor. */
static void test_failure_is_recorded_for_arrays_that_are_not_watched(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	create(r, 1, &raid0, "v3 1@16384,2");
	create(r, 2, &raid5, "v4 0@16384,1@32768,2@16384");
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "04/02 v3 1@16384,2");
	assert_vd(r, 2, "01/02 v4 0@16384,1@32768,2@16384");
	rig_free(r);
}

/* Item 34: whichever of the two is done first. */
static void test_disk_is_rebuilding_until_all_its_arrays_are_done(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct rig *r = rig_bare(3);
		struct rig_array *m1, *m5;

		create(r, 0, &raid1, "v3 0,1");
		create(r, 1, &raid5, "v4 0@16384,1@16384,2");
		m1 = open_array(r, 0, 1, 0, "0,1");
		m5 = open_array(r, 1, 5, 2, "0@16384,1@16384,2");
		tell(m1, "0,1x");
		tell(m5, "0@16384,1x@16384,2");
		assert_int_equal(add_disk(r, 3), 0);
		assert_synced(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		r->in_memory = true;
		assert_synced(r);
		assert_pds(r, "0:03/01 1:03/03 2:03/01 3:03/05");
		if (first)
			tell(m1, "0,3");
		else
			tell(m5, "0@16384,3@16384,2");
		r->in_memory = first;
		assert_synced(r);
		/* the one that is done first is complete, if nothing else is said of the disk */
		assert_pds(r, first ? "0:03/01 1:03/03 2:03/01 3:03/01" : "0:03/01 1:05/0b 2:03/01 3:03/05");
		if (first)
			tell(m5, "0@16384,3@16384,2");
		else
			tell(m1, "0,3");
		r->in_memory = false;
		assert_synced(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/01");
		assert_int_equal(rig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
		assert_int_equal(rig_vd(r->any, 1)->state, DDF_VD_OPTIMAL);
		rig_free(r);
	}
}

/* Item 34: the daemon died when one of them was done. mdadm leaves the disk out of both. */
static void test_disk_that_two_arrays_name_is_rebuilding_until_both_are_done(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 2; first++) {
		struct rig *r = rig_bare(3);
		struct rig_array *m1, *m5;

		create(r, 0, &raid1, "v3 0,1");
		create(r, 1, &raid5, "v4 0@16384,1@16384,2");
		m1 = open_array(r, 0, 1, 0, "0,1");
		m5 = open_array(r, 1, 5, 2, "0@16384,1@16384,2");
		tell(m1, "0,1x");
		tell(m5, "0@16384,1x@16384,2");
		assert_int_equal(add_disk(r, 3), 0);
		assert_synced(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		tell(m5, "0@16384,3@16384,2");
		assert_synced(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/05");

		restart(r);
		m1 = open_array(r, 0, 1, 0, "0,-");
		m5 = open_array(r, 1, 5, 2, "0@16384,-,2");
		sync_now(r);
		assert_taken(r, m1, "0,-", "1:3");
		assert_taken(r, m5, "0@16384,-,2", "1:3@16384");
		assert_nothing_to_sync(r);
		if (first)
			tell(m1, "0,3");
		else
			tell(m5, "0@16384,3@16384,2");
		sync_now(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/05");
		tell(m1, "0,3");
		tell(m5, "0@16384,3@16384,2");
		assert_synced(r);
		assert_pds(r, "0:03/01 1:05/0b 2:03/01 3:03/01");
		assert_int_equal(rig_vd(r->any, 0)->state, DDF_VD_OPTIMAL);
		assert_int_equal(rig_vd(r->any, 1)->state, DDF_VD_OPTIMAL);
		rig_free(r);
	}
}

/* Item 35: md has a disk in the slot that the metadata did not know of. It gets the record (examine() looks). */
static void test_disk_that_md_took_itself_gets_the_record(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	tell(a, "0,2@8");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v5 0,2@8");
	assert_non_null(rig_record_on(r, 2, 0, 0));
	assert_pds(r, "0:03/01 1:05/0b 2:03/01");
	rig_free(r);
}

/* ---- disks that come ---- */

/* 1.12 and 10.1. */
static void test_disk_that_comes_gets_an_identity(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct ddf_pd_entry *a, *b;

	(void)state;
	assert_int_equal(add_disk(r, 5), 0);
	assert_int_equal(add_disk(r, 6), 0);
	assert_synced(r);
	a = rig_pd(r->any, 5);
	b = rig_pd(r->any, 6);
	assert_memory_equal(a->guid, "Linux-MD20", 10);
	for (unsigned i = 8; i < 16; i++)
		assert_true(isdigit(a->guid[i]));
	assert_memory_equal(b->guid, a->guid, 8);
	assert_memory_not_equal(b->guid + 16, a->guid + 16, 8);
	/* at random: not one after the other */
	assert_true(be32_get(b->refnum) - be32_get(a->refnum) > 1);
	assert_memory_equal(rig_data(&r->copy[5][DDF_FIRST_COPY])->guid, a->guid, DDF_GUID_LEN);
	assert_memory_equal(rig_data(&r->copy[6][DDF_FIRST_COPY])->guid, b->guid, DDF_GUID_LEN);
	assert_int_equal(be64_get(a->configured_size), SAMPLE_SECTORS - DDF_RESERVED_SECTORS);
	rig_free(r);
}

static void test_changes_have_the_time(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct rig_array *a = open_array(r, 1, 1, 0, "1@16384,3@16384");
	uint32_t now = (uint32_t)(time(NULL) - DDF_EPOCH);

	(void)state;
	tell(a, "1@16384,3x@16384");
	assert_synced(r);
	for (unsigned n = 0; n < 5; n++)
		assert_true(be32_get(r->copy[n][DDF_FIRST_COPY].header.timestamp) - now < 60);
	assert_true(be32_get(rig_record_on(r, 1, 1, 0)->timestamp) - now < 60);
	rig_free(r);
}

static void test_disks_that_cannot_be_used(void **state)
{
	struct rig *r = rig_loaded_sample("A");
	struct metadata_update u;

	(void)state;
	rig_blank(r, 3);
	r->file[3].sector_size = 4096;
	assert_int_equal(prepare_disk(r, 3, &u), -EINVAL);
	rig_take_file(r, 4, ddf_blank_disk(4, DDF_RESERVED_SECTORS));
	assert_int_equal(prepare_disk(r, 4, &u), -EINVAL);
	assert_null(u.space);
	assert_nothing_to_sync(r);
	rig_free(r);
}

static void test_disk_that_nobody_knows_may_leave(void **state)
{
	struct rig *r = rig_loaded_sample("B");

	(void)state;
	assert_int_equal(remove_disk(r, 4), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01 4:05/41?");
	assert_int_equal(remove_disk(r, 4), 0);
	assert_int_equal(remove_disk(r, 9), 0);
	assert_nothing_to_sync(r);
	rig_free(r);
}

/* ---- members ---- */

/* md took the failed member out of its slot before it was looked at: the monitor says what to take for its state. */
static void test_member_is_what_the_monitor_says(void **state)
{
	struct rig *r = rig_loaded_sample("B");
	struct rig_array *a = open_array(r, 1, 1, 0, "1@16384,3@16384");
	struct mdinfo *m = a->a->disks[1];

	(void)state;
	m->slot = -1;
	m->curr_state = MEMBER_SPARE;
	tell_member(a, m, find_slot(a, 3), MEMBER_FAULTY);
	assert_synced(r);
	assert_vd(r, 1, "01/02 v4 1@16384,3@16384");
	rig_free(r);
}

/* What is rebuilt and not recorded is forgotten with its array. */
static void test_array_that_ends_leaves_no_rebuild(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	create(r, 1, &raid0, "v2 2");
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	assert_taken(r, a, "0,-", "1:2@16384");
	close_array(a);
	assert_nothing_to_sync(r);
	create(r, 2, &raid0, "v2 2@16384");
	rig_free(r);
}

/* A member that the metadata call failed is told of to md. */
static void test_failed_members_of_new_arrays_are_told_of(void **state)
{
	struct rig *r = rig_bare(3);
	struct rig_array *a, *b;

	(void)state;
	create(r, 0, &raid1, "v3 0,1");
	a = open_array(r, 0, 1, 0, "0,1");
	tell(a, "0,1x");
	assert_synced(r);
	create(r, 1, &raid1, "v3 1@16384,2");
	b = make_array(r, 1, 1, 0, "1@16384,2");
	assert_int_equal(open_new(b), 0);
	assert_true(b->a->disks[0]->failed_on_record);
	assert_false(b->a->disks[1]->failed_on_record);
	assert_vd(r, 1, "01/02 v3 1@16384,2");
	rig_free(r);
}

static void test_no_disk_has_metadata(void **state)
{
	struct rig *r = rig_new();
	struct disk *kept[RIG_DISKS];

	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		rig_blank(r, n);
		r->in[n] = true;
	}
	assert_int_equal(rig_load_into(r, &r->st, kept), -ENODEV);
	assert_null(r->st.sb);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_are_loaded_and_left_as_they_are),
		cmocka_unit_test(test_slots_of_disks),
		cmocka_unit_test(test_arrays_are_bound_once),
		cmocka_unit_test(test_life_of_two_arrays),
		cmocka_unit_test(test_life_with_a_disk_that_was_absent_at_the_start),
		cmocka_unit_test(test_life_with_a_spare),
		cmocka_unit_test(test_states_after_failures),
		cmocka_unit_test(test_captured_create_and_delete),
		cmocka_unit_test(test_messages_that_are_refused_change_nothing),
		cmocka_unit_test(test_interrupted_rebuild_is_resumed),
		cmocka_unit_test(test_rebuild_that_md_goes_on_with),
		cmocka_unit_test(test_rebuild_that_the_reference_recorded_too_early),
		cmocka_unit_test(test_array_that_takes_a_half_rebuilt_disk_for_good),
		cmocka_unit_test(test_dedicated_spare_serves_only_whom_it_may),
		cmocka_unit_test(test_what_others_wrote_survives),
		cmocka_unit_test(test_damaged_copy_is_repaired_around_what_others_wrote),
		cmocka_unit_test(test_full_life_of_a_raid10),
		cmocka_unit_test(test_one_spare_fills_one_slot),
		cmocka_unit_test(test_two_disks_added_at_once),
		cmocka_unit_test(test_array_that_lost_too_much_gets_no_spare),
		cmocka_unit_test(test_spare_of_a_raid10_goes_into_the_right_mirror),
		cmocka_unit_test(test_half_rebuilt_disk_is_not_taken_for_good_after_a_crash),
		cmocka_unit_test(test_room_of_a_rebuild_is_kept),
		cmocka_unit_test(test_members_of_an_array_created_degraded_are_not_rebuilding),
		cmocka_unit_test(test_missing_members_of_new_arrays_are_rebuilt),
		cmocka_unit_test(test_record_changed_by_message_gets_a_new_number),
		cmocka_unit_test(test_message_with_more_mirrors_is_refused),
		cmocka_unit_test(test_stale_disk_does_not_set_the_container_back),
		cmocka_unit_test(test_record_without_virtual_disk_is_nobodys),
		cmocka_unit_test(test_arrays_beyond_the_table_are_not_bound),
		cmocka_unit_test(test_disk_that_leaves_before_its_failure_is_seen),
		cmocka_unit_test(test_mirror_that_nobody_has_a_record_of_is_lost),
		cmocka_unit_test(test_disk_that_took_no_write_is_tried_again),
		cmocka_unit_test(test_change_that_no_disk_took_stays_pending),
		cmocka_unit_test(test_disks_without_a_secondary_copy),
		cmocka_unit_test(test_extents_that_overlap_leave_no_room_between_them),
		cmocka_unit_test(test_disk_that_is_there_is_not_added_again),
		cmocka_unit_test(test_failure_is_recorded_for_arrays_that_are_not_watched),
		cmocka_unit_test(test_disk_is_rebuilding_until_all_its_arrays_are_done),
		cmocka_unit_test(test_disk_that_two_arrays_name_is_rebuilding_until_both_are_done),
		cmocka_unit_test(test_disk_that_md_took_itself_gets_the_record),
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
