/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files in the place of disks for the tests of metaio, and what was in flight when. The linker leads metaio's calls
 * through the wrappers of metaio-bench.c (tests/flags.mk, METAIO_CALLS), which note them and can make a call fail.
 * Include cmocka.h before.
 */
#ifndef METAIO_BENCH_H
#define METAIO_BENCH_H

#include <libaio.h>
#include <stdbool.h>
#include <stdint.h>

#include "metadata/disk.h"
#include "metadata/metaio.h"

#define DISKS 6
#define ALWAYS 1000

struct event {
	enum what { SUBMITTED, COMPLETED, WRITTEN } what; /* WRITTEN: by a call that waited */
	int fd;
	uint64_t offset;
	bool durable;
};

/* Filled by the wrappers; the tests say what is to fail. Cleared before and after each test. */
extern struct bench_seen {
	struct event event[256];
	unsigned events;
	unsigned in_flight, most_in_flight;
	unsigned torn, most_torn; /* of them, disks that are torn_risk */
	bool torn_risk[1024];     /* by descriptor */
	unsigned fdatasyncs;

	/* how many of the next calls misbehave, and how */
	unsigned refuse_submit, interrupt_getevents, interrupt_writes, refuse_dsync, cut_short;
	unsigned interrupt_plain_writes, interrupt_syncs, fail_syncs;
	int cut_fd; /* whose writes are cut short */
	unsigned cut_later; /* so many of them are not */
	bool one_event_at_a_time;
} bench_seen;

/* Defined by a test whose disks may hang. The first one: the request is not passed on, and counts as one in flight. */
__attribute__((weak)) bool bench_holds_back(io_context_t ctx, struct iocb *cb);
/* The second one: of those in flight none will be answered within this time; NULL: for ever. */
__attribute__((weak)) bool bench_nothing_comes(unsigned in_flight, const struct timespec *timeout);

/* Two engines for all tests of a program, since closing an AIO context takes the kernel tens of milliseconds. */
int bench_open(void **state);
int bench_close(void **state);

struct bench {
	struct metaio *io; /* one of the two engines */
	struct metaio_plan *plan;
	struct disk disk[DISKS];
	int read_only_fd[DISKS];
	uint8_t *buf; /* 16 pieces of 4 KiB, each filled with its number + 1 */
};

/* Before and after each test; the state is the struct bench. */
int bench_setup_sequential(void **state);
int bench_setup_aio(void **state);
int bench_setup_aio_on_disk(void **state); /* not in memory, where AIO is over before io_submit() returns */
int bench_teardown(void **state);

/* A machine may forbid AIO; the daemon then writes sequentially, and so do these tests. */
void bench_skip_without_aio(const struct bench *b);

const void *bench_piece(const struct bench *b, unsigned n);

/* Steps k = 0 ..: piece `first + k`, 4 KiB at 4 KiB * k. */
struct metaio_disk *bench_plan_disk(struct bench *b, unsigned disk, unsigned steps, unsigned first);
void bench_plan_all(struct bench *b, unsigned steps);

uint8_t bench_byte_at(const struct bench *b, unsigned disk, uint64_t offset);
void bench_assert_holds(const struct bench *b, unsigned disk, unsigned step, unsigned pieceno);
void bench_assert_empty(const struct bench *b, unsigned disk, unsigned step);

/* The steps of each disk in ascending order, no step begun before the one before it had ended. */
void bench_assert_in_order(const struct bench *b);
void bench_assert_durable(void);

/* Rows of struct CMUnitTest. */
#define ON_AIO(t) { #t "_aio", t, bench_setup_aio, bench_teardown, NULL }
#define SEQUENTIAL(t) { #t "_sequential", t, bench_setup_sequential, bench_teardown, NULL }
#define BOTH(t) ON_AIO(t), SEQUENTIAL(t)

#endif
