/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After the metadata are durable: answers the kernel, and asks the manager for what the monitor must not do itself.
 */
#include "monitor/pass.h"

#include <errno.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "sysfs.h"
#include "threads/handoff.h"

/*
 * After a failure "active" waits that long for the manager's "-blocked": kernel-md.md 6.3
 * shows why neither order is safe without a limit.
 */
#define HOLD_NS (10 * NS_PER_MS)

static unsigned requests_for_failed(const struct mdinfo *m, const struct decision *d)
{
	unsigned bits = 0;

	if (m->curr_state & MEMBER_BLOCKED)
		bits |= MEMBER_WANT_UNBLOCK;
	if (d->remove_faulty)
		bits |= MEMBER_WANT_REMOVE;
	return bits;
}

static unsigned requests_for_working(const struct active_array *a, struct mdinfo *m)
{
	unsigned bits = 0;

	if (bad_block_costs_member(a, m))
		bits |= MEMBER_WANT_BBL_OFF;
	if (m->failed_elsewhere && !m->fail_asked && monitor_can_spare(a, m)) {
		m->fail_asked = true;
		bits |= MEMBER_WANT_FAIL;
	}
	return bits;
}

static void request_for_member(struct monitor *mon, struct active_array *a, struct mdinfo *m, const struct decision *d)
{
	bool failed = m->curr_state & MEMBER_FAULTY;
	unsigned bits = failed ? requests_for_failed(m, d) : requests_for_working(a, m);

	if (!bits)
		return;
	handoff_request_member(a, m, bits);
	mon->wake_manager = true;
}

/* A failure that the manager has not released yet. Bad blocks that are on record need not be released first. */
static bool any_to_hold_for(const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if ((a->disks[i]->curr_state & MEMBER_BLOCKED) && !bad_blocks_only(a->disks[i]))
			return true;
	return false;
}

void monitor_end_hold(struct active_array *a)
{
	a->watch->hold_until_ns = 0;
	a->watch->held_long_enough = false;
}

bool monitor_is_held(const struct active_array *a)
{
	return a->watch->hold_until_ns;
}

/* Whether the answer that is due must still wait for "-blocked". The first call sets the limit. */
static bool hold(struct active_array *a)
{
	struct array_watch *w = a->watch;
	uint64_t now = clock_now_ns();

	if (w->held_long_enough)
		return false;
	if (!w->hold_until_ns)
		w->hold_until_ns = now + HOLD_NS;
	if (now < w->hold_until_ns)
		return true;
	w->hold_until_ns = 0;
	w->held_long_enough = true;
	return false;
}

static void write_state(struct monitor *mon, struct active_array *a, const char *word)
{
	int err = sysfs_write_fd(a->array_state_fd, word);

	a->watch->clean_refused = err == -EBUSY && word[0] == 'c';
	if (word[0] == 'a' && a->watch->write_since_ns)
		monitor_count_stall(mon, &mon->write_stalls, &a->watch->write_since_ns);
	/* EBUSY: a write came before our "clean"; the state will tell. A dying array needs no answer. */
	if (err && err != -EBUSY && err != -ENODEV)
		mon_log(LOG_LEVEL_WARNING, "%s: cannot write \"%s\" to array_state: %s", a->name, word, mon_error(err));
}

/* `word`: for array_state; NULL: none is due. */
static void answer(struct monitor *mon, struct active_array *a, const char *word)
{
	bool must_wait = false;

	if (word && any_to_hold_for(a))
		must_wait = hold(a);
	else
		monitor_end_hold(a);
	if (word && !must_wait)
		write_state(mon, a, word);
}

static void request_size(struct monitor *mon, struct active_array *a)
{
	if (a->watch->custom_array_size == handoff_new_size(a))
		return;
	handoff_request_size(a, a->watch->custom_array_size);
	mon->wake_manager = true;
}

void monitor_acknowledge(struct monitor *mon, struct active_array *a, const struct decision *d)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		request_for_member(mon, a, a->disks[i], d);
	mon->wake_manager |= bad_blocks_acknowledge(a, &mon->refusals);
	if (d->requests) {
		handoff_request_array(a, d->requests);
		mon->wake_manager = true;
	}
	request_size(mon, a);
	answer(mon, a, d->write);
}

bool monitor_ask_to_fail(struct monitor *mon, struct active_array *a, struct mdinfo *m)
{
	if ((m->curr_state & MEMBER_FAULTY) || m->fail_asked || !monitor_can_spare(a, m))
		return false;
	m->fail_asked = true;
	handoff_request_member(a, m, MEMBER_WANT_FAIL);
	mon->wake_manager = true;
	return true;
}

static void propagate_failure(struct monitor *mon, const struct mdinfo *failed)
{
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		for (unsigned i = 0; i < a->disk_count; i++) {
			struct mdinfo *d = a->disks[i];

			if (d->dev != failed->dev || (d->curr_state & MEMBER_FAULTY) || d->fail_asked)
				continue;
			d->failed_elsewhere = true;
			monitor_ask_to_fail(mon, a, d);
		}
	}
}

/* A vanished member may have been taken out in good health, unless it was seen to have failed before. */
static bool is_seen_to_fail(const struct mdinfo *m)
{
	unsigned state = m->curr_state & MEMBER_GONE ? m->prev_state : m->curr_state;

	return (state & (MEMBER_FAULTY | MEMBER_GONE)) == MEMBER_FAULTY;
}

void monitor_propagate_failures(struct monitor *mon, const struct active_array *a)
{
	for (unsigned i = 0; i < a->disk_count; i++)
		if (is_seen_to_fail(a->disks[i]))
			propagate_failure(mon, a->disks[i]);
}
