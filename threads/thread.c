/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See threads/thread.h. */
#include "threads/thread.h"

#include <sys/prctl.h>

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#define STACK_SIZE (128 * 1024) /* all of it is locked in memory */

static int start(pthread_t *thread, int detached, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, detached);
	err = pthread_create(thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return -err;
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	int err = start(thread, PTHREAD_CREATE_JOINABLE, run, arg);

	if (!err)
		pthread_setname_np(*thread, name);
	return err;
}

int thread_start_detached(void *(*run)(void *), void *arg)
{
	pthread_t thread; /* it may have ended by now */

	return start(&thread, PTHREAD_CREATE_DETACHED, run, arg);
}

void thread_is_named(const char *name)
{
	pthread_setname_np(pthread_self(), name);
}

void thread_is_io_flusher(void)
{
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}
