/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of the world, and what the monitor waits for: time passes when there is nothing to wait for. */
#include <errno.h>
#include <poll.h>

#include "lib/clock.h"
#include "tests/sim/sim.h"

bool sim_wake_up;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	*ts = (struct timespec){ .tv_sec = (time_t)(world.now_ns / NS_PER_S),
				 .tv_nsec = (long)(world.now_ns % NS_PER_S) };
	return 0;
}

void __wrap_handoff_wake_monitor(void);
void __wrap_handoff_wake_monitor(void)
{
	sim_wake_up = true;
}

void __wrap_handoff_wake_manager(void);
void __wrap_handoff_wake_manager(void)
{
}

struct md_array *array_of_fd(int fd)
{
	return &world.array[(unsigned)(fd - md_fd(0, 0, 0)) / 16 / 64];
}

/* Events are the arrays': whatever has changed, its array is looked at. Without one time passes. */
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs)
{
	int ready = 0;

	(void)sigs;
	for (nfds_t i = 0; i < n; i++) {
		if (fds[i].fd == SIM_EVENT_FD)
			fds[i].revents = flight_any_answer() ? POLLIN : 0;
		else
			fds[i].revents = array_of_fd(fds[i].fd)->event ? POLLPRI : 0;
		ready += fds[i].revents != 0;
	}
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd != SIM_EVENT_FD)
			array_of_fd(fds[i].fd)->event = false;
	if (ready)
		return ready;
	if (sim_wake_up) {
		errno = EINTR;
		return -1;
	}
	world.now_ns += (uint64_t)limit->tv_sec * NS_PER_S + (uint64_t)limit->tv_nsec;
	return 0;
}

int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs, size_t size);
int __wrap___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *sigs, size_t size)
{
	(void)size;
	return __wrap_ppoll(fds, n, limit, sigs);
}
