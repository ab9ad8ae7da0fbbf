/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Driving a DDF container through its superswitch: see tests/unit/support/ddf-rig.h. */
#include "tests/unit/support/ddf-rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/support/apply-update.h"
#include "tests/unit/support/count-allocations.h"
#include "tests/unit/support/ddf-samples.h"
#include "tests/unit/support/one-aio.h"
#include "tests/unit/support/text.h"

dev_t drig_dev(unsigned n)
{
	return makedev(8, 16 * n);
}

/* ---- the disks ---- */

void drig_take_file(struct rig *r, unsigned n, struct disk *d)
{
	assert_true(n < RIG_DISKS);
	r->file[n] = *d;
	free(d);
	if (n >= r->disks)
		r->disks = n + 1;
}

struct rig *drig_new(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	for (unsigned n = 0; n < RIG_DISKS; n++)
		r->file[n].fd = -1;
	snprintf(r->st.container, sizeof(r->st.container), "md127");
	r->st.ss = &super_ddf;
	return r;
}

/* What the handler gets; the file stays ours. */
static struct disk *drig_disk(const struct rig *r, unsigned n)
{
	struct disk *d = malloc(sizeof(*d));

	assert_non_null(d);
	*d = r->file[n];
	d->fd = fcntl(r->file[n].fd, F_DUPFD_CLOEXEC, 0);
	assert_true(d->fd >= 0);
	return d;
}

static void drig_close_arrays(struct rig *r)
{
	for (unsigned i = 0; i < RIG_ARRAYS; i++) {
		free(r->array[i].a);
		r->array[i].a = NULL;
	}
}

void drig_free(struct rig *r)
{
	super_ddf.free_super(&r->st);
	drig_close_arrays(r);
	for (unsigned n = 0; n < r->disks; n++)
		if (r->file[n].fd >= 0)
			close(r->file[n].fd);
	free(r);
}

/* ---- what the monitor calls: without any allocation ---- */

static void drig_begin_monitor(void)
{
	allocations = 0;
	counting_allocations = true;
}

static void drig_end_monitor(void)
{
	counting_allocations = false;
	assert_int_equal(allocations, 0);
}

void drig_make_report(const struct supertype *st, struct report *report)
{
	memset(report, 0, sizeof(*report));
	drig_begin_monitor();
	super_ddf.report(st, report);
	drig_end_monitor();
}

/* ---- loading ---- */

int drig_load_into(const struct rig *r, struct supertype *st, struct disk *kept[RIG_DISKS])
{
	struct disk *disks[RIG_DISKS];
	size_t count = 0;
	int err;

	for (unsigned n = r->disks; n-- > 0;)
		if (r->in[n])
			disks[count++] = kept[n] = drig_disk(r, n);
	err = super_ddf.load_container(st, disks, count);
	for (size_t i = 0; i < count; i++) {
		if (!err)
			assert_null(disks[i]);
		disk_close(disks[i]);
	}
	return err;
}

void drig_load(struct rig *r)
{
	assert_int_equal(drig_load_into(r, &r->st, r->disk), 0);
}

void drig_assert_same_after_reload(const struct rig *r)
{
	static struct report mine, other;
	struct disk *kept[RIG_DISKS];
	struct supertype st = r->st;
	char text[4096];

	st.sb = NULL;
	assert_int_equal(drig_load_into(r, &st, kept), 0);
	drig_make_report(&r->st, &mine);
	drig_make_report(&st, &other);
	if (!r->in_memory) {
		snprintf(text, sizeof(text), "%s", drig_report_text(&mine));
		assert_string_equal(drig_report_text(&other), text);
		assert_memory_equal(&mine, &other, sizeof(mine));
	}
	super_ddf.free_super(&st);
}

void drig_restart(struct rig *r)
{
	super_ddf.free_super(&r->st);
	drig_close_arrays(r);
	r->in_memory = false;
	drig_load(r);
}

struct rig *drig_sample(const char *name)
{
	struct rig *r = drig_new();

	for (unsigned n = 0; n < ddf_sample_named(name)->disks; n++) {
		drig_take_file(r, n, ddf_sample_disk(name, n));
		r->in[n] = true;
	}
	drig_examine(r);
	return r;
}

struct rig *drig_loaded_sample(const char *name)
{
	struct rig *r = drig_sample(name);

	drig_load(r);
	return r;
}

/* ---- syncs ---- */

int drig_sync_with(struct rig *r, bool retry)
{
	int n;

	r->res = (struct sync_result){ .retry = retry };
	drig_begin_monitor();
	n = super_ddf.sync_metadata(&r->st, &r->res);
	drig_end_monitor();
	return n;
}

void drig_finish(struct rig *r)
{
	r->rest = (struct sync_result){ .retry = r->res.retry };
	drig_begin_monitor();
	super_ddf.finish_sync(&r->st, &r->rest);
	drig_end_monitor();
}

static int sync_in(struct rig *r, unsigned generations)
{
	const struct ddf_container *c = r->st.sb; /* its first field */
	bool skips = c->skips;
	uint32_t before = r->seq, skipped;
	int n = drig_sync_with(r, false);

	/* The kernel gets its answer now. A disk that is new has no anchor before its second copy. */
	if (n == 1 && !r->new_disk)
		drig_assert_same_after_reload(r);
	r->new_disk = false;
	drig_finish(r);
	drig_examine(r);
	assert_int_equal(r->res.failed + r->rest.failed, 0);
	/* Marks that were written in place begin no generation (ddf.md 7.5). */
	if (n == 1 && generations == 1 && r->seq == before && !skips)
		generations = 0;
	skipped = r->seq - before - (n == 1 ? generations : 0);
	assert_true(skips && n == 1 ? skipped : !skipped);
	drig_assert_same_after_reload(r);
	return n;
}

int drig_sync_now(struct rig *r)
{
	return sync_in(r, 1);
}

int drig_sync_in_two(struct rig *r)
{
	return sync_in(r, 2);
}

/* ---- arrays ---- */

static struct mdinfo *drig_member(struct rig_array *a, unsigned slot, const char **text)
{
	struct mdinfo *m = &a->member[slot];
	char *end;

	*m = (struct mdinfo){ .dev = drig_dev((unsigned)strtoul(*text, &end, 10)), .slot = (int)slot,
			      .curr_state = MEMBER_IN_SYNC, .recovery_start = SECTORS_NONE };
	*text = end;
	for (; **text == '!' || **text == 'x' || **text == '?'; (*text)++)
		m->curr_state = **text == '!' ? MEMBER_SPARE : **text == 'x' ? MEMBER_FAULTY : MEMBER_GONE;
	if (**text == '@') {
		m->data_offset = strtoul(*text + 1, &end, 10);
		*text = end;
	}
	return m;
}

/* What md has from now on. */
static void drig_set_members(struct rig_array *a, const char *text)
{
	unsigned slot = 0;

	a->a->disk_count = 0;
	for (; *text; text += *text == ',', slot++) {
		assert_true(slot < RIG_MEMBERS);
		if (*text == '-')
			text++;
		else
			a->a->disks[a->a->disk_count++] = drig_member(a, slot, &text);
	}
	a->a->raid_disks = (int)slot;
}

struct rig_array *drig_make_array(struct rig *r, int vd, int level, int layout, const char *members)
{
	const struct ddf_vdc *v = vd < 0 ? NULL : drig_newest(r, (unsigned)vd, 0);
	struct rig_array *a = r->array;

	while (a->a)
		a++;
	assert_true(a < r->array + RIG_ARRAYS);
	memset(a, 0, sizeof(*a));
	a->a = calloc(1, sizeof(*a->a) + RIG_MEMBERS * sizeof(a->a->disks[0]));
	assert_non_null(a->a);
	a->watch.curr_state = a->watch.prev_state = ARRAY_CLEAN;
	a->watch.curr_action = a->watch.prev_action = SYNC_IDLE;
	a->watch.resync_start = SECTORS_NONE;
	a->a->container = &r->st;
	a->a->watch = &a->watch;
	a->a->member = vd;
	a->a->level = level;
	a->a->layout = layout;
	a->a->component_size = v ? be64_get(v->block_count) : RIG_BLOCKS;
	drig_set_members(a, members);
	return a;
}

/* The states of its members are read afterwards (monitor/read.c). */
int drig_open_new(struct rig_array *a)
{
	unsigned state[RIG_MEMBERS] = { 0 };
	int err;

	for (unsigned i = 0; i < a->a->disk_count; i++) {
		state[i] = a->a->disks[i]->curr_state;
		a->a->disks[i]->curr_state = 0;
	}
	drig_begin_monitor();
	err = super_ddf.open_new(a->a);
	drig_end_monitor();
	for (unsigned i = 0; i < a->a->disk_count; i++)
		a->a->disks[i]->curr_state = state[i];
	return err;
}

enum consistency drig_tell_state(struct rig_array *a, enum consistency want)
{
	enum consistency got;

	drig_begin_monitor();
	got = super_ddf.set_array_state(a->a, want);
	drig_end_monitor();
	return got;
}

int drig_find_slot(struct rig_array *a, unsigned n)
{
	int slot;

	drig_begin_monitor();
	slot = super_ddf.find_slot(a->a, drig_dev(n));
	drig_end_monitor();
	return slot;
}

void drig_tell_member(struct rig_array *a, const struct mdinfo *m, int slot, unsigned member_state)
{
	drig_begin_monitor();
	super_ddf.set_disk(a->a, m, slot, member_state);
	drig_end_monitor();
}

void drig_tell(struct rig_array *a, const char *members)
{
	drig_set_members(a, members);
	for (unsigned i = 0; i < a->a->disk_count; i++) {
		const struct mdinfo *m = a->a->disks[i];

		drig_tell_member(a, m, m->slot, m->curr_state);
	}
}

struct rig_array *drig_open_array(struct rig *r, int vd, int level, int layout, const char *members)
{
	struct rig_array *a = drig_make_array(r, vd, level, layout, members);

	assert_int_equal(drig_open_new(a), 0);
	drig_tell_state(a, MARK_DECIDE);
	drig_tell(a, members);
	return a;
}

void drig_close_array(struct rig_array *a)
{
	drig_begin_monitor();
	super_ddf.close_array(a->a);
	drig_end_monitor();
	free(a->a);
	a->a = NULL;
}

/* ---- spares ---- */

const char *drig_find_spares(struct rig_array *a, const char *members)
{
	static char text[256];
	char *p = text;

	drig_set_members(a, members);
	a->spares = (struct spare_request){ .watch = &a->watch, .member = a->a->member };
	drig_begin_monitor();
	super_ddf.activate_spare(a->a, &a->spares);
	drig_end_monitor();
	*p = '\0';
	for (unsigned i = 0; i < a->spares.count; i++) {
		const struct spare_pick *k = &a->spares.pick[i];

		assert_int_equal(k->component_size, a->a->component_size);
		text_put(&p, "%s%d:%u", i ? " " : "", k->slot, minor(k->dev) / 16);
		if (k->data_offset)
			text_put(&p, "@%llu", (unsigned long long)k->data_offset);
	}
	return text;
}

int drig_apply(struct rig *r, struct metadata_update *u)
{
	int err;

	drig_begin_monitor();
	err = apply_update(&r->st, u);
	drig_end_monitor();
	return err;
}

int drig_commit(struct rig *r, struct rig_array *a)
{
	struct metadata_update u = { .op = UPDATE_COMMIT_SPARES, .spares = &a->spares };

	return drig_apply(r, &u);
}

/* ---- disks that come and go ---- */

void drig_blank(struct rig *r, unsigned n)
{
	drig_take_file(r, n, ddf_blank_disk(n, SAMPLE_SECTORS));
}

int drig_prepare_disk(struct rig *r, unsigned n, struct metadata_update *u)
{
	struct disk *d;
	int err;

	if (n >= r->disks || r->file[n].fd < 0)
		drig_blank(r, n);
	d = drig_disk(r, n);
	*u = (struct metadata_update){ .op = UPDATE_ADD_DISK };
	err = super_ddf.add_to_super(&r->st, d, u);
	if (err)
		disk_close(d);
	return err;
}

int drig_apply_disk(struct rig *r, unsigned n, struct metadata_update *u)
{
	struct disk *d = u->disk;
	int err = drig_apply(r, u);

	disk_close(u->disk);
	free(u->space);
	free(u->buf);
	r->in[n] |= !err;
	if (!err) {
		r->disk[n] = d;
		r->new_disk = true;
	}
	return err;
}

int drig_add_disk(struct rig *r, unsigned n)
{
	struct metadata_update u;
	int err = drig_prepare_disk(r, n, &u);

	return err ? err : drig_apply_disk(r, n, &u);
}

int drig_remove_disk(struct rig *r, unsigned n)
{
	struct metadata_update u = { .op = UPDATE_REMOVE_DISK, .dev = drig_dev(n) };
	int err = drig_apply(r, &u);

	/* what was used comes back to be closed and freed */
	assert_int_equal(!!u.disk, r->in[n]);
	assert_int_equal(!!u.space, r->in[n]);
	disk_close(u.disk);
	free(u.space);
	r->in[n] = false;
	return err;
}

/* The machine is off, and comes up with these disks. */
void drig_boot_with(struct rig *r, const char *disks)
{
	for (unsigned n = 0; n < r->disks; n++)
		r->in[n] = strchr(disks, (int)('0' + n));
	drig_restart(r);
	drig_examine(r);
}

/* The disk is taken in, and the copies on all disks agree. */
void drig_comes(struct rig *r, unsigned n)
{
	assert_int_equal(drig_add_disk(r, n), 0);
	assert_int_equal(drig_sync_with(r, false), 1);
	drig_finish(r);
	assert_int_equal(r->res.failed + r->rest.failed, 0);
	drig_examine(r);
	drig_assert_same_after_reload(r);
	r->new_disk = false;
}

/* ---- a container without arrays ---- */

static void drig_make_disk_data(struct rig_copy *m, const struct ddf_pd_entry *e)
{
	struct ddf_disk_data *d = drig_data(m);

	memcpy(d->guid, e->guid, DDF_GUID_LEN);
	d->refnum = e->refnum;
}

/* As mdadm leaves it behind: made of a disk of sample A, whose virtual disk goes. */
static void drig_strip(struct rig_copy *m, unsigned disks)
{
	struct ddf_pd_entry model = *drig_pd(m, 0);

	((struct ddf_header *)(void *)m->bytes)->seq = be32_make(2);
	memset(drig_pd(m, 0), 0xff, 3 * sizeof(model));
	for (unsigned n = 0; n < disks; n++) {
		struct ddf_pd_entry *e = drig_pd(m, n);

		*e = model;
		e->guid[DDF_GUID_LEN - 1] = (uint8_t)n;
		e->refnum = be32_make(0x1000 + n);
		e->type = be16_make(DDF_PD_FORCED_GUID | DDF_PD_GLOBAL_SPARE);
	}
	((struct ddf_table_head *)(void *)drig_section(m, &m->at.pd))->populated = be16_make((uint16_t)disks);
	memset(drig_vd(m, 0), 0xff, sizeof(struct ddf_vd_entry));
	((struct ddf_table_head *)(void *)drig_section(m, &m->at.vd))->populated = be16_make(0);
	memset(drig_record(m, 0), 0xff, ddf_record_bytes(&m->at));
}

struct rig *drig_bare_files(unsigned disks)
{
	struct rig *r = drig_new();

	for (unsigned n = 0; n < disks; n++) {
		struct disk *d = ddf_sample_disk("A", 0);

		d->dev = drig_dev(n);
		d->name[2] = (char)('a' + n);
		drig_take_file(r, n, d);
		r->in[n] = true;
		for (unsigned i = 0; i < DDF_COPIES; i++) {
			struct rig_copy *m = &r->copy[n][i];

			drig_read_copy(r, n, i);
			drig_strip(m, disks);
			drig_make_disk_data(m, drig_pd(m, n));
			drig_seal(m);
			drig_write_copy(r, n, i);
		}
	}
	drig_examine(r);
	return r;
}

struct rig *drig_bare(unsigned disks)
{
	struct rig *r = drig_bare_files(disks);

	drig_load(r);
	return r;
}
