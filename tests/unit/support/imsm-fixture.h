/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IMSM container in memory, and volumes as one line of text, for the tests of what works on such a container.
 *
 *   "D 0,1x!,2 f1"               degraded, slot 1: disk 1 has failed and is flagged, failed_disk_num 1
 *   "N<REBUILD<D 0,3/0,3! f1 u7" from map 1 (after the slash) to map 0, checkpoint 7
 *
 * After a disk's index: x it has failed, ? it is missing, ! the slot has IMSM_ORD_REBUILD.
 */
#ifndef IMSM_FIXTURE_H
#define IMSM_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "imsm/imsm.h"

#define FX_DISKS 16
#define FX_DISK_BLOCKS 1000000u
#define FX_CHUNK 128u
#define FX_PER_DEV 65536u /* sectors of each member that a volume uses */
#define FX_GAP 8192u      /* between volumes */

struct fixture {
	struct imsm_container c;
	struct imsm_meta scratch;
	struct imsm_dl dl[FX_DISKS];
	struct disk disk[FX_DISKS];
	unsigned used;
	struct imsm_event ev;
};

/* For the programs that need one only. */
extern struct fixture ifx;

dev_t ifx_dev(unsigned n);
void ifx_serial(uint8_t serial[IMSM_SERIAL_LEN], unsigned n);
/* A disk that is not listed yet. Each has the number, serial and device number of its turn. */
struct imsm_dl *ifx_new_disk(struct fixture *f);
/* The same, listed: a spare of the container. */
struct imsm_dl *ifx_spare(struct fixture *f);
/* `members` disks with the indices 0, 1, ...; the list has the last one in front. */
void ifx_init(struct fixture *f, unsigned members);
/* Takes it off the list: it is missing. */
void ifx_unlink(struct fixture *f, unsigned n);
void ifx_fail_disk(struct fixture *f, unsigned index);

/* ---- volumes as text ---- */

const char *ifx_text(const struct fixture *f, unsigned volume);
void ifx_geometry(struct imsm_volume *v, struct imsm_map *m, int level, unsigned number);
/* Appends a volume of that level as the text says. Its array is watched. Returns its index. */
unsigned ifx_volume(struct fixture *f, int level, const char *text);

/* ---- checks ---- */

/* What a loader would refuse must never be produced. */
void ifx_assert_writable(const struct fixture *f);

/* Everything that an update or an event may change. */
struct ifx_snapshot {
	struct imsm_container c;
	struct imsm_dl dl[FX_DISKS];
};

void ifx_save(const struct fixture *f, struct ifx_snapshot *s);
void ifx_assert_unchanged(const struct fixture *f, const struct ifx_snapshot *s);

/* ---- messages ---- */

/* As manager and monitor do it, in a buffer of just that size. Refused with that error, and nothing has changed. */
void ifx_assert_message_refused(struct fixture *f, const void *msg, size_t len, int expected);
/* Applied, and what came of it can be written. */
void ifx_assert_message_applied(struct fixture *f, const void *msg, size_t len);
/* The disk table has that serial at that place. */
bool ifx_table_serial_is(const struct fixture *f, unsigned index, const char *serial);

#endif
