/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ctl/check-run.h: facts are gathered (ctl/check-gather.h), judged (ctl/check.h) and shown. Daemon, md and disks are asked one
 * after the other while life goes on, so what may have been in between is looked at again before it is said.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/check-gather.h"
#include "ctl/check-run.h"
#include "ctl/check-view.h"
#include "ctl/client.h"
#include "ctl/text.h"
#include "lib/clock.h"

#define TRIES 3
#define PAUSE_MS 400

struct run {
	const struct check_request *r;
	struct check_findings list;
	struct check_seen seen;
};

/* ---- the daemon ---- */

static enum check_daemon kind_of_error(int err)
{
	switch (err) {
	case -ENOENT:
	case -ECONNREFUSED:
		return CHECK_DAEMON_NONE;
	case -EACCES:
	case -EPERM:
		return CHECK_DAEMON_FORBIDDEN;
	case -ETIMEDOUT:
		return CHECK_DAEMON_SILENT;
	}
	return CHECK_DAEMON_UNCLEAR;
}

void check_take_answer(struct check_facts *f, const struct client_status *status)
{
	snprintf(f->daemon_problem, sizeof(f->daemon_problem), "%s", status->problem);
	if (status->err)
		f->daemon = kind_of_error(status->err);
	else if (status->mute)
		f->daemon = CHECK_DAEMON_OTHER;
	else if (status->problem[0])
		f->daemon = CHECK_DAEMON_UNCLEAR;
	else
		check_take_status(f, status->object);
}

static void ask_daemon(const struct check_request *r, struct check_facts *f)
{
	struct client_status status;

	client_status(r->paths, f->container, r->timeout_ms, &status);
	check_take_answer(f, &status);
	client_status_free(&status);
}

/* ---- one container ---- */

static void read_disks(const struct check_request *r, struct check_facts *f)
{
	struct check_reading reading;
	json_t *read;

	if (!f->exists || f->daemon == CHECK_DAEMON_FORBIDDEN)
		return;
	if (check_needs_disks(f))
		check_gather_loose(r->paths, f);
	if (check_reading_init(&reading, r->paths, f)) {
		read = check_read(&reading, r->paths, r->timeout_ms);
		check_take_copies(f, &reading, read);
		json_decref(read);
	}
	check_reading_free(&reading);
}

/* The daemon may have written between its answer and the reading: then it knows the higher one by now. */
static void confirm_generation(const struct check_request *r, struct check_facts *f)
{
	struct client_status status;
	json_int_t generation;

	if (!check_daemon_answers(f) || f->read_generation <= f->generation)
		return;
	client_status(r->paths, f->container, r->timeout_ms, &status);
	generation = json_integer_value(json_object_get(status.object, "generation"));
	if (generation > 0 && (uint64_t)generation > f->generation)
		f->generation = (uint64_t)generation;
	client_status_free(&status);
}

static void gather(const struct check_request *r, const char *container, struct check_facts *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->container, sizeof(f->container), "%s", container);
	ask_daemon(r, f);
	check_gather_md(r->paths, f);
	read_disks(r, f);
	confirm_generation(r, f);
	f->now_ms = clock_wall_ms();
}

/* What may look so for a moment while something is under way. */
static bool may_pass(const struct check_findings *list)
{
	static const char *const names[] = { "degraded", "md-differs", "copy-older", "copy-damaged", "written-by-others",
					     "disk-unused", "no-daemon", "not-running", "frozen", "blocked" };

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->finding[i].name, "disk-hangs") == 0)
			return false;
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (strcmp(list->finding[i].name, names[k]) == 0)
				return true;
	}
	return false;
}

static size_t count_here(const struct check_facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->disks; i++)
		n += check_is_here(f, &f->disk[i]);
	return n;
}

void check_look_at(const struct check_request *r, const char *container, struct check_facts *f, struct check_findings *found)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	*found = (struct check_findings){ 0 };
	for (int i = 0; i < TRIES; i++) {
		if (i) {
			check_findings_free(found);
			check_facts_free(f);
			nanosleep(&pause, NULL);
		}
		gather(r, container, f);
		check_container(f, found);
		if (!may_pass(found))
			break;
	}
}

static void look_at(struct run *run, const char *container)
{
	struct check_findings found;
	struct check_facts f;

	check_look_at(run->r, container, &f, &found);
	run->seen.containers++;
	run->seen.volumes += f.volumes;
	run->seen.disks += count_here(&f);
	check_facts_free(&f);
	check_take(&run->list, &found);
}

/* ---- all of them ---- */

static void cannot_look(struct run *run, const char *about, const char *why)
{
	struct check_facts f = { .daemon = CHECK_DAEMON_UNCLEAR };
	struct check_finding *n;

	text_sanitize(f.container, sizeof(f.container), about);
	n = check_find(&run->list, &f, CHECK_UNKNOWN, "cannot-look", f.container);
	check_say(n, "%s", why);
}

static void look_at_named(struct run *run)
{
	char container[MD_NAME_MAX];

	for (unsigned i = 0; i < run->r->names; i++) {
		int err = ctl_container_resolve(run->r->paths, run->r->name[i], container);

		if (err)
			cannot_look(run, run->r->name[i], ctl_container_error(err));
		else
			look_at(run, container);
	}
}

static void look_at_all(struct run *run)
{
	struct ctl_containers list;
	int err = ctl_containers_read(run->r->paths, &list);

	if (err == -EACCES || err == -EPERM)
		cannot_look(run, run->r->paths->run, "only root may look there: run this as root");
	else if (err)
		cannot_look(run, run->r->paths->run, strerror(-err));
	if (err)
		return;
	for (size_t i = 0; i < list.count; i++)
		look_at(run, list.name[i]);
	ctl_containers_free(&list);
}

static bool print(const struct run *run)
{
	json_t *object = run->r->json ? check_json(&run->list, &run->seen) : NULL;
	char *text = NULL;

	if (run->r->json)
		text = json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	else
		text = check_view(&run->list, &run->seen, &run->r->view);
	json_decref(object);
	if (!text)
		return false;
	fputs(text, stdout);
	if (run->r->json)
		putchar('\n');
	free(text);
	return true;
}

enum check_severity check_run(const struct check_request *r)
{
	struct run run = { .r = r };
	enum check_severity worst;

	if (r->names)
		look_at_named(&run);
	else
		look_at_all(&run);
	check_sort(&run.list);
	worst = check_worst(&run.list);
	if (!print(&run)) {
		printf("MDMON UNKNOWN - not enough memory\n");
		worst = CHECK_UNKNOWN;
	}
	check_findings_free(&run.list);
	return worst;
}
