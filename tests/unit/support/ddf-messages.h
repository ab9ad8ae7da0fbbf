/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as mdadm sends them, about `dfx`, the container of tests/unit/support/ddf-fixture.h. */
#ifndef DDF_MESSAGES_H
#define DDF_MESSAGES_H

#include "tests/unit/support/ddf-steps.h"

#define DMS_RECORD (FX_RECORD_SECTORS * DDF_SECTOR)
#define INITIALISED DDF_INITIALISED

struct message {
	uint8_t bytes[16384];
	size_t len;
};

/* As the daemon does it: the manager prepares, the monitor applies, the manager frees what comes back. */
int dms_send(const struct message *m, const char **why);
void dms_assert_applied(const struct message *m);
void dms_assert_refused(const struct message *m, int expected);
/* ... and the manager, who has no metadata, sees it already. */
void dms_assert_refused_early(const struct message *m, int expected);
struct ddf_vd_entry *dms_entry(struct message *m);
struct ddf_vdc *dms_record(struct message *m, unsigned i);
/* A new virtual disk of the GUID number `n`, for the entry `index`. */
struct message dms_create(unsigned n, unsigned index);
struct message dms_delete(unsigned n);
/* The records of the virtual disk `n`, as dfx_volume() writes them: "v1 0,1 v1 2,3". */
struct message dms_config(unsigned n, unsigned prl, unsigned rlq, const char *text);
void dms_send_create(unsigned n);
void dms_start(const char *disks);
int dms_end(void **state);
/* A RAID1 of two disks, and two spares. */
void dms_small_container(void);
unsigned dms_used(const uint8_t *table);
bool dms_all_ones(const void *p, size_t n);
void dms_keep_room(unsigned vd, unsigned slot, unsigned n, uint64_t from, uint64_t length);
/* As the manager hands it over: with a GUID and a random reference number. */
struct ddf_dl *dms_new_disk(unsigned n, uint64_t sectors);
void dms_assert_added(struct ddf_dl *dl);

#endif
