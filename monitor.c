/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor thread: waits for the kernel's notifications, lets the metadata say what
 * has become true, and only then lets the kernel go on.
 *
 * Writes to the arrays may be waiting for this thread. So it never allocates, opens or
 * closes anything, never takes a lock, and writes no sysfs attribute that can sleep behind
 * a reconfiguration of the array (that is the manager's job, at our request). The only
 * thing it waits for, besides the kernel's notifications, is its own metadata I/O.
 *
 * One pass: take what the manager handed over, read the arrays that something happened to,
 * decide (monitor/decide.c), tell the metadata handler, write the metadata once, then acknowledge. A format that keeps
 * several copies of its metadata on a disk writes the others after that.
 */
#include "monitor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "monitor/badblocks.h"
#include "monitor/decide.h"
#include "sysfs.h"
#include "threads/handoff.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#define STACK_SIZE (128 * 1024)
#define STACK_PREFAULT (64 * 1024)

#define MAX_ARRAYS 256 /* of one container; formats allow far fewer */
#define MAX_POLL_FDS 8192

#define LOOK_INTERVAL_NS (5000 * NS_PER_MS) /* re-read everything: a notification may get lost */
#define RETRY_SYNC_NS (1000 * NS_PER_MS)    /* after a metadata write that reached no disk */
/*
 * After a failure "active" waits that long for the manager's "-blocked": kernel-md.md 6.3
 * shows why neither order is safe without a limit.
 */
#define HOLD_NS (10 * NS_PER_MS)
/* So long clients and stopped arrays wait for metadata that no disk takes. */
#define PATIENCE_NS (5000 * NS_PER_MS)
#define HOLD_OVER 1 /* hold_until_ns: waited long enough, do not wait again */

/* The monitor's own: one for the thread, which everything below is handed. */
struct monitor {
	struct supertype *st;
	pthread_t thread;
	struct active_array *arrays;
	unsigned array_count;
	struct decision decision[MAX_ARRAYS]; /* of this pass, between telling and acknowledging */
	struct metadata_update *applied; /* to be returned after the metadata is written */
	bool wake_manager;
	bool timer;           /* this pass looks at everything because it is time to */
	bool sync_failed;     /* the last sync reached no disk: nothing may be acknowledged */
	bool spare_check_all; /* the set of disks changed */
	uint64_t sync_failed_ns; /* since when */
	uint64_t retry_sync_ns;
	uint64_t next_look_ns;
	uint64_t woken_ns;    /* when this pass's events were noticed */
	bool report_due;
	struct report_write write; /* for reports */
	struct stall_stats write_stalls, failure_stalls;
	unsigned poll_count;
	struct pollfd poll_fd[MAX_POLL_FDS];
	struct array_watch *poll_watch[MAX_POLL_FDS];
	struct mdinfo *poll_bad[MAX_POLL_FDS]; /* whose list of bad blocks it is; NULL: something else */
};

static struct monitor the_monitor;

/* ---- reading ------------------------------------------------------------------ */

static enum array_state read_state(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];
	ssize_t n = sysfs_read_fd(a->array_state_fd, buf, sizeof(buf));

	if (n >= 0)
		return sysfs_parse_array_state(buf);
	/* EBUSY comes just before ENODEV while the array is taken apart. */
	return n == -ENODEV || n == -EBUSY || n == -ENOENT ? ARRAY_GONE : ARRAY_UNKNOWN;
}

static enum sync_action read_action(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];

	if (a->sync_action_fd < 0 || sysfs_read_fd(a->sync_action_fd, buf, sizeof(buf)) < 0)
		return SYNC_NONE;
	return sysfs_parse_sync_action(buf);
}

static void read_positions(const struct active_array *a)
{
	struct array_watch *w = a->watch;
	char buf[SYSFS_WORD_MAX];
	uint64_t v;

	/* In these states the kernel may have reset it already: keep what we know. */
	if (w->curr_state > ARRAY_CLEAR && sysfs_read_fd(a->resync_start_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sectors(buf, &v) == 0)
		w->resync_start = v;
	w->sync_completed = 0;
	if (a->sync_completed_fd >= 0 && sysfs_read_fd(a->sync_completed_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sync_completed(buf, &v) == 0)
		w->sync_completed = v;
}

static void read_blocked(const struct active_array *a)
{
	char buf[SYSFS_WORD_MAX];
	struct metadata_version v;

	a->watch->blocked_by_mdadm = true; /* if in doubt leave it alone */
	if (sysfs_read_fd(a->metadata_version_fd, buf, sizeof(buf)) < 0)
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
	if (a->reshape_position_fd >= 0 && sysfs_read_fd(a->reshape_position_fd, buf, sizeof(buf)) >= 0 &&
	    sysfs_parse_sectors(buf, &v) == 0)
		w->reshape_position = v;
	if (w->curr_action != SYNC_IDLE || w->reshape_position != SECTORS_NONE)
		return;
	read_blocked(a);
	w->reshape_idle = !w->blocked_by_mdadm;
}

static void read_member(struct mdinfo *d)
{
	char buf[SYSFS_STATE_MAX];
	ssize_t n;
	uint64_t v;

	d->prev_state = d->curr_state;
	if (d->curr_state & MEMBER_GONE)
		return;
	n = sysfs_read_fd(d->state_fd, buf, sizeof(buf));
	if (n < 0) {
		/* Somebody else removed it. It is no member any more, whatever it was. */
		d->curr_state = n == -ENODEV ? MEMBER_GONE | MEMBER_FAULTY : 0;
		return;
	}
	d->curr_state = sysfs_parse_member_state(buf);
	d->recovery_start = d->curr_state & MEMBER_IN_SYNC ? SECTORS_NONE : 0;
	if (d->curr_state & MEMBER_IN_SYNC)
		return;
	if (sysfs_read_fd(d->recovery_start_fd, buf, sizeof(buf)) >= 0 && sysfs_parse_sectors(buf, &v) == 0)
		d->recovery_start = v;
}

static void read_members(struct active_array *a)
{
	bool vanished = false;

	for (unsigned i = 0; i < a->disk_count; i++) {
		struct mdinfo *d = a->disks[i];

		read_member(d);
		vanished |= (d->curr_state & ~d->prev_state) & MEMBER_GONE;
	}
	/* When an array ends its members vanish with it; that is not a failure. */
	if (vanished)
		a->watch->curr_state = read_state(a);
}

/* The state first, the members afterwards: then every failure behind a write-pending is seen. */
static void read_array(struct monitor *mon, struct active_array *a)
{
	struct array_watch *w = a->watch;

	w->prev_state = w->curr_state;
	w->prev_action = w->curr_action;
	w->curr_state = read_state(a);
	w->curr_action = read_action(a);
	read_positions(a);
	if (w->curr_state == ARRAY_READONLY)
		read_blocked(a);
	read_reshape(mon, a);
	read_members(a);
}

/* Another member is given up in this pass: this one has its turn when that has been seen to fail. */
static bool has_to_wait(const struct active_array *a, const struct mdinfo *d)
{
	for (unsigned i = 0; a->disks[i] != d; i++)
		if (bad_block_is_lost(a->disks[i]))
			return true;
	return false;
}

/*
 * A bad block for which the metadata have no room: the member has to fail instead, and that must be on record before
 * "active" tells the writer that all is well. Not if nothing but this member has the data, and never two members
 * at once.
 */
static bool is_doomed(const struct active_array *a, const struct mdinfo *d)
{
	unsigned in_sync = 0;

	if (!bad_block_is_lost(d))
		return false;
	for (unsigned i = 0; i < a->disk_count; i++)
		in_sync += (a->disks[i]->curr_state & MEMBER_IN_SYNC) && !a->disks[i]->given_up;
	return in_sync == (unsigned)a->raid_disks && !has_to_wait(a, d);
}

/* What the metadata shall say of it. */
static unsigned state_to_tell(const struct active_array *a, const struct mdinfo *d)
{
	return is_doomed(a, d) ? (d->curr_state | MEMBER_FAULTY) & ~(unsigned)MEMBER_IN_SYNC : d->curr_state;
}

static struct array_view view_of(const struct monitor *mon, const struct active_array *a)
{
	const struct array_watch *w = a->watch;
	struct array_view v = {
		.first = w->first,
		.new_members = w->new_members,
		.retry_clean = mon->timer && w->clean_refused,
		.seen_running = w->seen_running,
		.blocked_by_mdadm = w->blocked_by_mdadm,
		.draining = handoff_draining(),
		.state = w->curr_state,
		.prev_action = w->first ? w->curr_action : w->prev_action,
		.action = w->curr_action,
		.resync_start = w->resync_start,
		.sync_completed = w->sync_completed,
		.last_checkpoint = w->last_checkpoint,
		.component_size = a->component_size,
		.reshape_position = w->reshape_position,
	};
	unsigned in_sync = 0;

	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *d = a->disks[i];

		v.any_faulty |= !!(state_to_tell(a, d) & MEMBER_FAULTY);
		v.newly_in_sync |= !!(d->curr_state & ~d->prev_state & MEMBER_IN_SYNC);
		in_sync += !!(d->curr_state & MEMBER_IN_SYNC);
	}
	v.all_in_sync = in_sync == (unsigned)a->raid_disks;
	return v;
}

/* ---- how long the kernel has to wait for us ------------------------------------------- */

static void count_stall(struct monitor *mon, struct stall_stats *s, uint64_t *since_ns)
{
	uint64_t us = (clock_now_ns() - *since_ns) / 1000;
	unsigned i = 0;

	while (i < STALL_BUCKETS - 1 && us >= (UINT64_C(1000) << i))
		i++;
	s->bucket[i]++;
	s->count++;
	s->total_us += us;
	if (us > s->max_us)
		s->max_us = us;
	*since_ns = 0;
	mon->report_due = true;
}

static bool any_blocked(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->curr_state & MEMBER_BLOCKED)
			return true;
	return false;
}

/* A write that is let go is counted where "active" is written; "-blocked" is the manager's, and seen here. */
static void note_stalls(struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;

	if (w->curr_state != ARRAY_WRITE_PENDING)
		w->write_since_ns = 0;
	else if (!w->write_since_ns)
		w->write_since_ns = mon->woken_ns;
	if (any_blocked(a)) {
		if (!w->failure_since_ns)
			w->failure_since_ns = mon->woken_ns;
	} else if (w->failure_since_ns) {
		count_stall(mon, &mon->failure_stalls, &w->failure_since_ns);
	}
}

/* ---- what administrators ask about afterwards --------------------------------------------- */

static const char *action_name(enum sync_action action)
{
	switch (action) {
	case SYNC_RESYNC:
		return "resync";
	case SYNC_RECOVER:
		return "rebuild";
	case SYNC_CHECK:
		return "check";
	case SYNC_REPAIR:
		return "repair";
	case SYNC_RESHAPE:
		return "reshape";
	case SYNC_NONE:
	case SYNC_IDLE:
	case SYNC_FROZEN:
	case SYNC_UNKNOWN:
		break;
	}
	return "sync";
}

static unsigned count_in_sync(const struct active_array *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->disk_count; i++)
		n += !!(a->disks[i]->curr_state & MEMBER_IN_SYNC);
	return n;
}

/* md says "recover" for a moment after a failure, even if there is nothing to rebuild on. */
static bool sync_runs(const struct active_array *a)
{
	if (a->watch->curr_action != SYNC_RECOVER)
		return sync_action_runs(a->watch->curr_action);
	for (unsigned i = 0; i < a->disk_count; i++)
		if (a->disks[i]->slot >= 0 && !(a->disks[i]->curr_state & (MEMBER_FAULTY | MEMBER_IN_SYNC)))
			return true;
	return false;
}

static void log_sync(struct monitor *mon, const struct active_array *a)
{
	struct array_watch *w = a->watch;
	bool runs = sync_runs(a), ran = w->sync_since_ns != 0;

	if (runs && !ran) {
		w->sync_since_ns = mon->woken_ns;
		w->sync_logged = w->curr_action;
		mon_log_event(LOG_LEVEL_INFO, ABOUT("sync-started", a->name, NULL), "%s: %s %s", a->name,
			      action_name(w->curr_action), w->first ? "goes on" : "begins");
	} else if (!runs && ran && w->curr_state > ARRAY_INACTIVE) {
		unsigned s = (unsigned)((mon->woken_ns - w->sync_since_ns) / NS_PER_S), have = count_in_sync(a);

		w->sync_since_ns = 0;
		mon_log_event(LOG_LEVEL_INFO, ABOUT("sync-ended", a->name, NULL),
			      "%s: %s ended after %u s, %u of %d members in sync", a->name,
			      action_name(w->sync_logged), s, have, a->raid_disks);
	}
}

/* ---- telling the handler ---------------------------------------------------------- */

static int metadata_slot(const struct monitor *mon, struct active_array *a, struct mdinfo *d)
{
	if (d->slot >= 0)
		return d->slot;
	/* md has taken the slot away already; only the metadata knows which it was. */
	if (d->meta_slot < 0)
		d->meta_slot = mon->st->ss->find_slot(a, d->dev);
	return d->meta_slot;
}

static void log_failure(const struct active_array *a, const struct mdinfo *m)
{
	const char *disk = m->name + strlen("dev-");

	mon_log_event(LOG_LEVEL_WARNING, ABOUT("member-failed", a->name, disk), "%s: member %s %s",
		      a->name, disk,
		      m->curr_state & MEMBER_FAULTY ? "failed" : "has too many bad blocks and is given up");
}

static void tell_members(struct monitor *mon, struct active_array *a, const struct decision *d)
{
	for (unsigned i = 0; i < a->disk_count; i++) {
		struct mdinfo *m = a->disks[i];
		unsigned state = state_to_tell(a, m);
		bool faulty = state & MEMBER_FAULTY;
		int slot;

		if (!(d->tell_disks || (d->tell_faulty && faulty)))
			continue;
		/* md takes the array apart, member by member. */
		if (d->stopped && (m->curr_state & MEMBER_GONE))
			continue;
		slot = metadata_slot(mon, a, m);
		if (slot >= 0)
			mon->st->ss->set_disk(a, m, slot, state);
		if (faulty && !(m->prev_state & MEMBER_FAULTY))
			log_failure(a, m);
	}
}

static void log_consistency(const struct active_array *a, enum consistency c)
{
	bool dirty = c == MARK_DIRTY;

	if (dirty == a->watch->told_dirty)
		return;
	a->watch->told_dirty = dirty;
	mon_log_event(LOG_LEVEL_DEBUG, ABOUT(dirty ? "array-dirty" : "array-clean", a->name, NULL),
		      "%s: %s", a->name, dirty ? "dirty" : "clean");
}

static void tell_handler(struct monitor *mon, struct active_array *a, struct decision *d)
{
	a->watch->last_checkpoint = d->checkpoint;
	a->watch->reshape_done = d->reshape_done;
	if (d->tell_state) {
		enum consistency c = mon->st->ss->set_array_state(a, d->consistency);

		log_consistency(a, c);
		if (d->starting) {
			d->requests |= c == MARK_CLEAN ? ARRAY_WANT_READ_AUTO : ARRAY_WANT_ACTIVE;
			d->dirty = c == MARK_DIRTY;
		}
	}
	tell_members(mon, a, d);
	if (sync_action_runs(a->watch->curr_action) && a->watch->sync_completed >= a->component_size)
		a->watch->last_checkpoint = 0;
}

/* ---- acknowledging ------------------------------------------------------------------ */

static void request_for_member(struct monitor *mon, struct active_array *a, struct mdinfo *m, const struct decision *d)
{
	unsigned bits = 0;

	if (!(m->curr_state & MEMBER_FAULTY)) {
		/* See is_doomed(). */
		if (bad_block_is_lost(m) && !has_to_wait(a, m))
			bits = MEMBER_WANT_BBL_OFF;
		if (m->failed_on_record && !m->fail_asked) {
			m->fail_asked = true;
			bits |= MEMBER_WANT_FAIL;
		}
	} else {
		if (m->curr_state & MEMBER_BLOCKED)
			bits |= MEMBER_WANT_UNBLOCK;
		if (d->remove_faulty)
			bits |= MEMBER_WANT_REMOVE;
	}
	if (bits) {
		handoff_request_member(a, m, bits);
		mon->wake_manager = true;
	}
}

static bool any_to_hold_for(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if ((a->disks[i]->curr_state & MEMBER_BLOCKED) && !bad_blocks_only(a->disks[i]))
			return true;
	return false;
}

/* "active" must still wait for "-blocked", within its limit. */
static bool hold(struct active_array *a)
{
	struct array_watch *w = a->watch;

	if (!any_to_hold_for(a) || w->hold_until_ns == HOLD_OVER)
		return false;
	if (!w->hold_until_ns)
		w->hold_until_ns = clock_now_ns() + HOLD_NS;
	if (clock_now_ns() < w->hold_until_ns)
		return true;
	w->hold_until_ns = HOLD_OVER;
	return false;
}

static bool is_held(const struct active_array *a)
{
	return a->watch->hold_until_ns > HOLD_OVER;
}

static void write_state(struct monitor *mon, struct active_array *a, const char *word)
{
	int err = sysfs_write_fd(a->array_state_fd, word);

	a->watch->clean_refused = err == -EBUSY && word[0] == 'c';
	if (word[0] == 'a' && a->watch->write_since_ns)
		count_stall(mon, &mon->write_stalls, &a->watch->write_since_ns);
	/* EBUSY: a write came before our "clean"; the state will tell. A dying array needs no answer. */
	if (err && err != -EBUSY && err != -ENODEV)
		mon_log(LOG_LEVEL_WARNING, "%s: cannot write \"%s\" to array_state: error %d", a->name, word, -err);
}

static void request_size(struct monitor *mon, struct active_array *a)
{
	if (a->watch->custom_array_size == handoff_new_size(a))
		return;
	handoff_request_size(a, a->watch->custom_array_size);
	mon->wake_manager = true;
}

static void acknowledge(struct monitor *mon, struct active_array *a, const struct decision *d)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		request_for_member(mon, a, a->disks[i], d);
	mon->wake_manager |= bad_blocks_acknowledge(a, &mon->write);
	if (d->requests) {
		handoff_request_array(a, d->requests);
		mon->wake_manager = true;
	}
	request_size(mon, a);
	if (!any_to_hold_for(a) || !d->write)
		a->watch->hold_until_ns = 0;
	if (d->write && !hold(a))
		write_state(mon, a, d->write);
}

/* A disk that failed in one array has failed in all arrays of the container. */
static void propagate_failure(struct monitor *mon, const struct mdinfo *failed)
{
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			struct mdinfo *d = a->disks[i];

			if (d->dev != failed->dev || (d->curr_state & MEMBER_FAULTY) || d->fail_asked)
				continue;
			d->fail_asked = true;
			handoff_request_member(a, d, MEMBER_WANT_FAIL);
			mon->wake_manager = true;
		}
	}
}

static void propagate_failures(struct monitor *mon, const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		/* A vanished member may have been taken out in good health. */
		if ((a->disks[i]->curr_state & (MEMBER_FAULTY | MEMBER_GONE)) == MEMBER_FAULTY)
			propagate_failure(mon, a->disks[i]);
}

/* ---- arrays come and go ----------------------------------------------------------------- */

/* `last`: no newer copy takes its place. */
static void discard(struct monitor *mon, struct active_array **link, bool last, int error)
{
	struct active_array *a = *link;

	*link = a->next;
	mon->array_count--;
	mon->report_due = true;
	a->discard_error = error;
	if (last && a->watch->adopted) {
		mon->st->ss->close_array(a);
		a->watch->adopted = false;
	}
	handoff_discard(a);
	mon->wake_manager = true;
}

static struct active_array **find_copy(struct monitor *mon, const struct array_watch *w)
{
	struct active_array **link = &mon->arrays;

	while (*link && (*link)->watch != w)
		link = &(*link)->next;
	return link;
}

static void take_array(struct monitor *mon, struct active_array *a)
{
	struct active_array **old = find_copy(mon, a->watch);
	bool over;
	int err;

	/* It became a RAID 0, or has ended while this copy was on its way: nothing is to be kept in step. */
	over = a->level <= 0 || (a->replaces && !*old);
	if (*old)
		discard(mon, old, false, 0);
	a->watch->look = true;
	a->watch->new_members = true;
	a->next = mon->arrays;
	mon->arrays = a;
	mon->array_count++;
	if (over) {
		/* What needs no monitoring is never dirty: it has no copies that could differ. */
		if (a->level <= 0 && a->watch->adopted)
			mon->st->ss->set_array_state(a, MARK_CLEAN);
		discard(mon, &mon->arrays, true, 0);
		return;
	}
	if (a->watch->adopted)
		return;
	err = mon->array_count > MAX_ARRAYS ? -E2BIG : mon->st->ss->open_new(a);
	if (err) {
		discard(mon, &mon->arrays, true, err);
		return;
	}
	a->watch->adopted = true;
	a->watch->first = true;
}

static void take_arrays(struct monitor *mon)
{
	struct active_array *a, *next;

	for (a = handoff_take_published(); a; a = next) {
		next = (struct active_array *)a->node.next;
		take_array(mon, a);
	}
}

/* ---- updates ------------------------------------------------------------------------------ */

static void find_spares(struct monitor *mon, struct spare_request *req)
{
	struct active_array *a = *find_copy(mon, req->watch);

	req->count = 0;
	if (a) /* else it has stopped meanwhile */
		mon->st->ss->activate_spare(a, req);
}

static int apply(struct monitor *mon, struct metadata_update *u)
{
	const struct superswitch *ss = mon->st->ss;

	switch (u->op) {
	case UPDATE_MESSAGE:
		return ss->apply_message(mon->st, u);
	case UPDATE_ADD_DISK:
		return ss->add_disk(mon->st, u);
	case UPDATE_REMOVE_DISK:
		return ss->remove_disk(mon->st, u);
	case UPDATE_FIND_SPARES:
		find_spares(mon, u->spares);
		return 0;
	case UPDATE_COMMIT_SPARES:
		return ss->commit_spares(mon->st, u);
	}
	return -EINVAL;
}

static void apply_updates(struct monitor *mon)
{
	struct metadata_update *u, *next, **tail = &mon->applied;

	while (*tail)
		tail = (struct metadata_update **)&(*tail)->node.next;
	for (u = handoff_take_updates(); u; u = next) {
		next = (struct metadata_update *)u->node.next;
		u->status = apply(mon, u);
		if (u->status == 0 && (u->op == UPDATE_ADD_DISK || u->op == UPDATE_REMOVE_DISK))
			mon->spare_check_all = true;
		u->node.next = NULL;
		*tail = u;
		tail = (struct metadata_update **)&u->node.next;
	}
}

static void return_updates(struct monitor *mon)
{
	struct metadata_update *u = mon->applied, *next;

	mon->applied = NULL;
	mon->report_due |= u != NULL;
	for (; u; u = next) {
		next = (struct metadata_update *)u->node.next;
		u->durable = !mon->sync_failed;
		handoff_return_update(u);
		mon->wake_manager = true;
	}
}

static void request_spare_checks(struct monitor *mon)
{
	if (!mon->spare_check_all)
		return;
	mon->spare_check_all = false;
	for (struct active_array *a = mon->arrays; a; a = a->next)
		handoff_request_array(a, ARRAY_WANT_SPARE_CHECK);
	mon->wake_manager = true;
}

/* ---- the pass --------------------------------------------------------------------------------- */

static void note_write(struct monitor *mon, const struct sync_result *res, uint64_t began_ns)
{
	struct report_write *w = &mon->write;

	w->count++;
	w->errors += res->failed > 0;
	w->end_ms = clock_wall_ms();
	w->duration_us = (clock_now_ns() - began_ns) / 1000;
	w->disks = res->written;
	w->failed_count = res->failed < REPORT_FAILED ? res->failed : REPORT_FAILED;
	memcpy(w->failed, res->failed_dev, w->failed_count * sizeof(w->failed[0]));
	mon->report_due = true;
	mon_log_event(LOG_LEVEL_DEBUG, ABOUT("metadata-written", NULL, NULL),
		      "%s: metadata written to %u disks in %llu us", mon->st->container, res->written,
		      (unsigned long long)w->duration_us);
}

static void log_write_errors(struct monitor *mon, const struct sync_result *res, bool none)
{
	for (unsigned i = 0; i < res->reports; i++)
		mon_log_event(LOG_LEVEL_ERROR,
			      ABOUT("metadata-write-failed", NULL, res->report[i].name),
			      "%s: writing metadata to disk %s failed: error %d", mon->st->container,
			      res->report[i].name, -res->report[i].error);
	if (none && !mon->sync_failed)
		mon_log_event(LOG_LEVEL_ERROR, ABOUT("metadata-not-written", NULL, NULL),
			      "%s: no disk took the metadata; writes to its arrays wait", mon->st->container);
	if (!none && mon->sync_failed)
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("metadata-written-again", NULL, NULL),
			      "%s: disks take the metadata again", mon->st->container);
}

static void sync_metadata(struct monitor *mon, bool retry)
{
	struct sync_result res = { .retry = retry };
	uint64_t began = clock_now_ns();
	bool none;
	int r;

	handoff_note_writing(began);
	r = mon->st->ss->sync_metadata(mon->st, &res);
	handoff_note_writing(0);
	none = r < 0;
	if (r)
		note_write(mon, &res, began);
	log_write_errors(mon, &res, none);
	if (none && !mon->sync_failed)
		mon->sync_failed_ns = clock_now_ns();
	mon->sync_failed = none;
	mon->retry_sync_ns = none ? clock_now_ns() + RETRY_SYNC_NS : 0;
	mon->wake_manager |= res.reports > 0 || none;
}

static void note_rest(struct monitor *mon, const struct sync_result *res)
{
	struct report_write *w = &mon->write;

	if (!res->failed)
		return;
	w->errors += !w->failed_count;
	for (unsigned i = 0; i < res->failed && i < REPORT_FAILED && w->failed_count < REPORT_FAILED; i++)
		w->failed[w->failed_count++] = res->failed_dev[i];
	mon->report_due = true;
}

/* What the manager has been asked for must not wait for it. */
static void finish_sync(struct monitor *mon, bool retry)
{
	struct sync_result res = { .retry = retry };

	if (!mon->st->ss->finish_sync || mon->sync_failed)
		return;
	if (mon->wake_manager)
		handoff_wake_manager();
	mon->wake_manager = false;
	handoff_note_writing(clock_now_ns());
	mon->st->ss->finish_sync(mon->st, &res);
	handoff_note_writing(0);
	note_rest(mon, &res);
	log_write_errors(mon, &res, false);
	mon->wake_manager |= res.reports > 0;
}

/* Never between noticing and answering: nobody waits for it. */
static void publish_report(struct monitor *mon, bool timer)
{
	struct report *r;

	if (!mon->report_due && !timer)
		return;
	mon->report_due = false;
	r = handoff_report_room();
	mon->st->ss->report(mon->st, r);
	r->write = mon->write;
	r->write_stalls = mon->write_stalls;
	r->failure_stalls = mon->failure_stalls;
	handoff_publish_report();
}

static void look_at_arrays(struct monitor *mon, bool all)
{
	unsigned n = 0;

	for (struct active_array *a = mon->arrays; a; a = a->next) {
		struct array_view v;

		if (!all && !a->watch->look)
			continue;
		a->watch->look = true;
		read_array(mon, a);
		bad_blocks_read(a, all);
		note_stalls(mon, a);
		log_sync(mon, a);
		v = view_of(mon, a);
		mon->decision[n] = decide(&v);
		tell_handler(mon, a, &mon->decision[n]);
		n++;
	}
}

/* What this pass changed is not on disk, and there is still hope that it will be. */
static bool not_durable(const struct monitor *mon)
{
	return mon->sync_failed && clock_now_ns() < mon->sync_failed_ns + PATIENCE_NS;
}

static void finish_array(struct monitor *mon, struct active_array **link, const struct decision *d)
{
	struct active_array *a = *link;
	struct array_watch *w = a->watch;

	w->look = false;
	if (w->curr_state > ARRAY_INACTIVE)
		w->seen_running = true;
	if (d->stopped && !not_durable(mon)) {
		discard(mon, link, true, 0);
		return;
	}
	if (mon->sync_failed) {
		w->look = true; /* come back when the metadata could be written */
		w->hold_until_ns = 0;
		handoff_request_array(a, d->requests & ARRAY_WANT_SPARE_CHECK);
		return;
	}
	w->first = false;
	w->new_members = false;
	acknowledge(mon, a, d);
	propagate_failures(mon, a);
	if (handoff_draining() && !d->dirty && !any_blocked(a))
		discard(mon, link, true, 0);
}

static void finish_arrays(struct monitor *mon)
{
	struct active_array **link = &mon->arrays;
	unsigned n = 0;

	while (*link) {
		struct active_array *a = *link;

		if (a->watch->look)
			finish_array(mon, link, &mon->decision[n++]);
		if (*link == a)
			link = &a->next;
	}
}

static bool holding(const struct monitor *mon)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next)
		if (is_held(a))
			return true;
	return false;
}

/* `timer`: nothing special happened; it is time to look at everything. */
static void pass(struct monitor *mon, bool timer)
{
	unsigned ticket = handoff_pass_begin();
	bool all;

	mon->wake_manager = false;
	mon->timer = timer;
	apply_updates(mon);
	take_arrays(mon);
	/* A ticket, or SIGTERM, asks for a look at everything. */
	all = timer || ticket != handoff_last_honoured() || handoff_draining();
	look_at_arrays(mon, all);
	sync_metadata(mon, timer);
	finish_arrays(mon);
	request_spare_checks(mon);
	finish_sync(mon, timer);
	return_updates(mon);
	publish_report(mon, timer);
	if (holding(mon) || not_durable(mon)) /* an answer is still due to the kernel: so is the one to the client */
		ticket = handoff_last_honoured();
	handoff_pass_end(ticket, mon->wake_manager);
}

/* ---- waiting ---------------------------------------------------------------------------------------- */

static void watch_fd(struct monitor *mon, int fd, struct array_watch *w, struct mdinfo *bad)
{
	if (fd < 0 || mon->poll_count == MAX_POLL_FDS)
		return; /* beyond the limit the timer still sees it */
	mon->poll_fd[mon->poll_count] = (struct pollfd){ .fd = fd, .events = POLLPRI };
	mon->poll_bad[mon->poll_count] = bad;
	mon->poll_watch[mon->poll_count++] = w;
}

static void watch_member(struct monitor *mon, const struct active_array *a, struct mdinfo *d)
{
	if (d->curr_state & MEMBER_GONE)
		return;
	watch_fd(mon, d->state_fd, a->watch, NULL);
	if (bad_blocks_are_watched(a, d)) {
		watch_fd(mon, d->unacknowledged_fd, a->watch, d);
		watch_fd(mon, d->bad_blocks_fd, a->watch, d);
	}
}

static void build_poll_set(struct monitor *mon)
{
	mon->poll_count = 0;
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		struct array_watch *w = a->watch;

		/* A dead attribute reports events for ever. */
		if (w->curr_state != ARRAY_GONE)
			watch_fd(mon, a->array_state_fd, w, NULL);
		if (w->curr_action != SYNC_NONE) {
			watch_fd(mon, a->sync_action_fd, w, NULL);
			watch_fd(mon, a->sync_completed_fd, w, NULL);
		}
		for (unsigned i = 0; i < a->disk_count; i++)
			watch_member(mon, a, a->disks[i]);
	}
}

static uint64_t next_deadline(const struct monitor *mon)
{
	uint64_t t = mon->next_look_ns;

	for (const struct active_array *a = mon->arrays; a; a = a->next)
		if (is_held(a) && a->watch->hold_until_ns < t)
			t = a->watch->hold_until_ns;
	if (mon->retry_sync_ns && mon->retry_sync_ns < t)
		t = mon->retry_sync_ns;
	return t;
}

/* An array whose time is up is looked at again. */
static void mark_due(struct monitor *mon, uint64_t now)
{
	for (struct active_array *a = mon->arrays; a; a = a->next)
		if (is_held(a) && a->watch->hold_until_ns <= now)
			a->watch->look = true;
}

/* Returns whether it is time to look at everything. */
static bool wait_for_events(struct monitor *mon, const sigset_t *sigs)
{
	struct timespec ts = clock_until(next_deadline(mon));
	uint64_t now;
	int n;

	build_poll_set(mon);
	n = ppoll(mon->poll_fd, mon->poll_count, &ts, sigs);
	for (unsigned i = 0; n > 0 && i < mon->poll_count; i++) {
		if (!mon->poll_fd[i].revents)
			continue;
		mon->poll_watch[i]->look = true;
		if (mon->poll_bad[i])
			mon->poll_bad[i]->compare_bad_blocks = true;
	}
	now = clock_now_ns();
	mon->woken_ns = now;
	mark_due(mon, now);
	if (now < mon->next_look_ns && !(mon->retry_sync_ns && now >= mon->retry_sync_ns))
		return false;
	mon->next_look_ns = now + LOOK_INTERVAL_NS;
	return true;
}

static void prefault_stack(void)
{
	volatile char room[STACK_PREFAULT];

	for (size_t i = 0; i < sizeof(room); i += 4096)
		room[i] = 0;
}

static void *monitor_main(void *arg)
{
	struct monitor *mon = arg;
	sigset_t wait_mask;
	bool timer = true;

	prefault_stack();
	/* Reclaim done on our behalf must not wait for our own arrays. Without the right to do so: no harm. */
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &wait_mask);
	sigdelset(&wait_mask, SIGUSR1);
	handoff_set_monitor((pid_t)syscall(SYS_gettid));
	mon->woken_ns = clock_now_ns();
	mon->next_look_ns = mon->woken_ns + LOOK_INTERVAL_NS;
	while (!handoff_monitor_must_stop()) {
		pass(mon, timer);
		if (handoff_monitor_must_stop())
			break;
		timer = wait_for_events(mon, &wait_mask);
	}
	handoff_set_monitor(0);
	handoff_note_monitor_ended();
	return NULL;
}

int monitor_start(struct supertype *st)
{
	struct monitor *mon = &the_monitor;
	pthread_attr_t attr;
	int err;

	mon->st = st;
	handoff_let_monitor_run();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&mon->thread, &attr, monitor_main, mon);
	pthread_attr_destroy(&attr);
	if (!err)
		pthread_setname_np(mon->thread, "mdmon-monitor");
	return -err;
}

void monitor_stop(void)
{
	handoff_stop_monitor();
	pthread_join(the_monitor.thread, NULL);
}
