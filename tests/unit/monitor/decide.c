/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision of the monitor: the rules written out as a table, and what must hold for
 * whatever md may say, checked over the whole product of what it can say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "mdmon.h"
#include "monitor/pass.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SIZE 1000u /* component size of all arrays here, in sectors */

/* ---- the rules, one by one ---- */

enum flag {
	FIRST = 1u << 0,
	NOT_RUN_YET = 1u << 1,
	BLOCKED = 1u << 2,
	DRAINING = 1u << 3,
	FAULTY = 1u << 4,
	NEWLY_IN_SYNC = 1u << 5,
	DEGRADED = 1u << 6, /* not all in sync */
	NEW_MEMBERS = 1u << 7,
	NOTHING_MOVES = 1u << 8, /* reshape_position is "none" */
	UNRECORDED = 1u << 9, /* a member has a slot that the metadata do not give it */
	UNTOLD = 1u << 10, /* mdadm held it until now */
};

#define ALL_FLAGS (1u << 11)

enum expectation {
	STOPPED = 1u << 0,
	TELL_CLEAN = 1u << 1,
	TELL_DIRTY = 1u << 2,
	TELL_DECIDE = 1u << 3, /* and start it with what the handler says */
	TELL_DISKS = 1u << 4,
	TELL_FAULTY = 1u << 5,
	REMOVE = 1u << 6,
	IN_USE = 1u << 7, /* writes may be in flight */
	SPARES = 1u << 8,
	RESHAPE = 1u << 9,
	WRITE_ACTIVE = 1u << 10,
	WRITE_CLEAN = 1u << 11,
	RESHAPED = 1u << 12,
};

struct rule {
	const char *name;
	enum array_state state;
	enum sync_action before, now;
	unsigned flags;
	unsigned expected;
};

static const struct rule rules[] = {
	/* the end: unreadable, cleared or inactive */
	{ "stopped", ARRAY_INACTIVE, SYNC_IDLE, SYNC_IDLE, 0, STOPPED | TELL_CLEAN },
	{ "cleared", ARRAY_CLEAR, SYNC_IDLE, SYNC_NONE, 0, STOPPED | TELL_CLEAN },
	{ "gone", ARRAY_GONE, SYNC_IDLE, SYNC_NONE, 0, STOPPED | TELL_CLEAN },
	{ "stopped before it ran", ARRAY_INACTIVE, SYNC_NONE, SYNC_NONE, FIRST | NOT_RUN_YET, STOPPED },
	{ "gone before it ran", ARRAY_GONE, SYNC_NONE, SYNC_NONE, FIRST | NOT_RUN_YET, STOPPED },
	{ "stopped while draining", ARRAY_INACTIVE, SYNC_IDLE, SYNC_IDLE, DRAINING, STOPPED | TELL_CLEAN },
	{ "stopped during a resync", ARRAY_INACTIVE, SYNC_RESYNC, SYNC_NONE, 0, STOPPED | TELL_CLEAN },
	{ "stopped during a rebuild", ARRAY_INACTIVE, SYNC_RECOVER, SYNC_NONE, 0, STOPPED | TELL_CLEAN | TELL_DISKS },
	/* its members vanish with it: those are no failures */
	{ "gone with its members", ARRAY_GONE, SYNC_RECOVER, SYNC_NONE, FAULTY, STOPPED | TELL_CLEAN },

	/* read-write */
	{ "first write", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | WRITE_ACTIVE },
	{ "first write while draining", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, DRAINING,
	  TELL_DIRTY | IN_USE | WRITE_ACTIVE },
	{ "write to a frozen, blocked array", ARRAY_WRITE_PENDING, SYNC_FROZEN, SYNC_FROZEN, BLOCKED,
	  TELL_DIRTY | IN_USE | WRITE_ACTIVE },
	{ "active", ARRAY_ACTIVE, SYNC_IDLE, SYNC_IDLE, 0, TELL_DIRTY | IN_USE },
	/* the kernel first; the metadata says clean only when the kernel does */
	{ "idle", ARRAY_ACTIVE_IDLE, SYNC_IDLE, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | WRITE_CLEAN },
	{ "idle while draining", ARRAY_ACTIVE_IDLE, SYNC_IDLE, SYNC_IDLE, DRAINING, TELL_DIRTY | IN_USE | WRITE_CLEAN },
	{ "clean", ARRAY_CLEAN, SYNC_IDLE, SYNC_IDLE, 0, TELL_CLEAN },
	{ "broken", ARRAY_BROKEN, SYNC_IDLE, SYNC_IDLE, DEGRADED, TELL_CLEAN },
	{ "suspended", ARRAY_SUSPENDED, SYNC_IDLE, SYNC_IDLE, 0, IN_USE },
	{ "unknown word", ARRAY_UNKNOWN, SYNC_IDLE, SYNC_IDLE, 0, IN_USE },
	{ "without redundancy", ARRAY_CLEAN, SYNC_NONE, SYNC_NONE, 0, TELL_CLEAN },

	/* read-only */
	{ "to be started", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, 0, TELL_DECIDE },
	{ "blocked by mdadm", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, BLOCKED, 0 },
	{ "not to be started any more", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, DRAINING, 0 },
	{ "read-auto", ARRAY_READ_AUTO, SYNC_IDLE, SYNC_IDLE, 0, 0 },
	{ "read-auto while draining", ARRAY_READ_AUTO, SYNC_IDLE, SYNC_IDLE, DRAINING, 0 },

	/* adoption: what happened while nobody looked */
	{ "adopted clean", ARRAY_CLEAN, SYNC_IDLE, SYNC_IDLE, FIRST, TELL_CLEAN | TELL_DISKS },
	{ "adopted degraded", ARRAY_ACTIVE, SYNC_IDLE, SYNC_IDLE, FIRST | DEGRADED,
	  TELL_DIRTY | TELL_DISKS | IN_USE | SPARES },
	{ "adopted rebuilt", ARRAY_CLEAN, SYNC_IDLE, SYNC_IDLE, FIRST | NEWLY_IN_SYNC, TELL_CLEAN | TELL_DISKS },
	{ "adopted with a spare that nobody recorded", ARRAY_ACTIVE, SYNC_IDLE, SYNC_IDLE, FIRST | UNRECORDED,
	  TELL_DIRTY | TELL_DISKS | IN_USE | SPARES },
	{ "adopted while it rebuilds", ARRAY_CLEAN, SYNC_RECOVER, SYNC_RECOVER, FIRST | DEGRADED,
	  TELL_CLEAN | TELL_DISKS | SPARES },

	/* only now is a rebuild ended that nobody does, so that another can begin */
	{ "let go by mdadm, degraded", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, UNTOLD | DEGRADED, TELL_DECIDE | SPARES },
	{ "let go by mdadm", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, UNTOLD, TELL_DECIDE },
	{ "still held by mdadm", ARRAY_READONLY, SYNC_NONE, SYNC_NONE, UNTOLD | DEGRADED | BLOCKED, 0 },
	{ "read-auto until now", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, UNTOLD | DEGRADED,
	  TELL_DIRTY | IN_USE | SPARES | WRITE_ACTIVE },

	/* the end of a sync: md waits in write-pending, which tells nobody */
	{ "resync ended", ARRAY_WRITE_PENDING, SYNC_RESYNC, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | SPARES | WRITE_ACTIVE },
	{ "resync ended, clean", ARRAY_CLEAN, SYNC_RESYNC, SYNC_IDLE, 0, TELL_CLEAN | SPARES },
	{ "resync ended in read-auto", ARRAY_READ_AUTO, SYNC_RESYNC, SYNC_IDLE, 0, TELL_CLEAN | SPARES },
	{ "resync frozen", ARRAY_CLEAN, SYNC_RESYNC, SYNC_FROZEN, 0, TELL_CLEAN | SPARES },
	{ "repair ended", ARRAY_WRITE_PENDING, SYNC_REPAIR, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | SPARES | WRITE_ACTIVE },
	{ "resync goes on", ARRAY_CLEAN, SYNC_RESYNC, SYNC_RESYNC, 0, TELL_CLEAN },
	{ "check ended", ARRAY_WRITE_PENDING, SYNC_CHECK, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | WRITE_ACTIVE },
	{ "rebuild ended", ARRAY_WRITE_PENDING, SYNC_RECOVER, SYNC_IDLE, NEWLY_IN_SYNC,
	  TELL_DIRTY | TELL_DISKS | IN_USE | WRITE_ACTIVE },
	{ "rebuild ended, one more to do", ARRAY_WRITE_PENDING, SYNC_RECOVER, SYNC_IDLE, NEWLY_IN_SYNC | DEGRADED,
	  TELL_DIRTY | TELL_DISKS | IN_USE | SPARES | WRITE_ACTIVE },
	{ "rebuild given up", ARRAY_WRITE_PENDING, SYNC_RECOVER, SYNC_IDLE, DEGRADED,
	  TELL_DIRTY | TELL_DISKS | IN_USE | SPARES | WRITE_ACTIVE },
	/* mdadm freezes at that very moment, or the next sync follows at once: no "idle" is ever seen */
	{ "rebuild ended frozen", ARRAY_WRITE_PENDING, SYNC_RECOVER, SYNC_FROZEN, NEWLY_IN_SYNC,
	  TELL_DIRTY | TELL_DISKS | IN_USE | WRITE_ACTIVE },
	{ "rebuild followed by resync", ARRAY_CLEAN, SYNC_RECOVER, SYNC_RESYNC, 0, TELL_CLEAN | TELL_DISKS },
	{ "resync followed by rebuild", ARRAY_CLEAN, SYNC_RESYNC, SYNC_RECOVER, DEGRADED, TELL_CLEAN | SPARES },
	{ "rebuilt too fast to be seen", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, NEWLY_IN_SYNC,
	  TELL_DIRTY | TELL_DISKS | IN_USE | WRITE_ACTIVE },
	{ "one of two rebuilt", ARRAY_CLEAN, SYNC_RECOVER, SYNC_RECOVER, NEWLY_IN_SYNC | DEGRADED, TELL_CLEAN | TELL_DISKS },

	/* a spare that was put in may have been rebuilt before anybody looked */
	{ "new members", ARRAY_CLEAN, SYNC_FROZEN, SYNC_FROZEN, NEW_MEMBERS | DEGRADED, TELL_CLEAN | TELL_DISKS },
	{ "new members being rebuilt", ARRAY_ACTIVE, SYNC_IDLE, SYNC_RECOVER, NEW_MEMBERS | DEGRADED,
	  TELL_DIRTY | TELL_DISKS | IN_USE },

	/* reshape */
	{ "reshape begins", ARRAY_ACTIVE, SYNC_FROZEN, SYNC_RESHAPE, BLOCKED, TELL_DIRTY | IN_USE | RESHAPE },
	{ "reshape at the first look", ARRAY_ACTIVE, SYNC_RESHAPE, SYNC_RESHAPE, BLOCKED | FIRST,
	  TELL_DIRTY | IN_USE | RESHAPE | TELL_DISKS },
	{ "reshape goes on", ARRAY_ACTIVE, SYNC_RESHAPE, SYNC_RESHAPE, BLOCKED, TELL_DIRTY | IN_USE },
	{ "reshape ended", ARRAY_WRITE_PENDING, SYNC_RESHAPE, SYNC_IDLE, BLOCKED | NOTHING_MOVES,
	  TELL_DIRTY | IN_USE | WRITE_ACTIVE | RESHAPED },
	{ "reshape ended, frozen at once", ARRAY_CLEAN, SYNC_RESHAPE, SYNC_FROZEN, BLOCKED | NOTHING_MOVES,
	  TELL_CLEAN | RESHAPED },
	{ "reshape ended, degraded", ARRAY_CLEAN, SYNC_RESHAPE, SYNC_IDLE, NOTHING_MOVES | DEGRADED,
	  TELL_CLEAN | RESHAPED | SPARES },
	{ "reshape ended in a state that tells nothing", ARRAY_SUSPENDED, SYNC_RESHAPE, SYNC_IDLE, NOTHING_MOVES,
	  TELL_CLEAN | IN_USE | RESHAPED },
	{ "reshape ended, state unknown", ARRAY_UNKNOWN, SYNC_RESHAPE, SYNC_IDLE, NOTHING_MOVES,
	  TELL_DIRTY | IN_USE | RESHAPED },
	{ "reshape interrupted", ARRAY_WRITE_PENDING, SYNC_RESHAPE, SYNC_IDLE, 0, TELL_DIRTY | IN_USE | WRITE_ACTIVE },
	{ "reshape about to begin", ARRAY_ACTIVE, SYNC_FROZEN, SYNC_FROZEN, BLOCKED | NOTHING_MOVES, TELL_DIRTY | IN_USE },
	{ "stopped after a reshape", ARRAY_INACTIVE, SYNC_RESHAPE, SYNC_NONE, NOTHING_MOVES, STOPPED | TELL_CLEAN },

	/* failures */
	{ "failure", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED,
	  TELL_DIRTY | TELL_FAULTY | REMOVE | IN_USE | WRITE_ACTIVE },
	{ "failure while clean", ARRAY_CLEAN, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED, TELL_CLEAN | TELL_FAULTY | REMOVE },
	{ "failure while idle", ARRAY_ACTIVE_IDLE, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED,
	  TELL_DIRTY | TELL_FAULTY | REMOVE | IN_USE | WRITE_CLEAN },
	{ "too many failures", ARRAY_BROKEN, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED, TELL_CLEAN | TELL_FAULTY | REMOVE },
	{ "failure during a rebuild", ARRAY_WRITE_PENDING, SYNC_RECOVER, SYNC_IDLE, FAULTY | DEGRADED,
	  TELL_DIRTY | TELL_DISKS | TELL_FAULTY | REMOVE | IN_USE | SPARES | WRITE_ACTIVE },
	/* only a running array lets the member go */
	{ "failure in read-auto", ARRAY_READ_AUTO, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED,
	  TELL_DIRTY | TELL_FAULTY | REMOVE | WRITE_ACTIVE | IN_USE },
	{ "failure in readonly", ARRAY_READONLY, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED, TELL_DECIDE | TELL_FAULTY },
	{ "failure in blocked readonly", ARRAY_READONLY, SYNC_IDLE, SYNC_IDLE, BLOCKED | FAULTY | DEGRADED, TELL_FAULTY },
	{ "failure while draining", ARRAY_WRITE_PENDING, SYNC_IDLE, SYNC_IDLE, DRAINING | FAULTY | DEGRADED,
	  TELL_DIRTY | TELL_FAULTY | REMOVE | IN_USE | WRITE_ACTIVE },
	{ "failure in an unknown state", ARRAY_UNKNOWN, SYNC_IDLE, SYNC_IDLE, FAULTY | DEGRADED,
	  TELL_FAULTY | REMOVE | IN_USE },
};

static struct array_view view(enum array_state state, enum sync_action before, enum sync_action now, unsigned flags)
{
	return (struct array_view){
		.first = flags & FIRST,
		.untold = flags & (FIRST | UNTOLD),
		.seen_running = !(flags & NOT_RUN_YET),
		.blocked_by_mdadm = flags & BLOCKED,
		.draining = flags & DRAINING,
		.state = state,
		.prev_action = before,
		.action = now,
		.resync_start = SECTORS_NONE,
		.component_size = SIZE,
		.any_faulty = flags & FAULTY,
		.newly_in_sync = flags & NEWLY_IN_SYNC,
		.all_in_sync = !(flags & DEGRADED),
		.new_members = flags & NEW_MEMBERS,
		.unrecorded = (flags & FIRST) && (flags & UNRECORDED),
		.reshape_position = flags & NOTHING_MOVES ? SECTORS_NONE : 500,
	};
}

static unsigned told(const struct decision *d)
{
	if (!d->tell_state)
		return 0;
	switch (d->consistency) {
	case MARK_CLEAN:
		return TELL_CLEAN;
	case MARK_DIRTY:
		return TELL_DIRTY;
	case MARK_DECIDE:
		return TELL_DECIDE;
	}
	return ~0u;
}

static unsigned written(const struct decision *d)
{
	if (!d->write)
		return 0;
	if (strcmp(d->write, "active") == 0)
		return WRITE_ACTIVE;
	return strcmp(d->write, "clean") == 0 ? WRITE_CLEAN : ~0u;
}

static unsigned found(const struct decision *d)
{
	unsigned f = told(d) | written(d);

	f |= d->stopped ? STOPPED : 0;
	f |= d->tell_disks ? TELL_DISKS : 0;
	f |= d->tell_faulty ? TELL_FAULTY : 0;
	f |= d->remove_faulty ? REMOVE : 0;
	f |= d->dirty ? IN_USE : 0;
	f |= d->requests & ARRAY_WANT_SPARE_CHECK ? SPARES : 0;
	f |= d->requests & ARRAY_WANT_RESHAPE_CHECK ? RESHAPE : 0;
	f |= d->reshape_done ? RESHAPED : 0;
	if (d->requests & ~(unsigned)(ARRAY_WANT_SPARE_CHECK | ARRAY_WANT_RESHAPE_CHECK))
		return ~0u;
	return d->starting == (told(d) == TELL_DECIDE) ? f : ~0u;
}

static void test_rules(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		const struct rule *r = &rules[i];
		struct array_view v = view(r->state, r->before, r->now, r->flags);
		struct decision d = decide(&v);

		if (found(&d) == r->expected)
			continue;
		print_error("%s: expected %#x, got %#x\n", r->name, r->expected, found(&d));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- checkpoints ---- */

struct checkpoint_rule {
	const char *name;
	enum sync_action before, now;
	unsigned flags;
	uint64_t completed, resync_start, last;
	uint64_t expected;
};

static const struct checkpoint_rule checkpoints[] = {
	{ "resync moves on", SYNC_RESYNC, SYNC_RESYNC, 0, 300, 250, 200, 300 },
	{ "rebuild moves on", SYNC_RECOVER, SYNC_RECOVER, 0, 300, SECTORS_NONE, 200, 300 },
	{ "check moves on", SYNC_CHECK, SYNC_CHECK, 0, 300, SECTORS_NONE, 200, 300 },
	{ "repair moves on", SYNC_REPAIR, SYNC_REPAIR, 0, 300, SECTORS_NONE, 200, 300 },
	{ "reshape moves on", SYNC_RESHAPE, SYNC_RESHAPE, 0, 300, SECTORS_NONE, 200, 300 },
	{ "position unreadable for once", SYNC_RECOVER, SYNC_RECOVER, 0, 0, SECTORS_NONE, 200, 200 },
	{ "new rebuild", SYNC_IDLE, SYNC_RECOVER, 0, 0, SECTORS_NONE, 900, 0 },
	{ "new rebuild has got somewhere", SYNC_FROZEN, SYNC_RECOVER, 0, 50, SECTORS_NONE, 900, 50 },
	{ "rebuild after a resync", SYNC_RESYNC, SYNC_RECOVER, 0, 0, 700, 900, 0 },
	{ "resync after a rebuild", SYNC_RECOVER, SYNC_RESYNC, 0, 10, 10, 900, 10 },
	{ "adopted in the middle", SYNC_RECOVER, SYNC_RECOVER, FIRST, 400, SECTORS_NONE, 0, 400 },
	{ "resync interrupted", SYNC_RESYNC, SYNC_IDLE, 0, 0, 640, 600, 640 },
	{ "resync frozen", SYNC_RESYNC, SYNC_FROZEN, 0, 0, 640, 600, 640 },
	{ "repair interrupted", SYNC_REPAIR, SYNC_IDLE, 0, 0, 640, 600, 640 },
	{ "resync complete", SYNC_RESYNC, SYNC_IDLE, 0, 0, SECTORS_NONE, 600, 600 },
	{ "resync interrupted, position reset by md", SYNC_RESYNC, SYNC_IDLE, 0, 0, 0, 600, 600 },
	{ "rebuild interrupted", SYNC_RECOVER, SYNC_IDLE, 0, 0, SECTORS_NONE, 600, 600 },
	{ "nothing runs", SYNC_IDLE, SYNC_IDLE, 0, 0, 640, 600, 600 },
	/* "frozen" and words that we do not know are not progress */
	{ "frozen", SYNC_IDLE, SYNC_FROZEN, 0, 999, SECTORS_NONE, 600, 600 },
	{ "unknown action", SYNC_IDLE, SYNC_UNKNOWN, 0, 999, SECTORS_NONE, 600, 600 },
};

static void test_checkpoints(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(checkpoints); i++) {
		const struct checkpoint_rule *r = &checkpoints[i];
		struct array_view v = view(ARRAY_CLEAN, r->before, r->now, r->flags);
		struct decision d;

		v.sync_completed = r->completed;
		v.resync_start = r->resync_start;
		v.last_checkpoint = r->last;
		d = decide(&v);
		if (d.checkpoint == r->expected)
			continue;
		print_error("%s: expected %lu, got %lu\n", r->name, (unsigned long)r->expected,
			    (unsigned long)d.checkpoint);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- what must always hold ---- */

typedef bool (*invariant)(const struct array_view *v, const struct decision *d);

static bool runs(const struct array_view *v)
{
	return v->state > ARRAY_INACTIVE;
}

static bool tells(const struct decision *d, enum consistency c)
{
	return d->tell_state && d->consistency == c;
}

static bool writes(const struct decision *d, const char *word)
{
	return d->write && strcmp(d->write, word) == 0;
}

/* A waiting writer is always let go, and never before the metadata has been told. */
static bool pending_is_answered(const struct array_view *v, const struct decision *d)
{
	return v->state != ARRAY_WRITE_PENDING || (tells(d, MARK_DIRTY) && writes(d, "active") && d->dirty);
}

static bool active_is_written_only_when_dirty_was_told(const struct array_view *v, const struct decision *d)
{
	(void)v;
	return !writes(d, "active") || tells(d, MARK_DIRTY);
}

static bool clean_is_written_only_to_an_idle_array(const struct array_view *v, const struct decision *d)
{
	return writes(d, "clean") == (v->state == ARRAY_ACTIVE_IDLE);
}

/* Otherwise each pass would mark it dirty, clean, dirty ... */
static bool clean_is_never_told_dirty(const struct array_view *v, const struct decision *d)
{
	return (v->state != ARRAY_CLEAN && v->state != ARRAY_BROKEN) || tells(d, MARK_CLEAN);
}

static bool clean_is_told_only_when_nothing_can_be_written(const struct array_view *v, const struct decision *d)
{
	return !tells(d, MARK_CLEAN) || v->state <= ARRAY_CLEAN || v->state == ARRAY_BROKEN;
}

static bool in_use_means_in_use(const struct array_view *v, const struct decision *d)
{
	bool may_write = v->state == ARRAY_ACTIVE || v->state == ARRAY_WRITE_PENDING || v->state == ARRAY_ACTIVE_IDLE ||
			 v->state == ARRAY_UNKNOWN || v->state == ARRAY_SUSPENDED;

	return d->dirty || !may_write;
}

static bool stopped_is_left_alone(const struct array_view *v, const struct decision *d)
{
	return d->stopped == !runs(v) &&
	       (runs(v) || (!d->write && !d->requests && !d->dirty && !d->starting && !d->remove_faulty));
}

static bool stopped_is_told_clean_only_if_it_ran(const struct array_view *v, const struct decision *d)
{
	return runs(v) || (v->seen_running ? tells(d, MARK_CLEAN) : !d->tell_state && !d->tell_disks);
}

static bool started_only_when_allowed(const struct array_view *v, const struct decision *d)
{
	return d->starting == (v->state == ARRAY_READONLY && !v->blocked_by_mdadm && !v->draining) &&
	       d->starting == tells(d, MARK_DECIDE);
}

static bool readonly_is_not_written_to(const struct array_view *v, const struct decision *d)
{
	return v->state != ARRAY_READONLY || (!d->write && !d->remove_faulty && !d->dirty);
}

static bool failures_are_always_told(const struct array_view *v, const struct decision *d)
{
	return !runs(v) || d->tell_faulty == v->any_faulty;
}

static bool removal_only_from_a_running_array(const struct array_view *v, const struct decision *d)
{
	return d->remove_faulty == (v->any_faulty && v->state > ARRAY_READONLY);
}

static bool rebuilt_members_are_always_told(const struct array_view *v, const struct decision *d)
{
	return !runs(v) || !(v->newly_in_sync || v->new_members || v->first) || d->tell_disks;
}

static bool healthy_array_wants_no_spares_after_a_rebuild(const struct array_view *v, const struct decision *d)
{
	bool resync = v->prev_action == SYNC_RESYNC || v->prev_action == SYNC_REPAIR;

	return !v->all_in_sync || v->unrecorded || resync || !(d->requests & ARRAY_WANT_SPARE_CHECK);
}

static bool only_known_words_are_written(const struct array_view *v, const struct decision *d)
{
	(void)v;
	return !d->write || writes(d, "active") || writes(d, "clean");
}

static bool new_sync_is_not_ahead_of_itself(const struct array_view *v, const struct decision *d)
{
	return v->first || !sync_action_runs(v->action) || v->action == v->prev_action ||
	       d->checkpoint <= v->sync_completed;
}

/* Every number comes from somewhere. */
static bool checkpoint_is_not_made_up(const struct array_view *v, const struct decision *d)
{
	return d->checkpoint == v->last_checkpoint || d->checkpoint == v->sync_completed ||
	       (d->checkpoint == v->resync_start && d->checkpoint != SECTORS_NONE);
}

static bool checkpoint_stays_while_nothing_runs(const struct array_view *v, const struct decision *d)
{
	return sync_action_runs(v->action) || sync_action_runs(v->prev_action) || d->checkpoint == v->last_checkpoint;
}

static const struct {
	const char *name;
	invariant holds;
} invariants[] = {
	{ "pending_is_answered", pending_is_answered },
	{ "active_is_written_only_when_dirty_was_told", active_is_written_only_when_dirty_was_told },
	{ "clean_is_written_only_to_an_idle_array", clean_is_written_only_to_an_idle_array },
	{ "clean_is_never_told_dirty", clean_is_never_told_dirty },
	{ "clean_is_told_only_when_nothing_can_be_written", clean_is_told_only_when_nothing_can_be_written },
	{ "in_use_means_in_use", in_use_means_in_use },
	{ "stopped_is_left_alone", stopped_is_left_alone },
	{ "stopped_is_told_clean_only_if_it_ran", stopped_is_told_clean_only_if_it_ran },
	{ "started_only_when_allowed", started_only_when_allowed },
	{ "readonly_is_not_written_to", readonly_is_not_written_to },
	{ "failures_are_always_told", failures_are_always_told },
	{ "removal_only_from_a_running_array", removal_only_from_a_running_array },
	{ "rebuilt_members_are_always_told", rebuilt_members_are_always_told },
	{ "healthy_array_wants_no_spares_after_a_rebuild", healthy_array_wants_no_spares_after_a_rebuild },
	{ "only_known_words_are_written", only_known_words_are_written },
	{ "new_sync_is_not_ahead_of_itself", new_sync_is_not_ahead_of_itself },
	{ "checkpoint_is_not_made_up", checkpoint_is_not_made_up },
	{ "checkpoint_stays_while_nothing_runs", checkpoint_stays_while_nothing_runs },
};

static const struct {
	uint64_t completed, resync_start, last;
} positions[] = {
	{ 0, SECTORS_NONE, 0 },
	{ 0, SECTORS_NONE, 900 },
	{ 0, 640, 900 },
	{ 0, 0, 900 },
	{ 500, 640, 900 },
	{ 500, SECTORS_NONE, 400 },
	{ SIZE, SECTORS_NONE, 900 },
};

/* Complains once for each invariant; returns how many views broke one. */
static unsigned check(const struct array_view *v, bool *complained)
{
	struct decision d = decide(v);
	unsigned broken = 0;

	for (size_t i = 0; i < COUNT(invariants); i++) {
		if (invariants[i].holds(v, &d))
			continue;
		broken++;
		if (!complained[i])
			print_error("%s: state %d, action %d -> %d, first %d, ran %d, blocked %d, draining %d, "
				    "faulty %d, newly in sync %d, all in sync %d\n", invariants[i].name, v->state,
				    v->prev_action, v->action, v->first, v->seen_running, v->blocked_by_mdadm,
				    v->draining, v->any_faulty, v->newly_in_sync, v->all_in_sync);
		complained[i] = true;
	}
	return broken;
}

static unsigned check_actions(enum array_state state, unsigned flags, bool *complained)
{
	unsigned broken = 0;

	for (int before = SYNC_NONE; before <= SYNC_UNKNOWN; before++) {
		for (int now = SYNC_NONE; now <= SYNC_UNKNOWN; now++) {
			struct array_view v = view(state, (enum sync_action)before, (enum sync_action)now, flags);

			for (size_t i = 0; i < COUNT(positions); i++) {
				v.sync_completed = positions[i].completed;
				v.resync_start = positions[i].resync_start;
				v.last_checkpoint = positions[i].last;
				broken += check(&v, complained);
			}
		}
	}
	return broken;
}

static void test_invariants(void **state)
{
	bool complained[COUNT(invariants)] = { false };
	unsigned broken = 0;

	(void)state;
	for (int s = ARRAY_GONE; s <= ARRAY_UNKNOWN; s++)
		for (unsigned flags = 0; flags < ALL_FLAGS; flags++)
			broken += check_actions((enum array_state)s, flags, complained);
	assert_int_equal(broken, 0);
}

/*
 * The same view twice, with the handler having done what it was told: nothing new may come of it but
 * what is repeated until it is done.
 */
static void test_a_quiet_array_stays_quiet(void **state)
{
	static const enum array_state quiet[] = { ARRAY_CLEAN, ARRAY_ACTIVE, ARRAY_READ_AUTO, ARRAY_BROKEN };

	(void)state;
	for (size_t i = 0; i < COUNT(quiet); i++) {
		struct array_view v = view(quiet[i], SYNC_IDLE, SYNC_IDLE, 0);
		struct decision d = decide(&v);

		assert_null(d.write);
		assert_int_equal(d.requests, 0);
		assert_false(d.tell_disks || d.tell_faulty || d.remove_faulty);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_invariants),
		cmocka_unit_test(test_a_quiet_array_stays_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
