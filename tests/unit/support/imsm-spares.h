/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spares asked for and recorded (imsm/spare.c): md's members are in sp_md, the question and the answer in sp_req, the
 * container is the fixture ifx.
 */
#ifndef IMSM_SPARES_H
#define IMSM_SPARES_H

#include "tests/unit/support/imsm-fixture.h"


extern struct spare_request sp_req;
extern struct md_member sp_md[32];
extern unsigned sp_md_count;

void sp_md_add(int slot, dev_t dev, unsigned state);
/* md has every disk of the volume that is there, has not failed and is not flagged. */
void sp_md_from(unsigned volume);
/* Asks; the container does not change. sp_find(): of an array of the volume's level, with all of its slots. */
void sp_find_with(unsigned volume, int md_level, unsigned raid_disks);
void sp_find(unsigned volume);
/* Records sp_req: 0 or -errno. What comes of it can be written. */
int sp_commit(unsigned volume);
/* RAID5 whose disk 1 failed and is gone from md; spares DISK3 and, more recently, DISK4. */
void sp_degraded_raid5(void);
/* Pick `i` is that disk for that slot; sp_assert_one(): and there is no other, and md has not got it. */
void sp_assert_picked(unsigned i, int slot, unsigned disk, bool in_array);
void sp_assert_one(int slot, unsigned disk);
/* Puts a pick into sp_req, as the last one. */
void sp_pick(unsigned i, unsigned disk, int slot);

#endif
