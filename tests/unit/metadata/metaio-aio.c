/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which writes are in flight together: disks, steps of a disk, and writes that a power cut could tear. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "metadata/metaio.h"
#include "tests/unit/support/metaio-bench.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_aio_has_all_disks_in_flight(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	bench_plan_all(b, 1);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(bench_seen.most_in_flight, DISKS);
	assert_int_equal(bench_seen.events, 2 * DISKS);
}

/* The events come one by one, so the disks are at different steps. */
static void test_aio_disks_go_at_their_own_pace(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	bench_seen.one_event_at_a_time = true;
	bench_plan_all(b, METAIO_STEPS);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	bench_assert_in_order(b);
	for (unsigned i = 0; i < DISKS; i++)
		bench_assert_holds(b, i, 3, i + 3);
}

static void run_torn(struct bench *b, unsigned risky, unsigned limit)
{
	metaio_plan_clear(b->plan);
	memset(&bench_seen, 0, sizeof(bench_seen));
	bench_seen.one_event_at_a_time = true;
	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = bench_plan_disk(b, i, 3, i);

		pd->torn_risk = i < risky;
		bench_seen.torn_risk[b->disk[i].fd] = i < risky;
	}
	b->plan->max_torn = limit;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	bench_assert_in_order(b);
	for (unsigned k = 0; k < bench_seen.events; k++)
		assert_int_not_equal(bench_seen.event[k].what, WRITTEN);
}

static void test_aio_limits_writes_that_may_be_torn(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	for (unsigned limit = 1; limit <= DISKS; limit++) {
		run_torn(b, DISKS, limit);
		assert_int_equal(bench_seen.most_torn, limit);
		assert_int_equal(bench_seen.most_in_flight, limit);
	}
}

/* Between its steps a disk is half written, too. */
static void test_aio_begins_no_other_risky_disk_before_the_end(void **state)
{
	struct bench *b = *state;
	unsigned changes = 0;

	bench_skip_without_aio(b);
	run_torn(b, DISKS, 1);
	for (unsigned k = 1; k < bench_seen.events; k++)
		changes += bench_seen.event[k].fd != bench_seen.event[k - 1].fd;
	assert_int_equal(changes, DISKS - 1);
}

/* Disks without that risk do not wait for the others. */
static void test_aio_holds_back_only_risky_disks(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	run_torn(b, 4, 1);
	assert_int_equal(bench_seen.most_torn, 1);
	assert_int_equal(bench_seen.most_in_flight, 3);
}

/* A failed disk gives its place to the next one. */
static void test_aio_risky_disk_that_fails_frees_its_place(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	for (unsigned i = 0; i < DISKS; i++) {
		bench_plan_disk(b, i, 2, i)->torn_risk = true;
		bench_seen.torn_risk[b->disk[i].fd] = true;
	}
	bench_seen.cut_fd = b->disk[0].fd;
	bench_seen.cut_short = 1;
	close(b->disk[1].fd);
	b->disk[1].fd = -1;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 2);
	assert_int_equal(bench_seen.most_torn, 1);
	assert_int_equal(b->plan->disk[0].error, -EIO);
	assert_int_equal(b->plan->disk[1].error, -EBADF);
	assert_int_equal(b->plan->disk[5].done, 2);
}

/* The kernel takes no request (now and then, or never): the step is written on the spot. */
static void test_aio_refused(void **state)
{
	struct bench *b = *state;
	static const unsigned times[] = { 1, 3, ALWAYS };

	bench_skip_without_aio(b);
	for (unsigned t = 0; t < COUNT(times); t++) {
		metaio_plan_clear(b->plan);
		memset(&bench_seen, 0, sizeof(bench_seen));
		bench_seen.refuse_submit = times[t];
		bench_plan_all(b, 3);
		assert_int_equal(metaio_run(b->io, b->plan), DISKS);
		bench_assert_in_order(b);
		bench_assert_durable();
	}
	assert_int_equal(bench_seen.most_in_flight, 0);
	bench_assert_holds(b, 3, 2, 5);
}

/* More writes than the engine was made for: they wait for one another. */
static void test_aio_plan_too_large(void **state)
{
	struct bench *b = *state;
	struct metaio *small = metaio_open(2);

	bench_skip_without_aio(b);
	assert_non_null(small);
	for (unsigned i = 0; i < DISKS; i++) {
		struct metaio_disk *pd = bench_plan_disk(b, i, 1, i);

		for (unsigned k = 1; k < 5; k++)
			assert_true(metaio_disk_step_together(pd, bench_piece(b, i + k), (uint64_t)k * METAIO_ALIGN,
							      METAIO_ALIGN));
	}
	bench_seen.one_event_at_a_time = true;
	assert_int_equal(metaio_run(small, b->plan), DISKS);
	assert_true(bench_seen.most_in_flight <= METAIO_TOGETHER); /* what it has at least */
	bench_assert_holds(b, 5, 4, 9);
	metaio_close(small);
}

/* ---- steps that go together ---- */

/* One step, `count` that go together, and one more. */
static struct metaio_disk *plan_group(struct bench *b, unsigned disk, unsigned count)
{
	struct metaio_disk *pd = bench_plan_disk(b, disk, 2, 0);

	for (unsigned k = 1; k < count; k++)
		assert_true(metaio_disk_step_together(pd, bench_piece(b, 1 + k), (uint64_t)(1 + k) * METAIO_ALIGN,
						      METAIO_ALIGN));
	assert_true(metaio_disk_step(pd, bench_piece(b, 15), 0, METAIO_ALIGN));
	return pd;
}

static int nth_event(enum what what, unsigned n)
{
	for (unsigned i = 0; i < bench_seen.events; i++)
		if (bench_seen.event[i].what == what && n-- == 0)
			return (int)i;
	return -1;
}

static void test_aio_steps_together(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, 4);

	bench_skip_without_aio(b);
	bench_seen.one_event_at_a_time = true;
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->done, 6);
	assert_int_equal(bench_seen.most_in_flight, 4);
	/* The first alone, then four at once, and the last one when all of them are durable. */
	assert_true(nth_event(COMPLETED, 0) < nth_event(SUBMITTED, 1));
	assert_true(nth_event(SUBMITTED, 4) < nth_event(COMPLETED, 1));
	assert_true(nth_event(COMPLETED, 4) < nth_event(SUBMITTED, 5));
	for (unsigned k = 1; k < 5; k++)
		bench_assert_holds(b, 0, k, k);
	bench_assert_holds(b, 0, 0, 15);
}

static void test_steps_together_one_of_which_fails(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, 3);

	bench_seen.cut_fd = b->disk[0].fd;
	bench_seen.cut_later = 2; /* the first step, and one of the group */
	bench_seen.cut_short = 1;
	plan_group(b, 1, 3);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->error, -EIO);
	assert_int_equal(pd->done, 1);
	bench_assert_holds(b, 0, 0, 0); /* what comes after them was not written */
	bench_assert_holds(b, 1, 0, 15);
}

static void test_aio_refused_for_some_of_a_group(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	for (unsigned n = 1; n < 6; n++) {
		struct metaio_disk *pd;

		metaio_plan_clear(b->plan);
		memset(&bench_seen, 0, sizeof(bench_seen));
		bench_seen.refuse_submit = n;
		pd = plan_group(b, 0, 4);
		assert_int_equal(metaio_run(b->io, b->plan), 1);
		assert_int_equal(pd->done, 6);
		assert_int_equal(bench_seen.in_flight, 0);
		bench_assert_durable();
	}
}

/* A group that is too large becomes two. */
static void test_group_is_limited(void **state)
{
	struct bench *b = *state;
	struct metaio_disk *pd = plan_group(b, 0, METAIO_TOGETHER + 2);

	assert_true(pd->step[METAIO_TOGETHER].together);
	assert_false(pd->step[METAIO_TOGETHER + 1].together);
	assert_true(pd->step[METAIO_TOGETHER + 2].together);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(pd->done, METAIO_TOGETHER + 4);
}

/* The limit counts disks, not their steps. */
static void test_aio_group_that_may_be_torn(void **state)
{
	struct bench *b = *state;

	bench_skip_without_aio(b);
	for (unsigned i = 0; i < DISKS; i++)
		plan_group(b, i, 4)->torn_risk = true;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(bench_seen.most_in_flight, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_AIO(test_aio_has_all_disks_in_flight),
		ON_AIO(test_aio_disks_go_at_their_own_pace),
		ON_AIO(test_aio_limits_writes_that_may_be_torn),
		ON_AIO(test_aio_begins_no_other_risky_disk_before_the_end),
		ON_AIO(test_aio_holds_back_only_risky_disks),
		ON_AIO(test_aio_risky_disk_that_fails_frees_its_place),
		ON_AIO(test_aio_refused),
		ON_AIO(test_aio_plan_too_large),
		ON_AIO(test_aio_steps_together),
		BOTH(test_steps_together_one_of_which_fails),
		ON_AIO(test_aio_refused_for_some_of_a_group),
		BOTH(test_group_is_limited),
		ON_AIO(test_aio_group_that_may_be_torn),
	};

	return cmocka_run_group_tests(tests, bench_open, bench_close);
}
