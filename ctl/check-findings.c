/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of findings, and what several rules ask of the facts: ctl/check.h. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/check.h"

struct check_finding *check_find(struct check_findings *list, const struct check_facts *f, enum check_severity severity,
				 const char *name, const char *subject)
{
	struct check_finding *larger = realloc(list->finding, (list->count + 1) * sizeof(*larger)), *n;

	if (!larger) {
		list->failed = true;
		return NULL;
	}
	list->finding = larger;
	n = &larger[list->count++];
	*n = (struct check_finding){ .severity = severity, .name = name };
	snprintf(n->container, sizeof(n->container), "%s", f->container);
	snprintf(n->subject, sizeof(n->subject), "%s", subject);
	return n;
}

/* Text goes behind what is there: rules may put it together. */
static void append(char *to, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
static void append(char *to, const char *fmt, va_list args)
{
	size_t have = strlen(to);

	vsnprintf(to + have, CHECK_TEXT_MAX - have, fmt, args);
}

void check_say(struct check_finding *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (n)
		append(n->text, fmt, args);
	va_end(args);
}

void check_show(struct check_finding *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (n && n->evidence[0])
		snprintf(n->evidence + strlen(n->evidence), CHECK_TEXT_MAX - strlen(n->evidence), "; ");
	if (n)
		append(n->evidence, fmt, args);
	va_end(args);
}

void check_advise(struct check_finding *n, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (n)
		append(n->advice, fmt, args);
	va_end(args);
}

void check_findings_free(struct check_findings *list)
{
	free(list->finding);
	memset(list, 0, sizeof(*list));
}

void check_take(struct check_findings *list, struct check_findings *from)
{
	struct check_finding *larger = list->finding;

	if (from->count)
		larger = realloc(list->finding, (list->count + from->count) * sizeof(*larger));
	list->failed |= from->failed || (from->count && !larger);
	if (from->count && larger) {
		memcpy(&larger[list->count], from->finding, from->count * sizeof(*larger));
		list->finding = larger;
		list->count += from->count;
	}
	check_findings_free(from);
}

/* Not to know is worse than a warning: there may be anything. */
static int rank(enum check_severity severity)
{
	switch (severity) {
	case CHECK_CRITICAL:
		return 3;
	case CHECK_UNKNOWN:
		return 2;
	case CHECK_WARNING:
		return 1;
	case CHECK_OK:
		break;
	}
	return 0;
}

void check_sort(struct check_findings *list)
{
	for (size_t i = 1; i < list->count; i++)
		for (size_t k = i; k > 0 && rank(list->finding[k].severity) > rank(list->finding[k - 1].severity); k--) {
			struct check_finding n = list->finding[k];

			list->finding[k] = list->finding[k - 1];
			list->finding[k - 1] = n;
		}
}

enum check_severity check_worst(const struct check_findings *list)
{
	enum check_severity worst = list->failed ? CHECK_UNKNOWN : CHECK_OK;

	for (size_t i = 0; i < list->count; i++)
		if (rank(list->finding[i].severity) > rank(worst))
			worst = list->finding[i].severity;
	return worst;
}

const char *check_severity_word(enum check_severity severity)
{
	switch (severity) {
	case CHECK_OK:
		return "OK";
	case CHECK_WARNING:
		return "WARNING";
	case CHECK_CRITICAL:
		return "CRITICAL";
	case CHECK_UNKNOWN:
		break;
	}
	return "UNKNOWN";
}

/* ---- what several rules ask ---- */

bool check_is_ddf(const struct check_facts *f)
{
	return strcmp(f->format, "ddf") == 0;
}

bool check_daemon_answers(const struct check_facts *f)
{
	return f->daemon == CHECK_DAEMON_OURS;
}

const struct check_disk *check_disk_named(const struct check_facts *f, const char *name)
{
	for (size_t i = 0; i < f->disks && *name; i++)
		if (strcmp(f->disk[i].name, name) == 0)
			return &f->disk[i];
	return NULL;
}

bool check_is_here(const struct check_facts *f, const struct check_disk *d)
{
	return d->name[0] && strcmp(d->holder, f->container) == 0;
}

uint64_t check_need(const struct check_facts *f)
{
	uint64_t need = 0;

	for (size_t i = 0; i < f->volumes; i++)
		if (f->volume[i].need > need)
			need = f->volume[i].need;
	return need;
}

uint64_t check_lack(const struct check_facts *f, const struct check_disk *d)
{
	uint64_t need = check_need(f);

	return d->room && d->room < need ? need - d->room : 0;
}

bool check_is_lost(const struct check_volume *v)
{
	return strcmp(v->told_state, "failed") == 0 || strcmp(v->array_state, "broken") == 0;
}

bool check_any_lost(const struct check_facts *f)
{
	for (size_t i = 0; i < f->volumes; i++)
		if (check_is_lost(&f->volume[i]))
			return true;
	return false;
}

bool check_needs_disks(const struct check_facts *f)
{
	for (size_t i = 0; i < f->volumes; i++)
		if (f->volume[i].redundant && f->volume[i].missing)
			return true;
	return false;
}

/* mdadm 4.2 crashes when it adds a disk to a container of DDF. */
void check_advise_add(struct check_finding *n, const struct check_facts *f, const char *disk)
{
	if (check_is_ddf(f))
		check_advise(n, "cat /sys/block/%s/dev >/sys/block/%s/md/new_dev", disk, f->container);
	else
		check_advise(n, "mdadm --add /dev/%s /dev/%s", f->container, disk);
}

void check_advise_daemon(struct check_finding *n, const struct check_facts *f)
{
	if (f->systemd)
		check_advise(n, "systemctl restart mdmon@%s.service", f->container);
	else
		check_advise(n, "mdmon --takeover --offroot %s", f->container);
}
