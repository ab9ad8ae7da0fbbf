/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading samples of DDF containers (tests/unit/support/ddf-samples.h) that a test spoiled before, and disks that
 * cannot be read. For programs that are linked with --wrap=disk_read and --wrap=ddf_probe_wanted.
 */
#ifndef DDF_LOADING_H
#define DDF_LOADING_H

#include "ddf/ddf.h"
#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/capture.h"

#define FIELD(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)

/* Sectors of a copy of the samples. */
#define CONTROLLER_AT 1
#define PD_AT 2
#define VD_AT 130
#define RECORD_AT(i) (162 + 7 * (i))
#define DATA_AT 617

enum { PRIMARY_BIT = 1, SECONDARY_BIT = 2, BOTH = 3 };

extern uint64_t dld_bad_sector; /* reading it fails; 0: none */
extern const struct disk *dld_bad_disk; /* of this disk; its reads all fail if dld_bad_sector is 0 */

struct rig {
	struct disk *disk[SAMPLE_DISKS_MAX + 1]; /* as given; NULL once taken over */
	struct disk *all[SAMPLE_DISKS_MAX + 1];
	size_t count;
	struct ddf_container c;
	struct capture log;
};

int dld_setup(void **state);
void dld_clear(struct rig *r);
int dld_teardown(void **state);
void dld_add(struct rig *r, const char *name, unsigned n);
void dld_add_all(struct rig *r, const char *name);
int dld_load(struct rig *r);
void dld_assert_logged(const struct rig *r, const char *text);
void dld_load_silently(struct rig *r);
/* Loads without a disk: it stays with the caller, and one line says why. */
void dld_load_without(struct rig *r, size_t n, const char *why);
struct ddf_dl *dld_dl_of(const struct rig *r, size_t n);
void dld_assert_good(const struct rig *r, size_t n, bool first, bool second);
/* In the copies of `copies`: `width` bytes at `offset` of the structure of `sectors` at `at`, sealed if wanted. */
void dld_poke(const struct rig *r, size_t n, unsigned copies, unsigned at, unsigned sectors, size_t offset,
	      size_t width, uint64_t value, bool seal);
void dld_poke_header(const struct rig *r, size_t n, unsigned copies, size_t offset, size_t width, uint64_t value);
void dld_set_seq(const struct rig *r, size_t n, unsigned copies, uint32_t seq);
void dld_set_open(const struct rig *r, size_t n, unsigned copies);
/* A change that the checksum does not follow. */
void dld_corrupt(const struct rig *r, size_t n, unsigned copies, unsigned at);
void dld_poke_pd(const struct rig *r, size_t n, unsigned copies, unsigned entry, size_t offset, size_t width,
		 uint64_t value);
/* What tells which disk's or copy's table was taken: the type in an unused entry of physical disks. */
void dld_mark(const struct rig *r, size_t n, unsigned copies, unsigned value);
unsigned dld_mark_found(const struct rig *r);
void dld_poke_record(const struct rig *r, size_t n, unsigned record, size_t offset, size_t width, uint64_t value);
void dld_poke_anchor(const struct rig *r, size_t n, size_t offset, size_t width, uint64_t value, bool seal);
void dld_assert_bytes(const struct rig *r, size_t n, unsigned at, unsigned sectors, const void *bytes);

#endif
