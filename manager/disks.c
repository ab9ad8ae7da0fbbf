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

int manager_note_disk(struct manager *mgr, dev_t dev, ino_t inode)
{
	struct container_disk *cd = calloc(1, sizeof(*cd));

	if (!cd)
		return -ENOMEM;
	cd->dev = dev;
	cd->inode = inode;
	cd->next = mgr->disks;
	mgr->disks = cd;
	return 0;
}

void manager_forget_disks(struct manager *mgr)
{
	while (mgr->disks) {
		struct container_disk *next = mgr->disks->next;

		free(mgr->disks);
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

static void disk_left(struct manager *mgr, const struct container_disk *cd)
{
	struct metadata_update *u = calloc(1, sizeof(*u));

	if (!u)
		return;
	u->op = UPDATE_REMOVE_DISK;
	u->dev = cd->dev;
	manager_queue_update(mgr, u);
	log_left(mgr, cd->dev);
}

static void disk_added(struct manager *mgr, struct metadata_update *u)
{
	char disk[LOG_NAME_MAX];

	sysfs_name_or_number(u->dev, disk, sizeof(disk));
	if (u->status)
		log_error("%s: disk %s not added: %s", mgr->st->container, disk, strerror(-u->status));
	else
		log_event(LOG_LEVEL_INFO, ABOUT("disk-added", NULL, disk), "%s: %s is %s", mgr->st->container, disk,
			  u->known ? "a disk that the metadata know" : "a new spare");
}

/* The handler says whether the metadata that it carries mean anything: else it is a new spare. */
static void disk_came(struct manager *mgr, const struct sysfs_member *m)
{
	struct metadata_update *u = calloc(1, sizeof(*u));
	struct disk *d = u ? disk_open(m->dev) : NULL;

	if (!d) {
		log_error("%s: cannot open %s: %m", mgr->st->container, member_disk(m->name));
		free(u);
		return;
	}
	u->op = UPDATE_ADD_DISK;
	u->dev = m->dev;
	u->done = disk_added;
	if (mgr->st->ss->add_to_super(mgr->st, d, u)) {
		disk_close(d);
		free(u);
		return;
	}
	manager_queue_update(mgr, u);
}

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
		free(cd);
	}
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
	for (size_t i = 0; i < count; i++) {
		if (!list[i].dev || list[i].offline) {
			all = false;
			continue;
		}
		if (!find_disk(mgr, &list[i]) && !manager_note_disk(mgr, list[i].dev, list[i].inode))
			disk_came(mgr, &list[i]);
	}
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
	if (!err)
		err = sysfs_list_members(mgr->container_md_dir, &list, &count);
	if (err) {
		mgr->look_again_ns = clock_now_ns() + LOOK_RETRY_MS * NS_PER_MS;
		return;
	}
	mgr->container_print = compare_disks(mgr, list, count) ? print : 0;
	free(list);
}
