/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing IMSM metadata: which disks are to be written, in which order, and what becomes of those that do not take it.
 *
 * One image serves all members. Each disk is written in two steps at most: its last sector is zeroed if an old
 * migration record may lie there, then its copy is written in one piece with the anchor last.
 */
#include "imsm/imsm.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/log.h"
#include "metadata/metaio.h"

struct imsm_writer {
	struct metaio *io;
	struct metaio_plan *plan;
	uint8_t *mpb;   /* encoded, logical order */
	uint8_t *image; /* encoded, as it lies on the disk */
	uint8_t *zero;  /* one sector of zeros */
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
	if (w->io && w->plan && w->mpb && w->image && w->zero)
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
 * time: it may take seconds to fail again.
 */
static bool is_due(const struct imsm_container *c, const struct imsm_dl *dl, bool retry)
{
	if (is_written_member(c, dl))
		return dl->stale ? retry : c->write_due;
	return dl->index == IMSM_INDEX_SPARE && (dl->spare_record_due || (retry && dl->stale));
}

static bool any_due(const struct imsm_container *c, bool retry)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (is_due(c, dl, retry))
			return true;
	return c->write_due;
}

static void plan_zeros(struct imsm_writer *w, struct metaio_disk *pd, const struct disk *d)
{
	metaio_disk_step(pd, w->zero, imsm_migr_record_offset(d->size, d->sector_size), d->sector_size);
}

static void plan_bytes(struct imsm_writer *w, const struct imsm_dl *dl, const void *buf, size_t len)
{
	uint64_t offset = imsm_anchor_offset(dl->disk->size, dl->disk->sector_size) + dl->disk->sector_size - len;
	struct metaio_disk *pd = metaio_plan_add(w->plan, dl->disk);

	if (!pd)
		return;
	if (dl->clear_migr_record_due)
		plan_zeros(w, pd, dl->disk);
	metaio_disk_step(pd, buf, offset, (uint32_t)len);
	pd->torn_risk = !metaio_is_atomic(dl->disk, offset, (uint32_t)len);
}

/* Members hold the image, `len` bytes of it; a spare holds a record of its own. */
static void plan_disk(struct imsm_writer *w, struct imsm_dl *dl, size_t len)
{
	void *record = imsm_dl_spare_buffer(dl);

	if (dl->index == IMSM_INDEX_SPARE)
		plan_bytes(w, dl, record, imsm_encode_spare(&dl->record, dl->disk->sector_size, record));
	else
		plan_bytes(w, dl, w->image, len);
}

static void plan_due(struct imsm_writer *w, struct imsm_container *c, size_t len, bool retry)
{
	metaio_plan_clear(w->plan);
	/* The levels that are monitored survive the loss of one disk: no more than one may be torn. */
	w->plan->max_torn = 1;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		dl->asked = is_due(c, dl, retry);
		if (dl->asked)
			plan_disk(w, dl, len);
	}
}

/* The members that plan_due() left in peace. False if there are none. */
static bool plan_rest(struct imsm_writer *w, struct imsm_container *c, size_t len)
{
	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (is_written_member(c, dl) && !dl->asked)
			plan_disk(w, dl, len);
	return w->plan->disks > 0;
}

/* ---- writing ---- */

static void note_result(struct imsm_dl *dl, int error, struct sync_result *res)
{
	dl->clear_migr_record_due = false; /* tried once: later mdadm may have its own record there */
	if (!error) {
		dl->stale = dl->spare_record_due = false;
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
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++) {
		const struct metaio_disk *pd = &w->plan->disk[i];
		struct imsm_dl *dl = imsm_dl_by_dev(c, pd->disk->dev);

		note_result(dl, pd->error, res);
		if (dl->index < 0)
			continue;
		if (pd->error)
			members->failed++;
		else
			members->written++;
	}
}

static ssize_t encode_image(struct imsm_writer *w, struct imsm_container *c)
{
	struct imsm_header *h = &c->meta.header;
	ssize_t len;

	if (c->write_due)
		h->generation_num = le32_make(le32_get(h->generation_num) + 1);
	if (!le32_get(h->orig_family_num))
		h->orig_family_num = h->family_num;
	len = imsm_encode(&c->meta, c->sector_size, w->mpb, IMSM_MPB_MAX);
	if (len > 0)
		imsm_disk_order(w->mpb, (size_t)len, c->sector_size, w->image);
	return len;
}

/* 1: there was something to write. 0: there was not. -EIO: no member took what has changed; it stays due. */
static int write_changes(struct imsm_writer *w, struct imsm_container *c, const char *container,
			 struct sync_result *res)
{
	struct outcome members = { 0 };
	ssize_t len = 0;

	if (!any_due(c, res->retry))
		return 0;
	/* A container of spares only has no MPB of its own. */
	if (c->meta.num_volumes) {
		len = encode_image(w, c);
		if (len < 0) {
			mon_log(LOG_LEVEL_ERROR, "%s: the metadata has grown too large to be written", container);
			return -EIO;
		}
	}
	plan_due(w, c, (size_t)len, res->retry);
	run_plan(w, c, res, &members);
	/* The last hope for what has changed: disks that had failed before, although that may take time. */
	if (c->write_due && !members.written && plan_rest(w, c, (size_t)len))
		run_plan(w, c, res, &members);
	if (c->write_due && members.failed && !members.written)
		return -EIO;
	c->write_due = false;
	return 1;
}

static void zero_migr_records(struct imsm_writer *w, struct imsm_container *c, struct sync_result *res)
{
	struct outcome members = { 0 };

	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		struct metaio_disk *pd;

		if (!is_written_member(c, dl) || dl->stale)
			continue;
		pd = metaio_plan_add(w->plan, dl->disk);
		if (pd)
			plan_zeros(w, pd, dl->disk);
	}
	run_plan(w, c, res, &members);
}

int imsm_write(struct imsm_writer *w, struct imsm_container *c, const char *container, struct sync_result *res)
{
	int r = write_changes(w, c, container, res);

	if (r < 0 || !c->reshape_ended)
		return r;
	zero_migr_records(w, c, res);
	imsm_after_reshape(c);
	return c->write_due ? write_changes(w, c, container, res) : r;
}
