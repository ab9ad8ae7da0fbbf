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
 * One pass: take what the manager handed over, read the arrays that something happened to, and decide (monitor/decide.c);
 * tell the metadata handler of all of them, write the metadata once, then acknowledge. A format that keeps several copies
 * of its metadata on a disk writes the others after that.
 */
#include "monitor.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "monitor/pass.h"
#include "threads/handoff.h"
#include "threads/thread.h"

#define STACK_PREFAULT (64 * 1024)

#define LOOK_INTERVAL_NS (5000 * NS_PER_MS) /* re-read everything: a notification may get lost */

static struct monitor the_monitor;

/* ---- the pass ---- */

static void look_at_array(struct monitor *mon, struct active_array *a, bool all)
{
	struct looked_at *l = &mon->looked_at[mon->looked_at_count++];
	struct array_view v;

	if (!monitor_read_array(mon, a)) {
		mon->some_unread = true;
		mon->looked_at_count--;
		return;
	}
	l->array = a;
	bad_blocks_read(a, all);
	monitor_note_stalls(mon, a);
	monitor_log_sync(mon, a);
	/* It may have put something off until nothing runs; md does not always tell it of that. */
	mon->wake_manager |= a->watch->curr_action == SYNC_IDLE && a->watch->prev_action > SYNC_IDLE;
	v = monitor_view_of(mon, a);
	l->decision = decide(&v);
}

static void look_at_arrays(struct monitor *mon, bool all)
{
	mon->looked_at_count = 0;
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		bool put_off = a->watch->reread_ns > mon->woken_ns;

		mon->some_unread |= put_off;
		if (!put_off && (all || a->watch->look))
			look_at_array(mon, a, all);
	}
}

static void tell_all(struct monitor *mon)
{
	for (unsigned i = 0; i < mon->looked_at_count; i++)
		monitor_note_slots(mon, mon->looked_at[i].array);
	for (unsigned i = 0; i < mon->looked_at_count; i++)
		monitor_tell(mon, mon->looked_at[i].array, &mon->looked_at[i].decision);
}

/* No disk took what this pass has told the handler, or not all that have to: the array is looked at again when they do. */
static void come_back(struct active_array *a, const struct decision *d)
{
	a->watch->look = true;
	monitor_end_hold(a);
	/* A sync is seen to end once, and a reshape to begin. Nothing is acknowledged by asking what follows from that. */
	handoff_request_array(a, d->requests & (ARRAY_WANT_SPARE_CHECK | ARRAY_WANT_RESHAPE_CHECK));
}

static void finish_array(struct monitor *mon, struct active_array *a, const struct decision *d)
{
	struct array_watch *w = a->watch;

	w->look = false;
	if (w->curr_state > ARRAY_INACTIVE)
		w->seen_running = true;
	if (d->stopped && !monitor_not_durable(mon)) {
		if (!mon->sync_failed)
			monitor_propagate_failures(mon, a);
		monitor_discard(mon, a, true, 0);
		return;
	}
	if (mon->sync_failed || monitor_waits_for_hanging(mon, a)) {
		mon->some_wait |= !mon->sync_failed;
		come_back(a, d);
		return;
	}
	w->first = false;
	w->untold &= !d->tell_state;
	w->new_members = false;
	monitor_acknowledge(mon, a, d);
	monitor_propagate_failures(mon, a);
	if (handoff_draining() && !d->dirty && !monitor_any_blocked(a))
		monitor_discard(mon, a, true, 0);
}

/* "clean" waits for a grace period of RCU, tens of milliseconds, and nobody waits for it: it comes last. */
static bool is_slow(const struct decision *d)
{
	return d->write && d->write[0] == 'c';
}

static void finish_arrays(struct monitor *mon)
{
	for (unsigned slow = 0; slow < 2; slow++) {
		for (unsigned i = 0; i < mon->looked_at_count; i++) {
			const struct looked_at *l = &mon->looked_at[i];

			if (is_slow(&l->decision) == slow)
				finish_array(mon, l->array, &l->decision);
		}
	}
}

static bool holding(const struct monitor *mon)
{
	for (const struct active_array *a = mon->arrays; a; a = a->next)
		if (monitor_is_held(a))
			return true;
	return false;
}

void monitor_pass(struct monitor *mon, bool timer)
{
	unsigned ticket = handoff_pass_begin();
	bool all;

	monitor_look_for_hanging(mon);
	mon->wake_manager = false;
	mon->some_wait = mon->some_unread = false;
	mon->timer = timer;
	monitor_apply_updates(mon);
	monitor_take_arrays(mon);
	/* A ticket, or SIGTERM, asks for a look at everything. */
	all = timer || ticket != handoff_last_honoured() || handoff_draining();
	look_at_arrays(mon, all);
	tell_all(mon);
	/* Disks whose last write failed come after the answers, unless there is no answer without them. */
	monitor_sync(mon, timer && mon->sync_failed);
	/* A disk that hung is brought up to date: at once if an array waits for it, else after the answers. */
	monitor_catch_up(mon);
	finish_arrays(mon);
	monitor_request_spare_checks(mon);
	monitor_finish_sync(mon, timer && mon->sync_failed);
	monitor_return_updates(mon);
	monitor_publish_report(mon, timer);
	if (timer)
		monitor_give_up_hanging(mon);
	/* An answer is still due to the kernel, or may be: so is the one to the client. */
	if (holding(mon) || mon->some_wait || mon->some_unread || monitor_not_durable(mon))
		ticket = handoff_last_honoured();
	handoff_pass_end(ticket, mon->wake_manager);
	if (timer || monitor_must_catch_up(mon))
		monitor_retry_sync(mon);
}

/* ---- waiting ---- */

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

static void watch_hanging(struct monitor *mon)
{
	if (!mon->hanging.count || mon->hanging.event_fd < 0)
		return;
	watch_fd(mon, mon->hanging.event_fd, NULL, NULL);
	mon->poll_fd[mon->poll_count - 1].events = POLLIN;
}

static void build_poll_set(struct monitor *mon)
{
	mon->poll_count = 0;
	watch_hanging(mon); /* finds room: it is the first */
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		struct array_watch *w = a->watch;

		/* What could not be read may report its event until then. */
		if (w->reread_ns)
			continue;
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

/* An array waited for a disk, and does not have to any more. */
static bool any_released(const struct monitor *mon)
{
	for (struct active_array *a = mon->arrays; a && mon->some_wait; a = a->next)
		if (a->watch->look && !monitor_waits_for_hanging(mon, a))
			return true;
	return false;
}

static uint64_t next_deadline(const struct monitor *mon)
{
	uint64_t t = mon->next_look_ns;

	for (const struct active_array *a = mon->arrays; a; a = a->next) {
		if (monitor_is_held(a) && a->watch->hold_until_ns < t)
			t = a->watch->hold_until_ns;
		if (a->watch->reread_ns && a->watch->reread_ns < t)
			t = a->watch->reread_ns;
	}
	if (mon->retry_sync_ns && mon->retry_sync_ns < t)
		t = mon->retry_sync_ns;
	if (mon->catch_up_ns && mon->catch_up_ns < t)
		t = mon->catch_up_ns;
	return any_released(mon) ? 0 : t;
}

/* An array whose time is up is looked at again. */
static void mark_due(struct monitor *mon, uint64_t now)
{
	for (struct active_array *a = mon->arrays; a; a = a->next)
		if ((monitor_is_held(a) && a->watch->hold_until_ns <= now) ||
		    (a->watch->reread_ns && a->watch->reread_ns <= now))
			a->watch->look = true;
}

bool monitor_wait(struct monitor *mon, const sigset_t *sigs)
{
	struct timespec ts = clock_until(next_deadline(mon));
	uint64_t now;
	int n;

	build_poll_set(mon);
	n = ppoll(mon->poll_fd, mon->poll_count, &ts, sigs);
	for (unsigned i = 0; n > 0 && i < mon->poll_count; i++) {
		if (!mon->poll_fd[i].revents)
			continue;
		if (mon->poll_watch[i])
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

/* ---- the thread ---- */

static void prefault_stack(void)
{
	volatile char room[STACK_PREFAULT];

	for (size_t i = 0; i < sizeof(room); i += 4096)
		room[i] = 0;
}

/* Not while a disk may still carry out what it was told: a successor would not know of it. */
static bool may_end(const struct monitor *mon)
{
	return handoff_monitor_must_stop() && !monitor_hanging_since(mon);
}

static void *monitor_main(void *arg)
{
	struct monitor *mon = arg;
	sigset_t wait_mask;
	bool timer = true;

	prefault_stack();
	thread_is_io_flusher();
	pthread_sigmask(SIG_SETMASK, NULL, &wait_mask);
	sigdelset(&wait_mask, SIGUSR1);
	handoff_set_monitor((pid_t)syscall(SYS_gettid));
	mon->woken_ns = clock_now_ns();
	mon->next_look_ns = mon->woken_ns + LOOK_INTERVAL_NS;
	do {
		monitor_pass(mon, timer);
		if (!may_end(mon))
			timer = monitor_wait(mon, &wait_mask);
	} while (!may_end(mon));
	monitor_return_held(mon);
	handoff_set_monitor(0);
	handoff_note_monitor_ended();
	return NULL;
}

int monitor_start(struct supertype *st)
{
	struct monitor *mon = &the_monitor;

	mon->st = st;
	handoff_let_monitor_run();
	return thread_start(&mon->thread, "mdmon-monitor", monitor_main, mon);
}

void monitor_stop(void)
{
	handoff_stop_monitor();
	pthread_join(the_monitor.thread, NULL);
}
