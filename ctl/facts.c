/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/facts.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/facts.h"

#define PATH_TEXT_MAX 512

/* ---- making it ---- */

static struct json_facts *of(struct facts *f)
{
	return (struct json_facts *)(void *)((char *)f - offsetof(struct json_facts, f));
}

/* Takes the value over, also if it is NULL or cannot be put. */
static void put(struct json_facts *j, const char *key, json_t *value)
{
	json_t *to = j->depth ? j->open[j->depth - 1] : NULL;
	int err;

	if (!to || !value) {
		json_decref(value);
		err = -1;
	} else if (json_is_array(to)) {
		err = json_array_append_new(to, value);
	} else {
		err = json_object_set_new(to, key ? key : "", value);
	}
	if (err)
		j->failed = true;
}

static void begin(struct facts *f, const char *key, bool list)
{
	struct json_facts *j = of(f);
	json_t *value = list ? json_array() : json_object();

	put(j, key, value);
	if (j->depth == FACTS_DEPTH_MAX)
		j->failed = true;
	else
		j->open[j->depth++] = j->failed ? NULL : value;
}

static void end(struct facts *f)
{
	struct json_facts *j = of(f);

	if (j->depth > 1)
		j->depth--;
}

/* What is too large for a number of JSON becomes its digits. */
static void number(struct facts *f, const char *key, uint64_t n)
{
	put(of(f), key, n <= INT64_MAX ? json_integer((json_int_t)n) : json_sprintf("%llu", (unsigned long long)n));
}

static void flag(struct facts *f, const char *key, bool b)
{
	put(of(f), key, json_boolean(b));
}

json_t *json_any_text(const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	json_t *value = json_stringn(s, len);
	char *ascii;

	if (value)
		return value;
	ascii = malloc(len + 1);
	if (!ascii)
		return NULL;
	for (size_t i = 0; i < len; i++)
		ascii[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
	value = json_stringn(ascii, len);
	free(ascii);
	return value;
}

static void text(struct facts *f, const char *key, const char *s, size_t max)
{
	put(of(f), key, s ? json_any_text(s, max) : json_null());
}

static json_t *device_name(const struct json_facts *j, int i)
{
	return i >= 0 && (size_t)i < j->names ? json_any_text(j->name[i], SIZE_MAX) : json_null();
}

static void device(struct facts *f, const char *key, int i)
{
	put(of(f), key, device_name(of(f), i));
}

static void problem(struct facts *f, int i, const char *line)
{
	struct json_facts *j = of(f);

	if (json_array_append_new(j->problems, json_pack("{s:o, s:o}", "device", device_name(j, i), "text",
							 json_any_text(line, FACTS_LINE_MAX))) < 0)
		j->failed = true;
}

void json_facts_init(struct json_facts *j, const char *const *name, size_t names)
{
	*j = (struct json_facts){
		.f = { begin, end, number, flag, text, device, problem },
		.object = json_object(),
		.problems = json_array(),
		.name = name,
		.names = names,
		.depth = 1,
	};
	j->open[0] = j->object;
	j->failed = !j->object || !j->problems;
}

/* ---- comparing ---- */

struct comparison {
	json_t *paths; /* an object, whose keys they are: each once, in the order in which they were found */
	bool strict;   /* members that only one has are a difference */
	bool failed;
};

static void note(struct comparison *c, const char *path)
{
	if (json_object_set_new(c->paths, path, json_true()) < 0)
		c->failed = true;
}

static void compare(struct comparison *c, const json_t *a, const json_t *b, const char *path);

static void compare_member(struct comparison *c, const json_t *a, const json_t *b, const char *path, const char *key)
{
	char below[PATH_TEXT_MAX];

	snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", key);
	if (a && b)
		compare(c, a, b, below);
	else if (c->strict)
		note(c, below);
}

static void compare_objects(struct comparison *c, const json_t *a, const json_t *b, const char *path)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)a, key, value)
		compare_member(c, value, json_object_get(b, key), path, key);
	json_object_foreach ((json_t *)(uintptr_t)b, key, value)
		if (!json_object_get(a, key))
			compare_member(c, NULL, value, path, key);
}

static void compare_arrays(struct comparison *c, const json_t *a, const json_t *b, const char *path)
{
	size_t n = json_array_size(a), m = json_array_size(b);
	char below[PATH_TEXT_MAX];

	if (n != m)
		note(c, path);
	for (size_t i = 0; i < n && i < m; i++) {
		snprintf(below, sizeof(below), "%s[%zu]", path, i);
		compare(c, json_array_get(a, i), json_array_get(b, i), below);
	}
}

/* As deep as metadata are: a few levels. */
static void compare(struct comparison *c, const json_t *a, const json_t *b, const char *path)
{
	if (json_is_object(a) && json_is_object(b))
		compare_objects(c, a, b, path);
	else if (json_is_array(a) && json_is_array(b))
		compare_arrays(c, a, b, path);
	else if (!json_equal(a, b))
		note(c, path);
}

static bool same_device(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "device"), json_object_get(b, "device"));
}

/* With the first one of its own device, and with the first one of all. */
static void compare_copy(struct comparison *c, const json_t *copies, size_t i)
{
	const json_t *copy = json_array_get(copies, i), *other;
	bool first = true, own = false;
	size_t k;

	if (!json_is_true(json_object_get(copy, "compared")))
		return;
	json_array_foreach (copies, k, other) {
		bool same = same_device(copy, other);

		if (k >= i)
			break;
		if (!json_is_true(json_object_get(other, "compared")) || (!first && (!same || own)))
			continue;
		c->strict = same;
		compare(c, json_object_get(other, "metadata"), json_object_get(copy, "metadata"), "");
		first = false;
		own |= same;
	}
}

json_t *facts_differences(const json_t *copies)
{
	struct comparison c = { .paths = json_object() };
	json_t *list = json_array(), *value;
	const char *key;

	for (size_t i = 0; c.paths && i < json_array_size(copies); i++)
		compare_copy(&c, copies, i);
	json_object_foreach (c.paths, key, value)
		if (json_array_append_new(list, json_string(key)) < 0)
			c.failed = true;
	if (!c.paths || c.failed) {
		json_decref(list);
		list = NULL;
	}
	json_decref(c.paths);
	return list;
}

const json_t *facts_at(const json_t *metadata, const char *path)
{
	char key[PATH_TEXT_MAX];

	while (metadata && *path) {
		const size_t len = strcspn(path, ".[");

		if (*path == '[') {
			metadata = strchr(path, ']') ? json_array_get(metadata, strtoul(path + 1, NULL, 10)) : NULL;
			path += strcspn(path, "]") + 1;
		} else if (*path == '.') {
			path++;
		} else {
			snprintf(key, sizeof(key), "%.*s", (int)len, path);
			metadata = json_object_get(metadata, key);
			path += len;
		}
	}
	return metadata;
}
