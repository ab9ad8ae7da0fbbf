/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/check-view.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check-view.h"
#include "ctl/facts.h"
#include "ctl/text.h"

#define ANY_WIDTH (1u << 20)
#define LINE_MAX_BYTES (4 * CHECK_TEXT_MAX)

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void summarize(const struct check_findings *list, const struct check_seen *seen, char *out, size_t size)
{
	const char *word = check_severity_word(check_worst(list));

	if (list->failed)
		snprintf(out, size, "MDMON %s - not enough memory to look at everything", word);
	else if (list->count)
		snprintf(out, size, "MDMON %s - %s: %s; %zu finding%s", word, list->finding[0].container, list->finding[0].text,
			 list->count, plural(list->count));
	else if (seen->containers)
		snprintf(out, size, "MDMON %s - nothing is wrong with %zu container%s, %zu volume%s, %zu disk%s", word,
			 seen->containers, plural(seen->containers), seen->volumes, plural(seen->volumes), seen->disks,
			 plural(seen->disks));
	else
		snprintf(out, size, "MDMON %s - no mdmon runs, and none is needed", word);
}

/* What follows a bar is data of another kind for those who read the output of plugins. */
static void without_bars(char *text)
{
	while ((text = strchr(text, '|')))
		*text = '/';
}

static enum style style_of(enum check_severity severity)
{
	switch (severity) {
	case CHECK_OK:
		return STYLE_GOOD;
	case CHECK_WARNING:
	case CHECK_UNKNOWN:
		return STYLE_WARN;
	case CHECK_CRITICAL:
		break;
	}
	return STYLE_BAD;
}

/* Words, each of which may go onto the next line. */
static void put_words(struct text *t, enum style style, const char *s)
{
	while (*s) {
		int n = (int)strcspn(s, " ");

		if (n)
			text_word(t, style, "%.*s", n, s);
		s += n;
		s += strspn(s, " ");
	}
}

static void put_line(struct text *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void put_line(struct text *t, enum style style, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	without_bars(line);
	put_words(t, style, line);
}

/* A command is not broken up where it can be copied from. */
static void put_advice(struct text *t, const char *advice, bool wrapped)
{
	if (!advice[0])
		return;
	if (wrapped)
		text_line(t, 2);
	put_line(t, STYLE_BOLD, "To do:");
	put_words(t, STYLE_BOLD, advice);
}

static void put_finding(struct text *t, const struct check_finding *n, bool wrapped)
{
	bool own = strcmp(n->subject, n->container) != 0;

	text_line(t, 0);
	text_put(t, style_of(n->severity), check_severity_word(n->severity));
	t->indent = wrapped ? 2 : 0;
	put_line(t, STYLE_PLAIN, "[%s] %s%s%s: %s", n->name, n->container, own ? " " : "", own ? n->subject : "", n->text);
	if (n->evidence[0])
		put_line(t, STYLE_DIM, "(%s).", n->evidence);
	put_advice(t, n->advice, wrapped);
}

char *check_view(const struct check_findings *list, const struct check_seen *seen, const struct view_options *opt)
{
	char line[LINE_MAX_BYTES];
	struct text t;

	text_init(&t, opt->width ? opt->width : ANY_WIDTH, opt->colour);
	summarize(list, seen, line, sizeof(line));
	text_line(&t, 0);
	put_line(&t, style_of(check_worst(list)), "%s", line);
	for (size_t i = 0; i < list->count; i++)
		put_finding(&t, &list->finding[i], opt->width);
	return text_finish(&t);
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_any_text(text, SIZE_MAX) : json_null();
}

static json_t *lower_word(enum check_severity severity)
{
	static const char *const words[] = { "ok", "warning", "critical", "unknown" };

	return json_string(words[severity]);
}

static json_t *finding_object(const struct check_finding *n)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}",
			 "severity", lower_word(n->severity),
			 "name", n->name,
			 "container", json_any_text(n->container, SIZE_MAX),
			 "subject", json_any_text(n->subject, SIZE_MAX),
			 "text", json_any_text(n->text, SIZE_MAX),
			 "evidence", text_or_null(n->evidence),
			 "advice", text_or_null(n->advice));
}

json_t *check_json(const struct check_findings *list, const struct check_seen *seen)
{
	json_t *findings = json_array();
	char line[LINE_MAX_BYTES];
	bool failed = false;

	summarize(list, seen, line, sizeof(line));
	for (size_t i = 0; i < list->count; i++)
		failed |= json_array_append_new(findings, finding_object(&list->finding[i])) < 0;
	if (failed) {
		json_decref(findings);
		return NULL;
	}
	return json_pack("{s:i, s:o, s:o, s:I, s:I, s:I, s:o}", "schema", CHECK_SCHEMA, "severity", lower_word(check_worst(list)),
			 "summary", json_any_text(line, SIZE_MAX), "containers", (json_int_t)seen->containers,
			 "volumes", (json_int_t)seen->volumes, "disks", (json_int_t)seen->disks, "findings", findings);
}
