/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge: if the machine were started now, with some set of its disks, what would a reader by mdadm's rules make of
 * what lies on them, and is it true? Nothing of the handler is asked.
 *
 * What has to be true, of any set of disks that the reader takes for as new as all of them together:
 *
 *	a container with enough good disks loads, and each volume that has enough of them starts
 *	no member is trusted with data that it has not got; one that failed is not trusted at all
 *	a volume is clean only if its copies agree
 *	volumes are what they were made as, each once, on places of their own; none comes back, none is forgotten
 *
 * and of members that are plugged in and know less, if one of them hangs: that they cannot be started alone and show what is
 * old (docs/design.md, "A disk that hangs").
 *
 * Excused: a RAID5 that is dirty and degraded at once, which nobody starts without force; copies that differ where a
 * rebuild is recorded, or a resync and a disk is missing, for mdadm takes that for clean, and IMSM has no words for
 * both; that one copy which was being written is torn, which is as good as the loss of its disk, and one more each time
 * the power fails, or the daemon dies and the disk leaves or takes no metadata any more, or it hangs and is given up, for
 * metadata of two sectors have one place only (imsm.md 1.2); and a volume that did not run while another one did without a
 * disk of both (claims.c, claims_note_missing()); and the data of a volume that was started while its last change was on disks that were not
 * there (truth.c, truth_is_halved()), and of a spare that is a member by such a change only (truth_taken()), and of a RAID0
 * that is reshaped and has lost a disk (truth_may_be_lost()); and a volume that is to be widened, lacks a disk already,
 * and then one of the new ones, for there are no words for a reshape that is called off (imsm.md 5.5); and a reshape whose
 * record is read on a disk that was not there while it went on (imsm.md 1.14); and of disks that hang
 * a single mirror of a RAID1 (is_mirror_alone()), and what a daemon leaves when it ends: the next one knows which disks are
 * out of date, not that they hung.
 */
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

struct view {
	const char *which;
	struct reader_result r;
	unsigned number[SIM_DISKS]; /* of the reader's disk */
	uint32_t set;
	uint32_t whole; /* of them, those that are not excused for being torn */
	bool torn;      /* one is excused: it is being written, or was when the power failed */
	bool any_torn;  /* that one, or one that was torn before */
};

static struct view all, some;
static const struct view *seen; /* that was judged last */

uint32_t set_of_all(void)
{
	uint32_t set = 0;

	for (unsigned n = 0; n < world.disks; n++)
		set |= (uint32_t)world.disk[n].exists << n;
	return set;
}

uint32_t set_of_container(void)
{
	uint32_t set = 0;

	for (unsigned n = 0; n < world.disks; n++)
		if (world.disk[n].in_container && world.disk[n].attached)
			set |= 1u << n;
	return set;
}

bool judge_read(uint32_t set, struct reader_result *r, unsigned *number)
{
	struct reader_disk disk[SIM_DISKS];
	unsigned count;

	disks_reader(set, disk, &count, number);
	world.ad->read_as_mdadm(disk, count, r);
	return r->loads;
}

uint64_t judge_generation(uint32_t set)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	return judge_read(set, &r, number) ? r.generation : 0;
}

bool judge_says_failed(unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS], n = (unsigned)__builtin_popcount(set_of_container());

	judge_read(set_of_container(), &r, number);
	for (unsigned i = 0; i < n; i++)
		if (number[i] == disk)
			return r.role[i] == READER_FAILED;
	return false;
}

static const char *set_text(uint32_t set)
{
	static char text[SIM_DISKS + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < SIM_DISKS; i++)
		if (set & 1u << i)
			text[n++] = (char)('a' + i);
	text[n] = '\0';
	return text;
}

static const struct reader_volume *find(const struct reader_result *r, const struct truth *t)
{
	for (unsigned i = 0; i < r->volumes; i++)
		if (strcmp(r->volume[i].name, t->plan.name) == 0 ||
		    (t->unsure && t->other_name[0] && strcmp(r->volume[i].name, t->other_name) == 0))
			return &r->volume[i];
	return NULL;
}

/* ---- one volume ---- */

struct trial {
	const struct view *v;
	const struct truth *t;
	const struct reader_volume *rv;
	int trusted[SIM_MEMBERS];  /* by slot: the disk, if all of it is trusted */
	int entitled[SIM_MEMBERS]; /* by slot: the disk that is there and has everything */
	bool behind;               /* judged is what disks say that were left behind */
};

#define ACCUSE(tr, fmt, ...)                                                                                    \
	sim_hit(fmt " (volume %s, RAID%d, disks %s: %s)", __VA_ARGS__, (tr)->t->plan.name, (tr)->t->plan.level, \
		set_text((tr)->v->set), (tr)->v->which)

static int disk_in(const struct trial *tr, unsigned slot)
{
	const struct reader_member *m = &tr->rv->member[slot];

	return m->disk < 0 ? -1 : (int)tr->v->number[m->disk];
}

/* The disk that is there and has all data of the slot; -1: none. */
static int entitled(const struct view *v, const struct truth *t, unsigned slot)
{
	int disk = t->entitled[slot];

	return disk >= 0 && v->whole & 1u << disk ? disk : -1;
}

static bool enough(const struct truth *t, const int *disk)
{
	bool slot[SIM_MEMBERS];

	for (unsigned s = 0; s < SIM_MEMBERS; s++)
		slot[s] = disk[s] >= 0;
	return truth_enough(t, slot);
}

/* The last change of its configuration is on one of the disks. */
static bool is_known(const struct view *v, const struct truth *t)
{
	return !world.ad->changes ||
	       world.ad->changes(v->set, t->plan.name) == world.ad->changes(set_of_all(), t->plan.name);
}

/* The table cannot call it failed, for another volume may need it; that this one does not is on other disks (ddf.md 10.5). */
static bool is_unclear(const struct trial *tr, unsigned disk)
{
	return !is_known(tr->v, tr->t) && (tr->t->unclear[disk] || truth_others_may_need(tr->t, disk));
}

static void judge_shape(const struct trial *tr)
{
	const struct sim_volume *p = truth_shape(tr->t, tr->rv->reshaping);
	unsigned parity = tr->rv->level == 4 && p->level == 0; /* the disk that a RAID0 never has */

	if (tr->rv->reshaping && !tr->t->reshaping && !tr->t->asked)
		ACCUSE(tr, "%s", "a reshape that nobody has asked for");
	if (!tr->rv->reshaping && tr->t->reshaping && tr->t->moved < REGIONS)
		ACCUSE(tr, "%s", "its reshape is forgotten");
	if ((!parity && tr->rv->level != p->level) || tr->rv->members != p->members + parity ||
	    tr->rv->component_size != p->component_size)
		ACCUSE(tr, "it is RAID%d of %u x %llu now", tr->rv->level, tr->rv->members,
		       (unsigned long long)tr->rv->component_size);
	for (unsigned s = 0; s < tr->rv->members && s < SIM_MEMBERS; s++)
		if (disk_in(tr, s) >= 0 && tr->rv->member[s].data_offset != tr->t->begins[disk_in(tr, s)])
			ACCUSE(tr, "slot %u begins at sector %llu", s,
			       (unsigned long long)tr->rv->member[s].data_offset);
	for (unsigned s = 0; s < p->members; s++)
		for (unsigned k = 0; k < s; k++)
			if (disk_in(tr, s) >= 0 && disk_in(tr, s) == disk_in(tr, k))
				ACCUSE(tr, "sd%c has two slots", 'a' + disk_in(tr, s));
}

/*
 * Somebody has gone on without the disk that failed. In a RAID10 that is its mirror: if both are gone nothing is written
 * there any more, and if all members of a mirror are absent a DDF daemon has no record in which to say so.
 */
static bool any_alive(const struct truth *t, unsigned slot)
{
	for (unsigned s = 0; s < t->plan.members; s++)
		if ((t->plan.level != 10 || s / 2 == slot / 2) && t->entitled[s] >= 0 && world.disk[t->entitled[s]].attached)
			return true;
	return false;
}

static void judge_member(const struct trial *tr, unsigned slot)
{
	const struct reader_member *m = &tr->rv->member[slot];
	int disk = disk_in(tr, slot);

	if (disk < 0 || m->recovery_start < md_region_sectors(tr->t, 1))
		return;
	if (tr->t->failed[disk] && !tr->t->needless[disk] && any_alive(tr->t, slot) && !is_unclear(tr, (unsigned)disk))
		ACCUSE(tr, "sd%c failed, and is trusted", 'a' + disk);
	for (unsigned r = 0; r < REGIONS && md_region_sectors(tr->t, r + 1) <= m->recovery_start; r++)
		if (truth_holds(tr->t, slot, r) && tr->t->held[disk][r] < tr->t->acked[r] &&
		    !is_unclear(tr, (unsigned)disk))
			ACCUSE(tr, "sd%c is trusted, but lacks acknowledged data of region %u", 'a' + disk, r);
}

/* What is trusted, but for a disk that may be stale (is_unclear()): that it differs from the others is excused with it. */
static bool compare_those(const struct trial *tr, int *compared)
{
	bool degraded = false;

	for (unsigned s = 0; s < SIM_MEMBERS; s++) {
		int disk = tr->trusted[s];

		compared[s] = disk >= 0 && !is_unclear(tr, (unsigned)disk) ? disk : -1;
		degraded |= s < tr->t->plan.members && disk < 0;
	}
	return degraded;
}

/*
 * Disks that were left behind before its end was on record say what all of them said until then, when it was excused: they
 * were told that it is dirty, so writes went on, and md asks nobody whether a rebuild may end.
 */
static bool is_rebuilt(const struct trial *tr)
{
	return md_sync_is_due(tr->t) || (tr->behind && tr->rv->dirty_rebuild);
}

static void judge_clean(const struct trial *tr)
{
	int compared[SIM_MEMBERS];
	bool degraded = compare_those(tr, compared);

	/* Of a container with a reshape nobody compares anything (imsm.md 2.7). */
	if ((degraded && is_rebuilt(tr)) || truth_any_reshape(&tr->v->r))
		return;
	for (unsigned r = 0; r < REGIONS; r++) {
		if (!truth_differ(tr->t, r, compared))
			continue;
		if (tr->rv->clean || (!degraded && tr->rv->resync_start > md_resync_sectors(tr->t, r)))
			ACCUSE(tr, "%s, but copies of region %u differ",
			       tr->rv->clean ? "it is clean" : "no resync is due", r);
	}
}

/* Nobody assembles a container with a reshape if a disk is not there that counts as good (imsm.md 2.7). */
static bool lacks_a_disk(const struct view *v)
{
	for (unsigned i = 0; i < v->r.volumes; i++)
		for (unsigned s = 0; v->r.volume[i].reshaping && s < v->r.volume[i].members; s++)
			if (v->r.volume[i].member[s].disk < 0)
				return true;
	return false;
}

static void judge_reshape(const struct trial *tr)
{
	const char *wrong = tr->rv->reshaping ? truth_misread(tr->t, tr->rv) : NULL;

	if (wrong && !world.disk[tr->v->number[tr->rv->record_on]].old_record)
		ACCUSE(tr, "%s", wrong);
}

/*
 * Who assembles a volume that is reshaped does so in the shape that it is to have, though nothing may have been moved yet:
 * a new member that was absent, or has failed, is missing there, beside what the volume lacked before.
 */
static bool lacks_new_members(const struct trial *tr)
{
	const struct truth *t = tr->t;
	const struct sim_volume *new = t->reshaping ? &t->plan : &t->next;
	struct truth as_new = { .plan = *new };
	bool slot[SIM_MEMBERS];

	for (unsigned s = 0; s < SIM_MEMBERS; s++)
		slot[s] = tr->entitled[s] >= 0 || (s >= tr->rv->old_members && !t->failed[new->disk[s]] &&
						   !(t->gone >> new->disk[s] & 1));
	return tr->rv->reshaping && !truth_enough(&as_new, slot);
}

static void judge_start(const struct trial *tr)
{
	bool hole = tr->t->plan.level == 5 && !tr->rv->clean;

	for (unsigned s = 0; hole && s < tr->t->plan.members; s++)
		if (tr->trusted[s] < 0)
			return;
	if (tr->rv->can_start || !enough(tr->t, tr->entitled) || !is_known(tr->v, tr->t) || lacks_a_disk(tr->v) ||
	    lacks_new_members(tr))
		return;
	if (tr->rv->recorded_failed)
		ACCUSE(tr, "%s", "it is recorded as failed, but enough disks have all data");
	else
		ACCUSE(tr, "it does not start (%s), but enough disks have all data",
		       tr->rv->why_not ? tr->rv->why_not : "?");
}

static void judge_volume(const struct view *v, const struct truth *t, const struct reader_volume *rv)
{
	struct trial tr = { .v = v, .t = t, .rv = rv };

	judge_shape(&tr);
	if (world.hit[0] || t->halved)
		return;
	for (unsigned s = 0; s < SIM_MEMBERS; s++) {
		bool member = s < t->plan.members;

		tr.trusted[s] = member && rv->member[s].recovery_start == READER_IN_SYNC ? disk_in(&tr, s) : -1;
		tr.entitled[s] = entitled(v, t, s);
	}
	if (rv->can_start) {
		judge_reshape(&tr);
		for (unsigned s = 0; s < t->plan.members; s++)
			judge_member(&tr, s);
		judge_clean(&tr);
	}
	judge_start(&tr);
}

/* ---- the container ---- */

static bool any_claim(const struct view *v, const struct truth *t)
{
	int disk[SIM_MEMBERS];

	for (unsigned s = 0; s < SIM_MEMBERS; s++)
		disk[s] = entitled(v, t, s);
	return t->exists && !t->unsure && !t->halved && enough(t, disk) && is_known(v, t);
}

/* Of a reshape that lacks both disks that say how far it has come the container is refused (imsm.md 2.4). */
static bool lacks_record(const struct view *v)
{
	for (unsigned i = 0; i < SIM_VOLUMES; i++) {
		const struct truth *t = &world.volume[i];

		if ((t->reshaping || t->asked) && entitled(v, t, 0) < 0 && entitled(v, t, 1) < 0)
			return true;
	}
	return false;
}

static void judge_loads(const struct view *v)
{
	if (lacks_record(v))
		return;
	for (unsigned i = 0; i < SIM_VOLUMES; i++)
		if (any_claim(v, &world.volume[i])) {
			struct trial tr = { .v = v, .t = &world.volume[i] };

			ACCUSE(&tr, "the container does not load (%s)", v->r.why_not ? v->r.why_not : "?");
		}
}

static void judge_names(const struct view *v)
{
	for (unsigned i = 0; i < SIM_VOLUMES; i++)
		if (!find(&v->r, &world.volume[i]) && any_claim(v, &world.volume[i])) {
			struct trial tr = { .v = v, .t = &world.volume[i] };

			ACCUSE(&tr, "it is %s", "forgotten");
		}
	for (unsigned i = 0; i < v->r.volumes; i++) {
		bool known = false;

		for (unsigned k = 0; k < SIM_VOLUMES; k++) {
			const struct truth *t = &world.volume[k];

			known |= (t->exists || t->unsure) && find(&v->r, t) == &v->r.volume[i];
		}
		if (!known)
			sim_hit("there is a volume %s that nobody has made, or that was deleted (disks %s: %s)",
				v->r.volume[i].name, set_text(v->set), v->which);
	}
}

static bool touch(const struct reader_volume *a, unsigned s, const struct reader_volume *b, unsigned k)
{
	const struct reader_member *x = &a->member[s], *y = &b->member[k];

	return x->disk >= 0 && x->disk == y->disk && x->data_offset < y->data_offset + b->component_size &&
	       y->data_offset < x->data_offset + a->component_size;
}

static void judge_extents(const struct view *v)
{
	for (unsigned i = 0; i < v->r.volumes; i++)
		for (unsigned k = 0; k < i; k++) {
			const struct reader_volume *a = &v->r.volume[i], *b = &v->r.volume[k];

			for (unsigned s = 0; s < a->members; s++)
				for (unsigned q = 0; q < b->members; q++)
					if (touch(a, s, b, q))
						sim_hit("volumes %s and %s overlap on sd%c", a->name, b->name,
							'a' + v->number[a->member[s].disk]);
		}
}

static void judge_view(const struct view *v)
{
	seen = v;
	if (!v->r.loads) {
		judge_loads(v);
		return;
	}
	judge_names(v);
	judge_extents(v);
	for (unsigned i = 0; i < SIM_VOLUMES && !world.hit[0]; i++) {
		const struct truth *t = &world.volume[i];
		const struct reader_volume *rv = t->exists && !t->unsure ? find(&v->r, t) : NULL;

		if (rv)
			judge_volume(v, t, rv);
	}
}

/* No volume has it on record, nor had it. */
static bool is_mere_spare(unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		for (unsigned s = 0; s < SIM_MEMBERS; s++)
			if (world.volume[v].exists && world.volume[v].entitled[s] == (int)disk)
				return false;
	for (unsigned n = 0; n < world.arrays; n++)
		for (unsigned i = 0; world.array[n].there && i < world.array[n].members; i++)
			if (world.array[n].member[i].recorded && world.array[n].member[i].disk == disk)
				return false;
	return true;
}

/* It hangs, and the arrays go on without it: nobody waits until the copy is whole, no more than if it were unplugged. */
static bool is_given_up(unsigned disk)
{
	return world.disk[disk].hangs && (md_failed_somewhere(disk) || is_mere_spare(disk));
}

void judge_note_given_up(void)
{
	for (unsigned n = 0; n < world.disks; n++)
		if (is_given_up(n))
			world.disk[n].torn |= truth_left_torn(n);
}

static void read_view(struct view *v, uint32_t set, const char *which)
{
	uint32_t torn = 0, before = 0;
	unsigned k = 0;

	v->which = which;
	v->set = set;
	judge_read(set, &v->r, v->number);
	for (unsigned i = 0; i < SIM_DISKS && set >> i; i++)
		if (set & 1u << i && v->r.role[k++] == READER_DAMAGED)
			*(world.disk[i].torn || is_given_up(i) || is_mere_spare(i) ? &before : &torn) |= 1u << i;
	v->torn = torn && !(torn & (torn - 1));
	v->any_torn = v->torn || before;
	v->whole = set & ~before & ~(v->torn ? torn : 0);
	world.judged++;
}

/* The only disk that had what was written last is being written, or was when its daemon died, and is as good as lost. */
static bool newest_is_torn(const struct view *v)
{
	return v->any_torn && v->r.loads && v->r.generation < world.generation;
}

/* What has been written is durable, and the newest, even if nobody loads it: a reshape lacks both disks with its record. */
void judge_note_written(void)
{
	static struct view v;

	if (!disks_written())
		return;
	read_view(&v, set_of_all(), "");
	if (v.r.generation > world.generation)
		world.generation = v.r.generation;
}

bool judge_knows_newest(uint32_t set)
{
	static struct view v;

	read_view(&v, set, "");
	return v.r.loads && v.r.volumes && v.r.generation >= world.generation;
}

bool judge_is_newest(unsigned disk)
{
	static struct view v;
	uint64_t newest;

	read_view(&v, set_of_all(), "");
	newest = v.r.generation;
	read_view(&v, 1u << disk, "");
	return v.r.role[0] != READER_DAMAGED && v.r.generation == newest;
}

bool judge_others_know_more(unsigned disk)
{
	static struct view v, other;

	read_view(&v, 1u << disk, "");
	for (unsigned n = 0; n < world.disks; n++) {
		if (n == disk || !world.disk[n].attached)
			continue;
		read_view(&other, 1u << n, "");
		if (other.r.generation > v.r.generation)
			return true;
	}
	return false;
}

/* A part of the disks is judged only if it says what all of them say: else it is an old state that is started. */
static void judge_some(uint32_t set, const char *which)
{
	if (world.hit[0] || !set || set == all.set)
		return;
	read_view(&some, set, which);
	if (some.r.loads && all.r.loads && some.r.generation == all.r.generation && !newest_is_torn(&some))
		judge_view(&some);
}

static uint32_t random_set(void)
{
	return set_of_all() & (uint32_t)(sim_random() | sim_random());
}

/* Nothing is left to chance: without any of the disks, and any of them alone. */
static void judge_many(void)
{
	for (unsigned n = 0; n < world.disks; n++) {
		judge_some(all.set & ~(1u << n), "without one");
		judge_some(all.set & 1u << n, "one");
	}
}

/* ---- disks that were left behind ---- */

/* It knows more than those, or is being written just now. */
static bool knows_more(unsigned disk, const struct view *than)
{
	static struct view v;

	read_view(&v, 1u << disk, "");
	return v.r.generation > than->r.generation || (v.r.role[0] == READER_DAMAGED && !world.disk[disk].behind);
}

/*
 * The one that is accepted (docs/design.md): of a RAID1 a single mirror that hangs is left behind, and the other one goes on.
 * Who starts it alone starts what is old.
 */
static bool is_mirror_alone(const struct trial *tr, const struct md_array *a)
{
	bool others = false;
	unsigned n = 0;

	for (unsigned s = 0; s < tr->t->plan.members; s++)
		n += tr->trusted[s] >= 0;
	for (unsigned i = 0; i < a->members; i++)
		others |= a->member[i].there && a->member[i].in_sync && knows_more(a->member[i].disk, tr->v);
	return tr->t->plan.level == 1 && n == 1 && others;
}

static bool is_member(const struct md_array *a, unsigned disk)
{
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].disk == disk)
			return true;
	return false;
}

/* What it is started with. True if a disk that hangs is among that, and the array that runs has all of it. */
static bool note_trusted(struct trial *tr, const struct md_array *a)
{
	bool hangs = false, members = true;

	for (unsigned s = 0; s < SIM_MEMBERS; s++) {
		bool member = s < tr->t->plan.members && tr->rv->member[s].recovery_start == READER_IN_SYNC;

		tr->trusted[s] = member ? disk_in(tr, s) : -1;
		hangs |= tr->trusted[s] >= 0 && world.disk[tr->trusted[s]].behind;
		members &= tr->trusted[s] < 0 || is_member(a, (unsigned)tr->trusted[s]);
	}
	return hangs && members;
}

static void judge_volume_behind(const struct view *v, const struct truth *t)
{
	const struct md_array *a = t->array < 0 ? NULL : &world.array[t->array];
	struct trial tr = { .v = v, .t = t, .rv = find(&v->r, t), .behind = true };

	if (!md_runs(a) || !tr.rv || !tr.rv->can_start || tr.rv->reshaping || t->reshaping ||
	    tr.rv->members != t->plan.members || !note_trusted(&tr, a) || is_mirror_alone(&tr, a))
		return;
	for (unsigned s = 0; s < t->plan.members; s++)
		judge_member(&tr, s);
	judge_clean(&tr);
}

static void judge_set_behind(uint32_t set)
{
	bool any = false;

	for (unsigned n = 0; n < world.disks; n++)
		any |= set & 1u << n && world.disk[n].behind;
	if (!any || world.hit[0])
		return;
	read_view(&some, set, "left behind");
	seen = &some;
	for (unsigned i = 0; some.r.loads && i < SIM_VOLUMES && !world.hit[0]; i++) {
		const struct truth *t = &world.volume[i];

		if (t->exists && !t->unsure && !t->halved)
			judge_volume_behind(&some, t);
	}
}

/* It takes what is written now, and there is nothing that it has not got. */
static bool is_in_order(const struct md_disk *m)
{
	return !m->faulty && !world.disk[m->disk].behind && !world.disk[m->disk].refused;
}

/*
 * One that has answered, and failed, is not written to any more: nobody waits for it, as for one that refuses. So it is if it
 * hangs once more, for nobody asks it.
 */
static bool is_awaited(unsigned disk)
{
	return world.disk[disk].behind && (flight_is_out(disk) || !md_failed_somewhere(disk));
}

/* All that is needed to start it may be old, and a disk that hangs is among that. */
static bool may_be_startable(const struct md_array *a)
{
	bool slot[SIM_MEMBERS] = { false }, hangs = false, others = false;

	if (!md_runs(a))
		return false;
	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		others |= m->there && m->in_sync && is_in_order(m);
		if (!m->there || m->slot < 0 || is_in_order(m))
			continue;
		slot[m->slot] = true;
		hangs |= is_awaited(m->disk);
	}
	if (others && world.volume[a->volume].plan.level == 1)
		return false; /* is_mirror_alone() */
	return hangs && truth_enough(&world.volume[a->volume], slot);
}

static bool any_may_be_startable(void)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (may_be_startable(md_of(v)))
			return true;
	return false;
}

/* Plugged in, and with less than all of them know. */
static uint32_t set_of_old(void)
{
	static struct view v;
	uint32_t old = 0;

	for (unsigned n = 0; n < world.disks; n++) {
		if (!world.disk[n].attached)
			continue;
		read_view(&v, 1u << n, "");
		if (v.r.generation != all.r.generation || v.r.role[0] == READER_DAMAGED)
			old |= 1u << n;
	}
	return old;
}

/*
 * Nobody may be told of what a disk that hangs has not got, if it could be started with others that have not got it either:
 * it works, and is there after a power cut, while those that know better may not be.
 */
static void judge_behind(void)
{
	uint32_t old;

	if (!all.r.loads || world.hit[0] || !any_may_be_startable())
		return;
	old = set_of_old();
	judge_set_behind(old);
	for (unsigned n = 0; n < world.disks; n++)
		if (old & 1u << n)
			judge_set_behind(old & ~(1u << n));
}

/* ---- all of it ---- */

void judge_all(void)
{
	if (world.hit[0])
		return;
	read_view(&all, set_of_all(), "all there are");
	if (newest_is_torn(&all))
		return;
	judge_view(&all);
	judge_some(set_of_container(), "those in the container");
	if (world.thorough == 1)
		judge_many();
	judge_some(random_set(), "some");
	judge_behind();
}

/* Only if something has changed since. */
void judge_now(void)
{
	if (!world.truth_changed && !disks_changed())
		return;
	judge_all();
	disks_note_judged();
	world.truth_changed = false;
}

/* ---- for people ---- */

static const char *const roles[] = { "blank", "damaged", "foreign", "spare", "member", "failed" };

static void print_volume(const struct view *v, const struct reader_volume *rv)
{
	printf("  %s: RAID%d,%s%s%s %s", rv->name, rv->level, rv->clean ? " clean" : " dirty",
	       rv->recorded_degraded ? " degraded" : "", rv->recorded_failed ? " failed" : "",
	       rv->can_start ? "starts" : rv->why_not);
	for (unsigned s = 0; s < rv->members; s++) {
		const struct reader_member *m = &rv->member[s];

		printf(m->disk < 0 ? "; nobody" : "; sd%c", m->disk < 0 ? 0 : 'a' + (int)v->number[m->disk]);
		if (m->recovery_start != READER_IN_SYNC)
			printf(" from %llu", (unsigned long long)m->recovery_start);
	}
	putchar('\n');
}

/* What each disk says alone. */
static void print_copies(uint32_t set)
{
	static struct view v;

	for (unsigned n = 0; n < world.disks; n++) {
		if (!(set & 1u << n))
			continue;
		read_view(&v, 1u << n, "");
		if (!v.r.loads || !v.r.volumes)
			continue;
		printf(" sd%c alone: generation %llu\n", 'a' + n, (unsigned long long)v.r.generation);
		for (unsigned i = 0; i < v.r.volumes; i++)
			print_volume(&v, &v.r.volume[i]);
	}
}

void judge_print(void)
{
	const struct view *v = seen;

	if (!v)
		return;
	printf("The reader: %s, generation %llu\n", v->r.loads ? "loads" : v->r.why_not,
	       (unsigned long long)v->r.generation);
	for (unsigned n = 0, k = 0; n < world.disks; n++)
		if (v->set & 1u << n)
			printf("  sd%c: %s%s\n", 'a' + n, roles[v->r.role[k++]],
			       world.disk[n].attached ? "" : " (not plugged in)");
	for (unsigned i = 0; i < v->r.volumes; i++)
		print_volume(v, &v->r.volume[i]);
	print_copies(v->set);
	for (unsigned i = 0; i < SIM_VOLUMES; i++) {
		const struct truth *t = &world.volume[i];

		if (!t->exists)
			continue;
		printf("The truth of %s:", t->plan.name);
		for (unsigned s = 0; s < t->plan.members; s++)
			printf(t->entitled[s] < 0 ? " nobody" : " sd%c", 'a' + t->entitled[s]);
		putchar('\n');
	}
}
