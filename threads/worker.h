/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's slow lanes: what may sleep for long is done for it in helper threads.
 *
 * Since Linux 6.7 "remove" and "new_dev" wait until the array's I/O has drained, and that I/O may wait for the
 * "-blocked" that the manager has to write for another member; a disk that is new may need seconds for each read. So the
 * manager must never be inside such a call itself. Each array has a lane, and each disk that comes: the jobs of one lane
 * are run one after the other, in the order submitted, and no lane waits for another. A thread lives as long as its job.
 * A job owns what it touches from worker_submit() until it comes back.
 *
 * All functions: manager thread. `run` is called in a helper thread.
 */
#ifndef WORKER_H
#define WORKER_H

#include "mdmon.h"

struct worker_lane;

struct worker_job {
	struct handoff_node node;             /* linked by it, before and after */
	void (*run)(struct worker_job *job);  /* helper thread; may sleep */
	void (*done)(struct worker_job *job); /* manager, called by worker_finish_jobs; may free it, and its lane */
	struct worker_lane *lane;             /* threads/worker.c */
};

/* All zero at first. It may go away when no job of it is out. */
struct worker_lane {
	struct handoff_node *first;       /* of those that have not begun */
	struct worker_lane *next_waiting; /* no thread could be started for the first of them */
	bool busy, waits;
};

void worker_submit(struct worker_lane *lane, struct worker_job *job);
void worker_finish_jobs(void); /* calls `done` of all jobs that have been run */

/* When worker_finish_jobs() has to be called even if nothing wakes the manager (CLOCK_MONOTONIC); 0: never. */
uint64_t worker_retry_ns(void);

#endif
