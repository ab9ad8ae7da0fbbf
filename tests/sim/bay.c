/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody does with disks: pulls them out, puts them in, adds them to the container and takes them from it. */
#include "tests/sim/sim.h"

#define BLANKS_UP_TO 9 /* disks */

void bay_pull(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !d->exists || !d->attached)
		return;
	d->attached = d->in_container = d->behind = d->shut = d->unreadable = false;
	d->torn |= truth_left_torn(e->a); /* a daemon died there, or it hung: nobody can make it whole any more */
	/* What is out to one that hangs may be given up later. */
	if (d->hangs && sim_chance(2))
		flight_answer(e->a, ANSWER_WELL);
	world.trouble = true;
	truth_gone(e->a);
	grow_gone(e->a);
	md_take_out(e->a);
}

/* It is put into the container; whatever it holds, md's arrays have it no more. */
void bay_plug(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !d->exists || d->attached)
		return;
	flight_answer(e->a, ANSWER_WELL); /* nothing of it was carried out */
	d->attached = d->in_container = true;
	d->refuses = d->refused = d->shut = d->unreadable = false;
}

void bay_blank(const struct event *e)
{
	unsigned n = world.disks;

	(void)e;
	if (!world.power || n >= BLANKS_UP_TO)
		return;
	disk_make(n);
	if (world.ad->prepare_spare)
		world.ad->prepare_spare(n);
	world.disk[n].in_container = true;
}

void bay_refuse(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!d->exists)
		return;
	d->refuses = !d->refuses;
	d->refused |= d->refuses;
	d->torn |= d->refuses && truth_left_torn(e->a % SIM_DISKS);
	world.trouble = true;
}

/* One disk at a time: a daemon that has to begin without two is open (docs/design.md, "A disk that cannot be read"). */
static bool another_is_closed(const struct sim_disk *but)
{
	for (unsigned n = 0; n < world.disks; n++)
		if (&world.disk[n] != but && sim_is_closed(&world.disk[n]))
			return true;
	return false;
}

/* Somebody has it for himself, or it cannot be read for a while: whoever has opened it before does not notice. */
void bay_shut(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !d->exists || !d->attached || another_is_closed(d))
		return;
	d->shut = !d->shut;
	world.trouble = true;
}

/* It takes what is written, as far as it is asked to. */
void bay_dim(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !d->exists || !d->attached || another_is_closed(d))
		return;
	d->unreadable = !d->unreadable;
	world.trouble = true;
}

void bay_hang(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !d->exists || !d->attached || d->hangs)
		return;
	d->hangs = !e->b;
	d->hangs_in = e->b;
	world.trouble = true;
}

void bay_answer(const struct event *e)
{
	flight_answer(e->a % SIM_DISKS, ANSWER_WELL);
}

void bay_error(const struct event *e)
{
	flight_answer(e->a % SIM_DISKS, ANSWER_ERROR);
}

void bay_nospare(const struct event *e)
{
	(void)e;
	world.md_refuses_spares = !world.md_refuses_spares;
}

/* ---- mdadm --remove and --add of a disk that has failed ---- */

static bool is_in_use(unsigned disk)
{
	for (unsigned n = 0; n < world.arrays; n++)
		for (unsigned i = 0; world.array[n].there && i < world.array[n].members; i++)
			if (world.array[n].member[i].there && world.array[n].member[i].disk == disk)
				return true;
	return false;
}

/*
 * By the record; and nobody looks for data there. A member that is added as a spare is lost: mdadm writes at once
 * (imsm.md 7.2).
 */
static bool has_failed(unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS], k = 0;

	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		for (unsigned s = 0; s < SIM_MEMBERS; s++)
			if (world.volume[v].entitled[s] == (int)disk)
				return false;
	if (!judge_read(set_of_all(), &r, number))
		return false;
	while (number[k] != disk)
		k++;
	return r.role[k] == READER_FAILED || r.role[k] == READER_FOREIGN;
}

/* Not while a volume is reshaped: that is open (imsm.md 5.5). */
void bay_remove(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (world.power && !grow_is_due() && world.ad->adds_again && d->exists && d->in_container && !is_in_use(e->a) &&
	    has_failed(e->a))
		d->in_container = false;
}

/* The daemon was pinged when it was removed, and a ping is answered after a pass (mdmon.md 8): what it heard of it is done. */
void bay_add(const struct event *e)
{
	struct sim_disk *d = &world.disk[e->a % SIM_DISKS];

	if (!world.power || !world.ad->adds_again || !d->exists || !d->attached || d->in_container || d->refuses ||
	    is_in_use(e->a) || daemon_knows(e->a) || !has_failed(e->a))
		return;
	flight_await(e->a);
	world.ad->prepare_spare(e->a);
	d->in_container = true;
}
