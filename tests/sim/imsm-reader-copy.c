// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One copy of IMSM metadata: where it lies, whether it is whole, and where its parts are (docs/imsm.md, 1). Nothing
 * after this file has to ask whether an offset lies inside of a copy.
 */
#include <string.h>

#include "imsm-reader.h"
#include "reader-bytes.h"

enum {
	HEADER = 216,
	RECORD = 48,
	VOLUME = 112,
	MAP = 48,
	ORD = 4,
};

static uint64_t pair(const unsigned char *lo, const unsigned char *hi)
{
	return bytes_le32(lo) | (uint64_t)bytes_le32(hi) << 32;
}

bool rd_imsm_same_serial(const void *a, const void *b)
{
	return strncmp(a, b, IMSM_SERIAL) == 0;
}

/* 1.17, steps 3 and 4 */
static void normalise_serial(const char *told, char serial[IMSM_SERIAL])
{
	char kept[256];
	size_t n = 0, skip;

	for (; *told && n < sizeof(kept); told++)
		if (*told > ' ')
			kept[n++] = *told == ':' ? ';' : *told;
	skip = n > IMSM_SERIAL ? n - IMSM_SERIAL : 0;
	memset(serial, 0, IMSM_SERIAL);
	memcpy(serial, kept + skip, n - skip);
}

/* 1.3: all words but that of the sum itself */
static uint32_t sum(const unsigned char *bytes, uint32_t size)
{
	uint32_t total = 0, i;

	for (i = 0; i + 4 <= size; i += 4)
		total += bytes_le32(bytes + i);
	return total - bytes_le32(bytes + 0x20);
}

const unsigned char *rd_imsm_copy_record(const struct imsm_copy *copy, unsigned index)
{
	return copy->bytes + HEADER + index * RECORD;
}

uint32_t rd_imsm_record_status(const unsigned char *record)
{
	return bytes_le32(record + 24);
}

int rd_imsm_copy_find(const struct imsm_copy *copy, const char serial[IMSM_SERIAL])
{
	unsigned i;

	for (i = 0; i < copy->disks; i++)
		if (rd_imsm_same_serial(rd_imsm_copy_record(copy, i), serial))
			return (int)i;
	return -1;
}

/* The bytes after a map that begins at `at`; 0 if it does not lie before `end`. */
static uint32_t after_map(const struct imsm_copy *copy, uint32_t at, uint32_t end)
{
	unsigned members;

	if (at + MAP > end)
		return 0;
	members = copy->bytes[at + 16];
	if (members == 0 || members > READER_MEMBERS || at + MAP + members * ORD > end)
		return 0;
	return at + MAP + members * ORD;
}

static bool walk_volumes(struct imsm_copy *copy)
{
	uint32_t at = HEADER + copy->disks * RECORD, end = copy->size;
	unsigned i;

	if (at > end || copy->volumes > READER_VOLUMES)
		return false;
	for (i = 0; i < copy->volumes; i++) {
		copy->volume_at[i] = at;
		if (at + VOLUME > end)
			return false;
		at = after_map(copy, at + VOLUME, end);
		if (at && copy->bytes[copy->volume_at[i] + 88])
			at = after_map(copy, at, end);
		if (at == 0)
			return false;
	}
	return true;
}

/* 1.12: a copy with a log that cannot be read is refused. */
static bool bad_blocks_sound(const struct imsm_copy *copy)
{
	uint32_t size = bytes_le32(copy->bytes + 0x48), count;
	const unsigned char *log;

	if (size == 0)
		return true;
	if (size < 8 || size > copy->size - HEADER - copy->disks * RECORD)
		return false;
	log = copy->bytes + copy->size - size;
	count = bytes_le32(log + 4);
	return bytes_le32(log) == 0xabadb10c && count <= 254 && size == 8 + 8 * count;
}

static void note_own_record(struct imsm_copy *copy)
{
	int own = rd_imsm_copy_find(copy, copy->serial);

	copy->knows_itself = own >= 0;
	copy->own_status = own >= 0 ? rd_imsm_record_status(rd_imsm_copy_record(copy, (unsigned)own)) : 0;
}

static bool decode_header(struct imsm_copy *copy)
{
	const unsigned char *p = copy->bytes;

	copy->check_sum = bytes_le32(p + 0x20);
	copy->family = bytes_le32(p + 0x28);
	copy->generation = bytes_le32(p + 0x2c);
	copy->attributes = bytes_le32(p + 0x34);
	copy->disks = p[0x38];
	copy->volumes = p[0x39];
	copy->orig_family = bytes_le32(p + 0x40);
	if (sum(p, copy->size) != copy->check_sum)
		return false;
	return walk_volumes(copy) && bad_blocks_sound(copy);
}

bool rd_imsm_copy_read(struct imsm_copy *copy, const struct reader_disk *disk, bool *signature)
{
	unsigned unit = disk->sector_size == 4096 ? 8 : 1;
	uint32_t bytes = unit * 512, more;

	*signature = false;
	copy->disk = disk;
	copy->unit = unit;
	normalise_serial(disk->serial, copy->serial);
	if (disk->sectors < 2 * unit)
		return false;
	disk->read(disk->ctx, disk->sectors - 2 * unit, copy->bytes, unit);
	*signature = memcmp(copy->bytes, "Intel Raid ISM Cfg Sig. ", 24) == 0;
	copy->size = bytes_le32(copy->bytes + 0x24);
	if (!*signature || copy->size < HEADER || copy->size > IMSM_COPY_BYTES)
		return false;
	more = (copy->size - 1) / bytes * unit;
	if (disk->sectors < 2 * unit + more)
		return false;
	if (more)
		disk->read(disk->ctx, disk->sectors - 2 * unit - more, copy->bytes + bytes, more);
	if (!decode_header(copy))
		return false;
	note_own_record(copy);
	return true;
}

/* A size that is stored in the disk's sectors, its upper half at hi; that half counts with 2TB_DISK only (1.10). */
static uint64_t size_of(const struct imsm_view *view, const unsigned char *lo, const unsigned char *hi)
{
	uint64_t sectors = pair(lo, hi) * view->champion->unit;

	return view->attributes & IMSM_ATTRIBUTE_2TB_DISK ? sectors : (uint32_t)sectors;
}

static void decode_map(const struct imsm_view *view, const unsigned char *p, struct imsm_map_view *map)
{
	map->pba = size_of(view, p, p + 20);
	/* not converted on disks of 4096-byte sectors (1.13) */
	map->stripes = pair(p + 8, p + 28);
	if (!(view->attributes & IMSM_ATTRIBUTE_2TB_DISK))
		map->stripes = (uint32_t)map->stripes;
	map->strip = (uint16_t)(bytes_le16(p + 12) * view->champion->unit);
	map->state = p[14];
	map->stored_level = p[15];
	map->members = p[16];
	map->domains = p[17];
	map->ords = p + MAP;
}

void rd_imsm_volume_decode(const struct imsm_view *view, unsigned number, struct imsm_volume_view *volume)
{
	const unsigned char *p = view->champion->bytes + view->champion->volume_at[number];
	unsigned unit = view->champion->unit;

	volume->at = p;
	volume->size = pair(p + 16, p + 20) * unit;
	volume->rwh_policy = p[50];
	volume->checkpoint = pair(p + 80, p + 96) * unit;
	volume->migrating = p[88] != 0;
	volume->migr_type = p[89];
	if (volume->migr_type == IMSM_VERIFY && (bytes_le32(p + 24) & 0x80))
		volume->migr_type = IMSM_REPAIR;
	volume->dirty = p[90] & 1;
	decode_map(view, p + VOLUME, &volume->map[0]);
	memset(&volume->map[1], 0, sizeof(volume->map[1]));
	if (volume->migrating)
		decode_map(view, p + VOLUME + MAP + volume->map[0].members * ORD, &volume->map[1]);
}

void rd_imsm_migration_read(const struct reader_disk *disk, unsigned unit, struct imsm_migration *migration)
{
	unsigned char p[4096];

	disk->read(disk->ctx, disk->sectors - unit, p, unit);
	migration->in_copy_area = bytes_le32(p) == 1;
	migration->unit = pair(p + 4, p + 48);
	migration->ascending = bytes_le32(p + 12) != 0;
	migration->blocks_per_unit = bytes_le32(p + 16) * unit;
	migration->dest_depth = bytes_le32(p + 20) * unit;
	migration->units = pair(p + 32, p + 60);
}
