/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ddf/write.c on disks that are files in memory. All writes are recorded, so that the tests can see what was
 * written, in which order, and what a power cut would have left at each moment. For programs that are linked with
 * --wrap=io_setup, --wrap=pwritev64v2 and --wrap=metaio_run.
 */
#ifndef DDF_BENCH_H
#define DDF_BENCH_H

#include "tests/unit/support/ddf-fixture.h"

#define DISKS 3
#define MAX_WRITES 256
#define PRIMARY (FX_SECTORS - DDF_PRIMARY_FROM_END)
#define SECONDARY (FX_SECTORS - DDF_SECONDARY_FROM_END)

struct write {
	int fd;
	unsigned at, count; /* sectors */
	uint8_t *data;
};

extern struct bench_writes {
	struct write write[MAX_WRITES];
	unsigned count;
	int broken_fd; /* this disk takes nothing ... */
	unsigned broken_from, broken_to; /* ... between these sectors */
	int broken_errno; /* 0: EIO */
	unsigned risky, most_risky_at_once; /* disks that a power cut may cost their metadata */
} dwb_seen;

void dwb_forget_writes(void);

struct bench {
	struct fixture f;
	struct ddf_writer *w;
	struct sync_result res;
};

int dwb_fd_of(const struct bench *b, unsigned n);
void dwb_make_file(struct fixture *f, unsigned n);
void dwb_write_all(struct bench *b);
/* Both rounds, with the result of the first one. What was written before is forgotten. */
int dwb_write_once(struct bench *b, bool retry);
/* The disk refuses these sectors from now on, in place of another one that did. */
void dwb_break_disk(const struct bench *b, unsigned n, unsigned from, unsigned to);
/* A RAID1 on disks 0 and 1, disk 2 is a spare; written completely. */
int dwb_setup(void **state);
int dwb_teardown(void **state);
/* May be written in place. */
void dwb_mark(struct bench *b, bool dirty);
/* In the same sector, and something else, too: a new generation. */
void dwb_set_dirty(struct bench *b, bool dirty);
/* What a failure of disk 1 changes: both tables and a record. */
void dwb_fail_disk(struct bench *b);
void dwb_read_sectors(int fd, uint64_t at, unsigned count, void *buf);
bool dwb_header_ok(int fd, uint64_t at, unsigned type, struct ddf_header *h);
/* mdadm's rule (2.1): which copy it takes; 0: none. */
uint64_t dwb_readers_choice(int fd, struct ddf_header *h);
void dwb_assert_sealed(int fd, uint64_t at, const struct ddf_extent *section);
/* The copy is closed, and all its checksums are right. */
void dwb_assert_copy_right(const struct bench *b, int fd, uint64_t at, const struct ddf_header *h);
unsigned dwb_vd_state_at(const struct bench *b, int fd, uint64_t at);
/* In the copy that readers choose. */
unsigned dwb_vd_state_on(const struct bench *b, unsigned n);
/* Both copies say what is in memory, and the anchor is there. */
void dwb_assert_disk_complete(const struct bench *b, unsigned n);
void dwb_assert_all_complete(const struct bench *b);
/* Writes to one disk as text: "s" or "p" and the sector in the copy, "+n" if more than one; "a" is the anchor. */
const char *dwb_trace(const struct bench *b, unsigned n);
void dwb_damage(struct bench *b, unsigned n, unsigned copy);

#endif
