/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bad blocks (mdmon.md 11.5, kernel-md.md 6.6).
 *
 * A write failed in a few sectors of a member that has external_bbl: the member is "blocked", and its sectors stand
 * in unacknowledged_bad_blocks. When the metadata name them, "active" lets the failed write succeed: nobody will
 * ask this member for those sectors again. Writes to the same sectors wait until their line has been written to
 * bad_blocks. That may sleep, so it is the manager's task, and "active" does not wait for it. The manager is given the
 * very ranges that were recorded; what the kernel has found meanwhile has its turn in the next pass.
 *
 * Sectors that are written again with success vanish from bad_blocks. Nothing waits for that; the metadata follow
 * when the lists are compared.
 *
 * A range that cannot be recorded, because the log is full, costs the member: it has to fail. A disk that takes neither
 * data nor metadata is given up, too.
 */
#include "monitor/pass.h"

#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "metadata/superswitch.h"
#include "sysfs.h"
#include "threads/handoff.h"

static char page[SYSFS_PAGE + 1];
static struct bad_range ranges[SYSFS_BAD_RANGES];

static bool is_blocked(const struct mdinfo *d)
{
	return (d->curr_state & (MEMBER_FAULTY | MEMBER_BLOCKED | MEMBER_EXTERNAL_BBL)) ==
	       (MEMBER_BLOCKED | MEMBER_EXTERNAL_BBL);
}

/* The lists of a failed member say nothing, and those of an array that ends may be gone already. */
static bool has_lists(const struct active_array *a, const struct mdinfo *d)
{
	return a->watch->curr_state > ARRAY_INACTIVE && d->slot >= 0 &&
	       (d->curr_state & (MEMBER_FAULTY | MEMBER_GONE | MEMBER_EXTERNAL_BBL)) == MEMBER_EXTERNAL_BBL;
}

/* Into ranges[]: their number, or -errno. */
static int read_ranges(struct mdinfo *d, int fd, bool *complete)
{
	ssize_t n = sysfs_read_fd(fd, page, sizeof(page));

	d->bad_blocks_dead |= n < 0;
	return n < 0 ? (int)n : (int)sysfs_parse_bad_ranges(page, (size_t)n, ranges, complete);
}

static void log_changes(const struct active_array *a, const struct mdinfo *d, unsigned recorded, unsigned cleared)
{
	const char *disk = member_disk(d->name);

	if (recorded)
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("bad-blocks-recorded", a->name, disk),
			      "%s: member %s: bad blocks recorded in the metadata, ranges: %u", a->name, disk, recorded);
	if (cleared)
		mon_log_event(LOG_LEVEL_INFO, ABOUT("bad-blocks-cleared", a->name, disk),
			      "%s: member %s: bad blocks were written again and are cleared", a->name, disk);
}

/* What is staged here goes to the manager when the metadata are on disk. */
static void stage(struct mdinfo *d, struct bad_range *room, const struct bad_range *r)
{
	if (room && d->bad_staged < BAD_RANGE_BATCH)
		room[d->bad_staged++] = *r;
}

/*
 * md does not fail its last mirror: it calls the array broken, and the disk reads as if it had failed. But it tells the
 * writer that the write has failed, so that a bad block may go without a record.
 */
static bool is_last_mirror(const struct active_array *a, const struct mdinfo *d)
{
	return (a->level == 1 || a->level == 10) && !monitor_can_spare(a, d);
}

/* The range cannot be recorded. Whether it may be acknowledged all the same. */
static bool goes_without_record(const struct active_array *a, const struct mdinfo *d)
{
	const char *disk = member_disk(d->name);

	if (!is_last_mirror(a, d))
		return false;
	mon_log_event(LOG_LEVEL_ERROR, ABOUT("bad-blocks-unrecorded", a->name, disk),
		      "%s: member %s: bad blocks cannot be recorded, and no other disk has the data", a->name, disk);
	return true;
}

/* An incomplete list means more than any log can hold, and perhaps lacks the very range that a write waits for. */
static void record_unacknowledged(struct active_array *a, struct mdinfo *d)
{
	struct bad_range *room = handoff_bad_range_room(d);
	bool complete;
	int n = read_ranges(d, d->unacknowledged_fd, &complete);
	unsigned recorded = 0;

	d->bad_unacknowledged = n > 0 ? (unsigned)n : 0;
	if (n < 0) {
		/* Being taken apart: the state will tell. */
		d->bad_block_lost = n != -ENODEV && n != -EBUSY;
		return;
	}
	d->bad_block_lost = !complete && !goes_without_record(a, d);
	for (int i = 0; i < n; i++) {
		int r = a->container->ss->record_bad_block(a, d->slot, &ranges[i]);

		if (r < 0 && !goes_without_record(a, d)) {
			d->bad_block_lost = true;
			continue;
		}
		recorded += r > 0;
		stage(d, room, &ranges[i]);
	}
	log_changes(a, d, recorded, 0);
}

static void compare(struct active_array *a, struct mdinfo *d)
{
	struct bad_range_changes ch;
	bool complete;
	int n = read_ranges(d, d->bad_blocks_fd, &complete);

	if (n < 0)
		return;
	d->bad_blocks_full = a->container->ss->compare_bad_blocks(a, d->slot, ranges, (unsigned)n, complete, &ch) ==
			     -ENOSPC;
	log_changes(a, d, ch.recorded, ch.cleared);
}

static void read_lists(struct active_array *a, struct mdinfo *d, bool all)
{
	d->bad_block_lost = d->bad_blocks_full = d->bad_blocks_dead = false;
	d->bad_staged = d->bad_unacknowledged = 0;
	if (!has_lists(a, d))
		return;
	if (!a->container->ss->record_bad_block) {
		d->bad_block_lost = true;
		return;
	}
	d->compare_bad_blocks |= all || !(d->prev_state & MEMBER_EXTERNAL_BBL);
	if (d->compare_bad_blocks || is_blocked(d))
		record_unacknowledged(a, d);
	if (d->compare_bad_blocks)
		compare(a, d);
}

void bad_blocks_read(struct active_array *a, bool all)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		read_lists(a, a->disks[i], all);
}

bool bad_block_is_lost(const struct mdinfo *d)
{
	return is_blocked(d) && d->bad_block_lost;
}

bool bad_blocks_only(const struct mdinfo *d)
{
	return is_blocked(d) && !d->bad_block_lost;
}

/* Members are given up one at a time: the next one has its turn when this one has been seen to fail. NULL: none is. */
static const struct mdinfo *first_lost(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (bad_block_is_lost(a->disks[i]))
			return a->disks[i];
	return NULL;
}

static bool all_have_the_data(const struct active_array *a)
{
	unsigned in_sync = 0;

	for (unsigned i = 0; i < a->disk_count; i++)
		in_sync += (a->disks[i]->curr_state & MEMBER_IN_SYNC) && !a->disks[i]->given_up;
	return in_sync == (unsigned)a->raid_disks;
}

bool bad_block_costs_member(const struct active_array *a, const struct mdinfo *d)
{
	return first_lost(a) == d;
}

/*
 * That a member is given up for a bad block must be on record before "active" tells the writer that all is well. Not if
 * nothing but this member has the data.
 */
unsigned bad_blocks_state_to_tell(const struct active_array *a, const struct mdinfo *d)
{
	if (!bad_block_costs_member(a, d) || !all_have_the_data(a))
		return d->curr_state;
	return (d->curr_state | MEMBER_FAULTY) & ~(unsigned)MEMBER_IN_SYNC;
}

/*
 * To the manager, who acknowledges them. A member that is blocked without a reason that can be seen is unblocked: an
 * earlier daemon may have died just before it could do that.
 */
static bool hand_over(struct active_array *a, struct mdinfo *d)
{
	d->compare_bad_blocks = false;
	if (d->bad_block_lost || !has_lists(a, d))
		return false;
	if (d->bad_staged)
		handoff_bad_ranges(a, d, d->bad_staged);
	else if (is_blocked(d) && !d->bad_unacknowledged && !d->bad_blocks_dead)
		handoff_request_member(a, d, MEMBER_WANT_BAD_BLOCKS); /* none */
	else
		return false;
	return true;
}

static bool any_is_to_fail(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->fail_asked)
			return true;
	return false;
}

/*
 * No write waits for that: all of its bad blocks are on record. But a dead disk would go on and on, with one bad block
 * and one write of the metadata after the other. Not if the array needs the member, nor while another one is given up.
 */
static bool give_up_member(struct active_array *a, struct mdinfo *d, const struct refusals *refusals)
{
	const char *disk = member_disk(d->name);
	bool dead = d->bad_unacknowledged && monitor_refused(refusals, d->dev);

	if (!(d->bad_blocks_full || dead) || first_lost(a) || !all_have_the_data(a) || any_is_to_fail(a))
		return false;
	d->given_up = true;
	mon_log_event(LOG_LEVEL_WARNING, ABOUT("member-given-up", a->name, disk), "%s: member %s %s: it is given up",
		      a->name, disk, dead ? "takes neither data nor metadata" : "has too many bad blocks");
	handoff_request_member(a, d, MEMBER_WANT_GIVE_UP);
	return true;
}

bool bad_blocks_acknowledge(struct active_array *a, const struct refusals *refusals)
{
	bool asked = false;

	for (unsigned i = 0; i < a->disk_count; i++) {
		asked |= hand_over(a, a->disks[i]);
		asked |= give_up_member(a, a->disks[i], refusals);
	}
	return asked;
}

bool bad_blocks_are_watched(const struct active_array *a, const struct mdinfo *d)
{
	return has_lists(a, d) && a->container->ss->record_bad_block && !d->bad_blocks_dead;
}
