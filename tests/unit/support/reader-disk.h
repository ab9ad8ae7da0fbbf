/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks for the readers of tests/sim: sample images (tests/samples) in memory, whose bytes a test may change. What an
 * image does not keep reads as zeros. Shares nothing with the handlers' own tests.
 */
#ifndef READER_DISK_H
#define READER_DISK_H

#include "tests/sim/reader.h"

struct kept_part {
	uint64_t sector;
	unsigned count;
	unsigned char *bytes;
};

struct sample_disk {
	struct reader_disk disk;
	char serial[32];
	struct kept_part part[3];
	unsigned parts;
	unsigned char *image;
};

/* The last 16 KiB of a disk of `bytes` bytes, which was /dev/loopN. */
void sample_disk_imsm(struct sample_disk *disk, const char *sample, int n, uint64_t bytes, unsigned sector_size);
void sample_disk_ddf(struct sample_disk *disk, const char *sample, int n);
/* A disk with nothing on it. */
void sample_disk_blank(struct sample_disk *disk, int n, uint64_t bytes);
void sample_disk_free(struct sample_disk *disk);
/* The bytes of a sector that the image keeps, and of those after it. */
unsigned char *sample_disk_sector(struct sample_disk *disk, uint64_t sector);
/* What of `after` sectors from there on is kept, for those who damage images. */
unsigned sample_disk_kept(const struct sample_disk *disk, uint64_t sector);

#endif
