// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Anchor and headers of a DDF disk, and which of its two copies is used (docs/ddf.md, 1.2 to 1.4, 2.1). CRCs are looked
 * at here and nowhere else, as mdadm does. Of the rules for equal bytes those of mdadm 4.2 are taken, which are
 * stricter: what it cannot use nobody should write.
 */
#include <string.h>
#include <zlib.h>

#include "ddf-reader.h"
#include "reader-bytes.h"

enum { SECTOR = 512, CRC = 4, SMALLEST = 65536 /* 32 MiB, and none so small */ };

/* zlib inverts the register before and after, DDF does neither. */
static bool crc_right(const unsigned char *p)
{
	unsigned char sector[SECTOR];

	memcpy(sector, p, sizeof(sector));
	memset(sector + CRC, 0xff, 4);
	return (crc32(0xffffffff, sector, sizeof(sector)) ^ 0xffffffff) == bytes_be32(p + CRC);
}

static bool is_header(const unsigned char *p)
{
	return bytes_be32(p) == 0xde11de11 && crc_right(p) &&
		(memcmp(p + 32, "01.00.00", 8) == 0 || memcmp(p + 32, "01.02.00", 8) == 0);
}

/* GUID, revision, both LBAs, and all after the type are the anchor's. */
static bool belongs(const unsigned char *p, const unsigned char *anchor)
{
	return memcmp(p + 8, anchor + 8, 32) == 0 && memcmp(p + 96, anchor + 96, 16) == 0 &&
		memcmp(p + 113, anchor + 113, SECTOR - 113) == 0;
}

static bool read_header(const struct reader_disk *disk, const unsigned char *anchor, unsigned type, unsigned char *p)
{
	uint64_t lba = bytes_be64(anchor + (type == 1 ? 96 : 104));

	if (lba >= disk->sectors - 1)
		return false;
	disk->read(disk->ctx, lba, p, 1);
	return is_header(p) && belongs(p, anchor) && p[112] == type;
}

static uint32_t seq_of(const unsigned char *p)
{
	return bytes_be32(p + 40);
}

static bool is_open(const unsigned char *p)
{
	return p[48] != 0;
}

static bool prefer_second(const unsigned char *first, const unsigned char *second)
{
	if (is_open(second))
		return false;
	return seq_of(first) < seq_of(second) || (seq_of(first) == seq_of(second) && is_open(first));
}

static bool legal_table(uint32_t sectors)
{
	return sectors == 2 || sectors == 8 || sectors == 32 || sectors == 128 || sectors == 512;
}

static bool inside(const struct ddf_copy *copy, uint32_t at, uint32_t sectors)
{
	return copy->lba + at <= copy->disk->sectors && sectors <= copy->disk->sectors - copy->lba - at;
}

static bool sections_sound(const struct ddf_copy *copy)
{
	return legal_table(copy->pd_sectors) && legal_table(copy->vd_sectors) && copy->conf_sectors <= 1024 &&
		copy->record_sectors >= 2 && 512 + 12 * copy->mppe <= copy->record_sectors * SECTOR &&
		inside(copy, copy->pd_at, copy->pd_sectors) && inside(copy, copy->vd_at, copy->vd_sectors) &&
		inside(copy, copy->conf_at, copy->conf_sectors) && inside(copy, copy->data_at, 1);
}

static void decode(struct ddf_copy *copy, const unsigned char *p)
{
	copy->open = is_open(p);
	copy->lba = bytes_be64(p + (p[112] == 1 ? 96 : 104));
	memcpy(copy->guid, p + 8, DDF_GUID);
	copy->seq = seq_of(p);
	copy->record_sectors = bytes_be16(p + 134);
	copy->mppe = bytes_be16(p + 136);
	copy->pd_at = bytes_be32(p + 200);
	copy->pd_sectors = bytes_be32(p + 204);
	copy->vd_at = bytes_be32(p + 208);
	copy->vd_sectors = bytes_be32(p + 212);
	copy->conf_at = bytes_be32(p + 216);
	copy->conf_sectors = bytes_be32(p + 220);
	copy->data_at = bytes_be32(p + 224);
}

static void read_disk_data(struct ddf_copy *copy)
{
	unsigned char p[SECTOR];

	copy->disk->read(copy->disk->ctx, copy->lba + copy->data_at, p, 1);
	memcpy(copy->pd_guid, p + 8, DDF_GUID);
	copy->refnum = bytes_be32(p + 32);
}

bool rd_ddf_copy_read(struct ddf_copy *copy, const struct reader_disk *disk, bool *anchor)
{
	unsigned char last[SECTOR], header[2][SECTOR];
	bool first, second;

	copy->disk = disk;
	*anchor = false;
	if (disk->sectors <= SMALLEST)
		return false;
	disk->read(disk->ctx, disk->sectors - 1, last, 1);
	*anchor = bytes_be32(last) == 0xde11de11;
	if (!is_header(last) || disk->sector_size != SECTOR)
		return false;
	first = read_header(disk, last, 1, header[0]);
	second = read_header(disk, last, 2, header[1]);
	if (!first && !second)
		return false;
	decode(copy, header[!first || (second && prefer_second(header[0], header[1]))]);
	if (!sections_sound(copy))
		return false;
	read_disk_data(copy);
	return true;
}
