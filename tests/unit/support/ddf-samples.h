/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The samples of DDF containers (tests/samples/ddf/README.md) as disks. */
#ifndef DDF_SAMPLES_H
#define DDF_SAMPLES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ddf/format.h"
#include "metadata/disk.h"

#define SAMPLE_SECTORS 131072u
#define SAMPLE_PRIMARY (SAMPLE_SECTORS - DDF_PRIMARY_FROM_END)
#define SAMPLE_SECONDARY (SAMPLE_SECTORS - DDF_SECONDARY_FROM_END)
#define SAMPLE_ANCHOR (SAMPLE_SECTORS - 1)
#define SAMPLE_COPY_SECTORS 618u
#define SAMPLE_DISKS_MAX 5u

struct ddf_sample {
	const char *name;
	unsigned disks;
};

#define DDF_SAMPLE_COUNT 6

extern const struct ddf_sample ddf_samples[DDF_SAMPLE_COUNT];

const struct ddf_sample *ddf_sample_named(const char *name);
void ddf_sample_path(char *path, size_t size, const char *name, unsigned disk, const char *suffix);

/* ---- sectors of a disk ---- */

void ddf_read_sectors(const struct disk *d, uint64_t sector, void *buf, size_t sectors);
void ddf_write_sectors(const struct disk *d, uint64_t sector, const void *buf, size_t sectors);
/* A disk of zeros, "sda" for disk 0 and so on, 8:0, 8:16 ... Released with disk_close(). */
struct disk *ddf_blank_disk(unsigned n, uint64_t sectors);
/* Disk `n` of a sample, as ddf_blank_disk. */
struct disk *ddf_sample_disk(const char *name, unsigned n);

#endif
