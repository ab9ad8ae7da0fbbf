/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the metadata of an IMSM volume when something happens to its array
 * (imsm.md 5 and 6).
 *
 * Every rule looks at what md has now and at what the metadata says now, never at an
 * edge between two passes: being told the same thing again changes nothing, and an event
 * that nobody saw (because the daemon was not there) is made up for by the next look.
 */
#include "imsm/imsm.h"

#define MD_RAID5_LEFT_ASYMMETRIC 0 /* layout of all IMSM RAID5 */

/* ---- common parts ---- */

static void set_map_state(struct imsm_container *c, struct imsm_map *m, enum imsm_map_state state)
{
	if (m->head.map_state == state)
		return;
	m->head.map_state = (uint8_t)state;
	c->write_due = true;
}

static void set_failed_slot(struct imsm_container *c, struct imsm_map *m, int slot)
{
	uint8_t number = slot < 0 ? IMSM_NO_FAILED_SLOT : (uint8_t)slot;

	if (m->head.failed_disk_num == number)
		return;
	m->head.failed_disk_num = number;
	c->write_due = true;
}

static void finish_migration(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev,
			     enum imsm_map_state state)
{
	if (!v->head.migr_state && v->map[0].head.map_state == state)
		return;
	imsm_end_migration(c, v, state);
	ev->last_checkpoint = 0;
	c->write_due = true;
}

/* ---- a member (imsm.md 6) ---- */

static bool all_recovered(const struct imsm_event *ev, int faulty_slot)
{
	for (unsigned i = 0; i < ev->disk_count; i++)
		if (ev->disk[i].recovery_start != SECTORS_NONE && !(ev->disk[i].state & MEMBER_FAULTY) &&
		    ev->disk[i].slot != faulty_slot)
			return false;
	return true;
}

/* md says that the slot's data is good. That counts for a slot under rebuild only. */
static void note_in_sync(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v, unsigned slot)
{
	if (!imsm_view_slot_pending(w, slot))
		return;
	v->map[1].ord[slot] = imsm_ord_index(v->map[0].ord[slot]);
	c->write_due = true;
}

/* How far md itself says the rebuild has come; it never goes back. */
static void note_recovery(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v,
			  struct imsm_event *ev)
{
	uint64_t reached = SECTORS_NONE, bpu = imsm_blocks_per_unit(v);

	for (unsigned i = 0; i < ev->disk_count; i++)
		if (ev->disk[i].slot >= 0 && imsm_view_slot_pending(w, (unsigned)ev->disk[i].slot) &&
		    ev->disk[i].recovery_start < reached)
			reached = ev->disk[i].recovery_start;
	if (reached == SECTORS_NONE)
		return;
	if (ev->last_checkpoint < reached)
		ev->last_checkpoint = reached;
	if (bpu && reached / bpu > imsm_volume_unit(v))
		imsm_store_unit(c, v, reached / bpu);
}

static void normal(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	if (imsm_rebuilding(v)) {
		if (imsm_view_rebuild_pending(w) || !all_recovered(ev, -1))
			return;
		finish_migration(c, v, ev, IMSM_NORMAL);
		set_failed_slot(c, &v->map[0], -1);
	} else if (imsm_general_migration(v)) {
		if (ev->reshape_done)
			finish_migration(c, v, ev, IMSM_NORMAL);
		else
			set_map_state(c, &v->map[0], IMSM_NORMAL);
		set_failed_slot(c, &v->map[0], -1);
	}
}

static int highest_flagged_slot(const struct imsm_map *m)
{
	int slot = m->head.num_members;

	while (--slot >= 0 && !(m->ord[slot] & IMSM_ORD_REBUILD))
		;
	return slot;
}

/*
 * Over when no slot is left that could still become good. If it ended because its disk died, the number of the
 * failed slot already names that one; else the next one to be rebuilt.
 */
static void degraded_rebuild(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v,
			     struct imsm_event *ev, int faulty_slot)
{
	struct imsm_map *m0 = &v->map[0];

	set_map_state(c, m0, IMSM_DEGRADED);
	if (imsm_view_rebuild_pending(w) || !all_recovered(ev, faulty_slot))
		return;
	finish_migration(c, v, ev, IMSM_DEGRADED);
	if (faulty_slot < 0)
		set_failed_slot(c, m0, highest_flagged_slot(m0));
}

static void degraded_reshape(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v,
			     struct imsm_event *ev)
{
	if (ev->reshape_done) {
		finish_migration(c, v, ev, IMSM_DEGRADED);
		return;
	}
	set_map_state(c, &v->map[0], IMSM_DEGRADED);
	set_map_state(c, &v->map[1], imsm_view_check_degraded(w, imsm_view_count_bad(w, IMSM_M1), IMSM_M1));
}

static void degraded(const struct imsm_view *w, struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev,
		     int faulty_slot)
{
	if (!v->head.migr_state)
		finish_migration(c, v, ev, IMSM_DEGRADED);
	else if (imsm_rebuilding(v))
		degraded_rebuild(w, c, v, ev, faulty_slot);
	else if (imsm_general_migration(v))
		degraded_reshape(w, c, v, ev);
	else if (imsm_initializing(v))
		set_map_state(c, &v->map[0], IMSM_DEGRADED);
	/* A resync ends when md declares it complete: imsm_set_array_state() does the rest. */
}

static void failed(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	if (imsm_general_migration(v))
		set_map_state(c, &v->map[0], IMSM_FAILED);
	else if (v->map[0].head.map_state != IMSM_FAILED)
		finish_migration(c, v, ev, IMSM_FAILED);
}

/*
 * A takeover has been recorded, but md has not followed yet: until then its slots are not ours.
 */
static bool md_lags_behind(const struct imsm_volume *v, const struct imsm_event *ev)
{
	return imsm_map_level(&v->map[0]) == IMSM_RAID0 && (ev->level == 1 || ev->level == 10);
}

void imsm_set_disk(struct imsm_container *c, unsigned volume, int slot, unsigned state, struct imsm_event *ev)
{
	struct imsm_volume *v = volume < c->meta.num_volumes ? &c->meta.volume[volume] : NULL;
	struct imsm_view w = { .c = c, .v = v, .ev = ev };
	bool faulty = state & MEMBER_FAULTY;
	uint32_t ord;

	if (!v || slot < 0 || md_lags_behind(v, ev))
		return;
	/* map 0: where they differ it is the one that names the disk that md has. */
	ord = imsm_ord(v, (unsigned)slot, IMSM_M0);
	if (ord == UINT32_MAX)
		return;
	if (faulty)
		imsm_mark_failure(c, v, imsm_ord_index(ord));
	else if (state & MEMBER_IN_SYNC)
		note_in_sync(&w, c, v, (unsigned)slot);
	note_recovery(&w, c, v, ev);
	switch (imsm_view_state(&w)) {
	case IMSM_NORMAL:
		normal(&w, c, v, ev);
		break;
	case IMSM_DEGRADED:
		degraded(&w, c, v, ev, faulty ? slot : -1);
		break;
	case IMSM_FAILED:
		failed(c, v, ev);
		break;
	case IMSM_UNINITIALIZED:
		break;
	}
}

/* ---- the end of a reshape (imsm.md 5.2 A, 5.5) ---- */

/* Disks were added: all volumes of a container span the same ones. */
static bool was_widened(const struct imsm_volume *v)
{
	return v->map[0].head.num_members > v->map[1].head.num_members &&
	       imsm_map_level(&v->map[0]) == imsm_map_level(&v->map[1]);
}

void imsm_finish_reshape(struct imsm_container *c, unsigned volume, struct imsm_event *ev)
{
	struct imsm_volume *v = &c->meta.volume[volume];
	bool widened = was_widened(v);

	ev->custom_array_size = imsm_natural_size(v);
	for (unsigned i = 0; i < ev->disk_count; i++)
		imsm_set_disk(c, volume, ev->disk[i].slot, ev->disk[i].state, ev);
	if (v->head.migr_state)
		return;
	c->reshape_ended = true;
	c->widened_to = widened ? v->map[0].head.num_members : 0;
}

/* ---- disks that are not there (imsm.md 3.9) ---- */

static bool flagged_in_both(const struct imsm_volume *v)
{
	for (unsigned slot = 0; v->head.migr_state && slot < v->map[0].head.num_members; slot++) {
		uint32_t from = imsm_ord(v, slot, IMSM_M1);

		if ((v->map[0].ord[slot] & IMSM_ORD_REBUILD) && from != UINT32_MAX && (from & IMSM_ORD_REBUILD))
			return true;
	}
	return false;
}

/*
 * Before the array is written to: what an absent disk holds is about to become out of date, and that must be
 * on record. A migration of whose slots none was known to be bad cannot go on as it was
 * recorded; but a disk that merely stands in the table (a firmware that started a rebuild leaves the replaced one
 * there) is no reason to end one.
 */
static void record_lost_disks(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev)
{
	struct imsm_view w = { .c = c, .v = v, .ev = ev };
	unsigned bad = imsm_view_count_bad(&w, IMSM_M0);
	bool any = false;

	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		any |= imsm_view_slot_lost(&w, slot);
	if (!any)
		return;
	if (!imsm_general_migration(v) && bad && !flagged_in_both(v))
		finish_migration(c, v, ev, imsm_view_check_degraded(&w, bad, IMSM_M0));
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (imsm_view_slot_lost(&w, slot))
			imsm_mark_missing(c, v, imsm_ord_index(v->map[0].ord[slot]));
}

/* ---- the array (imsm.md 5) ---- */

static bool resync_complete(const struct imsm_event *ev)
{
	return ev->resync_start >=
	       md_sync_size(ev->level, ev->layout, (unsigned)ev->raid_disks, ev->component_size);
}

/*
 * A resync is never recorded over another migration (a rebuild would be forgotten), nor for an array that has
 * just ended.
 */
static bool resync_to_be_recorded(const struct imsm_container *c, const struct imsm_volume *v,
				  const struct imsm_event *ev, unsigned bad)
{
	return !v->head.migr_state && bad == 0 && !imsm_container_reshaping(c) && ev->state > ARRAY_INACTIVE;
}

/* True if a resync was begun: then there is no progress to be saved yet. */
static bool follow_resync(struct imsm_container *c, struct imsm_volume *v, struct imsm_event *ev, unsigned bad,
			  enum imsm_map_state state)
{
	if (resync_complete(ev)) {
		if (imsm_resyncing(v))
			finish_migration(c, v, ev, state == IMSM_UNINITIALIZED ? IMSM_NORMAL : state);
		return false;
	}
	if (!resync_to_be_recorded(c, v, ev, bad))
		return false;
	imsm_migrate(v, IMSM_NORMAL,
		     v->map[0].head.map_state == IMSM_UNINITIALIZED ? IMSM_MIGR_INIT : IMSM_MIGR_REPAIR);
	c->write_due = true;
	return true;
}

static enum consistency record_dirty(struct imsm_container *c, struct imsm_volume *v, enum consistency want)
{
	uint8_t policy = v->head.rwh_policy;
	bool ppl = policy == IMSM_RWH_DISTRIBUTED || policy == IMSM_RWH_MULTIPLE_DISTRIBUTED;
	bool dirty = want == MARK_DIRTY;

	if (dirty != !!(v->head.dirty & IMSM_DIRTY)) {
		v->head.dirty = !dirty ? 0 : ppl ? IMSM_DIRTY | IMSM_DSRECORD_VALID : IMSM_DIRTY;
		c->write_due = true;
	}
	return dirty ? MARK_DIRTY : MARK_CLEAN;
}

/* md has the shape that the volume is to have in the end. Level 4: mdadm reshapes a RAID0 as that. */
static bool shape_reached(const struct imsm_volume *v, const struct imsm_event *ev)
{
	const struct imsm_map *m0 = &v->map[0];
	bool raid0 = imsm_map_level(m0) == IMSM_RAID0;

	/* A RAID0 that is to become a RAID5 is one from the beginning, but with all parity on the last disk. */
	if (imsm_map_level(m0) == IMSM_RAID5 && ev->layout != MD_RAID5_LEFT_ASYMMETRIC)
		return false;
	return ev->level == (raid0 ? 4 : imsm_map_level(m0)) && ev->raid_disks == m0->head.num_members + raid0 &&
	       ev->chunk == imsm_map_chunk(m0);
}

/* Also when nobody saw it end. */
static bool reshape_is_over(const struct imsm_volume *v, const struct imsm_event *ev)
{
	return imsm_general_migration(v) && (ev->reshape_done || (ev->reshape_idle && shape_reached(v, ev)));
}

enum consistency imsm_set_array_state(struct imsm_container *c, unsigned volume, struct imsm_event *ev,
				      enum consistency want)
{
	struct imsm_volume *v = volume < c->meta.num_volumes ? &c->meta.volume[volume] : NULL;
	struct imsm_view w = { .c = c, .v = v, .ev = ev };
	enum imsm_map_state state;
	unsigned bad;

	if (!v)
		return want == MARK_DIRTY ? MARK_DIRTY : MARK_CLEAN;
	/* mdadm drives a reshape and records it. */
	if (md_lags_behind(v, ev) || (imsm_general_migration(v) && ev->action == SYNC_RESHAPE))
		return record_dirty(c, v, want);
	bad = imsm_view_count_bad(&w, IMSM_M0);
	state = imsm_view_check_degraded(&w, bad, IMSM_M0);
	ev->reshape_done = reshape_is_over(v, ev);
	if (ev->reshape_done)
		imsm_finish_reshape(c, volume, ev);
	else if (ev->reshape_idle && !v->head.migr_state)
		ev->custom_array_size = imsm_volume_blocks(v); /* a daemon that died may not have come to that */
	if (want != MARK_CLEAN)
		record_lost_disks(c, v, ev);
	if (want == MARK_DECIDE && (!resync_complete(ev) || state != IMSM_NORMAL || v->head.migr_state))
		want = MARK_DIRTY;
	if (!follow_resync(c, v, ev, bad, state))
		imsm_save_checkpoint(c, v, ev);
	return record_dirty(c, v, want);
}
