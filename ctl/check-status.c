/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a daemon says of itself (docs/status.md), as facts: ctl/check-gather.h. Pure: the answer may be anything. */
#include <stdio.h>
#include <string.h>

#include "ctl/check-gather.h"
#include "ctl/field.h"

struct taking {
	struct check_facts *f;
	struct oddities odd;
	bool failed; /* memory ran out */
};

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

/* ---- disks ---- */

static enum check_use use_of(struct oddities *odd, const char *word)
{
	static const struct {
		const char *word;
		enum check_use use;
	} words[] = {
		{ "member", CHECK_USE_MEMBER },   { "spare", CHECK_USE_SPARE },   { "failed", CHECK_USE_FAILED },
		{ "missing", CHECK_USE_MISSING }, { "unused", CHECK_USE_UNUSED },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].use;
	if (odd->count < ODDITIES_MAX)
		odd->key[odd->count++] = "state";
	return CHECK_USE_NOT_SAID;
}

static void take_disk(struct taking *t, const json_t *o)
{
	const char *name = field_string_or_null(&t->odd, o, "name");
	struct check_disk *d = check_add_disk(t->f, name ? name : "");

	if (!d) {
		t->failed = true;
		return;
	}
	copy_text(d->serial, sizeof(d->serial), field_string(&t->odd, o, "serial"));
	d->use = use_of(&t->odd, field_string(&t->odd, o, "state"));
	d->refuses = !field_bool(&t->odd, o, "writable", true);
	/* A daemon of before does not say so. */
	d->hangs = json_object_get(o, "hangs_ms") && !field_is_null(&t->odd, o, "hangs_ms");
	if (d->hangs)
		d->hangs_ms = field_number(&t->odd, o, "hangs_ms");
}

/* ---- volumes ---- */

static void take_member(struct taking *t, struct check_volume *v, const json_t *o)
{
	struct check_slot *s = check_add_slot(v, field_number(&t->odd, o, "slot"));
	const char *disk = field_string_or_null(&t->odd, o, "disk"), *state = field_string(&t->odd, o, "state");

	if (!s)
		return;
	s->told = true;
	copy_text(s->told_disk, sizeof(s->told_disk), disk);
	copy_text(s->told_state, sizeof(s->told_state), state);
}

static void take_volume(struct taking *t, const json_t *o)
{
	uint64_t index = field_number(&t->odd, o, "index");
	struct check_volume *v = index < INT32_MAX ? check_add_volume(t->f, (int)index) : NULL;
	const json_t *members = field_array(&t->odd, o, "members"), *member;
	size_t i;

	if (!v) {
		t->failed = true;
		return;
	}
	copy_text(v->name, sizeof(v->name), field_string(&t->odd, o, "name"));
	copy_text(v->level, sizeof(v->level), field_string(&t->odd, o, "level"));
	v->redundant = sysfs_parse_level(v->level) > 0;
	copy_text(v->told_state, sizeof(v->told_state), field_string(&t->odd, o, "state"));
	json_array_foreach (members, i, member)
		take_member(t, v, member);
}

/* ---- the rest ---- */

static void take_stall(struct taking *t, const json_t *o)
{
	uint64_t max = field_number(&t->odd, o, "max_us");

	if (max > t->f->stall_us)
		t->f->stall_us = max;
}

static void take_daemon(struct taking *t, const json_t *o)
{
	const json_t *write = field_object_or_null(&t->odd, o, "last_write"), *stalls = field_object(&t->odd, o, "stalls");
	struct check_facts *f = t->f;

	copy_text(f->format, sizeof(f->format), field_string(&t->odd, o, "metadata"));
	f->told_time_ms = field_number(&t->odd, o, "time_ms");
	f->uptime_ms = field_number(&t->odd, o, "uptime_ms");
	f->draining = field_bool(&t->odd, o, "draining", false);
	f->generation = field_number(&t->odd, o, "generation");
	if (!field_is_null(&t->odd, o, "writing_ms"))
		f->writing_ms = field_number(&t->odd, o, "writing_ms");
	if (write)
		f->written_ms = field_number(&t->odd, write, "time_ms");
	take_stall(t, field_object(&t->odd, stalls, "write"));
	take_stall(t, field_object(&t->odd, stalls, "failure"));
}

/* By its device: the volume gets that from md, and is marked then. */
static void take_unserved(struct taking *t, const json_t *list)
{
	const json_t *name;
	size_t i;

	json_array_foreach (list, i, name) {
		struct check_volume *v = check_add_volume(t->f, -1 - (int)i);

		if (!v) {
			t->failed = true;
			return;
		}
		v->unserved = true;
		copy_text(v->device, sizeof(v->device), json_string_value(name));
	}
}

static void not_believed(struct check_facts *f, const struct oddities *odd)
{
	const struct check_facts nothing = { .daemon = CHECK_DAEMON_UNCLEAR, .pid = f->pid, .now_ms = f->now_ms };
	struct check_facts old = *f;
	size_t have;

	check_facts_free(f);
	*f = nothing;
	memcpy(f->container, old.container, sizeof(f->container));
	have = (size_t)snprintf(f->daemon_problem, sizeof(f->daemon_problem), "missing, or of another type than promised:");
	for (unsigned i = 0; i < odd->count && have < sizeof(f->daemon_problem); i++)
		have += (size_t)snprintf(f->daemon_problem + have, sizeof(f->daemon_problem) - have, "%s %s", i ? "," : "",
					 odd->key[i]);
}

void check_take_status(struct check_facts *f, const json_t *status)
{
	struct taking t = { .f = f };
	const json_t *disks = field_array(&t.odd, status, "disks"), *volumes = field_array(&t.odd, status, "volumes"), *o;
	size_t i;

	f->daemon = CHECK_DAEMON_OURS;
	take_daemon(&t, status);
	json_array_foreach (disks, i, o)
		take_disk(&t, o);
	json_array_foreach (volumes, i, o)
		take_volume(&t, o);
	take_unserved(&t, field_array(&t.odd, status, "unserved"));
	if (t.failed && t.odd.count < ODDITIES_MAX)
		t.odd.key[t.odd.count++] = "too much to hold";
	if (t.odd.count)
		not_believed(f, &t.odd);
}
