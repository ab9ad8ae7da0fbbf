/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMSM volumes that change their shape (imsm.md 5.5, 8.7 to 8.11): the messages of mdadm --grow, and what
 * is to be recorded when a reshape has ended.
 *
 * mdadm drives a reshape itself. It asks us to record what the volume is going to be (map 0) beside what it is
 * (map 1), moves the data in units, keeps its own record of the unit in work in the last sector of two disks, and
 * sends us a checkpoint after each one. The end is noticed by the monitor.
 */
#include "imsm/imsm.h"
#include "imsm/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/refuse.h"

/* Offsets in the messages. All words are 32 bits, host byte order, unless said otherwise. */
#define GROW_OLD 4
#define GROW_NEW 8
#define GROW_DISKS 12
#define MIGRATE_OLD 4
#define MIGRATE_NEW 8
#define MIGRATE_INDEX 12
#define MIGRATE_LEVEL 16
#define MIGRATE_CHUNK 24
#define MIGRATE_SIZE 32
#define TAKEOVER_INDEX 4
#define TAKEOVER_DIRECTION 8
#define TAKEOVER_SIZE 12
#define CHECKPOINT_UNIT 8 /* 64 bits */
#define CHECKPOINT_SIZE 16
#define RESIZE_INDEX 4
#define RESIZE_SECTORS 8 /* 64 bits */
#define RESIZE_SIZE 16

#define TO_RAID0 0
#define TO_RAID10 1

#define PPL_AND_BITMAP_SECTORS 2048 /* behind the data of each member */
#define CHUNK_MIN_KIB 4
#define CHUNK_MAX_KIB 16384 /* blocks_per_strip has 16 bits */

static int64_t long_word(const void *buf, size_t offset)
{
	int64_t v;

	memcpy(&v, (const uint8_t *)buf + offset, sizeof(v));
	return v;
}

/*
 * The record of an earlier reshape would be taken for that of the one that begins: zero it before that is recorded. If a
 * disk did not take the zeros when that one ended, they are not due any more: they would hit the new one's record.
 */
static void clear_migr_records(struct imsm_container *c)
{
	c->reshape_ended = c->zeros_refused = false;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0)
			dl->clear_migr_record_due = true;
}

/*
 * md has the member, or it has not been told of its absence yet, and the record of an earlier reshape may be on it: that
 * cannot be zeroed.
 */
static bool lacks_a_member(const struct imsm_container *c, const struct imsm_volume *v)
{
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (imsm_disk_absent(c, imsm_ord_index(v->map[0].ord[slot])))
			return true;
	return false;
}

/* ---- more disks: mdadm --grow --raid-devices on the container ---- */

/* The numbers are those of makedev(3), cut to 32 bits (imsm.md 8.1). */
static dev_t new_disk_dev(const void *buf, unsigned i)
{
	uint32_t v = (uint32_t)imsm_word(buf, GROW_DISKS + i * sizeof(int32_t));

	return makedev(v >> 8 & 0xfff, (v & 0xff) | (v >> 12 & 0xfff00));
}

/* md does not reshape a volume that has failed: the record of a reshape would stay for ever. */
static bool is_lost(const struct imsm_container *c, const struct imsm_volume *v)
{
	return imsm_check_degraded(c, v, imsm_count_failed(c, v, IMSM_M0), IMSM_M0) == IMSM_FAILED;
}

static int check_grow_message(const void *buf, size_t len, const char **why)
{
	int32_t old, new;

	if (len < GROW_DISKS)
		return refuse(why, -EINVAL, "more disks: message too short");
	old = imsm_word(buf, GROW_OLD);
	new = imsm_word(buf, GROW_NEW);
	if (old < 1 || new <= old || new > IMSM_MAX_MEMBERS)
		return refuse(why, -EINVAL, "more disks: impossible number of disks");
	if ((len - GROW_DISKS) / sizeof(int32_t) < (size_t)(new - old))
		return refuse(why, -EINVAL, "more disks: device numbers cut off");
	return 0;
}

/* All volumes span the same disks, and each new disk gets the number of its slot. */
static int check_grow_volumes(const struct imsm_container *c, unsigned old, const char **why)
{
	if (!c->meta.num_volumes)
		return refuse(why, -EINVAL, "more disks: there is no volume");
	if (c->meta.num_disks != old)
		return refuse(why, -EINVAL, "more disks: the container has another number of disks");
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_volume *v = &c->meta.volume[i];
		int level = imsm_map_level(&v->map[0]);

		if (level != IMSM_RAID0 && level != IMSM_RAID5)
			return refuse(why, -EINVAL, "more disks: not possible with this level");
		if (v->map[0].head.num_members != old)
			return refuse(why, -EINVAL, "more disks: a volume has another number of members");
		if (v->head.migr_state)
			return refuse(why, -EBUSY, "more disks: a volume is migrating");
		if (is_lost(c, v))
			return refuse(why, -EINVAL, "more disks: a volume has failed");
		if (lacks_a_member(c, v))
			return refuse(why, -EBUSY, "more disks: a member of a volume cannot be read, or is not here");
		if (imsm_map_per_dev(&v->map[0]) < IMSM_SECTORS_PER_MIB)
			return refuse(why, -EINVAL, "more disks: a volume has less than one MiB on each disk");
	}
	return 0;
}

static int check_new_disk(const struct imsm_container *c, const void *buf, unsigned i, const char **why)
{
	dev_t dev = new_disk_dev(buf, i);
	const struct imsm_dl *dl = imsm_dl_by_dev(c, dev);

	if (!dl)
		return refuse_because(why, -ENODEV, "more disks: disk %u:%u is not in the container", major(dev), minor(dev));
	if (dl->index >= 0)
		return imsm_refuse_disk(why, -EBUSY, "more disks", dl, "is a member already");
	if (imsm_dl_failed(c, dl))
		return imsm_refuse_disk(why, -EINVAL, "more disks", dl, "has failed");
	if (dl->disk && dl->disk->sector_size != c->sector_size)
		return imsm_refuse_disk(why, -EINVAL, "more disks", dl, "has another sector size");
	if (imsm_serial_ambiguous(c, dl))
		return imsm_refuse_disk(why, -EINVAL, "more disks", dl, "has the serial of another disk");
	if (!imsm_room_to_join(c, dl))
		return imsm_refuse_disk(why, -ENOSPC, "more disks", dl, "is too small");
	for (unsigned k = 0; k < i; k++)
		if (imsm_dl_by_dev(c, new_disk_dev(buf, k)) == dl)
			return imsm_refuse_disk(why, -EINVAL, "more disks", dl, "is named twice");
	return 0;
}

static int check_grow(const struct imsm_container *c, const void *buf, const char **why)
{
	unsigned old = (unsigned)imsm_word(buf, GROW_OLD), new = (unsigned)imsm_word(buf, GROW_NEW);
	int err = check_grow_volumes(c, old, why);

	for (unsigned i = 0; !err && i < new - old; i++)
		err = check_new_disk(c, buf, i, why);
	return err;
}

static void set_size(struct imsm_container *c, struct imsm_volume *v, uint64_t sectors)
{
	struct imsm_header *h = &c->meta.header;

	imsm_volume_set_blocks(v, sectors);
	if (le32_get(v->head.size_high))
		h->attributes = le32_make(le32_get(h->attributes) | IMSM_ATTR_2TB);
}

/* Widens the volume to `members`: the new slots hold the disks of the same number. */
static void widen(struct imsm_container *c, struct imsm_volume *v, unsigned members)
{
	struct imsm_map *m0 = &v->map[0];

	v->map[1] = *m0;
	for (unsigned slot = m0->head.num_members; slot < members; slot++)
		m0->ord[slot] = slot;
	m0->head.num_members = (uint8_t)members;
	v->head.migr_state = 1;
	imsm_volume_set_migr_type(v, IMSM_MIGR_GENERAL);
	imsm_volume_set_unit(v, 0);
	set_size(c, v, imsm_natural_size(v));
}

/* The first volume begins; the others follow one after the other when the one before has ended. */
static int apply_grow(struct imsm_container *c, const void *buf, const char **why)
{
	unsigned old = (unsigned)imsm_word(buf, GROW_OLD), new = (unsigned)imsm_word(buf, GROW_NEW);
	int err = check_grow(c, buf, why);

	if (err)
		return err;
	for (unsigned i = 0; i < new - old; i++)
		imsm_enlist_disk(c, imsm_dl_by_dev(c, new_disk_dev(buf, i)));
	imsm_set_aside_returned(c, 0);
	widen(c, &c->meta.volume[0], new);
	clear_migr_records(c);
	c->write_due = true;
	return 0;
}

/* ---- another chunk size, or RAID0 to RAID5: mdadm --grow --chunk, --level ---- */

static bool members_possible(int32_t members)
{
	return members >= 1 && members <= IMSM_MAX_MEMBERS;
}

static bool level_possible(int32_t level)
{
	return level == -1 || level == IMSM_RAID0 || level == IMSM_RAID1 || level == IMSM_RAID5 || level == IMSM_RAID10;
}

static bool chunk_possible(int32_t kib)
{
	return kib <= 0 || (kib >= CHUNK_MIN_KIB && kib <= CHUNK_MAX_KIB && !(kib & (kib - 1)));
}

static int check_migrate_message(const void *buf, size_t len, const char **why)
{
	if (len < MIGRATE_SIZE)
		return refuse(why, -EINVAL, "migration: message too short");
	if (!imsm_volume_possible(imsm_word(buf, MIGRATE_INDEX)))
		return refuse(why, -EINVAL, "migration: volume index out of range");
	if (!members_possible(imsm_word(buf, MIGRATE_OLD)) || !members_possible(imsm_word(buf, MIGRATE_NEW)))
		return refuse(why, -EINVAL, "migration: impossible number of disks");
	if (!level_possible(imsm_word(buf, MIGRATE_LEVEL)))
		return refuse(why, -EINVAL, "migration: unknown level");
	if (!chunk_possible(imsm_word(buf, MIGRATE_CHUNK)))
		return refuse(why, -EINVAL, "migration: impossible chunk size");
	return 0;
}

static bool becomes_raid5(const struct imsm_volume *v, const void *buf)
{
	return imsm_word(buf, MIGRATE_LEVEL) == IMSM_RAID5 && v->map[0].head.raid_level == IMSM_RAID0;
}

/* The first member in the list that is still good; the new one must have as much room. */
static const struct imsm_dl *good_member(const struct imsm_container *c)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index != IMSM_INDEX_SPARE && !imsm_dl_failed(c, dl))
			return dl;
	return NULL;
}

/* imsm.md 8.13: the last one in the list that fits. mdadm has made sure that there is one. */
static struct imsm_dl *spare_for_parity(const struct imsm_container *c)
{
	const struct imsm_dl *good = good_member(c);
	uint64_t needed = good ? imsm_occupied(c, good) + imsm_min_reservation(c) : 0;
	struct imsm_dl *found = NULL;

	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index == IMSM_INDEX_SPARE && !imsm_dl_failed(c, dl) && !imsm_serial_ambiguous(c, dl) &&
		    dl->disk && dl->disk->sector_size == c->sector_size && dl->disk->size / 512 >= needed)
			found = dl;
	return found;
}

static int check_new_level(const struct imsm_container *c, const struct imsm_volume *v, const void *buf,
			   const char **why)
{
	int32_t level = imsm_word(buf, MIGRATE_LEVEL);

	if (level == -1 || level == v->map[0].head.raid_level || level == imsm_map_level(&v->map[0]))
		return 0;
	if (!becomes_raid5(v, buf))
		return refuse(why, -EINVAL, "migration: not possible between these levels");
	if (v->map[0].head.num_members < 2 || v->map[0].head.num_members == IMSM_MAX_MEMBERS ||
	    c->meta.num_disks == IMSM_MAX_DISKS)
		return refuse(why, -EINVAL, "migration: too few or too many members for RAID5");
	if (!spare_for_parity(c))
		return refuse(why, -ENODEV, "migration: there is no spare for the parity");
	return 0;
}

static void set_chunk(struct imsm_map *m, int32_t kib, uint64_t volume_sectors)
{
	if (kib <= 0)
		return;
	m->head.blocks_per_strip = le16_make((uint16_t)(kib * 2));
	imsm_map_update_stripes(m, volume_sectors);
}

static bool chunk_changes(const struct imsm_volume *v, const void *buf)
{
	int32_t kib = imsm_word(buf, MIGRATE_CHUNK);

	return kib > 0 && (uint32_t)kib * 2 != imsm_map_chunk(&v->map[0]);
}

/* A volume without a size could not be loaded again. The size on record may also be more than the map has room for. */
static int check_new_chunk(const struct imsm_container *c, unsigned volume, int32_t kib, const char **why)
{
	const struct imsm_volume *v = &c->meta.volume[volume];
	struct imsm_map new = v->map[0];
	const struct imsm_dl *full;

	set_chunk(&new, kib, imsm_volume_blocks(v));
	if (imsm_map_per_dev(&new) < IMSM_SECTORS_PER_MIB)
		return refuse(why, -EINVAL, "migration: less than one MiB, or no whole chunk, on each disk");
	full = imsm_no_room_to_resize(c, volume, imsm_map_per_dev(&new));
	return full ? imsm_refuse_disk(why, -ENOSPC, "migration", full, "has no room") : 0;
}

static int check_migrate(const struct imsm_container *c, const void *buf, const char **why)
{
	int32_t index = imsm_word(buf, MIGRATE_INDEX);
	const struct imsm_volume *v;
	int level, err;

	if (!imsm_volume_exists(c, index))
		return refuse(why, -EINVAL, "migration: no such volume");
	v = &c->meta.volume[index];
	level = imsm_map_level(&v->map[0]);
	if (v->head.migr_state || imsm_container_reshaping(c))
		return refuse(why, -EBUSY, "migration: one is going on already");
	if (level != IMSM_RAID0 && level != IMSM_RAID5)
		return refuse(why, -EINVAL, "migration: not possible with this level");
	if (!becomes_raid5(v, buf) && !chunk_changes(v, buf))
		return refuse(why, -EINVAL, "migration: nothing would change");
	if (is_lost(c, v))
		return refuse(why, -EINVAL, "migration: the volume has failed");
	if (lacks_a_member(c, v))
		return refuse(why, -EBUSY, "migration: a member cannot be read, or is not here");
	err = check_new_chunk(c, (unsigned)index, imsm_word(buf, MIGRATE_CHUNK), why);
	return err ? err : check_new_level(c, v, buf, why);
}

static void add_parity(struct imsm_container *c, struct imsm_volume *v)
{
	struct imsm_dl *dl = spare_for_parity(c);
	struct imsm_map *m0 = &v->map[0];

	imsm_enlist_disk(c, dl);
	m0->ord[m0->head.num_members++] = (uint32_t)dl->index;
	m0->head.raid_level = IMSM_RAID5;
	m0->head.map_state = IMSM_NORMAL;
}

static int apply_migrate(struct imsm_container *c, const void *buf, const char **why)
{
	struct imsm_volume *v;
	struct imsm_map *m0;
	int err = check_migrate(c, buf, why);

	if (err)
		return err;
	v = &c->meta.volume[imsm_word(buf, MIGRATE_INDEX)];
	m0 = &v->map[0];
	imsm_set_aside_returned(c, (unsigned)imsm_word(buf, MIGRATE_INDEX));
	imsm_migrate(v, (enum imsm_map_state)m0->head.map_state, IMSM_MIGR_GENERAL);
	if (becomes_raid5(v, buf))
		add_parity(c, v);
	set_chunk(m0, imsm_word(buf, MIGRATE_CHUNK), imsm_volume_blocks(v));
	imsm_map_set_blocks_per_member(m0, imsm_map_per_dev(m0) + PPL_AND_BITMAP_SECTORS);
	set_size(c, v, imsm_natural_size(v));
	imsm_update_version_info(&c->meta);
	clear_migr_records(c);
	c->write_due = true;
	return 0;
}

/* ---- takeover: RAID10 or RAID1 to RAID0 and back, without moving data ---- */

static int check_takeover_message(const void *buf, size_t len, const char **why)
{
	if (len < TAKEOVER_SIZE || !imsm_volume_possible(imsm_word(buf, TAKEOVER_INDEX)))
		return refuse(why, -EINVAL, "takeover: volume index out of range");
	if (imsm_word(buf, TAKEOVER_DIRECTION) != TO_RAID0 && imsm_word(buf, TAKEOVER_DIRECTION) != TO_RAID10)
		return refuse(why, -EINVAL, "takeover: unknown direction");
	return 0;
}

/* The good slot of a mirrored pair of which the other is bad, or -1. */
static int survivor_of_pair(const struct imsm_container *c, const struct imsm_volume *v, unsigned pair)
{
	bool first_bad = imsm_slot_bad(c, v, 2 * pair), second_bad = imsm_slot_bad(c, v, 2 * pair + 1);

	if (first_bad == second_bad)
		return -1;
	return (int)(2 * pair + first_bad);
}

static int check_to_raid0(const struct imsm_container *c, const struct imsm_volume *v, const char **why)
{
	if (!imsm_map_is_mirror(&v->map[0]))
		return refuse(why, -EINVAL, "takeover: the volume is not mirrored");
	for (unsigned pair = 0; pair < v->map[0].head.num_members / 2u; pair++)
		if (survivor_of_pair(c, v, pair) < 0)
			return refuse_because(why, -EINVAL, "takeover: not exactly one of slots %u and %u is left",
					      2 * pair, 2 * pair + 1);
	return 0;
}

/* mdadm took the disk out only to get rid of the mirror. If it is still there, it is a spare from now on. */
static void release_half(struct imsm_container *c, uint32_t index)
{
	struct imsm_dl *dl = imsm_dl_by_index(c, (int)index);

	if (imsm_disk_named(c, index))
		return;
	if (dl)
		imsm_unmark_failure(c, index, dl->serial);
	imsm_delete_disk(c, index);
}

static void to_raid0(struct imsm_container *c, struct imsm_volume *v)
{
	struct imsm_map *m0 = &v->map[0];
	unsigned pairs = m0->head.num_members / 2u;
	bool dropped[IMSM_MAX_DISKS] = { false };

	for (unsigned pair = 0; pair < pairs; pair++) {
		unsigned keep = (unsigned)survivor_of_pair(c, v, pair);

		dropped[imsm_ord_index(m0->ord[keep ^ 1])] = true;
		m0->ord[pair] = imsm_ord_index(m0->ord[keep]);
	}
	m0->head.num_members = (uint8_t)pairs;
	m0->head.num_domains = 1;
	m0->head.raid_level = IMSM_RAID0;
	m0->head.map_state = IMSM_NORMAL;
	m0->head.failed_disk_num = IMSM_NO_FAILED_SLOT;
	imsm_map_update_stripes(m0, imsm_volume_blocks(v));
	/* From the end: deleting one moves only those behind it. */
	for (unsigned i = IMSM_MAX_DISKS; i-- > 0;)
		if (dropped[i])
			release_half(c, i);
}

static int check_to_raid10(const struct imsm_container *c, const struct imsm_volume *v, const char **why)
{
	unsigned members = v->map[0].head.num_members;

	if (imsm_map_level(&v->map[0]) != IMSM_RAID0)
		return refuse(why, -EINVAL, "takeover: the volume is not RAID0");
	if (members < 2 || 2 * members > IMSM_MAX_MEMBERS || c->meta.num_disks + members > IMSM_MAX_DISKS)
		return refuse(why, -EINVAL, "takeover: too few or too many members for RAID10");
	for (unsigned slot = 0; slot < members; slot++)
		if (imsm_slot_bad(c, v, slot))
			return imsm_refuse_serial(why, -EINVAL, "takeover",
						  c->meta.disk[imsm_ord_index(v->map[0].ord[slot])].serial,
						  "is missing, or has failed");
	/* Stripes of mirrors are counted in pairs. */
	if (imsm_map_stripes(&v->map[0]) % 2)
		return refuse(why, -EINVAL, "takeover: an odd number of chunks on each disk");
	return 0;
}

/* Each member gets a partner: an entry of the disk table right behind its own. */
static void add_partner(struct imsm_container *c, const struct imsm_volume *v, unsigned slot)
{
	uint32_t index = imsm_ord_index(v->map[0].ord[slot]);
	struct imsm_disk partner = c->meta.disk[index];

	imsm_insert_disk(c, index + 1, &partner);
}

/*
 * A partner is a disk that is not there. Its serial number tells its place in the table, known once all have been
 * added.
 */
static void mark_partner(struct imsm_container *c, struct imsm_volume *v, unsigned slot)
{
	uint32_t index = imsm_ord_index(v->map[0].ord[slot]);
	char serial[IMSM_SERIAL_LEN + 1] = "";

	snprintf(serial, sizeof(serial), " MISSING_%u", (uint8_t)index);
	memcpy(c->meta.disk[index].serial, serial, IMSM_SERIAL_LEN);
	imsm_mark_missing(c, v, index);
}

static void to_raid10(struct imsm_container *c, struct imsm_volume *v)
{
	struct imsm_map *m0 = &v->map[0];
	unsigned members = m0->head.num_members;

	for (unsigned slot = 0; slot < members; slot++)
		add_partner(c, v, slot);
	for (unsigned slot = members; slot-- > 0;) {
		m0->ord[2 * slot + 1] = imsm_ord_index(m0->ord[slot]) + 1;
		m0->ord[2 * slot] = m0->ord[slot];
	}
	/* The firmware knows RAID10 on four disks only as "RAID1 with four members" (imsm.md 1.8). */
	m0->head.raid_level = members == 2 ? IMSM_RAID1 : IMSM_RAID10;
	m0->head.num_members = (uint8_t)(2 * members);
	m0->head.num_domains = 2;
	m0->head.map_state = IMSM_DEGRADED;
	imsm_map_update_stripes(m0, imsm_volume_blocks(v));
	for (unsigned slot = 1; slot < 2 * members; slot += 2)
		mark_partner(c, v, slot);
}

static int apply_takeover(struct imsm_container *c, const void *buf, const char **why)
{
	bool up = imsm_word(buf, TAKEOVER_DIRECTION) == TO_RAID10;
	struct imsm_volume *v;
	int err;

	if (!imsm_volume_exists(c, imsm_word(buf, TAKEOVER_INDEX)))
		return refuse(why, -EINVAL, "takeover: no such volume");
	v = &c->meta.volume[imsm_word(buf, TAKEOVER_INDEX)];
	/* A takeover changes the numbers of disks, on which mdadm relies during a reshape. */
	if (v->head.migr_state || imsm_container_reshaping(c))
		return refuse(why, -EBUSY, "takeover: a volume is migrating");
	err = up ? check_to_raid10(c, v, why) : check_to_raid0(c, v, why);
	if (err)
		return err;
	if (up)
		to_raid10(c, v);
	else
		to_raid0(c, v);
	imsm_update_version_info(&c->meta);
	c->write_due = true;
	return 0;
}

/* ---- checkpoints of a reshape ---- */

static int check_checkpoint_message(const void *buf, size_t len, const char **why)
{
	if (len < CHECKPOINT_SIZE || long_word(buf, CHECKPOINT_UNIT) < 0)
		return refuse(why, -EINVAL, "checkpoint: message too short, or negative");
	return 0;
}

static int apply_checkpoint(struct imsm_container *c, const void *buf, const char **why)
{
	uint64_t unit = (uint64_t)long_word(buf, CHECKPOINT_UNIT);

	/* If none is reshaped nothing happens: the last checkpoint often comes after the end has been noticed. */
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_general_migration(&c->meta.volume[i]) && unit > imsm_volume_blocks(&c->meta.volume[i]))
			return refuse(why, -EINVAL, "checkpoint: beyond the end of the volume");
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (imsm_general_migration(&c->meta.volume[i]))
			imsm_store_unit(c, &c->meta.volume[i], unit);
	return 0;
}

/* ---- another size: mdadm --grow --size ---- */

static int check_resize_message(const void *buf, size_t len, const char **why)
{
	if (len < RESIZE_SIZE || !imsm_volume_possible(imsm_word(buf, RESIZE_INDEX)))
		return refuse(why, -EINVAL, "size change: volume index out of range");
	if (long_word(buf, RESIZE_SECTORS) <= 0 || long_word(buf, RESIZE_SECTORS) > IMSM_BLOCKS_MAX)
		return refuse(why, -EINVAL, "size change: impossible size");
	return 0;
}

static int apply_resize(struct imsm_container *c, const void *buf, const char **why)
{
	uint64_t sectors = (uint64_t)long_word(buf, RESIZE_SECTORS);
	int32_t index = imsm_word(buf, RESIZE_INDEX);
	const struct imsm_dl *full;
	struct imsm_volume *v;
	struct imsm_map new;
	unsigned data;

	if (!imsm_volume_exists(c, index))
		return refuse(why, -EINVAL, "size change: no such volume");
	v = &c->meta.volume[index];
	new = v->map[0];
	data = imsm_map_data_members(&new);
	if (!imsm_round_to_mib(sectors, data))
		return refuse(why, -EINVAL, "size change: less than one MiB on each disk");
	imsm_map_update_stripes(&new, sectors);
	imsm_map_set_blocks_per_member(&new, sectors / data + PPL_AND_BITMAP_SECTORS);
	if (!imsm_map_stripes(&new))
		return refuse(why, -EINVAL, "size change: no whole chunk on each disk");
	if (v->head.migr_state && imsm_volume_unit(v) > imsm_round_to_mib(sectors, data))
		return refuse(why, -EINVAL, "size change: the checkpoint would lie outside the volume");
	full = imsm_no_room_to_resize(c, (unsigned)index, imsm_map_per_dev(&new));
	if (full)
		return imsm_refuse_disk(why, -ENOSPC, "size change", full, "has no room");
	v->map[0] = new;
	set_size(c, v, imsm_round_to_mib(sectors, data));
	c->write_due = true;
	return 0;
}

/* ---- messages ---- */

int imsm_check_migration_message(const void *buf, size_t len, const char **why)
{
	switch (imsm_word(buf, 0)) {
	case IMSM_UPDATE_RESHAPE_CONTAINER_DISKS:
		return check_grow_message(buf, len, why);
	case IMSM_UPDATE_RESHAPE_MIGRATION:
		return check_migrate_message(buf, len, why);
	case IMSM_UPDATE_TAKEOVER:
		return check_takeover_message(buf, len, why);
	case IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT:
		return check_checkpoint_message(buf, len, why);
	case IMSM_UPDATE_SIZE_CHANGE:
		return check_resize_message(buf, len, why);
	}
	return -EINVAL;
}

int imsm_apply_migration_message(struct imsm_container *c, const void *buf, const char **why)
{
	switch (imsm_word(buf, 0)) {
	case IMSM_UPDATE_RESHAPE_CONTAINER_DISKS:
		return apply_grow(c, buf, why);
	case IMSM_UPDATE_RESHAPE_MIGRATION:
		return apply_migrate(c, buf, why);
	case IMSM_UPDATE_TAKEOVER:
		return apply_takeover(c, buf, why);
	case IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT:
		return apply_checkpoint(c, buf, why);
	case IMSM_UPDATE_SIZE_CHANGE:
		return apply_resize(c, buf, why);
	}
	return -EINVAL;
}

/* ---- the end of a reshape (imsm.md 5.2 A, 5.5) ---- */

/* The new slots are to hold the disks of the same number. */
static bool can_be_widened(const struct imsm_container *c, const struct imsm_volume *v, unsigned members)
{
	for (unsigned slot = v->map[0].head.num_members; slot < members; slot++)
		if (imsm_slot_of(&v->map[0], slot) >= 0)
			return false;
	return !is_lost(c, v);
}

static bool is_to_follow(const struct imsm_container *c, const struct imsm_volume *v, unsigned members)
{
	int level = imsm_map_level(&v->map[0]);

	return v->map[0].head.num_members < members && (level == IMSM_RAID0 || level == IMSM_RAID5) &&
	       imsm_map_per_dev(&v->map[0]) >= IMSM_SECTORS_PER_MIB && can_be_widened(c, v, members);
}

/* NULL: none is to follow. */
static struct imsm_volume *next_to_widen(struct imsm_container *c, unsigned members)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (is_to_follow(c, &c->meta.volume[i], members))
			return &c->meta.volume[i];
	return NULL;
}

/* It still has the record of the reshape that has ended, and may come back and be believed. */
static bool any_out_of_reach(const struct imsm_container *c)
{
	for (uint32_t i = 0; i < c->meta.num_disks; i++)
		if (imsm_disk_absent(c, i) && imsm_disk_named(c, i))
			return true;
	return false;
}

/*
 * Not as long as any volume migrates: after a power cut the first one may have to be resynced before. Nor as long as a
 * member is absent: when a volume is started without it, it is called missing, and when it comes, its record is zeroed.
 */
bool imsm_next_may_begin(const struct imsm_container *c)
{
	if (!c->widened_to || any_out_of_reach(c))
		return false;
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (c->meta.volume[i].head.migr_state)
			return false;
	return true;
}

void imsm_after_reshape(struct imsm_container *c)
{
	struct imsm_volume *v;

	c->reshape_ended = false;
	if (!imsm_next_may_begin(c))
		return;
	v = next_to_widen(c, c->widened_to);
	if (v) {
		widen(c, v, c->widened_to);
		c->write_due = true;
	}
	c->widened_to = 0;
}

/*
 * Between the end of one volume's reshape and the beginning of the next one's lie two writes: the power may fail there,
 * and nothing in the volumes would say that the others are to be widened, too. The copies that are written meanwhile say
 * so, in the last bytes of the header's filler (imsm.md 5.5). Only with the generation that they were written with: mdadm
 * carries the filler on.
 */
struct sequel {
	uint8_t magic[8];
	le32 generation;
	le32 members;
} __attribute__((packed));

static const uint8_t sequel_magic[8] = { 't', 'o', ' ', 'w', 'i', 'd', 'e', 'n' };

#define SEQUEL_OFFSET (sizeof(((struct imsm_header *)0)->filler) - sizeof(struct sequel))

void imsm_mark_sequel(struct imsm_container *c)
{
	struct imsm_header *h = &c->meta.header;
	uint8_t *at = h->filler + SEQUEL_OFFSET;
	struct sequel s = { .generation = h->generation_num, .members = le32_make(c->widened_to) };

	memcpy(s.magic, sequel_magic, sizeof(s.magic));
	if (c->widened_to && next_to_widen(c, c->widened_to))
		memcpy(at, &s, sizeof(s));
	else if (!memcmp(at, sequel_magic, sizeof(s.magic)))
		memset(at, 0, sizeof(s));
}

/* A disk that was taken in since may have moved the generation on. */
bool imsm_has_sequel(const struct imsm_container *c)
{
	struct sequel s;

	memcpy(&s, c->meta.header.filler + SEQUEL_OFFSET, sizeof(s));
	return !memcmp(s.magic, sequel_magic, sizeof(s.magic)) && le32_get(s.generation) == c->loaded_generation;
}

void imsm_find_sequel(struct imsm_container *c)
{
	struct sequel s;
	unsigned members;

	memcpy(&s, c->meta.header.filler + SEQUEL_OFFSET, sizeof(s));
	members = le32_get(s.members);
	if (!imsm_has_sequel(c) || members > c->meta.num_disks || !next_to_widen(c, members))
		return;
	c->reshape_ended = true;
	c->widened_to = members;
}
