/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was read from disks (docs/examine.md) as text. Pure. mdmonctl only. */
#ifndef CTL_EXAMINE_VIEW_H
#define CTL_EXAMINE_VIEW_H

#include <jansson.h>

#include "ctl/view.h"

/* A block of lines for one of its "sets"; `devices`: all of them. malloc'd, NULL if memory ran out. */
char *examine_view(const json_t *set, const json_t *devices, const struct view_options *opt);

#endif
