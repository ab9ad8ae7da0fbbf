/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon may claim by what it has seen and written, before and after a pass of its monitor: which disk has the
 * data of which slot, and that the disks say what it has in memory.
 */
#include <stdlib.h>
#include <string.h>

#include "metadata/disk.h"
#include "monitor/pass.h"
#include "tests/sim/sim.h"

static void note_unclear(struct truth *t, uint32_t known)
{
	const uint32_t here = set_of_container() & known;

	for (unsigned n = 0; n < world.disks; n++)
		if (!(here & 1u << n) && truth_others_may_need(t, n))
			t->unclear[n] = true;
}

/* One that the daemon has not taken on yet was started just now, and has not been written to: that needs the daemon. */
static bool is_claimed(unsigned volume, unsigned serving)
{
	const struct md_array *a = md_of(volume);

	return world.volume[volume].plan.level > 0 && daemon_watches(a) && (md_serves(a) || (md_runs(a) && !serving));
}

/*
 * Its members, or those of one of its mirrors, are all gone but for one that the daemon cannot read: there is no disk that could
 * take a record of it (ddf.md 5.1), and what it goes on with is not known to anybody.
 */
static bool has_no_place_for_records(const struct truth *t, uint32_t known)
{
	const unsigned count = t->plan.level == 10 ? 2 : t->plan.members;
	unsigned unread[SIM_MEMBERS] = { 0 }, here[SIM_MEMBERS] = { 0 };

	for (unsigned s = 0; s < t->plan.members; s++) {
		here[s / count] += !!(known & set_of_container() & 1u << t->plan.disk[s]);
		unread[s / count] += world.disk[t->plan.disk[s]].late;
	}
	for (unsigned s = 0; s < t->plan.members; s++)
		if (!here[s / count] && unread[s / count])
			return world.ad->changes;
	return false;
}

/*
 * A disk that is missing, or that the daemon has not seen yet, is marked as failed when an array runs without it, and
 * there is one mark for all volumes: of those that do not run, or are not watched, or are dead while another one runs,
 * nothing is claimed that needs the disk. (It is what it was when the daemon sees it come back: imsm.md 10.4.)
 */
void claims_note_missing(uint32_t known)
{
	unsigned serving = 0;

	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		serving += md_serves(md_of(v));
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct truth *t = &world.volume[v];

		note_unclear(t, known);
		t->halved |= has_no_place_for_records(t, known);
		if (is_claimed(v, serving))
			continue;
		for (unsigned s = 0; s < t->plan.members; s++)
			if (t->entitled[s] >= 0 && !(set_of_container() & known & 1u << t->entitled[s]))
				t->entitled[s] = -1;
	}
}

/*
 * A disk that takes no metadata may be rebuilt all the same, if a daemon died between giving it to md and recording it;
 * its data count once that is on record. Likewise if this daemon could not open it, or read it, when it began.
 */
static bool is_recorded(const struct truth *t, unsigned slot, unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	if (!world.disk[disk].refused && !world.disk[disk].late)
		return true;
	judge_read(set_of_container(), &r, number);
	for (unsigned i = 0; r.loads && i < r.volumes; i++) {
		const struct reader_member *m = &r.volume[i].member[slot];

		if (strcmp(r.volume[i].name, t->plan.name) == 0)
			return m->disk >= 0 && number[m->disk] == disk && m->recovery_start == READER_IN_SYNC;
	}
	return false;
}

/* md has the slot's data on it, as far as md can tell. */
static bool may_be_entitled(const struct md_disk *m)
{
	return m->in_sync && m->there && m->recorded && !m->gone && !md_failed_somewhere(m->disk);
}

static void note_entitled(struct truth *t, unsigned slot, unsigned disk)
{
	t->entitled[slot] = (int)disk;
	t->unclear[disk] = false;
}

/* Members that are complete now, and that the handler has been told of, with success. */
void claims_note_entitled(const struct monitor *mon)
{
	if (mon->sync_failed)
		return;
	for (unsigned i = 0; i < mon->looked_at_count; i++)
		world.truth_changed = true;
	for (struct active_array *a = mon->arrays; a; a = a->next) {
		struct md_array *md = array_of_fd(a->array_state_fd);
		struct truth *t = &world.volume[md->volume];

		if (a->watch->first || md->mode == MD_STOPPED)
			continue;
		for (unsigned k = 0; k < a->disk_count; k++) {
			const struct mdinfo *d = a->disks[k];
			const struct md_disk *m = &md->member[d->manager_fd];

			if (d->slot >= 0 && d->prev_state & d->curr_state & MEMBER_IN_SYNC && may_be_entitled(m) &&
			    is_recorded(t, (unsigned)d->slot, m->disk))
				note_entitled(t, (unsigned)d->slot, m->disk);
		}
	}
}

/* All disks of the daemon take what it writes; one that has refused waits until it is asked again. */
static bool all_in_order(const struct monitor *mon, uint32_t known)
{
	if (mon->refusals.count || mon->hanging.count || flight_any())
		return false;
	for (unsigned n = 0; n < world.disks; n++)
		if (known & 1u << n && (world.disk[n].refuses || world.disk[n].unreadable || !world.disk[n].attached ||
					world.disk[n].hangs))
			return false;
	return true;
}

/* What was written is loaded once more, and must be what the daemon has in memory. */
void claims_compare_with_disks(const struct monitor *mon, uint32_t known)
{
	struct supertype again = { .ss = mon->st->ss, .container = "md127" };
	struct disk *disk[SIM_DISKS];
	const char *why;
	unsigned n = 0;

	/* If nothing is served nobody waits for a disk that takes it. */
	if (!world.ad->differ || !known || mon->sync_failed || !mon->arrays || !all_in_order(mon, known) ||
	    !judge_knows_newest(known))
		return;
	for (unsigned i = 0; i < world.disks; i++)
		if (known & 1u << i)
			disk[n++] = disk_for_handler(i);
	if (mon->st->ss->load_container(&again, disk, n)) {
		sim_hit("what was written cannot be loaded");
	} else {
		why = world.ad->differ(mon->st, &again);
		if (why)
			sim_hit("what was written loads as something else: %s", why);
		mon->st->ss->free_super(&again);
	}
	for (unsigned i = 0; i < n; i++)
		disk_close(disk[i]);
}

/* ---- a daemon that cannot open, or read, a disk when it begins ---- */

uint32_t claims_set_to_open(void)
{
	uint32_t set = set_of_container();

	for (unsigned n = 0; n < world.disks; n++)
		if (sim_is_closed(&world.disk[n]))
			set &= ~(1u << n);
	return set;
}

/* What is newest is on disks that it cannot open: nothing is claimed of what is made of the others. */
bool claims_know_too_little(void)
{
	uint32_t set = claims_set_to_open(), all = set_of_container();
	bool less = judge_generation(set) < judge_generation(all);

	for (unsigned v = 0; world.ad->changes && v < SIM_VOLUMES; v++)
		less |= world.volume[v].exists && world.ad->changes(set, world.volume[v].plan.name) !=
							  world.ad->changes(all, world.volume[v].plan.name);
	return less;
}
