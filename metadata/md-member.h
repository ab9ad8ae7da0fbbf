/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What md says of the members of an array, for the handlers' pure parts. */
#ifndef MD_MEMBER_H
#define MD_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

struct md_member {
	dev_t dev;
	int slot;             /* -1: md has taken it away */
	unsigned state;       /* MEMBER_* */
	uint64_t data_offset; /* sectors */
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

#endif
