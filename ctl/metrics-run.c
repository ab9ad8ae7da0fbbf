/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/metrics-run.h: one container after the other is asked, then all of it is written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check-gather.h"
#include "ctl/check-run.h"
#include "ctl/client.h"
#include "ctl/complain.h"
#include "ctl/metrics-run.h"
#include "ctl/replace.h"

struct run {
	const struct metrics_request *r;
	struct metrics m;
	bool failed; /* something is not told */
};

static void lament(struct run *run, const char *about, const char *what)
{
	complain(about, what);
	run->failed = true;
}

/* ---- one container ---- */

/* The facts, and what is wrong if that is wanted. `status` is what the daemon says. */
static void look_at(const struct run *run, const char *container, struct check_facts *f, struct check_findings *found,
		    struct client_status *status)
{
	const struct check_request c = { .paths = run->r->paths, .timeout_ms = run->r->timeout_ms };

	memset(status, 0, sizeof(*status));
	if (run->r->check) {
		check_look_at(&c, container, f, found);
		/* One that has answered answers again; its figures may be a little newer than what was found. */
		if (f->daemon == CHECK_DAEMON_OURS)
			client_status(run->r->paths, container, run->r->timeout_ms, status);
		return;
	}
	*f = (struct check_facts){ 0 };
	snprintf(f->container, sizeof(f->container), "%s", container);
	client_status(run->r->paths, container, run->r->timeout_ms, status);
	check_take_answer(f, status);
	check_gather_md(run->r->paths, f);
}

/* Then nothing of it is: only what md says counts. */
static void not_believed(const struct run *run, struct check_facts *f)
{
	char container[MD_NAME_MAX];

	memcpy(container, f->container, sizeof(container));
	check_facts_free(f);
	*f = (struct check_facts){ .daemon = CHECK_DAEMON_UNCLEAR };
	memcpy(f->container, container, sizeof(f->container));
	check_gather_md(run->r->paths, f);
}

/* Whether it is up is not known to somebody who may not ask: to say no would be an alarm for nothing. */
static void take_container(struct run *run, const char *container)
{
	struct check_findings found = { 0 };
	struct client_status status;
	struct check_facts f;
	char why[CHECK_TEXT_MAX];
	const json_t *told;

	look_at(run, container, &f, &found, &status);
	told = f.daemon == CHECK_DAEMON_OURS && !status.problem[0] ? status.object : NULL;
	if (f.daemon == CHECK_DAEMON_FORBIDDEN) {
		lament(run, container, f.daemon_problem);
	} else if (!metrics_take(&run->m, &f, told, run->r->check ? &found : NULL, why)) {
		complain(container, why);
		not_believed(run, &f);
		metrics_take(&run->m, &f, NULL, run->r->check ? &found : NULL, why);
	}
	run->m.failed |= found.failed;
	client_status_free(&status);
	check_findings_free(&found);
	check_facts_free(&f);
}

/* ---- all of them ---- */

static void take_named(struct run *run)
{
	char container[MD_NAME_MAX];

	for (unsigned i = 0; i < run->r->names; i++) {
		int err = ctl_container_resolve(run->r->paths, run->r->name[i], container);

		if (err)
			lament(run, run->r->name[i], ctl_container_error(err));
		else
			take_container(run, container);
	}
}

static void take_containers(struct run *run)
{
	struct ctl_containers list;
	int err = ctl_containers_read(run->r->paths, &list);

	if (err) {
		lament(run, run->r->paths->run, strerror(-err));
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		take_container(run, list.name[i]);
	ctl_containers_free(&list);
}

static void write_out(struct run *run)
{
	char *text = metrics_text(&run->m, run->r->format);
	int err = 0;

	if (!text)
		lament(run, "metrics", strerror(ENOMEM));
	else if (run->r->output)
		err = replace_file(run->r->output, text);
	else
		fputs(text, stdout);
	if (err)
		lament(run, run->r->output, strerror(-err));
	free(text);
}

bool metrics_run(const struct metrics_request *r)
{
	struct run run = { .r = r };

	metrics_take_program(&run.m);
	if (r->names)
		take_named(&run);
	else
		take_containers(&run);
	write_out(&run);
	metrics_free(&run.m);
	return !run.failed;
}
