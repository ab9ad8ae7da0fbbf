/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/events.h. What a daemon says may be anything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/events.h"
#include "ctl/facts.h"
#include "ctl/field.h"
#include "ctl/text.h"

#define NAME_COLUMNS 23 /* of the longest word: mdmon(8), MESSAGES */
#define WIDE (1u << 20)

/* ---- taking ---- */

/* Numbers have to rise: what is new is known by them. */
static bool is_as_promised(const json_t *events)
{
	struct oddities odd = { 0 };
	uint64_t before = 0;
	const json_t *e;
	size_t i;

	json_array_foreach (events, i, e) {
		uint64_t number = field_number(&odd, e, "number");

		field_number(&odd, e, "time_ms");
		field_string(&odd, e, "priority");
		field_string(&odd, e, "event");
		field_string_or_null(&odd, e, "array");
		field_string_or_null(&odd, e, "disk");
		field_string(&odd, e, "text");
		if (odd.count || number <= before)
			return false;
		before = number;
	}
	return true;
}

static void add(struct told_events *list, const char *container, json_t *object)
{
	struct told_event *larger = realloc(list->event, (list->count + 1) * sizeof(*larger)), *e;

	if (!larger) {
		list->failed = true;
		return;
	}
	list->event = larger;
	e = &larger[list->count++];
	snprintf(e->container, sizeof(e->container), "%s", container);
	e->time_ms = json_integer_value(json_object_get(object, "time_ms"));
	e->object = json_incref(object);
}

static json_int_t number_of(const json_t *event)
{
	return json_integer_value(json_object_get(event, "number"));
}

/* Another one, or the same number for another one: what is less than was seen cannot be of the same. */
static bool is_new_daemon(const struct events_seen *seen, json_int_t pid, const json_t *events)
{
	size_t count = json_array_size(events);

	return pid != seen->pid || (count ? number_of(json_array_get(events, count - 1)) : 0) < seen->last;
}

int events_take(struct told_events *list, struct events_seen *seen, const char *container, const json_t *status, uint64_t *missed)
{
	const json_t *events = json_object_get(status, "events");
	const json_int_t pid = json_integer_value(json_object_get(status, "pid"));
	json_t *e;
	size_t i;

	*missed = 0;
	if (!events)
		return -ENODATA;
	if (!json_is_array(events) || !is_as_promised(events))
		return -EPROTO;
	if (is_new_daemon(seen, pid, events))
		*seen = (struct events_seen){ .pid = pid };
	json_array_foreach (events, i, e) {
		if (number_of(e) <= seen->last)
			continue;
		*missed += (uint64_t)(number_of(e) - seen->last - 1);
		seen->last = number_of(e);
		add(list, container, e);
	}
	return 0;
}

/* ---- order ---- */

static int by_time(const void *a, const void *b)
{
	const struct told_event *x = a, *y = b;

	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? -1 : 1;
	if (strcmp(x->container, y->container) != 0)
		return strcmp(x->container, y->container);
	return number_of(x->object) < number_of(y->object) ? -1 : 1;
}

void events_sort(struct told_events *list)
{
	if (list->count)
		qsort(list->event, list->count, sizeof(list->event[0]), by_time);
}

void events_free(struct told_events *list)
{
	for (size_t i = 0; i < list->count; i++)
		json_decref(list->event[i].object);
	free(list->event);
	memset(list, 0, sizeof(*list));
}

/* ---- showing ---- */

/* "2026-12-01 05:11:50.123", of this time zone. */
static void time_text(char *to, size_t size, json_int_t ms)
{
	time_t then = (time_t)(ms / 1000);
	size_t len;
	struct tm tm;

	if (!localtime_r(&then, &tm)) {
		snprintf(to, size, "?");
		return;
	}
	len = strftime(to, size, "%F %T", &tm);
	snprintf(to + len, size - len, ".%03d", (int)(ms % 1000));
}

static const char *text_of(const struct told_event *e, const char *key)
{
	return json_string_value(json_object_get(e->object, key));
}

static enum style style_of(const char *priority)
{
	if (strcmp(priority, "info") == 0)
		return STYLE_PLAIN;
	return strcmp(priority, "warning") == 0 ? STYLE_WARN : STYLE_BAD;
}

char *events_line(const struct told_event *e, bool colour)
{
	char when[64], *lines;
	struct text t;

	time_text(when, sizeof(when), e->time_ms);
	text_init(&t, WIDE, colour);
	text_line(&t, 0);
	text_put(&t, STYLE_DIM, when);
	text_space(&t, 1);
	text_put(&t, STYLE_PLAIN, e->container);
	text_space(&t, 1);
	text_cell(&t, style_of(text_of(e, "priority")), NAME_COLUMNS, text_of(e, "event"));
	text_space(&t, 1);
	text_put(&t, STYLE_PLAIN, text_of(e, "text"));
	lines = text_finish(&t);
	if (lines)
		lines[strcspn(lines, "\n")] = '\0';
	return lines;
}

json_t *events_object(const struct told_event *e)
{
	json_t *o = json_pack("{s:o}", "container", json_any_text(e->container, sizeof(e->container)));

	if (o && json_object_update_missing(o, e->object) == 0)
		return o;
	json_decref(o);
	return NULL;
}
