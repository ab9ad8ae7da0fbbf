/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every migration that a volume may have on record (imsm.md 6.5): each type, with each state of both maps, on each level,
 * and with each way in which the two maps may flag a slot; whoever wrote it. It ends, and the volume gets a spare if it
 * needs one; or it is mdadm's.
 */
#include "tests/unit/support/imsm-events.h"
#include "tests/unit/support/imsm-spares.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The slot that the maps flag, or that md lacks. Its disk has the same number. */
#define SLOT 1

enum flags { FLAGS_NONE, FLAG_MAP1, FLAG_MAP0, FLAG_BOTH, FLAGS_COUNT };

/* How md was started with what is on record. */
enum md_state {
	MD_IN_SYNC,  /* all members, nothing to do */
	MD_REBUILDS, /* the slot, which it was told has no data */
	MD_LACKS,    /* the slot's disk is not there */
	MD_LEAVES_OUT, /* it is, but came too late for md */
	MD_RESYNCS,  /* all members, after an unclean stop */
	MD_LACKS_AND_RESYNCS,
	MD_COUNT
};

struct record {
	enum imsm_migr_type type;
	enum imsm_map_state to, from;
	int level;
	enum flags flags;
	enum md_state md;
};

/* The table of imsm.md 6.5. */
enum end {
	END_RESYNCED, /* when md has nothing to resync */
	END_REBUILT,  /* when no slot is left that md could rebuild */
	END_RESHAPED, /* when md has the shape that the record asks for and mdadm does nothing */
};

static const struct {
	enum end end;
	bool initializes; /* a volume whose map 0 is uninitialised is NORMAL afterwards */
} ending[] = {
	[IMSM_MIGR_INIT] = { END_RESYNCED, true },
	[IMSM_MIGR_REPAIR] = { END_RESYNCED, true },
	[IMSM_MIGR_VERIFY] = { END_RESYNCED, false },
	[IMSM_MIGR_STATE_CHANGE] = { END_RESYNCED, false },
	[IMSM_MIGR_REBUILD] = { END_REBUILT, false },
	[IMSM_MIGR_GENERAL] = { END_RESHAPED, false },
};

static struct imsm_volume *volume(void)
{
	return &ifx.c.meta.volume[0];
}

static unsigned members_of(int level)
{
	return level == 10 ? 4 : level == 5 ? 3 : 2;
}

static const char *name_of(const struct record *r)
{
	static const char *const migr[] = { "INIT", "REBUILD", "VERIFY", "GEN", "CHANGE", "REPAIR" };
	static const char *const flag[] = { "no flag", "map 1 flagged", "map 0 flagged", "both flagged" };
	static const char *const md[] = { "in sync", "rebuilds", "lacks", "leaves out", "resyncs", "lacks, resyncs" };
	static char text[160];

	snprintf(text, sizeof(text), "%c<%s<%c, RAID%d, %s, md %s", "NUDF"[r->to], migr[r->type], "NUDF"[r->from],
		 r->level, flag[r->flags], md[r->md]);
	return text;
}

/* So many go wrong at once that it helps to see which. */
static unsigned complaints;
#define complain(...) (void)(complaints++ < 20 ? print_error(__VA_ARGS__), print_error("\n") : (void)0)

/* ---- the container, and md ---- */

static void make_container(const struct record *r)
{
	static const char *const plain[] = { [0] = "N 0,1", [1] = "N 0,1", [5] = "N 0,1,2", [10] = "N 0,1,2,3" };
	struct imsm_volume *v;

	ifx_init(&ifx, members_of(r->level));
	ifx_volume(&ifx, r->level, plain[r->level]);
	v = volume();
	imsm_migrate(v, r->to, r->type);
	v->map[1].head.map_state = (uint8_t)r->from;
	if (r->flags == FLAG_MAP0 || r->flags == FLAG_BOTH)
		v->map[0].ord[SLOT] |= IMSM_ORD_REBUILD;
	if (r->flags == FLAG_MAP1 || r->flags == FLAG_BOTH)
		v->map[1].ord[SLOT] |= IMSM_ORD_REBUILD;
	ifx_spare(&ifx);
}

static bool md_lacks(const struct record *r)
{
	return r->md == MD_LACKS || r->md == MD_LEAVES_OUT || r->md == MD_LACKS_AND_RESYNCS;
}

static bool md_resyncs(const struct record *r)
{
	return r->md == MD_RESYNCS || r->md == MD_LACKS_AND_RESYNCS;
}

/* mdadm tells md of the flags in map 1. A RAID5 is not resynced without a member, a RAID1 of two neither. */
static bool is_plausible(const struct record *r)
{
	bool told = r->flags == FLAG_MAP1 || r->flags == FLAG_BOTH;

	if (r->md == MD_LACKS_AND_RESYNCS && r->level != 10)
		return false;
	return told ? r->md != MD_RESYNCS : r->md != MD_REBUILDS;
}

static void start_md(const struct record *r)
{
	ev_md_reset(0, r->level == 0 ? 4 : r->level);
	ifx.ev.chunk = r->level == 1 ? 0 : FX_CHUNK;
	ifx.ev.raid_disks += r->level == 0;
	ifx.ev.reshape_idle = r->type == IMSM_MIGR_GENERAL;
	if (r->md == MD_REBUILDS) {
		ev_md_set(SLOT, MEMBER_SPARE, 0);
		ifx.ev.action = SYNC_RECOVER;
	}
	if (md_resyncs(r)) {
		ifx.ev.action = SYNC_RESYNC;
		ifx.ev.resync_start = 4096;
	}
	if (r->md == MD_LACKS || r->md == MD_LACKS_AND_RESYNCS)
		ifx_unlink(&ifx, SLOT);
	if (md_lacks(r))
		ev_md_remove(SLOT);
	ifx.ev.first = true;
}

static void tell(enum consistency want)
{
	imsm_set_array_state(&ifx.c, 0, &ifx.ev, want);
	ifx_assert_writable(&ifx);
	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		imsm_set_disk(&ifx.c, 0, ifx.ev.disk[i].slot, ifx.ev.disk[i].state, &ifx.ev);
	ifx_assert_writable(&ifx);
}

static bool md_in_sync(unsigned slot)
{
	for (unsigned i = 0; i < ifx.ev.disk_count; i++)
		if (ifx.ev.disk[i].slot == (int)slot)
			return ifx.ev.disk[i].state & MEMBER_IN_SYNC;
	return false;
}

/* Who assembles the volume next goes by map 1, if there is one: it must not take the slot for good. */
static void check_trust(const struct record *r)
{
	uint32_t ord = imsm_ord(volume(), SLOT, IMSM_MX);

	if (!md_in_sync(SLOT) && !(ord & IMSM_ORD_REBUILD))
		complain("%s: md has no data in the slot, and the metadata trust it: %s", name_of(r), ifx_text(&ifx, 0));
}

/* ---- what follows ---- */

/* md comes to an end with what it was doing. False: it did nothing. */
static bool finish_sync(void)
{
	bool did = ifx.ev.resync_start != SECTORS_NONE;

	ifx.ev.prev_action = ifx.ev.action;
	ifx.ev.action = SYNC_IDLE;
	ifx.ev.resync_start = SECTORS_NONE;
	for (unsigned i = 0; i < ifx.ev.disk_count; i++) {
		did |= !(ifx.ev.disk[i].state & MEMBER_IN_SYNC);
		ifx.ev.disk[i].state = MEMBER_IN_SYNC;
		ifx.ev.disk[i].recovery_start = SECTORS_NONE;
	}
	return did;
}

/* False: none is needed, or none may be used. */
static bool insert_spares(const struct record *r)
{
	memcpy(sp_md, ifx.ev.disk, ifx.ev.disk_count * sizeof(sp_md[0]));
	sp_md_count = ifx.ev.disk_count;
	sp_find_with(0, r->level, members_of(r->level));
	if (!sp_req.count)
		return false;
	for (unsigned i = 0; i < sp_req.count; i++)
		if (!sp_req.pick[i].in_array)
			ifx.ev.disk[ifx.ev.disk_count++] = (struct md_member){
				.dev = sp_req.pick[i].dev, .slot = sp_req.pick[i].slot, .state = MEMBER_SPARE,
			};
	if (sp_commit(0))
		complain("%s: the spare is not recorded: %s", name_of(r), ifx_text(&ifx, 0));
	ifx.ev.action = SYNC_RECOVER;
	return true;
}

static bool settle(const struct record *r)
{
	for (int round = 0; round < 8; round++) {
		check_trust(r);
		if (finish_sync())
			tell(MARK_DIRTY);
		else if (!insert_spares(r))
			return true;
		else
			tell(MARK_DIRTY);
	}
	return false;
}

static void check_first_look(const struct record *r)
{
	bool migrating = volume()->head.migr_state;

	check_trust(r);
	/* Without a resync the record ends at once, but for a rebuild which md has begun. */
	if (md_resyncs(r) || r->md == MD_REBUILDS)
		return;
	if (migrating)
		complain("%s: still on record: %s", name_of(r), ifx_text(&ifx, 0));
}

/*
 * What was not initialised is not, until a resync or the rebuild of a spare has run through. The end of a migration
 * that is not about initialising lets md's resync begin as one that is.
 */
static enum imsm_map_state state_in_the_end(const struct record *r)
{
	bool resynced = ending[r->type].initializes || (ending[r->type].end != END_RESYNCED && md_resyncs(r));
	bool spare = md_lacks(r) || (r->flags != FLAGS_NONE && !(r->type == IMSM_MIGR_REBUILD && r->flags == FLAG_MAP1));

	return r->to == IMSM_UNINITIALIZED && !resynced && !spare ? IMSM_UNINITIALIZED : IMSM_NORMAL;
}

static void check_end(const struct record *r)
{
	const struct imsm_map *m0 = &volume()->map[0];

	if (volume()->head.migr_state || m0->head.map_state != state_in_the_end(r) ||
	    m0->head.failed_disk_num != IMSM_NO_FAILED_SLOT)
		complain("%s: ends as %s", name_of(r), ifx_text(&ifx, 0));
	for (unsigned slot = 0; slot < m0->head.num_members; slot++)
		if (imsm_slot_bad(&ifx.c, volume(), slot))
			complain("%s: slot %u is bad in the end: %s", name_of(r), slot, ifx_text(&ifx, 0));
}

static unsigned check_record(const struct record *r)
{
	make_container(r);
	ifx_assert_writable(&ifx);
	if (!is_plausible(r))
		return 0;
	start_md(r);
	tell(MARK_DECIDE);
	tell(MARK_DIRTY);
	ifx.ev.first = false;
	check_first_look(r);
	if (!settle(r))
		complain("%s: no end: %s", name_of(r), ifx_text(&ifx, 0));
	check_end(r);
	return 1;
}

static unsigned check_flags_and_md(struct record r)
{
	unsigned done = 0;

	for (unsigned flags = 0; flags < FLAGS_COUNT; flags++)
		for (unsigned md = 0; md < MD_COUNT; md++) {
			r.flags = (enum flags)flags;
			r.md = (enum md_state)md;
			done += check_record(&r);
		}
	return done;
}

static unsigned check_type(enum imsm_migr_type type, int level)
{
	unsigned done = 0;

	for (unsigned to = IMSM_NORMAL; to <= IMSM_FAILED; to++)
		for (unsigned from = IMSM_NORMAL; from <= IMSM_FAILED; from++)
			done += check_flags_and_md((struct record){ .type = type, .to = (enum imsm_map_state)to,
								    .from = (enum imsm_map_state)from, .level = level });
	return done;
}

static void check_all_types(int level)
{
	unsigned done = 0;

	complaints = 0;
	for (unsigned type = IMSM_MIGR_INIT; type <= IMSM_MIGR_REPAIR; type++)
		done += check_type((enum imsm_migr_type)type, level);
	print_message("%u records and ways to start md, %u wrong\n", done, complaints);
	assert_true(done > 1000);
	assert_int_equal(complaints, 0);
}

static void test_raid1(void **state)
{
	(void)state;
	check_all_types(1);
}

static void test_raid5(void **state)
{
	(void)state;
	check_all_types(5);
}

static void test_raid10(void **state)
{
	(void)state;
	check_all_types(10);
}

/* ---- RAID0: nobody watches it, unless mdadm reshapes it ---- */

static void record_on_raid0(enum imsm_migr_type type, enum imsm_map_state to, enum imsm_map_state from)
{
	imsm_migrate(volume(), to, type);
	volume()->map[1].head.map_state = (uint8_t)from;
	ifx_assert_writable(&ifx);
}

/* A RAID1 on the same disks, one of which is gone. */
static void check_other_volume(enum imsm_migr_type type, enum imsm_map_state to, enum imsm_map_state from)
{
	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	ifx_volume(&ifx, 1, "D 0,1x?! f1");
	ifx_spare(&ifx);
	record_on_raid0(type, to, from);
	sp_md_from(1);
	sp_find(1);
	assert_int_equal(sp_req.count, type == IMSM_MIGR_GENERAL ? 0 : 1);
}

/* It changes its shape on mdadm's order only, which is refused and says why. */
static void check_grow_refused(enum imsm_migr_type type, enum imsm_map_state to, enum imsm_map_state from)
{
	const int32_t grow[] = { IMSM_UPDATE_RESHAPE_CONTAINER_DISKS, 2, 3, 0x802 };

	ifx_init(&ifx, 2);
	ifx_volume(&ifx, 0, "N 0,1");
	ifx_spare(&ifx);
	record_on_raid0(type, to, from);
	ifx_assert_message_refused(&ifx, grow, sizeof(grow), -EBUSY);
}

static void test_raid0(void **state)
{
	(void)state;
	for (unsigned type = IMSM_MIGR_INIT; type <= IMSM_MIGR_REPAIR; type++)
		for (unsigned states = 0; states < 16; states++) {
			enum imsm_map_state to = (enum imsm_map_state)(states / 4), from = (enum imsm_map_state)(states % 4);

			check_other_volume((enum imsm_migr_type)type, to, from);
			check_grow_refused((enum imsm_migr_type)type, to, from);
		}
}

static void test_raid0_reshaped(void **state)
{
	(void)state;
	complaints = 0;
	for (unsigned states = 0; states < 16; states++)
		check_record(&(struct record){ .type = IMSM_MIGR_GENERAL, .to = (enum imsm_map_state)(states / 4),
					       .from = (enum imsm_map_state)(states % 4), .level = 0 });
	assert_int_equal(complaints, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raid0),
		cmocka_unit_test(test_raid0_reshaped),
		cmocka_unit_test(test_raid1),
		cmocka_unit_test(test_raid5),
		cmocka_unit_test(test_raid10),
	};

	return cmocka_run_group_tests_name("recorded", tests, NULL, NULL);
}
