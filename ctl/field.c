/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See ctl/field.h. */
#include <string.h>

#include "ctl/field.h"

static void note(struct oddities *odd, const char *key)
{
	for (unsigned i = 0; i < odd->count; i++)
		if (strcmp(odd->key[i], key) == 0)
			return;
	if (odd->count < ODDITIES_MAX)
		odd->key[odd->count++] = key;
}

/* The field if it is of this type, else NULL and noted. */
static const json_t *field(struct oddities *odd, const json_t *o, const char *key, json_type type)
{
	const json_t *value = json_object_get(o, key);

	if (value && json_typeof(value) == type)
		return value;
	note(odd, key);
	return NULL;
}

const char *field_string(struct oddities *odd, const json_t *o, const char *key)
{
	const json_t *value = field(odd, o, key, JSON_STRING);

	return value ? json_string_value(value) : "?";
}

const char *field_string_or_null(struct oddities *odd, const json_t *o, const char *key)
{
	return field_is_null(odd, o, key) ? NULL : json_string_value(field(odd, o, key, JSON_STRING));
}

uint64_t field_number(struct oddities *odd, const json_t *o, const char *key)
{
	const json_t *value = field(odd, o, key, JSON_INTEGER);
	json_int_t n = value ? json_integer_value(value) : 0;

	if (n >= 0)
		return (uint64_t)n;
	note(odd, key);
	return 0;
}

bool field_bool(struct oddities *odd, const json_t *o, const char *key, bool otherwise)
{
	const json_t *value = json_object_get(o, key);

	if (json_is_boolean(value))
		return json_is_true(value);
	note(odd, key);
	return otherwise;
}

bool field_is_null(struct oddities *odd, const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	if (!value)
		note(odd, key);
	return !value || json_is_null(value);
}

const json_t *field_object(struct oddities *odd, const json_t *o, const char *key)
{
	return field(odd, o, key, JSON_OBJECT);
}

const json_t *field_object_or_null(struct oddities *odd, const json_t *o, const char *key)
{
	return field_is_null(odd, o, key) ? NULL : field_object(odd, o, key);
}

const json_t *field_array(struct oddities *odd, const json_t *o, const char *key)
{
	return field(odd, o, key, JSON_ARRAY);
}
