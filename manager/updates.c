/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Updates: how the manager has the metadata changed, which belong to the monitor. Queued, and taken back when they are
 * applied and durable.
 */
#include <stdlib.h>

#include "manager/manager.h"
#include "metadata/disk.h"
#include "threads/handoff.h"

void manager_queue_update(struct manager *mgr, struct metadata_update *u)
{
	mgr->updates_out++;
	handoff_queue_update(u);
}

void manager_free_update(struct metadata_update *u)
{
	disk_close(u->disk);
	free(u->space);
	free(u->buf);
	free(u);
}

static void update_done(struct manager *mgr, struct metadata_update *u)
{
	mgr->updates_out--;
	if (u->done)
		u->done(mgr, u);
	manager_free_update(u);
}

void manager_take_handled(struct manager *mgr)
{
	struct metadata_update *u, *next;

	for (u = handoff_take_handled(); u; u = next) {
		next = handoff_next_update(u);
		update_done(mgr, u);
	}
}
