/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/events.h. Following them is asking again: a daemon tells nobody anything unasked. What happens between its last answer and
 * its end, and what is pushed out by more than 256 others between two answers, only the log has.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/client.h"
#include "ctl/complain.h"
#include "ctl/events.h"

struct known {
	char container[MD_NAME_MAX];
	struct events_seen seen;
	bool troubled; /* said already */
};

struct run {
	const struct events_request *r;
	struct known *known; /* malloc'd */
	size_t count;
	struct told_events told; /* in this round */
	bool listing_failed;     /* said already */
	bool failed;
};

/* ---- complaints: once for each trouble, as long as it lasts ---- */

static void lament(struct run *run, bool *said, const char *about, const char *what)
{
	if (!*said)
		complain(about, what);
	*said = true;
	run->failed = true;
}

static struct known *known_container(struct run *run, const char *container)
{
	struct known *larger;

	for (size_t i = 0; i < run->count; i++)
		if (strcmp(run->known[i].container, container) == 0)
			return &run->known[i];
	larger = realloc(run->known, (run->count + 1) * sizeof(*larger));
	if (!larger) {
		run->told.failed = true;
		return NULL;
	}
	run->known = larger;
	memset(&larger[run->count], 0, sizeof(*larger));
	snprintf(larger[run->count].container, sizeof(larger[run->count].container), "%s", container);
	return &larger[run->count++];
}

/* ---- one container ---- */

/* Of the first answer, what is not kept any more was nobody's to miss. */
static void say_missed(const struct known *k, bool first, uint64_t missed)
{
	char what[CLIENT_TEXT_MAX];

	if (!missed)
		return;
	snprintf(what, sizeof(what), "%s (%" PRIu64 "): journalctl -t mdmon MDMON_CONTAINER=%s",
		 first ? "earlier ones are not kept any more" : "some were missed", missed, k->container);
	complain(k->container, what);
}

static void take_status(struct run *run, struct known *k, const json_t *status)
{
	const bool first = !k->seen.pid;
	uint64_t missed;

	switch (events_take(&run->told, &k->seen, k->container, status, &missed)) {
	case 0:
		k->troubled = false;
		say_missed(k, first, missed);
		return;
	case -ENODATA:
		lament(run, &k->troubled, k->container, "its mdmon is an older one, which tells no events");
		return;
	}
	lament(run, &k->troubled, k->container, "the answer of its mdmon is not understood: events are not as promised");
}

static void ask(struct run *run, const char *container)
{
	struct known *k = known_container(run, container);
	struct client_status status;

	if (!k)
		return;
	client_status(run->r->paths, container, run->r->timeout_ms, &status);
	if (status.problem[0])
		lament(run, &k->troubled, container, status.problem);
	else
		take_status(run, k, status.object);
	client_status_free(&status);
}

/* ---- all of them ---- */

static void ask_named(struct run *run)
{
	char container[MD_NAME_MAX];
	struct known *k;

	for (unsigned i = 0; i < run->r->names; i++) {
		int err = ctl_container_resolve(run->r->paths, run->r->name[i], container);

		if (!err) {
			ask(run, container);
			continue;
		}
		k = known_container(run, run->r->name[i]);
		if (k)
			lament(run, &k->troubled, run->r->name[i], ctl_container_error(err));
	}
}

static void ask_all(struct run *run)
{
	struct ctl_containers list;
	int err = ctl_containers_read(run->r->paths, &list);

	if (err) {
		lament(run, &run->listing_failed, run->r->paths->run, strerror(-err));
		return;
	}
	run->listing_failed = false;
	for (size_t i = 0; i < list.count; i++)
		ask(run, list.name[i]);
	ctl_containers_free(&list);
}

/* ---- output ---- */

static bool print_line(const struct run *run, const struct told_event *e)
{
	json_t *object = run->r->json ? events_object(e) : NULL;
	char *text = run->r->json ? json_dumps(object, JSON_ENSURE_ASCII) : events_line(e, run->r->colour);

	json_decref(object);
	if (!text)
		return false;
	puts(text);
	free(text);
	return true;
}

/* What may be read by a program while it grows is one object a line, else an array. */
static bool print_array(const struct run *run)
{
	json_t *list = json_array();
	bool ok = list;

	for (size_t i = 0; ok && i < run->told.count; i++)
		ok = json_array_append_new(list, events_object(&run->told.event[i])) == 0;
	if (ok) {
		json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	}
	json_decref(list);
	return ok;
}

/* False: it cannot be told, now or ever. */
static bool print(struct run *run)
{
	bool ok = !run->told.failed;

	events_sort(&run->told);
	if (run->r->json && !run->r->follow)
		ok &= print_array(run);
	else
		for (size_t i = 0; i < run->told.count; i++)
			ok &= print_line(run, &run->told.event[i]);
	events_free(&run->told);
	if (!ok)
		complain("events", strerror(ENOMEM));
	return ok && fflush(stdout) == 0 && !ferror(stdout);
}

static bool one_round(struct run *run)
{
	if (run->r->names)
		ask_named(run);
	else
		ask_all(run);
	return print(run);
}

bool events_run(const struct events_request *r)
{
	const struct timespec pause = { .tv_sec = r->interval_ms / 1000, .tv_nsec = r->interval_ms % 1000 * 1000000L };
	struct run run = { .r = r };
	bool ok = one_round(&run);

	for (unsigned i = 1; ok && r->follow && i != r->rounds; i++) {
		nanosleep(&pause, NULL);
		ok = one_round(&run);
	}
	free(run.known);
	return ok && !run.failed;
}
