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
	bool search;           /* the anchor is looked for elsewhere whether or not mdadm.conf says so */
	bool unsought;         /* there is none in the last sector, and nobody has looked elsewhere */
	bool anchor_elsewhere; /* not in the last sector */
	struct image copy[DDF_COPIES];
	struct image *chosen; /* NULL: none is usable */
	bool unreadable;      /* the anchor or a copy, by an error of the disk: what is there is not known */
	struct ddf_dl *dl;    /* taken over into the container */
	const char *why;      /* why it is left alone; NULL: it is not */
};

/* Reads the copies of cand->disk and chooses one; otherwise cand->why. Logs what is wrong with them. */
void ddf_read_candidate(struct candidate *cand, const char *container);
void ddf_look_at(struct candidate *cand); /* the same without a log */
/* The first step of it: the anchor alone. NULL, or why the disk has no metadata. */
const char *ddf_read_anchor(struct candidate *cand);
/* Of what was read: mdadm's rule, which believes the headers. NULL: none. */
struct image *ddf_choose_by_header(struct candidate *cand);

/* A copy that is open counts as old as the one that it replaces. */
int32_t ddf_rank_of(const struct image *m);
/* Above 0: a is newer. Of two equally new ones, the one that nothing is wrong with. */
int ddf_compare_rank(const struct candidate *a, const struct candidate *b);
/* ddf/load.c. Why it is not one of the disks of the container, whose best disk is given; NULL: it is. Pure. */
const char *ddf_why_foreign(const struct ddf_container *c, const struct candidate *cand, const struct candidate *best);

bool ddf_is_anchor_due(const struct candidate *cand); /* it is missing, or not as mdadm demands; written later */
const struct ddf_disk_data *ddf_data_of(const struct candidate *cand); /* of the chosen copy */

bool ddf_image_closed(const struct image *m);
bool ddf_image_complete(const struct image *m); /* closed, and all checksums are right */
uint32_t ddf_image_seq(const struct image *m);
/* What is wrong with a section of one that is usable, CONFIG: with some record in it; NULL: nothing. */
const char *ddf_section_fault(const struct image *m, int section);
/* Where a section lies. */
const struct ddf_extent *ddf_extent_of(const struct ddf_layout *l, int section);
const uint8_t *ddf_image_record(const struct image *m, unsigned i); /* in its configuration section; i < at.records */

/* ---- ddf/tell.c, for ddf/examine.c: what was read, by the names of its fields ---- */

struct facts;

void ddf_tell_uuid(const uint8_t guid[DDF_GUID_LEN], struct facts *f); /* "uuid", as mdadm has it */
void ddf_tell_header(const struct ddf_header *h, struct facts *f); /* "header" */
/* "controller", "disks", "volumes", "configs" of one that is usable */
void ddf_tell_contents(const struct image *m, struct facts *f);
void ddf_tell_spare_record(const struct image *m, struct facts *f); /* "spare_record" */
/* A container that knows only what this one says: its tables stay the image's, and must not be freed or changed. */
struct ddf_container ddf_shallow(const struct image *m);

#endif
