/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/mdstat (kernel-md.md 2). manager and start-up only. */
#ifndef MDSTAT_H
#define MDSTAT_H

#include <stdbool.h>
#include <stddef.h>

#include "md/words.h"

struct mdstat_entry {
	char name[MD_NAME_MAX];   /* "md126" */
	bool running;             /* "active" or "broken" */
	char level[16];           /* "raid5"; empty when not running */
	bool external;            /* "super external:..." */
	char metadata[MD_NAME_MAX]; /* text after "external:": "imsm", "/md127/0", "-md127/0" */
};

struct mdstat {
	size_t count;
	struct mdstat_entry *entry; /* malloc'd */
};

/*
 * Pure: parses a whole file in text (NUL-terminated). Lines it does not understand are skipped; an entry
 * whose name is too long is left out. 0 or -ENOMEM. Free with mdstat_free.
 */
int mdstat_parse(const char *text, struct mdstat *out);
void mdstat_free(struct mdstat *m);

/* Opens /proc/mdstat. Descriptor or -errno. Poll it for POLLPRI. */
int mdstat_open(void);

/* Reads from offset 0 to the end (which acknowledges the event) and parses. 0 or -errno. */
int mdstat_read(int fd, struct mdstat *out);

/* The entry of that name, or NULL. */
const struct mdstat_entry *mdstat_find(const struct mdstat *m, const char *name);

/* The entry belongs to this container: "/CONT/N" or "-CONT/N". */
bool mdstat_is_member_of(const struct mdstat_entry *e, const char *container);

#endif
