/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that do not answer. The metadata are durable on others, so who can do without such a disk goes on: an array that
 * could not be started, and believed, from the disks alone that lack the last change (docs/design.md, "A disk that hangs").
 */
#include "monitor/pass.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "metadata/redundancy.h"
#include "threads/handoff.h"

/* It has failed, where the array can do without it. */
#define GIVE_UP_NS (30 * NS_PER_S)

static bool is_listed(const struct hanging_disks *h, dev_t dev)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->disk[i].dev == dev)
			return true;
	return false;
}

bool monitor_disk_hangs(const struct monitor *mon, dev_t dev)
{
	return is_listed(&mon->hanging, dev);
}

static const char *name_of(const struct monitor *mon, dev_t dev)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next)
		for (unsigned i = 0; i < a->disk_count; i++)
			if (a->disks[i]->dev == dev)
				return member_disk(a->disks[i]->name);
	return NULL;
}

static bool is_among(const struct refusals *r, dev_t dev)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->dev[i] == dev)
			return true;
	return false;
}

void monitor_note_refusal(struct refusals *r, dev_t dev)
{
	if (!is_among(r, dev) && r->count < REPORT_FAILED)
		r->dev[r->count++] = dev;
}

static void note_answers(struct monitor *mon, const struct hanging_disks *before)
{
	for (unsigned i = 0; i < before->count; i++) {
		const char *name = name_of(mon, before->disk[i].dev);

		if (is_listed(&mon->hanging, before->disk[i].dev))
			continue;
		monitor_note_refusal(&mon->outdated, before->disk[i].dev);
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-answers", NULL, name), "%s: disk %s answers again",
			      mon->st->container, name ? name : "of no array");
	}
}

bool monitor_look_for_hanging(struct monitor *mon)
{
	struct hanging_disks before = mon->hanging;

	if (!mon->st->ss->look_for_hanging)
		return false;
	mon->st->ss->look_for_hanging(mon->st, &mon->hanging);
	note_answers(mon, &before);
	return mon->hanging.count < before.count;
}

/* ---- who waits ---- */

/* It hangs, or did when the metadata were written last. */
static bool was_left(const struct monitor *mon, dev_t dev)
{
	return monitor_disk_hangs(mon, dev) || is_among(&mon->outdated, dev);
}

/* The disk has failed for another array: it is not written to, or after all others. */
static bool has_failed_elsewhere(const struct monitor *mon, dev_t dev)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next)
		for (unsigned i = 0; i < a->disk_count; i++)
			if (a->disks[i]->dev == dev && (a->disks[i]->curr_state & MEMBER_FAULTY))
				return true;
	return false;
}

/* What the member holds of the metadata is, or may be, older than what the kernel is to be told. */
static bool may_be_old(const struct monitor *mon, const struct mdinfo *m)
{
	if (is_among(&mon->refusals, m->dev) || has_failed_elsewhere(mon, m->dev))
		return true;
	return (m->curr_state & MEMBER_FAULTY) || was_left(mon, m->dev);
}

/*
 * A mirror alone that hangs is left behind: it would have to be found without the other one, and that after a power cut
 * within this time.
 */
static bool is_startable(const struct active_array *a, const bool *old, unsigned count)
{
	if (a->level == 1)
		return count >= 2;
	return enough_left(a->level, a->layout, (unsigned)a->raid_disks, old);
}

bool monitor_waits_for_hanging(const struct monitor *mon, const struct active_array *a)
{
	bool old[MAX_SLOTS] = { false }, hangs = false, others = false;
	unsigned count = 0;

	if (!(mon->hanging.count || mon->outdated.count) || a->raid_disks > MAX_SLOTS)
		return mon->hanging.count || mon->outdated.count;
	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *m = a->disks[i];
		int slot = m->slot >= 0 ? m->slot : m->meta_slot;

		hangs |= was_left(mon, m->dev);
		others |= (m->curr_state & MEMBER_IN_SYNC) && !may_be_old(mon, m);
		if (slot < 0 || slot >= MAX_SLOTS || !may_be_old(mon, m))
			continue;
		count += !old[slot];
		old[slot] = true;
	}
	/* What lies where is in flux while a reshape runs. */
	return hangs && (!others || a->watch->curr_action == SYNC_RESHAPE || is_startable(a, old, count));
}

/* ---- giving up ---- */

static void give_up(struct monitor *mon, dev_t dev)
{
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			struct mdinfo *m = a->disks[i];

			if (m->dev != dev || (m->curr_state & MEMBER_FAULTY) || m->fail_asked || !monitor_can_spare(a, m))
				continue;
			m->failed_elsewhere = m->fail_asked = true;
			handoff_request_member(a, m, MEMBER_WANT_FAIL);
			mon->wake_manager = true;
			mon_log_event(LOG_LEVEL_ERROR, ABOUT("member-hangs", a->name, member_disk(m->name)),
				      "%s: member %s has not answered for %u seconds and is given up", a->name,
				      member_disk(m->name), (unsigned)(GIVE_UP_NS / NS_PER_S));
		}
	}
}

void monitor_give_up_hanging(struct monitor *mon)
{
	uint64_t now = mon->hanging.count ? clock_now_ns() : 0;

	for (unsigned i = 0; i < mon->hanging.count; i++)
		if (now >= mon->hanging.disk[i].since_ns + GIVE_UP_NS)
			give_up(mon, mon->hanging.disk[i].dev);
}
