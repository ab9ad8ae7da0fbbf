/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>

const struct ddf_sample ddf_samples[DDF_SAMPLE_COUNT] = {
	{ "A", 3 }, { "B", 5 }, { "C", 3 }, { "Cdone", 3 }, { "D", 5 }, { "E", 3 },
};

const struct ddf_sample *ddf_sample_named(const char *name)
{
	for (size_t i = 0; i < DDF_SAMPLE_COUNT; i++)
		if (strcmp(ddf_samples[i].name, name) == 0)
			return &ddf_samples[i];
	fail_msg("no sample %s", name);
	return NULL;
}

void ddf_sample_path(char *path, size_t size, const char *name, unsigned disk, const char *suffix)
{
	snprintf(path, size, "%s/ddf/%s.disk%u.%s", SAMPLES, name, disk, suffix);
}

/* ---- sectors of a disk ---- */

void ddf_read_sectors(const struct disk *d, uint64_t sector, void *buf, size_t sectors)
{
	size_t len = sectors * DDF_SECTOR;

	assert_int_equal(pread(d->fd, buf, len, (off_t)(sector * DDF_SECTOR)), len);
}

void ddf_write_sectors(const struct disk *d, uint64_t sector, const void *buf, size_t sectors)
{
	size_t len = sectors * DDF_SECTOR;

	assert_int_equal(pwrite(d->fd, buf, len, (off_t)(sector * DDF_SECTOR)), len);
}

struct disk *ddf_blank_disk(unsigned n, uint64_t sectors)
{
	struct disk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->dev = makedev(8, 16 * n);
	snprintf(d->name, sizeof(d->name), "sd%c", (char)('a' + n));
	d->fd = memfd_create("ddf", MFD_CLOEXEC);
	assert_true(d->fd >= 0);
	d->size = sectors * DDF_SECTOR;
	assert_int_equal(ftruncate(d->fd, (off_t)d->size), 0);
	d->sector_size = DDF_SECTOR;
	d->physical_size = DDF_SECTOR;
	d->physical_aligned = true;
	return d;
}

static void ddf_sample_sectors(gzFile f, const struct disk *d, uint64_t sector, unsigned sectors)
{
	static uint8_t buf[SAMPLE_COPY_SECTORS * DDF_SECTOR];

	assert_int_equal(gzread(f, buf, sectors * DDF_SECTOR), sectors * DDF_SECTOR);
	ddf_write_sectors(d, sector, buf, sectors);
}

struct disk *ddf_sample_disk(const char *name, unsigned n)
{
	struct disk *d = ddf_blank_disk(n, SAMPLE_SECTORS);
	char path[512];
	uint8_t head[16];
	gzFile f;

	ddf_sample_path(path, sizeof(path), name, n, "gz");
	f = gzopen(path, "rb");
	if (!f)
		fail_msg("%s: %m", path);
	assert_int_equal(gzread(f, head, sizeof(head)), sizeof(head));
	assert_memory_equal(head, "DDFDISK1\0\0\0\0\0\2\0\0", sizeof(head));
	ddf_sample_sectors(f, d, SAMPLE_SECONDARY, SAMPLE_COPY_SECTORS);
	ddf_sample_sectors(f, d, SAMPLE_PRIMARY, SAMPLE_COPY_SECTORS);
	ddf_sample_sectors(f, d, SAMPLE_ANCHOR, 1);
	gzclose(f);
	return d;
}
