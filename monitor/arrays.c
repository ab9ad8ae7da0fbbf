/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays come and go: the manager publishes new ones and changed copies, the monitor discards those that it will never
 * touch again (threads/handoff.h).
 */
#include "monitor/pass.h"

#include <errno.h>

#include "metadata/redundancy.h"
#include "threads/handoff.h"

static void unlink_array(struct monitor *mon, struct active_array *a)
{
	struct active_array **link = &mon->arrays;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	mon->array_count--;
}

void monitor_discard(struct monitor *mon, struct active_array *a, bool last, int error)
{
	unlink_array(mon, a);
	mon->report_due = true;
	a->discard_error = error;
	if (last && a->watch->adopted) {
		mon->st->ss->close_array(a);
		a->watch->adopted = false;
	}
	handoff_discard(a);
	mon->wake_manager = true;
}

struct active_array *monitor_find_copy(const struct monitor *mon, const struct array_watch *w)
{
	struct active_array *a = mon->arrays;

	while (a && a->watch != w)
		a = a->next;
	return a;
}

bool monitor_can_spare(const struct active_array *a, const struct mdinfo *m)
{
	bool has_data[MAX_SLOTS] = { false };

	if (!(m->curr_state & MEMBER_IN_SYNC))
		return true;
	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *d = a->disks[i];

		/* Who is to be failed already counts as gone. */
		if (d != m && !d->fail_asked && !d->given_up && d->slot >= 0 && d->slot < MAX_SLOTS)
			has_data[d->slot] |= member_has_data(d->curr_state);
	}
	return a->raid_disks <= MAX_SLOTS && enough_left(a->level, a->layout, (unsigned)a->raid_disks, has_data);
}

/* The handler has not seen the array before: which volume is it? If it knows none, the array may be `kept` for later. */
static void bind_to_metadata(struct monitor *mon, struct active_array *a, bool kept)
{
	int err = mon->array_count > MAX_ARRAYS ? -E2BIG : mon->st->ss->open_new(a);

	if (err && kept) {
		mon->arrays_kept = true;
		return;
	}
	if (err) {
		monitor_discard(mon, a, true, err);
		return;
	}
	a->watch->adopted = true;
	a->watch->first = a->watch->untold = true;
}

/* Nothing is to be kept in step. What needs no monitoring is never dirty: it has no copies that could differ. */
static void let_go(struct monitor *mon, struct active_array *a)
{
	if (a->level <= 0 && a->watch->adopted)
		mon->st->ss->set_array_state(a, MARK_CLEAN);
	monitor_discard(mon, a, true, 0);
}

static bool has_member(const struct active_array *a, const struct mdinfo *d)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i] == d)
			return true;
	return false;
}

/*
 * md takes no disk into an array that runs but to rebuild it. A small or an idle one has been rebuilt by the first look: that
 * look must not take it for one that md was started with.
 */
static void note_joined(const struct active_array *old, struct active_array *a)
{
	if (a->watch->curr_state <= ARRAY_INACTIVE)
		return;
	for (unsigned i = 0; i < a->disk_count; i++)
		if (!has_member(old, a->disks[i]))
			a->disks[i]->curr_state |= MEMBER_SPARE;
}

static void take_array(struct monitor *mon, struct active_array *a, bool kept)
{
	struct active_array *old = monitor_find_copy(mon, a->watch);
	bool is_raid0 = a->level <= 0, has_ended = a->replaces && !old; /* while this copy was on its way */

	if (old) {
		note_joined(old, a);
		monitor_discard(mon, old, false, 0);
	}
	a->watch->look = true;
	a->watch->new_members = true;
	a->next = mon->arrays;
	mon->arrays = a;
	mon->array_count++;
	if (is_raid0 || has_ended)
		let_go(mon, a);
	else if (!a->watch->adopted)
		bind_to_metadata(mon, a, kept);
}

static void bind_kept(struct monitor *mon)
{
	struct active_array *next;

	for (struct active_array *a = mon->arrays; a; a = next) {
		next = a->next;
		if (!a->watch->adopted)
			bind_to_metadata(mon, a, false);
	}
	mon->arrays_kept = false;
}

static void take_published(struct monitor *mon, bool kept)
{
	struct active_array *a, *next;

	for (a = handoff_take_published(); a; a = next) {
		next = handoff_next_array(a);
		take_array(mon, a, kept);
	}
}

void monitor_take_arrays(struct monitor *mon)
{
	if (mon->arrays_kept)
		bind_kept(mon);
	take_published(mon, false);
}

void monitor_take_arrays_before_updates(struct monitor *mon)
{
	take_published(mon, true);
}
