/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the facts of ctl/check.h come from. mdmonctl only.
 *
 *   check-run.c      asks and reads everything, one after the other: the subcommand
 *   check-status.c   what the daemon says
 *   check-facts.c    sysfs, /proc, pid files
 *   check-read.c     reads the disks, in processes that may get stuck
 *   check-copies.c   what that means
 *   check-build.c    facts that grow
 */
#ifndef CTL_CHECK_GATHER_H
#define CTL_CHECK_GATHER_H

#include <jansson.h>

#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/container.h"

/* The one of that name ("": always a new one) or index, new if there is none. NULL: memory ran out. Valid until the next call. */
struct check_disk *check_add_disk(struct check_facts *f, const char *name);
struct check_volume *check_add_volume(struct check_facts *f, int index);
struct check_slot *check_add_slot(struct check_volume *v, uint64_t slot); /* NULL also if there can be no such slot */
void check_facts_free(struct check_facts *f);

/*
 * Pure: the object of docs/status.md, before anything else. One that lacks something, or has something of another type, is not
 * believed at all: then f->daemon is CHECK_DAEMON_UNCLEAR, and f->daemon_problem says what is not as promised.
 */
void check_take_status(struct check_facts *f, const json_t *status);
/* The same for what came when it was asked, which may be nothing. */
void check_take_answer(struct check_facts *f, const struct client_status *status);

/* What md, the pid files and the processes say. */
void check_gather_md(const struct ctl_paths *p, struct check_facts *f);

/* Disks of the machine that no array uses, or only another container of the same format: they may belong to this one. */
void check_gather_loose(const struct ctl_paths *p, struct check_facts *f);

/* Disks to read: those of the container together, the others each alone. */
struct check_reading {
	size_t count, together;       /* those that belong together come first */
	char (*path)[256];
	size_t *disk;                 /* which of the facts */
	bool *late;                   /* it did not answer in time */
	char problem[CHECK_TEXT_MAX]; /* "": all that are not late were read */
};

bool check_reading_init(struct check_reading *r, const struct ctl_paths *p, const struct check_facts *f);
/*
 * An array of objects of docs/examine.md: first that of all that belong together, then one for each other disk that was in time.
 * A disk that does not answer holds up a process that is left behind, not this one. NULL: r->problem.
 */
json_t *check_read(struct check_reading *r, const struct ctl_paths *p, int timeout_ms);
void check_reading_free(struct check_reading *r);

/* Pure: what was read. */
void check_take_copies(struct check_facts *f, const struct check_reading *r, const json_t *read);

#endif
