/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people read them. Pure. mdmonctl only. */
#ifndef CTL_UNITS_H
#define CTL_UNITS_H

#include <stdint.h>

#define UNITS_MAX 32

/* All write into buf, of UNITS_MAX bytes, and return it. */
const char *units_size(char *buf, uint64_t kib);  /* "931.5 GiB" */
const char *units_short(char *buf, uint64_t us);  /* "840 us", "1.84 ms", "2.1 s"; from a minute on as units_long */
const char *units_long(char *buf, uint64_t seconds); /* "8 s", "12 min 3 s", "3 h 5 min", "4 d 2 h" */
const char *units_coarse(char *buf, uint64_t seconds); /* by the minute: "under 1 min", "12 min", "3 h 5 min" */
const char *units_time(char *buf, uint64_t ms);   /* local time of day, "14:03:50"; with the date if not of today's */

#endif
