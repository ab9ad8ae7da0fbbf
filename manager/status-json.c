/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why this exists: nobody should have to guess what the daemon is doing. What it says of itself is JSON, so that
 * scripts can rely on it; docs/status.md is the promise, and this file writes it down field by field, in its order.
 *
 * The daemon lives in an initramfs, so there is no JSON library. Writing needs little of one: a buffer that grows,
 * commas, and the escaping of text that comes from disks and may be anything.
 */
#include "lib/clock.h"
#include "lib/version.h"
#include "manager/status-json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define SCHEMA 1
#define FIRST_SIZE 4096
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* ---- JSON ---- */

struct out {
	char *text; /* not terminated before the end */
	size_t len, size;
	bool failed; /* no memory: what follows is ignored */
};

static void make_room(struct out *o, size_t n)
{
	size_t size = o->size ? o->size : FIRST_SIZE;
	char *text;

	while (size - o->len < n)
		size *= 2;
	if (size == o->size)
		return;
	text = realloc(o->text, size);
	o->failed = !text;
	if (!text)
		return;
	o->text = text;
	o->size = size;
}

static void put_bytes(struct out *o, const void *bytes, size_t n)
{
	if (!o->failed)
		make_room(o, n);
	if (o->failed)
		return;
	memcpy(o->text + o->len, bytes, n);
	o->len += n;
}

static void put(struct out *o, const char *text)
{
	put_bytes(o, text, strlen(text));
}

/* Bytes of the character at the start of s, and which one; 0: not UTF-8 (also overlong forms and surrogates). */
static size_t decode_utf8(const unsigned char *s, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0xc0 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	*c = s[0];
	if (s[0] < 0x80)
		return 1;
	if (len == 1 || s[0] >= 0xf8 || len > n)
		return 0;
	*c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return *c >= least[len] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff) ? len : 0;
}

/* DEL and U+0080 to U+009F could stay as they are for JSON, but people will look at this on a terminal. */
static bool needs_escape(uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c <= 0x9f);
}

static void put_escaped(struct out *o, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	char escape[16];
	uint32_t c;

	while (n) {
		size_t len = decode_utf8(s, n, &c);

		if (!len) {
			put(o, REPLACEMENT);
			len = 1;
		} else if (needs_escape(c)) {
			snprintf(escape, sizeof(escape), "\\u%04" PRIx32, c);
			put(o, escape);
		} else {
			put_bytes(o, s, len);
		}
		s += len;
		n -= len;
	}
}

/* What stands before each value: a comma unless it is the first here, and in an object (not in an array) its key. */
static void put_key(struct out *o, const char *key)
{
	char last = o->len ? o->text[o->len - 1] : '{';

	if (last != '{' && last != '[')
		put(o, ",");
	if (!key)
		return;
	put(o, "\"");
	put(o, key);
	put(o, "\":");
}

static void put_word(struct out *o, const char *key, const char *word)
{
	put_key(o, key);
	put(o, word);
}

static void put_null(struct out *o, const char *key)
{
	put_word(o, key, "null");
}

static void put_bool(struct out *o, const char *key, bool on)
{
	put_word(o, key, on ? "true" : "false");
}

static void put_integer(struct out *o, const char *key, int64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, n);
	put_word(o, key, digits);
}

/* Readers hold integers in 64 bits with a sign and refuse the whole text for one that does not fit. */
static void put_count(struct out *o, const char *key, uint64_t n)
{
	put_integer(o, key, n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

static void put_kib(struct out *o, const char *key, uint64_t sectors)
{
	put_count(o, key, sectors / 2);
}

/* Ends at a zero, or after `max` bytes. */
static void put_string_max(struct out *o, const char *key, const char *text, size_t max)
{
	put_key(o, key);
	put(o, "\"");
	put_escaped(o, text, strnlen(text, max));
	put(o, "\"");
}

/* NULL: null. */
static void put_string(struct out *o, const char *key, const char *text)
{
	if (text)
		put_string_max(o, key, text, strlen(text));
	else
		put_null(o, key);
}

#define PUT_FIXED(o, key, array) put_string_max(o, key, array, sizeof(array))

/* ---- disks ---- */

/* All that is being written; the names so that a disk is looked up once, and is called the same everywhere. */
struct writer {
	struct out o;
	const struct status *s;
	unsigned report_disks;
	char name[REPORT_DISKS][MEMBER_NAME_MAX];
};

static void number_text(dev_t dev, char *text, size_t size)
{
	snprintf(text, size, "%u:%u", major(dev), minor(dev));
}

static void name_disk(const struct status *s, dev_t dev, char *name, size_t size)
{
	if (s->disk_name(dev, name, size) < 0)
		number_text(dev, name, size);
}

static unsigned at_most(unsigned count, unsigned limit)
{
	return count < limit ? count : limit;
}

static void name_report_disks(struct writer *w)
{
	const struct report *r = w->s->report;

	w->report_disks = r ? at_most(r->disk_count, REPORT_DISKS) : 0;
	for (unsigned i = 0; i < w->report_disks; i++)
		if (r->disk[i].dev)
			name_disk(w->s, r->disk[i].dev, w->name[i], sizeof(w->name[i]));
}

/* NULL: there is no such disk in the report (-1 is too many as well), or it is not there. */
static const char *report_disk_name(const struct writer *w, int disk)
{
	if ((unsigned)disk >= w->report_disks || !w->s->report->disk[disk].dev)
		return NULL;
	return w->name[disk];
}

static bool is_reported(const struct writer *w, dev_t dev)
{
	for (unsigned i = 0; i < w->report_disks; i++)
		if (w->s->report->disk[i].dev == dev)
			return true;
	return false;
}

/* What is no value of these enums must not look healthy. */
static const char *disk_word(enum report_disk_state state)
{
	switch (state) {
	case REPORT_DISK_MEMBER: return "member";
	case REPORT_DISK_SPARE: return "spare";
	case REPORT_DISK_FAILED: return "failed";
	case REPORT_DISK_MISSING: return "missing";
	}
	return "failed";
}

static const char *volume_word(enum report_volume_state state)
{
	switch (state) {
	case REPORT_VOLUME_NORMAL: return "normal";
	case REPORT_VOLUME_DEGRADED: return "degraded";
	case REPORT_VOLUME_FAILED: return "failed";
	case REPORT_VOLUME_UNINITIALIZED: return "uninitialized";
	}
	return "failed";
}

static const char *member_word(enum report_member_state state)
{
	switch (state) {
	case REPORT_IN_SYNC: return "in_sync";
	case REPORT_REBUILDING: return "rebuilding";
	case REPORT_FAILED_MEMBER: return "failed";
	case REPORT_MISSING: return "missing";
	}
	return "failed";
}

static void put_disk_place(struct out *o, const char *name, dev_t dev)
{
	char number[32];

	number_text(dev, number, sizeof(number));
	put_string(o, "name", name);
	put_string(o, "dev", name ? number : NULL);
}

static void put_hanging(struct out *o, uint64_t now_ns, uint64_t since_ns)
{
	if (!since_ns)
		put_null(o, "hangs_ms");
	else
		put_count(o, "hangs_ms", now_ns > since_ns ? (now_ns - since_ns) / NS_PER_MS : 0);
}

static void put_report_disk(struct writer *w, unsigned i)
{
	const struct report_disk *d = &w->s->report->disk[i];
	struct out *o = &w->o;

	put_word(o, NULL, "{");
	put_disk_place(o, report_disk_name(w, (int)i), d->dev);
	PUT_FIXED(o, "serial", d->serial);
	put_string(o, "state", disk_word(d->state));
	put_bool(o, "writable", !d->unwritable);
	put_hanging(o, w->s->now_ns, d->hangs_since_ns);
	put(o, "}");
}

static void put_unused_disk(struct writer *w, dev_t dev)
{
	char name[MEMBER_NAME_MAX];
	struct out *o = &w->o;

	name_disk(w->s, dev, name, sizeof(name));
	put_word(o, NULL, "{");
	put_disk_place(o, name, dev);
	put_string(o, "serial", "");
	put_string(o, "state", "unused");
	put_bool(o, "writable", true);
	put_null(o, "hangs_ms");
	put(o, "}");
}

static void put_disks(struct writer *w)
{
	put_word(&w->o, "disks", "[");
	for (unsigned i = 0; i < w->report_disks; i++)
		put_report_disk(w, i);
	for (size_t i = 0; i < w->s->disk_count; i++)
		if (!is_reported(w, w->s->disks[i]))
			put_unused_disk(w, w->s->disks[i]);
	put(&w->o, "]");
}

/* ---- volumes ---- */

static void put_sync(struct out *o, const struct status_array *a)
{
	if (!a || !a->action[0]) {
		put_null(o, "sync");
		return;
	}
	put_word(o, "sync", "{");
	PUT_FIXED(o, "action", a->action);
	put_kib(o, "done_kib", a->done);
	put_kib(o, "total_kib", a->total);
	put_count(o, "speed_kib", a->speed_kib);
	put(o, "}");
}

static void put_members(struct writer *w, const struct report_volume *v)
{
	unsigned count = at_most(v->member_count, REPORT_MEMBERS);
	struct out *o = &w->o;

	put_word(o, "members", "[");
	for (unsigned i = 0; i < count; i++) {
		put_word(o, NULL, "{");
		put_integer(o, "slot", i);
		put_string(o, "disk", report_disk_name(w, v->member[i].disk));
		put_string(o, "state", member_word((enum report_member_state)v->member[i].state));
		put(o, "}");
	}
	put(o, "]");
}

/* NULL: it does not run, or nobody looks after it. */
static const struct status_array *array_of(const struct status *s, int index)
{
	for (size_t i = 0; i < s->array_count; i++)
		if (s->arrays[i].index == index)
			return &s->arrays[i];
	return NULL;
}

/* Such as of the kernel: null when it says nothing. */
static void put_word_or_null(struct out *o, const char *key, const char *word, size_t max)
{
	if (word && word[0])
		put_string_max(o, key, word, max);
	else
		put_null(o, key);
}

static void put_volume(struct writer *w, const struct report_volume *v)
{
	const struct status_array *a = array_of(w->s, v->index);
	struct out *o = &w->o;
	char level[16];

	snprintf(level, sizeof(level), "raid%d", v->level);
	put_word(o, NULL, "{");
	put_integer(o, "index", v->index);
	PUT_FIXED(o, "name", v->name);
	put_word_or_null(o, "device", a ? a->device : NULL, sizeof(a->device));
	put_string(o, "level", level);
	put_kib(o, "size_kib", v->size);
	put_string(o, "state", volume_word(v->state));
	put_bool(o, "dirty", v->dirty);
	put_word_or_null(o, "array_state", a ? a->array_state : NULL, sizeof(a->array_state));
	put_sync(o, a);
	put_members(w, v);
	put(o, "}");
}

static void put_volumes(struct writer *w)
{
	const struct report *r = w->s->report;
	unsigned count = r ? at_most(r->volume_count, REPORT_VOLUMES) : 0;

	put_word(&w->o, "volumes", "[");
	for (unsigned i = 0; i < count; i++)
		put_volume(w, &r->volume[i]);
	put(&w->o, "]");
}

/* ---- what the daemon does ---- */

static void put_failed_writes(struct out *o, const struct status *s)
{
	const struct report_write *wr = &s->report->write;
	unsigned count = at_most(wr->failed_count, REPORT_FAILED);
	char name[MEMBER_NAME_MAX];

	put_word(o, "failed", "[");
	for (unsigned i = 0; i < count; i++) {
		name_disk(s, wr->failed[i], name, sizeof(name));
		put_string(o, NULL, name);
	}
	put(o, "]");
}

static void put_last_write(struct out *o, const struct status *s)
{
	const struct report_write *wr = s->report ? &s->report->write : NULL;

	if (!wr || !wr->count) {
		put_null(o, "last_write");
		return;
	}
	put_word(o, "last_write", "{");
	put_count(o, "time_ms", wr->end_ms);
	put_count(o, "duration_us", wr->duration_us);
	put_count(o, "disks", wr->disks);
	put_failed_writes(o, s);
	put_count(o, "count", wr->count);
	put_count(o, "errors", wr->errors);
	put(o, "}");
}

static void put_queues(struct out *o, const struct status *s)
{
	put_word(o, "queues", "{");
	put_count(o, "updates", s->updates);
	put_count(o, "pings", s->pings);
	put_count(o, "clients", s->clients);
	put_count(o, "lost_messages", s->lost_messages);
	put(o, "}");
}

static void put_stall(struct out *o, const char *key, const struct stall_stats *stall)
{
	put_word(o, key, "{");
	put_count(o, "count", stall->count);
	put_count(o, "total_us", stall->total_us);
	put_count(o, "max_us", stall->max_us);
	put_word(o, "buckets", "[");
	for (unsigned i = 0; i < STALL_BUCKETS; i++)
		put_count(o, NULL, stall->bucket[i]);
	put(o, "]}");
}

static void put_stalls(struct out *o, const struct report *r)
{
	static const struct stall_stats none;

	put_word(o, "stalls", "{");
	put_stall(o, "write", r ? &r->write_stalls : &none);
	put_stall(o, "failure", r ? &r->failure_stalls : &none);
	put(o, "}");
}

static void put_daemon(struct out *o, const struct status *s)
{
	put_integer(o, "schema", SCHEMA);
	put_string(o, "version", MDMON_VERSION);
	put_integer(o, "pid", s->pid);
	put_string(o, "container", s->container);
	put_string(o, "metadata", s->metadata);
	put_count(o, "time_ms", s->time_ms);
	put_count(o, "uptime_ms", s->uptime_ms);
	put_bool(o, "draining", s->draining);
	put_word(o, "unserved", "[");
	for (unsigned i = 0; i < s->unserved_count; i++)
		put_string(o, NULL, s->unserved[i]);
	put(o, "]");
}

static void put_work(struct out *o, const struct status *s)
{
	put_count(o, "generation", s->report ? s->report->generation : 0);
	if (s->writing)
		put_count(o, "writing_ms", s->writing_ms);
	else
		put_null(o, "writing_ms");
	put_last_write(o, s);
	put_queues(o, s);
	put_stalls(o, s->report);
}

/* ---- what it has seen and done ---- */

/* What is no value of the enum must not look harmless. */
static const char *level_word(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "err";
	case LOG_LEVEL_WARNING: return "warning";
	case LOG_LEVEL_INFO: return "info";
	case LOG_LEVEL_DEBUG: return "debug";
	}
	return "err";
}

static void put_event(struct out *o, const struct event *e)
{
	put_word(o, NULL, "{");
	put_count(o, "number", e->number);
	put_count(o, "time_ms", e->time_ms);
	put_string(o, "priority", level_word(e->level));
	PUT_FIXED(o, "event", e->name);
	put_word_or_null(o, "array", e->array, sizeof(e->array));
	put_word_or_null(o, "disk", e->disk, sizeof(e->disk));
	PUT_FIXED(o, "text", e->text);
	put(o, "}");
}

/* Helpers may add some meanwhile: no more than there is room for, so that this ends. */
static void put_events(struct out *o, const struct status *s)
{
	struct event e = { .number = 0 };
	unsigned count = 0;

	put_word(o, "events", "[");
	while (count++ < EVENTS_KEPT && s->next_event(e.number, &e))
		put_event(o, &e);
	put(o, "]");
}

char *status_to_json(const struct status *s)
{
	struct writer w = { .s = s };

	name_report_disks(&w);
	put(&w.o, "{");
	put_daemon(&w.o, s);
	put_work(&w.o, s);
	put_disks(&w);
	put_volumes(&w);
	put_events(&w.o, s);
	put_bytes(&w.o, "}", sizeof("}")); /* with the terminating zero */
	if (!w.o.failed)
		return w.o.text;
	free(w.o.text);
	return NULL;
}
