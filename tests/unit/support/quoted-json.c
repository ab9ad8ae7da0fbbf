/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See tests/unit/support/quoted-json.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/quoted-json.h"

json_t *quoted_json(const char *text)
{
	char *copy = strdup(text);
	json_t *o;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	o = json_loads(copy, 0, NULL);
	assert_non_null(o);
	free(copy);
	return o;
}
