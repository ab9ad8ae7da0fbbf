/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imsm/events.c: md runs without a disk that the metadata call good. What it holds is out of date from the first write
 * on, and that is on record before the write is let go.
 */
#include "tests/unit/support/imsm-events.h"

#include <stdlib.h>

/* What md has, a word for each slot: "0" disk 0 in sync, "0r" being rebuilt, "0f" failed, "-" nobody. */
static void md_has(const char *text)
{
	unsigned slot = 0;

	ifx.ev.disk_count = 0;
	for (const char *p = text; *p; p += *p == ' ', slot++) {
		struct md_member m = { .slot = (int)slot, .state = MEMBER_IN_SYNC, .recovery_start = SECTORS_NONE };
		char *end;

		if (*p == '-') {
			p++;
			continue;
		}
		m.dev = ifx_dev((unsigned)strtoul(p, &end, 10));
		p = end;
		if (*p == 'r')
			m.state = MEMBER_SPARE, m.recovery_start = 512 * 9, p++;
		else if (*p == 'f')
			m.state = MEMBER_FAULTY, m.recovery_start = 0, p++;
		ifx.ev.disk[ifx.ev.disk_count++] = m;
	}
}

struct row {
	const char *row;
	int level;
	const char *before;
	const char *md;
	const char *after;
};

static const struct row rows[] = {
	{ "RAID1, the second", 1, "N 0,1", "0 -", "D 0,1! f1" },
	{ "RAID1, the first", 1, "N 0,1", "- 1", "D 0!,1 f0" },
	{ "RAID5", 5, "N 0,1,2", "0 1 -", "D 0,1,2! f2" },
	{ "RAID5, slot is not index", 5, "N 2,0,1", "- 0 1", "D 2!,0,1 f0" },
	{ "RAID10, one of each pair", 10, "N 0,1,2,3", "0 - - 3", "D 0,1!,2!,3 f1" },
	{ "another disk has its place in md", 5, "N 0,1,2", "0 4 2", "D 0,1!,2 f1" },
	{ "another disk is rebuilt in its place", 5, "N 0,1,2", "0 4r 2", "D 0,1!,2 f1" },
	{ "it is rebuilt, and no record says so", 5, "N 0,1,2", "0 1r 2", "D 0,1!,2 f1" },
	{ "one more is absent", 10, "N 0,1?,2,3", "0 - 2 -", "D 0,1x?!,2,3! f1" },
	{ "initial sync", 5, "N<INIT<U 0,1,2/0,1,2 u5", "0 - 2", "D 0,1!,2 f1" },
	{ "repair", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", "0 - 2", "D 0,1!,2 f1" },
	{ "a sync goes on without a member that had failed", 10, "N<REPAIR<N 0,1x!,2,3/0,1x!,2,3 f1 u0", "0 - 2 -",
	  "N<REPAIR<N 0,1x!,2,3!/0,1x!,2,3! f1 u0" },
	/* Writes that it misses may lie before the point where the rebuild would go on. */
	{ "the disk under rebuild", 1, "N<REBUILD<D 0,2/0,2! f1 u7", "0 -", "D 0,2! f1" },
	{ "the disk under rebuild, firmware", 1, "N<REBUILD<D 0,2/0,1? f1 u7", "0 -", "D 0,2! f1" },
	{ "the disk under rebuild, a slot was failed before", 10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7", "0 - 2 -",
	  "D 0,4!,2,3x! f1" },
	{ "beside a rebuild", 10, "N<REBUILD<D 0,4,2,3/0,4!,2,3 f1 u7", "0 4r 2 -",
	  "D<REBUILD<D 0,4,2,3!/0,4!,2,3! f1 u0" },
	{ "beside a rebuild, which has lost its disk", 10, "N<REBUILD<D 0,4,2,3/0,4!,2,3 f1 u7", "0 - 2 -", "D 0,4!,2,3! f1" },
	{ "the other one was rebuilt meanwhile", 1, "N<REBUILD<D 0,2/0,2! f1 u7", "- 2", "D 0!,2 f0" },
	{ "the other one was rebuilt meanwhile, RAID5", 5, "N<REBUILD<D 0,1,3/0,1,3! f2 u7", "- 1 3", "D 0!,1,3 f0" },
	{ "the other one was rebuilt meanwhile, and it is absent", 1, "N<REBUILD<D 0?,2/0?,2! f1 u7", "- 2", "D 0x?!,2 f0" },
	{ "reshape, a member from before", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", "0 - 2 3", "N<GEN<N 0,1!,2,3/0,1!,2 f1 u2" },
	/*
	 * Life (seed 1001310224872): ... boot abcd; daemon; fail 0 1; dim b; takeover; busy 6; write 1 1; pass; finish 1
	 */
	{ "beside one that has failed for another volume", 5, "D 0,1x,2", "0 1 -", "F 0,1x,2! f2" },
	{ "beside one of its pair that has failed for another volume", 10, "D 0,1,2x,3", "0 1 2 -", "F 0,1,2x,3! f3" },
	/* Life (seed 1341767021): ... boot acd; daemon; nospare; plug b; run 4; write 1 0; pull a; run 6; finish 1; idle 1; pass */
	{ "beside one that is pulled now", 5, "N 0?,1,2", "0f - 2", "F 0x?!,1!,2 f0" },
	/* Nothing of the kind. */
	{ "all are there", 5, "N 0,1,2", "0 1 2", "N 0,1,2" },
	{ "rebuilt as recorded", 1, "N<REBUILD<D 0,2/0,2! f1 u7", "0 2r", "N<REBUILD<D 0,2/0,2! f1 u7" },
	{ "recorded, and not put in yet", 1, "N<REBUILD<D 0,2/0,2! f1 u0", "0 -", "N<REBUILD<D 0,2/0,2! f1 u0" },
	{ "has just failed: that is told next", 5, "N<REPAIR<N 0,1,2/0,1,2 u0", "0 1f 2", "N<REPAIR<N 0,1,2/0,1,2 u0" },
	{ "known already", 5, "D 0,1!,2 f1", "0 - 2", "D 0,1!,2 f1" },
	{ "failed", 5, "D 0,1x!,2 f1", "0 - 2", "D 0,1x!,2 f1" },
	{ "md has not got the members that a reshape will add", 5, "N<GEN<N 0,1,2,3/0,1,2 u0", "0 1 2",
	  "N<GEN<N 0,1,2,3/0,1,2 u0" },
	{ "absent, but md works with it", 5, "N 0,1?,2", "0 1 2", "N 0,1?,2" },
	{ "md runs with nothing that the metadata trust", 1, "D 0!,1 f0", "0 -", "D 0!,1 f0" },
	{ "nor enough of it", 5, "D 0!,1,2 f0", "0 1 -", "D 0!,1,2 f0" },
};

static void set_up(const struct row *r)
{
	ev_container(r->level, r->before);
	for (uint32_t i = 0; i < ifx.c.meta.num_disks; i++)
		if (imsm_disk_failed(&ifx.c, i) && !imsm_disk_present(&ifx.c, i))
			ifx.c.meta.disk[i].scsi_id = le32_make(IMSM_SCSI_ID_MISSING);
	ev_md_reset(0, r->level);
	ifx.ev.resync_start = 4096;
	if (!strchr(r->before, '<') || strstr(r->before, "REBUILD"))
		ifx.ev.resync_start = SECTORS_NONE;
	md_has(r->md);
}

static void test_before_a_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		bool due;

		set_up(r);
		ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
		assert_int_equal(ev_tell_array(MARK_DIRTY, &due), MARK_DIRTY);
		if (strcmp(ifx_text(&ifx, 0), r->after) != 0)
			fail_msg("row %s: %s expected, %s found", r->row, r->after, ifx_text(&ifx, 0));
		if (due != !!strcmp(r->before, r->after))
			fail_msg("row %s: write_due is %d", r->row, due);
	}
}

/* Its other volumes may be in order, and it may be rebuilt: nothing is said against the disk itself. */
static void test_the_disk_has_not_failed(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 1);
	md_has("0 -");
	ev_tell_array(MARK_DIRTY, &due);
	assert_false(imsm_disk_failed(&ifx.c, 1));
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1"));
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
}

/* As long as nothing is written the disk is as good as the others. */
static void test_not_before_writes_are_possible(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 0,1");
	ev_md_reset(0, 1);
	ifx.ev.state = ARRAY_READONLY;
	md_has("0 -");
	assert_int_equal(ev_tell_array(MARK_DECIDE, &due), MARK_CLEAN); /* it will be read-auto */
	assert_false(due);
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_false(due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
}

/* It is not clean, so it will be active. No resync is recorded for what cannot be resynced. */
static void test_started_dirty(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 0,1");
	ev_md_reset(0, 1);
	ifx.ev.state = ARRAY_READONLY;
	ifx.ev.resync_start = 0;
	md_has("0 -");
	assert_int_equal(ev_tell_array(MARK_DECIDE, &due), MARK_DIRTY);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1! f1");
}

/*
 * Dirty on record, and md was started without a disk: a RAID1 that has one member left is clean for md at once. The
 * copies may differ all the same, so the volume is not called clean with both of them.
 */
static void test_not_clean_with_a_disk_that_may_differ(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 0,1");
	ev_md_reset(0, 1);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ifx.ev.state = ARRAY_READONLY;
	md_has("0 -");
	ev_tell_array(MARK_DECIDE, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1! f1");
}

/* The daemon that recorded the rebuild died, and md was started without the disk: nobody is at it. */
static void test_rebuild_without_its_disk_found_at_first_sight(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N<REBUILD<D 0,2/0,2! f1 u0");
	ev_md_reset(0, 1);
	md_has("0 -");
	ifx.ev.first = true;
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,2! f1");
}

/* Read-write and clean, as "mdadm -IRs" leaves it. As long as the rebuild is recorded no spare check gives md the disk. */
static void test_rebuild_without_its_disk_found_clean(void **state)
{
	static const char *const checkpoint[] = { "N<REBUILD<D 0,2/0,2! f1 u0", "N<REBUILD<D 0,2/0,2! f1 u7" };
	bool due;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		ev_container(1, checkpoint[i]);
		ev_md_reset(0, 1);
		md_has("0 -");
		ifx.ev.first = true;
		assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
		assert_true(due);
		assert_string_equal(ifx_text(&ifx, 0), "D 0,2! f1");
	}
	/* The array ends, and its members vanish. */
	ev_container(1, checkpoint[1]);
	ev_md_reset(0, 1);
	md_has("0 -");
	ifx.ev.first = true;
	ifx.ev.state = ARRAY_INACTIVE;
	ev_tell_array(MARK_CLEAN, &due);
	assert_string_equal(ifx_text(&ifx, 0), checkpoint[1]);
	/* Its data are as good as before. */
	ev_container(1, "N 0,1");
	ev_md_reset(0, 1);
	md_has("0 -");
	ifx.ev.first = true;
	ev_tell_array(MARK_CLEAN, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_a_write),
		cmocka_unit_test(test_the_disk_has_not_failed),
		cmocka_unit_test(test_not_before_writes_are_possible),
		cmocka_unit_test(test_started_dirty),
		cmocka_unit_test(test_not_clean_with_a_disk_that_may_differ),
		cmocka_unit_test(test_rebuild_without_its_disk_found_at_first_sight),
		cmocka_unit_test(test_rebuild_without_its_disk_found_clean),
	};

	return cmocka_run_group_tests_name("imsm-events-left-out", tests, NULL, NULL);
}
