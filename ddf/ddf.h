/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DDF container in memory, and the parts of its handler:
 *
 *   format.c    structures on the disk, checked (ddf/format.h)
 *   read.c      reading the copies on one disk and choosing between them (ddf/read.h)
 *   probe.c     anchors that are not in the last sector
 *   load.c      choosing among the disks, and making a container of them
 *   arrive.c    reading a disk that comes while the container is in use
 *   held.c      what must not be written before records have arrived
 *   write.c     writing what changed, one copy of each disk after the other
 *   find.c      finding entries of tables, disks, records and slots
 *   rebuild.c   rebuilds that no record tells of
 *   recorded.c  rebuilds that records tell of
 *   state.c     the states of virtual disks
 *   tidy.c      order in the tables after records or disks changed
 *   events.c    what happens to the metadata when something happens to an array
 *   messages.c  messages of mdadm: virtual disks are created and deleted, and get other disks
 *   disks.c     disks that come and go
 *   late.c      disks that come and are part of the container already
 *   room.c      room on disks
 *   spare.c     choosing a spare and recording it
 *   report.c    what a status request is told
 *   examine.c   what somebody is told who only wants to look at disks (metadata/examine.h)
 *   tell.c      the fields by name, for that
 *
 * ../super-ddf.c, the superswitch, is the glue between the loops and these.
 *
 * Metadata are kept as bytes, in the sections' own layout: what is not understood is written back as it was.
 * Changes are made here and found by ddf/write.c, which compares with what is on the disks: nobody has to
 * say that something changed, and what ends as it began costs no write.
 *
 * Everything but read.c, probe.c, load.c, arrive.c, examine.c and write.c is pure: it works on struct ddf_container, which belongs to the
 * monitor once the threads run. Nothing allocates, except where its comment says so.
 */
#ifndef DDF_CONTAINER_H
#define DDF_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ddf/format.h"
#include "metadata/disk.h"
#include "metadata/md-member.h"
#include "metadata/superswitch.h"

#define DDF_MAX_DISKS 256 /* present at a time */
#define DDF_MAX_REBUILDS 64

_Static_assert(DDF_MAX_SLOTS == MAX_SLOTS, "slots are md's");

enum { DDF_FIRST_COPY, DDF_SECOND_COPY, DDF_COPIES }; /* primary, secondary */

/* One of the copies on a disk. */
struct ddf_copy {
	bool exists;
	bool good;    /* closed, complete and right; current if seq is the container's */
	bool chosen;  /* what is in memory comes from it */
	bool failed;  /* the last attempt to write it failed */
	bool closed;  /* readers take it for finished; true as long as it is good */
	bool left;    /* the last attempt was given up because the disk did not answer */
	bool opened;  /* the last attempt to write it failed behind the header, which says that it is open */
	uint32_t seq; /* of its header; valid while closed */
};

/* Headers on their way to a disk. */
enum { DDF_OUT_OPEN, DDF_OUT_CLOSED, DDF_OUT_ANCHOR, DDF_OUT_HEADERS };

#define DDF_NOTED_VDS 256u

/* A disk that is present in the container and belongs to it. */
struct ddf_dl {
	_Alignas(DDF_SECTOR) struct ddf_header out[DDF_OUT_HEADERS]; /* ddf/write.c */
	struct ddf_dl *next;
	struct disk *disk; /* owned */
	dev_t dev;
	uint32_t refnum;
	uint8_t guid[DDF_GUID_LEN];
	struct ddf_header header; /* as found or made for it: its own positions */
	struct ddf_layout at;     /* the same, decoded */
	uint8_t *config;          /* its configuration section, as it is on the disk (or all ones, not written yet) */
	uint8_t *disk_data;       /* its disk data section */
	struct ddf_copy copy[DDF_COPIES];
	bool anchor_due;          /* the anchor is missing or damaged */
	bool left_out;            /* an array runs without it, as was recorded; not logged yet */
	bool unfit;               /* it failed in an array under this daemon, and counts for others: no spare */
	bool failing;             /* it has failed for all since the last write */
	bool failed_here;         /* or before that, under this daemon */
	bool given_up;            /* a failed disk that did not take a write: not tried again */
	bool record_new;          /* the last change put a record onto it */
	bool record_due;          /* a record on it has changed and is not on the disk yet */
	bool record_added;        /* one that is due is the first of its virtual disk there, or the first that names the disk */
	bool disowned;            /* ddf/held.c: the record that is due names it no more, the one that it has does */
	uint64_t no_more[DDF_NOTED_VDS / 64]; /* bit per virtual disk: its record named it under this daemon, and is to say so */
	bool may_lack_records;    /* ddf_note_lacking() */
	bool late;                /* came with older metadata: has to be written although nothing has changed */
	struct ddf_extent changed; /* ddf/write.c: sectors of `config` that the write under way changes */
	int in_plan;               /* ddf/write.c: which copy is being written */
	uint32_t asked_seq;        /* ddf/write.c: the generation that it was last asked to take; 0: none */
};

/*
 * The configuration records of a virtual disk, in the order of their secondary_seq. One block, malloc'd, or part of a
 * struct ddf_arrival.
 */
struct ddf_records {
	unsigned count;        /* BVDs, 1..DDF_MAX_BVDS */
	size_t record_bytes;
	bool part_of_arrival;  /* no block of its own */
	uint8_t present[32];   /* bit per BVD: the record is known */
	uint8_t old[32];       /* bit per BVD: only disks have it that did not get what was written last, and no number followed */
	uint32_t behind;       /* generations that those disks lack, at most */
	uint8_t bytes[];
};

/* A virtual disk, besides its table entry. */
struct ddf_volume {
	struct ddf_records *records; /* NULL: none of its records was found */
	bool live;                   /* bound to a monitored array */
	bool stopped;                /* while live: md has stopped the array, and writes nothing any more */
	bool held;                   /* ddf/held.c: its record is about to name fewer disks */
	bool announced;              /* by a message; its records are still to come */
	uint64_t synced[DDF_MAX_SLOTS / 64]; /* bit per slot: its member has been seen in sync */
	uint64_t strange[DDF_MAX_SLOTS / 64]; /* bit per slot: its member is in sync, and not here: it may be the one that left */
	uint64_t outdated[DDF_MAX_BVDS / 64 + 1]; /* bit per BVD: an absent disk has a newer record */
	uint64_t back[DDF_MAX_SLOTS / 64];   /* its disk was put in just now, and is no member as far as was told */
};

/*
 * A disk that serves another virtual disk already is recorded only when it has been rebuilt: until then nothing on
 * the disks could tell that it has not (15, item 6). Its room is kept here meanwhile (ddf/rebuild.c).
 */
struct ddf_rebuild {
	bool used;
	unsigned vd;
	unsigned slot;
	uint32_t refnum;
	uint64_t start, length; /* sectors */
};

/* What lies on a disk that comes while the container is in use, as far as it is right. One block, malloc'd. */
struct ddf_arrival {
	struct ddf_arrival *next; /* of those that the container keeps */
	struct ddf_header header; /* of the copy that readers take */
	struct ddf_layout at;     /* the same, decoded */
	uint32_t refnum;
	uint8_t guid[DDF_GUID_LEN];
	int32_t rank;             /* its generation, as disks are compared */
	bool anchor_due;
	struct ddf_copy copy[DDF_COPIES];
	const uint8_t *pd, *vd, *config, *disk_data; /* its sections */
	unsigned records;
	struct ddf_records *record[]; /* one in each: those whose checksum and counts are right */
};

struct ddf_container {
	struct ddf_header header; /* of the disk whose copy was chosen */
	struct ddf_layout layout; /* the same, decoded; only sizes are meant for all disks */
	uint32_t seq;             /* generation on the disks */
	uint32_t loaded_seq;      /* when it was loaded */
	bool searched;            /* none was found by its last sector: anchors are looked for elsewhere; constant once loaded */
	bool skips;               /* an absent disk may have the generation that follows, of a write that was cut off */
	uint32_t left_seq;        /* the generation in which a disk left last: it may have that; 0: none has left */
	bool uneven;              /* copies of the last generation differ: a new one is due, whether or not anything has changed */
	bool asked;               /* a message has changed something: somebody waits for an answer */
	uint32_t now;             /* seconds of the DDF epoch; set by the caller before anything is changed */

	/* whole sections, as they are to be on the disks: */
	uint8_t *controller; /* layout.controller.length sectors */
	uint8_t *pd;         /* layout.pd.length sectors */
	uint8_t *vd;         /* layout.vd.length sectors */
	/* as they are there: */
	uint8_t *pd_written, *vd_written;
	/* ddf/held.c: as they are to be there first, until all records are: */
	uint8_t *pd_held, *vd_held;
	uint32_t held[DDF_MAX_DISKS]; /* disks that records are about to name no more */
	unsigned held_count;

	struct ddf_volume *volume; /* layout.max_vd of them, by table index */
	bool any_back;             /* there may be some in volume[].back */
	struct ddf_dl *disks;      /* present disks, most recently added first */
	struct ddf_rebuild rebuild[DDF_MAX_REBUILDS];
	struct ddf_arrival *arrivals; /* kept, for records of virtual disks are in them */
	uint32_t left[DDF_MAX_DISKS]; /* the last disks that left: what they carry is known */
	unsigned left_count;          /* how many left; the latest is at left_count - 1, modulo their number */
};

/* ---- finding things (ddf/find.c) ---- */

struct ddf_pd_entry *ddf_pd(const struct ddf_container *c, unsigned i); /* i < layout.max_pd */
struct ddf_vd_entry *ddf_vd(const struct ddf_container *c, unsigned i); /* i < layout.max_vd */
bool ddf_pd_usable(const struct ddf_pd_entry *e); /* online, not failed or missing; it may be rebuilding. NULL: not */
bool ddf_pd_failed(const struct ddf_pd_entry *e); /* NULL: not */
bool ddf_pd_used(const struct ddf_pd_entry *e); /* both GUID and refnum are not all ones */
struct ddf_pd_entry *ddf_pd_by_ref(const struct ddf_container *c, uint32_t refnum); /* NULL also for the special ones */
int ddf_vd_by_guid(const struct ddf_container *c, const uint8_t guid[DDF_GUID_LEN]); /* -1: none */
struct ddf_dl *ddf_dl_by_ref(const struct ddf_container *c, uint32_t refnum);
bool ddf_any_absent(const struct ddf_container *c); /* some disk of the table is not present */
unsigned ddf_count_present(const struct ddf_container *c); /* disks */
struct ddf_dl *ddf_dl_by_dev(const struct ddf_container *c, dev_t dev);
bool ddf_dl_failed(const struct ddf_container *c, const struct ddf_dl *dl); /* on record */
bool ddf_copy_is_current(const struct ddf_copy *copy, uint32_t seq);

/* The record of BVD `seq`, NULL if it is not known. */
struct ddf_vdc *ddf_record(const struct ddf_records *r, unsigned seq);
/* The fields that must be the same in all records of a virtual disk. */
bool ddf_records_agree(const struct ddf_vdc *a, const struct ddf_vdc *b);
/* Takes the place of the record with that secondary_seq, which is below r->count. */
void ddf_put_record(struct ddf_records *r, const struct ddf_vdc *v);
/* The disk that brought that record lacks so many generations: a newer one may be on a disk that is absent. */
void ddf_note_behind(struct ddf_records *r, unsigned seq, int64_t generations);
bool ddf_is_behind(const struct ddf_records *r, unsigned seq);
/* So many, at most, and from now on none; 0 also if no record is known. */
uint32_t ddf_take_behind(struct ddf_records *r, unsigned seq);
/* Any known record of the virtual disk, NULL if there is none: for what is the same in all of them. */
struct ddf_vdc *ddf_any_record(const struct ddf_container *c, unsigned vd);
unsigned ddf_bvds(const struct ddf_container *c, unsigned vd); /* of which there may be records; 0: none is known */
bool ddf_record_names(const struct ddf_container *c, const struct ddf_vdc *r, uint32_t refnum);
/* Some record of the virtual disk names the disk. */
bool ddf_vd_names(const struct ddf_container *c, unsigned vd, uint32_t refnum);
bool ddf_any_names(const struct ddf_container *c, uint32_t refnum); /* some virtual disk does */
bool ddf_other_names(const struct ddf_container *c, unsigned vd, uint32_t refnum); /* some other one does */
bool ddf_live_names(const struct ddf_container *c, uint32_t refnum); /* some one in use does */
/* The virtual disk names the disk, or may do so in a record that no disk has brought yet. */
bool ddf_may_name(const struct ddf_container *c, unsigned vd, uint32_t refnum);
/* Some other one does. */
bool ddf_other_may_name(const struct ddf_container *c, unsigned vd, uint32_t refnum);

/*
 * The disk was put in with what is on it now. `behind`: older than what was known. Either that, or that it is Active, and nothing
 * on it says for what, means that it may have refused a record that names it.
 */
void ddf_note_lacking(const struct ddf_container *c, struct ddf_dl *dl, bool behind);
/* Such a record may be on an absent disk, which is read also if it has failed: some virtual disk lacks one, and the disk is Active. */
bool ddf_may_serve_unknown(const struct ddf_container *c, const struct ddf_dl *dl);

/* What the configuration section of a disk has in its record slot i < layout.records. */
struct ddf_vdc *ddf_record_slot(const struct ddf_container *c, const struct ddf_dl *dl, unsigned i);

/* Both are records of one BVD, whatever they say. */
bool ddf_same_record(const struct ddf_vdc *a, const struct ddf_vdc *b);
bool ddf_has_record(const struct ddf_container *c, const struct ddf_dl *dl, const struct ddf_vdc *r);

/* What counts in the place of such a record; NULL: nothing does. */
struct ddf_vdc *ddf_current_record(const struct ddf_container *c, const struct ddf_vdc *old);

enum ddf_slot_content {
	DDF_SLOT_EMPTY,
	DDF_SLOT_OURS,   /* a record of a BVD that we know, or of a deleted virtual disk: ddf_write() changes it */
	DDF_SLOT_OTHERS, /* what we do not understand, or ignored when it was loaded: stays as it is */
};

enum ddf_slot_content ddf_slot_content(const struct ddf_container *c, const struct ddf_vdc *slot);
/* The disk's spare assignment record; NULL: it has none, or it is broken. */
const struct ddf_spare *ddf_spare_record(const struct ddf_container *c, const struct ddf_dl *dl);

/* ---- ddf/rebuild.c ---- */

/* The used one behind `b`, the first one if `b` is NULL; NULL: there are no more. */
struct ddf_rebuild *ddf_next_rebuild(const struct ddf_container *c, const struct ddf_rebuild *b);
/* b->used may be set to false on the way: the rebuild is forgotten. */
#define ddf_each_rebuild(c, b) \
	for (struct ddf_rebuild *b = ddf_next_rebuild(c, NULL); b; b = ddf_next_rebuild(c, b))

struct ddf_rebuild *ddf_rebuild_of(const struct ddf_container *c, unsigned vd, uint32_t refnum); /* NULL: none */
struct ddf_rebuild *ddf_rebuild_in(const struct ddf_container *c, unsigned vd, unsigned slot); /* NULL: none */
bool ddf_rebuilds_disk(const struct ddf_container *c, uint32_t refnum); /* for any virtual disk */
unsigned ddf_free_rebuilds(const struct ddf_container *c); /* how many more can be kept */
bool ddf_keep_rebuild(struct ddf_container *c, const struct ddf_rebuild *what); /* false: no room for it */

/* ---- ddf/recorded.c ---- */

bool ddf_is_synced(const struct ddf_container *c, unsigned vd, int slot); /* -1: not */
bool ddf_mark_synced(struct ddf_container *c, unsigned vd, int slot, bool synced); /* true: it was known otherwise */
/* struct ddf_volume.strange */
bool ddf_is_strange(const struct ddf_container *c, unsigned vd, int slot);
void ddf_mark_strange(struct ddf_container *c, unsigned vd, int slot, bool strange);
/* struct ddf_volume.back */
bool ddf_is_back(const struct ddf_container *c, unsigned vd, int slot);
void ddf_mark_back(struct ddf_container *c, unsigned vd, int slot, bool back);
bool ddf_is_redundant(const struct ddf_container *c, unsigned vd);
/* md has all data of the virtual disk, which is in use, on disks that are present, this one not counted. */
bool ddf_goes_on_without(const struct ddf_container *c, unsigned vd, uint32_t refnum);
/* The virtual disk is in use, and md has its data with this disk, and not without it. */
bool ddf_needs_for_data(const struct ddf_container *c, unsigned vd, uint32_t refnum);
/* Rebuilds onto the disk that records tell of. */
unsigned ddf_recorded_rebuilds(const struct ddf_container *c, uint32_t refnum);
/*
 * From now on no record does; there must be room for them. Those of virtual disks that do not run begin anew. The mark goes
 * also if there are none: the power failed before the record was written.
 */
void ddf_take_off_record(struct ddf_container *c, uint32_t refnum);

/* What is on the disk has a record of the virtual disk. */
bool ddf_has_any_record(const struct ddf_container *c, unsigned vd, const struct ddf_dl *dl);
/*
 * md has data in the slot on a disk that has no record of the virtual disk, and those with the record that was to name it are
 * absent: another one, newer than theirs, which names nobody yet. Not if the record is known, or the disk has some.
 */
void ddf_begin_record(struct ddf_container *c, unsigned vd, unsigned slot, const struct ddf_dl *dl);

/* ---- slots (3.1, ddf/find.c) ---- */

unsigned ddf_primary_count(const struct ddf_vdc *r);
/* Element of a record for the nth slot of its BVD, -1: there is none. Positions never filled do not count. */
int ddf_nth_element(const struct ddf_container *c, const struct ddf_vdc *r, unsigned n);

struct ddf_place {
	struct ddf_vdc *record;
	unsigned index; /* element */
};

uint32_t ddf_ref_at(const struct ddf_place *at); /* of the disk that the element names */
/* Names a disk, or DDF_REF_MISSING, from the sector `start` on. The record's number stays. */
void ddf_name_at(const struct ddf_container *c, const struct ddf_place *at, uint32_t refnum, uint64_t start);
/* Where the disk stands in the virtual disk's records. */
bool ddf_place_of(const struct ddf_container *c, unsigned vd, uint32_t refnum, struct ddf_place *p);
/* By arithmetic. An unused position counts if nothing else fits. */
bool ddf_place_of_slot(const struct ddf_container *c, unsigned vd, unsigned slot, struct ddf_place *p);
/* md's slot of the disk, by its record or by a rebuild that is not recorded yet; -1: none. */
int ddf_slot_of(const struct ddf_container *c, unsigned vd, uint32_t refnum);

/* ---- ddf/state.c (3.2 to 3.4) ---- */

bool ddf_pd_working(const struct ddf_pd_entry *e); /* NULL: not */
enum ddf_vd_state ddf_bvd_state(const struct ddf_container *c, const struct ddf_vdc *r);
enum ddf_vd_state ddf_vd_state(const struct ddf_container *c, unsigned vd); /* of all BVDs together */
/* Stores it in the table; true if it changed. */
bool ddf_update_state(struct ddf_container *c, unsigned vd);
/* For all virtual disks that name the disk. */
void ddf_update_states_of(struct ddf_container *c, uint32_t refnum);
/* The record changed: sequence number and time stamp (1.13). */
void ddf_stamp(struct ddf_container *c, struct ddf_vdc *r);
/* Its number moves on by so many; the last one that there is stays. */
void ddf_pass_numbers(struct ddf_vdc *r, uint32_t count);
#define DDF_MANY_CHANGES (1u << 24) /* more than a record has seen */
/* An absent disk may have a newer record. The number passes over as many as seconds have gone by since the last change. */
void ddf_stamp_beyond(struct ddf_container *c, struct ddf_vdc *r);
/* Of the DDF epoch; 0 if so many have not gone by as it seems. */
uint32_t ddf_seconds_since(const struct ddf_container *c, const be32 *then);
/* The element says that its disk is missing, in a new version of the record. */
void ddf_name_no_more(struct ddf_container *c, const struct ddf_place *at);

/* ---- ddf/tidy.c ---- */

void ddf_count_pds(struct ddf_container *c); /* stores in the table's head how many entries are used */
void ddf_count_vds(struct ddf_container *c);
void ddf_clear_entry(void *entry); /* of either table: unused from now on */

/*
 * Puts the table of disks in order after configuration records changed (8.4): the types of disks, and the entries of
 * failed disks that no record names any more. ddf_commit_spares marks disks as rebuilding, not this.
 */
void ddf_tidy_disks(struct ddf_container *c);

/* ---- ddf/events.c (4 to 6) ---- */

/* An array as md has it. */
struct ddf_md_array {
	int level, layout, raid_disks;
	uint64_t component_size; /* sectors */
	uint64_t resync_start;   /* sectors, SECTORS_NONE = complete */
	struct md_members members;
};

/*
 * An array begins to be watched. Positions that were never filled are made countable (3.1), and broken[i] is set for
 * each member that the metadata say has failed: md has to be told. A disk that the metadata count on, but that is no
 * member, is not in sync from now on. -ENODEV: no such virtual disk, or no record of it is known. -EBUSY: bound
 * already.
 */
int ddf_open_array(struct ddf_container *c, unsigned vd, const struct md_member *member, unsigned members,
		   bool *broken);
/* The array is not watched any more: forgets its rebuilds that are not recorded. */
void ddf_close_array(struct ddf_container *c, unsigned vd);

enum consistency ddf_set_array_state(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md,
				     enum consistency want);
/*
 * The metadata trust the member, which has a slot, and md has its data. One that we do not know may be the absent disk of
 * its slot.
 */
bool ddf_is_trusted(const struct ddf_container *c, unsigned vd, const struct md_member *m);
/* `slot`: the member's in md, or what ddf_slot_of says. */
void ddf_set_disk(struct ddf_container *c, unsigned vd, unsigned slot, const struct md_member *m);

/*
 * Before each write. What is recorded of an array is newer than what absent disks have that it began with: not if these have all
 * that it needs, for then it writes nothing any more. Whether it does is known when all was told.
 */
void ddf_outdo_absent(struct ddf_container *c);
/*
 * Before each write. A disk that has failed for all virtual disks is good for those that md has on it alone: what else fails
 * in the same pass was told later.
 */
void ddf_settle_failures(struct ddf_container *c);

/* ---- ddf/room.c ---- */

/* First sector of a free extent of `length` sectors on the disk, or -ENOSPC. Extents and kept room count as used. */
int ddf_find_room(const struct ddf_container *c, uint32_t refnum, uint64_t length, uint64_t *start);
/* Nothing lies in this extent, and it is within Configured_Size. */
bool ddf_is_free(const struct ddf_container *c, uint32_t refnum, uint64_t start, uint64_t length);
/* The same, but for what is of that virtual disk itself. */
bool ddf_is_free_for(const struct ddf_container *c, unsigned vd, uint32_t refnum, uint64_t start, uint64_t length);
/* Virtual disks that name the disk, or will when it has been rebuilt. */
unsigned ddf_count_names(const struct ddf_container *c, uint32_t refnum);
/* The disk may hold one more configuration record. */
bool ddf_has_record_slot(const struct ddf_container *c, const struct ddf_dl *dl);

/* ---- ddf/spare.c ---- */

/* Fills req->pick (9.1, 9.2); req->count stays 0 if nothing is to be done. */
void ddf_find_spares(const struct ddf_container *c, unsigned vd, const struct ddf_md_array *md,
		     struct spare_request *req);
/* Records the picks completely or not at all (9.3, 8.4). 0, or -errno and *why. */
int ddf_commit_spares(struct ddf_container *c, unsigned vd, const struct spare_request *req, const char **why);

/* ---- ddf/messages.c ---- */

/*
 * manager. Checks type, length, and what else can be checked without the metadata; `layout` is constant. Allocates
 * *space, freed with free(), for what applying will need. 0 or -errno and *why.
 */
int ddf_prepare_message(const struct ddf_layout *l, const void *buf, size_t len, void **space, const char **why);
/* monitor. All or nothing. *space: taken (then NULL), or left; may come back with something else to be freed. */
int ddf_apply_message(struct ddf_container *c, const void *buf, size_t len, void **space, const char **why);

/* ---- ddf/disks.c ---- */

/* manager. A GUID and a reference number of its own (1.12). */
void ddf_make_identity(struct ddf_dl *dl);

/*
 * The disk becomes part of the container: finds it a table entry, a reference number that is free, and positions
 * for its metadata (10.1). -EEXIST: present already. -ENOSPC: no room in the table, or the disk is too small.
 */
int ddf_add_disk(struct ddf_container *c, struct ddf_dl *dl, const char **why);
/* ---- ddf/late.c ---- */

/*
 * The disk is one of the container's, and comes while it is in use (10.5): becomes part of it as what it is, with its
 * number and its place in the table. Records that the container did not know are taken from *arrival; then, or never,
 * it is kept and NULL. 1: taken. 0: it is none of ours, or has failed here and is put in again: ddf_add_disk() makes it a new
 * one. -EEXIST as there. -ESTALE: it has newer data of a virtual disk that is in use, nothing has changed.
 */
int ddf_take_late(struct ddf_container *c, struct ddf_dl *dl, struct ddf_arrival **arrival, const char **why);
/*
 * Before each write. Arrays that go on without a disk that has come back name it no more: whether they do is known when all
 * was told.
 */
void ddf_drop_back(struct ddf_container *c);
/*
 * Start-up. A disk that is there is not missing. One that a virtual disk was started without (5.1), and that none needs
 * as it is, becomes a spare, which is rebuilt. False: it is no such disk.
 */
bool ddf_take_back(struct ddf_container *c, struct ddf_dl *dl);

/* ---- ddf/disks.c ---- */

/* The disk has left. Returns what was listed, or NULL (10.2). */
struct ddf_dl *ddf_remove_disk(struct ddf_container *c, dev_t dev);
/*
 * Before each write. Arrays in use go on without a disk that has left, and what it has gets old: it has failed, also if
 * md did not get to say so (15, item 24). Of the others the next start decides (5.1). An array that cannot go on without
 * it writes nothing any more: whether it can is known when all that failed was told.
 */
void ddf_note_lost(struct ddf_container *c);

/* ---- ddf/load.c: start-up, blocking, allocates ---- */

/*
 * Reads all disks and fills *c, which is zeroed. Takes over the disks that belong to the container (their pointers in
 * `disks` become NULL); says of the others why not. On failure -errno, one line logged; *c needs ddf_free then, too.
 */
int ddf_load(struct ddf_container *c, struct disk **disks, size_t count, const char *container);
void ddf_free(struct ddf_container *c); /* closes the disks */

/*
 * manager and start-up. A disk without metadata, room for its sections all ones: what ddf_add_disk needs. NULL: ENOMEM.
 * Sizes are those of `l`; its sections are aligned to be written. One block, freed with free().
 */
struct ddf_dl *ddf_dl_new(struct disk *disk, const struct ddf_layout *l);

/* ---- ddf/arrive.c ---- */

/*
 * manager, blocking. What lies on a disk, for a container whose sizes are those of `l`; freed with free(). NULL:
 * there is nothing that can be used, or *err is -ENOMEM, or -EIO: it cannot be read, as is logged. `search`: as in
 * the container (ddf_container.searched).
 */
struct ddf_arrival *ddf_read_arrival(struct disk *disk, const struct ddf_layout *l, bool search, const char *container,
				     int *err);

/* ---- ddf/probe.c: start-up, blocking, allocates (12) ---- */

#define DDF_PROBED_BYTES (32u << 20) /* at the end of the disk, which must be larger */

/* mdadm's configuration in the directory `etc` says that anchors are to be looked for. */
bool ddf_probe_wanted(const char *etc);
/* Finds the first DDF signature near the end of the disk. NULL, or why what it begins is no anchor: a static text. */
const char *ddf_probe_anchor(const struct disk *disk, struct ddf_header *anchor);

/* ---- ddf/held.c ---- */

/* True: pd_held and vd_held are to be written first, with the records. Else the tables are to be written as they are. */
bool ddf_hold_back(struct ddf_container *c);
/* The disk leaves, and has not taken a record which names it no more: it is not good until it has. */
void ddf_hold_lost(struct ddf_container *c, const struct ddf_dl *dl);
/* All records are on disks. */
void ddf_let_go(struct ddf_container *c);

/* ---- ddf/marks.c: monitor ---- */

/*
 * What has changed since the last write is nothing but marks of virtual disks that are being written to, or are not any more,
 * and may be written in place, to all copies of all disks (ddf.md 7.5). The records are not looked at.
 */
bool ddf_may_write_in_place(const struct ddf_container *c);

/* ---- ddf/write.c: monitor ---- */

struct ddf_writer;

/*
 * Numbers that the next generation passes over: an absent disk may have one of them, from a daemon that was killed, as may
 * the one before that. Seconds since the last write, so that each daemon takes a later one.
 */
uint32_t ddf_skipped(const struct ddf_container *c);

struct ddf_writer *ddf_writer_new(void); /* start-up, NULL: ENOMEM */
void ddf_writer_free(struct ddf_writer *w);

/*
 * Brings the first copy of every disk up to date, durably. When it returns, readers find the new state. 1 wrote, 0
 * nothing to do, -EIO no disk took it.
 */
int ddf_write(struct ddf_writer *w, struct ddf_container *c, struct sync_result *res);
/* The rest: the other copies, and disks that have failed. Nobody waits for it. */
void ddf_write_rest(struct ddf_writer *w, struct ddf_container *c, struct sync_result *res);
/* look_for_hanging of the superswitch. */
void ddf_look_for_hanging(struct ddf_writer *w, const struct ddf_container *c, struct hanging_disks *h);

/* ---- ddf/report.c ---- */

void ddf_report(const struct ddf_container *c, struct report *r);

#endif
