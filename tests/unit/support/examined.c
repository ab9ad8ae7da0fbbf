/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See examined.h. */
#include "tests/unit/support/examined.h"

#include <stdlib.h>
#include <string.h>

static const struct ctl_paths nowhere = { "/nowhere", "/nowhere", "/nowhere", "/nowhere" };
json_t *got;

void examine(unsigned count)
{
	const char *name[IMAGES_MAX];

	for (unsigned i = 0; i < count; i++)
		name[i] = image_path(i);
	json_decref(got);
	got = examine_devices(&nowhere, name, count);
	assert_non_null(got);
}

void examine_named(const char *path)
{
	json_decref(got);
	got = examine_devices(&nowhere, &path, 1);
	assert_non_null(got);
}

const json_t *set(unsigned i)
{
	return json_array_get(json_object_get(got, "sets"), i);
}

const json_t *copy(unsigned i)
{
	return json_array_get(json_object_get(set(0), "copies"), i);
}

/* At a path in the ith copy. */
const json_t *at(unsigned i, const char *path)
{
	const json_t *value = facts_at(copy(i), path);

	if (!value)
		fail_msg("copy %u has no %s", i, path);
	return value;
}

const char *text_at(unsigned i, const char *path)
{
	return json_string_value(at(i, path));
}

uint64_t number_at(unsigned i, const char *path)
{
	assert_true(json_is_integer(at(i, path)));
	return (uint64_t)json_integer_value(at(i, path));
}

bool healthy(void)
{
	return json_is_true(json_object_get(got, "healthy"));
}

/* Some problem of this device ("": of all together) has these words. */
bool has_problem(const char *device, const char *words)
{
	const json_t *problem;
	size_t i;

	json_array_foreach (json_object_get(set(0), "problems"), i, problem) {
		const char *name = json_string_value(json_object_get(problem, "device"));

		if (strcmp(name ? name : "", device) == 0 && strstr(json_string_value(json_object_get(problem, "text")), words))
			return true;
	}
	return false;
}

void assert_problem(unsigned image, const char *words)
{
	if (!has_problem(image_path(image), words))
		fail_msg("no problem \"%s\" in %s", words, json_dumps(json_object_get(set(0), "problems"), 0));
	assert_false(healthy());
}

void assert_differs(const char *path, bool expected)
{
	const json_t *value;
	bool found = false;
	size_t i;

	json_array_foreach (json_object_get(set(0), "differs"), i, value)
		found |= strcmp(json_string_value(value), path) == 0;
	if (found != expected)
		fail_msg("%s: %s", path, json_dumps(json_object_get(set(0), "differs"), 0));
}

void assert_choice(const char *who, int image, const char *which)
{
	const json_t *choice = json_object_get(json_object_get(set(0), "choice"), who);
	const char *device = json_string_value(json_object_get(choice, "device"));

	if (image < 0) {
		assert_null(device);
		return;
	}
	assert_string_equal(device, image_path((unsigned)image));
	assert_string_equal(json_string_value(json_object_get(choice, "copy")), which);
}

bool is_taken_by(unsigned i, const char *who)
{
	const json_t *name;
	size_t k;

	json_array_foreach (at(i, "taken_by"), k, name)
		if (strcmp(json_string_value(name), who) == 0)
			return true;
	return false;
}

/* The only device has nothing of ours, for this reason. */
void assert_nothing(const char *why)
{
	const json_t *device = json_array_get(json_object_get(got, "devices"), 0);
	const char *problem = json_string_value(json_object_get(device, "problem"));

	assert_int_equal(json_array_size(json_object_get(got, "sets")), 0);
	assert_false(healthy());
	if (!problem || !strstr(problem, why))
		fail_msg("%s: %s", why, problem ? problem : "(none)");
}

/* ---- what mdadm -E said ---- */

/* The first word behind "KEY : " in the nth such line. */
const char *said(FILE *f, const char *key, unsigned nth)
{
	static char line[256];
	char *colon;

	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		size_t blank = strspn(line, " ");

		colon = strstr(line, " : ");
		if (!colon || (size_t)(colon - line) != blank + strlen(key) || strncmp(line + blank, key, strlen(key)) != 0)
			continue;
		if (nth-- == 0) {
			colon[3 + strcspn(colon + 3, " \n")] = '\0';
			return colon + 3;
		}
	}
	fail_msg("mdadm did not say \"%s\"", key);
	return NULL;
}

int release_examined(void **state)
{
	(void)state;
	json_decref(got);
	got = NULL;
	images_remove();
	return 0;
}
