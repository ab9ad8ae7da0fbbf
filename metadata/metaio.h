/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing metadata to many disks: parallel, durable, crash-ordered (docs/design.md,
 * "Writing metadata").
 *
 * A handler fills a write plan: for each disk an ordered list of steps. Steps of
 * one disk go one after the other, each durable before the next one starts, except
 * that a step may go together with the one before it; disks are independent, except
 * that of the disks marked `torn_risk` (their step may be half written after a power
 * cut) never more than `max_torn` are being written together. A disk with a lane (metadata/lane.h) that does not answer
 * holds up no other one.
 */
#ifndef METAIO_H
#define METAIO_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "metadata/superswitch.h"

#define METAIO_STEPS 12
#define METAIO_TOGETHER 8 /* steps of one disk that may be in flight together */

struct metaio_step {
	const void *buf;   /* aligned to the sector size */
	uint64_t offset;   /* bytes, multiple of the sector size */
	uint32_t len;      /* bytes, multiple of the sector size */
	bool together;     /* with the step before it */
};

#define METAIO_ALIGN 4096

/* Errors of a disk that hangs (metadata/lane.h). */
#define METAIO_HANGS (-ETIME)       /* a request is out: it may still be carried out, at any time */
#define METAIO_NOT_ASKED (-EALREADY) /* one from before is out: nothing was sent */

struct metaio_disk {
	const struct disk *disk;
	bool torn_risk;
	unsigned steps;
	struct metaio_step step[METAIO_STEPS];
	int error; /* out: 0 if all steps are durable, else the -errno of the one that failed, or METAIO_* */
	unsigned done; /* out: steps that are durable, whole groups of those that go together */
	/* metadata/metaio.c */
	unsigned in_flight; /* pieces of the steps from `done` on */
	unsigned next_step; /* from there on nothing was sent yet */
	uint32_t next_byte;
	bool torn;          /* counts as one that may be torn just now */
};

struct metaio_plan {
	unsigned disks;
	unsigned max_torn;          /* >= 1; how many torn_risk disks may be in flight together */
	bool patient;               /* more time for disks that hang (metadata/lane.h) */
	bool stored;                /* disks that are not in it have what it writes: none of its disks need be waited for */
	unsigned capacity;
	struct metaio_disk *disk;   /* capacity entries, allocated by metaio_plan_new */
};

struct metaio;

/*
 * manager or start-up: engine that has up to max_requests writes in flight (METAIO_TOGETHER at least). NULL with errno
 * set.
 */
struct metaio *metaio_open(unsigned max_requests);
void metaio_close(struct metaio *m);

struct metaio_plan *metaio_plan_new(unsigned capacity);
void metaio_plan_free(struct metaio_plan *p);

/* monitor: empty the plan. */
void metaio_plan_clear(struct metaio_plan *p);
/* monitor: add a disk; NULL if the plan is full. */
struct metaio_disk *metaio_plan_add(struct metaio_plan *p, const struct disk *d);
/* monitor: add a step to it; false if it has METAIO_STEPS already. */
bool metaio_disk_step(struct metaio_disk *pd, const void *buf, uint64_t offset, uint32_t len);
/* monitor: the same, together with the step before it; after METAIO_TOGETHER of them, behind it. */
bool metaio_disk_step_together(struct metaio_disk *pd, const void *buf, uint64_t offset, uint32_t len);

/*
 * monitor (or start-up). Runs the plan to its end and returns the number of disks that were written
 * completely; the others say why in `error`. Never allocates. A disk that fails is retired: its
 * later steps are skipped, the other disks go on. So is one that has a lane and hangs, if another disk has what it was to
 * get and none has to wait for it because both might be torn: METAIO_HANGS. Until the kernel has answered it is not written to
 * again: METAIO_NOT_ASKED.
 */
unsigned metaio_run(struct metaio *m, struct metaio_plan *p);

/*
 * monitor. Adds a disk that a handler could not write to the result of sync_metadata. `again`: the write before failed,
 * too, and that has been reported.
 */
void metaio_note_failure(struct sync_result *res, const struct disk *d, int error, bool again);

/* monitor. A write to the disk has not been answered: it is not asked before. */
bool metaio_hangs(const struct disk *d);

/* monitor. It hangs or did, and may be half written: it has to be written before another one may be at that risk. */
bool metaio_is_torn(const struct disk *d);

/* monitor. True once if all that was out to the disk, and it was the last of its plan, has been carried out after all. */
bool metaio_has_landed(const struct disk *d);

/* monitor. The disk has taken all that it was to take. */
void metaio_is_current(const struct disk *d);

/*
 * monitor. Takes the answers that have come; the list is empty then. The second one adds the disk if it hangs, or did and was
 * not said to be current since.
 */
void metaio_look_for_hanging(struct metaio *m, struct hanging_disks *h);
void metaio_list_hanging(struct hanging_disks *h, const struct disk *d);

/* A write of len bytes at offset lies within one physical block of the disk: it cannot be torn. */
bool metaio_is_atomic(const struct disk *d, uint64_t offset, uint32_t len);

/* For tests and messages: whether AIO is in use, or sequential writes. */
bool metaio_uses_aio(const struct metaio *m);
/* For tests: go on with sequential writes. */
void metaio_force_sequential(struct metaio *m);

#endif
