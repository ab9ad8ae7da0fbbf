/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a format tells (metadata/examine.h), as JSON. mdmonctl only. */
#ifndef CTL_FACTS_H
#define CTL_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "metadata/examine.h"

#define FACTS_DEPTH_MAX 16

struct json_facts {
	struct facts f;       /* for the format */
	json_t *object;       /* what it tells; the caller's to release */
	json_t *problems;     /* array of {"device", "text"}; the same */
	const char *const *name; /* the devices */
	size_t names;
	json_t *open[FACTS_DEPTH_MAX]; /* what is being filled, outermost first; borrowed */
	unsigned depth;
	bool failed;          /* memory ran out: what is there is not complete */
};

void json_facts_init(struct json_facts *j, const char *const *name, size_t names);

/* Text of any bytes, up to a NUL or so many: those that are no UTF-8 become '?'. NULL: memory ran out. */
json_t *json_any_text(const char *s, size_t max);

/*
 * Pure. Paths ("volumes[0].dirty") at which the "metadata" of some copies are not the same; an array, NULL: memory ran out. Copies
 * that are not "compared" are left out. Disks need not have the same members of an object, the copies of one disk need.
 */
json_t *facts_differences(const json_t *copies);
/* What lies at such a path, NULL: nothing. Borrowed. */
const json_t *facts_at(const json_t *metadata, const char *path);

#endif
