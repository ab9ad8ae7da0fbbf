/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disks of the container: the monitor is told which have come and which have left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "manager/manager.h"
#include "md/members.h"
#include "metadata/disk.h"
#include "sysfs.h"

/* A disk that could not be opened is tried again after such pauses, which grow. */
#define DISK_RETRY_MIN_MS 200
#define DISK_RETRY_MAX_MS 30000
/* One that the handler cannot take, for a reason that may pass, is tried so often: each time it says why. */
#define DISK_OFFERS 5
/* How long a ping waits for a disk that has just come. */
#define PATIENCE_NS (1 * NS_PER_S)

/* It is opened and read in a lane of its own: that may take long. Owned by the helper until it comes back. */
struct arrival {
	struct worker_job job;
	struct worker_lane lane;
	struct manager *mgr;       /* not for the helper: the process may be at its end */
	struct supertype *st;
	struct container_disk *of; /* NULL: it has left meanwhile */
	uint64_t since_ns;
	struct disk *disk; /* NULL: it could not be opened */
	struct metadata_update *update; /* names the disk */
	int err;
};

static void free_disk(struct container_disk *cd)
{
	if (cd->arrival)
		cd->arrival->of = NULL;
	free(cd->leaving);
	free(cd);
}

/* What has to be said when it leaves is allocated now: then nothing can go wrong any more. NULL: out of memory. */
static struct container_disk *note_disk(struct manager *mgr, dev_t dev, ino_t inode)
{
	struct container_disk *cd = calloc(1, sizeof(*cd));

	if (!cd)
		return NULL;
	cd->leaving = calloc(1, sizeof(*cd->leaving));
	if (!cd->leaving) {
		free(cd);
		return NULL;
	}
	cd->dev = dev;
	cd->inode = inode;
	cd->next = mgr->disks;
	mgr->disks = cd;
	return cd;
}

int manager_note_disk(struct manager *mgr, dev_t dev, ino_t inode)
{
	struct container_disk *cd = note_disk(mgr, dev, inode);

	if (!cd)
		return -ENOMEM;
	cd->taken = true;
	return 0;
}

void manager_forget_disks(struct manager *mgr)
{
	while (mgr->disks) {
		struct container_disk *next = mgr->disks->next;

		free_disk(mgr->disks);
		mgr->disks = next;
	}
}

static void log_left(const struct manager *mgr, dev_t dev)
{
	char disk[LOG_NAME_MAX];

	sysfs_name_or_number(dev, disk, sizeof(disk));
	log_event(LOG_LEVEL_INFO, ABOUT("disk-left", NULL, disk), "%s: disk %s left the container",
		  mgr->st->container, disk);
}

static void disk_left(struct manager *mgr, struct container_disk *cd)
{
	struct metadata_update *u = cd->leaving;

	cd->leaving = NULL;
	u->op = UPDATE_REMOVE_DISK;
	u->dev = cd->dev;
	manager_queue_update(mgr, u);
	log_left(mgr, cd->dev);
}

static void disk_added(struct manager *mgr, struct metadata_update *u)
{
	char disk[LOG_NAME_MAX];

	if (u->status)
		return; /* the handler has said why */
	mgr->look_due = true; /* a volume that was not known may be by now: its array is served before a spare is looked for */
	sysfs_name_or_number(u->dev, disk, sizeof(disk));
	log_event(LOG_LEVEL_INFO, ABOUT("disk-added", NULL, disk), "%s: %s is %s", mgr->st->container, disk,
		  u->known ? "a disk that the metadata know" : "a new spare");
}

/* What may be otherwise in a moment: somebody has the disk open, or it does not answer yet. */
static bool may_pass(int err)
{
	return err == -ENOMEM || err == -EIO || err == -EBUSY || err == -EAGAIN || err == -EINTR;
}

/* ---- a disk that comes ---- */

/* Helper thread. The handler says whether the metadata that it carries mean anything: else it is a new spare. */
static void look_at_disk(struct worker_job *job)
{
	struct arrival *a = container_of(job, struct arrival, job);

	a->disk = disk_open(a->update->dev);
	a->err = a->disk ? a->st->ss->add_to_super(a->st, a->disk, a->update) : -errno;
}

static void cannot_open(const struct arrival *a)
{
	char disk[LOG_NAME_MAX];

	if (a->of->retry.pause_ms)
		return; /* said once */
	sysfs_name_or_number(a->update->dev, disk, sizeof(disk));
	log_error("%s: cannot open %s: %s", a->mgr->st->container, disk, strerror(-a->err));
}

static void try_again_at(struct manager *mgr, uint64_t at_ns)
{
	if (!mgr->disk_again_ns || at_ns < mgr->disk_again_ns)
		mgr->disk_again_ns = at_ns;
}

static void judge(struct arrival *a)
{
	struct container_disk *cd = a->of;

	if (!a->disk)
		cannot_open(a);
	/* One that opens and is refused for good, or too often, is left alone. */
	cd->taken = a->disk && (!may_pass(a->err) || ++cd->refused == DISK_OFFERS);
	if (cd->taken)
		return;
	retry_later(&cd->retry, DISK_RETRY_MIN_MS, DISK_RETRY_MAX_MS);
	try_again_at(a->mgr, cd->retry.at_ns);
}

static void disk_looked_at(struct worker_job *job)
{
	struct arrival *a = container_of(job, struct arrival, job);

	a->mgr->arrivals--;
	if (a->of) {
		a->of->arrival = NULL;
		judge(a);
	}
	if (a->of && !a->err) {
		manager_queue_update(a->mgr, a->update);
	} else {
		if (a->err)
			disk_close(a->disk);
		manager_free_update(a->update);
	}
	free(a);
}

static struct arrival *arrival_new(struct manager *mgr, struct container_disk *cd)
{
	struct arrival *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->update = calloc(1, sizeof(*a->update));
	if (!a->update) {
		free(a);
		return NULL;
	}
	a->job = (struct worker_job){ .run = look_at_disk, .done = disk_looked_at };
	a->mgr = mgr;
	a->st = mgr->st;
	a->of = cd;
	a->update->op = UPDATE_ADD_DISK;
	a->update->dev = cd->dev;
	a->update->done = disk_added;
	return a;
}

static void disk_came(struct manager *mgr, struct container_disk *cd)
{
	cd->arrival = arrival_new(mgr, cd);
	if (!cd->arrival) {
		retry_later(&cd->retry, DISK_RETRY_MIN_MS, DISK_RETRY_MAX_MS);
		return;
	}
	cd->arrival->since_ns = clock_now_ns();
	mgr->arrivals++;
	worker_submit(&cd->arrival->lane, &cd->arrival->job);
}

bool manager_disk_is_coming(const struct manager *mgr)
{
	return mgr->arrivals;
}

uint64_t manager_disk_patience_ns(const struct manager *mgr)
{
	uint64_t latest = 0, now = clock_now_ns();

	for (const struct container_disk *cd = mgr->disks; cd; cd = cd->next) {
		uint64_t until = cd->arrival ? cd->arrival->since_ns + PATIENCE_NS : 0;

		if (until > now && until > latest)
			latest = until;
	}
	return latest;
}

static void try_disk(struct manager *mgr, struct container_disk *cd)
{
	retry_check(&cd->retry, clock_now_ns());
	if (!cd->arrival && !cd->retry.at_ns)
		disk_came(mgr, cd);
}

/* ---- what is there ---- */

static struct container_disk *find_disk(struct manager *mgr, const struct sysfs_member *m)
{
	struct container_disk *cd = mgr->disks;

	while (cd && !(cd->dev == m->dev && cd->inode == m->inode))
		cd = cd->next;
	return cd;
}

static void forget_unseen(struct manager *mgr)
{
	struct container_disk **link = &mgr->disks;

	while (*link) {
		struct container_disk *cd = *link;

		if (cd->seen) {
			cd->seen = false;
			link = &cd->next;
			continue;
		}
		disk_left(mgr, cd);
		*link = cd->next;
		free_disk(cd);
	}
}

/* A disk that is there. Returns whether it has been judged; if not, sets the time for the next try. */
static bool judge_disk(struct manager *mgr, const struct sysfs_member *m)
{
	struct container_disk *cd = find_disk(mgr, m);

	if (!cd)
		cd = note_disk(mgr, m->dev, m->inode);
	if (!cd) {
		try_again_at(mgr, clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS);
		return false;
	}
	if (!cd->taken)
		try_disk(mgr, cd);
	if (cd->retry.at_ns)
		try_again_at(mgr, cd->retry.at_ns);
	return cd->taken;
}

/*
 * Compares sets, not counts: one disk gone and another come is two changes. Returns whether all
 * disks could be judged.
 */
static bool compare_disks(struct manager *mgr, const struct sysfs_member *list, size_t count)
{
	bool all = true;

	for (size_t i = 0; i < count; i++) {
		struct container_disk *cd = find_disk(mgr, &list[i]);

		if (cd && !list[i].offline)
			cd->seen = true;
	}
	forget_unseen(mgr);
	for (size_t i = 0; i < count; i++)
		all &= list[i].dev && !list[i].offline && judge_disk(mgr, &list[i]);
	return all;
}

/* mdstat changes often, the set of disks hardly ever: its fingerprint tells cheaply whether it did. */
void manager_look_at_disks(struct manager *mgr)
{
	struct sysfs_member *list;
	uint64_t print;
	size_t count;
	int err = sysfs_members_fingerprint(mgr->container_md_dir, &print);

	if (!err && print == mgr->container_print)
		return;
	mgr->disk_again_ns = 0;
	if (!err)
		err = sysfs_list_members(mgr->container_md_dir, &list, &count);
	if (err) {
		mgr->look_again_ns = clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS;
		return;
	}
	mgr->container_print = compare_disks(mgr, list, count) ? print : 0;
	free(list);
}
