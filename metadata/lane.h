/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lane of a disk: through it the disk's metadata are written (metadata/metaio.c). What is being written lies in the
 * lane's own memory, so that nobody has to wait for a disk that does not answer before the metadata change again.
 *
 * Made and freed with the disk; between that the monitor's.
 */
#ifndef LANE_H
#define LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/clock.h"

#define LANE_ALIGN 4096
#define LANE_BYTES 16384 /* that may be on their way at once; a longer write goes in pieces */

/* A disk that has not answered for so long hangs: whoever can do without it goes on. */
#define LANE_PATIENCE_NS (1000 * NS_PER_MS)
#define LANE_LONG_PATIENCE_NS (30000 * NS_PER_MS) /* if somebody has to wait for it */

struct lane {
	dev_t dev;
	uint32_t used;     /* bytes of `buf` */
	uint64_t since_ns; /* when they were sent (CLOCK_MONOTONIC) */
	atomic_uint out;   /* requests that the kernel has not answered */
	bool hanging;      /* the writer has gone on without it; nothing is sent before the disk has answered */
	bool behind;       /* it has, and the disk lacks what it was to take then, and what came since */
	bool last;         /* what is out is all that its plan had left */
	bool failed;       /* some of it was refused */
	bool landed;       /* all of it was carried out */
	bool torn;         /* the disk may be half written, now or since it hung, as a power cut would leave it */
	struct lane *next; /* of those whose disk was closed while requests were out */
	_Alignas(LANE_ALIGN) uint8_t buf[LANE_BYTES];
};

/* start-up, manager and helper. NULL: no memory. */
struct lane *lane_new(dev_t dev);

/* start-up, manager and helper; NULL is fine. While the kernel may still read from it the lane stays, until a later call. */
void lane_free(struct lane *l);

#endif
