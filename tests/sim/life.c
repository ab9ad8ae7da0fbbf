/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One life: a container, and what happens to it. A life that ends with a hit is lived again without one event or the
 * other, until nothing can be left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

struct sim_world world;

#define SIZE 65536u
#define OFFSET_STEP 200000u

/* ---- chance ---- */

static uint64_t judges_random; /* what the judge looks at does not change what happens */

static uint32_t next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (uint32_t)(x ^ x >> 31);
}

uint32_t sim_random(void)
{
	return next_random(&world.random);
}

unsigned sim_pick(unsigned n)
{
	return n ? sim_random() % n : 0;
}

/* ---- telling ---- */

void sim_say(const char *fmt, ...)
{
	va_list ap;

	if (!world.verbose)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void sim_hit(const char *fmt, ...)
{
	va_list ap;

	if (world.hit[0])
		return;
	va_start(ap, fmt);
	vsnprintf(world.hit, sizeof(world.hit), fmt, ap);
	va_end(ap);
	if (world.verbose)
		judge_print();
}

/* ---- places at which it may end ---- */

static void meet_doom(void)
{
	world.countdown = -1;
	if (world.doom == DOOM_CUT) {
		sim_say("  the power fails");
		flight_power_fails();
		judge_note_given_up();
		world.power = false;
		grow_forget();
		md_forget();
		world.cuts++;
	} else {
		sim_say("  the daemon is killed");
		flight_daemon_dies();
		world.kills++;
	}
	world.alive = false;
}

/* What is out to disks that hang stays so: it need not be looked at each time. */
static bool may_arrive(void)
{
	return flight_any_soon() || (flight_any() && (world.thorough == 1 || sim_chance(8)));
}

static void judge_here(void)
{
	uint64_t saved = world.random;

	world.random = judges_random;
	if (world.thorough <= 1 || sim_chance(world.thorough)) {
		judge_now();
		for (unsigned i = world.thorough == 1 ? 16 : 1; i && may_arrive() && !world.hit[0]; i--)
			flight_with_some(judge_all);
	}
	judges_random = world.random;
	world.random = saved;
}

bool sim_point(void)
{
	if (!world.alive)
		return false;
	world.points++;
	judge_here();
	if (world.countdown >= 0 && world.countdown-- == 0)
		meet_doom();
	return world.alive;
}

/* ---- a life ---- */

static void begin(const struct life *l)
{
	daemon_end();
	memset(world.volume, 0, sizeof(world.volume));
	world.arrays = 0;
	world.now_ns = 1000 * UINT64_C(1000000000);
	world.sector_size = l->sectors;
	world.physical_size = l->physical;
	world.power = world.alive = world.loaded = world.md_refuses_spares = false;
	world.reshapes = l->reshapes;
	world.calm = l->calm;
	world.hasty = l->hasty;
	world.hangs = l->hangs;
	world.trouble = false;
	world.daemons = 0;
	grow_forget();
	world.split = false;
	world.countdown = -1;
	world.hit[0] = '\0';
	world.truth_changed = true;
	world.generation = 0;
	judges_random = 1;
	disks_forget();
	for (unsigned n = 0; n < l->disks; n++)
		disk_make(n);
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		world.volume[v].array = -1;
	for (unsigned v = 0; v < l->volumes; v++) {
		truth_init(&world.volume[v], &l->volume[v]);
		world.volume[v].exists = true;
	}
	world.ad->create_container(l->volume, l->volumes, l->disks);
}

static void first_boot(const struct life *l)
{
	event_apply(&(struct event){ .op = 0 }); /* a pass of nobody */
	judge_all();
	(void)l;
}

static bool go_on(void)
{
	if (world.split || world.hit[0])
		return false;
	judge_here();
	return !world.hit[0];
}

static struct event boot_event(uint32_t set)
{
	struct event e;

	event_parse("boot", &e);
	e.a = (uint8_t)set;
	e.b = (uint8_t)(set >> 8);
	return e;
}

void life_live(const struct life *l)
{
	struct event boot;

	begin(l);
	first_boot(l);
	boot = boot_event(l->boot);
	event_apply(&boot);
	for (unsigned i = 0; i < l->events && go_on(); i++)
		event_apply(&l->event[i]);
	if (go_on() && l->reshapes)
		grow_settle();
}

/* ---- a random one ---- */

/* Most volumes use the first disks in their order. */
static void choose_disks(struct sim_volume *v, unsigned disks)
{
	unsigned order[SIM_DISKS] = { 0 };
	bool shuffle = sim_chance(3);

	for (unsigned n = 0; n < disks; n++)
		order[n] = n;
	for (unsigned n = disks; shuffle && n > 1; n--) {
		unsigned k = sim_pick(n), last = order[n - 1];

		order[n - 1] = order[k];
		order[k] = last;
	}
	for (unsigned s = 0; s < v->members; s++)
		v->disk[s] = order[s];
}

/* All volumes span all disks but the spares, as they must to be widened. */
static void choose_wide(struct life *l)
{
	unsigned members = 3 + sim_chance(3);

	l->reshapes = true;
	l->calm = sim_chance(2);
	l->hasty = !l->calm && sim_chance(2);
	l->disks = members + 1 + sim_chance(3);
	l->volumes = sim_chance(3) ? 1 : 2;
	for (unsigned v = 0; v < l->volumes; v++) {
		l->volume[v] = (struct sim_volume){ .level = sim_chance(3) ? 0 : 5,
						    .members = members,
						    .component_size = SIZE,
						    .offset = v * OFFSET_STEP,
						    .initialized = true };
		snprintf(l->volume[v].name, sizeof(l->volume[v].name), "v%u", v);
		choose_disks(&l->volume[v], members);
	}
	if (!l->volume[0].level && (l->volumes == 1 || !l->volume[1].level))
		l->volume[0].level = 5; /* somebody has to be served by a daemon */
	l->boot = (1u << l->disks) - 1;
	l->events = 16 + sim_pick(EVENTS_MAX - 16);
}

static void choose_volume(struct sim_volume *v, unsigned number, unsigned disks)
{
	*v = (struct sim_volume){ .component_size = SIZE,
				  .offset = number * OFFSET_STEP,
				  .initialized = !sim_chance(4) };
	snprintf(v->name, sizeof(v->name), "v%u", number);
	/* No daemon is needed for a RAID0 alone. */
	do {
		v->level = world.ad->level[sim_pick(world.ad->levels)];
		v->members = v->level == 10 ? 4 : v->level == 5 ? 3 + sim_pick(2) : v->level == 0 ? 2 + sim_pick(2) : 2;
	} while (v->members > disks || (!number && !v->level));
	choose_disks(v, disks);
}

/* What is random in the other lives stays as it was without this. */
static bool may_hang(uint64_t seed)
{
	uint64_t state = ~seed;

	return world.hang_share && next_random(&state) % world.hang_share == 0;
}

void life_choose(struct life *l, uint64_t seed)
{
	memset(l, 0, sizeof(*l));
	world.random = seed;
	for (unsigned i = 0; i < 8; i++)
		sim_random();
	l->hangs = may_hang(seed);
	l->sectors = world.ad->big_sectors && sim_chance(8) ? 4096 : 512;
	l->physical = l->sectors == 512 && sim_chance(2) ? 512 : 4096;
	if (seed >= SIM_RESHAPES) {
		choose_wide(l);
		return;
	}
	l->disks = 2 + sim_pick(4);
	l->volumes = 1 + sim_chance(2);
	if (l->volumes > world.ad->volumes)
		l->volumes = world.ad->volumes;
	for (unsigned v = 0; v < l->volumes; v++)
		choose_volume(&l->volume[v], v, l->disks);
	l->boot = (1u << l->disks) - 1;
	if (sim_chance(4))
		l->boot &= ~(1u << sim_pick(l->disks));
	l->events = 8 + sim_pick(sim_chance(3) ? EVENTS_MAX - 8 : 32);
}

void life_live_random(struct life *l, uint64_t seed)
{
	uint64_t random;
	struct event boot;

	life_choose(l, seed);
	random = world.random;
	begin(l);
	first_boot(l);
	boot = boot_event(l->boot);
	event_apply(&boot);
	for (unsigned i = 0; i < l->events && go_on(); i++) {
		world.random = random;
		event_choose(&l->event[i]);
		random = world.random;
		event_apply(&l->event[i]);
		if (world.hit[0] || world.split)
			l->events = i + 1;
	}
	if (go_on() && l->reshapes)
		grow_settle();
}

/* ---- shrinking ---- */

void life_kind(const char *hit, char kind[TEXT_MAX])
{
	const char *level = strstr(hit, "RAID");
	unsigned n = 0;

	for (const char *c = hit; *c && *c != '('; c++) {
		if (c > hit + 1 && c[-2] == 's' && c[-1] == 'd')
			kind[n++] = '?'; /* whichever disk, and whichever region */
		else if (*c < '0' || *c > '9')
			kind[n++] = *c;
	}
	snprintf(kind + n, TEXT_MAX - n, "%.6s", level ? level : "");
}

#define TRIES 600 /* lives; what is not found by then nobody waits for */

static unsigned tries;

static bool still_hits(const struct life *l, const char *hit)
{
	char was[TEXT_MAX], is[TEXT_MAX];

	if (!tries)
		return false;
	tries--;
	life_live(l);
	life_kind(hit, was);
	life_kind(world.hit, is);
	return world.hit[0] && strcmp(was, is) == 0;
}

static bool shrink_by(struct life *l, unsigned n, const char *hit)
{
	bool any = false;

	for (unsigned at = 0; at + n <= l->events;) {
		struct life less = *l;

		memmove(&less.event[at], &less.event[at + n], (l->events - at - n) * sizeof(less.event[0]));
		less.events -= n;
		if (still_hits(&less, hit)) {
			*l = less;
			any = true;
		} else {
			at += n;
		}
	}
	return any;
}

static bool simplify(struct life *l, const char *hit)
{
	bool any = false;

	for (unsigned i = 0; i < l->events; i++) {
		struct life less = *l;

		if (!l->event[i].seed)
			continue;
		for (unsigned seed = 0; seed < 8 && seed < l->event[i].seed; seed++) {
			less.event[i].seed = (uint16_t)seed;
			if (!still_hits(&less, hit))
				continue;
			*l = less;
			any = true;
			break;
		}
	}
	return any;
}

static void shrink_container(struct life *l, const char *hit)
{
	struct life less = *l;

	less.volumes--;
	if (l->volumes > 1 && still_hits(&less, hit))
		*l = less;
	less = *l;
	less.disks--;
	less.boot &= (1u << less.disks) - 1;
	for (unsigned v = 0; v < l->volumes; v++)
		for (unsigned s = 0; s < l->volume[v].members; s++)
			if (l->volume[v].disk[s] == less.disks)
				return;
	if (still_hits(&less, hit))
		*l = less;
}

void life_shrink(struct life *l)
{
	char hit[TEXT_MAX];
	unsigned thorough = world.thorough;
	bool again = true;

	memcpy(hit, world.hit, sizeof(hit));
	world.thorough = 1;
	tries = TRIES;
	if (!still_hits(l, hit)) { /* something else comes before it, if one looks more closely */
		world.thorough = thorough;
		if (!still_hits(l, hit))
			abort();
	}
	shrink_container(l, hit);
	while (again) {
		again = false;
		for (unsigned n = l->events / 2; n; n /= 2)
			again |= shrink_by(l, n, hit);
		again |= simplify(l, hit);
	}
	shrink_container(l, hit);
	life_live(l);
	world.thorough = thorough;
}

/* ---- text ---- */

static size_t add(char *text, size_t size, size_t at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static size_t add(char *text, size_t size, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (at >= size)
		return at;
	va_start(ap, fmt);
	n = vsnprintf(text + at, size - at, fmt, ap);
	va_end(ap);
	return at + (size_t)n;
}

void life_print(const struct life *l, char *text, size_t size)
{
	size_t at = add(text, size, 0, "disks %u boot %x sectors %u/%u%s", l->disks, l->boot, l->sectors, l->physical,
			l->reshapes ? " reshapes" : "");

	for (unsigned v = 0; v < l->volumes; v++) {
		const struct sim_volume *p = &l->volume[v];

		at = add(text, size, at, " raid%d%s ", p->level, p->initialized ? "" : "u");
		for (unsigned s = 0; s < p->members; s++)
			at = add(text, size, at, "%c", 'a' + p->disk[s]);
	}
	for (unsigned i = 0; i < l->events; i++) {
		char event[64];

		event_print(&l->event[i], event, sizeof(event));
		at = add(text, size, at, "; %s", event);
	}
}

static bool parse_volume(const char *text, struct sim_volume *v, unsigned number)
{
	char disks[SIM_MEMBERS + 1] = "", flag[2] = "";

	*v = (struct sim_volume){ .component_size = SIZE, .offset = number * OFFSET_STEP, .initialized = true };
	snprintf(v->name, sizeof(v->name), "v%u", number);
	if (sscanf(text, "raid%d %8[a-p]", &v->level, disks) != 2 &&
	    sscanf(text, "raid%d%1[u] %8[a-p]", &v->level, flag, disks) != 3)
		return false;
	v->initialized = !flag[0];
	for (v->members = 0; disks[v->members]; v->members++)
		v->disk[v->members] = (unsigned)(disks[v->members] - 'a');
	return true;
}

bool life_parse(const char *text, struct life *l)
{
	char copy[8192], *save, *part;

	memset(l, 0, sizeof(*l));
	snprintf(copy, sizeof(copy), "%s", text);
	part = strtok_r(copy, ";", &save);
	if (!part ||
	    sscanf(part, " disks %u boot %x sectors %u/%u", &l->disks, &l->boot, &l->sectors, &l->physical) != 4)
		return false;
	l->reshapes = strstr(part, " reshapes");
	for (char *v = strstr(part, " raid"); v && l->volumes < SIM_VOLUMES; v = strstr(v + 1, " raid"))
		if (!parse_volume(v + 1, &l->volume[l->volumes], l->volumes) || ++l->volumes == 0)
			return false;
	while ((part = strtok_r(NULL, ";", &save)) && l->events < EVENTS_MAX)
		if (!event_parse(part, &l->event[l->events++]))
			return false;
	return true;
}
