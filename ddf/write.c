/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing the metadata of a DDF container (ddf.md 7): finding out what changed, and bringing both copies of each disk
 * up to date, all disks at once, one copy after the other.
 *
 * A copy is opened (its header says so, with the generation of before), its changed sectors are written, and it is
 * closed with the new generation; each of the three is durable before the next one starts. The other copy is closed
 * and complete meanwhile, and readers choose that one. So the copy that is not good comes first, otherwise the
 * secondary one: of an open primary and a closed secondary of the same generation readers take the latter.
 *
 * The kernel gets its answer when each disk has one copy of the new generation: ddf_write(). The other copies follow in
 * ddf_write_rest(). Where that is as safe, one sector is written in place instead, and no generation begins (ddf/marks.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ddf/ddf.h"
#include "metadata/metaio.h"

/* Unchanged sectors between changed ones that are cheaper to write than to leave out. */
#define GAP 8

#define MAX_REQUESTS 256 /* in flight */

struct ddf_writer {
	struct metaio *io;
	struct metaio_plan *plan;
	uint32_t old_seq;           /* generation before the change that is being written */
	struct ddf_extent pd, vd;   /* changed sectors behind the first one, which holds the checksum; length 0: none */
	bool pd_changed, vd_changed;
	bool marks_only;            /* nothing has changed but what may be written in place */
	bool held;                  /* something is written as it was, and is due when the records are on disks */
	bool pending;               /* no disk has taken the last change yet */
	bool rest_due;              /* the first copies are written, the others are not */
};

struct ddf_writer *ddf_writer_new(void)
{
	struct ddf_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->io = metaio_open(MAX_REQUESTS);
	w->plan = metaio_plan_new(DDF_MAX_DISKS);
	if (w->io && w->plan)
		return w;
	ddf_writer_free(w);
	return NULL;
}

void ddf_writer_free(struct ddf_writer *w)
{
	if (!w)
		return;
	metaio_close(w->io);
	metaio_plan_free(w->plan);
	free(w);
}

/* ---- what changed ---- */

/* The sectors in which the two differ, from the first to the last one. */
static struct ddf_extent difference(const uint8_t *a, const uint8_t *b, uint32_t sectors)
{
	struct ddf_extent e = { 0, 0 };

	for (uint32_t i = 0; i < sectors; i++) {
		if (memcmp(a + (size_t)i * DDF_SECTOR, b + (size_t)i * DDF_SECTOR, DDF_SECTOR) == 0)
			continue;
		if (!e.length)
			e.offset = i;
		e.length = i - e.offset + 1;
	}
	return e;
}

/* A section of which there is one in the container. True if it changed. */
static bool take_changes(uint8_t *now, uint8_t *written, uint32_t sectors, struct ddf_extent *behind)
{
	size_t len = (size_t)sectors * DDF_SECTOR;

	*behind = (struct ddf_extent){ 0, 0 };
	if (memcmp(now, written, len) == 0)
		return false;
	ddf_seal(now, len);
	*behind = difference(now + DDF_SECTOR, written + DDF_SECTOR, sectors - 1);
	behind->offset++;
	memcpy(written, now, len);
	return true;
}

/* Readers take this copy rather than the other one, which is current: numbers begin anew behind the last one (2.1). */
static bool hides(const struct ddf_copy *copy, const struct ddf_copy *current, bool copy_is_primary)
{
	return copy->closed && (copy_is_primary ? copy->seq >= current->seq : copy->seq > current->seq);
}

/* Readers find the new state on the disk. */
static bool has_current(const struct ddf_container *c, const struct ddf_dl *dl)
{
	const struct ddf_copy *first = &dl->copy[DDF_FIRST_COPY], *second = &dl->copy[DDF_SECOND_COPY];

	if (ddf_copy_is_current(first, c->seq))
		return ddf_copy_is_current(second, c->seq) || !hides(second, first, false);
	return ddf_copy_is_current(second, c->seq) && !hides(first, second, true);
}

static void note_changed(const struct ddf_container *c, struct ddf_dl *dl, unsigned slot)
{
	uint32_t first = slot * c->layout.record_sectors, end = first + c->layout.record_sectors;
	struct ddf_extent *e = &dl->changed;

	if (e->length && e->offset < first)
		first = e->offset;
	if (e->length && e->offset + e->length > end)
		end = e->offset + e->length;
	*e = (struct ddf_extent){ first, end - first };
}

/*
 * A disk that is named, and from which the record may be expected: it has not refused what it was to take up to
 * now. (One that was loaded with an older generation may have refused that under the daemon before.)
 */
static bool has_member(const struct ddf_container *c, const struct ddf_vdc *r)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (!ddf_dl_failed(c, dl) && has_current(c, dl) && ddf_record_names(c, r, dl->refnum))
			return true;
	return false;
}

/* Readers trust it, where a record names it. */
static bool is_trusted(const struct ddf_container *c, const struct ddf_dl *dl)
{
	return ddf_pd_usable(ddf_pd_by_ref(c, dl->refnum));
}

/*
 * The record that takes the place of this one; NULL: none, for the disk is not named any more, and has failed. Else it says
 * itself that it is not: an absent disk may have an old record that names it, and would be believed as soon as those are
 * absent that are named now. Likewise if no disk that is named is there and takes it.
 */
static const struct ddf_vdc *successor(const struct ddf_container *c, const struct ddf_dl *dl,
				       const struct ddf_vdc *old)
{
	const struct ddf_vdc *r = ddf_current_record(c, old);

	return r && (ddf_record_names(c, r, dl->refnum) || is_trusted(c, dl) || !has_member(c, r)) ? r : NULL;
}

/* The checksum of a record in memory is made when it is written. */
static bool same_contents(const struct ddf_vdc *a, const struct ddf_vdc *b, size_t len)
{
	size_t behind = offsetof(struct ddf_vdc, guid); /* the checksum */

	return memcmp(&a->magic, &b->magic, sizeof(a->magic)) == 0 &&
	       memcmp((const uint8_t *)a + behind, (const uint8_t *)b + behind, len - behind) == 0;
}

static void put_record(const struct ddf_container *c, struct ddf_dl *dl, unsigned i, const struct ddf_vdc *r)
{
	size_t len = ddf_record_bytes(&c->layout);
	struct ddf_vdc *slot = ddf_record_slot(c, dl, i);
	bool knew = ddf_same_record(slot, r) &&
		    (ddf_record_names(c, slot, dl->refnum) || !ddf_record_names(c, r, dl->refnum));

	memcpy(slot, r, len);
	ddf_seal(slot, len);
	dl->record_new = true;
	dl->record_added |= !knew;
	note_changed(c, dl, i);
}

static void update_slot(const struct ddf_container *c, struct ddf_dl *dl, unsigned i)
{
	size_t len = ddf_record_bytes(&c->layout);
	struct ddf_vdc *slot = ddf_record_slot(c, dl, i);
	const struct ddf_vdc *r;

	if (ddf_slot_content(c, slot) != DDF_SLOT_OURS)
		return;
	r = successor(c, dl, slot);
	if (!r) {
		memset(slot, 0xff, len);
		note_changed(c, dl, i);
	} else if (!same_contents(slot, r, len)) {
		put_record(c, dl, i, r);
	}
}

/* Says only that the disk is not named. */
static bool may_give_way(const struct ddf_container *c, const struct ddf_dl *dl, const struct ddf_vdc *slot)
{
	return ddf_slot_content(c, slot) == DDF_SLOT_OURS && !ddf_record_names(c, slot, dl->refnum);
}

/* Into the first empty slot, if the disk has not got it, or a dispensable one. The last slot is for a spare record. */
static void add_record(const struct ddf_container *c, struct ddf_dl *dl, const struct ddf_vdc *r)
{
	unsigned none = c->layout.records, room = none, other = none;

	for (unsigned i = 0; i < c->layout.records; i++) {
		const struct ddf_vdc *slot = ddf_record_slot(c, dl, i);

		if (ddf_same_record(slot, r))
			return;
		if (room == none && ddf_slot_content(c, slot) == DDF_SLOT_EMPTY)
			room = i;
		if (other == none && may_give_way(c, dl, slot))
			other = i;
	}
	if (room + 1 >= none && other < none)
		room = other;
	if (room + 1 < c->layout.records)
		put_record(c, dl, room, r);
}

/* The record says that the disk, which is trusted, is a member no more, or not yet. */
static bool is_no_more(const struct ddf_container *c, const struct ddf_dl *dl, unsigned vd)
{
	return vd < DDF_NOTED_VDS && dl->no_more[vd / 64] >> vd % 64 & 1 && is_trusted(c, dl);
}

static void add_records(const struct ddf_container *c, struct ddf_dl *dl)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++) {
		const struct ddf_records *records = c->volume[vd].records;

		for (unsigned i = 0; records && i < records->count; i++) {
			const struct ddf_vdc *r = ddf_record(records, i);

			if (r && (ddf_record_names(c, r, dl->refnum) || is_no_more(c, dl, vd)))
				add_record(c, dl, r);
		}
	}
}

/* Brings the disk's configuration section up to date: records stay where they were, new ones go where there is room. */
static bool take_config_changes(const struct ddf_container *c, struct ddf_dl *dl)
{
	dl->changed = (struct ddf_extent){ 0, 0 };
	dl->record_new = false;
	for (unsigned i = 0; i < c->layout.records; i++)
		update_slot(c, dl, i);
	add_records(c, dl);
	return dl->changed.length;
}

uint32_t ddf_skipped(const struct ddf_container *c)
{
	return c->skips ? ddf_seconds_since(c, &c->header.timestamp) + 1 : 0;
}

/* Makes the buffers what is to be on the disks, or to be there first. */
static bool take_all_changes(struct ddf_writer *w, struct ddf_container *c)
{
	bool changed;

	w->marks_only = ddf_may_write_in_place(c);
	w->held = ddf_hold_back(c);
	w->pd_changed = take_changes(w->held ? c->pd_held : c->pd, c->pd_written, c->layout.pd.length, &w->pd);
	w->vd_changed = take_changes(w->held ? c->vd_held : c->vd, c->vd_written, c->layout.vd.length, &w->vd);
	changed = w->pd_changed || w->vd_changed;
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		bool records = take_config_changes(c, dl);

		changed |= records;
		dl->record_due |= records;
		w->marks_only &= !records;
	}
	w->marks_only &= w->vd_changed && !w->pd_changed && !w->held;
	changed |= c->uneven;
	return changed;
}

static void begin_generation(struct ddf_container *c)
{
	c->seq += 1 + ddf_skipped(c);
	c->skips = c->uneven = false;
}

/* ---- which copy of a disk is written next ---- */

/* A round of writing leaves copies alone whose last write failed, or tries them again, too. */
enum copies { HEALTHY_COPIES, ALL_COPIES };

/* Readers find it there, and the disk: one without its anchor they take for blank. */
static bool is_found(const struct ddf_container *c, const struct ddf_dl *dl)
{
	return has_current(c, dl) && !dl->anchor_due;
}

static bool is_due(const struct ddf_container *c, const struct ddf_copy *copy, enum copies copies)
{
	return copy->exists && !ddf_copy_is_current(copy, c->seq) && (copies == ALL_COPIES || !copy->failed);
}

static bool is_open(const struct ddf_copy *copy)
{
	return !copy->closed || copy->opened;
}

/* Of two copies that are due, readers rather find `a` while the other one is written. */
static bool is_better(const struct ddf_copy *a, const struct ddf_copy *b)
{
	if (a->good != b->good)
		return a->good;
	/* One that refused to be opened is as it was. */
	if (is_open(a) != is_open(b))
		return !is_open(a);
	if (!a->good && a->chosen != b->chosen)
		return a->chosen;
	if (a->closed && b->closed && a->seq != b->seq)
		return (int32_t)(a->seq - b->seq) > 0;
	return a->chosen && !b->chosen;
}

/* -1: no copy is due. Of two the worse one goes first, of equals the secondary one, for the reasons above. */
static int next_copy(const struct ddf_container *c, const struct ddf_dl *dl, enum copies copies)
{
	const struct ddf_copy *first = &dl->copy[DDF_FIRST_COPY], *second = &dl->copy[DDF_SECOND_COPY];

	if (!is_due(c, second, copies))
		return is_due(c, first, copies) ? DDF_FIRST_COPY : -1;
	if (is_due(c, first, copies) && is_better(second, first))
		return DDF_FIRST_COPY;
	return DDF_SECOND_COPY;
}

/* ---- the steps in which a copy is written ---- */

struct place {
	struct metaio_disk *pd;
	uint64_t base; /* bytes: where the copy begins */
	bool first;    /* the next piece is the first one behind the header */
};

static void put_piece(struct place *p, const struct ddf_extent *section, const uint8_t *buf, uint32_t first,
		      uint32_t count)
{
	const uint8_t *from = buf + (size_t)first * DDF_SECTOR;
	uint64_t at = p->base + ((uint64_t)section->offset + first) * DDF_SECTOR;

	if (!count)
		return;
	if (p->first)
		metaio_disk_step(p->pd, from, at, count * DDF_SECTOR);
	else
		metaio_disk_step_together(p->pd, from, at, count * DDF_SECTOR);
	p->first = false;
}

/* The sector with the checksum, and what changed behind it. */
static void put_table(struct place *p, const struct ddf_extent *section, const uint8_t *buf,
		      const struct ddf_extent *behind)
{
	if (!behind->length || behind->offset <= GAP) {
		put_piece(p, section, buf, 0, behind->length ? behind->offset + behind->length : 1);
		return;
	}
	put_piece(p, section, buf, 0, 1);
	put_piece(p, section, buf, behind->offset, behind->length);
}

static void put_changes(const struct ddf_writer *w, const struct ddf_container *c, const struct ddf_dl *dl,
			struct place *p)
{
	if (w->pd_changed)
		put_table(p, &dl->at.pd, c->pd_written, &w->pd);
	if (w->vd_changed)
		put_table(p, &dl->at.vd, c->vd_written, &w->vd);
	put_piece(p, &dl->at.config, dl->config, dl->changed.offset, dl->changed.length);
}

static void put_all(const struct ddf_container *c, const struct ddf_dl *dl, struct place *p)
{
	put_piece(p, &dl->at.controller, c->controller, 0, dl->at.controller.length);
	put_piece(p, &dl->at.pd, c->pd_written, 0, dl->at.pd.length);
	put_piece(p, &dl->at.vd, c->vd_written, 0, dl->at.vd.length);
	put_piece(p, &dl->at.config, dl->config, 0, dl->at.config.length);
	put_piece(p, &dl->at.disk_data, dl->disk_data, 0, dl->at.disk_data.length);
}

static void make_header(struct ddf_header *h, const struct ddf_container *c, const struct ddf_dl *dl,
			enum ddf_header_type type, uint32_t seq, uint8_t open_flag)
{
	*h = dl->header;
	h->type = (uint8_t)type;
	h->seq = be32_make(seq);
	h->open_flag = open_flag;
	h->timestamp = be32_make(c->now);
	ddf_seal(h, sizeof(*h));
}

/* A copy that has everything but the last change needs only that. */
static void put_sections(const struct ddf_writer *w, const struct ddf_container *c, const struct ddf_dl *dl,
			 struct place *p)
{
	if (ddf_copy_is_current(&dl->copy[dl->in_plan], w->old_seq))
		put_changes(w, c, dl, p);
	else
		put_all(c, dl, p);
}

/* The generation of an open header: not newer than that of the other copy, which readers shall take meanwhile. */
static uint32_t seq_while_open(const struct ddf_writer *w, const struct ddf_copy *other)
{
	return other->closed ? other->seq : w->old_seq;
}

/* The anchor says that there are copies to be found: not before there are. */
static bool is_anchor_next(const struct ddf_container *c, const struct ddf_dl *dl, const struct ddf_copy *other)
{
	return dl->anchor_due && (!other->exists || ddf_copy_is_current(other, c->seq));
}

static void plan_copy(struct ddf_writer *w, const struct ddf_container *c, struct ddf_dl *dl, int copy)
{
	const bool primary = copy == DDF_FIRST_COPY;
	const struct ddf_copy *other = &dl->copy[primary ? DDF_SECOND_COPY : DDF_FIRST_COPY];
	enum ddf_header_type type = primary ? DDF_PRIMARY : DDF_SECONDARY;
	uint64_t lba = primary ? dl->at.primary_lba : dl->at.secondary_lba;
	struct place p = { .pd = metaio_plan_add(w->plan, dl->disk), .base = lba * DDF_SECTOR, .first = true };
	struct ddf_header *h = dl->out;

	if (!p.pd)
		return;
	dl->in_plan = copy;
	dl->asked_seq = c->seq;
	/* The only copy that there is, or that is good: not on all disks at once. */
	p.pd->torn_risk = !other->exists || !other->good;
	make_header(&h[DDF_OUT_OPEN], c, dl, type, seq_while_open(w, other), DDF_OPEN);
	metaio_disk_step(p.pd, &h[DDF_OUT_OPEN], p.base, DDF_SECTOR);
	put_sections(w, c, dl, &p);
	make_header(&h[DDF_OUT_CLOSED], c, dl, type, c->seq, DDF_CLOSED);
	metaio_disk_step(p.pd, &h[DDF_OUT_CLOSED], p.base, DDF_SECTOR);
	if (!is_anchor_next(c, dl, other))
		return;
	make_header(&h[DDF_OUT_ANCHOR], c, dl, DDF_ANCHOR, DDF_ANCHOR_SEQ, DDF_ANCHOR_OPEN_FLAG);
	metaio_disk_step(p.pd, &h[DDF_OUT_ANCHOR], dl->disk->size - DDF_SECTOR, DDF_SECTOR);
}

static void plan_next_copy(struct ddf_writer *w, const struct ddf_container *c, struct ddf_dl *dl, enum copies copies)
{
	int copy = next_copy(c, dl, copies);

	if (copy >= 0)
		plan_copy(w, c, dl, copy);
}

static bool put_marks(const struct ddf_container *c, const struct ddf_dl *dl, struct metaio_disk *pd, int copy)
{
	uint64_t lba = copy == DDF_FIRST_COPY ? dl->at.primary_lba : dl->at.secondary_lba;
	uint64_t at = (lba + dl->at.vd.offset) * DDF_SECTOR;

	if (!dl->copy[copy].exists)
		return true;
	return metaio_is_atomic(dl->disk, at, DDF_SECTOR) && metaio_disk_step_together(pd, c->vd_written, at, DDF_SECTOR);
}

static bool plan_marks(struct ddf_writer *w, const struct ddf_container *c, struct ddf_dl *dl)
{
	struct metaio_disk *pd = metaio_plan_add(w->plan, dl->disk);

	return pd && put_marks(c, dl, pd, DDF_FIRST_COPY) && put_marks(c, dl, pd, DDF_SECOND_COPY);
}

/* ---- writing ---- */

/* Both copies had failed, and this one is taken now: the disk refuses no more, and readers are to find nothing older. */
static void try_other_again(struct ddf_dl *dl)
{
	dl->copy[dl->in_plan == DDF_FIRST_COPY ? DDF_SECOND_COPY : DDF_FIRST_COPY].failed = false;
}

/* A copy that was not written completely stays open on the disk: readers leave it alone. */
static void note_copy(const struct ddf_container *c, struct ddf_dl *dl, const struct metaio_disk *pd)
{
	struct ddf_copy *copy = &dl->copy[dl->in_plan];
	const struct metaio_step *last = &pd->step[pd->steps - 1];

	if (pd->error == METAIO_NOT_ASKED) {
		copy->failed = true; /* and is as it was */
		return;
	}
	if (copy->failed && !pd->error)
		try_other_again(dl);
	if (!pd->error)
		metaio_is_current(dl->disk);
	copy->failed = pd->error;
	copy->left = pd->error == METAIO_HANGS;
	copy->good = !pd->error;
	/* What is out to a disk that hangs may still open it. */
	copy->opened = pd->error && (pd->done || pd->error == METAIO_HANGS);
	if (copy->good) {
		copy->closed = true;
		copy->seq = c->seq;
	}
	copy->chosen &= copy->good;
	dl->late = false; /* if it did not take it: as any other disk */
	if (copy->good && last->offset == dl->disk->size - DDF_SECTOR)
		dl->anchor_due = false;
}

static struct ddf_dl *dl_of_disk(const struct ddf_container *c, const struct disk *d)
{
	struct ddf_dl *dl = c->disks;

	while (dl && dl->disk != d)
		dl = dl->next;
	return dl;
}

/* False: nothing was planned. */
static bool run_plan(struct ddf_writer *w, const struct ddf_container *c, struct sync_result *res)
{
	if (!w->plan->disks)
		return false;
	w->plan->patient = res->patient;
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++) {
		const struct metaio_disk *pd = &w->plan->disk[i];
		struct ddf_dl *dl = dl_of_disk(c, pd->disk);
		bool failed_before = dl->copy[dl->in_plan].failed;

		note_copy(c, dl, pd);
		if (pd->error)
			metaio_note_failure(res, dl->disk, pd->error, failed_before);
	}
	return true;
}

static unsigned count_found(const struct ddf_container *c)
{
	unsigned n = 0;

	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		n += is_found(c, dl);
	return n;
}

/*
 * Some disk that counts has it: else what the record says is nowhere (that a member is not named any more, say). Those that
 * are not named will do, if all of them have it. True also if no disk is to have it: the tables say of the others that
 * they have failed.
 */
static bool is_stored(const struct ddf_container *c, const struct ddf_vdc *r)
{
	bool any = false, others = false, refused = false;

	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		bool named = ddf_record_names(c, r, dl->refnum);

		if (ddf_dl_failed(c, dl) || !ddf_has_record(c, dl, r))
			continue;
		if (!dl->record_due && named)
			return true;
		any = true;
		others |= !named && !dl->record_due;
		refused |= !named && dl->record_due;
	}
	return !any || (others && !refused);
}

static void note_stored(const struct ddf_container *c)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next) {
		dl->record_due &= !is_found(c, dl);
		dl->disowned &= dl->record_due;
		dl->record_added &= dl->record_due;
	}
}

static bool all_stored(const struct ddf_container *c)
{
	note_stored(c);
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		for (unsigned seq = 0; seq < ddf_bvds(c, vd); seq++) {
			const struct ddf_vdc *r = ddf_record(c->volume[vd].records, seq);

			if (r && !is_stored(c, r))
				return false;
		}
	return true;
}

/* A copy on a disk that we still try to write to failed. */
static bool any_copy_failed(const struct ddf_container *c)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (!dl->given_up && (dl->copy[DDF_FIRST_COPY].failed || dl->copy[DDF_SECOND_COPY].failed))
			return true;
	return false;
}

static bool any_late(const struct ddf_container *c)
{
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->late && !ddf_dl_failed(c, dl))
			return true;
	return false;
}

/* ---- the first copy of each disk ---- */

enum disks { RECORD_DISKS, WORKING_DISKS, FAILED_DISKS };

static bool is_of_kind(const struct ddf_container *c, const struct ddf_dl *dl, enum disks disks)
{
	const bool failed = ddf_dl_failed(c, dl);

	switch (disks) {
	case RECORD_DISKS:
		return dl->record_new && !failed;
	case WORKING_DISKS:
		return !failed;
	case FAILED_DISKS:
		return failed;
	}
	return false;
}

/* All of it to disks that have a copy, and nothing by which it is found. */
static void write_anchors(struct ddf_writer *w, const struct ddf_container *c, struct sync_result *res)
{
	metaio_plan_clear(w->plan);
	w->plan->stored = !w->pending || count_found(c);
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (has_current(c, dl) && dl->anchor_due && !ddf_dl_failed(c, dl))
			plan_next_copy(w, c, dl, ALL_COPIES);
	run_plan(w, c, res);
}

/*
 * It did not answer, and does now. The copy that it was left with may be open, or half written: it has to come first, for
 * while the other one is opened readers would find none.
 */
static bool was_left(const struct ddf_dl *dl)
{
	return metaio_is_torn(dl->disk) ||
	       ((dl->copy[DDF_FIRST_COPY].left || dl->copy[DDF_SECOND_COPY].left) && !metaio_hangs(dl->disk));
}

/* On each disk of that kind that has none of this generation. False: no copy was due. */
static bool write_first_copies(struct ddf_writer *w, const struct ddf_container *c, enum disks disks,
			       enum copies copies, struct sync_result *res)
{
	metaio_plan_clear(w->plan);
	w->plan->stored = !w->pending || count_found(c);
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (!has_current(c, dl) && is_of_kind(c, dl, disks))
			plan_next_copy(w, c, dl, was_left(dl) ? ALL_COPIES : copies);
	return run_plan(w, c, res);
}

/* An array is served: somebody may wait for an answer, also if no disk is left. */
static bool any_live(const struct ddf_container *c)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live)
			return true;
	return false;
}

/*
 * The sector with the checksum, which holds the marks as well, on both copies of all disks at once: none of these writes can
 * be torn, and whichever of them a reader finds is right until they are all durable. If one is not, a new generation is begun.
 */
static bool write_in_place(struct ddf_writer *w, const struct ddf_container *c, struct sync_result *res)
{
	bool all = true;

	metaio_plan_clear(w->plan);
	w->plan->patient = res->patient;
	w->plan->stored = false;
	for (struct ddf_dl *dl = c->disks; dl && all; dl = dl->next)
		all = ddf_dl_failed(c, dl) || plan_marks(w, c, dl);
	if (!all || !w->plan->disks)
		return false;
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++)
		all &= !w->plan->disk[i].error;
	res->written = all ? w->plan->disks : 0;
	return all;
}

static int write_generation(struct ddf_writer *w, struct ddf_container *c, struct sync_result *res)
{
	bool changed, any;

	note_stored(c); /* some may have come with the rest */
	changed = take_all_changes(w, c);
	w->old_seq = c->seq;
	if (changed && w->marks_only && !w->pending && !w->rest_due && write_in_place(w, c, res))
		return 1;
	if (changed)
		begin_generation(c);
	w->pending |= changed;
	if (!w->pending && !any_late(c) && !(res->retry && any_copy_failed(c)))
		return 0;
	/* The tables may call a member good that a record has just ceased to name: the record comes before the tables. */
	any = write_first_copies(w, c, RECORD_DISKS, res->retry ? ALL_COPIES : HEALTHY_COPIES, res);
	any |= write_first_copies(w, c, WORKING_DISKS, res->retry ? ALL_COPIES : HEALTHY_COPIES, res);
	if (!any && !w->pending)
		return 0;
	w->rest_due = true;
	/* A disk that did not take the copy that was due: the other one is better than none. */
	write_first_copies(w, c, WORKING_DISKS, HEALTHY_COPIES, res);
	/* No disk has taken one: what failed the last time may work now. */
	if (!count_found(c))
		write_first_copies(w, c, WORKING_DISKS, ALL_COPIES, res);
	if (!count_found(c) || !all_stored(c))
		write_anchors(w, c, res);
	/* Disks that have failed may take long to say so, and nobody counts on them, unless there are no others. */
	if (!count_found(c))
		write_first_copies(w, c, FAILED_DISKS, ALL_COPIES, res);
	res->written = count_found(c);
	if (w->pending && !res->written && (c->disks || any_live(c) || c->asked))
		return -EIO;
	if (w->pending && !all_stored(c))
		return -EIO;
	/* What no disk has is due still: an array may be served later, and be told that it is durable. */
	w->pending &= !res->written;
	ddf_let_go(c);
	return !w->pending;
}

int ddf_write(struct ddf_writer *w, struct ddf_container *c, struct sync_result *res)
{
	const bool retry = res->retry;
	int r = write_generation(w, c, res);

	if (r == 1 && w->held) {
		res->retry = false; /* who refuses has been asked */
		r = write_generation(w, c, res);
		res->retry = retry;
		/* What a disk that refuses is to be said of is held still. */
		r = r ? r : 1;
	}
	c->asked = false; /* this is the answer */
	return r;
}

/* ---- the rest ---- */

/* On every disk, one copy that is not of this generation. */
static void write_other_copies(struct ddf_writer *w, const struct ddf_container *c, enum copies copies,
			       struct sync_result *res)
{
	metaio_plan_clear(w->plan);
	w->plan->stored = true;
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (!dl->given_up)
			plan_next_copy(w, c, dl, copies);
	run_plan(w, c, res);
}

static void give_up_failed(struct ddf_container *c)
{
	for (struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		dl->given_up |= ddf_dl_failed(c, dl) && !has_current(c, dl);
}

void ddf_look_for_hanging(struct ddf_writer *w, const struct ddf_container *c, struct hanging_disks *h)
{
	metaio_look_for_hanging(w->io, h);
	for (const struct ddf_dl *dl = c->disks; dl; dl = dl->next)
		if (metaio_hangs(dl->disk) || !(dl->given_up || ddf_dl_failed(c, dl) || has_current(c, dl)))
			metaio_list_hanging(h, dl->disk);
}

void ddf_write_rest(struct ddf_writer *w, struct ddf_container *c, struct sync_result *res)
{
	if (!w->rest_due && !(res->retry && any_copy_failed(c)))
		return;
	w->rest_due = false;
	write_other_copies(w, c, res->retry ? ALL_COPIES : HEALTHY_COPIES, res);
	/* Disks that had no copy of this generation have one now, if they take any, and want the other one. */
	write_other_copies(w, c, HEALTHY_COPIES, res);
	give_up_failed(c);
	res->written = count_found(c);
}
