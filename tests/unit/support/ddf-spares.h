/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking ddf/spare.c for spares of `dfx`, the container of tests/unit/support/ddf-fixture.h, and recording them. */
#ifndef DDF_SPARES_H
#define DDF_SPARES_H

#include "tests/unit/support/ddf-steps.h"

/* What was found last. */
extern struct spare_request dsp_req;

void dsp_extent(unsigned i, unsigned n, uint64_t start, uint64_t length);
/* "slot:disk@start", "+" if md has it already. */
const char *dsp_picks(void);
/* Changes nothing, and fills all of a pick. */
const char *dsp_find(unsigned vd);
void dsp_commit(unsigned vd);
void dsp_refused(unsigned vd, int expected);
uint8_t *dsp_record_slot(unsigned n, unsigned i);
/* A RAID1 of disks 0 and 1, of which 1 is lost. Entry 5 is another virtual disk, of disks 6 and 7. */
void dsp_one_slot_is_empty(const char *pds, const char *vd);

#endif
