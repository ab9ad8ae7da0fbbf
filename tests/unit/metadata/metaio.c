/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing to many disks, on files. Most tests run twice: over AIO and one disk after the other. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metadata/metaio.h"
#include "tests/unit/support/count-allocations.h"
#include "tests/unit/support/metaio-bench.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- plans ---- */

static void test_plan_is_limited(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd;

	bench_plan_all(b, 1);
	assert_int_equal(b->plan->disks, DISKS);
	assert_null(metaio_plan_add(b->plan, &b->disk[0]));
	assert_int_equal(b->plan->disks, DISKS);
	metaio_plan_clear(b->plan);
	assert_int_equal(b->plan->disks, 0);
	pd = bench_plan_disk(b, 0, METAIO_STEPS, 0);
	assert_int_equal(pd->steps, METAIO_STEPS);
	assert_false(metaio_disk_step(pd, bench_piece(b, 0), 0, 512));
	assert_int_equal(pd->steps, METAIO_STEPS);
}

/* A plan is used over and over: nothing of the last use may stay. */
static void test_cleared_plan_is_as_new(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = bench_plan_disk(b, 0, 2, 0);

	pd->torn_risk = true;
	pd->error = -EIO;
	pd->done = 1;
	b->plan->max_torn = 5;
	metaio_plan_clear(b->plan);
	assert_int_equal(b->plan->max_torn, 1);
	pd = metaio_plan_add(b->plan, &b->disk[1]);
	assert_ptr_equal(pd->disk, &b->disk[1]);
	assert_false(pd->torn_risk);
	assert_int_equal(pd->steps + pd->done, 0);
	assert_int_equal(pd->error, 0);
}

static void test_empty_plan(void **state)
{
	struct bench *b = *state;

	assert_int_equal(metaio_run(b->io, b->plan), 0);
	assert_int_equal(bench_seen.events, 0);
}

static void test_engine_follows_what_it_is_told(void **state)
{
	struct bench *b = *state;
	struct metaio *io;

	(void)b;
	io = metaio_open(4);
	assert_non_null(io);
	metaio_force_sequential(io);
	assert_false(metaio_uses_aio(io));
	metaio_force_sequential(io);
	metaio_close(io);
	metaio_close(NULL);
	metaio_plan_free(NULL);
}

/* ---- writing ---- */

static void test_one_disk(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = bench_plan_disk(b, 2, 1, 7);

	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->error, 0);
	assert_int_equal(pd->done, 1);
	bench_assert_holds(b, 2, 0, 7);
	bench_assert_empty(b, 2, 1);
	bench_assert_empty(b, 0, 0);
	bench_assert_durable();
}

static void test_all_disks_all_steps_in_order(void **state)
{
	struct bench *b = *state;

	bench_plan_all(b, METAIO_STEPS);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(b->plan->disk[i].error, 0);
		assert_int_equal(b->plan->disk[i].done, METAIO_STEPS);
		for (unsigned k = 0; k < METAIO_STEPS; k++)
			bench_assert_holds(b, i, k, i + k);
	}
	bench_assert_in_order(b);
	bench_assert_durable();
}

/* The steps overwrite one another: what is there in the end tells of their order on the disk itself. */
static void test_later_steps_win(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[i]);

		for (unsigned k = 0; k < METAIO_STEPS; k++)
			metaio_disk_step(pd, bench_piece(b, k), 0, METAIO_ALIGN);
	}
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	for (unsigned i = 0; i < DISKS; i++)
		bench_assert_holds(b, i, 0, METAIO_STEPS - 1);
}

static void test_disks_may_differ_in_steps(void **state)
{
	struct bench *b = *state;

	bench_plan_disk(b, 0, 3, 0);
	bench_plan_disk(b, 1, 1, 5);
	bench_plan_disk(b, 2, 0, 0);
	assert_int_equal(metaio_run(b->io, b->plan), 3);
	assert_int_equal(b->plan->disk[0].done, 3);
	assert_int_equal(b->plan->disk[1].done, 1);
	assert_int_equal(b->plan->disk[2].done, 0);
	bench_assert_in_order(b);
}

static void test_small_writes(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[0]);

	metaio_disk_step(pd, bench_piece(b, 4), 1024, 512);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(bench_byte_at(b, 0, 1023), 0);
	assert_int_equal(bench_byte_at(b, 0, 1024), 5);
	assert_int_equal(bench_byte_at(b, 0, 1535), 5);
	assert_int_equal(bench_byte_at(b, 0, 1536), 0);
}

static void test_a_plan_may_run_again(void **state)
{
	struct bench *b = *state;
	int fd = b->disk[1].fd;

	bench_plan_all(b, 2);
	b->disk[1].fd = b->read_only_fd[1];
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	b->disk[1].fd = fd;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(b->plan->disk[1].error, 0);
	assert_int_equal(b->plan->disk[1].done, 2);
	bench_assert_holds(b, 1, 1, 2);
}

/* ---- disks that fail ---- */

static void test_failing_disk_is_retired(void **state)
{
	struct bench *b = *state;

	b->disk[1].fd = b->read_only_fd[1];
	bench_plan_all(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(b->plan->disk[i].error, i == 1 ? -EBADF : 0);
		assert_int_equal(b->plan->disk[i].done, i == 1 ? 0 : 3);
	}
	bench_assert_empty(b, 1, 0);
	bench_assert_holds(b, 5, 2, 7);
	b->disk[1].fd = -1; /* bench_teardown */
}

static void test_failure_in_a_later_step(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[0]);

	metaio_disk_step(pd, bench_piece(b, 0), 0, METAIO_ALIGN);
	metaio_disk_step(pd, bench_piece(b, 1), UINT64_MAX - METAIO_ALIGN + 1, METAIO_ALIGN); /* negative */
	metaio_disk_step(pd, bench_piece(b, 2), 2 * METAIO_ALIGN, METAIO_ALIGN);
	bench_plan_disk(b, 1, 3, 3);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_true(pd->error < 0);
	assert_int_equal(pd->done, 1);
	bench_assert_holds(b, 0, 0, 0);
	bench_assert_empty(b, 0, 2);
	assert_int_equal(b->plan->disk[1].done, 3);
}

static void test_all_disks_fail(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < DISKS; i++) {
		close(b->disk[i].fd);
		b->disk[i].fd = -1;
	}
	bench_plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), 0);
	for (unsigned i = 0; i < DISKS; i++)
		assert_int_equal(b->plan->disk[i].error, -EBADF);
}

static void test_short_write_is_an_error(void **state)
{
	struct bench *b = *state;

	bench_plan_all(b, 2);
	bench_seen.cut_fd = b->disk[3].fd;
	bench_seen.cut_short = 1;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(bench_seen.cut_short, 0);
	assert_int_equal(b->plan->disk[3].error, -EIO);
	assert_int_equal(b->plan->disk[3].done, 0);
	bench_assert_empty(b, 3, 1);
}

static void test_interrupted_calls_are_repeated(void **state)
{
	struct bench *b = *state;

	bench_plan_all(b, 2);
	bench_seen.interrupt_getevents = bench_seen.interrupt_writes = 5;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	bench_assert_holds(b, 4, 1, 5);
	bench_assert_in_order(b);
}

/* ---- writing one by one in particular ---- */

/* A file system or kernel without RWF_DSYNC. */
static void test_sequential_without_dsync(void **state)
{
	struct bench *b = *state;

	bench_seen.refuse_dsync = ALWAYS;
	bench_plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(bench_seen.fdatasyncs, 2 * DISKS);
	bench_assert_in_order(b);
	bench_assert_durable();
}

static void test_sequential_without_dsync_interrupted(void **state)
{
	struct bench *b = *state;

	bench_seen.refuse_dsync = ALWAYS;
	bench_seen.interrupt_plain_writes = bench_seen.interrupt_syncs = 5;
	bench_plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(bench_seen.interrupt_plain_writes + bench_seen.interrupt_syncs, 0);
	assert_int_equal(bench_seen.fdatasyncs, 2 * DISKS);
	bench_assert_in_order(b);
	bench_assert_durable();
}

/* Written, but perhaps not durable: a failure, which is not tried again (the kernel tells only once). */
static void test_sequential_without_dsync_not_durable(void **state)
{
	struct bench *b = *state;

	bench_seen.refuse_dsync = ALWAYS;
	bench_seen.fail_syncs = 1;
	bench_plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(b->plan->disk[0].error, -EIO);
	assert_int_equal(b->plan->disk[0].done, 0);
}

static void test_sequential_without_dsync_read_only(void **state)
{
	struct bench *b = *state;

	bench_seen.refuse_dsync = ALWAYS;
	b->disk[0].fd = b->read_only_fd[0];
	bench_plan_all(b, 2);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(b->plan->disk[0].error, -EBADF);
	b->disk[0].fd = -1;
}

/* ---- memory ---- */

static void test_writing_allocates_nothing(void **state)
{
	struct bench *b = *state;
	static const unsigned refusals[] = { 0, 2, ALWAYS };

	b->disk[1].fd = b->read_only_fd[1];
	for (unsigned t = 0; t < COUNT(refusals); t++) {
		unsigned written;

		memset(&bench_seen, 0, sizeof(bench_seen));
		bench_seen.refuse_submit = refusals[t];
		allocations = 0;
		counting_allocations = true;
		metaio_plan_clear(b->plan);
		for (unsigned i = 0; i < DISKS; i++) {
			struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[i]);

			metaio_disk_step(pd, bench_piece(b, i), 0, METAIO_ALIGN);
			metaio_disk_step(pd, bench_piece(b, i), METAIO_ALIGN, METAIO_ALIGN);
		}
		written = metaio_run(b->io, b->plan);
		counting_allocations = false;
		assert_int_equal(allocations, 0);
		assert_int_equal(written, DISKS - 1);
	}
	b->disk[1].fd = -1;
}

static void test_the_wrappers_count(void **state)
{
	struct metaio_plan *p;

	(void)state;
	allocations = 0;
	counting_allocations = true;
	p = metaio_plan_new(1);
	metaio_plan_free(p);
	counting_allocations = false;
	assert_true(allocations >= 4);
}

/* ---- what cannot be torn ---- */

static const struct {
	uint32_t sector, physical;
	bool aligned;
	uint64_t offset;
	uint32_t len;
	bool atomic;
} tearing[] = {
	/* 512n */
	{ 512, 512, true, 0, 512, true },
	{ 512, 512, true, 5 * 512, 512, true },
	{ 512, 512, true, 0, 1024, false },
	{ 512, 512, false, 512, 512, true }, /* there is nothing to be misaligned */
	/* 512e */
	{ 512, 4096, true, 0, 512, true },
	{ 512, 4096, true, 0, 4096, true },
	{ 512, 4096, true, 7 * 512, 512, true },
	{ 512, 4096, true, 6 * 512, 1024, true },
	{ 512, 4096, true, 7 * 512, 1024, false },
	{ 512, 4096, true, 4096 - 512, 512, true },
	{ 512, 4096, true, 512, 4096, false },
	{ 512, 4096, true, 0, 8192, false },
	{ 512, 4096, true, (1ull << 42) + 4096 - 1024, 1024, true },
	{ 512, 4096, true, (1ull << 42) + 4096 - 512, 1024, false },
	/* 512e, physical blocks begin somewhere else */
	{ 512, 4096, false, 0, 1024, false },
	{ 512, 4096, false, 0, 512, false },
	/* 4Kn */
	{ 4096, 4096, true, 4096, 4096, true },
	{ 4096, 4096, true, 4096, 8192, false },
	{ 4096, 4096, false, 4096, 4096, true },
	/* what the kernel says may be nonsense */
	{ 4096, 512, true, 4096, 4096, true },
	{ 512, 0, true, 512, 512, true },
	{ 512, 0, true, 512, 1024, false },
	{ 0, 0, true, 0, 512, false },
	{ 512, 4096, true, 0, 0, false },
};

static void test_tearing(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT(tearing); i++) {
		struct disk d = {
			.sector_size = tearing[i].sector,
			.physical_size = tearing[i].physical,
			.physical_aligned = tearing[i].aligned,
		};

		if (metaio_is_atomic(&d, tearing[i].offset, tearing[i].len) == tearing[i].atomic)
			continue;
		print_error("%u/%u%s: %u bytes at %llu\n", tearing[i].sector, tearing[i].physical,
			    tearing[i].aligned ? "" : " misaligned", tearing[i].len,
			    (unsigned long long)tearing[i].offset);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_AIO(test_plan_is_limited),
		ON_AIO(test_cleared_plan_is_as_new),
		ON_AIO(test_engine_follows_what_it_is_told),
		BOTH(test_empty_plan),
		BOTH(test_one_disk),
		BOTH(test_all_disks_all_steps_in_order),
		{ "test_all_disks_all_steps_in_order_on_disk", test_all_disks_all_steps_in_order, bench_setup_aio_on_disk,
		  bench_teardown, NULL },
		BOTH(test_later_steps_win),
		BOTH(test_disks_may_differ_in_steps),
		BOTH(test_small_writes),
		BOTH(test_a_plan_may_run_again),
		BOTH(test_failing_disk_is_retired),
		BOTH(test_failure_in_a_later_step),
		BOTH(test_all_disks_fail),
		BOTH(test_short_write_is_an_error),
		BOTH(test_interrupted_calls_are_repeated),
		SEQUENTIAL(test_sequential_without_dsync),
		SEQUENTIAL(test_sequential_without_dsync_interrupted),
		SEQUENTIAL(test_sequential_without_dsync_not_durable),
		SEQUENTIAL(test_sequential_without_dsync_read_only),
		BOTH(test_writing_allocates_nothing),
		ON_AIO(test_the_wrappers_count),
		cmocka_unit_test(test_tearing),
	};

	return cmocka_run_group_tests(tests, bench_open, bench_close);
}
