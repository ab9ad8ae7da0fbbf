/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's words for arrays, members and what happens to them (kernel-md.md 4.1, 4.3, 5.1), as values that the
 * rest of the program computes with. Sizes and positions are in sectors of 512 bytes.
 */
#ifndef MD_WORDS_H
#define MD_WORDS_H

#include <stdint.h>

/* Kernel names of arrays ("md126") and of attributes' directories ("dev-sda"). */
#define MD_NAME_MAX 32
#define MEMBER_NAME_MAX 64

/* More slots than md itself allows in one array. */
#define MAX_SLOTS 256

#define SECTORS_NONE UINT64_MAX /* the word "none": complete, or not running */

/*
 * The order matters: "more than inactive" means running, "at most clean" means
 * that no write can be in flight.
 */
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
	ARRAY_UNKNOWN, /* a word we do not know: running */
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

/* Sectors of a disk that hold no valid data, counted from its start. */
struct bad_range {
	uint64_t sector, length;
};

#endif
