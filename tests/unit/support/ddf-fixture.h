/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DDF container in memory, and its tables as lines of text, for the tests of what works on
 * such a container.
 *
 * Physical disks, in the order of the table: number of the disk, type/state in hex, "?" if it is absent, "-" for an
 * unused entry:
 *
 *   "0:03/01 1:03/42? - 2:05/01"
 *
 * A virtual disk: state/init state in hex, then for each BVD "v", its sequence number and its elements: number of the
 * disk, "@" and the starting block unless that is 0; "_" for a disk that was found missing (0), "-" for a position that
 * was never filled. "?" is a BVD whose record is not known:
 *
 *   "01/02 v4 0,2@16384"   "00/02 v1 0,1 v1 2,3"   "00/02 v1 0,- ?"
 *
 * Members of md, by slot: number of the disk, "!" if it is not in sync, "x" if it is faulty, "?" if it is gone, "@" and
 * the data offset unless that is 0; "-" for an empty slot:
 *
 *   "0,1!@16384,-"
 */
#ifndef DDF_FIXTURE_H
#define DDF_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ddf/ddf.h"

#define FX_DISKS 16
#define FX_PDS 15
#define FX_VDS 15
#define FX_MPPE 16
#define FX_RECORD_SECTORS 2
#define FX_RECORDS 9
#define FX_SECTORS 131072u    /* of each disk */
#define FX_CONFIGURED 65536u  /* of them, for arrays */
#define FX_BLOCKS 16384u      /* that a virtual disk uses of each */
#define FX_NOW 0x58345fe5u
#define FX_BEFORE 0x58340000u /* time stamps of records */
#define FX_TABLE_BYTES 1024u  /* head and 15 entries */
#define FX_CONFIG_BYTES (FX_RECORDS * FX_RECORD_SECTORS * DDF_SECTOR)

struct fixture {
	struct ddf_container c;
	uint8_t controller[DDF_SECTOR];
	uint8_t pd[FX_TABLE_BYTES], vd[FX_TABLE_BYTES];
	uint8_t pd_written[FX_TABLE_BYTES], vd_written[FX_TABLE_BYTES];
	uint8_t pd_held[FX_TABLE_BYTES], vd_held[FX_TABLE_BYTES];
	struct ddf_volume volume[FX_VDS];
	struct ddf_dl dl[FX_DISKS];
	struct disk disk[FX_DISKS];
	uint8_t config[FX_DISKS][FX_CONFIG_BYTES];
	uint8_t disk_data[FX_DISKS][DDF_SECTOR];

	struct ddf_md_array md;
	struct md_member member[FX_DISKS];
	unsigned members;
};

/* For the programs that need one only. */
extern struct fixture dfx;

dev_t dfx_dev(unsigned n);
uint32_t dfx_ref(unsigned n);
void dfx_pd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n);
void dfx_vd_guid(uint8_t guid[DDF_GUID_LEN], unsigned n);

/* ---- making a container ---- */

/* No disks, no virtual disks. dfx_free() at the end. */
void dfx_init(struct fixture *f);
void dfx_free(struct fixture *f);

/* ---- disks ---- */

/* A disk of that number as ddf_dl_new() makes it: without a place in the table. */
struct ddf_dl *dfx_new_disk(struct fixture *f, unsigned n);
/* The same, and it belongs to the container. */
struct ddf_dl *dfx_present(struct fixture *f, unsigned n);
struct ddf_pd_entry *dfx_pd(struct fixture *f, unsigned i);
struct ddf_vd_entry *dfx_vd(struct fixture *f, unsigned i);
void dfx_count(uint8_t *table, int more);
void dfx_pd_entry(struct fixture *f, unsigned i, unsigned n, unsigned type, unsigned state);
void dfx_unlink(struct fixture *f, unsigned n);
struct ddf_pd_entry *dfx_pd_of(struct fixture *f, unsigned n);
void dfx_pd_state(struct fixture *f, unsigned n, unsigned state);
void dfx_fail_disk(struct fixture *f, unsigned n);
/* A spare assignment record in the last slot. `vd`: the virtual disks that it may serve. */
struct ddf_spare *dfx_spare_record(struct fixture *f, unsigned n, bool dedicated, unsigned count, const unsigned *vd);

/* ---- physical disks as text ---- */

const char *dfx_pd_text(const struct fixture *f);
/* Fills the empty table as the text says. */
void dfx_disks(struct fixture *f, const char *text);

/* ---- virtual disks as text ---- */

struct ddf_vdc *dfx_record(const struct fixture *f, unsigned vd, unsigned bvd);
const char *dfx_vd_text(const struct fixture *f, unsigned vd);
unsigned long dfx_get_number(const char **p, int base);
/* "0,2@16384,_"; returns how many there are. */
unsigned dfx_get_elements(const char **p, struct ddf_vdc *v);
void dfx_vdc_head(struct ddf_vdc *v, unsigned vd, unsigned prl, unsigned rlq, unsigned bvd, unsigned bvds);
/* A virtual disk in entry `vd` as the text says. P is the number of elements of its first BVD. Not watched. */
void dfx_volume(struct fixture *f, unsigned vd, unsigned prl, unsigned rlq, const char *text);

/* ---- md ---- */

/* What md has. */
void dfx_md(struct fixture *f, int level, int layout, const char *members);

/* ---- checks ---- */

/* Everything that an update or an event may change. */
struct dfx_snapshot {
	uint8_t pd[FX_TABLE_BYTES], vd[FX_TABLE_BYTES];
	struct ddf_volume volume[FX_VDS];
	uint8_t records[FX_VDS][4 * FX_RECORD_SECTORS * DDF_SECTOR];
	struct ddf_dl dl[FX_DISKS];
	struct ddf_dl *disks;
	struct ddf_rebuild rebuild[DDF_MAX_REBUILDS];
};

void dfx_save(const struct fixture *f, struct dfx_snapshot *s);
void dfx_assert_unchanged(const struct fixture *f, const struct dfx_snapshot *s);

#endif
