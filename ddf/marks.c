/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks that change in place (ddf.md 7.5): that a virtual disk is written to, or not any more, is one bit of its entry, which
 * lies in one sector with the checksum of its table. If all copies of all disks get that sector, no generation has to begin,
 * and nobody waits for three writes.
 */
#include <string.h>

#include "ddf/ddf.h"
#include "metadata/metaio.h"

/* A copy that readers may take and that is not the last generation, or may be something else before long. */
static bool is_settled(const struct ddf_container *c, const struct ddf_copy *copy)
{
	return !copy->exists || (ddf_copy_is_current(copy, c->seq) && copy->closed && !copy->failed && !copy->left && !copy->opened);
}

/* A disk that nobody takes for a newer one than it is. */
static bool is_behind(const struct ddf_container *c, const struct ddf_dl *dl)
{
	/* What it did not answer to, or refused, may have been written all the same. */
	return dl->asked_seq != c->seq && !ddf_copy_is_current(&dl->copy[DDF_FIRST_COPY], c->seq) &&
	       !ddf_copy_is_current(&dl->copy[DDF_SECOND_COPY], c->seq);
}

/* A disk that is not here may have the generation: it is the one with which we began, or in which a disk left. */
static bool any_like_us(const struct ddf_container *c)
{
	if (c->left_seq && c->left_seq == c->seq)
		return true;
	for (unsigned i = 0; c->seq == c->loaded_seq && i < c->layout.max_pd; i++)
		if (ddf_pd_used(ddf_pd(c, i)) && !ddf_dl_by_ref(c, be32_get(ddf_pd(c, i)->refnum)))
			return true;
	return false;
}

/*
 * Each copy of each disk is of this generation, and no disk that is not here is: what changes in all of them needs no new
 * one.
 */
static bool all_hold_the_same(const struct ddf_container *c)
{
	if (c->skips || c->uneven || any_like_us(c))
		return false;
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		if (ddf_dl_failed(c, dl) && dl->given_up && is_behind(c, dl))
			continue;
		if (ddf_dl_failed(c, dl) || dl->anchor_due || dl->late || dl->given_up || metaio_hangs(dl->disk) ||
		    !is_settled(c, &dl->copy[DDF_FIRST_COPY]) || !is_settled(c, &dl->copy[DDF_SECOND_COPY]))
			return false;
	}
	return true;
}

/* Of virtual disks whose entries lie in one sector with the checksum of their table. */
static bool only_marks_differ(const struct ddf_container *c)
{
	const size_t len = (size_t)c->layout.vd.length * DDF_SECTOR;
	const unsigned entries = (DDF_SECTOR - sizeof(struct ddf_table_head)) / sizeof(struct ddf_vd_entry);
	uint8_t now[DDF_SECTOR];
	const struct ddf_table_head *was = (const struct ddf_table_head *)(const void *)c->vd_written;
	struct ddf_vd_entry *e = (struct ddf_vd_entry *)(void *)(now + sizeof(struct ddf_table_head));

	memcpy(now, c->vd, DDF_SECTOR);
	((struct ddf_table_head *)(void *)now)->crc = was->crc;
	for (unsigned i = 0; i < entries && i < c->layout.max_vd; i++) {
		uint8_t before = ((const struct ddf_vd_entry *)(const void *)(was + 1))[i].state;

		if ((e[i].state ^ before) == DDF_VD_INCONSISTENT)
			e[i].state = before;
	}
	return !memcmp(now, c->vd_written, DDF_SECTOR) &&
	       !memcmp(c->vd + DDF_SECTOR, c->vd_written + DDF_SECTOR, len - DDF_SECTOR);
}

bool ddf_may_write_in_place(const struct ddf_container *c)
{
	return only_marks_differ(c) && all_hold_the_same(c);
}
