/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated world: disks in memory, an md, users, administrators and power cuts around a real handler and the real
 * monitor. It knows which disk really holds which data, and asks a judge (reader.h) at every point at which the power
 * could fail what would become of them. What differs by format is in an adapter, declared here.
 *
 * A format's program is tests/sim/NAME.c: a `struct sim_adapter` and
 *
 *	int main(int argc, char **argv) { return sim_main(&adapter, argc, argv); }
 *
 * Positions and sizes are in sectors of 512 bytes unless said otherwise. One thread; nothing here makes a system call
 * while lives are lived.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "metadata/superswitch.h"
#include "tests/sim/reader.h"

#define SIM_DISKS READER_DISKS /* that one life may see, blank ones that replace others among them */
#define SIM_VOLUMES 4          /* of one container */
#define SIM_MEMBERS 8          /* of one volume */
#define SIM_MESSAGE 4096       /* bytes */
#define SIM_DISK_SECTORS 1000000u
#define SIM_CHUNK 128u         /* sectors; levels with chunks */
#define SIM_MD_RAID10_NEAR2 0x102
#define SIM_MD_RAID5_LEFT_ASYMMETRIC 0
#define SIM_MD_RAID5_LEFT_SYMMETRIC 2
#define SIM_MD_RAID5_PARITY_LAST 5

/* What an administrator asks mdadm for. */
struct sim_volume {
	char name[16];
	int level;                   /* 0 1 5 10 */
	unsigned members;
	unsigned disk[SIM_MEMBERS];  /* by slot */
	uint64_t component_size;     /* a multiple of SIM_CHUNK */
	uint64_t offset;             /* where it begins on each of its disks; other volumes are not there */
	bool initialized;            /* mdadm --assume-clean: no resync is due */
	unsigned chunk;              /* sectors; 0: SIM_CHUNK */
};

/* What mdadm notes on disks while it reshapes a volume. */
struct sim_record {
	unsigned unit, units;
	bool copied;           /* the unit's data are in the copy area */
	uint32_t depth;        /* sectors of each member in a unit */
	unsigned data_members;
};

/* ---- what an adapter offers ---- */

struct sim_adapter {
	const char *name;                    /* "imsm" */
	const struct superswitch *ss;        /* the real handler */
	const int *level;                    /* the levels that the world may use */
	unsigned levels;
	unsigned volumes;                    /* how many it may put into a container; at most SIM_VOLUMES */
	/* Bytes at the end of each disk that are kept, a multiple of 4096. Elsewhere a disk reads as zeros. */
	size_t tail;
	bool weak_checksum;                  /* a copy that is half old, half new may pass for good (SIM_MIXTURES) */
	int raid5_layout;                    /* as md has it in a RAID5 of this format */
	bool own_places;                     /* on each disk a volume may begin somewhere else; else at its offset */

	/*
	 * Formats that keep the configuration of a volume on its members only: how often it has changed, as far as these
	 * disks (a set) know. Disks that do not know the last change cannot say what is true of it. NULL: all disks know all.
	 */
	uint32_t (*changes)(uint32_t set, const char *name);

	void (*read_as_mdadm)(const struct reader_disk *disk, unsigned count, struct reader_result *result);

	/*
	 * mdadm --create of a container on the disks 0 .. disks - 1, and of volumes. No daemon runs, nothing can go
	 * wrong. Disks that no volume names are spares. All copies are the same and complete; nothing is dirty. A
	 * volume that is not `initialized` is recorded as mdadm leaves it before its first resync. Disks with higher
	 * numbers are blank.
	 */
	void (*create_container)(const struct sim_volume *volume, unsigned volumes, unsigned disks);

	/* What mdadm --add writes to a disk before it gives it to the container. NULL: nothing. */
	void (*prepare_spare)(unsigned disk);
	bool big_sectors; /* there are containers on disks with sectors of 4096 bytes, too */
	bool adds_again; /* also to one that has failed, and was removed */

	/*
	 * The message for the daemon, into buf (SIM_MESSAGE bytes). Returns its length; 0: mdadm refuses, or knows no
	 * such thing. `now` is what mdadm reads on the disks at that moment. `number`: reader_volume.number. A NULL
	 * function: the format does not know it.
	 *
	 *	create   a volume on disks of the container. mdadm has looked whether it fits
	 *	announce a message that goes before it. NULL: there is none
	 *	remove   of a volume that does not run
	 *	rename   the same
	 *	widen    mdadm --grow of all volumes by these disks (spares): the message that begins it
	 *	relevel  a RAID0 that is to become a RAID5, with the spare that the daemon chooses, likewise
	 *	rechunk  a volume that is to get chunks of so many sectors, likewise
	 *	checkpoint  of the reshape that goes on
	 */
	size_t (*create)(uint8_t *buf, const struct reader_result *now, const struct sim_volume *volume);
	size_t (*announce)(uint8_t *buf, const struct reader_result *now, const struct sim_volume *volume);
	size_t (*remove)(uint8_t *buf, const struct reader_result *now, unsigned number);
	size_t (*rename)(uint8_t *buf, const struct reader_result *now, unsigned number, const char *name);
	size_t (*widen)(uint8_t *buf, const struct reader_result *now, const unsigned *disk, unsigned count);
	size_t (*relevel)(uint8_t *buf, const struct reader_result *now, unsigned number);
	size_t (*rechunk)(uint8_t *buf, const struct reader_result *now, unsigned number, unsigned chunk);
	size_t (*checkpoint)(uint8_t *buf, unsigned unit);

	/* mdadm's record of a reshape on one disk. With `widen`. */
	void (*put_record)(unsigned disk, const struct sim_record *r);
	bool (*has_record)(unsigned disk);

	/*
	 * Two loads of the same disks, the second one just now from what the first has written, say the same of all
	 * that is written to disks. Else a constant text: what differs. NULL: they agree.
	 */
	const char *(*differ)(const struct supertype *in_memory, const struct supertype *loaded);

	/* For hits: what the disk holds, a few lines to stdout. May be NULL. */
	void (*print_disk)(unsigned disk);
};

/* ---- what the world offers to adapters ---- */

/* Bytes; outside of the tail reads give zeros and writes vanish. Takes effect at once: no daemon is involved. */
void sim_disk_read(unsigned disk, void *buf, size_t len, uint64_t offset);
void sim_disk_write(unsigned disk, const void *buf, size_t len, uint64_t offset);

/* Bytes: the size of the disk, its logical sectors, the blocks within which a write cannot be torn. */
uint64_t sim_disk_size(unsigned disk);
uint32_t sim_sector_size(unsigned disk);
uint32_t sim_physical_size(unsigned disk);

/* So many have been made. */
unsigned sim_disks(void);

/* The serial as the kernel tells it, and its device number. */
const char *sim_serial(unsigned disk);
dev_t sim_dev(unsigned disk);

/* The same sequence for the same life. Formats that make up numbers call this instead of the system's. */
uint32_t sim_random(void);

/* ---- the program ---- */

/*
 *	NAME                       random lives for SIM_SECONDS (60) seconds, from SIM_SEED or a seed that is printed; it ends
 *	                           at the SIM_HITS-th kind of hit
 *	                           SIM_KINDS=FILE: kinds of hits that are known and passed over; new ones are added to it
 *	NAME SEED [COUNT]          these lives; from 10^12 on they are such with reshapes
 *	SIM_HANGS=N                disks hang in one life of N (4), 0: in none
 *	SIM_MIXTURES=1             makes mixtures of two copies that pass for one, which only chance keeps from being made
 *	NAME --events "TEXT"       this one, told step by step
 *
 * 0: no hit. 1: hits, each printed as its seed and the shortest sequence of events that still has it.
 */
int sim_main(const struct sim_adapter *adapter, int argc, char **argv);

#endif
