/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IMSM handler: what stands between the two loops and the IMSM metadata. The
 * metadata itself is in the imsm-*.c files (imsm/imsm.h says which does what);
 * here are the superswitch entries and the writing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "imsm/imsm.h"
#include "lib/log.h"
#include "mdmon.h"
#include "metadata/metaio.h"

#define SPARE_BUFFER_OFFSET METAIO_ALIGN
#define MIGR_RECORD_MAX 4096

struct imsm_super {
	struct imsm_container c;
	struct imsm_meta scratch;  /* where updates are tried out */
	struct imsm_event event;
	struct metaio *io;
	struct metaio_plan *plan;
	uint8_t *mpb;   /* encoded, logical order */
	uint8_t *image; /* encoded, as it lies on the disk */
	uint8_t *zero;  /* one sector of zeros */
};

_Static_assert(sizeof(struct imsm_dl) <= SPARE_BUFFER_OFFSET, "a spare's buffer follows its struct imsm_dl");

static struct imsm_super *super_of(const struct supertype *st)
{
	return st->sb;
}

/* ---- loading ---- */

static void *aligned_zeroed(size_t size)
{
	void *p = aligned_alloc(METAIO_ALIGN, size);

	if (p)
		memset(p, 0, size);
	return p;
}

/* The entry and, behind it, room for its spare record. Freed with free(). */
static struct imsm_dl *dl_new(struct disk *disk, const uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_dl *dl = aligned_zeroed(SPARE_BUFFER_OFFSET + METAIO_ALIGN);

	if (!dl)
		return NULL;
	dl->disk = disk;
	dl->dev = disk->dev;
	memcpy(dl->serial, serial, IMSM_SERIAL_LEN);
	return dl;
}

static void *dl_spare_buffer(struct imsm_dl *dl)
{
	return (uint8_t *)dl + SPARE_BUFFER_OFFSET;
}

static void imsm_free_super(struct supertype *st)
{
	struct imsm_super *s = super_of(st);
	struct imsm_dl *dl, *next;

	if (!s)
		return;
	for (dl = s->c.disks; dl; dl = next) {
		next = dl->next;
		disk_close(dl->disk);
		free(dl);
	}
	metaio_close(s->io);
	metaio_plan_free(s->plan);
	free(s->mpb);
	free(s->image);
	free(s->zero);
	free(s);
	st->sb = NULL;
}

static struct imsm_super *super_new(void)
{
	struct imsm_super *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->io = metaio_open(IMSM_MAX_DISKS);
	s->plan = metaio_plan_new(IMSM_MAX_DISKS);
	s->mpb = aligned_zeroed(IMSM_MPB_MAX);
	s->image = aligned_zeroed(IMSM_MPB_MAX);
	s->zero = aligned_zeroed(MIGR_RECORD_MAX);
	return s;
}

static bool super_complete(const struct imsm_super *s)
{
	return s->io && s->plan && s->mpb && s->image && s->zero;
}

/* The disk's own record: from the container's table if it is a member, else its own, else made up. */
static struct imsm_disk own_record(const struct imsm_super *s, const struct imsm_candidate *cand, int index)
{
	struct imsm_disk r = { 0 };

	if (index >= 0)
		return s->c.meta.disk[index];
	if (cand->meta && cand->own_index >= 0)
		return cand->meta->disk[cand->own_index];
	memcpy(r.serial, cand->serial, IMSM_SERIAL_LEN);
	imsm_disk_set_blocks(&r, cand->disk->size / 512);
	r.scsi_id = le32_make(cand->disk->scsi_id);
	r.status = le32_make(IMSM_DISK_SPARE);
	return r;
}

/* Takes over the disks that the choice kept; the others are reported and left to the caller. */
static int keep_disks(struct imsm_super *s, const char *container, struct imsm_candidate *cand, const int *index,
		      struct disk **disks, size_t count)
{
	/* Candidates stand in reverse order, so pushing to the front restores the order of sysfs. */
	for (size_t i = 0; i < count; i++) {
		struct imsm_dl *dl;

		if (index[i] == IMSM_DROPPED) {
			log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, cand[i].disk->name),
				  "%s: disk %s is not used: %s", container, cand[i].disk->name,
				  cand[i].why ? cand[i].why : "it was replaced or failed earlier");
			continue;
		}
		dl = dl_new(cand[i].disk, cand[i].serial);
		if (!dl)
			return -ENOMEM;
		dl->index = index[i];
		dl->record = own_record(s, &cand[i], index[i]);
		dl->next = s->c.disks;
		s->c.disks = dl;
		disks[count - 1 - i] = NULL;
	}
	return 0;
}

static int check_attributes(const struct imsm_super *s, const char *container)
{
	uint32_t unknown = imsm_unknown_attributes(&s->c.meta);

	if (!unknown)
		return 0;
	log_error("Cannot load metadata for %s: they need features that are not supported (attributes 0x%x)", container,
		  unknown);
	return -EOPNOTSUPP;
}

/* The metadata are known; may we work on them? Says why not. */
static int check_loaded(struct imsm_super *s, const char *container)
{
	const char *why;
	int err = check_attributes(s, container);

	if (err)
		return err;
	err = imsm_read_migration(&s->c, &why);
	if (err)
		log_error("Cannot load metadata for %s: %s", container, why);
	return err;
}

static int load_from(struct imsm_super *s, const char *container, struct disk **disks, size_t count)
{
	struct imsm_candidate *cand = calloc(count, sizeof(*cand));
	int *index = calloc(count, sizeof(*index));
	const char *why = "out of memory";
	int err = -ENOMEM;

	if (cand && index) {
		for (size_t i = 0; i < count; i++)
			imsm_read_candidate(disks[count - 1 - i], &cand[i]);
		err = imsm_choose(cand, count, &s->c, index, &why);
		if (!err)
			err = keep_disks(s, container, cand, index, disks, count);
	}
	if (err)
		log_error("Cannot load metadata for %s: %s", container, why ? why : strerror(-err));
	for (size_t i = 0; cand && i < count; i++)
		free(cand[i].meta);
	free(cand);
	free(index);
	return err;
}

static int imsm_load_container(struct supertype *st, struct disk **disks, size_t count)
{
	struct imsm_super *s = super_new();
	int err;

	if (!s)
		return -ENOMEM;
	st->sb = s;
	if (!super_complete(s)) {
		log_error("Cannot load metadata for %s: out of memory", st->container);
		err = -ENOMEM;
	} else if (!count) {
		log_error("Cannot load metadata for %s: it has no readable disk", st->container);
		err = -ENODEV;
	} else {
		err = load_from(s, st->container, disks, count);
		if (!err)
			err = check_loaded(s, st->container);
	}
	if (err)
		imsm_free_super(st);
	return err;
}

/* ---- arrays ---- */

static int imsm_open_new(struct active_array *a)
{
	struct imsm_container *c = &super_of(a->container)->c;

	if (a->member < 0 || (unsigned)a->member >= c->meta.num_volumes)
		return -ENODEV;
	/* It has been assembled anew under another name, and the former array has not been let go yet. */
	if (c->live_volumes & 1u << a->member)
		return -EBUSY;
	c->live_volumes |= 1u << a->member;
	return 0;
}

static void imsm_close_array(struct active_array *a)
{
	super_of(a->container)->c.live_volumes &= ~(1u << a->member);
}

static int imsm_find_slot(struct active_array *a, dev_t dev)
{
	const struct imsm_container *c = &super_of(a->container)->c;
	const struct imsm_dl *dl = imsm_dl_by_dev(c, dev);

	if (!dl || dl->index < 0)
		return -1;
	return imsm_slot_of(&c->meta.volume[a->member].map[0], (uint32_t)dl->index);
}

static struct imsm_event *event_of(const struct active_array *a)
{
	struct imsm_event *ev = &super_of(a->container)->event;
	const struct array_watch *w = a->watch;

	*ev = (struct imsm_event){
		.state = w->curr_state,
		.action = w->curr_action,
		.prev_action = w->prev_action,
		.resync_start = w->resync_start,
		.component_size = a->component_size,
		.last_checkpoint = w->last_checkpoint,
		.level = a->level,
		.raid_disks = a->raid_disks,
		.layout = a->layout,
		.chunk = a->chunk,
		.reshape_done = w->reshape_done,
		.reshape_idle = w->reshape_idle,
	};
	for (unsigned i = 0; i < a->disk_count && i < IMSM_MAX_MEMBERS; i++) {
		const struct mdinfo *d = a->disks[i];

		ev->disk[ev->disk_count++] = (struct imsm_event_disk){
			.slot = d->slot,
			.state = d->curr_state,
			.recovery_start = d->recovery_start,
		};
	}
	return ev;
}

static void take_results(struct active_array *a, const struct imsm_event *ev)
{
	a->watch->last_checkpoint = ev->last_checkpoint;
	if (ev->custom_array_size)
		a->watch->custom_array_size = ev->custom_array_size;
}

static enum consistency imsm_state_entry(struct active_array *a, enum consistency want)
{
	struct imsm_event *ev = event_of(a);
	enum consistency got = imsm_set_array_state(&super_of(a->container)->c, (unsigned)a->member, ev, want);

	take_results(a, ev);
	return got;
}

static void imsm_disk_entry(struct active_array *a, const struct mdinfo *m, int slot, unsigned state)
{
	struct imsm_event *ev = event_of(a);

	(void)m; /* the slot says it all */
	imsm_set_disk(&super_of(a->container)->c, (unsigned)a->member, slot, state, ev);
	take_results(a, ev);
}

static int imsm_record_bad_entry(struct active_array *a, int slot, const struct bad_range *r)
{
	return imsm_record_bad_range(&super_of(a->container)->c, (unsigned)a->member, slot, r);
}

static int imsm_compare_bad_entry(struct active_array *a, int slot, const struct bad_range *known, unsigned count,
				  bool complete, struct bad_range_changes *changes)
{
	return imsm_compare_bad_ranges(&super_of(a->container)->c, (unsigned)a->member, slot, known, count, complete,
				       changes);
}

static void imsm_activate_spare(struct active_array *a, struct spare_request *req)
{
	const struct imsm_container *c = &super_of(a->container)->c;
	struct md_member member[IMSM_MAX_MEMBERS];
	unsigned n = 0;

	for (unsigned i = 0; i < a->disk_count && n < IMSM_MAX_MEMBERS; i++) {
		const struct mdinfo *d = a->disks[i];

		member[n++] = (struct md_member){ .slot = d->slot, .dev = d->dev, .state = d->curr_state };
	}
	imsm_find_spares(c, (unsigned)a->member, a->level, a->component_size, member, n, (unsigned)a->raid_disks, req);
}

/* ---- writing ---- */

static bool is_written_member(const struct imsm_container *c, const struct imsm_dl *dl)
{
	return dl->index >= 0 && !imsm_disk_failed(c, (uint32_t)dl->index);
}

static void plan_disk(struct imsm_super *s, struct imsm_dl *dl, const void *buf, size_t len)
{
	uint64_t anchor = imsm_anchor_offset(dl->disk->size, dl->disk->sector_size);
	uint64_t offset = anchor + dl->disk->sector_size - len;
	struct metaio_disk *pd = metaio_plan_add(s->plan, dl->disk);

	if (!pd)
		return;
	dl->in_plan = true;
	if (dl->clear_migr_record_due)
		metaio_disk_step(pd, s->zero, imsm_migr_record_offset(dl->disk->size, dl->disk->sector_size),
				 dl->disk->sector_size);
	metaio_disk_step(pd, buf, offset, (uint32_t)len);
	pd->torn_risk = !metaio_is_atomic(dl->disk, offset, (uint32_t)len);
}

static void plan_spare(struct imsm_super *s, struct imsm_dl *dl)
{
	void *buf = dl_spare_buffer(dl);

	plan_disk(s, dl, buf, imsm_encode_spare(&dl->record, dl->disk->sector_size, buf));
}

/*
 * Which disks are to be written. A disk whose bytes would not change is left alone; one that did not take the last write
 * waits for `retry`, when there is time: it may take seconds to fail again.
 */
static void make_plan(struct imsm_super *s, size_t len, bool retry)
{
	metaio_plan_clear(s->plan);
	/* The levels that are monitored survive the loss of one disk: no more than one may be torn. */
	s->plan->max_torn = 1;
	for (struct imsm_dl *dl = s->c.disks; dl; dl = dl->next) {
		dl->in_plan = false;
		if (is_written_member(&s->c, dl)) {
			if (dl->stale ? retry : s->c.write_due)
				plan_disk(s, dl, s->image, len);
		} else if (dl->index == IMSM_INDEX_SPARE && (dl->spare_record_due || (retry && dl->stale))) {
			plan_spare(s, dl);
		}
	}
}

/* The members that make_plan() left out. False if there are none. */
static bool plan_the_others(struct imsm_super *s, size_t len)
{
	metaio_plan_clear(s->plan);
	for (struct imsm_dl *dl = s->c.disks; dl; dl = dl->next)
		if (is_written_member(&s->c, dl) && !dl->in_plan)
			plan_disk(s, dl, s->image, len);
	return s->plan->disks > 0;
}

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
static void run_plan(struct imsm_super *s, struct sync_result *res, unsigned *failed, unsigned *written)
{
	metaio_run(s->io, s->plan);
	for (unsigned i = 0; i < s->plan->disks; i++) {
		const struct metaio_disk *pd = &s->plan->disk[i];
		struct imsm_dl *dl = dl_of_disk(&s->c, pd->disk);

		note_result(dl, pd->error, res);
		if (dl->index >= 0)
			*(pd->error ? failed : written) += 1;
	}
}

static ssize_t encode_image(struct imsm_super *s)
{
	struct imsm_header *h = &s->c.meta.header;
	ssize_t len;

	if (s->c.write_due)
		h->generation_num = le32_make(le32_get(h->generation_num) + 1);
	if (!le32_get(h->orig_family_num))
		h->orig_family_num = h->family_num;
	len = imsm_encode(&s->c.meta, s->c.sector_size, s->mpb, IMSM_MPB_MAX);
	if (len > 0)
		imsm_disk_order(s->mpb, (size_t)len, s->c.sector_size, s->image);
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

static int write_changes(const struct supertype *st, struct sync_result *res)
{
	struct imsm_super *s = super_of(st);
	unsigned failed = 0, written = 0;
	ssize_t len = 0;

	if (!anything_due(&s->c, res->retry))
		return 0;
	/* A container of spares only has no MPB of its own. */
	if (s->c.meta.num_volumes) {
		len = encode_image(s);
		if (len < 0) {
			mon_log(LOG_LEVEL_ERROR, "%s: the metadata has grown too large to be written", st->container);
			return -EIO;
		}
	}
	make_plan(s, (size_t)len, res->retry);
	run_plan(s, res, &failed, &written);
	if (s->c.write_due && !written && plan_the_others(s, (size_t)len))
		run_plan(s, res, &failed, &written);
	/* A disk that still fails when it is tried again holds up nobody: the others have it all. */
	if (s->c.write_due && failed && !written)
		return -EIO;
	s->c.write_due = false;
	return 1;
}

static void zero_migr_records(struct imsm_super *s, struct sync_result *res)
{
	unsigned failed = 0, written = 0;

	metaio_plan_clear(s->plan);
	for (struct imsm_dl *dl = s->c.disks; dl; dl = dl->next) {
		struct metaio_disk *pd;

		if (!is_written_member(&s->c, dl) || dl->stale)
			continue;
		pd = metaio_plan_add(s->plan, dl->disk);
		if (pd)
			metaio_disk_step(pd, s->zero, imsm_migr_record_offset(dl->disk->size, dl->disk->sector_size),
					 dl->disk->sector_size);
	}
	run_plan(s, res, &failed, &written);
}

static int imsm_sync_metadata(struct supertype *st, struct sync_result *res)
{
	struct imsm_super *s = super_of(st);
	int r = write_changes(st, res);

	if (r < 0 || !s->c.reshape_ended)
		return r;
	zero_migr_records(s, res);
	imsm_after_reshape(&s->c);
	return s->c.write_due ? write_changes(st, res) : r;
}

static void imsm_report_entry(const struct supertype *st, struct report *r)
{
	imsm_report(&super_of(st)->c, r);
}

/* ---- updates ---- */

static int imsm_prepare_update(struct supertype *st, struct metadata_update *u)
{
	const char *why = "malformed";
	int err = imsm_check_message(u->buf, u->len, &why);

	if (err)
		log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			  "%s: metadata update of %zu bytes refused: %s", st->container, u->len, why);
	return err;
}

static int apply_message(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	const char *why = "it contradicts the metadata";
	int err = imsm_apply_message(&s->c, &s->scratch, u->buf, u->len, &why);

	if (err)
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			      "%s: metadata update refused: %s", st->container, why);
	return err;
}

static int add_disk(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	struct imsm_dl *dl = u->space;

	if (imsm_dl_by_dev(&s->c, dl->dev))
		return -EEXIST;
	imsm_add_disk(&s->c, dl);
	u->space = NULL;
	u->disk = NULL;
	return 0;
}

static int remove_disk(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	struct imsm_dl *dl = imsm_remove_disk(&s->c, u->dev);

	if (!dl)
		return 0; /* it was not used: that it is gone changes nothing */
	u->disk = dl->disk;
	u->space = dl;
	return 0;
}

static int commit_spares(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	const char *why = "it contradicts the metadata";
	int err = imsm_commit_spares(&s->c, (unsigned)u->spares->member, u->spares, &why);

	if (err)
		mon_log(LOG_LEVEL_WARNING, "%s: spare not recorded for volume %d: %s", st->container, u->spares->member,
			why);
	return err;
}

/* ---- disks that come ---- */

/*
 * mdadm writes a spare record before it adds a disk. Its contents do not matter, except that they tell by which of its
 * serial numbers mdadm knows the disk: versions differ when device names are to be taken for them.
 */
static bool spare_serial(struct disk *d, uint8_t serial[IMSM_SERIAL_LEN])
{
	struct imsm_candidate cand;
	bool found;

	imsm_read_candidate(d, &cand);
	found = cand.serial[0];
	memcpy(serial, cand.serial, IMSM_SERIAL_LEN);
	free(cand.meta);
	return found;
}

/* A stale migration record would block the next reshape. Nobody but us uses the disk yet. */
static int clear_migr_record(const struct disk *d)
{
	static const uint8_t zero[MIGR_RECORD_MAX];

	return disk_write(d, zero, d->sector_size, imsm_migr_record_offset(d->size, d->sector_size));
}

static int imsm_add_to_super(struct supertype *st, struct disk *disk, struct metadata_update *u)
{
	uint8_t serial[IMSM_SERIAL_LEN];
	struct imsm_dl *dl;
	int err;

	if (disk->partition) {
		log_error("%s: %s is a partition; IMSM uses whole disks only", st->container, disk->name);
		return -EINVAL;
	}
	if (!spare_serial(disk, serial)) {
		log_error("%s: %s has no readable serial number", st->container, disk->name);
		return -EINVAL;
	}
	if (!imsm_anchor_offset(disk->size, disk->sector_size) || disk->sector_size > MIGR_RECORD_MAX) {
		log_error("%s: %s is too small for IMSM metadata", st->container, disk->name);
		return -EINVAL;
	}
	err = clear_migr_record(disk);
	if (err) {
		log_error("%s: cannot write to %s: %s", st->container, disk->name, strerror(-err));
		return err;
	}
	dl = dl_new(disk, serial);
	if (!dl)
		return -ENOMEM;
	memcpy(dl->record.serial, serial, IMSM_SERIAL_LEN);
	imsm_disk_set_blocks(&dl->record, disk->size / 512);
	dl->record.scsi_id = le32_make(disk->scsi_id);
	dl->record.status = le32_make(IMSM_DISK_SPARE);
	dl->index = IMSM_INDEX_SPARE;
	u->disk = disk;
	u->space = dl;
	return 0;
}

const struct superswitch super_imsm = {
	.name = "imsm",
	.load_container = imsm_load_container,
	.free_super = imsm_free_super,
	.open_new = imsm_open_new,
	.close_array = imsm_close_array,
	.find_slot = imsm_find_slot,
	.set_array_state = imsm_state_entry,
	.set_disk = imsm_disk_entry,
	.record_bad_block = imsm_record_bad_entry,
	.compare_bad_blocks = imsm_compare_bad_entry,
	.sync_metadata = imsm_sync_metadata,
	.report = imsm_report_entry,
	.prepare_update = imsm_prepare_update,
	.activate_spare = imsm_activate_spare,
	.apply_message = apply_message,
	.add_disk = add_disk,
	.remove_disk = remove_disk,
	.commit_spares = commit_spares,
	.add_to_super = imsm_add_to_super,
};
