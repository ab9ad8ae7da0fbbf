/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * md attributes in sysfs (kernel-md.md 3-5). Parsers are pure; the rest works on
 * directory descriptors, so that it keeps working after a switch of the root.
 * Errors are returned as negative errno.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

#define SYSFS_WORD_MAX 64
#define SYSFS_STATE_MAX 256 /* dev-NAME/state is up to 80 bytes today */
#define SYSFS_PAGE 4096

/* ---- parsers: text as the kernel prints it, with or without the newline ---- */

enum array_state sysfs_parse_array_state(const char *text);
enum sync_action sysfs_parse_sync_action(const char *text);
unsigned sysfs_parse_member_state(const char *text); /* MEMBER_*; unknown words are ignored */

/* The word the kernel takes for a state; NULL for states that cannot be written. */
const char *sysfs_array_state_word(enum array_state s);

/* Names for messages; never NULL. */
const char *array_state_name(enum array_state s);
const char *sync_action_name(enum sync_action a);

/* "none" -> SECTORS_NONE, a number -> it. -EINVAL otherwise. */
int sysfs_parse_sectors(const char *text, uint64_t *sectors);

/* "N / M" -> N; "none" and "delayed" -> 0. -EINVAL otherwise. */
int sysfs_parse_sync_completed(const char *text, uint64_t *done);

/* "raid5" -> 5, "raid0" -> 0, "linear" -> LEVEL_LINEAR, "" -> LEVEL_CONTAINER; else LEVEL_UNKNOWN. */
enum { LEVEL_LINEAR = -1, LEVEL_CONTAINER = -100, LEVEL_UNKNOWN = -1000 };
int sysfs_parse_level(const char *text);

/* "8:16" -> makedev(8, 16). -EINVAL otherwise. */
int sysfs_parse_dev(const char *text, dev_t *dev);

/* "0.201" -> 201; more digits are cut as the kernel does. -EINVAL otherwise. */
int sysfs_parse_delay_ms(const char *text, unsigned *ms);

/* First number of "N" or "N (OLD)". -EINVAL if there is none. */
int sysfs_parse_number(const char *text, int64_t *n);

/*
 * bad_blocks and unacknowledged_bad_blocks: lines "SECTOR LENGTH". `len` bytes as sysfs_read_fd returned them for a
 * buffer of SYSFS_PAGE + 1 bytes. Fills range[SYSFS_BAD_RANGES] and returns how many there are; not *complete: the
 * list may be longer (the kernel shows one page of it), or something in it could not be understood.
 */
#define SYSFS_BAD_RANGES (SYSFS_PAGE / 4) /* no line is shorter than "0 1\n" */
unsigned sysfs_parse_bad_ranges(const char *text, size_t len, struct bad_range *range, bool *complete);

/* metadata_version */
struct metadata_version {
	bool external;
	bool is_member;  /* "external:/CONT/N" or "external:-CONT/N" */
	bool blocked;    /* the '-' form */
	char name[MD_NAME_MAX]; /* member: CONT. Otherwise the text after "external:" ("imsm") */
	int index;       /* member: N, or -1 if there is no number after the last '/' */
};

/* Accepts the text with or without "external:" in front. Never fails: not external -> all false. */
void sysfs_parse_metadata_version(const char *text, struct metadata_version *v);

/* ---- descriptors ---- */

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
 * Devices that vanish while we look are left out. 0 or -errno.
 */
int sysfs_list_members(int md_dir, struct sysfs_member **list, size_t *count);

/*
 * manager. A number that changes when the set of members does (one that was removed and added again
 * counts as a change); one directory read. 0 or -errno.
 */
int sysfs_members_fingerprint(int md_dir, uint64_t *print);

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
