/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks that md lists in an array: the directories md/dev-NAME of sysfs (kernel-md.md 5). manager and start-up. */
#ifndef MD_MEMBERS_H
#define MD_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

/* One directory md/dev-NAME. */
struct sysfs_member {
	char name[MEMBER_NAME_MAX]; /* "dev-sda" */
	dev_t dev;      /* 0 if block/dev cannot be read: the disk has vanished */
	ino_t inode;    /* of the directory: a disk removed and added again has another one */
	int slot;       /* -1 for "none" */
	unsigned state; /* MEMBER_* */
	bool offline;   /* block/device/state reads "offline" */
};

/*
 * manager or start-up. All members of the array in *list (malloc'd, *count entries, caller frees).
 * Devices that vanish meanwhile are left out. 0 or -errno.
 */
int sysfs_list_members(int md_dir, struct sysfs_member **list, size_t *count);

/*
 * manager. A number that changes when the set of members does (one that was removed and added again
 * counts as a change, and so does one that is leaving). 0 or -errno.
 */
int sysfs_members_fingerprint(int md_dir, uint64_t *print);

#endif
