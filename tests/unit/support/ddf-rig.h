/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DDF container whose disks are files in memory, driven through its superswitch, and read from the disks without the
 * handler's help.
 *
 * After each sync the disks are examined: both copies of all of them are closed, complete and the same, unused
 * entries are empty, records are on the disks that they name, no disk has an old one, and a second handler that loads them
 * reports what the first one does. The text forms are those of tests/unit/support/ddf-fixture.h:
 *
 *   disks            "0:03/01 1:03/42? 2:05/01"    number of the disk, type/state, "?" if it is not there
 *   virtual disks    "01/02 v4 0,2@16384"          state/init state, for each BVD its sequence number and elements
 *   members of md    "0,1!@16384,2x,-"             "!" not in sync, "x" faulty, "@" data offset, "-" an empty slot
 *
 * ddf-rig.c drives the handler, ddf-rig-disks.c reads and judges the disks, ddf-rig-messages.c makes messages. For
 * programs that are linked with COUNT_ALLOCATIONS, --wrap=io_setup and --wrap=io_destroy.
 */
#ifndef DDF_RIG_H
#define DDF_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ddf/ddf.h"
#include "mdmon.h"

#define RIG_DISKS 10
#define RIG_ARRAYS 3
#define RIG_MEMBERS 8
#define RIG_BLOCKS 16384u      /* that a virtual disk uses of each disk */
#define RIG_COPY_SECTORS 1024u /* more than any copy takes */
#define RIG_RECORD 3584u       /* bytes of a record, as mdadm makes them */
#define RIG_MPPE 256u
#define RIG_VDS 8

/* One of md's arrays. */
struct rig_array {
	struct array_watch watch;
	struct active_array *a; /* NULL: not watched */
	struct mdinfo member[RIG_MEMBERS];
	struct spare_request spares;
};

/* A copy as it lies on a disk. */
struct rig_copy {
	bool exists;
	struct ddf_header header;
	struct ddf_layout at;
	uint8_t bytes[RIG_COPY_SECTORS * DDF_SECTOR];
};

struct rig {
	struct supertype st;
	unsigned disks;
	struct disk file[RIG_DISKS]; /* the test's own view */
	struct disk *disk[RIG_DISKS]; /* the handler's */
	bool in[RIG_DISKS];          /* it is in the container */
	uint32_t ref[RIG_DISKS];     /* of the disk; 0: none yet */
	struct rig_array array[RIG_ARRAYS];
	struct sync_result res;      /* of the last sync */
	struct sync_result rest;     /* of what followed it */
	bool new_disk;               /* one was added since */
	bool in_memory;              /* a spare is being rebuilt that no record names yet: another daemon cannot know */

	/* as found by drig_examine() */
	uint32_t seq;
	struct rig_copy copy[RIG_DISKS][DDF_COPIES];
	const struct rig_copy *any;  /* one of them */
};

dev_t drig_dev(unsigned n);

/* ---- the disks ---- */

/* `d` is used up. */
void drig_take_file(struct rig *r, unsigned n, struct disk *d);
struct rig *drig_new(void);
void drig_free(struct rig *r);

/* ---- what lies on the disks ---- */

uint8_t *drig_section(const struct rig_copy *m, const struct ddf_extent *e);
struct ddf_pd_entry *drig_pd(const struct rig_copy *m, unsigned i);
struct ddf_vd_entry *drig_vd(const struct rig_copy *m, unsigned i);
struct ddf_vdc *drig_record(const struct rig_copy *m, unsigned i);
struct ddf_disk_data *drig_data(const struct rig_copy *m);
void drig_anchor(const struct rig *r, unsigned n, struct ddf_header *h);
/* False: there is no such copy. */
bool drig_read_copy(struct rig *r, unsigned n, unsigned copy);
void drig_write_copy(struct rig *r, unsigned n, unsigned copy);
/* All checksums, of what was changed by hand. The headers' are made, too. */
void drig_seal(struct rig_copy *m);
/* Changes both copies of a disk by hand. */
void drig_edit(struct rig *r, unsigned n, void (*edit)(struct rig_copy *m));
void drig_edit_all(struct rig *r, void (*edit)(struct rig_copy *m));

/* ---- examination ---- */

bool drig_all_ones(const void *p, size_t len);
const struct ddf_vdc *drig_record_on(const struct rig *r, unsigned n, unsigned vd, unsigned bvd);
/* The newest record; NULL: no disk has one. */
const struct ddf_vdc *drig_newest(const struct rig *r, unsigned vd, unsigned bvd);
/* Reads all disks that are in the container, and checks that they agree. */
void drig_examine(struct rig *r);

/* ---- as text ---- */

/* The table of disks as of the last examination; an unused entry between others is "-". */
const char *drig_pd_text(const struct rig *r);
/* "" is an unused entry. */
const char *drig_vd_text(const struct rig *r, unsigned vd);

#define assert_pds(r, text) assert_string_equal(drig_pd_text(r), text)
#define assert_vd(r, vd, text) assert_string_equal(drig_vd_text(r, vd), text)

/* ---- what the monitor calls: without any allocation ---- */

void drig_make_report(const struct supertype *st, struct report *report);
/* A report as text: the disks and what they are, then the virtual disks. */
const char *drig_report_text(const struct report *report);

/* ---- loading ---- */

/* The last disk comes first: the order must not matter. kept[n] may be used after a success. */
int drig_load_into(const struct rig *r, struct supertype *st, struct disk *kept[RIG_DISKS]);
/* All disks that are in the container must be kept. */
void drig_load(struct rig *r);
/* Another daemon that starts now sees what this one does. */
void drig_assert_same_after_reload(const struct rig *r);
/* The daemon is killed, and another one starts. */
void drig_restart(struct rig *r);
/* The first disks of a sample, not loaded yet. */
struct rig *drig_sample(const char *name);
struct rig *drig_loaded_sample(const char *name);

/* ---- syncs ---- */

int drig_sync_with(struct rig *r, bool retry);
void drig_finish(struct rig *r);
/* A sync that all disks take: one more generation if there was something to write. */
int drig_sync_now(struct rig *r);
/* What must wait for the records is a generation of its own. */
int drig_sync_in_two(struct rig *r);

#define assert_synced(r) assert_int_equal(drig_sync_now(r), 1)
#define assert_synced_in_two(r) assert_int_equal(drig_sync_in_two(r), 1)
#define assert_nothing_to_sync(r) assert_int_equal(drig_sync_now(r), 0)

/* ---- arrays ---- */

/* An array of virtual disk `vd` that is clean and complete, not bound yet. */
struct rig_array *drig_make_array(struct rig *r, int vd, int level, int layout, const char *members);
int drig_open_new(struct rig_array *a);
enum consistency drig_tell_state(struct rig_array *a, enum consistency want);
int drig_find_slot(struct rig_array *a, unsigned n);
/* `slot`: what the monitor takes for the member's. */
void drig_tell_member(struct rig_array *a, const struct mdinfo *m, int slot, unsigned member_state);
/* md's members are these from now on, and each is told of. */
void drig_tell(struct rig_array *a, const char *members);
/* An array that is found running, as the monitor begins with it. */
struct rig_array *drig_open_array(struct rig *r, int vd, int level, int layout, const char *members);
void drig_close_array(struct rig_array *a);

/* ---- spares ---- */

/* Slot, disk and first sector of each pick: "1:2@16384". */
const char *drig_find_spares(struct rig_array *a, const char *members);
int drig_apply(struct rig *r, struct metadata_update *u);
int drig_commit(struct rig *r, struct rig_array *a);

/* The spares that are expected are found and recorded. */
#define assert_taken(r, a, members, picks) \
	do { \
		assert_string_equal(drig_find_spares(a, members), picks); \
		assert_int_equal(drig_commit(r, a), 0); \
	} while (0)

/* ---- disks that come and go ---- */

void drig_blank(struct rig *r, unsigned n);
/* The manager's part. */
int drig_prepare_disk(struct rig *r, unsigned n, struct metadata_update *u);
int drig_apply_disk(struct rig *r, unsigned n, struct metadata_update *u);
int drig_add_disk(struct rig *r, unsigned n);
int drig_remove_disk(struct rig *r, unsigned n);
/* The machine is off, and comes up with these disks: "02". */
void drig_boot_with(struct rig *r, const char *disks);
/* The disk is taken in, and the copies on all disks agree. */
void drig_comes(struct rig *r, unsigned n);

/* ---- messages ---- */

struct message {
	size_t len;
	uint8_t bytes[RIG_MEMBERS * RIG_RECORD];
};

int drig_send_message(struct rig *r, struct message *m);
/* As mdadm --assume-clean has it: the test is about what comes later. */
void drig_entry_message(struct message *m, unsigned vd, uint8_t vd_state);

struct shape {
	uint8_t prl, rlq;
	unsigned data; /* disks' worth of data in a BVD; 0: all */
};

extern const struct shape drig_raid0, drig_raid1, drig_raid1_3, drig_raid5, drig_raid6;

/* The records of a virtual disk: "v3 0,1 v3 2,3@16384". */
void drig_config_message(const struct rig *r, struct message *m, unsigned vd, const struct shape *shape,
			 const char *text);
void drig_delete_message(struct message *m, unsigned vd);
/* mdadm creates a virtual disk. */
void drig_create(struct rig *r, unsigned vd, const struct shape *shape, const char *records);
/* A RAID 1 on disks 0 and 1; on 2 and 3 a RAID 1, and behind it a RAID 0. */
struct rig *drig_two_pairs(unsigned disks);

/* ---- a container without arrays ---- */

/* `disks` of them, not loaded yet. */
struct rig *drig_bare_files(unsigned disks);
struct rig *drig_bare(unsigned disks);

/* ---- what changes on the disks ---- */

/* The disks as they were. */
struct snapshot {
	unsigned disks; /* that there were */
	struct disk disk[RIG_DISKS];
};

void drig_copy_data(const struct disk *from, const struct disk *to);
void drig_remember(const struct rig *r, struct snapshot *s);
void drig_forget(struct snapshot *s);
bool drig_sector_changed(const struct rig *r, const struct snapshot *s, unsigned n, uint64_t sector);
/* Ranges of sectors, counted from the header of the secondary (S) or primary copy (P); A: the anchor, D: data. */
const char *drig_changes(const struct rig *r, const struct snapshot *s, unsigned n);

#endif
