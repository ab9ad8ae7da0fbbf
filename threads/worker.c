/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See threads/worker.h. Jobs are run one after the other, in the order submitted. The helper may wait on a semaphore and
 * may block: neither the monitor nor the manager ever waits for it.
 */
#include "threads/worker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "threads/handoff.h"
#include "threads/thread.h"

static struct {
	pthread_t thread;
	sem_t work;       /* counts jobs that were submitted, and the request to end */
	atomic_bool stop; /* set before the last sem_post; the helper may look at it earlier */
	handoff_list todo, finished;
} worker;

static void *worker_main(void *unused)
{
	(void)unused;
	for (;;) {
		struct handoff_node *n;

		while (sem_wait(&worker.work))
			;
		n = handoff_list_take(&worker.todo);
		if (!n && atomic_load(&worker.stop))
			return NULL;
		while (n) {
			struct worker_job *job = container_of(n, struct worker_job, node);

			n = n->next;
			job->run(job);
			handoff_list_push(&worker.finished, &job->node);
			handoff_wake_manager();
		}
	}
}

int worker_start(void)
{
	if (sem_init(&worker.work, 0, 0))
		return -errno;
	atomic_store(&worker.stop, false);
	return thread_start(&worker.thread, "mdmon-helper", worker_main, NULL);
}

void worker_submit(struct worker_job *job)
{
	handoff_list_push(&worker.todo, &job->node);
	sem_post(&worker.work);
}

void worker_finish_jobs(void)
{
	struct handoff_node *n = handoff_list_take(&worker.finished);

	while (n) {
		struct worker_job *job = container_of(n, struct worker_job, node);

		n = n->next;
		job->done(job);
	}
}

void worker_stop(void)
{
	atomic_store(&worker.stop, true);
	sem_post(&worker.work);
	pthread_join(worker.thread, NULL);
	sem_destroy(&worker.work);
}
