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

#include <string.h>

#define MD_RAID5_LEFT_ASYMMETRIC 0 /* layout of all IMSM RAID5 */

/* What an event is about. The view has the same three, read-only. */
struct scene {
	struct imsm_container *c;
	struct imsm_volume *v;
	struct imsm_event *ev;
	struct imsm_view view;
};

/* False: there is no such volume. */
static bool set_scene(struct scene *s, struct imsm_container *c, unsigned volume, struct imsm_event *ev)
{
	struct imsm_volume *v = volume < c->meta.num_volumes ? &c->meta.volume[volume] : NULL;

	*s = (struct scene){ .c = c, .v = v, .ev = ev, .view = { .c = c, .v = v, .ev = ev } };
	return v;
}

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

static void finish_migration(struct scene *s, enum imsm_map_state state)
{
	if (!s->v->head.migr_state && s->v->map[0].head.map_state == state)
		return;
	imsm_end_migration(s->c, s->v, state);
	s->ev->last_checkpoint = 0;
	s->c->write_due = true;
}

/* A takeover has been recorded, but md has not followed yet: until then the slots of md are not those of the volume. */
static bool md_lags_behind(const struct scene *s)
{
	return imsm_map_level(&s->v->map[0]) == IMSM_RAID0 && (s->ev->level == 1 || s->ev->level == 10);
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

/* No slot is left that could still become good, and md has nothing left to recover. */
static bool rebuild_is_over(const struct scene *s, int faulty_slot)
{
	return !imsm_view_count(&s->view, IMSM_SLOT_REBUILDING) && all_recovered(s->ev, faulty_slot);
}

/* md says that the slot has its data. */
static void note_in_sync(struct scene *s, unsigned slot)
{
	if (imsm_view_slot(&s->view, slot) != IMSM_SLOT_REBUILDING)
		return;
	s->v->map[1].ord[slot] = imsm_ord_index(s->v->map[0].ord[slot]);
	s->c->write_due = true;
}

/*
 * mdadm gives md the disk of a flagged slot when it assembles the volume, and md rebuilds it with no record of that. The
 * slot counts when that has ended: until the next spare check records it another member may fail.
 */
static void note_rebuilt_without_record(struct scene *s, const struct md_member *m)
{
	struct imsm_map *m0 = &s->v->map[0];
	uint32_t ord = imsm_ord(s->v, (unsigned)m->slot, IMSM_M0), index = imsm_ord_index(ord);
	const struct imsm_dl *dl = imsm_dl_by_dev(s->c, m->dev);

	if (!m->rebuilt || s->v->head.migr_state)
		return;
	if (ord == UINT32_MAX || !(ord & IMSM_ORD_REBUILD) || !dl || dl->index != (int)index || dl->unfit ||
	    imsm_disk_failed(s->c, index) || imsm_uses_bitmap(s->v)) /* a bitmap is written with the record */
		return;
	m0->ord[m->slot] = index;
	set_map_state(s->c, m0, imsm_view_state(&s->view));
	set_failed_slot(s->c, m0, imsm_map_highest_flagged(m0));
	s->c->write_due = true;
}

/*
 * A slot that a reshape adds has no data before that, and what is moved is written to the disk that it has when the reshape
 * begins: md calls that in sync then. It may have been flagged for being absent between mdadm's request and that moment.
 */
static void note_new_member(struct scene *s, const struct md_member *m)
{
	struct imsm_map *m0 = &s->v->map[0];
	unsigned slot = (unsigned)m->slot;
	const struct imsm_dl *dl = imsm_dl_by_dev(s->c, m->dev);

	if (!imsm_general_migration(s->v) || slot < s->v->map[1].head.num_members || slot >= m0->head.num_members ||
	    !(m0->ord[slot] & IMSM_ORD_REBUILD) || !dl || dl->index != (int)imsm_ord_index(m0->ord[slot]) ||
	    imsm_disk_failed(s->c, (uint32_t)dl->index))
		return;
	m0->ord[slot] = (uint32_t)dl->index;
	set_map_state(s->c, m0, imsm_view_state(&s->view));
	if (m0->head.failed_disk_num == slot)
		set_failed_slot(s->c, m0, imsm_map_highest_flagged(m0));
	s->c->write_due = true;
}

/* md's members as they are now, but for one that has to fail. What has got its data is noted before anything is lost. */
static void note_all_in_sync(struct scene *s, int faulty_slot)
{
	for (unsigned i = 0; i < s->ev->disk_count; i++) {
		const struct md_member *m = &s->ev->disk[i];

		if (!member_has_data(m->state) || m->slot < 0 || m->slot == faulty_slot)
			continue;
		note_in_sync(s, (unsigned)m->slot);
		note_rebuilt_without_record(s, m);
		note_new_member(s, m);
	}
}

static bool is_rebuilt(const struct scene *s, int slot)
{
	return slot >= 0 && imsm_view_slot(&s->view, (unsigned)slot) == IMSM_SLOT_REBUILDING;
}

/* How far md itself says the rebuild has come. The checkpoint never goes back. */
static void note_recovery(struct scene *s)
{
	uint64_t reached = SECTORS_NONE, bpu = imsm_blocks_per_unit(s->v);
	struct imsm_event *ev = s->ev;

	for (unsigned i = 0; i < ev->disk_count; i++)
		if (is_rebuilt(s, ev->disk[i].slot) && ev->disk[i].recovery_start < reached)
			reached = ev->disk[i].recovery_start;
	if (reached == SECTORS_NONE)
		return;
	if (ev->last_checkpoint < reached)
		ev->last_checkpoint = reached;
	if (bpu && reached / bpu > imsm_volume_unit(s->v))
		imsm_store_unit(s->c, s->v, reached / bpu);
}

/* Nothing is bad. `state`: the volume may be uninitialised all the same. */
static void complete(struct scene *s, enum imsm_map_state state)
{
	struct imsm_map *m0 = &s->v->map[0];

	if (imsm_rebuilding(s->v)) {
		if (!rebuild_is_over(s, -1))
			return;
		finish_migration(s, state);
		set_failed_slot(s->c, m0, -1);
	} else if (imsm_general_migration(s->v)) {
		if (s->ev->reshape_done)
			finish_migration(s, state);
		else
			set_map_state(s->c, m0, state);
		set_failed_slot(s->c, m0, -1);
	}
}

/*
 * If the rebuild ends because its disk died, the number of the failed slot already names that slot; else it names the
 * next one to be rebuilt.
 */
static void degraded_rebuild(struct scene *s, int faulty_slot)
{
	struct imsm_map *m0 = &s->v->map[0];

	set_map_state(s->c, m0, IMSM_DEGRADED);
	if (!rebuild_is_over(s, faulty_slot))
		return;
	finish_migration(s, IMSM_DEGRADED);
	if (faulty_slot < 0)
		set_failed_slot(s->c, m0, imsm_map_highest_flagged(m0));
}

static void degraded_reshape(struct scene *s)
{
	const struct imsm_view *w = &s->view;

	if (s->ev->reshape_done) {
		finish_migration(s, IMSM_DEGRADED);
		return;
	}
	set_map_state(s->c, &s->v->map[0], IMSM_DEGRADED);
	set_map_state(s->c, &s->v->map[1], imsm_view_check_degraded(w, imsm_view_count_bad(w, IMSM_M1), IMSM_M1));
}

/*
 * Nothing has been written to the volume without the disks that are not there, or their slots had flags: what tells
 * that it was never initialised is still needed when they come.
 */
static bool lacks_absent_disks_only(const struct scene *s)
{
	const struct imsm_map *m0 = &s->v->map[0];

	for (unsigned slot = 0; slot < m0->head.num_members; slot++)
		if ((m0->ord[slot] & IMSM_ORD_REBUILD) || imsm_disk_failed(s->c, imsm_ord_index(m0->ord[slot])))
			return false;
	return true;
}

static void degraded(struct scene *s, int faulty_slot)
{
	if (s->v->map[0].head.map_state == IMSM_UNINITIALIZED && lacks_absent_disks_only(s))
		return;
	if (!s->v->head.migr_state)
		finish_migration(s, IMSM_DEGRADED);
	else if (imsm_rebuilding(s->v))
		degraded_rebuild(s, faulty_slot);
	else if (imsm_general_migration(s->v))
		degraded_reshape(s);
	else if (imsm_initializing(s->v))
		set_map_state(s->c, &s->v->map[0], IMSM_DEGRADED);
	/* A resync ends when md declares it complete: imsm_set_array_state() does the rest. */
}

static void failed(struct scene *s)
{
	if (imsm_general_migration(s->v))
		set_map_state(s->c, &s->v->map[0], IMSM_FAILED);
	else
		finish_migration(s, IMSM_FAILED);
}

/* What the slots have now decides. */
static void settle(struct scene *s, int faulty_slot)
{
	enum imsm_map_state state = imsm_view_state(&s->view);
	bool rebuilding = imsm_rebuilding(s->v);

	switch (state) {
	case IMSM_NORMAL:
	case IMSM_UNINITIALIZED:
		complete(s, state);
		break;
	case IMSM_DEGRADED:
		degraded(s, faulty_slot);
		break;
	case IMSM_FAILED:
		failed(s);
		break;
	}
	/* What it was made from may have failed meanwhile. */
	if (rebuilding && !s->v->head.migr_state && state == IMSM_NORMAL)
		settle(s, faulty_slot);
}

static bool is_beside(const struct scene *s, unsigned volume)
{
	return &s->c->meta.volume[volume] != s->v;
}

/* Another volume than that of the scene, with an array that is served. */
static bool is_served_beside(const struct scene *s, unsigned volume)
{
	return is_beside(s, volume) && (s->c->live_volumes >> volume & 1);
}

/* The first two slots' disks have mdadm's record of the reshape, and whoever goes on with that believes what they say. */
static bool would_mislead(const struct imsm_volume *v, unsigned slot)
{
	return imsm_general_migration(v) && slot < 2;
}

/*
 * The disk has the record of another volume's reshape. The next mdadm would not write it to a disk that is called failed: that
 * could not be taken back when the volume has lost another disk, and depends on this one.
 */
static bool has_record_for(const struct imsm_volume *v, uint32_t index)
{
	int slot = imsm_slot_of(&v->map[0], index);

	return slot >= 0 && would_mislead(v, (unsigned)slot) && !(v->map[0].ord[slot] & IMSM_ORD_REBUILD);
}

/* Of those whose arrays are served; others cannot do without any disk. A RAID0 that is to be reshaped is not served yet. */
static bool another_depends_on(const struct scene *s, uint32_t index)
{
	for (unsigned i = 0; i < s->c->meta.num_volumes; i++)
		if ((is_served_beside(s, i) && imsm_depends_on(s->c, i, index)) ||
		    (is_beside(s, i) && has_record_for(&s->c->meta.volume[i], index)))
			return true;
	return false;
}

static bool is_flagged(const struct imsm_volume *v, unsigned slot)
{
	uint32_t from = imsm_ord(v, slot, IMSM_M1);

	return (v->map[0].ord[slot] & IMSM_ORD_REBUILD) && (from == UINT32_MAX || (from & IMSM_ORD_REBUILD));
}

/*
 * All others have failed on record. What a disk says that calls itself failed is believed by nobody: with this one, too, the
 * copy of a disk would be that was replaced long ago, or is not here.
 */
static bool is_last_to_be_believed(const struct imsm_container *c, uint32_t index)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0 && dl->index != (int)index && !imsm_disk_failed(c, (uint32_t)dl->index))
			return false;
	return true;
}

/* md may rebuild onto a disk of the daemon before us that we cannot open: the flagged slot names one that md does not have. */
static bool is_not_named(const struct scene *s, unsigned slot, const struct imsm_dl *dl)
{
	for (unsigned i = 0; dl && is_flagged(s->v, slot) && i < s->ev->disk_count; i++) {
		const struct md_member *m = &s->ev->disk[i];

		if (m->slot == (int)slot && (m->state & MEMBER_FAULTY))
			return imsm_dl_by_dev(s->c, m->dev) != dl;
	}
	return false;
}

/*
 * A disk that fails has failed for all volumes. Not if another one has nothing else: then only this one does without it,
 * and the other goes on as long as it can.
 */
static void record_failure(struct scene *s, unsigned slot, uint32_t index)
{
	struct imsm_dl *dl = imsm_dl_by_index(s->c, (int)index);

	if (is_not_named(s, slot, dl))
		return;
	if (imsm_disk_failed(s->c, index) ||
	    (!another_depends_on(s, index) && (!dl || !is_last_to_be_believed(s->c, index)))) {
		imsm_mark_failure(s->c, s->v, index);
		return;
	}
	if (dl)
		dl->unfit = true;
	if (!is_flagged(s->v, slot))
		imsm_flag_slot(s->c, s->v, slot);
}

/* The slot has its data, but for the failure of its disk in another volume, and md has them. */
static struct imsm_dl *held_by_md_alone(const struct scene *s, unsigned slot)
{
	uint32_t index = imsm_ord_index(s->v->map[0].ord[slot]);
	struct imsm_dl *dl = imsm_dl_by_index(s->c, (int)index);

	if (!dl || !imsm_disk_failed(s->c, index) || (s->v->map[0].ord[slot] & IMSM_ORD_REBUILD))
		return NULL;
	if (would_mislead(s->v, slot)) /* it had failed when mdadm began */
		return NULL;
	return imsm_view_slot_lost(&s->view, slot) ? NULL : dl;
}

static void set_failed(struct scene *s, const struct imsm_dl *dl, bool failed)
{
	le32 *status = &s->c->meta.disk[dl->index].status;

	*status = le32_make(failed ? le32_get(*status) | IMSM_DISK_FAILED : le32_get(*status) & ~IMSM_DISK_FAILED);
}

/*
 * A disk failed in another volume first. Before md gave it up here, too, it has become all that this one has: so it is what
 * it would be if the failures had come in the other order, a disk that only the other volume does without.
 */
static void keep_what_is_left(struct scene *s)
{
	unsigned members = s->v->map[0].head.num_members;
	struct imsm_dl *kept[IMSM_MAX_MEMBERS];
	bool enough;

	if (imsm_view_state(&s->view) != IMSM_FAILED)
		return;
	for (unsigned slot = 0; slot < members; slot++) {
		kept[slot] = held_by_md_alone(s, slot);
		if (kept[slot])
			set_failed(s, kept[slot], false);
	}
	enough = imsm_view_state(&s->view) != IMSM_FAILED;
	for (unsigned slot = 0; slot < members; slot++) {
		if (!kept[slot])
			continue;
		if (!enough) {
			set_failed(s, kept[slot], true);
			continue;
		}
		imsm_unmark_failure(s->c, (uint32_t)kept[slot]->index, kept[slot]->serial);
		kept[slot]->unfit = true;
	}
}

/*
 * They are absent, and what they say is out of date as soon as mdadm goes on, or has put back what was in the copy
 * area: that is before anybody writes. mdadm begins when the daemon has looked at the array.
 */
static void record_misleading_disks(struct scene *s)
{
	for (unsigned slot = 0; would_mislead(s->v, slot) && slot < s->v->map[0].head.num_members; slot++)
		if (imsm_view_slot_lost(&s->view, slot))
			imsm_mark_missing(s->c, s->v, imsm_ord_index(s->v->map[0].ord[slot]));
}

void imsm_set_disk(struct imsm_container *c, unsigned volume, int slot, unsigned state, struct imsm_event *ev)
{
	bool faulty = state & MEMBER_FAULTY;
	struct scene s;
	uint32_t ord;

	if (!set_scene(&s, c, volume, ev) || slot < 0 || md_lags_behind(&s))
		return;
	/* Where the maps differ, map 0 names the disk that md has. */
	ord = imsm_ord(s.v, (unsigned)slot, IMSM_M0);
	if (ord == UINT32_MAX)
		return;
	note_all_in_sync(&s, faulty ? slot : -1);
	if (faulty)
		record_failure(&s, (unsigned)slot, imsm_ord_index(ord));
	else if (state & MEMBER_IN_SYNC)
		note_in_sync(&s, (unsigned)slot);
	if (faulty)
		keep_what_is_left(&s);
	record_misleading_disks(&s);
	note_recovery(&s);
	settle(&s, faulty ? slot : -1);
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
	if (widened)
		c->widened_to = v->map[0].head.num_members;
}

/* md has the shape that the volume is to have in the end. Level 4: mdadm reshapes a RAID0 as that. */
static bool shape_reached(const struct imsm_volume *v, const struct imsm_event *ev)
{
	const struct imsm_map *m0 = &v->map[0];
	bool raid0 = imsm_map_level(m0) == IMSM_RAID0;

	/* A RAID0 that is to become a RAID5 is one from the beginning, but with all parity on the last disk. */
	if (imsm_map_level(m0) == IMSM_RAID5 && ev->layout != MD_RAID5_LEFT_ASYMMETRIC)
		return false;
	/* md's RAID1 has no chunks. */
	return ev->level == (raid0 ? 4 : imsm_map_level(m0)) && ev->raid_disks == m0->head.num_members + raid0 &&
	       (ev->level == 1 || ev->chunk == imsm_map_chunk(m0));
}

/* Seen to end, or found ended. */
static bool reshape_is_over(const struct imsm_volume *v, const struct imsm_event *ev)
{
	return imsm_general_migration(v) && (ev->reshape_done || (ev->reshape_idle && shape_reached(v, ev)));
}

static void follow_reshape(struct scene *s)
{
	struct imsm_event *ev = s->ev;

	ev->reshape_done = reshape_is_over(s->v, ev);
	if (ev->reshape_done)
		imsm_finish_reshape(s->c, (unsigned)(s->v - s->c->meta.volume), ev);
	else if (ev->reshape_idle && !s->v->head.migr_state)
		ev->custom_array_size = imsm_volume_blocks(s->v); /* the daemon may have died before it told md */
}

/* ---- disks that are not there (imsm.md 3.9) ---- */

static bool any_slot_lost(const struct scene *s)
{
	for (unsigned slot = 0; slot < s->v->map[0].head.num_members; slot++)
		if (imsm_view_slot_lost(&s->view, slot))
			return true;
	return false;
}

static bool another_trusts(const struct scene *s, uint32_t index)
{
	for (unsigned i = 0; i < s->c->meta.num_volumes; i++) {
		const struct imsm_volume *v = &s->c->meta.volume[i];
		int slot = imsm_slot_of(&v->map[0], index);

		if (v != s->v && slot >= 0 && !is_flagged(v, (unsigned)slot))
			return true;
	}
	return false;
}

/* md has it in another array: the disk has come late, and we have not read it yet, or it is the last one there. */
static bool another_keeps(const struct scene *s, uint32_t index)
{
	for (unsigned i = 0; i < s->c->meta.num_volumes; i++)
		if (is_served_beside(s, i) && imsm_md_keeps(s->c, i, index))
			return true;
	return false;
}

/*
 * An entry that is called missing counts for no volume. As in record_failure() only this one does without the disk if
 * another one has it; what is said of the slot is enough then, also when that one has ended.
 */
static void record_lost_disk(struct scene *s, unsigned slot)
{
	uint32_t index = imsm_ord_index(s->v->map[0].ord[slot]);

	if (would_mislead(s->v, slot))
		imsm_mark_missing(s->c, s->v, index);
	else if (is_flagged(s->v, slot) && another_trusts(s, index))
		return;
	else if (imsm_disk_absent(s->c, index) && another_keeps(s, index))
		imsm_flag_slot(s->c, s->v, slot);
	else
		imsm_mark_missing(s->c, s->v, index);
}

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
 * md rebuilds a slot all the same, of another pair of a RAID10. Were the rebuild ended, its slot would be flagged, and
 * what md makes of it would count for nothing.
 */
static bool rebuild_goes_on(const struct scene *s)
{
	return imsm_rebuilding(s->v) && imsm_view_count(&s->view, IMSM_SLOT_REBUILDING) &&
	       imsm_view_state(&s->view) != IMSM_FAILED;
}

/* Members are lost, or left out. `ends`: what is recorded cannot go on as it was, unless it is a reshape. */
static void go_on_without_members(struct scene *s, bool ends)
{
	if (rebuild_goes_on(s))
		set_map_state(s->c, &s->v->map[0], imsm_view_state(&s->view));
	else if (ends && !imsm_general_migration(s->v))
		finish_migration(s, imsm_view_check_degraded(&s->view, imsm_view_count_bad(&s->view, IMSM_M0), IMSM_M0));
}

/*
 * Before the array is written to: what an absent disk holds is about to become out of date, and that must be on record.
 * A migration cannot go on as it was recorded if it has lost a disk that was good. A disk that is only named in map 1
 * is no reason to end it: firmware that starts a rebuild leaves the replaced disk there.
 */
static void record_lost_disks(struct scene *s)
{
	struct imsm_volume *v = s->v;

	if (!any_slot_lost(s))
		return;
	note_all_in_sync(s, -1);
	go_on_without_members(s, imsm_view_count_bad(&s->view, IMSM_M0) && !flagged_in_both(v));
	for (unsigned slot = 0; slot < v->map[0].head.num_members; slot++)
		if (imsm_view_slot_lost(&s->view, slot))
			record_lost_disk(s, slot);
}

/* ---- disks that are there, but not in md (metadata/left-out.h) ---- */

/* Not `all`: those only that were being rebuilt. */
static bool any_left_out(const struct scene *s, bool all)
{
	for (unsigned slot = 0; slot < s->v->map[0].head.num_members; slot++)
		if (imsm_view_left_out(&s->view, slot) &&
		    (all || imsm_view_slot(&s->view, slot) == IMSM_SLOT_REBUILDING))
			return true;
	return false;
}

/* Flags their slots. True if a disk that was being rebuilt is among them: the rebuild cannot go on where it was. */
static bool flag_left_out(struct scene *s)
{
	bool rebuild = false;

	for (unsigned slot = 0; slot < s->v->map[0].head.num_members; slot++) {
		if (!imsm_view_left_out(&s->view, slot))
			continue;
		rebuild |= imsm_view_slot(&s->view, slot) == IMSM_SLOT_REBUILDING;
		imsm_flag_slot(s->c, s->v, slot);
		s->ev->left_out[slot] = true;
	}
	return rebuild;
}

/*
 * Without them nothing is left that the metadata trust: md was started with what they call out of date. Then it is not
 * for us to say that the good disks are lost. A disk that fails now, or has failed for another volume, is not out of date.
 */
static bool nothing_is_left(const struct scene *s, const struct imsm_volume *before)
{
	const struct imsm_view view = { .c = s->c, .v = s->v, .ev = s->ev, .md_had = true };
	unsigned bad = imsm_view_count_bad(&view, IMSM_M0);

	return imsm_view_check_degraded(&view, bad, IMSM_M0) == IMSM_FAILED &&
	       before->map[0].head.map_state != IMSM_FAILED;
}

/*
 * As record_lost_disks(), but for disks that may be rebuilt. True if there are any. Also before a dirty volume is called
 * clean: what md runs without it has not compared.
 */
static bool record_left_out(struct scene *s, bool all)
{
	const struct imsm_volume before = *s->v;
	const bool write_due = s->c->write_due, keep = flagged_in_both(s->v);
	bool rebuild;

	if (!any_left_out(s, all))
		return false;
	note_all_in_sync(s, -1);
	rebuild = flag_left_out(s);
	if (nothing_is_left(s, &before)) {
		*s->v = before;
		s->c->write_due = write_due;
		memset(s->ev->left_out, 0, sizeof(s->ev->left_out));
		return false;
	}
	go_on_without_members(s, rebuild || !keep);
	return true;
}

/* ---- the array (imsm.md 5) ---- */

static bool resync_complete(const struct imsm_event *ev)
{
	return ev->resync_start >=
	       md_sync_size(ev->level, ev->layout, (unsigned)ev->raid_disks, ev->component_size);
}

/*
 * How an event found map 0. What follows from the array's state goes by that (imsm.md 5.2: f and st), and not by what
 * the same event has made of the volume: whether a resync may begin does not depend on a disk having been recorded as
 * lost a moment before.
 */
struct found {
	unsigned bad; /* slots */
	enum imsm_map_state state;
};

static struct found look(const struct scene *s)
{
	unsigned bad = imsm_view_count_bad(&s->view, IMSM_M0);

	return (struct found){ bad, imsm_view_check_degraded(&s->view, bad, IMSM_M0) };
}

/* A readonly array is about to start, and there is nothing to be done: it may be clean. */
static bool is_at_rest(const struct scene *s, const struct found *found)
{
	return resync_complete(s->ev) && !s->v->head.migr_state && found->state == IMSM_NORMAL;
}

/*
 * A resync is never recorded over another migration (a rebuild would be forgotten), nor for an array that has
 * just ended.
 */
static bool resync_to_be_recorded(const struct scene *s, const struct found *found)
{
	return !s->v->head.migr_state && !found->bad && !imsm_container_reshaping(s->c) &&
	       s->ev->state > ARRAY_INACTIVE;
}

/*
 * Whatever is no rebuild and no reshape is over when md has nothing to resync. Types that only others record (a check
 * by firmware) are among them, and have initialised nothing.
 */
static void end_resync(struct scene *s, const struct found *found)
{
	bool initialized = imsm_migrating(s->v, IMSM_MIGR_INIT) || imsm_migrating(s->v, IMSM_MIGR_REPAIR);

	if (!imsm_resyncing(s->v))
		return;
	finish_migration(s, initialized && found->state == IMSM_UNINITIALIZED ? IMSM_NORMAL : found->state);
}

/* True if a resync was begun: then there is no progress to be saved yet. */
static bool follow_resync(struct scene *s, const struct found *found)
{
	bool initialized = s->v->map[0].head.map_state != IMSM_UNINITIALIZED;

	if (resync_complete(s->ev)) {
		end_resync(s, found);
		return false;
	}
	if (!resync_to_be_recorded(s, found))
		return false;
	imsm_migrate(s->v, IMSM_NORMAL, initialized ? IMSM_MIGR_REPAIR : IMSM_MIGR_INIT);
	s->c->write_due = true;
	return true;
}

/*
 * Of a RAID10 that lacks a disk md resyncs the other pairs, which the metadata cannot say: until that is done the
 * volume is not clean. (The other levels have nothing left to compare then.) Nor can a resync be recorded that md still has to
 * do after a rebuild, if the array ends first.
 */
static bool resync_has_no_record(const struct scene *s)
{
	bool whole = !imsm_view_count_bad(&s->view, IMSM_M0) && !s->v->head.migr_state && !imsm_container_reshaping(s->c);

	return (whole || s->ev->level == 10) && !imsm_resyncing(s->v) && (s->v->head.dirty & IMSM_DIRTY) &&
	       !resync_complete(s->ev);
}

static enum consistency record_dirty(struct scene *s, enum consistency want)
{
	bool dirty = want == MARK_DIRTY || resync_has_no_record(s);

	if (dirty != !!(s->v->head.dirty & IMSM_DIRTY)) {
		s->v->head.dirty = !dirty ? 0 : imsm_uses_ppl(s->v) ? IMSM_DIRTY | IMSM_DSRECORD_VALID : IMSM_DIRTY;
		s->c->write_due = true;
	}
	return dirty ? MARK_DIRTY : MARK_CLEAN;
}

enum consistency imsm_set_array_state(struct imsm_container *c, unsigned volume, struct imsm_event *ev,
				      enum consistency want)
{
	struct found found;
	struct scene s;
	bool was_dirty, all;

	if (!set_scene(&s, c, volume, ev))
		return want == MARK_DIRTY ? MARK_DIRTY : MARK_CLEAN;
	was_dirty = s.v->head.dirty & IMSM_DIRTY;
	if (md_lags_behind(&s))
		return record_dirty(&s, want);
	/* mdadm drives a reshape and records it, but not what it goes on without: data are moved, whether or not anybody writes. */
	if (imsm_general_migration(s.v) && ev->action == SYNC_RESHAPE) {
		note_all_in_sync(&s, -1);
		record_lost_disks(&s);
		return record_dirty(&s, want);
	}
	found = look(&s);
	follow_reshape(&s);
	if (want == MARK_DECIDE && !is_at_rest(&s, &found))
		want = MARK_DIRTY;
	all = want == MARK_DIRTY || was_dirty;
	/* A rebuild that nobody does ends at once: as long as it is recorded none begins. */
	if ((all || (ev->first && ev->state > ARRAY_INACTIVE)) && record_left_out(&s, all))
		found = look(&s);
	if (want != MARK_CLEAN)
		record_lost_disks(&s);
	if (!follow_resync(&s, &found))
		imsm_save_checkpoint(c, s.v, ev, want == MARK_DIRTY);
	return record_dirty(&s, want);
}
