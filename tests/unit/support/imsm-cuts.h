/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power cuts while the IMSM handler writes (imsm-rig.h): what it writes is recorded, and then every state in which the
 * power may have left the disks is made again.
 */
#ifndef IMSM_CUTS_H
#define IMSM_CUTS_H

#include "tests/unit/support/imsm-rig.h"

#define CUT_TAIL 16384 /* bytes at the end of a disk that hold all that is written */
#define CUT_WRITES 128

struct cut_write {
	unsigned disk;
	uint64_t offset;
	uint32_t len;
	uint8_t data[CUT_TAIL];
	unsigned begun, ended; /* moments */
};

struct cuts {
	struct imsm_rig *r;
	uint8_t before[MAX_DISKS][CUT_TAIL];
	unsigned moment, writes;
	struct cut_write write[CUT_WRITES];
};

/* A state of the disks; they hold it while this is passed on. */
struct cut_state {
	bool complete;        /* all has been written */
	int torn;             /* the disk whose write was torn, -1: none */
	unsigned begun, done; /* writes */
};

/* There is AIO here: else the writes cannot be watched. */
bool cuts_possible(void);
/* From now on the handler's writes are recorded, until cuts_stop(). One recording at a time. */
struct cuts *cuts_start(struct imsm_rig *r);
void cuts_stop(struct cuts *c);
void cuts_free(struct cuts *c);

/*
 * Every moment; of the writes that are on their way then every choice of those that reach their disk; each of the others
 * torn at the borders of physical blocks, in every way, one at a time. States that were there before are left out.
 * Returns how many there were.
 */
unsigned cuts_each(struct cuts *c, void (*look)(const struct cut_state *s, void *ctx), void *ctx);

/* In every order in which the disks `disk` may be found, up to 4 of them, else some of the orders. */
void cuts_each_order(const unsigned *disk, unsigned count, void (*look)(const unsigned *order, void *ctx), void *ctx);

#endif
