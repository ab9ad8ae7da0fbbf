/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks that come into a DDF container and go (ddf.md 10): what a new one gets, and what is left of one that is gone.
 */
#include "ddf/ddf.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/refuse.h"

/* ---- what tells a disk from all others (1.12) ---- */

static void fill_random(void *p, size_t len)
{
	uint64_t ns = clock_now_ns();

	/* There is no entropy yet, early at boot: the time is unique enough. */
	if (getrandom(p, len, GRND_NONBLOCK) != (ssize_t)len)
		memcpy(p, &ns, len < sizeof(ns) ? len : sizeof(ns));
}

/* ddf.md 1.12 */
static void make_guid(uint8_t guid[DDF_GUID_LEN])
{
	time_t now = time(NULL);
	char date[9] = "19800101";
	struct tm tm;

	if (gmtime_r(&now, &tm)) /* which reads no file of time zones */
		strftime(date, sizeof(date), "%Y%m%d", &tm);
	memcpy(guid, "Linux-MD", 8);
	memcpy(guid + 8, date, 8);
	fill_random(guid + 16, 8);
}

void ddf_make_identity(struct ddf_dl *dl)
{
	make_guid(dl->guid);
	fill_random(&dl->refnum, sizeof(dl->refnum));
}

/* ---- disks that come (10.1) ---- */

/* Numbers that stand for no disk count as taken, and those that a record still names although no disk is listed. */
static bool refnum_taken(const struct ddf_container *c, uint32_t refnum)
{
	if (!ddf_is_disk(refnum) || ddf_dl_by_ref(c, refnum) || ddf_any_names(c, refnum))
		return true;
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (be32_get(ddf_pd(c, i)->refnum) == refnum)
			return true;
	return false;
}

static struct ddf_pd_entry *unused_pd(const struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++)
		if (!ddf_pd_used(ddf_pd(c, i)))
			return ddf_pd(c, i);
	return NULL;
}

/* As far from the end as it is on a disk of that size. False: the new disk is too small for it. */
static bool same_distance(uint64_t lba, uint64_t model_sectors, uint64_t sectors, be64 *out)
{
	uint64_t distance = model_sectors - lba;

	if (lba >= model_sectors || distance >= sectors)
		return false;
	*out = be64_make(sectors - distance);
	return true;
}

/* Where the metadata go: as on a disk that is there, else as mdadm has it. */
static bool place_copies(const struct ddf_dl *model, uint64_t sectors, struct ddf_header *h)
{
	uint64_t model_sectors = model ? model->disk->size / DDF_SECTOR : 0;

	h->primary_lba = be64_make(sectors - DDF_PRIMARY_FROM_END);
	h->secondary_lba = h->workspace_lba = be64_make(sectors - DDF_SECONDARY_FROM_END);
	if (!model)
		return true;
	/* A workspace that does not fit means nothing: the one that mdadm would make stays. */
	same_distance(model->at.workspace_lba, model_sectors, sectors, &h->workspace_lba);
	if (!same_distance(model->at.primary_lba, model_sectors, sectors, &h->primary_lba))
		return false;
	h->secondary_lba = be64_make(DDF_NO_LBA);
	return model->at.secondary_lba == DDF_NO_LBA ||
	       same_distance(model->at.secondary_lba, model_sectors, sectors, &h->secondary_lba);
}

/* Before everything that is reserved. A workspace that takes too much is no workspace (10.1, step 5). */
static uint64_t room_for_arrays(const struct ddf_layout *at, uint64_t sectors)
{
	uint64_t room = sectors - DDF_RESERVED_SECTORS, workspace;

	if (at->primary_lba < room)
		room = at->primary_lba;
	if (at->secondary_lba < room) /* not so if there is none */
		room = at->secondary_lba;
	if (at->workspace_lba >= room)
		return room;
	workspace = room - at->workspace_lba;
	return workspace > 2097152 && workspace > sectors / 16 ? room : at->workspace_lba;
}

static int make_room(const struct ddf_container *c, struct ddf_dl *dl, const char **why)
{
	uint64_t sectors = dl->disk->size / DDF_SECTOR;

	if (dl->disk->sector_size != DDF_SECTOR)
		return refuse(why, -EINVAL, "its sectors do not have 512 bytes");
	dl->header = c->header;
	if (sectors <= DDF_RESERVED_SECTORS || !place_copies(c->disks, sectors, &dl->header))
		return refuse(why, -ENOSPC, "it is too small");
	return ddf_check_layout(&dl->header, sectors, &dl->at, why) ? -ENOSPC : 0;
}

static void make_disk_data(const struct ddf_container *c, struct ddf_dl *dl)
{
	struct ddf_disk_data *d = (struct ddf_disk_data *)dl->disk_data;

	memset(dl->disk_data, 0xff, (size_t)c->layout.disk_data.length * DDF_SECTOR);
	d->magic = be32_make(DDF_DISK_DATA_MAGIC);
	memcpy(d->guid, dl->guid, DDF_GUID_LEN);
	d->refnum = be32_make(dl->refnum);
	d->forced_ref = d->forced_guid = 1;
	memset(d->vendor, ' ', sizeof(d->vendor));
	memcpy(d->vendor, "Linux", 5);
	ddf_seal(d, sizeof(*d));
}

static void make_entry(const struct ddf_dl *dl, struct ddf_pd_entry *e)
{
	static const char path[sizeof(e->path)] = " Information: nil";

	ddf_clear_entry(e);
	memcpy(e->guid, dl->guid, DDF_GUID_LEN);
	e->refnum = be32_make(dl->refnum);
	e->type = be16_make(DDF_PD_FORCED_GUID | DDF_PD_GLOBAL_SPARE);
	e->state = be16_make(DDF_PD_ONLINE);
	e->configured_size = be64_make(room_for_arrays(&dl->at, dl->disk->size / DDF_SECTOR));
	memcpy(e->path, path, sizeof(e->path));
}

/* Copies of what the disk was that lie elsewhere are found as long as the anchor is the old one. */
static void plan_copies(struct ddf_dl *dl, const struct ddf_layout *old)
{
	if (old->primary_lba != dl->at.primary_lba || old->secondary_lba != dl->at.secondary_lba)
		memset(dl->copy, 0, sizeof(dl->copy));
	dl->copy[DDF_FIRST_COPY].exists = true;
	dl->copy[DDF_SECOND_COPY].exists = dl->at.secondary_lba != DDF_NO_LBA;
}

int ddf_add_disk(struct ddf_container *c, struct ddf_dl *dl, const char **why)
{
	const struct ddf_layout old = dl->at;
	struct ddf_pd_entry *e = unused_pd(c);
	int err;

	if (ddf_dl_by_dev(c, dl->dev))
		return refuse(why, -EEXIST, "it is there already");
	if (!e || ddf_count_present(c) >= DDF_MAX_DISKS)
		return refuse(why, -ENOSPC, "the table of disks is full");
	err = make_room(c, dl, why);
	if (err)
		return err;
	while (refnum_taken(c, dl->refnum))
		dl->refnum++;
	make_disk_data(c, dl);
	make_entry(dl, e);
	ddf_count_pds(c);
	memset(dl->config, 0xff, (size_t)c->layout.config.length * DDF_SECTOR);
	plan_copies(dl, &old);
	dl->anchor_due = true;
	dl->given_up = dl->unfit = false;
	dl->next = c->disks;
	c->disks = dl;
	return 0;
}

/* ---- disks that go (10.2) ---- */

static void note_left(struct ddf_container *c, uint32_t refnum)
{
	c->left[c->left_count++ % DDF_MAX_DISKS] = refnum;
}

static bool some_go_on_without(const struct ddf_container *c, uint32_t refnum)
{
	for (unsigned vd = 0; vd < c->layout.max_vd; vd++)
		if (c->volume[vd].live && !c->volume[vd].stopped && ddf_vd_names(c, vd, refnum) &&
		    !ddf_is_strange(c, vd, ddf_slot_of(c, vd, refnum)) && ddf_goes_on_without(c, vd, refnum))
			return true;
	return false;
}

void ddf_note_lost(struct ddf_container *c)
{
	for (unsigned i = 0; i < c->layout.max_pd; i++) {
		struct ddf_pd_entry *e = ddf_pd(c, i);
		unsigned state = be16_get(e->state), bits = DDF_PD_ONLINE | DDF_PD_FAILED | DDF_PD_MISSING;
		uint32_t refnum = be32_get(e->refnum);

		if (!ddf_pd_used(e) || (state & bits) != (DDF_PD_ONLINE | DDF_PD_MISSING) || ddf_dl_by_ref(c, refnum) ||
		    !some_go_on_without(c, refnum))
			continue;
		e->state = be16_make((uint16_t)(state | DDF_PD_FAILED));
		ddf_update_states_of(c, refnum);
	}
}

struct ddf_dl *ddf_remove_disk(struct ddf_container *c, dev_t dev)
{
	struct ddf_dl **link = &c->disks, *dl;
	struct ddf_pd_entry *e;

	while (*link && (*link)->dev != dev)
		link = &(*link)->next;
	dl = *link;
	if (!dl)
		return NULL;
	*link = dl->next;
	dl->next = NULL;
	c->left_seq = c->seq;
	ddf_each_rebuild(c, b)
		if (b->refnum == dl->refnum)
			b->used = false;
	note_left(c, dl->refnum);
	ddf_hold_lost(c, dl);
	e = ddf_pd_by_ref(c, dl->refnum);
	if (e)
		e->state = be16_make(be16_get(e->state) | DDF_PD_MISSING);
	ddf_update_states_of(c, dl->refnum);
	return dl;
}
