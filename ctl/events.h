/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mdmonctl events: what daemons have seen and done, the `events` of docs/status.md. mdmonctl only.
 *
 *   events.c        asks, again and again if they are to be followed
 *   events-take.c   which of those that a daemon tells are new, and one of them as text
 */
#ifndef CTL_EVENTS_H
#define CTL_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/container.h"

struct events_request {
	const struct ctl_paths *paths;
	char *const *name; /* as the user gave them */
	unsigned names;    /* 0: all there are */
	int timeout_ms;    /* for each daemon */
	bool follow;
	unsigned interval_ms;
	unsigned rounds;   /* follow: ask so often; 0: for ever */
	bool json;
	bool colour;
};

/* True: all that was asked for is told. What is not has been complained of. */
bool events_run(const struct events_request *r);

/* ---- what has been told of one daemon ---- */

struct events_seen {
	json_int_t pid;  /* of the daemon; 0: nothing yet */
	json_int_t last; /* number of the newest event that was told */
};

/* An event that is to be told, and its place among others. */
struct told_event {
	char container[MD_NAME_MAX];
	json_int_t time_ms;
	json_t *object; /* of docs/status.md */
};

struct told_events {
	struct told_event *event; /* malloc'd */
	size_t count;
	bool failed; /* memory ran out: some are missing */
};

/*
 * Pure. Adds the events of a daemon's status that are new, and notes them as seen. 0; -ENODATA: this daemon tells no events, for it
 * is older; -EPROTO: they are not as promised, and none was taken. *missed: how many were pushed out before they could be told.
 */
int events_take(struct told_events *list, struct events_seen *seen, const char *container, const json_t *status, uint64_t *missed);
/* By time; those of one daemon stay in their order where times do not differ. */
void events_sort(struct told_events *list);
void events_free(struct told_events *list);

/* One line without a newline, fit for a terminal; malloc'd, NULL: memory ran out. */
char *events_line(const struct told_event *e, bool colour);
/* The same as an object for programs, with the container in it. */
json_t *events_object(const struct told_event *e);

#endif
