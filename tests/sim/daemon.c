/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon in the world. Its monitor is the real one, with all that it calls (monitor.c, monitor/, threads/handoff.c,
 * the handler), one pass at a time. The manager is imitated: what it does in manager/ is done here in the same order,
 * without its files and its helper, and it can be stopped between any two steps.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "metadata/disk.h"
#include "monitor/pass.h"
#include "tests/sim/sim.h"
#include "threads/handoff.h"

#define ARENA (8 << 20)
#define MEMBERS_MAX 32

enum step { IDLE, FINDING, COMMITTING };

/* One array, as the manager has it. */
struct managed {
	struct array_watch *watch;
	struct active_array *current, *with_spares;
	struct md_array *md;
	unsigned number; /* of the array in the world */
	unsigned copies, wants;
	bool frozen_by_us, refused, let_go;
	enum step step;
	struct spare_request spares;
};

struct message {
	struct metadata_update u; /* first */
	unsigned volume;
	void (*done)(unsigned volume, int status);
};

static struct monitor monitor;
static struct supertype st;
static struct managed managed[ARRAYS];
static unsigned manageds;
static uint32_t known; /* set of disks that the manager has seen in the container */
/* Of them, those turned down because of a reshape, and not by who loads when it is over; those that may yet be. */
static uint32_t misleading, arriving;
static unsigned queued; /* updates that are not back */
static unsigned moves[SIM_DISKS]; /* of them, those that tell of this disk */
static bool reading;    /* the helper reads a disk that has come */
static bool posted;     /* something, since the monitor's last pass */

/* ---- memory that a daemon has until it ends ---- */

static uint8_t *arena;
static size_t used;

static void *get(size_t size)
{
	void *p;

	if (!arena)
		arena = calloc(1, ARENA);
	size = (size + 63) / 64 * 64;
	if (!arena || used + size > ARENA)
		abort();
	p = arena + used;
	used += size;
	return p;
}

static void give_all_back(void)
{
	memset(arena, 0, used);
	used = 0;
}

/* ---- copies of arrays ---- */

static struct mdinfo *open_member(const struct managed *ma, unsigned i)
{
	const struct md_disk *m = &ma->md->member[i];
	struct mdinfo *d = get(sizeof(*d));

	snprintf(d->name, sizeof(d->name), "dev-sd%c", 'a' + m->disk);
	d->dev = sim_dev(m->disk);
	d->slot = m->slot;
	d->data_offset = world.volume[ma->md->volume].begins[m->disk];
	d->meta_slot = -1;
	d->recovery_start = SECTORS_NONE;
	d->state_fd = md_fd(ma->number, i, FILE_MEMBER_STATE);
	d->recovery_start_fd = md_fd(ma->number, i, FILE_RECOVERY_START);
	d->bad_blocks_fd = md_fd(ma->number, i, FILE_BAD);
	d->unacknowledged_fd = md_fd(ma->number, i, FILE_UNACKNOWLEDGED);
	d->manager_fd = (int)i;
	return d;
}

static struct active_array *duplicate(const struct managed *ma)
{
	const struct active_array *old = ma->current;
	struct active_array *a = get(sizeof(*a) + MEMBERS_MAX * sizeof(a->disks[0]));

	*a = *old;
	a->node.next = NULL;
	a->next = NULL;
	a->replaces = ma->current;
	a->disk_count = 0;
	for (unsigned i = 0; i < old->disk_count; i++)
		if (!old->disks[i]->removed)
			a->disks[a->disk_count++] = old->disks[i];
	return a;
}

static void publish(struct managed *ma, struct active_array *a)
{
	ma->current = a;
	ma->copies++;
	posted = true;
	handoff_publish(a);
}

static bool knows(const struct managed *ma, unsigned member)
{
	for (unsigned i = 0; i < ma->current->disk_count; i++)
		if (ma->current->disks[i]->manager_fd == (int)member)
			return true;
	return false;
}

/* Members that md has and we do not know. True if there were some. */
static bool pick_up_members(struct managed *ma)
{
	struct active_array *a = duplicate(ma);

	for (unsigned i = 0; i < ma->md->members; i++)
		if (ma->md->member[i].there && ma->md->member[i].slot >= 0 && !knows(ma, i))
			a->disks[a->disk_count++] = open_member(ma, i);
	if (a->disk_count == ma->current->disk_count)
		return false;
	publish(ma, a);
	return true;
}

static void read_shape(const struct md_array *md, struct active_array *a)
{
	a->level = md_level(md);
	a->raid_disks = (int)md->raid_disks;
	a->layout = md_layout(md);
	a->chunk = md_chunk(md);
}

/* One that was refused is tried again. */
static struct managed *entry_for(unsigned number)
{
	for (unsigned i = 0; i < manageds; i++)
		if (managed[i].number == number && managed[i].refused && !managed[i].copies)
			return &managed[i];
	return &managed[manageds++];
}

static void adopt(unsigned number)
{
	struct md_array *md = &world.array[number];
	const struct sim_volume *v = &world.volume[md->volume].plan;
	struct managed *ma = entry_for(number);
	struct active_array *a = get(sizeof(*a) + MEMBERS_MAX * sizeof(a->disks[0]));

	memset(ma, 0, sizeof(*ma));
	ma->md = md;
	ma->number = number;
	ma->watch = get(sizeof(*ma->watch));
	ma->watch->resync_start = SECTORS_NONE;
	snprintf(a->name, sizeof(a->name), "md%u", 126 - md->volume);
	a->container = &st;
	a->watch = ma->watch;
	a->member = (int)md->number;
	read_shape(md, a);
	a->component_size = v->component_size;
	a->array_state_fd = md_fd(number, 0, FILE_STATE);
	a->sync_action_fd = md_fd(number, 0, FILE_ACTION);
	a->sync_completed_fd = md_fd(number, 0, FILE_COMPLETED);
	a->resync_start_fd = md_fd(number, 0, FILE_RESYNC_START);
	a->metadata_version_fd = md_fd(number, 0, FILE_VERSION);
	a->reshape_position_fd = md_fd(number, 0, FILE_RESHAPE);
	for (unsigned i = 0; i < md->members; i++)
		if (md->member[i].there && (md->member[i].slot >= 0 || md->member[i].faulty))
			a->disks[a->disk_count++] = open_member(ma, i);
	ma->frozen_by_us = md->frozen && !md->held_by_mdadm;
	publish(ma, a);
}

static bool is_managed(unsigned number)
{
	for (unsigned i = 0; i < manageds; i++)
		if (managed[i].number == number && !managed[i].let_go &&
		    !(managed[i].refused && !managed[i].copies))
			return true;
	return false;
}

/* It has another shape, or needs no daemon any more. */
static void update_shape(struct managed *ma)
{
	struct active_array now = *ma->current, *a;

	read_shape(ma->md, &now);
	if (ma->let_go || ma->refused || ma->copies != 1 || ma->step != IDLE || !md_runs(ma->md) ||
	    (now.level == ma->current->level && now.raid_disks == ma->current->raid_disks &&
	     now.layout == ma->current->layout && now.chunk == ma->current->chunk))
		return;
	ma->let_go = ma->md->raid0;
	a = duplicate(ma);
	read_shape(ma->md, a);
	publish(ma, a);
}

static void look_at_arrays(void)
{
	for (unsigned i = 0; i < manageds; i++)
		update_shape(&managed[i]);
	for (unsigned i = 0; i < world.arrays && world.alive; i++)
		if (world.array[i].there && world.array[i].mode != MD_STOPPED && !is_managed(i) &&
		    !world.array[i].raid0)
			adopt(i);
}

/* ---- updates ---- */

static struct metadata_update *new_update(enum update_op op, struct managed *ma)
{
	struct message *m = get(sizeof(*m));

	m->u.op = op;
	m->u.owner = ma;
	m->u.spares = ma ? &ma->spares : NULL;
	return &m->u;
}

static void queue(struct metadata_update *u)
{
	queued++;
	posted = true;
	handoff_queue_update(u);
}

void daemon_message(const uint8_t *buf, size_t len, unsigned volume, void (*done)(unsigned volume, int status))
{
	struct message *m = get(sizeof(*m));

	look_at_arrays(); /* as the manager does before it serves anybody */
	m->u.op = UPDATE_MESSAGE;
	m->u.buf = get(len);
	memcpy(m->u.buf, buf, len);
	m->u.len = len;
	m->volume = volume;
	m->done = done;
	if (st.ss->prepare_update(&st, &m->u)) {
		done(volume, -EINVAL);
		return;
	}
	queue(&m->u);
}

/* ---- spares ---- */

static bool is_busy(const struct managed *ma)
{
	const struct md_array *a = ma->md;

	return !md_runs(a) || a->held_by_mdadm || a->action != SYNC_IDLE || (a->frozen && !ma->frozen_by_us);
}

static void thaw(struct managed *ma)
{
	if (ma->frozen_by_us)
		md_freeze(ma->md, false);
	ma->frozen_by_us = false;
}

static void try_later(struct managed *ma)
{
	ma->with_spares = NULL;
	ma->step = IDLE;
	thaw(ma);
	ma->wants |= ARRAY_WANT_SPARE_CHECK;
}

/* Members that were put in just now. */
static void take_out(struct managed *ma)
{
	for (unsigned i = 0; i < ma->with_spares->disk_count; i++) {
		const struct mdinfo *d = ma->with_spares->disks[i];
		struct md_disk *m = &ma->md->member[d->manager_fd];

		if (knows(ma, (unsigned)d->manager_fd) || !m->there)
			continue;
		m->there = false;
		m->slot = -1;
	}
}

static bool may_begin(const struct managed *ma, const struct spare_pick *p)
{
	if (!world.ad->own_places)
		return p->data_offset == world.volume[ma->md->volume].plan.offset;
	return truth_is_free(ma->md->volume, (unsigned)disk_of_dev(p->dev), p->data_offset);
}

static void insert_picks(struct managed *ma)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < ma->spares.count; i++) {
		const struct spare_pick *p = &ma->spares.pick[i];
		unsigned disk = (unsigned)disk_of_dev(p->dev);
		int member;

		if (!p->in_array) {
			if (!sim_point())
				return;
			if (truth_md_has(ma->md->volume, disk, p->data_offset))
				continue;
			if (!may_begin(ma, p))
				sim_hit("spare sd%c is to begin at sector %llu", 'a' + disk, (unsigned long long)p->data_offset);
			member = md_insert(ma->md, disk, p->slot);
			if (member < 0)
				continue;
			truth_begins(ma->md->volume, disk, p->data_offset);
			truth_taken(ma->md->volume, disk);
			ma->with_spares->disks[ma->with_spares->disk_count++] = open_member(ma, (unsigned)member);
		}
		ma->spares.pick[kept++] = *p;
	}
	ma->spares.count = kept;
}

static void spares_found(struct managed *ma, const struct metadata_update *u)
{
	ma->step = IDLE;
	if (!ma->copies)
		return;
	if (!u->durable) {
		ma->wants |= ARRAY_WANT_SPARE_CHECK;
		return;
	}
	if (!ma->spares.count) {
		thaw(ma);
		return;
	}
	if (ma->copies != 1 || is_busy(ma)) {
		ma->wants |= ARRAY_WANT_SPARE_CHECK;
		return;
	}
	ma->with_spares = duplicate(ma);
	ma->frozen_by_us = true;
	md_freeze(ma->md, true);
	insert_picks(ma);
	if (!world.alive)
		return;
	if (!ma->spares.count) {
		try_later(ma);
		return;
	}
	sim_say("  md%u: spares inserted", 126 - ma->md->volume);
	ma->step = COMMITTING;
	queue(new_update(UPDATE_COMMIT_SPARES, ma));
}

static void note_named(const struct md_array *md, struct md_disk *m)
{
	m->recorded = true;
	world.volume[md->volume].named |= 1u << m->disk;
}

static void note_recorded(const struct managed *ma)
{
	for (unsigned i = 0; i < ma->spares.count; i++)
		for (unsigned k = 0; k < ma->md->members; k++)
			if (ma->md->member[k].there && sim_dev(ma->md->member[k].disk) == ma->spares.pick[i].dev)
				note_named(ma->md, &ma->md->member[k]);
}

static void spares_committed(struct managed *ma, const struct metadata_update *u)
{
	struct active_array *a = ma->with_spares;

	ma->with_spares = NULL;
	ma->step = IDLE;
	if (!ma->copies)
		return;
	if (u->status) {
		ma->with_spares = a;
		take_out(ma);
		try_later(ma);
		return;
	}
	publish(ma, a);
	if (!u->durable) {
		ma->wants |= ARRAY_WANT_SPARE_CHECK;
		return;
	}
	sim_say("  md%u: spares recorded", 126 - ma->md->volume);
	note_recorded(ma);
	thaw(ma);
}

static bool another_is_choosing(const struct managed *ma)
{
	for (unsigned i = 0; i < manageds; i++)
		if (&managed[i] != ma && managed[i].step != IDLE)
			return true;
	return false;
}

static void spare_check(struct managed *ma)
{
	if (another_is_choosing(ma) || ma->step != IDLE || ma->copies != 1 || is_busy(ma) || pick_up_members(ma))
		return;
	ma->wants &= ~(unsigned)ARRAY_WANT_SPARE_CHECK;
	memset(&ma->spares, 0, sizeof(ma->spares));
	ma->spares.watch = ma->watch;
	ma->spares.member = ma->current->member;
	ma->step = FINDING;
	queue(new_update(UPDATE_FIND_SPARES, ma));
}

/* ---- requests of the monitor ---- */

static void work_on_member(struct managed *ma, struct mdinfo *d)
{
	unsigned i = (unsigned)d->manager_fd;

	d->pending |= handoff_take_member_requests(d);
	if ((d->pending & MEMBER_WANT_UNBLOCK) && sim_point()) {
		md_unblock(ma->md, i);
		d->pending &= ~(unsigned)MEMBER_WANT_UNBLOCK;
	}
	if ((d->pending & (MEMBER_WANT_FAIL | MEMBER_WANT_GIVE_UP)) && sim_point()) {
		md_fail(ma->md, i);
		d->pending &= ~(unsigned)(MEMBER_WANT_FAIL | MEMBER_WANT_GIVE_UP);
	}
	if ((d->pending & MEMBER_WANT_REMOVE) && sim_point()) {
		int err = md_remove(ma->md, i);

		if (err && err != -ENODEV)
			return;
		d->pending = 0;
		d->removed = true;
	}
}

static void work_on_members(struct managed *ma)
{
	bool removed = false;

	for (unsigned i = 0; i < ma->current->disk_count && world.alive; i++) {
		work_on_member(ma, ma->current->disks[i]);
		removed |= ma->current->disks[i]->removed;
	}
	if (!removed || ma->copies != 1 || ma->step != IDLE || !world.alive)
		return;
	publish(ma, duplicate(ma));
	ma->wants |= ARRAY_WANT_SPARE_CHECK;
}

static void start_array(struct managed *ma)
{
	const char *word = ma->wants & ARRAY_WANT_ACTIVE ? "active" : "read-auto";

	if (!sim_point())
		return;
	if (ma->md->mode == MD_READONLY && md_runs(ma->md)) {
		sim_say("  md%u: started \"%s\"", 126 - ma->md->volume, word);
		md_array_state(ma->md, word);
	}
	ma->wants &= ~(unsigned)(ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE);
}

#define CALM_TURNS 10

/* Nothing keeps the daemon from recording what md has, and is in sync: if it never does, that is no excuse any more. */
static void excuse_no_longer(struct managed *ma)
{
	bool calm = md_serves(ma->md) && ma->copies == 1 && ma->step == IDLE && ma->md->action == SYNC_IDLE &&
		    !ma->md->frozen && !ma->md->held_by_mdadm && !ma->md->raid0;

	for (unsigned i = 0; i < ma->md->members; i++)
		calm &= !ma->md->member[i].there || !ma->md->member[i].faulty;
	for (unsigned i = 0; i < ma->md->members; i++) {
		struct md_disk *m = &ma->md->member[i];

		m->calm = calm && m->in_sync && known & 1u << m->disk ? m->calm + 1 : 0;
		m->recorded |= m->calm > CALM_TURNS;
	}
}

static void serve(struct managed *ma)
{
	if (!ma->copies)
		return;
	excuse_no_longer(ma);
	ma->wants |= handoff_take_array_requests(ma->current);
	work_on_members(ma);
	if (world.alive && ma->wants & (ARRAY_WANT_READ_AUTO | ARRAY_WANT_ACTIVE))
		start_array(ma);
	if (world.alive && ma->wants & ARRAY_WANT_RESHAPE_CHECK && ma->copies == 1 && ma->step == IDLE) {
		ma->wants &= ~(unsigned)ARRAY_WANT_RESHAPE_CHECK;
		pick_up_members(ma);
	}
	if (world.alive && ma->wants & ARRAY_WANT_SPARE_CHECK && sim_point())
		spare_check(ma);
}

/* ---- the manager's turn ---- */

static void take_discarded(void)
{
	struct active_array *a, *next;

	for (a = handoff_take_discarded(); a; a = next) {
		next = handoff_next_array(a);
		for (unsigned i = 0; i < manageds; i++) {
			struct managed *ma = &managed[i];

			if (ma->watch != a->watch)
				continue;
			ma->copies--;
			if (a->discard_error)
				ma->refused = true;
		}
	}
}

static void update_is_back(struct metadata_update *u)
{
	struct message *m = (struct message *)(void *)u;

	queued--;
	switch (u->op) {
	case UPDATE_FIND_SPARES:
		spares_found(u->owner, u);
		return;
	case UPDATE_COMMIT_SPARES:
		spares_committed(u->owner, u);
		return;
	case UPDATE_MESSAGE:
		m->done(m->volume, u->status ? u->status : u->durable ? 0 : -EIO);
		break;
	case UPDATE_ADD_DISK:
		moves[disk_of_dev(u->dev)]--;
		misleading |= u->status ? arriving & 1u << disk_of_dev(u->dev) : 0;
		arriving &= ~(1u << disk_of_dev(u->dev));
		break;
	case UPDATE_REMOVE_DISK:
		moves[disk_of_dev(u->dev)]--;
		break;
	}
	disk_close(u->disk);
	free(u->space);
	if (u->op == UPDATE_ADD_DISK)
		free(u->buf);
	u->space = NULL;
}

static void take_updates(void)
{
	struct metadata_update *u, *next;

	for (u = handoff_take_handled(); u; u = next) {
		next = handoff_next_update(u);
		update_is_back(u);
	}
}

/* A disk that has come is read beside all else, and may take its time. */
static void look_at_disks(void)
{
	reading = false;
	for (unsigned n = 0; n < world.disks && world.alive; n++) {
		bool in = world.disk[n].in_container && world.disk[n].attached;
		struct metadata_update *u;
		struct disk *d;

		if (in == !!(known & 1u << n) || !sim_point())
			continue;
		if (in && (world.disk[n].shut || sim_chance(4))) {
			reading = !world.disk[n].shut;
			continue;
		}
		known ^= 1u << n;
		misleading &= ~(1u << n);
		u = new_update(in ? UPDATE_ADD_DISK : UPDATE_REMOVE_DISK, NULL);
		u->dev = sim_dev(n);
		d = in ? disk_for_handler(n) : NULL;
		if (in && st.ss->add_to_super(&st, d, u)) {
			known ^= world.disk[n].unreadable ? 1u << n : 0; /* it is offered again */
			disk_close(d);
			continue;
		}
		arriving |= in && grow_is_on_record() ? 1u << n : 0;
		moves[n]++;
		queue(u);
	}
}

void daemon_manage(void)
{
	if (!world.loaded)
		return;
	take_discarded();
	take_updates();
	look_at_disks();
	look_at_arrays();
	for (unsigned i = 0; i < manageds && world.alive; i++)
		serve(&managed[i]);
}

/* ---- the monitor's turn ---- */

void daemon_pass(void)
{
	sigset_t none = { 0 };
	bool timer;

	if (!world.loaded)
		return;
	claims_note_missing(known);
	timer = monitor_wait(&monitor, &none);
	sim_wake_up = posted = false;
	monitor_pass(&monitor, timer);
	world.now_ns += NS_PER_MS;
	if (!world.alive)
		return;
	claims_note_entitled(&monitor);
	judge_note_written();
	if (sim_chance(8) && !arriving)
		claims_compare_with_disks(&monitor, known & ~misleading);
}

bool daemon_is_called(void)
{
	for (struct active_array *a = monitor.arrays; a; a = a->next)
		if (array_of_fd(a->array_state_fd)->event)
			return true;
	return sim_wake_up || posted || (monitor.hanging.count && flight_any_answer());
}

bool daemon_knows_more(void)
{
	return world.loaded && monitor.sync_failed;
}

bool daemon_knows(unsigned disk)
{
	return world.loaded && (known & 1u << disk || moves[disk]);
}

bool daemon_watches(const struct md_array *a)
{
	for (unsigned i = 0; a && i < manageds; i++)
		if (managed[i].md == a && managed[i].copies && !managed[i].watch->first)
			return true;
	return false;
}

bool daemon_has_looked_at(const struct md_array *a)
{
	return daemon_watches(a) && world.loaded && world.alive && !monitor.sync_failed && !monitor.some_wait;
}

bool daemon_idle(void)
{
	return !queued && !reading;
}

/* ---- start and end ---- */

static void forget_updates(struct metadata_update *u)
{
	for (struct metadata_update *next; u; u = next) {
		next = handoff_next_update(u);
		disk_close(u->disk);
		free(u->space);
		if (u->op == UPDATE_ADD_DISK)
			free(u->buf);
	}
}

void daemon_end(void)
{
	if (!world.loaded)
		return;
	if (st.sb)
		st.ss->free_super(&st);
	forget_updates(handoff_take_handled());
	forget_updates(handoff_take_updates());
	handoff_take_discarded();
	handoff_take_published();
	handoff_reset();
	give_all_back();
	world.loaded = false;
	manageds = queued = 0;
	/* The next one knows of disks that are out of date, not why. */
	for (unsigned n = 0; n < world.disks; n++)
		world.disk[n].behind = false;
}

void daemon_start(void)
{
	struct disk *disk[SIM_DISKS];
	unsigned number[SIM_DISKS];
	unsigned n = 0;
	int err;

	daemon_end();
	if (!world.power)
		return;
	handoff_reset();
	memset(&monitor, 0, offsetof(struct monitor, poll_fd));
	memset(&st, 0, sizeof(st));
	st.ss = world.ad->ss;
	snprintf(st.container, sizeof(st.container), "md127");
	monitor.st = &st;
	world.now_ns += NS_PER_S; /* nobody starts two of them within a second */
	monitor.next_look_ns = world.now_ns + NS_PER_S;
	known = misleading = arriving = 0;
	memset(moves, 0, sizeof(moves));
	reading = false;
	sim_wake_up = false;
	for (unsigned i = 0; i < world.disks; i++)
		if (world.disk[i].in_container && world.disk[i].attached && !world.disk[i].shut) {
			number[n] = i;
			disk[n++] = disk_for_handler(i);
			known |= world.disk[i].unreadable ? 0 : 1u << i;
		}
	for (unsigned i = 0; i < world.disks; i++) {
		world.disk[i].late = world.disk[i].attached && sim_is_closed(&world.disk[i]);
		/* A daemon died there, and this one cannot make it whole. */
		world.disk[i].torn |= world.disk[i].late && truth_left_torn(i);
		if (world.disk[i].late)
			truth_gone(i);
	}
	err = st.ss->load_container(&st, disk, n);
	for (unsigned i = 0; i < n; i++) {
		if (disk[i] && grow_is_on_record())
			misleading |= 1u << number[i];
		if (disk[i])
			world.disk[number[i]].torn |= truth_left_torn(number[i]); /* nobody makes it whole */
		disk_close(disk[i]);
	}
	world.loaded = world.alive = !err;
	world.daemons++;
	if (err)
		sim_say("  the daemon cannot load the container");
	for (unsigned i = 0; i < world.arrays; i++)
		world.array[i].event = true;
}
