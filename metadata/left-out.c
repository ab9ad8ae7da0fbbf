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

static const struct md_member *find(const struct md_members *members, unsigned slot, dev_t dev)
{
	const struct md_member *elsewhere = NULL;

	for (unsigned i = 0; i < members->count; i++) {
		const struct md_member *m = &members->member[i];

		if (m->dev != dev)
			continue;
		if (m->slot == (int)slot)
			return m;
		if (m->slot < 0) /* md has taken the place of a failed member away */
			elsewhere = m;
	}
	return elsewhere;
}

bool disk_is_left_out(const struct md_members *members, unsigned slot, dev_t dev, enum slot_trust trust)
{
	const struct md_member *m = find(members, slot, dev);

	if (!m)
		return true;
	if (m->state & (MEMBER_FAULTY | MEMBER_IN_SYNC))
		return false;
	/* md is rebuilding it. */
	return trust == SLOT_HAS_DATA;
}

void log_left_out(const char *array, const char *disk)
{
	mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-left-out", array, disk),
		      "%s: runs without disk %s, which is there; it counts as out of date from now on", array, disk);
}
