/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the decision is made from, and telling the metadata handler what was decided.
 */
#include "monitor/pass.h"

#include <string.h>

#include "lib/log.h"
#include "threads/handoff.h"

struct array_view monitor_view_of(const struct monitor *mon, struct active_array *a)
{
	const struct array_watch *w = a->watch;
	struct array_view v = {
		.first = w->first,
		.untold = w->untold,
		.new_members = w->new_members,
		.retry_clean = mon->timer && w->clean_refused,
		.seen_running = w->seen_running,
		.blocked_by_mdadm = w->blocked_by_mdadm,
		.draining = handoff_draining(),
		.state = w->curr_state,
		.prev_action = w->first ? w->curr_action : w->prev_action,
		.action = w->curr_action,
		.resync_start = w->resync_start,
		.sync_completed = w->sync_completed,
		.last_checkpoint = w->last_checkpoint,
		.component_size = a->component_size,
		.reshape_position = w->reshape_position,
	};
	unsigned in_sync = 0;

	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *d = a->disks[i];

		v.any_faulty |= !!(bad_blocks_state_to_tell(a, d) & MEMBER_FAULTY);
		v.newly_in_sync |= !!(d->curr_state & ~d->prev_state & MEMBER_IN_SYNC);
		v.unrecorded |= w->first && d->slot >= 0 && mon->st->ss->is_unrecorded(a, d);
		in_sync += !!(d->curr_state & MEMBER_IN_SYNC);
	}
	v.all_in_sync = in_sync == (unsigned)a->raid_disks;
	return v;
}

static int metadata_slot(const struct monitor *mon, struct active_array *a, struct mdinfo *d)
{
	if (d->slot >= 0)
		return d->slot;
	/* md has taken the slot away already; only the metadata knows which it was. */
	if (d->meta_slot < 0)
		d->meta_slot = mon->st->ss->find_slot(a, d->dev);
	return d->meta_slot;
}

static void log_failure(const struct active_array *a, const struct mdinfo *m)
{
	const char *disk = member_disk(m->name);

	mon_log_event(LOG_LEVEL_WARNING, ABOUT("member-failed", a->name, disk), "%s: member %s %s",
		      a->name, disk,
		      m->curr_state & MEMBER_FAULTY ? "failed" : "has too many bad blocks and is given up");
}

/* What an array has that has ended nobody knows any more. */
void monitor_note_slots(struct monitor *mon, struct active_array *a)
{
	bool has_data[MAX_SLOTS] = { false };

	if (!mon->st->ss->note_slots || a->watch->curr_state <= ARRAY_INACTIVE)
		return;
	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *m = a->disks[i];
		unsigned state = bad_blocks_state_to_tell(a, m);

		if (m->slot >= 0 && m->slot < MAX_SLOTS)
			has_data[m->slot] |= member_has_data(state);
	}
	mon->st->ss->note_slots(a, has_data);
}

static void tell_member(struct monitor *mon, struct active_array *a, const struct decision *d, struct mdinfo *m,
			unsigned state)
{
	bool faulty = state & MEMBER_FAULTY;
	int slot;

	if (!(d->tell_disks || (d->tell_faulty && faulty)))
		return;
	/* md takes the array apart, member by member. */
	if (d->stopped && (m->curr_state & MEMBER_GONE))
		return;
	slot = metadata_slot(mon, a, m);
	if (slot >= 0)
		mon->st->ss->set_disk(a, m, slot, state);
	if (faulty && !(m->prev_state & MEMBER_FAULTY))
		log_failure(a, m);
}

/* What has got its data comes before what has failed: else it may seem for a moment as if the array had lost both. */
static void tell_members(struct monitor *mon, struct active_array *a, const struct decision *d)
{
	for (unsigned failed = 0; failed < 2; failed++) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			unsigned state = bad_blocks_state_to_tell(a, a->disks[i]);

			if (!!(state & MEMBER_FAULTY) == failed)
				tell_member(mon, a, d, a->disks[i], state);
		}
	}
}

static void log_consistency(const struct active_array *a, enum consistency c)
{
	bool dirty = c == MARK_DIRTY;

	if (dirty == a->watch->told_dirty)
		return;
	a->watch->told_dirty = dirty;
	mon_log_event(LOG_LEVEL_DEBUG, ABOUT(dirty ? "array-dirty" : "array-clean", a->name, NULL),
		      "%s: %s", a->name, dirty ? "dirty" : "clean");
}

void monitor_tell(struct monitor *mon, struct active_array *a, struct decision *d)
{
	a->watch->last_checkpoint = d->checkpoint;
	a->watch->reshape_done = d->reshape_done;
	if (d->tell_state) {
		enum consistency c = mon->st->ss->set_array_state(a, d->consistency);

		log_consistency(a, c);
		if (d->starting) {
			d->requests |= c == MARK_CLEAN ? ARRAY_WANT_READ_AUTO : ARRAY_WANT_ACTIVE;
			d->dirty = c == MARK_DIRTY;
		}
	}
	tell_members(mon, a, d);
	if (sync_action_runs(a->watch->curr_action) && a->watch->sync_completed >= a->component_size)
		a->watch->last_checkpoint = 0;
}
