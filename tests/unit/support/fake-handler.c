/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See fake-handler.h. */
#include "tests/unit/support/fake-handler.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tests/unit/support/fake-md.h"
#include "tests/unit/support/steps.h"

#define VOLUMES 8
#define SLOTS 8

struct fake_handler handler;

/* What the metadata say of one volume. */
static struct volume {
	bool bound;
	const char *consistency;
	const char *slot[SLOTS];
} volume[VOLUMES];

static void change(struct active_array *a, const char **field, int slot, const char *to)
{
	if (*field && strcmp(*field, to) == 0)
		return;
	*field = to;
	handler.change_due = true;
	if (slot < 0)
		step("%s: %s", a->name, to);
	else
		step("%s[%d]: %s", a->name, slot, to);
}

static int open_new(struct active_array *a)
{
	if (handler.open_error)
		return handler.open_error;
	if (volume[a->member].bound)
		return -EBUSY;
	volume[a->member].bound = true;
	step("%s: bound", a->name);
	return 0;
}

static void close_array(struct active_array *a)
{
	volume[a->member].bound = false;
	step("%s: let go", a->name);
}

/* Members are sda, sdb, ... in this order: rig_array(). */
static int find_slot(struct active_array *a, dev_t dev)
{
	(void)a;
	return (int)minor(dev) / 16;
}

static bool is_unrecorded(struct active_array *a, const struct mdinfo *m)
{
	(void)a;
	return handler.unrecorded == m->dev;
}

static enum consistency set_array_state(struct active_array *a, enum consistency c)
{
	enum consistency settled = c == MARK_DECIDE ? handler.decides : c;

	change(a, &volume[a->member].consistency, -1, settled == MARK_CLEAN ? "clean" : "dirty");
	return settled;
}

static void set_disk(struct active_array *a, const struct mdinfo *m, int slot, unsigned state)
{
	const char *word = state & MEMBER_FAULTY ? "failed" : state & MEMBER_IN_SYNC ? "in sync" : "rebuilding";

	(void)m;
	change(a, &volume[a->member].slot[slot], slot, word);
}

static int record_bad_block(struct active_array *a, int slot, const struct bad_range *r)
{
	for (unsigned i = 0; i < handler.bad_count; i++)
		if (handler.bad[i].slot == slot && handler.bad[i].sector == r->sector)
			return 0;
	if (handler.bad_count >= handler.bad_room)
		return -ENOSPC;
	handler.bad[handler.bad_count].slot = slot;
	handler.bad[handler.bad_count++].sector = r->sector;
	handler.change_due = true;
	step("%s[%d]: sector %llu is bad", a->name, slot, (unsigned long long)r->sector);
	return 1;
}

static unsigned forget_bad_blocks(int slot)
{
	unsigned kept = 0, before = handler.bad_count;

	for (unsigned i = 0; i < before; i++)
		if (handler.bad[i].slot != slot)
			handler.bad[kept++] = handler.bad[i];
	handler.bad_count = kept;
	return before - kept;
}

/* Of what is no longer bad it notices only that nothing is. */
static int compare_bad_blocks(struct active_array *a, int slot, const struct bad_range *known, unsigned count,
			      bool complete, struct bad_range_changes *changes)
{
	*changes = (struct bad_range_changes){ 0 };
	for (unsigned i = 0; i < count; i++) {
		int r = record_bad_block(a, slot, &known[i]);

		if (r < 0)
			return r;
		changes->recorded += r > 0;
	}
	if (complete && !count)
		changes->cleared = forget_bad_blocks(slot);
	if (changes->cleared) {
		handler.change_due = true;
		step("%s[%d]: no sector is bad", a->name, slot);
	}
	return 0;
}

static int sync_metadata(struct supertype *st, struct sync_result *res)
{
	bool asked = !handler.stale || res->retry;

	(void)st;
	handler.syncs++;
	handler.retries += res->retry;
	if (!handler.change_due && !(handler.stale && res->retry))
		return 0;
	if (handler.while_writing)
		handler.while_writing();
	md_time_passes(handler.sync_ms + (handler.failed_disk && asked ? handler.refusal_ms : 0));
	if (handler.sync_error || (handler.failed_disk && asked)) {
		res->failed = 1;
		res->reports = !handler.stale;
		res->failed_dev[0] = makedev(8, 0);
		res->report[0].name = handler.failed_disk ? handler.failed_disk : "sda";
		res->report[0].error = handler.failed_error ? handler.failed_error : -EIO;
	}
	if (handler.sync_error) {
		step("metadata not written");
		return handler.sync_error;
	}
	handler.stale = handler.failed_disk;
	res->written = handler.stale ? 1 : 2;
	handler.change_due = false;
	step("metadata written");
	return 1;
}

static void report(const struct supertype *st, struct report *r)
{
	(void)st;
	r->generation++;
}

static void activate_spare(struct active_array *a, struct spare_request *req)
{
	step("%s: spares are looked for", a->name);
	req->count = 1;
}

static int apply(const char *what)
{
	if (handler.update_error)
		return handler.update_error;
	handler.change_due = true;
	step("%s", what);
	return 0;
}

static int apply_message(struct supertype *st, struct metadata_update *u)
{
	char what[64];

	(void)st;
	if (handler.message_creates)
		handler.open_error = 0;
	snprintf(what, sizeof(what), "message %llu applied", (unsigned long long)u->owner_id);
	return apply(what);
}

static int add_disk(struct supertype *st, struct metadata_update *u)
{
	(void)st;
	(void)u;
	if (handler.disk_is_member)
		for (unsigned i = 0; i < VOLUMES; i++)
			memset(volume[i].slot, 0, sizeof(volume[i].slot));
	return apply("disk added");
}

static int remove_disk(struct supertype *st, struct metadata_update *u)
{
	(void)st;
	(void)u;
	return apply("disk removed");
}

static int commit_spares(struct supertype *st, struct metadata_update *u)
{
	(void)st;
	(void)u;
	return apply("spares recorded");
}

void fake_handler_reset(void)
{
	memset(volume, 0, sizeof(volume));
	handler = (struct fake_handler){
		.ss = {
			.name = "fake",
			.open_new = open_new,
			.close_array = close_array,
			.find_slot = find_slot,
			.is_unrecorded = is_unrecorded,
			.set_array_state = set_array_state,
			.set_disk = set_disk,
			.record_bad_block = record_bad_block,
			.compare_bad_blocks = compare_bad_blocks,
			.sync_metadata = sync_metadata,
			.report = report,
			.activate_spare = activate_spare,
			.apply_message = apply_message,
			.add_disk = add_disk,
			.remove_disk = remove_disk,
			.commit_spares = commit_spares,
		},
		.st = { .ss = &handler.ss, .container = "md127" },
		.decides = MARK_CLEAN,
		.bad_room = 64,
	};
}
