/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that the metadata count on and that md's array runs without: the one rule of all formats (docs/design.md, "A
 * disk that is left out").
 *
 * monitor.
 */
#ifndef LEFT_OUT_H
#define LEFT_OUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "metadata/md-member.h"

/* What the metadata say of the disk of a slot. */
enum slot_trust {
	SLOT_HAS_DATA,
	SLOT_IS_REBUILT, /* it has some, and the rest is on its way */
};

/*
 * Pure. Writes to the array pass by the disk `dev`, a member by the metadata: once they are possible, the metadata must
 * not go on as before. A member that has just failed is not left out: the handler is told of it by set_disk, in the
 * same pass.
 */
bool disk_is_left_out(const struct md_members *members, dev_t dev, enum slot_trust trust);

/* It has been recorded. Names as of the kernel. */
void log_left_out(const char *array, const char *disk);

#endif
