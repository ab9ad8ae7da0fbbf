/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the administrator sees: a daemon's status (docs/status.md) as a block of text. Pure, but for the local time of
 * day and LC_CTYPE. mdmonctl only.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include <jansson.h>
#include <stdbool.h>

struct view_options {
	unsigned width; /* columns */
	bool colour;
	bool live;      /* leave out what changes by itself: times of day instead of "3 s ago" */
};

/* Lines, each with a newline; malloc'd, NULL if memory ran out. `status` is an object of any content. */
char *view_status(const char *container, const json_t *status, const struct view_options *opt);

/* The same for a container that has nothing to show, but why. */
char *view_problem(const char *container, const char *why, const struct view_options *opt);

#endif
