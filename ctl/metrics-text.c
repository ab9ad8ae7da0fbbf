/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OpenMetrics 1.0, and the older text format of Prometheus: see ctl/metrics.h. Samples of a family have to stand together, so
 * each family collects its own while one container after the other is looked at.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/metrics.h"

#define FIRST_SIZE 512

enum type { GAUGE, COUNTER, INFO, HISTOGRAM };

struct description {
	const char *name; /* without "_total" and "_info" */
	enum type type;
	const char *unit; /* "": none; the name ends in it */
	const char *help;
};

static const struct description descriptions[METRIC_COUNT] = {
	[METRIC_CTL_BUILD] = { "mdmonctl_build", INFO, "", "The mdmonctl that wrote this." },
	[METRIC_UP] = { "mdmon_up", GAUGE, "", "Whether this mdmon runs for the container, and answers." },
	[METRIC_DAEMON] = { "mdmon_daemon", GAUGE, "", "Which daemon the container has: 1 for what is true." },
	[METRIC_BUILD] = { "mdmon_build", INFO, "", "The daemon, and the format of the metadata." },
	[METRIC_START_TIME] = { "mdmon_start_time_seconds", GAUGE, "seconds", "When the daemon was ready." },
	[METRIC_DRAINING] = { "mdmon_draining", GAUGE, "", "Whether the daemon was told to end." },
	[METRIC_UNSERVED] = { "mdmon_unserved_arrays", GAUGE, "", "Arrays that the daemon could not take on: their writes wait." },
	[METRIC_QUEUE] = { "mdmon_queue_entries", GAUGE, "", "Changes, pings and clients that wait for the daemon." },
	[METRIC_LOST_MESSAGES] = { "mdmon_lost_messages", COUNTER, "", "Lines of the log that found no room." },
	[METRIC_EVENTS] = { "mdmon_events", COUNTER, "", "What mdmonctl events tells, also what it does not any more." },
	[METRIC_GENERATION] = { "mdmon_metadata_generation", GAUGE, "", "Generation of the metadata." },
	[METRIC_WRITES] = { "mdmon_metadata_writes", COUNTER, "", "Times that the metadata were written." },
	[METRIC_WRITE_ERRORS] = { "mdmon_metadata_write_errors", COUNTER, "", "Those of them that a disk did not take." },
	[METRIC_LAST_WRITE] = { "mdmon_metadata_last_write_timestamp_seconds", GAUGE, "seconds", "When the last one ended." },
	[METRIC_LAST_WRITE_DURATION] = { "mdmon_metadata_last_write_duration_seconds", GAUGE, "seconds", "How long it took." },
	[METRIC_WRITE_RUNNING] = { "mdmon_metadata_write_running_seconds", GAUGE, "seconds",
				   "For how long a write of the metadata has been under way; 0: none is." },
	[METRIC_STALL] = { "mdmon_stall_seconds", HISTOGRAM, "seconds", "Times that arrays have waited for the daemon." },
	[METRIC_STALL_LONGEST] = { "mdmon_stall_longest_seconds", GAUGE, "seconds", "The longest of them since the daemon started." },
	[METRIC_DISK_STATE] = { "mdmon_disk_state", GAUGE, "", "What a disk is for the metadata: 1 for what is true." },
	[METRIC_DISK_WRITE_FAILED] = { "mdmon_disk_write_failed", GAUGE, "",
				       "Whether the last write of the metadata to it failed: its copy is stale." },
	[METRIC_DISK_LATE] = { "mdmon_disk_late_seconds", GAUGE, "seconds",
			       "For how long it has not answered to a write of the metadata; 0: it is not late." },
	[METRIC_DISK_BEHIND] = { "mdmon_disk_generations_behind", GAUGE, "",
				 "How much older its copy of the metadata is than the one that counts." },
	[METRIC_VOLUME] = { "mdmon_volume", INFO, "", "The volumes of the container." },
	[METRIC_VOLUME_SIZE] = { "mdmon_volume_size_bytes", GAUGE, "bytes", "Size that users see." },
	[METRIC_VOLUME_STATE] = { "mdmon_volume_state", GAUGE, "", "State of the volume for the metadata: 1 for what is true." },
	[METRIC_VOLUME_DIRTY] = { "mdmon_volume_dirty", GAUGE, "", "Whether the metadata say that it may have unwritten data." },
	[METRIC_VOLUME_DISKS] = { "mdmon_volume_disks", GAUGE, "", "Disks that the running array should have." },
	[METRIC_VOLUME_DISKS_MISSING] = { "mdmon_volume_disks_missing", GAUGE, "",
					  "Those of them that md does without, or is rebuilding: it is degraded." },
	[METRIC_VOLUME_MEMBERS] = { "mdmon_volume_members", GAUGE, "", "Slots of the volume by what the metadata say of them." },
	[METRIC_VOLUME_SYNC] = { "mdmon_volume_sync_running", GAUGE, "", "What md does with the array: 1 for what runs." },
	[METRIC_VOLUME_SYNC_RATIO] = { "mdmon_volume_sync_done_ratio", GAUGE, "ratio", "How much of that is done." },
	[METRIC_VOLUME_SYNC_SPEED] = { "mdmon_volume_sync_speed_bytes_per_second", GAUGE, "bytes_per_second", "How fast it goes." },
	[METRIC_VOLUME_BAD_BLOCKS] = { "mdmon_volume_bad_block_ranges", GAUGE, "",
				       "Ranges of a member that md has recorded as bad." },
	[METRIC_FINDINGS] = { "mdmon_check_findings", GAUGE, "", "How many things mdmonctl check finds wrong." },
	[METRIC_FINDING] = { "mdmon_check_finding", GAUGE, "", "Each of them." },
};

struct labels labels_with(struct labels l, const char *name, const char *value)
{
	if (l.count < LABELS_MAX) {
		l.label[l.count].name = name;
		l.label[l.count++].value = value;
	}
	return l;
}

/* ---- text that grows ---- */

struct growing {
	char *text; /* ends with a NUL, if there is any */
	size_t len, size;
	bool failed;
};

static bool make_room(struct growing *g, size_t n)
{
	size_t size = g->size ? g->size : FIRST_SIZE;
	char *larger;

	while (size <= g->len + n)
		size *= 2;
	if (g->failed || size == g->size)
		return !g->failed;
	larger = realloc(g->text, size);
	g->failed = !larger;
	if (!larger)
		return false;
	g->text = larger;
	g->size = size;
	return true;
}

static void add_bytes(struct growing *g, const char *bytes, size_t n)
{
	if (!make_room(g, n))
		return;
	memcpy(g->text + g->len, bytes, n);
	g->len += n;
	g->text[g->len] = '\0';
}

static void add(struct growing *g, const char *text)
{
	add_bytes(g, text, strlen(text));
}

/* ---- samples ---- */

/* Bytes of the character at s if it is one of UTF-8 that may be shown, 0: it is not. */
static size_t fit_character(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
	uint32_t c = s[0];

	if (len > 1)
		c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (!len || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c < 0x20 || (c >= 0x7f && c <= 0x9f))
		return 0;
	return len;
}

/* What is no character, or could steer a terminal, becomes '?'. */
static void add_escaped(struct growing *g, const char *value)
{
	while (*value) {
		size_t n = fit_character((const unsigned char *)value);

		if (*value == '\n')
			add(g, "\\n");
		else if (*value == '"' || *value == '\\')
			add(g, *value == '"' ? "\\\"" : "\\\\");
		else if (n)
			add_bytes(g, value, n);
		else
			add(g, "?");
		value += n ? n : 1;
	}
}

static void add_labels(struct growing *g, const struct labels *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		add(g, i ? "," : "{");
		add(g, l->label[i].name);
		add(g, "=\"");
		add_escaped(g, l->label[i].value ? l->label[i].value : "");
		add(g, "\"");
	}
	if (l->count)
		add(g, "}");
}

static void number_text(char *to, size_t size, double value)
{
	if (fabs(value) < 1e18 && value == (double)(long long)value)
		snprintf(to, size, "%.0f", value);
	else
		snprintf(to, size, "%.15g", value);
}

/* NAME SUFFIX {LABELS} and a space, malloc'd; NULL: no memory. */
static char *series_text(const struct description *d, const char *suffix, const struct labels *l)
{
	struct growing g = { 0 };

	add(&g, d->name);
	add(&g, suffix);
	add_labels(&g, l);
	add(&g, " ");
	if (!g.failed)
		return g.text;
	free(g.text);
	return NULL;
}

/* A series begins a line, and no label value has a newline in it. */
static bool has_series(const char *samples, const char *series)
{
	const char *at = samples;

	while (at && (at = strstr(at, series))) {
		if (at == samples || at[-1] == '\n')
			return true;
		at++;
	}
	return false;
}

/* False: it is there already, or cannot be kept. */
static bool put(struct metrics *m, enum metric metric, const char *suffix, const struct labels *l, double value)
{
	struct growing g = { m->family[metric].text, m->family[metric].len, m->family[metric].size, m->failed };
	char *series = m->muted ? NULL : series_text(&descriptions[metric], suffix, l), number[64];
	bool known;

	if (m->muted)
		return false;
	if (!series) {
		m->failed = true;
		return false;
	}
	known = has_series(g.text, series);
	if (!known) {
		number_text(number, sizeof(number), value);
		add(&g, series);
		add(&g, number);
		add(&g, "\n");
	}
	free(series);
	m->family[metric].text = g.text;
	m->family[metric].len = g.len;
	m->family[metric].size = g.size;
	m->failed = g.failed;
	return !known;
}

void metrics_put(struct metrics *m, enum metric metric, const struct labels *l, double value)
{
	const char *suffix = "";

	switch (descriptions[metric].type) {
	case COUNTER:
		suffix = "_total";
		break;
	case INFO:
		suffix = "_info";
		break;
	case GAUGE:
	case HISTOGRAM:
		break;
	}
	put(m, metric, suffix, l, value);
}

void metrics_put_histogram(struct metrics *m, enum metric metric, const struct labels *l,
			   const uint64_t bucket[METRICS_BUCKETS], double sum_seconds)
{
	uint64_t sum = 0;
	char limit[32];
	struct labels with;

	for (unsigned i = 0; i < METRICS_BUCKETS; i++) {
		sum += bucket[i];
		if (i == METRICS_BUCKETS - 1)
			snprintf(limit, sizeof(limit), "+Inf");
		else /* a canonical number has a point */
			snprintf(limit, sizeof(limit), "%.3f", (double)(UINT64_C(1) << i) / 1000);
		with = labels_with(*l, "le", limit);
		if (!put(m, metric, "_bucket", &with, (double)sum))
			return;
	}
	put(m, metric, "_count", l, (double)sum);
	put(m, metric, "_sum", l, sum_seconds);
}

/* ---- the whole ---- */

static void add_line(struct growing *g, const char *keyword, const char *name, const char *suffix, const char *text)
{
	const char *const words[] = { "# ", keyword, " ", name, suffix, " ", text, "\n" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		add(g, words[i]);
}

/* The older format knows no info, and calls a family as its samples are called. */
static void add_head(struct growing *g, const struct description *d, enum metrics_format format)
{
	static const char *const types[] = { "gauge", "counter", "info", "histogram" };
	const bool older = format == METRICS_PROMETHEUS;
	const char *suffix = older && d->type == COUNTER ? "_total" : older && d->type == INFO ? "_info" : "";

	add_line(g, "HELP", d->name, suffix, d->help);
	add_line(g, "TYPE", d->name, suffix, types[older && d->type == INFO ? GAUGE : d->type]);
	if (*d->unit && !older)
		add_line(g, "UNIT", d->name, suffix, d->unit);
}

char *metrics_text(const struct metrics *m, enum metrics_format format)
{
	struct growing g = { .failed = m->failed };

	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		if (!m->family[i].len)
			continue;
		add_head(&g, &descriptions[i], format);
		add(&g, m->family[i].text);
	}
	add(&g, format == METRICS_OPENMETRICS ? "# EOF\n" : "");
	if (!g.failed)
		return g.text;
	free(g.text);
	return NULL;
}

void metrics_free(struct metrics *m)
{
	for (unsigned i = 0; i < METRIC_COUNT; i++)
		free(m->family[i].text);
	memset(m, 0, sizeof(*m));
}
