/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon has seen and done of late: the last messages that carry an event (lib/log.h), kept for the status
 * (docs/status.md). lib/log.c puts them in when it writes them out, so those of the monitor pass through its ring, and any thread
 * but the monitor may call these. Room for all of them is there from the beginning.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/log.h"

#define EVENTS_KEPT 256
#define EVENT_NAME 32  /* what the kernel allows for disks */
#define EVENT_TEXT 200 /* what is longer is cut */

struct event {
	uint64_t number;  /* 1 for the first one of this process */
	uint64_t time_ms; /* CLOCK_REALTIME, when it happened */
	enum log_level level;
	char name[EVENT_NAME];
	char array[EVENT_NAME], disk[EVENT_NAME]; /* "": none */
	char text[EVENT_TEXT];
};

/* One without a name is no event. */
void events_keep(enum log_level level, const struct log_event *about, uint64_t time_ms, const char *text);

/* The oldest one with a number above `after`; false: there is none. */
bool events_next(uint64_t after, struct event *e);

/* For tests: forget everything. */
void events_reset(void);

#endif
