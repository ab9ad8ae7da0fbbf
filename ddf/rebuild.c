/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rebuilds that no record tells of (struct ddf_rebuild), kept in memory until the disk has its data. Pure.
 */
#include "ddf/ddf.h"

struct ddf_rebuild *ddf_next_rebuild(const struct ddf_container *c, const struct ddf_rebuild *b)
{
	const struct ddf_rebuild *const end = c->rebuild + DDF_MAX_REBUILDS;

	b = b ? b + 1 : c->rebuild;
	while (b < end && !b->used)
		b++;
	return b < end ? (struct ddf_rebuild *)(uintptr_t)b : NULL;
}

struct ddf_rebuild *ddf_rebuild_of(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	ddf_each_rebuild(c, b)
		if (b->vd == vd && b->refnum == refnum)
			return b;
	return NULL;
}

struct ddf_rebuild *ddf_rebuild_in(const struct ddf_container *c, unsigned vd, unsigned slot)
{
	ddf_each_rebuild(c, b)
		if (b->vd == vd && b->slot == slot)
			return b;
	return NULL;
}

bool ddf_rebuilds_disk(const struct ddf_container *c, uint32_t refnum)
{
	ddf_each_rebuild(c, b)
		if (b->refnum == refnum)
			return true;
	return false;
}

unsigned ddf_free_rebuilds(const struct ddf_container *c)
{
	unsigned n = DDF_MAX_REBUILDS;

	ddf_each_rebuild(c, b)
		n--;
	return n;
}

bool ddf_keep_rebuild(struct ddf_container *c, const struct ddf_rebuild *what)
{
	for (unsigned i = 0; i < DDF_MAX_REBUILDS; i++) {
		if (c->rebuild[i].used)
			continue;
		c->rebuild[i] = *what;
		c->rebuild[i].used = true;
		return true;
	}
	return false;
}
