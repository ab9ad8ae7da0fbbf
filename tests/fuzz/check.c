/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `mdmonctl check`, metrics and events may be told by a daemon: the input is the answer. Beside it md has a RAID 5, one of whose
 * disks is lost, and a spare. Whatever is answered there are findings, and one line for each of them, in which nothing steers a
 * terminal; each line of the metrics is a sample, and each event is one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check-gather.h"
#include "ctl/check-view.h"
#include "ctl/client.h"
#include "ctl/events.h"
#include "ctl/metrics.h"
#include "tests/fuzz/fuzz.h"

static const struct check_seen seen = { 1, 1, 4 };

/* What md says, as check_gather_md() would have it. */
static void add_md(struct check_facts *f)
{
	struct check_volume *v = check_add_volume(f, 0);
	struct check_disk *d;

	f->exists = true;
	strcpy(v->device, "md126");
	strcpy(v->level, "raid5");
	strcpy(v->array_state, "clean");
	strcpy(v->sync_action, "idle");
	v->redundant = true;
	v->missing = 1;
	v->need = 1000;
	for (unsigned i = 0; i < 4; i++) {
		char name[] = { 's', 'd', (char)('a' + i), '\0' };

		if (i < 3)
			strcpy(check_add_slot(v, i)->disk, i ? name : "");
		d = check_add_disk(f, name);
		strcpy(d->holder, "md127");
		d->copy = i ? CHECK_COPY_RIGHT : CHECK_COPY_DAMAGED;
		d->behind = i;
		d->own = d->compared = i;
		d->room = 999;
	}
	v->slot[1].in_sync = v->slot[2].in_sync = true;
}

/* A line for each, and the first. */
static void check_text(const struct check_findings *list)
{
	const struct view_options opt = { 0 };
	char *text = check_view(list, &seen, &opt);
	size_t lines = 0;

	MUST(text);
	for (const char *s = text; *s; s++) {
		MUST(*s == '\n' || (*s >= ' ' && *s < 0x7f && *s != '|'));
		lines += *s == '\n';
	}
	MUST(lines == list->count + 1);
	free(text);
}

static void check(struct check_facts *f)
{
	struct check_findings list = { 0 };
	json_t *object;

	check_container(f, &list);
	check_sort(&list);
	MUST(list.count && !list.failed);
	MUST(check_worst(&list) == list.finding[0].severity);
	for (size_t i = 0; i < list.count; i++)
		MUST(list.finding[i].text[0]);
	check_text(&list);
	object = check_json(&list, &seen);
	MUST(object);
	json_decref(object);
	check_findings_free(&list);
}

/* "NAME{LABELS} NUMBER", once; or a comment. */
static void check_samples(char *text)
{
	for (char *line = text, *end; *line; line = end + 1) {
		const char *value;

		end = strchr(line, '\n');
		MUST(end);
		*end = '\0';
		value = strrchr(line, ' ');
		MUST(value && value[1]);
		MUST(*line == '#' || (strncmp(line, "mdmon_", 6) == 0 && value[-1] == '}' &&
				      strspn(value + 1, "0123456789.e+-") == strlen(value + 1)));
		for (const char *s = line; *s; s++)
			MUST((unsigned char)*s >= ' ' && *s != 0x7f);
	}
}

static void check_metrics(const struct check_facts *f, const json_t *status)
{
	struct metrics m = { 0 };
	char why[CHECK_TEXT_MAX] = "", *text;

	if (!metrics_take(&m, f, status, NULL, why)) {
		MUST(why[0]);
		MUST(metrics_take(&m, f, NULL, NULL, why));
	}
	text = metrics_text(&m, METRICS_OPENMETRICS);
	MUST(text);
	check_samples(text);
	free(text);
	metrics_free(&m);
}

/* The second time nothing is new. */
static void check_events(const json_t *status)
{
	struct told_events told = { 0 };
	struct events_seen before = { 0 };
	uint64_t missed;
	size_t count;
	int r = events_take(&told, &before, "md127", status, &missed);

	count = told.count;
	MUST(r == 0 || !count);
	MUST(events_take(&told, &before, "md127", status, &missed) == r && told.count == count && !missed);
	events_sort(&told);
	for (size_t i = 0; i < count; i++) {
		char *line = events_line(&told.event[i], false);

		MUST(line && !strpbrk(line, "\n\033"));
		free(line);
	}
	events_free(&told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check_facts f = { .container = "md127", .now_ms = 1000000000000 };
	struct client_status status;

	if (size > 8192)
		return 0;
	client_status_parse(data, size, &status);
	if (status.mute)
		f.daemon = CHECK_DAEMON_OTHER;
	else if (status.problem[0])
		f.daemon = CHECK_DAEMON_UNCLEAR;
	else
		check_take_status(&f, status.object);
	if (!status.problem[0])
		check_events(status.object);
	add_md(&f);
	check_metrics(&f, f.daemon == CHECK_DAEMON_OURS ? status.object : NULL);
	client_status_free(&status);
	check(&f);
	check_facts_free(&f);
	return 0;
}
