/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the threads of the daemon have in common. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>

/* manager: starts run(arg) in a thread called `name` (15 bytes at most), with a small stack. 0 or -errno. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);

/* manager: the same for one that nobody waits for. It gives itself a name. */
int thread_start_detached(void *(*run)(void *), void *arg);

/* The calling thread; 15 bytes at most. */
void thread_is_named(const char *name);

/*
 * The calling thread, and those that it starts: memory that the kernel frees on its behalf must not be written to disks
 * first, which may be those of our own arrays. Without the right to do so: no harm.
 */
void thread_is_io_flusher(void);

#endif
