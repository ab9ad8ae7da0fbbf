/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text that follows what the daemons say, on a terminal or as a sequence of blocks. mdmonctl only. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include <stdbool.h>

#include "ctl/container.h"
#include "ctl/view.h"

struct watch {
	const struct ctl_paths *paths;
	char *const *name;    /* as the user gave them; resolved anew each time, since devices come and go */
	unsigned names;       /* 0: all there are */
	unsigned interval_ms;
	bool colour;
};

/* Does not return unless the output fails or the user asks for the end: an exit code. */
int watch_run(const struct watch *w);

/* All blocks in one text, as it is now; malloc'd, NULL if memory ran out. */
char *watch_text(const struct watch *w, unsigned width);

/* Pure: at most `rows` lines of text; if some are left out the last one says how many. malloc'd or NULL. */
char *watch_crop(const char *text, unsigned rows);

/* Columns that a text for stdout should take. */
unsigned output_width(void);

#endif
