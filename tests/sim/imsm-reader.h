/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of imsm_read_as_mdadm() (reader.h). Sections are those of docs/imsm.md.
 *
 *   imsm-reader.c            the disks, one by one; roles; the answer
 *   imsm-reader-copy.c       one copy of the metadata: read, checked, walked
 *   imsm-reader-champion.c   which copy is believed
 *   imsm-reader-enough.c     whether volumes are started at all
 *   imsm-reader-volume.c     what mdadm tells md of one volume
 *
 * Names begin with rd_, since programs are linked with the handlers, too.
 */
#ifndef SIM_IMSM_READER_H
#define SIM_IMSM_READER_H

#include <sys/types.h>

#include "reader.h"

#define IMSM_SERIAL 16
#define IMSM_COPY_BYTES 65536 /* 1.11: a parser may refuse more */
#define IMSM_COPY_DISKS 255   /* num_disks is a byte */

/* 1.5 */
enum {
	IMSM_SPARE = 0x1,
	IMSM_CONFIGURED = 0x2,
	IMSM_FAILED = 0x4,
	IMSM_JOURNAL = 0x02000000,
};

#define IMSM_ATTRIBUTE_2TB_DISK 0x04000000u

/* A disk and the copy on it. Of bytes only what has been read is valid. */
struct imsm_copy {
	const struct reader_disk *disk;
	bool loaded;
	unsigned unit;                 /* sectors of 512 in one of the disk's */
	uint32_t size;                 /* mpb_size */
	unsigned disks, volumes;
	uint32_t volume_at[READER_VOLUMES];
	uint32_t check_sum, family, orig_family, generation, attributes;
	char serial[IMSM_SERIAL];      /* of the disk, as 1.17 makes it out of what the kernel tells */
	uint32_t own_status;           /* of the disk's record in its own copy; 0 if it is not there */
	bool knows_itself;
	unsigned char bytes[IMSM_COPY_BYTES + 4096];
};

/* What is listed after the choice (2.4). */
struct imsm_listed {
	bool listed;
	int index; /* 2.2: position in the champion's table, -1 spare, -2 failed */
};

/* All copies of a container. 1.1 MiB, hence static in imsm-reader.c and used by one caller at a time. */
struct imsm_view {
	unsigned count;
	struct imsm_copy copy[READER_DISKS];
	struct imsm_listed listed[READER_DISKS];
	const struct imsm_copy *champion;
	uint32_t attributes; /* the champion's, and 2TB_DISK if any copy has it */
	bool enough;         /* 2.7: mdadm begins to start volumes */
};

/* 1.7, sizes in sectors of 512 */
struct imsm_map_view {
	uint64_t pba, stripes;
	unsigned strip, state, stored_level, members, domains;
	const unsigned char *ords;
};

enum { IMSM_NORMAL, IMSM_UNINITIALIZED, IMSM_DEGRADED, IMSM_MAP_FAILED };
enum { IMSM_INIT, IMSM_REBUILD, IMSM_VERIFY, IMSM_GEN_MIGR, IMSM_STATE_CHANGE, IMSM_REPAIR };

#define IMSM_ORD_INDEX 0x00ffffffu
#define IMSM_ORD_REBUILD 0x01000000u

/* 1.6 */
struct imsm_volume_view {
	const unsigned char *at;
	uint64_t size, checkpoint;
	bool migrating;
	unsigned migr_type; /* IMSM_REPAIR if VERIFY_AND_FIX is set, too */
	bool dirty;
	unsigned rwh_policy;
	struct imsm_map_view map[2]; /* the second one only if migrating */
};

/* 1.14: what is wanted of the migration record */
struct imsm_migration {
	unsigned on; /* that disk */
	bool in_copy_area, ascending;
	uint64_t unit, units;
	uint32_t blocks_per_unit, dest_depth;
};

/* Whether the disk begins like one with a copy is one question, whether the copy is good another. */
bool rd_imsm_copy_read(struct imsm_copy *copy, const struct reader_disk *disk, bool *signature);
/* Record `index` of the copy's table, 48 bytes. */
const unsigned char *rd_imsm_copy_record(const struct imsm_copy *copy, unsigned index);
uint32_t rd_imsm_record_status(const unsigned char *record);
/* -1 if the serial is not in the table */
int rd_imsm_copy_find(const struct imsm_copy *copy, const char serial[IMSM_SERIAL]);
bool rd_imsm_same_serial(const void *a, const void *b);
void rd_imsm_volume_decode(const struct imsm_view *view, unsigned number, struct imsm_volume_view *volume);
void rd_imsm_migration_read(const struct reader_disk *disk, unsigned unit, struct imsm_migration *migration);

/* Sets view->champion (NULL if there is none) and view->listed. */
void rd_imsm_choose_champion(struct imsm_view *view);

bool rd_imsm_enough(const struct imsm_view *view);

/* The disk that is listed with an index of the table; -1 if none is, or if it has failed. */
int rd_imsm_listed_as(const struct imsm_view *view, uint32_t index);
/* slot < map->members */
uint32_t rd_imsm_ord(const struct imsm_map_view *map, unsigned slot);
bool rd_imsm_is_gen_migration(const struct imsm_volume_view *volume);
/* 1.8; 255 if unknown */
unsigned rd_imsm_effective_level(const struct imsm_map_view *map);
/* NULL, or why the container is refused. */
const char *rd_imsm_check_migrations(const struct imsm_view *view, struct imsm_migration *migration);
void rd_imsm_read_volume(const struct imsm_view *view, unsigned number, const struct imsm_migration *migration,
	struct reader_volume *answer);

#endif
