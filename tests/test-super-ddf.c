/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF handler from end to end: the disks are files, most of them with metadata that mdadm and its mdmon wrote, and
 * what counts is what is in them afterwards (ddf-rig.h). Everything that the monitor calls must get by without
 * memory of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ddf-rig.h"

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
		forget(r, &before);
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
	forget(r, &before);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
