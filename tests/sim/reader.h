/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mdadm, or firmware, makes of the bytes on a set of disks: the judge of the simulated world. Written from docs/
 * alone; shares no code with the handlers. Pure: reads the disks and nothing else, never allocates, accepts any bytes.
 */
#ifndef SIM_READER_H
#define SIM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_DISKS 16
#define READER_VOLUMES 8
#define READER_MEMBERS 16
#define READER_NAME 33
#define READER_IN_SYNC UINT64_MAX

/* A disk that is there at boot. Sectors are of 512 bytes, whatever `sector_size` is. */
struct reader_disk {
	uint64_t sectors;
	unsigned sector_size; /* bytes: 512 or 4096 */
	const char *serial;   /* as the kernel tells it */
	/* Fills buf with count * 512 bytes from `sector` on. */
	void (*read)(const void *ctx, uint64_t sector, void *buf, unsigned count);
	const void *ctx;
};

enum reader_role {
	READER_BLANK,    /* no metadata */
	READER_DAMAGED,  /* metadata that no reader accepts */
	READER_FOREIGN,  /* metadata of another container, or thrown out as stale or invalidated: not used */
	READER_SPARE,
	READER_MEMBER,   /* the table knows it, not failed */
	READER_FAILED,   /* the table says failed, missing or forced missing */
};

struct reader_member {
	int disk;                /* index into the disks given; -1: the slot has nobody, or somebody who is not there */
	bool in_table;           /* some disk is named for the slot and not marked as failed or out of sync */
	uint64_t recovery_start; /* sectors of the component that it may be trusted for; READER_IN_SYNC: all */
	uint64_t data_offset;    /* sectors */
};

struct reader_volume {
	char name[READER_NAME];
	unsigned number;           /* in the metadata, as mdadm counts ("external:/md127/NUMBER") */
	int level;                 /* 0 1 4 5 6 10 */
	unsigned members;
	uint64_t component_size;   /* sectors of each member */
	bool clean;                /* no resync is needed */
	uint64_t resync_start;     /* sectors; 0 if all, READER_IN_SYNC if none */
	bool reshaping;            /* a migration that changes the shape is recorded */
	uint64_t reshape_progress; /* sectors of the array; only if reshaping */
	/* Only if reshaping, as the record says that goes with it: */
	uint64_t reshape_unit;     /* of so many ... */
	uint64_t unit_sectors;     /* ... of each member; 0: there is no record, nothing has been moved */
	unsigned record_on;        /* that disk, of those that were given to the reader */
	bool unit_copied;          /* its data are in a backup, from which they are put where they are to be */
	uint64_t reshape_noted;    /* units, as the metadata themselves say: no reader goes by it, none may be misled */
	unsigned old_members;
	int old_level;
	bool recorded_failed;      /* the metadata say that it has failed; mdadm starts it all the same if it can */
	bool recorded_degraded;
	bool dirty_rebuild;        /* both are recorded, and no reader looks at the former then (imsm.md 2.7) */
	struct reader_member member[READER_MEMBERS];
	/* enough members are there and in sync for the level: mdadm starts it (with --run, without --force) */
	bool can_start;
	const char *why_not;       /* constant text; NULL if it can */
};

struct reader_result {
	bool loads;          /* there is a container, and mdadm would not refuse it */
	const char *why_not; /* constant text; NULL if it loads */
	uint64_t generation; /* of the copy that was believed */
	int champion;        /* the disk whose copy that is; -1 */
	enum reader_role role[READER_DISKS];
	int table_index[READER_DISKS]; /* in the table of disks that was believed; -1: not there */
	unsigned volumes;
	struct reader_volume volume[READER_VOLUMES];
};

/* `count` disks, in the order in which mdadm meets them; the answer must not depend on it unless docs/ say that it does. */
void imsm_read_as_mdadm(const struct reader_disk *disk, unsigned count, struct reader_result *result);
void ddf_read_as_mdadm(const struct reader_disk *disk, unsigned count, struct reader_result *result);

#endif
