/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Updates: how the manager has the metadata changed, which belong to the monitor. Queued, and taken back when they are
 * applied and durable.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
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
	switch (u->op) {
	case UPDATE_MESSAGE:
		clients_answer_update(mgr, u);
		break;
	case UPDATE_ADD_DISK:
		if (u->status)
			log_error("%s: disk not added: %s", mgr->st->container, strerror(-u->status));
		break;
	case UPDATE_REMOVE_DISK:
		break;
	case UPDATE_FIND_SPARES:
		spare_found(u->owner);
		break;
	case UPDATE_COMMIT_SPARES:
		spare_committed(u->owner, u->status);
		break;
	}
	manager_free_update(u);
}

void manager_take_handled(struct manager *mgr)
{
	struct metadata_update *u, *next;

	for (u = handoff_take_handled(); u; u = next) {
		next = (struct metadata_update *)u->node.next;
		update_done(mgr, u);
	}
}
