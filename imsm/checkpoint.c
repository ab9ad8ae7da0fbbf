/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a resync or a rebuild of an IMSM volume has come, in the units of the metadata (imsm.md 5.4).
 */
#include "imsm/imsm.h"

static unsigned at_least_1(unsigned n)
{
	return n ? n : 1;
}

/*
 * Where array block `block` lies within a member of map `m`. Asked for RAID1 only: with the other levels a unit is
 * a whole number of stripes.
 */
static uint64_t block_in_member(const struct imsm_map *m, uint64_t block)
{
	unsigned chunk = imsm_map_chunk(m);

	if (!imsm_map_is_mirror(m))
		return 0;
	return (block / chunk * m->head.num_domains + 1) / m->head.num_members * chunk + block % chunk;
}

static uint64_t resync_unit(const struct imsm_map *m0, const struct imsm_map *m1)
{
	unsigned chunk = imsm_map_chunk(m0);
	int level = imsm_map_level(m0);
	uint64_t stripe = (uint64_t)chunk * imsm_map_data_members(m0);
	uint64_t unit_chunk = level == IMSM_RAID5 || level == IMSM_RAID10 ? chunk : 256;
	uint64_t blocks = at_least_1(imsm_map_chunk(m1) / chunk) * unit_chunk * imsm_map_data_members(m0);
	uint64_t depth = chunk;

	if (!stripe)
		return 0;
	if (imsm_map_is_mirror(m0))
		depth *= m0->head.num_domains;
	else if (level == IMSM_RAID5)
		depth *= m0->head.num_members;
	return block_in_member(m1, blocks % stripe) + depth * (blocks / stripe);
}

static uint64_t rebuild_unit(const struct imsm_map *m0, const struct imsm_map *m1)
{
	unsigned chunk = imsm_map_chunk(m1);
	uint64_t unit = 256;

	if (imsm_map_level(m1) == IMSM_RAID5)
		unit = chunk > 128 ? chunk : 128;
	return unit * (imsm_map_is_mirror(m0) ? m1->head.num_domains : at_least_1(chunk / imsm_map_chunk(m0)));
}

uint64_t imsm_blocks_per_unit(const struct imsm_volume *v)
{
	const struct imsm_map *m0 = &v->map[0], *m1 = &v->map[1];

	if (!v->head.migr_state || !imsm_map_chunk(m0) || !imsm_map_chunk(m1) || !m1->head.num_members)
		return 0;
	switch (imsm_volume_migr_type(v)) {
	case IMSM_MIGR_INIT:
	case IMSM_MIGR_VERIFY:
	case IMSM_MIGR_REPAIR:
		return resync_unit(m0, m1);
	case IMSM_MIGR_REBUILD:
		return rebuild_unit(m0, m1);
	case IMSM_MIGR_GENERAL: /* mdadm sends it */
	case IMSM_MIGR_STATE_CHANGE:
		break;
	}
	return 0;
}

/*
 * mdadm has the only member without data that it finds go on at the checkpoint, and all of them from the start if there
 * are more (2.7). So beside another slot without data, whose disk it would give to md, no checkpoint counts: without the
 * disk that is rebuilt it would be taken for that one's. The same of two that are rebuilt: both have begun anew, with the
 * checkpoint of the time before on record, and then one of them is gone.
 */
static bool may_be_taken_for_another(const struct imsm_container *c, const struct imsm_volume *v)
{
	unsigned rebuilt = 0;

	if (!imsm_rebuilding(v))
		return false;
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++) {
		uint32_t to = imsm_ord(v, slot, IMSM_M0), from = imsm_ord(v, slot, IMSM_M1);

		if (from == UINT32_MAX || !(from & IMSM_ORD_REBUILD) || imsm_disk_failed(c, imsm_ord_index(to)))
			continue;
		if (to & IMSM_ORD_REBUILD)
			return true;
		rebuilt++;
	}
	return rebuilt > 1;
}

void imsm_store_unit(struct imsm_container *c, struct imsm_volume *v, uint64_t unit)
{
	if (may_be_taken_for_another(c, v))
		unit = 0;
	if (imsm_volume_unit(v) == unit)
		return;
	imsm_volume_set_unit(v, unit);
	c->write_due = true;
}

/* Goes through all members of the array and compares them. */
static bool compares_members(enum sync_action a)
{
	return a == SYNC_RESYNC || a == SYNC_CHECK || a == SYNC_REPAIR;
}

/*
 * last_checkpoint is that of the recorded migration. After assembly it means nothing until a sync has been seen
 * running. The position of a check says nothing about a rebuild. When a sync is interrupted, the action before tells
 * which it was.
 */
static bool checkpoint_counts(const struct imsm_volume *v, const struct imsm_event *ev)
{
	enum sync_action a = ev->action;

	if (ev->prev_action == SYNC_NONE || ev->prev_action == SYNC_IDLE)
		return false;
	if (a != SYNC_RECOVER && !compares_members(a))
		a = ev->prev_action;
	return imsm_migrating(v, IMSM_MIGR_REBUILD) ? a == SYNC_RECOVER : compares_members(a);
}

/*
 * A write in flight may leave copies or parity that differ, anywhere. mdadm has a recorded resync go on where it had
 * come to, dirty or not: so as long as the volume is dirty it has come nowhere. With a PPL md repairs what a write has
 * left. (A rebuild is not begun anew: it would make data of parity that is wrong.)
 */
static bool nothing_counts(const struct imsm_volume *v, bool dirty)
{
	return dirty && imsm_resyncing(v) && !imsm_uses_ppl(v);
}

/* Zero is no progress, and must not wipe out what an earlier run of the same sync has reached. */
void imsm_save_checkpoint(struct imsm_container *c, struct imsm_volume *v, const struct imsm_event *ev, bool dirty)
{
	uint64_t bpu = imsm_blocks_per_unit(v);

	if (nothing_counts(v, dirty) || may_be_taken_for_another(c, v))
		imsm_store_unit(c, v, 0);
	else if (bpu && ev->last_checkpoint / bpu && checkpoint_counts(v, ev))
		imsm_store_unit(c, v, ev->last_checkpoint / bpu);
	/* Stopped before the sync was seen to run: as md has it. */
	else if (bpu && ev->state <= ARRAY_INACTIVE && imsm_resyncing(v) && !imsm_volume_unit(v) &&
		 ev->resync_start != SECTORS_NONE)
		imsm_store_unit(c, v, ev->resync_start / bpu);
}
