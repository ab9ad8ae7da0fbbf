/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a disk counts as left out of an array.
 *
 * Nobody need have done anything wrong: a disk can come into the container between the start of a degraded array and
 * the moment at which the daemon reads the disks; md can refuse it; the daemon that had put a spare in its place, or had
 * begun to rebuild it, can have died. In each case the metadata, as they are on the disks, would have the next one who
 * assembles the array trust data that have missed writes.
 */
#include "metadata/left-out.h"

#include "lib/log.h"

bool disk_is_left_out(const struct md_members *members, dev_t dev, enum slot_trust trust)
{
	for (unsigned i = 0; i < members->count; i++) {
		const struct md_member *m = &members->member[i];

		if (m->dev != dev)
			continue;
		/* If it is neither, md is rebuilding it. */
		return !(m->state & (MEMBER_FAULTY | MEMBER_IN_SYNC)) && trust == SLOT_HAS_DATA;
	}
	return true;
}

void log_left_out(const char *array, const char *disk)
{
	mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-left-out", array, disk),
		      "%s: runs without disk %s, which is there; it counts as out of date from now on", array, disk);
}
