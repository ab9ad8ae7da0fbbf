/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of sysfs: the attributes of an md array (kernel-md.md 3-5) and of block devices. Everything works on directory
 * descriptors, so that it keeps working after a switch of the root. What the texts mean is in md/words.h.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

/*
 * manager or start-up: opens /sys/block once (O_PATH) so that later calls work
 * without the path. 0 or -errno.
 */
int sysfs_init(void);

/* manager. O_PATH descriptor of /sys/block/NAME/md, or -errno. The caller closes it. */
int sysfs_open_md_dir(const char *array);

/*
 * manager. Opens attribute `path` ("array_state", "dev-sda/state") below md_dir with
 * `flags` | O_CLOEXEC. -errno if it fails.
 */
int sysfs_open_attr(int md_dir, const char *path, int flags);

/*
 * Both threads. Reads the attribute from its start into buf (always terminated, trailing newline
 * cut). Returns the length or -errno; -ENODEV means that it is gone. No allocation.
 */
ssize_t sysfs_read_fd(int fd, char *buf, size_t size);

/* Both threads. Writes the whole word in one write(2). 0 or -errno. No allocation. */
int sysfs_write_fd(int fd, const char *word);

/* Both threads. One range as a line, to a descriptor of "bad_blocks". 0 or -errno. No allocation. */
int sysfs_write_bad_range(int fd, const struct bad_range *r);

/* manager. Open, read or write, close. */
ssize_t sysfs_read_attr(int md_dir, const char *path, char *buf, size_t size);
int sysfs_write_attr(int md_dir, const char *path, const char *word);
int sysfs_write_attr_u64(int md_dir, const char *path, uint64_t value);

/*
 * manager or start-up. O_PATH descriptor of /sys/dev/block/MAJOR:MINOR, or -errno (-ENOENT: no such
 * block device). The caller closes it.
 */
int sysfs_open_block_dir(dev_t dev);

/*
 * manager or start-up. Name of a block device below /dev, as the kernel calls it ("sda", "cciss/c0d0";
 * sysfs writes the slash as '!'), into name. 0 or -errno.
 */
int sysfs_block_name(dev_t dev, char *name, size_t size);

/* The same for messages: the number, "8:16", if it has no name any more. */
void sysfs_name_or_number(dev_t dev, char *name, size_t size);

#endif
