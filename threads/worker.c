/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See threads/worker.h. Neither the monitor nor the manager ever waits for a helper thread, not even at the end: the
 * process takes it along.
 */
#include "threads/worker.h"

#include <pthread.h>

#include "lib/clock.h"
#include "threads/handoff.h"
#include "threads/thread.h"

#define START_RETRY_MS 100

static handoff_list finished;
static struct worker_lane *waiting; /* their threads could not be started: no memory, or too many */
static uint64_t retry_ns;

static struct worker_job *job_of(struct handoff_node *n)
{
	return container_of(n, struct worker_job, node);
}

static void *worker_main(void *arg)
{
	struct worker_job *job = arg;

	thread_is_named("mdmon-helper");
	job->run(job);
	/* From here on it is the manager's again. */
	handoff_list_push(&finished, &job->node);
	handoff_wake_manager();
	return NULL;
}

/* ---- a lane ---- */

static void wait_for_memory(struct worker_lane *lane)
{
	lane->next_waiting = waiting;
	lane->waits = true;
	waiting = lane;
	retry_ns = clock_now_ns() + START_RETRY_MS * NS_PER_MS;
}

static void begin(struct worker_lane *lane)
{
	struct handoff_node *n = lane->first, *next;

	if (!n || lane->busy || lane->waits)
		return;
	next = n->next; /* once it runs, the link may be used for the way back */
	if (thread_start_detached(worker_main, job_of(n))) {
		wait_for_memory(lane);
		return;
	}
	lane->first = next;
	lane->busy = true;
}

void worker_submit(struct worker_lane *lane, struct worker_job *job)
{
	struct handoff_node **end = &lane->first;

	job->lane = lane;
	job->node.next = NULL;
	while (*end)
		end = &(*end)->next;
	*end = &job->node;
	begin(lane);
}

static void begin_waiting(void)
{
	struct worker_lane *lane = waiting;

	waiting = NULL;
	retry_ns = 0;
	while (lane) {
		struct worker_lane *next = lane->next_waiting;

		lane->waits = false;
		begin(lane);
		lane = next;
	}
}

/* ---- the way back ---- */

void worker_finish_jobs(void)
{
	struct handoff_node *n = handoff_list_take(&finished);

	while (n) {
		struct worker_job *job = job_of(n);

		n = n->next;
		job->lane->busy = false;
		begin(job->lane); /* `done` may free both */
		job->done(job);
	}
	begin_waiting();
}

uint64_t worker_retry_ns(void)
{
	return retry_ns;
}
