/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's words for arrays, members and what happens to them (kernel-md.md 4.1, 4.3, 5.1), as values that the
 * rest of the program computes with, and the parsers that make them of the text of an attribute. Sizes and positions
 * are in sectors of 512 bytes. Pure; both threads.
 */
#ifndef MD_WORDS_H
#define MD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Kernel names of arrays ("md126") and of attributes' directories ("dev-sda"). */
#define MD_NAME_MAX 32
#define MEMBER_NAME_MAX 64

/* The disk of a member: "sda" of "dev-sda". Sysfs writes '!' for the slash in names like "cciss/c0d0". */
#define MEMBER_PREFIX "dev-"
static inline const char *member_disk(const char *member)
{
	return member + sizeof(MEMBER_PREFIX) - 1;
}

/* More slots than md itself allows in one array. */
#define MAX_SLOTS 256

/* Buffers for what the kernel prints. */
#define SYSFS_WORD_MAX 64
#define SYSFS_STATE_MAX 256 /* dev-NAME/state is up to 80 bytes today */
#define SYSFS_PAGE 4096

#define SECTORS_NONE UINT64_MAX /* the word "none": complete, or not running */

/* The order matters: beyond ARRAY_INACTIVE the array runs, up to ARRAY_CLEAN no write can be in flight. */
enum array_state {
	ARRAY_GONE, /* the attribute cannot be read any more: stopped */
	ARRAY_CLEAR,
	ARRAY_INACTIVE,
	ARRAY_SUSPENDED,
	ARRAY_READONLY,
	ARRAY_READ_AUTO,
	ARRAY_CLEAN,
	ARRAY_ACTIVE,
	ARRAY_WRITE_PENDING,
	ARRAY_ACTIVE_IDLE,
	ARRAY_BROKEN,
	ARRAY_UNKNOWN, /* a word of a newer kernel: running */
};

enum sync_action {
	SYNC_NONE, /* no such attribute: not redundant, or not running */
	SYNC_IDLE,
	SYNC_RESYNC,
	SYNC_RECOVER,
	SYNC_CHECK,
	SYNC_REPAIR,
	SYNC_RESHAPE,
	SYNC_FROZEN,
	SYNC_UNKNOWN,
};

/* Bits of a member's "state"; the first five are what superswitch.set_disk sees. */
enum member_state {
	MEMBER_FAULTY = 1u << 0,
	MEMBER_IN_SYNC = 1u << 1,
	MEMBER_WRITE_MOSTLY = 1u << 2,
	MEMBER_SPARE = 1u << 3,
	MEMBER_BLOCKED = 1u << 4,
	MEMBER_EXTERNAL_BBL = 1u << 5,
	MEMBER_GONE = 1u << 6, /* ours: the kernel answered ENODEV */
};

/* In sync, and not failed. */
static inline bool member_has_data(unsigned state)
{
	return (state & (MEMBER_IN_SYNC | MEMBER_FAULTY)) == MEMBER_IN_SYNC;
}

/* Sectors of a disk that hold no valid data, counted from its start. */
struct bad_range {
	uint64_t sector, length;
};

/* ---- parsers: text as the kernel prints it, with or without the newline ---- */

enum array_state sysfs_parse_array_state(const char *text);
enum sync_action sysfs_parse_sync_action(const char *text);
unsigned sysfs_parse_member_state(const char *text); /* MEMBER_*; unknown words are ignored */

/* The text is this word. */
bool sysfs_is_word(const char *text, const char *word);

/* A pass over the disks is running, so sync_completed is progress. */
bool sync_action_runs(enum sync_action a);

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

#endif
