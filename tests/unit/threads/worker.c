/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper threads: the jobs of a lane are run one after the other, in the order in which they were submitted, in threads
 * that are not the manager's; the manager is woken for each, and has what it gave back. No lane waits for another. To be run
 * under -fsanitize=thread, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "mdmon.h"
#include "tests/unit/support/steps.h"
#include "tests/unit/support/wake-ups.h"
#include "threads/handoff.h"
#include "threads/worker.h"

/* A write to sysfs, which takes as long as the test wants. */
struct slow_write {
	struct worker_job job; /* first */
	int number;
	sem_t *until; /* NULL: it takes no time */
	pthread_t ran_in;
	bool done;
};

static pthread_t manager;
static struct worker_lane lane;
static int starts_that_fail;

int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	if (starts_that_fail && starts_that_fail--)
		return EAGAIN;
	return __real_pthread_create(t, attr, run, arg);
}

static void run(struct worker_job *job)
{
	struct slow_write *w = container_of(job, struct slow_write, job);

	step("%d runs", w->number);
	if (w->until)
		while (sem_wait(w->until))
			;
	w->ran_in = pthread_self();
}

static void done(struct worker_job *job)
{
	struct slow_write *w = container_of(job, struct slow_write, job);

	step("%d is done%s", w->number, pthread_equal(pthread_self(), manager) ? "" : " elsewhere");
	w->done = true;
}

static struct slow_write a_write(int number, sem_t *until)
{
	return (struct slow_write){ .job = { .run = run, .done = done }, .number = number, .until = until };
}

static int set_up(void **state)
{
	(void)state;
	manager = pthread_self();
	handoff_reset();
	be_the_manager();
	forget_steps();
	lane = (struct worker_lane){ 0 };
	starts_that_fail = 0;
	return 0;
}

/* As the manager does: nothing but a wake-up makes it look. */
static void wait_until_done(const struct slow_write *w)
{
	while (!w->done) {
		assert_true(wait_for_signal());
		worker_finish_jobs();
	}
}

static void test_a_job(void **state)
{
	struct slow_write w = a_write(1, NULL);

	(void)state;
	worker_submit(&lane, &w.job);
	wait_until_done(&w);
	assert_steps("1 runs\n1 is done\n");
	assert_false(pthread_equal(w.ran_in, manager));
}

/* The manager goes on while one of them sleeps; those behind it wait their turn. */
static void test_one_after_the_other(void **state)
{
	struct slow_write w[3];
	sem_t first;

	(void)state;
	sem_init(&first, 0, 0);
	for (int i = 0; i < 3; i++) {
		w[i] = a_write(i, i ? NULL : &first);
		worker_submit(&lane, &w[i].job);
	}
	worker_finish_jobs();
	assert_false(w[0].done || w[1].done || w[2].done);
	sem_post(&first);
	wait_until_done(&w[2]);
	assert_true(w[0].done && w[1].done);
	assert_non_null(strstr(steps(), "0 runs\n"));
	assert_true(strstr(steps(), "0 runs\n") < strstr(steps(), "1 runs\n"));
	assert_true(strstr(steps(), "1 runs\n") < strstr(steps(), "2 runs\n"));
	assert_true(strstr(steps(), "0 is done\n") < strstr(steps(), "1 is done\n"));
	assert_true(strstr(steps(), "1 is done\n") < strstr(steps(), "2 is done\n"));
	sem_destroy(&first);
}

/* A wake-up for each: the manager need not wait for the slow one to hear of the quick one before it. */
static void test_the_manager_hears_of_each(void **state)
{
	struct slow_write quick = a_write(1, NULL), slow;
	sem_t later;

	(void)state;
	sem_init(&later, 0, 0);
	slow = a_write(2, &later);
	worker_submit(&lane, &quick.job);
	worker_submit(&lane, &slow.job);
	wait_until_done(&quick);
	assert_false(slow.done);
	sem_post(&later);
	wait_until_done(&slow);
	sem_destroy(&later);
	forget_steps();
}

/* A job can be submitted again as soon as it has come back. */
static void test_again_and_again(void **state)
{
	struct slow_write w = a_write(1, NULL);

	(void)state;
	for (int i = 0; i < 300 / SLOWER; i++) {
		w.done = false;
		worker_submit(&lane, &w.job);
		wait_until_done(&w);
	}
	forget_steps();
}

/* What sleeps in one lane keeps nobody in another. */
static void test_lanes_do_not_wait_for_each_other(void **state)
{
	struct slow_write slow, behind = a_write(2, NULL), quick = a_write(3, NULL);
	struct worker_lane other = { 0 };
	sem_t later;

	(void)state;
	sem_init(&later, 0, 0);
	slow = a_write(1, &later);
	worker_submit(&lane, &slow.job);
	worker_submit(&lane, &behind.job);
	worker_submit(&other, &quick.job);
	wait_until_done(&quick);
	assert_false(slow.done || behind.done);
	sem_post(&later);
	wait_until_done(&behind);
	assert_true(slow.done);
	sem_destroy(&later);
	forget_steps();
}

/* As the manager does when nothing wakes it before that time. */
static void wait_for_retry(void)
{
	struct timespec ts = clock_until(worker_retry_ns());

	assert_int_not_equal(worker_retry_ns(), 0);
	nanosleep(&ts, NULL);
	worker_finish_jobs();
}

/* There was no memory for a thread: later, and in the same order. */
static void test_a_thread_cannot_be_started(void **state)
{
	struct slow_write first = a_write(1, NULL), second = a_write(2, NULL);

	(void)state;
	starts_that_fail = 2;
	worker_submit(&lane, &first.job);
	worker_submit(&lane, &second.job);
	wait_for_retry();
	wait_for_retry();
	assert_int_equal(worker_retry_ns(), 0);
	wait_until_done(&second);
	assert_true(strstr(steps(), "1 runs\n") < strstr(steps(), "2 runs\n"));
	assert_true(first.done);
	forget_steps();
}

static void done_and_gone(struct worker_job *job)
{
	done(job);
	free(job->lane);
	job->lane = NULL;
}

/* The last job may take its lane along. */
static void test_the_lane_goes_with_its_job(void **state)
{
	struct slow_write w = a_write(1, NULL);
	struct worker_lane *own = calloc(1, sizeof(*own));

	(void)state;
	assert_non_null(own);
	w.job.done = done_and_gone;
	worker_submit(own, &w.job);
	wait_until_done(&w);
	forget_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_job, set_up),
		cmocka_unit_test_setup(test_one_after_the_other, set_up),
		cmocka_unit_test_setup(test_the_manager_hears_of_each, set_up),
		cmocka_unit_test_setup(test_again_and_again, set_up),
		cmocka_unit_test_setup(test_lanes_do_not_wait_for_each_other, set_up),
		cmocka_unit_test_setup(test_a_thread_cannot_be_started, set_up),
		cmocka_unit_test_setup(test_the_lane_goes_with_its_job, set_up),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
