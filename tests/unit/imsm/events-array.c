/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/events.c: what the state of the array makes of a volume; tables before, event, after. */
#include "tests/unit/support/imsm-events.h"

/* ---- rows about the array ---- */

enum sync_end { DONE, NOT_DONE };

struct array_row {
	const char *row;
	int level;
	const char *before;
	enum sync_end end;
	const char *after;       /* asked for clean or dirty */
	const char *after_start; /* asked to decide; NULL: the same */
	bool clean_start;        /* ... and it was found clean */
};

static const struct array_row array_rows[] = {
	{ "5", 5, "U 0,1,2", NOT_DONE, "N<INIT<U 0,1,2/0,1,2 u0", NULL, false },
	{ "6", 5, "N 0,1,2", NOT_DONE, "N<REPAIR<N 0,1,2/0,1,2 u0", NULL, false },
	{ "6: RAID10", 10, "N 0,1,2,3", NOT_DONE, "N<REPAIR<N 0,1,2,3/0,1,2,3 u0", NULL, false },
	{ "N complete", 5, "N 0,1,2", DONE, "N 0,1,2", NULL, true },
	{ "U complete", 5, "U 0,1,2", DONE, "U 0,1,2", NULL, false },
	{ "7", 5, "N<INIT<U 0,1,2/0,1,2 u5", NOT_DONE, "N<INIT<U 0,1,2/0,1,2 u5", "N<INIT<U 0,1,2/0,1,2 u0", false },
	{ "8", 5, "N<INIT<U 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "8: left as U", 5, "U<INIT<U 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "10", 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", DONE, "D 0,1x!,2 f1", NULL, false },
	{ "10: not yet", 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", NOT_DONE, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5",
	  "D<INIT<U 0,1x!,2/0,1x!,2 f1 u0", false },
	{ "12", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "12: not yet", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", NOT_DONE, "N<REPAIR<N 0,1,2/0,1,2 u5",
	  "N<REPAIR<N 0,1,2/0,1,2 u0", false },
	{ "14", 5, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5", DONE, "D 0,1x!,2 f1", NULL, false },
	{ "15", 5, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5", NOT_DONE, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5",
	  "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u0", false },
	{ "30", 5, "N<VERIFY<N 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "30: not yet", 5, "N<VERIFY<N 0,1,2/0,1,2 u5", NOT_DONE, "N<VERIFY<N 0,1,2/0,1,2 u5",
	  "N<VERIFY<N 0,1,2/0,1,2 u0", false },
	{ "rebuild, complete", 5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", DONE,
	  "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", NULL, false },
	{ "no resync over a rebuild", 5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", NOT_DONE, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7",
	  NULL, false },
	{ "degraded", 5, "D 0,1x!,2 f1", DONE, "D 0,1x!,2 f1", NULL, false },
	{ "no resync of a degraded volume", 5, "D 0,1x!,2 f1", NOT_DONE, "D 0,1x!,2 f1", NULL, false },
	{ "failed", 5, "F 0,1x!,2x! f1", NOT_DONE, "F 0,1x!,2x! f1", NULL, false },
	{ "28", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", DONE, "N<GEN<N 0,1,2,3/0,1,2 u2", NULL, false },
	{ "28: not complete", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", NOT_DONE, "N<GEN<N 0,1,2,3/0,1,2 u2", NULL, false },
	/* Disks that are missing and that md does not have: recorded before the array is written to. */
	{ "29", 5, "N 0,1?,2", DONE, "N 0,1?,2", "D 0,1x?!,2 f1", false },
	{ "29: RAID1", 1, "N 0?,1", DONE, "N 0?,1", "D 0x?!,1 f0", false },
	{ "29: RAID5, two", 5, "N 0?,1?,2", DONE, "N 0?,1?,2", "F 0x?!,1x?!,2 f0", false },
	{ "29: unclean", 5, "N 0,1?,2", NOT_DONE, "N 0,1?,2", "D 0,1x?!,2 f1", false },
	{ "29: uninitialised", 5, "U 0,1?,2", NOT_DONE, "U 0,1?,2", "D 0,1x?!,2 f1", false },
	{ "29: initial sync", 5, "N<INIT<U 0,1?,2/0,1?,2 u5", NOT_DONE, "N<INIT<U 0,1?,2/0,1?,2 u5", "D 0,1x?!,2 f1",
	  false },
	{ "29: reshape, only marks", 5, "N<GEN<N 0,1?,2,3/0,1?,2 u2", NOT_DONE, "N<GEN<N 0,1?,2,3/0,1?,2 u2",
	  "N<GEN<N 0,1x?!,2,3/0,1x?!,2 f1 u2", false },
	{ "29: rebuild, its disk", 5, "N<REBUILD<D 0,3?,2/0,3?!,2 f1 u7", DONE, "N<REBUILD<D 0,3?,2/0,3?!,2 f1 u7",
	  "D 0,3x?!,2 f1", false },
	{ "29: rebuild, another", 5, "N<REBUILD<D 0?,3,2/0?,3!,2 f1 u7", DONE, "N<REBUILD<D 0?,3,2/0?,3!,2 f1 u7",
	  "F 0x?!,3!,2 f0", false },
	{ "29: rebuild, a slot was failed before", 10, "D<REBUILD<D 0,4,2,3x?!/0,4!,2,3x?! f1 u7", DONE,
	  "D<REBUILD<D 0,4,2,3x?!/0,4!,2,3x?! f1 u7", NULL, false },
	{ "29: rebuild by firmware, old disk in map 1", 1, "N<REBUILD<D 0,2/0,1? f1 u7", DONE,
	  "N<REBUILD<D 0,2/0,1? f1 u7", NULL, false },
	{ "29: known already", 5, "D 0,1x?!,2 f1", DONE, "D 0,1x?!,2 f1", NULL, false },
	{ "29: rebuild, a slot flagged in map 0 only", 10, "D<REBUILD<D 0,4,2?!,3/0,4!,2?,3 f1 u7", DONE,
	  "D<REBUILD<D 0,4,2?!,3/0,4!,2?,3 f1 u7", "D<REBUILD<D 0,4,2x?!,3/0,4!,2x?!,3 f1 u7", false },
	/* md goes on with the other pair, and so does the record: else nothing would tell that it ends. */
	{ "29: rebuild of another pair", 10, "N<REBUILD<D 0,4,2?,3/0,4!,2?,3 f1 u7", DONE,
	  "N<REBUILD<D 0,4,2?,3/0,4!,2?,3 f1 u7", "D<REBUILD<D 0,4,2x?!,3/0,4!,2x?!,3 f1 u7", false },
	{ "29: rebuild of another pair, failed elsewhere", 10, "N<REBUILD<D 4,1,2,3x/4!,1,2,3x f0 u7", DONE,
	  "N<REBUILD<D 4,1,2,3x/4!,1,2,3x f0 u7", "D<REBUILD<D 4,1,2,3x!/4!,1,2,3x! f0 u7", false },
	{ "29: rebuild of another pair, its disk, too", 10, "N<REBUILD<D 0,4?,2?,3/0,4?!,2?,3 f1 u7", DONE,
	  "N<REBUILD<D 0,4?,2?,3/0,4?!,2?,3 f1 u7", "D 0,4x?!,2x?!,3 f1", false },
	{ "29: rebuild, its partner", 10, "N<REBUILD<D 0?,4,2,3/0?,4!,2,3 f1 u7", DONE,
	  "N<REBUILD<D 0?,4,2,3/0?,4!,2,3 f1 u7", "F 0x?!,4!,2,3 f0", false },
	{ "29: nothing is missing", 10, "D<REBUILD<D 0,4,2!,3/0,4!,2,3 f1 u7", DONE,
	  "D<REBUILD<D 0,4,2!,3/0,4!,2,3 f1 u7", NULL, false },
	{ "29: failed while nobody watched this volume", 5, "N 0,1x,2", DONE, "N 0,1x,2", "D 0,1x!,2 f1", false },
};

/* Marks of missing disks as they are after loading. */
static void mark_missing_entries(void)
{
	for (uint32_t i = 0; i < ifx.c.meta.num_disks; i++)
		if (imsm_disk_failed(&ifx.c, i) && !imsm_disk_present(&ifx.c, i))
			ifx.c.meta.disk[i].scsi_id = le32_make(IMSM_SCSI_ID_MISSING);
}

static void array_for_row(const struct array_row *r, bool dirty)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	ev_container(r->level, r->before);
	mark_missing_entries();
	ifx.c.meta.volume[0].head.dirty = dirty;
	ev_md_reset(0, r->level);
	ifx.ev.resync_start = r->end == DONE ? SECTORS_NONE : 4096;
	/* What is under rebuild has no data yet. */
	for (unsigned slot = 0; imsm_rebuilding(v) && slot < v->map[0].head.num_members; slot++)
		if (v->map[1].ord[slot] != v->map[0].ord[slot])
			ev_md_set(slot, MEMBER_SPARE, 0);
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (!imsm_disk_present(&ifx.c, imsm_ord_index(v->map[0].ord[slot])) ||
		    imsm_disk_failed(&ifx.c, imsm_ord_index(v->map[0].ord[slot])))
			ev_md_remove(slot);
}

static void check_array_row(const struct array_row *r, enum consistency want, bool was_dirty)
{
	/* A running array is written to as well: MARK_DIRTY records missing disks, too. */
	const char *after = want != MARK_CLEAN && r->after_start ? r->after_start : r->after;
	enum consistency expected = want, got;
	bool due, changed;

	if (want == MARK_DECIDE)
		expected = r->clean_start ? MARK_CLEAN : MARK_DIRTY;
	array_for_row(r, was_dirty);
	got = ev_tell_array(want, &due);
	if (strcmp(ifx_text(&ifx, 0), after) != 0)
		fail_msg("row %s, want %d: %s expected, %s found", r->row, want, after, ifx_text(&ifx, 0));
	if (got != expected)
		fail_msg("row %s, want %d: settled on %d", r->row, want, got);
	if ((ifx.c.meta.volume[0].head.dirty != 0) != (expected == MARK_DIRTY))
		fail_msg("row %s, want %d: dirty is %d", r->row, want, ifx.c.meta.volume[0].head.dirty);
	changed = strcmp(r->before, after) || was_dirty != (expected == MARK_DIRTY);
	if (due != changed)
		fail_msg("row %s, want %d: write_due is %d", r->row, want, due);
}

static void test_array_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(array_rows) / sizeof(array_rows[0]); i++)
		for (int want = MARK_DIRTY; want <= MARK_DECIDE; want++)
			for (int was_dirty = 0; was_dirty <= 1; was_dirty++)
				check_array_row(&array_rows[i], (enum consistency)want, was_dirty);
}

static void test_no_resync_beside_a_reshape(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 0;
	ev_tell_array(MARK_CLEAN, &due);
	assert_false(due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
}

static void test_no_resync_of_a_stopped_array(void **state)
{
	static const enum array_state stopped[] = { ARRAY_GONE, ARRAY_CLEAR, ARRAY_INACTIVE };
	bool due;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		ev_container(5, "N 0,1,2");
		ev_md_reset(0, 5);
		ifx.ev.state = stopped[i];
		ifx.ev.resync_start = 0;
		ev_tell_array(MARK_CLEAN, &due);
		assert_false(due);
		assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	}
}

/*
 * A RAID10 was started dirty without one of its disks: md resyncs the other pair, but the metadata have no words for a
 * resync of a degraded volume. So it stays dirty until md has done that.
 */
static void test_dirty_until_degraded_raid10_is_resynced(void **state)
{
	bool due;

	(void)state;
	ev_container(10, "D 0,1x!,2,3 f1");
	ev_md_reset(0, 10);
	ev_md_remove(1);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ifx.ev.resync_start = 0;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_DIRTY);
	assert_false(due);
	ifx.ev.resync_start = 4096;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_DIRTY);
	ifx.ev.state = ARRAY_INACTIVE;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_DIRTY);
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, IMSM_DIRTY);
	ifx.ev.state = ARRAY_CLEAN;
	ifx.ev.resync_start = SECTORS_NONE;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
}

/*
 * A member failed before a dirty array was compared, and a spare has been rebuilt: md compares afterwards. It is stopped before
 * it has begun to. Life (seed 1001300470077): ... boot abcd; daemon; pull b; run 6; sync 0 5; busy 1; stop 0; run 2
 */
static void test_stopped_between_rebuild_and_resync(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1,2");
	ev_md_reset(0, 5);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ifx.ev.resync_start = 0;
	ifx.ev.state = ARRAY_GONE;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_DIRTY);
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, IMSM_DIRTY);
	/* with one missing there is nothing to compare */
	ev_container(5, "D 0,1x!,2 f1");
	ev_md_reset(0, 5);
	ev_md_remove(1);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ifx.ev.resync_start = 0;
	ifx.ev.state = ARRAY_GONE;
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
}

static void test_dirty_values(void **state)
{
	static const uint8_t expected[] = { 1, 3, 1, 3, 1, 1, 1 };
	bool due;

	(void)state;
	for (uint8_t policy = 0; policy <= IMSM_RWH_BITMAP; policy++) {
		ev_container(5, "N 0,1,2");
		ifx.c.meta.volume[0].head.rwh_policy = policy;
		ev_md_reset(0, 5);
		assert_int_equal(ev_tell_array(MARK_DIRTY, &due), MARK_DIRTY);
		assert_int_equal(ifx.c.meta.volume[0].head.dirty, expected[policy]);
		assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
		assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
	}
}

/* What md works with, or is rebuilding, is not lost. */
static void test_not_lost(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7");
	ev_md_reset(0, 5);
	ev_md_set(1, MEMBER_SPARE, 0);
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u7");
	/* The disk failed in another volume of the matrix a moment ago; md is going to report it here, too. */
	ev_container(5, "N<INIT<U 0,1x,2/0,1x,2 u5");
	ev_md_reset(0, 5);
	ifx.ev.resync_start = 4096;
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<INIT<U 0,1x,2/0,1x,2 u0");
}

/* The disk failed while it was there and was taken out afterwards: it keeps the mark of that. */
static void test_failed_disk_is_not_missing(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "D 0,1x?!,2 f1");
	ev_md_reset(0, 5);
	ev_md_remove(1);
	ev_tell_array(MARK_CLEAN, &due);
	assert_false(due);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	ev_tell_array(MARK_DIRTY, &due);
	assert_false(due);
	assert_memory_equal(ifx.c.meta.disk[1].serial, "DISK1:0\0\0\0\0\0\0\0\0", IMSM_SERIAL_LEN);
	assert_int_not_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
}

static void test_missing_marks(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1?,2");
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_unlink(&ifx, 5); /* missing as well, but of no volume */
	ev_md_reset(0, 5);
	ev_md_remove(1);
	ev_tell_array(MARK_DECIDE, &due);
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
	assert_true(ifx_table_serial_is(&ifx, 5, "DISK5"));
	/* The other volume is not marked again. */
	imsm_set_array_state(&ifx.c, 1, &ifx.ev, MARK_DECIDE);
	assert_true(ifx_table_serial_is(&ifx, 1, "ISK1:0"));
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1x?!,2 f1");
}

/* ---- resync complete, per level ---- */

static void test_resync_complete(void **state)
{
	static const struct {
		int level, layout, raid_disks;
		uint64_t end;
	} rows[] = {
		{ 1, 0, 2, FX_PER_DEV },
		{ 4, 0, 3, FX_PER_DEV },
		{ 5, 0, 3, FX_PER_DEV },
		{ 6, 0, 4, FX_PER_DEV },
		{ 10, 0x102, 4, FX_PER_DEV * 2 },
		{ 10, 0x102, 6, FX_PER_DEV * 3 },
		{ 10, 0x201, 4, FX_PER_DEV * 2 },
		{ 10, 0x202, 4, FX_PER_DEV },
		{ 10, 0, 4, FX_PER_DEV * 4 }, /* nonsense, but no division by zero */
		{ 0, 0, 2, 0 },
		{ -1, 0, 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int below = 0; below <= 1; below++) {
			bool due;

			if (!rows[i].end && below)
				continue;
			ev_container(5, "N<REPAIR<N 0,1,2/0,1,2 u5");
			ev_md_reset(0, rows[i].level);
			ifx.ev.layout = rows[i].layout;
			ifx.ev.raid_disks = rows[i].raid_disks;
			ifx.ev.resync_start = rows[i].end - (uint64_t)below;
			ev_tell_array(MARK_CLEAN, &due);
			assert_int_equal(ifx.c.meta.volume[0].head.migr_state, below);
		}
	}
}

/* ---- the end of a reshape ---- */

/* A daemon that died may have recorded the end of a reshape without having the kernel offer the new room. */
static void test_size_is_told_when_nobody_reshapes(void **state)
{
	uint64_t blocks;

	(void)state;
	ev_container(5, "N 0,1,2");
	blocks = imsm_volume_blocks(&ifx.c.meta.volume[0]);
	ev_md_reset(0, 5);
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 0);
	ifx.ev.reshape_idle = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, blocks);
	ev_container(5, "D<GEN<D 0,1,2,3/0,1,2 f1 u2"); /* not reached yet */
	ev_md_reset(0, 5);
	ifx.ev.reshape_idle = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 0);
}

/* A takeover to RAID0 is recorded while md still has the mirror: its slots mean other disks. */
static void test_md_lags_behind_a_takeover(void **state)
{
	bool due;

	(void)state;
	ev_container(0, "N 0,1");
	ev_md_reset(0, 10);
	ifx.ev.raid_disks = 4;
	ifx.ev.resync_start = 0;
	ifx.c.write_due = false;
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_int_equal(ev_tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_false(due);
	/* mdadm reshapes a RAID0 as RAID4: those are its slots */
	ev_md_reset(0, 4);
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "F 0,1x! f1");
}

static void test_no_such_volume(void **state)
{
	static struct ifx_snapshot before;

	(void)state;
	ev_container(5, "N 0,1,2");
	ev_md_reset(0, 5);
	ifx_save(&ifx, &before);
	assert_int_equal(imsm_set_array_state(&ifx.c, 1, &ifx.ev, MARK_DIRTY), MARK_DIRTY);
	imsm_set_disk(&ifx.c, 8, 0, MEMBER_FAULTY, &ifx.ev);
	ifx_assert_unchanged(&ifx, &before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array_rows),
		cmocka_unit_test(test_no_resync_beside_a_reshape),
		cmocka_unit_test(test_no_resync_of_a_stopped_array),
		cmocka_unit_test(test_stopped_between_rebuild_and_resync),
		cmocka_unit_test(test_dirty_values),
		cmocka_unit_test(test_dirty_until_degraded_raid10_is_resynced),
		cmocka_unit_test(test_missing_marks),
		cmocka_unit_test(test_failed_disk_is_not_missing),
		cmocka_unit_test(test_not_lost),
		cmocka_unit_test(test_resync_complete),
		cmocka_unit_test(test_size_is_told_when_nobody_reshapes),
		cmocka_unit_test(test_md_lags_behind_a_takeover),
		cmocka_unit_test(test_no_such_volume),
	};

	return cmocka_run_group_tests_name("imsm-events-array", tests, NULL, NULL);
}
