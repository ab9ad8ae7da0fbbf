/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queued updates of IMSM metadata (imsm.md 8): what mdadm sends over the control
 * socket. Messages that change the shape of volumes are in imsm/migration.c.
 *
 * A message is a raw C struct from another process: nothing in it is believed. Each one
 * is checked completely before the first byte of the metadata changes.
 */
#include "imsm/imsm.h"
#include "imsm/message.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lib/refuse.h"

/* The largest MPB that these limits allow can be written. */
_Static_assert(IMSM_HEADER_SIZE + IMSM_MAX_DISKS * sizeof(struct imsm_disk) +
	       IMSM_MAX_VOLUMES * (sizeof(struct imsm_dev_head) +
				   2 * (sizeof(struct imsm_map_head) + IMSM_MAX_MEMBERS * sizeof(le32))) +
	       8 + IMSM_BBM_MAX * sizeof(struct imsm_bbm_entry) <= IMSM_MPB_MAX, "the metadata always fits");

/* Offsets in the messages. All words are 32 bits, host byte order. */
#define CREATE_INDEX 4
#define CREATE_VOLUME 8
#define KILL_INDEX 4
#define KILL_SIZE 8
#define RENAME_NAME 4
#define RENAME_INDEX 20
#define RENAME_SIZE 24
#define POLICY_VALUE 4
#define POLICY_INDEX 8
#define POLICY_SIZE 12

#define RENAME_MAX_CHARS 15

static bool volume_live(const struct imsm_container *c, int32_t index)
{
	return c->live_volumes >> index & 1;
}

/* ---- create ---- */

/*
 * The message's volume and where its serials begin, one for each slot. The record's own disk numbers are those
 * of the sender's table and mean nothing here.
 */
static int parse_create(const void *buf, size_t len, struct imsm_volume *v, const uint8_t **serials, const char **why)
{
	const uint8_t *p = buf;
	ssize_t used;

	if (len < CREATE_VOLUME || !imsm_volume_possible(imsm_word(buf, CREATE_INDEX)))
		return refuse(why, -EINVAL, "create: volume index out of range");
	memset(v, 0, sizeof(*v));
	used = imsm_decode_volume(p + CREATE_VOLUME, len - CREATE_VOLUME, 0, v, why);
	if (used < 0)
		return -EINVAL;
	if (v->head.migr_state)
		return refuse(why, -EINVAL, "create: the new volume is migrating");
	if (len - CREATE_VOLUME - (size_t)used < (size_t)v->map[0].head.num_members * IMSM_SERIAL_LEN)
		return refuse(why, -EINVAL, "create: serials cut off");
	*serials = p + CREATE_VOLUME + used;
	return 0;
}

static struct imsm_dl *disk_for_slot(const struct imsm_container *c, const uint8_t *serials, unsigned slot)
{
	return imsm_dl_by_serial(c, serials + (size_t)slot * IMSM_SERIAL_LEN);
}

/* A container of bare spares was loaded with the record of one of them, which stands for no member. */
static bool table_is_leftover(const struct imsm_container *c)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0)
			return false;
	return c->meta.num_volumes == 0;
}

/* Bare spares may have sectors of different sizes: the first volume decides. */
static uint32_t sector_size_for(const struct imsm_container *c, const uint8_t *serials)
{
	const struct imsm_dl *dl = table_is_leftover(c) ? disk_for_slot(c, serials, 0) : NULL;

	return dl && dl->disk ? dl->disk->sector_size : c->sector_size;
}

/* The disks count sizes and places in their own sectors: what is no multiple would be recorded as something else. */
static bool in_whole_sectors(const struct imsm_volume *v, uint32_t sector_size)
{
	const struct imsm_map *m = &v->map[0];

	return (imsm_volume_blocks(v) | imsm_map_pba(m) | imsm_map_blocks_per_member(m) | imsm_map_chunk(m)) %
		       (sector_size / 512) == 0;
}

static int check_member(const struct imsm_container *c, const uint8_t *serials, unsigned slot, const char **why)
{
	const struct imsm_dl *dl = disk_for_slot(c, serials, slot);

	if (!dl)
		return imsm_refuse_serial(why, -EINVAL, "create", serials + (size_t)slot * IMSM_SERIAL_LEN,
					  "is not in the container");
	if (imsm_dl_failed(c, dl))
		return imsm_refuse_disk(why, -EINVAL, "create", dl, "has failed");
	if (imsm_serial_ambiguous(c, dl))
		return imsm_refuse_disk(why, -EINVAL, "create", dl, "has the serial of another disk");
	if (dl->disk && dl->disk->sector_size != sector_size_for(c, serials))
		return imsm_refuse_disk(why, -EINVAL, "create", dl, "has another sector size");
	for (unsigned i = 0; i < slot; i++)
		if (disk_for_slot(c, serials, i) == dl)
			return imsm_refuse_disk(why, -EINVAL, "create", dl, "is named twice");
	return 0;
}

/* Neighbours without a gap between them touch, too: mdadm always leaves a gap. */
static bool touches(const struct imsm_map *a, const struct imsm_map *b)
{
	uint64_t a0 = imsm_map_pba(a), a1 = a0 + imsm_map_per_dev(a);
	uint64_t b0 = imsm_map_pba(b), b1 = b0 + imsm_map_per_dev(b);

	return a0 <= b1 && b0 <= a1;
}

/* A disk that both have. */
static const struct imsm_dl *shared_disk(const struct imsm_container *c, const struct imsm_map *m,
					 const uint8_t *serials, unsigned members)
{
	for (unsigned slot = 0; slot < members; slot++) {
		const struct imsm_dl *dl = disk_for_slot(c, serials, slot);

		if (dl->index >= 0 && imsm_slot_of(m, (uint32_t)dl->index) >= 0)
			return dl;
	}
	return NULL;
}

static int check_overlap(const struct imsm_container *c, const struct imsm_map *new, const uint8_t *serials,
			 const char **why)
{
	for (unsigned i = 0; i < c->meta.num_volumes; i++) {
		const struct imsm_volume *v = &c->meta.volume[i];

		for (int k = 0; k <= !!v->head.migr_state; k++) {
			const struct imsm_map *m = &v->map[k];
			const struct imsm_dl *dl = touches(m, new) ?
				shared_disk(c, m, serials, new->head.num_members) : NULL;

			if (dl)
				return imsm_refuse_disk(why, -EINVAL, "create", dl, "has another volume there");
		}
	}
	return 0;
}

static int check_create(const struct imsm_container *c, int32_t index, const struct imsm_volume *v,
			const uint8_t *serials, const char **why)
{
	unsigned members = v->map[0].head.num_members;
	unsigned total = table_is_leftover(c) ? 0 : c->meta.num_disks;

	if (index != (int32_t)c->meta.num_volumes)
		return refuse(why, -EINVAL, "create: not the next volume index");
	for (unsigned slot = 0; slot < members; slot++) {
		int err = check_member(c, serials, slot, why);

		if (err)
			return err;
		total += disk_for_slot(c, serials, slot)->index < 0;
	}
	if (total > IMSM_MAX_DISKS)
		return refuse(why, -EINVAL, "create: too many disks");
	if (!in_whole_sectors(v, sector_size_for(c, serials)))
		return refuse(why, -EINVAL, "create: a size is no multiple of the disks' sectors");
	return check_overlap(c, &v->map[0], serials, why);
}

static void raise_volumes_created(struct imsm_header *h, const struct imsm_volume *v)
{
	if (le16_get(v->head.my_vol_raid_dev_num) > le16_get(h->num_raid_devs_created))
		h->num_raid_devs_created = v->head.my_vol_raid_dev_num;
}

static void install_volume(struct imsm_container *c, struct imsm_volume *v, const uint8_t *serials)
{
	c->sector_size = sector_size_for(c, serials);
	if (table_is_leftover(c))
		c->meta.num_disks = c->meta.num_bad = 0;
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++) {
		struct imsm_dl *dl = disk_for_slot(c, serials, slot);
		struct imsm_disk *d;

		if (dl->index < 0)
			imsm_enlist_disk(c, dl);
		d = &c->meta.disk[dl->index];
		d->status = le32_make(le32_get(d->status) | IMSM_DISK_CONFIGURED);
		v->map[0].ord[slot] = (uint32_t)dl->index;
	}
	c->meta.volume[c->meta.num_volumes++] = *v;
	raise_volumes_created(&c->meta.header, v);
	imsm_update_version_info(&c->meta);
	c->write_due = true;
}

static int apply_create(struct imsm_container *c, struct imsm_volume *v, const void *buf, size_t len,
			const char **why)
{
	const uint8_t *serials;
	int err = parse_create(buf, len, v, &serials, why);

	if (!err)
		err = check_create(c, imsm_word(buf, CREATE_INDEX), v, serials, why);
	if (!err)
		install_volume(c, v, serials);
	return err;
}

/* ---- kill ---- */

static int check_kill(const void *buf, size_t len, const char **why)
{
	if (len < KILL_SIZE || !imsm_volume_possible(imsm_word(buf, KILL_INDEX)))
		return refuse(why, -EINVAL, "kill: volume index out of range");
	return 0;
}

/* Failed disks whose entries only the deleted volume needed. Good ones stay members. */
static void drop_lost_disks(struct imsm_container *c)
{
	for (uint32_t i = c->meta.num_disks; i-- > 0;)
		if (!imsm_disk_named(c, i) && imsm_disk_failed(c, i))
			imsm_delete_disk(c, i);
}

static int apply_kill(struct imsm_container *c, const void *buf, const char **why)
{
	int32_t victim = imsm_word(buf, KILL_INDEX);
	struct imsm_meta *meta = &c->meta;

	if (!imsm_volume_exists(c, victim))
		return refuse(why, -EINVAL, "kill: no such volume");
	if (meta->num_volumes == 1)
		return refuse(why, -EINVAL, "kill: it is the only volume");
	/* Arrays in use are known by their volume's index: it must not change under them. */
	if (c->live_volumes >> victim)
		return refuse(why, -EBUSY, "kill: this or a later volume is in use");
	meta->num_volumes--;
	memmove(&meta->volume[victim], &meta->volume[victim + 1],
		(meta->num_volumes - (unsigned)victim) * sizeof(meta->volume[0]));
	drop_lost_disks(c);
	c->write_due = true;
	return 0;
}

/* ---- rename ---- */

static bool name_char(uint8_t ch)
{
	return isascii(ch) && (isalnum(ch) || (ch && strchr("._-", ch)));
}

/* The new name as it lies in the metadata, zero padded. */
static int parse_rename(const void *buf, size_t len, uint8_t name[IMSM_NAME_LEN], const char **why)
{
	const char *text = (const char *)buf + RENAME_NAME;
	size_t n;

	if (len < RENAME_SIZE || !imsm_volume_possible(imsm_word(buf, RENAME_INDEX)))
		return refuse(why, -EINVAL, "rename: volume index out of range");
	n = strnlen(text, RENAME_MAX_CHARS);
	if (n == 0 || text[0] == '.' || text[0] == '-')
		return refuse(why, -EINVAL, "rename: name not allowed");
	memset(name, 0, IMSM_NAME_LEN);
	memcpy(name, text, n);
	for (size_t i = 0; i < n; i++)
		if (!name_char(name[i]))
			return refuse(why, -EINVAL, "rename: name not allowed");
	return 0;
}

static int apply_rename(struct imsm_container *c, const void *buf, size_t len, const char **why)
{
	int32_t index = imsm_word(buf, RENAME_INDEX);
	uint8_t name[IMSM_NAME_LEN];
	int err = parse_rename(buf, len, name, why);

	if (err)
		return err;
	if (!imsm_volume_exists(c, index))
		return refuse(why, -EINVAL, "rename: no such volume");
	if (volume_live(c, index))
		return refuse(why, -EBUSY, "rename: the volume is in use");
	for (unsigned i = 0; i < c->meta.num_volumes; i++)
		if (memcmp(c->meta.volume[i].head.name, name, sizeof(name)) == 0)
			return refuse(why, -EEXIST, "rename: a volume has this name already");
	memcpy(c->meta.volume[index].head.name, name, sizeof(name));
	c->write_due = true;
	return 0;
}

/* ---- raid write hole policy ---- */

static int check_policy(const void *buf, size_t len, const char **why)
{
	if (len < POLICY_SIZE || !imsm_volume_possible(imsm_word(buf, POLICY_INDEX)))
		return refuse(why, -EINVAL, "policy: volume index out of range");
	if (imsm_word(buf, POLICY_VALUE) < IMSM_RWH_OFF || imsm_word(buf, POLICY_VALUE) > IMSM_RWH_BITMAP)
		return refuse(why, -EINVAL, "policy: unknown value");
	return 0;
}

static int apply_policy(struct imsm_container *c, const void *buf, const char **why)
{
	int32_t index = imsm_word(buf, POLICY_INDEX);
	uint8_t policy = (uint8_t)imsm_word(buf, POLICY_VALUE);

	if (!imsm_volume_exists(c, index))
		return refuse(why, -EINVAL, "policy: no such volume");
	if (c->meta.volume[index].head.rwh_policy == policy)
		return 0;
	c->meta.volume[index].head.rwh_policy = policy;
	c->write_due = true;
	return 0;
}

/* ---- messages ---- */

static int check_create_message(const void *buf, size_t len, const char **why)
{
	struct imsm_volume v;
	const uint8_t *serials;

	return parse_create(buf, len, &v, &serials, why);
}

static int check_rename(const void *buf, size_t len, const char **why)
{
	uint8_t name[IMSM_NAME_LEN];

	return parse_rename(buf, len, name, why);
}

int imsm_check_message(const void *buf, size_t len, const char **why)
{
	if (len < sizeof(int32_t))
		return refuse(why, -EINVAL, "message too short");
	switch ((enum imsm_update_type)imsm_word(buf, 0)) {
	case IMSM_UPDATE_CREATE_ARRAY:
		return check_create_message(buf, len, why);
	case IMSM_UPDATE_KILL_ARRAY:
		return check_kill(buf, len, why);
	case IMSM_UPDATE_RENAME_ARRAY:
		return check_rename(buf, len, why);
	case IMSM_UPDATE_RWH_POLICY:
		return check_policy(buf, len, why);
	case IMSM_UPDATE_RESHAPE_CONTAINER_DISKS:
	case IMSM_UPDATE_RESHAPE_MIGRATION:
	case IMSM_UPDATE_TAKEOVER:
	case IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT:
	case IMSM_UPDATE_SIZE_CHANGE:
		return imsm_check_migration_message(buf, len, why);
	case IMSM_UPDATE_ACTIVATE_SPARE:
	case IMSM_UPDATE_ADD_REMOVE_DISK:
	case IMSM_UPDATE_PREALLOC_BADBLOCKS_MEM:
		return refuse(why, -EINVAL, "message type not accepted from outside");
	}
	return refuse(why, -EINVAL, "unknown message type");
}

int imsm_apply_message(struct imsm_container *c, struct imsm_meta *scratch, const void *buf, size_t len,
		       const char **why)
{
	int err = imsm_check_message(buf, len, why);

	if (err)
		return err;
	switch (imsm_word(buf, 0)) {
	case IMSM_UPDATE_CREATE_ARRAY:
		return apply_create(c, &scratch->volume[0], buf, len, why);
	case IMSM_UPDATE_KILL_ARRAY:
		return apply_kill(c, buf, why);
	case IMSM_UPDATE_RENAME_ARRAY:
		return apply_rename(c, buf, len, why);
	case IMSM_UPDATE_RWH_POLICY:
		return apply_policy(c, buf, why);
	}
	return imsm_apply_migration_message(c, buf, why);
}
