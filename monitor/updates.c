/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Updates of the metadata that the manager has queued: applied at the start of a pass, returned when the metadata have
 * been written.
 */
#include "monitor/pass.h"

#include <errno.h>

#include "threads/handoff.h"

static void find_spares(struct monitor *mon, struct spare_request *req)
{
	struct active_array *a = monitor_find_copy(mon, req->watch);

	req->count = 0;
	if (a) /* else it has stopped meanwhile */
		mon->st->ss->activate_spare(a, req);
}

/* md had the disk already when the pick was made, its rebuild has ended since, and that is on record. */
static bool is_over(const struct monitor *mon, struct active_array *a, const struct spare_pick *p)
{
	for (unsigned i = 0; p->in_array && i < a->disk_count; i++) {
		const struct mdinfo *d = a->disks[i];

		if (d->dev == p->dev && d->slot == p->slot)
			return member_has_data(d->curr_state) && !mon->st->ss->is_unrecorded(a, d);
	}
	return false;
}

/* What is over must not be recorded once more. Nothing is left to be done if all are such. */
static int commit_spares(struct monitor *mon, struct metadata_update *u)
{
	struct spare_request *req = u->spares;
	struct active_array *a = monitor_find_copy(mon, req->watch);
	unsigned kept = 0, count = req->count;
	int err;

	for (unsigned i = 0; a && i < count; i++)
		if (!is_over(mon, a, &req->pick[i]))
			req->pick[kept++] = req->pick[i];
	if (a)
		req->count = kept;
	err = count && !req->count ? 0 : mon->st->ss->commit_spares(mon->st, u);
	/* A rebuild that is recorded now is not one of before, although this copy of the array has not got the disk yet. */
	if (a && !err)
		a->watch->untold = false;
	return err;
}

static int apply(struct monitor *mon, struct metadata_update *u)
{
	const struct superswitch *ss = mon->st->ss;

	switch (u->op) {
	case UPDATE_MESSAGE:
		return ss->apply_message(mon->st, u);
	case UPDATE_ADD_DISK:
		return ss->add_disk(mon->st, u);
	case UPDATE_REMOVE_DISK:
		return ss->remove_disk(mon->st, u);
	case UPDATE_FIND_SPARES:
		find_spares(mon, u->spares);
		return 0;
	case UPDATE_COMMIT_SPARES:
		return commit_spares(mon, u);
	}
	return -EINVAL;
}

/* What it does to a volume depends on whether that is in use. */
static bool any_about_volumes(const struct metadata_update *u)
{
	while (u && u->op != UPDATE_MESSAGE && u->op != UPDATE_ADD_DISK)
		u = handoff_next_update(u);
	return u;
}

/* md may have it as a member already: the handler, that did not know it, is told of all members once more. */
static void note_disk_added(struct monitor *mon)
{
	for (struct active_array *a = mon->arrays; a; a = a->next)
		a->watch->look = a->watch->new_members = true;
}

void monitor_apply_updates(struct monitor *mon)
{
	mon->applied = handoff_take_updates();
	if (any_about_volumes(mon->applied))
		monitor_take_arrays_before_updates(mon);
	for (struct metadata_update *u = mon->applied; u; u = handoff_next_update(u)) {
		u->status = apply(mon, u);
		if (u->status == 0 && (u->op == UPDATE_ADD_DISK || u->op == UPDATE_REMOVE_DISK))
			mon->spare_check_all = true;
		if (u->status == 0 && u->op == UPDATE_ADD_DISK)
			note_disk_added(mon);
	}
}

static void return_all(struct monitor *mon, struct metadata_update *u, bool durable)
{
	struct metadata_update *next;

	for (; u; u = next) {
		next = handoff_next_update(u);
		u->durable = durable;
		handoff_return_update(u);
		mon->wake_manager = true;
	}
}

void monitor_return_updates(struct monitor *mon)
{
	mon->report_due |= mon->applied != NULL;
	if (mon->some_wait) {
		mon->held = handoff_append_updates(mon->held, mon->applied);
	} else {
		return_all(mon, mon->held, !mon->sync_failed);
		return_all(mon, mon->applied, !mon->sync_failed);
		mon->held = NULL;
	}
	mon->applied = NULL;
}

void monitor_return_held(struct monitor *mon)
{
	return_all(mon, mon->held, false);
	mon->held = NULL;
}

void monitor_request_spare_checks(struct monitor *mon)
{
	if (!mon->spare_check_all)
		return;
	mon->spare_check_all = false;
	for (struct active_array *a = mon->arrays; a; a = a->next)
		handoff_request_array(a, ARRAY_WANT_SPARE_CHECK);
	mon->wake_manager = true;
}
