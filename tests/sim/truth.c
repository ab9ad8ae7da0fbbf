/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the disks really hold. Each write of a user to a region of a volume is a new version of that region; a disk
 * holds the region's data as of some version. So "stale" is a number that is too small.
 */
#include <string.h>

#include "tests/sim/sim.h"

void truth_init(struct truth *t, const struct sim_volume *plan)
{
	memset(t, 0, sizeof(*t));
	t->plan = *plan;
	t->array = t->copied = -1;
	for (unsigned n = 0; n < SIM_DISKS; n++)
		t->begins[n] = plan->offset;
	for (unsigned slot = 0; slot < SIM_MEMBERS; slot++)
		t->entitled[slot] = slot < plan->members ? (int)plan->disk[slot] : -1;
	for (unsigned r = 0; r < REGIONS; r++)
		t->unequal[r] = !plan->initialized;
}

void truth_begins(unsigned volume, unsigned disk, uint64_t sector)
{
	struct truth *t = &world.volume[volume];

	if (t->begins[disk] == sector)
		return;
	t->begins[disk] = sector;
	for (unsigned r = 0; r < REGIONS; r++)
		t->held[disk][r] = 0;
	world.truth_changed = true;
}

static bool has_member(const struct truth *t, unsigned disk)
{
	const struct md_array *a = t->array < 0 ? NULL : &world.array[t->array];

	bool alive = false;

	for (unsigned s = 0; s < SIM_MEMBERS; s++) {
		if (t->entitled[s] == (int)disk)
			return true;
		alive |= t->entitled[s] >= 0 && world.disk[t->entitled[s]].attached;
	}
	/* What was being rebuilt when the array was stopped, and is on no record, nobody needs. */
	for (unsigned i = 0; alive && a && md_runs(a) && i < a->members; i++)
		if (a->member[i].there && a->member[i].disk == disk && !a->member[i].faulty && !md_failed_somewhere(disk))
			return true;
	return false;
}

/* Who asked for its deletion was told that no disk has taken that; since then they have. */
static bool is_deleted_late(const struct truth *t)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	return t->unsure && judge_read(set_of_all(), &r, number) && !truth_is_on(&r, t->plan.name) &&
	       !truth_is_on(&r, t->other_name);
}

bool truth_is_free(unsigned volume, unsigned disk, uint64_t sector)
{
	uint64_t size = world.volume[volume].plan.component_size;

	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		const struct truth *t = &world.volume[v];

		if (v != volume && t->exists && has_member(t, disk) && sector < t->begins[disk] + t->plan.component_size &&
		    t->begins[disk] < sector + size && !is_deleted_late(t))
			return false;
	}
	return true;
}

/* A record of it is on no disk of the container, and may name any: a RAID10 has one for each mirror. */
static bool is_unknown(const struct truth *t)
{
	unsigned step = t->plan.level == 10 ? 2 : t->plan.members;

	for (unsigned first = 0; first < t->plan.members; first += step) {
		uint32_t named = 0;

		for (unsigned s = first; s < first + step; s++)
			named |= 1u << t->plan.disk[s] | (t->entitled[s] < 0 ? 0 : 1u << t->entitled[s]);
		if (!(set_of_container() & named))
			return true;
	}
	return false;
}

static bool needs(const struct truth *t, unsigned disk)
{
	const struct md_array *a = t->array < 0 ? NULL : &world.array[t->array];

	if (t->named & 1u << disk)
		return true;
	for (unsigned s = 0; s < t->plan.members; s++)
		if (t->plan.disk[s] == disk || t->entitled[s] == (int)disk)
			return true;
	for (unsigned k = 0; a && k < a->members; k++)
		if (a->member[k].there && a->member[k].in_sync && a->member[k].disk == disk)
			return true;
	return false;
}

/* Whoever reads of one that was announced only takes its record for one that is elsewhere. */
static bool may_need(const struct truth *t, unsigned disk)
{
	if (t->announced && !t->exists)
		return true;
	return (t->exists || t->unsure) && (is_unknown(t) || needs(t, disk));
}

bool truth_others_may_need(const struct truth *t, unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		const struct truth *other = &world.volume[v];

		if (other != t && may_need(other, disk))
			return true;
	}
	return false;
}

bool truth_md_has(unsigned volume, unsigned disk, uint64_t sector)
{
	uint64_t size = world.volume[volume].plan.component_size;

	for (unsigned i = 0; i < ARRAYS; i++) {
		const struct md_array *a = &world.array[i];
		const struct truth *t = &world.volume[a->volume];

		if (!a->there || a->volume == volume || sector >= t->begins[disk] + t->plan.component_size ||
		    t->begins[disk] >= sector + size)
			continue;
		for (unsigned k = 0; k < a->members; k++)
			if (a->member[k].there && a->member[k].disk == disk)
				return true;
	}
	return false;
}

unsigned truth_new_version(struct truth *t, unsigned region)
{
	world.truth_changed = true;
	return ++t->newest[region];
}

static bool enough(const struct sim_volume *p, const bool *slot)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->members; i++)
		n += slot[i];
	switch (p->level) {
	case 1:
		return n >= 1;
	case 5:
		return n + 1 >= p->members;
	case 10:
		for (unsigned i = 0; i + 1 < p->members; i += 2)
			if (!slot[i] && !slot[i + 1])
				return false;
		return true;
	}
	return n == p->members;
}

bool truth_enough(const struct truth *t, const bool *slot)
{
	if (!t->reshaping)
		return enough(&t->plan, slot);
	return (!t->moved || enough(&t->plan, slot)) && (t->moved == REGIONS || enough(&t->old, slot));
}

/* Copies of what was never written may differ, parity may not be wrong: it would make wrong data later. */
static bool parity_is_wrong(const struct truth *t, unsigned region, const int *disk)
{
	for (unsigned i = 0; i < t->plan.members; i++)
		if (disk[i] < 0)
			return false; /* there is none that could be */
	return t->plan.level == 5 && t->unequal[region];
}

bool truth_differ(const struct truth *t, unsigned region, const int *disk)
{
	const struct sim_volume *p = &t->plan;
	int first = -1;

	if (p->level == 0)
		return false;
	if (parity_is_wrong(t, region, disk))
		return true;
	for (unsigned i = 0; i < p->members; i++) {
		if (p->level == 10 && i % 2 == 0)
			first = -1;
		if (first >= 0 && disk[i] >= 0 && t->held[first][region] != t->held[disk[i]][region])
			return true;
		if (disk[i] >= 0)
			first = disk[i];
	}
	return false;
}

bool truth_left_torn(unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	judge_read(1u << disk, &r, number);
	if (r.role[0] != READER_DAMAGED)
		return false;
	truth_torn(disk);
	return true;
}

bool truth_is_on(const struct reader_result *r, const char *name)
{
	for (unsigned i = 0; i < r->volumes; i++)
		if (name[0] && strcmp(r->volume[i].name, name) == 0)
			return true;
	return false;
}

bool truth_has_name(const char *name)
{
	for (unsigned i = 0; i < SIM_VOLUMES; i++) {
		const struct truth *t = &world.volume[i];

		if ((t->exists || t->unsure) && (strcmp(t->plan.name, name) == 0 || strcmp(t->other_name, name) == 0))
			return true;
	}
	return false;
}

struct truth *truth_by_name(const char *name)
{
	for (unsigned i = 0; i < SIM_VOLUMES; i++)
		if (world.volume[i].exists && strcmp(world.volume[i].plan.name, name) == 0)
			return &world.volume[i];
	return NULL;
}

void truth_torn(unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		for (unsigned s = 0; s < SIM_MEMBERS; s++)
			if (world.volume[v].entitled[s] == (int)disk)
				world.volume[v].entitled[s] = -1;
}

/* Who leaves while a volume is made may be back as a new disk before that is done. */
void truth_gone(unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct truth *t = &world.volume[v];

		for (unsigned s = 0; s < SIM_MEMBERS; s++)
			if (t->unsure && !t->exists && t->entitled[s] == (int)disk)
				t->entitled[s] = -1;
		t->gone |= 1u << disk;
	}
}

/*
 * A volume whose last change is on disks that are not there. As with the container as a whole (events.c, excuse_old())
 * two halves of it live apart from now on: nobody can say which one is right when they meet (ddf.md 10.5, "The price").
 */
bool truth_is_halved(const struct truth *t)
{
	return world.ad->changes &&
	       world.ad->changes(set_of_container(), t->plan.name) != world.ad->changes(set_of_all(), t->plan.name);
}

void truth_taken(unsigned volume, unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct truth *t = &world.volume[v];

		for (unsigned s = 0; v != volume && t->exists && s < t->plan.members; s++)
			if (t->entitled[s] == (int)disk && truth_is_halved(t))
				t->entitled[s] = -1;
	}
}
