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

/* The time from now until then as ppoll() takes it; zero if it has passed. */
static inline struct timespec clock_until(uint64_t then_ns)
{
	uint64_t now = clock_now_ns();
	uint64_t ns = then_ns > now ? then_ns - now : 0;

	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

/*
 * When to try again: min_ms from now, then twice as long each time, max_ms at most. *pause_ms keeps the last pause;
 * set it to 0 when it has worked.
 */
static inline uint64_t clock_back_off(unsigned *pause_ms, unsigned min_ms, unsigned max_ms, uint64_t now_ns)
{
	if (!*pause_ms)
		*pause_ms = min_ms;
	else
		*pause_ms = *pause_ms <= max_ms / 2 ? *pause_ms * 2 : max_ms;
	return now_ns + *pause_ms * NS_PER_MS;
}

#endif
