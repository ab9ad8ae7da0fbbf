/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A metadata handler whose metadata are a few words in memory, and which fails, or takes its time, when it is told to.
 * Each change of the metadata is a step (steps.h), and so is each time that they are written:
 *
 *	md126: dirty            what it says of the array: "dirty" or "clean"
 *	md126[1]: failed        what it says of a slot: "failed", "in sync" or "rebuilding"
 *	metadata written        or "metadata not written"
 *
 * To be told what is on record already is no change and no step. A test sets the entries of `ss` that it wants to be
 * different.
 */
#ifndef FAKE_HANDLER_H
#define FAKE_HANDLER_H

#include "mdmon.h"
#include "metadata/superswitch.h"

struct fake_handler {
	struct superswitch ss;
	struct supertype st;

	/* set by the test */
	int sync_error;              /* -EIO: no disk takes the metadata */
	unsigned sync_ms;            /* so long it takes to write them (fake-md.h) */
	unsigned refusal_ms;         /* so much longer, if the failed disk is asked */
	enum consistency decides;    /* the answer to MARK_DECIDE */
	int open_error, update_error;
	dev_t unrecorded; /* is_unrecorded() of this member */
	bool disk_is_member;  /* what was said of the members before a disk came was of another one */
	bool message_creates; /* the volume: an array of it can be opened from then on */
	void (*while_writing)(void); /* called before the metadata are written, each time */
	const char *failed_disk;     /* it alone does not take the metadata; the device is that of sda */
	int failed_error;            /* of it; 0: EIO */

	/* for the test to look at */
	bool change_due;   /* the metadata in memory are not those on disk */
	bool stale;        /* the failed disk has been asked, and waits for a retry */
	unsigned syncs, retries; /* calls of sync_metadata, and those with `retry` */
	struct {
		int slot;
		uint64_t sector;
	} bad[64];         /* the first sector of each range on record */
	unsigned bad_count, bad_room;
};

extern struct fake_handler handler;

/* Empty metadata; nothing fails. */
void fake_handler_reset(void);

#endif
