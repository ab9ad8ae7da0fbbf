/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of the container when the daemon starts: opened side by side, and not waited for without end
 * (docs/design.md, "A disk that cannot be read"). Start-up only.
 */
#ifndef START_DISKS_H
#define START_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "metadata/disk.h"

struct start_disk {
	dev_t dev;
	ino_t inode;       /* the caller's: of its place in the container */
	struct disk *disk; /* the caller's; NULL: it cannot be opened, or has not answered */
	int error;         /* -errno of the former, else 0 */
	bool readable;     /* its last sector is, without which neither format finds anything */
	bool late;         /* has not answered. If true before: is left alone */
};

/* If half of the disks have answered the others get `some_ns`, else `most_ns`, both from the call on. */
struct start_patience {
	uint64_t some_ns, most_ns;
};

/* 0 or -ENOMEM. What has not answered by then is closed when it does. */
int start_open_disks(struct start_disk *disk, size_t count, const struct start_patience *patience);

#endif
