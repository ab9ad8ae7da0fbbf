/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading one array: its state, what it does, how far that is, and its members.
 *
 * All of it is read in each pass that looks at the array, whichever file reported an event, since some changes are not
 * reported at all (kernel-md.md 4.1).
 *
 * What is gone says so (ENODEV). Any other error says nothing: the kernel was short of memory, for instance. Then nothing is
 * concluded from the whole reading, and the array is looked at again soon.
 */
#include "monitor/pass.h"

#include <errno.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "sysfs.h"

#define REREAD_NS (50 * NS_PER_MS)
#define REREADS 20 /* in a row; then what was known is gone by */

/* EBUSY comes just before ENODEV while the array is taken apart. */
static bool is_gone(ssize_t err)
{
	return err == -ENODEV || err == -EBUSY || err == -ENOENT;
}

/* As sysfs_read_fd(). Notes an error that says nothing. */
static ssize_t read_word(const struct active_array *a, int fd, char *buf, size_t size)
{
	ssize_t n = sysfs_read_fd(fd, buf, size);

	a->watch->unread |= n < 0 && !is_gone(n);
	return n;
}

static enum array_state read_state(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = read_word(a, a->array_state_fd, buf, sizeof(buf));

	if (n >= 0)
		return sysfs_parse_array_state(buf);
	return is_gone(n) ? ARRAY_GONE : ARRAY_UNKNOWN;
}

static enum sync_action read_action(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = a->sync_action_fd < 0 ? -ENODEV : read_word(a, a->sync_action_fd, buf, sizeof(buf));

	if (n < 0)
		return is_gone(n) ? SYNC_NONE : a->watch->curr_action;
	return sysfs_parse_sync_action(buf);
}

static void read_positions(const struct active_array *a)
{
	struct array_watch *w = a->watch;
	char buf[SYSFS_WORD_MAX];
	uint64_t v;

	/* In these states the kernel may have reset it already: keep what we know. */
	if (w->curr_state > ARRAY_CLEAR && read_word(a, a->resync_start_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sectors(buf, &v) == 0)
		w->resync_start = v;
	w->sync_completed = 0;
	if (a->sync_completed_fd >= 0 && read_word(a, a->sync_completed_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sync_completed(buf, &v) == 0)
		w->sync_completed = v;
}

static void read_blocked(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;

	a->watch->blocked_by_mdadm = true; /* if in doubt leave it alone */
	if (read_word(a, a->metadata_version_fd, buf, sizeof(buf)) < 0)
		return;
	sysfs_parse_metadata_version(buf, &v);
	a->watch->blocked_by_mdadm = v.blocked;
}

/* Looked at when it matters only. Without the '-' prefix mdadm is not in the middle of anything. */
static void read_reshape(const struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;
	char buf[SYSFS_WORD_MAX];
	uint64_t v;

	w->reshape_idle = false;
	if (!(mon->timer || w->first || w->prev_action == SYNC_RESHAPE || w->curr_action == SYNC_RESHAPE))
		return;
	w->reshape_position = 0;
	if (a->reshape_position_fd >= 0 && read_word(a, a->reshape_position_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sectors(buf, &v) == 0)
		w->reshape_position = v;
	if (w->curr_action != SYNC_IDLE || w->reshape_position != SECTORS_NONE)
		return;
	read_blocked(a);
	w->reshape_idle = !w->blocked_by_mdadm;
}

/* Whether it has vanished. */
static bool read_member(const struct active_array *a, struct mdinfo *d)
{
	char buf[SYSFS_STATE_MAX];
	ssize_t n;
	uint64_t v;

	if (d->curr_state & MEMBER_GONE)
		return false;
	n = read_word(a, d->state_fd, buf, sizeof(buf));
	if (n == -ENODEV) /* Somebody else removed it. It is no member any more, whatever it was. */
		d->curr_state = MEMBER_GONE | MEMBER_FAULTY;
	if (n < 0)
		return n == -ENODEV;
	d->curr_state = sysfs_parse_member_state(buf);
	d->recovery_start = d->curr_state & MEMBER_IN_SYNC ? SECTORS_NONE : 0;
	if (d->curr_state & MEMBER_IN_SYNC)
		return false;
	if (read_word(a, d->recovery_start_fd, buf, sizeof(buf)) >= 0 && sysfs_parse_sectors(buf, &v) == 0)
		d->recovery_start = v;
	return false;
}

/*
 * md has written to it, and lacked nobody, or one that has failed just now: what of that is to be rebuilt by the record has
 * been, when no daemon could say so. With one slot empty md may run on what the metadata call out of date.
 */
static bool is_found_whole(const struct active_array *a)
{
	int filled = 0;

	for (unsigned i = 0; i < a->disk_count; i++)
		filled += a->disks[i]->slot >= 0 && a->disks[i]->curr_state & (MEMBER_IN_SYNC | MEMBER_FAULTY);
	return a->watch->first && a->watch->curr_state > ARRAY_READ_AUTO && filled == a->raid_disks;
}

/* The handler may learn only later which disk it is. */
static void note_rebuilt(const struct active_array *a)
{
	bool whole = is_found_whole(a);

	for (unsigned i = 0; i < a->disk_count; i++) {
		struct mdinfo *d = a->disks[i];

		d->rebuilt = (d->curr_state & MEMBER_IN_SYNC) &&
			     (d->rebuilt || whole || (d->prev_state & MEMBER_SPARE));
	}
}

/* Whether one has vanished. */
static bool read_members(struct active_array *a)
{
	bool vanished = false;

	for (unsigned i = 0; i < a->disk_count; i++)
		vanished |= read_member(a, a->disks[i]);
	note_rebuilt(a);
	return vanished;
}

static void shift_members(struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		a->disks[i]->prev_state = a->disks[i]->curr_state;
}

/* What was there becomes what the pass before has read, unless that pass has concluded nothing from it. */
static void shift(struct active_array *a)
{
	struct array_watch *w = a->watch;

	if (w->reread_ns)
		return;
	w->prev_state = w->curr_state;
	w->prev_action = w->curr_action;
	shift_members(a);
}

/* Whether what was read is to be gone by, be it because there is no more to be had. */
static bool is_enough(struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;

	w->reread_ns = 0;
	if (!w->unread) {
		w->rereads = 0;
		return true;
	}
	if (w->rereads >= REREADS)
		return true;
	if (++w->rereads == REREADS)
		mon_log(LOG_LEVEL_WARNING, "%s: the kernel does not say how it is; going by what it said before", a->name);
	else
		w->reread_ns = mon->woken_ns + REREAD_NS;
	return !w->reread_ns;
}

/* The state first, the members afterwards: then every failure behind a write-pending is seen. */
bool monitor_read_array(struct monitor *mon, struct active_array *a)
{
	struct array_watch *w = a->watch;

	shift(a);
	w->unread = false;
	w->curr_state = read_state(a);
	w->curr_action = read_action(a);
	read_positions(a);
	read_reshape(mon, a);
	/*
	 * When an array ends its members vanish with it; that is not a failure. If it goes on, what its state says now may
	 * be because of a member that was read before.
	 */
	while (read_members(a))
		w->curr_state = read_state(a);
	if (w->curr_state == ARRAY_READONLY)
		read_blocked(a);
	return is_enough(mon, a);
}
