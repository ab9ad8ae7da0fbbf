/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that does not answer: who goes on without it, what lies on it afterwards, and when it is asked again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libaio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "metadata/lane.h"
#include "tests/unit/support/metaio-bench.h"

#define MS(n) ((n) * NS_PER_MS)

/* ---- disks that hang, and time ---- */

static struct {
	int fd[2];              /* of the disks that hang; 0: none */
	struct iocb *kept[16];  /* what they were to write */
	unsigned count;
	io_context_t aio;
	uint64_t passed_ns;     /* more than really has */
	unsigned waits_without_end;
} hung;

static bool is_hung(int fd)
{
	return fd && (fd == hung.fd[0] || fd == hung.fd[1]);
}

int __real_io_submit(io_context_t ctx, long nr, struct iocb *ios[]);

/* Everything is written now, from where it lies now, and so is what comes. */
static void answer(void)
{
	hung.fd[0] = hung.fd[1] = 0;
	for (unsigned i = 0; i < hung.count; i++)
		assert_int_equal(__real_io_submit(hung.aio, 1, &hung.kept[i]), 1);
	hung.count = 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = __real_clock_gettime(clock, ts);
	uint64_t ns = (uint64_t)ts->tv_nsec + hung.passed_ns;

	ts->tv_sec += (time_t)(ns / NS_PER_S);
	ts->tv_nsec = (long)(ns % NS_PER_S);
	return r;
}

bool bench_holds_back(io_context_t aio, struct iocb *cb)
{
	if (!is_hung((int)cb->aio_fildes))
		return false;
	assert_true(hung.count < sizeof(hung.kept) / sizeof(hung.kept[0]));
	hung.aio = aio;
	hung.kept[hung.count++] = cb;
	return true;
}

/* Nothing but what hangs is out: time passes, or the disks answer after all. */
bool bench_nothing_comes(unsigned in_flight, const struct timespec *timeout)
{
	if (in_flight > hung.count)
		return false;
	if (timeout) {
		hung.passed_ns += (uint64_t)timeout->tv_sec * NS_PER_S + (uint64_t)timeout->tv_nsec;
		return true;
	}
	hung.waits_without_end++;
	answer();
	return false;
}

static void hang(struct bench *b, unsigned disk)
{
	hung.fd[hung.fd[0] ? 1 : 0] = b->disk[disk].fd;
}

static unsigned look(const struct bench *b, struct hanging_disks *h)
{
	unsigned hanging = 0;

	metaio_look_for_hanging(b->io, h);
	for (unsigned i = 0; i < DISKS; i++)
		metaio_list_hanging(h, &b->disk[i]);
	for (unsigned i = 0; i < h->count; i++)
		hanging += h->disk[i].since_ns > 0;
	return hanging;
}

/* What was let go a moment ago may not have come yet. */
static unsigned count_hanging(const struct bench *b, struct hanging_disks *h)
{
	unsigned count = look(b, h);

	for (unsigned i = 0; i < 1000 && count && !hung.count; i++) {
		usleep(1000);
		count = look(b, h);
	}
	return count;
}

static bool is_behind(const struct bench *b, unsigned disk)
{
	struct hanging_disks h;

	look(b, &h);
	for (unsigned i = 0; i < h.count; i++)
		if (h.disk[i].dev == b->disk[disk].dev)
			return true;
	return false;
}

static int set_up(void **state)
{
	struct bench *b;

	bench_setup_aio(state);
	b = *state;
	memset(&hung, 0, sizeof(hung));
	for (unsigned i = 0; i < DISKS; i++) {
		b->disk[i].dev = i + 1;
		b->disk[i].lane = lane_new(i + 1);
		assert_non_null(b->disk[i].lane);
	}
	bench_skip_without_aio(b);
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	for (unsigned i = 0; i < DISKS; i++)
		lane_free(b->disk[i].lane);
	return bench_teardown(state);
}

static void plan_again(struct bench *b, unsigned piece)
{
	metaio_plan_clear(b->plan);
	for (unsigned i = 0; i < DISKS; i++)
		bench_plan_disk(b, i, 1, piece);
}

/* It was to take piece 3, as the others have. */
static void disk_2_hangs(struct bench *b)
{
	hang(b, 2);
	plan_again(b, 3);
	metaio_run(b->io, b->plan);
}

/* ---- going on ---- */

static void test_the_others_do_not_wait(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;
	uint64_t began = clock_now_ns(), took;

	hang(b, 2);
	plan_again(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	took = clock_now_ns() - began;
	assert_in_range(took, MS(1000), MS(1200));
	for (unsigned i = 0; i < DISKS; i++) {
		assert_int_equal(b->plan->disk[i].error, i == 2 ? METAIO_HANGS : 0);
		if (i != 2)
			bench_assert_holds(b, i, 0, 3);
	}
	assert_true(metaio_hangs(&b->disk[2]));
	assert_false(metaio_hangs(&b->disk[1]));
	assert_int_equal(count_hanging(b, &h), 1);
	assert_int_equal(h.disk[0].dev, 3);
	assert_in_range(h.disk[0].since_ns, began, began + MS(200));
}

/* It gets what it was to get, although the metadata in memory have changed since. */
static void test_what_is_out_stays_as_it_is(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	memset(b->buf + 3 * METAIO_ALIGN, 0xee, METAIO_ALIGN);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	bench_assert_holds(b, 2, 0, 3);
	assert_false(metaio_hangs(&b->disk[2]));
}

/* Nothing newer overtakes what is out; and nobody waits for it once more. */
static void test_it_is_not_asked_before_it_has_answered(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;
	uint64_t before;

	disk_2_hangs(b);
	before = clock_now_ns();
	for (unsigned round = 4; round < 7; round++) {
		plan_again(b, round);
		assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
		assert_int_equal(b->plan->disk[2].error, METAIO_NOT_ASKED);
	}
	assert_int_equal(hung.count, 1);
	assert_true(clock_now_ns() - before < MS(500));
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	bench_assert_holds(b, 2, 0, 3);
	plan_again(b, 7);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	bench_assert_holds(b, 2, 0, 7);
}

/* Its later steps are not sent: they belong to a change that is over. */
static void test_the_rest_of_its_steps_is_dropped(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	hang(b, 0);
	bench_plan_disk(b, 0, 3, 0);
	bench_plan_disk(b, 1, 3, 0);
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	assert_int_equal(b->plan->disk[0].done, 0);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	bench_assert_holds(b, 0, 0, 0);
	bench_assert_empty(b, 0, 1);
	bench_assert_empty(b, 0, 2);
}

/* An event tells of the answer, and of none before. */
static void test_an_answer_is_an_event(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;
	uint64_t n;

	disk_2_hangs(b);
	metaio_look_for_hanging(b->io, &h);
	assert_true(h.event_fd >= 0);
	assert_int_equal(read(h.event_fd, &n, sizeof(n)), -1);
	answer();
	for (unsigned i = 0; i < 1000 && read(h.event_fd, &n, sizeof(n)) < 0; i++)
		usleep(1000);
	assert_int_equal(n, 1);
	/* the answer itself is there, also if the event has been taken */
	metaio_look_for_hanging(b->io, &h);
	assert_false(metaio_hangs(&b->disk[2]));
}

static void test_two_hang(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	hang(b, 2);
	hang(b, 4);
	plan_again(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 2);
	assert_int_equal(count_hanging(b, &h), 2);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
}

/* ---- waiting all the same ---- */

static void test_it_is_waited_for_if_no_other_has_it(void **state)
{
	struct bench *b = *state;

	hang(b, 0);
	hang(b, 1);
	bench_plan_disk(b, 0, 1, 5);
	bench_plan_disk(b, 1, 1, 5);
	assert_int_equal(metaio_run(b->io, b->plan), 2);
	assert_int_equal(hung.waits_without_end, 1);
	bench_assert_holds(b, 0, 0, 5);
}

static void test_it_is_waited_for_without_a_lane(void **state)
{
	struct bench *b = *state;

	lane_free(b->disk[2].lane);
	b->disk[2].lane = NULL;
	hang(b, 2);
	plan_again(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(hung.waits_without_end, 1);
}

static void plan_risky(struct bench *b, unsigned piece)
{
	plan_again(b, piece);
	for (unsigned i = 0; i < DISKS; i++)
		b->plan->disk[i].torn_risk = true;
}

/* It may be half written just now: no second disk may be. */
static void test_it_is_waited_for_if_two_could_be_torn(void **state)
{
	struct bench *b = *state;

	hang(b, 2);
	plan_risky(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(hung.waits_without_end, 1);
}

/* The last one of them hangs: nobody waits. The next change does. */
static void test_the_next_change_waits_if_two_could_be_torn(void **state)
{
	struct bench *b = *state;

	hang(b, DISKS - 1);
	plan_risky(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(hung.waits_without_end, 0);
	plan_risky(b, 4);
	/* It was first, as soon as it had answered. */
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(hung.waits_without_end, 1);
	for (unsigned i = 0; i < DISKS; i++)
		bench_assert_holds(b, i, 0, 4);
}

/* It has answered, but its later steps were dropped: before it is whole none that may be torn is begun. */
static void test_a_half_written_disk_comes_first(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;
	unsigned first;

	hang(b, 1);
	bench_plan_disk(b, 0, 2, 1);
	bench_plan_disk(b, 1, 2, 1)->torn_risk = true;
	assert_int_equal(metaio_run(b->io, b->plan), 1);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	assert_true(metaio_is_torn(&b->disk[1]));
	first = bench_seen.events;
	plan_risky(b, 3);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_int_equal(bench_seen.event[first].fd, b->disk[1].fd);
	assert_int_equal(bench_seen.event[first + 1].fd, b->disk[1].fd);
	metaio_is_current(&b->disk[1]);
	assert_false(metaio_is_torn(&b->disk[1]));
}

/* It lacks what came while it hung, until who knows says that it does not. */
static void test_it_is_behind_until_it_is_current(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	assert_true(is_behind(b, 2));
	assert_false(is_behind(b, 1));
	plan_again(b, 4);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS);
	assert_true(is_behind(b, 2));
	metaio_is_current(&b->disk[2]);
	assert_false(is_behind(b, 2));
}

/* It took so long, but has everything. */
static void test_what_was_left_arrives(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	assert_false(metaio_has_landed(&b->disk[2]));
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	assert_true(metaio_has_landed(&b->disk[2]));
	assert_false(metaio_has_landed(&b->disk[2])); /* said once */
}

static void test_the_first_of_two_steps_arrives(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	hang(b, 2);
	bench_plan_disk(b, 1, 2, 3);
	bench_plan_disk(b, 2, 2, 3);
	metaio_run(b->io, b->plan);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	assert_false(metaio_has_landed(&b->disk[2]));
}

static void test_what_was_left_is_refused(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	bench_seen.cut_fd = b->disk[2].fd;
	bench_seen.cut_short = 1;
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	assert_int_equal(bench_seen.cut_short, 0);
	assert_false(metaio_has_landed(&b->disk[2]));
}

/* Somebody waits for the disk in particular. */
static void test_a_patient_plan(void **state)
{
	struct bench *b = *state;
	uint64_t began = clock_now_ns(), took;

	hang(b, 2);
	plan_again(b, 3);
	b->plan->patient = true;
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	took = clock_now_ns() - began;
	assert_in_range(took, MS(30000), MS(31000));
}

/* It does not hang any more, but refuses: as any other disk that does. */
static void test_one_that_refuses_does_not_hang(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	answer();
	assert_int_equal(count_hanging(b, &h), 0);
	bench_seen.cut_fd = b->disk[2].fd;
	bench_seen.cut_short = 1;
	plan_again(b, 4);
	metaio_run(b->io, b->plan);
	assert_int_equal(b->plan->disk[2].error, -EIO);
	assert_false(is_behind(b, 2));
}

/* Others have what it is to get: it is left although it is alone in the plan. */
static void test_nobody_waits_for_what_is_stored(void **state)
{
	struct bench *b = *state;

	hang(b, 2);
	bench_plan_disk(b, 2, 1, 3);
	b->plan->stored = true;
	assert_int_equal(metaio_run(b->io, b->plan), 0);
	assert_int_equal(hung.waits_without_end, 0);
	assert_true(metaio_hangs(&b->disk[2]));
	metaio_plan_clear(b->plan);
	assert_false(b->plan->stored);
}

/* It was taken out and put in again while its request was out. */
static void test_a_disk_put_in_again_is_not_asked(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	lane_free(b->disk[2].lane);
	b->disk[2].lane = lane_new(3);
	hung.fd[0] = 0; /* the new one would answer */
	plan_again(b, 4);
	assert_int_equal(metaio_run(b->io, b->plan), DISKS - 1);
	assert_int_equal(b->plan->disk[2].error, METAIO_NOT_ASKED);
	assert_false(is_behind(b, 2));
	answer();
	for (unsigned i = 0; i < 1000 && metaio_run(b->io, b->plan) < DISKS; i++) {
		usleep(1000);
		look(b, &h);
	}
	bench_assert_holds(b, 2, 0, 4);
}

/* ---- the lane's memory ---- */

#define LARGE (2 * LANE_BYTES + 8192)

/* More than the lane holds goes in pieces, the next step when all of them are durable. */
static void test_a_long_step_goes_in_pieces(void **state)
{
	struct bench *b = *state;
	uint8_t *large = aligned_alloc(METAIO_ALIGN, LARGE);
	struct metaio_disk *pd;

	assert_non_null(large);
	for (unsigned i = 0; i < LARGE; i++)
		large[i] = (uint8_t)(1 + i / 4096);
	for (unsigned aio = 0; aio < 2; aio++) {
		metaio_plan_clear(b->plan);
		pd = metaio_plan_add(b->plan, &b->disk[aio]);
		metaio_disk_step(pd, bench_piece(b, 9), 0, METAIO_ALIGN);
		metaio_disk_step(pd, large, METAIO_ALIGN, LARGE);
		metaio_disk_step_together(pd, bench_piece(b, 10), METAIO_ALIGN + LARGE, METAIO_ALIGN);
		metaio_disk_step(pd, bench_piece(b, 11), 0, METAIO_ALIGN);
		assert_int_equal(metaio_run(b->io, b->plan), 1);
		assert_int_equal(pd->done, 4);
		for (unsigned i = 0; i < LARGE / 4096; i++)
			bench_assert_holds(b, aio, 1 + i, i);
		bench_assert_holds(b, aio, 1 + LARGE / 4096, 10);
		bench_assert_holds(b, aio, 0, 11);
		assert_true(b->disk[aio].lane->used == 0);
	}
	assert_int_equal(bench_seen.most_in_flight, 2); /* the last piece, and the step that goes with it */
	free(large);
}

/* A piece in the middle fails. */
static void test_a_long_step_fails(void **state)
{
	struct bench *b = *state;
	uint8_t *large = aligned_alloc(METAIO_ALIGN, LARGE);
	struct metaio_disk *pd = metaio_plan_add(b->plan, &b->disk[0]);

	assert_non_null(large);
	memset(large, 1, LARGE);
	metaio_disk_step(pd, large, 0, LARGE);
	metaio_disk_step(pd, bench_piece(b, 11), LARGE, METAIO_ALIGN);
	bench_seen.cut_fd = b->disk[0].fd;
	bench_seen.cut_later = 1;
	bench_seen.cut_short = 1;
	assert_int_equal(metaio_run(b->io, b->plan), 0);
	assert_int_equal(pd->error, -EIO);
	assert_int_equal(pd->done, 0);
	assert_int_equal(bench_byte_at(b, 0, 2 * LANE_BYTES), 0); /* what comes after it was not written */
	assert_int_equal(b->disk[0].lane->used, 0);
	free(large);
}

static const void *watched;
static unsigned watched_freed;

void __wrap_free(void *p);
void __real_free(void *p);
void __wrap_free(void *p)
{
	if (watched && p == watched) {
		watched_freed++;
		watched = NULL; /* the address may be given to somebody else */
	}
	__real_free(p);
}

/* The disk is pulled: the kernel reads from the lane as long as it has not given up. */
static void test_a_closed_lane_stays_until_the_answer(void **state)
{
	struct bench *b = *state;
	struct hanging_disks h;

	disk_2_hangs(b);
	watched = b->disk[2].lane;
	lane_free(b->disk[2].lane);
	lane_free(NULL);
	b->disk[2].lane = NULL;
	assert_int_equal(watched_freed, 0);
	answer();
	for (unsigned i = 0; i < 1000 && !watched_freed; i++) {
		usleep(1000);
		metaio_look_for_hanging(b->io, &h);
		lane_free(NULL);
	}
	bench_assert_holds(b, 2, 0, 3);
	assert_int_equal(watched_freed, 1);
}

int main(void)
{
#define HANGING(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		HANGING(test_the_others_do_not_wait),
		HANGING(test_what_is_out_stays_as_it_is),
		HANGING(test_it_is_not_asked_before_it_has_answered),
		HANGING(test_the_rest_of_its_steps_is_dropped),
		HANGING(test_an_answer_is_an_event),
		HANGING(test_two_hang),
		HANGING(test_it_is_waited_for_if_no_other_has_it),
		HANGING(test_it_is_waited_for_without_a_lane),
		HANGING(test_it_is_waited_for_if_two_could_be_torn),
		HANGING(test_the_next_change_waits_if_two_could_be_torn),
		HANGING(test_a_half_written_disk_comes_first),
		HANGING(test_it_is_behind_until_it_is_current),
		HANGING(test_what_was_left_arrives),
		HANGING(test_the_first_of_two_steps_arrives),
		HANGING(test_what_was_left_is_refused),
		HANGING(test_a_patient_plan),
		HANGING(test_one_that_refuses_does_not_hang),
		HANGING(test_nobody_waits_for_what_is_stored),
		HANGING(test_a_disk_put_in_again_is_not_asked),
		HANGING(test_a_long_step_goes_in_pieces),
		HANGING(test_a_long_step_fails),
		HANGING(test_a_closed_lane_stays_until_the_answer),
	};

	return cmocka_run_group_tests(tests, bench_open, bench_close);
}
