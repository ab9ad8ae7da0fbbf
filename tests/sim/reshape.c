/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reshapes: what md does, where the data are meanwhile, and where a reader would look for them (imsm.md 1.14,
 * kernel-md.md 6.7).
 *
 * A volume's regions are moved one after the other, each a unit of mdadm's record. As long as one is on its way it lies
 * neither as before nor as it is to, but its data are in the copy area. What has been moved has overwritten what was
 * there: there are no two ways to read a region.
 */
#include <string.h>

#include "tests/sim/sim.h"

static struct truth *truth_of(const struct md_array *a)
{
	return &world.volume[a->volume];
}

bool truth_holds(const struct truth *t, unsigned slot, unsigned region)
{
	return !t->reshaping || slot < (region < t->moved ? t->plan.members : t->old.members);
}

/* ---- what is on record ---- */

const struct sim_volume *truth_shape(const struct truth *t, bool reshaping)
{
	if (reshaping)
		return t->asked && !t->reshaping ? &t->next : &t->plan;
	return t->reshaping && t->moved < REGIONS ? &t->old : &t->plan;
}

void truth_begin_reshape(struct truth *t)
{
	if (t->reshaping || !t->asked)
		return;
	t->asked = false;
	t->reshaping = true;
	t->old = t->plan;
	t->plan = t->next;
	memcpy(t->plan.name, t->old.name, sizeof(t->plan.name));
	t->moved = 0;
	t->moving = false;
	t->copied = -1;
	for (unsigned s = t->old.members; s < t->plan.members; s++) {
		t->entitled[s] = -1;
		t->failed[t->plan.disk[s]] = t->lost[t->plan.disk[s]] = false; /* it begins anew */
	}
	world.truth_changed = true;
}

void truth_learn_shape(struct truth *t, const struct reader_volume *rv, const unsigned *number)
{
	for (unsigned s = t->plan.members; t->asked && rv->reshaping && s < t->next.members; s++)
		if (rv->member[s].disk >= 0)
			t->next.disk[s] = number[rv->member[s].disk];
}

void truth_end_reshape(struct truth *t)
{
	t->reshaping = t->moving = false;
	t->copied = -1;
	world.truth_changed = true;
}

/*
 * What has not been moved yet of a RAID0 has no parity. By its record the volume is a RAID5 (or 4) that lacks one
 * disk or two, and what would be read of that does not matter any more.
 */
void truth_may_be_lost(const struct md_array *a, const struct md_disk *failed)
{
	struct truth *t = &world.volume[a->volume];

	t->halved |= t->reshaping && t->old.level == 0 && !failed->gone && !md_serves(a);
}

bool truth_any_reshape(const struct reader_result *r)
{
	for (unsigned i = 0; i < r->volumes; i++)
		if (r->volume[i].reshaping)
			return true;
	return false;
}

/* The last unit, too: where it lay before there is nothing any more, for the volume was not as large. */
unsigned truth_position(const struct truth *t, const struct reader_volume *rv)
{
	uint64_t sectors = (rv->reshape_unit + rv->unit_copied) * rv->unit_sectors;
	unsigned n = 0;

	while (n < REGIONS && md_region_sectors(t, n + 1) <= sectors)
		n++;
	return n;
}

const char *truth_misread(const struct truth *t, const struct reader_volume *rv)
{
	unsigned position = truth_position(t, rv), moved = t->reshaping ? t->moved : 0;
	unsigned restored = rv->unit_copied ? (unsigned)rv->reshape_unit : REGIONS;

	if (!t->reshaping && !t->asked)
		return "a reshape that nobody has asked for";
	if (restored < position && t->copied != (int)restored)
		return "what it would put back is not in the copy area";
	if (position < moved)
		return "data that were moved would be read where they were before";
	if (t->moving && position == moved)
		return "data on their way would be read where they were before";
	for (unsigned r = moved; r < position; r++)
		if (r != restored)
			return "data would be read where they have not been moved to yet";
	/* mdadm's last word on the volume before may come when this one is on record, and names no volume (imsm.md 8.10). */
	if (rv->reshape_noted > moved && moved)
		return "the checkpoint is beyond what was moved";
	return NULL;
}

/* ---- md ---- */

int md_level(const struct md_array *a)
{
	return a->raid0 ? 0 : a->as_raid4 ? 4 : truth_of(a)->plan.level;
}

/* A RAID0 that becomes a RAID5 has all its parity on the last disk, until that is done. */
int md_layout(const struct md_array *a)
{
	const struct truth *t = truth_of(a);

	if (md_level(a) == 10)
		return SIM_MD_RAID10_NEAR2;
	if (md_level(a) != 5)
		return 0;
	return t->reshaping && t->old.level == 0 && !a->reshaped && t->moved < REGIONS ? SIM_MD_RAID5_PARITY_LAST
										      : world.ad->raid5_layout;
}

/* As long as md has not begun it is the old one. md's RAID1 has none. */
unsigned md_chunk(const struct md_array *a)
{
	const struct truth *t = truth_of(a);
	bool old = t->reshaping && !a->reshaped && t->moved < REGIONS;
	const struct sim_volume *p = old ? &t->old : &t->plan;

	return p->level == 1 ? 0 : p->chunk ? p->chunk : SIM_CHUNK;
}

/* The level that md reshapes it in; it has the new shape when that begins. On an array without writes the daemon has to agree. */
void md_change_shape(struct md_array *a)
{
	const struct truth *t = truth_of(a);

	a->as_raid4 = t->plan.level == 0;
	a->frozen |= a->raid0; /* a RAID0 has no sync_action */
	a->raid0 = false;
	a->raid_disks = t->old.members + (t->old.level == 0);
	a->pending = true;
	md_notify(a);
}

static bool has_slot(const struct md_array *a, unsigned slot)
{
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].slot == (int)slot)
			return true;
	return false;
}

bool md_add_new(struct md_array *a)
{
	struct truth *t = truth_of(a);

	for (unsigned s = t->old.members; s < t->plan.members; s++) {
		unsigned disk = t->plan.disk[s];

		if (has_slot(a, s))
			continue;
		if (a->members == ARRAY_MEMBERS || !world.disk[disk].attached)
			return false;
		a->member[a->members++] =
			(struct md_disk){ .there = true, .disk = disk, .slot = (int)s, .recorded = true };
		for (unsigned r = 0; r < REGIONS; r++)
			md_hold(t, disk, r, 0);
	}
	return true;
}

void md_begin_reshape(struct md_array *a)
{
	const struct truth *t = truth_of(a);

	for (unsigned i = 0; i < a->members; i++) {
		struct md_disk *m = &a->member[i];

		/* What has been added for another level is on its way until the end. */
		if (m->there && !m->faulty && m->slot >= (int)t->old.members && m->recorded && t->plan.level == t->old.level)
			m->in_sync = true;
	}
	a->raid_disks = t->plan.members + a->as_raid4;
	a->frozen = false;
	a->reshaped = true;
	a->action = SYNC_RESHAPE;
	md_notify(a);
}

/* A slot that the reshape gives data. */
static bool is_new(const struct md_array *a, const struct md_disk *m)
{
	return m->there && !m->faulty && !m->gone && m->recorded && m->slot >= (int)truth_of(a)->old.members;
}

static void end_reshape(struct md_array *a)
{
	for (unsigned i = 0; i < a->members; i++)
		a->member[i].in_sync |= is_new(a, &a->member[i]) && a->member[i].progress == REGIONS;
	a->reshaped = false;
	a->action = SYNC_IDLE;
	a->pending |= a->mode == MD_READ_WRITE;
	md_notify(a);
}

/* What is moved is read from those that have it, and written with new parity. */
static void place_region(struct md_array *a, unsigned region)
{
	struct truth *t = truth_of(a);
	uint32_t newest = 0;

	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		if (m->there && m->slot >= 0 && m->in_sync && m->slot < (int)t->old.members &&
		    t->held[m->disk][region] > newest)
			newest = t->held[m->disk][region];
	}
	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		if (m->there && m->slot >= 0 && (m->in_sync || is_new(a, m)) && !m->faulty && !m->gone)
			md_hold(t, m->disk, region, newest);
		if (!m->in_sync && is_new(a, m) && m->progress == region)
			a->member[i].progress++;
	}
	t->unequal[region] = false;
}

bool md_any_blocked(const struct md_array *a)
{
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].blocked)
			return true;
	return false;
}

bool md_move(struct md_array *a)
{
	struct truth *t = truth_of(a);

	if (a->action != SYNC_RESHAPE || !md_writable(a) || !md_serves(a) || md_any_blocked(a))
		return false;
	if (a->in_flight && a->region == t->moved)
		md_finish(a);
	if (a->in_flight && a->region == t->moved)
		return false;
	world.truth_changed = true;
	if (t->moved < REGIONS && !t->moving) {
		t->moving = true;
		return true;
	}
	if (t->moved < REGIONS)
		place_region(a, t->moved++);
	t->moving = false;
	if (t->moved == REGIONS)
		end_reshape(a);
	else
		md_notify(a);
	return true;
}

/* As long as a reshape is recorded no volume of the container has a resync (imsm.md 2.7). */
void md_make_equal(struct md_array *a)
{
	struct truth *t = truth_of(a);

	for (unsigned r = 0; r < REGIONS; r++)
		for (unsigned i = 0; i < a->members; i++)
			if (a->member[i].in_sync && truth_holds(t, (unsigned)a->member[i].slot, r) &&
			    t->held[a->member[i].disk][r] >= t->acked[r])
				md_hold(t, a->member[i].disk, r, t->newest[r]);
}

/* As mdadm assembles it: in the new shape, from where the record says. What is in the copy area is put in its place. */
void md_resume_reshape(struct md_array *a, const struct reader_volume *rv, const unsigned *disk_number)
{
	struct truth *t = truth_of(a);
	const char *wrong = truth_misread(t, rv);

	if (wrong) {
		world.split |= world.disk[disk_number[rv->record_on]].old_record;
		if (!world.split)
			sim_hit("reshape of a started volume: %s (volume %s, RAID%d)", wrong, t->plan.name,
				t->plan.level);
		return;
	}
	md_make_equal(a);
	if (truth_position(t, rv) > t->moved)
		place_region(a, t->moved++);
	t->moving = false;
	if (rv->unit_copied)
		grow_resumed(t, rv, disk_number);
	a->reshaped = a->held_by_mdadm = true;
}

void md_back_to_raid0(struct md_array *a)
{
	if (!a->as_raid4)
		return;
	a->as_raid4 = false;
	a->raid0 = true;
	a->raid_disks--;
	a->clean = true;
	a->pending = a->waiting = false;
	md_notify(a);
}
