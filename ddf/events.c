/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the metadata of a DDF virtual disk when something happens to its array (ddf.md 4 to 6).
 *
 * Every rule looks at what md has now and at what the metadata say now: being told the same thing again changes
 * nothing, and the next look makes up for an event that was missed.
 *
 * The state of a disk is one for all virtual disks on it. What md knows better, that a member has its data in one
 * array and not yet in another, is kept in memory: ddf_volume.synced and struct ddf_rebuild.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <string.h>

#include "metadata/left-out.h"
#include "metadata/redundancy.h"

/* ---- what is known to be in sync ---- */

/* True if it was not known as such. */
static bool note_synced(struct ddf_container *c, unsigned vd, int slot, bool synced)
{
	if (synced)
		ddf_mark_back(c, vd, slot, false);
	return ddf_mark_synced(c, vd, slot, synced);
}

/* ---- a member (6) ---- */

/* What md tells of a disk that is a member, and where the disk stands in the virtual disk. */
struct event {
	struct ddf_container *c;
	unsigned vd;
	int slot;               /* in the metadata */
	struct ddf_place at;    /* the element of that slot */
	uint32_t refnum;        /* of the disk */
	struct ddf_pd_entry *e; /* of the disk; may be NULL */
	uint64_t data_offset;   /* sectors */
};

static bool is_failed_or_missing(const struct ddf_pd_entry *e)
{
	return be16_get(e->state) & (DDF_PD_FAILED | DDF_PD_MISSING);
}

/*
 * All virtual disks on the disk follow its state. Only this one's record gets a new number, if the state of the disk or
 * of the virtual disk changed, or anyway.
 */
static void set_pd_state(const struct event *ev, unsigned pd_state, bool stamp_anyway)
{
	uint8_t before = ddf_vd(ev->c, ev->vd)->state;
	bool stamp = stamp_anyway;

	if (ev->e && be16_get(ev->e->state) != pd_state) {
		ev->e->state = be16_make((uint16_t)pd_state);
		stamp = true;
	}
	ddf_update_states_of(ev->c, ev->refnum);
	if (stamp || ddf_vd(ev->c, ev->vd)->state != before)
		ddf_stamp(ev->c, ev->at.record);
}

/* Another array may still be rebuilt onto the disk, or have been when its daemon died (15, item 34). */
static bool others_synced(const struct event *ev)
{
	for (unsigned vd = 0; vd < ev->c->layout.max_vd; vd++)
		if (vd != ev->vd && ddf_vd_names(ev->c, vd, ev->refnum) && ddf_is_redundant(ev->c, vd) &&
		    !ddf_is_synced(ev->c, vd, ddf_slot_of(ev->c, vd, ev->refnum)))
			return false;
	return true;
}

/*
 * The disk has the data of this virtual disk: readers are not to leave it out because another one is rebuilt onto it, or
 * was when its daemon died. That goes on in memory. Returns the state of the disk.
 */
static unsigned unmark_rebuilding(const struct event *ev)
{
	unsigned state;

	if (ddf_recorded_rebuilds(ev->c, ev->refnum) <= ddf_free_rebuilds(ev->c))
		ddf_take_off_record(ev->c, ev->refnum);
	state = be16_get(ev->e->state);
	return others_synced(ev) ? state & ~(unsigned)DDF_PD_REBUILDING : state;
}

static void note_in_sync(const struct event *ev)
{
	unsigned before, state;

	note_synced(ev->c, ev->vd, ev->slot, true);
	if (!ev->e || is_failed_or_missing(ev->e))
		return;
	before = be16_get(ev->e->state);
	state = unmark_rebuilding(ev);
	set_pd_state(ev, state | DDF_PD_ONLINE, before & ~state & DDF_PD_REBUILDING);
}

/* md rebuilds the disk, and no record says so, for the daemon that chose the disk is no more: keeps its room. */
static void keep_rebuild(const struct event *ev)
{
	const struct ddf_rebuild b = {
		.vd = ev->vd,
		.slot = (unsigned)ev->slot,
		.refnum = ev->refnum,
		.start = ev->data_offset,
		.length = be64_get(ev->at.record->block_count),
	};

	if (!ddf_rebuild_of(ev->c, ev->vd, ev->refnum))
		ddf_keep_rebuild(ev->c, &b);
}

/*
 * The metadata count on a disk that md writes nothing to, or that md is still rebuilding: whoever comes next must not
 * take its data for good. "Rebuilding" says so, but leaves the disk out of all its arrays (15, item 6): if there are
 * others, this virtual disk stops naming the disk instead. True: it did.
 */
static bool distrust(const struct event *ev)
{
	if (!ddf_pd_working(ev->e))
		return false;
	if (!ddf_other_names(ev->c, ev->vd, ev->refnum)) {
		set_pd_state(ev, be16_get(ev->e->state) | DDF_PD_REBUILDING, false);
		return false;
	}
	ddf_name_no_more(ev->c, &ev->at);
	ddf_update_state(ev->c, ev->vd);
	return true;
}

/* The virtual disk has its data with the disk, and would not have them without it. */
static bool depends_on(const struct ddf_container *c, unsigned vd, const struct event *ev)
{
	const be16 before = ev->e->state;
	bool depends = ddf_vd_state(c, vd) != DDF_VD_FAILED;

	ev->e->state = be16_make((uint16_t)(be16_get(before) | DDF_PD_FAILED));
	depends &= ddf_vd_state(c, vd) == DDF_VD_FAILED;
	ev->e->state = before;
	return depends;
}

/* Of those whose arrays are served; others cannot do without any disk. */
static bool another_depends_on(const struct event *ev)
{
	for (unsigned vd = 0; vd < ev->c->layout.max_vd; vd++)
		if (vd != ev->vd && ev->c->volume[vd].live && ddf_vd_names(ev->c, vd, ev->refnum) &&
		    depends_on(ev->c, vd, ev))
			return true;
	return false;
}

/*
 * A disk that fails has failed for all virtual disks. Not if another one has nothing else: then only this one does
 * without it, and the other goes on as long as it can.
 */
static bool is_kept_for_others(const struct event *ev)
{
	struct ddf_dl *dl = ddf_dl_by_ref(ev->c, ev->refnum);

	if (!dl || !ddf_pd_working(ev->e) || !another_depends_on(ev))
		return false;
	dl->unfit = true;
	return true;
}

/*
 * Also when the disk has failed already, in another array: this record is marked at the first report of its own array,
 * which is that of a member that was in sync.
 */
static void note_failure(const struct event *ev)
{
	bool was_synced = note_synced(ev->c, ev->vd, ev->slot, false);
	struct ddf_dl *dl = ddf_dl_by_ref(ev->c, ev->refnum);

	if (is_kept_for_others(ev)) {
		distrust(ev);
		return;
	}
	if (dl) {
		dl->failing |= ddf_pd_working(ev->e);
		dl->failed_here |= dl->failing;
	}
	if (ev->e)
		set_pd_state(ev, be16_get(ev->e->state) | DDF_PD_FAILED, was_synced);
}

/* md has the data of the virtual disk with the disk only. */
static bool lives_on(const struct ddf_container *c, unsigned vd, uint32_t refnum)
{
	return !c->volume[vd].stopped && ddf_vd_names(c, vd, refnum) && ddf_is_redundant(c, vd) &&
	       ddf_needs_for_data(c, vd, refnum);
}

static bool any_lives_on(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (lives_on(c, vd, refnum))
			return true;
	return false;
}

/* It runs, and the disk has failed for it; or it ran when the disk failed, which was before the last write. */
static bool does_without(const struct ddf_container *c, unsigned vd, const struct ddf_dl *dl)
{
	if (c->volume[vd].live)
		return !ddf_is_synced(c, vd, ddf_slot_of(c, vd, dl->refnum));
	return !dl->failing && ddf_is_redundant(c, vd);
}

/* As is_kept_for_others() has it: those for which it failed name it no more. */
static void keep_for_others(struct ddf_container *c, struct ddf_dl *dl)
{
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, dl->refnum);
	struct ddf_place at;

	for (unsigned vd = 0; e && vd < c->layout.max_vd; vd++) {
		if (!ddf_place_of(c, vd, dl->refnum, &at) || !does_without(c, vd, dl))
			continue;
		ddf_name_no_more(c, &at);
		ddf_update_state(c, vd);
	}
	if (e)
		e->state = be16_make((uint16_t)(be16_get(e->state) & ~(unsigned)DDF_PD_FAILED));
	ddf_update_states_of(c, dl->refnum);
	dl->unfit = true;
	dl->failed_here = dl->given_up = false;
}

void ddf_settle_failures(struct ddf_container *c)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		if (dl->failed_here && any_lives_on(c, dl->refnum))
			keep_for_others(c, dl);
		dl->failing = false;
	}
}

/* A record names the disk. */
static void handle_named(const struct event *ev, unsigned md_state)
{
	if (md_state & MEMBER_FAULTY) {
		note_failure(ev);
	} else if (md_state & MEMBER_IN_SYNC) {
		note_in_sync(ev);
	} else {
		note_synced(ev->c, ev->vd, ev->slot, false);
		if (distrust(ev))
			keep_rebuild(ev);
	}
}

/* `expected`: the member was chosen to replace the disk that the element names. */
static bool may_be_named(const struct event *ev, bool expected)
{
	if (!ev->e || is_failed_or_missing(ev->e))
		return false;
	if (!expected && ddf_pd_working(ddf_pd_by_ref(ev->c, ddf_ref_at(&ev->at))))
		return false;
	/* Two virtual disks must never be named in one place. */
	return ddf_is_free_for(ev->c, ev->vd, ev->refnum, ev->data_offset, be64_get(ev->at.record->block_count));
}

/* The disk is rebuilt: names it in the element, unless the disk named there still counts. */
static void name_rebuilt(const struct event *ev, struct ddf_rebuild *b)
{
	if (!may_be_named(ev, b))
		return;
	if (b)
		b->used = false;
	ev->e->state = be16_make((uint16_t)unmark_rebuilding(ev));
	ddf_name_at(ev->c, &ev->at, ev->refnum, ev->data_offset);
	note_synced(ev->c, ev->vd, ev->slot, true);
	ddf_update_states_of(ev->c, ev->refnum);
	ddf_stamp(ev->c, ev->at.record);
	/* The disk is a spare no more, and perhaps nobody needs the one that it replaced. */
	ddf_tidy_disks(ev->c);
}

/*
 * The disk failed while it was rebuilt: all its virtual disks have to know, and nobody is to choose it again. A disk
 * that vanished may be in good health.
 */
static void end_rebuild(const struct event *ev, struct ddf_rebuild *b, unsigned md_state)
{
	b->used = false;
	if (!ev->e || md_state & MEMBER_GONE || is_kept_for_others(ev))
		return;
	ev->e->state = be16_make((uint16_t)(be16_get(ev->e->state) | DDF_PD_FAILED));
	ddf_update_states_of(ev->c, ev->refnum);
}

/* A record on a disk that is absent may name it, and is newer than ours: no longer, so that nobody takes it for good. */
static void outdo_absent_record(const struct event *ev)
{
	if (ev->e && ddf_is_behind(ev->c->volume[ev->vd].records, ev->at.record->secondary_seq))
		ddf_stamp(ev->c, ev->at.record);
}

/*
 * The disk is in the container, but no record of this virtual disk names it: somebody rebuilds it. A failure counts
 * only if we know of the rebuild: otherwise the disk may be another one, with the number of one that failed.
 */
static void handle_unnamed(const struct event *ev, unsigned md_state)
{
	struct ddf_rebuild *b = ddf_rebuild_of(ev->c, ev->vd, ev->refnum);

	if (md_state & MEMBER_FAULTY) {
		if (b)
			end_rebuild(ev, b, md_state);
		else
			outdo_absent_record(ev);
	} else if (md_state & MEMBER_IN_SYNC) {
		name_rebuilt(ev, b);
	} else {
		note_synced(ev->c, ev->vd, ev->slot, false);
		keep_rebuild(ev);
	}
}

/* A disk that was rebuilt for the slot has left the container: forgets the rebuild. False: there was none. */
static bool forget_absent(struct ddf_container *c, unsigned vd, unsigned slot)
{
	ddf_each_rebuild(c, b) {
		if (b->vd != vd || b->slot != slot || ddf_dl_by_ref(c, b->refnum))
			continue;
		b->used = false;
		return true;
	}
	return false;
}

/*
 * The disk is not in the container: it has left, or never was in it. If the disk that the element names is not there
 * either, that is the one which failed.
 */
static void handle_unknown(struct event *ev, unsigned md_state)
{
	ddf_mark_strange(ev->c, ev->vd, ev->slot, member_has_data(md_state));
	if (!(md_state & MEMBER_FAULTY) || forget_absent(ev->c, ev->vd, (unsigned)ev->slot))
		return;
	ev->refnum = ddf_ref_at(&ev->at);
	ev->e = ddf_pd_by_ref(ev->c, ev->refnum);
	if (!ddf_dl_by_ref(ev->c, ev->refnum))
		note_failure(ev);
}

/* md has the disk in a slot whose record no disk has brought: its room is taken. */
static void keep_room(const struct event *ev, unsigned md_state)
{
	const struct ddf_vdc *any = ddf_any_record(ev->c, ev->vd);
	struct ddf_rebuild *b = ddf_rebuild_of(ev->c, ev->vd, ev->refnum);

	if (b && md_state & MEMBER_FAULTY)
		b->used = false;
	else if (any && !b && !(md_state & MEMBER_FAULTY))
		ddf_keep_rebuild(ev->c, &(struct ddf_rebuild){ .vd = ev->vd,
							       .slot = (unsigned)ev->slot,
							       .refnum = ev->refnum,
							       .start = ev->data_offset,
							       .length = be64_get(any->block_count) });
}

/* It was rebuilt, and the daemon that was to record that is no more. */
static bool is_rebuilt_unrecorded(const struct md_member *m, const struct ddf_pd_entry *e)
{
	return member_has_data(m->state) && e && !is_failed_or_missing(e);
}

void ddf_set_disk(struct ddf_container *c, unsigned vd, unsigned slot, const struct md_member *m)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(c, m->dev);
	struct event ev = { .c = c, .vd = vd, .slot = (int)slot, .data_offset = m->data_offset };

	if (dl) {
		ev.refnum = dl->refnum;
		ev.e = ddf_pd_by_ref(c, dl->refnum);
		if (is_rebuilt_unrecorded(m, ev.e))
			ddf_begin_record(c, vd, slot, dl);
	}
	if (dl && ddf_place_of(c, vd, dl->refnum, &ev.at)) {
		ev.slot = ddf_slot_of(c, vd, dl->refnum);
		handle_named(&ev, m->state);
	} else if (ddf_place_of_slot(c, vd, slot, &ev.at)) {
		if (dl)
			handle_unnamed(&ev, m->state);
		else
			handle_unknown(&ev, m->state);
	} else if (dl) {
		keep_room(&ev, m->state);
	}
}

/* ---- an array's state (5) ---- */

static bool resync_complete(const struct ddf_md_array *md)
{
	return md->resync_start >=
	       md_sync_size(md->level, md->layout, (unsigned)md->raid_disks, md->component_size); /* 3.5 */
}

static uint8_t init_state(bool complete, uint64_t resync_start)
{
	if (complete)
		return DDF_INITIALISED;
	return resync_start ? DDF_QUICK_INIT : DDF_NOT_INITIALISED;
}

/*
 * md has data in the slot, on a disk that we do not know; or had: that the disk has failed, and is not only absent, is
 * told of the member.
 */
static bool md_knows_better(const struct ddf_container *c, const struct ddf_md_array *md, unsigned slot)
{
	const struct md_member *m = md_member_in(&md->members, slot);

	return m && m->state & (MEMBER_IN_SYNC | MEMBER_FAULTY) && !ddf_dl_by_dev(c, m->dev);
}

/*
 * The disk of the slot is absent, and its data are about to become out of date: names it no more. True: it did. Once the
 * array runs only disks matter that would be trusted. Other virtual disks, that do not run yet, may need it, and it may
 * only be late: it has failed when nobody names it.
 */
static bool drop_if_missing(struct ddf_container *c, unsigned vd, struct ddf_vdc *r, unsigned n,
			    const struct ddf_md_array *md, bool starting)
{
	int i = ddf_nth_element(c, r, n);
	uint32_t refnum = i < 0 ? DDF_REF_NONE : ddf_element_ref(r, (unsigned)i);
	struct ddf_pd_entry *e = ddf_pd_by_ref(c, refnum);
	unsigned state = e ? be16_get(e->state) : 0;

	if (!(state & DDF_PD_ONLINE) || !(starting || ddf_pd_working(e)) || ddf_dl_by_ref(c, refnum) ||
	    md_knows_better(c, md, r->secondary_seq * ddf_primary_count(r) + n))
		return false;
	ddf_set_element_ref(r, (unsigned)i, DDF_REF_MISSING);
	if (state & DDF_PD_FAILED) /* stays Online: it must not pass for one that was only absent (10.5) */
		e->state = be16_make((uint16_t)(state | DDF_PD_MISSING));
	else if (!ddf_other_may_name(c, vd, refnum))
		e->state = be16_make((uint16_t)((state & ~DDF_PD_ONLINE) | DDF_PD_FAILED | DDF_PD_MISSING));
	ddf_stamp(c, r);
	ddf_update_states_of(c, refnum);
	return true;
}

/* 5.1. When it comes back it is a new disk. The change of state counts once more (19, T2). */
static void drop_missing(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md, bool starting)
{
	uint8_t before = ddf_vd(c, vd)->state;
	uint8_t lost[DDF_MAX_BVDS] = { 0 };

	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++) {
		struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);

		for (unsigned n = 0; r && n < ddf_primary_count(r); n++)
			lost[seq] |= drop_if_missing(c, vd, r, n, md, starting);
	}
	ddf_update_state(c, vd);
	if (ddf_vd(c, vd)->state == before)
		return;
	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++)
		if (lost[seq])
			ddf_stamp(c, ddf_record(c->volume[vd].records, seq));
}

bool ddf_is_trusted(const struct ddf_container *c, unsigned vd, const struct md_member *m)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(c, m->dev);
	struct ddf_place at;

	if (!member_has_data(m->state))
		return false;
	if (!dl)
		return ddf_place_of_slot(c, vd, (unsigned)m->slot, &at) && !ddf_dl_by_ref(c, ddf_ref_at(&at));
	/* What has no record of it was not a member when md was started, and has been rebuilt since. */
	if (!ddf_vd_names(c, vd, dl->refnum) && !ddf_rebuild_of(c, vd, dl->refnum) && ddf_has_any_record(c, vd, dl))
		return false;
	return ddf_pd_usable(ddf_pd_by_ref(c, dl->refnum)); /* if it was rebuilt that is about to be told */
}

/* The members of which that is true are enough for the level. */
static bool enough_are(bool (*is)(const struct ddf_container *c, unsigned vd, const struct md_member *m),
		       const struct ddf_container *c, unsigned vd, const struct ddf_md_array *md)
{
	bool has_data[DDF_MAX_SLOTS] = { false };

	for (unsigned i = 0; i < md->members.count; i++) {
		const struct md_member *m = &md->members.member[i];

		if ((unsigned)m->slot < DDF_MAX_SLOTS)
			has_data[m->slot] = is(c, vd, m);
	}
	return (unsigned)md->raid_disks <= DDF_MAX_SLOTS &&
	       enough_left(md->level, md->layout, (unsigned)md->raid_disks, has_data);
}

static bool is_here(const struct ddf_container *c, unsigned vd, const struct md_member *m)
{
	(void)vd;
	return member_has_data(m->state) && ddf_dl_by_dev(c, m->dev);
}

/* What has failed under this daemon, for another virtual disk or just now, is not out of date. */
static bool is_up_to_date(const struct ddf_container *c, unsigned vd, const struct md_member *m)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(c, m->dev);

	return ddf_is_trusted(c, vd, m) || (m->state & (MEMBER_IN_SYNC | MEMBER_FAULTY) && dl && dl->failed_here);
}

/* metadata/left-out.h. What md is rebuilding is told as such by ddf_set_disk. True: there was such a disk. */
static bool distrust_left_out(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md)
{
	bool any = false;

	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		struct event ev = { .c = c, .vd = vd, .refnum = dl->refnum, .e = ddf_pd_by_ref(c, dl->refnum) };

		if (!ddf_pd_working(ev.e) || !ddf_place_of(c, vd, dl->refnum, &ev.at) ||
		    !disk_is_left_out(&md->members, dl->dev, SLOT_IS_REBUILT))
			continue;
		distrust(&ev);
		dl->left_out = any = true;
	}
	return any;
}

/* What md has in the place of a disk that does not count any more may be named. */
static void name_members(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md)
{
	for (unsigned i = 0; i < md->members.count; i++) {
		const struct md_member *m = &md->members.member[i];

		if (m->slot >= 0 && member_has_data(m->state))
			ddf_set_disk(c, vd, (unsigned)m->slot, m);
	}
}

/*
 * The array may be written to, or was when it ended without notice: what it runs without does not count any more. (What
 * md runs without it has not compared.)
 */
static void drop_left_out(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md)
{
	/* Else md started it with what the metadata call out of date. */
	if (enough_are(is_up_to_date, c, vd, md) && distrust_left_out(c, vd, md))
		name_members(c, vd, md);
}

enum consistency ddf_set_array_state(struct ddf_container *c, unsigned vd, const struct ddf_md_array *md,
				     enum consistency want)
{
	struct ddf_vd_entry *e = ddf_vd(c, vd);
	bool complete = resync_complete(md), was_dirty = e->state & DDF_VD_INCONSISTENT;
	bool was_initialised = (e->init_state & DDF_INIT_MASK) == DDF_INITIALISED;

	if (want != MARK_CLEAN)
		drop_missing(c, vd, md, want == MARK_DECIDE);
	if (want == MARK_DECIDE)
		want = complete ? MARK_CLEAN : MARK_DIRTY;
	if (want == MARK_DIRTY || was_dirty)
		drop_left_out(c, vd, md);
	/* Members that have left take no record of what it goes on without: with those that have an old one it is not clean. */
	if (want == MARK_CLEAN && (was_dirty || !was_initialised) && !enough_are(is_here, c, vd, md))
		return want;
	if (want == MARK_CLEAN)
		e->state &= (uint8_t)~DDF_VD_INCONSISTENT;
	else
		e->state |= DDF_VD_INCONSISTENT;
	e->init_state = (uint8_t)((e->init_state & ~DDF_INIT_MASK) | init_state(complete, md->resync_start));
	return want;
}

/* ---- arrays come and go (4) ---- */

static bool is_broken(const struct ddf_container *c, dev_t dev)
{
	const struct ddf_dl *dl = ddf_dl_by_dev(c, dev);
	const struct ddf_pd_entry *e = dl ? ddf_pd_by_ref(c, dl->refnum) : NULL;

	return e && !ddf_pd_usable(e);
}

/* The members that the records name stand where md has them: a position is a slot, and holes are slots, too. */
static bool positions_are_slots(const struct ddf_container *c, unsigned vd, const struct md_member *member,
				unsigned members)
{
	bool any = false;

	for (unsigned i = 0; i < members; i++) {
		const struct ddf_dl *dl = ddf_dl_by_dev(c, member[i].dev);
		struct ddf_place p;

		if (member[i].slot < 0 || !dl || !ddf_place_of(c, vd, dl->refnum, &p))
			continue;
		if (p.record->secondary_seq * ddf_primary_count(p.record) + p.index != (unsigned)member[i].slot)
			return false;
		any = true;
	}
	return any;
}

/*
 * Disks that were missing when the array was created are positions that do not count, so that slots behind them shift.
 * mdadm would assemble it so.
 */
static void fill_holes(struct ddf_container *c, struct ddf_vdc *r)
{
	bool filled = false;

	for (unsigned i = 0; i < ddf_primary_count(r) && i < c->layout.mppe; i++) {
		if (ddf_element_ref(r, i) != DDF_REF_NONE)
			continue;
		ddf_set_element_ref(r, i, DDF_REF_MISSING);
		filled = true;
	}
	if (filled)
		ddf_stamp(c, r);
}

/*
 * md began with a disk in the place of which the record names none, or another one that is here: a newer record, which is on no
 * disk that is here, names it. What is recorded from now on must be newer still.
 */
static void note_outdated(struct ddf_container *c, unsigned vd, const struct md_member *m)
{
	struct ddf_place at;
	uint32_t refnum;

	if (m->slot < 0 || ddf_dl_by_dev(c, m->dev) || !ddf_place_of_slot(c, vd, (unsigned)m->slot, &at))
		return;
	refnum = ddf_ref_at(&at);
	if (ddf_is_disk(refnum) && !ddf_dl_by_ref(c, refnum))
		return; /* that may be it */
	c->volume[vd].outdated[at.record->secondary_seq / 64] |= UINT64_C(1) << at.record->secondary_seq % 64;
}

static void outdo_absent(struct ddf_container *c, unsigned vd)
{
	uint64_t *outdated = c->volume[vd].outdated;

	for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++)
		if (outdated[seq / 64] >> seq % 64 & 1)
			ddf_stamp_beyond(c, ddf_record(c->volume[vd].records, seq));
	memset(outdated, 0, sizeof(c->volume[vd].outdated));
}

void ddf_outdo_absent(struct ddf_container *c)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live && ddf_goes_on_without(c, vd, DDF_REF_NONE))
			outdo_absent(c, vd);
}

int ddf_open_array(struct ddf_container *c, unsigned vd, const struct md_member *member, unsigned members,
		   bool *broken)
{
	bool absent, fill;

	if (vd >= c->layout.max_vd || ddf_guid_unused(ddf_vd(c, vd)->guid) || !ddf_any_record(c, vd))
		return -ENODEV;
	if (c->volume[vd].live)
		return -EBUSY;
	c->volume[vd].live = true;
	c->volume[vd].stopped = false;
	memset(c->volume[vd].synced, 0, sizeof(c->volume[vd].synced));
	memset(c->volume[vd].strange, 0, sizeof(c->volume[vd].strange));
	memset(c->volume[vd].back, 0, sizeof(c->volume[vd].back));
	memset(c->volume[vd].outdated, 0, sizeof(c->volume[vd].outdated));
	for (unsigned i = 0; i < members; i++)
		broken[i] = is_broken(c, member[i].dev);
	absent = ddf_any_absent(c);
	for (unsigned i = 0; absent && i < members; i++)
		note_outdated(c, vd, &member[i]);
	fill = positions_are_slots(c, vd, member, members);
	for (unsigned seq = 0; fill && seq < ddf_bvds(c, vd); seq++) {
		struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);

		if (r)
			fill_holes(c, r);
	}
	return 0;
}

/* Members that are in sync stay so: md writes nothing to them any more. */
void ddf_close_array(struct ddf_container *c, unsigned vd)
{
	c->volume[vd].live = false;
	ddf_each_rebuild(c, b)
		if (b->vd == vd)
			b->used = false;
}
