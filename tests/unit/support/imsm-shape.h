/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes that change their shape: the messages of mdadm --grow, and what becomes of the fixture ifx.
 */
#ifndef IMSM_SHAPE_H
#define IMSM_SHAPE_H

#include "tests/unit/support/imsm-fixture.h"

#define MIB 2048        /* sectors */
#define LEVEL_KEPT (-1)
#define TO_RAID0 0
#define TO_RAID10 1
#define VOL(i) (&ifx.c.meta.volume[i])
#define MAP0(i) (&ifx.c.meta.volume[i].map[0])

/* 32-bit words, as mdadm sends them (imsm.md 8.0). */
struct shape_message {
	int32_t word[16];
	size_t len; /* bytes */
};

#define MESSAGE(...) { { __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) }
/* The fixture's disk N is device 8:N, in a message 0x800 + N. */
#define GROW(old, new, ...) MESSAGE(5, old, new, __VA_ARGS__)
#define MIGRATE(old, new, volume, level, chunk_kib) MESSAGE(6, old, new, volume, level, 0, chunk_kib, -1)
#define TAKEOVER(volume, direction) MESSAGE(7, volume, direction)
#define CHECKPOINT(unit) MESSAGE(8, 0, (int32_t)(unit), (int32_t)((uint64_t)(unit) >> 32))
#define RESIZE(volume, sectors) MESSAGE(9, volume, (int32_t)(sectors), (int32_t)((uint64_t)(sectors) >> 32))

/* With that error, by the monitor; nothing has changed. */
void shape_assert_refused(const struct shape_message *m, int expected);
/* Writes and reads it: with 4096-byte sectors what is no multiple of 8 is rounded down, nothing else is lost. */
void shape_assert_round_trip(uint32_t sector_size);
/* Applied; the result can be written with both sector sizes, and its disk table is that of the listed disks. */
void shape_assert_applied(const struct shape_message *m);
/* The migration record of the members, and of them only, is to be zeroed; false: of no disk. */
bool shape_migr_record_cleared(void);

/* What map 0 and the volume say of their size. */
struct shape {
	uint64_t blocks, stripes, per_member; /* per_member: with the area behind the data */
	unsigned chunk;
	uint8_t stored_level, domains;
};

/* A container, a message, and what becomes of it. */
struct shape_row {
	const char *name;
	unsigned members;
	struct {
		int level;
		const char *text; /* NULL: there is no such volume */
	} volume[3];
	unsigned spares;
	struct shape_message m;
	int err;              /* 0: it is applied */
	const char *after[3]; /* the volumes; NULL: as before */
	struct shape shape; /* of the first volume */
};

/* Makes the row's container. */
void shape_given(const struct shape_row *r);
void shape_assert(const struct imsm_volume *v, const struct shape *s);
/* The whole row. */
void shape_check_row(const struct shape_row *r);

#define CHECK_ROWS(rows) \
	for (size_t row_ = 0; row_ < sizeof(rows) / sizeof((rows)[0]); row_++) \
	shape_check_row(&(rows)[row_])

/* A RAID5 of three disks, and two spares. */
void shape_ordinary(void);
/* Gives volume 0 another chunk size and what goes with it: sectors. */
void shape_chunk_is(unsigned chunk, uint64_t stripes, uint64_t volume_sectors);
/* A RAID0 of two disks, and two spares. */
void shape_raid0_and_spares(void);

#endif
