/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of ddf_read_as_mdadm() (reader.h). Sections are those of docs/ddf.md.
 *
 *   ddf-reader.c           the disks, one by one; roles; the answer
 *   ddf-reader-header.c    anchor and headers of one disk: which copy is used
 *   ddf-reader-tables.c    physical and virtual disk records of the disk that is believed
 *   ddf-reader-records.c   configuration records of all disks, the newest of each kept
 *   ddf-reader-volume.c    what mdadm tells md of one virtual disk
 *
 * Names begin with rd_, since programs are linked with the handlers, too.
 */
#ifndef SIM_DDF_READER_H
#define SIM_DDF_READER_H

#include "reader.h"

#define DDF_GUID 24
#define DDF_NOBODY 0xffffffffu
#define DDF_TABLE 4096 /* entries of the largest legal PD or VD table, and one */

/* The header that is used of a disk (2.1). */
struct ddf_copy {
	const struct reader_disk *disk;
	bool loaded;
	bool open;
	uint64_t lba; /* sections are relative to it */
	unsigned char guid[DDF_GUID];
	uint32_t seq;
	unsigned mppe, record_sectors;
	uint32_t pd_at, pd_sectors, vd_at, vd_sectors, conf_at, conf_sectors, data_at;
	/* of its disk data (1.10) */
	unsigned char pd_guid[DDF_GUID];
	uint32_t refnum;
};

/* 1.6; used entries only */
struct ddf_pd {
	unsigned index;
	uint32_t refnum;
	unsigned char guid[DDF_GUID];
	unsigned state;
};

enum {
	DDF_ONLINE = 0x1,
	DDF_FAILED = 0x2,
	DDF_REBUILDING = 0x4,
	DDF_MISSING = 0x40,
};

/* 1.7; used entries only */
struct ddf_vd {
	unsigned index;
	unsigned char guid[DDF_GUID];
	unsigned state, init;
	char name[17];
};

/* A BVD's record (1.8). Elements without those that were never filled: their place is what counts (3.1). */
struct ddf_bvd {
	uint32_t seq;
	unsigned place; /* Secondary_Element_Seq */
	unsigned elements;
	uint32_t refnum[READER_MEMBERS];
	uint64_t start[READER_MEMBERS];
};

/* A virtual disk as its records describe it; the shape is that of the record that was seen first. */
struct ddf_config {
	unsigned char guid[DDF_GUID];
	unsigned p, s, prl, rlq, srl;
	uint64_t blocks;
	unsigned bvds;
	struct ddf_bvd bvd[READER_MEMBERS];
};

/* All of a container. 600 KiB with the tables, hence static in ddf-reader.c and used by one caller at a time. */
struct ddf_view {
	unsigned count;
	struct ddf_copy copy[READER_DISKS];
	const struct ddf_copy *best;
	unsigned pds, vds, configs;
	struct ddf_pd pd[DDF_TABLE];
	struct ddf_vd vd[DDF_TABLE];
	struct ddf_config config[READER_VOLUMES];
};

/* Whether the disk has an anchor is one question, whether one of its copies can be used another. */
bool rd_ddf_copy_read(struct ddf_copy *copy, const struct reader_disk *disk, bool *anchor);
void rd_ddf_read_tables(struct ddf_view *view);
/* To be called for all disks in their order. */
void rd_ddf_read_records(struct ddf_view *view, const struct ddf_copy *copy);
/* The first entry with that refnum, or NULL. */
const struct ddf_pd *rd_ddf_find_refnum(const struct ddf_view *view, uint32_t refnum);
bool rd_ddf_is_named(const struct ddf_view *view, uint32_t refnum);
void rd_ddf_read_volume(const struct ddf_view *view, const struct ddf_config *config, const struct ddf_vd *vd,
	struct reader_volume *answer);

#endif
