/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as text and as JSON: docs/check.md. Pure. mdmonctl only. */
#ifndef CTL_CHECK_VIEW_H
#define CTL_CHECK_VIEW_H

#include <jansson.h>

#include "ctl/check.h"
#include "ctl/view.h"

/* What was looked at, whatever came of it. */
struct check_seen {
	size_t containers, volumes, disks;
};

/*
 * The line of a monitoring plugin, and one line for each finding, sorted; opt->width 0: lines of any length. malloc'd, NULL if
 * memory ran out.
 */
char *check_view(const struct check_findings *list, const struct check_seen *seen, const struct view_options *opt);

/* The object of docs/check.md; NULL: memory ran out. */
json_t *check_json(const struct check_findings *list, const struct check_seen *seen);

#endif
