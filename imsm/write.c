/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing IMSM metadata: which disks are to be written, in which order, and what becomes of those that do not take it.
 *
 * One image serves all members: they are written side by side, each in one piece with the anchor last. Then come the
 * records of spares: no copy may name a disk any more that is one. How a disk becomes a member is in imsm/join.c.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "metadata/metaio.h"

struct imsm_writer {
	struct metaio *io;
	struct metaio_plan *plan;
	uint8_t *mpb;   /* encoded, logical order */
	uint8_t *image; /* encoded, as it lies on the disk */
	uint8_t *zero;  /* one sector of zeros */
	uint8_t *closed; /* one sector: an anchor that nobody takes */
	uint8_t *last;  /* the image that was written last, and its number */
	size_t last_len;
	unsigned last_number, number; /* the second one is that of the image */
	uint8_t *old;   /* what is on a disk of which nobody knows */
};

void imsm_writer_free(struct imsm_writer *w)
{
	if (!w)
		return;
	metaio_close(w->io);
	metaio_plan_free(w->plan);
	free(w->mpb);
	free(w->image);
	free(w->zero);
	free(w->closed);
	free(w->last);
	free(w->old);
	free(w);
}

struct imsm_writer *imsm_writer_new(void)
{
	struct imsm_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->io = metaio_open(IMSM_MAX_DISKS);
	w->plan = metaio_plan_new(IMSM_MAX_DISKS);
	w->mpb = imsm_aligned_zeroed(IMSM_MPB_MAX);
	w->image = imsm_aligned_zeroed(IMSM_MPB_MAX);
	w->zero = imsm_aligned_zeroed(IMSM_SECTOR_MAX);
	w->closed = imsm_aligned_zeroed(IMSM_SECTOR_MAX);
	w->last = imsm_aligned_zeroed(IMSM_MPB_MAX);
	w->old = imsm_aligned_zeroed(IMSM_MPB_MAX);
	if (w->io && w->plan && w->mpb && w->image && w->zero && w->closed && w->last && w->old)
		return w;
	imsm_writer_free(w);
	return NULL;
}

/* ---- which disks, with what ---- */

static bool is_written_member(const struct imsm_container *c, const struct imsm_dl *dl)
{
	return dl->index >= 0 && !imsm_disk_failed(c, (uint32_t)dl->index);
}

/*
 * The disk holds something else than it should. One that did not take its last write waits for `retry`, when there is
 * time: it may take seconds to fail again. But one that hung while it could be half written has to come first.
 */
static bool is_due(const struct imsm_container *c, const struct imsm_dl *dl, bool retry)
{
	if (is_written_member(c, dl))
		return dl->stale ? retry || (c->write_due && metaio_is_torn(dl->disk)) : c->write_due;
	if (dl->index != IMSM_INDEX_SPARE || (dl->after_members && c->meta.num_volumes))
		return false;
	return dl->spare_record_due || (retry && dl->stale);
}

static bool any_due(const struct imsm_container *c, bool retry)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (is_due(c, dl, retry))
			return true;
	return c->write_due;
}

static void step_zeros(struct imsm_writer *w, struct metaio_disk *pd, const struct disk *d)
{
	metaio_disk_step(pd, w->zero, imsm_migr_record_offset(d->size, d->sector_size), d->sector_size);
}

static void plan_zeros(struct imsm_writer *w, const struct disk *d)
{
	struct metaio_disk *pd = metaio_plan_add(w->plan, d);

	if (pd)
		step_zeros(w, pd, d);
}

/* At least `len` bytes of what is on the disk, and all that belongs to the copy there. 0: it cannot be read. */
static size_t read_old(struct imsm_writer *w, const struct disk *d, size_t len)
{
	uint64_t end = imsm_anchor_offset(d->size, d->sector_size) + d->sector_size;

	for (;;) {
		size_t told;

		if (len > end || len > IMSM_MPB_MAX || disk_read(d, w->old, len, end - len))
			return 0;
		told = imsm_told_length(w->old + len - d->sector_size, d->sector_size);
		if (told <= len)
			return len;
		len = told;
	}
}

/*
 * If the power fails while the image is written to the disk, the sectors that have arrived and those that have not may pass
 * for a complete copy (imsm.md 7.3). What it took last is known; else it is read, once.
 */
static bool may_be_mixed(struct imsm_writer *w, const struct imsm_dl *dl, size_t len)
{
	uint32_t sector = dl->disk->sector_size;
	size_t old_len;

	if (metaio_hangs(dl->disk)) /* nothing will be sent, and a read would be waited for */
		return false;
	if (dl->holds && dl->holds == w->last_number && w->last_len >= len)
		return imsm_may_be_mixed(w->last, w->last_len, w->image, len, sector);
	old_len = read_old(w, dl->disk, len);
	return !old_len || imsm_may_be_mixed(w->old, old_len, w->image, len, sector);
}

/* In three steps: nobody takes what is there, until all of it has arrived. */
static void step_copy_closed(struct imsm_writer *w, struct metaio_disk *pd, const struct disk *d, size_t len)
{
	uint64_t anchor = imsm_anchor_offset(d->size, d->sector_size);
	uint32_t extended = (uint32_t)len - d->sector_size;

	imsm_close_anchor(w->image + extended, d->sector_size, w->closed);
	metaio_disk_step(pd, w->closed, anchor, d->sector_size);
	metaio_disk_step(pd, w->image, anchor - extended, extended);
	metaio_disk_step(pd, w->image + extended, anchor, d->sector_size);
}

static void plan_copy(struct imsm_writer *w, const struct imsm_dl *dl, size_t len)
{
	uint64_t offset = imsm_anchor_offset(dl->disk->size, dl->disk->sector_size) + dl->disk->sector_size - len;
	struct metaio_disk *pd = metaio_plan_add(w->plan, dl->disk);

	if (!pd)
		return;
	pd->torn_risk = !metaio_is_atomic(dl->disk, offset, (uint32_t)len);
	if (pd->torn_risk && len > dl->disk->sector_size && may_be_mixed(w, dl, len))
		step_copy_closed(w, pd, dl->disk, len);
	else
		metaio_disk_step(pd, w->image, offset, (uint32_t)len);
}

/* Members hold the image, `len` bytes of it. */
static void plan_members(struct imsm_writer *w, struct imsm_container *c, size_t len, bool retry)
{
	metaio_plan_clear(w->plan);
	/* The levels that are monitored survive the loss of one disk: no more than one may be torn. */
	w->plan->max_torn = 1;
	w->plan->stored = !c->write_due;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		dl->asked = is_written_member(c, dl) && is_due(c, dl, retry);
		if (dl->asked)
			plan_copy(w, dl, len);
	}
}

/* The members that plan_members() left in peace. False if there are none. */
static bool plan_rest(struct imsm_writer *w, struct imsm_container *c, size_t len)
{
	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (is_written_member(c, dl) && !dl->asked)
			plan_copy(w, dl, len);
	return w->plan->disks > 0;
}

/* False: the plan is full. */
static bool plan_spare(struct imsm_writer *w, struct imsm_dl *dl)
{
	const struct disk *d = dl->disk;
	struct metaio_disk *pd = metaio_plan_add(w->plan, d);
	void *record = imsm_dl_spare_buffer(dl);
	size_t len;

	if (!pd)
		return false;
	if (dl->clear_migr_record_due)
		step_zeros(w, pd, d);
	dl->clear_migr_record_due = false;
	len = imsm_encode_spare(&dl->record, d->sector_size, record);
	metaio_disk_step(pd, record, imsm_anchor_offset(d->size, d->sector_size), (uint32_t)len);
	return true;
}

/* Of the spares that are due and have not been asked yet as many as find room. False if there are none. */
static bool plan_spares(struct imsm_writer *w, struct imsm_container *c, bool retry)
{
	metaio_plan_clear(w->plan);
	w->plan->stored = c->meta.num_volumes; /* the members have taken it */
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index == IMSM_INDEX_SPARE && !dl->asked && is_due(c, dl, retry))
			dl->asked = plan_spare(w, dl);
	return w->plan->disks > 0;
}

/* ---- writing ---- */

static void note_result(struct imsm_dl *dl, int error, struct sync_result *res)
{
	if (!error) {
		dl->stale = dl->spare_record_due = false;
		metaio_is_current(dl->disk);
		res->written++;
		return;
	}
	metaio_note_failure(res, dl->disk, error, dl->stale);
	dl->stale = true;
	dl->spare_record_due = false;
}

/* Counts the members among the disks that failed and those that took the write. */
struct outcome {
	unsigned failed, written;
};

static void run_plan(struct imsm_writer *w, struct imsm_container *c, struct sync_result *res, struct outcome *members)
{
	w->plan->patient = res->patient;
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++) {
		const struct metaio_disk *pd = &w->plan->disk[i];
		struct imsm_dl *dl = imsm_dl_by_dev(c, pd->disk->dev);

		note_result(dl, pd->error, res);
		dl->holds = 0;
		if (dl->index < 0)
			continue;
		if (pd->error == METAIO_HANGS)
			dl->left_with = w->number;
		dl->holds = pd->error ? 0 : w->number;
		if (pd->error)
			members->failed++;
		else
			members->written++;
	}
}

void imsm_settle_family(struct imsm_header *h)
{
	if (!le32_get(h->orig_family_num))
		h->orig_family_num = h->family_num;
}

/* Encodes it as it lies on a disk. Its length in bytes or -E2BIG. */
static ssize_t encode_image(struct imsm_writer *w, const struct imsm_meta *m, uint32_t sector_size)
{
	ssize_t len = imsm_encode(m, sector_size, w->mpb, IMSM_MPB_MAX);

	if (len > 0)
		imsm_disk_order(w->mpb, (size_t)len, sector_size, w->image);
	return len;
}

static unsigned count_missing(const struct imsm_container *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < c->meta.num_disks; i++)
		n += !imsm_disk_present(c, i);
	return n;
}

/* A change that an absent disk alone has may be that a spare replaces a disk, after others joined that nobody here knows of. */
static uint32_t next_leap(const struct imsm_container *c)
{
	uint32_t leap = IMSM_LEAP_AT_START * (1 + count_missing(c));

	if (!c->first_write)
		return 1;
	return c->change_may_be_out ? leap + IMSM_LEAP_REPLACED + IMSM_MAX_DISKS : leap;
}

static ssize_t encode_next(struct imsm_writer *w, struct imsm_container *c)
{
	if (c->write_due) {
		imsm_pass_generations(&c->meta.header, next_leap(c));
		imsm_mark_leap(c);
	}
	c->first_write &= !c->write_due;
	imsm_settle_family(&c->meta.header);
	imsm_mark_sequel(c);
	return encode_image(w, &c->meta, c->sector_size);
}

/*
 * Somebody may be told that the change is durable. If no disk is left and no array is served, nobody asks, unless a message
 * has made the change: mdadm is told that it has failed, and what nobody can write does not keep the daemon from its end.
 */
static bool write_sufficed(const struct imsm_container *c, const struct outcome *members)
{
	if (members->written || !c->meta.num_volumes)
		return true;
	return !members->failed && !c->live_volumes && !c->awaited;
}

/* The disks that took the image hold what is the last one from now on. */
static void remember_image(struct imsm_writer *w, size_t len)
{
	memcpy(w->last, w->image, len);
	w->last_len = len;
	w->last_number = w->number;
}

/* 0, or -EIO: no member took what has changed; it stays due. */
static int write_members(struct imsm_writer *w, struct imsm_container *c, const char *container,
			 struct sync_result *res)
{
	struct outcome members = { 0 };
	ssize_t len = 0;
	bool sufficed;

	/* A container of spares only has no MPB of its own. */
	if (c->meta.num_volumes) {
		len = encode_next(w, c);
		if (len < 0) {
			mon_log(LOG_LEVEL_ERROR, "%s: the metadata has grown too large to be written", container);
			return -EIO;
		}
	}
	if (w->last_len != (size_t)len || memcmp(w->last, w->image, (size_t)len) != 0)
		w->number = w->last_number + 1;
	plan_members(w, c, (size_t)len, res->retry);
	run_plan(w, c, res, &members);
	/* The last hope for what has changed: disks that had failed before, although that may take time. */
	if (c->write_due && !members.written && plan_rest(w, c, (size_t)len))
		run_plan(w, c, res, &members);
	for (struct imsm_dl *dl = c->disks; dl && c->write_due && members.written; dl = dl->next)
		dl->after_members = false;
	sufficed = !c->write_due || write_sufficed(c, &members);
	if (members.written)
		c->durable_generation = le32_get(c->meta.header.generation_num);
	if (c->write_due)
		c->nobody_has = !members.written;
	remember_image(w, (size_t)len);
	if (!sufficed)
		return -EIO;
	c->write_due = false;
	return 0;
}

/* 1: there was something to write. 0: there was not. -EIO as above. */
static int write_changes(struct imsm_writer *w, struct imsm_container *c, const char *container,
			 struct sync_result *res)
{
	struct outcome none = { 0 }; /* spares are no members */
	int err;

	if (!any_due(c, res->retry))
		return 0;
	err = write_members(w, c, container, res);
	if (err)
		return err;
	while (plan_spares(w, c, res->retry))
		run_plan(w, c, res, &none);
	return 1;
}

/* What it was left with has arrived, and is still the last image. */
static void note_landed(const struct imsm_writer *w, struct imsm_dl *dl)
{
	if (!metaio_has_landed(dl->disk) || !dl->stale || !dl->left_with || dl->left_with != w->last_number)
		return;
	dl->stale = false;
	dl->holds = dl->left_with;
	metaio_is_current(dl->disk);
}

void imsm_look_for_hanging(struct imsm_writer *w, struct imsm_container *c, struct hanging_disks *h)
{
	metaio_look_for_hanging(w->io, h);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		note_landed(w, dl);
		if (metaio_hangs(dl->disk) || (dl->stale && is_due(c, dl, true)))
			metaio_list_hanging(h, dl->disk);
	}
}

/* ---- migration records ---- */

/*
 * Also on disks that did not take their last write: what lies there would be taken for the next reshape's. And on those
 * that have failed since mdadm began: from its record there it sees that this reshape is not over, and writes the record of
 * its end to the others, too. It does without them if they take nothing.
 */
static bool zero_migr_records(struct imsm_writer *w, struct imsm_container *c, struct sync_result *res)
{
	bool all = true;

	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->index >= 0 || dl->has_migr_record)
			plan_zeros(w, dl->disk);
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++) {
		const struct metaio_disk *pd = &w->plan->disk[i];
		struct imsm_dl *dl = imsm_dl_by_dev(c, pd->disk->dev);

		if (!is_written_member(c, dl))
			continue;
		all &= !pd->error;
		res->written += !pd->error;
		if (!pd->error)
			continue;
		metaio_note_failure(res, pd->disk, pd->error, dl->stale);
		dl->stale = true;
		dl->left_with = 0;
	}
	return all;
}

/* A disk that refuses may take seconds to do so again. */
static bool may_zero(const struct imsm_container *c, bool retry)
{
	return c->reshape_ended && (retry || !c->zeros_refused);
}

int imsm_write(struct imsm_writer *w, struct imsm_container *c, const char *container, struct sync_result *res)
{
	int r = write_changes(w, c, container, res);

	/* Nobody waited for what no disk has. An array that is served since would be told that it is durable. */
	if (r >= 0 && c->nobody_has && c->live_volumes)
		r = -EIO;
	c->awaited = false; /* whoever did has the answer now */
	c->reshape_ended |= imsm_next_may_begin(c);
	if (r < 0 || !may_zero(c, res->retry))
		return r;
	c->zeros_refused = !zero_migr_records(w, c, res);
	if (c->zeros_refused)
		return 1;
	imsm_after_reshape(c);
	return c->write_due ? write_changes(w, c, container, res) : 1;
}

/* ---- one disk ---- */

/* Runs a plan of one disk, without which all goes on: 0 or -errno. */
static int run_single(struct imsm_writer *w)
{
	w->plan->stored = true;
	metaio_run(w->io, w->plan);
	return w->plan->disk[0].error;
}

int imsm_write_spare(struct imsm_writer *w, struct imsm_dl *dl)
{
	metaio_plan_clear(w->plan);
	plan_spare(w, dl);
	dl->holds = 0;
	return run_single(w);
}

int imsm_write_zeros(struct imsm_writer *w, const struct imsm_dl *dl)
{
	metaio_plan_clear(w->plan);
	plan_zeros(w, dl->disk);
	return run_single(w);
}

/* Not a spare's record, then, but what is left of an earlier change (imsm/join.c): of two copies there may be a mixture. */
static bool holds_a_copy(struct imsm_writer *w, const struct disk *d)
{
	return !metaio_hangs(d) && read_old(w, d, d->sector_size) != d->sector_size;
}

int imsm_write_first_copy(struct imsm_writer *w, struct imsm_dl *dl, const struct imsm_meta *m)
{
	uint32_t sector = dl->disk->sector_size;
	uint64_t anchor = imsm_anchor_offset(dl->disk->size, sector);
	ssize_t len = encode_image(w, m, sector);
	struct metaio_disk *pd;
	uint32_t extended;

	if (len < 0)
		return (int)len;
	extended = (uint32_t)len - sector;
	dl->holds = 0;
	metaio_plan_clear(w->plan);
	pd = metaio_plan_add(w->plan, dl->disk);
	if (extended && holds_a_copy(w, dl->disk)) {
		step_copy_closed(w, pd, dl->disk, (size_t)len);
		return run_single(w);
	}
	if (extended)
		metaio_disk_step(pd, w->image, anchor - extended, extended);
	metaio_disk_step(pd, w->image + extended, anchor, sector);
	return run_single(w);
}
