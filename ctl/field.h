/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the fields of a daemon's answer, which may be anything. A field that is missing or of another type than
 * docs/status.md promises reads as something harmless, and its name is noted. mdmonctl only.
 */
#ifndef CTL_FIELD_H
#define CTL_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ODDITIES_MAX 6

/* Names of fields that are not as promised, each once. */
struct oddities {
	unsigned count; /* up to ODDITIES_MAX are kept */
	const char *key[ODDITIES_MAX];
};

/* `key` is a literal: oddities keep it. `o` may be NULL or no object: then all its fields are missing. */
const char *field_string(struct oddities *odd, const json_t *o, const char *key);      /* "?" if odd */
const char *field_string_or_null(struct oddities *odd, const json_t *o, const char *key); /* NULL if null or odd */
uint64_t field_number(struct oddities *odd, const json_t *o, const char *key);         /* 0 if odd; negative is odd */
bool field_bool(struct oddities *odd, const json_t *o, const char *key, bool otherwise);
bool field_is_null(struct oddities *odd, const json_t *o, const char *key); /* missing: odd, and null */
const json_t *field_object(struct oddities *odd, const json_t *o, const char *key);    /* NULL if odd */
const json_t *field_object_or_null(struct oddities *odd, const json_t *o, const char *key);
const json_t *field_array(struct oddities *odd, const json_t *o, const char *key);     /* NULL if odd */

#endif
