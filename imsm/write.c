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

/* ---- the plan ---- */

static bool is_written_member(const struct imsm_container *c, const struct imsm_dl *dl)
{
	return dl->index >= 0 && !imsm_disk_failed(c, (uint32_t)dl->index);
}

static void plan_disk(struct imsm_writer *w, struct imsm_dl *dl, const void *buf, size_t len)
{
	uint64_t anchor = imsm_anchor_offset(dl->disk->size, dl->disk->sector_size);
	uint64_t offset = anchor + dl->disk->sector_size - len;
	struct metaio_disk *pd = metaio_plan_add(w->plan, dl->disk);

	if (!pd)
		return;
	dl->in_plan = true;
	if (dl->clear_migr_record_due)
		metaio_disk_step(pd, w->zero, imsm_migr_record_offset(dl->disk->size, dl->disk->sector_size),
				 dl->disk->sector_size);
	metaio_disk_step(pd, buf, offset, (uint32_t)len);
	pd->torn_risk = !metaio_is_atomic(dl->disk, offset, (uint32_t)len);
}

static void plan_spare(struct imsm_writer *w, struct imsm_dl *dl)
{
	void *buf = imsm_dl_spare_buffer(dl);

	plan_disk(w, dl, buf, imsm_encode_spare(&dl->record, dl->disk->sector_size, buf));
}

/*
 * Which disks are to be written. A disk whose bytes would not change is left alone; one that did not take the last
 * write waits for `retry`, when there is time: it may take seconds to fail again.
 */
static void make_plan(struct imsm_writer *w, struct imsm_container *c, size_t len, bool retry)
{
	metaio_plan_clear(w->plan);
	/* The levels that are monitored survive the loss of one disk: no more than one may be torn. */
	w->plan->max_torn = 1;
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		dl->in_plan = false;
		if (is_written_member(c, dl)) {
			if (dl->stale ? retry : c->write_due)
				plan_disk(w, dl, w->image, len);
		} else if (dl->index == IMSM_INDEX_SPARE && (dl->spare_record_due || (retry && dl->stale))) {
			plan_spare(w, dl);
		}
	}
}

/* The members that make_plan() left out. False if there are none. */
static bool plan_the_others(struct imsm_writer *w, struct imsm_container *c, size_t len)
{
	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (is_written_member(c, dl) && !dl->in_plan)
			plan_disk(w, dl, w->image, len);
	return w->plan->disks > 0;
}

/* ---- writing ---- */

static struct imsm_dl *dl_of_disk(const struct imsm_container *c, const struct disk *d)
{
	struct imsm_dl *dl = c->disks;

	while (dl && dl->disk != d)
		dl = dl->next;
	return dl;
}

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

/* Adds the member disks that failed and took the write to *failed and *written. */
static void run_plan(struct imsm_writer *w, struct imsm_container *c, struct sync_result *res, unsigned *failed,
		     unsigned *written)
{
	metaio_run(w->io, w->plan);
	for (unsigned i = 0; i < w->plan->disks; i++) {
		const struct metaio_disk *pd = &w->plan->disk[i];
		struct imsm_dl *dl = dl_of_disk(c, pd->disk);

		note_result(dl, pd->error, res);
		if (dl->index >= 0)
			*(pd->error ? failed : written) += 1;
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

static bool anything_due(const struct imsm_container *c, bool retry)
{
	if (c->write_due)
		return true;
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->spare_record_due || (retry && dl->stale))
			return true;
	return false;
}

static int write_changes(struct imsm_writer *w, struct imsm_container *c, const char *container,
			 struct sync_result *res)
{
	unsigned failed = 0, written = 0;
	ssize_t len = 0;

	if (!anything_due(c, res->retry))
		return 0;
	/* A container of spares only has no MPB of its own. */
	if (c->meta.num_volumes) {
		len = encode_image(w, c);
		if (len < 0) {
			mon_log(LOG_LEVEL_ERROR, "%s: the metadata has grown too large to be written", container);
			return -EIO;
		}
	}
	make_plan(w, c, (size_t)len, res->retry);
	run_plan(w, c, res, &failed, &written);
	if (c->write_due && !written && plan_the_others(w, c, (size_t)len))
		run_plan(w, c, res, &failed, &written);
	/* A disk that still fails when it is tried again holds up nobody: the others have it all. */
	if (c->write_due && failed && !written)
		return -EIO;
	c->write_due = false;
	return 1;
}

static void zero_migr_records(struct imsm_writer *w, struct imsm_container *c, struct sync_result *res)
{
	unsigned failed = 0, written = 0;

	metaio_plan_clear(w->plan);
	for (struct imsm_dl *dl = c->disks; dl; dl = dl->next) {
		struct metaio_disk *pd;

		if (!is_written_member(c, dl) || dl->stale)
			continue;
		pd = metaio_plan_add(w->plan, dl->disk);
		if (pd)
			metaio_disk_step(pd, w->zero, imsm_migr_record_offset(dl->disk->size, dl->disk->sector_size),
					 dl->disk->sector_size);
	}
	run_plan(w, c, res, &failed, &written);
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
