/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interface of a metadata handler, and what passes through it. Manager and monitor know a metadata format by this
 * alone. Sizes and positions are in sectors of 512 bytes unless said otherwise.
 */
#ifndef SUPERSWITCH_H
#define SUPERSWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"
#include "threads/report.h"

struct active_array;
struct array_watch;
struct disk;
struct mdinfo;
struct metadata_update;

/* ---- spares ---------------------------------------------------------------- */

#define MAX_SPARE_PICKS 32
#define SPARE_BITMAP_BLOCK 4096 /* bytes */
#define SPARE_BITMAP_HEADER 64

/* One disk chosen to fill one empty slot. */
struct spare_pick {
	dev_t dev;
	int slot;
	uint64_t data_offset;    /* sectors */
	uint64_t component_size; /* sectors */
	uint64_t ppl_sector;     /* sectors; with ppl_size 0: no PPL */
	uint32_t ppl_size;       /* sectors */
	/*
	 * The bitmap that the disk must have before it becomes a member: a block that begins with the header and is
	 * zero otherwise, then bitmap_size bytes of ones, for all is to be rebuilt.
	 */
	uint64_t bitmap_sector;  /* sectors from the start of the disk */
	uint32_t bitmap_size;    /* bytes; 0: no bitmap */
	uint8_t bitmap_header[SPARE_BITMAP_HEADER];
	bool bad_block_log;      /* the format records bad blocks */
	bool in_array;           /* md has it in that slot already (left by a dead daemon) */
};

/* What the metadata say of a disk that is picked: md has to know it before it uses the disk. */
struct spare_bad_range {
	dev_t dev;
	struct bad_range range;
};

#define MAX_SPARE_BAD_RANGES 256

struct spare_request {
	struct array_watch *watch;  /* which array; it outlives the copies */
	int member;                 /* its volume index */
	unsigned count;
	struct spare_pick pick[MAX_SPARE_PICKS];
	unsigned bad_count;
	struct spare_bad_range bad[MAX_SPARE_BAD_RANGES];
};

/* ---- the handler ----------------------------------------------------------- */

struct supertype {
	const struct superswitch *ss;
	void *sb;                    /* the handler's container; owner: monitor once it runs */
	char container[MD_NAME_MAX]; /* constant: "md127" */
};

/* What set_array_state is told. */
enum consistency {
	MARK_DIRTY = 0,
	MARK_CLEAN = 1,
	MARK_DECIDE = 2, /* readonly array about to start: clean only if nothing is to be done */
};

struct bad_range_changes {
	unsigned recorded, cleared;
};

#define MAX_SYNC_REPORTS 8

/* What sync_metadata is asked for and how it went. */
struct sync_result {
	bool retry;       /* in: also write to disks whose last write failed */
	bool patient;     /* in: an array waits for those that hung: give them more time than others */
	unsigned written; /* disks that hold the new state durably */
	bool more_disks;  /* a disk is used that was not before: spares may be looked for */
	unsigned failed;  /* disks whose write failed */
	dev_t failed_dev[REPORT_FAILED]; /* the first of them */
	unsigned reports; /* of them, those that had not failed the time before */
	struct {
		dev_t dev;
		const char *name; /* of the disk; the handler's */
		int error;        /* -errno */
	} report[MAX_SYNC_REPORTS];
};

#define MAX_HANGING 256

/* Disks to which a write was out that was not answered for a second or more, and that have not got what they lack since. */
struct hanging_disks {
	int event_fd; /* readable when an answer has come; -1: there is none */
	unsigned count;
	struct {
		dev_t dev;
		uint64_t since_ns; /* CLOCK_MONOTONIC; 0: it has been answered */
	} disk[MAX_HANGING]; /* the first of them */
};

/*
 * A metadata format. No entry is NULL except where its comment says so.
 *
 * "start-up" entries run before the monitor exists, "manager" and "monitor"
 * ones only in that thread. Monitor entries must not allocate, open, close,
 * take locks or log other than through lib/log.h. Metadata belongs to the monitor:
 * manager entries see only what they are given.
 */
struct superswitch {
	const char *name; /* text after "external:", e.g. "imsm" */

	/*
	 * start-up. Reads the metadata of all disks and takes ownership of those it
	 * keeps (sets the slot in `disks` to NULL). On failure returns -errno, having
	 * logged one line that says why; nothing was written anywhere.
	 */
	int (*load_container)(struct supertype *st, struct disk **disks, size_t count);

	/* start-up or after the monitor ended: frees st->sb and its disks. */
	void (*free_super)(struct supertype *st);

	/*
	 * monitor. Binds a new array to volume a->member. -ENODEV: no such volume. -EBUSY: bound already.
	 * May set failed_elsewhere of its members.
	 */
	int (*open_new)(struct active_array *a);

	/* monitor. The array is not monitored any more; undoes open_new. */
	void (*close_array)(struct active_array *a);

	/* monitor. Slot that the metadata gives to this disk in the array's volume, or -1. */
	int (*find_slot)(struct active_array *a, dev_t dev);

	/*
	 * monitor. md has the member in its slot, and the metadata neither say so nor that a rebuild is under way:
	 * a daemon that died had put it in, or had ended the record of its rebuild. It is recorded by a spare check.
	 */
	bool (*is_unrecorded)(struct active_array *a, const struct mdinfo *m);

	/*
	 * monitor. Returns the consistency it settled on: MARK_DIRTY or MARK_CLEAN.
	 * Idempotent. May set watch->last_checkpoint and custom_array_size.
	 */
	enum consistency (*set_array_state)(struct active_array *a, enum consistency c);

	/*
	 * monitor. In which slots md has data, of each array that a pass has read, before any of the entries below is told of
	 * one of them: what becomes of a disk that fails in one array depends on what the others have. It holds until the
	 * array is read again. May be NULL.
	 */
	void (*note_slots)(struct active_array *a, const bool has_data[MAX_SLOTS]);

	/* monitor. `state`: MEMBER_* bits to be taken for those of member `m`, in `slot` of the metadata. Idempotent. */
	void (*set_disk)(struct active_array *a, const struct mdinfo *m, int slot, unsigned state);

	/*
	 * monitor. The metadata shall say that this range of the member in `slot` is bad, completely or not at all.
	 * 1: they do now, 0: they did already; durable after the next sync_metadata. -errno: they cannot. Idempotent.
	 * This and the next may be NULL: the format keeps no bad blocks. (Its members then get no external_bbl.)
	 */
	int (*record_bad_block)(struct active_array *a, int slot, const struct bad_range *r);

	/*
	 * monitor. All `count` ranges that md knows to be bad in the member, or, if not `complete`, some of them. They
	 * are recorded; what is on record for this array and is not among a complete list is cleared. -errno: not all could
	 * be recorded. Idempotent.
	 */
	int (*compare_bad_blocks)(struct active_array *a, int slot, const struct bad_range *known, unsigned count,
				  bool complete, struct bad_range_changes *changes);

	/*
	 * monitor. Writes what changed to every disk that must hold it, durably.
	 * Returns 1 if it tried to write, 0 if there was nothing to write, -EIO if what changed
	 * is on no disk (the change stays pending).
	 */
	int (*sync_metadata)(struct supertype *st, struct sync_result *res);

	/*
	 * monitor. Writes what nobody has to wait for, for the new state is durable: further copies. Called after the
	 * kernel has been answered, if sync_metadata did not fail. May be NULL.
	 */
	void (*finish_sync)(struct supertype *st, struct sync_result *res);

	/* monitor. Of the disks that are to be written to. */
	void (*look_for_hanging)(struct supertype *st, struct hanging_disks *h);

	/*
	 * monitor. Fills generation, disks and volumes of the report. Counts stay within the report's arrays; what
	 * finds no room is left out.
	 */
	void (*report)(const struct supertype *st, struct report *r);

	/*
	 * manager. Checks what can be checked without the metadata (type, length,
	 * ranges) and allocates u->space. 0, or -errno to refuse the message.
	 */
	int (*prepare_update)(struct supertype *st, struct metadata_update *u);

	/*
	 * monitor. UPDATE_FIND_SPARES: fills u->spares->pick from what the watch and the members say.
	 * u->spares->count stays 0 if nothing is to be done. Changes nothing.
	 */
	void (*activate_spare)(struct active_array *a, struct spare_request *req);

	/*
	 * monitor. One entry for each kind of update. Applied completely or not at all: 0 or -errno. Everything that
	 * they need has been allocated by prepare_update or add_to_super.
	 */
	int (*apply_message)(struct supertype *st, struct metadata_update *u); /* UPDATE_MESSAGE */
	int (*add_disk)(struct supertype *st, struct metadata_update *u);      /* UPDATE_ADD_DISK */
	int (*remove_disk)(struct supertype *st, struct metadata_update *u);   /* UPDATE_REMOVE_DISK */
	int (*commit_spares)(struct supertype *st, struct metadata_update *u); /* UPDATE_COMMIT_SPARES */

	/*
	 * manager. Prepares a disk that appeared in the container (it becomes a spare, or the metadata know it): sets
	 * u->disk, u->space and, if need be, u->buf; may write to the disk what only it needs.
	 * 0 or -errno (the disk is left alone; the caller closes it).
	 */
	int (*add_to_super)(struct supertype *st, struct disk *disk, struct metadata_update *u);
};

extern const struct superswitch super_imsm, super_ddf;

#endif
