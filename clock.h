/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CLOCK_MONOTONIC in nanoseconds. Any thread. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* CLOCK_REALTIME in milliseconds. */
static inline uint64_t clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NS_PER_MS;
}

/*
 * When to try again what has just failed. *ms is how long the last wait was: 0 at first, then it doubles from min_ms
 * up to max_ms.
 */
static inline uint64_t clock_back_off(uint64_t now_ns, unsigned *ms, unsigned min_ms, unsigned max_ms)
{
	*ms = *ms ? *ms * 2 : min_ms;
	if (*ms > max_ms)
		*ms = max_ms;
	return now_ns + *ms * NS_PER_MS;
}

/* What ppoll() takes: the time from now until then, zero if it has passed. */
static inline struct timespec clock_until(uint64_t then_ns)
{
	uint64_t now = clock_now_ns();
	uint64_t ns = then_ns > now ? then_ns - now : 0;

	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

#endif
