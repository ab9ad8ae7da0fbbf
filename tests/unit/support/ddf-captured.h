/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as mdadm 4.3 sent them (ddf.md 18.8): a RAID10 of two mirrors. */
#ifndef DDF_CAPTURED_H
#define DDF_CAPTURED_H

#include <stdint.h>

#define CAPTURED_GUID "4c69 6e75 782d 4d44 dead beef 0000 0000 5834 604d 1b53 0bd7"
#define CAPTURED_RECORD 3584 /* bytes */

/* The bytes that the text says; blanks do not count. */
void captured_hex(uint8_t *at, const char *hex);
/* A record: `shape` from the number of primary elements on, `elements`: reference numbers. */
void captured_record(uint8_t at[CAPTURED_RECORD], const char *shape, const char *elements);

#endif
