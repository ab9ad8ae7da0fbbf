/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF handler from end to end: what mdadm and its mdmon did, step by step, comes out of ours, too (ddf.md 18 and
 * 19).
 */
#include "tests/unit/support/ddf-rig.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/support/ddf-captured.h"
#include "tests/unit/support/ddf-samples.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- golden traces (19) ---- */

/* A mirror is created, written to, and clean again. */
static struct rig_array *begin_mirror(struct rig *r)
{
	struct rig_array *m1;

	drig_create(r, 0, &drig_raid1, "v3 0,1");
	assert_pds(r, "0:03/01 1:03/01 2:05/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	m1 = drig_open_array(r, 0, 1, 0, "0,1");
	assert_nothing_to_sync(r);
	assert_int_equal(drig_tell_state(m1, MARK_DIRTY), MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 0, "10/02 v3 0,1");
	assert_int_equal(drig_tell_state(m1, MARK_CLEAN), MARK_CLEAN);
	assert_synced(r);
	assert_vd(r, 0, "00/02 v3 0,1");
	return m1;
}

/* A RAID5 behind it is created and initialised. */
static struct rig_array *begin_raid5(struct rig *r)
{
	struct rig_array *m5;

	drig_create(r, 1, &drig_raid5, "v4 0@16384,1@16384,2");
	m5 = drig_make_array(r, 1, 5, 2, "0@16384,1@16384,2");
	assert_int_equal(drig_open_new(m5), 0);
	m5->watch.resync_start = 0;
	assert_int_equal(drig_tell_state(m5, MARK_DECIDE), MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 1, "10/00 v4 0@16384,1@16384,2");
	m5->watch.resync_start = RIG_BLOCKS / 2;
	drig_tell_state(m5, MARK_DIRTY);
	assert_synced(r);
	assert_vd(r, 1, "10/01 v4 0@16384,1@16384,2");
	m5->watch.resync_start = SECTORS_NONE;
	drig_tell_state(m5, MARK_CLEAN);
	drig_tell(m5, "0@16384,1@16384,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01");
	assert_vd(r, 0, "00/02 v3 0,1");
	assert_vd(r, 1, "00/02 v4 0@16384,1@16384,2");
	return m5;
}

/* Disk 1 fails. Disk 2 has room for its replacement behind the other array. */
static void lose_disk_of_both(struct rig *r, struct rig_array *m1, struct rig_array *m5)
{
	drig_tell(m1, "0,1x");
	drig_tell(m5, "0@16384,1x@16384,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/03 2:03/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "01/02 v5 0@16384,1@16384,2");
	assert_taken(r, m1, "0,-", "1:2@16384");
	r->in_memory = true;
	assert_nothing_to_sync(r);
	assert_int_equal(drig_remove_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01");
}

static void replace_disk_of_both(struct rig *r, struct rig_array *m1, struct rig_array *m5)
{
	assert_int_equal(drig_add_disk(r, 3), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01 3:05/01");
	assert_taken(r, m5, "0@16384,-,2", "1:3");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/43? 2:03/01 3:03/05");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_vd(r, 1, "01/02 v6 0@16384,3,2");
	drig_tell(m1, "0,2@16384");
	r->in_memory = false;
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/05");
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	drig_tell(m5, "0@16384,3,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/01");
	assert_vd(r, 1, "00/02 v7 0@16384,3,2");
}

static void delete_raid5(struct rig *r, struct rig_array *m5)
{
	struct message m;

	assert_int_equal(drig_add_disk(r, 1), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:03/01 1:05/01");
	drig_delete_message(&m, 1);
	assert_int_equal(drig_send_message(r, &m), -EBUSY);
	assert_nothing_to_sync(r);
	drig_close_array(m5);
	assert_int_equal(drig_send_message(r, &m), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 2:03/01 3:05/01 1:05/01");
	assert_vd(r, 0, "00/02 v5 0,2@16384");
	assert_vd(r, 1, "");
}

/*
 * T1. Not as there: a disk that serves another array is recorded when it has been rebuilt (15, item 6), so that the
 * lost one keeps its entry until then; records get new numbers with new members (item 13); types follow a deletion, of
 * which nothing is left (item 8). Generations are not those of the reference, since what belongs together is written
 * together.
 */
static void test_life_of_two_arrays(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *m1, *m5;

	(void)state;
	assert_pds(r, "0:05/01 1:05/01 2:05/01");
	m1 = begin_mirror(r);
	m5 = begin_raid5(r);
	lose_disk_of_both(r, m1, m5);
	replace_disk_of_both(r, m1, m5);
	delete_raid5(r, m5);
	drig_free(r);
}

/*
 * T2. What was absent is a spare when it comes back. Not as there: it keeps its number and its place in the table (10.5),
 * and the record gets a new number with the spare.
 */
static void test_life_with_a_disk_that_was_absent_at_the_start(void **state)
{
	struct rig *r = drig_bare(2);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	r->in[1] = false;
	drig_restart(r);
	drig_examine(r);
	assert_vd(r, 0, "00/02 v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,-");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/42?");
	assert_vd(r, 0, "01/02 v9 0,_");
	assert_int_equal(drig_add_disk(r, 1), 0);
	assert_synced_in_two(r);
	assert_pds(r, "0:03/01 1:05/01");
	assert_taken(r, a, "0,-", "1:1");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/05");
	assert_vd(r, 0, "01/02 v10 0,1");
	drig_tell(a, "0,1");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01");
	assert_vd(r, 0, "00/02 v11 0,1");
	drig_free(r);
}

/* T3. Not as there: the record gets a new number with the spare (15, item 13). */
static void test_life_with_a_spare(void **state)
{
	struct rig *r = drig_bare(3);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1");
	a = drig_open_array(r, 0, 1, 0, "0,1");
	drig_tell(a, "0,1x");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/03 2:05/01");
	assert_vd(r, 0, "01/02 v4 0,1");
	assert_string_equal(drig_find_spares(a, "0,1x"), ""); /* the failed one must go first */
	assert_taken(r, a, "0,-", "1:2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/0b 2:03/05");
	assert_vd(r, 0, "01/02 v5 0,2");
	drig_tell(a, "0,2!"); /* still at work */
	assert_nothing_to_sync(r);
	drig_tell(a, "0,2");
	assert_synced(r);
	assert_pds(r, "0:03/01 1:05/0b 2:03/01");
	assert_vd(r, 0, "00/02 v6 0,2");
	drig_free(r);
}

/* T4 */
static void test_states_after_failures(void **state)
{
	static const struct {
		const struct shape *shape;
		int level, layout;
		const char *records, *members, *failed, *vd;
	} t[] = {
		{ &drig_raid1_3, 1, 0, "v4 0,1,2", "0,1,2", "0,1x,2", "05/02 v5 0,1,2" },
		{ &drig_raid1_3, 1, 0, "v4 0,1,2", "0,1,2", "0x,1x,2", "01/02 v6 0,1,2" },
		{ &drig_raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1,2x,3", "05/02 v6 0,1,2,3" },
		{ &drig_raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1x,2x,3", "01/02 v7 0,1,2,3" },
		{ &drig_raid6, 6, 10, "v5 0,1,2,3", "0,1,2,3", "0,1x,2x,3x", "04/02 v8 0,1,2,3" },
		{ &drig_raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0,1,2,3x", "01/02 v3 0,1 v4 2,3" },
		{ &drig_raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0,1x,2,3x", "01/02 v4 0,1 v4 2,3" },
		{ &drig_raid1, 10, 0x102, "v3 0,1 v3 2,3", "0,1,2,3", "0x,1x,2,3", "04/02 v5 0,1 v3 2,3" },
		{ &drig_raid5, 5, 2, "v4 0,1,2", "0,1,2", "0x,1,2", "01/02 v5 0,1,2" },
		{ &drig_raid5, 5, 2, "v4 0,1,2", "0,1,2", "0x,1x,2", "04/02 v6 0,1,2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct rig *r = drig_bare(4);
		struct rig_array *a;

		drig_create(r, 0, t[i].shape, t[i].records);
		a = drig_open_array(r, 0, t[i].level, t[i].layout, t[i].members);
		drig_tell(a, t[i].failed);
		assert_synced(r);
		assert_vd(r, 0, t[i].vd);
		drig_tell(a, t[i].failed);
		assert_nothing_to_sync(r);
		drig_free(r);
	}
}

/* ---- messages as captured (18.8) ---- */

static uint32_t captured_ref(uint32_t refnum)
{
	static const uint32_t captured[] = { 0xd56d9349, 0x0456ddfc, 0x1f6e75e1, 0x5f7325e9 };

	return captured[refnum - 0x1000];
}

static void give_captured_refs(struct rig_copy *m)
{
	for (unsigned n = 0; n < 4; n++)
		drig_pd(m, n)->refnum = be32_make(captured_ref(be32_get(drig_pd(m, n)->refnum)));
	drig_data(m)->refnum = be32_make(captured_ref(be32_get(drig_data(m)->refnum)));
}

static void test_captured_create_and_delete(void **state)
{
	struct message vd = { .len = 128 }, vdc = { .len = 2 * RIG_RECORD }, gone = { .len = 128 };
	struct rig *r = drig_bare_files(4);
	struct snapshot before;

	(void)state;
	drig_edit_all(r, give_captured_refs);
	drig_examine(r);
	drig_load(r);
	drig_remember(r, &before);
	memset(vd.bytes, 0xff, 128);
	captured_hex(vd.bytes, "dddd dddd aab8 46dd 0000 00ff");
	captured_hex(vd.bytes + 64, CAPTURED_GUID);
	captured_hex(vd.bytes + 88, "007e ffff 107b 0000 0000");
	captured_hex(vd.bytes + 112, "7231 3000 0000 0000 0000 0000 0000 0000");
	captured_record(vdc.bytes, "0002 0701 0002 0003", "d56d 9349 0456 ddfc");
	captured_record(vdc.bytes + RIG_RECORD, "0002 0701 0002 0103", "1f6e 75e1 5f73 25e9");
	assert_int_equal(drig_send_message(r, &vd), 0);
	assert_synced(r);
	assert_vd(r, 0, "00/00");
	assert_int_equal(drig_send_message(r, &vdc), 0);
	assert_synced(r);
	assert_vd(r, 0, "00/00 v3 0,1 v3 2,3");
	assert_memory_equal(drig_vd(r->any, 0), vd.bytes + 64, 64);
	for (unsigned n = 0; n < 4; n++)
		assert_memory_equal((const uint8_t *)drig_record_on(r, n, 0, n / 2) + 8,
				    vdc.bytes + n / 2 * RIG_RECORD + 8, RIG_RECORD - 8);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/01");
	/* the same again changes nothing */
	assert_int_equal(drig_send_message(r, &vd), -EEXIST);
	assert_int_equal(drig_send_message(r, &vdc), 0);
	assert_nothing_to_sync(r);

	captured_hex(gone.bytes, "dddd dddd");
	captured_hex(gone.bytes + 64, CAPTURED_GUID);
	captured_hex(gone.bytes + 96, "02");
	assert_int_equal(drig_send_message(r, &gone), 0);
	assert_synced(r);
	for (unsigned n = 0; n < 4; n++)
		assert_string_equal(drig_changes(r, &before, n), "S0 P0"); /* but for the generation nothing was */
	drig_forget(&before);
	drig_free(r);
}

static void test_messages_that_are_refused_change_nothing(void **state)
{
	struct rig *r = drig_loaded_sample("A");
	struct message m = { .len = 3 };

	(void)state;
	assert_true(drig_send_message(r, &m) < 0);
	for (m.len = 4; m.len < 2 * RIG_RECORD; m.len += 62)
		assert_true(drig_send_message(r, &m) < 0);
	drig_delete_message(&m, 7);
	assert_int_equal(drig_send_message(r, &m), -ENOENT);
	drig_config_message(r, &m, 7, &drig_raid1, "v3 0,1");
	assert_int_equal(drig_send_message(r, &m), -ENOENT);
	assert_nothing_to_sync(r);
	drig_free(r);
}

/* ---- a full life ---- */

static void replace_a_disk_of_the_second_mirror(struct rig *r, struct rig_array *a)
{
	drig_tell(a, "0,1,2,3x,4,5");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v4 2,3 v3 4,5");
	assert_string_equal(drig_find_spares(a, "0,1,2,-,4,5"), "");
	assert_int_equal(drig_add_disk(r, 6), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:03/03 4:03/01 5:03/01 6:05/01");
	assert_taken(r, a, "0,1,2,-,4,5", "3:6");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v3 0,1 v5 2,6 v3 4,5");
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/0b 4:03/01 5:03/01 6:03/05");
	assert_int_equal(drig_find_slot(a, 6), 3);
	drig_tell(a, "0,1,2,6,4,5");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v3 0,1 v6 2,6 v3 4,5");
	assert_int_equal(drig_remove_disk(r, 3), 0);
	assert_synced(r);
	assert_pds(r, "0:03/01 1:03/01 2:03/01 3:05/4b? 4:03/01 5:03/01 6:03/01");
}

static void replace_disks_of_the_first_and_third_mirror(struct rig *r, struct rig_array *a)
{
	drig_tell(a, "0x,1,2,6,4,5x");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v4 0,1 v6 2,6 v4 4,5");
	assert_int_equal(drig_remove_disk(r, 0), 0);
	assert_int_equal(drig_remove_disk(r, 5), 0);
	assert_synced(r);
	assert_pds(r, "0:03/43? 1:03/01 2:03/01 3:05/4b? 4:03/01 5:03/43? 6:03/01");
	assert_int_equal(drig_add_disk(r, 7), 0);
	assert_int_equal(drig_add_disk(r, 8), 0);
	assert_synced(r);
	assert_taken(r, a, "-,1,2,6,4,-", "0:8 5:7");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v5 8,1 v6 2,6 v5 4,7");
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/05 8:03/05");
	drig_tell(a, "8!,1,2,6,4,7!");
	assert_nothing_to_sync(r);
	drig_tell(a, "8,1,2,6,4,7!");
	assert_synced(r);
	assert_vd(r, 0, "01/02 v6 8,1 v6 2,6 v5 4,7");
}

/* The daemon goes in the middle of a rebuild, and the next one takes over. */
static struct rig_array *take_over_a_rebuild(struct rig *r)
{
	struct rig_array *a;

	drig_restart(r);
	a = drig_open_array(r, 0, 10, 0x102, "8,1,2,6,4,7!");
	assert_nothing_to_sync(r);
	assert_taken(r, a, "8,1,2,6,4,7!", "5:7");
	assert_nothing_to_sync(r);
	drig_tell(a, "8,1,2,6,4,7");
	assert_synced(r);
	assert_vd(r, 0, "00/02 v6 8,1 v6 2,6 v6 4,7");
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01");
	return a;
}

/* As a new one, and is a spare that leaves again. */
static void let_a_replaced_disk_come_back(struct rig *r)
{
	assert_int_equal(drig_add_disk(r, 0), 0);
	assert_synced(r);
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01 0:05/01");
	assert_int_equal(drig_remove_disk(r, 0), 0);
	assert_synced(r);
	assert_pds(r, "1:03/01 2:03/01 4:03/01 6:03/01 7:03/01 8:03/01 0:05/41?");
}

static void lose_both_disks_of_a_mirror(struct rig *r, struct rig_array *a)
{
	drig_tell(a, "8,1,2x,6x,4,7");
	assert_synced(r);
	assert_vd(r, 0, "04/02 v6 8,1 v8 2,6 v6 4,7");
	assert_string_equal(drig_find_spares(a, "8,1,-,-,4,7"), "");
}

static void test_full_life_of_a_raid10(void **state)
{
	struct rig *r = drig_bare(6);
	struct rig_array *a;

	(void)state;
	drig_create(r, 0, &drig_raid1, "v3 0,1 v3 2,3 v3 4,5");
	a = drig_open_array(r, 0, 10, 0x102, "0,1,2,3,4,5");
	assert_nothing_to_sync(r);
	drig_tell_state(a, MARK_DIRTY);
	assert_synced(r);
	drig_tell_state(a, MARK_CLEAN);
	assert_synced(r);
	assert_string_equal(drig_find_spares(a, "0,1,2,3,4,5"), "");

	replace_a_disk_of_the_second_mirror(r, a);
	replace_disks_of_the_first_and_third_mirror(r, a);
	a = take_over_a_rebuild(r);
	let_a_replaced_disk_come_back(r);
	lose_both_disks_of_a_mirror(r, a);
	drig_close_array(a);
	assert_nothing_to_sync(r);
	drig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_of_two_arrays),
		cmocka_unit_test(test_life_with_a_disk_that_was_absent_at_the_start),
		cmocka_unit_test(test_life_with_a_spare),
		cmocka_unit_test(test_states_after_failures),
		cmocka_unit_test(test_captured_create_and_delete),
		cmocka_unit_test(test_messages_that_are_refused_change_nothing),
		cmocka_unit_test(test_full_life_of_a_raid10),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
