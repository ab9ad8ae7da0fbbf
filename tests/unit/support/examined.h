/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mdmonctl examine makes of images (images.h), and what mdadm -E said of them. */
#ifndef EXAMINED_H
#define EXAMINED_H

#include "tests/unit/support/images.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "ctl/examine.h"
#include "ctl/facts.h"

extern json_t *got; /* of the last one */

void examine(unsigned count); /* the first so many images */
void examine_named(const char *path);

const json_t *set(unsigned i);
const json_t *copy(unsigned i); /* of the first set */
const json_t *at(unsigned i, const char *path); /* what the ith copy has there */
const char *text_at(unsigned i, const char *path);
uint64_t number_at(unsigned i, const char *path);
bool is_taken_by(unsigned i, const char *who);
bool healthy(void);
/* Of the first set: some problem of the device ("": of all together) has these words. */
bool has_problem(const char *device, const char *words);
void assert_problem(unsigned n, const char *words);
void assert_differs(const char *path, bool expected);
/* image -1: nothing is chosen. */
void assert_choice(const char *who, int n, const char *which);
/* The first device has nothing of ours, for this reason. */
void assert_nothing(const char *why);

/* Of what mdadm said: the first word behind "KEY : " in the nth such line. */
const char *said(FILE *f, const char *key, unsigned nth);

int release_examined(void **state);

#endif
