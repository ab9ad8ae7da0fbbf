/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do about the state of an array (mdmon.md 11.3, 11.4).
 *
 * Wherever possible a rule looks at what is, not at what has changed: a notification
 * that was lost, a state too short to be seen, or a daemon that died at the wrong moment
 * then only delays the right answer. The handlers do nothing when the metadata already
 * says what they are told.
 */
#include "monitor/pass.h"

static bool makes_copies_agree(enum sync_action a)
{
	return a == SYNC_RESYNC || a == SYNC_REPAIR;
}

/*
 * Progress of the running sync. The position restarts with each sync: an old one must
 * not make a new rebuild look further advanced than it is.
 */
static uint64_t checkpoint(const struct array_view *v)
{
	if (sync_action_runs(v->action)) {
		if (v->action != v->prev_action && !v->first)
			return v->sync_completed;
		return v->sync_completed ? v->sync_completed : v->last_checkpoint;
	}
	/* Interrupted: the kernel says up to where the copies agree. */
	if (makes_copies_agree(v->prev_action) && v->resync_start != SECTORS_NONE && v->resync_start)
		return v->resync_start;
	return v->last_checkpoint;
}

static void decide_stopped(const struct array_view *v, struct decision *d)
{
	d->stopped = true;
	if (!v->seen_running)
		return;
	d->tell_state = true;
	d->consistency = MARK_CLEAN;
	/* The members of an inactive array can still be read: how far is the rebuild? */
	d->tell_disks = v->state == ARRAY_INACTIVE && v->prev_action == SYNC_RECOVER;
	d->tell_faulty = v->state == ARRAY_INACTIVE && v->any_faulty;
}

static void tell(struct decision *d, enum consistency c)
{
	d->tell_state = true;
	d->consistency = c;
}

static void decide_running(const struct array_view *v, struct decision *d)
{
	switch (v->state) {
	case ARRAY_WRITE_PENDING:
		tell(d, MARK_DIRTY);
		d->write = "active";
		d->dirty = true;
		break;
	case ARRAY_ACTIVE_IDLE:
		/* First the kernel, then the metadata: a write that comes between waits for us. */
		tell(d, MARK_DIRTY);
		d->write = "clean";
		d->dirty = true;
		break;
	case ARRAY_ACTIVE:
		tell(d, MARK_DIRTY);
		d->dirty = true;
		/* A refusal switches the idle timer off; it may be that no write comes that starts it again. */
		if (v->retry_clean)
			d->write = "clean";
		break;
	case ARRAY_CLEAN:
	case ARRAY_BROKEN:
		tell(d, MARK_CLEAN);
		break;
	case ARRAY_READONLY:
		if (v->blocked_by_mdadm || v->draining)
			break;
		tell(d, MARK_DECIDE);
		d->starting = true;
		break;
	case ARRAY_SUSPENDED:
	case ARRAY_UNKNOWN:
		d->dirty = true;
		break;
	case ARRAY_READ_AUTO:
	case ARRAY_GONE:
	case ARRAY_CLEAR:
	case ARRAY_INACTIVE:
		break;
	}
}

static bool resync_has_ended(const struct array_view *v)
{
	return makes_copies_agree(v->prev_action) && !makes_copies_agree(v->action);
}

static void decide_sync_end(const struct array_view *v, struct decision *d)
{
	bool recover_ended = v->prev_action == SYNC_RECOVER && v->action != SYNC_RECOVER;
	bool first_word = v->first || (v->untold && d->tell_state);

	if (recover_ended || v->newly_in_sync || v->first || v->new_members)
		d->tell_disks = true;
	if (resync_has_ended(v) || ((recover_ended || first_word) && !v->all_in_sync) || v->unrecorded)
		d->requests |= ARRAY_WANT_SPARE_CHECK;
	/* New members may have come since the manager opened those that there were. */
	if (v->action == SYNC_RESHAPE && (v->prev_action != SYNC_RESHAPE || v->first))
		d->requests |= ARRAY_WANT_RESHAPE_CHECK;
	d->reshape_done = v->prev_action == SYNC_RESHAPE && v->action != SYNC_RESHAPE &&
			  v->reshape_position == SECTORS_NONE;
	if (d->reshape_done && !v->all_in_sync)
		d->requests |= ARRAY_WANT_SPARE_CHECK;
}

static void decide_failure(const struct array_view *v, struct decision *d)
{
	d->tell_faulty = true;
	if (v->state == ARRAY_READ_AUTO) {
		/* Only a running array lets the failed member go. */
		tell(d, MARK_DIRTY);
		d->write = "active";
		d->dirty = true;
	}
	d->remove_faulty = v->state > ARRAY_READONLY;
}

struct decision decide(const struct array_view *v)
{
	struct decision d = { .checkpoint = checkpoint(v) };

	if (v->state <= ARRAY_INACTIVE) {
		decide_stopped(v, &d);
		return d;
	}
	decide_running(v, &d);
	decide_sync_end(v, &d);
	if (v->any_faulty)
		decide_failure(v, &d);
	/* A sync that ends or moves on in a read-only array has to be recorded, too. */
	if (v->state == ARRAY_READ_AUTO && !d.tell_state && resync_has_ended(v))
		tell(&d, MARK_CLEAN);
	if (d.reshape_done && !d.tell_state)
		tell(&d, v->state <= ARRAY_CLEAN ? MARK_CLEAN : MARK_DIRTY);
	return d;
}
