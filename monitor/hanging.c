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

/* NULL: the disk is none of them. Its time of 0 says that it answers. */
static const uint64_t *find(const struct hanging_disks *h, dev_t dev)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->disk[i].dev == dev)
			return &h->disk[i].since_ns;
	return NULL;
}

bool monitor_disk_hangs(const struct monitor *mon, dev_t dev)
{
	return find(&mon->hanging, dev);
}

static const char *name_of(const struct monitor *mon, dev_t dev)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next)
		for (unsigned i = 0; i < a->disk_count; i++)
			if (a->disks[i]->dev == dev)
				return member_disk(a->disks[i]->name);
	return NULL;
}

/* `was_out`: the disks to which requests were out before. */
static void log_answers(struct monitor *mon, const dev_t *was_out, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const uint64_t *since = find(&mon->hanging, was_out[i]);
		const char *name = name_of(mon, was_out[i]);

		if (since && *since)
			continue;
		mon->report_due = true;
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-answers", NULL, name), "%s: disk %s answers again",
			      mon->st->container, name ? name : "of no array");
	}
}

#define MAX_LOGGED 16

static unsigned list_out(const struct hanging_disks *h, dev_t *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < h->count && count < MAX_LOGGED; i++)
		if (h->disk[i].since_ns)
			out[count++] = h->disk[i].dev;
	return count;
}

static bool any_answers(const struct hanging_disks *h)
{
	for (unsigned i = 0; i < h->count; i++)
		if (!h->disk[i].since_ns)
			return true;
	return false;
}

uint64_t monitor_hanging_since(const struct monitor *mon)
{
	uint64_t oldest = 0;

	for (unsigned i = 0; i < mon->hanging.count; i++) {
		uint64_t since = mon->hanging.disk[i].since_ns;

		if (since && (!oldest || since < oldest))
			oldest = since;
	}
	return oldest;
}

void monitor_look_for_hanging(struct monitor *mon)
{
	dev_t was_out[MAX_LOGGED];
	unsigned count = list_out(&mon->hanging, was_out);

	if (!mon->st->ss->look_for_hanging)
		return;
	mon->st->ss->look_for_hanging(mon->st, &mon->hanging);
	/* A write that is out is one that goes on, whoever asks: systemd, or a successor. */
	handoff_note_writing(monitor_hanging_since(mon));
	log_answers(mon, was_out, count);
	if (!any_answers(&mon->hanging))
		mon->catch_up_ns = 0;
	else if (!mon->catch_up_ns)
		mon->catch_up_ns = mon->next_retry_ns > clock_now_ns() ? mon->next_retry_ns : clock_now_ns();
}

void monitor_put_off_catching_up(struct monitor *mon)
{
	uint64_t least = clock_now_ns() + NS_PER_S;

	if (mon->catch_up_ns)
		mon->catch_up_ns = mon->next_retry_ns > least ? mon->next_retry_ns : least;
}

bool monitor_any_answers(const struct monitor *mon)
{
	return any_answers(&mon->hanging);
}

bool monitor_must_catch_up(const struct monitor *mon)
{
	return mon->catch_up_ns && clock_now_ns() >= mon->catch_up_ns;
}

void monitor_report_hanging(const struct monitor *mon, struct report *r)
{
	for (unsigned i = 0; i < r->disk_count; i++) {
		const uint64_t *since = find(&mon->hanging, r->disk[i].dev);

		r->disk[i].hangs_since_ns = r->disk[i].dev && since ? *since : 0;
	}
}

/* ---- who waits ---- */

/*
 * Also if it has failed for another array only: it is not written to, or after all others. That array may be gone before
 * this one has let go of the disk.
 */
static bool has_failed(const struct monitor *mon, dev_t dev)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			const struct mdinfo *m = a->disks[i];

			if (m->dev == dev && (m->failed_elsewhere || (m->curr_state & MEMBER_FAULTY)))
				return true;
		}
	}
	return false;
}

/* The handler does not have the disk, for it cannot be opened or read, or has not come yet. */
static bool is_unknown(const struct monitor *mon, struct active_array *a, const struct mdinfo *m)
{
	return (m->curr_state & MEMBER_IN_SYNC) && mon->st->ss->find_slot(a, m->dev) < 0;
}

/* What the member holds of the metadata is, or may be, older than what the kernel is to be told. */
static bool may_be_old(const struct monitor *mon, struct active_array *a, const struct mdinfo *m)
{
	return has_failed(mon, m->dev) || monitor_refused(&mon->refusals, m->dev) || monitor_disk_hangs(mon, m->dev) ||
	       is_unknown(mon, a, m);
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

static bool is_member(const struct active_array *a, dev_t dev)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->dev == dev)
			return true;
	return false;
}

/* The array runs without a disk that the metadata had in one of its slots, and that has not been told so. True if it has. */
static bool note_left_out(const struct monitor *mon, struct active_array *a, dev_t dev, bool *old)
{
	int slot = is_member(a, dev) ? -1 : mon->st->ss->find_slot(a, dev);

	if (slot < 0 || slot >= MAX_SLOTS)
		return false;
	old[slot] = true;
	return true;
}

static unsigned count_slots(const bool *old)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MAX_SLOTS; i++)
		count += old[i];
	return count;
}

bool monitor_waits_for_hanging(const struct monitor *mon, struct active_array *a)
{
	bool old[MAX_SLOTS] = { false }, hangs = false, others = false;

	if (!mon->hanging.count)
		return false;
	/* More than can be told apart. */
	if (mon->hanging.count == MAX_HANGING || a->raid_disks > MAX_SLOTS)
		return true;
	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *m = a->disks[i];
		int slot = m->slot >= 0 ? m->slot : m->meta_slot;
		bool may_lack = may_be_old(mon, a, m);

		hangs |= monitor_disk_hangs(mon, m->dev);
		others |= (m->curr_state & MEMBER_IN_SYNC) && !may_lack;
		if (slot >= 0 && slot < MAX_SLOTS)
			old[slot] |= may_lack;
	}
	for (unsigned i = 0; i < mon->hanging.count; i++)
		hangs |= note_left_out(mon, a, mon->hanging.disk[i].dev, old);
	for (unsigned i = 0; i < mon->refusals.count; i++)
		note_left_out(mon, a, mon->refusals.dev[i], old);
	/* What lies where is in flux while a reshape runs. */
	return hangs && (!others || a->watch->curr_action == SYNC_RESHAPE || is_startable(a, old, count_slots(old)));
}

/* ---- giving up ---- */

static void give_up(struct monitor *mon, dev_t dev)
{
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			struct mdinfo *m = a->disks[i];

			if (m->dev != dev || !monitor_ask_to_fail(mon, a, m))
				continue;
			m->failed_elsewhere = true;
			mon_log_event(LOG_LEVEL_ERROR, ABOUT("member-hangs", a->name, member_disk(m->name)),
				      "%s: member %s has not answered for %u seconds and is given up", a->name,
				      member_disk(m->name), (unsigned)(GIVE_UP_NS / NS_PER_S));
		}
	}
}

void monitor_give_up_hanging(struct monitor *mon)
{
	uint64_t now = mon->hanging.count ? clock_now_ns() : 0;

	for (unsigned i = 0; i < mon->hanging.count; i++) {
		uint64_t since = mon->hanging.disk[i].since_ns;

		if (since && now >= since + GIVE_UP_NS)
			give_up(mon, mon->hanging.disk[i].dev);
	}
}
