// SPDX-License-Identifier: GPL-2.0-or-later
/* See reader-disk.h. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "reader-disk.h"

enum {
	SECTOR = 512,
	IMSM_TAIL = 16384,
	DDF_COPY = 618, /* sectors of each copy that an image keeps */
};

static const struct kept_part *part_of(const struct sample_disk *disk, uint64_t sector)
{
	unsigned i;

	for (i = 0; i < disk->parts; i++)
		if (sector >= disk->part[i].sector && sector - disk->part[i].sector < disk->part[i].count)
			return &disk->part[i];
	return NULL;
}

static void read_sectors(const void *ctx, uint64_t sector, void *buf, unsigned count)
{
	const struct sample_disk *disk = ctx;
	const struct kept_part *part;
	unsigned char *to = buf;

	assert_true(sector < disk->disk.sectors && count <= disk->disk.sectors - sector);
	for (; count; count--, sector++, to += SECTOR) {
		part = part_of(disk, sector);
		if (part)
			memcpy(to, part->bytes + (sector - part->sector) * SECTOR, SECTOR);
		else
			memset(to, 0, SECTOR);
	}
}

void sample_disk_blank(struct sample_disk *disk, int n, uint64_t bytes)
{
	memset(disk, 0, sizeof(*disk));
	snprintf(disk->serial, sizeof(disk->serial), "/dev/loop%d", n);
	disk->disk = (struct reader_disk){
		.sectors = bytes / SECTOR,
		.sector_size = SECTOR,
		.serial = disk->serial,
		.read = read_sectors,
		.ctx = disk,
	};
}

static void add_part(struct sample_disk *disk, uint64_t sector, unsigned count, unsigned char *bytes)
{
	disk->part[disk->parts++] = (struct kept_part){ .sector = sector, .count = count, .bytes = bytes };
}

static void read_file(const char *name, unsigned char *to, unsigned bytes)
{
	gzFile file = gzopen(name, "rb"); /* reads plain files, too */

	if (!file)
		fail_msg("cannot open %s", name);
	assert_int_equal(gzread(file, to, bytes), bytes);
	gzclose(file);
}

void sample_disk_imsm(struct sample_disk *disk, const char *sample, int n, uint64_t bytes, unsigned sector_size)
{
	char name[256];

	sample_disk_blank(disk, n, bytes);
	disk->disk.sector_size = sector_size;
	disk->image = malloc(IMSM_TAIL);
	snprintf(name, sizeof(name), "%s/imsm/%s.disk%d.bin", SAMPLES, sample, n);
	read_file(name, disk->image, IMSM_TAIL);
	add_part(disk, (bytes - IMSM_TAIL) / SECTOR, IMSM_TAIL / SECTOR, disk->image);
}

void sample_disk_ddf(struct sample_disk *disk, const char *sample, int n)
{
	const unsigned head = 16, bytes = head + (2 * DDF_COPY + 1) * SECTOR;
	char name[256];
	uint64_t sectors = 131072;

	sample_disk_blank(disk, n, sectors * SECTOR);
	disk->image = malloc(bytes);
	snprintf(name, sizeof(name), "%s/ddf/%s.disk%d.gz", SAMPLES, sample, n);
	read_file(name, disk->image, bytes);
	add_part(disk, sectors - 65536, DDF_COPY, disk->image + head);
	add_part(disk, sectors - 32768, DDF_COPY, disk->image + head + DDF_COPY * SECTOR);
	add_part(disk, sectors - 1, 1, disk->image + head + 2 * DDF_COPY * SECTOR);
}

void sample_disk_free(struct sample_disk *disk)
{
	free(disk->image);
	disk->image = NULL;
}

unsigned char *sample_disk_sector(struct sample_disk *disk, uint64_t sector)
{
	const struct kept_part *part = part_of(disk, sector);

	assert_non_null(part);
	return part->bytes + (sector - part->sector) * SECTOR;
}

unsigned sample_disk_kept(const struct sample_disk *disk, uint64_t sector)
{
	const struct kept_part *part = part_of(disk, sector);

	return part ? part->count - (unsigned)(sector - part->sector) : 0;
}
