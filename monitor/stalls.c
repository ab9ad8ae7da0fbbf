/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What administrators ask about afterwards: how long the kernel had to wait for this daemon, and when a resync or a
 * rebuild began and ended.
 */
#include "monitor/pass.h"

#include "lib/clock.h"
#include "lib/log.h"

void monitor_count_stall(struct monitor *mon, struct stall_stats *s, uint64_t *since_ns)
{
	uint64_t us = (clock_now_ns() - *since_ns) / 1000;
	unsigned i = 0;

	while (i < STALL_BUCKETS - 1 && us >= (UINT64_C(1000) << i))
		i++;
	s->bucket[i]++;
	s->count++;
	s->total_us += us;
	if (us > s->max_us)
		s->max_us = us;
	*since_ns = 0;
	mon->report_due = true;
}

bool monitor_any_blocked(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->curr_state & MEMBER_BLOCKED)
			return true;
	return false;
}

/* A write that is let go is counted where "active" is written; "-blocked" is the manager's, and seen here. */
void monitor_note_stalls(struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;

	if (w->curr_state != ARRAY_WRITE_PENDING)
		w->write_since_ns = 0;
	else if (!w->write_since_ns)
		w->write_since_ns = mon->woken_ns;
	if (monitor_any_blocked(a)) {
		if (!w->failure_since_ns)
			w->failure_since_ns = mon->woken_ns;
	} else if (w->failure_since_ns) {
		monitor_count_stall(mon, &mon->failure_stalls, &w->failure_since_ns);
	}
}

static const char *action_name(enum sync_action action)
{
	switch (action) {
	case SYNC_RESYNC:
		return "resync";
	case SYNC_RECOVER:
		return "rebuild";
	case SYNC_CHECK:
		return "check";
	case SYNC_REPAIR:
		return "repair";
	case SYNC_RESHAPE:
		return "reshape";
	case SYNC_NONE:
	case SYNC_IDLE:
	case SYNC_FROZEN:
	case SYNC_UNKNOWN:
		break;
	}
	return "sync";
}

static unsigned count_in_sync(const struct active_array *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->disk_count; i++)
		n += !!(a->disks[i]->curr_state & MEMBER_IN_SYNC);
	return n;
}

/* md says "recover" for a moment after a failure, even if there is nothing to rebuild on. */
static bool sync_runs(const struct active_array *a)
{
	if (a->watch->curr_action != SYNC_RECOVER)
		return sync_action_runs(a->watch->curr_action);
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->slot >= 0 && !(a->disks[i]->curr_state & (MEMBER_FAULTY | MEMBER_IN_SYNC)))
			return true;
	return false;
}

void monitor_log_sync(struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;
	bool runs = sync_runs(a), ran = w->sync_since_ns != 0;

	if (runs && !ran) {
		w->sync_since_ns = mon->woken_ns;
		w->sync_logged = w->curr_action;
		mon_log_event(LOG_LEVEL_INFO, ABOUT("sync-started", a->name, NULL), "%s: %s %s", a->name,
			      action_name(w->curr_action), w->first ? "goes on" : "begins");
	} else if (!runs && ran && w->curr_state > ARRAY_INACTIVE) {
		unsigned s = (unsigned)((mon->woken_ns - w->sync_since_ns) / NS_PER_S), have = count_in_sync(a);

		w->sync_since_ns = 0;
		mon_log_event(LOG_LEVEL_INFO, ABOUT("sync-ended", a->name, NULL),
			      "%s: %s ended after %u s, %u of %d members in sync", a->name,
			      action_name(w->sync_logged), s, have, a->raid_disks);
	}
}
