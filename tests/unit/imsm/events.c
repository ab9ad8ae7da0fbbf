/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/events.c: tables before, event, after. The rows of imsm.md 6.4 are named by their number. */
#include "tests/unit/support/imsm-fixture.h"


#define CONTAINER_DISKS 6

static unsigned container(int level, const char *text)
{
	ifx_init(&ifx, CONTAINER_DISKS);
	return ifx_volume(&ifx, level, text);
}

/* ---- md as the monitor sees it ---- */

static void md_reset(unsigned volume, int md_level)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[volume];

	ifx.ev = (struct imsm_event){
		.state = ARRAY_CLEAN,
		.action = SYNC_IDLE,
		.prev_action = SYNC_IDLE,
		.resync_start = SECTORS_NONE,
		.component_size = FX_PER_DEV,
		.level = md_level,
		.raid_disks = v->map[0].head.num_members,
		.layout = md_level == 10 ? 0x102 : 0,
	};
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		ifx.ev.disk[ifx.ev.disk_count++] = (struct imsm_event_disk){
			.slot = (int)slot,
			.state = MEMBER_IN_SYNC,
			.recovery_start = SECTORS_NONE,
		};
}

static void md_remove(unsigned slot)
{
	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		if (ifx.ev.disk[i].slot == (int)slot)
			ifx.ev.disk[i--] = ifx.ev.disk[--ifx.ev.disk_count];
}

static void md_set(unsigned slot, unsigned state, uint64_t recovery_start)
{
	ifx.ev.disk[slot].state = state;
	ifx.ev.disk[slot].recovery_start = recovery_start;
}

/* ---- events: each is fired twice; the second time must not change a byte ---- */

static void assert_again_nothing(void (*fire)(const void *), const void *arg)
{
	static struct ifx_snapshot before;

	ifx.c.write_due = false;
	ifx_save(&ifx, &before);
	fire(arg);
	if (ifx.c.write_due)
		fail_msg("not idempotent: %s", ifx_text(&ifx, 0));
	ifx_assert_unchanged(&ifx, &before);
}

static void fire_disk(const void *arg)
{
	int slot = *(const int *)arg;

	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		if (ifx.ev.disk[i].slot == slot)
			imsm_set_disk(&ifx.c, 0, slot, ifx.ev.disk[i].state, &ifx.ev);
}

/* Returns whether a write was asked for. */
static bool tell_disk(int slot)
{
	bool due;

	ifx.c.write_due = false;
	fire_disk(&slot);
	due = ifx.c.write_due;
	ifx_assert_writable(&ifx);
	assert_again_nothing(fire_disk, &slot);
	return due;
}

static void fire_array(const void *arg)
{
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, *(const enum consistency *)arg);
}

static enum consistency tell_array(enum consistency want, bool *due)
{
	enum consistency got;

	ifx.c.write_due = false;
	got = imsm_set_array_state(&ifx.c, 0, &ifx.ev, want);
	*due = ifx.c.write_due;
	ifx_assert_writable(&ifx);
	/* Not `want`: a decision may be another one when the migration has ended. */
	assert_again_nothing(fire_array, &got);
	return got;
}

/* ---- rows about members ---- */

enum what { FAULTY, IN_SYNC, UNFINISHED, RESHAPE_DONE, RESHAPE_STOPPED, NOTHING };

struct disk_row {
	const char *row;
	int level;
	const char *before;
	enum what what;
	int slot;
	const char *after;
};

static const struct disk_row disk_rows[] = {
	{ "1: first failure", 5, "N 0,1,2", FAULTY, 1, "D 0,1x!,2 f1" },
	{ "1: RAID1", 1, "N 0,1", FAULTY, 0, "D 0x!,1 f0" },
	{ "1: RAID10", 10, "N 0,1,2,3", FAULTY, 3, "D 0,1,2,3x! f3" },
	{ "1: slot is not index", 5, "N 2,0,1", FAULTY, 0, "D 2x!,0,1 f0" },
	{ "2: RAID5, second failure", 5, "D 0,1x!,2 f1", FAULTY, 2, "F 0,1x!,2x! f1" },
	{ "2: lower slot", 5, "D 0,1x!,2 f1", FAULTY, 0, "F 0x!,1x!,2 f0" },
	{ "2: RAID1", 1, "D 0x!,1 f0", FAULTY, 1, "F 0x!,1x! f0" },
	{ "2: RAID10, the partner", 10, "D 0x!,1,2,3 f0", FAULTY, 1, "F 0x!,1x!,2,3 f0" },
	{ "3: uninitialised", 5, "U 0,1,2", FAULTY, 1, "D 0,1x!,2 f1" },
	{ "3: uninitialised, nothing left", 5, "U 0,1x!,2 f1", FAULTY, 2, "F 0,1x!,2x! f1" },
	{ "4: RAID10, other pair, higher", 10, "D 0x!,1,2,3 f0", FAULTY, 3, "D 0x!,1,2,3x! f0" },
	{ "4: RAID10, other pair, lower", 10, "D 0,1,2,3x! f3", FAULTY, 0, "D 0x!,1,2,3x! f0" },
	{ "1: number of a good slot is a leftover", 5, "N 0,1,2 f0", FAULTY, 2, "D 0,1,2x! f2" },
	{ "9: initial sync", 5, "N<INIT<U 0,1,2/0,1,2 u5", FAULTY, 1, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5" },
	{ "11: initial sync, nothing left", 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", FAULTY, 0, "F 0x!,1x!,2 f0" },
	{ "13: repair", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", FAULTY, 2, "N<REPAIR<N 0,1,2x!/0,1,2x! f2 u5" },
	{ "2: repair, nothing left", 5, "N<REPAIR<N 0,1,2x!/0,1,2x! f2 u5", FAULTY, 1, "F 0,1x!,2x! f1" },
	{ "18: rebuilt, RAID1", 1, "N<REBUILD<D 0,1/0,1! f1 u7", IN_SYNC, 1, "N 0,1" },
	{ "18: rebuilt, RAID5", 5, "N<REBUILD<D 0,1,3/0,1,3! f2 u7", IN_SYNC, 2, "N 0,1,3" },
	{ "18: seen at another member", 5, "N<REBUILD<D 0,1,3/0,1,3 f2 u7", IN_SYNC, 0, "N 0,1,3" },
	{ "18: firmware kept the old disk in map 1", 1, "N<REBUILD<D 0,2/0,1 f1 u7", IN_SYNC, 1, "N 0,2" },
	{ "19: interrupted", 1, "N<REBUILD<D 0,1/0,1! f1 u7", UNFINISHED, 1, "N<REBUILD<D 0,1/0,1! f1 u7" },
	{ "19: interrupted, told of another member", 1, "N<REBUILD<D 0,1/0,1! f1 u7", IN_SYNC, 0,
	  "N<REBUILD<D 0,1/0,1! f1 u7" },
	{ "19: interrupted, firmware", 1, "N<REBUILD<D 0,2/0,1 f1 u7", IN_SYNC, 0, "N<REBUILD<D 0,2/0,1 f1 u7" },
	{ "20: the new disk died, RAID1", 1, "N<REBUILD<D 0,1/0,1! f1 u7", FAULTY, 1, "D 0,1x! f1" },
	{ "20: RAID5", 5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", FAULTY, 1, "D 0,3x!,2 f1" },
	{ "20: another slot is failed, too", 10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7", FAULTY, 1,
	  "D 0,4x!,2,3x! f1" },
	{ "21: other pair", 10, "N<REBUILD<D 0,1,2,3/0,1!,2,3 f1 u7", FAULTY, 3,
	  "D<REBUILD<D 0,1,2,3x!/0,1!,2,3x! f1 u7" },
	{ "21: other pair, lower slot", 10, "N<REBUILD<D 0,1,2,3/0,1,2,3! f3 u7", FAULTY, 0,
	  "D<REBUILD<D 0x!,1,2,3/0x!,1,2,3! f3 u7" },
	{ "22: one of two", 10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7", IN_SYNC, 1, "D 0,4,2,3x! f3" },
	{ "22: highest slot", 10, "D<REBUILD<D 0,1x!,4,2,5,3x!/0,1x!,4!,2,5,3x! f1 u7", IN_SYNC, 2,
	  "D 0,1x!,4,2,5,3x! f5" },
	{ "22: the first of two new disks is done", 10, "N<REBUILD<D 0,4,2,5/0,4!,2,5! f1 u7", IN_SYNC, 1,
	  "N<REBUILD<D 0,4,2,5/0,4,2,5! f1 u7" },
	{ "22: one of two new disks died, the other goes on", 10, "N<REBUILD<D 0,4,2,5/0,4!,2,5! f1 u7", FAULTY, 1,
	  "D<REBUILD<D 0,4x!,2,5/0,4x!,2,5! f1 u7" },
	{ "22: the second died after the first was done", 10, "N<REBUILD<D 0,4,2,5/0,4,2,5! f1 u7", FAULTY, 3,
	  "D 0,4,2,5x! f3" },
	{ "23: RAID5, other member", 5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7", FAULTY, 2, "F 0,3!,2x! f1" },
	{ "24: RAID10, partner", 10, "N<REBUILD<D 0,1,2,3/0,1!,2,3 f1 u7", FAULTY, 0, "F 0x!,1!,2,3 f1" },
	{ "24: RAID1", 1, "N<REBUILD<D 0,1/0,1! f1 u7", FAULTY, 0, "F 0x!,1! f1" },
	{ "25: reshape", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", FAULTY, 1, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2" },
	{ "25: reshape, the added disk", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", FAULTY, 3, "D<GEN<N 0,1,2,3x!/0,1,2 f3 u2" },
	{ "26: reshape, nothing left", 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2", FAULTY, 0,
	  "F<GEN<D 0x!,1x!,2,3/0x!,1x!,2 f0 u2" },
	{ "27: reshape done", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", RESHAPE_DONE, 0, "N 0,1,2,3" },
	{ "27: reshape done, degraded", 5, "D<GEN<D 0,1x!,2,3/0,1x!,2 f1 u2", RESHAPE_DONE, 0, "D 0,1x!,2,3 f1" },
	{ "28: reshape interrupted", 5, "N<GEN<N 0,1,2,3/0,1,2 u2", RESHAPE_STOPPED, 0, "N<GEN<N 0,1,2,3/0,1,2 u2" },
	{ "24: RAID10, partner, the other way round", 10, "N<REBUILD<D 4,1,2,3/4!,1,2,3 f0 u7", FAULTY, 1,
	  "F 4!,1x!,2,3 f0" },
	{ "20: slot 0", 10, "D<REBUILD<D 4,1,2,3x!/4!,1,2,3x! f0 u7", FAULTY, 0, "D 4x!,1,2,3x! f0" },
	{ "20: firmware kept the old disk in map 1", 1, "N<REBUILD<D 0,2/0,1 f1 u7", FAULTY, 1, "D 0,2x! f1" },
	{ "22: slot 0 is left", 10, "D<REBUILD<D 0x!,1,2,4/0x!,1,2,4! f3 u7", IN_SYNC, 3, "D 0x!,1,2,4 f0" },
	{ "25: the state of a reshape is brought up to date", 5, "D<GEN<N 0,1,2,3/0,1,2 f1 u2", IN_SYNC, 0,
	  "N<GEN<N 0,1,2,3/0,1,2 u2" },
	{ "25: the number of the failed slot alone", 5, "N<GEN<N 0,1,2,3/0,1,2 f1 u2", IN_SYNC, 0,
	  "N<GEN<N 0,1,2,3/0,1,2 u2" },
	{ "nothing: healthy", 5, "N 0,1,2", IN_SYNC, 1, "N 0,1,2" },
	{ "nothing: uninitialised", 5, "U 0,1,2", IN_SYNC, 1, "U 0,1,2" },
	{ "nothing: no such slot", 5, "N 0,1,2", NOTHING, 3, "N 0,1,2" },
	{ "nothing: negative slot", 5, "N 0,1,2", NOTHING, -1, "N 0,1,2" },
	{ "in sync does not heal a failed disk", 5, "D 0,1x!,2 f1", IN_SYNC, 1, "D 0,1x!,2 f1" },
	{ "nor during a rebuild", 10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7", IN_SYNC, 3,
	  "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7" },
	{ "nor one that failed in another volume", 10, "N<REBUILD<D 0,4x,2,3/0,4x!,2,3 f1 u7", IN_SYNC, 1,
	  "D 0,4x!,2,3 f1" },
	{ "nor a flag without a rebuild", 5, "D 0,1!,2 f1", IN_SYNC, 1, "D 0,1!,2 f1" },
	{ "a member whose disk left the container fails", 5, "N 0,1?,2", FAULTY, 1, "D 0,1x?!,2 f1" },
};

static void md_for_row(const struct disk_row *r)
{
	unsigned slot = (unsigned)r->slot;
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	md_reset(0, r->level);
	if (r->what == NOTHING)
		return;
	ifx.ev.reshape_done = r->what == RESHAPE_DONE;
	/* md does not have the failed ones; what is under rebuild has no data yet. */
	for (unsigned i = 0; i < v->map[0].head.num_members; i++) {
		if (imsm_rebuilding(v) && v->map[1].ord[i] != v->map[0].ord[i])
			md_set(i, MEMBER_SPARE, 0);
		if (v->map[0].ord[i] & IMSM_ORD_REBUILD && i != slot)
			md_set(i, MEMBER_FAULTY, 0);
	}
	if (r->what == FAULTY)
		md_set(slot, MEMBER_FAULTY, 0);
	else if (r->what == IN_SYNC)
		md_set(slot, MEMBER_IN_SYNC, SECTORS_NONE);
}

static void test_disk_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(disk_rows) / sizeof(disk_rows[0]); i++) {
		const struct disk_row *r = &disk_rows[i];
		bool due;

		container(r->level, r->before);
		md_for_row(r);
		due = tell_disk(r->slot);
		if (strcmp(ifx_text(&ifx, 0), r->after) != 0)
			fail_msg("row %s: %s expected, %s found", r->row, r->after, ifx_text(&ifx, 0));
		if (due != !!strcmp(r->before, r->after))
			fail_msg("row %s: write_due is %d", r->row, due);
		if (!ifx.c.meta.volume[0].head.migr_state && strchr(r->before, '<') && ifx.ev.last_checkpoint)
			fail_msg("row %s: the checkpoint survived the migration", r->row);
	}
}

/* A pass may tell of every member, in any order, with its state or with 0. */
static void test_disks_in_any_order(void **state)
{
	(void)state;
	container(10, "N<REBUILD<D 0,4,2,5/0,4!,2,5! f1 u7");
	md_reset(0, 10);
	md_set(3, MEMBER_SPARE, 4096);
	for (int slot = 3; slot >= 0; slot--)
		tell_disk(slot);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,4,2,5/0,4,2,5! f1 u8");
	md_set(3, 0, 4096); /* its state could not be read */
	tell_disk(3);
	md_set(3, MEMBER_IN_SYNC, SECTORS_NONE);
	for (int slot = 0; slot < 4; slot++)
		tell_disk(slot);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,4,2,5");
}

/* The monitor may still have the copy of the array from before the spare was added. */
static void test_rebuild_not_ended_by_old_copy(void **state)
{
	(void)state;
	container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	md_reset(0, 5);
	md_remove(1);
	for (int slot = 0; slot < 3; slot++)
		assert_false(tell_disk(slot));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
}

static void test_not_all_recovered(void **state)
{
	(void)state;
	/* A member that the metadata knows nothing of is still being recovered. */
	container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	md_reset(0, 5);
	ifx.ev.disk[ifx.ev.disk_count++] = (struct imsm_event_disk){ .slot = 7, .recovery_start = 100 };
	tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3,2 f1 u0");
	ifx.ev.disk_count--;
	tell_disk(0);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,3,2");

	container(10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u0");
	md_reset(0, 10);
	md_set(3, MEMBER_SPARE, 100);
	tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4,2,3x!/0,4,2,3x! f1 u0");
	md_remove(3);
	tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,4,2,3x! f3");
}

/* One disk of which we could not read the metadata must not condemn the volume that works with it. */
static void test_unknown_disk_in_use(void **state)
{
	bool due;

	(void)state;
	container(5, "N 0,1?,2?");
	md_reset(0, 5);
	assert_false(tell_disk(0));
	tell_array(MARK_DECIDE, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1?,2?");
	md_set(1, MEMBER_FAULTY, 0);
	assert_true(tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2? f1");
}

/* It counts as lost when md does not have its data: not a member, or not in sync. */
static void test_unknown_disk_without_data(void **state)
{
	(void)state;
	container(5, "N 0,1?,2");
	md_reset(0, 5);
	md_set(1, MEMBER_SPARE, 0);
	assert_true(tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1?,2");
	container(5, "N<INIT<U 0,1?,2/0,1?,2 u5");
	md_reset(0, 5);
	md_remove(1);
	assert_true(tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "D<INIT<U 0,1?,2/0,1?,2 u5");
	/* Each slot of a pair has its own member. */
	container(10, "N 0,1?,2,3");
	md_reset(0, 10);
	md_set(0, MEMBER_FAULTY, 0);
	tell_disk(0);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,1?,2,3 f0");
}

static void test_reshape_not_ended_while_it_runs(void **state)
{
	(void)state;
	container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	md_reset(0, 5);
	ifx.ev.action = SYNC_RESHAPE;
	ifx.ev.last_checkpoint = FX_PER_DEV;
	assert_false(tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3/0,1,2 u2");
}

static void test_failure_marks(void **state)
{
	struct imsm_meta *meta = &ifx.c.meta;

	(void)state;
	container(5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 0,1,2");
	meta->num_bad = 3;
	meta->bad[0] = (struct imsm_bad_range){ 10, 8, 1 };
	meta->bad[1] = (struct imsm_bad_range){ 20, 8, 2 };
	meta->bad[2] = (struct imsm_bad_range){ 30, 8, 1 };
	assert_true(imsm_mark_failure(&ifx.c, &meta->volume[0], 1));
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_int_equal(le32_get(meta->disk[1].status), IMSM_DISK_CONFIGURED | IMSM_DISK_FAILED);
	assert_int_equal(meta->num_bad, 1);
	assert_int_equal(meta->bad[0].sector, 20);
	assert_false(imsm_mark_failure(&ifx.c, &meta->volume[0], 1));
	/* The second volume of the matrix is told, but the disk is marked once. */
	assert_true(imsm_mark_failure(&ifx.c, &meta->volume[1], 1));
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1x!,2 f1");
	/* What we remember of the disk itself is never marked. */
	assert_memory_equal(ifx.dl[1].serial, "DISK1", 6);
	/* Not a member. */
	assert_false(imsm_mark_failure(&ifx.c, &meta->volume[0], 4));
	assert_false(imsm_mark_failure(&ifx.c, &meta->volume[0], 200));
}

static void test_checkpoint_from_recovery_start(void **state)
{
	(void)state;
	container(1, "N<REBUILD<D 0,1/0,1! f1 u7");
	md_reset(0, 1);
	md_set(1, MEMBER_SPARE, 512 * 9 + 511);
	assert_true(tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1/0,1! f1 u9");
	assert_int_equal(ifx.ev.last_checkpoint, 512 * 9 + 511);
	/* It lags behind what md reported: never back. */
	md_set(1, MEMBER_SPARE, 512 * 3);
	assert_false(tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1/0,1! f1 u9");
	/* Two disks: the one that is behind counts. A member without a slot does not. */
	container(10, "N<REBUILD<D 4,1,2,5/4!,1,2,5! f0 u0");
	md_reset(0, 10);
	md_set(0, MEMBER_SPARE, 512 * 3);
	md_set(3, MEMBER_SPARE, 512 * 8);
	ifx.ev.disk[ifx.ev.disk_count++] = (struct imsm_event_disk){ .slot = -1, .recovery_start = 512 };
	tell_disk(3);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 4,1,2,5/4!,1,2,5! f0 u3");
}

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
	{ "7", 5, "N<INIT<U 0,1,2/0,1,2 u5", NOT_DONE, "N<INIT<U 0,1,2/0,1,2 u5", NULL, false },
	{ "8", 5, "N<INIT<U 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "8: left as U", 5, "U<INIT<U 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "10", 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", DONE, "D 0,1x!,2 f1", NULL, false },
	{ "10: not yet", 5, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", NOT_DONE, "D<INIT<U 0,1x!,2/0,1x!,2 f1 u5", NULL, false },
	{ "12", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "12: not yet", 5, "N<REPAIR<N 0,1,2/0,1,2 u5", NOT_DONE, "N<REPAIR<N 0,1,2/0,1,2 u5", NULL, false },
	{ "14", 5, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5", DONE, "D 0,1x!,2 f1", NULL, false },
	{ "15", 5, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5", NOT_DONE, "N<REPAIR<N 0,1x!,2/0,1x!,2 f1 u5", NULL, false },
	{ "30", 5, "N<VERIFY<N 0,1,2/0,1,2 u5", DONE, "N 0,1,2", NULL, false },
	{ "30: not yet", 5, "N<VERIFY<N 0,1,2/0,1,2 u5", NOT_DONE, "N<VERIFY<N 0,1,2/0,1,2 u5", NULL, false },
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
	  "D<REBUILD<D 0,4,2?!,3/0,4!,2?,3 f1 u7", "D 0,4!,2x?!,3 f1", false },
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

	container(r->level, r->before);
	mark_missing_entries();
	ifx.c.meta.volume[0].head.dirty = dirty;
	md_reset(0, r->level);
	ifx.ev.resync_start = r->end == DONE ? SECTORS_NONE : 4096;
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (!imsm_disk_present(&ifx.c, imsm_ord_index(v->map[0].ord[slot])) ||
		    imsm_disk_failed(&ifx.c, imsm_ord_index(v->map[0].ord[slot])))
			md_remove(slot);
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
	got = tell_array(want, &due);
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
	container(5, "N 0,1,2");
	ifx_volume(&ifx, 5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	md_reset(0, 5);
	ifx.ev.resync_start = 0;
	tell_array(MARK_CLEAN, &due);
	assert_false(due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
}

static void test_no_resync_of_a_stopped_array(void **state)
{
	static const enum array_state stopped[] = { ARRAY_GONE, ARRAY_CLEAR, ARRAY_INACTIVE };
	bool due;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		container(5, "N 0,1,2");
		md_reset(0, 5);
		ifx.ev.state = stopped[i];
		ifx.ev.resync_start = 0;
		tell_array(MARK_CLEAN, &due);
		assert_false(due);
		assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	}
}

static void test_dirty_values(void **state)
{
	static const uint8_t expected[] = { 1, 3, 1, 3, 1, 1, 1 };
	bool due;

	(void)state;
	for (uint8_t policy = 0; policy <= IMSM_RWH_BITMAP; policy++) {
		container(5, "N 0,1,2");
		ifx.c.meta.volume[0].head.rwh_policy = policy;
		md_reset(0, 5);
		assert_int_equal(tell_array(MARK_DIRTY, &due), MARK_DIRTY);
		assert_int_equal(ifx.c.meta.volume[0].head.dirty, expected[policy]);
		assert_int_equal(tell_array(MARK_CLEAN, &due), MARK_CLEAN);
		assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
	}
}

/* What md works with, or is rebuilding, is not lost. */
static void test_not_lost(void **state)
{
	bool due;

	(void)state;
	container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u7");
	md_reset(0, 5);
	md_set(1, MEMBER_SPARE, 0);
	tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u7");
	/* It failed in another volume of the matrix a moment ago; md is going to report it here, too. */
	container(5, "N<INIT<U 0,1x,2/0,1x,2 u5");
	md_reset(0, 5);
	ifx.ev.resync_start = 4096;
	tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<INIT<U 0,1x,2/0,1x,2 u5");
}

/* It failed while it was there and was taken out afterwards. */
static void test_missing_mark_alone(void **state)
{
	bool due;

	(void)state;
	container(5, "D 0,1x?!,2 f1");
	md_reset(0, 5);
	md_remove(1);
	tell_array(MARK_CLEAN, &due);
	assert_false(due);
	ifx.c.meta.volume[0].head.dirty = IMSM_DIRTY;
	tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_memory_equal(ifx.c.meta.disk[1].serial, "ISK1:0\0\0\0\0\0\0\0\0\0", IMSM_SERIAL_LEN);
	assert_int_equal(le32_get(ifx.c.meta.disk[1].scsi_id), IMSM_SCSI_ID_MISSING);
}

static void test_missing_marks(void **state)
{
	bool due;

	(void)state;
	container(5, "N 0,1?,2");
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx_unlink(&ifx, 5); /* missing as well, but of no volume */
	md_reset(0, 5);
	md_remove(1);
	tell_array(MARK_DECIDE, &due);
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
			container(5, "N<REPAIR<N 0,1,2/0,1,2 u5");
			md_reset(0, rows[i].level);
			ifx.ev.layout = rows[i].layout;
			ifx.ev.raid_disks = rows[i].raid_disks;
			ifx.ev.resync_start = rows[i].end - (uint64_t)below;
			tell_array(MARK_CLEAN, &due);
			assert_int_equal(ifx.c.meta.volume[0].head.migr_state, below);
		}
	}
}

/* ---- checkpoints ---- */

static void test_checkpoint_stored(void **state)
{
	static const struct {
		const char *before;
		enum sync_action prev, now;
		uint64_t checkpoint;
		uint64_t unit;
	} rows[] = {
		/* RAID5, chunk 128: 384 for a resync, 128 for a rebuild */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9 + 383, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9 - 1, 8 },
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_RESYNC, 384 * 9, 9 },
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", SYNC_REPAIR, SYNC_REPAIR, 384 * 9, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_RECOVER, 128 * 9 + 127, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RESYNC, SYNC_RECOVER, 128 * 9, 9 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_FROZEN, SYNC_RECOVER, 128 * 9, 9 },
		/* interrupted: the last known position is kept */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_IDLE, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_FROZEN, 384 * 9, 9 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 0, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RESYNC, SYNC_NONE, 383, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_NONE, 0, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RECOVER, SYNC_RECOVER, 0, 5 },
		/* nothing was seen running */
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_IDLE, SYNC_RESYNC, 384 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_NONE, SYNC_RESYNC, 384 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_IDLE, SYNC_IDLE, 384 * 9, 5 },
		/* the position of something else */
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_CHECK, SYNC_CHECK, 128 * 9, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_RESYNC, SYNC_RESYNC, 128 * 9, 5 },
		{ "N<REBUILD<D 0,3,2/0,3!,2 f1 u5", SYNC_FROZEN, SYNC_FROZEN, 128 * 9, 5 },
		{ "N<INIT<U 0,1,2/0,1,2 u5", SYNC_RECOVER, SYNC_RECOVER, 384 * 9, 5 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u5", SYNC_RESHAPE, SYNC_RESHAPE, 384 * 9, 5 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u5", SYNC_RESHAPE, SYNC_IDLE, 384 * 9, 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool due;

		container(5, rows[i].before);
		md_reset(0, 5);
		if (!imsm_rebuilding(&ifx.c.meta.volume[0]))
			ifx.ev.resync_start = 384; /* under way */
		ifx.ev.prev_action = rows[i].prev;
		ifx.ev.action = rows[i].now;
		ifx.ev.last_checkpoint = rows[i].checkpoint;
		tell_array(MARK_CLEAN, &due);
		if (imsm_volume_unit(&ifx.c.meta.volume[0]) != rows[i].unit || due != (rows[i].unit != 5))
			fail_msg("checkpoint row %zu: unit %llu", i,
				 (unsigned long long)imsm_volume_unit(&ifx.c.meta.volume[0]));
	}
}

static void test_no_checkpoint_for_a_sync_that_just_began(void **state)
{
	bool due;

	(void)state;
	container(5, "N 0,1,2");
	md_reset(0, 5);
	ifx.ev.resync_start = 384;
	ifx.ev.prev_action = ifx.ev.action = SYNC_RESYNC;
	ifx.ev.last_checkpoint = 384 * 9;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u0");
	tell_array(MARK_CLEAN, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1,2/0,1,2 u9");
}

static void set_chunks(unsigned c0, unsigned c1)
{
	ifx.c.meta.volume[0].map[0].head.blocks_per_strip = le16_make((uint16_t)c0);
	ifx.c.meta.volume[0].map[1].head.blocks_per_strip = le16_make((uint16_t)c1);
}

static void test_blocks_per_unit(void **state)
{
	static const struct {
		int level;
		const char *volume;
		unsigned c0, c1;
		uint64_t bpu;
	} rows[] = {
		{ 1, "N<INIT<U 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<REPAIR<N 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<VERIFY<N 0,1/0,1 u0", 128, 128, 512 },
		{ 1, "N<REBUILD<D 0,1/0,1! u0", 128, 128, 512 },
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 128, 128, 384 },
		{ 5, "N<REPAIR<N 0,1,2,3/0,1,2,3 u0", 64, 64, 256 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 128, 128, 128 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 64, 64, 128 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 256, 256, 256 },
		{ 10, "N<INIT<U 0,1,2,3/0,1,2,3 u0", 128, 128, 256 },
		{ 10, "N<REPAIR<N 0,1,2,3/0,1,2,3 u0", 64, 64, 128 },
		{ 10, "N<REBUILD<D 0,1,2,3/0,1,2,3! u0", 128, 128, 512 },
		{ 10, "N<REBUILD<D 0,1,2,3,4,5/0,1,2,3,4,5! u0", 32, 32, 512 },
		/* RAID1 with a chunk that is larger than half a unit */
		{ 1, "N<INIT<U 0,1/0,1 u0", 256, 256, 512 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 512, 512, 256 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 512, 128, 256 },
		{ 1, "N<INIT<U 0,1/0,1 u0", 1024, 32, 256 },
		/* the maps differ in chunk size */
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 64, 128, 384 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 64, 256, 1024 },
		{ 10, "N<INIT<U 0,1,2,3/0,1,2,3 u0", 64, 256, 512 },
		/* none is kept */
		{ 5, "N 0,1,2", 128, 128, 0 },
		{ 5, "N<GEN<N 0,1,2,3/0,1,2 u0", 128, 128, 0 },
		{ 5, "N<CHANGE<N 0,1,2/0,1,2 u0", 128, 128, 0 },
		/* nonsense must not divide by zero */
		{ 5, "N<INIT<U 0,1,2/0,1,2 u0", 0, 128, 0 },
		{ 5, "N<REBUILD<D 0,1,2/0,1,2! u0", 128, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t bpu;

		container(rows[i].level, rows[i].volume);
		set_chunks(rows[i].c0, rows[i].c1);
		bpu = imsm_blocks_per_unit(&ifx.c.meta.volume[0]);
		if (bpu != rows[i].bpu)
			fail_msg("%s, chunks %u and %u: %llu", rows[i].volume, rows[i].c0, rows[i].c1,
				 (unsigned long long)bpu);
	}
}

static void test_blocks_per_unit_of_unknown_level(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	container(5, "N<INIT<U 0,1,2/0,1,2 u0");
	v->map[0].head.raid_level = v->map[1].head.raid_level = 255;
	assert_int_equal(imsm_blocks_per_unit(v), 0);
	assert_int_equal(imsm_map_data_members(&v->map[0]), 0);
	v->map[0].head.raid_level = 10;
	v->map[0].head.num_domains = v->map[1].head.num_domains = 0;
	imsm_volume_set_migr_type(v, IMSM_MIGR_REBUILD);
	v->map[1].head.raid_level = 10;
	imsm_blocks_per_unit(v);
	imsm_map_update_stripes(&v->map[0], 1000000);
}

/* ---- derived quantities ---- */

static void test_geometry(void **state)
{
	static const struct {
		int level;
		const char *volume;
		unsigned data;
		uint64_t blocks, stripes, per_dev;
	} rows[] = {
		/* the first two are the examples of imsm.md 3.1 */
		{ 5, "N 0,1,2", 2, 32768, 128, 16384 },
		{ 10, "N 0,1,2,3", 2, 81920, 160, 40960 },
		{ 1, "N 0,1", 1, 32768, 128, 32768 },
		{ 0, "N 0,1,2", 3, 98304, 256, 32768 },
		{ 1, "N 0,1,2,3", 2, 81920, 160, 40960 }, /* RAID10 as firmware wants it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct imsm_map *m = &ifx.c.meta.volume[0].map[0];

		container(rows[i].level, rows[i].volume);
		assert_int_equal(imsm_map_data_members(m), rows[i].data);
		imsm_map_update_stripes(m, rows[i].blocks);
		assert_int_equal(imsm_map_stripes(m), rows[i].stripes);
		assert_int_equal(imsm_map_per_dev(m), rows[i].per_dev);
	}
}

/* An independent statement of what each level survives. */
static enum imsm_map_state survives(int level, unsigned members, unsigned bad_slots)
{
	unsigned bad = (unsigned)__builtin_popcount(bad_slots);

	if (!bad)
		return IMSM_NORMAL;
	switch (level) {
	case 0:
		return IMSM_FAILED;
	case 1:
		return bad == members ? IMSM_FAILED : IMSM_DEGRADED;
	case 5:
		return bad > 1 ? IMSM_FAILED : IMSM_DEGRADED;
	}
	for (unsigned pair = 0; pair < members; pair += 2)
		if ((bad_slots >> pair & 3) == 3)
			return IMSM_FAILED;
	return IMSM_DEGRADED;
}

/* Every set of bad slots, each slot bad in one of three ways. */
static void check_degraded_of(int level, unsigned members, unsigned bad_slots, unsigned way)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];
	static const char *const all[] = { "", "", "N 0,1", "N 0,1,2", "N 0,1,2,3", "", "N 0,1,2,3,4,5" };
	unsigned failed;

	container(level, all[members]);
	for (unsigned slot = 0; slot < members; slot++) {
		if (!(bad_slots >> slot & 1))
			continue;
		if (way == 0)
			v->map[0].ord[slot] |= IMSM_ORD_REBUILD;
		else if (way == 1)
			ifx_fail_disk(&ifx, slot);
		else
			ifx_unlink(&ifx, slot);
	}
	failed = imsm_count_failed(&ifx.c, v, IMSM_M0);
	assert_int_equal(failed, __builtin_popcount(bad_slots));
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), failed);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 0);
	assert_int_equal(imsm_check_degraded(&ifx.c, v, failed, IMSM_M0), survives(level, members, bad_slots));
	v->map[0].head.map_state = IMSM_UNINITIALIZED;
	assert_int_equal(imsm_check_degraded(&ifx.c, v, failed, IMSM_M0),
			 failed ? survives(level, members, bad_slots) : IMSM_UNINITIALIZED);
}

static void test_check_degraded(void **state)
{
	static const struct {
		int level;
		unsigned members;
	} rows[] = { { 0, 2 }, { 0, 3 }, { 1, 2 }, { 5, 3 }, { 5, 4 }, { 10, 4 }, { 10, 6 }, { 1, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int level = rows[i].level == 1 && rows[i].members == 4 ? 10 : rows[i].level;

		for (unsigned bad = 0; bad < 1u << rows[i].members; bad++)
			for (unsigned way = 0; way < 3; way++)
				check_degraded_of(level, rows[i].members, bad, way);
	}
}

static void test_count_failed_of_two_maps(void **state)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	container(10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M0), 1);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 2);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	/* The slots of map 0 that hold another disk count in addition. */
	container(1, "N<REBUILD<D 0,2!/0,1! u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	container(5, "N<GEN<N 0,1,2,3!/0,1!,2 u0");
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_M1), 1);
	assert_int_equal(imsm_count_failed(&ifx.c, v, IMSM_MX), 2);
	assert_int_equal(imsm_check_degraded(&ifx.c, v, 1, IMSM_M1), IMSM_DEGRADED);
}

static void test_ord_of_slots(void **state)
{
	const struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	container(5, "N<GEN<N 0,1,2,3/0,1,2! u0");
	assert_int_equal(imsm_ord(v, 2, IMSM_M0), 2);
	assert_int_equal(imsm_ord(v, 2, IMSM_M1), 2 | IMSM_ORD_REBUILD);
	assert_int_equal(imsm_ord(v, 2, IMSM_MX), 2 | IMSM_ORD_REBUILD);
	assert_int_equal(imsm_ord(v, 3, IMSM_M1), UINT32_MAX);
	assert_int_equal(imsm_ord(v, 3, IMSM_MX), 3); /* added by the reshape */
	assert_int_equal(imsm_ord(v, 4, IMSM_MX), UINT32_MAX);
	container(5, "N 0,1,2");
	assert_int_equal(imsm_check_degraded(&ifx.c, v, 1, IMSM_M1), IMSM_DEGRADED); /* no map 1: map 0 */
	assert_int_equal(imsm_ord(v, 0, IMSM_M1), UINT32_MAX);
	assert_int_equal(imsm_slot_of(&v->map[0], 2), 2);
	assert_int_equal(imsm_slot_of(&v->map[0], 3), -1);
}

static void test_predicates(void **state)
{
	static const struct {
		const char *volume;
		bool rebuilding, initializing, resyncing, reshaping;
	} rows[] = {
		{ "N 0,1,2", false, false, false, false },
		{ "N<INIT<U 0,1,2/0,1,2 u0", false, true, true, false },
		{ "N<INIT<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<REPAIR<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<REPAIR<D 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<VERIFY<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<VERIFY<D 0,1,2/0,1,2 u0", false, false, false, false },
		{ "N<REBUILD<D 0,1,2/0,1,2! u0", true, false, false, false },
		{ "N<REBUILD<N 0,1,2/0,1,2 u0", false, false, true, false },
		{ "N<GEN<N 0,1,2,3/0,1,2 u0", false, false, false, true },
		{ "N<CHANGE<N 0,1,2/0,1,2 u0", false, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct imsm_volume *v = &ifx.c.meta.volume[0];

		container(5, rows[i].volume);
		assert_int_equal(imsm_rebuilding(v), rows[i].rebuilding);
		assert_int_equal(imsm_initializing(v), rows[i].initializing);
		assert_int_equal(imsm_resyncing(v), rows[i].resyncing);
		assert_int_equal(imsm_general_migration(v), rows[i].reshaping);
		assert_int_equal(imsm_container_reshaping(&ifx.c), rows[i].reshaping);
	}
}

/* ---- primitive transitions ---- */

static void test_migrate(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];

	(void)state;
	container(5, "D 0,1x!,2 f1");
	imsm_volume_set_unit(v, 77);
	imsm_migrate(v, IMSM_NORMAL, IMSM_MIGR_REPAIR);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<D 0,1x!,2/0,1x!,2 f1 u0");
	assert_int_equal(v->head.migr_type, IMSM_MIGR_VERIFY);
	container(5, "D 0,1x!,2 f1");
	imsm_migrate(v, IMSM_DEGRADED, IMSM_MIGR_GENERAL);
	assert_string_equal(ifx_text(&ifx, 0), "D<GEN<D 0,1x!,2/0,1x!,2 f1 u0");
}

static void test_end_migration(void **state)
{
	static const struct {
		const char *before;
		enum imsm_map_state to;
		const char *after;
	} rows[] = {
		{ "N<REPAIR<N 0,1,2/0,1,2 u5", IMSM_NORMAL, "N 0,1,2" },
		{ "N<REPAIR<N 0,1x!,2/0,1x!,2 u5", IMSM_DEGRADED, "D 0,1x!,2" },
		/* flags of what was not finished are inherited, and decide */
		{ "N<REBUILD<D 0,1,2x!/0,1!,2x! u5", IMSM_DEGRADED, "F 0,1!,2x!" },
		{ "D<REBUILD<D 0,1,2/0,1!,2 u5", IMSM_DEGRADED, "D 0,1!,2" },
		{ "N<REBUILD<D 0,3,2/0,1,2 u5", IMSM_DEGRADED, "D 0,3!,2" },
		/* the slot is another one in map 0 */
		{ "N<REBUILD<D 1,0,2/0,1!,2 u5", IMSM_DEGRADED, "D 1!,0,2" },
		/* not from an uninitialised map, nor from a reshape */
		{ "D<INIT<U 0,1x!,2/0!,1x!,2 u5", IMSM_DEGRADED, "D 0,1x!,2" },
		{ "N<GEN<D 0,1,2,3/0,1!,2 u5", IMSM_NORMAL, "N 0,1,2,3" },
		{ "N 0,1,2", IMSM_FAILED, "F 0,1,2" },
		/* nothing to inherit: as the caller says */
		{ "N<REPAIR<N 0,1x!,2/0,1x!,2 u5", IMSM_FAILED, "F 0,1x!,2" },
		{ "N<REBUILD<D 0,1x!,2/0,1x!,2 u5", IMSM_FAILED, "F 0,1x!,2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		container(5, rows[i].before);
		imsm_end_migration(&ifx.c, &ifx.c.meta.volume[0], rows[i].to);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
		assert_int_equal(ifx.c.meta.volume[0].head.migr_type, 0);
		assert_int_equal(le32_get(ifx.c.meta.volume[0].head.status), 0);
		assert_int_equal(imsm_volume_unit(&ifx.c.meta.volume[0]), 0);
	}
}

static void test_delete_disk(void **state)
{
	struct imsm_meta *meta = &ifx.c.meta;

	(void)state;
	container(1, "N<REBUILD<D 0,3/0,3! f1 u0");
	ifx_volume(&ifx, 5, "D 3,4,2! f2");
	ifx_fail_disk(&ifx, 1);
	meta->num_bad = 3;
	meta->bad[0] = (struct imsm_bad_range){ 10, 8, 1 };
	meta->bad[1] = (struct imsm_bad_range){ 20, 8, 4 };
	meta->bad[2] = (struct imsm_bad_range){ 30, 8, 0 };
	imsm_delete_disk(&ifx.c, 1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,2/0,2! f1 u0");
	assert_string_equal(ifx_text(&ifx, 1), "D 2,3,1! f2");
	assert_int_equal(meta->num_disks, CONTAINER_DISKS - 1);
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK2"));
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK5"));
	assert_int_equal(ifx.dl[0].index, 0);
	assert_int_equal(ifx.dl[1].index, IMSM_INDEX_UNRELATED);
	assert_int_equal(ifx.dl[5].index, 4);
	assert_int_equal(meta->num_bad, 2);
	assert_int_equal(meta->bad[0].disk, 3);
	assert_int_equal(meta->bad[1].disk, 0);
	assert_true(ifx.c.write_due);
	ifx_assert_writable(&ifx);
	/* A good disk becomes a spare. */
	ifx.c.meta.disk[4].scsi_id = le32_make(0x1234);
	imsm_delete_disk(&ifx.c, 4);
	assert_int_equal(le32_get(ifx.dl[5].record.scsi_id), 0x1234);
	assert_int_equal(ifx.dl[5].index, IMSM_INDEX_SPARE);
	assert_int_equal(le32_get(ifx.dl[5].record.status), IMSM_DISK_SPARE);
	assert_true(ifx.dl[5].spare_record_due);
	/* No such entry. */
	imsm_delete_disk(&ifx.c, 4);
	assert_int_equal(meta->num_disks, 4);
}

static void test_enlist_returning_disk(void **state)
{
	struct imsm_dl *back;

	(void)state;
	container(5, "N 0,1?,2");
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK1", 6);
	back->spare_record_due = true;
	ifx.c.write_due = false;
	imsm_enlist_disk(&ifx.c, back);
	assert_true(ifx.c.write_due);
	assert_false(back->spare_record_due);
	assert_int_equal(back->index, CONTAINER_DISKS);
	assert_true(ifx_table_serial_is(&ifx, CONTAINER_DISKS, "DISK1"));
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1:0"));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2 f1");
	ifx_assert_writable(&ifx);
}

/* ... also when no volume has it. */
static void test_enlist_returning_disk_of_no_volume(void **state)
{
	struct imsm_dl *back;

	(void)state;
	container(5, "N 0,1,2");
	ifx_unlink(&ifx, 4);
	back = ifx_spare(&ifx);
	memcpy(back->serial, "DISK4", 6);
	imsm_enlist_disk(&ifx.c, back);
	assert_true(ifx_table_serial_is(&ifx, 4, "DISK4:0"));
	ifx_assert_writable(&ifx);
}

static void test_update_state(void **state)
{
	(void)state;
	container(5, "N 0,1x,2");
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x,2");
	assert_true(ifx.c.write_due);
	ifx.c.write_due = false;
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_false(ifx.c.write_due);
	container(5, "N<REPAIR<N 0,1x,2/0,1x,2 u0");
	imsm_update_state(&ifx.c, &ifx.c.meta.volume[0]);
	assert_string_equal(ifx_text(&ifx, 0), "N<REPAIR<N 0,1x,2/0,1x,2 u0");
}

/* ---- the end of a reshape ---- */

static void test_reshape_finished(void **state)
{
	struct imsm_volume *v = &ifx.c.meta.volume[0];
	bool due;

	(void)state;
	container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_spare(&ifx);
	md_reset(0, 5);
	ifx.ev.prev_action = SYNC_RESHAPE;
	ifx.ev.last_checkpoint = 100;
	ifx.ev.reshape_done = true;
	ifx.c.write_due = false;
	assert_int_equal(imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN), MARK_CLEAN);
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2,3");
	assert_int_equal(ifx.ev.custom_array_size, 3 * FX_PER_DEV);
	assert_int_equal(ifx.ev.last_checkpoint, 0);
	assert_true(ifx.c.reshape_ended);
	imsm_after_reshape(&ifx.c);
	assert_false(ifx.c.reshape_ended);
	tell_array(MARK_CLEAN, &due);
	assert_false(due);
	/* Whole MiB on each member. */
	container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	imsm_map_set_stripes(&v->map[0], FX_PER_DEV / FX_CHUNK + 3);
	md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 3 * FX_PER_DEV);
}

static void test_next_volume_reshapes(void **state)
{
	(void)state;
	container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1,2");
	ifx_volume(&ifx, 5, "N 0,1,2");
	imsm_volume_set_unit(&ifx.c.meta.volume[1], 9);
	md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2,3");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2"); /* not before that is on the disks */
	ifx.c.write_due = false;
	imsm_after_reshape(&ifx.c);
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 1), "N<GEN<N 0,1,2,3/0,1,2 u0");
	assert_string_equal(ifx_text(&ifx, 2), "N 0,1,2");
	assert_int_equal(imsm_volume_blocks(&ifx.c.meta.volume[1]), 4 * FX_PER_DEV);
	ifx_assert_writable(&ifx);
	/* It finished: the third follows. */
	md_reset(1, 4);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 1, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1,2,3");
	assert_string_equal(ifx_text(&ifx, 2), "N<GEN<N 0,1,2,3/0,1,2 u0");
}

/* Another chunk size or level is a matter of that volume alone. */
static void test_no_volume_follows_without_new_disks(void **state)
{
	(void)state;
	container(5, "N<GEN<N 0,1,2/0,1,2 u2");
	ifx_volume(&ifx, 0, "N 0,1");
	md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	/* RAID0 on two disks became RAID5 on three. */
	container(5, "N<GEN<N 0,1,2/0,1 u2");
	ifx.c.meta.volume[0].map[1].head.raid_level = IMSM_RAID0;
	ifx_volume(&ifx, 0, "N 0,1");
	md_reset(0, 5);
	ifx.ev.reshape_done = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	imsm_after_reshape(&ifx.c);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1,2");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
}

/* The daemon was not there when it ended: md has the new shape, and nobody is at work. */
static void test_reshape_end_unseen(void **state)
{
	static const struct {
		const char *text;
		int level, md_level, raid_disks;
		unsigned chunk;
		bool idle, done;
		int layout;
	} rows[] = {
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, FX_CHUNK, true, true, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, FX_CHUNK, false, false, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 3, FX_CHUNK, true, false, 0 }, /* never begun */
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 5, 4, 2 * FX_CHUNK, true, false, 0 },
		{ "N<GEN<N 0,1,2,3/0,1,2 u2", 5, 4, 4, FX_CHUNK, true, false, 0 },
		{ "N<GEN<N 0,1,2/0,1 u2", 5, 5, 3, FX_CHUNK, true, false, 5 }, /* RAID0, called RAID5 */
		{ "N<GEN<N 0,1,2/0,1 u2", 0, 4, 4, FX_CHUNK, true, true, 0 },
		{ "N<GEN<N 0,1,2/0,1 u2", 0, 4, 3, FX_CHUNK, true, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		container(rows[i].level, rows[i].text);
		md_reset(0, rows[i].md_level);
		ifx.ev.raid_disks = rows[i].raid_disks;
		ifx.ev.chunk = rows[i].chunk;
		ifx.ev.layout = rows[i].layout;
		ifx.ev.reshape_idle = rows[i].idle;
		imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
		assert_int_equal(imsm_general_migration(&ifx.c.meta.volume[0]), !rows[i].done);
	}
}

/* A daemon that died may have recorded the end of a reshape without having the kernel offer the new room. */
static void test_size_is_told_when_nobody_reshapes(void **state)
{
	uint64_t blocks;

	(void)state;
	container(5, "N 0,1,2");
	blocks = imsm_volume_blocks(&ifx.c.meta.volume[0]);
	md_reset(0, 5);
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 0);
	ifx.ev.reshape_idle = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, blocks);
	container(5, "D<GEN<D 0,1,2,3/0,1,2 f1 u2"); /* not reached yet */
	md_reset(0, 5);
	ifx.ev.reshape_idle = true;
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, MARK_CLEAN);
	assert_int_equal(ifx.ev.custom_array_size, 0);
}

/* A takeover to RAID0 is recorded while md still has the mirror: its slots mean other disks. */
static void test_md_lags_behind_a_takeover(void **state)
{
	bool due;

	(void)state;
	container(0, "N 0,1");
	md_reset(0, 10);
	ifx.ev.raid_disks = 4;
	ifx.ev.resync_start = 0;
	ifx.c.write_due = false;
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_int_equal(tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1");
	assert_false(due);
	/* mdadm reshapes a RAID0 as RAID4: those are its slots */
	md_reset(0, 4);
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "F 0,1x! f1");
}

static void test_reshape_running_only_dirty(void **state)
{
	bool due;

	(void)state;
	container(5, "N<GEN<N 0,1?,2,3/0,1?,2 u2");
	md_reset(0, 5);
	ifx.ev.action = SYNC_RESHAPE;
	ifx.ev.resync_start = 0;
	ifx.ev.last_checkpoint = FX_PER_DEV;
	assert_int_equal(tell_array(MARK_DIRTY, &due), MARK_DIRTY);
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1?,2,3/0,1?,2 u2");
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, IMSM_DIRTY);
	assert_int_equal(tell_array(MARK_CLEAN, &due), MARK_CLEAN);
	assert_int_equal(ifx.c.meta.volume[0].head.dirty, 0);
}

static void test_no_such_volume(void **state)
{
	static struct ifx_snapshot before;

	(void)state;
	container(5, "N 0,1,2");
	md_reset(0, 5);
	ifx_save(&ifx, &before);
	assert_int_equal(imsm_set_array_state(&ifx.c, 1, &ifx.ev, MARK_DIRTY), MARK_DIRTY);
	imsm_set_disk(&ifx.c, 8, 0, MEMBER_FAULTY, &ifx.ev);
	ifx_assert_unchanged(&ifx, &before);
}

static void test_finding(void **state)
{
	const uint8_t serial[IMSM_SERIAL_LEN] = "DISK2";
	const uint8_t unknown[IMSM_SERIAL_LEN] = "DISK";

	(void)state;
	container(5, "N 0,1?,2");
	ifx_spare(&ifx);
	assert_ptr_equal(imsm_dl_by_index(&ifx.c, 2), &ifx.dl[2]);
	assert_null(imsm_dl_by_index(&ifx.c, 1));
	assert_null(imsm_dl_by_index(&ifx.c, -1));
	assert_ptr_equal(imsm_dl_by_dev(&ifx.c, ifx_dev(2)), &ifx.dl[2]);
	assert_null(imsm_dl_by_dev(&ifx.c, 1));
	assert_ptr_equal(imsm_dl_by_serial(&ifx.c, serial), &ifx.dl[2]);
	assert_null(imsm_dl_by_serial(&ifx.c, unknown));
	assert_true(imsm_disk_present(&ifx.c, 2));
	assert_false(imsm_disk_present(&ifx.c, 1));
	assert_false(imsm_disk_present(&ifx.c, UINT32_MAX));
	assert_false(imsm_disk_failed(&ifx.c, 2));
	assert_true(imsm_disk_failed(&ifx.c, CONTAINER_DISKS)); /* outside the table */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_rows),
		cmocka_unit_test(test_disks_in_any_order),
		cmocka_unit_test(test_rebuild_not_ended_by_old_copy),
		cmocka_unit_test(test_not_all_recovered),
		cmocka_unit_test(test_unknown_disk_in_use),
		cmocka_unit_test(test_unknown_disk_without_data),
		cmocka_unit_test(test_reshape_not_ended_while_it_runs),
		cmocka_unit_test(test_failure_marks),
		cmocka_unit_test(test_checkpoint_from_recovery_start),
		cmocka_unit_test(test_array_rows),
		cmocka_unit_test(test_no_resync_beside_a_reshape),
		cmocka_unit_test(test_no_resync_of_a_stopped_array),
		cmocka_unit_test(test_dirty_values),
		cmocka_unit_test(test_missing_marks),
		cmocka_unit_test(test_missing_mark_alone),
		cmocka_unit_test(test_not_lost),
		cmocka_unit_test(test_resync_complete),
		cmocka_unit_test(test_checkpoint_stored),
		cmocka_unit_test(test_no_checkpoint_for_a_sync_that_just_began),
		cmocka_unit_test(test_blocks_per_unit),
		cmocka_unit_test(test_blocks_per_unit_of_unknown_level),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_check_degraded),
		cmocka_unit_test(test_count_failed_of_two_maps),
		cmocka_unit_test(test_ord_of_slots),
		cmocka_unit_test(test_predicates),
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_end_migration),
		cmocka_unit_test(test_delete_disk),
		cmocka_unit_test(test_enlist_returning_disk),
		cmocka_unit_test(test_update_state),
		cmocka_unit_test(test_enlist_returning_disk_of_no_volume),
		cmocka_unit_test(test_reshape_finished),
		cmocka_unit_test(test_next_volume_reshapes),
		cmocka_unit_test(test_no_volume_follows_without_new_disks),
		cmocka_unit_test(test_reshape_end_unseen),
		cmocka_unit_test(test_size_is_told_when_nobody_reshapes),
		cmocka_unit_test(test_md_lags_behind_a_takeover),
		cmocka_unit_test(test_reshape_running_only_dirty),
		cmocka_unit_test(test_no_such_volume),
		cmocka_unit_test(test_finding),
	};

	return cmocka_run_group_tests_name("imsm-state", tests, NULL, NULL);
}
