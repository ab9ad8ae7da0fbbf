/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mdmonctl check: docs/check.md. mdmonctl only. */
#ifndef CTL_CHECK_RUN_H
#define CTL_CHECK_RUN_H

#include "ctl/check.h"
#include "ctl/container.h"
#include "ctl/view.h"

#define CHECK_TIMEOUT_MS 3000 /* monitoring waits 10 s or so for all of it */

struct check_request {
	const struct ctl_paths *paths;
	char *const *name;  /* as the user gave them */
	unsigned names;     /* 0: all there are */
	int timeout_ms;     /* for each daemon, and for the disks of each container */
	bool json;
	struct view_options view;
};

/* Prints what is found; returns what is to be exited with. */
enum check_severity check_run(const struct check_request *r);

/* One container, by its kernel name: only places and timeout of the request count. The caller frees both. */
void check_look_at(const struct check_request *r, const char *container, struct check_facts *f, struct check_findings *found);

#endif
