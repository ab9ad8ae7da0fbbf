/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mdadm --grow, as it drives a reshape (imsm.md 1.14, 8.7, 8.10; kernel-md.md 6.7): it asks the daemon to
 * record it, gives md the new shape and the new disks, and moves unit after unit. Of each it first makes a copy, says so
 * in its record on two disks and to the daemon, has md move it, and says so again. Then it looks whether the metadata
 * call another volume the next one. Without the daemon it gives up, or goes on alone.
 *
 * Its record goes to the disks that were members when it began, whatever has become of them in md; it gives up when one
 * of them does not take it. The next mdadm knows which of them have failed.
 *
 * One mdadm at a time. It dies with the power, and with the array that it works on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

enum step { NOTHING, ASKED, SHAPE, DISKS, BEGIN, BACKUP, MOVE, NOTE, LOOK, GO_ON };

#define NOBODY (-1)
#define GONE (-2) /* since mdadm has opened it: it takes nothing any more, plugged in again or not */

static struct {
	enum step step;
	unsigned volume;
	int record[2];    /* the disks of the first two slots, NOBODY, or GONE */
	bool waiting;     /* for the daemon's answer */
	unsigned daemon;  /* by which it was asked */
	int status;
} job;

static struct truth *truth_here(void)
{
	return &world.volume[job.volume];
}

void grow_forget(void)
{
	memset(&job, 0, sizeof(job));
}

/* It has the daemon started, if there is none. */
bool grow_is_at_work(void)
{
	return job.step != NOTHING;
}

bool grow_is_due(void)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (world.volume[v].exists && (world.volume[v].asked || world.volume[v].reshaping))
			return true;
	return grow_is_at_work();
}

bool grow_is_on_record(void)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	return world.reshapes && judge_read(set_of_container(), &r, number) && truth_any_reshape(&r);
}

bool grow_is_at_its_end(void)
{
	return job.step == NOTE || job.step == LOOK ? truth_here()->moved == REGIONS : false;
}

/* ---- all arrays ---- */

static void hold_arrays(bool hold)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct md_array *a = md_of(v);

		if (!md_runs(a))
			continue;
		a->held_by_mdadm = hold;
		if (!a->raid0 && !a->reshaped)
			md_freeze(a, hold);
	}
}

static void give_up(void)
{
	struct md_array *a = md_of(job.volume);

	sim_say("  mdadm gives up");
	grow_forget();
	hold_arrays(false);
	if (!md_runs(a) || !a->reshaped)
		return;
	a->held_by_mdadm = sim_chance(2);
	a->frozen = sim_chance(2);
	if (a->frozen)
		a->action = SYNC_IDLE;
	md_notify(a);
}

void grow_stopped(unsigned volume)
{
	if (job.step > ASKED && job.volume == volume)
		give_up();
}

/* ---- what is said to the daemon ---- */

static void answered(unsigned volume, int status)
{
	(void)volume;
	sim_say("  mdadm is answered, status %d", status);
	job.waiting = false;
	job.status = status;
}

static void say(const uint8_t *buf, size_t len)
{
	job.waiting = true;
	job.daemon = world.daemons;
	daemon_message(buf, len, job.volume, answered);
}

/* True: nobody is waited for. */
static bool may_go_on(void)
{
	if (!job.waiting)
		return true;
	if (world.loaded && world.alive && job.daemon == world.daemons)
		return false;
	job.waiting = false;
	job.status = -EIO;
	if (job.step == ASKED || sim_chance(2)) {
		give_up();
		return false;
	}
	return true;
}

/* A client that finds no daemon goes on without it. */
static void note_checkpoint(unsigned unit)
{
	uint8_t buf[SIM_MESSAGE];

	if (world.alive && world.loaded)
		say(buf, world.ad->checkpoint(buf, unit));
}

/* ---- the record on two disks ---- */

static struct sim_record record_of(const struct truth *t, unsigned unit, bool copied)
{
	return (struct sim_record){
		.unit = unit,
		.units = REGIONS,
		.copied = copied,
		.depth = (uint32_t)md_region_sectors(t, 1),
		.data_members = t->plan.members - (t->plan.level == 5),
	};
}

/* As mdadm finds the members when it begins. */
static void find_record(const struct reader_result *r, const unsigned *number)
{
	const struct truth *t = truth_here();

	job.record[0] = job.record[1] = NOBODY;
	for (unsigned i = 0; i < r->volumes; i++)
		for (unsigned s = 0; s < 2 && strcmp(r->volume[i].name, t->plan.name) == 0; s++)
			if (r->volume[i].member[s].disk >= 0)
				job.record[s] = (int)number[r->volume[i].member[s].disk];
}

/* Whoever reads it on a disk that was not there is led to where the reshape was then (imsm.md 1.14). */
static void note_without_record(const struct truth *t, unsigned slot)
{
	world.disk[t->plan.disk[slot]].old_record = true;
}

static void put_record(unsigned disk, const struct sim_record *r)
{
	world.ad->put_record(disk, r);
	world.disk[disk].old_record = false;
}

static bool takes_record(int disk)
{
	flight_await(disk); /* mdadm does */
	return world.disk[disk].attached && !world.disk[disk].refuses;
}

/* False: a disk does not take it, or the power has failed. */
static bool write_record(unsigned unit, bool copied)
{
	struct sim_record r = record_of(truth_here(), unit, copied);

	for (int s = 0; s < 2; s++) {
		if (job.record[s] == NOBODY) {
			note_without_record(truth_here(), (unsigned)s);
			continue;
		}
		if (job.record[s] == GONE || !takes_record(job.record[s]))
			return false;
		put_record((unsigned)job.record[s], &r);
		if (world.alive)
			sim_point();
		if (!world.power)
			return false;
	}
	sim_say("  mdadm's record: unit %u%s", unit, copied ? ", copied" : "");
	return true;
}

/*
 * Zeros: the daemon has seen the end before. Of disks that can be read; without any mdadm gives up. Of one that hangs mdadm
 * reads what it has when it has answered, and what the daemon wrote before is carried out by then.
 */
static bool record_is_gone(void)
{
	bool any = false;

	for (int s = 0; s < 2; s++) {
		if (job.record[s] < 0)
			continue;
		any = true;
		flight_await(job.record[s]);
		if (world.ad->has_record((unsigned)job.record[s]))
			return false;
	}
	return any;
}

void grow_gone(unsigned disk)
{
	for (int s = 0; s < 2; s++)
		if (job.record[s] == (int)disk)
			job.record[s] = GONE;
}

/* ---- the steps ---- */

static void learn_shape(void)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	if (!judge_read(set_of_container(), &r, number))
		return;
	for (unsigned i = 0; i < r.volumes; i++)
		if (strcmp(r.volume[i].name, truth_here()->plan.name) == 0)
			truth_learn_shape(truth_here(), &r.volume[i], number);
}

static void asked(void)
{
	if (!job.status) {
		learn_shape();
		truth_begin_reshape(truth_here());
		job.step = SHAPE;
		return;
	}
	for (unsigned v = 0; v < SIM_VOLUMES && job.status != -EIO; v++)
		world.volume[v].asked = false;
	give_up();
}

static void shape(struct md_array *a)
{
	if (a->pending)
		return;
	md_change_shape(a);
	job.step = DISKS;
}

static void disks(struct md_array *a)
{
	if (a->pending)
		return;
	if (md_add_new(a))
		job.step = BEGIN;
	else
		give_up();
}

static void begin(struct md_array *a)
{
	if (a->pending || !a->there)
		return;
	md_begin_reshape(a);
	job.step = BACKUP;
	if (!write_record(truth_here()->moved, false) && world.power)
		give_up();
}

/* Volumes that are assembled in the middle of it. First the daemon is pinged (mdmon.md, the table of clients). */
static void go_on(struct md_array *a)
{
	if (!daemon_has_looked_at(a))
		return;
	if (a->mode == MD_READONLY && world.loaded)
		md_array_state(a, "active");
	if (a->mode == MD_READ_WRITE && !a->pending)
		job.step = BEGIN;
}

static void backup(struct md_array *a)
{
	struct truth *t = truth_here();

	if (t->moved == REGIONS) { /* it was interrupted at the very end */
		job.step = MOVE;
		return;
	}
	if (a->in_flight && a->region == t->moved)
		md_finish(a);
	if ((a->in_flight || a->waiting) && a->region == t->moved)
		return;
	a->suspended = (int)t->moved;
	t->copied = (int)t->moved;
	job.step = MOVE;
	if (write_record(t->moved, true))
		note_checkpoint(t->moved);
	else if (world.power)
		give_up();
}

static void move(struct md_array *a)
{
	struct truth *t = truth_here();
	unsigned before = t->moved;

	if (!a->pending && a->action == SYNC_IDLE && a->reshaped && !a->frozen)
		a->action = SYNC_RESHAPE; /* interrupted by a failure, it begins again */
	if (md_move(a) && (t->moved > before || !a->reshaped)) {
		sim_say("  md has moved %u of %u", t->moved, REGIONS);
		job.step = NOTE;
	}
}

/* The daemon began without a disk that has the record, and cannot tell mdadm there that it has seen the end: open, imsm.md 5.5. */
static bool is_out_of_reach(void)
{
	for (int s = 0; s < 2; s++)
		if (job.record[s] >= 0 && world.disk[job.record[s]].late && !daemon_knows((unsigned)job.record[s]))
			return true;
	return false;
}

static void note(struct md_array *a)
{
	struct truth *t = truth_here();

	(void)a;
	job.step = t->moved < REGIONS ? BACKUP : LOOK;
	if (record_is_gone())
		return;
	world.split |= t->moved == REGIONS && is_out_of_reach();
	if (write_record(t->moved, false))
		note_checkpoint(t->moved);
	else if (world.power)
		give_up();
}

static bool next_volume(const struct reader_result *r, const unsigned *number)
{
	for (unsigned i = 0; i < r->volumes; i++) {
		struct truth *t = truth_by_name(r->volume[i].name);

		if (!t || !r->volume[i].reshaping)
			continue;
		truth_begin_reshape(t);
		job.volume = (unsigned)(t - world.volume);
		find_record(r, number);
		job.step = md_runs(md_of(job.volume)) ? SHAPE : NOTHING;
		return true;
	}
	return false;
}

/*
 * The daemon has been asked whether it is done with all it has seen. If it has not seen the end, mdadm would find the same
 * volume once more, and gives up; then the daemon can tell that nobody is at work on the array.
 */
static void look(struct md_array *a)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];
	struct truth *t = truth_here();

	if (!world.loaded || a->pending || a->event || !daemon_idle() || !judge_read(set_of_container(), &r, number))
		return;
	for (unsigned i = 0; i < r.volumes; i++)
		if (r.volume[i].reshaping && strcmp(r.volume[i].name, t->plan.name) == 0) {
			give_up();
			return;
		}
	truth_end_reshape(t);
	a->suspended = -1;
	md_back_to_raid0(a);
	a->held_by_mdadm = false;
	if (next_volume(&r, number) && job.step != NOTHING)
		return;
	sim_say("  mdadm is done");
	grow_forget();
	hold_arrays(false);
}

void grow_step(void)
{
	static void (*const steps[])(struct md_array *a) = {
		[SHAPE] = shape, [DISKS] = disks, [BEGIN] = begin, [BACKUP] = backup,
		[MOVE] = move,	 [NOTE] = note,	  [LOOK] = look,   [GO_ON] = go_on,
	};
	struct md_array *a = md_of(job.volume);

	if (!world.power || job.step == NOTHING || !may_go_on())
		return;
	if (job.step == ASKED)
		asked();
	else if (!md_runs(a))
		give_up();
	else
		steps[job.step](a);
}

/* ---- how it begins ---- */

void grow_found(void)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	for (unsigned v = 0; v < SIM_VOLUMES && job.step == NOTHING; v++) {
		struct md_array *a = md_of(v);

		if (!world.volume[v].reshaping || !md_runs(a) || !a->reshaped ||
		    !judge_read(set_of_container(), &r, number))
			continue;
		job.volume = v;
		job.step = GO_ON;
		find_record(&r, number);
	}
}

bool grow_may_resume(const struct reader_volume *rv, const unsigned *number)
{
	for (unsigned s = 0; s < 2; s++)
		if (rv->member[s].disk >= 0 && !takes_record((int)number[rv->member[s].disk]))
			return false;
	return true;
}

/* Of what mdadm has put back when it assembled the volume it says so, before the array is started. */
void grow_resumed(const struct truth *t, const struct reader_volume *rv, const unsigned *number)
{
	struct sim_record r = record_of(t, t->moved, false);

	for (unsigned s = 0; s < 2; s++)
		if (rv->member[s].disk >= 0)
			put_record(number[rv->member[s].disk], &r);
		else
			note_without_record(t, s);
}

/*
 * mdadm --grow --continue. Who types that has looked at the array: what has failed is on record by then.
 */
static bool go_on_later(void)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (md_runs(md_of(v)) && (md_of(v)->event || md_any_blocked(md_of(v))))
			return false;
	if (world.alive && world.loaded && daemon_idle())
		grow_found();
	if (job.step != NOTHING)
		md_of(job.volume)->held_by_mdadm = true;
	return job.step != NOTHING;
}

/* `whole`: nor does it lack a member. md reshapes a degraded RAID5, too (raid5_start_reshape()). */
static bool is_at_rest(const struct truth *t, const struct reader_volume *rv, bool whole)
{
	const struct md_array *a = t && t->array >= 0 ? &world.array[t->array] : NULL;

	if (!a || t->unsure || t->reshaping || !md_runs(a) || a->action != SYNC_IDLE || a->frozen || a->pending ||
	    a->resync_from < REGIONS || (t->plan.level != 0 && t->plan.level != 5) || (whole && rv->recorded_degraded) ||
	    rv->reshaping || rv->members != t->plan.members || !md_serves(a))
		return false;
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && (a->member[i].faulty || !a->member[i].in_sync))
			return false;
	return true;
}

/* `wide`: and as wide as the first one. */
static bool all_at_rest(const struct reader_result *r, bool wide)
{
	bool whole = sim_chance(2);

	for (unsigned i = 0; i < r->volumes; i++)
		if ((wide && r->volume[i].members != r->volume[0].members) ||
		    !is_at_rest(truth_by_name(r->volume[i].name), &r->volume[i], whole))
			return false;
	return r->volumes;
}

static unsigned find_spares(const struct reader_result *r, const unsigned *number, unsigned wanted, unsigned *disk)
{
	unsigned n = 0;

	for (unsigned i = 0; i < (unsigned)__builtin_popcount(set_of_container()) && n < wanted; i++)
		if (r->role[i] == READER_SPARE)
			disk[n++] = number[i];
	return n;
}

static void plan_wider(struct truth *t, const unsigned *disk, unsigned count)
{
	t->next = t->plan;
	for (unsigned i = 0; i < count; i++)
		t->next.disk[t->next.members++] = disk[i];
	t->asked = true;
	t->gone = 0;
}

static size_t ask_wider(uint8_t *buf, const struct reader_result *r, const unsigned *number, unsigned wanted)
{
	unsigned disk[SIM_MEMBERS], count = find_spares(r, number, wanted, disk);

	if (!count || r->volume[0].members + count > SIM_MEMBERS || !all_at_rest(r, true))
		return 0;
	for (unsigned i = 0; i < r->volumes; i++)
		plan_wider(truth_by_name(r->volume[i].name), disk, count);
	job.volume = (unsigned)(truth_by_name(r->volume[0].name) - world.volume);
	return world.ad->widen(buf, r, disk, count);
}

/* Which spare it is to be the daemon will say. */
static size_t ask_level(uint8_t *buf, const struct reader_result *r, const unsigned *number, unsigned volume)
{
	struct truth *t = volume < r->volumes ? truth_by_name(r->volume[volume].name) : NULL;
	unsigned disk[SIM_MEMBERS];

	/* What was asked of a daemon that died may be on a disk that is away: is_settled() could not tell the two apart. */
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (world.volume[v].asked)
			return 0;
	if (!world.ad->relevel || !t || t->plan.level || !find_spares(r, number, 1, disk) ||
	    r->volume[volume].members == SIM_MEMBERS || !all_at_rest(r, false))
		return 0;
	plan_wider(t, disk, 1);
	t->next.level = 5;
	job.volume = (unsigned)(t - world.volume);
	return world.ad->relevel(buf, r, volume);
}

static size_t ask_chunk(uint8_t *buf, const struct reader_result *r, unsigned volume)
{
	struct truth *t = volume < r->volumes ? truth_by_name(r->volume[volume].name) : NULL;

	/* What was asked of it before may have to begin yet, and does so when this has ended: it would be forgotten. */
	if (!world.ad->rechunk || !t || t->asked || !all_at_rest(r, false))
		return 0;
	plan_wider(t, NULL, 0);
	t->next.chunk = t->plan.chunk ? 0 : 2 * SIM_CHUNK;
	job.volume = (unsigned)(t - world.volume);
	return world.ad->rechunk(buf, r, volume, t->next.chunk ? t->next.chunk : SIM_CHUNK);
}

static size_t ask(uint8_t *buf, const struct reader_result *r, const unsigned *number, unsigned what)
{
	if (what < 10)
		return ask_wider(buf, r, number, what);
	return what < 20 ? ask_level(buf, r, number, what - 10) : ask_chunk(buf, r, what - 20);
}

/* As "grow" in events.c. */
bool grow_ask(unsigned what)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];
	uint8_t buf[SIM_MESSAGE];
	size_t len;

	if (job.step != NOTHING || !world.reshapes || !world.ad->widen || !world.power || !world.alive || !world.loaded)
		return false;
	if (go_on_later())
		return true;
	if (!judge_read(set_of_container(), &r, number) || truth_any_reshape(&r))
		return false;
	len = ask(buf, &r, number, what);
	if (!len)
		return false;
	find_record(&r, number);
	job.step = ASKED;
	hold_arrays(true);
	say(buf, len);
	return true;
}

/* ---- how it ends ---- */

static void happen_to(const char *word, unsigned arg, unsigned second)
{
	struct event e;
	char text[64];

	snprintf(text, sizeof(text), "%s %u %u", word, arg, second);
	if (event_parse(text, &e) && !world.hit[0] && !world.split)
		event_apply(&e);
}

static void happen(const char *word, unsigned arg)
{
	happen_to(word, arg, 0);
}

static void boot(void)
{
	struct event e;

	event_parse("boot abcdefghijklmnop", &e);
	event_apply(&e);
}

/* All volumes that a grow was about are as wide as the first one, and none is on its way. */
static bool is_settled(const struct truth **narrow)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS];

	*narrow = NULL;
	if (!judge_read(set_of_container(), &r, number))
		return false;
	for (unsigned i = 0; i < r.volumes; i++) {
		const struct truth *t = truth_by_name(r.volume[i].name);

		if (t && t->asked && t->next.level == t->plan.level && t->next.members > t->plan.members &&
		    r.volume[i].members < r.volume[0].members)
			*narrow = t;
	}
	return !*narrow && job.step == NOTHING && !truth_any_reshape(&r);
}

/* A daemon that has died may have left something to be done that begins with the next assembly. */
static void assemble_anew(void)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		happen("finish", v);
		happen("stop", v);
	}
	happen("run", 2);
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		happen("clear", v);
}

void grow_settle(void)
{
	const struct truth *narrow;

	world.countdown = -1;
	for (unsigned n = 0; n < world.disks; n++)
		flight_answer(n, ANSWER_WELL);
	if (!world.power)
		boot();
	for (unsigned round = 0; round < 60 && !world.trouble && !world.hit[0] && !world.split; round++) {
		if (is_settled(&narrow))
			return;
		if (round % 20 == 19)
			assemble_anew();
		happen("start", 0);
		happen("daemon", 0);
		for (unsigned v = 0; v < SIM_VOLUMES; v++) {
			happen("finish", v);
			happen_to("sync", v, REGIONS);
		}
		happen("run", 3);
		happen("mdadm", 4);
	}
	if (world.trouble || world.hit[0] || world.split || is_settled(&narrow))
		return;
	if (narrow)
		sim_hit("a volume was to be widened, too, and never is (volume %s, RAID%d)", narrow->plan.name,
			narrow->plan.level);
	else
		sim_hit("a reshape is recorded that nobody ends");
}
