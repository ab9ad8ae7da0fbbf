/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures for monitoring: docs/metrics.md. mdmonctl only.
 *
 *   metrics-text.c    families of samples, and how they are written down
 *   metrics-facts.c   what is known of a container, as samples
 *   metrics-run.c     the subcommand
 */
#ifndef CTL_METRICS_H
#define CTL_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/check.h"

/* In the order in which they are written. */
enum metric {
	METRIC_CTL_BUILD,
	METRIC_UP,
	METRIC_DAEMON,
	METRIC_BUILD,
	METRIC_START_TIME,
	METRIC_DRAINING,
	METRIC_UNSERVED,
	METRIC_QUEUE,
	METRIC_LOST_MESSAGES,
	METRIC_EVENTS,
	METRIC_GENERATION,
	METRIC_WRITES,
	METRIC_WRITE_ERRORS,
	METRIC_LAST_WRITE,
	METRIC_LAST_WRITE_DURATION,
	METRIC_WRITE_RUNNING,
	METRIC_STALL,
	METRIC_STALL_LONGEST,
	METRIC_DISK_STATE,
	METRIC_DISK_WRITE_FAILED,
	METRIC_DISK_LATE,
	METRIC_DISK_BEHIND,
	METRIC_VOLUME,
	METRIC_VOLUME_SIZE,
	METRIC_VOLUME_STATE,
	METRIC_VOLUME_DIRTY,
	METRIC_VOLUME_DISKS,
	METRIC_VOLUME_DISKS_MISSING,
	METRIC_VOLUME_MEMBERS,
	METRIC_VOLUME_SYNC,
	METRIC_VOLUME_SYNC_RATIO,
	METRIC_VOLUME_SYNC_SPEED,
	METRIC_VOLUME_BAD_BLOCKS,
	METRIC_FINDINGS,
	METRIC_FINDING,
	METRIC_COUNT
};

enum metrics_format {
	METRICS_OPENMETRICS, /* version 1.0 */
	METRICS_PROMETHEUS,  /* Prometheus' own, 0.0.4: what node_exporter reads from files */
};

#define LABELS_MAX 6

struct labels {
	unsigned count;
	struct {
		const char *name, *value; /* the name is a literal; the value any text, borrowed */
	} label[LABELS_MAX];
};

/* These and one more. */
struct labels labels_with(struct labels l, const char *name, const char *value);

struct metrics {
	struct {
		char *text; /* its samples */
		size_t len, size;
	} family[METRIC_COUNT];
	bool failed; /* memory ran out */
	bool muted;  /* nothing is kept */
};

#define METRICS_BUCKETS 16 /* of docs/status.md: the last one has no limit */

/* One that has these labels already is left out: readers refuse a text with two. */
void metrics_put(struct metrics *m, enum metric metric, const struct labels *l, double value);
/* Of times: bucket[i] took less than 2^i ms, and as long as the one before at least. */
void metrics_put_histogram(struct metrics *m, enum metric metric, const struct labels *l,
			   const uint64_t bucket[METRICS_BUCKETS], double sum_seconds);
/* The whole text, malloc'd. NULL: memory ran out, or had before. */
char *metrics_text(const struct metrics *m, enum metrics_format format);
void metrics_free(struct metrics *m);

/* Pure: of the program itself. */
void metrics_take_program(struct metrics *m);
/*
 * Pure: one container. `status` is the object that its daemon has sent, any, or NULL; `found` what check has found, NULL: nobody
 * has looked. False: the status is not as docs/status.md promises, and nothing was taken; `why` (CHECK_TEXT_MAX) says what is not.
 */
bool metrics_take(struct metrics *m, const struct check_facts *f, const json_t *status, const struct check_findings *found,
		  char *why);

#endif
