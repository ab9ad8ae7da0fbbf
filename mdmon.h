/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both threads share: arrays, member disks, and metadata updates.
 *
 * Two threads run in this program. Each field below names its owner:
 *
 *   constant   set by the manager before the object is published (threads/handoff.h),
 *              never changed afterwards; both threads may read it
 *   manager    only the manager thread touches it
 *   monitor    only the monitor thread touches it
 *   handoff    atomic, touched by both, under the rules in threads/handoff.h
 *
 * Sizes and positions are in sectors of 512 bytes unless said otherwise.
 */
#ifndef MDMON_H
#define MDMON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "md/words.h"

#define container_of(ptr, type, field) ((type *)(void *)((char *)(ptr) - offsetof(type, field)))

/* ---- objects --------------------------------------------------------------- */

/* Link of a hand-over list. */
struct handoff_node {
	struct handoff_node *next; /* handoff */
};

#define BAD_RANGE_BATCH 64

/* Bad ranges that the metadata have durably, on their way to the manager. */
struct bad_range_batch {
	atomic_uint count; /* handoff: 0 the ranges are the monitor's, else so many of them are the manager's */
	struct bad_range range[BAD_RANGE_BATCH];
};

/* What the monitor asks of the manager for one member disk. */
enum member_request {
	MEMBER_WANT_UNBLOCK = 1u << 0, /* failure is durable: write "-blocked" */
	MEMBER_WANT_REMOVE = 1u << 1,  /* failure is durable: take it out of the array */
	MEMBER_WANT_FAIL = 1u << 2,    /* it failed in another array: write "faulty" */
	MEMBER_WANT_BBL_OFF = 1u << 3, /* bad block cannot be recorded: "-external_bbl" */
	MEMBER_WANT_BAD_BLOCKS = 1u << 4, /* the batch is durable: write it, then "-blocked" */
	MEMBER_WANT_GIVE_UP = 1u << 5, /* too many bad blocks, or it takes no metadata either: write "faulty" */
};

/*
 * A member disk of one active array: one directory md/dev-NAME. Shared by all
 * duplicates of the array; the manager counts the references.
 */
struct mdinfo {
	char name[MEMBER_NAME_MAX]; /* constant: "dev-sda" */
	dev_t dev;                  /* constant */
	int slot;                   /* constant: position in the array; -1 if md took it away (failed) */
	uint64_t data_offset;       /* constant: sectors; where its data begin */

	int state_fd;  /* constant: polled and read by the monitor */
	int recovery_start_fd; /* constant: read by the monitor */
	int bad_blocks_fd;     /* constant: polled and read by the monitor */
	int unacknowledged_fd; /* constant: "unacknowledged_bad_blocks", polled and read by the monitor */

	int acknowledge_fd; /* manager: "bad_blocks" once more, to acknowledge */
	int manager_fd;    /* manager: "state" once more, for "-blocked" and "faulty" */
	int remove_fd;     /* manager's helper: and once more, for "remove", which may sleep for long */
	bool removing;     /* manager: "remove" is being tried */
	unsigned refs;     /* manager: active_array copies that hold it */
	unsigned pending;  /* manager: member_request bits taken but not done yet */
	bool removed;      /* manager: out of the array in md; the next duplicate leaves it out */

	int meta_slot;           /* monitor: slot in the metadata, for a member without one in md */
	bool failed_elsewhere;   /* monitor: it failed in another array, or on record: set in open_new, too */
	bool fail_asked;         /* monitor: MEMBER_WANT_FAIL has been asked for */
	bool compare_bad_blocks; /* monitor: the lists of bad blocks have to be looked at */
	bool bad_blocks_dead;    /* monitor: they could not be read; polling them would not wait */
	bool bad_block_lost;     /* monitor: a range that a write waits for cannot be recorded */
	bool bad_blocks_full;    /* monitor: a range that md knows has no room in the metadata */
	bool given_up;           /* monitor: MEMBER_WANT_GIVE_UP has been asked for */
	unsigned bad_unacknowledged; /* monitor: ranges that this pass found */
	unsigned bad_staged;     /* monitor: of them, those put into the batch */
	unsigned prev_state;     /* monitor: MEMBER_* of the previous pass */
	unsigned curr_state;     /* monitor: MEMBER_* of this pass */
	bool rebuilt;            /* monitor: in sync, and md has made it so: it ran, or was found running and whole */
	uint64_t recovery_start; /* monitor: sectors, SECTORS_NONE = in sync */

	atomic_uint requests; /* handoff: MEMBER_WANT_*, set by monitor, taken by manager */
	struct bad_range_batch bad;
};

/* What the monitor asks of the manager for one array. */
enum array_request {
	ARRAY_WANT_READ_AUTO = 1u << 0,      /* write "read-auto" */
	ARRAY_WANT_ACTIVE = 1u << 1,         /* write "active" to a readonly array */
	ARRAY_WANT_SPARE_CHECK = 1u << 2,    /* degraded: look for spares */
	ARRAY_WANT_RESHAPE_CHECK = 1u << 3,  /* look for devices that mdadm added */
	ARRAY_WANT_MEMBERS = 1u << 4,        /* some member has requests */
	ARRAY_WANT_SIZE = 1u << 5,           /* write array_size, see array_watch.new_size */
};

/*
 * What the monitor knows of one array. It outlives the duplicates: all copies of
 * an array point to the same watch, so nothing has to be carried over when one
 * replaces another. Allocated and freed by the manager.
 */
struct array_watch {
	/* monitor: what was read, by the pass before (`prev_`) and by this one */
	enum array_state prev_state, curr_state;
	enum sync_action prev_action, curr_action;
	uint64_t resync_start;     /* SECTORS_NONE = complete */
	uint64_t sync_completed;   /* 0 when nothing runs */
	uint64_t reshape_position; /* SECTORS_NONE: no reshape runs or is interrupted */
	bool blocked_by_mdadm;     /* metadata_version begins with '-' */

	/* monitor: what follows from it, for the handler; and what the handler answers */
	bool reshape_done;          /* one has run and reached its end since the pass before */
	bool reshape_idle;          /* this pass made sure that nobody is reshaping, or about to */
	uint64_t last_checkpoint;   /* progress that the metadata should name */
	uint64_t custom_array_size; /* set by the handler: what the array should offer at least, sectors; 0 = not known */

	/* monitor: bookkeeping, how far it has come with the array and what the next pass has to do */
	bool adopted;           /* open_new has bound it to the metadata */
	bool first;             /* its first pass is not over */
	bool untold;            /* the handler has not been told of its state: mdadm held it, or nobody can write to it */
	bool new_members;       /* the handler has not been told of the members since a copy was taken over, or a disk came */
	bool seen_running;      /* it was more than inactive under this daemon */
	bool look;              /* something happened: read it in this pass */
	bool unread;            /* something could not be read the last time */
	unsigned rereads;       /* so many times in a row */
	uint64_t reread_ns;     /* CLOCK_MONOTONIC: when it is read again for that; 0: what was read is gone by */
	bool clean_refused;     /* the kernel refused our last "clean": a write had come before */
	uint64_t hold_until_ns; /* CLOCK_MONOTONIC: so long our answer waits for "-blocked"; 0: it does not wait */
	bool held_long_enough;  /* it has waited that long, and does not wait again for the same failure */

	/* monitor: for messages and reports; nothing is decided by it. Times: CLOCK_MONOTONIC, 0 = none */
	bool told_dirty;              /* the handler settled on dirty the last time */
	enum sync_action sync_logged; /* what is said to have begun */
	uint64_t sync_since_ns;       /* since when the sync runs (or is known to) */
	uint64_t write_since_ns;      /* since when a write waits for us */
	uint64_t failure_since_ns;    /* since when writes wait for "-blocked" */

	atomic_uint requests; /* handoff: ARRAY_WANT_*, set by monitor, taken by manager */
	atomic_uint_least64_t new_size; /* handoff: for ARRAY_WANT_SIZE, sectors; set by monitor before */
};

/*
 * One active member array. The manager never changes one that is published: it
 * publishes a changed duplicate whose `replaces` names the old one.
 */
struct active_array {
	struct handoff_node node;       /* handoff: incoming or discard list */
	struct active_array *replaces;  /* constant: older copy, NULL for a new array */
	struct active_array *next;      /* monitor: its list of arrays */
	struct supertype *container;    /* constant */
	struct array_watch *watch;      /* constant */
	struct managed_array *managed;  /* constant pointer; only the manager follows it */

	char name[MD_NAME_MAX];  /* constant: "md126" */
	int member;              /* constant: volume index in the metadata */
	int level;               /* constant: 1, 4, 5, 6, 10 */
	int raid_disks;          /* constant */
	int layout;              /* constant: md layout number */
	unsigned chunk;          /* constant: sectors; 0: the level has none */
	uint64_t component_size; /* constant: sectors per member */

	int array_state_fd;      /* constant: monitor's, read/write, polled */
	int sync_action_fd;      /* constant: monitor's, polled; -1 if absent */
	int sync_completed_fd;   /* constant: monitor's, polled; -1 if absent */
	int resync_start_fd;     /* constant: monitor's */
	int metadata_version_fd; /* constant: monitor's */
	int reshape_position_fd; /* constant: monitor's; -1 if absent */

	int discard_error; /* monitor, before the discard: 0 stopped or replaced, else why refused */

	unsigned disk_count;    /* constant */
	struct mdinfo *disks[]; /* constant array of shared members */
};

/* ---- updates: the only way the manager changes metadata ---------------------- */

enum update_op {
	UPDATE_MESSAGE,       /* from the control socket: `buf`, `len` */
	UPDATE_ADD_DISK,      /* a disk appeared in the container: `disk` */
	UPDATE_REMOVE_DISK,   /* a disk left the container: `dev` */
	UPDATE_FIND_SPARES,   /* choose spares for the array of `spares`; changes nothing */
	UPDATE_COMMIT_SPARES, /* record the spares in `spares` as rebuilding */
};

struct manager;

/*
 * Owned by the manager, then by the monitor from handoff_queue_update() until it
 * comes back over the handled list. Everything applying it could need is
 * allocated beforehand, by superswitch.prepare_update.
 */
struct metadata_update {
	struct handoff_node node;
	enum update_op op;
	int status;   /* set by the monitor: 0 applied, -errno refused (nothing changed) */
	bool durable; /* set by the monitor: what it changed is on disk */

	void *buf;  /* UPDATE_MESSAGE: payload; ADD: the handler's; malloc'd, owned by the update */
	size_t len; /* bytes */

	struct disk *disk; /* ADD: the new disk. On return: a disk to close, or NULL */
	dev_t dev;         /* ADD, REMOVE */
	bool known;        /* ADD: set by the handler: the disk is no new spare, the metadata say what it is */
	struct spare_request *spares; /* FIND, COMMIT: owned by the manager */

	void *space;       /* handler's preallocation, freed with free() by the manager */
	void (*done)(struct manager *mgr, struct metadata_update *u); /* manager: called when it is back; NULL: nobody waits */
	uint64_t owner_id; /* manager: the client that waits for it */
	void *owner;       /* manager: the array that waits for it */
};

#endif
