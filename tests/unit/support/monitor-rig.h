/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor, driven one wait and one pass at a time, between an md (fake-md.h) and a handler (fake-handler.h) that
 * are in memory. What it does towards the manager is noted as steps, too (steps.h), each in its place in the order:
 *
 *	ask md126: spares           a request for an array: read-auto, active, spares, reshape, size N
 *	ask md126/sda: unblock      one for a member: unblock, remove, fail, bbl-off, bad-blocks, give-up
 *	md126: given back           an array, or a copy of one, is discarded
 *	update 7 returned           with "(status -22)" if it was refused, "(not durable)" if that is so
 *	ticket 3 honoured
 *	manager woken
 *
 * Messages are collected apart from that. For programs that are linked with $(MONITOR_RIG) (tests/flags.mk).
 */
#ifndef MONITOR_RIG_H
#define MONITOR_RIG_H

#include "monitor/pass.h"
#include "tests/unit/support/fake-handler.h"
#include "tests/unit/support/fake-md.h"
#include "tests/unit/support/steps.h"

#define RIG_MEMBERS 4
#define RIG_SIZE 100000 /* component size of its arrays, sectors */

struct rig_array {
	struct array_watch watch;
	struct mdinfo member[RIG_MEMBERS]; /* dev-sda, dev-sdb, ... in slots 0, 1, ... */
	struct active_array *copy[8];      /* the last one is the newest */
	unsigned copies;
};

extern struct monitor rig_monitor;

/* For cmocka: before and after each test. */
int rig_set_up(void **state);
int rig_tear_down(void **state);

/*
 * An array: "md126" is volume 0, "md125" volume 1. md has it clean, idle, and all of its members in sync. Its disks are
 * those of the other arrays. It is not known to the monitor yet.
 */
struct rig_array *rig_array(const char *name, unsigned members);

/* The newest copy. */
struct active_array *rig_copy(const struct rig_array *ra);

/* Another copy that replaces the newest; not published yet. */
struct active_array *rig_duplicate(struct rig_array *ra);

/*
 * The same as rig_array(), and the monitor has adopted it and has looked at it. Steps, messages and
 * the counts of the handler are forgotten.
 */
struct rig_array *rig_adopted(const char *name, unsigned members);

/* An update, queued; `id` is what steps call it. */
struct metadata_update *rig_update(enum update_op op, uint64_t id);

/* Waits and makes the pass that follows; returns how many ms it waited. */
unsigned rig_next(void);

/* The same, without the waiting: an event that concerns no array, such as a signal. */
void rig_signal(void);

/* All that the monitor has said, a line each; to be called after cmocka.h was included. */
const char *rig_messages(void);
void rig_forget_messages(void);

#define assert_message(text) assert_non_null(strstr(rig_messages(), (text)))
#define assert_no_message(text) assert_null(strstr(rig_messages(), (text)))

#endif
