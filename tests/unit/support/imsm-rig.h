/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IMSM handler on files that stand for the disks. What the monitor calls must get by without memory of its own. For
 * programs that are linked as IMSM_RIG in tests/flags.mk says.
 */
#ifndef IMSM_RIG_H
#define IMSM_RIG_H

#include <libaio.h>
#include <stdint.h>

#include "mdmon.h"
#include "tests/unit/support/count-allocations.h"
#include "tests/unit/support/imsm-fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_DISKS 10
#define DEVICE_SIZE ((uint64_t)FX_DISK_BLOCKS * 512)
#define TAIL (64 * 1024) /* more than the metadata ever takes */
#define GENERATION 100u
#define NEXT_GENERATION (GENERATION + IMSM_LEAP_AT_START) /* of what is written first */

/* Writes on their way to the disks, and the most that there were at once. */
extern unsigned ir_in_flight, ir_most_in_flight;
/* NULL: nobody wants to know. */
extern void (*ir_before_write)(uint64_t offset);
extern void (*ir_write_begins)(const struct iocb *cb);
extern void (*ir_write_ends)(const struct iocb *cb);

/*
 * A container on files. The first disks are members, with the metadata that the test composes in `fx`; the others are
 * empty until they are given a spare record or are added.
 */
struct imsm_rig {
	struct fixture fx; /* composes the metadata; its disks are not those on the files */
	struct fixture got; /* what was read back */
	struct supertype st;
	unsigned disks;
	uint32_t sector_size, physical_size;
	struct disk *disk[MAX_DISKS]; /* owned by the handler once loaded */
	int rw[MAX_DISKS], ro[MAX_DISKS];
	uint8_t tail[MAX_DISKS][TAIL]; /* as remembered by ir_remember() */

	struct array_watch watch;
	struct active_array *array;
	struct mdinfo member[MAX_DISKS];
	struct spare_request spares;
	struct sync_result res; /* of the last sync */
};

/* Members and more disks; the metadata has no volume yet. */
struct imsm_rig *ir_new(uint32_t sector_size, uint32_t physical_size, unsigned members, unsigned others);
void ir_free(struct imsm_rig *r);
uint8_t *ir_buffer(void);
void ir_write_at(const struct imsm_rig *r, unsigned n, const void *data, size_t len, uint64_t offset);
/* What is on the disks now, for ir_is_untouched(). */
void ir_remember(struct imsm_rig *r);
bool ir_is_untouched(const struct imsm_rig *r, unsigned n);
/* The member's copy of what `fx` says. */
void ir_write_member_metadata(struct imsm_rig *r, unsigned n);
void ir_write_spare_record(struct imsm_rig *r, unsigned n);
/* Something that only mdadm may change. */
void ir_fill_migration_record(struct imsm_rig *r, unsigned n);
bool ir_migration_record_is(const struct imsm_rig *r, unsigned n, uint8_t byte);
/* Decodes what is on the disk; NULL if it is no metadata. Also puts it into r->got. */
const struct imsm_meta *ir_read_back(struct imsm_rig *r, unsigned n);
uint32_t ir_generation_on(struct imsm_rig *r, unsigned n);
const struct imsm_volume *ir_volume_on(struct imsm_rig *r, unsigned n, unsigned volume);
/* As ifx_text(), of the volume as it is on disk n. Every disk of the table counts as present. */
const char *ir_text_on(struct imsm_rig *r, unsigned n, unsigned volume);
/* Two members hold the same metadata. */
bool ir_same_on(struct imsm_rig *r, unsigned a, unsigned b);
bool ir_is_dirty_on(struct imsm_rig *r, unsigned n);
/* The descriptor stays the same number, but takes no writes any more; or does so again. */
void ir_break_disk(struct imsm_rig *r, unsigned n);
void ir_mend_disk(struct imsm_rig *r, unsigned n);
/* Loads the disks that are not NULL; all of them must be kept. */
void ir_load(struct imsm_rig *r);
/* The disk is not there when the container is loaded. */
void ir_drop_disk(struct imsm_rig *r, unsigned n);
/* md's view of volume `volume`: `members` disks in their slots, all in sync. */
void ir_make_array(struct imsm_rig *r, int volume, int level, unsigned members);
/* A RAID5 of three disks, written to them. */
struct imsm_rig *ir_new_raid5(uint32_t sector_size, uint32_t physical_size, unsigned spares);
/* Between the two nothing may be allocated. The entries of the monitor that follow call both. */
void ir_begin_monitor(void);
void ir_end_monitor(void);
int ir_open_array(struct imsm_rig *r);
enum consistency ir_tell_state(struct imsm_rig *r, enum consistency c);
void ir_tell_disk(struct imsm_rig *r, int slot, unsigned state);
int ir_sync_with(struct imsm_rig *r, bool retry);
int ir_sync_now(struct imsm_rig *r);
int ir_apply(struct imsm_rig *r, struct metadata_update *u);
/* A message of mdadm, as manager and monitor take it: 0 or -errno. */
int ir_send_message(struct imsm_rig *r, const void *buf, size_t len);
void ir_fail_member(struct imsm_rig *r, unsigned n);
struct disk *ir_disk_new(const struct imsm_rig *r, unsigned n);
void ir_make_file(struct imsm_rig *r, unsigned n);
void ir_read_tail(const struct imsm_rig *r, unsigned n, uint8_t tail[TAIL]);

#endif
