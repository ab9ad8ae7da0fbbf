/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of IMSM metadata on disks: the tail of a sample stands for the disk, behind a disk_read() of its own. For
 * programs that are linked with --wrap=disk_read (tests/flags.mk).
 */
#ifndef IMSM_COPIES_H
#define IMSM_COPIES_H

#include "imsm/imsm.h"
#include "tests/unit/support/imsm-samples.h"

#define MAX_DISKS 6

struct fake_disk {
	struct disk disk; /* first */
	uint8_t tail[SAMPLE_TAIL];
	int read_error;   /* what every read returns, if not 0 */
	int torn_reads;   /* so many reads of the sector below give something else than is there */
	size_t torn_at;   /* offset in the tail */
	unsigned reads;
};

void copies_add_serial(struct fake_disk *f, const char *text);
/* The disk of that sample, with its own serial number. */
void copies_make_disk(struct fake_disk *f, const struct imsm_sample *s, unsigned disk);
void copies_make_named_disk(struct fake_disk *f, const char *sample, unsigned disk);

/* Disks, what was read from them, and what was chosen. */
struct copies {
	struct fake_disk disk[MAX_DISKS];
	struct imsm_candidate cand[MAX_DISKS];
	int index[MAX_DISKS];
	size_t count;
	struct imsm_container c;
	const char *why;
};

/* *state is a struct copies. */
int copies_setup(void **state);
int copies_teardown(void **state);
/* Adds a disk of a sample, and reads its copy, which may then be changed. */
struct imsm_meta *copies_add(struct copies *x, const char *sample, unsigned disk);
/* Disks of one sample, by number: "210". */
void copies_add_all(struct copies *x, const char *sample, const char *order);
void copies_clear(struct copies *x);
/* imsm_choose(); the result is in `index` and `c`. */
int copies_choose(struct copies *x);
/* What a writer does to the header; the sum need not be right, only different. */
void copies_touch(struct imsm_meta *m, uint32_t generations);
void copies_set_serial(struct imsm_meta *m, unsigned index, const char *serial);
void copies_set_status(struct imsm_meta *m, unsigned index, uint32_t status);

#endif
