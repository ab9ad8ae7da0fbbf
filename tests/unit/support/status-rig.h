/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A status as the daemon gives it, parsed by a real JSON library, strictly, and held against the schema of
 * docs/status.md: the fields, their types, their words.
 */
#ifndef STATUS_RIG_H
#define STATUS_RIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "manager/status-json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the daemon knows in the example of docs/status.md. */
struct status_rig {
	struct report report;
	struct status_array array[2];
	dev_t disk[4];
	struct status s;
};

/* For cmocka: the state is the status_rig. */
int status_set_up(void **state);
int status_tear_down(void **state);

#define status_test(f) cmocka_unit_test_setup_teardown(f, status_set_up, status_tear_down)

/* 8:0 is sda, 8:16 is sdb ...; disks of other kinds have gone. And how often it was asked. */
int status_disk_name(dev_t dev, char *name, size_t size);
extern unsigned status_names_asked;

/* The two of the example. */
bool status_next_event(uint64_t after, struct event *e);

void status_set_disk(struct report_disk *d, dev_t dev, const char *serial, enum report_disk_state state);

/* As much of everything as finds room. */
void status_fill_report(struct report *r);

/* The answer: one line, which follows the schema. The caller frees it with json_decref(). */
json_t *status_of(const struct status *s);

/* Its fields; they must be there, and of the type that is asked for. */
const json_t *status_get(const json_t *object, const char *key);
const char *status_text(const json_t *object, const char *key);
json_int_t status_number(const json_t *object, const char *key);
bool status_is_null(const json_t *object, const char *key);

/* The text is one of these words, which have blanks between them. */
void assert_word(const json_t *object, const char *key, const char *words);

/* An entry of a list, which must be there; how many there are. */
const json_t *status_at(const json_t *root, const char *list, size_t i);
size_t status_size_of(const json_t *root, const char *list);

#endif
