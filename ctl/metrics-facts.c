/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a container, as samples: ctl/metrics.h. The daemon is asked, md and its files, and perhaps the disks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/field.h"
#include "ctl/metrics.h"
#include "lib/version.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct taking {
	struct metrics *m;
	const struct check_facts *f;
	const json_t *status;  /* NULL: the daemon has not said it */
	struct oddities odd;   /* of the status */
	struct labels labels;  /* of the container */
};

/* With one more label. */
static void put_with(struct taking *t, enum metric metric, const struct labels *l, const char *name, const char *value, double n)
{
	const struct labels with = labels_with(*l, name, value);

	metrics_put(t->m, metric, &with, n);
}

/* 1 for the word that is true, 0 for the others; nothing if none is. */
static void put_words(struct taking *t, enum metric metric, const struct labels *l, const char *name, const char *const *words,
		      size_t count, const char *word)
{
	bool known = false;

	for (size_t i = 0; i < count; i++)
		known |= strcmp(words[i], word) == 0;
	for (size_t i = 0; known && i < count; i++)
		put_with(t, metric, l, name, words[i], strcmp(words[i], word) == 0);
}

/* ---- the daemon ---- */

static void take_daemon(struct taking *t)
{
	static const char *const words[] = {
		[CHECK_DAEMON_OURS] = "mdmon",    [CHECK_DAEMON_OTHER] = "mdadm",      [CHECK_DAEMON_NONE] = "none",
		[CHECK_DAEMON_SILENT] = "silent", [CHECK_DAEMON_FORBIDDEN] = "silent", [CHECK_DAEMON_UNCLEAR] = "unclear",
	};
	static const char *const told[] = { "mdmon", "mdadm", "none", "silent", "unclear" };

	metrics_put(t->m, METRIC_UP, &t->labels, t->f->daemon == CHECK_DAEMON_OURS);
	put_words(t, METRIC_DAEMON, &t->labels, "daemon", told, COUNT(told), words[t->f->daemon]);
}

static void take_version(struct taking *t)
{
	struct labels l = labels_with(t->labels, "version", field_string(&t->odd, t->status, "version"));

	put_with(t, METRIC_BUILD, &l, "metadata", field_string(&t->odd, t->status, "metadata"), 1);
}

static void take_life(struct taking *t)
{
	uint64_t now_ms = field_number(&t->odd, t->status, "time_ms"), up_ms = field_number(&t->odd, t->status, "uptime_ms");

	metrics_put(t->m, METRIC_START_TIME, &t->labels, now_ms > up_ms ? (double)(now_ms - up_ms) / 1000 : 0);
	metrics_put(t->m, METRIC_DRAINING, &t->labels, field_bool(&t->odd, t->status, "draining", false));
	metrics_put(t->m, METRIC_UNSERVED, &t->labels, (double)json_array_size(field_array(&t->odd, t->status, "unserved")));
}

static void take_queues(struct taking *t)
{
	static const char *const queues[] = { "updates", "pings", "clients" };
	const json_t *o = field_object(&t->odd, t->status, "queues");

	for (size_t i = 0; i < COUNT(queues); i++)
		put_with(t, METRIC_QUEUE, &t->labels, "queue", queues[i], (double)field_number(&t->odd, o, queues[i]));
	metrics_put(t->m, METRIC_LOST_MESSAGES, &t->labels, (double)field_number(&t->odd, o, "lost_messages"));
}

/* The number of the last one. A daemon of before tells none. */
static void take_events(struct taking *t)
{
	const json_t *list;
	size_t count;

	if (!json_object_get(t->status, "events"))
		return;
	list = field_array(&t->odd, t->status, "events");
	count = json_array_size(list);
	metrics_put(t->m, METRIC_EVENTS, &t->labels,
		    count ? (double)field_number(&t->odd, json_array_get(list, count - 1), "number") : 0);
}

static void take_last_write(struct taking *t, const json_t *o)
{
	metrics_put(t->m, METRIC_WRITES, &t->labels, (double)field_number(&t->odd, o, "count"));
	metrics_put(t->m, METRIC_WRITE_ERRORS, &t->labels, (double)field_number(&t->odd, o, "errors"));
	metrics_put(t->m, METRIC_LAST_WRITE, &t->labels, (double)field_number(&t->odd, o, "time_ms") / 1000);
	metrics_put(t->m, METRIC_LAST_WRITE_DURATION, &t->labels, (double)field_number(&t->odd, o, "duration_us") / 1e6);
}

static void take_metadata(struct taking *t)
{
	const json_t *write = field_object_or_null(&t->odd, t->status, "last_write");
	bool writing = !field_is_null(&t->odd, t->status, "writing_ms");

	metrics_put(t->m, METRIC_GENERATION, &t->labels, (double)field_number(&t->odd, t->status, "generation"));
	metrics_put(t->m, METRIC_WRITE_RUNNING, &t->labels,
		    writing ? (double)field_number(&t->odd, t->status, "writing_ms") / 1000 : 0);
	if (write) {
		take_last_write(t, write);
	} else {
		metrics_put(t->m, METRIC_WRITES, &t->labels, 0);
		metrics_put(t->m, METRIC_WRITE_ERRORS, &t->labels, 0);
	}
}

/* A list of another length, or of something else, makes the whole answer one that is not understood. */
static void read_buckets(struct taking *t, const json_t *o, uint64_t bucket[METRICS_BUCKETS])
{
	const json_t *list = field_array(&t->odd, o, "buckets"), *n;
	size_t i;

	memset(bucket, 0, METRICS_BUCKETS * sizeof(bucket[0]));
	if (json_array_size(list) != METRICS_BUCKETS)
		field_string(&t->odd, NULL, "buckets");
	json_array_foreach (list, i, n) {
		if (!json_is_integer(n) || json_integer_value(n) < 0)
			field_string(&t->odd, NULL, "buckets");
		else if (i < METRICS_BUCKETS)
			bucket[i] = (uint64_t)json_integer_value(n);
	}
}

static void take_stalls(struct taking *t)
{
	static const char *const causes[] = { "write", "failure" };
	const json_t *stalls = field_object(&t->odd, t->status, "stalls");
	uint64_t bucket[METRICS_BUCKETS];

	for (size_t i = 0; i < COUNT(causes); i++) {
		const json_t *o = field_object(&t->odd, stalls, causes[i]);
		const struct labels l = labels_with(t->labels, "cause", causes[i]);

		read_buckets(t, o, bucket);
		metrics_put_histogram(t->m, METRIC_STALL, &l, bucket, (double)field_number(&t->odd, o, "total_us") / 1e6);
		metrics_put(t->m, METRIC_STALL_LONGEST, &l, (double)field_number(&t->odd, o, "max_us") / 1e6);
	}
}

/* ---- disks ---- */

static void take_disk(struct taking *t, const struct check_disk *d)
{
	static const char *const words[] = {
		[CHECK_USE_NOT_SAID] = "",	 [CHECK_USE_MEMBER] = "member",	  [CHECK_USE_SPARE] = "spare",
		[CHECK_USE_FAILED] = "failed",	 [CHECK_USE_MISSING] = "missing", [CHECK_USE_UNUSED] = "unused",
	};
	struct labels l = labels_with(labels_with(t->labels, "disk", d->name), "serial", d->serial);

	/* The empty word is none that a disk can have. */
	if (d->use != CHECK_USE_NOT_SAID)
		put_words(t, METRIC_DISK_STATE, &l, "state", words + 1, COUNT(words) - 1, words[d->use]);
	if (t->status && d->use != CHECK_USE_NOT_SAID && d->name[0]) {
		metrics_put(t->m, METRIC_DISK_WRITE_FAILED, &l, d->refuses);
		metrics_put(t->m, METRIC_DISK_LATE, &l, (double)d->hangs_ms / 1000);
	}
	if (t->f->read && d->own && d->compared)
		metrics_put(t->m, METRIC_DISK_BEHIND, &l, (double)d->behind);
}

/* Disks of others are looked at, too, when one is needed. */
static void take_disks(struct taking *t)
{
	for (size_t i = 0; i < t->f->disks; i++) {
		const struct check_disk *d = &t->f->disk[i];

		if (d->use != CHECK_USE_NOT_SAID || check_is_here(t->f, d))
			take_disk(t, d);
	}
}

/* ---- volumes ---- */

static void take_members(struct taking *t, const struct check_volume *v, const struct labels *l)
{
	static const char *const states[] = { "in_sync", "rebuilding", "failed", "missing" };
	unsigned count[COUNT(states)] = { 0 };

	for (unsigned i = 0; i < v->raid_disks; i++)
		for (size_t k = 0; k < COUNT(states); k++)
			count[k] += v->slot[i].told && strcmp(v->slot[i].told_state, states[k]) == 0;
	for (size_t k = 0; k < COUNT(states); k++)
		put_with(t, METRIC_VOLUME_MEMBERS, l, "state", states[k], count[k]);
}

static void take_told_volume(struct taking *t, const struct check_volume *v, const json_t *o, const struct labels *l)
{
	static const char *const states[] = { "normal", "degraded", "failed", "uninitialized" };
	const json_t *sync = field_object_or_null(&t->odd, o, "sync");

	put_words(t, METRIC_VOLUME_STATE, l, "state", states, COUNT(states), v->told_state);
	metrics_put(t->m, METRIC_VOLUME_SIZE, l, (double)field_number(&t->odd, o, "size_kib") * 1024);
	metrics_put(t->m, METRIC_VOLUME_DIRTY, l, field_bool(&t->odd, o, "dirty", false));
	take_members(t, v, l);
	if (sync)
		metrics_put(t->m, METRIC_VOLUME_SYNC_SPEED, l, (double)field_number(&t->odd, sync, "speed_kib") * 1024);
}

static void take_sync(struct taking *t, const struct check_volume *v, const struct labels *l)
{
	static const char *const actions[] = { "resync", "recover", "check", "repair", "reshape" };
	const bool runs = sync_action_runs(sysfs_parse_sync_action(v->sync_action));

	for (size_t i = 0; i < COUNT(actions); i++)
		put_with(t, METRIC_VOLUME_SYNC, l, "action", actions[i], runs && strcmp(v->sync_action, actions[i]) == 0);
	if (runs && v->sync_total)
		metrics_put(t->m, METRIC_VOLUME_SYNC_RATIO, l, (double)v->sync_done / (double)v->sync_total);
}

static void take_running(struct taking *t, const struct check_volume *v, const struct labels *l)
{
	metrics_put(t->m, METRIC_VOLUME_DISKS, l, v->raid_disks);
	metrics_put(t->m, METRIC_VOLUME_DISKS_MISSING, l, v->missing);
	if (v->redundant)
		take_sync(t, v, l);
	for (unsigned i = 0; i < v->raid_disks; i++)
		if (v->slot[i].disk[0])
			put_with(t, METRIC_VOLUME_BAD_BLOCKS, l, "disk", v->slot[i].disk, v->slot[i].bad_blocks);
}

/* The object in the status; NULL: the daemon does not know it. */
static const json_t *told_volume(struct taking *t, const struct check_volume *v)
{
	const json_t *list = field_array(&t->odd, t->status, "volumes"), *o;
	size_t i;

	json_array_foreach (list, i, o)
		if (field_number(&t->odd, o, "index") == (uint64_t)v->index)
			return o;
	return NULL;
}

/* Names need not differ, and one that does not run has no device: the index is what tells them apart. */
static void take_volume(struct taking *t, const struct check_volume *v)
{
	const json_t *told = t->status ? told_volume(t, v) : NULL;
	char index[16];
	struct labels l, info;

	snprintf(index, sizeof(index), "%d", v->index);
	l = labels_with(labels_with(labels_with(t->labels, "index", index), "volume", v->name), "device", v->device);
	info = labels_with(l, "level", v->level);
	metrics_put(t->m, METRIC_VOLUME, &info, 1);
	if (told)
		take_told_volume(t, v, told, &l);
	if (v->device[0])
		take_running(t, v, &l);
}

/* ---- what check finds ---- */

static void take_findings(struct taking *t, const struct check_findings *found)
{
	static const char *const words[] = { [CHECK_WARNING] = "warning", [CHECK_CRITICAL] = "critical", [CHECK_UNKNOWN] = "unknown" };
	unsigned count[COUNT(words)] = { 0 };

	for (size_t i = 0; i < found->count; i++) {
		const struct check_finding *n = &found->finding[i];
		struct labels l = labels_with(labels_with(t->labels, "severity", words[n->severity]), "name", n->name);

		count[n->severity]++;
		put_with(t, METRIC_FINDING, &l, "subject", n->subject, 1);
	}
	for (size_t i = CHECK_WARNING; i < COUNT(words); i++)
		put_with(t, METRIC_FINDINGS, &t->labels, "severity", words[i], count[i]);
}

/* ---- all ---- */

static void take_status(struct taking *t)
{
	take_version(t);
	take_life(t);
	take_queues(t);
	take_events(t);
	take_metadata(t);
	take_stalls(t);
}

static void take_all(struct taking *t, const struct check_findings *found)
{
	take_daemon(t);
	if (t->status)
		take_status(t);
	take_disks(t);
	for (size_t i = 0; i < t->f->volumes; i++)
		take_volume(t, &t->f->volume[i]);
	if (found)
		take_findings(t, found);
}

/* What is odd shows only when all of it has been read. */
static bool is_as_promised(const struct taking *t, char *why)
{
	struct metrics nowhere = { .muted = true };
	struct taking trial = *t;
	int have;

	trial.m = &nowhere;
	take_all(&trial, NULL);
	have = snprintf(why, CHECK_TEXT_MAX, "missing, or of another type than promised:");
	for (unsigned i = 0; i < trial.odd.count && have < CHECK_TEXT_MAX; i++)
		have += snprintf(why + have, CHECK_TEXT_MAX - (size_t)have, "%s %s", i ? "," : "", trial.odd.key[i]);
	return !trial.odd.count;
}

bool metrics_take(struct metrics *m, const struct check_facts *f, const json_t *status, const struct check_findings *found,
		  char *why)
{
	struct taking t = { .m = m, .f = f, .status = status };

	t.labels = labels_with((struct labels){ 0 }, "container", f->container);
	if (status && !is_as_promised(&t, why))
		return false;
	take_all(&t, found);
	return true;
}

void metrics_take_program(struct metrics *m)
{
	const struct labels l = labels_with((struct labels){ 0 }, "version", MDMON_VERSION);

	metrics_put(m, METRIC_CTL_BUILD, &l, 1);
}
