/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/view.h. From the top: what is wrong, the volumes, the disks, the metadata, the daemon. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/field.h"
#include "ctl/text.h"
#include "ctl/units.h"
#include "ctl/view.h"

#define LABEL_INDENT 2
#define LABEL_WIDTH 10
#define VOLUME_INDENT 4
#define NAME_MAX_COLUMNS 24
#define BUCKETS 16

struct view {
	struct text text;
	const struct view_options *opt;
	struct oddities odd;
	const json_t *status;
};

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- the first line ---- */

/* How many of the array's objects have this word in this field. */
static unsigned count_if(struct view *v, const json_t *array, const char *key, const char *word)
{
	unsigned n = 0;
	const json_t *o;
	size_t i;

	json_array_foreach (array, i, o)
		n += is(field_string(&v->odd, o, key), word);
	return n;
}

/* A word of the summary; a comma goes before all but the first. */
static void summary_word(struct view *v, bool *any, enum style style, const char *word)
{
	if (*any)
		text_put(&v->text, STYLE_PLAIN, ",");
	text_word(&v->text, style, "%s", word);
	*any = true;
}

static void summary_count(struct view *v, bool *any, enum style style, unsigned n, const char *what)
{
	char word[64];

	if (!n)
		return;
	snprintf(word, sizeof(word), "%u disk%s %s", n, plural(n), what);
	summary_word(v, any, style, word);
}

static const char *action_name(const char *action)
{
	return is(action, "recover") ? "rebuild" : action;
}

static void summary_action(struct view *v, bool *any, const char *action)
{
	char word[64];

	snprintf(word, sizeof(word), "%.40s running", action);
	summary_word(v, any, is(action, "check") ? STYLE_PLAIN : STYLE_WARN, word);
}

static void summarize_volumes(struct view *v, bool *any)
{
	const json_t *volumes = field_array(&v->odd, v->status, "volumes"), *volume;
	size_t i;

	if (count_if(v, volumes, "state", "failed"))
		summary_word(v, any, STYLE_BAD, "failed");
	if (count_if(v, volumes, "state", "degraded"))
		summary_word(v, any, STYLE_WARN, "degraded");
	if (count_if(v, volumes, "state", "uninitialized"))
		summary_word(v, any, STYLE_WARN, "uninitialized");
	json_array_foreach (volumes, i, volume) {
		const json_t *sync = field_object_or_null(&v->odd, volume, "sync");

		if (sync)
			summary_action(v, any, action_name(field_string(&v->odd, sync, "action")));
	}
}

static void summarize_disks(struct view *v, bool *any)
{
	const json_t *disks = field_array(&v->odd, v->status, "disks"), *disk;
	unsigned refusing = 0;
	size_t i;

	json_array_foreach (disks, i, disk)
		refusing += !field_bool(&v->odd, disk, "writable", true);
	summary_count(v, any, STYLE_BAD, count_if(v, disks, "state", "failed"), "failed");
	summary_count(v, any, STYLE_WARN, count_if(v, disks, "state", "missing"), "missing");
	summary_count(v, any, STYLE_BAD, refusing, refusing == 1 ? "refuses metadata" : "refuse metadata");
}

/* Nothing is to be complained about: "healthy" only if each volume says "normal", which a later daemon may not. */
static void summarize_peace(struct view *v, bool *any)
{
	const json_t *volumes = json_object_get(v->status, "volumes");
	size_t n = json_array_size(volumes);

	if (json_is_array(volumes) && !n)
		summary_word(v, any, STYLE_PLAIN, "no volumes");
	else if (n && count_if(v, volumes, "state", "normal") == n)
		summary_word(v, any, STYLE_GOOD, "healthy");
	else
		summary_word(v, any, STYLE_WARN, "in a state unknown to mdmonctl");
}

static void summarize_unserved(struct view *v, bool *any)
{
	const json_t *list = field_array(&v->odd, v->status, "unserved"), *name;
	char word[64];
	size_t i;

	json_array_foreach (list, i, name) {
		snprintf(word, sizeof(word), "%.20s is not served", json_is_string(name) ? json_string_value(name) : "?");
		summary_word(v, any, STYLE_BAD, word);
	}
}

static void show_summary(struct view *v, const char *container)
{
	bool any = false;

	text_line(&v->text, 0);
	text_put(&v->text, STYLE_BOLD, container);
	text_word(&v->text, STYLE_PLAIN, "(%s):", field_string(&v->odd, v->status, "metadata"));
	text_space(&v->text, 1);
	text_indent_here(&v->text);
	summarize_volumes(v, &any);
	summarize_disks(v, &any);
	summarize_unserved(v, &any);
	if (field_bool(&v->odd, v->status, "draining", false))
		summary_word(v, &any, STYLE_WARN, "the daemon is leaving");
	if (!any)
		summarize_peace(v, &any);
}

/* ---- volumes ---- */

struct columns {
	unsigned name, device, level, size;
};

static void widen(unsigned *columns, const char *s, unsigned most)
{
	unsigned n = text_columns(s);

	if (n > most)
		n = most;
	if (n > *columns)
		*columns = n;
}

static const char *volume_device(struct view *v, const json_t *volume)
{
	const char *device = field_string_or_null(&v->odd, volume, "device");

	return device ? device : "-";
}

static struct columns measure_volumes(struct view *v, const json_t *volumes)
{
	struct columns c = { 0 };
	char size[UNITS_MAX];
	const json_t *volume;
	size_t i;

	json_array_foreach (volumes, i, volume) {
		widen(&c.name, field_string(&v->odd, volume, "name"), NAME_MAX_COLUMNS);
		widen(&c.device, volume_device(v, volume), 8);
		widen(&c.level, field_string(&v->odd, volume, "level"), 8);
		widen(&c.size, units_size(size, field_number(&v->odd, volume, "size_kib")), UNITS_MAX);
	}
	return c;
}

static enum style state_style(const char *state)
{
	static const struct {
		const char *word;
		enum style style;
	} known[] = {
		{ "normal", STYLE_GOOD },     { "degraded", STYLE_WARN }, { "failed", STYLE_BAD },
		{ "uninitialized", STYLE_WARN }, { "missing", STYLE_WARN },  { "rebuilding", STYLE_WARN },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(state, known[i].word))
			return known[i].style;
	return STYLE_PLAIN;
}

/* The state in the metadata, then the one in the kernel. */
static void show_volume_state(struct view *v, const json_t *volume)
{
	const char *state = field_string(&v->odd, volume, "state");
	const char *kernel = field_string_or_null(&v->odd, volume, "array_state");
	bool waits = kernel && is(kernel, "write-pending");

	text_word(&v->text, state_style(state), "%s,", state);
	text_word(&v->text, STYLE_PLAIN, field_bool(&v->odd, volume, "dirty", false) ? "dirty;" : "clean;");
	if (kernel)
		text_word(&v->text, waits ? STYLE_WARN : STYLE_PLAIN, "kernel: %s", kernel);
	else if (is(field_string(&v->odd, volume, "level"), "raid0"))
		text_word(&v->text, STYLE_DIM, "not monitored");
	else
		text_word(&v->text, STYLE_DIM, "not running");
}

/* Spaces to the left of a number. */
static void put_right(struct text *t, unsigned columns, const char *s)
{
	unsigned n = text_columns(s);

	text_space(t, columns > n ? columns - n : 0);
	text_put(t, STYLE_PLAIN, s);
}

static void show_volume_line(struct view *v, const json_t *volume, const struct columns *c)
{
	struct text *t = &v->text;
	char size[UNITS_MAX];

	text_line(t, LABEL_INDENT);
	text_cell(t, STYLE_BOLD, c->name, field_string(&v->odd, volume, "name"));
	text_space(t, 2);
	text_cell(t, STYLE_PLAIN, c->device, volume_device(v, volume));
	text_space(t, 2);
	text_cell(t, STYLE_PLAIN, c->level, field_string(&v->odd, volume, "level"));
	text_space(t, 2);
	put_right(t, c->size, units_size(size, field_number(&v->odd, volume, "size_kib")));
	text_space(t, 2);
	text_indent_here(t);
	show_volume_state(v, volume);
}

static void show_bar(struct text *t, double part)
{
	const unsigned most = 40, least = 8, others = 52; /* columns of what else is in the line */
	unsigned columns = t->width > others + least ? t->width - others : least;
	char bar[64];
	unsigned full;

	if (columns > most)
		columns = most;
	full = (unsigned)(part * columns);
	memset(bar, '.', columns);
	memset(bar, '=', full);
	if (full < columns)
		bar[full] = '>';
	bar[columns] = '\0';
	text_word(t, STYLE_PLAIN, "[%s]", bar);
}

static void show_sync_speed(struct view *v, uint64_t left_kib, uint64_t speed_kib)
{
	char buf[UNITS_MAX];

	if (!speed_kib) {
		text_word(&v->text, STYLE_WARN, "standing still");
		return;
	}
	text_word(&v->text, STYLE_PLAIN, "%s/s,", units_size(buf, speed_kib));
	text_word(&v->text, STYLE_PLAIN, "%s left", units_long(buf, left_kib / speed_kib));
}

static void show_sync(struct view *v, const json_t *sync)
{
	uint64_t done = field_number(&v->odd, sync, "done_kib"), total = field_number(&v->odd, sync, "total_kib");
	double part;

	if (done > total)
		done = total;
	part = total ? (double)done / (double)total : 0;
	text_line(&v->text, VOLUME_INDENT);
	text_put(&v->text, STYLE_WARN, action_name(field_string(&v->odd, sync, "action")));
	text_space(&v->text, 1);
	text_indent_here(&v->text);
	show_bar(&v->text, part);
	/* Cut, not rounded: 100 % means done. */
	text_word(&v->text, STYLE_PLAIN, "%.1f%%", (double)(unsigned)(part * 1000) / 10);
	show_sync_speed(v, total - done, field_number(&v->odd, sync, "speed_kib"));
}

/* terse: without the slot, as for members in sync, which are listed in the order of their slots. */
static void show_member(struct view *v, const json_t *member, bool terse)
{
	const char *disk = field_string_or_null(&v->odd, member, "disk");
	uint64_t slot = field_number(&v->odd, member, "slot");

	if (!disk)
		text_word(&v->text, STYLE_PLAIN, "slot %" PRIu64, slot);
	else if (terse)
		text_word(&v->text, STYLE_PLAIN, "%s", disk);
	else
		text_word(&v->text, STYLE_PLAIN, "%s (slot %" PRIu64 ")", disk, slot);
}

static const char *const member_states[] = { "in_sync", "rebuilding", "failed", "missing" };
#define MEMBER_STATES (sizeof(member_states) / sizeof(member_states[0]))

static void show_members_line(struct view *v, const json_t *members, const char *state)
{
	bool in_sync = is(state, "in_sync");
	const json_t *member;
	size_t i;

	text_line(&v->text, VOLUME_INDENT);
	text_cell(&v->text, state_style(state), 10, in_sync ? "in sync" : state);
	text_space(&v->text, 1);
	text_indent_here(&v->text);
	json_array_foreach (members, i, member)
		if (is(field_string(&v->odd, member, "state"), state))
			show_member(v, member, in_sync);
}

static bool is_known_state(const char *state)
{
	for (size_t i = 0; i < MEMBER_STATES; i++)
		if (is(state, member_states[i]))
			return true;
	return false;
}

/* Member states that a later daemon may know are shown one by one. */
static void show_other_members(struct view *v, const json_t *members)
{
	const json_t *member;
	size_t i;

	json_array_foreach (members, i, member) {
		const char *state = field_string(&v->odd, member, "state");

		if (is_known_state(state))
			continue;
		text_line(&v->text, VOLUME_INDENT);
		text_cell(&v->text, STYLE_PLAIN, 10, state);
		text_space(&v->text, 1);
		show_member(v, member, false);
	}
}

static void show_members(struct view *v, const json_t *members)
{
	for (size_t i = 0; i < MEMBER_STATES; i++)
		if (count_if(v, members, "state", member_states[i]))
			show_members_line(v, members, member_states[i]);
	show_other_members(v, members);
}

static void show_volumes(struct view *v)
{
	const json_t *volumes = field_array(&v->odd, v->status, "volumes"), *volume;
	struct columns columns = measure_volumes(v, volumes);
	size_t i;

	json_array_foreach (volumes, i, volume) {
		const json_t *sync = field_object_or_null(&v->odd, volume, "sync");

		show_volume_line(v, volume, &columns);
		if (sync)
			show_sync(v, sync);
		show_members(v, field_array(&v->odd, volume, "members"));
	}
}

/* ---- disks ---- */

struct disk_columns {
	unsigned name, state, serial;
	unsigned per_line;
};

static void show_label(struct view *v, const char *label)
{
	text_line(&v->text, LABEL_INDENT);
	text_cell(&v->text, STYLE_DIM, LABEL_WIDTH, label);
	text_indent_here(&v->text);
}

static const char *disk_name(struct view *v, const json_t *disk)
{
	const char *name = field_string_or_null(&v->odd, disk, "name");

	return name ? name : "-";
}

/* More disks than one looks at line by line go side by side, if they have room. */
static struct disk_columns measure_disks(struct view *v, const json_t *disks)
{
	struct disk_columns c = { .per_line = 1 };
	unsigned room = v->text.width - LABEL_INDENT - LABEL_WIDTH;
	const json_t *disk;
	size_t i;

	json_array_foreach (disks, i, disk) {
		widen(&c.name, disk_name(v, disk), 16);
		widen(&c.state, field_string(&v->odd, disk, "state"), 10);
		widen(&c.serial, field_string(&v->odd, disk, "serial"), 32);
	}
	if (json_array_size(disks) > 6)
		c.per_line = (room + 3) / (c.name + c.state + c.serial + 4 + 3);
	if (c.per_line < 1)
		c.per_line = 1;
	return c;
}

/* The serial number ends the line without padding unless another disk follows. */
static void show_disk(struct view *v, const json_t *disk, const struct disk_columns *c)
{
	const char *state = field_string(&v->odd, disk, "state");
	const char *serial = field_string(&v->odd, disk, "serial");
	struct text *t = &v->text;

	text_cell(t, STYLE_PLAIN, c->name, disk_name(v, disk));
	text_space(t, 2);
	text_cell(t, state_style(state), c->state, state);
	text_space(t, 2);
	text_cell(t, STYLE_PLAIN, c->serial, serial);
}

static void show_disks(struct view *v)
{
	const json_t *disks = field_array(&v->odd, v->status, "disks"), *disk;
	struct disk_columns c = measure_disks(v, disks);
	size_t i;

	json_array_foreach (disks, i, disk) {
		if (i % c.per_line)
			text_space(&v->text, 3);
		else
			show_label(v, i ? "" : "Disks");
		show_disk(v, disk, &c);
	}
}

/* A line of its own below the disks, whose columns have no room for it. */
static void show_refusing_disks(struct view *v)
{
	const json_t *disks = field_array(&v->odd, v->status, "disks"), *disk;
	bool any = false;
	size_t i;

	json_array_foreach (disks, i, disk) {
		if (field_bool(&v->odd, disk, "writable", true))
			continue;
		if (!any) {
			show_label(v, "");
			text_word(&v->text, STYLE_BAD, "metadata not taken by");
		}
		text_word(&v->text, STYLE_BAD, "%s", disk_name(v, disk));
		any = true;
	}
}

/* A number that large is no time: any large one will do. */
static const char *span_of_ms(char buf[UNITS_MAX], uint64_t ms)
{
	return units_short(buf, ms < UINT64_MAX / 1000 ? ms * 1000 : UINT64_MAX);
}

/* A daemon of before does not say so. */
static void show_hanging_disks(struct view *v)
{
	const json_t *disks = field_array(&v->odd, v->status, "disks"), *disk;
	char buf[UNITS_MAX];
	size_t i;

	json_array_foreach (disks, i, disk) {
		if (!json_is_integer(json_object_get(disk, "hangs_ms")))
			continue;
		show_label(v, "");
		text_word(&v->text, STYLE_BAD, "%s has not answered for %s", disk_name(v, disk),
			  span_of_ms(buf, field_number(&v->odd, disk, "hangs_ms")));
	}
}

/* ---- metadata ---- */

static void show_last_write_disks(struct view *v, const json_t *write)
{
	const json_t *failed = field_array(&v->odd, write, "failed"), *name;
	uint64_t disks = field_number(&v->odd, write, "disks");
	size_t i;

	text_word(&v->text, STYLE_PLAIN, "to %" PRIu64 " disk%s", disks, plural(disks));
	if (!json_array_size(failed))
		return;
	text_put(&v->text, STYLE_PLAIN, ",");
	text_word(&v->text, STYLE_BAD, "not to");
	json_array_foreach (failed, i, name)
		text_word(&v->text, STYLE_BAD, "%s", json_is_string(name) ? json_string_value(name) : "?");
}

static void show_last_write(struct view *v, const json_t *write)
{
	uint64_t now = field_number(&v->odd, v->status, "time_ms"), then = field_number(&v->odd, write, "time_ms");
	uint64_t age = now > then ? now - then : 0;
	char buf[UNITS_MAX];

	if (v->opt->live)
		text_word(&v->text, STYLE_PLAIN, "written at %s", units_time(buf, then));
	else
		text_word(&v->text, STYLE_PLAIN, "written %s ago", units_long(buf, age / 1000));
	text_word(&v->text, STYLE_PLAIN, "in %s", units_short(buf, field_number(&v->odd, write, "duration_us")));
	show_last_write_disks(v, write);
}

static void show_write_counts(struct view *v, const json_t *write)
{
	uint64_t count = field_number(&v->odd, write, "count"), errors = field_number(&v->odd, write, "errors");

	show_label(v, "");
	text_word(&v->text, STYLE_PLAIN, "%" PRIu64 " write%s since the start,", count, plural(count));
	if (errors)
		text_word(&v->text, STYLE_BAD, "%" PRIu64 " of them not to all disks", errors);
	else
		text_word(&v->text, STYLE_PLAIN, "all without errors");
}

/* A live view shows a write only when it takes long: short ones come and go all the time. */
static void show_writing(struct view *v)
{
	const uint64_t long_ms = 1000;
	char buf[UNITS_MAX];
	uint64_t ms;

	if (field_is_null(&v->odd, v->status, "writing_ms"))
		return;
	ms = field_number(&v->odd, v->status, "writing_ms");
	if (ms < long_ms && v->opt->live)
		return;
	show_label(v, "");
	text_word(&v->text, ms < long_ms ? STYLE_PLAIN : STYLE_WARN, "being written for %s", span_of_ms(buf, ms));
}

static void show_metadata(struct view *v)
{
	const json_t *write = field_object_or_null(&v->odd, v->status, "last_write");

	show_label(v, "Metadata");
	text_word(&v->text, STYLE_PLAIN, "generation %" PRIu64, field_number(&v->odd, v->status, "generation"));
	text_put(&v->text, STYLE_PLAIN, ",");
	if (write) {
		show_last_write(v, write);
		show_write_counts(v, write);
	} else {
		text_word(&v->text, STYLE_PLAIN, "not written since the start");
	}
	show_writing(v);
}

/* ---- stalls ---- */

struct stalls {
	double bucket[BUCKETS], sum;
};

static bool read_buckets(struct view *v, const json_t *o, struct stalls *s)
{
	const json_t *buckets = field_array(&v->odd, o, "buckets");

	s->sum = 0;
	if (json_array_size(buckets) != BUCKETS)
		return false;
	for (size_t i = 0; i < BUCKETS; i++) {
		json_int_t n = json_integer_value(json_array_get(buckets, i));

		s->bucket[i] = n > 0 ? (double)n : 0;
		s->sum += s->bucket[i];
	}
	return s->sum > 0;
}

static const char *bucket_limit(char *buf, unsigned i)
{
	snprintf(buf, UNITS_MAX, i < 10 ? "%u ms" : "%u s", i < 10 ? 1u << i : 1u << (i - 10));
	return buf;
}

/* "half under 4 ms": names the limit of the bucket below which this part of all stalls lies. */
static void show_quantile(struct view *v, const struct stalls *s, const char *what, double part)
{
	double sum = 0;
	unsigned i = 0;
	char buf[UNITS_MAX];

	for (; i < BUCKETS; i++) {
		sum += s->bucket[i];
		if (sum >= s->sum * part)
			break;
	}
	if (i < BUCKETS - 1)
		text_word(&v->text, STYLE_PLAIN, "%s under %s,", what, bucket_limit(buf, i));
	else
		text_word(&v->text, STYLE_WARN, "%s over 16 s,", what);
}

static void show_stall_times(struct view *v, const json_t *o, uint64_t count)
{
	const uint64_t noticeable_us = 1000000;
	uint64_t max = field_number(&v->odd, o, "max_us"), total = field_number(&v->odd, o, "total_us");
	char buf[UNITS_MAX];
	struct stalls s;

	if (count > 1) {
		text_word(&v->text, STYLE_PLAIN, "%s on average,", units_short(buf, total / count));
		if (read_buckets(v, o, &s)) {
			show_quantile(v, &s, "half", 0.5);
			if (count >= 100)
				show_quantile(v, &s, "99%", 0.99);
		}
	}
	text_word(&v->text, max < noticeable_us ? STYLE_PLAIN : STYLE_WARN, "%s%s", count > 1 ? "longest " : "",
		  units_short(buf, max));
}

static void show_stalls_of(struct view *v, const char *label, const json_t *o, const char *what)
{
	uint64_t count = field_number(&v->odd, o, "count");

	show_label(v, label);
	if (!count) {
		text_word(&v->text, STYLE_PLAIN, "none for %s", what);
		return;
	}
	text_word(&v->text, STYLE_PLAIN, "%" PRIu64 " for %s:", count, what);
	show_stall_times(v, o, count);
}

static void show_stalls(struct view *v)
{
	const json_t *stalls = field_object(&v->odd, v->status, "stalls");

	show_stalls_of(v, "Stalls", field_object(&v->odd, stalls, "write"), "writes");
	show_stalls_of(v, "", field_object(&v->odd, stalls, "failure"), "failures");
}

/* ---- the daemon ---- */

static void show_queue(struct view *v, bool *any, enum style style, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	if (!*any)
		show_label(v, "Queues");
	else
		text_put(&v->text, STYLE_PLAIN, ",");
	text_word(&v->text, style, "%" PRIu64 " %s", n, n == 1 ? one : many);
	*any = true;
}

static void show_queues(struct view *v)
{
	const json_t *q = field_object(&v->odd, v->status, "queues");
	uint64_t clients = field_number(&v->odd, q, "clients");
	bool any = false;

	show_queue(v, &any, STYLE_WARN, field_number(&v->odd, q, "updates"), "update waits", "updates wait");
	show_queue(v, &any, STYLE_WARN, field_number(&v->odd, q, "pings"), "ping waits", "pings wait");
	/* One of the clients is mdmonctl itself. */
	show_queue(v, &any, STYLE_PLAIN, clients ? clients - 1 : 0, "other client", "other clients");
	show_queue(v, &any, STYLE_WARN, field_number(&v->odd, q, "lost_messages"), "message lost", "messages lost");
}

static void show_daemon(struct view *v)
{
	uint64_t up_ms = field_number(&v->odd, v->status, "uptime_ms");
	char up[UNITS_MAX];

	show_label(v, "Daemon");
	text_word(&v->text, STYLE_PLAIN, "mdmon %s,", field_string(&v->odd, v->status, "version"));
	text_word(&v->text, STYLE_PLAIN, "process %" PRIu64 ",", field_number(&v->odd, v->status, "pid"));
	text_word(&v->text, STYLE_PLAIN, "up %s", units_coarse(up, up_ms / 1000));
}

static void show_oddities(struct view *v)
{
	if (!v->odd.count)
		return;
	show_label(v, "Answer");
	text_word(&v->text, STYLE_WARN, "missing or not understood:");
	for (unsigned i = 0; i < v->odd.count; i++)
		text_word(&v->text, STYLE_WARN, "%s%s", v->odd.key[i], i + 1 < v->odd.count ? "," : "");
	if (v->odd.count == ODDITIES_MAX)
		text_word(&v->text, STYLE_WARN, "...");
}

char *view_status(const char *container, const json_t *status, const struct view_options *opt)
{
	struct view v = { .opt = opt, .status = status };

	text_init(&v.text, opt->width, opt->colour);
	show_summary(&v, container);
	show_volumes(&v);
	show_disks(&v);
	show_refusing_disks(&v);
	show_hanging_disks(&v);
	show_metadata(&v);
	show_stalls(&v);
	show_queues(&v);
	show_daemon(&v);
	show_oddities(&v);
	return text_finish(&v.text);
}

/* The words of a sentence, wrapped. */
static void put_sentence(struct text *t, enum style style, const char *sentence)
{
	while (*sentence) {
		int n = (int)strcspn(sentence, " ");

		text_word(t, style, "%.*s", n, sentence);
		sentence += n;
		sentence += strspn(sentence, " ");
	}
}

char *view_problem(const char *container, const char *why, const struct view_options *opt)
{
	struct text t;

	text_init(&t, opt->width, opt->colour);
	text_line(&t, 0);
	text_put(&t, STYLE_BOLD, container);
	text_put(&t, STYLE_PLAIN, ":");
	text_space(&t, 1);
	text_indent_here(&t);
	put_sentence(&t, STYLE_WARN, why);
	return text_finish(&t);
}
