/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IMSM metadata: struct imsm_meta -> bytes. See imsm/format.h and imsm.md 1.
 *
 * Sizes, counts and the checksum are computed here; a caller sets none of them.
 */
#include "imsm/format.h"

#include <errno.h>
#include <string.h>

static uint8_t *put(uint8_t *p, const void *src, size_t n)
{
	memcpy(p, src, n);
	return p + n;
}

static size_t map_size(const struct imsm_map *m)
{
	return sizeof(m->head) + m->head.num_members * sizeof(le32);
}

size_t imsm_volume_size(const struct imsm_volume *v)
{
	return sizeof(v->head) + map_size(&v->map[0]) + (v->head.migr_state ? map_size(&v->map[1]) : 0);
}

static size_t bbm_log_size(const struct imsm_meta *m)
{
	return m->num_bad ? sizeof(struct imsm_bbm_head) + m->num_bad * sizeof(struct imsm_bbm_entry) : 0;
}

static size_t mpb_size(const struct imsm_meta *m)
{
	size_t size = sizeof(m->header) + m->num_disks * sizeof(m->disk[0]) + bbm_log_size(m);

	for (unsigned i = 0; i < m->num_volumes; i++)
		size += imsm_volume_size(&m->volume[i]);
	return size;
}

static uint8_t *put_disk(uint8_t *p, const struct imsm_disk *d, uint32_t sector_size)
{
	struct imsm_disk disk = *d;

	if (sector_size == 4096)
		imsm_scale_disk(&disk, IMSM_TO_4K);
	return put(p, &disk, sizeof(disk));
}

static uint8_t *put_map(uint8_t *p, const struct imsm_map *m)
{
	p = put(p, &m->head, sizeof(m->head));
	for (unsigned i = 0; i < m->head.num_members; i++) {
		le32 ord = le32_make(m->ord[i]);

		p = put(p, &ord, sizeof(ord));
	}
	return p;
}

static uint8_t *put_volume(uint8_t *p, const struct imsm_volume *v, uint32_t sector_size)
{
	struct imsm_volume volume = *v;

	if (sector_size == 4096)
		imsm_scale_volume(&volume, IMSM_TO_4K);
	p = put(p, &volume.head, sizeof(volume.head));
	p = put_map(p, &volume.map[0]);
	return volume.head.migr_state ? put_map(p, &volume.map[1]) : p;
}

/* The blocks of `unit` sectors that the range touches. */
static uint64_t bad_range_blocks(const struct imsm_bad_range *r, unsigned unit)
{
	return (r->sector + r->length + unit - 1) / unit - r->sector / unit;
}

static uint8_t *put_bad_range(uint8_t *p, const struct imsm_bad_range *r, unsigned unit)
{
	struct imsm_bbm_entry e = {
		.marked_count = (uint8_t)(bad_range_blocks(r, unit) - 1),
		.disk_ordinal = r->disk,
	};
	uint64_t start = r->sector / unit;

	for (unsigned i = 0; i < sizeof(e.start); i++, start >>= 8)
		e.start[i] = (uint8_t)start;
	return put(p, &e, sizeof(e));
}

static uint8_t *put_bbm_log(uint8_t *p, const struct imsm_meta *m, uint32_t sector_size)
{
	struct imsm_bbm_head head = {
		.signature = le32_make(IMSM_BBM_SIGNATURE),
		.entry_count = le32_make(m->num_bad),
	};

	if (m->num_bad == 0)
		return p;
	p = put(p, &head, sizeof(head));
	for (unsigned i = 0; i < m->num_bad; i++)
		p = put_bad_range(p, &m->bad[i], sector_size / 512);
	return p;
}

static void put_header(uint8_t *mpb, const struct imsm_meta *m, size_t size)
{
	struct imsm_header h = m->header;
	uint32_t attributes = le32_get(h.attributes) & ~IMSM_ATTR_BBM;

	if (m->num_bad)
		attributes |= IMSM_ATTR_BBM;
	h.attributes = le32_make(attributes);
	h.mpb_size = le32_make((uint32_t)size);
	h.num_disks = (uint8_t)m->num_disks;
	h.num_raid_devs = (uint8_t)m->num_volumes;
	h.bbm_log_size = le32_make((uint32_t)bbm_log_size(m));
	put(mpb, &h, sizeof(h));
	h.check_sum = le32_make(imsm_checksum(mpb, size));
	put(mpb, &h, sizeof(h));
}

static bool counts_fit(const struct imsm_meta *m, uint32_t sector_size)
{
	if (m->num_disks > IMSM_MAX_DISKS || m->num_volumes > IMSM_MAX_VOLUMES || m->num_bad > IMSM_BBM_MAX)
		return false;
	for (unsigned i = 0; i < m->num_bad; i++)
		if (m->bad[i].length == 0 || m->bad[i].sector >> 48 ||
		    bad_range_blocks(&m->bad[i], sector_size / 512) > 256)
			return false;
	return true;
}

ssize_t imsm_encode(const struct imsm_meta *m, uint32_t sector_size, void *buf, size_t size)
{
	uint8_t *p = buf;
	size_t used, len;

	if (!imsm_sector_size_known(sector_size) || !counts_fit(m, sector_size))
		return -E2BIG;
	used = mpb_size(m);
	len = (used + sector_size - 1) / sector_size * sector_size;
	if (used > IMSM_MPB_MAX || len > size)
		return -E2BIG;
	memset(p + used, 0, len - used);
	p += sizeof(m->header);
	for (unsigned i = 0; i < m->num_disks; i++)
		p = put_disk(p, &m->disk[i], sector_size);
	for (unsigned i = 0; i < m->num_volumes; i++)
		p = put_volume(p, &m->volume[i], sector_size);
	put_bbm_log(p, m, sector_size);
	put_header(buf, m, used);
	return (ssize_t)len;
}

void imsm_disk_order(const void *mpb, size_t len, uint32_t sector_size, void *out)
{
	const uint8_t *anchor = mpb;

	put(put(out, anchor + sector_size, len - sector_size), anchor, sector_size);
}

size_t imsm_encode_spare(const struct imsm_disk *d, uint32_t sector_size, void *buf)
{
	struct imsm_disk disk = *d;
	struct imsm_header h = {
		.version = IMSM_VERSION_WRITTEN,
		.mpb_size = le32_make(IMSM_SPARE_MPB_SIZE),
		.generation_num = le32_make(1),
		.num_disks = 1,
		.pwr_cycle_count = le32_make(1),
	};
	uint32_t attributes = IMSM_ATTR_CHECKSUM_VERIFY;

	if (le32_get(d->total_blocks_hi))
		attributes |= IMSM_ATTR_2TB_DISK;
	h.attributes = le32_make(attributes);
	disk.status = le32_make(IMSM_DISK_SPARE);
	memcpy(h.sig, IMSM_SIGNATURE, IMSM_SIGNATURE_LEN);
	memset(buf, 0, sector_size);
	put_disk(put(buf, &h, sizeof(h)), &disk, sector_size);

	/* The record's own sum is its family number: as good as random, and the same each time it is written. */
	h.family_num = le32_make(imsm_checksum(buf, IMSM_SPARE_MPB_SIZE));
	put(buf, &h, sizeof(h));
	h.check_sum = le32_make(imsm_checksum(buf, IMSM_SPARE_MPB_SIZE));
	put(buf, &h, sizeof(h));
	return sector_size;
}
