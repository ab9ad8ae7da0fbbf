/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may happen in a life, one event after the other. An event has up to two arguments, and a seed for what is random
 * in it; where it makes no sense nothing happens. As text:
 *
 *	pass            the monitor waits, and makes a pass      manage         the manager takes its turn
 *	run N           N times both
 *	write V R       to region R of volume V                  finish V       it is complete
 *	idle V          no write for some time                   sync V N       N regions of a resync or rebuild
 *	fail V S        the member in slot S fails               stop V, clear V, start
 *	pull D, plug D  a disk goes, comes back                  blank          a new disk is added as a spare
 *	refuse D        it takes no metadata, or does again      nospare        md takes no spares, or does again
 *	shut D          a daemon that does not have it cannot open it, or can again
 *	dim D           it cannot be read, or can again
 *	remove D, add D  one that has failed leaves the container, and is added to it as a new spare
 *	hang D N        when it has got N more writes it answers none any more
 *	answer D        it does, all of them; error D         it fails them, carried out or not
 *	create V S      volume V anew, on disks from S on        delete V, rename V
 *	kill N, cut N   after N more steps the daemon dies, the power fails
 *	boot DISKS      the machine starts with these disks      daemon         a daemon is started
 *	takeover        one that takes the place of another
 *	grow N          mdadm --grow, or on with it: N disks for all; 10 + V: volume V as RAID5; 20 + V: other chunks for it
 *	mdadm N         it goes N steps                            busy N         as run, but no time passes
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

/* Of a volume that is made in the course of a life. */
#define NEW_SIZE 65536u
#define OFFSET_STEP 200000u

static struct md_array *running(unsigned volume)
{
	struct md_array *a = volume < SIM_VOLUMES ? md_of(volume) : NULL;

	return world.power && a && a->there ? a : NULL;
}

/* ---- arrays and users ---- */

static void do_write(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (a)
		md_write(a, e->b % REGIONS);
}

static void do_finish(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (a)
		md_finish(a);
}

static void do_idle(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (a)
		md_idle(a);
}

static void do_sync(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (a)
		md_sync(a, e->b);
}

static void do_fail(const struct event *e)
{
	struct md_array *a = running(e->a);

	for (unsigned i = 0; a && i < a->members; i++)
		if (a->member[i].there && a->member[i].slot == e->b && !a->member[i].faulty) {
			md_fail(a, i);
			return;
		}
}

static void do_stop(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (!a || a->waiting || a->in_flight || a->mode == MD_STOPPED)
		return;
	grow_stopped(e->a);
	md_stop(a);
	if (a->raid0)
		md_clear(a);
}

static void do_clear(const struct event *e)
{
	struct md_array *a = running(e->a);

	if (a && a->mode == MD_STOPPED)
		md_clear(a);
}

/* Whoever starts something without a disk that knows better lets two halves live apart: nothing is claimed of them. */
static void excuse_old(uint32_t set)
{
	static struct reader_result now, whole;
	unsigned number[SIM_DISKS];
	bool all = judge_read(set_of_all(), &whole, number), part = judge_read(set, &now, number);

	if (part && all && now.generation == whole.generation && now.generation >= world.generation)
		return;
	world.split = true;
}

/* mdadm -IRs: what can be started is. */
static void do_start(const struct event *e)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	(void)e;
	if (!world.power || !judge_read(set_of_container(), &r, number))
		return;
	for (unsigned i = 0; i < r.volumes; i++) {
		struct truth *t = truth_by_name(r.volume[i].name);

		if (!t || t->unsure || t->array >= 0 || !r.volume[i].can_start ||
		    (r.volume[i].reshaping && !grow_may_resume(&r.volume[i], number)))
			continue;
		sim_say("  volume %s is started", t->plan.name);
		excuse_old(set_of_container());
		world.split |= daemon_knows_more(); /* an old half, too, and nobody can tell mdadm */
		t->halved |= truth_is_halved(t);
		world.generation = r.generation > world.generation ? r.generation : world.generation;
		truth_learn_shape(t, &r.volume[i], number);
		if (r.volume[i].reshaping)
			truth_begin_reshape(t);
		else if (t->reshaping && t->moved < REGIONS && !world.split)
			sim_hit("a volume is started, and its reshape is forgotten (volume %s)", t->plan.name);
		else
			truth_end_reshape(t);
		md_start((unsigned)(t - world.volume), &r.volume[i], number);
		if (truth_any_reshape(&r))
			md_make_equal(&world.array[t->array]);
	}
	grow_found();
}

/* ---- messages of mdadm ---- */

static void created(unsigned volume, int status)
{
	struct truth *t = &world.volume[volume];

	sim_say("  volume %s: created, status %d", t->plan.name, status);
	t->announced &= status != 0;
	t->unsure = status == -EIO;
	t->exists = !status;
	for (unsigned s = 0; s < t->plan.members; s++)
		if (md_failed_somewhere(t->plan.disk[s]) || !world.disk[t->plan.disk[s]].attached ||
		    world.disk[t->plan.disk[s]].refused || /* it may not have taken that yet: is_recorded() */
		    !judge_is_newest(t->plan.disk[s]) ||   /* nor one that was out for a while */
		    judge_says_failed(t->plan.disk[s])) /* the daemon knew it from a disk that was pulled before mdadm read them */
			t->entitled[s] = -1; /* meanwhile */
	world.truth_changed = true;
}

static void deleted(unsigned volume, int status)
{
	struct truth *t = &world.volume[volume];

	sim_say("  volume %s: deleted, status %d", t->plan.name, status);
	t->unsure = status == -EIO;
	t->exists = status;
	world.truth_changed = true;
}

static void renamed(unsigned volume, int status)
{
	struct truth *t = &world.volume[volume];

	sim_say("  volume %s: renamed to %s, status %d", t->plan.name, t->other_name, status);
	t->unsure = status == -EIO;
	if (!status)
		memcpy(t->plan.name, t->other_name, sizeof(t->plan.name));
	world.truth_changed = true;
}

static bool may_message(struct reader_result *r, unsigned *number)
{
	return world.power && world.alive && world.loaded && judge_read(set_of_container(), r, number);
}

static void plan_new(struct sim_volume *p, unsigned volume, const unsigned *usable, unsigned count, unsigned first)
{
	*p = (struct sim_volume){ .level = world.ad->level[sim_pick(world.ad->levels)],
				  .component_size = NEW_SIZE,
				  .offset = volume * OFFSET_STEP,
				  .initialized = sim_chance(2) };
	p->members = p->level == 10 ? 4 : p->level == 5 ? 3 : 2;
	if (p->members > count) {
		p->level = 1;
		p->members = 2;
	}
	for (unsigned s = 0; s < p->members; s++)
		p->disk[s] = usable[(first + s) % count];
	snprintf(p->name, sizeof(p->name), "n%x", sim_random() & 0xffff);
}

static void announced(unsigned volume, int status)
{
	sim_say("  volume %s: announced, status %d", world.volume[volume].plan.name, status);
}

static void announce(const struct reader_result *r, const struct sim_volume *plan, unsigned volume)
{
	uint8_t buf[SIM_MESSAGE];

	world.volume[volume].announced = world.ad->announce;
	if (world.ad->announce)
		daemon_message(buf, world.ad->announce(buf, r, plan), volume, announced);
}

static void do_create(const struct event *e)
{
	static struct reader_result r;
	struct truth *t = &world.volume[e->a % SIM_VOLUMES];
	unsigned number[SIM_DISKS], usable[SIM_DISKS], count = 0;
	uint8_t buf[SIM_MESSAGE];
	struct sim_volume plan;
	size_t len;

	if (t->exists || t->unsure || t->array >= 0 || e->a >= world.ad->volumes || !world.ad->create || grow_is_due() ||
	    !may_message(&r, number))
		return;
	for (unsigned i = 0; i < SIM_DISKS; i++)
		if (claims_set_to_open() & 1u << i && !world.disk[i].refuses)
			usable[count++] = i;
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < (unsigned)__builtin_popcount(set_of_container()); k++)
			if (number[k] == usable[i] && (set_of_container() & 1u << number[k]) &&
			    r.role[k] != READER_MEMBER && r.role[k] != READER_SPARE) {
				usable[i--] = usable[--count];
				break;
			}
	if (count < 2)
		return;
	plan_new(&plan, e->a, usable, count, e->b);
	if (truth_has_name(plan.name))
		return;
	len = world.ad->create(buf, &r, &plan);
	if (!len)
		return;
	truth_init(t, &plan);
	t->unsure = true;
	announce(&r, &plan, e->a);
	daemon_message(buf, len, e->a, created);
}

/* Two who talk to the daemon at once: mdadm's messages name a volume by its number, which the other one may change. */
static bool any_message(void)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (world.volume[v].unsure)
			return true;
	return false;
}

static const struct reader_volume *stopped(unsigned volume, struct reader_result *r)
{
	unsigned number[SIM_DISKS];
	struct truth *t = &world.volume[volume];

	if (volume >= SIM_VOLUMES || !t->exists || any_message() || t->array >= 0 || !may_message(r, number))
		return NULL;
	for (unsigned i = 0; i < r->volumes; i++)
		if (strcmp(r->volume[i].name, t->plan.name) == 0)
			return &r->volume[i];
	return NULL;
}

static void do_delete(const struct event *e)
{
	static struct reader_result r;
	const struct reader_volume *rv = stopped(e->a, &r);
	uint8_t buf[SIM_MESSAGE];
	size_t len = rv && world.ad->remove ? world.ad->remove(buf, &r, rv->number) : 0;

	if (!len)
		return;
	world.volume[e->a].unsure = true;
	world.volume[e->a].other_name[0] = '\0';
	daemon_message(buf, len, e->a, deleted);
}

static void do_rename(const struct event *e)
{
	static struct reader_result r;
	const struct reader_volume *rv = stopped(e->a, &r);
	struct truth *t = &world.volume[e->a];
	uint8_t buf[SIM_MESSAGE];
	size_t len;

	if (!rv || !world.ad->rename)
		return;
	snprintf(t->other_name, sizeof(t->other_name), "r%x", sim_random() & 0xffff);
	len = world.ad->rename(buf, &r, rv->number, t->other_name);
	if (!len)
		return;
	t->unsure = true;
	daemon_message(buf, len, e->a, renamed);
}

/*
 * Nobody will say what became of a message whose daemon has died: who asked looks at the disks. If the volume is on others
 * only, that are not there, nobody knows yet.
 */
static void resolve_unsure(void)
{
	static struct reader_result r, all;
	unsigned number[SIM_DISKS];

	if (!judge_read(set_of_container(), &r, number))
		return;
	/* Whoever goes on without the disks that said so goes on with an old half: do_daemon(). */
	if (r.generation > world.generation)
		world.generation = r.generation;
	judge_read(set_of_all(), &all, number);
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct truth *t = &world.volume[v];
		bool found;

		if (!t->unsure)
			continue;
		if (truth_is_on(&r, t->other_name))
			memcpy(t->plan.name, t->other_name, sizeof(t->plan.name));
		found = truth_is_on(&r, t->plan.name);
		if (!found && (truth_is_on(&all, t->plan.name) || truth_is_on(&all, t->other_name)))
			continue;
		/* The deletion, or the new name, is on disks only that are not there. */
		if (found && !truth_is_on(&all, t->plan.name))
			continue;
		if (found && !t->exists)
			memset(t->entitled, -1, sizeof(t->entitled)); /* nobody was told that it is there */
		t->exists = found;
		t->unsure = false;
		t->other_name[0] = '\0';
	}
	world.truth_changed = true;
}

/* ---- daemons and the power ---- */

static void do_pass(const struct event *e)
{
	(void)e;
	daemon_pass();
}

static void do_manage(const struct event *e)
{
	(void)e;
	daemon_manage();
}

static void do_run(const struct event *e)
{
	for (unsigned i = 0; i < e->a && world.alive; i++) {
		daemon_manage();
		if (world.alive)
			daemon_pass();
	}
}

/* The daemon's timers wait. */
static void do_busy(const struct event *e)
{
	for (unsigned i = 0; i < e->a && world.alive; i++) {
		daemon_manage();
		if (world.alive && world.loaded && daemon_is_called())
			daemon_pass();
	}
}

static void do_kill(const struct event *e)
{
	world.countdown = e->a;
	world.doom = DOOM_KILL;
	if (!e->a && world.alive) {
		world.countdown = 0;
		sim_point();
	}
}

static void do_cut(const struct event *e)
{
	if (!world.power)
		return;
	world.countdown = e->a;
	world.doom = DOOM_CUT;
	if (!e->a || !world.alive) {
		world.alive = true; /* for the moment of its end */
		world.countdown = 0;
		sim_point();
	}
}

/* What was written last, by a daemon that died then, may be on disks only that have left, and calls none of these a member. */
static bool is_old_half(void)
{
	static struct reader_result all, now;
	unsigned number[SIM_DISKS], n;

	if (!judge_read(set_of_container(), &now, number) || !judge_read(set_of_all(), &all, number) ||
	    now.generation >= all.generation)
		return false;
	n = (unsigned)__builtin_popcount(set_of_all());
	for (unsigned i = 0; i < n; i++)
		if (all.role[i] == READER_MEMBER && set_of_container() & 1u << number[i])
			return false;
	return true;
}

static void do_daemon(const struct event *e)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	(void)e;
	if (!world.power || world.loaded || !md_needs_daemon())
		return;
	/* Without any member it would serve another container. */
	if (judge_read(claims_set_to_open(), &r, number) && !r.volumes)
		return;
	/* The disks that were written last have been taken out meanwhile: it serves an old half, as in excuse_old(). */
	if (!judge_knows_newest(set_of_container()) || is_old_half()) {
		world.split = true;
		return;
	}
	if (claims_know_too_little())
		return;
	resolve_unsure();
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		world.volume[v].halved |= world.volume[v].exists && truth_is_halved(&world.volume[v]);
	daemon_start();
}

static void do_takeover(const struct event *e)
{
	(void)e;
	if (!world.power || !world.loaded)
		return;
	daemon_end();
	do_daemon(e);
}

/* Copies that were torn when the power failed: those of disks that stay away, too. */
static void note_torn(void)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS], k = 0;
	uint32_t all = set_of_all();

	judge_read(all, &r, number);
	for (unsigned n = 0; n < world.disks; n++) {
		world.disk[n].torn = all & 1u << n && r.role[k] == READER_DAMAGED;
		k += all >> n & 1;
		if (world.disk[n].torn)
			truth_torn(n);
		world.trouble |= world.disk[n].torn;
	}
}

static void do_boot(const struct event *e)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS], k = 0;
	uint32_t set = (uint32_t)e->a | (uint32_t)e->b << 8;

	if (world.power)
		return;
	set &= set_of_all();
	world.power = true;
	world.trouble |= set != set_of_all();
	excuse_old(set);
	note_torn();
	/* What a volume is started from is known, though it may be on one disk only. */
	if (judge_read(set, &r, number) && r.generation > world.generation)
		world.generation = r.generation;
	for (unsigned n = 0; n < world.disks; n++) {
		world.disk[n].refuses = world.disk[n].refused = world.disk[n].hangs = world.disk[n].behind = false;
		world.disk[n].shut = world.disk[n].unreadable = false;
		world.disk[n].hangs_in = 0;
		world.disk[n].attached = set & 1u << n;
		if (world.disk[n].exists && !world.disk[n].attached)
			truth_gone(n);
		world.disk[n].in_container =
			world.disk[n].attached && r.role[k] != READER_BLANK && r.role[k] != READER_DAMAGED;
		k += world.disk[n].attached;
	}
	world.md_refuses_spares = false;
	do_start(e);
}

/* ---- reshapes ---- */

static void do_grow(const struct event *e)
{
	if (!any_message())
		grow_ask(e->a);
}

static void do_mdadm(const struct event *e)
{
	for (unsigned i = 0; i < e->a; i++)
		grow_step();
}

/* ---- the list ---- */

enum args { NONE, COUNT, VOLUME, VOLUME_REGION, VOLUME_COUNT, VOLUME_SLOT, DISK, DISK_WRITES, STEPS, ROUNDS, DISKS };

static const struct {
	const char *name;
	void (*apply)(const struct event *e);
	enum args args;
	unsigned weight;
} list[] = {
	{ "pass", do_pass, NONE, 20 },
	{ "manage", do_manage, NONE, 14 },
	{ "run", do_run, ROUNDS, 20 },
	{ "write", do_write, VOLUME_REGION, 20 },
	{ "finish", do_finish, VOLUME, 10 },
	{ "idle", do_idle, VOLUME, 8 },
	{ "sync", do_sync, VOLUME_COUNT, 18 },
	{ "fail", do_fail, VOLUME_SLOT, 12 },
	{ "stop", do_stop, VOLUME, 3 },
	{ "clear", do_clear, VOLUME, 5 },
	{ "start", do_start, NONE, 4 },
	{ "pull", bay_pull, DISK, 4 },
	{ "plug", bay_plug, DISK, 8 },
	{ "blank", bay_blank, NONE, 5 },
	{ "refuse", bay_refuse, DISK, 3 },
	{ "shut", bay_shut, DISK, 3 },
	{ "dim", bay_dim, DISK, 3 },
	{ "remove", bay_remove, DISK, 3 },
	{ "add", bay_add, DISK, 5 },
	{ "nospare", bay_nospare, NONE, 1 },
	{ "create", do_create, VOLUME_SLOT, 3 },
	{ "delete", do_delete, VOLUME, 2 },
	{ "rename", do_rename, VOLUME_SLOT, 2 },
	{ "kill", do_kill, STEPS, 4 },
	{ "cut", do_cut, STEPS, 5 },
	{ "boot", do_boot, DISKS, 0 },
	{ "daemon", do_daemon, NONE, 2 },
	{ "takeover", do_takeover, NONE, 1 },
	{ "grow", do_grow, COUNT, 8 },
	{ "mdadm", do_mdadm, ROUNDS, 60 },
	{ "busy", do_busy, ROUNDS, 20 },
	{ "hang", bay_hang, DISK_WRITES, 18 },
	{ "answer", bay_answer, DISK, 12 },
	{ "error", bay_error, DISK, 3 },
};

#define RESHAPES 3 /* of them, before those that follow */
#define HANGS 3    /* the last ones */

#define EVENTS (sizeof(list) / sizeof(list[0]))

static uint8_t op_of(const char *name)
{
	for (unsigned i = 0; i < EVENTS; i++)
		if (strcmp(list[i].name, name) == 0)
			return (uint8_t)i;
	return UINT8_MAX;
}

static uint32_t boot_set(void)
{
	uint32_t set = set_of_all();

	if (sim_chance(3))
		set &= ~(1u << sim_pick(world.disks));
	if (sim_chance(6))
		set &= (uint32_t)sim_random();
	return set;
}

static void choose_arguments(struct event *e)
{
	uint32_t set;

	switch (list[e->op].args) {
	case NONE:
		break;
	case COUNT:
		e->a = (uint8_t)(sim_chance(2) ? 1u + sim_chance(4) : 10 * (1 + sim_pick(2)) + sim_pick(2));
		break;
	case VOLUME:
	case VOLUME_REGION:
	case VOLUME_COUNT:
	case VOLUME_SLOT:
		e->a = (uint8_t)(sim_chance(3) ? sim_pick(SIM_VOLUMES) : sim_pick(2));
		e->b = (uint8_t)(list[e->op].args == VOLUME_COUNT ? 1 + sim_pick(REGIONS + 1) : sim_pick(4));
		break;
	case DISK:
	case DISK_WRITES:
		e->a = (uint8_t)(world.hasty ? 0 : sim_pick(world.disks));
		if (list[e->op].args == DISK_WRITES)
			e->b = (uint8_t)(sim_chance(2) ? sim_pick(8) : 0);
		break;
	case STEPS:
		e->a = (uint8_t)(sim_chance(4) ? 0 : sim_pick(12));
		break;
	case ROUNDS:
		e->a = (uint8_t)(1 + sim_pick(6));
		break;
	case DISKS:
		set = boot_set();
		e->a = (uint8_t)set;
		e->b = (uint8_t)(set >> 8);
		break;
	}
}

/*
 * A disk refuses what is written, takes writes again, and before the daemon has asked it once more a reshape begins:
 * there is no time for anything else.
 */
static void hurry(struct event *e)
{
	static const char *const meanwhile[] = { "write", "busy", "busy", "refuse" };
	bool refuses = false, refused = false, moved = false;

	for (unsigned n = 0; n < world.disks; n++) {
		refuses |= world.disk[n].refuses;
		refused |= world.disk[n].refused;
	}
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		moved |= world.volume[v].reshaping && world.volume[v].moved;
	if (moved)
		return;
	if (e->op == op_of("run") || e->op == op_of("pass"))
		e->op = op_of("busy");
	if (refuses)
		e->op = op_of(meanwhile[sim_pick(4)]);
	else if (!grow_is_due() && refused)
		e->op = op_of(sim_chance(3) ? "finish" : "grow");
	else if (!grow_is_due())
		e->op = op_of(sim_chance(2) ? "refuse" : "busy");
	else if (!sim_chance(4))
		e->op = op_of(sim_chance(2) ? "mdadm" : "busy");
}

/*
 * Lives with reshapes: in every other one no disk gets into trouble, so that whatever begins must come to its end, and
 * the moment at which one volume is done and the next one begins is sought.
 */
static void lean(struct event *e)
{
	static const char *const trouble[] = { "fail", "pull", "refuse", "shut", "dim", "create", "delete", "rename" };

	for (unsigned i = 0; world.calm && i < sizeof(trouble) / sizeof(trouble[0]); i++)
		if (e->op == op_of(trouble[i]))
			e->op = op_of("mdadm");
	if (world.hasty)
		hurry(e);
	else if (grow_is_at_its_end() && sim_chance(4))
		e->op = op_of(sim_chance(3) ? "kill" : "cut");
	else if (!grow_is_due() && sim_chance(8))
		e->op = op_of("grow");
}

static unsigned weight(unsigned op)
{
	if (op >= EVENTS - HANGS)
		return world.hangs ? list[op].weight : 0;
	return op >= EVENTS - HANGS - RESHAPES && !world.reshapes ? 0 : list[op].weight;
}

void event_choose(struct event *e)
{
	unsigned total = 0, pick, i = 0;

	*e = (struct event){ .seed = (uint16_t)sim_random() };
	for (unsigned k = 0; k < EVENTS; k++)
		total += weight(k);
	pick = sim_pick(total);
	while (pick >= weight(i))
		pick -= weight(i++);
	e->op = (uint8_t)i;
	if (!world.power)
		e->op = op_of("boot");
	else if (!world.loaded && !sim_chance(3))
		e->op = op_of("daemon");
	else if (world.reshapes)
		lean(e);
	choose_arguments(e);
}

void event_apply(const struct event *e)
{
	char text[64];

	event_print(e, text, sizeof(text));
	sim_say("%s", text);
	world.random = (uint64_t)e->seed * 0x9e3779b97f4a7c15 + e->op + 1;
	list[e->op].apply(e);
	if (world.loaded && (!world.alive || (!md_needs_daemon() && daemon_idle())))
		daemon_end();
	if (world.power && !world.loaded && any_message())
		resolve_unsure();
}

/* ---- text ---- */

static void print_set(uint32_t set, char *text)
{
	for (unsigned i = 0; i < SIM_DISKS; i++)
		if (set & 1u << i)
			*text++ = (char)('a' + i);
	*text = '\0';
}

void event_print(const struct event *e, char *text, size_t size)
{
	char args[SIM_DISKS + 16] = "", seed[12] = "";

	switch (list[e->op].args) {
	case NONE:
		break;
	case COUNT:
	case VOLUME:
	case STEPS:
	case ROUNDS:
		snprintf(args, sizeof(args), " %u", e->a);
		break;
	case VOLUME_REGION:
	case VOLUME_COUNT:
	case VOLUME_SLOT:
		snprintf(args, sizeof(args), " %u %u", e->a, e->b);
		break;
	case DISK:
		snprintf(args, sizeof(args), " %c", 'a' + e->a);
		break;
	case DISK_WRITES:
		snprintf(args, sizeof(args), " %c %u", 'a' + e->a, e->b);
		break;
	case DISKS:
		args[0] = ' ';
		print_set((uint32_t)e->a | (uint32_t)e->b << 8, args + 1);
		break;
	}
	if (e->seed)
		snprintf(seed, sizeof(seed), " #%x", e->seed);
	snprintf(text, size, "%s%s%s", list[e->op].name, args, seed);
}

bool event_parse(const char *text, struct event *e)
{
	char name[16] = "", first[SIM_DISKS + 1] = "";
	const char *seed = strchr(text, '#');
	unsigned b = 0;

	*e = (struct event){ .seed = (uint16_t)(seed ? strtoul(seed + 1, NULL, 16) : 0) };
	sscanf(text, " %15s %16[a-p0-9] %u", name, first, &b);
	e->op = op_of(name);
	if (e->op == UINT8_MAX)
		return false;
	e->b = (uint8_t)b;
	if (list[e->op].args == DISK || list[e->op].args == DISK_WRITES) {
		e->a = (uint8_t)(first[0] - 'a');
	} else if (list[e->op].args == DISKS) {
		uint32_t set = 0;

		for (const char *c = first; *c; c++)
			set |= 1u << (*c - 'a');
		e->a = (uint8_t)set;
		e->b = (uint8_t)(set >> 8);
	} else {
		e->a = (uint8_t)atoi(first);
	}
	return true;
}
