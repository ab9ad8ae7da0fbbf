/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of one array, as the manager sees it: what changes, what the monitor asks for, and the end. Its beginning is
 * in manager/adopt.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "md/members.h"
#include "metadata/redundancy.h"
#include "sysfs.h"
#include "threads/handoff.h"

#define RETRY_MIN_MS 20
#define RETRY_MAX_MS 1000
#define CLEAR_LIMIT_MS 2000
#define CLEAR_LOOK_MS 5
#define STOP_LIMIT_MS 1000
#define STOP_LOOK_MS 20
#define MEMBERS_LIMIT_MS 1000 /* an array that sleeps keeps no ping from its answer for longer */

/* ---- changes ---- */

static void publish_change(struct managed_array *ma, const struct active_array *now)
{
	struct active_array *a = array_duplicate(ma, 0);

	if (!a)
		return;
	a->level = now->level;
	a->raid_disks = now->raid_disks;
	a->component_size = now->component_size;
	a->layout = now->layout;
	a->chunk = now->chunk;
	array_publish(ma, a);
}

static bool same_shape(const struct active_array *a, const struct active_array *b)
{
	return a->level == b->level && a->raid_disks == b->raid_disks && a->component_size == b->component_size &&
	       a->layout == b->layout && a->chunk == b->chunk;
}

/* An array without redundancy needs no monitoring. If it gets some again, it is adopted anew. */
static void let_go(struct managed_array *ma, const char *level)
{
	struct active_array now = *ma->current;

	log_event(LOG_LEVEL_INFO, ABOUT("array-left", ma->name, NULL), "%s: is %s now and needs no monitoring",
		  ma->name, level);
	now.level = 0;
	ma->let_go = true;
	publish_change(ma, &now);
}

void array_update(struct managed_array *ma, const struct mdstat_entry *e)
{
	int level = sysfs_parse_level(e->level);
	struct active_array now = { .level = level };

	if (ma->refused || !ma->copies)
		return;
	if (!array_may_replace(ma)) {
		ma->mgr->look_again_ns = clock_now_ns() + RETRY_MIN_MS * NS_PER_MS;
		return;
	}
	if (level <= 0 && level != LEVEL_UNKNOWN) {
		let_go(ma, e->level);
		return;
	}
	if (array_read_geometry(ma, &now))
		return; /* it is just going away */
	if (level > 0 && !same_shape(&now, ma->current))
		publish_change(ma, &now);
}

/* ---- requests of the monitor ---- */

static void complain(struct managed_array *ma, const struct mdinfo *d, const char *word, int err)
{
	if (!ma->complained)
		log_warning("%s: cannot write \"%s\" to the state of %s yet: %s", ma->name, word,
			    member_disk(d->name), strerror(-err));
	ma->complained = true;
}

/* True if it is done, or needless because the member has gone. */
static bool member_command(struct managed_array *ma, struct mdinfo *d, const char *word)
{
	int err = sysfs_write_fd(d->manager_fd, word);

	if (!err || err == -ENODEV)
		return true;
	complain(ma, d, word, err);
	return false;
}

/* MEMBER_*, as md has it now; 0: it does not say. */
static unsigned state_now(const struct mdinfo *d)
{
	char buf[SYSFS_STATE_MAX];

	return sysfs_read_fd(d->manager_fd, buf, sizeof(buf)) < 0 ? 0 : sysfs_parse_member_state(buf);
}

/* Has failed meanwhile: "-blocked" would say that this is on record. */
static bool is_faulty(const struct mdinfo *d)
{
	return state_now(d) & MEMBER_FAULTY;
}

/* The batch is given back before "-blocked" makes the monitor look again: more ranges may be waiting. */
static bool acknowledge_bad_blocks(struct managed_array *ma, struct mdinfo *d)
{
	unsigned count;
	const struct bad_range *r = handoff_take_bad_ranges(d, &count);
	int err = 0;

	for (unsigned i = 0; i < count && !err; i++)
		err = sysfs_write_bad_range(d->acknowledge_fd, &r[i]);
	if (err && err != -ENODEV) {
		complain(ma, d, "bad_blocks", err);
		return false;
	}
	handoff_bad_ranges_done(d);
	return is_faulty(d) || member_command(ma, d, "-blocked");
}

static void unblock_members(struct managed_array *ma)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++) {
		struct mdinfo *d = ma->current->disks[i];

		d->pending |= handoff_take_member_requests(d);
		if ((d->pending & MEMBER_WANT_BAD_BLOCKS) && acknowledge_bad_blocks(ma, d))
			d->pending &= ~(unsigned)MEMBER_WANT_BAD_BLOCKS;
		if ((d->pending & MEMBER_WANT_BBL_OFF) && member_command(ma, d, "-external_bbl") &&
		    member_command(ma, d, "-blocked"))
			d->pending &= ~(unsigned)MEMBER_WANT_BBL_OFF;
		if ((d->pending & MEMBER_WANT_UNBLOCK) && member_command(ma, d, "-blocked"))
			d->pending &= ~(unsigned)MEMBER_WANT_UNBLOCK;
	}
}

void array_take_requests(struct managed_array *ma)
{
	if (!ma->copies)
		return;
	ma->wants |= handoff_take_array_requests(ma->current);
	if (ma->wants & ARRAY_WANT_MEMBERS)
		unblock_members(ma);
}

/*
 * As md has it now: the monitor asked by what it saw last, and another member may have failed since. md refuses to fail the last
 * disk that has the data, but newer kernels let no write through any more all the same (kernel-md.md 5.1).
 */
static bool can_do_without(const struct managed_array *ma, const struct mdinfo *d)
{
	const struct active_array *a = ma->current;
	bool has_data[MAX_SLOTS] = { false };

	for (unsigned i = 0; i < a->disk_count; i++) {
		const struct mdinfo *m = a->disks[i];

		if (m != d && m->slot >= 0 && m->slot < MAX_SLOTS)
			has_data[m->slot] |= member_has_data(state_now(m));
	}
	return a->raid_disks <= MAX_SLOTS && enough_left(a->level, a->layout, (unsigned)a->raid_disks, has_data);
}

/* One without data, which is being rebuilt, may always be failed. */
static void fail_member(const struct managed_array *ma, struct mdinfo *d)
{
	bool elsewhere = d->pending & MEMBER_WANT_FAIL;
	int err;

	d->pending &= ~(unsigned)(MEMBER_WANT_FAIL | MEMBER_WANT_GIVE_UP);
	if (member_has_data(state_now(d)) && !can_do_without(ma, d))
		return;
	err = sysfs_write_fd(d->manager_fd, "faulty");
	if (!err && elsewhere)
		log_event(LOG_LEVEL_WARNING, ABOUT("member-failed-elsewhere", ma->name, member_disk(d->name)),
			  "%s: member %s taken as failed, as in another array of the container", ma->name,
			  member_disk(d->name));
}

struct removal {
	struct worker_job job;
	struct managed_array *ma;
	struct mdinfo *member;
	int err;
};

/* Helper thread. Through a descriptor of its own: writes to one descriptor wait for each other. */
static void try_removal(struct worker_job *job)
{
	struct removal *r = container_of(job, struct removal, job);

	r->err = sysfs_write_fd(r->member->remove_fd, "remove");
}

static void removal_tried(struct worker_job *job)
{
	struct removal *r = container_of(job, struct removal, job);
	struct mdinfo *d = r->member;

	r->ma->jobs--;
	d->removing = false;
	if (!r->err || r->err == -ENODEV) {
		d->pending = 0;
		d->removed = true;
		log_event(LOG_LEVEL_INFO, ABOUT("member-removed", r->ma->name, member_disk(d->name)),
			  "%s: member %s removed from the array", r->ma->name, member_disk(d->name));
	} else {
		complain(r->ma, d, "remove", r->err);
		retry_later(&r->ma->retry, RETRY_MIN_MS, RETRY_MAX_MS);
	}
	member_release(d);
	free(r);
}

static void start_removal(struct managed_array *ma, struct mdinfo *d)
{
	struct removal *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	*r = (struct removal){ { .run = try_removal, .done = removal_tried }, ma, d, 0 };
	ma->jobs++;
	d->refs++;
	d->removing = true;
	worker_submit(&ma->lane, &r->job);
}

/* Returns whether something did not work; what is merely under way comes back by itself. */
static bool work_on_members(struct managed_array *ma)
{
	bool left = false, failed = false;

	for (unsigned i = 0; i < ma->current->disk_count; i++) {
		struct mdinfo *d = ma->current->disks[i];

		if (d->removed)
			continue;
		if (d->pending & (MEMBER_WANT_FAIL | MEMBER_WANT_GIVE_UP))
			fail_member(ma, d);
		if ((d->pending & MEMBER_WANT_REMOVE) && !(d->pending & MEMBER_WANT_UNBLOCK) && !d->removing)
			start_removal(ma, d);
		left |= d->pending != 0;
		failed |= d->pending && !d->removing;
	}
	if (!left)
		ma->wants &= ~(unsigned)ARRAY_WANT_MEMBERS;
	return failed;
}

static bool any_removed(const struct managed_array *ma)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++)
		if (ma->current->disks[i]->removed)
			return true;
	return false;
}

static void drop_removed(struct managed_array *ma)
{
	struct active_array *a;

	if (!any_removed(ma) || !array_may_replace(ma))
		return;
	a = array_duplicate(ma, 0);
	if (!a)
		return;
	array_publish(ma, a);
	ma->wants |= ARRAY_WANT_SPARE_CHECK;
}

/* The array left "readonly" already, or mdadm wants it so: not our decision any more. */
static bool still_to_start(const struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];

	return sysfs_read_attr(ma->md_dir, "array_state", buf, sizeof(buf)) >= 0 &&
	       sysfs_parse_array_state(buf) == ARRAY_READONLY && !array_is_blocked(ma);
}

static bool start_array(struct managed_array *ma)
{
	const char *word = ma->wants & ARRAY_WANT_ACTIVE ? "active" : "read-auto";
	int err = 0;

	if (still_to_start(ma))
		err = sysfs_write_attr(ma->md_dir, "array_state", word);
	if (err == -EBUSY || err == -EAGAIN)
		return false;
	if (err && err != -ENODEV)
		log_error("%s: cannot write \"%s\" to array_state: %s", ma->name, word, strerror(-err));
	ma->wants &= ~(unsigned)(ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE);
	return true;
}

/* Returns whether it has to be tried again. */
static bool reshape_check(struct managed_array *ma)
{
	if (array_pick_up_members(ma) == -EAGAIN)
		return true;
	ma->wants &= ~(unsigned)ARRAY_WANT_RESHAPE_CHECK;
	return false;
}

/*
 * mdadm has fixed the size for the time of the reshape, so that the kernel does not offer room that the metadata
 * do not know of. Now they do. "default" is no number: nobody has fixed it.
 */
static void set_array_size(struct managed_array *ma)
{
	uint64_t kib = handoff_new_size(ma->current) / 2;
	char buf[SYSFS_WORD_MAX];
	int64_t now;
	int err;

	ma->wants &= ~(unsigned)ARRAY_WANT_SIZE;
	if (sysfs_read_attr(ma->md_dir, "array_size", buf, sizeof(buf)) < 0 || sysfs_parse_number(buf, &now) < 0 ||
	    now < 0 || (uint64_t)now >= kib)
		return;
	err = sysfs_write_attr_u64(ma->md_dir, "array_size", kib);
	if (err)
		log_error("%s: cannot set the size to %llu KiB: %s", ma->name, (unsigned long long)kib, strerror(-err));
	else
		log_event(LOG_LEVEL_INFO, ABOUT("array-resized", ma->name, NULL), "%s: has %llu KiB now", ma->name,
			  (unsigned long long)kib);
}

/* Returns whether something has to be tried again. */
static bool do_what_is_wanted(struct managed_array *ma)
{
	bool again = false;

	if (ma->wants & (ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE))
		again |= !start_array(ma);
	if (ma->wants & ARRAY_WANT_MEMBERS)
		again |= work_on_members(ma);
	drop_removed(ma);
	if (ma->wants & ARRAY_WANT_RESHAPE_CHECK)
		again |= reshape_check(ma);
	if (ma->wants & ARRAY_WANT_SIZE)
		set_array_size(ma);
	if ((ma->wants & ARRAY_WANT_SPARE_CHECK) && !any_removed(ma) && !(ma->wants & ARRAY_WANT_MEMBERS))
		spare_check(ma);
	return again;
}

/* mdadm goes on with what a ping was the answer to: it takes a disk that has failed for removed then. */
static void note_members_wait(struct managed_array *ma)
{
	if (!(ma->wants & ARRAY_WANT_MEMBERS))
		ma->members_until_ns = 0;
	else if (!ma->members_until_ns)
		ma->members_until_ns = clock_now_ns() + MEMBERS_LIMIT_MS * NS_PER_MS;
}

void array_work(struct managed_array *ma, uint64_t now_ns)
{
	bool again;

	retry_check(&ma->retry, now_ns);
	retry_check(&ma->spare_retry, now_ns);
	if (!ma->copies || ma->refused || ma->retry.at_ns)
		return;
	again = do_what_is_wanted(ma);
	note_members_wait(ma);
	if (again) {
		retry_later(&ma->retry, RETRY_MIN_MS, RETRY_MAX_MS);
		return;
	}
	ma->retry.at_ns = 0;
	/* A removal that the helper is trying may fail once more: then its pauses go on growing. */
	if (ma->wants & ARRAY_WANT_MEMBERS)
		return;
	ma->retry.pause_ms = 0;
	ma->complained = false;
}

/* ---- the end ---- */

void array_start_drain(struct managed_array *ma)
{
	if (ma->refused)
		return;
	/* Zero would mean never. */
	sysfs_write_attr(ma->md_dir, "safe_mode_delay", "0.001");
}

/*
 * The monitor recorded that the array has stopped; now the kernel may forget it. The kernel takes the device apart
 * a moment later, and an open at that moment fails with EBUSY: clients that ping us to know that it
 * is over are not answered before.
 */
static void clear_stopped(struct managed_array *ma)
{
	char buf[SYSFS_WORD_MAX];

	if (sysfs_read_attr(ma->md_dir, "array_state", buf, sizeof(buf)) < 0 ||
	    sysfs_parse_array_state(buf) != ARRAY_INACTIVE)
		return;
	if (sysfs_write_attr(ma->md_dir, "array_state", "clear") == 0)
		ma->clearing_until_ns = clock_now_ns() + CLEAR_LIMIT_MS * NS_PER_MS;
}

static bool device_is_gone(const struct managed_array *ma)
{
	int fd = sysfs_open_md_dir(ma->name);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/* md126, md_d126 */
static bool has_number(const char *name)
{
	const char *number = name + strlen("md");

	if (strncmp(number, "_d", 2) == 0)
		number += 2;
	return *number && number[strspn(number, "0123456789")] == '\0';
}

/* True: whoever stopped it has a little time left for the rest. */
static bool is_left_to_others(struct managed_array *ma, uint64_t now)
{
	if (!ma->clear_at_ns)
		return false;
	if (device_is_gone(ma)) {
		ma->clear_at_ns = 0;
		return false;
	}
	if (now >= ma->clear_at_ns) {
		ma->clear_at_ns = 0;
		clear_stopped(ma);
		return false;
	}
	ma->retry.at_ns = now + STOP_LOOK_MS * NS_PER_MS;
	return true;
}

bool array_is_clearing(struct managed_array *ma)
{
	uint64_t now = clock_now_ns();

	if (is_left_to_others(ma, now))
		return true;
	if (!ma->clearing_until_ns)
		return false;
	if (device_is_gone(ma) || now >= ma->clearing_until_ns) {
		ma->clearing_until_ns = 0;
		ma->retry.at_ns = 0;
		return false;
	}
	ma->retry.at_ns = now + CLEAR_LOOK_MS * NS_PER_MS;
	return true;
}

/*
 * mdadm 4.5 and later look for the device once more when the ping is answered, to stop it in the old way, too. One without
 * a number they do not find when it is gone, and call it busy.
 */
static void stopped(struct managed_array *ma)
{
	if (has_number(ma->name))
		clear_stopped(ma);
	else
		ma->clear_at_ns = clock_now_ns() + STOP_LIMIT_MS * NS_PER_MS;
}

static void array_ended(struct managed_array *ma, int error)
{
	if (error) {
		if (error == -EBUSY)
			ma->mgr->look_again_ns = clock_now_ns() + RETRY_MIN_MS * NS_PER_MS;
		array_refuse(ma, error);
		return;
	}
	if (ma->let_go)
		return;
	if (!handoff_draining() && ma->watch->seen_running)
		stopped(ma);
	log_event(LOG_LEVEL_INFO, ABOUT("array-stopped", ma->name, NULL), "%s: %s", ma->name,
		  handoff_draining() ? "let go" : "stopped");
}

void array_discarded(struct active_array *a)
{
	struct managed_array *ma = a->managed;
	int error = a->discard_error;

	array_release(a);
	if (--ma->copies)
		return;
	ma->current = NULL;
	ma->retry.at_ns = 0;
	array_ended(ma, error);
}
