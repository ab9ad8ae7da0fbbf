/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel (kernel-md.md 4 to 6), as far as daemons and data can tell: arrays of which members fail, are rebuilt and
 * taken out, writes that wait for the daemon, and the files in which it says so. What it does with data is done to the
 * truth.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sysfs.h"
#include "tests/sim/sim.h"

#define FIRST_FD (1 << 24)

static struct truth *truth_of(const struct md_array *a)
{
	return &world.volume[a->volume];
}

uint64_t md_region_sectors(const struct truth *t, unsigned regions)
{
	return t->plan.component_size / REGIONS * regions;
}

uint64_t md_resync_sectors(const struct truth *t, unsigned regions)
{
	return md_region_sectors(t, regions) * (t->plan.level == 10 ? t->plan.members / 2 : 1);
}

struct md_array *md_of(unsigned volume)
{
	int n = world.volume[volume].array;

	return n < 0 ? NULL : &world.array[n];
}

bool md_runs(const struct md_array *a)
{
	return a && a->there && a->mode != MD_STOPPED;
}

void md_notify(struct md_array *a)
{
	a->event = true;
}

/* ---- members ---- */

static struct md_disk *in_slot(struct md_array *a, unsigned slot)
{
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].slot == (int)slot && !a->member[i].faulty)
			return &a->member[i];
	return NULL;
}

bool md_has_slots(const struct md_array *a, bool *slot)
{
	memset(slot, 0, SIM_MEMBERS * sizeof(*slot));
	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		if (m->there && m->slot >= 0 && m->in_sync && !m->faulty)
			slot[m->slot] = true;
	}
	return truth_enough(truth_of(a), slot);
}

bool md_writable(const struct md_array *a)
{
	bool slot[SIM_MEMBERS];

	return md_runs(a) && a->mode >= MD_READ_AUTO && md_has_slots(a, slot);
}

bool md_sync_is_due(const struct truth *t)
{
	const struct md_array *a = t->array < 0 ? NULL : &world.array[t->array];

	if (!a)
		return t->sync_due;
	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		/* The end of a rebuild is on record when the daemon has been told of it. */
		if (m->there && m->slot >= 0 && (!m->in_sync || t->entitled[m->slot] != (int)m->disk))
			return true;
	}
	return a->resync_from < REGIONS;
}

static void forget_array(struct truth *t)
{
	t->sync_due = md_sync_is_due(t);
	t->array = -1;
}

bool md_needs_daemon(void)
{
	for (unsigned n = 0; n < world.arrays; n++)
		if (world.array[n].there && !world.array[n].raid0)
			return true;
	return grow_is_at_work();
}

bool md_failed_somewhere(unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		if (world.volume[v].exists && (world.volume[v].failed[disk] || world.volume[v].lost[disk]))
			return true;
	for (unsigned n = 0; n < world.arrays; n++)
		for (unsigned i = 0; world.array[n].there && i < world.array[n].members; i++)
			if (world.array[n].member[i].there && world.array[n].member[i].faulty &&
			    world.array[n].member[i].disk == disk)
				return true;
	return false;
}

static bool recovering(const struct md_disk *m)
{
	return m->there && m->slot >= 0 && !m->faulty && !m->in_sync;
}

static bool any_recovering(const struct md_array *a, unsigned *from)
{
	bool any = false;

	*from = REGIONS;
	for (unsigned i = 0; i < a->members; i++)
		if (recovering(&a->member[i])) {
			any = true;
			if (a->member[i].progress < *from)
				*from = a->member[i].progress;
		}
	return any;
}

/* The last disks that have its data are gone; md does not let go of them. */
static bool is_dead(const struct md_array *a)
{
	bool slot[SIM_MEMBERS];

	md_has_slots(a, slot);
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].slot >= 0 && a->member[i].gone)
			slot[a->member[i].slot] = false;
	return !truth_enough(truth_of(a), slot);
}

bool md_serves(const struct md_array *a)
{
	return md_runs(a) && !is_dead(a);
}

/* ---- start and stop ---- */

void md_hold(struct truth *t, unsigned disk, unsigned region, uint32_t version)
{
	t->held[disk][region] = version;
	world.truth_changed = true;
}


static void add_member(struct md_array *a, const struct reader_member *rm, unsigned disk, unsigned slot)
{
	const struct truth *t = truth_of(a);
	struct md_disk *m = &a->member[a->members++];

	*m = (struct md_disk){ .there = true, .disk = disk, .slot = (int)slot };
	m->in_sync = m->recorded = rm->recovery_start == READER_IN_SYNC;
	while (m->progress < REGIONS && md_region_sectors(t, m->progress + 1) <= rm->recovery_start)
		m->progress++;
}

static bool lacks_members(const struct md_array *a)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->members; i++)
		n += a->member[i].in_sync;
	return n < world.volume[a->volume].plan.members;
}

/*
 * What was written when the power failed may differ between copies. If a rebuild is recorded no metadata can say that,
 * too, and no resync follows (imsm.md 2.7: none with a migration of this type, even if dirty), whether or not the disk
 * that was being rebuilt is there: that is not held against anybody later, nor against a good disk that is not here.
 */
static void forgive_rebuild(struct md_array *a)
{
	struct truth *t = truth_of(a);
	unsigned from;

	if (!any_recovering(a, &from) && !(t->sync_due && lacks_members(a)))
		return;
	for (unsigned r = 0; r < REGIONS; r++)
		for (unsigned n = 0; n < world.disks; n++)
			if (t->held[n][r] >= t->acked[r])
				md_hold(t, n, r, t->newest[r]);
}

int md_start(unsigned volume, const struct reader_volume *rv, const unsigned *disk_number)
{
	struct truth *t = &world.volume[volume];
	struct md_array *a = &world.array[world.arrays];

	if (world.arrays == ARRAYS || t->array >= 0)
		return -EBUSY;
	memset(a, 0, sizeof(*a));
	*a = (struct md_array){ .there = true,
				.volume = volume,
				.number = rv->number,
				.mode = MD_READONLY,
				.clean = true,
				.action = SYNC_IDLE,
				.event = true };
	a->as_raid4 = rv->level == 4;
	a->raid0 = rv->level == 0;
	a->raid_disks = rv->members;
	a->suspended = -1;
	if (a->raid0)
		a->mode = MD_READ_WRITE;
	a->resync_from = REGIONS;
	if (rv->resync_start != READER_IN_SYNC)
		for (a->resync_from = 0; md_resync_sectors(t, a->resync_from + 1) <= rv->resync_start;)
			a->resync_from++;
	for (unsigned slot = 0; slot < t->plan.members; slot++) {
		const struct reader_member *rm = &rv->member[slot];

		t->entitled[slot] = -1;
		if (rm->disk < 0)
			continue;
		t->lost[disk_number[rm->disk]] = false; /* it is a member, by the record */
		add_member(a, rm, disk_number[rm->disk], slot);
		if (rm->recovery_start != READER_IN_SYNC)
			t->failed[disk_number[rm->disk]] = false; /* it begins anew */
		/* One that has failed for another volume is about to be recorded as failed for all. */
		if (rm->recovery_start == READER_IN_SYNC && !md_failed_somewhere(disk_number[rm->disk]))
			t->entitled[slot] = (int)disk_number[rm->disk];
	}
	t->array = (int)world.arrays++;
	forgive_rebuild(a);
	if (rv->reshaping)
		md_resume_reshape(a, rv, disk_number);
	world.truth_changed = true;
	return 0;
}

static void interrupt_sync(struct md_array *a)
{
	if (truth_of(a)->moving && a->action == SYNC_RESHAPE)
		a->suspended = (int)truth_of(a)->moved;
	if (a->action == SYNC_RESYNC)
		a->resync_from = a->sync_done;
	if (a->action != SYNC_IDLE && a->mode == MD_READ_WRITE)
		a->pending = true;
	a->action = SYNC_IDLE;
}

void md_stop(struct md_array *a)
{
	interrupt_sync(a);
	a->mode = MD_STOPPED;
	a->clean = true;
	a->pending = false;
	md_notify(a);
}

/* The metadata do not have it as a member any more. */
static bool failed_on_record(unsigned disk)
{
	static struct reader_result r;
	unsigned number[SIM_DISKS], k = 0;

	if (!judge_read(set_of_all(), &r, number))
		return false;
	while (number[k] != disk)
		k++;
	return r.role[k] == READER_FAILED || r.role[k] == READER_FOREIGN;
}

/* A failure that nobody was told of counts all the same when its array ends, if it is on record. */
static void keep_failures(struct md_array *a)
{
	for (unsigned i = 0; i < a->members; i++) {
		const struct md_disk *m = &a->member[i];

		if (m->there && m->faulty && m->blocked && failed_on_record(m->disk))
			truth_of(a)->lost[m->disk] = true;
	}
}

void md_clear(struct md_array *a)
{
	keep_failures(a);
	forget_array(truth_of(a));
	a->there = false;
	for (unsigned i = 0; i < a->members; i++)
		a->member[i].there = false;
	md_notify(a);
}

/* The power is gone, and all that the kernel knew. */
void md_forget(void)
{
	for (unsigned i = 0; i < SIM_VOLUMES; i++)
		forget_array(&world.volume[i]);
	for (unsigned i = 0; i < world.arrays; i++)
		world.array[i].there = false;
}

/* ---- data ---- */

/* A member takes the write. What lies beyond a rebuild is copied later. */
static bool takes(const struct md_array *a, const struct md_disk *m)
{
	return m->there && m->slot >= 0 && !m->faulty && !m->gone &&
	       (m->in_sync || a->region < m->progress) && truth_holds(truth_of(a), (unsigned)m->slot, a->region);
}

/* The write reaches any of the members, or all of them. */
static void spread(struct md_array *a, bool all)
{
	struct truth *t = truth_of(a);

	for (unsigned i = 0; i < a->members; i++)
		if (takes(a, &a->member[i]) && (all || sim_chance(2)))
			md_hold(t, a->member[i].disk, a->region, t->newest[a->region]);
}

static void begin_write(struct md_array *a)
{
	a->waiting = false;
	a->in_flight = true;
	truth_new_version(truth_of(a), a->region);
	spread(a, false);
}

void md_write(struct md_array *a, unsigned region)
{
	if (!md_writable(a) || a->waiting || a->in_flight || a->suspended == (int)region)
		return;
	a->region = region;
	a->idle = false;
	if (a->raid0) {
		begin_write(a);
		return;
	}
	if (a->mode == MD_READ_AUTO || a->clean) {
		a->pending = true;
		md_notify(a);
	}
	a->mode = MD_READ_WRITE;
	a->clean = false;
	a->waiting = true;
	if (!a->pending)
		begin_write(a);
}

static bool any_blocked(const struct md_array *a)
{
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].blocked)
			return true;
	return false;
}

/* All members have it. A failure holds it until the daemon has noted that. */
void md_finish(struct md_array *a)
{
	struct truth *t = truth_of(a);

	if (!a->in_flight || a->pending || any_blocked(a))
		return;
	spread(a, true);
	if (is_dead(a)) { /* it fails, when all members that can take it have done so */
		a->in_flight = false;
		return;
	}
	a->in_flight = false;
	t->acked[a->region] = t->newest[a->region];
	world.truth_changed = true;
}

void md_idle(struct md_array *a)
{
	if (!md_runs(a) || a->mode != MD_READ_WRITE || a->clean || a->waiting || a->in_flight ||
	    a->raid0)
		return;
	a->idle = true;
	md_notify(a);
}

/* ---- failures ---- */

static bool last_one(struct md_array *a, const struct md_disk *m)
{
	int level = truth_of(a)->plan.level;
	bool slot[SIM_MEMBERS];

	if (!m->in_sync || (level != 1 && level != 10))
		return false;
	md_has_slots(a, slot);
	slot[m->slot] = false;
	return !truth_enough(truth_of(a), slot);
}

bool md_fail(struct md_array *a, unsigned member)
{
	struct md_disk *m = &a->member[member];
	struct truth *t = truth_of(a);

	if (!md_runs(a) || !m->there || m->faulty || m->slot < 0)
		return false;
	world.trouble = true;
	if (a->raid0) {
		m->faulty = true;
		t->entitled[m->slot] = -1;
		return true;
	}
	if (last_one(a, m))
		return false;
	interrupt_sync(a);
	m->faulty = m->blocked = true;
	m->in_sync = false;
	if (a->mode == MD_READ_WRITE)
		a->pending = true;
	for (unsigned v = 0; v < SIM_VOLUMES; v++)
		for (unsigned s = 0; s < SIM_MEMBERS; s++)
			if (world.volume[v].entitled[s] == (int)m->disk)
				world.volume[v].entitled[s] = -1;
	truth_may_be_lost(a, m);
	md_notify(a);
	world.truth_changed = true;
	return true;
}

void md_take_out(unsigned disk)
{
	for (unsigned v = 0; v < SIM_VOLUMES; v++) {
		struct md_array *a = md_of(v);

		for (unsigned i = 0; a && a->there && i < a->members; i++)
			if (a->member[i].there && a->member[i].disk == disk) {
				a->member[i].gone = true;
				md_fail(a, i);
			}
	}
}

/* The slot of a failed member that holds nobody up any more is free. */
static void free_slot(struct md_array *a, struct md_disk *m)
{
	if (m->faulty && !m->blocked && a->mode == MD_READ_WRITE)
		m->slot = -1;
}

/* Nothing is written without this disk if those that are left were pulled meanwhile; of a RAID10, those of its mirror. */
static bool goes_on_without(const struct md_array *a, const struct md_disk *failed)
{
	bool slot[SIM_MEMBERS] = { false }, mirror = false;

	for (const struct md_disk *m = a->member; m < a->member + a->members; m++) {
		if (m != failed && m->there && m->slot >= 0 && m->in_sync && !m->faulty && !m->gone) {
			slot[m->slot] = true;
			mirror |= m->slot / 2 == failed->slot / 2;
		}
	}
	return truth_of(a)->plan.level == 10 ? mirror : truth_enough(truth_of(a), slot);
}

int md_unblock(struct md_array *a, unsigned member)
{
	struct md_disk *m = &a->member[member];

	if (!m->there)
		return -ENODEV;
	if (m->faulty && m->blocked) {
		truth_of(a)->failed[m->disk] = true;
		truth_of(a)->needless[m->disk] = m->slot >= 0 && !goes_on_without(a, m);
		world.truth_changed = true;
	}
	m->blocked = false;
	free_slot(a, m);
	md_notify(a);
	return 0;
}

int md_remove(struct md_array *a, unsigned member)
{
	struct md_disk *m = &a->member[member];

	if (!m->there)
		return -ENODEV;
	if (!m->faulty || a->action != SYNC_IDLE || a->mode == MD_STOPPED)
		return -EBUSY;
	m->there = false;
	m->slot = -1;
	md_notify(a);
	return 0;
}

/* ---- rebuilds and resyncs ---- */

int md_insert(struct md_array *a, unsigned disk, int slot)
{
	struct truth *t = truth_of(a);

	if (!md_runs(a) || a->members == ARRAY_MEMBERS || in_slot(a, (unsigned)slot) || world.md_refuses_spares ||
	    !world.disk[disk].attached)
		return -EBUSY;
	for (unsigned i = 0; i < a->members; i++)
		if (a->member[i].there && a->member[i].disk == disk)
			return -EEXIST;
	a->member[a->members++] = (struct md_disk){ .there = true, .disk = disk, .slot = slot };
	t->failed[disk] = t->lost[disk] = false; /* it begins anew */
	for (unsigned r = 0; r < REGIONS; r++)
		md_hold(t, disk, r, t->held[disk][r]);
	md_notify(a);
	return (int)a->members - 1;
}

void md_freeze(struct md_array *a, bool freeze)
{
	if (freeze)
		interrupt_sync(a);
	a->frozen = freeze;
	if (a->mode == MD_READ_AUTO)
		a->mode = MD_READ_WRITE;
	md_notify(a);
}

/* What a slot's data can be made from: the oldest of what the level needs. False: there is not enough. */
static bool source(struct md_array *a, unsigned slot, unsigned region, uint32_t *version)
{
	const struct truth *t = truth_of(a);
	unsigned n = 0, pair = t->plan.level == 10 ? slot ^ 1u : slot;

	*version = UINT32_MAX;
	for (unsigned s = 0; s < t->plan.members; s++) {
		const struct md_disk *m = in_slot(a, s);

		if (s == slot || !m || !m->in_sync || m->gone ||
		    (t->plan.level == 10 && s != pair))
			continue;
		n++;
		if (t->held[m->disk][region] < *version)
			*version = t->held[m->disk][region];
	}
	return t->plan.level == 5 ? n + 1 == t->plan.members : n > 0;
}

static void recover_region(struct md_array *a, unsigned region)
{
	uint32_t version;

	for (unsigned i = 0; i < a->members; i++) {
		struct md_disk *m = &a->member[i];

		if (!recovering(m) || m->progress > region || !source(a, (unsigned)m->slot, region, &version))
			continue;
		md_hold(truth_of(a), m->disk, region, version);
		m->progress = region + 1;
		if (truth_of(a)->plan.level == 5)
			truth_of(a)->unequal[region] = false; /* what is made of parity agrees with it */
	}
}

/* With parity the newest version wins, among copies that of the first one. */
static uint32_t winner(struct md_array *a, unsigned slot, unsigned region)
{
	const struct truth *t = truth_of(a);
	unsigned begin = t->plan.level == 10 ? slot & ~1u : 0, end = t->plan.level == 10 ? begin + 2 : t->plan.members;
	uint32_t newest = 0;

	for (unsigned s = begin; s < end; s++) {
		const struct md_disk *m = in_slot(a, s);

		if (!m || !m->in_sync)
			continue;
		if (t->plan.level != 5)
			return t->held[m->disk][region];
		if (t->held[m->disk][region] > newest)
			newest = t->held[m->disk][region];
	}
	return newest;
}

static void resync_region(struct md_array *a, unsigned region)
{
	struct truth *t = truth_of(a);
	uint32_t version[SIM_MEMBERS];

	for (unsigned s = 0; s < t->plan.members; s++)
		version[s] = winner(a, s, region);
	for (unsigned s = 0; s < t->plan.members; s++) {
		const struct md_disk *m = in_slot(a, s);

		if (m && m->in_sync)
			md_hold(t, m->disk, region, version[s]);
	}
	t->unequal[region] = false;
	world.truth_changed = true;
}

static void begin_sync(struct md_array *a)
{
	unsigned from;

	if (any_recovering(a, &from) && md_writable(a)) {
		a->action = SYNC_RECOVER;
		a->sync_done = from;
		md_notify(a);
	} else if (a->resync_from < REGIONS) {
		a->action = SYNC_RESYNC;
		a->sync_done = a->resync_from;
		md_notify(a);
	}
}

static void end_sync(struct md_array *a)
{
	if (a->action == SYNC_RESYNC)
		a->resync_from = REGIONS;
	for (unsigned i = 0; a->action == SYNC_RECOVER && i < a->members; i++)
		if (recovering(&a->member[i]) && a->member[i].progress == REGIONS)
			a->member[i].in_sync = true;
	a->action = SYNC_IDLE;
	if (a->mode == MD_READ_WRITE)
		a->pending = true;
	md_notify(a);
	world.truth_changed = true;
}

static void sync_step(struct md_array *a)
{
	/* A write in flight and the sync keep off each other. */
	if (a->in_flight && a->region == a->sync_done)
		md_finish(a);
	if (a->in_flight && a->region == a->sync_done)
		return;
	if (a->action == SYNC_RECOVER)
		recover_region(a, a->sync_done);
	else
		resync_region(a, a->sync_done);
	if (++a->sync_done >= REGIONS)
		end_sync(a);
	else
		md_notify(a);
}

void md_sync(struct md_array *a, unsigned steps)
{
	if (!md_runs(a) || a->mode != MD_READ_WRITE || a->frozen || is_dead(a) || a->raid0 || a->reshaped ||
	    a->action == SYNC_RESHAPE)
		return;
	if (a->action == SYNC_IDLE)
		begin_sync(a);
	while (steps-- && a->action != SYNC_IDLE && a->sync_done < REGIONS)
		sync_step(a);
}

/* ---- files ---- */

int md_fd(unsigned array, unsigned member, unsigned file)
{
	return FIRST_FD + (int)((array * 64 + member) * 16 + file);
}

static const char *state_word(const struct md_array *a)
{
	bool slot[SIM_MEMBERS];

	switch (a->mode) {
	case MD_STOPPED:
		return "inactive";
	case MD_READONLY:
		return "readonly";
	case MD_READ_AUTO:
		return "read-auto";
	case MD_READ_WRITE:
		break;
	}
	if (a->pending)
		return "write-pending";
	if (a->clean)
		return md_has_slots(a, slot) ? "clean" : "broken";
	return a->idle ? "active-idle" : "active";
}

static const char *action_word(const struct md_array *a)
{
	if (a->frozen)
		return "frozen";
	return a->action == SYNC_RECOVER   ? "recover"
	       : a->action == SYNC_RESYNC  ? "resync"
	       : a->action == SYNC_RESHAPE ? "reshape"
					   : "idle";
}

static ssize_t read_array(const struct md_array *a, unsigned file, char *buf, size_t size)
{
	const struct truth *t = truth_of(a);
	uint64_t (*sectors)(const struct truth *t, unsigned regions) =
		a->action == SYNC_RESYNC ? md_resync_sectors : md_region_sectors;

	switch (file) {
	case FILE_STATE:
		return snprintf(buf, size, "%s", state_word(a));
	case FILE_ACTION:
		return snprintf(buf, size, "%s", action_word(a));
	case FILE_COMPLETED:
		if (a->action == SYNC_IDLE)
			return snprintf(buf, size, "none");
		return snprintf(buf, size, "%llu / %llu",
				(unsigned long long)sectors(t, a->action == SYNC_RESHAPE ? t->moved : a->sync_done),
				(unsigned long long)sectors(t, REGIONS));
	case FILE_RESYNC_START:
		if (a->resync_from >= REGIONS)
			return snprintf(buf, size, "none");
		return snprintf(buf, size, "%llu", (unsigned long long)md_resync_sectors(t, a->resync_from));
	case FILE_VERSION:
		return snprintf(buf, size, "external:%cmd127/%u", a->held_by_mdadm ? '-' : '/', a->number);
	case FILE_RESHAPE:
		if (!a->reshaped)
			break;
		return snprintf(buf, size, "%llu", (unsigned long long)md_region_sectors(t, t->moved) * a->raid_disks);
	}
	return snprintf(buf, size, "none");
}

static ssize_t read_member(const struct md_array *a, const struct md_disk *m, unsigned file, char *buf, size_t size)
{
	switch (file) {
	case FILE_MEMBER_STATE:
		return snprintf(buf, size, "%s%s",
				m->faulty    ? "faulty"
				: m->in_sync ? "in_sync"
					     : "spare",
				m->blocked ? ",blocked" : "");
	case FILE_RECOVERY_START:
		return m->in_sync ? snprintf(buf, size, "none")
				  : snprintf(buf, size, "%llu",
					     (unsigned long long)md_region_sectors(truth_of(a), m->progress));
	}
	return snprintf(buf, size, "%s", "");
}

ssize_t __wrap_sysfs_read_fd(int fd, char *buf, size_t size);
ssize_t __wrap_sysfs_read_fd(int fd, char *buf, size_t size)
{
	unsigned k = (unsigned)(fd - FIRST_FD), file = k % 16, member = k / 16 % 64, array = k / 16 / 64;
	const struct md_array *a = &world.array[array];

	if (!a->there)
		return -ENODEV;
	if (file < FILE_MEMBER_STATE)
		return read_array(a, file, buf, size);
	if (!a->member[member].there)
		return -ENODEV;
	return read_member(a, &a->member[member], file, buf, size);
}

int md_array_state(struct md_array *a, const char *word)
{
	if (!md_runs(a))
		return -ENODEV;
	if (strcmp(word, "read-auto") == 0) {
		a->mode = MD_READ_AUTO;
	} else if (strcmp(word, "active") == 0) {
		a->clean |= a->mode != MD_READ_WRITE;
		a->mode = MD_READ_WRITE;
		a->pending = false;
		for (unsigned i = 0; i < a->members; i++)
			free_slot(a, &a->member[i]);
		if (a->waiting)
			begin_write(a);
	} else if (strcmp(word, "clean") == 0) {
		if (a->waiting || a->in_flight)
			return -EBUSY;
		a->mode = MD_READ_WRITE;
		a->clean = true;
		a->idle = false;
	}
	md_notify(a);
	return 0;
}

int __wrap_sysfs_write_fd(int fd, const char *word);
int __wrap_sysfs_write_fd(int fd, const char *word)
{
	unsigned array = (unsigned)(fd - FIRST_FD) / 16 / 64;

	if (!sim_point())
		return 0;
	sim_say("  md%u: \"%s\"", 126 - world.array[array].volume, word);
	return md_array_state(&world.array[array], word);
}
