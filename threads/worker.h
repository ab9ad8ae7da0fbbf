/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manager's slow lane: one helper thread for writes to sysfs that may sleep for long.
 *
 * Since Linux 6.7 "remove" and "new_dev" wait until the array's I/O has drained, and that I/O may wait for
 * the "-blocked" that the manager has to write for another member. So the manager must never be inside such a
 * write itself. A job owns what it touches from worker_submit() until it comes back.
 *
 * All functions: manager thread. `run` is called in the helper thread.
 */
#ifndef WORKER_H
#define WORKER_H

#include "mdmon.h"

struct worker_job {
	struct handoff_node node;              /* jobs are linked by it */
	void (*run)(struct worker_job *job);   /* helper thread; may sleep */
	void (*done)(struct worker_job *job);  /* manager, called by worker_finish_jobs */
};

int worker_start(void); /* 0 or -errno */
void worker_submit(struct worker_job *job);
void worker_finish_jobs(void); /* calls `done` of all jobs that have been run */
void worker_stop(void);        /* waits for the job that runs */

#endif
