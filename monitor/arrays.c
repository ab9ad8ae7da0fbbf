/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays come and go: the manager publishes new ones and changed copies, the monitor discards those that it will never
 * touch again (threads/handoff.h).
 */
#include "monitor/pass.h"

#include <errno.h>

#include "threads/handoff.h"

/* `last`: no newer copy takes its place. */
void monitor_discard(struct monitor *mon, struct active_array **link, bool last, int error)
{
	struct active_array *a = *link;

	*link = a->next;
	mon->array_count--;
	mon->report_due = true;
	a->discard_error = error;
	if (last && a->watch->adopted) {
		mon->st->ss->close_array(a);
		a->watch->adopted = false;
	}
	handoff_discard(a);
	mon->wake_manager = true;
}

struct active_array **monitor_find_copy(struct monitor *mon, const struct array_watch *w)
{
	struct active_array **link = &mon->arrays;

	while (*link && (*link)->watch != w)
		link = &(*link)->next;
	return link;
}

static void take_array(struct monitor *mon, struct active_array *a)
{
	struct active_array **old = monitor_find_copy(mon, a->watch);
	bool over;
	int err;

	/* It became a RAID 0, or has ended while this copy was on its way: nothing is to be kept in step. */
	over = a->level <= 0 || (a->replaces && !*old);
	if (*old)
		monitor_discard(mon, old, false, 0);
	a->watch->look = true;
	a->watch->new_members = true;
	a->next = mon->arrays;
	mon->arrays = a;
	mon->array_count++;
	if (over) {
		/* What needs no monitoring is never dirty: it has no copies that could differ. */
		if (a->level <= 0 && a->watch->adopted)
			mon->st->ss->set_array_state(a, MARK_CLEAN);
		monitor_discard(mon, &mon->arrays, true, 0);
		return;
	}
	if (a->watch->adopted)
		return;
	err = mon->array_count > MAX_ARRAYS ? -E2BIG : mon->st->ss->open_new(a);
	if (err) {
		monitor_discard(mon, &mon->arrays, true, err);
		return;
	}
	a->watch->adopted = true;
	a->watch->first = true;
}

void monitor_take_arrays(struct monitor *mon)
{
	struct active_array *a, *next;

	for (a = handoff_take_published(); a; a = next) {
		next = (struct active_array *)a->node.next;
		take_array(mon, a);
	}
}
