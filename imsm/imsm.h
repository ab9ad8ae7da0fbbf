/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IMSM container in memory, and the parts of its handler:
 *
 *   super-imsm.c       the superswitch: glue between the loops and the parts below
 *   imsm/format.h      the metadata on disk and decoded, with
 *     fields.c           fields of more than one word, serial numbers, 4096-byte sectors
 *     format.c           the layout, and where it lies on a disk
 *     decode.c           bytes to structs, all of it checked
 *     encode.c           structs to bytes
 *     mixture.c          copies that are half written, and whether they pass for complete ones
 *   imsm/read.c        reading one disk's copy
 *   imsm/load.c        reading all disks, and whether we may work on them
 *   imsm/choose.c      choosing among copies that disagree
 *   imsm/write.c       which disks are written when something has changed, and what becomes of those that fail
 *   imsm/join.c        spares that are about to become members: what is written to them before that is recorded
 *   imsm/leap.c        what tells the members that a spare's recording comes
 *   imsm/refusal.c     how what is refused names a disk
 *   imsm/find.c        which disk, which slot, which entry of the disk table
 *   imsm/state.c       what follows from the maps and the disks: sizes, what is bad, what goes on
 *   imsm/checkpoint.c  how far a resync or rebuild has come
 *   imsm/transitions.c changes that events and messages have in common
 *   imsm/events.c      what happens to a volume's metadata when something happens to
 *                      the array (state machine)
 *   imsm/md-has.c      in which slots md has data
 *   imsm/disks.c       disks that come and go
 *   imsm/late.c        disks that come late, or back, and are part of the container already
 *   imsm/messages.c    queued updates: create, delete, rename; message.h: what messages are made of
 *   imsm/migration.c   volumes that change their shape: what mdadm --grow asks for, and what follows its end
 *   imsm/spare.c       choosing a spare and recording it as rebuilding
 *   imsm/room.c        where volumes lie on a disk, and what room is left
 *   imsm/bitmap.c      the write-intent bitmap that a spare needs
 *   imsm/badblocks.c   the log of bad blocks
 *   imsm/report.c      what a status request is told
 *   imsm/examine.c     what somebody is told who only wants to look at disks (metadata/examine.h), with
 *     tell.c             the decoded fields by name
 *
 * Everything but super-imsm.c, read.c, load.c, write.c, join.c, examine.c and what the manager calls in disks.c is
 * pure: it works on struct imsm_container, which belongs to the monitor once the threads
 * run. Nothing here allocates, except where its comment says so.
 */
#ifndef IMSM_CONTAINER_H
#define IMSM_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "imsm/format.h"
#include "metadata/disk.h"
#include "metadata/md-member.h"
#include "metadata/superswitch.h"

#define IMSM_SECTOR_MAX 4096 /* bytes: the largest sectors that the format knows */
#define IMSM_LEFT_MAX 32
#define IMSM_INDEX_SPARE (-1)     /* a spare */
#define IMSM_INDEX_UNRELATED (-2) /* failed or not ours: never written */

/* A disk that is present in the container. */
struct imsm_dl {
	struct imsm_dl *next;
	struct disk *disk;               /* owned */
	dev_t dev;
	uint8_t serial[IMSM_SERIAL_LEN]; /* physical, normalised, never marked */
	struct imsm_disk record;         /* 512-byte units. For index >= 0 the table entry is the truth */
	int index;                       /* position in the disk table, or IMSM_INDEX_* */
	bool spare_record_due;           /* its spare record must be (re)written */
	bool after_members;              /* but not before a member has taken something newer than what the disk holds */
	bool clear_migr_record_due;      /* its last sector must be zeroed */
	bool has_migr_record;            /* it failed under an earlier daemon, or was set aside (imsm/late.c), and mdadm may
					    go by its record of a reshape */
	bool stale;                      /* its last write failed; it holds something older */
	bool unfit;                      /* it failed in an array under this daemon, and counts for others: no spare */
	bool half_written;               /* when it came: its copy was being written by a daemon that did not get to its end */
	uint32_t family;                 /* of that copy */
	struct imsm_meta *copy;          /* owned: what it carries, if it has had to wait (imsm_let_wait()) */
	bool asked;                      /* it was due when the write that is being made was planned */
	unsigned holds;                  /* the number of the copy that it took last (imsm/write.c); 0: it is not known */
	unsigned left_with;  /* imsm/write.c: number of the image that was out when it began to hang */
	unsigned joined;                 /* its copy names it as a spare in the table of a container with volumes, as the
					    one of that number, counted from 1; 0: it does not (imsm/join.c) */
	struct {
		int index;
		struct imsm_disk record;
		bool spare_record_due;
	} before;                        /* imsm_remember() */
};

struct imsm_container {
	struct imsm_meta meta;       /* the truth: disk table, volumes, bad blocks */
	uint32_t sector_size;        /* of the champion; members must match */
	struct imsm_dl *disks;       /* present disks, most recently added first */
	struct imsm_dl *waiting;     /* disks that are there, but cannot be taken yet (imsm_let_wait()) */
	unsigned live_volumes;       /* bit per volume index: bound to a monitored array */
	unsigned noted_volumes;      /* the same: what md has is in the next */
	bool md_has[IMSM_MAX_VOLUMES][MAX_SLOTS]; /* by md's slot: its data; of volumes that are not just noted nothing */
	bool write_due;              /* something changed that must reach the members */
	bool awaited;                /* by somebody who has asked for it, whether or not an array is served */
	bool first_write;            /* nothing has reached them since the container was loaded */
	bool nobody_has;             /* what was changed last: no disk was left that could have taken it */
	bool found_closed;           /* at load: a member's copy was being written when the daemon before us died */
	bool found_behind;           /* at load: a member's copy was older than what was chosen */
	bool change_may_be_out;      /* which a disk that is not here has, and which is newer by a leap (imsm/join.c) */
	bool leap_is_due;            /* such a change comes next: what is written now says so */
	struct imsm_migr_record migration; /* 512-byte units; what mdadm had left at load. Zeros: none goes on */
	bool reshape_ended;          /* when that is durable the migration records have to be zeroed */
	bool zeros_refused;          /* a disk did not take them */
	unsigned widened_to;         /* by a reshape that has ended; others are to follow. 0: none */
	uint32_t loaded_generation;
	uint32_t durable_generation; /* the last one that a disk has taken */
	uint8_t left[IMSM_LEFT_MAX][IMSM_SERIAL_LEN]; /* the last disks that left: what they hold is known */
	unsigned left_count; /* how many left; the latest is at left_count - 1, modulo their number */
};

/* ---- imsm/refusal.c ---- */

/* As refuse(): "REQUEST: disk sdb (serial ...) REASON". */
int imsm_refuse_disk(const char **why, int err, const char *request, const struct imsm_dl *dl, const char *reason);
/* "REQUEST: the disk with the serial ... REASON", for a disk of which no more is known. */
int imsm_refuse_serial(const char **why, int err, const char *request, const uint8_t serial[IMSM_SERIAL_LEN],
		       const char *reason);

/* ---- imsm/find.c ---- */

static inline uint32_t imsm_ord_index(uint32_t ord)
{
	return ord & IMSM_ORD_INDEX_MASK;
}

struct imsm_dl *imsm_dl_by_index(const struct imsm_container *c, int index);
struct imsm_dl *imsm_dl_by_dev(const struct imsm_container *c, dev_t dev);
struct imsm_dl *imsm_dl_by_serial(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN]);
/* Another present disk has the same serial and is a member: the two cannot be told apart by the metadata. */
bool imsm_serial_ambiguous(const struct imsm_container *c, const struct imsm_dl *dl);

/* The place in the disk table of the disk with that serial, -1: there is none. */
int imsm_serial_in_table(const struct imsm_meta *m, const uint8_t serial[IMSM_SERIAL_LEN]);
/*
 * Disk table entries that no present disk claims are "missing": absent at load, or taken
 * out of the container since. They count as bad like failed ones.
 */
bool imsm_disk_present(const struct imsm_container *c, uint32_t index);
bool imsm_disk_failed(const struct imsm_container *c, uint32_t index);
/* Missing, and not recorded as failed: others may find it, and believe what it holds. */
bool imsm_disk_absent(const struct imsm_container *c, uint32_t index);
bool imsm_any_absent(const struct imsm_container *c); /* what one holds that has failed, or is recorded as missing, is older */
/* By map 0: the slot's disk has failed or is missing, or has not got the slot's data. */
bool imsm_slot_bad(const struct imsm_container *c, const struct imsm_volume *v, unsigned slot);

static inline const struct imsm_disk *imsm_dl_record(const struct imsm_container *c, const struct imsm_dl *dl)
{
	return dl->index >= 0 ? &c->meta.disk[dl->index] : &dl->record;
}

enum imsm_which { IMSM_M0, IMSM_M1, IMSM_MX };

const struct imsm_map *imsm_which_map(const struct imsm_volume *v, enum imsm_which which); /* NULL: no map1 */
uint32_t imsm_ord(const struct imsm_volume *v, unsigned slot, enum imsm_which which);  /* UINT32_MAX: no such slot */
int imsm_slot_of(const struct imsm_map *m, uint32_t index); /* -1: not a member */
bool imsm_volume_names(const struct imsm_volume *v, uint32_t index); /* in either map */
bool imsm_disk_named(const struct imsm_container *c, uint32_t index); /* by any volume */
bool imsm_dl_is_member(const struct imsm_volume *v, const struct imsm_dl *dl); /* by map 0 */
bool imsm_dl_failed(const struct imsm_container *c, const struct imsm_dl *dl);
/*
 * The member of an absent disk whose copy was being written when a daemon died, after it had closed what was there (imsm.md 7.3);
 * `family` is of that copy. -1: it is none, or has failed since.
 */
int imsm_half_written_entry(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN], uint32_t family);
/* The entry says that its disk was missing, and not that it failed. */
bool imsm_only_missing(const struct imsm_disk *d);
/* `marked` is the serial with the mark of a failure, once or more often. */
bool imsm_is_marked_failed(const uint8_t marked[IMSM_SERIAL_LEN], const uint8_t serial[IMSM_SERIAL_LEN]);
/* The entry that says of the disk with this serial that it was only missing; -1: none, or it may be another disk's. */
int imsm_missing_entry_of(const struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN]);

/* ---- imsm/choose.c ---- */

/* One disk's own view, before a choice is made. */
struct imsm_candidate {
	struct disk *disk;
	/* Physical. Of the disk's serials the one that its own table names, else the first. */
	uint8_t serial[IMSM_SERIAL_LEN];
	int own_index;                   /* in its own table, -1 if its serial is not there */
	struct imsm_meta *meta;          /* NULL: unreadable or no valid metadata (`why`) */
	int error;                       /* 0, or -errno of what kept us from reading: there may be metadata */
	uint32_t sector_size;
	const char *why;
	bool closed;                     /* the copy was being written by a daemon of this kind, which did not get to its end */
	uint32_t family;                 /* of that one */
};

/*
 * imsm.md 2.3, 2.4. No I/O, but allocates c->meta. `cand` in the order in which they are to be considered (the reverse of sysfs
 * order). Fills c->meta, sector_size, and for each candidate i the index in index[i] (>= 0,
 * IMSM_INDEX_*), or IMSM_DROPPED. -ENOENT: no usable metadata at all; *why says what was wrong.
 */
#define IMSM_DROPPED (-3)
int imsm_choose(struct imsm_candidate *cand, size_t count, struct imsm_container *c, int *index, const char **why);

/* ---- imsm/read.c ---- */

/*
 * Start-up, and the manager for a disk that comes; blocking. Reads one disk's copy; a torn read is retried. Allocates
 * cand->meta.
 */
void imsm_read_candidate(struct disk *disk, struct imsm_candidate *cand);
/* The same, but that it does not matter whether the disk has a serial number; cand->serial is to be found then. */
void imsm_read_copy(struct disk *disk, struct imsm_candidate *cand);
/* Of the serials that the disk offers, the one under which its own table knows it, else the first. False: it has none. Pure. */
bool imsm_find_own_serial(struct imsm_candidate *cand);

/* ---- imsm/tell.c, for imsm/examine.c: what was read, by the names of its fields ---- */

struct facts;

void imsm_tell_header(const struct imsm_header *h, struct facts *f); /* "header" */
void imsm_tell_contents(const struct imsm_meta *m, struct facts *f); /* "disks", "volumes", "bad_blocks" */
void imsm_tell_migration(const struct imsm_migr_record *r, struct facts *f); /* "migration_record" */

/* ---- imsm/load.c ---- */

/*
 * Start-up, blocking. Reads all disks, in the order of sysfs, and fills *c. Takes ownership of the disks that it keeps:
 * their places in `disks` are NULL then, also if it fails. `container`: its name, for the log. 0 or -errno, logged.
 * Allocates the entries of c->disks (imsm_dl_new).
 */
int imsm_load(struct imsm_container *c, const char *container, struct disk **disks, size_t count);

/*
 * imsm.md 1.14. Start-up, blocking, once c->disks is complete: c->migration. 0 also if no volume is in a general
 * migration. -EIO: no disk that has it can be read. -EOPNOTSUPP: a migration that nobody can go on with.
 */
int imsm_read_migration(struct imsm_container *c, const char **why);

/* Pure. Attributes of the metadata that ask for what we cannot do, 0 if there are none (imsm.md 1.15). */
uint32_t imsm_unknown_attributes(const struct imsm_meta *m);

/* ---- imsm/write.c ---- */

struct imsm_writer;

struct imsm_writer *imsm_writer_new(void); /* start-up. NULL: out of memory, or no asynchronous I/O to be had */
void imsm_writer_free(struct imsm_writer *w);

/*
 * monitor. sync_metadata of the superswitch: writes what has changed to every disk that must hold it. After the end of
 * a reshape the migration records are zeroed, and the next volume, if one is to follow, is written as well.
 * `container`: its name, for the log.
 */
int imsm_write(struct imsm_writer *w, struct imsm_container *c, const char *container, struct sync_result *res);

/* monitor. look_for_hanging of the superswitch. */
void imsm_look_for_hanging(struct imsm_writer *w, struct imsm_container *c, struct hanging_disks *h);

/* For imsm/join.c: one disk, durably. 0 or -errno. Its spare record; zeros in place of its migration record. */
int imsm_write_spare(struct imsm_writer *w, struct imsm_dl *dl);
int imsm_write_zeros(struct imsm_writer *w, const struct imsm_dl *dl);
/* The same: a copy in place of a spare's record, which stays in force until the copy is complete. */
int imsm_write_first_copy(struct imsm_writer *w, struct imsm_dl *dl, const struct imsm_meta *m);

/* Metadata that were written before there was an original family have none (imsm.md 1.16). */
void imsm_settle_family(struct imsm_header *h);

/*
 * How far the generation moves on (imsm.md 1.16). A disk that is not there may hold a copy that a power cut kept from
 * all others: what is written first after a start is to be newer than that. The copy may be the first one of a daemon
 * that had leapt itself, but it knew one disk more: so it is a leap more for each disk that is missing. A disk that
 * was replaced may be written by somebody for a while: what knows of the replacement is to be newer than that. Nor
 * may it have the sum of the copy there, or the reader takes the two for one copy (2.3): with 65536, which is what a
 * volume's dirty flag adds, it had now and then.
 */
#define IMSM_LEAP_AT_START 1024
#define IMSM_LEAP_REPLACED 0x18080

static inline void imsm_pass_generations(struct imsm_header *h, uint32_t count)
{
	h->generation_num = le32_make(le32_get(h->generation_num) + count);
}

/* Not older than the other. */
static inline void imsm_reach_generation(struct imsm_header *h, const struct imsm_header *other)
{
	if ((int32_t)(le32_get(other->generation_num) - le32_get(h->generation_num)) > 0)
		h->generation_num = other->generation_num;
}

/* ---- imsm/join.c (imsm.md 7.2) ---- */

/* start-up. Entries that spares have in the loaded table are taken out of it, and the spares remembered. Pure. */
void imsm_find_joined(struct imsm_container *c);
/* monitor. Spares that hold a copy of the metadata are given a spare's record again. */
void imsm_undo_joins(struct imsm_writer *w, struct imsm_container *c, const char *container);
/* monitor. Before a change that may make members of spares: *before is for imsm_join(). Pure. */
void imsm_remember(const struct imsm_container *c, struct imsm_container *before);
/*
 * monitor. After that change, which is in memory only: writes to each new member what makes it safe to name it, and zeros
 * in place of the records of former reshapes. 0, or -errno: a disk did not take it; logged, and *c is as it was before the
 * change. `before` is used up. `random`: for the family of the first volume. *why: static text.
 */
int imsm_join(struct imsm_writer *w, struct imsm_container *c, struct imsm_container *before, uint32_t random,
	      const char *container, const char **why);

/* ---- imsm/leap.c ---- */

/*
 * A spare's recording moves the generation on by a leap, and after a power cut one disk alone may have it. What is written to the
 * members before says that it comes (imsm.md 1.16): who loads that and not the change gets ahead of it.
 */
void imsm_mark_leap(struct imsm_container *c);
void imsm_find_leap(struct imsm_container *c);

/* ---- imsm/state.c (imsm.md 3) ---- */

#define IMSM_SECTORS_PER_MIB 2048

bool imsm_map_is_mirror(const struct imsm_map *m);        /* RAID1 or RAID10 */
int imsm_map_highest_flagged(const struct imsm_map *m);    /* slot with IMSM_ORD_REBUILD; -1: none */
unsigned imsm_map_data_members(const struct imsm_map *m); /* 0: unsupported */
uint64_t imsm_map_per_dev(const struct imsm_map *m);      /* sectors */
void imsm_map_update_stripes(struct imsm_map *m, uint64_t volume_sectors);
/* Volume sizes are whole MiB on each data member. */
uint64_t imsm_round_to_mib(uint64_t sectors, unsigned data_members);
/* The size that follows from the shape in map 0: sectors. */
uint64_t imsm_natural_size(const struct imsm_volume *v);

/* Attributes and version that the volumes need (imsm.md 1.15). Attributes are only ever added. */
void imsm_update_version_info(struct imsm_meta *meta);

/* What the state machine is told of the array; a copy of what the monitor read. */
struct imsm_event {
	enum array_state state;
	enum sync_action action, prev_action;
	uint64_t resync_start;    /* sectors, SECTORS_NONE = complete */
	uint64_t component_size;  /* sectors */
	uint64_t last_checkpoint; /* in and out: sectors */
	bool first;               /* of the array nothing has been told before */
	bool reshape_done;        /* a reshape has run and has reached its end */
	bool reshape_idle;        /* none runs or is interrupted, and mdadm is not about to begin one */
	uint64_t custom_array_size; /* out: sectors, 0 = none */
	bool left_out[IMSM_MAX_MEMBERS]; /* out: slots whose disk md runs without, as has been recorded now */
	int level, raid_disks, layout; /* of md */
	unsigned chunk;           /* of md: sectors, 0 = not known */
	unsigned disk_count;      /* members that md has */
	struct md_member disk[IMSM_MAX_MEMBERS];
};

/*
 * A volume, and what md says of its members. Metadata of a disk that we could not read
 * counts as missing; but while md works with that disk the volume has lost nothing. Without
 * an event only the metadata counts.
 */
struct imsm_view {
	const struct imsm_container *c;
	const struct imsm_volume *v;
	const struct imsm_event *ev; /* may be NULL */
	uint32_t awaited;            /* index + 1 of an absent disk that counts as if it were there; 0: none */
	bool md_had;                 /* so does one that md has, or had until now, be it absent or failed. With an event only */
	bool md_counts;              /* so does one in whose slot md has the data (imsm/md-has.c); v is in c then */
};

/* Slots that are bad: flagged, or their disk has failed or is missing. IMSM_MX: in either map, each disk once. */
unsigned imsm_view_count_bad(const struct imsm_view *w, enum imsm_which which);
/* The state of a map with so many bad slots. */
enum imsm_map_state imsm_view_check_degraded(const struct imsm_view *w, unsigned failed, enum imsm_which which);
/* The slot's disk is absent or failed, and md does not work with it. */
bool imsm_view_slot_lost(const struct imsm_view *w, unsigned slot);
/* The slot's disk is there and in order, but md runs without it (metadata/left-out.h). With an event only. */
bool imsm_view_left_out(const struct imsm_view *w, unsigned slot);

/* What a slot of map 0 has. */
enum imsm_slot {
	IMSM_SLOT_GOOD,
	IMSM_SLOT_REBUILDING, /* a good disk that has not got the slot's data yet */
	IMSM_SLOT_BAD,        /* neither the data nor a disk to rebuild them on; or there is no such slot */
};

enum imsm_slot imsm_view_slot(const struct imsm_view *w, unsigned slot);
unsigned imsm_view_count(const struct imsm_view *w, enum imsm_slot what);
/* The state that map 0 should have, with what the slots have now. */
enum imsm_map_state imsm_view_state(const struct imsm_view *w);

/* The first two, without an event: by the metadata, and by what md had at the last look. */
unsigned imsm_count_failed(const struct imsm_container *c, const struct imsm_volume *v, enum imsm_which which);
enum imsm_map_state imsm_check_degraded(const struct imsm_container *c, const struct imsm_volume *v,
					unsigned failed, enum imsm_which which);

/* The volume has its data with the disk, and would not have them without it. What md lacks it does not have. */
bool imsm_depends_on(struct imsm_container *c, unsigned volume, uint32_t index);

/* Each migration is just one of: a rebuild, a general migration, a resync (imsm.md 6.5). */
bool imsm_migrating(const struct imsm_volume *v, enum imsm_migr_type type);
bool imsm_rebuilding(const struct imsm_volume *v);
bool imsm_general_migration(const struct imsm_volume *v);
bool imsm_resyncing(const struct imsm_volume *v);
/* The first resync. */
bool imsm_initializing(const struct imsm_volume *v);
bool imsm_container_reshaping(const struct imsm_container *c);
bool imsm_uses_ppl(const struct imsm_volume *v);

/* ---- imsm/checkpoint.c (imsm.md 5.4) ---- */

uint64_t imsm_blocks_per_unit(const struct imsm_volume *v); /* 0: no checkpoint is kept */
/* The checkpoint, in migration units. */
void imsm_store_unit(struct imsm_container *c, struct imsm_volume *v, uint64_t unit);
/* What ev->last_checkpoint says of the migration that is recorded, if anything. `dirty`: writes may be in flight. */
void imsm_save_checkpoint(struct imsm_container *c, struct imsm_volume *v, const struct imsm_event *ev, bool dirty);

/* ---- imsm/transitions.c (imsm.md 3.5 to 3.11) ---- */

void imsm_migrate(struct imsm_volume *v, enum imsm_map_state to, enum imsm_migr_type type);
void imsm_end_migration(const struct imsm_container *c, struct imsm_volume *v, enum imsm_map_state state);
/* True if something new was recorded. */
bool imsm_mark_failure(struct imsm_container *c, struct imsm_volume *v, uint32_t index);
/* The disk is good again; its flags stay. */
void imsm_unmark_failure(struct imsm_container *c, uint32_t index, const uint8_t serial[IMSM_SERIAL_LEN]);
/* The slot of map 0, and its disk's in map 1, has no data from now on; nothing is said against the disk. */
void imsm_flag_slot(struct imsm_container *c, struct imsm_volume *v, unsigned slot);
/*
 * As imsm_mark_failure(), and marks a disk that is not there as missing, once: its serial loses the first character. One
 * that has failed before keeps the mark of that: it must not pass for one that was only absent (imsm/late.c).
 */
void imsm_mark_missing(struct imsm_container *c, struct imsm_volume *v, uint32_t index);
/* A volume without a migration: its state from what its disks and flags say. */
void imsm_update_state(struct imsm_container *c, struct imsm_volume *v);
/*
 * A disk that vanished has come back as a spare. What it holds is out of date, and no serial may be in the table twice, or
 * be a spare's and a member's: makes its old entry that of a failed disk.
 */
void imsm_disown_serial(struct imsm_container *c, const uint8_t serial[IMSM_SERIAL_LEN]);
/* A spare becomes a member: the next entry of the disk table, of which there must be one (IMSM_MAX_DISKS). */
void imsm_enlist_disk(struct imsm_container *c, struct imsm_dl *dl);
/* What imsm_add_disk() has made a spare is again the member that the table has under its serial, if that is in order. */
void imsm_relist_disk(struct imsm_container *c, struct imsm_dl *dl);
/*
 * Removes the entry from the disk table; no volume may name it any more. Everything behind it moves down by one.
 * Still present: a good disk becomes a spare, a failed one unrelated.
 */
void imsm_delete_disk(struct imsm_container *c, uint32_t index);
/* Puts an entry, of a disk that is not there, before entry `index`. There must be room (IMSM_MAX_DISKS). */
void imsm_insert_disk(struct imsm_container *c, uint32_t index, const struct imsm_disk *d);

/* ---- imsm/md-has.c ---- */

/*
 * In which slots md has data. A disk that fails in one volume is not given up if another one has nothing else, by the
 * metadata or by this: it may be about to lose others, or run without them.
 */
void imsm_note_slots(struct imsm_container *c, unsigned volume, const bool has_data[MAX_SLOTS]);
/* The volume's array has ended. */
void imsm_forget_slots(struct imsm_container *c, unsigned volume);
/* What md has of the volume is known, and the slot's data are not among it. */
bool imsm_md_lacks(const struct imsm_container *c, unsigned volume, unsigned slot);
/* It has those of the disk's slot there, though the disk may be absent: md keeps the last one that has a volume's data. */
bool imsm_md_keeps(const struct imsm_container *c, unsigned volume, uint32_t index);

/* ---- imsm/events.c (imsm.md 5 and 6) ---- */

/* These two set c->write_due when something changed. */
enum consistency imsm_set_array_state(struct imsm_container *c, unsigned volume, struct imsm_event *ev,
				      enum consistency want);
void imsm_set_disk(struct imsm_container *c, unsigned volume, int slot, unsigned state, struct imsm_event *ev);
/*
 * The volume's reshape has ended: ends the migration, unless too many members are gone. Sets ev->custom_array_size,
 * c->reshape_ended and c->widened_to.
 */
void imsm_finish_reshape(struct imsm_container *c, unsigned volume, struct imsm_event *ev);

/* ---- imsm/disks.c ---- */

/* Zeroed, METAIO_ALIGN, freed with free(); NULL: out of memory. */
void *imsm_aligned_zeroed(size_t size);
/* An entry for the disk, which it owns from then on, with room for its spare record. Freed with free(). */
struct imsm_dl *imsm_dl_new(struct disk *disk, const uint8_t serial[IMSM_SERIAL_LEN]);
/* The room for the spare record: METAIO_ALIGN bytes, aligned to as many. */
void *imsm_dl_spare_buffer(struct imsm_dl *dl);

/*
 * manager, blocking. A disk that has appeared in the container, as a spare that imsm_add_disk() can take, and the copy
 * of the metadata that it carries, for imsm_take_late(): malloc'd, NULL if there is none. Zeroes the migration record on
 * a disk that has no volumes. `container`: its name, for the log. 0 or -errno, logged: the disk is left to the caller.
 */
int imsm_prepare_disk(struct disk *disk, const char *container, struct imsm_dl **prepared, struct imsm_meta **copy);

/*
 * monitor. dl becomes a spare of the container (owned by it from then on). Its serial, record (size, scsi_id) and
 * disk are set; no disk of that device number may be listed (the caller refuses it). What its `copy` (NULL: it has none)
 * says is kept until a member has something newer.
 */
void imsm_add_disk(struct imsm_container *c, struct imsm_dl *dl, const struct imsm_meta *copy);
/*
 * monitor. Spares that hold a copy of the metadata (imsm/join.c) are given a spare's record with the next write, after the
 * members: one of them, whose copy names the others, is not here, or refuses. Pure.
 */
void imsm_leave_family(struct imsm_container *c);
/*
 * monitor. The disk left the container: unlinks its entry and returns it for the manager to close and free.
 * Its entry in the disk table stays while a volume names it. NULL: we do not know the disk.
 */
struct imsm_dl *imsm_remove_disk(struct imsm_container *c, dev_t dev);

/* ---- imsm/late.c (imsm.md 10.4) ---- */

/* They began as the same container, whatever has become of them. */
bool imsm_same_origin(const struct imsm_meta *a, const struct imsm_meta *b);

/*
 * monitor; start-up. A disk that is part of the container by the table and by its own `copy` (NULL: it has none):
 * becomes that (owned by the container from then on). Only slots that went on without it are to be rebuilt. Same
 * conditions as for imsm_add_disk(). 1: taken. 0: it is none of ours, or has failed: a spare, if anything. Else nothing
 * has changed, *why tells the reason: -ESTALE it knows what we do not, and must not be overwritten; -ENOSPC; -EAGAIN it may
 * be taken when more volumes are in use.
 */
int imsm_take_late(struct imsm_container *c, struct imsm_dl *dl, const struct imsm_meta *copy, const char **why);

/*
 * monitor. A reshape of the volume is about to be recorded: disks of its first two slots that are back, but without their data,
 * are called missing again (imsm.md 10.4), and are unrelated from then on. Pure.
 */
void imsm_set_aside_returned(struct imsm_container *c, unsigned volume);

/* After -EAGAIN: keeps it, and its copy (owned from then on), for imsm_take_waiting(). */
void imsm_let_wait(struct imsm_container *c, struct imsm_dl *dl, struct imsm_meta *copy);
/* monitor. One of those that wait which can be taken now, and has been; NULL: there is none. */
struct imsm_dl *imsm_take_waiting(struct imsm_container *c);

/* ---- imsm/migration.c ---- */

/* As imsm_check_message and imsm_apply_message, for the types that change a volume's shape. */
int imsm_check_migration_message(const void *buf, size_t len, const char **why);
int imsm_apply_migration_message(struct imsm_container *c, const void *buf, const char **why);
/*
 * The end of a reshape is durable, and the migration records have been zeroed: the next volume begins, if disks were
 * added. Never at once: whoever reads half of it would go on with one volume where the other had got to.
 */
void imsm_after_reshape(struct imsm_container *c);
/* Disks were added, and nothing is in the way of another volume that is to be widened, if there is one. */
bool imsm_next_may_begin(const struct imsm_container *c);
/*
 * For the metadata that are about to be written: a mark that another volume is to be widened, if one is. And for those
 * that were loaded: goes on with what such a mark says.
 */
void imsm_mark_sequel(struct imsm_container *c);
bool imsm_has_sequel(const struct imsm_container *c);
void imsm_find_sequel(struct imsm_container *c);

/* ---- imsm/messages.c ---- */

enum imsm_update_type {
	IMSM_UPDATE_ACTIVATE_SPARE = 0, /* internal to the reference; refused from the socket */
	IMSM_UPDATE_CREATE_ARRAY = 1,
	IMSM_UPDATE_KILL_ARRAY = 2,
	IMSM_UPDATE_RENAME_ARRAY = 3,
	IMSM_UPDATE_ADD_REMOVE_DISK = 4, /* internal */
	IMSM_UPDATE_RESHAPE_CONTAINER_DISKS = 5,
	IMSM_UPDATE_RESHAPE_MIGRATION = 6,
	IMSM_UPDATE_TAKEOVER = 7,
	IMSM_UPDATE_GENERAL_MIGRATION_CHECKPOINT = 8,
	IMSM_UPDATE_SIZE_CHANGE = 9,
	IMSM_UPDATE_PREALLOC_BADBLOCKS_MEM = 10, /* internal */
	IMSM_UPDATE_RWH_POLICY = 11,
};

/*
 * manager; pure. Type, length and ranges that need no metadata. *why: static text for the log.
 * 0 or -EINVAL (malformed, or not accepted from outside).
 */
int imsm_check_message(const void *buf, size_t len, const char **why);

/* monitor. All or nothing; sets c->write_due. `scratch`: room for a copy. *why as above. */
int imsm_apply_message(struct imsm_container *c, struct imsm_meta *scratch, const void *buf, size_t len,
		       const char **why);

/* ---- imsm/room.c (all positions and lengths in sectors) ---- */

/* Every volume of the container that does not use the disk yet would find its place on it. */
bool imsm_room_for_all(const struct imsm_container *c, const struct imsm_dl *dl);
/* NULL if on each of its disks the volume could use `per_dev` sectors, else a disk on which it could not. */
const struct imsm_dl *imsm_no_room_to_resize(const struct imsm_container *c, unsigned volume, uint64_t per_dev);
/* The disk, a member of none, is large enough to become one of all volumes. */
bool imsm_room_to_join(const struct imsm_container *c, const struct imsm_dl *dl);
/* What a new member has to leave free at its end. */
uint64_t imsm_min_reservation(const struct imsm_container *c);
/* Where the last volume on the disk ends; 0: there is none. */
uint64_t imsm_occupied(const struct imsm_container *c, const struct imsm_dl *dl);

/* ---- imsm/spare.c ---- */

/* imsm.md 9. Fills req->pick/count (highest slot first); changes nothing. */
void imsm_find_spares(const struct imsm_container *c, unsigned volume, int md_level, uint64_t component_size,
		      const struct md_member *member, unsigned members, unsigned raid_disks,
		      struct spare_request *req);

/* Whether they could be recorded now: 0, or what imsm_commit_spares() would return. Pure. */
int imsm_check_spares(const struct imsm_container *c, unsigned volume, const struct spare_request *req,
		      const char **why);
/* imsm.md 8.2, all records or none: everything is checked first. */
int imsm_commit_spares(struct imsm_container *c, unsigned volume, const struct spare_request *req, const char **why);

/* ---- imsm/bitmap.c ---- */

bool imsm_uses_bitmap(const struct imsm_volume *v);
/* imsm.md 1.18 */
void imsm_volume_uuid(const struct imsm_meta *m, unsigned volume, uint8_t uuid[16]);
void imsm_container_uuid(const struct imsm_header *h, uint8_t uuid[16]);
/* Fills the fields bitmap_...; data_offset and component_size are there. */
void imsm_fill_bitmap(const struct imsm_meta *m, unsigned volume, struct spare_pick *p);

/* ---- imsm/badblocks.c (imsm.md 1.12, 11): of the disk in that slot of map 0, sectors from its start ---- */

/*
 * All or nothing: 1 recorded, 0 it was on record already (no write is asked for), -ENOSPC the log is full, -EINVAL
 * no such slot, its disk has failed, or the range does not lie on the disk.
 */
int imsm_record_bad_range(struct imsm_container *c, unsigned volume, int slot, const struct bad_range *r);

/*
 * Brings the log in line with what the kernel knows to be bad, as far as the volume's own part of the disk goes.
 * Only if the kernel's list is `complete` what it does not name is cleared. Does what can be done; -ENOSPC: some
 * range found no room. -EINVAL as above: nothing was done.
 */
int imsm_compare_bad_ranges(struct imsm_container *c, unsigned volume, int slot, const struct bad_range *known,
			    unsigned count, bool complete, struct bad_range_changes *changes);

/* What the log says of a disk (index: -1 nothing) within the volume's part of it; at most `room` ranges. */
unsigned imsm_bad_ranges_of(const struct imsm_container *c, unsigned volume, int index, struct bad_range *out,
			    unsigned room);

/* ---- imsm/report.c ---- */

/* monitor; pure. Fills generation, disks and volumes. */
void imsm_report(const struct imsm_container *c, struct report *r);

#endif
