/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk as it is read at start-up: ddf/read.c reads, ddf/load.c decides which disks and copies count.
 */
#ifndef DDF_READ_H
#define DDF_READ_H

#include "ddf/ddf.h"

#define NAME_OF_COPY(which) ((which) == DDF_FIRST_COPY ? "primary" : "secondary")

enum { CONTROLLER, PHYSICAL, VIRTUAL, CONFIG, DISK_DATA, SECTIONS };

/* One of the copies on a disk, as it was read. */
struct image {
	struct ddf_header header;
	struct ddf_layout at;
	uint8_t *bytes; /* all sections, malloc'd */
	uint8_t *section[SECTIONS];
	size_t size[SECTIONS];
	bool exists;
	bool unreadable;   /* by an error of the disk */
	bool usable;       /* can be worked with, if need be */
	const char *fault; /* what is wrong, or why it is not usable; NULL: complete and right */
};

/* A disk that may belong to the container. */
struct candidate {
	struct disk *disk;
	struct ddf_header anchor;
	bool anchor_elsewhere; /* not in the last sector */
	struct image copy[DDF_COPIES];
	struct image *chosen; /* NULL: none is usable */
	bool unreadable;      /* the anchor or a copy, by an error of the disk: what is there is not known */
	struct ddf_dl *dl;    /* taken over into the container */
	const char *why;      /* why it is left alone; NULL: it is not */
};

/* Reads the copies of cand->disk and chooses one; otherwise cand->why. Logs what is wrong with them. */
void ddf_read_candidate(struct candidate *cand, const char *container);

bool ddf_is_anchor_due(const struct candidate *cand); /* it is missing, or not as mdadm demands; written later */
const struct ddf_disk_data *ddf_data_of(const struct candidate *cand); /* of the chosen copy */

bool ddf_image_closed(const struct image *m);
bool ddf_image_complete(const struct image *m); /* closed, and all checksums are right */
uint32_t ddf_image_seq(const struct image *m);
const uint8_t *ddf_image_record(const struct image *m, unsigned i); /* in its configuration section; i < at.records */

#endif
