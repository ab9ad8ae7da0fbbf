/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IMSM handler: the entries of the superswitch, between the two loops and what imsm/ knows of the format
 * (imsm/imsm.h says which file does what). Arrays and members come in as the monitor has them; imsm/ is given copies of
 * what it needs, and nothing of it knows an array.
 */
#include <errno.h>
#include <stdlib.h>

#include "imsm/imsm.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "mdmon.h"
#include "metadata/left-out.h"

struct imsm_super {
	struct imsm_container c;
	struct imsm_meta scratch;  /* where updates are tried out */
	struct imsm_container before; /* an update that cannot be made durable is taken back */
	struct sync_result early;  /* of what has been written in this pass before the others were due */
	struct imsm_event event;
	struct imsm_writer *writer;
};

static struct imsm_super *super_of(const struct supertype *st)
{
	return st->sb;
}

/* ---- loading ---- */

static void free_disks(struct imsm_dl *dl)
{
	while (dl) {
		struct imsm_dl *next = dl->next;

		disk_close(dl->disk);
		free(dl->copy);
		free(dl);
		dl = next;
	}
}

static void free_super(struct supertype *st)
{
	struct imsm_super *s = super_of(st);

	if (!s)
		return;
	free_disks(s->c.disks);
	free_disks(s->c.waiting);
	imsm_writer_free(s->writer);
	free(s);
	st->sb = NULL;
}

static int load_container(struct supertype *st, struct disk **disks, size_t count)
{
	struct imsm_super *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	st->sb = s;
	if (s)
		s->writer = imsm_writer_new();
	if (s && s->writer)
		err = imsm_load(&s->c, st->container, disks, count);
	else
		log_error("Cannot load metadata for %s: out of memory", st->container);
	if (err)
		free_super(st);
	return err;
}

/* ---- arrays ---- */

static int open_new(struct active_array *a)
{
	struct imsm_container *c = &super_of(a->container)->c;

	if (a->member < 0 || (unsigned)a->member >= c->meta.num_volumes)
		return -ENODEV;
	/* The volume has been assembled anew under another name, and its former array has not been let go yet. */
	if (c->live_volumes & 1u << a->member)
		return -EBUSY;
	c->live_volumes |= 1u << a->member;
	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct imsm_dl *dl = imsm_dl_by_dev(c, a->disks[i]->dev);

		a->disks[i]->failed_elsewhere = dl && imsm_dl_failed(c, dl);
	}
	return 0;
}

static void close_array(struct active_array *a)
{
	struct imsm_container *c = &super_of(a->container)->c;

	c->live_volumes &= ~(1u << a->member);
	imsm_forget_slots(c, (unsigned)a->member);
}

static int find_slot(struct active_array *a, dev_t dev)
{
	const struct imsm_container *c = &super_of(a->container)->c;
	const struct imsm_dl *dl = imsm_dl_by_dev(c, dev);

	if (!dl || dl->index < 0)
		return -1;
	return imsm_slot_of(&c->meta.volume[a->member].map[0], (uint32_t)dl->index);
}

static bool is_unrecorded(struct active_array *a, const struct mdinfo *m)
{
	const struct imsm_volume *v = &super_of(a->container)->c.meta.volume[a->member];

	return find_slot(a, m->dev) != m->slot ||
	       (m->curr_state & MEMBER_IN_SYNC && v->map[0].ord[m->slot] & IMSM_ORD_REBUILD && !v->head.migr_state);
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
		.first = w->untold,
		.reshape_done = w->reshape_done,
		.reshape_idle = w->reshape_idle,
	};
	for (unsigned i = 0; i < a->disk_count && i < IMSM_MAX_MEMBERS; i++) {
		const struct mdinfo *d = a->disks[i];

		ev->disk[ev->disk_count++] = (struct md_member){
			.dev = d->dev,
			.slot = d->slot,
			.state = d->curr_state,
			.rebuilt = d->rebuilt,
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

static void tell_left_out(const struct active_array *a, const struct imsm_event *ev)
{
	const struct imsm_container *c = &super_of(a->container)->c;
	const struct imsm_map *m0 = &c->meta.volume[a->member].map[0];

	for (unsigned slot = 0; slot < m0->head.num_members; slot++)
		if (ev->left_out[slot])
			log_left_out(a->name, imsm_dl_by_index(c, (int)imsm_ord_index(m0->ord[slot]))->disk->name);
}

static enum consistency set_array_state(struct active_array *a, enum consistency want)
{
	struct imsm_event *ev = event_of(a);
	enum consistency got = imsm_set_array_state(&super_of(a->container)->c, (unsigned)a->member, ev, want);

	take_results(a, ev);
	tell_left_out(a, ev);
	return got;
}

static void note_slots(struct active_array *a, const bool has_data[MAX_SLOTS])
{
	imsm_note_slots(&super_of(a->container)->c, (unsigned)a->member, has_data);
}

static void set_disk(struct active_array *a, const struct mdinfo *m, int slot, unsigned state)
{
	struct imsm_event *ev = event_of(a);

	(void)m; /* the slot says it all */
	imsm_set_disk(&super_of(a->container)->c, (unsigned)a->member, slot, state, ev);
	take_results(a, ev);
}

static int record_bad_block(struct active_array *a, int slot, const struct bad_range *r)
{
	return imsm_record_bad_range(&super_of(a->container)->c, (unsigned)a->member, slot, r);
}

static int compare_bad_blocks(struct active_array *a, int slot, const struct bad_range *known, unsigned count,
				  bool complete, struct bad_range_changes *changes)
{
	return imsm_compare_bad_ranges(&super_of(a->container)->c, (unsigned)a->member, slot, known, count, complete,
				       changes);
}

static void activate_spare(struct active_array *a, struct spare_request *req)
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

/* ---- writing, telling ---- */

static void take_waiting(const struct supertype *st, struct imsm_container *c, struct sync_result *res)
{
	for (const struct imsm_dl *dl = imsm_take_waiting(c); dl; dl = imsm_take_waiting(c)) {
		res->more_disks = true;
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-back", NULL, dl->disk->name),
			      "%s: disk %s is used after all: what of it is out of date will be rebuilt", st->container,
			      dl->disk->name);
	}
}

static int sync_metadata(struct supertype *st, struct sync_result *res)
{
	struct imsm_super *s = super_of(st);
	const bool retry = res->retry;

	*res = s->early;
	res->retry = retry;
	s->early = (struct sync_result){ 0 };
	take_waiting(st, &s->c, res);
	imsm_undo_joins(s->writer, &s->c, st->container);
	return imsm_write(s->writer, &s->c, st->container, res);
}

static void look_for_hanging(struct supertype *st, struct hanging_disks *h)
{
	imsm_look_for_hanging(super_of(st)->writer, &super_of(st)->c, h);
}

static void report(const struct supertype *st, struct report *r)
{
	imsm_report(&super_of(st)->c, r);
}

/* ---- updates ---- */

static int prepare_update(struct supertype *st, struct metadata_update *u)
{
	const char *why = "malformed";
	int err = imsm_check_message(u->buf, u->len, &why);

	if (err)
		log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			  "%s: metadata update of %zu bytes refused: %s", st->container, u->len, why);
	return err;
}

/*
 * Who joins is given the metadata as they are (imsm/join.c). What an update in the same pass has changed before is written
 * to the members first: else the new disk alone would say so, and it is a spare again if the daemon dies. `leap`: the
 * change is one that moves the generation on by a leap, which they are told before.
 */
static void begin_change(const struct supertype *st, struct imsm_super *s, bool leap)
{
	const bool awaited = s->c.awaited;

	imsm_undo_joins(s->writer, &s->c, st->container);
	s->c.leap_is_due = leap;
	s->c.write_due |= leap;
	if (s->c.write_due)
		imsm_write(s->writer, &s->c, st->container, &s->early);
	s->c.leap_is_due = false;
	s->c.awaited = awaited; /* the answer comes at the end of the pass */
	imsm_remember(&s->c, &s->before);
}

static int join(const struct supertype *st, struct imsm_super *s, const char **why)
{
	uint32_t random = (uint32_t)(clock_wall_ms() ^ clock_now_ns());

	return imsm_join(s->writer, &s->c, &s->before, random, st->container, why);
}

static void tell_set_aside(const struct supertype *st, const struct imsm_container *c)
{
	for (const struct imsm_dl *dl = c->disks; dl; dl = dl->next)
		if (dl->before.index >= 0 && dl->index == IMSM_INDEX_UNRELATED && dl->has_migr_record)
			mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, dl->disk->name),
				      "%s: disk %s came back when a reshape began, and is not used: add it again when that has ended",
				      st->container, dl->disk->name);
}

static int apply_message(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	const char *why = "it contradicts the metadata";
	int err;

	begin_change(st, s, false);
	err = imsm_apply_message(&s->c, &s->scratch, u->buf, u->len, &why);
	if (!err)
		err = join(st, s, &why);
	s->c.awaited |= !err;
	if (!err)
		tell_set_aside(st, &s->c);
	else
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			      "%s: metadata update refused: %s", st->container, why);
	return err;
}

static int add_disk(struct supertype *st, struct metadata_update *u)
{
	struct imsm_container *c = &super_of(st)->c;
	struct imsm_dl *dl = u->space;
	const char *why = "it is there already";
	int taken = imsm_dl_by_dev(c, dl->dev) ? -EEXIST : imsm_take_late(c, dl, u->buf, &why);

	if (taken < 0) {
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, dl->disk->name),
			      "%s: disk %s is not used: %s", st->container, dl->disk->name, why);
		if (taken != -EAGAIN)
			return taken;
		imsm_let_wait(c, dl, u->buf);
		u->buf = u->space = u->disk = NULL;
		return taken;
	}
	u->known = taken;
	if (!taken)
		imsm_add_disk(c, dl, u->buf);
	u->space = NULL;
	u->disk = NULL;
	return 0;
}

static int remove_disk(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	struct imsm_dl *dl = imsm_remove_disk(&s->c, u->dev);

	if (!dl)
		return 0; /* the disk was not used: that it is gone changes nothing */
	u->disk = dl->disk;
	u->space = dl;
	u->buf = dl->copy;
	return 0;
}

static int commit_spares(struct supertype *st, struct metadata_update *u)
{
	struct imsm_super *s = super_of(st);
	const char *why = "it contradicts the metadata";
	int err;

	err = imsm_check_spares(&s->c, (unsigned)u->spares->member, u->spares, &why);
	if (!err) {
		begin_change(st, s, true);
		err = imsm_commit_spares(&s->c, (unsigned)u->spares->member, u->spares, &why);
	}
	if (!err)
		err = join(st, s, &why);
	if (err)
		mon_log(LOG_LEVEL_WARNING, "%s: spare not recorded for volume %d: %s", st->container, u->spares->member,
			why);
	return err;
}

static int add_to_super(struct supertype *st, struct disk *disk, struct metadata_update *u)
{
	struct imsm_meta *copy;
	struct imsm_dl *dl;
	int err = imsm_prepare_disk(disk, st->container, &dl, &copy);

	if (err)
		return err;
	u->disk = disk;
	u->space = dl;
	u->buf = copy;
	return 0;
}

const struct superswitch super_imsm = {
	.name = "imsm",
	.load_container = load_container,
	.free_super = free_super,
	.open_new = open_new,
	.close_array = close_array,
	.find_slot = find_slot,
	.is_unrecorded = is_unrecorded,
	.set_array_state = set_array_state,
	.note_slots = note_slots,
	.set_disk = set_disk,
	.record_bad_block = record_bad_block,
	.compare_bad_blocks = compare_bad_blocks,
	.sync_metadata = sync_metadata,
	.look_for_hanging = look_for_hanging,
	.report = report,
	.prepare_update = prepare_update,
	.activate_spare = activate_spare,
	.apply_message = apply_message,
	.add_disk = add_disk,
	.remove_disk = remove_disk,
	.commit_spares = commit_spares,
	.add_to_super = add_to_super,
};
