/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What md says of an array and its members, for the handlers' pure parts. */
#ifndef MD_MEMBER_H
#define MD_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

struct md_member {
	dev_t dev;
	int slot;                /* -1: md has taken it away */
	unsigned state;          /* MEMBER_* */
	bool rebuilt;            /* IMSM: in sync, and md has made it so: it ran, or was found running and whole */
	uint64_t data_offset;    /* sectors */
	uint64_t recovery_start; /* sectors: how far it has its data; SECTORS_NONE: all of it */
};

struct md_members {
	const struct md_member *member;
	unsigned count;
};

/* The member in this slot; NULL if there is none. One that has vanished does not count. */
static inline const struct md_member *md_member_in(const struct md_members *m, unsigned slot)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->member[i].slot == (int)slot && !(m->member[i].state & MEMBER_GONE))
			return &m->member[i];
	return NULL;
}

static inline bool md_members_have(const struct md_members *m, dev_t dev)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->member[i].dev == dev && !(m->member[i].state & MEMBER_GONE))
			return true;
	return false;
}

static inline bool md_any_faulty(const struct md_members *m)
{
	for (unsigned i = 0; i < m->count; i++)
		if ((m->member[i].state & (MEMBER_FAULTY | MEMBER_GONE)) == MEMBER_FAULTY)
			return true;
	return false;
}

/*
 * The sectors that a complete resync of an array goes through, by its level and layout as md has them; 0: the level has
 * no redundancy. RAID10 counts the sectors of the array, each once; a layout without copies is no layout, and counts
 * as one copy.
 */
static inline uint64_t md_sync_size(int level, int layout, unsigned raid_disks, uint64_t component_size)
{
	unsigned copies = ((unsigned)layout & 0xff) * ((unsigned)layout >> 8 & 0xff);

	switch (level) {
	case 1:
	case 4:
	case 5:
	case 6:
		return component_size;
	case 10:
		return component_size * raid_disks / (copies ? copies : 1);
	}
	return 0;
}

#endif
