/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * md for programs that open its files by name: /proc/mdstat and the part of /sys/block that arrays have, as files in a
 * directory of the program's own.
 *
 * For programs that are linked with $(SYSFS_TREE) (tests/flags.mk): what sysfs.c opens is opened there, and what is
 * written to these files does what md does with it (kernel-md.md 4.3, 5.1, 5.2), as far as it is needed here. Each
 * write is a step (steps.h), with the error if it was refused:
 *
 *	md126/sync_action <- frozen
 *	md126/dev-sdb/state <- remove (EBUSY)
 *
 * Attributes are named as there. A disk is named by its letter: 'a' is sda, 8:0, and 'b' is sdb, 8:16. Tests say what
 * md (kmd_...) does of itself. Any thread may write; all else belongs to one.
 */
#ifndef SYSFS_TREE_H
#define SYSFS_TREE_H

#include <stdbool.h>
#include <sys/types.h>

/* For cmocka: before and after a group of tests. */
int sysfs_tree_begin(void **state);
int sysfs_tree_end(void **state);

/* There are no arrays. Before each test. */
void sysfs_tree_clear(void);

/* A path below the directory, for whatever else a test needs there. Changes with the next call. */
const char *sysfs_tree_path(const char *name);

/* ---- arrays ---- */

/* A container of IMSM, or an array in it: clean, idle, without members. It is in mdstat, which has changed. */
void kmd_has_container(const char *name);
void kmd_has_array(const char *name, const char *metadata_version, const char *level);

/* Its device has gone, and mdstat has changed. */
void kmd_forgets(const char *name);

/* Another level, in the file and in mdstat, which has changed. */
void kmd_changes_level(const char *name, const char *level);

/* In mdstat it does not run (any more), or does so again. */
void kmd_runs(const char *name, bool on);

/* A disk that is in no array so far. */
void kmd_has_disk(char disk);

/* A disk in the array, in sync in this slot; -1: it has none and is a spare. */
void kmd_has_member(const char *array, char disk, int slot);
void kmd_is_offline(const char *array, char disk, bool on);
void kmd_drops_member(const char *array, char disk);
void kmd_binds_again(const char *array, char disk); /* without a slot; its directory has another inode */

/* The same, once, as soon as somebody has written the attribute: as mdadm -I may (mdmon.md 10.3). */
void kmd_binds_again_after(const char *attribute, const char *array, char disk);

/* mdstat reads something new. */
void mdstat_changes(void);

/* Whether mdstat has changed since it was read last. */
bool mdstat_has_event(void);

/* From now on mdstat cannot be read, for this reason; 0: it can. */
void mdstat_fails(int err);

/* A descriptor of mdstat. */
int mdstat_tree_open(void);

/* ---- attributes ---- */

void kmd_says(const char *attribute, const char *text);
const char *kmd_reads(const char *attribute); /* changes with the next call; "": there is no such attribute */

/* What this descriptor was opened for; "": none of these. Changes with the next call. */
const char *kmd_attribute_of(int fd);

/* The attribute is not there (any more). */
void kmd_hides(const char *attribute);

/* Whoever writes this word gets this errno; 0: no longer. "*": any word. */
void kmd_refuses(const char *attribute, const char *word, int err);

/* ---- disks ---- */

dev_t disk_number(char disk);

/* The letter. */
char disk_letter(dev_t dev);

#endif
