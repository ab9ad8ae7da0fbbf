/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See wake-ups.h. */
#include "tests/unit/support/wake-ups.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "threads/handoff.h"

static void nothing(int sig)
{
	(void)sig;
}

int block_signal(void **state)
{
	struct sigaction sa = { .sa_handler = nothing };
	sigset_t set;

	(void)state;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool take_signal(void)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return sigtimedwait(&set, NULL, &now) == SIGUSR1;
}

bool wait_for_signal(void)
{
	const struct timespec limit = { .tv_sec = LIMIT_MS / 1000, .tv_nsec = LIMIT_MS % 1000 * 1000000l };
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sigdelset(&mask, SIGUSR1);
	return ppoll(NULL, 0, &limit, &mask) != 0;
}

void be_the_monitor(void)
{
	handoff_set_monitor((pid_t)syscall(SYS_gettid));
	take_signal();
}

void be_the_manager(void)
{
	handoff_set_manager((pid_t)syscall(SYS_gettid));
	take_signal();
}
