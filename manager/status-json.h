/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a status request: what the monitor reported last (threads/report.h) and what the manager sees itself,
 * as JSON. The schema is docs/status.md.
 */
#ifndef MANAGER_STATUS_JSON_H
#define MANAGER_STATUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/events.h"
#include "md/words.h"
#include "threads/report.h"

/* What the kernel says of a volume that runs. */
struct status_array {
	int index;                    /* volume index in the metadata */
	char device[MD_NAME_MAX];     /* "md126" */
	char array_state[REPORT_NAME]; /* the kernel's word; "" if it cannot be read */
	char action[REPORT_NAME];     /* the kernel's word of a sync that runs; "" for none */
	uint64_t done, total;         /* sectors of each member */
	uint64_t speed_kib;           /* per second */
};

struct status {
	pid_t pid;
	const char *container, *metadata; /* "md127", "imsm" or "ddf" */
	uint64_t time_ms;                 /* CLOCK_REALTIME now */
	uint64_t now_ns;                  /* CLOCK_MONOTONIC now */
	uint64_t uptime_ms;
	bool draining;
	bool writing;                     /* the monitor is writing metadata */
	uint64_t writing_ms;
	unsigned updates, pings;
	size_t clients;
	uint64_t lost_messages;
	const struct report *report;      /* NULL: the monitor has not reported yet */
	const struct status_array *arrays;
	size_t array_count;
	const char (*unserved)[MD_NAME_MAX]; /* arrays that run and cannot be taken on */
	unsigned unserved_count;
	const dev_t *disks;               /* all disks that are in the container */
	size_t disk_count;
	/* Kernel name of a disk into name, or an -errno (it has gone: then its number is shown). */
	int (*disk_name)(dev_t dev, char *name, size_t size);
	bool (*next_event)(uint64_t after, struct event *e); /* as events_next() */
};

/* One line of JSON, malloc'd, without a newline. NULL: no memory. */
char *status_to_json(const struct status *s);

#endif
