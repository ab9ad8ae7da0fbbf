/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the members hold before a spare is recorded (imsm.md 1.16): the change will be newer by a leap, and after a power cut
 * one disk alone may have it. Pure.
 */
#include "imsm/imsm.h"

#include <string.h>

/* In the header's filler, before what imsm/migration.c has there. mdadm carries it on with another generation: it counts no more. */
struct leap {
	uint8_t magic[8];
	le32 generation;
	le32 unused;
} __attribute__((packed));

static const uint8_t leap_magic[8] = { 't', 'o', ' ', 'l', 'e', 'a', 'p', ' ' };

#define LEAP_OFFSET (sizeof(((struct imsm_header *)0)->filler) - 2 * sizeof(struct leap))

void imsm_mark_leap(struct imsm_container *c)
{
	struct imsm_header *h = &c->meta.header;
	uint8_t *at = h->filler + LEAP_OFFSET;
	struct leap l = { .generation = h->generation_num };

	memcpy(l.magic, leap_magic, sizeof(l.magic));
	if (c->leap_is_due)
		memcpy(at, &l, sizeof(l));
	else if (!memcmp(at, leap_magic, sizeof(l.magic)))
		memset(at, 0, sizeof(l));
}

void imsm_find_leap(struct imsm_container *c)
{
	struct leap l;

	memcpy(&l, c->meta.header.filler + LEAP_OFFSET, sizeof(l));
	c->change_may_be_out |= !memcmp(l.magic, leap_magic, sizeof(l.magic)) &&
				le32_get(l.generation) == c->loaded_generation;
}
