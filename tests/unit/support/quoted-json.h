/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON in tests: ' stands for ". */
#ifndef QUOTED_JSON_H
#define QUOTED_JSON_H

#include <jansson.h>

/* The caller's. A text that is no JSON fails the test. */
json_t *quoted_json(const char *text);

#endif
