/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DDF handler: what stands between the two loops and the DDF metadata. The metadata itself is in ddf/ (ddf/ddf.h
 * says which file does what); here are the superswitch entries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ddf/ddf.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "mdmon.h"
#include "metadata/left-out.h"

struct ddf_super {
	struct ddf_container c;
	struct ddf_writer *writer;
};

static struct ddf_super *super_of(const struct supertype *st)
{
	return st->sb;
}

/* The container, about to be changed: it needs to know what time it is. */
static struct ddf_container *changing(const struct supertype *st)
{
	struct ddf_container *c = &super_of(st)->c;

	c->now = (uint32_t)(clock_wall_ms() / 1000 - DDF_EPOCH);
	return c;
}

/* ---- loading ---- */

static void free_super(struct supertype *st)
{
	struct ddf_super *s = super_of(st);

	if (!s)
		return;
	ddf_free(&s->c);
	ddf_writer_free(s->writer);
	free(s);
	st->sb = NULL;
}

static int load_container(struct supertype *st, struct disk **disks, size_t count)
{
	struct ddf_super *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	st->sb = s;
	if (s)
		s->writer = ddf_writer_new();
	if (s && s->writer)
		err = ddf_load(&s->c, disks, count, st->container);
	else
		log_error("Cannot load metadata for %s: out of memory", st->container);
	if (err)
		free_super(st);
	return err;
}

/* ---- arrays ---- */

static unsigned vd_of(const struct active_array *a)
{
	return (unsigned)a->member;
}

static struct md_member member_of(const struct mdinfo *d)
{
	return (struct md_member){
		.dev = d->dev,
		.slot = d->slot,
		.state = d->curr_state,
		.data_offset = d->data_offset,
		.recovery_start = d->recovery_start,
	};
}

static unsigned members_of(const struct active_array *a, struct md_member member[DDF_MAX_SLOTS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->disk_count && n < DDF_MAX_SLOTS; i++)
		member[n++] = member_of(a->disks[i]);
	return n;
}

/* Its members go into `member`. */
static struct ddf_md_array array_of(const struct active_array *a, struct md_member member[DDF_MAX_SLOTS])
{
	return (struct ddf_md_array){
		.level = a->level,
		.layout = a->layout,
		.raid_disks = a->raid_disks,
		.component_size = a->component_size,
		.resync_start = a->watch->resync_start,
		.members = { member, members_of(a, member) },
	};
}

static int open_new(struct active_array *a)
{
	struct md_member member[DDF_MAX_SLOTS];
	bool broken[DDF_MAX_SLOTS] = { false };
	unsigned n = members_of(a, member);
	int err;

	if (a->member < 0)
		return -ENODEV;
	err = ddf_open_array(changing(a->container), vd_of(a), member, n, broken);
	for (unsigned i = 0; !err && i < n; i++)
		a->disks[i]->failed_elsewhere = broken[i];
	return err;
}

static void close_array(struct active_array *a)
{
	ddf_close_array(changing(a->container), vd_of(a));
}

static int find_slot(struct active_array *a, dev_t dev)
{
	const struct ddf_container *c = &super_of(a->container)->c;
	const struct ddf_dl *dl = ddf_dl_by_dev(c, dev);

	return dl ? ddf_slot_of(c, vd_of(a), dl->refnum) : -1;
}

static bool is_unrecorded(struct active_array *a, const struct mdinfo *m)
{
	return find_slot(a, m->dev) != m->slot;
}

static void tell_left_out(const struct active_array *a)
{
	for (struct ddf_dl *dl = super_of(a->container)->c.disks; dl; dl = dl->next) {
		if (dl->left_out)
			log_left_out(a->name, dl->disk->name);
		dl->left_out = false;
	}
}

static enum consistency set_array_state(struct active_array *a, enum consistency want)
{
	struct md_member member[DDF_MAX_SLOTS];
	struct ddf_md_array md = array_of(a, member);
	struct ddf_container *c = changing(a->container);
	enum consistency got = ddf_set_array_state(c, vd_of(a), &md, want);

	c->volume[vd_of(a)].stopped = a->watch->curr_state <= ARRAY_INACTIVE;
	tell_left_out(a);
	return got;
}

static void set_disk(struct active_array *a, const struct mdinfo *m, int slot, unsigned state)
{
	struct md_member member = member_of(m);

	member.state = state;
	ddf_set_disk(changing(a->container), vd_of(a), (unsigned)slot, &member);
}

static void activate_spare(struct active_array *a, struct spare_request *req)
{
	struct md_member member[DDF_MAX_SLOTS];
	struct ddf_md_array md = array_of(a, member);

	req->count = req->bad_count = 0;
	ddf_find_spares(&super_of(a->container)->c, vd_of(a), &md, req);
}

/* ---- writing ---- */

static int sync_metadata(struct supertype *st, struct sync_result *res)
{
	struct ddf_container *c = changing(st);

	ddf_outdo_absent(c);
	ddf_settle_failures(c);
	ddf_drop_back(c);
	ddf_note_lost(c);
	return ddf_write(super_of(st)->writer, c, res);
}

static void finish_sync(struct supertype *st, struct sync_result *res)
{
	ddf_write_rest(super_of(st)->writer, &super_of(st)->c, res);
}

static void look_for_hanging(struct supertype *st, struct hanging_disks *h)
{
	ddf_look_for_hanging(super_of(st)->writer, &super_of(st)->c, h);
}

static void report(const struct supertype *st, struct report *r)
{
	ddf_report(&super_of(st)->c, r);
}

/* ---- updates ---- */

static int prepare_update(struct supertype *st, struct metadata_update *u)
{
	const char *why = "malformed";
	int err = ddf_prepare_message(&super_of(st)->c.layout, u->buf, u->len, &u->space, &why);

	if (err)
		log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			  "%s: metadata update of %zu bytes refused: %s", st->container, u->len, why);
	return err;
}

static int apply_message(struct supertype *st, struct metadata_update *u)
{
	struct ddf_container *c = changing(st);
	const char *why = "it contradicts the metadata";
	int err = ddf_apply_message(c, u->buf, u->len, &u->space, &why);

	c->asked |= !err;
	if (err)
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("update-refused", NULL, NULL),
			      "%s: metadata update refused: %s", st->container, why);
	return err;
}

static int add_disk(struct supertype *st, struct metadata_update *u)
{
	struct ddf_container *c = changing(st);
	struct ddf_arrival *arrival = u->buf;
	struct ddf_dl *dl = u->space;
	const char *why = "it does not fit in";
	int err = ddf_take_late(c, dl, &arrival, &why);

	u->buf = arrival;
	u->known = err == 1;
	if (err >= 0)
		err = err ? 0 : ddf_add_disk(c, dl, &why);
	if (err) {
		mon_log_event(LOG_LEVEL_WARNING, ABOUT("disk-unused", NULL, dl->disk->name),
			      "%s: disk %s is not used: %s", st->container, dl->disk->name, why);
		return err;
	}
	u->space = NULL;
	u->disk = NULL;
	return 0;
}

static int remove_disk(struct supertype *st, struct metadata_update *u)
{
	struct ddf_dl *dl = ddf_remove_disk(changing(st), u->dev);

	if (!dl)
		return 0; /* it was not used: that it is gone changes nothing */
	u->disk = dl->disk;
	u->space = dl;
	return 0;
}

static int commit_spares(struct supertype *st, struct metadata_update *u)
{
	const char *why = "it contradicts the metadata";
	int err = ddf_commit_spares(changing(st), (unsigned)u->spares->member, u->spares, &why);

	if (err)
		mon_log(LOG_LEVEL_WARNING, "%s: spare not recorded for volume %d: %s", st->container, u->spares->member,
			why);
	return err;
}

/* ---- disks that come ---- */

static int add_to_super(struct supertype *st, struct disk *disk, struct metadata_update *u)
{
	const struct ddf_container *c = &super_of(st)->c;
	const struct ddf_layout *l = &c->layout;
	struct ddf_dl *dl;
	int err;

	if (disk->sector_size != DDF_SECTOR) {
		log_error("%s: %s has sectors of %u bytes; DDF needs sectors of 512 bytes", st->container, disk->name,
			  disk->sector_size);
		return -EINVAL;
	}
	if (disk->size / DDF_SECTOR <= DDF_RESERVED_SECTORS) {
		log_error("%s: %s is too small for DDF metadata", st->container, disk->name);
		return -EINVAL;
	}
	u->buf = ddf_read_arrival(disk, l, c->searched, st->container, &err);
	dl = err ? NULL : ddf_dl_new(disk, l);
	if (!dl) {
		free(u->buf);
		u->buf = NULL;
		return err ? err : -ENOMEM;
	}
	ddf_make_identity(dl);
	u->disk = disk;
	u->space = dl;
	return 0;
}

const struct superswitch super_ddf = {
	.name = "ddf",
	.load_container = load_container,
	.free_super = free_super,
	.open_new = open_new,
	.close_array = close_array,
	.find_slot = find_slot,
	.is_unrecorded = is_unrecorded,
	.set_array_state = set_array_state,
	.set_disk = set_disk,
	.sync_metadata = sync_metadata,
	.finish_sync = finish_sync,
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
