/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that come into an IMSM container and leave it (imsm.md 8.6, 10): the manager prepares a new one as a spare, the
 * monitor takes it in, and gives back one that has left.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "metadata/metaio.h"

#define SPARE_BUFFER_OFFSET METAIO_ALIGN

_Static_assert(sizeof(struct imsm_dl) <= SPARE_BUFFER_OFFSET, "a spare's buffer follows its struct imsm_dl");

void *imsm_aligned_zeroed(size_t size)
{
	void *p = aligned_alloc(METAIO_ALIGN, size);

	if (p)
		memset(p, 0, size);
	return p;
}

/* The entry and, behind it, room for its spare record. Freed with free(). */
struct imsm_dl *imsm_dl_new(struct disk *disk, const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_dl *dl = imsm_aligned_zeroed(SPARE_BUFFER_OFFSET + METAIO_ALIGN);

	if (!dl)
		return NULL;
	dl->disk = disk;
	dl->dev = disk->dev;
	memcpy(dl->serial, serial, IMSM_SERIAL_LEN);
	return dl;
}

void *imsm_dl_spare_buffer(struct imsm_dl *dl)
{
	return (uint8_t *)dl + SPARE_BUFFER_OFFSET;
}

/* ---- a disk that comes ---- */

/*
 * mdadm writes a spare record before it adds a disk. Of that record only the serial number matters: a disk may have
 * several, and versions of mdadm differ in which one they take. A disk that comes late has volumes on it.
 */
static int read_copy(struct disk *d, const char *container, struct imsm_candidate *cand)
{
	imsm_read_candidate(d, cand);
	if (cand->error) { /* it may be a member: nothing is to be written over what it has */
		log_error("%s: cannot read what %s has: %s", container, d->name, strerror(-cand->error));
		return cand->error;
	}
	if (cand->serial[0])
		return 0;
	log_error("%s: %s has no readable serial number", container, d->name);
	return -EINVAL;
}

/* A stale migration record would block the next reshape. Nobody but us uses the disk yet. */
static int clear_migr_record(const struct disk *d)
{
	static const uint8_t zero[IMSM_SECTOR_MAX];

	return disk_write(d, zero, d->sector_size, imsm_migr_record_offset(d->size, d->sector_size));
}

/* 0 or -errno, logged. */
static int check_disk(const struct disk *disk, const char *container)
{
	if (disk->partition) {
		log_error("%s: %s is a partition; IMSM uses whole disks only", container, disk->name);
		return -EINVAL;
	}
	if (!imsm_sector_size_known(disk->sector_size)) {
		log_error("%s: %s has sectors of %u bytes; IMSM knows 512 and 4096", container, disk->name,
			  disk->sector_size);
		return -EINVAL;
	}
	if (!imsm_anchor_offset(disk->size, disk->sector_size)) {
		log_error("%s: %s is too small for IMSM metadata", container, disk->name);
		return -EINVAL;
	}
	return 0;
}

static struct imsm_dl *new_spare(struct disk *disk, const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_dl *dl = imsm_dl_new(disk, serial);

	if (!dl)
		return NULL;
	memcpy(dl->record.serial, serial, IMSM_SERIAL_LEN);
	imsm_disk_set_blocks(&dl->record, disk->size / 512);
	dl->record.scsi_id = le32_make(disk->scsi_id);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	dl->index = IMSM_INDEX_SPARE;
	return dl;
}

/* What mdadm left of a reshape on a disk with volumes may still be needed: it goes when the disk is a spare for sure. */
static int prepare_spare(struct disk *disk, const char *container, const uint8_t serial[IMSM_SERIAL_LEN],
			 bool has_volumes, struct imsm_dl **prepared)
{
	int err = has_volumes ? 0 : clear_migr_record(disk);
	struct imsm_dl *dl;

	if (err) {
		log_error("%s: cannot write to %s: %s", container, disk->name, strerror(-err));
		return err;
	}
	dl = new_spare(disk, serial);
	if (!dl)
		return -ENOMEM;
	dl->clear_migr_record_due = has_volumes;
	*prepared = dl;
	return 0;
}

int imsm_prepare_disk(struct disk *disk, const char *container, struct imsm_dl **prepared, struct imsm_meta **copy)
{
	struct imsm_candidate cand = { .meta = NULL };
	int err = check_disk(disk, container);

	*copy = NULL;
	if (!err)
		err = read_copy(disk, container, &cand);
	if (!err)
		err = prepare_spare(disk, container, cand.serial, cand.closed || (cand.meta && cand.meta->num_volumes), prepared);
	if (err) {
		free(cand.meta);
		return err;
	}
	(*prepared)->half_written = cand.closed;
	(*prepared)->family = cand.family;
	*copy = cand.meta;
	return 0;
}

/* All that the members have taken, so that it may be the only one left that knows the volumes. */
static bool knows_as_much(const struct imsm_container *c, const struct imsm_meta *copy)
{
	return copy && copy->num_volumes && c->meta.num_volumes && imsm_same_origin(copy, &c->meta) &&
	       (int32_t)(le32_get(copy->header.generation_num) - c->durable_generation) >= 0;
}

void imsm_add_disk(struct imsm_container *c, struct imsm_dl *dl, const struct imsm_meta *copy)
{
	uint32_t attributes = le32_get(c->meta.header.attributes);

	imsm_disown_serial(c, dl->serial);
	memcpy(dl->record.serial, dl->serial, IMSM_SERIAL_LEN);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	dl->index = IMSM_INDEX_SPARE;
	dl->spare_record_due = true;
	dl->after_members = knows_as_much(c, copy);
	c->write_due |= dl->after_members;
	dl->next = c->disks;
	c->disks = dl;
	if (le32_get(dl->record.total_blocks_hi) && !(attributes & IMSM_ATTR_2TB_DISK)) {
		c->meta.header.attributes = le32_make(attributes | IMSM_ATTR_2TB_DISK);
		c->write_due = true;
	}
}

/* ---- a disk that goes ---- */

/*
 * They get a spare's record once the members hold something newer than these disks. If there is none, an absent one may hold
 * the change that names them as members, and would be turned down.
 */
void imsm_leave_family(struct imsm_container *c)
{
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		if (!dl->joined)
			continue;
		dl->joined = 0;
		c->change_may_be_out = true;
		dl->spare_record_due = true;
		dl->after_members = c->meta.num_volumes > 0;
		c->write_due |= c->meta.num_volumes > 0;
	}
}

static struct imsm_dl *unlink_disk(struct imsm_dl **link, dev_t dev)
{
	struct imsm_dl *dl;

	while (*link && (*link)->dev != dev)
		link = &(*link)->next;
	dl = *link;
	if (dl)
		*link = dl->next;
	return dl;
}

struct imsm_dl *imsm_remove_disk(struct imsm_container *c, dev_t dev)
{
	struct imsm_dl *dl = unlink_disk(&c->disks, dev);

	if (!dl)
		return unlink_disk(&c->waiting, dev);
	dl->next = NULL;
	memcpy(c->left[c->left_count++ % IMSM_LEFT_MAX], dl->serial, IMSM_SERIAL_LEN);
	if (dl->joined)
		imsm_leave_family(c);
	dl->joined = 0;
	if (dl->index < 0)
		return dl;
	if (!imsm_disk_named(c, (uint32_t)dl->index))
		imsm_delete_disk(c, (uint32_t)dl->index);
	return dl;
}
