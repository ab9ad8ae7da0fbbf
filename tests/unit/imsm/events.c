/* SPDX-License-Identifier: GPL-2.0-or-later */
/* imsm/events.c: members; tables before, event, after. The rows of imsm.md 6.4 are named by their number. */
#include "tests/unit/support/imsm-events.h"

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

	ev_md_reset(0, r->level);
	if (r->what == NOTHING)
		return;
	ifx.ev.reshape_done = r->what == RESHAPE_DONE;
	/* md does not have the failed ones; what is under rebuild has no data yet. */
	for (unsigned i = 0; i < v->map[0].head.num_members; i++) {
		if (imsm_rebuilding(v) && v->map[1].ord[i] != v->map[0].ord[i])
			ev_md_set(i, MEMBER_SPARE, 0);
		if (v->map[0].ord[i] & IMSM_ORD_REBUILD && i != slot)
			ev_md_set(i, MEMBER_FAULTY, 0);
	}
	if (r->what == FAULTY)
		ev_md_set(slot, MEMBER_FAULTY, 0);
	else if (r->what == IN_SYNC)
		ev_md_set(slot, MEMBER_IN_SYNC, SECTORS_NONE);
}

static void test_disk_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(disk_rows) / sizeof(disk_rows[0]); i++) {
		const struct disk_row *r = &disk_rows[i];
		bool due;

		ev_container(r->level, r->before);
		md_for_row(r);
		due = ev_tell_disk(r->slot);
		if (strcmp(ifx_text(&ifx, 0), r->after) != 0)
			fail_msg("row %s: %s expected, %s found", r->row, r->after, ifx_text(&ifx, 0));
		if (due != !!strcmp(r->before, r->after))
			fail_msg("row %s: write_due is %d", r->row, due);
		if (!ifx.c.meta.volume[0].head.migr_state && strchr(r->before, '<') && ifx.ev.last_checkpoint)
			fail_msg("row %s: the checkpoint survived the migration", r->row);
	}
}

/* A disk gets its last data, and the next look finds another one dead. Whatever is told first, the new disk counts. */
static void test_another_fails_as_a_rebuild_ends(void **state)
{
	static const struct {
		int level;
		const char *before;
		unsigned rebuilt, failed;
		const char *after;
	} rows[] = {
		{ 1, "N<REBUILD<D 0,1/0,1! f1 u7", 1, 0, "D 0x!,1 f0" },
		{ 1, "N<REBUILD<D 2,1/2!,1 f0 u7", 0, 1, "D 2,1x! f1" },
		{ 1, "N<REBUILD<D 0,2/0,1 f1 u7", 1, 0, "D 0x!,2 f0" },
		{ 5, "N<REBUILD<D 0,1,3/0,1,3! f2 u7", 2, 0, "D 0x!,1,3 f0" },
		{ 5, "N<REBUILD<D 3,1,2/3!,1,2 f0 u7", 0, 2, "D 3,1,2x! f2" },
		{ 10, "N<REBUILD<D 0,4,2,3/0,4!,2,3 f1 u7", 1, 0, "D 0x!,4,2,3 f0" },
		{ 10, "N<REBUILD<D 0,4,2,3/0,4!,2,3 f1 u7", 1, 3, "D 0,4,2,3x! f3" },
		{ 10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u7", 1, 0, "D 0x!,4,2,3x! f0" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned rebuilt = rows[i / 2].rebuilt, failed = rows[i / 2].failed;

		ev_container(rows[i / 2].level, rows[i / 2].before);
		ev_md_reset(0, rows[i / 2].level);
		ev_md_set(failed, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
		ev_tell_disk((int)(i % 2 ? rebuilt : failed));
		ev_tell_disk((int)(i % 2 ? failed : rebuilt));
		assert_string_equal(ifx_text(&ifx, 0), rows[i / 2].after);
	}
}

/* Another volume has nothing but the disk: it is failed for this one only, until the other can do without. */
static void test_a_disk_that_another_volume_needs(void **state)
{
	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "D 2x!,1 f0");
	ev_md_reset(0, 1);
	ev_md_set(1, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	assert_true(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1! f1");
	assert_string_equal(ifx_text(&ifx, 1), "D 2x!,1 f0");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1"));
	assert_true(ifx.dl[1].unfit);
	/* as it says in the end: the other one has been rebuilt */
	ifx.c.meta.volume[1].map[0].ord[0] = 3;
	assert_true(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x! f1");
}

/* Likewise one that the daemon cannot read, and md has. */
static void test_an_unread_disk_that_another_volume_needs(void **state)
{
	(void)state;
	ev_container(1, "N 0,1?");
	ifx_volume(&ifx, 1, "D 2x!,1? f0");
	imsm_note_slots(&ifx.c, 1, (const bool[MAX_SLOTS]){ false, true });
	ev_md_reset(0, 1);
	ev_md_set(1, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1?! f1");
	assert_string_equal(ifx_text(&ifx, 1), "D 2x!,1? f0");
}

/*
 * mdadm lets the one member without data that it finds go on at the checkpoint. If the disk that is rebuilt is not there,
 * that is the one that failed here: it has missed writes anywhere.
 */
static void test_checkpoint_beside_a_disk_that_another_volume_needs(void **state)
{
	(void)state;
	ev_container(10, "N<REBUILD<D 0,4,2,3/0,4!,2,3 f1 u7");
	ifx_volume(&ifx, 1, "D 5x!,2 f0");
	ev_md_reset(0, 10);
	ev_md_set(1, MEMBER_SPARE, 512 * 9);
	ev_md_set(2, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	assert_true(ev_tell_disk(2));
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4,2!,3/0,4!,2!,3 f1 u0");
	assert_false(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4,2!,3/0,4!,2!,3 f1 u0");
	/* the other one has been rebuilt: mdadm does not give a disk that has failed to md */
	ifx.c.meta.volume[1].map[0].ord[1] = 3;
	assert_true(ev_tell_disk(2));
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4,2x!,3/0,4!,2x!,3 f1 u9");
}

/* What was rebuilt has failed, and the slot beside it is one that mdadm would rebuild: that begins at the start. */
static void test_checkpoint_of_a_rebuild_that_has_failed(void **state)
{
	bool due;

	(void)state;
	ev_container(10, "D<REBUILD<D 0,4x,2!,3/0,4x!,2!,3 f1 u7");
	ifx_volume(&ifx, 1, "D 5x!,2 f0");
	ev_md_reset(0, 10);
	ev_md_set(2, MEMBER_FAULTY, 0);
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4x,2!,3/0,4x!,2!,3 f1 u0");
}

static void test_a_disk_that_no_other_volume_needs(void **state)
{
	static const struct {
		int level;
		const char *other;
		bool live;
	} rows[] = {
		{ 1, "N 0,1", true },
		{ 1, "D 0,1! f1", true },
		{ 1, "D 2x!,1 f0", false },
		{ 0, "N 0,1", false },
		{ 5, "F 0x!,1,2x! f0", true },
		{ 5, "D 0,2x!,3 f1", true },
		{ 10, "D 0,1,2x!,3 f2", true },
		{ 1, "N<REBUILD<D 0,1/0,1! f1 u7", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(1, "N 4,1");
		ifx_volume(&ifx, rows[i].level, rows[i].other);
		ifx.c.live_volumes = rows[i].live ? 3 : 1;
		ev_md_reset(0, 1);
		ev_md_set(1, MEMBER_FAULTY, 0);
		ev_tell_disk(1);
		assert_string_equal(ifx_text(&ifx, 0), "D 4,1x! f1");
	}
}

/* In which slots md has data: "10", of slots 0 and 1 the first. */
static void md_has(unsigned volume, const char *slots)
{
	bool has[MAX_SLOTS] = { false };

	for (unsigned slot = 0; slots[slot]; slot++)
		has[slot] = slots[slot] == '1';
	imsm_note_slots(&ifx.c, volume, has);
}

/* Two volumes on the same two disks lose one each, in one pass: neither disk is given up. */
static void test_two_volumes_fail_crosswise(void **state)
{
	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 1);
	md_has(0, "01");
	md_has(1, "10");
	imsm_set_disk(&ifx.c, 0, 0, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0!,1 f0"); /* the other one is about to have nothing else */
	imsm_set_disk(&ifx.c, 1, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0!,1 f0");
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1! f1");
	assert_true(ifx.dl[0].unfit && ifx.dl[1].unfit);
	ifx_assert_writable(&ifx);
}

/* One after the other: the disk that had failed in the first one is good again, for md has kept it in the second. */
static void test_two_volumes_fail_crosswise_in_turn(void **state)
{
	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 1);
	imsm_set_disk(&ifx.c, 0, 0, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,1 f0");
	ev_md_reset(1, 1);
	ev_md_set(1, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	imsm_set_disk(&ifx.c, 1, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0!,1 f0");
	assert_string_equal(ifx_text(&ifx, 1), "D 0,1! f1");
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK0"));
	assert_true(ifx.dl[0].unfit);
	ifx_assert_writable(&ifx);
}

/* It is one that mdadm would give to md again, beside the slot that is rebuilt: that one's checkpoint counts no more. */
static void test_a_disk_is_good_again_beside_a_rebuild(void **state)
{
	(void)state;
	ev_container(10, "D<REBUILD<D 2x!,0,3,4/2x!,0,3,4! f0 u7");
	ifx_volume(&ifx, 1, "N 2x,3");
	ev_md_reset(1, 1);
	ev_md_set(1, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	imsm_set_disk(&ifx.c, 1, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 1), "D 2,3! f1");
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 2!,0,3,4/2!,0,3,4! f0 u0");
}

/* But md has given it up there, too: then the second one is lost. */
static void test_two_volumes_lose_the_same_disk(void **state)
{
	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 1);
	imsm_set_disk(&ifx.c, 0, 0, MEMBER_FAULTY, &ifx.ev);
	ev_md_reset(1, 1);
	ev_md_set(0, MEMBER_FAULTY, 0);
	ev_md_set(1, MEMBER_FAULTY, 0);
	imsm_set_disk(&ifx.c, 1, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,1 f0");
	assert_string_equal(ifx_text(&ifx, 1), "F 0x,1! f1");
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK0:0"));
}

/* Who loses all at once depends on nothing any more. */
static void test_another_volume_loses_all(void **state)
{
	(void)state;
	ev_container(1, "N 0,1");
	ifx_volume(&ifx, 1, "N 0,2");
	ev_md_reset(0, 1);
	md_has(0, "01");
	md_has(1, "00");
	imsm_set_disk(&ifx.c, 0, 0, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,1 f0");
}

/*
 * The other volume's last disk was taken out; md keeps it there, and this volume goes on without it. Nothing is said against
 * the disk, also when the other array has ended.
 */
static void test_absent_disk_that_another_volume_needs(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 2,0?");
	ifx_volume(&ifx, 1, "D 0?,1x?! f1");
	ifx.c.live_volumes = 3;
	ev_md_reset(0, 1);
	ev_md_remove(1);
	md_has(0, "10");
	md_has(1, "10");
	ev_tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "D 2,0?! f1");
	assert_string_equal(ifx_text(&ifx, 1), "D 0?,1x?! f1");
	assert_true(ifx_table_serial_is(&ifx, 0, "DISK0"));
	ifx.c.live_volumes = 1;
	imsm_forget_slots(&ifx.c, 1);
	ev_tell_array(MARK_DIRTY, &due);
	assert_false(due);
	assert_string_equal(ifx_text(&ifx, 1), "D 0?,1x?! f1");
}

/* It came late, and another volume was started with it; we have not read it yet. */
static void test_absent_disk_that_another_array_has(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1?,2");
	ifx_volume(&ifx, 5, "N 0,1?,2");
	ifx.c.live_volumes = 3;
	ev_md_reset(0, 5);
	ev_md_remove(1);
	md_has(0, "101");
	md_has(1, "111");
	ev_tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1?!,2 f1");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1?,2");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1"));
}

/* What it says of how far a reshape has come would be believed when it comes back: it is missing for all. */
static void test_absent_disk_that_would_mislead(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "D<GEN<D 0?!,1,2,3/0?!,1,2 f0 u2", "D<GEN<D 0x?!,1,2,3/0x?!,1,2 f0 u2" },
		{ "N<GEN<N 1,0?,2,3/1,0?,2 u2", "N<GEN<N 1,0x?!,2,3/1,0x?!,2 f1 u2" },
		{ "D<GEN<D 1,2,0?!,3/1,2,0?! f2 u2", "D<GEN<D 1,2,0?!,3/1,2,0?! f2 u2" }, /* it has no record */
	};
	bool due;

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool moving = i % 2; /* then it is not for users' writes only */
		const struct imsm_map *m0;

		ev_container(5, rows[i / 2].before);
		ifx_volume(&ifx, 1, "N 0?,5");
		ev_md_reset(0, 5);
		ifx.ev.action = moving ? SYNC_RESHAPE : SYNC_IDLE;
		m0 = &ifx.c.meta.volume[0].map[0];
		for (unsigned slot = 0; slot < m0->head.num_members; slot++)
			if (imsm_ord_index(m0->ord[slot]) == 0)
				ev_md_remove(slot);
		ev_tell_array(moving ? MARK_CLEAN : MARK_DIRTY, &due);
		assert_string_equal(ifx_text(&ifx, 0), rows[i / 2].after);
	}
}

/* Before anybody writes: mdadm waits until the daemon has looked at what it has assembled, and then goes on. */
static void test_absent_disk_that_would_mislead_at_the_first_look(void **state)
{
	(void)state;
	ev_container(5, "D<GEN<D 0?!,1,2,3/0?!,1,2 f0 u2");
	ifx_volume(&ifx, 1, "N 0?,5");
	ev_md_reset(0, 5);
	ev_md_remove(0);
	ifx.ev.state = ARRAY_READONLY;
	ifx.ev.first = true;
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_IN_SYNC, &ifx.ev);
	assert_true(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 0), "D<GEN<D 0x?!,1,2,3/0x?!,1,2 f0 u2");
}

/* mdadm holds the array, and nobody has written to it: with the disk it is what it was, a volume that needs its first resync. */
static void test_uninitialized_without_an_absent_disk(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "U 0,1,2?");
	ev_md_reset(0, 5);
	ev_md_remove(2);
	ifx.c.write_due = false;
	imsm_set_disk(&ifx.c, 0, 0, MEMBER_IN_SYNC, &ifx.ev);
	assert_false(ifx.c.write_due);
	assert_string_equal(ifx_text(&ifx, 0), "U 0,1,2?");
	ev_tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1,2x?! f2");
}

/* md does not have it there either: it is missing for both. */
static void test_absent_disk_that_no_other_volume_has(void **state)
{
	bool due;

	(void)state;
	ev_container(1, "N 2,0?");
	ifx_volume(&ifx, 1, "N 0?,1");
	ifx.c.live_volumes = 3;
	ev_md_reset(0, 1);
	ev_md_remove(1);
	md_has(0, "10");
	md_has(1, "01");
	ev_tell_array(MARK_DIRTY, &due);
	assert_string_equal(ifx_text(&ifx, 0), "D 2,0x?! f1");
	assert_true(ifx_table_serial_is(&ifx, 0, "ISK0:0"));
}

/* The other disk of the other volume has come late: by the metadata it is good, but md runs without it. */
static void test_another_volume_runs_without_a_good_disk(void **state)
{
	(void)state;
	ev_container(5, "D 2,0,3?! f2");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 5);
	md_has(1, "10");
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 0), "F 2,0!,3?! f1");
	assert_string_equal(ifx_text(&ifx, 1), "N 0,1");
	/* its array has ended: nobody knows what it had */
	imsm_forget_slots(&ifx.c, 1);
	ev_container(5, "D 2,0,3?! f2");
	ifx_volume(&ifx, 1, "N 0,1");
	ev_md_reset(0, 5);
	imsm_set_disk(&ifx.c, 0, 1, MEMBER_FAULTY, &ifx.ev);
	assert_string_equal(ifx_text(&ifx, 1), "N 0x,1");
}

/* A pass may tell of every member, in any order, with its state or with 0. */
static void test_disks_in_any_order(void **state)
{
	(void)state;
	ev_container(10, "N<REBUILD<D 0,4,2,5/0,4!,2,5! f1 u7");
	ev_md_reset(0, 10);
	ev_md_set(3, MEMBER_SPARE, 4096);
	for (int slot = 3; slot >= 0; slot--)
		ev_tell_disk(slot);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,4,2,5/0,4,2,5! f1 u8");
	ev_md_set(3, 0, 4096); /* its state could not be read */
	ev_tell_disk(3);
	ev_md_set(3, MEMBER_IN_SYNC, SECTORS_NONE);
	for (int slot = 0; slot < 4; slot++)
		ev_tell_disk(slot);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,4,2,5");
}

/* The monitor may still have the copy of the array from before the spare was added. */
static void test_rebuild_not_ended_by_old_copy(void **state)
{
	(void)state;
	ev_container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	ev_md_reset(0, 5);
	ev_md_remove(1);
	for (int slot = 0; slot < 3; slot++)
		assert_false(ev_tell_disk(slot));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
}

static void test_not_all_recovered(void **state)
{
	(void)state;
	/* A member that the metadata knows nothing of is still being recovered. */
	ev_container(5, "N<REBUILD<D 0,3,2/0,3!,2 f1 u0");
	ev_md_reset(0, 5);
	ifx.ev.disk[ifx.ev.disk_count++] = (struct md_member){ .slot = 7, .recovery_start = 100 };
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,3,2/0,3,2 f1 u0");
	ifx.ev.disk_count--;
	ev_tell_disk(0);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,3,2");

	ev_container(10, "D<REBUILD<D 0,4,2,3x!/0,4!,2,3x! f1 u0");
	ev_md_reset(0, 10);
	ev_md_set(3, MEMBER_SPARE, 100);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D<REBUILD<D 0,4,2,3x!/0,4,2,3x! f1 u0");
	ev_md_remove(3);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,4,2,3x! f3");
}

/* mdadm gives md the disk of a flagged slot at assembly, and md rebuilds it without a record. It ends: the slot counts. */
static void test_rebuilt_without_a_record(void **state)
{
	static const struct {
		int level;
		const char *before;
		int failed, spare;
		const char *after;
	} rows[] = {
		{ 1, "D 0,1! f1", -1, -1, "N 0,1" },
		{ 1, "D 0!,1 f0", -1, -1, "N 0,1" },
		{ 5, "D 0,1!,2 f1", -1, -1, "N 0,1,2" },
		{ 10, "D 0,1!,2,3! f1", -1, -1, "N 0,1,2,3" },
		{ 10, "D 0,1!,2,3! f1", -1, 3, "D 0,1,2,3! f3" },
		/* The source fails in the same pass. */
		{ 1, "D 0,1! f1", 0, -1, "D 0x!,1 f0" },
		{ 5, "D 0,1!,2 f1", 2, -1, "D 0,1,2x! f2" },
		/* What md has not rebuilt, or what has failed. */
		{ 1, "D 0,1! f1", -1, 1, "D 0,1! f1" },
		{ 1, "D 0,1! f1", 1, -1, "D 0,1x! f1" },
		{ 1, "D 0,1x! f1", -1, -1, "D 0,1x! f1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ev_container(rows[i].level, rows[i].before);
		ev_md_reset(0, rows[i].level);
		for (unsigned k = 0; k < ifx.ev.disk_count; k++)
			ifx.ev.disk[k].rebuilt = true;
		if (rows[i].failed >= 0)
			ev_md_set((unsigned)rows[i].failed, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
		if (rows[i].spare >= 0)
			ev_md_set((unsigned)rows[i].spare, MEMBER_SPARE, 0);
		ev_tell_disk(rows[i].failed >= 0 ? rows[i].failed : 0);
		assert_string_equal(ifx_text(&ifx, 0), rows[i].after);
	}
}

static void test_flag_stays_unless_rebuilt(void **state)
{
	(void)state;
	ev_container(1, "D 0,1! f1");
	ev_md_reset(0, 1);
	assert_false(ev_tell_disk(1)); /* md was started so */
	ifx.ev.disk[1].rebuilt = true;
	ifx.dl[1].unfit = true; /* it failed in this array, and counts for another one */
	assert_false(ev_tell_disk(1));
	ifx.dl[1].unfit = false;
	ifx.ev.disk[1].dev = ifx_dev(3); /* another one was rebuilt in its place */
	assert_false(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1! f1");
}

/* One disk of which we could not read the metadata must not condemn the volume that works with it. */
static void test_unknown_disk_in_use(void **state)
{
	bool due;

	(void)state;
	ev_container(5, "N 0,1?,2?");
	ev_md_reset(0, 5);
	assert_false(ev_tell_disk(0));
	ev_tell_array(MARK_DECIDE, &due);
	assert_string_equal(ifx_text(&ifx, 0), "N 0,1?,2?");
	ev_md_set(1, MEMBER_FAULTY, 0);
	assert_true(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x?!,2? f1");
}

/* md rebuilds onto a disk of the daemon before that cannot be opened. The one that the slot names has not failed. */
static void test_failure_of_a_disk_that_is_not_named(void **state)
{
	(void)state;
	ev_container(5, "D 0,1!,2 f1");
	ev_md_reset(0, 5);
	ev_md_set(1, MEMBER_FAULTY | MEMBER_BLOCKED, 0);
	ifx.ev.disk[1].dev = ifx_dev(7);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1!,2 f1");
	assert_true(ifx_table_serial_is(&ifx, 1, "DISK1"));
	ifx.ev.disk[1].dev = ifx_dev(1);
	assert_true(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1x!,2 f1");
}

/* A disk counts as lost when md does not have its data: not a member, or not in sync. */
static void test_unknown_disk_without_data(void **state)
{
	(void)state;
	ev_container(5, "N 0,1?,2");
	ev_md_reset(0, 5);
	ev_md_set(1, MEMBER_SPARE, 0);
	assert_true(ev_tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "D 0,1?,2");
	ev_container(5, "N<INIT<U 0,1?,2/0,1?,2 u5");
	ev_md_reset(0, 5);
	ev_md_remove(1);
	assert_true(ev_tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "D<INIT<U 0,1?,2/0,1?,2 u5");
	/* Each slot of a pair has its own member. */
	ev_container(10, "N 0,1?,2,3");
	ev_md_reset(0, 10);
	ev_md_set(0, MEMBER_FAULTY, 0);
	ev_tell_disk(0);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,1?,2,3 f0");
}

static void test_reshape_not_ended_while_it_runs(void **state)
{
	(void)state;
	ev_container(5, "N<GEN<N 0,1,2,3/0,1,2 u2");
	ev_md_reset(0, 5);
	ifx.ev.action = SYNC_RESHAPE;
	ifx.ev.last_checkpoint = FX_PER_DEV;
	assert_false(ev_tell_disk(0));
	assert_string_equal(ifx_text(&ifx, 0), "N<GEN<N 0,1,2,3/0,1,2 u2");
}

static void test_failure_marks(void **state)
{
	struct imsm_meta *meta = &ifx.c.meta;

	(void)state;
	ev_container(5, "N 0,1,2");
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
	ev_container(1, "N<REBUILD<D 0,1/0,1! f1 u7");
	ev_md_reset(0, 1);
	ev_md_set(1, MEMBER_SPARE, 512 * 9 + 511);
	assert_true(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1/0,1! f1 u9");
	assert_int_equal(ifx.ev.last_checkpoint, 512 * 9 + 511);
	/* recovery_start lags behind what md reported: never back. */
	ev_md_set(1, MEMBER_SPARE, 512 * 3);
	assert_false(ev_tell_disk(1));
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1/0,1! f1 u9");
	/* a member without a slot does not count */
	ifx.ev.disk[ifx.ev.disk_count++] = (struct md_member){ .slot = -1, .recovery_start = 512 };
	ev_md_set(1, MEMBER_SPARE, 512 * 10);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0,1/0,1! f1 u10");
}

/*
 * mdadm begins both anew, and has the one go on at the checkpoint that is left when the other one is gone: it has missed what
 * was written meanwhile.
 */
static void test_no_checkpoint_of_two_that_are_rebuilt(void **state)
{
	bool due;

	(void)state;
	ev_container(10, "N<REBUILD<D 4,1,2,5/4!,1,2,5! f0 u7");
	ev_md_reset(0, 10);
	ev_md_set(0, MEMBER_SPARE, 512 * 3);
	ev_md_set(3, MEMBER_SPARE, 512 * 8);
	ev_tell_array(MARK_DIRTY, &due);
	assert_true(due);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 4,1,2,5/4!,1,2,5! f0 u0");
	ev_tell_disk(3);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 4,1,2,5/4!,1,2,5! f0 u0");
}

/*
 * The last good member of a RAID1 fails in another volume while this one is rebuilt from it. md cannot do without it here,
 * and keeps it: the rebuild goes on, and once it has ended the disk may go.
 */
static void test_source_of_a_rebuild_failed_in_another_volume(void **state)
{
	(void)state;
	ev_container(1, "N<REBUILD<D 0x,2/0x,2! f1 u7");
	ev_md_reset(0, 1);
	ev_md_set(1, MEMBER_SPARE, 4096);
	ev_tell_disk(0);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "N<REBUILD<D 0x,2/0x,2! f1 u8");
	ev_md_set(1, MEMBER_IN_SYNC, SECTORS_NONE);
	ev_tell_disk(0);
	ev_tell_disk(1);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x,2");
	ev_md_set(0, MEMBER_FAULTY, 0);
	ev_tell_disk(0);
	assert_string_equal(ifx_text(&ifx, 0), "D 0x!,2 f0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_rows),
		cmocka_unit_test(test_another_fails_as_a_rebuild_ends),
		cmocka_unit_test(test_a_disk_that_another_volume_needs),
		cmocka_unit_test(test_an_unread_disk_that_another_volume_needs),
		cmocka_unit_test(test_checkpoint_beside_a_disk_that_another_volume_needs),
		cmocka_unit_test(test_checkpoint_of_a_rebuild_that_has_failed),
		cmocka_unit_test(test_a_disk_that_no_other_volume_needs),
		cmocka_unit_test(test_two_volumes_fail_crosswise),
		cmocka_unit_test(test_two_volumes_fail_crosswise_in_turn),
		cmocka_unit_test(test_a_disk_is_good_again_beside_a_rebuild),
		cmocka_unit_test(test_two_volumes_lose_the_same_disk),
		cmocka_unit_test(test_another_volume_loses_all),
		cmocka_unit_test(test_absent_disk_that_another_volume_needs),
		cmocka_unit_test(test_absent_disk_that_another_array_has),
		cmocka_unit_test(test_uninitialized_without_an_absent_disk),
		cmocka_unit_test(test_absent_disk_that_would_mislead),
		cmocka_unit_test(test_absent_disk_that_would_mislead_at_the_first_look),
		cmocka_unit_test(test_absent_disk_that_no_other_volume_has),
		cmocka_unit_test(test_another_volume_runs_without_a_good_disk),
		cmocka_unit_test(test_disks_in_any_order),
		cmocka_unit_test(test_rebuild_not_ended_by_old_copy),
		cmocka_unit_test(test_not_all_recovered),
		cmocka_unit_test(test_rebuilt_without_a_record),
		cmocka_unit_test(test_flag_stays_unless_rebuilt),
		cmocka_unit_test(test_unknown_disk_in_use),
		cmocka_unit_test(test_failure_of_a_disk_that_is_not_named),
		cmocka_unit_test(test_unknown_disk_without_data),
		cmocka_unit_test(test_reshape_not_ended_while_it_runs),
		cmocka_unit_test(test_failure_marks),
		cmocka_unit_test(test_checkpoint_from_recovery_start),
		cmocka_unit_test(test_no_checkpoint_of_two_that_are_rebuilt),
		cmocka_unit_test(test_source_of_a_rebuild_failed_in_another_volume),
	};

	return cmocka_run_group_tests_name("imsm-events", tests, NULL, NULL);
}
