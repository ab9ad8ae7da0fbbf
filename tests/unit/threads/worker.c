/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper thread: jobs are run one after the other, in the order in which they were submitted, in a thread that is
 * not the manager's; the manager is woken for each, and has what it gave back. To be run under -fsanitize=thread, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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
	return worker_start();
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
	worker_submit(&w.job);
	wait_until_done(&w);
	assert_steps("1 runs\n1 is done\n");
	assert_false(pthread_equal(w.ran_in, manager));
	worker_stop();
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
		worker_submit(&w[i].job);
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
	worker_stop();
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
	worker_submit(&quick.job);
	worker_submit(&slow.job);
	wait_until_done(&quick);
	assert_false(slow.done);
	sem_post(&later);
	wait_until_done(&slow);
	worker_stop();
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
		worker_submit(&w.job);
		wait_until_done(&w);
	}
	worker_stop();
	forget_steps();
}

/* What was submitted before the end is run before the end. */
static void test_it_ends_after_its_jobs(void **state)
{
	struct slow_write w[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		w[i] = a_write(i, NULL);
		worker_submit(&w[i].job);
	}
	worker_stop();
	assert_steps("0 runs\n1 runs\n2 runs\n3 runs\n4 runs\n");
	worker_finish_jobs();
	assert_steps("0 is done\n1 is done\n2 is done\n3 is done\n4 is done\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_job, set_up),
		cmocka_unit_test_setup(test_one_after_the_other, set_up),
		cmocka_unit_test_setup(test_the_manager_hears_of_each, set_up),
		cmocka_unit_test_setup(test_again_and_again, set_up),
		cmocka_unit_test_setup(test_it_ends_after_its_jobs, set_up),
	};

	return cmocka_run_group_tests(tests, block_signal, NULL);
}
