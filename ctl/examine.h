/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the metadata of disks, without a daemon and without writing: docs/examine.md. mdmonctl only. */
#ifndef CTL_EXAMINE_H
#define CTL_EXAMINE_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/container.h"

#define EXAMINE_SCHEMA 1

/* The object of docs/examine.md for these devices and images; NULL: memory ran out. */
json_t *examine_devices(const struct ctl_paths *p, const char *const *name, size_t count);

#endif
