// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mdadm tells md of a virtual disk when it assembles it, and whether md would start that (docs/ddf.md, 1.7, 1.9,
 * 2.6 and 3.1). A disk takes part if its entry says Online, and neither Failed nor Rebuilding; then it counts as in
 * sync: DDF has no other way to say how far a member may be trusted.
 */
#include <string.h>

#include "ddf-reader.h"

enum { UNKNOWN_LEVEL = -100, LINEAR = -1 };

struct shape {
	int level;
	unsigned members, near, far; /* copies, of level 10 */
};

static bool set_shape(struct shape *shape, int level, unsigned near, unsigned far)
{
	shape->level = level;
	shape->near = near;
	shape->far = far;
	return true;
}

static bool shape_of_parity(const struct ddf_config *config, struct shape *shape)
{
	/* a bit for each one */
	static const unsigned char qualifiers[7] = { [4] = 0x2, [5] = 0xd, [6] = 0xe };

	if (config->rlq > 3 || !(qualifiers[config->prl] & 1 << config->rlq))
		return false;
	return set_shape(shape, (int)config->prl, 1, 1);
}

static bool shape_of_one(const struct ddf_config *config, struct shape *shape)
{
	switch (config->prl) {
	case 0x00:
		return set_shape(shape, 0, 1, 1);
	case 0x01:
		if (!(config->rlq == 0 && config->p == 2) && !(config->rlq == 1 && config->p == 3))
			return false;
		return set_shape(shape, 1, 1, 1);
	case 0x04:
	case 0x05:
	case 0x06:
		return shape_of_parity(config, shape);
	case 0x11:
		if (config->rlq > 1)
			return false;
		return set_shape(shape, 10, config->rlq ? 1 : 2, config->rlq ? 2 : 1);
	case 0x0f:
	case 0x1f:
		return set_shape(shape, LINEAR, 1, 1);
	}
	return false;
}

/* 1.9; false: nothing that md knows */
static bool shape_of(const struct ddf_config *config, struct shape *shape)
{
	shape->members = config->p * (config->s ? config->s : 1);
	if (shape->members == 0 || shape->members > READER_MEMBERS)
		return false;
	if (config->s <= 1)
		return shape_of_one(config, shape);
	if (config->prl != 0x01 || (config->srl != 0 && config->srl != 3))
		return false;
	if (!(config->p == 2 && config->rlq == 0) && !(config->p == 3 && config->rlq == 1))
		return false;
	return set_shape(shape, 10, config->p, 1);
}

static int disk_with(const struct ddf_view *view, uint32_t refnum)
{
	unsigned i;

	for (i = 0; i < view->count; i++)
		if (view->copy[i].loaded && view->copy[i].refnum == refnum)
			return (int)i;
	return -1;
}

static bool works(const struct ddf_pd *pd)
{
	return (pd->state & (DDF_ONLINE | DDF_FAILED | DDF_REBUILDING)) == DDF_ONLINE;
}

static void read_members(const struct ddf_view *view, const struct ddf_config *config, const struct ddf_bvd *bvd,
	struct reader_volume *answer)
{
	unsigned first = config->s > 1 ? bvd->place * config->p : 0, i;
	const struct ddf_pd *pd;
	struct reader_member *member;
	int disk;

	for (i = 0; i < bvd->elements && first + i < answer->members; i++) {
		member = &answer->member[first + i];
		pd = rd_ddf_find_refnum(view, bvd->refnum[i]);
		member->data_offset = bvd->start[i];
		if (!pd || !works(pd))
			continue;
		member->in_table = true;
		member->recovery_start = READER_IN_SYNC;
		disk = disk_with(view, bvd->refnum[i]);
		if (disk >= 0 && (bvd->start[i] > view->copy[disk].disk->sectors ||
		    answer->component_size > view->copy[disk].disk->sectors - bvd->start[i]))
			disk = -1;
		member->disk = disk;
	}
}

static unsigned count_present(const struct reader_volume *answer)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < answer->members; slot++)
		n += answer->member[slot].disk >= 0;
	return n;
}

/* One mirror alone is equal to itself, md says. */
static void settle_resync(struct reader_volume *answer)
{
	if (answer->level == 1 && count_present(answer) == 1) {
		answer->clean = true;
		answer->resync_start = READER_IN_SYNC;
	}
}

/* 3.3: of each set of copies one is there */
static const char *why_no_mirror(const struct shape *shape, const struct reader_volume *answer)
{
	unsigned copies = shape->near * shape->far, first = 0, i, n;

	do {
		for (n = 0, i = 0; i < copies; i++)
			n += answer->member[(first + i) % answer->members].disk >= 0;
		if (n == 0)
			return "all copies of a part are missing or out of sync";
		first = (first + shape->near) % answer->members;
	} while (first);
	return NULL;
}

static const char *why_no_parity(const struct reader_volume *answer)
{
	unsigned lost = answer->members - count_present(answer), spared = answer->level == 6 ? 2 : 1;

	if (lost > spared)
		return "more members are missing or out of sync than the level can do without";
	return lost && !answer->clean ? "dirty and degraded" : NULL;
}

static const char *why_md_refuses(const struct shape *shape, const struct reader_volume *answer)
{
	switch (shape->level) {
	case 0:
		return count_present(answer) < answer->members ? "a member is missing" : NULL;
	case 1:
		return count_present(answer) == 0 ? "no member is in sync" : NULL;
	case 10:
		return why_no_mirror(shape, answer);
	case 4:
	case 5:
	case 6:
		return why_no_parity(answer);
	}
	return "mdadm cannot start linear arrays of DDF";
}

/* 1.7: what is told of the state, whoever is there */
static void read_state(const struct ddf_vd *vd, struct reader_volume *answer)
{
	answer->clean = answer->level == 0 || (!(vd->state & 0x10) && (vd->init & 3) == 2);
	answer->resync_start = answer->clean ? READER_IN_SYNC : 0;
	answer->recorded_failed = (vd->state & 7) == 4;
	answer->recorded_degraded = (vd->state & 7) == 1 || (vd->state & 7) == 5;
}

void rd_ddf_read_volume(const struct ddf_view *view, const struct ddf_config *config, const struct ddf_vd *vd,
	struct reader_volume *answer)
{
	struct shape shape = { .level = UNKNOWN_LEVEL };
	unsigned i;

	memset(answer, 0, sizeof(*answer));
	memcpy(answer->name, vd->name, sizeof(vd->name));
	answer->number = vd->index;
	answer->component_size = config->blocks;
	for (i = 0; i < READER_MEMBERS; i++)
		answer->member[i].disk = -1;
	if (!shape_of(config, &shape)) {
		answer->level = UNKNOWN_LEVEL;
		read_state(vd, answer);
		answer->why_not = "a level or a number of members that md has not";
		return;
	}
	answer->level = shape.level;
	answer->members = shape.members;
	read_state(vd, answer);
	for (i = 0; i < config->bvds; i++)
		read_members(view, config, &config->bvd[i], answer);
	settle_resync(answer);
	answer->why_not = why_md_refuses(&shape, answer);
	answer->can_start = !answer->why_not;
}
