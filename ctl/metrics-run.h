/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mdmonctl metrics: docs/metrics.md. mdmonctl only. */
#ifndef CTL_METRICS_RUN_H
#define CTL_METRICS_RUN_H

#include "ctl/container.h"
#include "ctl/metrics.h"

#define METRICS_TIMEOUT_MS 3000 /* whoever scrapes waits 10 s or so for all of it */

struct metrics_request {
	const struct ctl_paths *paths;
	char *const *name;   /* as the user gave them */
	unsigned names;      /* 0: all there are */
	int timeout_ms;      /* for each daemon, and for the disks of each container */
	bool check;          /* what check finds, too; reads the disks */
	enum metrics_format format;
	const char *output;  /* this file is replaced; NULL: standard output */
};

/* True: all is told. What is not has been complained of. */
bool metrics_run(const struct metrics_request *r);

#endif
