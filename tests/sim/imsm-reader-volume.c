// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mdadm tells md of a volume when it assembles it: shape, members and how far each may be trusted, where a resync
 * begins, how far a reshape has come; and whether md would start that (docs/imsm.md, 2.7, 3 and 5.4).
 */
#include <string.h>

#include "imsm-reader.h"
#include "reader-bytes.h"

enum { UNKNOWN_LEVEL = 255 };

/* 1.15, and 0x40000000, which does no harm */
#define SUPPORTED_ATTRIBUTES (0x80000000u | 0x40000000u | 0x20000000u | 0x08000000u | 0x04000000u | 0xd7u)

unsigned rd_imsm_effective_level(const struct imsm_map_view *map)
{
	switch (map->stored_level) {
	case 1:
		return map->members == 2 ? 1 : 10;
	case 0:
	case 5:
	case 10:
		return map->stored_level;
	}
	return UNKNOWN_LEVEL;
}

/* 3.1: members that hold data of their own */
static unsigned data_members(const struct imsm_map_view *map)
{
	switch (rd_imsm_effective_level(map)) {
	case 0:
		return map->members;
	case 1:
	case 10:
		return map->members / 2;
	case 5:
		return map->members - 1;
	}
	return 0;
}

static uint64_t component_size(const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *map = &volume->map[0];
	unsigned level = rd_imsm_effective_level(map), data = data_members(map);
	uint64_t each = map->stripes * map->strip, all, apart;

	if (level == 1 || level == 10)
		each *= 2;
	if (data == 0)
		return each;
	all = each * data;
	apart = all > volume->size ? all - volume->size : volume->size - all;
	return apart > 2048ull * data ? volume->size / data : each;
}

bool rd_imsm_is_gen_migration(const struct imsm_volume_view *volume)
{
	return volume->migrating && volume->migr_type == IMSM_GEN_MIGR;
}

static bool is_rebuilding(const struct imsm_volume_view *volume)
{
	return volume->migrating && volume->migr_type == IMSM_REBUILD && volume->map[1].state == IMSM_DEGRADED;
}

/* How many chunks of the new size one of the old size is, at least 1. */
static uint64_t chunk_ratio(const struct imsm_volume_view *volume)
{
	unsigned now = volume->map[0].strip, before = volume->map[1].strip;

	return now && before > now ? before / now : 1;
}

/* 5.4, the general form for INIT, VERIFY and REPAIR */
static uint64_t resync_unit(const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *map = &volume->map[0], *before = &volume->map[1];
	unsigned level = rd_imsm_effective_level(map), c = map->strip, data = data_members(map);
	uint64_t unit, stripe = (uint64_t)c * data, segments, rest, depth, s, offset = 0;

	if (stripe == 0 || before->strip == 0)
		return 0;
	unit = chunk_ratio(volume) * (level == 5 || level == 10 ? c : 256) * data;
	segments = unit / stripe;
	rest = unit - segments * stripe;
	s = rest / before->strip;
	if (level == 1 || level == 10) {
		depth = (uint64_t)c * map->domains;
		offset = (s * map->domains + 1) / map->members * before->strip + rest % before->strip;
	} else if (level == 5) {
		depth = (uint64_t)c * map->members;
		offset = map->members > 1 ? s / (map->members - 1) * before->strip + rest % before->strip : 0;
	} else {
		depth = c;
	}
	return offset + depth * segments;
}

static uint64_t rebuild_unit(const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *map = &volume->map[0], *before = &volume->map[1];
	unsigned level = rd_imsm_effective_level(before), now = rd_imsm_effective_level(map);
	uint64_t unit = 256;

	if (level == 1 || level == 10)
		unit = before->domains && before->members % before->domains == 0 ? 256 : before->strip;
	else if (level == 5)
		unit = before->strip > 128 ? before->strip : 128;
	return unit * (now == 1 || now == 10 ? before->domains : chunk_ratio(volume));
}

uint32_t rd_imsm_ord(const struct imsm_map_view *map, unsigned slot)
{
	return bytes_le32(map->ords + 4 * slot);
}

/* The disk that is listed with an index of the table; -1 if none is, or if it has failed. */
int rd_imsm_listed_as(const struct imsm_view *view, uint32_t index)
{
	unsigned i;

	for (i = 0; i < view->count; i++)
		if (view->listed[i].listed && view->listed[i].index >= 0 && (uint32_t)view->listed[i].index == index)
			return (int)i;
	return -1;
}

/* 1.14: the record is on the disks of slots 0 and 1 */
static int record_holder(const struct imsm_view *view, const struct imsm_map_view *map)
{
	unsigned slot;
	int disk;

	for (slot = 0; slot < map->members && slot < 2; slot++) {
		disk = rd_imsm_listed_as(view, rd_imsm_ord(map, slot) & IMSM_ORD_INDEX);
		if (disk >= 0)
			return disk;
	}
	return -1;
}

const char *rd_imsm_check_migrations(const struct imsm_view *view, struct imsm_migration *migration)
{
	struct imsm_volume_view volume;
	bool found = false;
	unsigned i;
	int disk;

	memset(migration, 0, sizeof(*migration));
	for (i = 0; i < view->champion->volumes; i++) {
		rd_imsm_volume_decode(view, i, &volume);
		if (!rd_imsm_is_gen_migration(&volume))
			continue;
		disk = record_holder(view, &volume.map[0]);
		if (disk < 0) /* 2.4 */
			return "no disk is there that says how far a reshape has come";
		if (!found) {
			rd_imsm_migration_read(view->copy[disk].disk, view->copy[disk].unit, migration);
			migration->on = (unsigned)disk;
		}
		found = true;
		if (volume.map[0].pba != volume.map[1].pba)
			return "a reshape that moves the volume's beginning";
		if (!migration->ascending && migration->dest_depth)
			return "a reshape from the end to the beginning";
	}
	return NULL;
}

/* What md is told of the shape: a RAID 0 that is reshaped is a RAID 4 without its parity, or a RAID 5 (1.8). */
static void read_shape(const struct imsm_volume_view *volume, const struct imsm_migration *migration,
	struct reader_volume *answer)
{
	unsigned level = rd_imsm_effective_level(&volume->map[0]);
	uint64_t unit = migration->unit;

	answer->members = volume->map[0].members;
	answer->level = (int)level;
	answer->component_size = component_size(volume);
	if (!rd_imsm_is_gen_migration(volume))
		return;
	answer->reshaping = true;
	if (migration->in_copy_area && migration->ascending && unit + 1 < migration->units)
		unit++;
	answer->reshape_progress = unit * migration->blocks_per_unit;
	answer->reshape_unit = migration->unit;
	answer->unit_sectors = migration->dest_depth;
	answer->unit_copied = migration->in_copy_area;
	answer->record_on = migration->on;
	answer->reshape_noted = volume->checkpoint;
	answer->old_members = volume->map[1].members;
	answer->old_level = (int)rd_imsm_effective_level(&volume->map[1]);
	if (level == 0 && rd_imsm_effective_level(&volume->map[1]) == 0 && answer->members < READER_MEMBERS) {
		answer->level = 4;
		answer->members++;
	}
}

static bool container_reshapes(const struct imsm_view *view)
{
	struct imsm_volume_view volume;
	unsigned i;

	for (i = 0; i < view->champion->volumes; i++) {
		rd_imsm_volume_decode(view, i, &volume);
		if (rd_imsm_is_gen_migration(&volume))
			return true;
	}
	return false;
}

/* Where the copies' equality ends, before it is asked who is there. */
static uint64_t recorded_resync(const struct imsm_view *view, const struct imsm_volume_view *volume)
{
	const struct imsm_map_view *now = &volume->map[rd_imsm_is_gen_migration(volume)];

	if (volume->migrating) {
		if (volume->migr_type == IMSM_INIT || volume->migr_type == IMSM_REPAIR)
			return volume->checkpoint * resync_unit(volume);
		return READER_IN_SYNC;
	}
	if ((now->state == IMSM_UNINITIALIZED || volume->dirty) && !container_reshapes(view))
		return 0;
	return READER_IN_SYNC;
}

/* A disk that two slots name ends in the last one. */
static void leave_earlier_slots(struct reader_volume *answer, unsigned slots, int disk)
{
	unsigned i;

	for (i = 0; i < slots; i++)
		if (answer->member[i].disk == disk)
			answer->member[i].disk = -1;
}

static bool table_says_failed(const struct imsm_copy *champion, uint32_t index)
{
	return index >= champion->disks ||
		(rd_imsm_record_status(rd_imsm_copy_record(champion, index)) & IMSM_FAILED);
}

/* The disk is named by map 0, whether its data are good by the map that is valid now. */
static void read_member(const struct imsm_view *view, const struct imsm_volume_view *volume, unsigned slot,
	struct reader_volume *answer)
{
	const struct imsm_map_view *map = &volume->map[0], *now = &volume->map[volume->migrating];
	struct reader_member *member = &answer->member[slot];
	uint32_t index = rd_imsm_ord(map, slot) & IMSM_ORD_INDEX;
	bool rebuild = rd_imsm_ord(slot < now->members ? now : map, slot) & IMSM_ORD_REBUILD;
	int disk = rd_imsm_listed_as(view, index);

	if (disk >= 0 && (map->pba > view->copy[disk].disk->sectors ||
	    answer->component_size > view->copy[disk].disk->sectors - map->pba))
		disk = -1;
	if (disk >= 0)
		leave_earlier_slots(answer, slot, disk);
	member->disk = disk;
	member->in_table = !rebuild && !table_says_failed(view->champion, index);
	member->recovery_start = rebuild ? 0 : READER_IN_SYNC;
	member->data_offset = map->pba;
}

/* A rebuild goes on where it was, if there is one slot only to rebuild. */
static void resume_rebuild(const struct imsm_volume_view *volume, struct reader_volume *answer)
{
	struct reader_member *target = NULL;
	unsigned slot;

	if (!is_rebuilding(volume))
		return;
	for (slot = 0; slot < answer->members; slot++) {
		if (answer->member[slot].disk < 0 || answer->member[slot].recovery_start != 0)
			continue;
		if (target)
			return;
		target = &answer->member[slot];
	}
	if (target)
		target->recovery_start = volume->checkpoint * rebuild_unit(volume);
}

static bool has_ppl(const struct imsm_volume_view *volume)
{
	return volume->map[0].stored_level == 5 && (volume->rwh_policy == 1 || volume->rwh_policy == 3);
}

/* A resync needs its disks. Without them, and before one is rebuilt, a clean volume is taken as it is. */
static void read_resync(const struct imsm_view *view, const struct imsm_volume_view *volume,
	struct reader_volume *answer)
{
	unsigned slot, missing = 0;
	bool rebuilds = false, impossible;

	answer->resync_start = recorded_resync(view, volume);
	for (slot = 0; slot < volume->map[0].members; slot++) {
		if (answer->member[slot].disk < 0)
			missing++;
		else if (answer->member[slot].recovery_start == 0)
			rebuilds = true;
	}
	impossible = rebuilds || (missing && answer->level != 10);
	if ((impossible && !volume->dirty) || (rebuilds && has_ppl(volume)) || answer->level == 0)
		answer->resync_start = READER_IN_SYNC;
}

static bool in_sync(const struct reader_volume *answer, unsigned slot)
{
	return answer->member[slot].disk >= 0 && answer->member[slot].recovery_start == READER_IN_SYNC;
}

static unsigned count_in_sync(const struct reader_volume *answer)
{
	unsigned slot, n = 0;

	for (slot = 0; slot < answer->members; slot++)
		n += in_sync(answer, slot);
	return n;
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
	if (answer->level == 1 && count_in_sync(answer) == 1)
		answer->resync_start = READER_IN_SYNC;
	answer->clean = answer->resync_start == READER_IN_SYNC;
}

static const char *why_no_mirror(const struct reader_volume *answer)
{
	unsigned slot;

	for (slot = 0; slot + 1 < answer->members; slot += 2)
		if (!in_sync(answer, slot) && !in_sync(answer, slot + 1))
			return "both copies of a part are missing or out of sync";
	return answer->members % 2 ? "an odd number of members" : NULL;
}

/* md starts no RAID 5 that lacks a member and may have torn stripes, unless a PPL tells of them. */
static const char *why_no_parity(const struct imsm_volume_view *volume, const struct reader_volume *answer)
{
	unsigned good = count_in_sync(answer);

	if (good + 1 < answer->members)
		return "more than one member is missing or out of sync";
	if (good < answer->members && !answer->clean && !has_ppl(volume))
		return "dirty and degraded";
	return NULL;
}

/* md's part. It starts a RAID 0 whatever is said of how far its members may be trusted. */
static const char *why_md_refuses(const struct imsm_volume_view *volume, const struct reader_volume *answer)
{
	switch (answer->level) {
	case 0:
		return count_present(answer) < answer->members ? "a member is missing" : NULL;
	case 1:
		return count_in_sync(answer) == 0 ? "no member is in sync" : NULL;
	case 10:
		return why_no_mirror(answer);
	case 4:
	case 5:
		return why_no_parity(volume, answer);
	}
	return "a level that nobody knows";
}

static const char *why_not(const struct imsm_view *view, const struct imsm_volume_view *volume,
	const struct reader_volume *answer)
{
	if (!view->enough)
		return "no volume of the container has what it needs";
	if (view->attributes & ~SUPPORTED_ATTRIBUTES)
		return "attributes that mdadm does not know";
	if (volume->migrating && volume->migr_type == IMSM_STATE_CHANGE)
		return "a kind of migration that mdadm does not know";
	return why_md_refuses(volume, answer);
}

void rd_imsm_read_volume(const struct imsm_view *view, unsigned number, const struct imsm_migration *migration,
	struct reader_volume *answer)
{
	struct imsm_volume_view volume;
	unsigned slot;

	rd_imsm_volume_decode(view, number, &volume);
	memset(answer, 0, sizeof(*answer));
	answer->number = number;
	memcpy(answer->name, volume.at, 16);
	read_shape(&volume, migration, answer);
	for (slot = 0; slot < READER_MEMBERS; slot++)
		answer->member[slot].disk = -1;
	for (slot = 0; slot < volume.map[0].members; slot++)
		read_member(view, &volume, slot, answer);
	resume_rebuild(&volume, answer);
	read_resync(view, &volume, answer);
	settle_resync(answer);
	answer->recorded_failed = volume.map[0].state == IMSM_MAP_FAILED;
	answer->recorded_degraded = volume.map[0].state == IMSM_DEGRADED ||
		(volume.migrating && volume.map[1].state == IMSM_DEGRADED);
	answer->dirty_rebuild = volume.dirty && is_rebuilding(&volume);
	answer->why_not = why_not(view, &volume, answer);
	answer->can_start = !answer->why_not;
}
